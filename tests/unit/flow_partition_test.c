/* The flow, its partitions: ceilings, batches, assignments, and a ledger that is away or forgot. */
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

static struct ledger_reply probed(enum ledger_answer answer)
{
    return (struct ledger_reply){.answer = answer, .script = LEDGER_DUE};
}

static void a_command_waits_for_a_ceiling_of_this_assignment_before_it_is_claimed(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    assert_int_equal(payout->step, STEP_WAITING);
    assert_int_equal(harness_count(h, ACTION_LEDGER), 0);
    assert_int_equal(harness_count(h, ACTION_PUBLISH), 1); /* the ceiling's commit */
    harness_commit(h);
    assert_int_equal(payout->step, STEP_CLAIMING);
    assert_int_equal(harness_count(h, ACTION_LEDGER), 1);
    assert_int_equal(payout->script, LEDGER_ARM);
}

static void an_inherited_ceiling_does_not_allow_to_arm(void **state)
{
    struct harness *h = *state;
    harness_assign(h, 8, 0, 1000);
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    assert_int_equal(payout->step, STEP_WAITING);
    harness_commit(h);
    assert_int_equal(payout->step, STEP_CLAIMING);
    assert_true(h->flow.partitions[0].ceiling == 1000); /* and it never falls */
}

static void an_aborted_batch_is_carried_by_the_next_one_whole(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_armed(h, 0, "A");
    harness_answer(h, payout, VERDICT_ACCEPTED);
    struct ledger_reply reply = settled(ORDER_PAID, 1);
    harness_ledger(h, payout, &reply);
    harness_pass(h, 10);
    harness_batch(h, FLOW_BATCH_ABORTED);
    assert_int_equal(payout->step, STEP_PUBLISHING);
    assert_int_equal(harness_count(h, ACTION_PUBLISH), 0);
    harness_pass(h, 100);
    assert_int_equal(harness_count(h, ACTION_PUBLISH), 1);
    assert_ptr_equal(flow_batch_next(&h->flow, NULL), payout);
}

static void after_an_unknown_commit_only_what_the_broker_calls_done_is_done(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_armed(h, 0, "A");
    harness_answer(h, payout, VERDICT_ACCEPTED);
    struct ledger_reply reply = settled(ORDER_PAID, 1);
    harness_ledger(h, payout, &reply);
    harness_pass(h, 10);
    struct window window;
    window_init(&window, 0);
    struct flow_assigned committed = {FLOW_COMMANDS, 0, HARNESS_TOKEN, 1, &window};
    struct flow_event event = {.kind = FLOW_BATCH_REREAD,
                               .batch = h->flow.batch_number,
                               .partitions = &committed,
                               .partitions_count = 1};
    flow_feed(&h->flow, &event, &h->moment); /* not done: it is published again */
    harness_turn(h);
    assert_int_equal(harness_count(h, ACTION_PUBLISH), 1);
    assert_ptr_equal(flow_batch_next(&h->flow, NULL), payout);
    window_init(&window, 1);
    event.batch = h->flow.batch_number;
    flow_feed(&h->flow, &event, &h->moment); /* done */
    harness_turn(h);
    assert_int_equal(flow_in_flight(&h->flow), 0);
}

static void a_lost_partition_keeps_what_is_under_way_only_to_record_it(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_armed(h, 0, "A");
    harness_fact(h, FLOW_LOST);
    assert_true(payout->orphaned);
    harness_answer(h, payout, VERDICT_ACCEPTED);
    assert_int_equal(payout->step, STEP_SETTLING);
    struct ledger_reply reply = settled(ORDER_PAID, 1);
    harness_ledger(h, payout, &reply);
    assert_int_equal(harness_count(h, ACTION_ENDED), 1);
    assert_int_equal(harness_count(h, ACTION_PUBLISH), 0);
}

static void records_of_an_earlier_assignment_are_dropped(void **state)
{
    struct harness *h = *state;
    harness_assign(h, 8, 0, 0);
    struct flow_arrival arrival = {FLOW_COMMANDS, 0, HARNESS_EPOCH, 0, h->moment.wall_ms};
    struct handle handle;
    assert_int_equal(flow_open(&h->flow, &arrival, &h->moment, &handle), FLOW_STALE);
}

