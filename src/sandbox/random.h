/* random: the sandbox's only source of chance, so that a seed repeats a run. Not for secrets. */
#ifndef SANDBOX_RANDOM_H
#define SANDBOX_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

enum { RANDOM_SALT_LEN = 16 };

void random_init(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
int64_t random_below(struct random *random, int64_t limit); /* 0 .. limit-1; 0 when limit <= 0 */
bool random_hits(struct random *random, double probability);
/* Letters and digits, and a NUL. */
void random_salt(struct random *random, char ret_salt[static RANDOM_SALT_LEN + 1]);

#endif
