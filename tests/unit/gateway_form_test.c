/* The request bodies, field by field, for the three destinations and in both encodings. */
#include "payoutd/codec/gateway_form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char memory[64 * 1024];
static struct arena arena;

static int set_up(void **state)
{
    (void) state;
    memset(memory, 'Z', sizeof memory);
    arena_init(&arena, memory, sizeof memory);
    return 0;
}

static struct gateway_profile a_profile(void)
{
    return (struct gateway_profile){
        .merchant_id = BYTES("9970"),
        .secret = BYTES("test_payout_key"),
        .base_url = BYTES("https://api.freedompay.kz"),
        .paths = {BYTES("/g2g/p2p2nonreg"), BYTES("/api/reg2reg"), BYTES("/api/to_iban"),
                  BYTES("/g2g/payout_status2"), BYTES("/api/balance_status")},
        .order_time_limit_s = 600,
    };
}

static struct command a_card_command(void)
{
    return (struct command){
        .order_id = BYTES("ORD12345"),
        .amount = {.amount_minor = 100000, .currency = "KZT", .text = BYTES("1000")},
        .description = BYTES("Payment description"),
        .destination = {.type = DESTINATION_CARD,
                        .pan = BYTES("4671593866478252"),
                        .cardholder_name = BYTES("John Doe")},
        .post_link = BYTES("https://site.com/post"),
    };
}

static struct command a_token_command(void)
{
    struct command command = a_card_command();
    command.user_id = BYTES("user-7");
    command.destination = (struct destination){
        .type = DESTINATION_CARD_TOKEN, .token = BYTES("3f2504e0-4f89-11d3-9a0c-0305e82c3301")};
    return command;
}

static struct command an_iban_command(void)
{
    struct command command = a_card_command();
    command.destination = (struct destination){
        .type = DESTINATION_IBAN,
        .iban = BYTES("KZ123412341234123412"),
        .recipient_name = BYTES("Айгүл Ө. & Co"),
        .recipient_iin = BYTES("900101300123"),
        .kbe = BYTES("19"),
        .knp = BYTES("119"),
        .bic = BYTES("KZZSAE"),
    };
    return command;
}

/* 2024-02-28 23:55:00 UTC: ten minutes later is the leap day. */
static const int64_t wall_ms = 1709164500123;

static struct form make(const struct gateway_profile *profile, const struct command *command)
{
    struct form form = {.body = BYTES_NONE};
    assert_int_equal(
        gateway_form_payout(profile, command, 1, wall_ms, BYTES("YtfwCGiBHsFLpYGk"), &arena, &form),
        STATUS_OK);
    return form;
}

/* Parses a body back and compares it with "name=value\n" lines; the signature must verify. */
static void assert_fields(struct bytes body, struct bytes script, const char *expected)
{
    struct field *fields = NULL;
    size_t count = 0;
    char text[4096];
    size_t len = 0;
    assert_int_equal(gateway_form_parse(body, &arena, 32, &fields, &count), STATUS_OK);
    assert_int_equal(signature_check(script, fields, count, BYTES("test_payout_key")), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(fields[i].name, BYTES("pg_sig")))
            continue;
        len += (size_t) snprintf(text + len, sizeof text - len, "%.*s=%.*s\n",
                                 (int) fields[i].name.len, fields[i].name.data,
                                 (int) fields[i].value.len, fields[i].value.data);
        assert_true(len < sizeof text);
    }
    assert_string_equal(text, expected);
}

static void a_card_payout_is_the_published_example(void **state)
{
    (void) state;
    struct gateway_profile profile = a_profile();
    struct command command = a_card_command();
    struct form form = make(&profile, &command);
    assert_true(bytes_equal(form.content_type, BYTES("application/x-www-form-urlencoded")));
    assert_true(bytes_equal(
        form.body,
        BYTES("pg_merchant_id=9970&pg_order_id=ORD12345&pg_amount=1000&"
              "pg_description=Payment+description&pg_currency=KZT&pg_card_name=John+Doe&"
              "pg_payment_to=4671593866478252&pg_post_link=https%3A%2F%2Fsite.com%2Fpost&"
              "pg_salt=YtfwCGiBHsFLpYGk&pg_sig=3ff484aaad1e998e128e22b08ba71807")));
}

