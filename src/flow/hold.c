/*
 * A merchant must wait: its balance is short, its configuration is refused, or its gateway cannot
 * be reached. Its orders are kept here; after a pause one goes out to find out, and when it comes
 * through the others follow.
 */
#include "payoutd/flow/steps.h"

const char *hold_reason_name(enum hold_reason reason)
{
    static const char *const names[] = {"none", "balance", "configuration", "unreachable"};
    return (unsigned) reason <= HOLD_UNREACHABLE ? names[reason] : "?";
}

static struct flow_hold *hold_of(struct flow *flow, const struct payout *payout)
{
    return payout->merchant_at < flow->config.merchants_count ? &flow->holds[payout->merchant_at]
                                                              : NULL;
}

bool hold_stops(const struct flow *flow, const struct payout *payout)
{
    if (payout->merchant_at >= flow->config.merchants_count)
        return false;
    return flow->holds[payout->merchant_at].reason != HOLD_NONE && !payout->probes;
}

void hold_keep(struct flow *flow, struct payout *payout)
{
    flow_move(flow, payout, STEP_WAITING, &hold_of(flow, payout)->held);
}

/* 1, 2, 5, 10, 30 seconds, and so on every 30. */
static int64_t pause_ms(int32_t tries)
{
    static const int64_t pauses[] = {1000, 2000, 5000, 10000, 30000};
    int32_t last = (int32_t) (sizeof pauses / sizeof pauses[0]) - 1;
    return pauses[tries < last ? tries : last];
}

void hold_begin(struct flow *flow, const struct payout *payout, enum hold_reason reason,
                const struct moment *moment)
{
    struct flow_hold *hold = hold_of(flow, payout);
    if (hold == NULL)
        return;
    if (hold->reason == HOLD_NONE) {
        hold->since_wall_ms = moment->wall_ms;
        hold->tries = 0;
        hold->probe_at_ms = moment->now_ms + pause_ms(0);
    } else if (payout->probes) {
        hold->tries++;
        hold->probe_at_ms = moment->now_ms + pause_ms(hold->tries);
    }
    if (hold->reason != reason) {
        hold->reason = reason;
        flow_note(flow, NOTE_MERCHANT_HELD, payout);
    }
}

void hold_answered(struct flow *flow, struct payout *payout)
{
    struct flow_hold *hold = hold_of(flow, payout);
    if (hold == NULL)
        return;
    if (payout->probes)
        hold->probing = false;
    payout->probes = false;
    if (hold->reason == HOLD_NONE)
        return;
    hold->reason = HOLD_NONE;
    flow_note(flow, NOTE_MERCHANT_RELEASED, payout);
    struct payout *held;
    while ((held = payout_list_first(flow->payouts, &hold->held)) != NULL)
        flow_move(flow, held, STEP_WAITING, &flow_lane_of(flow, held)->claimable);
}

void hold_probe_over(struct flow *flow, struct payout *payout, const struct moment *moment)
{
    struct flow_hold *hold = hold_of(flow, payout);
    if (hold == NULL || !payout->probes)
        return;
    payout->probes = false;
    hold->probing = false;
    if (hold->probe_at_ms <= moment->now_ms) /* it found out nothing: another one may try */
        hold->probe_at_ms = moment->now_ms + pause_ms(hold->tries);
}

void hold_forget(struct flow *flow, struct payout *payout)
{
    struct flow_hold *hold = hold_of(flow, payout);
    if (hold != NULL && payout->probes)
        hold->probing = false;
    payout->probes = false;
}

static void send_probe(struct flow *flow, struct flow_hold *hold, struct payout *payout,
                       const struct moment *moment)
{
    hold->probing = true;
    payout->probes = true;
    claim_begin(flow, payout, moment);
}

int64_t hold_turn(struct flow *flow, const struct moment *moment)
{
    int64_t wait_ms = -1;
    if (flow_is_closing(flow) || !recovery_ledger_usable(flow))
        return -1;
    for (size_t i = 0; i < flow->config.merchants_count; i++) {
        struct flow_hold *hold = &flow->holds[i];
        struct payout *oldest = payout_list_first(flow->payouts, &hold->held);
        if (oldest == NULL)
            continue;
        if (decode_is_expired(flow, oldest, moment->wall_ms))
            claim_begin(flow, oldest,
                        moment); /* R13: age ends it, as FAILED(not_sent) or REJECTED */
        else if (!hold->probing && hold->probe_at_ms <= moment->now_ms)
            send_probe(flow, hold, oldest, moment);
        if (hold->held.count > 0) {
            int64_t left_ms = hold->probe_at_ms - moment->now_ms;
            flow_sooner(&wait_ms, left_ms > 0 && left_ms < 1000 ? left_ms : 1000);
        }
    }
    return wait_ms;
}
