/*
 * Which positions of a partition are done (see window.h).
 *
 * Bits of positions outside of [watermark, max(fetched, inherited)) are always zero, so that a
 * position that comes into the ring for the first time finds a clean bit.
 */
#include "payoutd/domain/window.h"

#include <string.h>

enum { RING_BITS = WINDOW_WORDS * 64 };
_Static_assert((int) WINDOW_SPAN_MAX <= (int) RING_BITS, "each position has a bit of its own");

static uint64_t *word_of(struct window *window, int64_t offset)
{
    return &window->done[(offset / 64) % WINDOW_WORDS];
}

static uint64_t bit_of(int64_t offset)
{
    return UINT64_C(1) << (offset % 64);
}

static bool has_bit(const struct window *window, int64_t offset)
{
    return (window->done[(offset / 64) % WINDOW_WORDS] & bit_of(offset)) != 0;
}

static int64_t known_end(const struct window *window)
{
    return window->fetched > window->inherited ? window->fetched : window->inherited;
}

static void advance_watermark(struct window *window)
{
    while (window->watermark < window->fetched && has_bit(window, window->watermark)) {
        *word_of(window, window->watermark) &= ~bit_of(window->watermark);
        window->watermark++;
    }
}

/* Nothing is open: the watermark goes to `offset`, however far, and forgets what was read back
 * below it. */
static void jump(struct window *window, int64_t offset)
{
    if (offset >= window->inherited)
        memset(window->done, 0, sizeof window->done);
    else
        for (int64_t at = window->watermark; at < offset; at++)
            *word_of(window, at) &= ~bit_of(at);
    window->watermark = offset;
    window->fetched = offset;
}

void window_init(struct window *window, int64_t committed_offset)
{
    must(committed_offset >= 0);
    *window = (struct window){
        .watermark = committed_offset, .fetched = committed_offset, .inherited = committed_offset};
}

bool window_has_room(const struct window *window, int64_t offset)
{
    return offset < window->fetched || window->watermark == window->fetched ||
           offset - window->watermark < WINDOW_SPAN_MAX;
}

bool window_open(struct window *window, int64_t offset)
{
    if (offset < window->fetched)
        return !window_is_done(window, offset);
    must(window_has_room(window, offset));
    if (window->watermark == window->fetched)
        jump(window, offset);
    for (int64_t at = window->fetched; at < offset; at++)
        *word_of(window, at) |= bit_of(at);
    window->fetched = offset + 1;
    bool is_open = !has_bit(window, offset);
    advance_watermark(window);
    return is_open;
}

void window_finish(struct window *window, int64_t offset)
{
    must(offset < window->fetched);
    if (offset < window->watermark)
        return;
    *word_of(window, offset) |= bit_of(offset);
    advance_watermark(window);
}

enum status window_restore(struct window *window, int64_t offset)
{
    must(offset >= window->watermark);
    if (offset - window->watermark >= WINDOW_SPAN_MAX)
        return STATUS_NO_ROOM;
    *word_of(window, offset) |= bit_of(offset);
    if (offset >= window->inherited)
        window->inherited = offset + 1;
    advance_watermark(window);
    return STATUS_OK;
}

bool window_is_done(const struct window *window, int64_t offset)
{
    if (offset < window->watermark)
        return true;
    return offset < known_end(window) && has_bit(window, offset);
}

bool window_is_closed(const struct window *window)
{
    return window->fetched - window->watermark >= WINDOW_SPAN_MAX;
}

size_t window_open_count(const struct window *window)
{
    size_t open = 0;
    for (int64_t at = window->watermark; at < window->fetched;) {
        int64_t left = window->fetched - at;
        int64_t in_word = 64 - at % 64;
        int64_t take = left < in_word ? left : in_word;
        uint64_t done = window->done[(at / 64) % WINDOW_WORDS] >> (at % 64);
        if (take < 64)
            done &= (UINT64_C(1) << take) - 1;
        open += (size_t) (take - __builtin_popcountll(done));
        at += take;
    }
    return open;
}
