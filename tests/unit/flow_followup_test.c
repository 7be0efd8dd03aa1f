/* The flow, after a position is done: due orders are asked about, and evidence settles them. */
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

static const struct bytes due_key = {"{po:00}:o:abc", 13};

/* One order is due; the ledger says what it is; the turn then shows what is asked next. */
static struct handle due_order(struct harness *h, struct ledger_reply found)
{
    struct ledger_reply due = {
        .answer = LEDGER_DUE_LIST, .script = LEDGER_DUE, .due = &due_key, .due_count = 1};
    harness_shard(h, 0, due);
    assert_int_equal(harness_count(h, ACTION_LOOK), 1);
    struct handle handle = harness_action(h, ACTION_LOOK)->payout;
    assert_true(flow_is_inquiry(handle));
    found.answer = LEDGER_FOUND;
    found.script = LEDGER_READ;
    harness_fed(h,
                (struct flow_event){.kind = FLOW_LEDGER_REPLY, .payout = handle, .reply = &found});
    return handle;
}

static struct ledger_reply unknown_order(void)
{
    return (struct ledger_reply){.state = ORDER_UNKNOWN,
                                 .attempt = 2,
                                 .armed_ms = 1000,
                                 .now_ms = 9000,
                                 .order_id = bytes_of("A"),
                                 .instance = bytes_of("ffffffffffffffffffffffffffffffff"),
                                 .refused_payment_ids = bytes_of("41"),
                                 .body = bytes_of("{\"order_id\":\"A\"}")};
}

static void answer(struct harness *h, struct handle handle, struct answer said)
{
    harness_fed(h,
                (struct flow_event){.kind = FLOW_STATUS_ANSWER, .payout = handle, .answer = &said});
}

static void a_due_order_that_was_paid_is_reported_and_then_left_alone_for_a_while(void **state)
{
    struct harness *h = *state;
    struct handle handle = due_order(h, unknown_order());
    assert_int_equal(harness_count(h, ACTION_INQUIRE), 1);
    answer(h, handle, (struct answer){.verdict = VERDICT_ACCEPTED});
    assert_int_equal(harness_count(h, ACTION_REPORT), 1);
    assert_int_equal(flow_inquiry(&h->flow, handle)->change, ORDER_PAID);
    harness_fed(h, (struct flow_event){.kind = FLOW_TOLD, .payout = handle, .told = true});
    assert_int_equal(harness_count(h, ACTION_LOOK), 1);
    assert_int_equal(flow_inquiry(&h->flow, handle)->script, LEDGER_DEFER);
    assert_true(flow_inquiry(&h->flow, handle)->defer_ms == 60000);
    struct ledger_reply marked = {.answer = LEDGER_MARKED, .script = LEDGER_DEFER};
    harness_fed(h,
                (struct flow_event){.kind = FLOW_LEDGER_REPLY, .payout = handle, .reply = &marked});
    assert_null(flow_inquiry(&h->flow, handle));
    assert_int_equal(h->flow.inquiries_open, 0);
}

static void assert_no_change(struct harness *h, struct ledger_reply found, struct answer said)
{
    struct handle handle = due_order(h, found);
    answer(h, handle, said);
    assert_int_equal(harness_count(h, ACTION_REPORT), 0);
    assert_int_equal(flow_inquiry(&h->flow, handle)->script, LEDGER_DEFER);
}

static void no_such_payment_changes_nothing_however_often_it_is_said(void **state)
{
    assert_no_change(*state, unknown_order(),
                     (struct answer){.verdict = VERDICT_UNKNOWN, .no_such_payment = true});
}

static void an_error_of_a_refused_attempt_changes_nothing(void **state)
{
    assert_no_change(*state, unknown_order(),
                     (struct answer){.verdict = VERDICT_REFUSED,
                                     .error_class = ERROR_CLASS_DECLINED,
                                     .payment_id = bytes_of("41")});
}

static void an_error_changes_nothing_for_an_order_that_was_in_doubt(void **state)
{
    struct ledger_reply doubted = unknown_order();
    doubted.doubt = true;
    assert_no_change(*state, doubted,
                     (struct answer){.verdict = VERDICT_REFUSED,
                                     .error_class = ERROR_CLASS_DECLINED,
                                     .payment_id = bytes_of("42")});
}

static void an_error_of_the_open_attempt_fails_the_order(void **state)
{
    struct harness *h = *state;
    struct handle handle = due_order(h, unknown_order());
    answer(h, handle,
           (struct answer){.verdict = VERDICT_REFUSED,
                           .error_class = ERROR_CLASS_DECLINED,
                           .error_code = 10001,
                           .payment_id = bytes_of("42")});
    assert_int_equal(flow_inquiry(&h->flow, handle)->change, ORDER_FAILED);
}

