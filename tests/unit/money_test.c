/* Amounts: what the contract takes, and that nothing is rounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "payoutd/domain/money.h"

static void amount_of_a_command_is_read_exactly(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int64_t minor;
    } rows[] = {{"0.01", 1},      {"0.1", 10},        {"1", 100},
                {"1000", 100000}, {"1000.5", 100050}, {"99999999.99", 9999999999}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct money money;
        assert_int_equal(money_parse(bytes_of(rows[i].text), BYTES("KZT"), &money), STATUS_OK);
        assert_int_equal(money.amount_minor, rows[i].minor);
        assert_string_equal(money.currency, "KZT");
        assert_true(bytes_equal_text(money.text, rows[i].text));
        assert_true(money_same_amount(&money, rows[i].minor));
        assert_false(money_same_amount(&money, rows[i].minor + 1));
    }
}

static void amount_out_of_form_is_refused(void **state)
{
    (void) state;
    static const char *const rows[] = {"",   "0",     "0.0", "0.00", "00.1",      "01",  "1.",
                                       ".5", "1.234", "-1",  "+1",   "1e3",       "1,5", " 1",
                                       "1 ", "1.2.3", "0x1", "NaN",  "100000000", "1.a", "1.1a"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct money money = {.amount_minor = 7};
        assert_int_equal(money_parse(bytes_of(rows[i]), BYTES("KZT"), &money), STATUS_BAD_FIELD);
        assert_int_equal(money.amount_minor, 7);
    }
    struct money money;
    assert_int_equal(money_parse(BYTES("1\0"), BYTES("KZT"), &money), STATUS_BAD_FIELD);
    assert_int_equal(money_parse(BYTES_NONE, BYTES("KZT"), &money), STATUS_BAD_FIELD);
}

static void currency_is_three_upper_case_letters(void **state)
{
    (void) state;
    static const char *const rows[] = {"", "KZ", "KZTT", "kzt", "K1T", "KZ "};
    struct money money;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(money_parse(BYTES("1"), bytes_of(rows[i]), &money), STATUS_BAD_FIELD);
    assert_int_equal(money_parse(BYTES("1"), BYTES_NONE, &money), STATUS_BAD_FIELD);
}

static void amount_of_a_reply_may_be_zero_padded_and_long(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int64_t minor;
    } rows[] = {{"0", 0},        {"0.00", 0},
                {"0001.5", 150}, {"400.0000", 40000},
                {"1.230", 123},  {"999999999999.99", 99999999999999}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t minor = -1;
        assert_int_equal(money_parse_reply(bytes_of(rows[i].text), &minor), STATUS_OK);
        assert_int_equal(minor, rows[i].minor);
    }
}

static void amount_of_a_reply_out_of_form_is_refused(void **state)
{
    (void) state;
    static const char *const rows[] = {"",    "-1", "1.",   "1.001",   "1.0001",
                                       "1e3", " 1", "1,00", "1.00000", "1000000000000"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t minor = 7;
        assert_int_equal(money_parse_reply(bytes_of(rows[i]), &minor), STATUS_BAD_FIELD);
        assert_int_equal(minor, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amount_of_a_command_is_read_exactly),
        cmocka_unit_test(amount_out_of_form_is_refused),
        cmocka_unit_test(currency_is_three_upper_case_letters),
        cmocka_unit_test(amount_of_a_reply_may_be_zero_padded_and_long),
        cmocka_unit_test(amount_of_a_reply_out_of_form_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
