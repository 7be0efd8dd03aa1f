/* pg_sig: the published examples, the rules behind them, and what must not verify. */
#include "payoutd/codec/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VIEW(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }
#define FIELD(name_, value_)                       \
    {                                              \
        .name = VIEW(name_), .value = VIEW(value_) \
    }
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_signature(struct bytes script, const struct field *fields, size_t count,
                             struct bytes secret, const char *expected)
{
    char hex[SIGNATURE_LEN + 1];
    assert_int_equal(signature_make(script, fields, count, secret, hex), STATUS_OK);
    assert_string_equal(hex, expected);
}

static void nested_fields_are_sorted_inside_their_parent(void **state)
{
    (void) state;
    const struct field children[] = {FIELD("pg_sub_b", "subvalue2"),
                                     FIELD("pg_sub_a", "subvalue1")};
    const struct field fields[] = {
        FIELD("pg_salt", "9imM909TH820jwk387"),
        {.name = BYTES("pg_t_nested"), .children = children, .children_count = 2},
        FIELD("pg_a", "value1"),
        FIELD("pg_b", "value2"),
        FIELD("pg_t", "value3"),
    };
    assert_signature(BYTES("script.php"), fields, COUNT(fields), BYTES("mypasskey"),
                     "a8a4d5a9188f24038a14a4d65c387bf7");
}

static void two_plain_values(void **state)
{
    (void) state;
    const struct field fields[] = {FIELD("pg_b", "test3"), FIELD("pg_a", "test1")};
    assert_signature(BYTES("payment.php"), fields, COUNT(fields), BYTES("rofoneqaxujagexi"),
                     "27a5edfcb35e2fa44c9adef6994af3f0");
}

static void repeated_names_keep_message_order(void **state)
{
    (void) state;
    const struct field fields[] = {FIELD("foo", "1"), FIELD("foo", "2")};
    const struct field swapped[] = {FIELD("foo", "2"), FIELD("foo", "1")};
    char hex[SIGNATURE_LEN + 1];
    assert_signature(BYTES("payment.php"), fields, COUNT(fields), BYTES("rofoneqaxujagexi"),
                     "329102fce0b6b85fbd319abd69550447");
    assert_int_equal(
        signature_make(BYTES("payment.php"), swapped, 2, BYTES("rofoneqaxujagexi"), hex),
        STATUS_OK);
    assert_string_not_equal(hex, "329102fce0b6b85fbd319abd69550447");
}

static void a_callback_with_its_own_script_name(void **state)
{
    (void) state;
    const struct field fields[] = {FIELD("pg_salt", "salt"), FIELD("pg_payment_id", "765432"),
                                   FIELD("pg_order_id", "654"),
                                   FIELD("pg_description", "platron-java-sdk")};
    assert_signature(BYTES("capture"), fields, COUNT(fields), BYTES("secret_key"),
                     "826582fdd67a61681190a51df79816f2");
}

static void an_empty_script_and_an_empty_value_take_a_slot(void **state)
{
    (void) state;
    const struct field fields[] = {
        FIELD("pg_a01", "400.0000"),
        FIELD("pg_a02", "0"),
        FIELD("pg_a03", "RUR"),
        FIELD("pg_a04", ""),
        FIELD("pg_a05", "400"),
        FIELD("pg_a06", "37"),
        FIELD("pg_a07", "2012-05-29 11:52:31"),
        FIELD("pg_a08", "3120286"),
        FIELD("pg_a09", "TEST"),
        FIELD("pg_a10", "400"),
        FIELD("pg_a11", "RUR"),
        FIELD("pg_a12", "400.00"),
        FIELD("pg_a13", "1"),
        FIELD("pg_a14", "fedcf333"),
        FIELD("pg_a15", "79688676293"),
    };
    assert_signature(BYTES(""), fields, COUNT(fields), BYTES("xidanapynubovoja"),
                     "2558cc22c124ef0dd0f0c1a939e26d4b");
}

static void utf8_is_signed_as_its_bytes(void **state)
{
    (void) state;
    const struct field fields[] = {FIELD("pg_status", "ok"), FIELD("pg_salt", "salt"),
                                   FIELD("pg_description", "Товар передан покупателю")};
    assert_signature(BYTES("check"), fields, COUNT(fields), BYTES("secret_key"),
                     "173d9dec3eed87c273886e17afaf8fbe");
}