static void a_pending_order_that_is_still_pending_says_nothing(void **state)
{
    struct ledger_reply pending = unknown_order();
    pending.state = ORDER_PENDING;
    assert_no_change(*state, pending, (struct answer){.verdict = VERDICT_PENDING});
}

static void an_order_that_is_being_sent_is_left_to_its_position(void **state)
{
    struct harness *h = *state;
    struct ledger_reply sending = unknown_order();
    sending.state = ORDER_SENDING;
    due_order(h, sending);
    assert_int_equal(harness_count(h, ACTION_INQUIRE), 0);
    assert_int_equal(harness_count(h, ACTION_LOOK), 1); /* its next turn is set */
}

static void the_older_an_open_order_is_the_more_rarely_it_is_asked_about(void **state)
{
    struct harness *h = *state;
    static const int64_t ages_ms[] = {1000, 60000, 300000, 1800000, 86400000, 864000000};
    int64_t before_ms = 0;
    for (size_t i = 0; i < sizeof ages_ms / sizeof ages_ms[0]; i++) {
        struct ledger_reply found = unknown_order();
        found.now_ms = found.armed_ms + ages_ms[i];
        struct handle handle = due_order(h, found);
        answer(h, handle, (struct answer){.verdict = VERDICT_UNKNOWN});
        int64_t wait_ms = flow_inquiry(&h->flow, handle)->defer_ms;
        assert_true(wait_ms > before_ms);
        assert_true(wait_ms <= 21600000 * 12 / 10); /* and never never */
        before_ms = wait_ms;
    }
}

static void the_due_lists_of_all_shards_are_looked_at_within_a_second(void **state)
{
    struct harness *h = *state;
    uint64_t seen = 0;
    for (int i = 0; i < 16; i++) {
        harness_pass(h, 62);
        size_t orders = 0;
        for (size_t at = 0; at < h->actions.count; at++) {
            if (h->actions.items[at].kind != ACTION_SCAN)
                continue;
            seen |= UINT64_C(1) << h->actions.items[at].partition;
            orders += h->actions.items[at].batch;
        }
        assert_true(orders <= INQUIRIES_MAX); /* what has no place would be put off for long */
    }
    assert_true(seen == UINT64_MAX);
}

static struct payout *evidence(struct harness *h)
{
    struct payout *payout = harness_arrive_as(h, 0, 0, "A", DECODED_EVIDENCE);
    assert_int_equal(payout->script, LEDGER_SETTLE);
    assert_int_equal(payout->mode, SETTLE_RESOLUTION);
    assert_true(payout->asked); /* it needs no ceiling: it never pays */
    return payout;
}

static void evidence_that_settles_is_published_by_its_own_position(void **state)
{
    struct harness *h = *state;
    struct payout *payout = evidence(h);
    harness_ledger(
        h, payout,
        &(struct ledger_reply){.answer = LEDGER_SETTLED, .state = ORDER_PAID, .sequence = 2});
    assert_true(payout->has_outcome);
    assert_int_equal(payout->step, STEP_PUBLISHING);
}

static void evidence_that_comes_second_ends_silently(void **state)
{
    struct harness *h = *state;
    struct payout *payout = evidence(h);
    harness_ledger(h, payout, &(struct ledger_reply){.answer = LEDGER_DONE, .state = ORDER_PAID});
    assert_false(payout->has_outcome);
    assert_int_equal(payout->step, STEP_PUBLISHING); /* its position is committed */
}

static void evidence_against_a_final_verdict_is_an_alarm_and_changes_nothing(void **state)
{
    struct harness *h = *state;
    struct payout *payout = evidence(h);
    harness_ledger(h, payout,
                   &(struct ledger_reply){.answer = LEDGER_CONTRADICTION, .state = ORDER_FAILED});
    assert_true(harness_noted(h, NOTE_CONTRADICTION));
    assert_false(payout->has_outcome);
}

int main(void)
{
#define WALK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WALK(a_due_order_that_was_paid_is_reported_and_then_left_alone_for_a_while),
        WALK(no_such_payment_changes_nothing_however_often_it_is_said),
        WALK(an_error_of_a_refused_attempt_changes_nothing),
        WALK(an_error_changes_nothing_for_an_order_that_was_in_doubt),
        WALK(an_error_of_the_open_attempt_fails_the_order),
        WALK(a_pending_order_that_is_still_pending_says_nothing),
        WALK(an_order_that_is_being_sent_is_left_to_its_position),
        WALK(the_older_an_open_order_is_the_more_rarely_it_is_asked_about),
        WALK(the_due_lists_of_all_shards_are_looked_at_within_a_second),
        WALK(evidence_that_settles_is_published_by_its_own_position),
        WALK(evidence_that_comes_second_ends_silently),
        WALK(evidence_against_a_final_verdict_is_an_alarm_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
