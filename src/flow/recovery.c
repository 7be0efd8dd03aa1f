/*
 * The ledger is away, refuses writes, or may have forgotten (R5, R8, R9): what is to be asked of it
 * waits here. Nothing is sent, nothing is dropped; results stay in memory until they are recorded.
 */
#include "payoutd/flow/steps.h"

enum { FORGOT_RETRY_MS = 1000, FOREIGN_RETRY_MS = 30000 };

bool recovery_ledger_usable(const struct flow *flow)
{
    return flow->ledger_up && !flow->ledger_forgot;
}

void recovery_ask(struct flow *flow, struct payout *payout, enum ledger_script script)
{
    payout->script = script;
    payout_list_append(flow->payouts, &flow->to_ask, payout);
}

static void ask_again(struct flow *flow, struct payout *payout)
{
    flow->statistics.ledger_repeats++;
    payout_list_append(flow->payouts, &flow->to_ask, payout);
}

bool recovery_reply_counts(struct flow *flow, struct payout *payout,
                           const struct ledger_reply *reply, const struct moment *moment)
{
    flow->ledger_probing = false;
    if (reply->answer == LEDGER_FAILED || reply->answer == LEDGER_BLOCKED) {
        ask_again(flow, payout); /* the same arguments: the scripts know a repeat */
        return false;
    }
    if (reply->answer == LEDGER_EMPTY) {
        if (!flow->ledger_forgot)
            flow_note(flow, NOTE_LEDGER_FORGOT, payout);
        flow->ledger_forgot = true;
        flow->ledger_retry_ms = moment->now_ms + FORGOT_RETRY_MS;
        ask_again(flow, payout);
        return false;
    }
    if (flow->ledger_forgot) {
        flow->ledger_forgot = false;
        flow_note(flow, NOTE_LEDGER_REMEMBERS, payout);
    }
    if (reply->answer == LEDGER_FOREIGN) {
        flow->statistics.foreign++;
        flow_note(flow, NOTE_FOREIGN_RECORD, payout);
        flow_give_sending(flow, payout);
        hold_probe_over(flow, payout, moment);
        heap_set(&flow->timers, payout->slot, moment->now_ms + FOREIGN_RETRY_MS);
        return false;
    }
    return true;
}

static void ask(struct flow *flow, struct payout *payout, const struct moment *moment,
                struct flow_actions *actions)
{
    payout_list_remove(flow->payouts, payout);
    payout->asked = true;
    /* R1: counted from the first time the question is put, however often it is repeated. */
    if (payout->script == LEDGER_ARM && payout->send_before_ms == 0)
        payout->send_before_ms = moment->now_ms + flow->config.send_window_ms;
    flow_act(actions, ACTION_LEDGER)->payout = flow_handle_of(payout);
}

/* One question at a time finds out whether the ledger remembers again. */
static int64_t probe(struct flow *flow, const struct moment *moment, struct flow_actions *actions)
{
    struct payout *payout = payout_list_first(flow->payouts, &flow->to_ask);
    if (flow->ledger_probing)
        return -1;
    if (moment->now_ms < flow->ledger_retry_ms)
        return flow->ledger_retry_ms - moment->now_ms;
    if (payout == NULL) { /* nobody left to ask with: the next command finds out */
        flow->ledger_forgot = false;
        return 0;
    }
    flow->ledger_probing = true;
    ask(flow, payout, moment, actions);
    return -1;
}

int64_t recovery_turn(struct flow *flow, const struct moment *moment, struct flow_actions *actions)
{
    if (!flow->ledger_up || flow_actions_full(actions))
        return -1;
    if (flow->ledger_forgot)
        return probe(flow, moment, actions);
    struct payout *payout;
    while (!flow_actions_full(actions) &&
           (payout = payout_list_first(flow->payouts, &flow->to_ask)) != NULL)
        ask(flow, payout, moment, actions);
    return -1;
}
