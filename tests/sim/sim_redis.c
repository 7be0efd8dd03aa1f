/* A Redis that keeps the ledger, can lose its last writes, and can be emptied. */
#include "sim_scripts.h"

#include <string.h>

void sim_redis_init(struct sim_redis *redis, uint64_t token)
{
    *redis = (struct sim_redis){.token = token};
    sim_redis_set_inc(redis, token);
}

void sim_redis_set_inc(struct sim_redis *redis, uint64_t inc)
{
    for (size_t i = 0; i < LEDGER_SHARDS; i++)
        redis->inc[i] = inc;
}

struct sim_order *sim_redis_order(struct sim_redis *redis, struct bytes order_id)
{
    for (size_t i = 0; i < redis->count; i++)
        if (bytes_equal_text(order_id, redis->names[i]))
            return &redis->orders[i];
    must(redis->count < SIM_ORDERS_MAX && order_id.len < sizeof redis->names[0]);
    memcpy(redis->names[redis->count], order_id.data, order_id.len);
    return &redis->orders[redis->count++];
}

/* The server. */

static void remember(struct sim_redis *redis, size_t at, const struct sim_order *before)
{
    redis->undo[redis->undo_next] = (struct sim_undo){at, *before, redis->last_ms[at]};
    redis->undo_next = (redis->undo_next + 1) % SIM_UNDO_MAX;
    if (redis->undo_count < SIM_UNDO_MAX)
        redis->undo_count++;
}

/* due.lua */
static void give_due(struct sim_redis *redis, const struct ledger_call *call, int64_t now_ms,
                     struct ledger_reply *ret_reply)
{
    must(call->shard >= 0 && call->shard < LEDGER_SHARDS);
    if (redis->inc[call->shard] != call->token) {
        ret_reply->answer = LEDGER_EMPTY;
        return;
    }
    size_t at = (size_t) call->shard;
    ret_reply->answer = LEDGER_DUE_LIST;
    ret_reply->now_ms = now_ms;
    ret_reply->due = redis->due;
    if (at >= redis->count || !redis->orders[at].due || redis->orders[at].due_ms > now_ms ||
        call->due_max < 1)
        return;
    redis->orders[at].due_ms = now_ms + call->due_ms;
    redis->due[ret_reply->due_count++] = bytes_of(redis->names[at]);
}

void sim_redis_ask(struct sim_redis *redis, const struct ledger_call *call, int64_t now_ms,
                   struct ledger_reply *ret_reply)
{
    struct sim_asking asking = {.redis = redis, .call = call, .now_ms = now_ms, .reply = ret_reply};
    *ret_reply = (struct ledger_reply){.script = call->script, .tag = call->tag};
    if (call->script == LEDGER_WIPE) {
        must(call->shard >= 0 && call->shard < LEDGER_SHARDS);
        redis->inc[call->shard] = 0;
        ret_reply->answer = LEDGER_MARKED;
        return;
    }
    if (call->script == LEDGER_DUE) {
        give_due(redis, call, now_ms, ret_reply);
        return;
    }
    bool has_key = !bytes_is_none(call->order_key); /* here the key is the order's id */
    asking.order = sim_redis_order(redis, has_key ? call->order_key : call->order_id);
    size_t at = (size_t) (asking.order - redis->orders);
    if (redis->inc[at] != call->token) {
        ret_reply->answer = LEDGER_EMPTY;
        return;
    }
    if (asking.order->foreign) {
        ret_reply->answer = LEDGER_FOREIGN;
        return;
    }
    struct sim_order before = *asking.order;
    sim_scripts_run(&asking);
    if (memcmp(&before, asking.order, sizeof before) == 0)
        return;
    remember(redis, at, &before);
    if (call->script <= LEDGER_REJECT || call->script == LEDGER_SETTLE)
        redis->last_ms[at] = now_ms;
    if (redis->changed != NULL)
        redis->changed(redis->context, &before, asking.order, call);
}

size_t sim_redis_lose(struct sim_redis *redis, size_t writes)
{
    size_t lost = 0;
    while (lost < writes && redis->undo_count > 0) {
        redis->undo_next = (redis->undo_next + SIM_UNDO_MAX - 1) % SIM_UNDO_MAX;
        const struct sim_undo *undo = &redis->undo[redis->undo_next];
        redis->orders[undo->at] = undo->before;
        redis->last_ms[undo->at] = undo->last_ms;
        redis->undo_count--;
        lost++;
    }
    return lost;
}

void sim_redis_flush(struct sim_redis *redis)
{
    memset(redis->orders, 0, sizeof redis->orders);
    sim_redis_set_inc(redis, 0);
    redis->undo_count = 0;
    for (size_t i = 0; i < LEDGER_SHARDS; i++)
        redis->last_ms[i] = -1;
}
