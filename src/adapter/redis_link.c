/* The one connection to Redis, between the loop and hiredis: it knows nothing of orders. */
#include "redis_link_parts.h"

#include "payoutd/adapter/resolve.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    PAUSE_FIRST_MS = 50,
    PAUSE_MAX_MS = 5000,
    LASTED_MS = 10000,
};

static void link_begin(struct redis_link *link);

static void on_flush(void *context)
{
    struct redis_link *link = context;
    link->flush_set = false;
    if (link->connection != NULL)
        (void) redis_connection_run(link->connection, redisAsyncHandleWrite);
}

static void on_deadline(void *context)
{
    struct redis_link *link = context;
    link->deadline_set = false;
    if (link->first == NULL)
        return;
    int64_t left_ms = link->first->deadline_ms - loop_now_ms();
    if (left_ms <= 0) {
        redis_link_drop(link, STATUS_TIMED_OUT, "Redis did not answer in time");
        return;
    }
    link->deadline_set = true;
    loop_timer_set(link->deadline_timer, left_ms);
}

void redis_link_replied(redisAsyncContext *redis, void *reply, void *data)
{
    struct connection *connection = data;
    struct redis_link *link = connection->link;
    if (link == NULL)
        return;
    if (reply == NULL) {
        redis_link_closed(link, STATUS_UNAVAILABLE,
                          redis->errstr == NULL ? "closed" : redis->errstr);
        return;
    }
    struct redis_request *request = link->first;
    must(request != NULL);
    if (request->deadline_ms < link->now_ms) {
        redis_link_drop(link, STATUS_TIMED_OUT, "Redis answered too late");
        return;
    }
    link->first = request->next;
    if (link->first == NULL)
        link->last = NULL;
    request->done(request->context, request, reply);
}

enum status redis_link_send(struct redis_link *link, struct redis_request *request,
                            struct bytes command)
{
    if (link->connection == NULL || link->state != LINK_OPEN)
        return STATUS_UNAVAILABLE;
    if (redisAsyncFormattedCommand(link->connection->redis, redis_link_replied, link->connection,
                                   command.data, command.len) != REDIS_OK)
        return STATUS_UNAVAILABLE;
    request->deadline_ms = loop_now_ms() + link->options.command_timeout_ms;
    request->next = NULL;
    if (link->last == NULL)
        link->first = request;
    else
        link->last->next = request;
    link->last = request;
    if (!link->deadline_set) {
        link->deadline_set = true;
        loop_timer_set(link->deadline_timer, link->options.command_timeout_ms);
    }
    return STATUS_OK;
}

void redis_link_connected(const redisAsyncContext *redis, int result)
{
    struct connection *connection = redis->data;
    struct redis_link *link = connection->link;
    if (link == NULL || result != REDIS_OK)
        return; /* cleanup tells */
    link->state = LINK_OPEN;
    if (redis_greeting_begin(link) != STATUS_OK)
        redis_link_drop(link, STATUS_CONFIG, "AUTH does not fit: user name or password too long");
    else if (link->greetings_left == 0)
        redis_greeting_done(link);
}

static void on_resolved(void *context, const char *address, const char *why)
{
    struct redis_link *link = context;
    link->resolve = NULL;
    if (link->state != LINK_RESOLVING)
        return; /* the deadline passed meanwhile; the next try asks again */
    if (address == NULL) {
        redis_link_closed(link, STATUS_UNAVAILABLE, why);
        return;
    }
    link->state = LINK_CONNECTING;
    if (redis_connection_open(link, address) != STATUS_OK)
        redis_link_closed(link, STATUS_UNAVAILABLE, "no connection to Redis can be begun");
}

static void link_begin(struct redis_link *link)
{
    link->state = LINK_RESOLVING;
    loop_timer_set(link->step_timer, link->options.connect_timeout_ms);
    if (link->host[0] == '/' || resolve_is_numeric(link->host))
        on_resolved(link, link->host, "");
    else if (link->resolve == NULL && resolve_start(link->loop, link->host, link->failures,
                                                    on_resolved, link, &link->resolve) != STATUS_OK)
        redis_link_closed(link, STATUS_UNAVAILABLE, "the name of Redis' host cannot be looked up");
}

