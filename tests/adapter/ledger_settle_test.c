/* SETTLE, row by row as docs/PROTOCOL.md (Ledger) has them, on a real
 * Redis. */
#include "ledger_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct redis_server server;
static struct ledger_bench bench;

static void armed(const char *order)
{
    struct ledger_call call = ledger_bench_arm(&bench, order, 1, 1, 1);
    assert_answer(&bench, &call, LEDGER_ARMED);
}

/* Attempt 1 was refused under payment 501; attempt 2 is open. */
static void armed_twice(const char *order)
{
    armed(order);
    struct ledger_call refused = ledger_bench_disarm(&bench, order, 1, 1, "501");
    assert_answer(&bench, &refused, LEDGER_DISARMED);
    struct ledger_call again = ledger_bench_arm(&bench, order, 1, 2, 2);
    assert_answer(&bench, &again, LEDGER_ARMED);
}

static struct ledger_call answer(const char *order, enum order_state state)
{
    return ledger_bench_settle(&bench, order, SETTLE_OWN_ANSWER, 1, state);
}

static struct ledger_call status_of(const char *order, int64_t offset, enum order_state state)
{
    return ledger_bench_settle(&bench, order, SETTLE_OWN_STATUS, offset, state);
}

static struct ledger_call resolution(const char *order, int64_t offset, enum order_state state)
{
    return ledger_bench_settle(&bench, order, SETTLE_RESOLUTION, offset, state);
}

static void settled(struct ledger_call call, enum order_state state, int64_t sequence)
{
    assert_answer(&bench, &call, LEDGER_SETTLED);
    assert_int_equal(bench.reply.state, state);
    assert_int_equal(bench.reply.sequence, sequence);
    assert_bytes(bench.reply.body, order_state_outcome(state));
}

static void is_answered(struct ledger_call call, enum ledger_answer expected)
{
    assert_answer(&bench, &call, expected);
}

static void state_is(const char *order, const char *state)
{
    assert_string_equal(ledger_bench_field(&bench, order, "st"), state);
}

static void doubt(const char *order)
{
    redis_server_do(&server, "HSET %s st UNKNOWN doubt 1", ledger_bench_key(order));
}

/* ---- own answers ---- */

static void an_own_answer_settles_its_own_sending_and_is_stored(void **state)
{
    (void) state;
    armed("own");
    struct ledger_call call = answer("own", ORDER_PAID);
    call.payment_id = BYTES("777");
    settled(call, ORDER_PAID, 1);
    state_is("own", "PAID");
    assert_string_equal(ledger_bench_field(&bench, "own", "res"), "succeeded");
    assert_string_equal(ledger_bench_field(&bench, "own", "rsrc"), "commands/0/1");
    assert_string_equal(ledger_bench_field(&bench, "own", "pid"), "777");
    struct ledger_keys keys;
    ledger_keys_of_order("test", BYTES("own"), &keys);
    assert_true(redis_server_number(&server, "GET %s", keys.text[LEDGER_KEY_LAST]) ==
                bench.reply.now_ms);
}

static void the_same_answer_again_settles_with_the_same_sequence(void **state)
{
    (void) state;
    const enum order_state states[] = {ORDER_PENDING, ORDER_UNKNOWN, ORDER_PAID, ORDER_FAILED};
    const char *const orders[] = {"again-1", "again-2", "again-3", "again-4"};
    for (size_t i = 0; i < 4; i++) {
        armed(orders[i]);
        settled(answer(orders[i], states[i]), states[i], 1);
        settled(answer(orders[i], states[i]), states[i], 1);
    }
}

static void an_answer_of_another_call_instance_or_attempt_is_late(void **state)
{
    (void) state;
    armed("late");
    struct ledger_call other_call = answer("late", ORDER_PAID);
    other_call.call = 2;
    is_answered(other_call, LEDGER_LATE);
    struct ledger_call other_attempt = answer("late", ORDER_PAID);
    other_attempt.attempt = 2;
    is_answered(other_attempt, LEDGER_LATE);
    struct ledger_call other_instance = answer("late", ORDER_PAID);
    other_instance.instance = bytes_of(ledger_bench_other_instance);
    is_answered(other_instance, LEDGER_LATE);
    state_is("late", "SENDING");
}

