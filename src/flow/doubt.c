/*
 * Somebody sent for this order and did not say what came of it: another worker, or this one in an
 * earlier life. Never send (the one-way door). Wait until that request must have ended, read again,
 * then ask the gateway.
 */
#include "payoutd/flow/steps.h"

#include <string.h>

enum { READ_AGAIN_MS = 1000 };

static void remember(struct payout *payout, const struct ledger_reply *reply)
{
    size_t len = reply->instance.len < sizeof payout->seen_instance - 1
                     ? reply->instance.len
                     : sizeof payout->seen_instance - 1;
    bool is_new =
        payout->seen_attempt != reply->attempt ||
        !bytes_equal_text((struct bytes){reply->instance.data, len}, payout->seen_instance);
    if (is_new) {
        if (len > 0)
            memcpy(payout->seen_instance, reply->instance.data, len);
        payout->seen_instance[len] = '\0';
        payout->seen_attempt = reply->attempt;
        payout->attempt = reply->attempt;
        claim_take_merchant(payout, reply);
    }
    claim_take_refused(payout, reply);
}

void doubt_begin(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                 const struct moment *moment)
{
    if (payout->seen_attempt == 0)
        flow_note(flow, NOTE_SENT_BY_OTHER, payout);
    payout->doubt = payout->doubt || reply->doubt;
    remember(payout, reply);
    int64_t over_ms = reply->armed_ms + flow->config.request_timeout_ms + flow->config.grace_ms;
    int64_t left_ms = over_ms - reply->now_ms;
    if (left_ms > 0) {
        flow_move(flow, payout, STEP_DOUBTING, NULL);
        int64_t wait_ms = left_ms < READ_AGAIN_MS ? left_ms : READ_AGAIN_MS;
        heap_set(&flow->timers, payout->slot, moment->now_ms + wait_ms);
        return;
    }
    flow_move(flow, payout, STEP_ASKING, &flow->to_status);
}

/* Space separated decimal ids. */
static bool is_listed(struct bytes list, struct bytes id)
{
    size_t begin = 0;
    for (size_t i = 0; i <= list.len; i++) {
        if (i < list.len && list.data[i] != ' ')
            continue;
        struct bytes one = {list.data + begin, i - begin};
        if (one.len > 0 && bytes_equal(one, id))
            return true;
        begin = i + 1;
    }
    return false;
}

bool doubt_error_belongs(int32_t attempt, bool doubt, struct bytes refused_payment_ids,
                         const struct answer *answer)
{
    if (doubt || bytes_is_none(answer->payment_id))
        return false;
    return attempt == 1 || !is_listed(refused_payment_ids, answer->payment_id);
}

static enum order_state state_of(struct payout *payout, const struct answer *answer)
{
    switch (answer->verdict) {
    case VERDICT_ACCEPTED:
        return ORDER_PAID;
    case VERDICT_PENDING:
        return ORDER_PENDING;
    case VERDICT_REFUSED:
        if (doubt_error_belongs(payout->seen_attempt, payout->doubt, payout->refused_payment_ids,
                                answer)) {
            payout->failure_code = error_failure_code(answer->error_code);
            payout->failure_message = "the gateway says that the payout failed";
            payout->failure_from_gateway = true;
            payout->failure_retryable = answer->error_class != ERROR_CLASS_DECLINED;
            return ORDER_FAILED;
        }
        break;
    case VERDICT_NOT_SENT:
    case VERDICT_UNKNOWN:
        break;
    }
    payout->failure_code = "outcome_unknown";
    payout->failure_message =
        answer->why != NULL ? answer->why : "sent by a worker that did not record what came of it";
    return ORDER_UNKNOWN;
}

void doubt_answered(struct flow *flow, struct payout *payout, const struct answer *answer,
                    const struct moment *moment)
{
    payout->asked = false;
    flow_give_sending(flow, payout);
    if (payout->orphaned) {
        publish_end(flow, payout, END_DROPPED);
        return;
    }
    payout->answer = *answer;
    payout->has_answer = answer->verdict != VERDICT_NOT_SENT;
    payout->answered_ms = moment->wall_ms;
    enum order_state state = state_of(payout, answer);
    payout->evidence = state == ORDER_UNKNOWN ? EVIDENCE_NONE : EVIDENCE_STATUS;
    settle_begin(flow, payout, state, SETTLE_OWN_STATUS);
}