static void a_card_payout_field_by_field(void **state)
{
    (void) state;
    struct gateway_profile profile = a_profile();
    struct command command = a_card_command();
    command.user_id = BYTES("user_1");
    command.description = BYTES("Зарплата: 50% + 1&2=3; \"quoted\" <x>\r\n\ttab~");
    command.amount.text = BYTES("1000.50");
    profile.idempotency_key = true;
    assert_fields(make(&profile, &command).body, BYTES("p2p2nonreg"),
                  "pg_merchant_id=9970\npg_order_id=ORD12345\npg_amount=1000.50\n"
                  "pg_description=Зарплата: 50% + 1&2=3; \"quoted\" <x>\r\n\ttab~\n"
                  "pg_currency=KZT\npg_card_name=John Doe\npg_user_id=user_1\n"
                  "pg_payment_to=4671593866478252\npg_post_link=https://site.com/post\n"
                  "pg_idempotency_key=ORD12345-1\npg_salt=YtfwCGiBHsFLpYGk\n");
}

static void a_token_payout_field_by_field(void **state)
{
    (void) state;
    struct gateway_profile profile = a_profile();
    struct command command = a_token_command();
    assert_fields(make(&profile, &command).body, BYTES("reg2reg"),
                  "pg_merchant_id=9970\npg_order_id=ORD12345\npg_amount=1000\n"
                  "pg_description=Payment description\npg_currency=KZT\npg_user_id=user-7\n"
                  "pg_card_token_to=3f2504e0-4f89-11d3-9a0c-0305e82c3301\n"
                  "pg_order_time_limit=2024-02-29 00:05:00\n"
                  "pg_post_link=https://site.com/post\npg_salt=YtfwCGiBHsFLpYGk\n");
}

static void an_iban_payout_field_by_field(void **state)
{
    (void) state;
    struct gateway_profile profile = a_profile();
    struct command command = an_iban_command();
    assert_fields(make(&profile, &command).body, BYTES("to_iban"),
                  "pg_merchant_id=9970\npg_order_id=ORD12345\npg_amount=1000\n"
                  "pg_description=Payment description\npg_recipient_iban=KZ123412341234123412\n"
                  "pg_recipient_iin=900101300123\npg_recipient_name=Айгүл Ө. & Co\n"
                  "pg_recipient_kbe=19\npg_knp=119\npg_bank_bik=KZZSAE\n"
                  "pg_post_link=https://site.com/post\npg_salt=YtfwCGiBHsFLpYGk\n");
}

static void the_post_link_is_the_commands_else_the_profiles_else_absent(void **state)
{
    (void) state;
    struct gateway_profile profile = a_profile();
    struct command command = a_card_command();
    profile.post_link = BYTES("https://default.example/hook");
    struct bytes body = make(&profile, &command).body;
    assert_non_null(memmem(body.data, body.len, "site.com", 8));
    assert_null(memmem(body.data, body.len, "default.example", 15));
    command.post_link = BYTES_NONE;
    body = make(&profile, &command).body;
    assert_non_null(memmem(body.data, body.len, "default.example", 15));
    profile.post_link = BYTES_NONE;
    body = make(&profile, &command).body;
    assert_null(memmem(body.data, body.len, "pg_post_link", 12));
}

static void absent_optional_fields_are_not_sent(void **state)
{
    (void) state;
    struct gateway_profile profile = a_profile();
    struct command command = a_card_command();
    command.destination.cardholder_name = BYTES_NONE;
    command.post_link = BYTES_NONE;
    command.amount.currency[0] = '\0';
    assert_fields(make(&profile, &command).body, BYTES("p2p2nonreg"),
                  "pg_merchant_id=9970\npg_order_id=ORD12345\npg_amount=1000\n"
                  "pg_description=Payment description\npg_payment_to=4671593866478252\n"
                  "pg_salt=YtfwCGiBHsFLpYGk\n");
}

/* Such a request would be refused with a code of class C, which would hold the whole merchant. */
static void a_payout_without_a_required_field_is_not_made(void **state)
{
    (void) state;
    struct gateway_profile profile = a_profile();
    struct form form = {.body = BYTES("untouched")};
    struct command commands[] = {a_card_command(), a_token_command(), a_token_command(),
                                 an_iban_command(), a_card_command()};
    commands[0].destination.pan = BYTES_NONE;
    commands[1].user_id = BYTES_NONE;
    commands[2].destination.token = BYTES("");
    commands[3].destination.knp = BYTES_NONE;
    commands[4].description = BYTES_NONE;
    for (size_t i = 0; i < COUNT(commands); i++) {
        assert_int_equal(
            gateway_form_payout(&profile, &commands[i], 1, wall_ms, BYTES("salt"), &arena, &form),
            STATUS_MISSING_FIELD);
        assert_true(bytes_equal(form.body, BYTES("untouched")));
    }
}

