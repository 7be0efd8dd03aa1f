/* Numbers that follow from a seed. */
#include "sim_random.h"

static uint64_t mix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void sim_random_seed(struct sim_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        random->state[i] = mix(&seed);
}

static uint64_t rotated(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

uint64_t sim_random_next(struct sim_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotated(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotated(s[3], 45);
    return result;
}

int64_t sim_random_below(struct sim_random *random, int64_t end)
{
    return (int64_t) (sim_random_next(random) % (uint64_t) end);
}

int64_t sim_random_between(struct sim_random *random, int64_t first, int64_t last)
{
    return first + sim_random_below(random, last - first + 1);
}

bool sim_random_chance(struct sim_random *random, int32_t per_10000)
{
    return per_10000 > 0 && sim_random_below(random, 10000) < per_10000;
}
