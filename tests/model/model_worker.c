/* One worker: the real flow, turned until it only waits. What it asks of others stays open until a
 * step of the model answers it. */
#include "model.h"

#include <stdio.h>
#include <string.h>

enum { WALL_MS = 1000000, EXPIRED_MS = 1000000, ALL_TIMERS_MS = 100000, ROUNDS_MAX = 64 };
#define FOREVER_MS (INT64_C(1) << 50)

static const struct flow_config config = {
    .payouts_max = PAYOUTS,
    .arena_size = PAYOUT_ARENA,
    .batch_max = PAYOUTS,
    .batch_ms = 0,
    .send_window_ms = FOREVER_MS,
    .request_timeout_ms = 0, /* the status may be asked at any time */
    .grace_ms = 0,
    .max_command_age_ms = FOREVER_MS,
    .horizon_ms = FOREVER_MS,
    .revoke_drain_ms = 5000,
    .restores = true,
    .merchants_count = 1,
    .lanes_count = 1,
    .lane_sending_max = {PAYOUTS},
    .duplicates = DUPLICATES_DROP,
};

static struct moment moment_of(const struct model_worker *worker)
{
    return (struct moment){worker->now_ms, WALL_MS + (world.expired ? EXPIRED_MS : 0)};
}

static void perform(int w, const struct flow_action *action)
{
    struct flow *flow = &world.workers[w].flow;
    switch (action->kind) {
    case ACTION_LEDGER:
    case ACTION_PAY:
    case ACTION_ASK:
    case ACTION_TELL:
    case ACTION_INQUIRE:
    case ACTION_WIPE:
        return; /* the flow shows that it waits: a step answers */
    case ACTION_PUBLISH:
        model_submit(w);
        return;
    case ACTION_ENDED:
        model_mark(w, flow_payout(flow, action->payout));
        flow_let_go(flow, flow_payout(flow, action->payout));
        return;
    case ACTION_PAUSE:
    case ACTION_RESUME:
        return; /* intake looks at the partition itself */
    case ACTION_SCAN:
        model_scan(w, action);
        return;
    case ACTION_LOOK:
    case ACTION_REPORT:
        model_look(w, action->payout);
        return;
    case ACTION_RESTORE:
        world.workers[w].restorer =
            (struct model_restorer){.step = RESTORER_BEGUN, .token = world.workers[w].link};
        return;
    case ACTION_RELEASE:
        model_released(w);
        return;
    case ACTION_STOPPED:
        must(action->kind != ACTION_STOPPED);
        return;
    case ACTION_NOTE:
        return;
    }
}

static struct flow_actions actions;

static void run(int w)
{
    struct model_worker *worker = &world.workers[w];
    for (int round = 0;; round++) {
        must(round < ROUNDS_MAX);
        struct moment moment = moment_of(worker);
        model_intake(w);
        actions.count = 0;
        int64_t wait_ms = flow_turn(&worker->flow, &moment, &actions);
        worker->timed = wait_ms > 0;
        if (actions.count == 0 && wait_ms != 0)
            return;
        for (size_t i = 0; i < actions.count; i++)
            perform(w, &actions.items[i]);
    }
}

static void say_recovery(void)
{
    for (int w = 0; w < WORKERS; w++) {
        const struct flow *flow = &world.workers[w].flow;
        if (world.workers[w].alive && flow->recovery != RECOVERY_NONE)
            SAY("   (%c: token %d, wiped for %d, %s)", model_letter(w), (int) flow->token,
                (int) flow->wiped_token, flow_recovery_name(flow->recovery));
    }
}

/* Until everybody only waits. */
void model_settle(void)
{
    do
        for (int w = 0; w < WORKERS; w++)
            if (world.workers[w].alive)
                run(w);
    while (model_complete());
    for (int w = 0; w < WORKERS; w++) /* only numbers for people */
        memset(&world.workers[w].flow.statistics, 0, sizeof world.workers[w].flow.statistics);
    say_recovery();
}

void model_feed(int w, const struct flow_event *event)
{
    struct model_worker *worker = &world.workers[w];
    struct moment moment = moment_of(worker);
    flow_feed(&worker->flow, event, &moment);
}

/* Every timer of this worker runs out. */
void model_pass_time(int w)
{
    world.workers[w].now_ms += ALL_TIMERS_MS;
}

void model_start(int w, uint64_t token)
{
    struct model_worker *worker = &world.workers[w];
    uint32_t life = worker->life;
    memset(worker, 0, sizeof *worker);
    worker->alive = true;
    worker->life = life;
    worker->now_ms = ALL_TIMERS_MS;
    worker->link = token;
    snprintf(worker->instance, sizeof worker->instance, "%c%u", 'a' + w, (unsigned) life);
    struct flow_config own = config;
    memcpy(own.instance.hex, worker->instance, sizeof own.instance.hex);
    must(flow_storage_size(&own) <= sizeof worker->storage);
    flow_init(&worker->flow, &own, worker->storage);
    model_feed(w, &(struct flow_event){.kind = FLOW_PUBLISHER_READY});
    model_feed(w, &(struct flow_event){.kind = FLOW_LEDGER_UP, .token = token});
}

void model_kill(int w)
{
    uint32_t life = world.workers[w].life;
    memset(&world.workers[w], 0, sizeof world.workers[w]);
    world.workers[w].life = life + 1;
}

/* What was under way on the old connection is never answered. */
void model_reconnect(int w)
{
    struct model_worker *worker = &world.workers[w];
    model_feed(w, &(struct flow_event){.kind = FLOW_LEDGER_DOWN});
    for (size_t i = 0; i < PAYOUTS; i++) {
        struct payout *payout = &worker->flow.payouts[i];
        bool waits =
            payout->asked && (payout->step == STEP_CLAIMING || payout->step == STEP_REOPENING ||
                              payout->step == STEP_SETTLING);
        if (waits)
            model_ask(w, payout, FATE_NOT_APPLIED);
    }
    if (worker->flow.wipes_asked != 0)
        model_wipe(w, FATE_NOT_APPLIED);
    worker->link = world.token;
    model_feed(w, &(struct flow_event){.kind = FLOW_LEDGER_UP, .token = world.token});
}