static void on_step(void *context)
{
    struct redis_link *link = context;
    if (link->state == LINK_PAUSING)
        link_begin(link);
    else if (link->state == LINK_RESOLVING)
        redis_link_closed(link, STATUS_UNAVAILABLE,
                          "the name of Redis' host was not resolved in time");
    else
        redis_link_drop(link, STATUS_UNAVAILABLE, "Redis was not connected in time");
}

/* Half of the pause is fixed, half is by chance: a fleet that lost Redis together does not come
 * back together. */
static int64_t pause_ms(uint32_t failures)
{
    int64_t pause = PAUSE_FIRST_MS;
    for (uint32_t i = 0; i < failures && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    if (pause > PAUSE_MAX_MS)
        pause = PAUSE_MAX_MS;
    uint32_t chance = 0;
    (void) !getrandom(&chance, sizeof chance, GRND_NONBLOCK);
    return pause / 2 + (int64_t) (chance % (uint32_t) (pause / 2 + 1));
}

void redis_link_closed(struct redis_link *link, enum status status, const char *why)
{
    if (link->connection != NULL)
        redis_connection_let_go(link->connection);
    struct redis_request *request = link->first;
    link->first = link->last = NULL;
    link->state = LINK_PAUSING;
    if (link->approved_ms != 0 && loop_now_ms() - link->approved_ms >= LASTED_MS)
        link->failures = 0;
    link->approved_ms = 0;
    loop_timer_set(link->step_timer, pause_ms(link->failures));
    if (link->failures < UINT32_MAX)
        link->failures++;
    link->events.closed(link->events.context, status, why);
    while (request != NULL) {
        struct redis_request *next = request->next;
        request->done(request->context, request, NULL);
        request = next;
    }
}

void redis_link_drop(struct redis_link *link, enum status status, const char *why)
{
    struct connection *connection = link->connection;
    if (connection == NULL)
        return;
    redis_connection_let_go(connection);
    if (!connection->busy)
        redisAsyncFree(connection->redis); /* else `run` frees it on its way out */
    redis_link_closed(link, status, why);
}

void redis_link_approve(struct redis_link *link)
{
    link->approved_ms = loop_now_ms();
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

enum status redis_link_new(struct loop *loop, const struct redis_link_options *options,
                           const struct redis_link_events *events, struct redis_link **ret_link)
{
    struct redis_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return STATUS_NO_ROOM;
    *link = (struct redis_link){.loop = loop, .options = *options, .events = *events};
    link->host = copy(options->host);
    link->username = copy(options->username);
    link->password = copy(options->password);
    if (link->host == NULL || loop_timer_new(loop, on_step, link, &link->step_timer) != STATUS_OK ||
        loop_timer_new(loop, on_deadline, link, &link->deadline_timer) != STATUS_OK ||
        loop_timer_new(loop, on_flush, link, &link->flush_timer) != STATUS_OK) {
        redis_link_free(link);
        return STATUS_NO_ROOM;
    }
    loop_timer_set(link->step_timer, 0); /* from the loop: no callback before this has returned */
    *ret_link = link;
    return STATUS_OK;
}

void redis_link_free(struct redis_link *link)
{
    if (link == NULL)
        return;
    struct connection *connection = link->connection;
    if (connection != NULL) {
        must(!connection->busy);
        redis_connection_let_go(connection);
        redisAsyncFree(connection->redis);
    }
    resolve_free(link->resolve);
    loop_timer_free(link->step_timer);
    loop_timer_free(link->deadline_timer);
    loop_timer_free(link->flush_timer);
    if (link->password != NULL)
        explicit_bzero(link->password, strlen(link->password));
    free(link->password);
    free(link->username);
    free(link->host);
    free(link);
}
