/* Step 3: the one request of this attempt, and what its answer means (R2, R3, R11). */
#include "payoutd/flow/steps.h"

void pay_begin(struct flow *flow, struct payout *payout)
{
    flow_move(flow, payout, STEP_PAYING, &flow->to_send);
}

/* Not sent, or refused with a signed "no money moved": the door may open again, by its own proof
 * only. */
void pay_reopen(struct flow *flow, struct payout *payout)
{
    flow_give_sending(flow, payout);
    flow_move(flow, payout, STEP_REOPENING, NULL);
    recovery_ask(flow, payout, LEDGER_DISARM);
}

static void pay_refused(struct flow *flow, struct payout *payout, const struct moment *moment)
{
    const struct answer *answer = &payout->answer;
    switch (answer->error_class) {
    case ERROR_CLASS_BALANCE:
        hold_begin(flow, payout, HOLD_BALANCE, moment);
        pay_reopen(flow, payout);
        return;
    case ERROR_CLASS_CONFIGURATION:
        hold_begin(flow, payout, HOLD_CONFIGURATION, moment);
        pay_reopen(flow, payout);
        return;
    case ERROR_CLASS_DECLINED:
    case ERROR_CLASS_LIMIT:
        hold_answered(flow, payout);
        payout->failure_code = error_failure_code(answer->error_code);
        payout->failure_message = "the gateway refused the payout";
        payout->failure_from_gateway = true;
        payout->failure_retryable = answer->error_class == ERROR_CLASS_LIMIT;
        settle_begin(flow, payout, ORDER_FAILED, SETTLE_OWN_ANSWER);
        return;
    case ERROR_CLASS_UNKNOWN:
    case ERROR_CLASS_NO_PAYMENT:
        break;
    }
    payout->failure_code = "outcome_unknown";
    settle_begin(flow, payout, ORDER_UNKNOWN, SETTLE_OWN_ANSWER);
}

void pay_answered(struct flow *flow, struct payout *payout, const struct answer *answer,
                  const struct moment *moment)
{
    payout->asked = false;
    payout->answer = *answer;
    payout->has_answer = answer->verdict != VERDICT_NOT_SENT;
    payout->answered_ms = moment->wall_ms;
    payout->evidence = EVIDENCE_ANSWER;
    flow_give_sending(flow, payout);
    switch (answer->verdict) {
    case VERDICT_NOT_SENT:
        if (!answer->unmade)
            hold_begin(flow, payout, HOLD_UNREACHABLE, moment);
        pay_reopen(flow, payout);
        return;
    case VERDICT_REFUSED:
        pay_refused(flow, payout, moment);
        return;
    case VERDICT_ACCEPTED:
        hold_answered(flow, payout);
        settle_begin(flow, payout, ORDER_PAID, SETTLE_OWN_ANSWER);
        return;
    case VERDICT_PENDING:
        hold_answered(flow, payout);
        settle_begin(flow, payout, ORDER_PENDING, SETTLE_OWN_ANSWER);
        return;
    case VERDICT_UNKNOWN:
        hold_probe_over(flow, payout, moment);
        payout->failure_code = "outcome_unknown";
        payout->failure_message = answer->why;
        settle_begin(flow, payout, ORDER_UNKNOWN, SETTLE_OWN_ANSWER);
        return;
    }
}

void pay_reopened(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                  const struct moment *moment)
{
    hold_probe_over(flow, payout, moment);
    if (payout->orphaned || flow_is_closing(flow)) {
        publish_end(flow, payout, END_DROPPED); /* READY: whoever owns the position pays it */
        return;
    }
    if (reply->answer == LEDGER_DISARMED) {
        payout->attempt = reply->attempt;
        if (payout->answer.unmade || payout->merchant_at >= flow->config.merchants_count) {
            claim_later(flow, payout, moment);
            return;
        }
    }
    /* DISARMED: the next attempt. Anything else: the order moved on under us, and the claim reads
     * what it is now. */
    claim_wait(flow, payout);
}
