/*
 * One worker process: the real flow, and around it what src/app does, without the codecs. It may
 * be killed or paused before and after every effect.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSION_MIN_US = 3000000, SESSION_MAX_US = 12000000 };

static const struct flow_config config = {
    .payouts_max = 6,
    .arena_size = 4096,
    .batch_max = 4,
    .batch_ms = 10,
    .send_window_ms = 5000,
    .request_timeout_ms = 10000,
    .grace_ms = 5000,
    .max_command_age_ms = 3600000,
    .horizon_ms = INT64_C(400) * 86400000,
    .revoke_drain_ms = 5000,
    .merchants_count = SIM_MERCHANTS,
    .merchant_lanes = {0, 1},
    .lanes_count = 2,
    .lane_sending_max = {2, 3},
};

struct moment sim_worker_moment(const struct sim *sim, const struct sim_worker *worker)
{
    return (struct moment){1000000 + sim_now_ms(sim), sim_wall_ms(sim) + worker->skew_ms};
}

/* Turns. */

static void perform_on_partition(struct sim *sim, struct sim_worker *worker,
                                 const struct flow_action *action)
{
    for (size_t i = 0; i < sim->kafka.partitions_count; i++)
        if (sim->kafka.partitions[i].topic == action->topic &&
            sim->kafka.partitions[i].number == action->partition)
            worker->held[i] = action->kind == ACTION_PAUSE;
}

static void end_payout(struct sim *sim, struct sim_worker *worker, struct payout *payout)
{
    TRACE(sim, worker, "%.*s at %d/%lld ends: %s %s", (int) payout->command.order_id.len,
          payout->command.order_id.len == 0 ? "" : payout->command.order_id.data,
          (int) payout->partition, (long long) payout->offset, payout_end_name(payout->end),
          payout->has_outcome ? order_state_name(payout->state) : "");
    sim_check_ended(sim, worker, payout);
    if (payout->has_outcome && payout->end == END_OUTCOME)
        sim_asking_mark(sim, worker, payout);
    flow_let_go(worker->flow, payout);
}

static void exit_in_order(struct sim *sim, struct sim_worker *worker)
{
    sim_group_leave(sim, worker);
    sim_worker_kill(sim, worker, "it ended in order");
}

static void perform(struct sim *sim, struct sim_worker *worker, const struct flow_action *action)
{
    struct payout *payout = flow_payout(worker->flow, action->payout);
    switch (action->kind) {
    case ACTION_LEDGER:
        sim_asking_ask(sim, worker, payout);
        return;
    case ACTION_PAY:
        sim_gateway_pay(sim, worker, payout);
        return;
    case ACTION_ASK:
        sim_gateway_ask(sim, worker, flow_tag(action->payout),
                        sim_order_of(sim, payout->command.order_id));
        return;
    case ACTION_TELL:
        sim_publishing_tell(sim, worker, payout);
        return;
    case ACTION_PUBLISH:
        sim_publishing_submit(sim, worker, action->batch);
        return;
    case ACTION_ENDED:
        end_payout(sim, worker, payout);
        return;
    case ACTION_PAUSE:
    case ACTION_RESUME:
        perform_on_partition(sim, worker, action);
        return;
    case ACTION_SCAN:
    case ACTION_WIPE:
    case ACTION_LOOK:
    case ACTION_INQUIRE:
        sim_asking_followup(sim, worker, action);
        return;
    case ACTION_RESTORE:
        sim_restorer_start(sim, worker);
        return;
    case ACTION_REPORT:
        sim_publishing_report(sim, worker, action->payout);
        return;
    case ACTION_RELEASE:
        sim_group_release(sim, worker);
        return;
    case ACTION_STOPPED:
        exit_in_order(sim, worker);
        return;
    case ACTION_NOTE:
        sim_check_noted(sim, worker, action);
        return;
    }
}

/* False: the process was killed, or stands still before its next effect. */
static bool perform_all(struct sim *sim, struct sim_worker *worker)
{
    uint32_t life = worker->life;
    while (worker->next_action < worker->actions.count) {
        const struct flow_action *action = &worker->actions.items[worker->next_action];
        bool is_effect = action->kind <= ACTION_PUBLISH || action->kind >= ACTION_SCAN;
        if (is_effect && sim_fault(sim, FAULT_KILL)) {
            sim_worker_kill(sim, worker, "before an effect");
            return false;
        }
        if (is_effect && sim_fault(sim, FAULT_PAUSE)) {
            sim_worker_pause(sim, worker);
            return false;
        }
        worker->next_action++;
        perform(sim, worker, action);
        if (worker->alive && worker->life == life && is_effect && sim_fault(sim, FAULT_KILL))
            sim_worker_kill(sim, worker, "after an effect");
        if (!worker->alive || worker->life != life)
            return false;
        if (worker->paused)
            return false;
    }
    return true;
}

static void schedule(struct sim *sim, struct sim_worker *worker, int64_t delay_us);

static void turn(struct sim *sim, struct sim_worker *worker)
{
    struct moment moment = sim_worker_moment(sim, worker);
    sim_intake_poll(sim, worker);
    worker->actions.count = 0;
    worker->next_action = 0;
    worker->fed = false;
    int64_t wait_ms = flow_turn(worker->flow, &moment, &worker->actions);
    if (wait_ms >= 0)
        schedule(sim, worker, wait_ms * 1000);
    if (perform_all(sim, worker) && (worker->fed || worker->records_wait))
        schedule(sim, worker, 100);
}

/* event->a is the number of the turn that was wanted: an earlier wish replaces a later one. */
static void on_turn(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    if (worker->turn_number != (uint64_t) event->a)
        return;
    worker->turn_at_us = INT64_MAX;
    turn(sim, worker);
}

