/*
 * Step 6: one transaction carries the outcomes, the dead letters, and the offsets of the positions
 * that made them, with token, ceiling and done-set in the commit metadata (R6, R8).
 */
#include "payoutd/flow/steps.h"

enum { ABORT_RETRY_MS = 100, DIRTY_WAIT_MS = 1000 };

void commit_mark_dirty(struct flow *flow, struct flow_partition *partition,
                       const struct moment *moment)
{
    partition->dirty = true;
    if (flow->dirty_since_ms == 0)
        flow->dirty_since_ms = moment->now_ms;
}

static bool ceiling_is_wanted(const struct flow *flow)
{
    if (!recovery_ledger_usable(flow) || flow_is_closing(flow))
        return false;
    for (size_t i = 0; i < flow->partitions_count; i++)
        if (flow->partitions[i].above.count > 0)
            return true;
    return false;
}

/* Nothing is on its way that could join the next batch: waiting for company would be in vain. */
static bool is_quiet(const struct flow *flow)
{
    size_t resting =
        flow->free.count + flow->publishable.count + flow->ended.count + flow->timers.count;
    for (size_t i = 0; i < flow->partitions_count; i++)
        resting += flow->partitions[i].above.count;
    for (size_t i = 0; i < flow->config.merchants_count; i++)
        resting += flow->holds[i].held.count;
    return resting >= flow->config.payouts_max;
}

/* How long until a transaction is due; 0: now; -1: nothing to commit. */
static int64_t due_in(struct flow *flow, const struct moment *moment)
{
    bool wants_ceiling = ceiling_is_wanted(flow);
    if (moment->now_ms < flow->batch_retry_ms)
        return flow->batch_retry_ms - moment->now_ms;
    if (flow->publishable.count >= flow->config.batch_max ||
        flow->recovery == RECOVERY_ACKNOWLEDGING)
        return 0;
    struct payout *oldest = payout_list_first(flow->payouts, &flow->publishable);
    bool is_urgent = oldest != NULL || wants_ceiling || flow->dirty_since_ms != 0;
    if (!is_urgent)
        return -1;
    if (flow_is_closing(flow) || ((oldest != NULL || wants_ceiling) && is_quiet(flow)))
        return 0;
    /* A transaction costs much more than what it carries: under load, ceilings wait for company
     * too. */
    int64_t due_ms = flow->dirty_since_ms + DIRTY_WAIT_MS;
    if (oldest != NULL)
        due_ms = oldest->publishable_ms + flow->config.batch_ms;
    if (wants_ceiling && (oldest == NULL || flow->batch_ended_ms + flow->config.batch_ms < due_ms))
        due_ms = flow->batch_ended_ms + flow->config.batch_ms;
    return due_ms > moment->now_ms ? due_ms - moment->now_ms : 0;
}

static void gather(struct flow *flow)
{
    struct payout *payout;
    while (flow->batch.count < flow->config.batch_max &&
           (payout = payout_list_first(flow->payouts, &flow->publishable)) != NULL) {
        payout_list_remove(flow->payouts, payout);
        payout_list_append(flow->payouts, &flow->batch, payout);
        struct flow_partition *partition = flow_partition_of(flow, payout);
        must(partition != NULL);
        window_finish(&partition->window, payout->offset);
        partition->dirty = true;
    }
    bool raises = recovery_ledger_usable(flow) && !flow_is_closing(flow);
    for (size_t i = 0; i < flow->partitions_count; i++) {
        struct flow_partition *partition = &flow->partitions[i];
        partition->in_batch = partition->dirty || (raises && partition->above.count > 0);
        partition->dirty = false;
        /* Never above what was fetched by now: a record that does not exist yet could not be
         * doubted. */
        partition->token_in_batch = recovery_token_to_commit(flow, partition);
        partition->ceiling_in_batch = partition->ceiling;
        if (raises && partition->window.fetched > partition->ceiling)
            partition->ceiling_in_batch = partition->window.fetched;
    }
    flow->dirty_since_ms = 0;
}

