/*
 * A record of the resolutions topic: a late own answer, a status, a callback, an operator's word.
 * It settles its order, if the order still is what the evidence speaks of, and then publishes the
 * outcome like any other position.
 */
#include "payoutd/flow/steps.h"

void resolve_begin(struct flow *flow, struct payout *payout)
{
    flow_move(flow, payout, STEP_SETTLING, NULL);
    payout->mode = SETTLE_RESOLUTION;
    recovery_ask(flow, payout, LEDGER_SETTLE);
}

void resolve_answered(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                      const struct moment *moment)
{
    if (reply->answer == LEDGER_CONTRADICTION) {
        flow->statistics.contradictions++;
        flow_note(flow, NOTE_CONTRADICTION, payout);
    }
    if (payout->orphaned || flow_is_closing(flow)) {
        publish_end(flow, payout,
                    END_DROPPED); /* its next owner finds the same, and publishes it */
        return;
    }
    if (reply->answer == LEDGER_SETTLED)
        publish_stored(flow, payout, reply, moment);
    else /* DONE, MOVED, CONTRADICTION: there is nothing to tell */
        publish_begin(flow, payout, END_DONE, moment);
}