static void a_revoke_is_answered_after_what_is_under_way_was_published(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_armed(h, 0, "A");
    harness_fact(h, FLOW_REVOKED);
    assert_int_equal(harness_count(h, ACTION_RELEASE), 0);
    assert_int_equal(flow_room(&h->flow), 0);
    harness_answer(h, payout, VERDICT_ACCEPTED);
    struct ledger_reply reply = settled(ORDER_PAID, 1);
    harness_ledger(h, payout, &reply);
    assert_int_equal(harness_count(h, ACTION_PUBLISH), 1); /* at once */
    assert_int_equal(harness_count(h, ACTION_RELEASE), 0);
    harness_commit(h);
    assert_int_equal(harness_count(h, ACTION_RELEASE), 1);
}

static void an_armed_that_comes_during_a_revoke_is_disarmed_unsent(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    harness_fact(h, FLOW_REVOKED);
    harness_ledger(h, payout, &armed);
    assert_int_equal(harness_count(h, ACTION_PAY), 0);
    assert_int_equal(payout->script, LEDGER_DISARM);
    harness_ledger(h, payout, &(struct ledger_reply){.answer = LEDGER_DISARMED, .attempt = 1});
    assert_int_equal(harness_count(h, ACTION_RELEASE), 1);
}

static void nothing_is_claimed_while_the_ledger_is_down_and_intake_stops(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    harness_fact(h, FLOW_LEDGER_DOWN);
    harness_ledger(h, payout, &(struct ledger_reply){.answer = LEDGER_FAILED});
    assert_int_equal(harness_count(h, ACTION_LEDGER), 0);
    assert_int_equal(flow_room(&h->flow), 0);
    harness_pass(h, 500);
    assert_int_equal(harness_count(h, ACTION_PAUSE), 2);
    harness_fact(h, FLOW_LEDGER_UP);
    assert_int_equal(harness_count(h, ACTION_LEDGER), 1);
}

static void a_ledger_that_forgot_is_probed_once_a_second_until_it_remembers(void **state)
{
    struct harness *h = *state;
    struct payout *first = harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    struct payout *second = harness_arrive(h, 1, 0, "B");
    harness_commit(h);
    struct ledger_reply empty = {.answer = LEDGER_EMPTY};
    harness_ledger(h, first, &empty);
    assert_true(harness_noted(h, NOTE_LEDGER_FORGOT));
    harness_ledger(h, second, &empty);
    assert_int_equal(flow_room(&h->flow), 0);
    harness_pass(h, 1000);
    assert_int_equal(harness_count(h, ACTION_SCAN), 1);
    assert_int_equal(harness_count(h, ACTION_LEDGER), 0);
    harness_shard(h, LEDGER_SHARDS - 1, probed(LEDGER_EMPTY));
    harness_pass(h, 1000);
    assert_int_equal(harness_count(h, ACTION_LEDGER), 0);
    harness_shard(h, LEDGER_SHARDS - 1, probed(LEDGER_DUE_LIST));
    assert_int_equal(harness_count(h, ACTION_LEDGER), 2);
}

/* Its worker may own the first resolutions partition and no order: nobody else would restore. */
static void a_due_list_of_a_ledger_that_forgot_begins_the_recovery(void **state)
{
    struct harness *h = *state;
    harness_shard(h, 3, probed(LEDGER_EMPTY));
    assert_int_equal(h->flow.recovery, RECOVERY_WAITING);
    assert_true(harness_noted(h, NOTE_LEDGER_FORGOT));
    assert_int_equal(flow_room(&h->flow), 0);
}

