/* Bodies that come from outside: what is decoded, and what is refused. */
#include "payoutd/codec/gateway_form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char memory[8 * 1024];
static struct arena arena;

static int set_up(void **state)
{
    (void) state;
    arena_init(&arena, memory, sizeof memory);
    return 0;
}

static void a_body_from_outside_is_decoded(void **state)
{
    (void) state;
    struct field *fields = NULL;
    size_t count = 99;
    assert_int_equal(
        gateway_form_parse(BYTES("a=1&&b=%D0%A2+%2b&c&d=x=y&e="), &arena, 8, &fields, &count),
        STATUS_OK);
    static const char *const expected[][2] = {
        {"a", "1"}, {"b", "Т +"}, {"c", ""}, {"d", "x=y"}, {"e", ""}};
    assert_int_equal(count, COUNT(expected));
    for (size_t i = 0; i < count; i++) {
        assert_true(bytes_equal_text(fields[i].name, expected[i][0]));
        assert_true(bytes_equal_text(fields[i].value, expected[i][1]));
    }
    assert_int_equal(gateway_form_parse(BYTES(""), &arena, 8, &fields, &count), STATUS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(gateway_form_parse(BYTES_NONE, &arena, 8, &fields, &count), STATUS_OK);
    assert_int_equal(count, 0);
}

static void a_body_out_of_form_is_refused(void **state)
{
    (void) state;
    static const char *const wrong[] = {"a=%",   "a=%4", "a=%4g", "a=%g4", "%=1",
                                        "a=%00", "=1",   "a=1&=", "a=%-1", "a=% 1"};
    struct field *fields = NULL;
    size_t count = 99;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        /* A place of exactly its size: a sanitizer sees one byte read too many. */
        size_t len = strlen(wrong[i]);
        char *copy = malloc(len);
        assert_non_null(copy);
        memcpy(copy, wrong[i], len);
        assert_int_equal(gateway_form_parse((struct bytes){copy, len}, &arena, 8, &fields, &count),
                         STATUS_SYNTAX);
        free(copy);
    }
    assert_int_equal(gateway_form_parse((struct bytes){"a=\0", 3}, &arena, 8, &fields, &count),
                     STATUS_SYNTAX);
    assert_int_equal(gateway_form_parse(BYTES("a=1&b=2&c=3"), &arena, 2, &fields, &count),
                     STATUS_TOO_LARGE);
    struct arena small;
    arena_init(&small, memory, 40);
    assert_int_equal(gateway_form_parse(BYTES("a=1&b=2&c=3"), &small, 8, &fields, &count),
                     STATUS_NO_ROOM);
    assert_int_equal(count, 99);
    assert_null(fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_body_from_outside_is_decoded, set_up),
        cmocka_unit_test_setup(a_body_out_of_form_is_refused, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
