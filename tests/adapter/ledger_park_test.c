/* PARK, REJECT and DISARM, row by row as docs/PROTOCOL.md (Ledger) has them, on a real Redis.
 */
#include "ledger_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct redis_server server;
static struct ledger_bench bench;

static struct ledger_call arm(const char *order, int64_t offset, int64_t call, int32_t attempt)
{
    return ledger_bench_arm(&bench, order, offset, call, attempt);
}

static void armed(const char *order, int64_t offset, int64_t call, int32_t attempt)
{
    struct ledger_call question = arm(order, offset, call, attempt);
    assert_answer(&bench, &question, LEDGER_ARMED);
}

static void disarmed(const char *order, int64_t call, int32_t attempt, const char *payment_id)
{
    struct ledger_call question = ledger_bench_disarm(&bench, order, call, attempt, payment_id);
    assert_answer(&bench, &question, LEDGER_DISARMED);
}

static void settled(const char *order, enum order_state state)
{
    struct ledger_call question = ledger_bench_settle(&bench, order, SETTLE_OWN_ANSWER, 1, state);
    assert_answer(&bench, &question, LEDGER_SETTLED);
}

static void doubt(const char *order)
{
    redis_server_do(&server, "HSET %s st UNKNOWN doubt 1", ledger_bench_key(order));
}

static void park_claims_an_absent_order_and_repeats(void **state)
{
    (void) state;
    struct ledger_call park = ledger_bench_claim(&bench, LEDGER_PARK, "park", 1, 'a');
    assert_answer(&bench, &park, LEDGER_PARKED);
    assert_int_equal(bench.reply.attempt, 0);
    assert_answer(&bench, &park, LEDGER_PARKED);
    assert_string_equal(ledger_bench_field(&bench, "park", "st"), "READY");
    assert_int_equal(ledger_bench_due_score(&bench, "park"), -1);
}

static void a_parked_order_is_armed_with_the_merchant_it_was_parked_with(void **state)
{
    (void) state;
    struct ledger_call park = ledger_bench_claim(&bench, LEDGER_PARK, "park-arm", 1, 'a');
    assert_answer(&bench, &park, LEDGER_PARKED);
    struct ledger_call later = arm("park-arm", 1, 1, 1);
    later.merchant_id = BYTES("m2");
    assert_answer(&bench, &later, LEDGER_ARMED);
    assert_bytes(bench.reply.merchant_id, "m1");
    assert_string_equal(ledger_bench_field(&bench, "park-arm", "merchant"), "m1");
}

static void a_changed_copy_of_a_parked_order_is_a_conflict(void **state)
{
    (void) state;
    struct ledger_call park = ledger_bench_claim(&bench, LEDGER_PARK, "park-words", 1, 'a');
    assert_answer(&bench, &park, LEDGER_PARKED);
    struct ledger_call changed = ledger_bench_claim(&bench, LEDGER_PARK, "park-words", 2, 'z');
    assert_answer(&bench, &changed, LEDGER_CONFLICT);
    struct ledger_call copy = ledger_bench_claim(&bench, LEDGER_PARK, "park-words", 2, 'a');
    assert_answer(&bench, &copy, LEDGER_DUPLICATE);
}

static void park_between_attempts_keeps_the_attempt_and_otherwise_answers_as_arm(void **state)
{
    (void) state;
    struct ledger_call park = ledger_bench_claim(&bench, LEDGER_PARK, "park-between", 1, 'a');
    armed("park-between", 1, 1, 1);
    assert_answer(&bench, &park, LEDGER_SENT_BY_OTHER);
    disarmed("park-between", 1, 1, NULL);
    assert_answer(&bench, &park, LEDGER_PARKED);
    assert_int_equal(bench.reply.attempt, 1);
}

static struct ledger_call reject(const char *order, int64_t offset)
{
    struct ledger_call call = ledger_bench_claim(&bench, LEDGER_REJECT, order, offset, 'a');
    call.body = BYTES("rejected");
    call.late_body = BYTES("failed, not sent");
    return call;
}

static void reject_writes_an_absent_order_and_repeats_without_a_new_sequence(void **state)
{
    (void) state;
    struct ledger_call call = reject("reject", 1);
    for (int i = 0; i < 2; i++) {
        assert_answer(&bench, &call, LEDGER_SETTLED);
        assert_int_equal(bench.reply.state, ORDER_REJECTED);
        assert_int_equal(bench.reply.sequence, 1);
        assert_bytes(bench.reply.body, "rejected");
    }
    struct ledger_call copy = reject("reject", 2);
    assert_answer(&bench, &copy, LEDGER_DUPLICATE);
    struct ledger_call own = arm("reject", 1, 1, 1);
    assert_answer(&bench, &own, LEDGER_KNOWN);
}

static void reject_fails_a_parked_or_refused_order_of_its_own_position(void **state)
{
    (void) state;
    struct ledger_call park = ledger_bench_claim(&bench, LEDGER_PARK, "reject-ready", 1, 'a');
    assert_answer(&bench, &park, LEDGER_PARKED);
    struct ledger_call copy = reject("reject-ready", 2);
    assert_answer(&bench, &copy, LEDGER_DUPLICATE);
    struct ledger_call own = reject("reject-ready", 1);
    for (int i = 0; i < 2; i++) {
        assert_answer(&bench, &own, LEDGER_SETTLED);
        assert_int_equal(bench.reply.state, ORDER_FAILED);
        assert_int_equal(bench.reply.sequence, 1);
        assert_bytes(bench.reply.body, "failed, not sent");
    }
}

