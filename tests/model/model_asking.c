/* Questions to the ledger, as src/app/asking.c and following.c put them. The scripts are those that
 * sim_redis_differential_test compares with Redis. */
#include "model.h"

#include <string.h>

enum { REDIS_MS = 5000000 };

static struct bytes topic_of(const struct payout *payout)
{
    return bytes_of(payout->is_evidence ? "resolutions" : "commands");
}

static void make_bodies(struct payout *payout, struct ledger_call *call, char late[BODY_MAX])
{
    struct body_facts facts = {.state = ORDER_UNKNOWN,
                               .attempt = payout->seen_attempt,
                               .place = PLACE_RESOLUTIONS,
                               .offset = (int) payout->offset,
                               .words = WORDS_UNKNOWN,
                               .doubt = 1};
    if (bytes_is_none(payout->body) && payout->script == LEDGER_SETTLE)
        payout->body = model_body_of(payout, payout->state);
    if (bytes_is_none(payout->body) && payout->script == LEDGER_REJECT)
        payout->body = model_body_of(payout, ORDER_REJECTED);
    if (payout->script == LEDGER_REJECT)
        facts = (struct body_facts){.state = ORDER_FAILED,
                                    .attempt = payout->attempt,
                                    .place = payout->partition,
                                    .offset = (int) payout->offset,
                                    .words = payout->command.fingerprint[0]};
    model_body(&facts, late);
    call->body = payout->body;
    if (payout->script == LEDGER_REJECT || payout->is_evidence)
        call->late_body = bytes_of(late);
}

static void fill_call(struct model_worker *worker, struct payout *payout, struct ledger_call *call)
{
    bool is_as_seen = payout->script == LEDGER_SETTLE && payout->mode != SETTLE_OWN_ANSWER;
    *call = (struct ledger_call){
        .script = payout->script,
        .tag = flow_tag(flow_handle_of(payout)),
        .token = worker->flow.token,
        .order_id = payout->command.order_id,
        .by = {topic_of(payout), payout->partition, payout->offset},
        .fingerprint = payout->is_evidence ? NULL : payout->command.fingerprint,
        .instance = bytes_of(is_as_seen ? payout->seen_instance : worker->instance),
        .call = payout->call,
        .attempt = payout->script == LEDGER_ARM ? payout->attempt + 1
                   : is_as_seen                 ? payout->seen_attempt
                                                : payout->attempt,
        .merchant_id = payout->merchant_id,
        .mode = payout->mode,
        .evidence = payout->evidence,
        .state = payout->state,
        .payment_id = payout->has_answer ? payout->answer.payment_id : BYTES_NONE,
    };
}

/* A script, at the Redis that the worker is connected to. */
static void run(struct model_worker *worker, const struct ledger_call *call,
                struct ledger_reply *ret_reply)
{
    struct master *master = model_master(worker->link);
    *ret_reply = (struct ledger_reply){.script = call->script, .tag = call->tag};
    if (call->script == LEDGER_WIPE) {
        master->inc = 0;
        ret_reply->answer = LEDGER_MARKED;
        return;
    }
    if (master->inc != call->token) {
        ret_reply->answer = LEDGER_EMPTY;
        return;
    }
    enum order_state before = master->order.exists ? master->order.state : ORDER_ABSENT;
    struct sim_asking asking = {
        .call = call, .order = &master->order, .now_ms = REDIS_MS, .reply = ret_reply};
    sim_scripts_run(&asking);
    if (order_state_is_final(before) && before != master->order.state)
        world.broken = "I7 a final state changed";
}

static const char *script_name(enum ledger_script script)
{
    static const char *const names[LEDGER_SCRIPT_COUNT] = {
        "ARM", "PARK", "REJECT", "DISARM", "SETTLE", "PUBLISHED", "DUE", "READ", "DEFER", "WIPE"};
    return names[script];
}

static const char *const fates[] = {"", " (never arrives)", " (its answer is lost)"};