static void another_token_is_acknowledged_only_after_inc_was_deleted_in_every_shard(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_armed(h, 0, "A");
    harness_pass(h, 1);
    h->flow.partitions[0].ceiling = h->flow.partitions[0].armable_below;
    int64_t ceiling = h->flow.partitions[0].ceiling;
    struct flow_event up = {.kind = FLOW_LEDGER_UP, .token = HARNESS_TOKEN + 1};
    flow_feed(&h->flow, &up, &h->moment);
    harness_turn(h);
    assert_int_equal(harness_count(h, ACTION_WIPE), LEDGER_SHARDS);
    assert_int_equal(harness_count(h, ACTION_PUBLISH), 0);
    harness_answer(h, payout, VERDICT_ACCEPTED);
    assert_int_equal(harness_count(h, ACTION_LEDGER), 0); /* no SETTLE meanwhile */
    const struct ledger_reply wiped = {.answer = LEDGER_MARKED, .script = LEDGER_WIPE};
    for (uint32_t shard = 0; shard + 1 < LEDGER_SHARDS; shard++)
        harness_shard(h, shard, wiped);
    assert_int_equal(harness_count(h, ACTION_PUBLISH), 0);
    harness_shard(h, LEDGER_SHARDS - 1, wiped);
    assert_int_equal(harness_count(h, ACTION_PUBLISH), 1);
    assert_true(h->flow.partitions[0].token_in_batch == HARNESS_TOKEN + 1);
    assert_true(h->flow.partitions[0].ceiling_in_batch == ceiling);
    harness_commit(h);
    assert_int_equal(h->flow.recovery, RECOVERY_WAITING);
    harness_pass(h, 1000);
    harness_shard(h, LEDGER_SHARDS - 1, probed(LEDGER_DUE_LIST));
    assert_int_equal(harness_count(h, ACTION_LEDGER),
                     1); /* now the answer is recorded, or is late */
}

static void a_batch_that_ran_while_the_token_changed_acknowledges_nothing(void **state)
{
    struct harness *h = *state;
    struct payout *payout = harness_armed(h, 0, "A");
    harness_answer(h, payout, VERDICT_ACCEPTED);
    struct ledger_reply reply = settled(ORDER_PAID, 1);
    harness_ledger(h, payout, &reply);
    harness_pass(h, 10); /* the batch runs */
    struct flow_event up = {.kind = FLOW_LEDGER_UP, .token = HARNESS_TOKEN + 1};
    flow_feed(&h->flow, &up, &h->moment);
    harness_commit(h);
    assert_true(h->flow.partitions[0].committed_token == HARNESS_TOKEN);
    assert_int_equal(h->flow.recovery, RECOVERY_WIPING);
}

/* A connects to an old Redis, deletes inc there and acknowledges; before that commit ends it is
 * connected to the new one, whose token was committed all the time. */
static void an_acknowledgement_that_ends_after_another_change_is_followed_by_a_new_one(void **state)
{
    struct harness *h = *state;
    harness_arrive(h, 0, 0, "A");
    harness_commit(h);
    const struct ledger_reply wiped = {.answer = LEDGER_MARKED, .script = LEDGER_WIPE};
    struct flow_event up = {.kind = FLOW_LEDGER_UP, .token = HARNESS_TOKEN + 1};
    flow_feed(&h->flow, &up, &h->moment);
    harness_turn(h);
    for (uint32_t shard = 0; shard < LEDGER_SHARDS; shard++)
        harness_shard(h, shard, wiped);
    assert_true(h->flow.batch_running);
    up.token = HARNESS_TOKEN;
    flow_feed(&h->flow, &up, &h->moment);
    assert_int_equal(h->flow.recovery, RECOVERY_WAITING);
    harness_commit(h);
    assert_true(h->flow.partitions[0].committed_token == HARNESS_TOKEN + 1);
    assert_int_equal(h->flow.recovery, RECOVERY_WIPING);
}

int main(void)
{
#define WALK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WALK(a_command_waits_for_a_ceiling_of_this_assignment_before_it_is_claimed),
        WALK(an_inherited_ceiling_does_not_allow_to_arm),
        WALK(an_aborted_batch_is_carried_by_the_next_one_whole),
        WALK(after_an_unknown_commit_only_what_the_broker_calls_done_is_done),
        WALK(a_lost_partition_keeps_what_is_under_way_only_to_record_it),
        WALK(records_of_an_earlier_assignment_are_dropped),
        WALK(a_revoke_is_answered_after_what_is_under_way_was_published),
        WALK(an_armed_that_comes_during_a_revoke_is_disarmed_unsent),
        WALK(nothing_is_claimed_while_the_ledger_is_down_and_intake_stops),
        WALK(a_ledger_that_forgot_is_probed_once_a_second_until_it_remembers),
        WALK(a_due_list_of_a_ledger_that_forgot_begins_the_recovery),
        WALK(another_token_is_acknowledged_only_after_inc_was_deleted_in_every_shard),
        WALK(an_acknowledgement_that_ends_after_another_change_is_followed_by_a_new_one),
        WALK(a_batch_that_ran_while_the_token_changed_acknowledges_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
