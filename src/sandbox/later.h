/*
 * later: things that happen after a while. Whatever still waits at the end is told so, and can free
 * what it holds.
 */
#ifndef SANDBOX_LATER_H
#define SANDBOX_LATER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct later_list;

/* `cancelled`: the list is cleared; only free `context`. Called exactly once for every later_add.
 */
typedef void later_call(void *context, bool cancelled);

struct later_list *later_list_new(struct event_base *base);
void later_list_clear(struct later_list *list);
void later_list_free(struct later_list *list);

void later_add(struct later_list *list, int64_t delay_ms, later_call *call, void *context);

int64_t later_now_ms(void);  /* monotonic */
int64_t later_wall_ms(void); /* Unix time */

#endif