void model_ask(int w, struct payout *payout, enum fate fate)
{
    struct model_worker *worker = &world.workers[w];
    struct ledger_call call;
    struct ledger_reply reply;
    char late[BODY_MAX];
    fill_call(worker, payout, &call);
    make_bodies(payout, &call, late);
    if (fate == FATE_NOT_APPLIED)
        reply = (struct ledger_reply){.answer = LEDGER_FAILED, .script = call.script};
    else
        run(worker, &call, &reply);
    SAY("%c: %s%s of %d/%d%s: %s, the order is %s %s", model_letter(w), script_name(call.script),
        call.script == LEDGER_SETTLE ? order_state_name(call.state) : "", (int) payout->partition,
        (int) payout->offset, fates[fate], ledger_answer_name(reply.answer),
        order_state_name(model_master(worker->link)->order.state),
        payout->is_evidence ? "(evidence)" : "");
    if (fate == FATE_ANSWER_LOST)
        reply = (struct ledger_reply){.answer = LEDGER_FAILED, .script = call.script};
    model_feed(w, &(struct flow_event){.kind = FLOW_LEDGER_REPLY,
                                       .payout = flow_handle_of(payout),
                                       .reply = &reply});
}

void model_mark(int w, const struct payout *payout)
{
    struct model_worker *worker = &world.workers[w];
    if (!payout->has_outcome || payout->end != END_OUTCOME)
        return;
    struct ledger_call call = {.script = LEDGER_PUBLISHED,
                               .token = worker->flow.token,
                               .order_id = payout->command.order_id,
                               .sequence = payout->sequence};
    struct ledger_reply reply;
    run(worker, &call, &reply);
}

void model_wipe(int w, enum fate fate)
{
    struct model_worker *worker = &world.workers[w];
    struct ledger_call call = {.script = LEDGER_WIPE, .tag = flow_scan_tag(0)};
    struct ledger_reply reply = {.answer = LEDGER_FAILED, .script = LEDGER_WIPE, .tag = call.tag};
    if (fate != FATE_NOT_APPLIED)
        run(worker, &call, &reply);
    SAY("%c: WIPE%s: inc is gone", model_letter(w), fates[fate]);
    if (fate == FATE_ANSWER_LOST)
        reply.answer = LEDGER_FAILED;
    model_feed(w, &(struct flow_event){
                      .kind = FLOW_LEDGER_REPLY, .payout = flow_untag(call.tag), .reply = &reply});
}

/* An entry of the due-list is always due. */
void model_scan(int w, const struct flow_action *action)
{
    struct model_worker *worker = &world.workers[w];
    const struct master *master = model_master(worker->link);
    struct bytes due[1] = {BYTES("o")};
    struct ledger_reply reply = {
        .answer = LEDGER_EMPTY, .script = LEDGER_DUE, .tag = flow_scan_tag(0), .now_ms = REDIS_MS};
    if (master->inc == worker->flow.token) {
        reply.answer = LEDGER_DUE_LIST;
        reply.due = due;
        reply.due_count = action->batch > 0 && master->order.due ? 1 : 0;
    }
    model_feed(w, &(struct flow_event){
                      .kind = FLOW_LEDGER_REPLY, .payout = flow_untag(reply.tag), .reply = &reply});
}

/* A change becomes a record of the resolutions topic; the body keeps whose command it was. */
static bool report(const struct inquiry *inquiry)
{
    struct body_facts facts = model_body_read(inquiry->body.data);
    struct resolution resolution = {.evidence = EVIDENCE_STATUS,
                                    .state = inquiry->change,
                                    .attempt = inquiry->attempt,
                                    .payment_id = inquiry->answer.payment_id};
    facts.state = inquiry->change;
    facts.doubt = inquiry->doubt;
    if (inquiry->instance.len > 0)
        memcpy(resolution.instance, inquiry->instance.data, inquiry->instance.len);
    model_body(&facts, resolution.body);
    return model_tell(&resolution);
}

void model_look(int w, struct handle handle)
{
    struct model_worker *worker = &world.workers[w];
    const struct inquiry *inquiry = flow_inquiry(&worker->flow, handle);
    if (inquiry->step == INQUIRY_REPORTING) {
        bool told = report(inquiry);
        model_feed(w, &(struct flow_event){.kind = FLOW_TOLD, .payout = handle, .told = told});
        return;
    }
    struct ledger_call call = {.script = inquiry->script,
                               .tag = flow_tag(handle),
                               .token = worker->flow.token,
                               .order_key = inquiry->order_key};
    struct ledger_reply reply;
    run(worker, &call, &reply);
    model_feed(w,
               &(struct flow_event){.kind = FLOW_LEDGER_REPLY, .payout = handle, .reply = &reply});
}
