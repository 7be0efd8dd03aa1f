/*
 * arena: one bounded place for everything that a payout needs, wiped and used again.
 *
 * Life: arena_init over the caller's memory; arena_wipe overwrites what was used (it may have held
 * a card number, docs/PROTOCOL.md I13) and starts again. Nothing is freed one by one. Not thread
 * safe.
 */
#ifndef PAYOUTD_BASE_ARENA_H
#define PAYOUTD_BASE_ARENA_H

#include "payoutd/base/bytes.h"

struct arena {
    char *data;
    size_t used;
    size_t max;
};

void arena_init(struct arena *arena, void *data, size_t max);
void arena_wipe(struct arena *arena);
/* Back to what was used at an earlier moment (`arena->used` then); the rest is overwritten. */
void arena_cut(struct arena *arena, size_t used);

/* `size` bytes, aligned for any object, zeroed; NULL when they do not fit. */
void *arena_take(struct arena *arena, size_t size);
/* A copy of `bytes`, with a NUL behind it that does not count. STATUS_NO_ROOM; absent stays absent.
 */
MUST_USE enum status arena_copy(struct arena *arena, struct bytes bytes, struct bytes *ret_copy);
/* The whole unused rest as a buffer; arena_keep then claims what was written to it. */
struct buffer arena_rest(struct arena *arena);
MUST_USE enum status arena_keep(struct arena *arena, const struct buffer *rest,
                                struct bytes *ret_bytes);

#endif
