/* What happens by itself: commands arrive, processes and servers come and go, people act. */
#include "sim.h"

#include <string.h>

enum { CHAOS_MIN_US = 100000, CHAOS_MAX_US = 6000000 };

/* The platform's commands. */

static void shape(struct sim *sim, struct sim_record *record)
{
    record->timestamp_ms = sim_wall_ms(sim);
    record->merchant = (int) sim_below(sim, SIM_MERCHANTS);
    record->kind = DECODED_VALID;
    if (sim_fault(sim, FAULT_EXPIRY))
        record->not_after_ms = record->timestamp_ms + sim_below(sim, 20000);
    if (sim_fault(sim, FAULT_UNCONFIGURED))
        record->kind = DECODED_UNCONFIGURED;
    if (sim_fault(sim, FAULT_INVALID)) {
        record->kind = sim_below(sim, 2) == 0 ? DECODED_INVALID : DECODED_UNREADABLE;
        record->words = record->order * 4 + 3; /* its words are its own */
    }
}

static void append_command(struct sim *sim)
{
    struct sim_kafka *kafka = &sim->kafka;
    bool is_copy = sim->budget < sim->orders_count && sim_fault(sim, FAULT_DUPLICATE);
    bool is_changed = sim->budget < sim->orders_count && sim_fault(sim, FAULT_CHANGED);
    int made = sim->orders_count - sim->budget;
    if (made == 0)
        is_copy = is_changed = false;
    if (!is_copy && !is_changed && sim->budget == 0)
        return;
    int order = is_copy || is_changed ? (int) sim_below(sim, made) : made;
    int place = order % (int) kafka->commands_count;
    if ((is_copy || is_changed) && sim_below(sim, 2) == 0)
        place = (int) sim_below(sim, (int64_t) kafka->commands_count);
    struct sim_record *record = sim_kafka_append(sim, place);
    if (record == NULL)
        return;
    record->order = order;
    record->words = order * 4 + (is_changed ? 1 + (int) sim_below(sim, 2) : 0);
    shape(sim, record);
    if (!is_copy && !is_changed)
        sim->budget--;
    TRACE(sim, NULL, "kafka: command %s words %d at %d/%lld", sim->names[order], record->words,
          place, (long long) record->offset);
}

/* Redis. */

static void cut_all(struct sim *sim)
{
    for (int i = 0; i < sim->workers_count; i++)
        if (sim->workers[i].alive)
            sim_link_cut(sim, &sim->workers[i]);
}

/* People look now and then, and confirm a Redis that nobody believes. */
static void on_operator(struct sim *sim, struct sim_event *event)
{
    (void) event;
    bool is_believed = true;
    for (size_t i = 0; i < LEDGER_SHARDS; i++)
        if (sim->redis.inc[i] != sim->redis.token)
            is_believed = false;
    if (!is_believed && !sim->host.down && !sim->options.lossy) {
        TRACE(sim, NULL, "operator: payoutctl recover --lossless");
        sim_redis_set_inc(&sim->redis, sim->redis.token);
    }
    sim_later(sim, sim_random_between(&sim->random, 2000000, 20000000), on_operator, 0, 0, NULL);
}

static void restart_redis(struct sim *sim, size_t lost_writes)
{
    size_t lost = sim_redis_lose(&sim->redis, lost_writes);
    sim->host.boot++;
    sim->redis.token = sim_random_next(&sim->random) | 1;
    TRACE(sim, NULL, "redis: another process, token %llx, %d writes lost",
          (unsigned long long) sim->redis.token, (int) lost);
    cut_all(sim);
}

static void on_redis_back(struct sim *sim, struct sim_event *event)
{
    (void) event;
    TRACE(sim, NULL, "redis: reachable again");
    sim->host.down = false;
}

static void redis_away(struct sim *sim)
{
    if (sim->host.down)
        return;
    sim->host.down = true;
    TRACE(sim, NULL, "redis: not reachable");
    cut_all(sim);
    sim_later(sim, sim_random_between(&sim->random, 500000, 30000000), on_redis_back, 0, 0, NULL);
}

static void on_foreign_over(struct sim *sim, struct sim_event *event)
{
    sim->redis.orders[event->a].foreign = false;
}

