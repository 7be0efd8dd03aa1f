/* Questions to the ledger: what src/app/asking.c and following.c do. */
#include "sim.h"

#include <stdio.h>

enum { FIRST_STATUS_MS = 2000, VISIBILITY_MARGIN_MS = 15000 };

static const char *topic_name(const struct payout *payout)
{
    return payout->is_evidence ? "resolutions" : "commands";
}

static enum evidence evidence_of(const struct payout *payout, enum order_state state)
{
    if (state == ORDER_REJECTED)
        return EVIDENCE_WORKER;
    return payout->script == LEDGER_REJECT ? EVIDENCE_NOT_SENT : payout->evidence;
}

/* As src/app/asking.c: from the payout's facts. */
struct bytes sim_asking_body(struct sim *sim, struct payout *payout, enum order_state state)
{
    char text[SIM_BODY_MAX];
    struct bytes kept;
    struct sim_body body = {.state = state,
                            .attempt = payout->attempt,
                            .is_evidence = payout->is_evidence,
                            .partition = payout->partition,
                            .offset = payout->offset,
                            .words = payout->command.fingerprint[0],
                            .doubt = payout->doubt,
                            .nonce = (unsigned) sim_random_next(&sim->random) & 0xffff};
    snprintf(body.evidence, sizeof body.evidence, "%s", evidence_name(evidence_of(payout, state)));
    if (payout->has_answer && payout->answer.payment_id.len > 0)
        snprintf(body.pid, sizeof body.pid, "%.*s", (int) payout->answer.payment_id.len,
                 payout->answer.payment_id.data);
    sim_body_list(body.refused, sizeof body.refused, payout->refused_payment_ids);
    sim_body_write(&body, text, sizeof text);
    must(arena_copy(&payout->arena, bytes_of(text), &kept) == STATUS_OK);
    return kept;
}

static void make_bodies(struct sim *sim, struct sim_worker *worker, struct payout *payout)
{
    if (!bytes_is_none(payout->body))
        return;
    if (payout->script == LEDGER_SETTLE)
        payout->body = sim_asking_body(sim, payout, payout->state);
    if (payout->script != LEDGER_REJECT)
        return;
    payout->body = sim_asking_body(sim, payout, ORDER_REJECTED);
    worker->late_bodies[payout->slot] = sim_asking_body(sim, payout, ORDER_FAILED);
}

static void ask(struct sim *sim, struct sim_worker *worker, const struct ledger_call *call)
{
    struct ledger_reply reply = {
        .answer = LEDGER_BLOCKED, .script = call->script, .tag = call->tag};
    if (!sim_link_ask(sim, worker, call))
        sim_worker_feed(sim, worker,
                        &(struct flow_event){.kind = FLOW_LEDGER_REPLY,
                                             .payout = flow_untag(call->tag),
                                             .reply = &reply});
}

void sim_asking_ask(struct sim *sim, struct sim_worker *worker, struct payout *payout)
{
    const struct flow_config *config = &worker->flow->config;
    make_bodies(sim, worker, payout);
    bool is_as_seen = payout->script == LEDGER_SETTLE && payout->mode != SETTLE_OWN_ANSWER;
    bool has_late = payout->script == LEDGER_REJECT || payout->is_evidence;
    struct ledger_call call = {
        .script = payout->script,
        .tag = flow_tag(flow_handle_of(payout)),
        .token = worker->flow->token,
        .order_id = payout->command.order_id,
        .by = {bytes_of(topic_name(payout)), payout->partition, payout->offset},
        .fingerprint = payout->is_evidence ? NULL : payout->command.fingerprint,
        .instance = bytes_of(is_as_seen ? payout->seen_instance : worker->instance),
        .call = payout->call,
        .attempt = payout->script == LEDGER_ARM ? payout->attempt + 1
                   : is_as_seen                 ? payout->seen_attempt
                                                : payout->attempt,
        .merchant_id = payout->merchant_id,
        .due_ms = payout->script == LEDGER_SETTLE ? FIRST_STATUS_MS
                                                  : config->request_timeout_ms + config->grace_ms,
        .mode = payout->mode,
        .evidence = payout->evidence,
        .state = payout->state,
        .body = payout->body,
        .late_body = has_late ? worker->late_bodies[payout->slot] : BYTES_NONE,
        .payment_id = payout->has_answer ? payout->answer.payment_id : BYTES_NONE,
    };
    if (sim_link_ask(sim, worker, &call))
        return;
    struct ledger_reply reply = {.answer = LEDGER_BLOCKED, .script = call.script, .tag = call.tag};
    sim_worker_feed(sim, worker,
                    &(struct flow_event){.kind = FLOW_LEDGER_REPLY,
                                         .payout = flow_handle_of(payout),
                                         .reply = &reply});
}

void sim_asking_mark(struct sim *sim, struct sim_worker *worker, const struct payout *payout)
{
    struct ledger_call call = {
        .script = LEDGER_PUBLISHED,
        .token = worker->flow->token,
        .order_id = payout->command.order_id,
        .by = {bytes_of(topic_name(payout)), payout->partition, payout->offset},
        .sequence = payout->sequence,
    };
    (void) sim_link_ask(sim, worker, &call); /* only a mark */
}

/* Open orders. */

static void scan(struct sim *sim, struct sim_worker *worker, const struct flow_action *action)
{
    const struct sim_redis *redis = &sim->redis;
    size_t at = (size_t) action->partition;
    bool has_due = at < redis->count && redis->orders[at].due &&
                   redis->orders[at].due_ms <= sim_wall_ms(sim) + 1000;
    bool is_known = action->batch > 0 && redis->inc[at] == worker->flow->token;
    if (!has_due && is_known)
        return; /* its answer would be an empty list */
    struct ledger_call call = {
        .script = LEDGER_DUE,
        .tag = flow_scan_tag((uint32_t) action->partition),
        .token = worker->flow->token,
        .shard = action->partition,
        .due_max = (int32_t) action->batch,
        .due_ms = worker->flow->config.request_timeout_ms + VISIBILITY_MARGIN_MS,
    };
    ask(sim, worker, &call);
}

static void wipe(struct sim *sim, struct sim_worker *worker, const struct flow_action *action)
{
    struct ledger_call call = {
        .script = LEDGER_WIPE,
        .tag = flow_scan_tag((uint32_t) action->partition),
        .shard = action->partition,
    };
    ask(sim, worker, &call);
}

static void look(struct sim *sim, struct sim_worker *worker, struct handle handle)
{
    const struct inquiry *inquiry = flow_inquiry(worker->flow, handle);
    struct ledger_call call = {
        .script = inquiry->script,
        .tag = flow_tag(handle),
        .token = worker->flow->token,
        .order_key = inquiry->order_key,
        .due_ms = inquiry->defer_ms,
    };
    ask(sim, worker, &call);
}

void sim_asking_followup(struct sim *sim, struct sim_worker *worker,
                         const struct flow_action *action)
{
    if (action->kind == ACTION_SCAN)
        scan(sim, worker, action);
    else if (action->kind == ACTION_WIPE)
        wipe(sim, worker, action);
    else if (action->kind == ACTION_LOOK)
        look(sim, worker, action->payout);
    else
        sim_gateway_ask(sim, worker, flow_tag(action->payout),
                        sim_order_of(sim, flow_inquiry(worker->flow, action->payout)->order_id));
}