static void reject_leaves_a_sent_or_settled_order_alone(void **state)
{
    (void) state;
    armed("reject-sent", 1, 1, 1);
    struct ledger_call call = reject("reject-sent", 1);
    assert_answer(&bench, &call, LEDGER_SENT_BY_OTHER);
    settled("reject-sent", ORDER_PAID);
    assert_answer(&bench, &call, LEDGER_KNOWN);
    assert_int_equal(bench.reply.state, ORDER_PAID);
    assert_bytes(bench.reply.body, "succeeded");
}

static void reject_without_fingerprint_is_possible(void **state)
{
    (void) state;
    struct ledger_call call = reject("reject-undecoded", 1);
    call.fingerprint = NULL;
    assert_answer(&bench, &call, LEDGER_SETTLED);
    struct ledger_call valid = arm("reject-undecoded", 2, 1, 1);
    assert_answer(&bench, &valid, LEDGER_CONFLICT);
}

static void disarm_repeats_and_remembers_each_refused_payment_once(void **state)
{
    (void) state;
    armed("disarm", 1, 1, 1);
    disarmed("disarm", 1, 1, "501");
    disarmed("disarm", 1, 1, "501");
    assert_string_equal(ledger_bench_field(&bench, "disarm", "refused_pids"), "501");
    assert_int_equal(ledger_bench_due_score(&bench, "disarm"), -1);
    armed("disarm", 1, 2, 2);
    disarmed("disarm", 2, 2, "502");
    assert_bytes(bench.reply.refused_payment_ids, "501 502");
}

static void disarm_is_refused_to_everybody_but_the_sender_of_that_attempt(void **state)
{
    (void) state;
    armed("disarm-other", 1, 1, 1);
    struct ledger_call other_call = ledger_bench_disarm(&bench, "disarm-other", 2, 1, NULL);
    assert_answer(&bench, &other_call, LEDGER_MOVED);
    struct ledger_call other_attempt = ledger_bench_disarm(&bench, "disarm-other", 1, 2, NULL);
    assert_answer(&bench, &other_attempt, LEDGER_MOVED);
    struct ledger_call other = ledger_bench_disarm(&bench, "disarm-other", 1, 1, NULL);
    other.instance = bytes_of(ledger_bench_other_instance);
    assert_answer(&bench, &other, LEDGER_MOVED);
    assert_string_equal(ledger_bench_field(&bench, "disarm-other", "st"), "SENDING");
}

static void disarm_of_an_earlier_attempt_does_not_reopen_a_later_one(void **state)
{
    (void) state;
    armed("disarm-late", 1, 1, 1);
    disarmed("disarm-late", 1, 1, NULL);
    armed("disarm-late", 1, 2, 2);
    struct ledger_call late = ledger_bench_disarm(&bench, "disarm-late", 1, 1, NULL);
    assert_answer(&bench, &late, LEDGER_MOVED);
    assert_string_equal(ledger_bench_field(&bench, "disarm-late", "st"), "SENDING");
    disarmed("disarm-late", 2, 2, NULL);
    assert_answer(&bench, &late, LEDGER_MOVED);
}

static void disarm_does_not_reopen_doubt_and_finds_nothing_where_nothing_is(void **state)
{
    (void) state;
    armed("disarm-doubt", 1, 1, 1);
    doubt("disarm-doubt");
    struct ledger_call call = ledger_bench_disarm(&bench, "disarm-doubt", 1, 1, NULL);
    assert_answer(&bench, &call, LEDGER_MOVED);
    struct ledger_call absent = ledger_bench_disarm(&bench, "disarm-absent", 1, 1, NULL);
    assert_answer(&bench, &absent, LEDGER_ABSENT);
}

static void a_payment_id_with_a_space_is_refused_before_it_is_asked(void **state)
{
    (void) state;
    struct ledger_call call = ledger_bench_disarm(&bench, "disarm-space", 1, 1, "50 1");
    assert_int_equal(ledger_ask(bench.ledger, &call), STATUS_BAD_FIELD);
}

static int setup(void **state)
{
    (void) state;
    redis_server_start(&server, NULL);
    struct ledger_options options = ledger_bench_options(&server);
    ledger_bench_open(&bench, &server, &options);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    ledger_bench_close(&bench);
    redis_server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(park_claims_an_absent_order_and_repeats),
        cmocka_unit_test(a_parked_order_is_armed_with_the_merchant_it_was_parked_with),
        cmocka_unit_test(a_changed_copy_of_a_parked_order_is_a_conflict),
        cmocka_unit_test(park_between_attempts_keeps_the_attempt_and_otherwise_answers_as_arm),
        cmocka_unit_test(reject_writes_an_absent_order_and_repeats_without_a_new_sequence),
        cmocka_unit_test(reject_fails_a_parked_or_refused_order_of_its_own_position),
        cmocka_unit_test(reject_leaves_a_sent_or_settled_order_alone),
        cmocka_unit_test(reject_without_fingerprint_is_possible),
        cmocka_unit_test(disarm_repeats_and_remembers_each_refused_payment_once),
        cmocka_unit_test(disarm_is_refused_to_everybody_but_the_sender_of_that_attempt),
        cmocka_unit_test(disarm_of_an_earlier_attempt_does_not_reopen_a_later_one),
        cmocka_unit_test(disarm_does_not_reopen_doubt_and_finds_nothing_where_nothing_is),
        cmocka_unit_test(a_payment_id_with_a_space_is_refused_before_it_is_asked),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
