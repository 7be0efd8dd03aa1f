/*
 * sim_redis: the ledger's scripts (src/adapter/lua) in C, with exactly their semantics: the adapter
 * test sim_redis_differential_test puts the same questions to both and compares every word.
 *
 * A server, not a link: who asks, when, and whether the answer arrives is the worker's story
 * (sim_link.c). `token` is what a connection reads; `inc` is what the scripts compare.
 */
#ifndef TESTS_SIM_REDIS_H
#define TESTS_SIM_REDIS_H

#include "payoutd/domain/ledger_record.h"

enum {
    SIM_ORDERS_MAX = 24, /* order at place n is in shard n */
    SIM_UNDO_MAX = 64,
    SIM_BODY_MAX = 192,
};

struct sim_order {
    bool exists, foreign;
    enum order_state state;
    char oid[52], src[48], fp[65], merchant[16], profile[16], inst[33];
    int64_t call, seq, pub, t_arm_ms, due_ms;
    int32_t att;
    bool doubt, due;
    char pid[24], refused[160], res[SIM_BODY_MAX], rsrc[48], rid[176];
};

/* What one call changed. */
typedef void sim_redis_changed(void *context, const struct sim_order *before,
                               const struct sim_order *after, const struct ledger_call *call);

struct sim_undo {
    size_t at;
    struct sim_order before;
    int64_t last_ms;
};

struct sim_redis {
    struct sim_order orders[SIM_ORDERS_MAX];
    char names[SIM_ORDERS_MAX][52]; /* which order has which place, for ever */
    size_t count;
    uint64_t token, inc[LEDGER_SHARDS];
    int64_t last_ms[LEDGER_SHARDS];     /* of ARM, PARK, REJECT, SETTLE; -1: none */
    struct sim_undo undo[SIM_UNDO_MAX]; /* the last writes, so that a failover can lose them */
    size_t undo_next, undo_count;
    struct bytes due[SIM_ORDERS_MAX]; /* of the last DUE */
    sim_redis_changed *changed;       /* may be NULL */
    void *context;
};

void sim_redis_init(struct sim_redis *redis, uint64_t token);
/* Views of the reply hold until the next call. */
void sim_redis_ask(struct sim_redis *redis, const struct ledger_call *call, int64_t now_ms,
                   struct ledger_reply *ret_reply);
/* The record of an order; it need not exist. */
struct sim_order *sim_redis_order(struct sim_redis *redis, struct bytes order_id);
void sim_redis_set_inc(struct sim_redis *redis, uint64_t inc);
/* A failover: the last `writes` are gone. How many were there to lose. */
size_t sim_redis_lose(struct sim_redis *redis, size_t writes);
void sim_redis_flush(struct sim_redis *redis);

/* sim_restore.c: what a restorer writes. */
struct sim_restored {
    struct bytes order_id, src, fp, body, pid, refused;
    enum order_state state;
    int32_t attempt;
    int64_t sequence;
    bool doubt;
};
/* Each write is done only where `inc` is the claim; false: it is another's. */
bool sim_restore_event(struct sim_redis *redis, uint64_t claim, const struct sim_restored *event,
                       int64_t now_ms);
bool sim_restore_doubt(struct sim_redis *redis, uint64_t claim, const struct sim_restored *open,
                       int64_t now_ms);

#endif