int64_t commit_turn(struct flow *flow, const struct moment *moment, struct flow_actions *actions)
{
    if (!flow->publisher_ready || flow->batch_running || flow->epoch == 0)
        return -1;
    int64_t wait_ms = due_in(flow, moment);
    if (wait_ms != 0 || flow_actions_full(actions))
        return wait_ms;
    gather(flow);
    flow->batch_running = true;
    flow->batch_epoch = flow->epoch;
    flow_act(actions, ACTION_PUBLISH)->batch = ++flow->batch_number;
    return -1;
}

/* What waited above the ceiling may be claimed now. */
static void raise_ceiling(struct flow *flow, struct flow_partition *partition)
{
    partition->ceiling = partition->ceiling_in_batch;
    partition->armable_below = partition->ceiling_in_batch;
    partition->committed_token = partition->token_in_batch;
    struct payout *payout;
    while ((payout = payout_list_first(flow->payouts, &partition->above)) != NULL &&
           payout->offset < partition->armable_below)
        flow_move(flow, payout, STEP_WAITING, &flow_lane_of(flow, payout)->claimable);
}

void commit_committed(struct flow *flow, const struct moment *moment)
{
    flow->statistics.batches_committed++;
    for (size_t i = 0; i < flow->partitions_count; i++) {
        struct flow_partition *partition = &flow->partitions[i];
        if (partition->in_batch)
            raise_ceiling(flow, partition);
        partition->in_batch = false;
    }
    struct payout *payout;
    while ((payout = payout_list_first(flow->payouts, &flow->batch)) != NULL) {
        if (payout->has_outcome && payout->end != END_DUPLICATE)
            flow->statistics.outcomes[payout->state]++;
        publish_end(flow, payout, payout->end);
    }
    recovery_committed(flow, moment);
}

/* Back to the front: their positions count as done in our window, so the next batch must carry
 * them. */
static void put_back(struct flow *flow, struct payout *payout)
{
    payout_list_remove(flow->payouts, payout);
    if (payout->orphaned) {
        publish_end(flow, payout, END_DROPPED);
        return;
    }
    payout_list_prepend(flow->payouts, &flow->publishable, payout);
}

static void dirty_again(struct flow *flow, const struct moment *moment)
{
    for (size_t i = 0; i < flow->partitions_count; i++) {
        if (flow->partitions[i].in_batch)
            commit_mark_dirty(flow, &flow->partitions[i], moment);
        flow->partitions[i].in_batch = false;
    }
}

void commit_aborted(struct flow *flow, const struct moment *moment)
{
    flow->statistics.batches_aborted++;
    while (flow->batch.count > 0)
        put_back(flow, &flow->payouts[flow->batch.tail]);
    dirty_again(flow, moment);
    flow->batch_retry_ms = moment->now_ms + ABORT_RETRY_MS;
}

static const struct flow_assigned *read_again(const struct flow_event *event,
                                              const struct flow_partition *partition)
{
    for (size_t i = 0; i < event->partitions_count; i++)
        if (event->partitions[i].number == partition->number &&
            event->partitions[i].topic == partition->topic)
            return &event->partitions[i];
    return NULL;
}

/* R6: after a commit whose fate is unknown, only what the broker says is done is done. */
void commit_reread(struct flow *flow, const struct flow_event *event, const struct moment *moment)
{
    flow->statistics.batches_reread++;
    for (size_t i = 0; i < flow->partitions_count; i++) {
        const struct flow_assigned *committed = read_again(event, &flow->partitions[i]);
        if (committed == NULL)
            continue;
        flow->partitions[i].committed_token = committed->token;
        if (committed->ceiling > flow->partitions[i].ceiling) /* R8: it never falls */
            flow->partitions[i].ceiling = committed->ceiling;
    }
    for (uint32_t slot = flow->batch.tail; slot != PAYOUT_NONE;) {
        struct payout *payout = &flow->payouts[slot];
        slot = payout->previous;
        struct flow_partition *partition = flow_partition_of(flow, payout);
        const struct flow_assigned *committed =
            partition == NULL ? NULL : read_again(event, partition);
        if (committed != NULL && window_is_done(committed->window, payout->offset)) {
            payout_list_remove(flow->payouts, payout);
            publish_end(flow, payout, payout->end);
        } else
            put_back(flow, payout);
    }
    dirty_again(flow, moment);
    recovery_committed(flow, moment);
}
