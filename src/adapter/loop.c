/* The one event loop: libevent behind a dozen functions, so that no other file knows it. */
#include "payoutd/adapter/loop.h"

#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

enum { SIGNALS_MAX = 8 };

struct loop {
    struct event_base *base;
    struct event *turn_timer;
    struct loop_signal_slot {
        struct event *event;
        loop_on_signal *arrived;
        void *context;
    } signals[SIGNALS_MAX];
    size_t signals_count;
    bool stopping;
};

struct loop_watch {
    struct loop *loop;
    struct event *event;
    int fd;
    loop_on_ready *ready;
    void *context;
};

struct loop_timer {
    struct event *event;
    loop_on_timer *expired;
    void *context;
};

static void on_turn_timer(evutil_socket_t fd, short what, void *context)
{
    (void) fd, (void) what, (void) context; /* its only purpose is to end the wait */
}

enum status loop_new(struct loop **ret_loop)
{
    struct loop *loop = calloc(1, sizeof *loop);
    struct event_config *config = event_config_new();
    if (loop == NULL || config == NULL) {
        free(loop);
        return STATUS_NO_ROOM;
    }
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    if (loop->base != NULL)
        loop->turn_timer = event_new(loop->base, -1, 0, on_turn_timer, loop);
    if (loop->turn_timer == NULL) {
        loop_free(loop);
        return STATUS_ENVIRONMENT;
    }
    *ret_loop = loop;
    return STATUS_OK;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    for (size_t i = 0; i < loop->signals_count; i++)
        event_free(loop->signals[i].event);
    if (loop->turn_timer != NULL)
        event_free(loop->turn_timer);
    if (loop->base != NULL)
        event_base_free(loop->base);
    free(loop);
}

static struct timeval timeval_of(int64_t delay_ms)
{
    if (delay_ms < 0)
        delay_ms = 0;
    return (struct timeval){.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
}

enum status loop_run(struct loop *loop, loop_turn *turn, void *context)
{
    loop->stopping = false;
    while (!loop->stopping) {
        int flags = EVLOOP_ONCE;
        int64_t delay_ms = turn == NULL ? -1 : turn(context);
        if (loop->stopping)
            break;
        if (delay_ms == 0)
            flags |= EVLOOP_NONBLOCK;
        else if (delay_ms > 0) {
            struct timeval delay = timeval_of(delay_ms);
            event_add(loop->turn_timer, &delay);
        } else
            event_del(loop->turn_timer);
        if (event_base_loop(loop->base, flags) < 0)
            return STATUS_ENVIRONMENT;
    }
    return STATUS_OK;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
    event_base_loopbreak(loop->base);
}

static short events_of(int interest)
{
    return (short) (((interest & LOOP_READ) != 0 ? EV_READ : 0) |
                    ((interest & LOOP_WRITE) != 0 ? EV_WRITE : 0) | EV_PERSIST);
}

static void on_fd(evutil_socket_t fd, short what, void *context)
{
    struct loop_watch *watch = context;
    int interest =
        ((what & EV_READ) != 0 ? LOOP_READ : 0) | ((what & EV_WRITE) != 0 ? LOOP_WRITE : 0);
    watch->ready(watch->context, fd, interest);
}

enum status loop_watch_new(struct loop *loop, int fd, int interest, loop_on_ready *ready,
                           void *context, struct loop_watch **ret_watch)
{
    struct loop_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return STATUS_NO_ROOM;
    *watch = (struct loop_watch){.loop = loop, .fd = fd, .ready = ready, .context = context};
    watch->event = event_new(loop->base, fd, events_of(interest), on_fd, watch);
    if (watch->event == NULL || (interest != 0 && event_add(watch->event, NULL) != 0)) {
        loop_watch_free(watch);
        return STATUS_ENVIRONMENT;
    }
    *ret_watch = watch;
    return STATUS_OK;
}

enum status loop_watch_change(struct loop_watch *watch, int interest)
{
    event_del(watch->event);
    if (interest == 0)
        return STATUS_OK;
    if (event_assign(watch->event, watch->loop->base, watch->fd, events_of(interest), on_fd,
                     watch) != 0 ||
        event_add(watch->event, NULL) != 0)
        return STATUS_ENVIRONMENT;
    return STATUS_OK;
}

void loop_watch_free(struct loop_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->event != NULL)
        event_free(watch->event);
    free(watch);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void) fd, (void) what;
    struct loop_timer *timer = context;
    timer->expired(timer->context);
}

enum status loop_timer_new(struct loop *loop, loop_on_timer *expired, void *context,
                           struct loop_timer **ret_timer)
{
    struct loop_timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL)
        return STATUS_NO_ROOM;
    *timer = (struct loop_timer){.expired = expired, .context = context};
    timer->event = event_new(loop->base, -1, 0, on_timer, timer);
    if (timer->event == NULL) {
        free(timer);
        return STATUS_ENVIRONMENT;
    }
    *ret_timer = timer;
    return STATUS_OK;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
    struct timeval delay = timeval_of(delay_ms);
    event_add(timer->event, &delay);
}

void loop_timer_clear(struct loop_timer *timer)
{
    event_del(timer->event);
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer == NULL)
        return;
    event_free(timer->event);
    free(timer);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    (void) what;
    struct loop_signal_slot *slot = context;
    slot->arrived(slot->context, (int) number);
}

enum status loop_signal(struct loop *loop, int signal_number, loop_on_signal *arrived,
                        void *context)
{
    if (loop->signals_count == SIGNALS_MAX)
        return STATUS_NO_ROOM;
    struct loop_signal_slot *slot = &loop->signals[loop->signals_count];
    *slot = (struct loop_signal_slot){.arrived = arrived, .context = context};
    slot->event = evsignal_new(loop->base, signal_number, on_signal, slot);
    if (slot->event == NULL || event_add(slot->event, NULL) != 0)
        return STATUS_ENVIRONMENT;
    loop->signals_count++;
    return STATUS_OK;
}

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t loop_now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t loop_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}
