/*
 * Step 2: the order is claimed in the ledger before anything is sent (R1). What if the claim is
 * lost, or somebody else has it? Every answer that the ledger can give is handled here.
 */
#include "payoutd/flow/steps.h"

enum { UNCONFIGURED_WAIT_MS = 60000, REFUSED_IDS_MAX = 1024 /* characters */ };

/* R8: only below a ceiling that this assignment committed itself. Above it the position waits for
 * the next commit. */
void claim_wait(struct flow *flow, struct payout *payout)
{
    if (payout->orphaned || flow_is_closing(flow)) { /* its next owner claims it */
        publish_end(flow, payout, END_DROPPED);
        return;
    }
    struct flow_partition *partition = flow_partition_of(flow, payout);
    must(partition != NULL);
    bool is_armable = payout->offset < partition->armable_below;
    flow_move(flow, payout, STEP_WAITING,
              is_armable ? &flow_lane_of(flow, payout)->claimable : &partition->above);
}

static enum ledger_script claim_script(const struct flow *flow, const struct payout *payout,
                                       const struct moment *moment)
{
    if (payout->decoded == DECODED_INVALID || decode_is_expired(flow, payout, moment->wall_ms))
        return LEDGER_REJECT; /* it looks for doubt before it looks at age or validity (R13) */
    return payout->decoded == DECODED_UNCONFIGURED ? LEDGER_PARK : LEDGER_ARM;
}

void claim_begin(struct flow *flow, struct payout *payout, const struct moment *moment)
{
    enum ledger_script script = claim_script(flow, payout, moment);
    flow_move(flow, payout, STEP_CLAIMING, NULL);
    arena_cut(&payout->arena, payout->arena_kept);
    payout->has_answer = false;
    payout->body = BYTES_NONE;
    payout->refused_payment_ids = BYTES_NONE;
    payout->call = ++flow->next_call; /* a new number for every intent to arm */
    payout->send_before_ms = 0;
    if (script == LEDGER_ARM)
        flow_take_sending(flow, payout);
    if (script == LEDGER_REJECT && payout->decoded != DECODED_INVALID) {
        payout->failure_code = "expired";
        payout->failure_message = "the command is older than it may be paid";
    }
    recovery_ask(flow, payout, script);
}

static void claim_lane(struct flow *flow, size_t at, const struct moment *moment)
{
    struct flow_lane *lane = &flow->lanes[at];
    struct payout *payout;
    while (lane->sending < flow->config.lane_sending_max[at] &&
           (payout = payout_list_first(flow->payouts, &lane->claimable)) != NULL) {
        bool may_arm = claim_script(flow, payout, moment) == LEDGER_ARM;
        if (may_arm && hold_stops(flow, payout))
            hold_keep(flow, payout);
        else
            claim_begin(flow, payout, moment);
    }
}

void claim_turn(struct flow *flow, const struct moment *moment)
{
    if (!recovery_ledger_usable(flow) || flow_is_closing(flow))
        return;
    for (size_t i = 0; i < flow->config.lanes_count; i++)
        claim_lane(flow, i, moment);
}

void claim_take_merchant(struct payout *payout, const struct ledger_reply *reply)
{
    if (reply->merchant_id.len == 0 || bytes_equal(reply->merchant_id, payout->merchant_id))
        return;
    payout->merchant_at = UINT16_MAX; /* the worker looks it up again */
    if (arena_copy(&payout->arena, reply->merchant_id, &payout->merchant_id) != STATUS_OK)
        payout->merchant_id = BYTES_NONE; /* nobody's: it is not sent */
    payout->arena_kept = payout->arena.used;
}

void claim_take_refused(struct payout *payout, const struct ledger_reply *reply)
{
    struct bytes ids = reply->refused_payment_ids;
    payout->refused_payment_ids = BYTES_NONE;
    bool is_kept = ids.len <= REFUSED_IDS_MAX &&
                   arena_copy(&payout->arena, ids, &payout->refused_payment_ids) == STATUS_OK;
    if (!is_kept)
        payout->doubt = true; /* unknown ids: an error of this order settles nothing (R4) */
}

static void claim_armed(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                        const struct moment *moment)
{
    claim_take_merchant(payout, reply);
    claim_take_refused(payout, reply); /* its events carry them: Redis may forget */
    payout->attempt = reply->attempt;
    payout->armed_ms = moment->wall_ms;
    bool is_late = moment->now_ms >= payout->send_before_ms; /* R1: the send window is over */
    if (payout->orphaned || flow_is_closing(flow) || is_late || hold_stops(flow, payout)) {
        pay_reopen(flow, payout);
        return;
    }
    pay_begin(flow, payout);
}

/* Its merchant is not configured: only a person, or age, ends that. */
void claim_later(struct flow *flow, struct payout *payout, const struct moment *moment)
{
    flow_note(flow, NOTE_UNCONFIGURED, payout);
    flow_move(flow, payout, STEP_WAITING, NULL);
    heap_set(&flow->timers, payout->slot, moment->now_ms + UNCONFIGURED_WAIT_MS);
}

/* READY under another attempt than was expected: claim again, expecting the right one. */
static void claim_ready(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                        const struct moment *moment)
{
    claim_take_merchant(payout, reply);
    payout->attempt = reply->attempt;
    hold_probe_over(flow, payout, moment);
    if (payout->decoded == DECODED_UNCONFIGURED) {
        claim_later(flow, payout, moment);
        return;
    }
    claim_wait(flow, payout);
}

static void claim_duplicate(struct flow *flow, struct payout *payout,
                            const struct ledger_reply *reply, const struct moment *moment)
{
    bool replays = flow->config.duplicates == DUPLICATES_REPLAY && reply->body.len > 0;
    if (replays) {
        payout->replayed = true;
        publish_stored(flow, payout, reply, moment);
        payout->end = END_DUPLICATE;
        return;
    }
    publish_begin(flow, payout, END_DUPLICATE, moment);
}

void claim_conflict(struct flow *flow, struct payout *payout, const struct moment *moment)
{
    flow_note(flow, NOTE_ORDER_CONFLICT, payout);
    payout->has_dead_letter = true;
    payout->dead_letter_reason = "order_conflict";
    publish_begin(flow, payout, END_CONFLICT, moment);
}

void claim_answered(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                    const struct moment *moment)
{
    if (reply->answer == LEDGER_ARMED) {
        claim_armed(flow, payout, reply, moment);
        return;
    }
    flow_give_sending(flow, payout);
    if (payout->orphaned) {
        publish_end(flow, payout, END_DROPPED);
        return;
    }
    bool is_ready = reply->answer == LEDGER_PARKED ||
                    (reply->answer == LEDGER_KNOWN && reply->state == ORDER_READY);
    if (is_ready) {
        claim_ready(flow, payout, reply, moment);
        return;
    }
    hold_probe_over(flow, payout, moment);
    if (reply->answer == LEDGER_SENT_BY_OTHER)
        doubt_begin(flow, payout, reply, moment);
    else if (reply->answer == LEDGER_KNOWN || reply->answer == LEDGER_SETTLED)
        publish_stored(flow, payout, reply, moment);
    else if (reply->answer == LEDGER_DUPLICATE)
        claim_duplicate(flow, payout, reply, moment);
    else if (reply->answer == LEDGER_CONFLICT)
        claim_conflict(flow, payout, moment);
    else /* DONE: settled and published by another position */
        publish_begin(flow, payout, END_DONE, moment);
}
