/* A binary heap that knows where each id sits: see heap.h. */
#include "payoutd/base/heap.h"

#include <string.h>

void heap_init(struct heap *heap, struct heap_entry *entries, uint32_t *places, size_t max)
{
    *heap = (struct heap){.entries = entries, .places = places, .max = max};
    memset(places, 0, max * sizeof *places);
}

static void put(struct heap *heap, size_t place, struct heap_entry entry)
{
    heap->entries[place] = entry;
    heap->places[entry.id] = (uint32_t) place + 1;
}

static void sift_up(struct heap *heap, size_t place, struct heap_entry entry)
{
    while (place > 0 && heap->entries[(place - 1) / 2].key > entry.key) {
        put(heap, place, heap->entries[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(heap, place, entry);
}

static void sift_down(struct heap *heap, size_t place, struct heap_entry entry)
{
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && heap->entries[child + 1].key < heap->entries[child].key)
            child++;
        if (heap->entries[child].key >= entry.key)
            break;
        put(heap, place, heap->entries[child]);
        place = child;
    }
    put(heap, place, entry);
}

/* Somebody at `place` changed: it goes whichever way its key says. */
static void settle(struct heap *heap, size_t place, struct heap_entry entry)
{
    if (place > 0 && heap->entries[(place - 1) / 2].key > entry.key)
        sift_up(heap, place, entry);
    else
        sift_down(heap, place, entry);
}

void heap_set(struct heap *heap, uint32_t id, int64_t key)
{
    must(id < heap->max);
    struct heap_entry entry = {key, id};
    if (heap->places[id] == 0)
        sift_up(heap, heap->count++, entry);
    else
        settle(heap, heap->places[id] - 1, entry);
}

void heap_remove(struct heap *heap, uint32_t id)
{
    must(id < heap->max);
    if (heap->places[id] == 0)
        return;
    size_t place = heap->places[id] - 1;
    heap->places[id] = 0;
    struct heap_entry last = heap->entries[--heap->count];
    if (last.id != id)
        settle(heap, place, last);
}

bool heap_first(const struct heap *heap, uint32_t *ret_id, int64_t *ret_key)
{
    if (heap->count == 0)
        return false;
    *ret_id = heap->entries[0].id;
    *ret_key = heap->entries[0].key;
    return true;
}