static void an_answer_to_an_order_that_moved_on_is_late(void **state)
{
    (void) state;
    is_answered(answer("late-absent", ORDER_PAID), LEDGER_LATE);
    armed("late-ready");
    is_answered(ledger_bench_disarm(&bench, "late-ready", 1, 1, NULL), LEDGER_DISARMED);
    is_answered(answer("late-ready", ORDER_PAID), LEDGER_LATE);
    armed("late-unknown");
    settled(status_of("late-unknown", 1, ORDER_UNKNOWN), ORDER_UNKNOWN, 1);
    is_answered(answer("late-unknown", ORDER_PAID), LEDGER_LATE);
    state_is("late-unknown", "UNKNOWN");
}

/* ---- a status that the position asked itself ---- */

static void a_status_settles_the_sending_that_it_saw(void **state)
{
    (void) state;
    armed("status");
    struct ledger_call call = status_of("status", 1, ORDER_FAILED);
    call.call = 0;
    settled(call, ORDER_FAILED, 1);
    settled(call, ORDER_FAILED, 1);
}

static void a_status_of_another_attempt_or_instance_or_of_no_sending_is_moved(void **state)
{
    (void) state;
    armed_twice("status-moved");
    is_answered(status_of("status-moved", 1, ORDER_PAID), LEDGER_MOVED);
    struct ledger_call other = status_of("status-moved", 1, ORDER_PAID);
    other.attempt = 2;
    other.instance = bytes_of(ledger_bench_other_instance);
    is_answered(other, LEDGER_MOVED);
    state_is("status-moved", "SENDING");
    is_answered(status_of("status-absent", 1, ORDER_PAID), LEDGER_MOVED);
    armed("status-unknown");
    settled(answer("status-unknown", ORDER_UNKNOWN), ORDER_UNKNOWN, 1);
    is_answered(status_of("status-unknown", 1, ORDER_PAID), LEDGER_MOVED);
    state_is("status-unknown", "UNKNOWN");
}

static void a_status_asked_by_a_changed_copy_settles_nothing(void **state)
{
    (void) state;
    armed("status-words");
    struct ledger_call changed = status_of("status-words", 2, ORDER_PAID);
    changed.fingerprint = ledger_bench_claim(&bench, LEDGER_ARM, "", 1, 'z').fingerprint;
    is_answered(changed, LEDGER_CONFLICT);
    state_is("status-words", "SENDING");
    settled(status_of("status-words", 1, ORDER_PAID), ORDER_PAID, 1);
    is_answered(changed, LEDGER_CONFLICT); /* it is no silent end either */
}

/* ---- resolutions ---- */

static void a_resolution_settles_sending_pending_and_unknown_of_what_was_seen(void **state)
{
    (void) state;
    armed("resolve");
    settled(resolution("resolve", 1, ORDER_PENDING), ORDER_PENDING, 1);
    settled(resolution("resolve", 2, ORDER_UNKNOWN), ORDER_UNKNOWN, 2);
    settled(resolution("resolve", 2, ORDER_UNKNOWN), ORDER_UNKNOWN, 2);
    settled(resolution("resolve", 3, ORDER_FAILED), ORDER_FAILED, 3);
    assert_string_equal(ledger_bench_field(&bench, "resolve", "rsrc"), "resolutions/0/3");
}

static void evidence_of_an_earlier_attempt_does_not_settle_the_open_one(void **state)
{
    (void) state;
    armed_twice("resolve-attempt");
    is_answered(resolution("resolve-attempt", 1, ORDER_FAILED), LEDGER_MOVED);
    is_answered(resolution("resolve-attempt", 1, ORDER_PENDING), LEDGER_MOVED);
    struct ledger_call other = resolution("resolve-attempt", 1, ORDER_FAILED);
    other.attempt = 2;
    other.instance = bytes_of(ledger_bench_other_instance);
    is_answered(other, LEDGER_MOVED);
    state_is("resolve-attempt", "SENDING");
}

