/* Everything that may happen next. A fault is what the world need not do: it is counted, and
 * progress never depends on it. */
#include "model.h"

#include <string.h>

static void add(struct steps *steps, enum kind kind, int worker, int at, int how, bool is_fault)
{
    must(steps->count < STEPS_MAX);
    steps->faults[steps->count] = is_fault;
    steps->items[steps->count++] =
        (struct step){(uint8_t) kind, (uint8_t) worker, (uint8_t) at, (uint8_t) how};
}

/* Workers. */

static bool asks_ledger(const struct payout *payout)
{
    return payout->step == STEP_CLAIMING || payout->step == STEP_REOPENING ||
           payout->step == STEP_SETTLING;
}

static void add_paying(struct steps *steps, int w, const struct payout *payout)
{
    int slot = (int) payout->slot;
    const struct request *request = model_request_of(w, payout);
    if (request == NULL) {
        if (world.requests_count < scenario->requests)
            add(steps, STEP_SEND, w, slot, 0, false);
        if (world.unsent < scenario->unsent)
            add(steps, STEP_UNSENT, w, slot, 0, true);
        return;
    }
    if (request->state != REQUEST_FLIES)
        add(steps, STEP_ANSWER, w, slot, 0, false);
    if (request->state != REQUEST_LOST && world.give_ups < scenario->give_ups)
        add(steps, STEP_ANSWER, w, slot, 1, true);
}

static void add_payout(struct steps *steps, int w, const struct payout *payout)
{
    int slot = (int) payout->slot;
    if (!payout->asked)
        return;
    if (asks_ledger(payout)) {
        add(steps, STEP_LEDGER_ASK, w, slot, FATE_ANSWERED, false);
        if (world.lost < scenario->lost) {
            add(steps, STEP_LEDGER_ASK, w, slot, FATE_NOT_APPLIED, true);
            add(steps, STEP_LEDGER_ASK, w, slot, FATE_ANSWER_LOST, true);
        }
    } else if (payout->step == STEP_PAYING)
        add_paying(steps, w, payout);
    else if (payout->step == STEP_ASKING) {
        add(steps, STEP_STATUS, w, slot, 0, false);
        if (scenario->lags)
            add(steps, STEP_STATUS, w, slot, 1, true);
    } else if (payout->step == STEP_TELLING)
        add(steps, STEP_TELL, w, slot, 0, false);
}

static void add_commit(struct steps *steps, int w)
{
    add(steps, STEP_COMMIT, w, 0, COMMIT_HEARD, false);
    if (world.commits >= scenario->commits || model_is_fenced(w))
        return;
    for (int fate = COMMIT_ABORTED; fate <= COMMIT_LOST; fate++)
        add(steps, STEP_COMMIT, w, 0, fate, true);
}

static void add_alive(struct steps *steps, int w)
{
    const struct model_worker *worker = &world.workers[w];
    const struct flow *flow = &worker->flow;
    for (size_t i = 0; i < PAYOUTS; i++)
        if (flow->payouts[i].step != STEP_FREE)
            add_payout(steps, w, &flow->payouts[i]);
    if (flow->inquiries[0].step == INQUIRY_ASKING && flow->inquiries[0].asked) {
        add(steps, STEP_INQUIRE, w, 0, 0, false);
        if (scenario->lags)
            add(steps, STEP_INQUIRE, w, 0, 1, true);
    }
    if (flow->batch_running)
        add_commit(steps, w);
    if (flow->wipes_asked != 0)
        add(steps, STEP_WIPE, w, 0, FATE_ANSWERED, false);
    if (model_restorer_can(w))
        add(steps, STEP_RESTORE, w, 0, 0, false);
    if (worker->timed)
        add(steps, STEP_TIME, w, 0, 0, false);
    if (worker->link != world.token)
        add(steps, STEP_RECONNECT, w, 0, 0, false);
    if (!world.in[w])
        add(steps, STEP_REJOIN, w, 0, 0, false);
    else if (world.rebalances < scenario->rebalances)
        add(steps, STEP_EXPEL, w, 0, 0, true);
    for (int place = 0; place < PLACES && model_has_stale(w); place++)
        add(steps, STEP_STALE, w, place, 0, true);
    if (world.kills < scenario->kills)
        add(steps, STEP_KILL, w, 0, 0, true);
}

