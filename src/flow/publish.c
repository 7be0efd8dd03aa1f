/* Step 5: what is to be told waits here for the next transaction. A position that ends silently
 * goes the same way. */
#include "payoutd/flow/steps.h"

void publish_end(struct flow *flow, struct payout *payout, enum payout_end end)
{
    flow_give_sending(flow, payout);
    hold_forget(flow, payout);
    flow_move(flow, payout, STEP_ENDED, &flow->ended);
    payout->end = end;
    flow->statistics.ended[end]++;
}

void publish_begin(struct flow *flow, struct payout *payout, enum payout_end end,
                   const struct moment *moment)
{
    flow_give_sending(flow, payout);
    payout->end = end;
    payout->publishable_ms = moment->now_ms;
    flow_move(flow, payout, STEP_PUBLISHING, &flow->publishable);
}

void publish_stored(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                    const struct moment *moment)
{
    bool is_ours = !bytes_is_none(payout->body) && bytes_equal(payout->body, reply->body);
    if (!is_ours && reply->body.len > 0) {
        /* An earlier verdict stands, or a redelivered command finds its own: that one is published.
         */
        if (arena_copy(&payout->arena, reply->body, &payout->body) != STATUS_OK)
            payout->body = BYTES_NONE; /* the worker makes it again from the facts */
    }
    payout->state = reply->state;
    payout->sequence = reply->sequence;
    payout->doubt = reply->doubt;
    if (reply->attempt > 0)
        payout->attempt = reply->attempt;
    payout->has_outcome = true;
    publish_begin(flow, payout, END_OUTCOME, moment);
}
