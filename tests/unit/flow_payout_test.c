/* The flow, a payout at a time, as a person would walk through docs/PROTOCOL.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../support/flow_harness.h"

static int set_up(void **state)
{
    static struct harness harness;
    harness_init(&harness);
    *state = &harness;
    return 0;
}

static int tear_down(void **state)
{
    harness_done(*state);
    return 0;
}

static const struct ledger_reply armed = {.answer = LEDGER_ARMED, .attempt = 1};

static struct ledger_reply settled(enum order_state state, int64_t sequence)
{
    return (struct ledger_reply){.answer = LEDGER_SETTLED,
                                 .state = state,
                                 .sequence = sequence,
                                 .body = bytes_of("{\"a\":1}")};
}

static void the_request_leaves_only_after_armed_came_back(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    assert_int_equal(harness_count(h, ACTION_PAY), 0);
    harness_ledger(h, payout, &armed);
    assert_int_equal(harness_count(h, ACTION_PAY), 1);
    assert_int_equal(payout->step, STEP_PAYING);
    harness_turn(h);
    assert_int_equal(harness_count(h, ACTION_PAY), 0); /* once */
}

static void an_armed_that_comes_after_the_send_window_is_not_sent(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    h->moment.now_ms += 5000;
    harness_ledger(h, payout, &armed);
    assert_int_equal(harness_count(h, ACTION_PAY), 0);
    assert_int_equal(payout->step, STEP_REOPENING);
    assert_int_equal(payout->script, LEDGER_DISARM);
}

static void a_repeated_arm_keeps_its_call_and_its_first_send_window(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    int64_t call = payout->call, send_before_ms = payout->send_before_ms;
    h->moment.now_ms += 1000;
    harness_ledger(h, payout, &(struct ledger_reply){.answer = LEDGER_FAILED});
    assert_int_equal(harness_count(h, ACTION_LEDGER), 1);
    assert_true(payout->call == call && payout->send_before_ms == send_before_ms);
}

static void a_new_intent_to_arm_has_a_new_call(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_armed(h, 0, "A");
    int64_t call = payout->call;
    harness_answer(h, payout, VERDICT_NOT_SENT);
    harness_ledger(h, payout, &(struct ledger_reply){.answer = LEDGER_DISARMED, .attempt = 1});
    harness_pass(h, 1000);
    assert_int_equal(payout->step, STEP_CLAIMING);
    assert_true(payout->call != call);
    assert_int_equal(payout->attempt, 1); /* the claim expects 2 */
}

static void an_accepted_payout_is_settled_then_published_then_done(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_armed(h, 0, "A");
    harness_answer(h, payout, VERDICT_ACCEPTED);
    assert_int_equal(payout->step, STEP_SETTLING);
    assert_int_equal(harness_count(h, ACTION_PUBLISH), 0); /* R5: not before it is recorded */
    struct ledger_reply reply = settled(ORDER_PAID, 1);
    harness_ledger(h, payout, &reply);
    assert_int_equal(payout->step, STEP_PUBLISHING);
    assert_int_equal(harness_count(h, ACTION_PUBLISH), 1); /* nobody else is on the way */
    assert_true(h->flow.partitions[0].window.watermark == 1);
    harness_commit(h);
    assert_int_equal(harness_count(h, ACTION_ENDED), 1);
    assert_int_equal(flow_in_flight(&h->flow), 0);
}

static void an_outcome_waits_a_moment_for_others_that_are_on_their_way(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_armed(h, 0, "A");
    struct payout *other = harness_armed(h, 1, "B");
    harness_answer(h, payout, VERDICT_ACCEPTED);
    struct ledger_reply reply = settled(ORDER_PAID, 1);
    harness_ledger(h, payout, &reply);
    assert_int_equal(harness_count(h, ACTION_PUBLISH), 0);
    harness_answer(h, other, VERDICT_ACCEPTED);
    harness_ledger(h, other, &reply);
    assert_int_equal(harness_count(h, ACTION_PUBLISH), 1);
    assert_ptr_equal(flow_batch_next(&h->flow, payout), other);
}

static void a_time_out_after_sending_is_unknown_and_never_sent_again(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_armed(h, 0, "A");
    harness_answer(h, payout, VERDICT_UNKNOWN);
    assert_int_equal(payout->step, STEP_SETTLING);
    assert_int_equal(payout->state, ORDER_UNKNOWN);
    assert_int_equal(payout->script, LEDGER_SETTLE);
}

