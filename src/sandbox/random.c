/* SplitMix64: enough for salts and dice, the same on every machine. */
#include "random.h"

void random_init(struct random *random, uint64_t seed)
{
    random->state = seed;
}

uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int64_t random_below(struct random *random, int64_t limit)
{
    return limit <= 0 ? 0 : (int64_t) (random_next(random) % (uint64_t) limit);
}

bool random_hits(struct random *random, double probability)
{
    return (double) (random_next(random) >> 11) * 0x1p-53 < probability;
}

void random_salt(struct random *random, char ret_salt[static RANDOM_SALT_LEN + 1])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (int i = 0; i < RANDOM_SALT_LEN; i++)
        ret_salt[i] = letters[random_below(random, (int64_t) sizeof letters - 1)];
    ret_salt[RANDOM_SALT_LEN] = '\0';
}