static void foreign_key(struct sim *sim)
{
    if (sim->redis.count == 0)
        return;
    int64_t at = sim_below(sim, (int64_t) sim->redis.count);
    sim->redis.orders[at].foreign = true;
    sim_later(sim, sim_random_between(&sim->random, 500000, 20000000), on_foreign_over, at, 0,
              NULL);
}

/* Processes. */

static struct sim_worker *some_worker(struct sim *sim)
{
    return &sim->workers[sim_below(sim, sim->workers_count)];
}

static void on_stop(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    int64_t drain_ms = sim_below(sim, 3) == 0 ? 0 : 25000;
    TRACE(sim, worker, "SIGTERM, %lld ms", (long long) drain_ms);
    worker->leaving = true;
    sim_worker_feed(sim, worker, &(struct flow_event){.kind = FLOW_STOP, .drain_ms = drain_ms});
}

static void set_back(struct sim *sim)
{
    for (int i = 0; i < sim->workers_count; i++) {
        sim_group_leave(sim, &sim->workers[i]);
        sim_worker_kill(sim, &sim->workers[i], "the group is stopped");
    }
    sim_transaction_rewind(sim);
}

static void jump_clock(struct sim *sim)
{
    struct sim_worker *worker = some_worker(sim);
    worker->skew_ms = sim_random_between(&sim->random, -1800000, 1800000);
    TRACE(sim, worker, "its wall clock is off by %lld ms", (long long) worker->skew_ms);
}

static void strike(struct sim *sim)
{
    struct sim_worker *worker = some_worker(sim);
    if (worker->alive && sim_fault(sim, FAULT_STOP))
        sim_later_to(sim, worker, 0, on_stop, 0, 0, NULL);
    if (sim_fault(sim, FAULT_CLOCK))
        jump_clock(sim);
    if (sim_fault(sim, FAULT_REBALANCE))
        sim_group_rebalance(sim);
    if (sim_fault(sim, FAULT_LOST))
        sim_group_expel(sim, some_worker(sim));
    if (sim_fault(sim, FAULT_REWIND))
        set_back(sim);
    if (sim_fault(sim, FAULT_REDIS_DOWN))
        redis_away(sim);
    if (sim_fault(sim, FAULT_REDIS_RESTART))
        restart_redis(sim, 0);
    if (sim_fault(sim, FAULT_REDIS_FOREIGN))
        foreign_key(sim);
    if (sim->options.lossy && sim_fault(sim, FAULT_FLUSH))
        sim_redis_flush(&sim->redis);
    if (sim->options.lossy && sim_fault(sim, FAULT_LOSSY))
        restart_redis(sim, (size_t) sim_random_between(&sim->random, 1, 8));
}

static void on_chaos(struct sim *sim, struct sim_event *event)
{
    (void) event;
    if (sim->healing)
        return;
    int64_t commands = sim_below(sim, 4);
    for (int64_t i = 0; i < commands; i++)
        append_command(sim);
    strike(sim);
    sim_later(sim, sim_random_between(&sim->random, CHAOS_MIN_US, CHAOS_MAX_US), on_chaos, 0, 0,
              NULL);
}

void sim_chaos_begin(struct sim *sim)
{
    sim_later(sim, 0, on_chaos, 0, 0, NULL);
    sim_later(sim, 5000000, on_operator, 0, 0, NULL);
}

/* The faults are over: what stands still goes on, what is down comes up, people mend the rest. */
void sim_chaos_heal(struct sim *sim)
{
    TRACE(sim, NULL, "---- the faults are over ----");
    sim->healing = true;
    sim->host.down = false;
    for (size_t i = 0; i < sim->redis.count; i++)
        sim->redis.orders[i].foreign = false;
    for (int32_t left = sim->budget; left > 0; left--) /* a full partition takes none */
        append_command(sim);
    for (int i = 0; i < sim->workers_count; i++) {
        struct sim_worker *worker = &sim->workers[i];
        if (sim->rates[FAULT_UNCONFIGURED] > 0)
            sim_worker_kill(sim, worker, "it is configured anew");
        worker->skew_ms = 0;
        sim_worker_resume(sim, worker);
    }
}