/* The provider's example of a successful answer, signed with a key that is public. */
static const struct field success[] = {
    FIELD("pg_payment_id", "7777777777"),
    FIELD("pg_merchant_id", "9970"),
    FIELD("pg_order_id", "ORD12345"),
    FIELD("pg_status", "ok"),
    FIELD("pg_balance", "500000"),
    FIELD("pg_payment_amount", "1000"),
    FIELD("pg_payment_date", "2024-09-02T12:19:01+00:00"),
    FIELD("pg_reference", "FSDUNJFA244324"),
    FIELD("pg_salt", "YtfwCGiBHsFLpYGk"),
    FIELD("pg_sig", "1b37c906c0418d1266ce94325cf3b8cb"),
    FIELD("pg_datetime", "2024-09-02T12:19:01+00:00"),
};

static void a_field_behind_the_signature_is_signed_too(void **state)
{
    (void) state;
    struct field copy[COUNT(success)];
    struct bytes key = BYTES("test_payout_key");
    memcpy(copy, success, sizeof success);
    assert_int_equal(signature_check(BYTES("p2p2nonreg"), copy, COUNT(copy), key), STATUS_OK);
    copy[10].value = BYTES("2024-09-02T12:19:02+00:00");
    assert_int_equal(signature_check(BYTES("p2p2nonreg"), copy, COUNT(copy), key),
                     STATUS_BAD_SIGNATURE);
    assert_int_equal(signature_check(BYTES("p2p2nonreg"), success, COUNT(copy) - 1, key),
                     STATUS_BAD_SIGNATURE);
}

static void either_case_of_the_digits_is_accepted(void **state)
{
    (void) state;
    struct field copy[COUNT(success)];
    memcpy(copy, success, sizeof success);
    copy[9].value = BYTES("1B37C906C0418D1266CE94325CF3B8CB");
    assert_int_equal(
        signature_check(BYTES("p2p2nonreg"), copy, COUNT(copy), BYTES("test_payout_key")),
        STATUS_OK);
}

static void every_changed_digit_is_noticed(void **state)
{
    (void) state;
    struct field copy[COUNT(success)];
    char digits[SIGNATURE_LEN + 1];
    memcpy(copy, success, sizeof success);
    for (size_t i = 0; i < SIGNATURE_LEN; i++) {
        memcpy(digits, success[9].value.data, sizeof digits);
        digits[i] = digits[i] == '0' ? '1' : '0';
        copy[9].value = bytes_of(digits);
        assert_int_equal(
            signature_check(BYTES("p2p2nonreg"), copy, COUNT(copy), BYTES("test_payout_key")),
            STATUS_BAD_SIGNATURE);
    }
}

static void another_key_or_script_does_not_verify(void **state)
{
    (void) state;
    assert_int_equal(
        signature_check(BYTES("p2p2nonreg"), success, COUNT(success), BYTES("test_payout_kez")),
        STATUS_BAD_SIGNATURE);
    assert_int_equal(
        signature_check(BYTES("reg2reg"), success, COUNT(success), BYTES("test_payout_key")),
        STATUS_BAD_SIGNATURE);
}

static void a_message_needs_exactly_one_signature(void **state)
{
    (void) state;
    struct field copy[COUNT(success) + 1];
    struct bytes key = BYTES("test_payout_key");
    memcpy(copy, success, sizeof success);
    copy[COUNT(success)] = success[9];
    assert_int_equal(signature_check(BYTES("p2p2nonreg"), copy, COUNT(copy), key),
                     STATUS_BAD_SIGNATURE);
    assert_int_equal(signature_check(BYTES("p2p2nonreg"), copy, 9, key), STATUS_BAD_SIGNATURE);
    copy[9].value = BYTES("");
    assert_int_equal(signature_check(BYTES("p2p2nonreg"), copy, COUNT(success), key),
                     STATUS_BAD_SIGNATURE);
    copy[9].value = BYTES_NONE;
    assert_int_equal(signature_check(BYTES("p2p2nonreg"), copy, COUNT(success), key),
                     STATUS_BAD_SIGNATURE);
    assert_int_equal(signature_check(BYTES("p2p2nonreg"), NULL, 0, key), STATUS_BAD_SIGNATURE);
}

static void only_digits_of_the_right_number_are_a_signature(void **state)
{
    (void) state;
    struct field copy[COUNT(success)];
    memcpy(copy, success, sizeof success);
    copy[9].value = BYTES("1b37c906c0418d1266ce94325cf3b8cb0");
    assert_int_equal(
        signature_check(BYTES("p2p2nonreg"), copy, COUNT(copy), BYTES("test_payout_key")),
        STATUS_BAD_SIGNATURE);
    copy[9].value = BYTES("1b37c906c0418d1266ce94325cf3b8c");
    assert_int_equal(
        signature_check(BYTES("p2p2nonreg"), copy, COUNT(copy), BYTES("test_payout_key")),
        STATUS_BAD_SIGNATURE);
}

