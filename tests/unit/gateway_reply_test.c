/* What an answer proves: every error class, and every answer that must prove nothing. */
#include "payoutd/codec/gateway_reply.h"
#include "signed_xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char memory[256 * 1024];
static struct arena arena;
static struct answer answer;

static const struct money amount = {.amount_minor = 100000, .currency = "KZT", .text = {"1000", 4}};
static struct gateway_profile profile;
static struct gateway_question question;

static int set_up(void **state)
{
    (void) state;
    arena_init(&arena, memory, sizeof memory);
    profile = (struct gateway_profile){
        .merchant_id = BYTES("9970"),
        .secret = BYTES("test_payout_key"),
        .paths = {BYTES("/g2g/p2p2nonreg"), BYTES("/api/reg2reg"), BYTES("/api/to_iban"),
                  BYTES("/g2g/payout_status2"), BYTES("/api/balance_status")},
    };
    question = (struct gateway_question){.profile = &profile,
                                         .method = GATEWAY_CARD,
                                         .order_id = BYTES("ORDER-1"),
                                         .amount = &amount};
    return 0;
}

static const char paid[] = "pg_payment_id=77|pg_merchant_id=9970|pg_order_id=ORDER-1|pg_status=ok|"
                           "pg_balance=500000|pg_payment_amount=1000|pg_reference=REF1|"
                           "pg_payment_date=2024-09-02T12:19:01+00:00";

static void ask_payout(int32_t http_status, struct bytes xml)
{
    gateway_reply_payout(&question, http_status, xml, &arena, &answer);
}

static void payout_says(const char *message)
{
    ask_payout(200, signed_xml(BYTES("p2p2nonreg"), message, profile.secret));
}

