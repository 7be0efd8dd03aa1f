/* One seed: a world of its own, a while of faults, and then the healing that must reach an end. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULTS_MIN_MS = 5000, FAULTS_MAX_MS = 150000, HEALING_MAX_MS = 2700000 };

static int32_t rate_of(enum sim_fault fault, int32_t tenths)
{
    return (sim_fault_rate_max(fault) * tenths + 9) / 10;
}

/* Each seed has faults of its own: of some seeds half of them, rarely or often; of others a few
 * only, and those as often as can be; and some seeds are calm. */
static void mix_faults(struct sim *sim)
{
    static const int32_t tenths[] = {1, 3, 10};
    int64_t kind = sim_below(sim, 20);
    if (sim->options.some) {
        for (int i = 0; i < FAULT_COUNT; i++)
            sim->rates[i] = sim->options.only[i] ? rate_of((enum sim_fault) i, 10) : 0;
    } else if (kind < 10) {
        for (int i = 0; i < FAULT_COUNT; i++)
            sim->rates[i] =
                sim_below(sim, 2) == 0 ? rate_of((enum sim_fault) i, tenths[sim_below(sim, 3)]) : 0;
    } else if (kind == 18) { /* doors that open again while answers of Redis are late */
        static const enum sim_fault faults[] = {FAULT_REDIS_TIMEOUT, FAULT_NOT_SENT, FAULT_BALANCE,
                                                FAULT_SILENCE};
        for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
            sim->rates[faults[i]] = rate_of(faults[i], 20);
        sim->rates[FAULT_REDIS_TIMEOUT] = rate_of(FAULT_REDIS_TIMEOUT, 50);
    } else if (kind < 19) {
        for (int64_t left = sim_random_between(&sim->random, 2, 6); left > 0; left--) {
            int64_t at = sim_below(sim, FAULT_COUNT);
            sim->rates[at] = 2 * rate_of((enum sim_fault) at, 10);
        }
    }
}

static void begin(struct sim *sim)
{
    sim->workers_count = (int) sim_random_between(&sim->random, 1, SIM_WORKERS_MAX);
    sim->orders_count = (int) sim_random_between(&sim->random, 1, 8);
    sim->budget = sim->orders_count;
    sim->replays = sim_below(sim, 4) == 0;
    for (int i = 0; i < sim->orders_count; i++)
        snprintf(sim->names[i], sizeof sim->names[i], "order-%u", (unsigned) i & 0xff);
    mix_faults(sim);
    if (sim->options.lossy) /* the ceiling is in the metadata that an operator's reset drops */
        sim->rates[FAULT_REWIND] = 0;
    sim_redis_init(&sim->redis, sim_random_next(&sim->random) | 1);
    for (int i = 0; i < sim->orders_count; i++)
        (void) sim_redis_order(&sim->redis, bytes_of(sim->names[i]));
    sim_kafka_begin(sim);
    sim_check_begin(sim);
    for (int i = 0; i < sim->workers_count; i++) {
        sim->workers[i].at = i;
        sim_worker_start(sim, &sim->workers[i]);
    }
    sim_chaos_begin(sim);
}

/* A new world in the old memory. */
static void wipe(struct sim *sim, uint64_t seed)
{
    struct sim_options options = sim->options;
    struct sim_queue queue = sim->queue;
    struct sim_event *inboxes[SIM_WORKERS_MAX];
    size_t max[SIM_WORKERS_MAX];
    for (int i = 0; i < SIM_WORKERS_MAX; i++) {
        inboxes[i] = sim->workers[i].inbox;
        max[i] = sim->workers[i].inbox_max;
    }
    memset(sim, 0, sizeof *sim);
    sim->options = options;
    sim->queue = queue;
    for (int i = 0; i < SIM_WORKERS_MAX; i++) {
        sim->workers[i].inbox = inboxes[i];
        sim->workers[i].inbox_max = max[i];
    }
    sim->seed = seed;
    sim_random_seed(&sim->random, seed);
}

static void turn_until(struct sim *sim, int64_t end_ms, bool until_quiet)
{
    while (!sim->broken && sim_now_ms(sim) < end_ms && sim->steps < sim->options.steps_max) {
        if (until_quiet && sim->steps % 32 == 0 && sim_check_is_quiet(sim))
            return;
        if (!sim_step(sim))
            return;
    }
}

bool sim_run(struct sim *sim, uint64_t seed)
{
    wipe(sim, seed);
    begin(sim);
    turn_until(sim, sim_random_between(&sim->random, FAULTS_MIN_MS, FAULTS_MAX_MS), false);
    if (!sim->broken) {
        sim_chaos_heal(sim);
        turn_until(sim, sim_now_ms(sim) + HEALING_MAX_MS, true);
    }
    if (!sim->broken)
        sim_check_end(sim);
    sim->over = true;
    for (int i = 0; i < sim->workers_count; i++)
        sim_worker_kill(sim, &sim->workers[i], "the run is over");
    sim_clear(sim);
    return !sim->broken;
}
