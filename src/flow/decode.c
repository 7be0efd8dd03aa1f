/* Step 1: a record arrives, gets a slot, and is judged by what the decoder said of it. */
#include "payoutd/flow/steps.h"

size_t flow_room(const struct flow *flow)
{
    if (flow->epoch == 0 || flow_is_closing(flow) || !flow->publisher_ready ||
        !recovery_ledger_usable(flow)) /* R9: intake stops while the ledger cannot be asked */
        return 0;
    return flow->free.count;
}

static struct flow_partition *find_partition(struct flow *flow, const struct flow_arrival *arrival,
                                             uint16_t *ret_at)
{
    if (arrival->partition < 0 || arrival->partition >= FLOW_PARTITION_NUMBER_MAX)
        return NULL;
    int16_t at = flow->partition_places[arrival->topic][arrival->partition];
    if (at < 0 || flow->partitions[at].epoch != arrival->epoch)
        return NULL;
    *ret_at = (uint16_t) at;
    return &flow->partitions[at];
}

enum flow_opening flow_open(struct flow *flow, const struct flow_arrival *arrival,
                            const struct moment *moment, struct handle *ret_payout)
{
    uint16_t at = 0;
    struct flow_partition *partition = find_partition(flow, arrival, &at);
    if (partition == NULL)
        return FLOW_STALE; /* R7: items of an earlier assignment are dropped */
    if (partition->refused_at >= 0 && arrival->offset > partition->refused_at)
        return FLOW_STALE; /* it comes again, behind the one that was refused */
    if (!window_has_room(&partition->window, arrival->offset)) {
        partition->refused_at = arrival->offset;
        partition->paused = true;
        return FLOW_CLOSED;
    }
    partition->refused_at = -1;
    int64_t watermark = partition->window.watermark;
    bool is_new = window_open(&partition->window, arrival->offset);
    if (partition->window.watermark != watermark)
        commit_mark_dirty(flow, partition, moment);
    if (!is_new) {
        flow->statistics.skipped++;
        return FLOW_SKIPPED;
    }
    struct payout *payout = payout_list_first(flow->payouts, &flow->free);
    must(payout != NULL);
    flow_move(flow, payout, STEP_DECODING, NULL);
    payout->partition_at = at;
    payout->partition = arrival->partition;
    payout->offset = arrival->offset;
    payout->epoch = arrival->epoch;
    payout->timestamp_ms = arrival->timestamp_ms;
    payout->received_ms = moment->wall_ms;
    flow->statistics.received++;
    *ret_payout = flow_handle_of(payout);
    return FLOW_OPENED;
}

bool decode_is_expired(const struct flow *flow, const struct payout *payout, int64_t wall_ms)
{
    int64_t not_after_ms = payout->command.not_after_ms;
    return wall_ms - payout->timestamp_ms > flow->config.max_command_age_ms ||
           (not_after_ms > 0 && wall_ms > not_after_ms);
}

void decode_judged(struct flow *flow, struct payout *payout, enum decoded_kind kind,
                   const struct moment *moment)
{
    payout->decoded = kind;
    payout->is_evidence = kind == DECODED_EVIDENCE;
    payout->arena_kept = payout->arena.used;
    if (kind == DECODED_UNREADABLE) {
        payout->has_dead_letter = true;
        publish_begin(flow, payout, END_UNREADABLE, moment);
        return;
    }
    if (kind == DECODED_EVIDENCE) {
        resolve_begin(flow, payout);
        return;
    }
    if (moment->wall_ms - payout->timestamp_ms > flow->config.horizon_ms) {
        /* R13: the ledger may have forgotten it by now, so it is neither paid nor judged. */
        payout->has_dead_letter = true;
        payout->dead_letter_reason = "too_old";
        publish_begin(flow, payout, END_TOO_OLD, moment);
        return;
    }
    payout->has_dead_letter = kind == DECODED_INVALID;
    claim_wait(flow, payout);
}
