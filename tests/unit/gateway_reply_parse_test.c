/* Hostile and broken bodies: each is refused, quietly and within its bounds. */
#include "payoutd/codec/gateway_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char memory[512 * 1024];
static struct arena arena;
static struct field *fields;
static size_t count;

static int set_up(void **state)
{
    (void) state;
    arena_init(&arena, memory, sizeof memory);
    fields = NULL;
    count = 0;
    return 0;
}

/* The body is given in a place of exactly its size, so that a sanitizer sees one byte read too
 * many. */
static enum status parse(struct bytes xml)
{
    char *copy = malloc(xml.len > 0 ? xml.len : 1);
    assert_non_null(copy);
    memcpy(copy, xml.data, xml.len);
    enum status status =
        gateway_reply_parse((struct bytes){copy, xml.len}, &arena, &fields, &count);
    free(copy);
    return status;
}

static void assert_field(const struct field *field, const char *name, const char *value)
{
    assert_true(bytes_equal_text(field->name, name));
    assert_true(bytes_equal_text(field->value, value));
    assert_int_equal(field->children_count, 0);
}

static void fields_come_in_message_order_as_they_were_written(void **state)
{
    (void) state;
    assert_int_equal(parse(BYTES("<?xml version='1.0' encoding='UTF-8'?>\n<!-- c --><root a='1'>\n"
                                 "<b>two  words </b><a/><b>Т&amp;&#x41;<![CDATA[<&]]></b>\r\n"
                                 "<c> </c><?php x?></root>\n")),
                     STATUS_OK);
    assert_int_equal(count, 4);
    assert_field(&fields[0], "b", "two  words ");
    assert_field(&fields[1], "a", "");
    assert_field(&fields[2], "b", "Т&A<&");
    assert_field(&fields[3], "c", " ");
}

static void nested_elements_become_children(void **state)
{
    (void) state;
    assert_int_equal(parse(BYTES("<r><a>1</a><n>\n <y>2</y>\n <x><q>3</q><p>4</p></x>\n</n>"
                                 "<z>5</z><m><k>6</k></m></r>")),
                     STATUS_OK);
    assert_int_equal(count, 4);
    assert_field(&fields[0], "a", "1");
    assert_true(bytes_equal(fields[1].name, BYTES("n")));
    assert_true(bytes_is_none(fields[1].value));
    assert_int_equal(fields[1].children_count, 2);
    assert_field(&fields[1].children[0], "y", "2");
    const struct field *x = &fields[1].children[1];
    assert_int_equal(x->children_count, 2);
    assert_field(&x->children[0], "q", "3");
    assert_field(&x->children[1], "p", "4");
    assert_field(&fields[2], "z", "5");
    assert_int_equal(fields[3].children_count, 1);
    assert_field(&fields[3].children[0], "k", "6");
}