/* UNKNOWN, with a sentence that holds `why`, and signed or not. */
static void assert_unknown(const char *why, bool verified)
{
    assert_int_equal(answer.verdict, VERDICT_UNKNOWN);
    assert_int_equal(answer.verified, verified);
    assert_non_null(answer.why);
    if (strstr(answer.why, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", answer.why, why);
}

static void a_whole_signed_ok_is_paid(void **state)
{
    (void) state;
    payout_says(paid);
    assert_int_equal(answer.verdict, VERDICT_ACCEPTED);
    assert_true(answer.verified);
    assert_null(answer.why);
    assert_int_equal(answer.http_status, 200);
    assert_true(bytes_equal(answer.payment_id, BYTES("77")));
    assert_true(bytes_equal(answer.reference, BYTES("REF1")));
    assert_true(bytes_equal(answer.payment_date, BYTES("2024-09-02T12:19:01+00:00")));
    assert_true(bytes_equal(answer.status, BYTES("ok")));
    assert_int_equal(answer.paid_amount_minor, 100000);
    assert_int_equal(answer.error_code, 0);
    assert_false(answer.no_such_payment);
}

static void the_amount_may_be_written_in_another_way(void **state)
{
    (void) state;
    payout_says("pg_payment_id=77|pg_merchant_id=9970|pg_order_id=ORDER-1|pg_status=ok|"
                "pg_payment_amount=1000.00|pg_currency=KZT|x_new=signed");
    assert_int_equal(answer.verdict, VERDICT_ACCEPTED);
}

/* The answer is of another order, merchant, amount or currency: signed, so it alarms, and proves
 * nothing. */
static void a_signed_answer_for_something_else_is_unknown(void **state)
{
    (void) state;
    payout_says("pg_payment_id=77|pg_merchant_id=9970|pg_order_id=ORDER-2|pg_status=ok|"
                "pg_payment_amount=1000");
    assert_unknown("another order", true);
    payout_says("pg_payment_id=77|pg_merchant_id=9971|pg_order_id=ORDER-1|pg_status=ok|"
                "pg_payment_amount=1000");
    assert_unknown("another merchant", true);
    payout_says("pg_payment_id=77|pg_merchant_id=9970|pg_order_id=ORDER-1|pg_status=ok|"
                "pg_payment_amount=1000.01");
    assert_unknown("another amount", true);
    payout_says("pg_payment_id=77|pg_merchant_id=9970|pg_order_id=ORDER-1|pg_status=ok|"
                "pg_payment_amount=1e3");
    assert_unknown("another amount", true);
    payout_says("pg_payment_id=77|pg_merchant_id=9970|pg_order_id=ORDER-1|pg_status=ok|"
                "pg_payment_amount=1000|pg_currency=RUB");
    assert_unknown("another currency", true);
    payout_says("pg_order_id=ORDER-2|pg_status=error|pg_error_code=10001");
    assert_unknown("another order", true);
    payout_says("pg_merchant_id=1|pg_status=error|pg_error_code=10001");
    assert_unknown("another merchant", true);
    payout_says("pg_order_id=ORDER-2|pg_status=waiting");
    assert_unknown("another order", true);
}

static void an_ok_that_is_not_whole_is_unknown(void **state)
{
    (void) state;
    payout_says("pg_merchant_id=9970|pg_order_id=ORDER-1|pg_status=ok|pg_payment_amount=1000");
    assert_unknown("no payment id", true);
    payout_says("pg_payment_id=0|pg_merchant_id=9970|pg_order_id=ORDER-1|pg_status=ok|"
                "pg_payment_amount=1000");
    assert_unknown("no payment id", true);
    payout_says("pg_payment_id=7x|pg_merchant_id=9970|pg_order_id=ORDER-1|pg_status=ok|"
                "pg_payment_amount=1000");
    assert_unknown("no payment id", true);
    payout_says("pg_payment_id=77|pg_order_id=ORDER-1|pg_status=ok|pg_payment_amount=1000");
    assert_unknown("no merchant", true);
    payout_says("pg_payment_id=77|pg_merchant_id=9970|pg_status=ok|pg_payment_amount=1000");
    assert_unknown("no order", true);
    payout_says("pg_payment_id=77|pg_merchant_id=9970|pg_order_id=ORDER-1|pg_status=ok");
    assert_unknown("no amount", true);
    payout_says("pg_payment_id=77|pg_merchant_id=9970|pg_order_id=ORDER-1|pg_payment_amount=1000");
    assert_unknown("no status", true);
    payout_says("pg_status=");
    assert_unknown("no status", true);
}

static void a_field_that_comes_twice_is_believed_in_neither_form(void **state)
{
    (void) state;
    payout_says("pg_payment_id=77|pg_merchant_id=9970|pg_order_id=ORDER-1|pg_status=error|"
                "pg_status=ok|pg_payment_amount=1000|pg_error_code=10001");
    assert_unknown("repeated", true);
    payout_says("pg_payment_id=77|pg_merchant_id=9970|pg_order_id=ORDER-2|pg_order_id=ORDER-1|"
                "pg_status=ok|pg_payment_amount=1000");
    assert_unknown("repeated", true);
}

/* md5("p2p2nonreg;10001;ORDER-2;s;error;test_payout_key"): without the check the order would count
 * as not named. */
static void a_field_with_children_is_not_taken_for_an_absent_one(void **state)
{
    (void) state;
    ask_payout(200, BYTES("<r><pg_status>error</pg_status><pg_error_code>10001</pg_error_code>"
                          "<pg_order_id><a>ORDER-2</a></pg_order_id><pg_salt>s</pg_salt>"
                          "<pg_sig>810e3d2ad7f4c3e883740628a98de7e0</pg_sig></r>"));
    assert_unknown("nested", true);
}

static void an_answer_without_a_valid_signature_is_unknown(void **state)
{
    (void) state;
    ask_payout(200, signed_xml(BYTES("p2p2nonreg"), paid, BYTES_NONE));
    assert_unknown("no valid signature", false);
    ask_payout(200, signed_xml(BYTES("p2p2nonreg"), paid, BYTES("another_key")));
    assert_unknown("no valid signature", false);
    ask_payout(200, signed_xml(BYTES("reg2reg"), paid, profile.secret));
    assert_unknown("no valid signature", false);
    assert_true(bytes_is_none(answer.payment_id));
    assert_true(bytes_is_none(answer.status));
    assert_int_equal(answer.paid_amount_minor, -1);
    /* A second signature, whichever comes first, makes both worthless. */
    char message[512];
    snprintf(message, sizeof message, "%s|pg_sig=00000000000000000000000000000000", paid);
    payout_says(message);
    assert_unknown("no valid signature", false);
    payout_says("pg_status=error|pg_error_code=10001|pg_sig=");
    assert_unknown("no valid signature", false);
}

static void an_unsigned_refusal_is_named_and_not_believed(void **state)
{
    (void) state;
    static const struct {
        const char *message;
        int32_t code;
        const char *why;
    } rows[] = {
        {"pg_status=error|pg_error_code=9998", 9998, "did not recognise the merchant"},
        {"pg_status=error|pg_error_code=101", 101, "did not recognise the merchant"},
        {"pg_status=error|pg_error_code=1100", 1100, "did not accept our signature"},
        {"pg_status=error|pg_error_code=100", 100, "did not accept our signature"},
        {"pg_status=error|pg_error_code=10001", 0, "no valid signature"},
        {"pg_status=ok|pg_error_code=9998", 0, "no valid signature"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ask_payout(200, signed_xml(BYTES("p2p2nonreg"), rows[i].message, BYTES_NONE));
        assert_unknown(rows[i].why, false);
        assert_int_equal(answer.error_code, rows[i].code);
        assert_true(bytes_is_none(answer.error_description));
    }
}

static void only_http_200_counts(void **state)
{
    (void) state;
    const int32_t others[] = {0, 100, 201, 204, 301, 400, 404, 429, 500, 502, 503, 504};
    for (size_t i = 0; i < COUNT(others); i++) {
        ask_payout(others[i], signed_xml(BYTES("p2p2nonreg"), paid, profile.secret));
        assert_unknown("HTTP status", true);
        ask_payout(others[i], signed_xml(BYTES("p2p2nonreg"), paid, BYTES_NONE));
        assert_unknown("HTTP status", false);
        ask_payout(others[i], BYTES("<html><body>Bad Gateway<br></body></html>"));
        assert_unknown("HTTP status", false);
        assert_int_equal(answer.http_status, others[i]);
    }
    ask_payout(500, signed_xml(BYTES("p2p2nonreg"), "pg_status=error|pg_error_code=10001",
                               profile.secret));
    assert_unknown("HTTP status", true);
}

static void a_signed_error_is_refused_by_its_class(void **state)
{
    (void) state;
    static const struct {
        const char *code;
        enum error_class class;
    } rows[] = {
        {"10001", ERROR_CLASS_DECLINED},     {"11036", ERROR_CLASS_DECLINED},
        {"10006", ERROR_CLASS_LIMIT},        {"420", ERROR_CLASS_LIMIT},
        {"1100", ERROR_CLASS_CONFIGURATION}, {"9998", ERROR_CLASS_CONFIGURATION},
        {"8888", ERROR_CLASS_BALANCE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char message[128];
        snprintf(message, sizeof message,
                 "pg_status=error|pg_error_code=%s|pg_error_description=Отказ", rows[i].code);
        payout_says(message);
        assert_int_equal(answer.verdict, VERDICT_REFUSED);
        assert_int_equal(answer.error_class, rows[i].class);
        assert_int_equal(answer.error_code, strtol(rows[i].code, NULL, 10));
        assert_true(bytes_equal(answer.error_description, BYTES("Отказ")));
        assert_true(answer.verified);
        assert_null(answer.why);
    }
}

static void a_signed_error_that_proves_nothing_is_unknown(void **state)
{
    (void) state;
    /* U, not listed, no such payment, and what is no number */
    static const char *const codes[] = {"10000",
                                        "9991",
                                        "0",
                                        "99999",
                                        "31415",
                                        "340",
                                        "11068",
                                        "",
                                        "-1",
                                        "4294977297",
                                        "10001x",
                                        " 10001",
                                        "99999999999999999999"};
    for (size_t i = 0; i < COUNT(codes); i++) {
        char message[128];
        snprintf(message, sizeof message, "pg_status=error|pg_error_code=%s", codes[i]);
        payout_says(message);
        assert_unknown("does not say whether money moved", true);
        assert_int_equal(answer.error_class, ERROR_CLASS_UNKNOWN);
        assert_false(answer.no_such_payment);
    }
    payout_says("pg_status=error|pg_error_description=no code");
    assert_unknown("does not say whether money moved", true);
}

static void an_override_changes_what_a_code_does(void **state)
{
    (void) state;
    const struct error_overrides overrides = {
        .items = {{10001, ERROR_CLASS_UNKNOWN}, {31415, ERROR_CLASS_DECLINED}}, .count = 2};
    question.overrides = &overrides;
    payout_says("pg_status=error|pg_error_code=10001");
    assert_unknown("does not say", true);
    payout_says("pg_status=error|pg_error_code=31415");
    assert_int_equal(answer.verdict, VERDICT_REFUSED);
    assert_int_equal(answer.error_class, ERROR_CLASS_DECLINED);
}

static void any_other_word_is_pending(void **state)
{
    (void) state;
    static const char *const words[] = {"process", "pending", "OK", "Error", "ok ", "success"};
    for (size_t i = 0; i < COUNT(words); i++) {
        char message[128];
        snprintf(message, sizeof message, "pg_status=%s|pg_payment_id=5", words[i]);
        payout_says(message);
        assert_int_equal(answer.verdict, VERDICT_PENDING);
        assert_true(bytes_equal_text(answer.status, words[i]));
        assert_true(bytes_equal(answer.payment_id, BYTES("5")));
        assert_true(answer.verified);
    }
}

static void an_arena_without_room_makes_the_answer_unknown(void **state)
{
    (void) state;
    struct bytes xml = signed_xml(BYTES("p2p2nonreg"), paid, profile.secret);
    arena_init(&arena, memory, 500);
    ask_payout(200, xml);
    assert_unknown("no memory", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_whole_signed_ok_is_paid, set_up),
        cmocka_unit_test_setup(the_amount_may_be_written_in_another_way, set_up),
        cmocka_unit_test_setup(a_signed_answer_for_something_else_is_unknown, set_up),
        cmocka_unit_test_setup(an_ok_that_is_not_whole_is_unknown, set_up),
        cmocka_unit_test_setup(a_field_that_comes_twice_is_believed_in_neither_form, set_up),
        cmocka_unit_test_setup(a_field_with_children_is_not_taken_for_an_absent_one, set_up),
        cmocka_unit_test_setup(an_answer_without_a_valid_signature_is_unknown, set_up),
        cmocka_unit_test_setup(an_unsigned_refusal_is_named_and_not_believed, set_up),
        cmocka_unit_test_setup(only_http_200_counts, set_up),
        cmocka_unit_test_setup(a_signed_error_is_refused_by_its_class, set_up),
        cmocka_unit_test_setup(a_signed_error_that_proves_nothing_is_unknown, set_up),
        cmocka_unit_test_setup(an_override_changes_what_a_code_does, set_up),
        cmocka_unit_test_setup(any_other_word_is_pending, set_up),
        cmocka_unit_test_setup(an_arena_without_room_makes_the_answer_unknown, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