static void schedule(struct sim *sim, struct sim_worker *worker, int64_t delay_us)
{
    int64_t at_us = sim->now_us + delay_us;
    if (at_us >= worker->turn_at_us)
        return;
    worker->turn_at_us = at_us;
    sim_later_to(sim, worker, delay_us, on_turn, (int64_t) ++worker->turn_number, 0, NULL);
}

void sim_worker_wake(struct sim *sim, struct sim_worker *worker)
{
    if (worker->alive)
        schedule(sim, worker, sim_below(sim, 300));
}

void sim_worker_feed(struct sim *sim, struct sim_worker *worker, const struct flow_event *event)
{
    struct moment moment = sim_worker_moment(sim, worker);
    if (sim->options.coverage)
        sim_coverage_event(worker, event);
    worker->fed = true;
    sim_check_fed(worker, event);
    flow_feed(worker->flow, event, &moment);
    sim_worker_wake(sim, worker);
}

/* Life and death. */

static void on_join(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    if (!worker->leaving)
        sim_group_join(sim, worker);
}

void sim_worker_start(struct sim *sim, struct sim_worker *worker)
{
    struct flow_config own = config;
    must(!worker->alive);
    worker->alive = true;
    worker->paused = worker->leaving = false;
    worker->life++;
    snprintf(worker->instance, sizeof worker->instance, "%c%031u", 'a' + worker->at, worker->life);
    memcpy(own.instance.hex, worker->instance, sizeof own.instance.hex);
    own.restores = sim->options.lossy;
    worker->restorer.running = false;
    worker->restorer.number++;
    own.duplicates = sim->replays ? DUPLICATES_REPLAY : DUPLICATES_DROP;
    worker->flow = calloc(1, sizeof *worker->flow);
    worker->storage = calloc(1, flow_storage_size(&own));
    must(worker->flow != NULL && worker->storage != NULL);
    flow_init(worker->flow, &own, worker->storage);
    worker->phase = PHASE_OUT;
    worker->turn_at_us = INT64_MAX;
    worker->group_us = 0;
    worker->records_wait = false;
    worker->actions.count = worker->next_action = 0;
    worker->batch.number = 0;
    memset(worker->owes_evidence, 0, sizeof worker->owes_evidence);
    TRACE(sim, worker, "starts");
    sim_link_connect(sim, worker);
    sim_transaction_open(sim, worker);
    sim_later_to(sim, worker, sim_delay_us(sim), on_join, 0, 0, NULL);
}

static void on_restart(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->a];
    if (!worker->alive && worker->life == (uint32_t) event->b)
        sim_worker_start(sim, worker);
}

static void on_session_over(struct sim *sim, struct sim_event *event)
{
    struct sim_member *member = &sim->kafka.members[event->a];
    if (member->in && member->id == (uint32_t) event->b)
        sim_group_expel(sim, &sim->workers[event->a]);
}

static void session_runs_out(struct sim *sim, const struct sim_worker *worker)
{
    sim_later(sim, sim_random_between(&sim->random, SESSION_MIN_US, SESSION_MAX_US),
              on_session_over, worker->at, sim->kafka.members[worker->at].id, NULL);
}

static void empty_inbox(struct sim_worker *worker)
{
    for (size_t i = 0; i < worker->inbox_count; i++)
        free(worker->inbox[i].data);
    worker->inbox_count = 0;
}

void sim_worker_kill(struct sim *sim, struct sim_worker *worker, const char *why)
{
    if (!worker->alive)
        return;
    TRACE(sim, worker, "dies: %s", why);
    if (sim->options.coverage)
        sim_coverage_fault(worker, SIM_COVER_KILL);
    worker->alive = worker->paused = false;
    sim_link_forget(worker);
    empty_inbox(worker);
    free(worker->flow);
    free(worker->storage);
    worker->flow = NULL;
    worker->storage = NULL;
    session_runs_out(sim, worker);
    if (!sim->over)
        sim_later(sim, sim_random_between(&sim->random, 200000, 15000000), on_restart, worker->at,
                  worker->life, NULL);
}

static void on_resume(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->a];
    if (worker->alive && worker->life == (uint32_t) event->b)
        sim_worker_resume(sim, worker);
}

void sim_worker_pause(struct sim *sim, struct sim_worker *worker)
{
    if (!worker->alive || worker->paused)
        return;
    int64_t length_us = sim_below(sim, 3) == 0 ? sim_random_between(&sim->random, 5000000, 60000000)
                                               : sim_random_between(&sim->random, 1000, 3000000);
    TRACE(sim, worker, "stands still for %lld ms", (long long) length_us / 1000);
    if (sim->options.coverage)
        sim_coverage_fault(worker, SIM_COVER_PAUSE);
    worker->paused = true;
    if (length_us > SESSION_MIN_US)
        session_runs_out(sim, worker);
    sim_later(sim, length_us, on_resume, worker->at, worker->life, NULL);
}

/* What waited at its door comes in, in the order in which it came. */
void sim_worker_resume(struct sim *sim, struct sim_worker *worker)
{
    uint32_t life = worker->life;
    if (!worker->paused)
        return;
    worker->paused = false;
    TRACE(sim, worker, "goes on");
    sim_worker_wake(sim, worker);
    if (!perform_all(sim, worker))
        return;
    while (worker->inbox_count > 0 && !worker->paused) {
        struct sim_event event = worker->inbox[0];
        worker->inbox_count--;
        memmove(worker->inbox, worker->inbox + 1, worker->inbox_count * sizeof event);
        event.fire(sim, &event);
        free(event.data);
        if (!worker->alive || worker->life != life)
            return; /* the inbox went with the process */
    }
}