static void a_short_balance_reopens_the_order_and_holds_its_merchant(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_armed(h, 0, "A");
    struct answer answer = {
        .verdict = VERDICT_REFUSED, .error_class = ERROR_CLASS_BALANCE, .error_code = 8888};
    harness_answer_with(h, payout, &answer);
    assert_int_equal(payout->step, STEP_REOPENING);
    assert_true(harness_noted(h, NOTE_MERCHANT_HELD));
    harness_ledger(h, payout, &(struct ledger_reply){.answer = LEDGER_DISARMED, .attempt = 1});
    assert_int_equal(payout->step, STEP_WAITING);
    struct payout *other = harness_arrive(h, 0, 1, "B");
    harness_commit(h);
    assert_int_equal(other->step, STEP_WAITING); /* held as well */
    harness_pass(h, 1000);
    assert_int_equal(payout->step, STEP_CLAIMING); /* one finds out */
    assert_int_equal(other->step, STEP_WAITING);
    harness_ledger(h, payout, &(struct ledger_reply){.answer = LEDGER_ARMED, .attempt = 2});
    harness_answer(h, payout, VERDICT_ACCEPTED);
    assert_int_equal(other->step, STEP_CLAIMING); /* and the others follow */
}

/* Its event must carry them: when Redis forgets, an error of an earlier attempt would settle it. */
static void an_armed_order_knows_the_payments_that_were_refused_before(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    harness_ledger(h, payout,
                   &(struct ledger_reply){.answer = LEDGER_ARMED,
                                          .attempt = 3,
                                          .refused_payment_ids = bytes_of("7001 7002")});
    harness_answer(h, payout, VERDICT_UNKNOWN);
    assert_int_equal(payout->step, STEP_SETTLING);
    assert_true(bytes_equal_text(payout->refused_payment_ids, "7001 7002"));
    assert_false(payout->doubt);
}

/* It asked the gateway about an order whose words are not its own. */
static void a_changed_copy_that_asked_the_status_is_a_conflict_at_once(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    harness_ledger(h, payout,
                   &(struct ledger_reply){.answer = LEDGER_SENT_BY_OTHER,
                                          .state = ORDER_SENDING,
                                          .attempt = 1,
                                          .armed_ms = 0,
                                          .now_ms = 200000,
                                          .instance = bytes_of("other")});
    struct answer answer = {.verdict = VERDICT_UNKNOWN, .why = "no such payment"};
    harness_status(h, payout, &answer);
    harness_ledger(h, payout,
                   &(struct ledger_reply){.answer = LEDGER_CONFLICT, .state = ORDER_SENDING});
    assert_int_equal(payout->step, STEP_PUBLISHING);
    assert_int_equal(payout->end, END_CONFLICT);
    assert_true(payout->has_dead_letter);
    assert_string_equal(payout->dead_letter_reason, "order_conflict");
}

static void sent_by_another_call_waits_then_asks_the_status_and_never_pays(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    struct ledger_reply other = {.answer = LEDGER_SENT_BY_OTHER,
                                 .attempt = 1,
                                 .armed_ms = 5000,
                                 .now_ms = 6000,
                                 .instance = bytes_of("ffffffffffffffffffffffffffffffff")};
    harness_ledger(h, payout, &other);
    assert_int_equal(payout->step, STEP_DOUBTING);
    harness_pass(h, 1000);
    assert_int_equal(payout->step, STEP_CLAIMING); /* reads again */
    other.now_ms = 5000 + 90000;
    harness_ledger(h, payout, &other);
    assert_int_equal(harness_count(h, ACTION_ASK), 1);
    assert_int_equal(harness_count(h, ACTION_PAY), 0);
    struct answer answer = {
        .verdict = VERDICT_UNKNOWN, .no_such_payment = true, .why = "no such payment"};
    harness_status(h, payout, &answer);
    assert_int_equal(payout->state, ORDER_UNKNOWN); /* R10: never proof */
    assert_int_equal(payout->mode, SETTLE_OWN_STATUS);
    assert_int_equal(harness_count(h, ACTION_PAY), 0);
}

