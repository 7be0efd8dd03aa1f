/* redis_link_parts: what the files of redis_link share: the link, and one life of a hiredis
 * context. */
#ifndef PAYOUTD_ADAPTER_REDIS_LINK_PARTS_H
#define PAYOUTD_ADAPTER_REDIS_LINK_PARTS_H

#include "payoutd/adapter/redis_link.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

enum { REDIS_WHY_MAX = 320 };

enum link_state { LINK_PAUSING, LINK_RESOLVING, LINK_CONNECTING, LINK_OPEN };

/*
 * One life of a hiredis context. The link lets go of it at once when it is closed (`link` NULL);
 * hiredis, in whose callback that may happen, frees it when it is ready, and `cleanup` is its last
 * word.
 */
struct connection {
    struct redis_link *link;
    redisAsyncContext *redis; /* NULL after cleanup */
    struct loop_watch *watch;
    int interest;
    bool busy; /* hiredis is on the stack */
};

struct redis_link {
    struct loop *loop;
    struct redis_link_options options;
    char *host, *username, *password;
    struct redis_link_events events;
    enum link_state state;
    struct connection *connection;
    struct resolve *resolve;
    struct loop_timer *step_timer;     /* the pause's end, or the deadline of connecting */
    struct loop_timer *deadline_timer; /* the oldest request's */
    struct loop_timer *flush_timer;
    bool deadline_set, flush_set;
    struct redis_request *first, *last; /* under way, oldest first */
    struct redis_request greeting[2];   /* AUTH, SELECT */
    int greetings_left;
    int64_t now_ms; /* when this batch of answers was read */
    uint32_t failures;
    int64_t approved_ms; /* 0: not yet */
};

/* redis_connection.c */
MUST_USE enum status redis_connection_open(struct redis_link *link, const char *address);
void redis_connection_let_go(struct connection *connection); /* the link knows it no longer */
/* Runs hiredis, which may free itself or lead to its being closed. False: the connection is gone.
 */
bool redis_connection_run(struct connection *connection, void (*handle)(redisAsyncContext *redis));

/* redis_greeting.c: AUTH and SELECT; redis_greeting_done when both are through. */
MUST_USE enum status redis_greeting_begin(struct redis_link *link);
void redis_greeting_done(struct redis_link *link);

/* redis_link.c */
void redis_link_connected(const redisAsyncContext *redis, int result);
void redis_link_replied(redisAsyncContext *redis, void *reply, void *data);
void redis_link_closed(struct redis_link *link, enum status status, const char *why);

#endif
