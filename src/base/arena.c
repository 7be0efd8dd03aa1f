/* One bounded place for everything that a payout needs: see arena.h. */
#include "payoutd/base/arena.h"

#include <stdalign.h>
#include <string.h>

void arena_init(struct arena *arena, void *data, size_t max)
{
    *arena = (struct arena){.data = data, .max = max};
}

void arena_wipe(struct arena *arena)
{
    arena_cut(arena, 0);
}

void arena_cut(struct arena *arena, size_t used)
{
    must(used <= arena->used);
    /* The barrier keeps the compiler from dropping the writes: the memory may have held a card
     * number. */
    memset(arena->data + used, 0, arena->used - used);
    __asm__ __volatile__("" : : "r"(arena->data) : "memory");
    arena->used = used;
}

void *arena_take(struct arena *arena, size_t size)
{
    size_t misfit = (uintptr_t) (arena->data + arena->used) % alignof(max_align_t);
    size_t pad = misfit == 0 ? 0 : alignof(max_align_t) - misfit;
    size_t left = arena->max - arena->used;
    if (pad > left || size > left - pad)
        return NULL;
    char *taken = arena->data + arena->used + pad;
    arena->used += pad + size;
    memset(taken, 0, size);
    return taken;
}

enum status arena_copy(struct arena *arena, struct bytes bytes, struct bytes *ret_copy)
{
    if (bytes_is_none(bytes)) {
        *ret_copy = BYTES_NONE;
        return STATUS_OK;
    }
    if (bytes.len >= arena->max - arena->used)
        return STATUS_NO_ROOM;
    char *copy = arena->data + arena->used;
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    copy[bytes.len] = '\0';
    arena->used += bytes.len + 1;
    *ret_copy = (struct bytes){copy, bytes.len};
    return STATUS_OK;
}

struct buffer arena_rest(struct arena *arena)
{
    struct buffer rest;
    buffer_init(&rest, arena->data + arena->used, arena->max - arena->used);
    return rest;
}

enum status arena_keep(struct arena *arena, const struct buffer *rest, struct bytes *ret_bytes)
{
    must(rest->data == arena->data + arena->used);
    TRY(buffer_take(rest, ret_bytes));
    arena->used += rest->len;
    return STATUS_OK;
}