static void paid_evidence_settles_whatever_was_tried_since(void **state)
{
    (void) state;
    armed_twice("resolve-paid");
    settled(resolution("resolve-paid", 1, ORDER_PAID), ORDER_PAID, 1);
    armed("resolve-paid-ready");
    is_answered(ledger_bench_disarm(&bench, "resolve-paid-ready", 1, 1, "501"), LEDGER_DISARMED);
    settled(resolution("resolve-paid-ready", 1, ORDER_PAID), ORDER_PAID, 1);
    is_answered(ledger_bench_arm(&bench, "resolve-paid-ready", 1, 2, 2), LEDGER_KNOWN);
}

static void a_ready_order_is_not_failed_by_a_resolution(void **state)
{
    (void) state;
    armed("resolve-ready");
    is_answered(ledger_bench_disarm(&bench, "resolve-ready", 1, 1, NULL), LEDGER_DISARMED);
    is_answered(resolution("resolve-ready", 1, ORDER_FAILED), LEDGER_MOVED);
    state_is("resolve-ready", "READY");
}

static void evidence_of_an_absent_order_blocks_it_as_unknown_in_doubt(void **state)
{
    (void) state;
    for (int i = 0; i < 2; i++) {
        is_answered(resolution("resolve-absent", 1, ORDER_PAID), LEDGER_SETTLED);
        assert_int_equal(bench.reply.state, ORDER_UNKNOWN);
        assert_int_equal(bench.reply.sequence, 1);
        assert_bytes(bench.reply.body, "unknown, absent");
        assert_true(bench.reply.doubt);
    }
    assert_true(ledger_bench_due_score(&bench, "resolve-absent") > 0);
    is_answered(ledger_bench_arm(&bench, "resolve-absent", 1, 1, 1), LEDGER_KNOWN);
    settled(resolution("resolve-absent", 2, ORDER_PAID), ORDER_PAID, 2);
}

/* ---- doubt: only "paid" or a person settles (R4) ---- */

static void a_doubted_order_is_not_failed_by_anything_but_a_person(void **state)
{
    (void) state;
    armed("doubt");
    doubt("doubt");
    is_answered(resolution("doubt", 1, ORDER_FAILED), LEDGER_DONE);
    state_is("doubt", "UNKNOWN");
    is_answered(status_of("doubt", 1, ORDER_FAILED), LEDGER_MOVED);
    is_answered(answer("doubt", ORDER_FAILED), LEDGER_LATE);
    struct ledger_call person = resolution("doubt", 2, ORDER_FAILED);
    person.evidence = EVIDENCE_OPERATOR;
    settled(person, ORDER_FAILED, 1);
}

static void a_doubted_order_is_settled_by_paid_evidence(void **state)
{
    (void) state;
    armed("doubt-paid");
    doubt("doubt-paid");
    settled(resolution("doubt-paid", 1, ORDER_PAID), ORDER_PAID, 1);
}

static void a_doubted_sending_is_not_failed_either(void **state)
{
    (void) state;
    armed("doubt-sending");
    redis_server_do(&server, "HSET %s doubt 1", ledger_bench_key("doubt-sending"));
    is_answered(answer("doubt-sending", ORDER_FAILED), LEDGER_LATE);
    is_answered(status_of("doubt-sending", 1, ORDER_FAILED), LEDGER_DONE);
    state_is("doubt-sending", "SENDING");
}

/* ---- finals are absorbing ---- */

static void the_same_final_is_published_by_its_positions_and_done_for_others(void **state)
{
    (void) state;
    armed("final");
    settled(resolution("final", 5, ORDER_PAID), ORDER_PAID, 1);
    settled(answer("final", ORDER_PAID), ORDER_PAID, 1);          /* the order's own position */
    settled(status_of("final", 1, ORDER_PAID), ORDER_PAID, 1);    /* the same */
    settled(resolution("final", 5, ORDER_PAID), ORDER_PAID, 1);   /* who settled it */
    is_answered(resolution("final", 6, ORDER_PAID), LEDGER_DONE); /* another */
    is_answered(status_of("final", 2, ORDER_PAID), LEDGER_DONE);
}