static void an_empty_root_has_no_fields(void **state)
{
    (void) state;
    assert_int_equal(parse(BYTES("<response/>")), STATUS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(parse(BYTES("\xEF\xBB\xBF<response> \n</response>")), STATUS_OK);
    assert_int_equal(count, 0);
}

static void what_is_not_plain_xml_is_refused(void **state)
{
    (void) state;
    static const char *const wrong[] = {
        "",
        " ",
        "ok",
        "{\"pg_status\":\"ok\"}",
        "<",
        "<html><body>502<br></body></html>",
        "<r><a>1</a></r><r/>",
        "<r><a>1</a></r>trailing",
        "text<r/>",
        "<r><a>1</b></r>",
        "<r><a>1</r>",
        "<r>text</r>",
        "<r>text<a>1</a></r>",
        "<r><a>1</a>text</r>",
        "<r><a>1<b>2</b></a></r>",
        "<r><a><b>2</b>1</a></r>",
        "<r><a>&unknown;</a></r>",
        "<r><a>&#0;</a></r>",
        "<r><a>&#xD800;</a></r>",
        "<r><a>&amp</a></r>",
        "<r><a>\x01</a></r>",
        "<r><a>]]></a></r>",
        "<r a='1' a='2'/>",
        "<r xmlns:p='u'><p:a>1</p:a></r>",
        "<p:r><a>1</a></p:r>",
        "\n<?xml version='1.0'?><r/>",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        if (parse(bytes_of(wrong[i])) != STATUS_SYNTAX)
            fail_msg("taken: %s", wrong[i]);
    }
}

static const char bomb[] =
    "<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>"
    "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;'>]>"
    "<r><a>&d;&d;&d;&d;&d;&d;&d;&d;</a></r>";

static void a_doctype_of_any_kind_is_refused(void **state)
{
    (void) state;
    static const char *const wrong[] = {
        "<!DOCTYPE r><r><a>1</a></r>",
        "<!DOCTYPE r SYSTEM 'file:///etc/passwd'><r><a>1</a></r>",
        "<!DOCTYPE r PUBLIC 'x' 'http://127.0.0.1:1/x.dtd'><r><a>1</a></r>",
        "<!DOCTYPE r [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><r><a>&e;</a></r>",
        "<!DOCTYPE r [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]><r><a>1</a></r>",
        bomb,
        "<?xml version='1.0'?>\n<!-- c --><!DOCTYPE r []><r/>",
        "<!DOCTYPE r",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        size_t before = arena.used;
        assert_int_equal(parse(bytes_of(wrong[i])), STATUS_SYNTAX);
        assert_true(arena.used - before < strlen(wrong[i]) + 64);
    }
    /* Where it is only text, it is only text. */
    assert_int_equal(parse(BYTES("<r><a><![CDATA[<!DOCTYPE r>]]></a></r>")), STATUS_OK);
    assert_field(&fields[0], "a", "<!DOCTYPE r>");
}

static void only_utf8_is_taken(void **state)
{
    (void) state;
    static const struct {
        const char *data;
        size_t len;
    } wrong[] = {
#define BODY(literal) {literal, sizeof(literal) - 1}
        BODY("<?xml version='1.0' encoding='ISO-8859-1'?><r><a>\xE9</a></r>"),
        BODY("<?xml version='1.0' encoding='windows-1251'?><r><a>1</a></r>"),
        BODY("<?xml version='1.0' encoding='UTF-16'?><r><a>1</a></r>"),
        BODY("<?xml version='1.0' encoding='UTF-7'?><r><a>1</a></r>"),
        BODY("<?xml version='1.0' encoding='UTF-80'?><r><a>1</a></r>"),
        BODY("<?xml version='1.0' encoding='"),
        BODY("<r><a>\xE9</a></r>"),
        BODY("<r><a>\xC0\xAF</a></r>"),
        BODY("<r><a>\xED\xA0\x80</a></r>"),
        BODY("<r><a>\xF8\x88\x80\x80\x80</a></r>"),
        BODY("<r><a>\xD0</a></r>"),
        BODY("<r><a>1\0</a></r>"),
        BODY("<r><a>1</a></r>\0"),
        BODY("\xFF\xFE<\0r\0/\0>\0"),
        BODY("\xFE\xFF\0<\0r\0/\0>"),
        BODY("<\0r\0/\0>\0"),
        BODY("\x4C\x6F\xA7\x94\x93\x40\xA5\x85\x99\xA2\x89\x96\x95\x7E\x7D\xF1\x4B\xF0\x7D\x6F\x6E"
             "\x4C\x99\x61\x6E"), /* EBCDIC */
        BODY("\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\x03\xB3\x29\xB2\xB3"),
        BODY("\x1F\x8B\x08\x01\x01\x01\x01\x01\x01\x03\xB3\x29\xB2\xB3"),
#undef BODY
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        if (parse((struct bytes){wrong[i].data, wrong[i].len}) != STATUS_SYNTAX)
            fail_msg("taken: number %zu", i);
    }
    assert_int_equal(parse(BYTES("<?xml version=\"1.0\" encoding = \"utf-8\" ?><r/>")), STATUS_OK);
}

static void an_answer_cut_at_any_byte_is_refused(void **state)
{
    (void) state;
    static const char whole[] =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<response><pg_status>ok</pg_status>"
        "<n><a>1&amp;2</a><b><![CDATA[x]]></b></n><pg_x>\xD0\xA2</pg_x></response>";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        if (parse((struct bytes){whole, len}) != STATUS_SYNTAX)
            fail_msg("taken when cut at %zu", len);
    }
    assert_int_equal(parse((struct bytes){whole, sizeof whole - 1}), STATUS_OK);
    assert_int_equal(count, 3);
}