/* Reads a multipart body as far as this project writes it. */
static size_t parse_multipart(const struct form *form, struct field *fields, size_t max)
{
    static const char head[] = "\r\nContent-Disposition: form-data; name=\"";
    struct bytes prefix = BYTES("multipart/form-data; boundary=");
    char mark[80];
    size_t count = 0;
    assert_true(bytes_starts_with(form->content_type, prefix));
    int mark_len =
        snprintf(mark, sizeof mark, "--%.*s", (int) (form->content_type.len - prefix.len),
                 form->content_type.data + prefix.len);
    const char *at = form->body.data;
    const char *end = form->body.data + form->body.len;
    for (;;) {
        assert_memory_equal(at, mark, (size_t) mark_len);
        at += mark_len;
        if (memcmp(at, "--\r\n", 4) == 0)
            break;
        assert_memory_equal(at, head, sizeof head - 1);
        at += sizeof head - 1;
        const char *name_end = memmem(at, (size_t) (end - at), "\"\r\n\r\n", 5);
        const char *value = name_end + 5;
        const char *next = memmem(value, (size_t) (end - value), mark, (size_t) mark_len);
        assert_true(count < max);
        fields[count++] = (struct field){.name = {at, (size_t) (name_end - at)},
                                         .value = {value, (size_t) (next - 2 - value)}};
        at = next;
    }
    assert_ptr_equal(at + 4, end);
    return count;
}

static void multipart_carries_the_same_fields(void **state)
{
    (void) state;
    struct gateway_profile profile = a_profile();
    struct command commands[] = {a_card_command(), a_token_command(), an_iban_command()};
    commands[0].description = BYTES("--payoutd\r\n--payoutd--\r\n; name=\"x\"");
    for (size_t i = 0; i < COUNT(commands); i++) {
        struct field parts[32];
        struct field *pairs = NULL;
        size_t pairs_count = 0;
        profile.encoding = FORM_URLENCODED;
        struct form encoded = make(&profile, &commands[i]);
        profile.encoding = FORM_MULTIPART;
        struct form multipart = make(&profile, &commands[i]);
        size_t parts_count = parse_multipart(&multipart, parts, COUNT(parts));
        assert_int_equal(gateway_form_parse(encoded.body, &arena, 32, &pairs, &pairs_count),
                         STATUS_OK);
        assert_int_equal(parts_count, pairs_count);
        for (size_t j = 0; j < parts_count; j++) {
            assert_true(bytes_equal(parts[j].name, pairs[j].name));
            assert_true(bytes_equal(parts[j].value, pairs[j].value));
        }
    }
}

static void a_boundary_never_occurs_in_a_value(void **state)
{
    (void) state;
    struct gateway_profile profile = a_profile();
    struct field parts[32];
    struct form form = {.body = BYTES_NONE};
    profile.encoding = FORM_MULTIPART;
    /* The payment id is a prefix of every boundary, so that only the search for it finds a free
     * one. */
    assert_int_equal(gateway_form_status(&profile, BYTES("ORD-1"), BYTES("payoutd-"), BYTES("salt"),
                                         &arena, &form),
                     STATUS_OK);
    size_t count = parse_multipart(&form, parts, COUNT(parts));
    struct bytes boundary = form.content_type;
    boundary.data += strlen("multipart/form-data; boundary=");
    boundary.len -= strlen("multipart/form-data; boundary=");
    assert_true(boundary.len <= 70);
    for (size_t i = 0; i < count; i++)
        assert_null(memmem(parts[i].value.data, parts[i].value.len, boundary.data, boundary.len));
}

static void the_same_input_gives_the_same_bytes(void **state)
{
    (void) state;
    struct gateway_profile profile = a_profile();
    struct command command = a_token_command();
    for (int encoding = FORM_URLENCODED; encoding <= FORM_MULTIPART; encoding++) {
        profile.encoding = (enum form_encoding) encoding;
        struct form first = make(&profile, &command);
        struct form second = make(&profile, &command);
        assert_true(bytes_equal(first.body, second.body));
        assert_true(bytes_equal(first.content_type, second.content_type));
    }
}

