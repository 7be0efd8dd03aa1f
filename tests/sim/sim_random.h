/*
 * sim_random: numbers that follow from a seed (xoshiro256**, seeded by splitmix64). The same seed
 * gives the same run on every machine.
 */
#ifndef TESTS_SIM_RANDOM_H
#define TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
    uint64_t state[4];
};

void sim_random_seed(struct sim_random *random, uint64_t seed);
uint64_t sim_random_next(struct sim_random *random);
int64_t sim_random_below(struct sim_random *random, int64_t end); /* 0 .. end - 1; end > 0 */
int64_t sim_random_between(struct sim_random *random, int64_t first, int64_t last);
bool sim_random_chance(struct sim_random *random, int32_t per_10000);

#endif
