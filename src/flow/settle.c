/* Step 4: the verdict is recorded in the ledger before anybody is told (R5). */
#include "payoutd/flow/steps.h"

void settle_begin(struct flow *flow, struct payout *payout, enum order_state state,
                  enum settle_mode mode)
{
    flow_move(flow, payout, STEP_SETTLING, NULL);
    payout->state = state;
    payout->mode = mode;
    payout->body = BYTES_NONE; /* the worker makes it from the facts when the question is put */
    recovery_ask(flow, payout, LEDGER_SETTLE);
}

/* The order moved on before our answer was written: evidence for the resolutions topic, which
 * settles it. */
static void settle_late(struct flow *flow, struct payout *payout)
{
    flow->statistics.late++;
    flow_note(flow, NOTE_LATE, payout);
    if (payout->evidence == EVIDENCE_ANSWER)
        flow_move(flow, payout, STEP_TELLING, &flow->to_tell);
    else
        claim_wait(flow, payout); /* a status can be asked again */
}

void settle_answered(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                     const struct moment *moment)
{
    if (payout->is_evidence) {
        resolve_answered(flow, payout, reply, moment);
        return;
    }
    if (reply->answer == LEDGER_LATE) {
        settle_late(flow, payout);
        return;
    }
    if (reply->answer == LEDGER_CONTRADICTION) {
        flow->statistics.contradictions++;
        flow_note(flow, NOTE_CONTRADICTION, payout);
    }
    if (payout->orphaned) {
        publish_end(flow, payout, END_DROPPED); /* recorded; the position's owner publishes it */
        return;
    }
    if (reply->answer == LEDGER_SETTLED)
        publish_stored(flow, payout, reply, moment);
    else if (reply->answer == LEDGER_DONE)
        publish_begin(flow, payout, END_DONE, moment);
    else if (reply->answer == LEDGER_CONFLICT) /* it asked about an order that is not its own */
        claim_conflict(flow, payout, moment);
    else /* MOVED, ABSENT, CONTRADICTION: the claim reads what the order is now */
        claim_wait(flow, payout);
}

void settle_told(struct flow *flow, struct payout *payout, bool told)
{
    payout->asked = false;
    if (!told) {
        payout_list_append(flow->payouts, &flow->to_tell, payout);
        return;
    }
    if (payout->orphaned)
        publish_end(flow, payout, END_DROPPED);
    else
        claim_wait(flow, payout);
}