static void a_nested_pg_sig_is_an_ordinary_field(void **state)
{
    (void) state;
    const struct field inner[] = {FIELD("pg_sig", "2")};
    const struct field nested[] = {FIELD("foo", "1"),
                                   {.name = VIEW("goo"), .children = inner, .children_count = 1}};
    assert_signature(BYTES("payment.php"), nested, 2, BYTES("rofoneqaxujagexi"),
                     "329102fce0b6b85fbd319abd69550447");
    assert_int_equal(signature_check(BYTES("payment.php"), nested, 2, BYTES("rofoneqaxujagexi")),
                     STATUS_BAD_SIGNATURE);
}

static void a_value_longer_than_the_gathering_place(void **state)
{
    (void) state;
    static char long_value[5000];
    memset(long_value, 'x', sizeof long_value);
    const struct field fields[] = {FIELD("a", "first"),
                                   {.name = BYTES("b"), .value = {long_value, sizeof long_value}}};
    /* md5("s;first;" + 5000 * "x" + ";k") */
    assert_signature(BYTES("s"), fields, 2, BYTES("k"), "b893d8baeec4ae3fec32c43a9dd77b2c");
}

static void too_many_fields_and_too_deep_ones_are_refused(void **state)
{
    (void) state;
    struct field many[SIGNATURE_FIELDS_MAX + 1];
    struct field levels[9];
    char hex[SIGNATURE_LEN + 1];
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = (struct field) FIELD("a", "b");
    assert_int_equal(signature_make(BYTES("s"), many, COUNT(many), BYTES("k"), hex),
                     STATUS_TOO_LARGE);
    assert_int_equal(signature_make(BYTES("s"), many, COUNT(many) - 1, BYTES("k"), hex), STATUS_OK);
    levels[8] = (struct field) FIELD("a", "b");
    for (size_t i = 8; i > 0; i--)
        levels[i - 1] =
            (struct field){.name = BYTES("n"), .children = &levels[i], .children_count = 1};
    assert_int_equal(signature_make(BYTES("s"), &levels[0], 1, BYTES("k"), hex), STATUS_TOO_DEEP);
    assert_int_equal(signature_make(BYTES("s"), &levels[1], 1, BYTES("k"), hex), STATUS_OK);
    /* What failed in the middle leaves nothing behind for the next one. */
    assert_signature(BYTES("payment.php"),
                     (const struct field[]){FIELD("foo", "1"), FIELD("foo", "2")}, 2,
                     BYTES("rofoneqaxujagexi"), "329102fce0b6b85fbd319abd69550447");
}

static void the_script_is_the_last_segment_of_the_path(void **state)
{
    (void) state;
    static const char *const rows[][2] = {
        {"https://api.freedompay.kz/g2g/p2p2nonreg", "p2p2nonreg"},
        {"/api/reg2reg", "reg2reg"},
        {"/g2g/x?a=/b", "x"},
        {"https://site.com/post/", ""},
        {"payment.php", "payment.php"},
        {"", ""},
        {"?", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_true(bytes_equal_text(signature_script(bytes_of(rows[i][0])), rows[i][1]));
    assert_true(bytes_equal_text(signature_script(BYTES_NONE), ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_fields_are_sorted_inside_their_parent),
        cmocka_unit_test(two_plain_values),
        cmocka_unit_test(repeated_names_keep_message_order),
        cmocka_unit_test(a_callback_with_its_own_script_name),
        cmocka_unit_test(an_empty_script_and_an_empty_value_take_a_slot),
        cmocka_unit_test(utf8_is_signed_as_its_bytes),
        cmocka_unit_test(a_field_behind_the_signature_is_signed_too),
        cmocka_unit_test(either_case_of_the_digits_is_accepted),
        cmocka_unit_test(every_changed_digit_is_noticed),
        cmocka_unit_test(another_key_or_script_does_not_verify),
        cmocka_unit_test(a_message_needs_exactly_one_signature),
        cmocka_unit_test(only_digits_of_the_right_number_are_a_signature),
        cmocka_unit_test(a_nested_pg_sig_is_an_ordinary_field),
        cmocka_unit_test(a_value_longer_than_the_gathering_place),
        cmocka_unit_test(too_many_fields_and_too_deep_ones_are_refused),
        cmocka_unit_test(the_script_is_the_last_segment_of_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