static void status_and_balance_requests(void **state)
{
    (void) state;
    struct gateway_profile profile = a_profile();
    struct form form = {.body = BYTES_NONE};
    struct bytes salt = BYTES("abcdefgh12345678");
    assert_int_equal(gateway_form_status(&profile, BYTES("ORD-1"), BYTES_NONE, salt, &arena, &form),
                     STATUS_OK);
    assert_fields(form.body, BYTES("payout_status2"),
                  "pg_merchant_id=9970\npg_order_id=ORD-1\npg_salt=abcdefgh12345678\n");
    assert_int_equal(
        gateway_form_status(&profile, BYTES("ORD-1"), BYTES("77"), salt, &arena, &form), STATUS_OK);
    assert_fields(form.body, BYTES("payout_status2"),
                  "pg_merchant_id=9970\npg_order_id=ORD-1\npg_payment_id=77\n"
                  "pg_salt=abcdefgh12345678\n");
    assert_int_equal(gateway_form_balance(&profile, salt, &arena, &form), STATUS_OK);
    assert_fields(form.body, BYTES("balance_status"),
                  "pg_merchant_id=9970\npg_salt=abcdefgh12345678\n");
}

static void the_time_limit_is_a_date_of_the_calendar(void **state)
{
    (void) state;
    static const struct {
        int64_t unix_s;
        const char *text;
    } rows[] = {
        {0, "1970-01-01+00%3A00%3A00"},          {951782399, "2000-02-28+23%3A59%3A59"},
        {951782400, "2000-02-29+00%3A00%3A00"},  {951868800, "2000-03-01+00%3A00%3A00"},
        {1735689599, "2024-12-31+23%3A59%3A59"}, {1735689600, "2025-01-01+00%3A00%3A00"},
        {4107542400, "2100-03-01+00%3A00%3A00"}, {4107542399, "2100-02-28+23%3A59%3A59"},
    };
    struct gateway_profile profile = a_profile();
    struct command command = a_token_command();
    profile.order_time_limit_s = 0;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct form form;
        char expected[64];
        int len = snprintf(expected, sizeof expected, "pg_order_time_limit=%s&", rows[i].text);
        assert_int_equal(gateway_form_payout(&profile, &command, 1, rows[i].unix_s * 1000 + 999,
                                             BYTES("salt"), &arena, &form),
                         STATUS_OK);
        assert_non_null(memmem(form.body.data, form.body.len, expected, (size_t) len));
    }
}

/* I13: a form that did not fit leaves no card number behind the arena's end, where no wipe would
 * find it. */
static void an_arena_that_is_too_small_is_refused_and_keeps_no_card_number(void **state)
{
    (void) state;
    struct gateway_profile profile = a_profile();
    struct command command = a_card_command();
    struct form form = {.body = BYTES("untouched")};
    for (int encoding = FORM_URLENCODED; encoding <= FORM_MULTIPART; encoding++) {
        profile.encoding = (enum form_encoding) encoding;
        arena_wipe(&arena);
        make(&profile, &command);
        size_t whole = arena.used;
        arena_wipe(&arena);
        for (size_t max = 0; max < whole; max++) {
            struct arena small;
            arena_init(&small, memory, max);
            assert_int_equal(gateway_form_payout(&profile, &command, 1, wall_ms,
                                                 BYTES("YtfwCGiBHsFLpYGk"), &small, &form),
                             STATUS_NO_ROOM);
            arena_wipe(&small);
            assert_null(memmem(memory, sizeof memory, "467159386647825", 15));
        }
        assert_true(bytes_equal(form.body, BYTES("untouched")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_card_payout_is_the_published_example, set_up),
        cmocka_unit_test_setup(a_card_payout_field_by_field, set_up),
        cmocka_unit_test_setup(a_token_payout_field_by_field, set_up),
        cmocka_unit_test_setup(an_iban_payout_field_by_field, set_up),
        cmocka_unit_test_setup(the_post_link_is_the_commands_else_the_profiles_else_absent, set_up),
        cmocka_unit_test_setup(absent_optional_fields_are_not_sent, set_up),
        cmocka_unit_test_setup(a_payout_without_a_required_field_is_not_made, set_up),
        cmocka_unit_test_setup(multipart_carries_the_same_fields, set_up),
        cmocka_unit_test_setup(a_boundary_never_occurs_in_a_value, set_up),
        cmocka_unit_test_setup(the_same_input_gives_the_same_bytes, set_up),
        cmocka_unit_test_setup(status_and_balance_requests, set_up),
        cmocka_unit_test_setup(the_time_limit_is_a_date_of_the_calendar, set_up),
        cmocka_unit_test_setup(an_arena_that_is_too_small_is_refused_and_keeps_no_card_number,
                               set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
