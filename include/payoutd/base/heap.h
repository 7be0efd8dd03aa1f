/*
 * heap: deadlines of a fixed set of things, each known by a small number. The earliest is at hand
 * at once; setting, moving and removing cost O(log n). The caller's storage, no allocation.
 */
#ifndef PAYOUTD_BASE_HEAP_H
#define PAYOUTD_BASE_HEAP_H

#include "payoutd/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_entry {
    int64_t key;
    uint32_t id;
};

struct heap {
    struct heap_entry *entries; /* room for `max` */
    uint32_t *places;           /* of each id: its place + 1; 0: not in the heap */
    size_t count, max;
};

/* `entries` and `places` have room for `max` each; ids are 0 .. max - 1. */
void heap_init(struct heap *heap, struct heap_entry *entries, uint32_t *places, size_t max);
void heap_set(struct heap *heap, uint32_t id, int64_t key); /* adds or moves */
void heap_remove(struct heap *heap, uint32_t id);           /* fine when it is not in */
/* False: empty. */
bool heap_first(const struct heap *heap, uint32_t *ret_id, int64_t *ret_key);

#endif
