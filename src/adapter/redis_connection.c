/* One hiredis connection on the loop: which events it waits for, and its end, which may come from
 * either side. */
#include "redis_link_parts.h"

#include <stdio.h>
#include <stdlib.h>

static void set_interest(struct connection *connection, int interest)
{
    if (connection->watch == NULL || connection->interest == interest)
        return;
    connection->interest = interest;
    if (loop_watch_change(connection->watch, interest) != STATUS_OK && connection->link != NULL)
        redis_link_drop(connection->link, STATUS_ENVIRONMENT,
                        "the loop cannot watch Redis' socket");
}

static void add_read(void *data)
{
    struct connection *connection = data;
    set_interest(connection, connection->interest | LOOP_READ);
}

static void del_read(void *data)
{
    struct connection *connection = data;
    set_interest(connection, connection->interest & ~LOOP_READ);
}

/* What one turn asks leaves in one write, without waiting for the kernel to say that there is room.
 */
static void add_write(void *data)
{
    struct connection *connection = data;
    struct redis_link *link = connection->link;
    if (link == NULL)
        return;
    if (connection->busy || (connection->redis->c.flags & REDIS_CONNECTED) == 0) {
        set_interest(connection, connection->interest | LOOP_WRITE);
    } else if (!link->flush_set) {
        link->flush_set = true;
        loop_timer_set(link->flush_timer, 0);
    }
}

static void del_write(void *data)
{
    struct connection *connection = data;
    set_interest(connection, connection->interest & ~LOOP_WRITE);
}

void redis_connection_let_go(struct connection *connection)
{
    connection->link->connection = NULL;
    connection->link = NULL;
    loop_watch_free(connection->watch);
    connection->watch = NULL;
}

static void cleanup(void *data)
{
    struct connection *connection = data;
    struct redis_link *link = connection->link;
    char why[REDIS_WHY_MAX];
    snprintf(why, sizeof why, "%s",
             connection->redis->errstr == NULL ? "" : connection->redis->errstr);
    connection->redis = NULL;
    if (link != NULL)
        redis_link_closed(link, STATUS_UNAVAILABLE, why);
    if (!connection->busy)
        free(connection);
}

bool redis_connection_run(struct connection *connection, void (*handle)(redisAsyncContext *redis))
{
    connection->busy = true;
    handle(connection->redis);
    connection->busy = false;
    if (connection->redis == NULL) {
        free(connection);
        return false;
    }
    if (connection->link == NULL) {
        redisAsyncFree(connection->redis); /* cleanup frees the connection */
        return false;
    }
    return true;
}

static void on_ready(void *context, int fd, int interest)
{
    (void) fd;
    struct connection *connection = context;
    connection->link->now_ms = loop_now_ms();
    if ((interest & LOOP_WRITE) != 0 && !redis_connection_run(connection, redisAsyncHandleWrite))
        return;
    if ((interest & LOOP_READ) != 0)
        (void) redis_connection_run(connection, redisAsyncHandleRead);
}

enum status redis_connection_open(struct redis_link *link, const char *address)
{
    redisAsyncContext *redis = link->host[0] == '/'
                                   ? redisAsyncConnectUnix(link->host)
                                   : redisAsyncConnect(address, link->options.port);
    struct connection *connection = calloc(1, sizeof *connection);
    if (redis == NULL || connection == NULL || redis->err != 0) {
        if (redis != NULL)
            redisAsyncFree(redis);
        free(connection);
        return STATUS_UNAVAILABLE;
    }
    *connection = (struct connection){.link = link, .redis = redis};
    if (loop_watch_new(link->loop, redis->c.fd, 0, on_ready, connection, &connection->watch) !=
        STATUS_OK) {
        redisAsyncFree(redis);
        free(connection);
        return STATUS_NO_ROOM;
    }
    redis->data = connection;
    redis->ev.data = connection;
    redis->ev.addRead = add_read;
    redis->ev.delRead = del_read;
    redis->ev.addWrite = add_write;
    redis->ev.delWrite = del_write;
    redis->ev.cleanup = cleanup;
    link->connection = connection;
    (void) redisAsyncSetConnectCallback(redis, redis_link_connected);
    return STATUS_OK;
}
