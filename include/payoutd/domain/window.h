/*
 * window: which positions of one partition are done (docs/PROTOCOL.md R6).
 *
 * The watermark is the offset to commit: every position below it is done. Above it, up to
 * `fetched`, one bit a position. Offsets that Kafka never delivers (transaction markers,
 * compaction) count as done as soon as a later one arrives. Bounded: WINDOW_SPAN_MAX positions,
 * then window_is_closed and intake of the partition pauses.
 */
#ifndef PAYOUTD_DOMAIN_WINDOW_H
#define PAYOUTD_DOMAIN_WINDOW_H

#include "payoutd/base/bounds.h"
#include "payoutd/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WINDOW_SPAN_MAX = BOUND(20000, 32),
    WINDOW_WORDS = BOUND(320, 1), /* a ring of bits, of at least the span */
};

struct window {
    int64_t watermark; /* lowest offset that is not done */
    int64_t fetched;   /* one past the highest offset that was opened or skipped */
    /* positions below were perhaps done before this assignment: the set was read back */
    int64_t inherited;
    uint64_t done[WINDOW_WORDS]; /* bit (offset % (WINDOW_WORDS * 64)) */
};

void window_init(struct window *window, int64_t committed_offset);
/*
 * Whether `offset` may be opened: false only when a gap reaches beyond the span while something is
 * still open. The record then waits, like a closed partition, until the watermark has moved.
 */
bool window_has_room(const struct window *window, int64_t offset);
/*
 * A position arrives; it must have room. False: it is done already (skip it). Gaps before it become
 * done. One that is open already stays open (true): a partition may be read again.
 */
bool window_open(struct window *window, int64_t offset);
/* A position that was opened is done; doing it again changes nothing. */
void window_finish(struct window *window, int64_t offset);
/*
 * Used when a done-set is read back: marks a position above the watermark. STATUS_NO_ROOM beyond
 * the span.
 */
MUST_USE enum status window_restore(struct window *window, int64_t offset);
bool window_is_done(const struct window *window, int64_t offset);
bool window_is_closed(const struct window *window);
/* Open positions between watermark and fetched. */
size_t window_open_count(const struct window *window);

#endif
