/* restore.lua and doubt.lua in C. */
#include "sim_redis.h"

#include <stdio.h>
#include <string.h>

enum { DUE_MS = 5000 };

static void keep(char *to, size_t max, struct bytes text)
{
    must(text.len < max);
    memset(to, 0, max);
    if (text.len > 0)
        memcpy(to, text.data, text.len);
}

static void keep_known(char *to, size_t max, struct bytes text)
{
    if (text.len > 0)
        keep(to, max, text);
}

#define KEEP(field, text)       keep((field), sizeof(field), (text))
#define KEEP_KNOWN(field, text) keep_known((field), sizeof(field), (text))

/* The order that may be written under this claim; NULL: the claim is another's, or Redis forgot. */
static struct sim_order *claimed(struct sim_redis *redis, uint64_t claim, struct bytes order_id)
{
    struct sim_order *order = sim_redis_order(redis, order_id);
    return redis->inc[order - redis->orders] == claim ? order : NULL;
}

static void due(struct sim_order *order, int64_t now_ms)
{
    order->due = true;
    order->due_ms = now_ms + DUE_MS;
}

bool sim_restore_event(struct sim_redis *redis, uint64_t claim, const struct sim_restored *event,
                       int64_t now_ms)
{
    struct sim_order *order = claimed(redis, claim, event->order_id);
    if (order == NULL)
        return false;
    if (order->exists && order_state_is_final(order->state))
        return true;
    bool is_final = order_state_is_final(event->state);
    order->exists = true;
    order->state = event->state;
    KEEP_KNOWN(order->src, event->src);
    KEEP_KNOWN(order->fp, event->fp);
    KEEP(order->oid, event->order_id);
    KEEP(order->res, event->body);
    order->att = event->attempt;
    if (event->sequence > order->seq)
        order->seq = event->sequence;
    if (event->sequence > order->pub)
        order->pub = event->sequence;
    if (is_final)
        order->pub = order->seq;
    KEEP_KNOWN(order->pid, event->pid);
    KEEP_KNOWN(order->refused, event->refused);
    order->doubt = order->doubt || event->doubt;
    order->t_arm_ms = now_ms;
    KEEP(order->inst, BYTES_NONE);
    order->call = 0;
    KEEP(order->rsrc, BYTES_NONE);
    KEEP(order->rid, BYTES_NONE);
    if (is_final)
        order->due = false;
    else
        due(order, now_ms);
    return true;
}

bool sim_restore_doubt(struct sim_redis *redis, uint64_t claim, const struct sim_restored *open,
                       int64_t now_ms)
{
    struct sim_order *order = claimed(redis, claim, open->order_id);
    if (order == NULL)
        return false;
    if (order->exists && order_state_is_final(order->state))
        return true;
    due(order, now_ms);
    if (!order->exists) {
        KEEP(order->src, open->src);
        KEEP(order->fp, open->fp);
        KEEP(order->oid, open->order_id);
        KEEP(order->inst, BYTES_NONE);
        order->exists = true;
        order->call = 0;
        order->att = 0;
        order->pub = 0;
        KEEP(order->rsrc, BYTES_NONE);
    }
    order->state = ORDER_UNKNOWN;
    order->doubt = true;
    order->t_arm_ms = now_ms;
    order->seq++;
    KEEP(order->res, open->body);
    KEEP(order->rid, BYTES_NONE);
    return true;
}
