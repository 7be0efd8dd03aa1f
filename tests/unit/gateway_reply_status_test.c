/* Answers to status and balance queries: what they prove, and that "no such payment" is never
 * proof. */
#include "payoutd/codec/gateway_reply.h"
#include "signed_xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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
                                         .method = GATEWAY_STATUS,
                                         .order_id = BYTES("ORDER-1"),
                                         .amount = &amount};
    return 0;
}

static void status_says(const char *message)
{
    gateway_reply_status(&question, 200,
                         signed_xml(BYTES("payout_status2"), message, profile.secret), &arena,
                         &answer);
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

static void a_status_of_success_is_paid(void **state)
{
    (void) state;
    status_says("pg_status=ok|pg_payment_id=77|pg_payment_status=success|pg_order_id=ORDER-1|"
                "pg_merchant_id=9970");
    assert_int_equal(answer.verdict, VERDICT_ACCEPTED);
    assert_true(bytes_equal(answer.payment_id, BYTES("77")));
    assert_true(bytes_equal(answer.status, BYTES("success")));
    assert_int_equal(answer.paid_amount_minor, -1);
}

static void a_status_of_error_is_final_and_never_reopens_the_order(void **state)
{
    (void) state;
    static const struct {
        const char *code;
        enum error_class class;
    } rows[] = {{"|pg_error_code=10001", ERROR_CLASS_DECLINED},
                {"|pg_error_code=10006", ERROR_CLASS_LIMIT},
                {"|pg_error_code=8888", ERROR_CLASS_DECLINED},
                {"|pg_error_code=1100", ERROR_CLASS_DECLINED},
                {"|pg_error_code=10000", ERROR_CLASS_DECLINED},
                {"", ERROR_CLASS_DECLINED}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char message[256];
        snprintf(message, sizeof message,
                 "pg_status=ok|pg_payment_id=77|pg_payment_status=error|pg_order_id=ORDER-1|"
                 "pg_merchant_id=9970%s",
                 rows[i].code);
        status_says(message);
        assert_int_equal(answer.verdict, VERDICT_REFUSED);
        assert_int_equal(answer.error_class, rows[i].class);
    }
}

static void a_status_of_process_or_any_other_word_is_pending(void **state)
{
    (void) state;
    status_says("pg_status=ok|pg_payment_id=77|pg_payment_status=process|pg_order_id=ORDER-1|"
                "pg_merchant_id=9970");
    assert_int_equal(answer.verdict, VERDICT_PENDING);
    status_says("pg_status=ok|pg_payment_id=77|pg_payment_status=ok|pg_order_id=ORDER-1");
    assert_int_equal(answer.verdict, VERDICT_PENDING);
}

/* R10: said to be missing is UNKNOWN, whatever the words. */
static void no_such_payment_is_unknown_and_named(void **state)
{
    (void) state;
    static const char *const none[] = {
        "pg_status=ok|pg_payment_id=0|pg_order_id=ORDER-1|pg_merchant_id=9970",
        "pg_status=ok|pg_payment_id=0|pg_payment_status=error|pg_order_id=ORDER-1",
        "pg_status=ok|pg_payment_id=0|pg_payment_status=",
        "pg_status=error|pg_error_code=11068",
        "pg_status=error|pg_error_code=340",
    };
    for (size_t i = 0; i < COUNT(none); i++) {
        status_says(none[i]);
        assert_unknown("no such payment", true);
        assert_true(answer.no_such_payment);
    }
}

static void a_status_that_says_nothing_certain_is_unknown(void **state)
{
    (void) state;
    static const char *const rows[][2] = {
        {"pg_status=error|pg_error_code=1100", "refused the status query"},
        {"pg_status=error|pg_error_code=10001", "refused the status query"},
        {"pg_status=process|pg_payment_id=0", "neither ok nor error"},
        {"pg_payment_id=0|pg_payment_status=success", "neither ok nor error"},
        {"pg_status=ok|pg_payment_id=0|pg_payment_status=success", "contradicts itself"},
        {"pg_status=ok|pg_payment_id=0|pg_payment_status=process", "contradicts itself"},
        {"pg_status=ok|pg_payment_id=7|pg_merchant_id=9970|pg_order_id=ORDER-1",
         "no payment status"},
        {"pg_status=ok|pg_payment_status=success|pg_merchant_id=9970|pg_order_id=ORDER-1",
         "no payment id"},
        {"pg_status=ok|pg_payment_status=error|pg_merchant_id=9970|pg_order_id=ORDER-1",
         "no payment id"},
        {"pg_status=ok|pg_payment_id=7|pg_payment_status=success|pg_merchant_id=9970", "no order"},
        {"pg_status=ok|pg_payment_id=7|pg_payment_status=success|pg_order_id=ORDER-1",
         "no merchant"},
        {"pg_status=ok|pg_payment_id=0|pg_order_id=ORDER-2", "another order"},
        {"pg_status=ok|pg_payment_id=7|pg_payment_status=success|pg_merchant_id=9970|"
         "pg_order_id=ORDER-1|pg_payment_amount=1",
         "another amount"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        status_says(rows[i][0]);
        assert_unknown(rows[i][1], true);
        assert_false(answer.no_such_payment);
    }
}

static enum status balance_says(const char *message, struct bytes key, int64_t *ret_minor)
{
    question.method = GATEWAY_BALANCE;
    question.amount = NULL;
    question.order_id = BYTES_NONE;
    return gateway_reply_balance(&question, 200, signed_xml(BYTES("balance_status"), message, key),
                                 &arena, &answer, ret_minor);
}

static void a_balance_counts_only_when_signed_and_ok(void **state)
{
    (void) state;
    int64_t minor = -7;
    assert_int_equal(balance_says("pg_status=ok|pg_balance=500000.5", profile.secret, &minor),
                     STATUS_OK);
    assert_int_equal(minor, 50000050);
    assert_true(answer.verified);
    assert_int_equal(answer.verdict, VERDICT_ACCEPTED);
    minor = -7;
    assert_int_equal(balance_says("pg_status=ok|pg_balance=1", BYTES("wrong"), &minor),
                     STATUS_BAD_SIGNATURE);
    assert_unknown("no valid signature", false);
    assert_int_equal(balance_says("pg_status=ok", profile.secret, &minor), STATUS_SYNTAX);
    assert_unknown("no balance", true);
    assert_int_equal(balance_says("pg_status=process|pg_balance=1", profile.secret, &minor),
                     STATUS_SYNTAX);
    assert_int_equal(balance_says("pg_status=ok|pg_balance=-5", profile.secret, &minor),
                     STATUS_SYNTAX);
    assert_int_equal(balance_says("pg_status=error|pg_error_code=1100", profile.secret, &minor),
                     STATUS_UNAVAILABLE);
    assert_int_equal(answer.error_class, ERROR_CLASS_CONFIGURATION);
    assert_int_equal(
        balance_says("pg_status=ok|pg_balance=1|pg_merchant_id=1", profile.secret, &minor),
        STATUS_UNAVAILABLE);
    assert_unknown("another merchant", true);
    assert_int_equal(minor, -7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_status_of_success_is_paid, set_up),
        cmocka_unit_test_setup(a_status_of_error_is_final_and_never_reopens_the_order, set_up),
        cmocka_unit_test_setup(a_status_of_process_or_any_other_word_is_pending, set_up),
        cmocka_unit_test_setup(no_such_payment_is_unknown_and_named, set_up),
        cmocka_unit_test_setup(a_status_that_says_nothing_certain_is_unknown, set_up),
        cmocka_unit_test_setup(a_balance_counts_only_when_signed_and_ok, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
