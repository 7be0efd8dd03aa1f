/* The steps happen. */
#include "model.h"

#include <string.h>

static struct payout *payout_of(struct step step)
{
    return &world.workers[step.worker].flow.payouts[step.at];
}

static void tell(struct step step)
{
    struct payout *payout = payout_of(step);
    struct resolution resolution = {.evidence = EVIDENCE_ANSWER,
                                    .state = payout->state,
                                    .attempt = payout->attempt,
                                    .payment_id = payout->answer.payment_id};
    memcpy(resolution.instance, world.workers[step.worker].instance, sizeof resolution.instance);
    memcpy(resolution.body, payout->body.data, payout->body.len);
    SAY("%c: tells what it knows to the resolutions", model_letter(step.worker));
    bool told = model_tell(&resolution);
    if (told)
        model_feed(step.worker, &(struct flow_event){.kind = FLOW_TOLD,
                                                     .payout = flow_handle_of(payout),
                                                     .told = told});
}

static void commit(struct step step)
{
    world.commits += step.how != COMMIT_HEARD;
    if (step.how == COMMIT_ABORTED)
        model_abort(step.worker);
    else if (step.how == COMMIT_LOST) {
        SAY("%c: its transaction is lost, its fate unknown", model_letter(step.worker));
        model_reread(step.worker);
    } else
        model_commit(step.worker, step.how == COMMIT_HEARD);
}

static void arrive(struct step step)
{
    struct request *request = &world.requests[step.at];
    request->state = (enum request_state) step.how;
    static const char *const words[] = {"", "PENDING", "PAID", "declined", "refused", "lost"};
    SAY("gateway: attempt %d: %s", (int) request->attempt, words[step.how]);
    if (step.how != REQUEST_LOST)
        world.last_payment = step.at;
    if (step.how != REQUEST_PAID)
        return;
    world.executed++;
    world.executed_words = request->words;
}

static void fail_over(bool keeps_data)
{
    uint64_t token = ++world.last_token;
    world.data[token] = keeps_data ? world.data[world.token] : (uint8_t) token;
    if (!keeps_data)
        world.masters[token] = world.replica;
    world.token = token;
    SAY("redis: token %d%s; the order is %s, inc %d", (int) token,
        keeps_data ? ", this shard unhurt" : ": FAILOVER",
        order_state_name(model_master(token)->order.state), (int) model_master(token)->inc);
}

static void operate(void)
{
    const struct sim_order *order = &model_master(world.token)->order;
    struct resolution resolution = {.evidence = EVIDENCE_OPERATOR,
                                    .state = world.executed > 0 ? ORDER_PAID : ORDER_FAILED,
                                    .attempt = order->att};
    memcpy(resolution.instance, order->inst, sizeof resolution.instance);
    struct body_facts facts = {.state = resolution.state,
                               .attempt = order->att,
                               .place = PLACE_RESOLUTIONS,
                               .words = world.executed > 0 ? world.executed_words : WORDS_UNKNOWN,
                               .doubt = 1};
    model_body(&facts, resolution.body);
    SAY("an operator says %s", order_state_name(resolution.state));
    (void) model_tell(&resolution);
}

static void flush(void)
{
    world.flushes++;
    memset(model_master(world.token), 0, sizeof(struct master));
    memset(&world.replica, 0, sizeof world.replica);
    SAY("redis: FLUSHALL");
}

static void happen_to_redis(enum kind kind)
{
    if (kind == STEP_REPLICATE) {
        world.replica = *model_master(world.token);
        SAY("redis: the replica has caught up");
    } else if (kind == STEP_FAILOVER) {
        world.failovers++;
        fail_over(false);
    } else if (kind == STEP_OTHER) {
        world.others++;
        fail_over(true);
    } else if (kind == STEP_BACK) {
        world.backs++;
        world.token--;
        SAY("redis: back to the master of token %d", (int) world.token);
    } else
        flush();
}

static void happen_to_worker(struct step step)
{
    enum kind kind = (enum kind) step.kind;
    int w = step.worker;
    if (kind == STEP_KILL) {
        world.kills++;
        SAY("%c: KILLED", model_letter(w));
        model_kill(w);
        model_expel(w);
    } else if (kind == STEP_START) {
        SAY("%c: starts, connected to token %d", model_letter(w), step.at);
        model_start(w, step.at);
        model_rejoin(w);
    } else if (kind == STEP_EXPEL) {
        world.rebalances++;
        SAY("%c: is thrown out of the group and does not know", model_letter(w));
        model_expel(w);
    } else if (kind == STEP_REJOIN) {
        SAY("%c: joins again", model_letter(w));
        model_rejoin(w);
    } else if (kind == STEP_RECONNECT) {
        SAY("%c: reconnects to token %d", model_letter(w), (int) world.token);
        model_reconnect(w);
    } else if (kind == STEP_STALE) {
        SAY("%c: a record of an earlier assignment comes", model_letter(w));
        model_open_stale(w, step.at);
    } else {
        SAY("%c: time passes", model_letter(w));
        model_pass_time(w);
    }
}

static void happen_to_payout(struct step step)
{
    enum kind kind = (enum kind) step.kind;
    struct payout *payout = payout_of(step);
    if (kind == STEP_LEDGER_ASK) {
        world.lost += step.how != FATE_ANSWERED;
        model_ask(step.worker, payout, (enum fate) step.how);
    } else if (kind == STEP_SEND)
        model_send(step.worker, payout);
    else if (kind == STEP_UNSENT) {
        world.unsent++;
        model_unsent(step.worker, payout);
    } else if (kind == STEP_ANSWER) {
        world.give_ups += step.how;
        model_answer(step.worker, payout, step.how != 0);
    } else if (kind == STEP_STATUS)
        model_status(step.worker, payout, step.how != 0);
    else
        tell(step);
}

static void happen_elsewhere(struct step step)
{
    enum kind kind = (enum kind) step.kind;
    if (kind == STEP_ARRIVES)
        arrive(step);
    else if (kind == STEP_MARKER) {
        world.hidden = false;
        world.visible = world.told;
        SAY("kafka: the outcomes become visible");
    } else if (kind == STEP_COMMAND) {
        world.arrived++;
        SAY("kafka: another command arrives");
    } else if (kind == STEP_EXPIRE) {
        world.expired = true;
        SAY("the commands are too old now");
    } else
        operate();
}

void model_take(struct step step)
{
    enum kind kind = (enum kind) step.kind;
    if (kind <= STEP_STATUS || kind == STEP_TELL)
        happen_to_payout(step);
    else if (kind == STEP_INQUIRE)
        model_inquire(step.worker, step.how != 0);
    else if (kind == STEP_COMMIT)
        commit(step);
    else if (kind == STEP_WIPE)
        model_wipe(step.worker, (enum fate) step.how);
    else if (kind == STEP_RESTORE)
        model_restorer_step(step.worker);
    else if (kind <= STEP_STALE)
        happen_to_worker(step);
    else if (kind >= STEP_REPLICATE && kind <= STEP_FLUSH)
        happen_to_redis(kind);
    else
        happen_elsewhere(step);
    model_settle();
}