static void an_error_status_of_a_refused_attempt_settles_nothing(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    struct ledger_reply other = {.answer = LEDGER_SENT_BY_OTHER,
                                 .attempt = 2,
                                 .armed_ms = 1,
                                 .now_ms = 100000,
                                 .refused_payment_ids = bytes_of("41 42"),
                                 .instance = bytes_of("ffffffffffffffffffffffffffffffff")};
    harness_ledger(h, payout, &other);
    struct answer answer = {.verdict = VERDICT_REFUSED,
                            .error_class = ERROR_CLASS_DECLINED,
                            .error_code = 10001,
                            .payment_id = bytes_of("42")};
    harness_status(h, payout, &answer);
    assert_int_equal(payout->state, ORDER_UNKNOWN);
}

static void an_error_status_of_the_open_attempt_settles_failed(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    struct ledger_reply other = {.answer = LEDGER_SENT_BY_OTHER,
                                 .attempt = 2,
                                 .armed_ms = 1,
                                 .now_ms = 100000,
                                 .refused_payment_ids = bytes_of("41 42"),
                                 .instance = bytes_of("ffffffffffffffffffffffffffffffff")};
    harness_ledger(h, payout, &other);
    struct answer answer = {.verdict = VERDICT_REFUSED,
                            .error_class = ERROR_CLASS_DECLINED,
                            .error_code = 10001,
                            .payment_id = bytes_of("43")};
    harness_status(h, payout, &answer);
    assert_int_equal(payout->state, ORDER_FAILED);
}

static void a_duplicate_ends_silently_and_its_position_is_committed(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    harness_ledger(h, payout,
                   &(struct ledger_reply){.answer = LEDGER_DUPLICATE, .state = ORDER_PAID});
    assert_int_equal(payout->step, STEP_PUBLISHING);
    assert_false(payout->has_outcome || payout->has_dead_letter);
    harness_pass(h, 10);
    harness_commit(h);
    assert_int_equal(flow_in_flight(&h->flow), 0);
    assert_true(h->flow.partitions[0].window.watermark == 1);
}

static void a_changed_duplicate_becomes_a_dead_letter_and_an_alarm(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    harness_ledger(h, payout, &(struct ledger_reply){.answer = LEDGER_CONFLICT});
    assert_true(payout->has_dead_letter);
    assert_false(payout->has_outcome);
    assert_true(harness_noted(h, NOTE_ORDER_CONFLICT));
}

static void a_late_answer_goes_to_the_resolutions_topic(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_armed(h, 0, "A");
    harness_answer(h, payout, VERDICT_ACCEPTED);
    harness_ledger(h, payout, &(struct ledger_reply){.answer = LEDGER_LATE});
    assert_int_equal(harness_count(h, ACTION_TELL), 1);
}

static void an_answer_for_a_slot_that_was_given_away_is_not_believed(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_armed(h, 0, "A");
    struct handle stale = flow_handle_of(payout);
    stale.generation--;
    assert_null(flow_payout(&h->flow, stale));
    struct answer answer = {.verdict = VERDICT_ACCEPTED};
    struct flow_event event = {.kind = FLOW_PAYMENT_ANSWER, .payout = stale, .answer = &answer};
    flow_feed(&h->flow, &event, &h->moment);
    assert_int_equal(payout->step, STEP_PAYING);
    assert_true(h->flow.statistics.answers_stale == 1);
}

int main(void)
{
#define WALK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WALK(the_request_leaves_only_after_armed_came_back),
        WALK(an_armed_that_comes_after_the_send_window_is_not_sent),
        WALK(a_repeated_arm_keeps_its_call_and_its_first_send_window),
        WALK(a_new_intent_to_arm_has_a_new_call),
        WALK(an_accepted_payout_is_settled_then_published_then_done),
        WALK(an_outcome_waits_a_moment_for_others_that_are_on_their_way),
        WALK(a_time_out_after_sending_is_unknown_and_never_sent_again),
        WALK(a_short_balance_reopens_the_order_and_holds_its_merchant),
        WALK(an_armed_order_knows_the_payments_that_were_refused_before),
        WALK(a_changed_copy_that_asked_the_status_is_a_conflict_at_once),
        WALK(sent_by_another_call_waits_then_asks_the_status_and_never_pays),
        WALK(an_error_status_of_a_refused_attempt_settles_nothing),
        WALK(an_error_status_of_the_open_attempt_settles_failed),
        WALK(a_duplicate_ends_silently_and_its_position_is_committed),
        WALK(a_changed_duplicate_becomes_a_dead_letter_and_an_alarm),
        WALK(a_late_answer_goes_to_the_resolutions_topic),
        WALK(an_answer_for_a_slot_that_was_given_away_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