static void add_dead(struct steps *steps, int w)
{
    add(steps, STEP_START, w, (int) world.token, 0, false);
    for (uint64_t token = 1; scenario->old_starts && token < world.token; token++)
        add(steps, STEP_START, w, (int) token, 0, true);
}

/* The others. */

static void add_gateway(struct steps *steps)
{
    for (int i = 0; i < world.requests_count; i++) {
        const struct request *request = &world.requests[i];
        bool flies = request->state == REQUEST_FLIES;
        if (!flies && request->state != REQUEST_PENDING)
            continue;
        add(steps, STEP_ARRIVES, 0, i, REQUEST_PAID, false);
        if (scenario->declines)
            add(steps, STEP_ARRIVES, 0, i, REQUEST_DECLINED, false);
        if (flies && scenario->pends)
            add(steps, STEP_ARRIVES, 0, i, REQUEST_PENDING, true);
        if (flies && scenario->refuses && i + 1 < scenario->requests)
            add(steps, STEP_ARRIVES, 0, i, REQUEST_REFUSED, true);
        if (flies && scenario->loses)
            add(steps, STEP_ARRIVES, 0, i, REQUEST_LOST, true);
    }
}

static bool may_say_failed(void)
{
    for (int i = 0; i < world.requests_count; i++)
        if (world.requests[i].state == REQUEST_FLIES || world.requests[i].state == REQUEST_PENDING)
            return false;
    for (int w = 0; w < WORKERS; w++) {
        const struct model_worker *worker = &world.workers[w];
        if (worker->alive && worker->link != world.token)
            return false;
        for (size_t i = 0; worker->alive && i < PAYOUTS; i++)
            if (worker->flow.payouts[i].step == STEP_PAYING)
                return false;
    }
    return true;
}

static void add_redis(struct steps *steps)
{
    const struct master *master = model_master(world.token);
    bool has_token = world.last_token < TOKENS_MAX && world.token == world.last_token;
    if (world.failovers < scenario->failovers) {
        if (!scenario->cold && memcmp(&world.replica, master, sizeof *master) != 0)
            add(steps, STEP_REPLICATE, 0, 0, 0, true);
        if (has_token)
            add(steps, STEP_FAILOVER, 0, 0, 0, true);
    }
    if (world.others < scenario->others && has_token)
        add(steps, STEP_OTHER, 0, 0, 0, true);
    if (world.backs < scenario->backs && world.token > 1)
        add(steps, STEP_BACK, 0, 0, 0, true);
    if (world.flushes < scenario->flushes)
        add(steps, STEP_FLUSH, 0, 0, 0, true);
}

void model_steps(struct steps *ret_steps)
{
    ret_steps->count = 0;
    for (int w = 0; w < WORKERS; w++)
        if (world.workers[w].alive)
            add_alive(ret_steps, w);
        else
            add_dead(ret_steps, w);
    add_gateway(ret_steps);
    add_redis(ret_steps);
    if (world.hidden)
        add(ret_steps, STEP_MARKER, 0, 0, 0, false);
    if (world.arrived < scenario->commands)
        add(ret_steps, STEP_COMMAND, 0, 0, 0, false);
    if (scenario->expires && !world.expired)
        add(ret_steps, STEP_EXPIRE, 0, 0, 0, true);
    bool asks_people = scenario->operates && model_has_room() &&
                       model_master(world.token)->order.state == ORDER_UNKNOWN && may_say_failed();
    if (asks_people)
        add(ret_steps, STEP_OPERATOR, 0, 0, 0, true);
}