static void a_body_above_the_size_limit_is_not_even_read(void **state)
{
    (void) state;
    static char body[GATEWAY_REPLY_MAX + 1];
    memset(body, ' ', sizeof body);
    memcpy(body, "<r><a>1</a></r>", 15);
    assert_int_equal(parse((struct bytes){body, sizeof body}), STATUS_TOO_LARGE);
    assert_int_equal(arena.used, 0);
    assert_int_equal(parse((struct bytes){body, sizeof body - 1}), STATUS_OK);
}

static size_t repeat(char *to, const char *text, size_t times)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < times; i++)
        memcpy(to + i * len, text, len);
    return len * times;
}

static enum status parse_nested(size_t depth)
{
    static char body[GATEWAY_REPLY_MAX];
    size_t len = repeat(body, "<a>", depth);
    len += repeat(body + len, "</a>", depth);
    return parse((struct bytes){body, len});
}

static void depth_is_bounded(void **state)
{
    (void) state;
    assert_int_equal(parse_nested(GATEWAY_REPLY_DEPTH_MAX), STATUS_OK);
    assert_int_equal(parse_nested(GATEWAY_REPLY_DEPTH_MAX + 1), STATUS_TOO_DEEP);
    assert_int_equal(parse_nested(9000), STATUS_TOO_DEEP);
}

static enum status parse_fields(size_t fields_count)
{
    static char body[GATEWAY_REPLY_MAX];
    size_t len = repeat(body, "<r>", 1);
    len += repeat(body + len, "<a/>", fields_count);
    len += repeat(body + len, "</r>", 1);
    return parse((struct bytes){body, len});
}

static void the_number_of_fields_is_bounded(void **state)
{
    (void) state;
    assert_int_equal(parse_fields(GATEWAY_REPLY_FIELDS_MAX), STATUS_OK);
    assert_int_equal(count, GATEWAY_REPLY_FIELDS_MAX);
    assert_int_equal(parse_fields(GATEWAY_REPLY_FIELDS_MAX + 1), STATUS_TOO_LARGE);
    assert_int_equal(parse_fields(10000), STATUS_TOO_LARGE);
}

static void an_arena_that_is_too_small_is_refused(void **state)
{
    (void) state;
    struct bytes body = BYTES("<r><a>1</a><b>2</b></r>");
    assert_int_equal(parse(body), STATUS_OK);
    size_t whole = arena.used;
    for (size_t max = 0; max < whole; max++) {
        arena_init(&arena, memory, max);
        assert_int_equal(parse(body), STATUS_NO_ROOM);
    }
}

static void nothing_is_printed(void **state)
{
    (void) state;
    static const char *const wrong[] = {"<r><a>&x;</a>",
                                        "<!DOCTYPE r SYSTEM 'http://127.0.0.1:1/x'><r/>",
                                        "<r xmlns='a b'/>",
                                        "<r><a>\xE9</a></r>",
                                        "<?xml version='9.9'?><r>",
                                        "<r xml:lang=''/>"};
    char place[] = "/tmp/payoutd-test-XXXXXX";
    int captured = mkstemp(place);
    int saved = dup(STDERR_FILENO);
    assert_true(captured >= 0 && saved >= 0);
    dup2(captured, STDERR_FILENO);
    for (size_t i = 0; i < COUNT(wrong); i++)
        (void) parse(bytes_of(wrong[i]));
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    off_t printed = lseek(captured, 0, SEEK_END);
    close(saved);
    close(captured);
    unlink(place);
    assert_int_equal(printed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fields_come_in_message_order_as_they_were_written, set_up),
        cmocka_unit_test_setup(nested_elements_become_children, set_up),
        cmocka_unit_test_setup(an_empty_root_has_no_fields, set_up),
        cmocka_unit_test_setup(what_is_not_plain_xml_is_refused, set_up),
        cmocka_unit_test_setup(a_doctype_of_any_kind_is_refused, set_up),
        cmocka_unit_test_setup(only_utf8_is_taken, set_up),
        cmocka_unit_test_setup(an_answer_cut_at_any_byte_is_refused, set_up),
        cmocka_unit_test_setup(a_body_above_the_size_limit_is_not_even_read, set_up),
        cmocka_unit_test_setup(depth_is_bounded, set_up),
        cmocka_unit_test_setup(the_number_of_fields_is_bounded, set_up),
        cmocka_unit_test_setup(an_arena_that_is_too_small_is_refused, set_up),
        cmocka_unit_test_setup(nothing_is_printed, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
