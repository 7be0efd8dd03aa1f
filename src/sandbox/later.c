/* Timers with an owner: a list that can be emptied at a reset and at the end. */
#include "later.h"

#include "payoutd/base/status.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

struct later {
    LIST_ENTRY(later) link;
    struct event *timer;
    later_call *call;
    void *context;
};

struct later_list {
    struct event_base *base;
    LIST_HEAD(later_head, later) head;
};

struct later_list *later_list_new(struct event_base *base)
{
    struct later_list *list = calloc(1, sizeof *list);
    must(list != NULL);
    list->base = base;
    LIST_INIT(&list->head);
    return list;
}

static void run(struct later *later, bool cancelled)
{
    later_call *call = later->call;
    void *context = later->context;
    LIST_REMOVE(later, link);
    event_free(later->timer);
    free(later);
    call(context, cancelled);
}

void later_list_clear(struct later_list *list)
{
    for (struct later *later = LIST_FIRST(&list->head), *next; later != NULL; later = next) {
        next = LIST_NEXT(later, link);
        run(later, true);
    }
}

void later_list_free(struct later_list *list)
{
    if (list == NULL)
        return;
    later_list_clear(list);
    free(list);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void) fd, (void) what;
    run(context, false);
}

void later_add(struct later_list *list, int64_t delay_ms, later_call *call, void *context)
{
    struct later *later = calloc(1, sizeof *later);
    must(later != NULL);
    later->call = call;
    later->context = context;
    later->timer = evtimer_new(list->base, on_timer, later);
    must(later->timer != NULL);
    struct timeval wait = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
    must(evtimer_add(later->timer, &wait) == 0);
    LIST_INSERT_HEAD(&list->head, later, link);
}

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    must(clock_gettime(clock, &now) == 0);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t later_now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t later_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}
