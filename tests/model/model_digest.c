/*
 * What makes two states the same: everything that anybody can ever tell apart, and nothing else. No
 * absolute time (a timer is set or not), no generations of slots, no call numbers beyond "is it the
 * one that the ledger has", no counters.
 */
#include "digest.h"

#include <string.h>

/* Redis. */

/* The call's number in "MODE by instance CALL attempt state" says nothing by itself. */
static void put_settled_by(const char *rid)
{
    const char *ends[3] = {NULL, NULL, NULL};
    size_t len = strlen(rid);
    int found = 0;
    for (size_t i = len; i-- > 0 && found < 3;)
        if (rid[i] == ' ')
            ends[found++] = rid + i;
    if (found < 3 || rid[0] == 'R') {
        digest_put_text((struct bytes){rid, len});
        return;
    }
    digest_put_text((struct bytes){rid, (size_t) (ends[2] - rid)});
    digest_put_text(bytes_of(ends[1]));
}

static void put_master(const struct master *master)
{
    const struct sim_order *order = &master->order;
    digest_put((int64_t) master->inc);
    digest_put(order->exists);
    if (!order->exists)
        return;
    digest_put(order->state);
    digest_put(order->att);
    digest_put(order->doubt);
    digest_put(order->due);
    digest_put(order->seq);
    digest_put(order->pub);
    PUT_NAME(order->src);
    digest_put_bytes(order->fp, 2);
    PUT_NAME(order->inst);
    PUT_NAME(order->pid);
    PUT_NAME(order->refused);
    PUT_NAME(order->res);
    PUT_NAME(order->rsrc);
    put_settled_by(order->rid);
}

/* A forgotten master matters only to who is still connected to it, or may come back. */
static bool is_reachable(int at)
{
    for (uint64_t token = 1; token <= world.last_token; token++) {
        if (world.data[token] != at)
            continue;
        bool is_used = token == world.token || scenario->old_starts ||
                       (world.backs < scenario->backs && token < world.token);
        for (int w = 0; w < WORKERS; w++)
            is_used = is_used || world.workers[w].link == token ||
                      world.workers[w].restorer.token == token;
        if (is_used)
            return true;
    }
    return false;
}

static void put_redis(void)
{
    digest_put((int64_t) world.token);
    digest_put((int64_t) world.last_token);
    for (int at = 1; at <= TOKENS_MAX; at++) {
        digest_put(world.data[at]);
        if (is_reachable(at))
            put_master(&world.masters[at]);
        else
            digest_put(-1);
    }
    if (world.failovers < scenario->failovers)
        put_master(&world.replica);
}

/* Workers. */

static void put_committed(const struct committed *committed)
{
    digest_put_window(&committed->window);
    digest_put((int64_t) committed->token);
    digest_put(committed->ceiling);
}

static void put_batch(const struct model_worker *worker)
{
    if (!worker->flow.batch_running)
        return;
    digest_put(worker->batch.generation == world.generation);
    for (int place = 0; place < PLACES; place++) {
        digest_put(worker->batch.has[place]);
        if (worker->batch.has[place])
            put_committed(&worker->batch.offsets[place]);
    }
}

static void put_told(const struct told *told)
{
    digest_put(told->final);
    digest_put(told->doubt);
    PUT_NAME(told->final_body);
    digest_put(told->final_sequence);
    if (told->final != ORDER_ABSENT)
        return; /* readers ignore what is not final now */
    digest_put(told->other);
    PUT_NAME(told->other_body);
    digest_put(told->other_sequence);
}

static void put_restorer(const struct model_restorer *restorer)
{
    digest_put(restorer->step);
    if (restorer->step == RESTORER_IDLE)
        return;
    digest_put((int64_t) restorer->token);
    for (int i = 0; i < COMMANDS_MAX; i++)
        digest_put(restorer->doubts[i]);
    if (restorer->step == RESTORER_OUTCOMES)
        put_told(&restorer->told);
}

static void put_worker(int w)
{
    const struct model_worker *worker = &world.workers[w];
    digest_put(worker->alive);
    digest_put((int64_t) worker->life);
    if (!worker->alive)
        return;
    digest_put((int64_t) worker->link);
    digest_put(worker->phase);
    digest_put(worker->generation == world.generation);
    digest_put_flow(w);
    put_batch(worker);
    put_restorer(&worker->restorer);
}

/* Kafka and the gateway. */

/* Done, and nobody will read it any more. */
static bool is_over(int resolution)
{
    for (int w = 0; w < WORKERS; w++) {
        const struct model_worker *worker = &world.workers[w];
        if (worker->alive && worker->flow.partition_places[FLOW_RESOLUTIONS][0] >= 0 &&
            worker->position[PLACE_RESOLUTIONS] <= resolution)
            return false;
    }
    return model_is_done(PLACE_RESOLUTIONS, resolution);
}

static void put_kafka(void)
{
    for (int place = 0; place < PLACES; place++)
        put_committed(&world.committed[place]);
    digest_put(world.in[0] | world.in[1] << 1 | world.rebalancing << 2 | world.hidden << 3 |
               world.letters << 4 | world.expired << 5 | world.stuck << 6);
    digest_put(world.arrived);
    digest_put(world.resolutions_count);
    for (int i = 0; i < world.resolutions_count; i++) {
        const struct resolution *resolution = &world.resolutions[i];
        if (is_over(i))
            continue;
        digest_put(resolution->evidence);
        digest_put(resolution->state);
        digest_put(resolution->attempt);
        PUT_NAME(resolution->instance);
        PUT_NAME(resolution->body);
        digest_put_text(resolution->payment_id);
    }
    put_told(&world.told);
    if (scenario->marker)
        put_told(&world.visible);
}

static void put_gateway(void)
{
    digest_put(world.requests_count);
    for (int i = 0; i < world.requests_count; i++) {
        const struct request *request = &world.requests[i];
        digest_put(request->state);
        digest_put(request->attempt);
        digest_put(request->words);
    }
    digest_put(world.last_payment);
    digest_put(world.executed);
    digest_put(world.executed_words);
}

static void put_budgets(void)
{
    int used[] = {world.kills,   world.rebalances, world.failovers, world.others, world.backs,
                  world.flushes, world.unsent,     world.give_ups,  world.lost,   world.commits};
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++)
        digest_put(used[i]);
}

struct digest model_digest(void)
{
    digest_begin();
    put_redis();
    put_worker(0);
    put_worker(1);
    put_kafka();
    put_gateway();
    put_budgets();
    digest_put(world.broken != NULL);
    return digest_end();
}
