/* What of a flow makes a difference. */
#include "digest.h"

#include <string.h>

static int64_t call_of(const char *rid)
{
    const char *end = rid + strlen(rid);
    for (int spaces = 0; spaces < 3; spaces++)
        while (end > rid && *--end != ' ')
            continue;
    int64_t call = 0;
    for (const char *at = end + 1; end > rid && *at >= '0' && *at <= '9'; at++)
        call = call * 10 + (*at - '0');
    return call;
}

static void put_call(const struct model_worker *worker, const struct payout *payout)
{
    int same = 0;
    for (int at = 0; at <= TOKENS_MAX; at++) {
        const struct sim_order *order = at == 0 ? &world.replica.order : &world.masters[at].order;
        if (strcmp(order->inst, worker->instance) != 0)
            continue;
        same |= (order->call == payout->call) << (2 * at);
        same |= (order->rid[0] == 'A' && call_of(order->rid) == payout->call) << (2 * at + 1);
    }
    digest_put(same & 0xff);
    digest_put(same >> 8);
}

static int list_of(const struct flow *flow, const struct payout *payout)
{
    const struct payout_list *lists[] = {
        &flow->to_ask,    &flow->to_send,       &flow->to_tell,
        &flow->to_status, &flow->publishable,   &flow->batch,
        &flow->ended,     &flow->holds[0].held, &flow->lanes[0].claimable};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (payout->list == lists[i])
            return (int) i + 1;
    for (size_t i = 0; i < FLOW_PARTITIONS_MAX; i++)
        if (payout->list == &flow->partitions[i].above)
            return 20 + (int) i;
    return 0;
}

static void put_request(int w, const struct payout *payout)
{
    const struct request *request =
        payout->step == STEP_PAYING ? model_request_of(w, payout) : NULL;
    digest_put(request == NULL ? -1 : request - world.requests);
}

/* What waits to be told: all that is left of it is what will be said. */
static void put_publishing(const struct payout *payout)
{
    digest_put(payout->has_outcome | payout->has_dead_letter << 1 | payout->replayed << 2 |
               payout->doubt << 3);
    digest_put(payout->state);
    digest_put(payout->attempt);
    digest_put(payout->end);
    digest_put(payout->sequence);
    digest_put_text(payout->body);
}

/* What the next question may need. */
static void put_questioning(int w, const struct payout *payout)
{
    const struct model_worker *worker = &world.workers[w];
    bool has_verdict = payout->step == STEP_SETTLING || payout->step == STEP_TELLING;
    bool may_answer = payout->has_answer && (has_verdict || payout->step == STEP_REOPENING);
    digest_put(payout->sending | payout->probes << 1 | payout->doubt << 2 | may_answer << 3 |
               (payout->send_before_ms != 0) << 4);
    digest_put(payout->step == STEP_CLAIMING ? (int) payout->script : -1);
    digest_put(payout->attempt);
    put_call(worker, payout);
    PUT_NAME(payout->seen_instance);
    digest_put(payout->seen_attempt);
    digest_put_text(payout->refused_payment_ids);
    if (may_answer)
        digest_put_text(payout->answer.payment_id);
    if (has_verdict) {
        digest_put(payout->state);
        digest_put(payout->evidence);
        digest_put(payout->mode);
        digest_put_text(payout->body);
    }
    put_request(w, payout);
}

static void put_payout(int w, const struct payout *payout)
{
    const struct flow *flow = &world.workers[w].flow;
    digest_put(payout->step);
    digest_put(list_of(flow, payout));
    digest_put(flow->timers.places[payout->slot] != 0);
    digest_put(payout->asked | payout->orphaned << 1 | payout->is_evidence << 2 |
               (payout->epoch == flow->epoch) << 3);
    digest_put(payout->partition);
    digest_put(payout->offset);
    if (payout->step == STEP_PUBLISHING)
        put_publishing(payout);
    else
        put_questioning(w, payout);
}

static int rank_of(const struct payout *payout)
{
    int rank = (int) payout->offset + 8 * payout->partition + 16 * payout->is_evidence;
    return 2 * rank + payout->orphaned;
}

/* Slots are names: payouts are told by the position that they stand for. */
static void put_payouts(int w)
{
    const struct flow *flow = &world.workers[w].flow;
    const struct payout *sorted[PAYOUTS];
    int count = 0;
    for (int i = 0; i < PAYOUTS; i++) {
        const struct payout *payout = &flow->payouts[i];
        if (payout->step == STEP_FREE)
            continue;
        int at = count++;
        for (; at > 0 && rank_of(sorted[at - 1]) > rank_of(payout); at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = payout;
    }
    digest_put(count);
    for (int i = 0; i < count; i++)
        put_payout(w, sorted[i]);
}

static void put_partition(const struct model_worker *worker, const struct flow_partition *partition)
{
    digest_put(partition->topic);
    digest_put(partition->number);
    digest_put_window(&partition->window);
    digest_put((int64_t) partition->committed_token);
    digest_put((int64_t) partition->token_in_batch);
    digest_put(partition->ceiling);
    digest_put(partition->armable_below);
    digest_put(partition->ceiling_in_batch);
    digest_put(partition->dirty | partition->in_batch << 1);
    digest_put(partition->refused_at);
    digest_put(worker->position[partition->topic == FLOW_RESOLUTIONS ? 2 : partition->number]);
}

static void put_inquiry(const struct inquiry *inquiry)
{
    digest_put(inquiry->step);
    if (inquiry->step == INQUIRY_FREE)
        return;
    digest_put(inquiry->asked);
    digest_put_text(inquiry->instance);
    digest_put(inquiry->attempt);
    digest_put(inquiry->state);
    digest_put(inquiry->doubt);
    digest_put_text(inquiry->body);
    digest_put_text(inquiry->refused_payment_ids);
}

static void put_hold(const struct flow *flow, int64_t now_ms)
{
    const struct flow_hold *hold = &flow->holds[0];
    digest_put(hold->reason);
    digest_put(hold->probing);
    digest_put(hold->reason != HOLD_NONE && hold->probe_at_ms > now_ms);
}

void digest_put_flow(int w)
{
    const struct model_worker *worker = &world.workers[w];
    const struct flow *flow = &worker->flow;
    int64_t now_ms = worker->now_ms;
    digest_put(flow->epoch != 0);
    digest_put(flow->revoking | flow->stopping << 1 | flow->release_due << 2 |
               flow->ledger_up << 3 | flow->ledger_probing << 4 | flow->restoring << 5 |
               flow->publisher_ready << 6);
    digest_put(flow->batch_running);
    digest_put(flow->batch_running && flow->batch_epoch == flow->epoch);
    digest_put(flow->recovery);
    digest_put((int64_t) flow->wiped_token);
    digest_put((int64_t) (flow->wipes_asked | flow->wipes_done << 1));
    digest_put((int64_t) flow->token);
    digest_put((flow->batch_retry_ms > now_ms) | (flow->scan_at_ms > now_ms) << 1 |
               (flow->dirty_since_ms != 0) << 2 |
               ((flow->revoking || flow->stopping) && flow->drain_until_ms > now_ms) << 3);
    if (flow->recovery != RECOVERY_NONE)
        digest_put((flow->restore_retry_ms > now_ms) | (flow->ledger_retry_ms > now_ms) << 1);
    put_hold(flow, now_ms);
    digest_put((int64_t) flow->partitions_count);
    for (size_t i = 0; i < flow->partitions_count; i++)
        put_partition(worker, &flow->partitions[i]);
    put_payouts(w);
    put_inquiry(&flow->inquiries[0]);
}