static void another_verdict_over_a_final_is_a_contradiction_and_changes_nothing(void **state)
{
    (void) state;
    armed("contradiction");
    settled(answer("contradiction", ORDER_FAILED), ORDER_FAILED, 1);
    is_answered(resolution("contradiction", 1, ORDER_PAID), LEDGER_CONTRADICTION);
    assert_int_equal(bench.reply.state, ORDER_FAILED);
    is_answered(status_of("contradiction", 1, ORDER_PAID), LEDGER_CONTRADICTION);
    struct ledger_call person = resolution("contradiction", 2, ORDER_PAID);
    person.evidence = EVIDENCE_OPERATOR;
    is_answered(person, LEDGER_CONTRADICTION);
    state_is("contradiction", "FAILED");
    assert_string_equal(ledger_bench_field(&bench, "contradiction", "seq"), "1");
}

static void evidence_over_a_rejected_order_is_a_contradiction(void **state)
{
    (void) state;
    struct ledger_call reject = ledger_bench_claim(&bench, LEDGER_REJECT, "rejected", 1, 'a');
    reject.body = BYTES("rejected");
    is_answered(reject, LEDGER_SETTLED);
    is_answered(resolution("rejected", 1, ORDER_PAID), LEDGER_CONTRADICTION);
    state_is("rejected", "REJECTED");
}

static void a_non_final_over_a_final_gives_the_final_to_its_positions(void **state)
{
    (void) state;
    armed("absorb");
    settled(resolution("absorb", 5, ORDER_PAID), ORDER_PAID, 1);
    settled(answer("absorb", ORDER_PAID), ORDER_PAID, 1);
    is_answered(answer("absorb", ORDER_UNKNOWN), LEDGER_SETTLED);
    assert_int_equal(bench.reply.state, ORDER_PAID);
    assert_bytes(bench.reply.body, "succeeded");
    is_answered(resolution("absorb", 5, ORDER_PENDING), LEDGER_SETTLED);
    assert_int_equal(bench.reply.state, ORDER_PAID);
    is_answered(resolution("absorb", 6, ORDER_PENDING), LEDGER_DONE);
    state_is("absorb", "PAID");
}

static void a_doubted_final_is_published_by_every_copy_that_asks_for_its_own_position(void **state)
{
    (void) state;
    armed("doubt-final");
    doubt("doubt-final");
    settled(resolution("doubt-final", 5, ORDER_PAID), ORDER_PAID, 1);
    settled(status_of("doubt-final", 9, ORDER_PAID), ORDER_PAID, 1);
    is_answered(resolution("doubt-final", 6, ORDER_PAID), LEDGER_DONE);
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
        cmocka_unit_test(an_own_answer_settles_its_own_sending_and_is_stored),
        cmocka_unit_test(the_same_answer_again_settles_with_the_same_sequence),
        cmocka_unit_test(an_answer_of_another_call_instance_or_attempt_is_late),
        cmocka_unit_test(an_answer_to_an_order_that_moved_on_is_late),
        cmocka_unit_test(a_status_settles_the_sending_that_it_saw),
        cmocka_unit_test(a_status_of_another_attempt_or_instance_or_of_no_sending_is_moved),
        cmocka_unit_test(a_status_asked_by_a_changed_copy_settles_nothing),
        cmocka_unit_test(a_resolution_settles_sending_pending_and_unknown_of_what_was_seen),
        cmocka_unit_test(evidence_of_an_earlier_attempt_does_not_settle_the_open_one),
        cmocka_unit_test(paid_evidence_settles_whatever_was_tried_since),
        cmocka_unit_test(a_ready_order_is_not_failed_by_a_resolution),
        cmocka_unit_test(evidence_of_an_absent_order_blocks_it_as_unknown_in_doubt),
        cmocka_unit_test(a_doubted_order_is_not_failed_by_anything_but_a_person),
        cmocka_unit_test(a_doubted_order_is_settled_by_paid_evidence),
        cmocka_unit_test(a_doubted_sending_is_not_failed_either),
        cmocka_unit_test(the_same_final_is_published_by_its_positions_and_done_for_others),
        cmocka_unit_test(another_verdict_over_a_final_is_a_contradiction_and_changes_nothing),
        cmocka_unit_test(evidence_over_a_rejected_order_is_a_contradiction),
        cmocka_unit_test(a_non_final_over_a_final_gives_the_final_to_its_positions),
        cmocka_unit_test(a_doubted_final_is_published_by_every_copy_that_asks_for_its_own_position),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
