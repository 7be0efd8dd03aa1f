/* The classes of the gateway's error codes, and the names that events, logs and the ledger rest on.
 */
#include "payoutd/domain/ledger_record.h"
#include "payoutd/domain/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Spelled out a second time on purpose: a code that changes its class changes what happens to
 * money. */
static const struct {
    char letter;
    int32_t codes[32]; /* ends with -1 */
} classes[] = {
    {'B', {8888, -1}},
    {'C',
     {1100, 1999, 2999, 9992, 9993, 9994, 9995, 9996, 9997, 9998, 100, 101, 110, 120, 200, -1}},
    {'U', {0,     9991,  9999,  10000, 10011, 10015, 10016, 10021, 10025, 10026, 11000, 11013,
           11014, 11052, 12000, 99999, 350,   465,   466,   470,   475,   600,   1000,  -1}},
    {'D', {10001, 10005, 10007, 10008, 10010, 10013, 10017, 10019, 10022, 10030, 10032, 10038,
           10039, 10040, 10041, 11005, 11022, 11024, 11027, 11028, 11036, 400,   -1}},
    {'L', {10006, 10009, 10014, 10018, 10028, 10029, 10037, 11006, 11051, 360, 420, 850, -1}},
    {'N', {11068, 340, -1}},
};

static size_t rows_of_the_table(void)
{
    static const char rows[] = {
#define ERROR_CODE(code, class, failure_code, meaning) 1,
#include "payoutd/domain/error_codes.def"
#undef ERROR_CODE
    };
    return sizeof rows;
}

static void every_listed_code_has_its_class(void **state)
{
    (void) state;
    size_t listed = 0;
    for (size_t i = 0; i < COUNT(classes); i++) {
        for (size_t j = 0; classes[i].codes[j] >= 0; j++, listed++) {
            int32_t code = classes[i].codes[j];
            assert_int_equal(error_class_letter(error_class_of(code, NULL)), classes[i].letter);
            assert_non_null(error_meaning(code));
        }
    }
    assert_int_equal(listed, rows_of_the_table());
}

static void a_code_that_is_not_listed_is_unknown(void **state)
{
    (void) state;
    const int32_t codes[] = {1, 99, 10002, 11069, 100000, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < COUNT(codes); i++) {
        assert_int_equal(error_class_of(codes[i], NULL), ERROR_CLASS_UNKNOWN);
        assert_string_equal(error_failure_code(codes[i]), "gateway_error");
        assert_null(error_meaning(codes[i]));
    }
}

static void an_override_wins_over_the_table(void **state)
{
    (void) state;
    const struct error_overrides overrides = {
        .items = {{10001, ERROR_CLASS_UNKNOWN}, {77777, ERROR_CLASS_DECLINED}}, .count = 2};
    assert_int_equal(error_class_of(10001, &overrides), ERROR_CLASS_UNKNOWN);
    assert_int_equal(error_class_of(77777, &overrides), ERROR_CLASS_DECLINED);
    assert_int_equal(error_class_of(10005, &overrides), ERROR_CLASS_DECLINED);
}

static void failure_codes_are_the_contracts(void **state)
{
    (void) state;
    static const char *const contract[] = {"card_declined",  "card_invalid",
                                           "limit_exceeded", "insufficient_balance",
                                           "gateway_error",  "gateway_unavailable"};
    for (size_t i = 0; i < COUNT(classes); i++) {
        for (size_t j = 0; classes[i].codes[j] >= 0; j++) {
            bool known = false;
            for (size_t k = 0; k < COUNT(contract); k++)
                known = known || strcmp(error_failure_code(classes[i].codes[j]), contract[k]) == 0;
            assert_true(known);
        }
    }
    assert_string_equal(error_failure_code(8888), "insufficient_balance");
    assert_string_equal(error_failure_code(10001), "card_declined");
    assert_string_equal(error_failure_code(420), "limit_exceeded");
}

static void states_go_to_text_and_back(void **state)
{
    (void) state;
    for (int i = ORDER_ABSENT; i <= ORDER_REJECTED; i++) {
        enum order_state back = ORDER_ABSENT;
        const char *name = order_state_name((enum order_state) i);
        assert_int_equal(order_state_parse(bytes_of(name), &back), STATUS_OK);
        assert_int_equal(back, i);
    }
    enum order_state untouched = ORDER_PAID;
    assert_int_equal(order_state_parse(BYTES("paid"), &untouched), STATUS_SYNTAX);
    assert_int_equal(order_state_parse(BYTES_NONE, &untouched), STATUS_SYNTAX);
    assert_int_equal(untouched, ORDER_PAID);
}

static void only_paid_failed_and_rejected_are_final(void **state)
{
    (void) state;
    for (int i = ORDER_ABSENT; i <= ORDER_REJECTED; i++)
        assert_int_equal(order_state_is_final((enum order_state) i),
                         i == ORDER_PAID || i == ORDER_FAILED || i == ORDER_REJECTED);
    assert_string_equal(order_state_outcome(ORDER_PAID), "succeeded");
    assert_string_equal(order_state_outcome(ORDER_FAILED), "failed");
    assert_string_equal(order_state_outcome(ORDER_REJECTED), "rejected");
    assert_string_equal(order_state_outcome(ORDER_PENDING), "pending");
    assert_string_equal(order_state_outcome(ORDER_UNKNOWN), "unknown");
    assert_null(order_state_outcome(ORDER_SENDING));
    assert_null(order_state_outcome(ORDER_READY));
    assert_null(order_state_outcome(ORDER_ABSENT));
}

static void verdicts_evidence_and_answers_have_names(void **state)
{
    (void) state;
    assert_string_equal(verdict_name(VERDICT_NOT_SENT), "not_sent");
    assert_string_equal(evidence_name(EVIDENCE_STATUS), "status");
    assert_string_equal(evidence_name(EVIDENCE_NOT_SENT), "not_sent");
    for (int i = 0; i < LEDGER_ANSWER_COUNT; i++)
        assert_non_null(ledger_answer_name((enum ledger_answer) i));
    assert_string_equal(ledger_answer_name(LEDGER_SENT_BY_OTHER), "SENT_BY_OTHER");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_listed_code_has_its_class),
        cmocka_unit_test(a_code_that_is_not_listed_is_unknown),
        cmocka_unit_test(an_override_wins_over_the_table),
        cmocka_unit_test(failure_codes_are_the_contracts),
        cmocka_unit_test(states_go_to_text_and_back),
        cmocka_unit_test(only_paid_failed_and_rejected_are_final),
        cmocka_unit_test(verdicts_evidence_and_answers_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
