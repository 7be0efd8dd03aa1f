/* Dead letters: the record as it came, why it failed, and no card number in any spelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "payoutd/codec/outcome_json.h"

#define PAN "4671593866478252"

static char arena_data[64 * 1024];
static struct arena arena;
static struct dead_letter letter;
static const struct position position = {"payout.commands", 3, 1042, 1748520000000};

static void make(const struct record_content *record, size_t value_max)
{
    arena_init(&arena, arena_data, sizeof arena_data);
    memset(&letter, 0, sizeof letter);
    assert_int_equal(outcome_json_dead_letter(record, &position, "validation_failed",
                                              "amount.value: must be a string", BYTES("worker-1"),
                                              value_max, BYTES("a key"), &arena, &letter),
                     STATUS_OK);
}

static struct bytes header_of(const char *name)
{
    for (size_t i = 0; i < letter.headers.count; i++)
        if (bytes_equal_text(letter.headers.items[i].name, name))
            return letter.headers.items[i].value;
    return BYTES_NONE;
}

static void letter_is_the_record_and_its_reasons(void **state)
{
    (void) state;
    struct record_content record = {
        .key = BYTES("ORD-1"),
        .value = BYTES("not \xFF json"),
        .headers = {{BYTES("ce_id"), BYTES("x")},
                    {BYTES("dlq-reason"), BYTES("old")},
                    {BYTES("n"), BYTES_NONE}},
        .headers_count = 3,
    };
    make(&record, 1000);
    assert_true(bytes_equal_text(letter.key, "ORD-1"));
    assert_true(bytes_equal(letter.value, record.value));
    assert_true(bytes_equal_text(header_of("ce_id"), "x"));
    assert_true(bytes_equal_text(header_of("dlq-reason"), "validation_failed"));
    assert_true(bytes_equal_text(header_of("dlq-message"), "amount.value: must be a string"));
    assert_true(bytes_equal_text(header_of("dlq-topic"), "payout.commands"));
    assert_true(bytes_equal_text(header_of("dlq-partition"), "3"));
    assert_true(bytes_equal_text(header_of("dlq-offset"), "1042"));
    assert_true(bytes_equal_text(header_of("dlq-timestamp"), "1748520000000"));
    assert_true(bytes_equal_text(header_of("dlq-worker"), "worker-1"));
    assert_int_equal(letter.headers.count, 2 + 7);
    make(&(struct record_content){.value = BYTES_NONE}, 10);
    assert_true(bytes_is_none(letter.key));
    assert_true(bytes_is_none(letter.value));
}

static void assert_blanked(const char *value, const char *expected)
{
    make(&(struct record_content){.value = bytes_of(value)}, 1000);
    if (!bytes_equal_text(letter.value, expected))
        fail_msg("%s became %.*s", value, (int) letter.value.len, letter.value.data);
}

static void card_numbers_are_blanked_in_every_spelling(void **state)
{
    (void) state;
    assert_blanked("{\"x\":\"" PAN "\"}", "{\"x\":\"****************\"}");
    assert_blanked("{\"x\":" PAN "}", "{\"x\":****************}");
    assert_blanked("4671 5938-6647 8252!", "**** ****-**** ****!");
    assert_blanked("\\u0034671593866478252", "\\u002a***************");
    assert_blanked(PAN " 5325349472901311", "**************** ****************");
    assert_blanked("12 " PAN, "12 ****************");
    assert_blanked("{\"pan\" : \"4671593866478253\",\"n\":\"1\"}",
                   "{\"pan\" : \"****************\",\"n\":\"1\"}");
    assert_blanked("{\"pg_payment_to\":46715,\"n\":\"1\"}",
                   "{\"pg_payment_to\":*****,\"n\":\"1\"}");
    assert_blanked("\\u00s" PAN, "\\u00s****************"); /* no escape: it hid the first digit */
    assert_blanked(PAN "\\u00346782", "****************\\u00346782"); /* one number, or two */
    assert_blanked("{\"pan\":\"46", "{\"pan\":\"**");
}

static void other_numbers_stay(void **state)
{
    (void) state;
    static const char *const rows[] = {"",
                                       "\"pan\"",
                                       "{\"a\":\"4671593866478253\"}",
                                       "1732528800003",
                                       "{\"order_id\":\"1\"}",
                                       "pan 46",
                                       "\\u00",
                                       "\\u003"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_blanked(rows[i], rows[i]);
}

static void headers_and_key_hold_no_card_number_either(void **state)
{
    (void) state;
    struct record_content record = {
        .key = BYTES(PAN),
        .value = BYTES("x"),
        .headers = {{BYTES("h"), BYTES("card " PAN)}, {BYTES("h-" PAN), BYTES("1")}},
        .headers_count = 2,
    };
    make(&record, 10);
    assert_true(bytes_is_none(letter.key));
    assert_true(bytes_equal_text(header_of("h"), "card ****************"));
    assert_true(bytes_is_none(header_of("h-" PAN)));
    assert_true(bytes_equal_text(header_of("dlq-cut"), "true"));
}

static void value_above_its_limit_is_cut_without_leaving_half_a_card(void **state)
{
    (void) state;
    char value[200];
    for (size_t cut = 30; cut < 60; cut++) {
        memset(value, '.', sizeof value);
        memcpy(value + 35, PAN, 16);
        make(&(struct record_content){.value = {value, sizeof value}}, cut);
        assert_int_equal(letter.value.len, cut);
        for (size_t i = 0; i < cut; i++)
            assert_true(letter.value.data[i] == '.' || letter.value.data[i] == '*');
        assert_true(bytes_equal_text(header_of("dlq-value-length"), "200"));
        assert_int_equal(header_of("dlq-value-hmac").len, 64);
    }
    make(&(struct record_content){.value = {value, sizeof value}}, sizeof value);
    assert_true(bytes_is_none(header_of("dlq-value-length")));
}

static void largest_record_keeps_within_its_promise(void **state)
{
    (void) state;
    static char large[20000];
    memset(large, 'x', sizeof large);
    struct record_content record = {.key = {large, 5000}, .value = {large, sizeof large}};
    char names[RECORD_HEADERS_MAX][8];
    for (size_t i = 0; i < RECORD_HEADERS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "h%zu", i);
        record.headers[i] = (struct record_header){bytes_of(names[i]), {large, 1000}};
    }
    record.headers_count = RECORD_HEADERS_MAX;
    arena_init(&arena, arena_data,
               4096 + DEAD_LETTER_KEY_MAX + DEAD_LETTER_HEADERS_BYTES_MAX + 2048);
    assert_int_equal(outcome_json_dead_letter(&record, &position, "unreadable", "value: is bad",
                                              BYTES("w"), 4096, BYTES("k"), &arena, &letter),
                     STATUS_OK);
    assert_int_equal(letter.key.len, DEAD_LETTER_KEY_MAX);
    assert_true(bytes_equal_text(header_of("dlq-cut"), "true"));
    arena_init(&arena, arena_data, 2000);
    assert_int_equal(outcome_json_dead_letter(&record, &position, "unreadable", "value: is bad",
                                              BYTES("w"), 4096, BYTES("k"), &arena, &letter),
                     STATUS_NO_ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letter_is_the_record_and_its_reasons),
        cmocka_unit_test(card_numbers_are_blanked_in_every_spelling),
        cmocka_unit_test(other_numbers_stay),
        cmocka_unit_test(headers_and_key_hold_no_card_number_either),
        cmocka_unit_test(value_above_its_limit_is_cut_without_leaving_half_a_card),
        cmocka_unit_test(largest_record_keeps_within_its_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
