/*
 * redis_link: one asynchronous connection to Redis that is always there or on its way.
 *
 * hiredis 0.14 behind the loop, with what it lacks: names are resolved beside the loop, connecting
 * has a deadline, every request has a deadline, of which the oldest decides. Answers come in order,
 * so an answer after its deadline cannot be trusted to stay in step with its asker: the connection
 * is closed and never used again. Then it tries anew, with growing, jittered pauses. Requests of
 * one turn leave in one write. No TLS (hiredis >= 1.0 would have it).
 *
 * Life: redis_link_new begins to connect; `opened` after AUTH and SELECT; `closed` after each
 * connection and each vain try, followed by the answers of what was under way (reply NULL). Freed
 * by its owner, never from inside a callback.
 */
#ifndef PAYOUTD_ADAPTER_REDIS_LINK_H
#define PAYOUTD_ADAPTER_REDIS_LINK_H

#include "payoutd/adapter/loop.h"
#include "payoutd/base/bytes.h"

struct redis_link;
struct redis_request;
struct redisReply; /* hiredis */

/* Exactly once a request. `reply` is NULL when no answer came: it may or may not have been done. */
typedef void redis_request_done(void *context, struct redis_request *request,
                                const struct redisReply *reply);

/* Embedded in the asker's memory; must not move or end before `done`. */
struct redis_request {
    redis_request_done *done;
    void *context;
    int64_t deadline_ms; /* the link's */
    struct redis_request *next;
};

struct redis_link_options {
    const char *host; /* a name, an address, or the path of a Unix socket beginning with '/' */
    int32_t port;
    const char *username, *password; /* NULL: none */
    int32_t database;
    int64_t connect_timeout_ms; /* name, TCP, AUTH and SELECT together */
    int64_t command_timeout_ms;
};

struct redis_link_events {
    void (*opened)(void *context);
    void (*closed)(void *context, enum status status, const char *why);
    void *context;
};

MUST_USE enum status redis_link_new(struct loop *loop, const struct redis_link_options *options,
                                    const struct redis_link_events *events,
                                    struct redis_link **ret_link);
void redis_link_free(struct redis_link *link); /* open requests get no answer any more */

/* `command` in Redis' wire format; copied. STATUS_UNAVAILABLE while not open: `done` is then never
 * called. */
MUST_USE enum status redis_link_send(struct redis_link *link, struct redis_request *request,
                                     struct bytes command);
/* Closes now, tells so with these words, and tries again after the pause. Nothing happens while it
 * is closed. */
void redis_link_drop(struct redis_link *link, enum status status, const char *why);
/* The owner is content with this connection: pauses begin small again once it has lasted. */
void redis_link_approve(struct redis_link *link);

/* Redis' wire format, into a buffer that the caller made large enough. */
void redis_link_put_count(struct buffer *buffer, int64_t words);
void redis_link_put_word(struct buffer *buffer, struct bytes word);
void redis_link_put_number(struct buffer *buffer, int64_t number);

#endif
