/*
 * loop: the one event loop, around libevent. Everything but the publisher's thread lives in it.
 *
 * Callbacks note what happened; the turn, which runs after each batch of callbacks, does the work
 * and says when it wants to run again. Not thread safe; another thread wakes the loop through an
 * eventfd that is watched here.
 */
#ifndef PAYOUTD_ADAPTER_LOOP_H
#define PAYOUTD_ADAPTER_LOOP_H

#include "payoutd/base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_watch;
struct loop_timer;

enum loop_interest { LOOP_READ = 1, LOOP_WRITE = 2 };

/* Returns the milliseconds until it wants to run again at the latest; < 0: not before something
 * happens. */
typedef int64_t loop_turn(void *context);
typedef void loop_on_ready(void *context, int fd, int interest);
typedef void loop_on_timer(void *context);
typedef void loop_on_signal(void *context, int signal_number);

MUST_USE enum status loop_new(struct loop **ret_loop);
void loop_free(struct loop *loop);

/* Turns until loop_stop. `turn` may be NULL (tests, tools). */
MUST_USE enum status loop_run(struct loop *loop, loop_turn *turn, void *context);
void loop_stop(struct loop *loop);

/* A descriptor that stays the caller's. The watch is persistent; loop_watch_free ends it (NULL is
 * fine). */
MUST_USE enum status loop_watch_new(struct loop *loop, int fd, int interest, loop_on_ready *ready,
                                    void *context, struct loop_watch **ret_watch);
MUST_USE enum status loop_watch_change(struct loop_watch *watch, int interest); /* 0: sleeps */
void loop_watch_free(struct loop_watch *watch);

/* A timer that is not set yet. One shot; setting it again moves it. */
MUST_USE enum status loop_timer_new(struct loop *loop, loop_on_timer *expired, void *context,
                                    struct loop_timer **ret_timer);
void loop_timer_set(struct loop_timer *timer, int64_t delay_ms);
void loop_timer_clear(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer);

/* The signal arrives in the loop, never inside another callback. */
MUST_USE enum status loop_signal(struct loop *loop, int signal_number, loop_on_signal *arrived,
                                 void *context);

int64_t loop_now_ms(void);  /* monotonic: for deadlines */
int64_t loop_wall_ms(void); /* Unix time: for people and for events */

#endif
