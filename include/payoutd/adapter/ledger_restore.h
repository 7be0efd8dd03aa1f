/*
 * ledger_restore: what the restorer does to Redis (docs/PROTOCOL.md, Recovery), blocking, on one
 * connection of its own.
 *
 * Facts: the token belongs to this connection; each write compares the claim, so that a restorer
 * whose shard was taken away, flushed or confirmed by another writes nothing: STATUS_UNAVAILABLE,
 * and ledger_restore_lost_claim. Nothing here touches a final order or a shard's `last`.
 */
#ifndef PAYOUTD_ADAPTER_LEDGER_RESTORE_H
#define PAYOUTD_ADAPTER_LEDGER_RESTORE_H

#include "payoutd/adapter/ledger.h"

struct ledger_restore;

/* The texts of `options`, and `why` (filled by every failure), must live until the close. */
MUST_USE enum status ledger_restore_open(const struct ledger_options *options, char *why,
                                         size_t why_max, struct ledger_restore **ret_restore);
void ledger_restore_close(struct ledger_restore *restore); /* NULL is fine */

uint64_t ledger_restore_token(const struct ledger_restore *restore);
bool ledger_restore_lost_claim(const struct ledger_restore *restore);

/* How many shards have another `inc` than the token. Changes nothing. */
MUST_USE enum status ledger_restore_look(struct ledger_restore *restore, int32_t *ret_shards);
/* Claims them. *ret_oldest_ms: of their `last`; -1: one of them has none. */
MUST_USE enum status ledger_restore_claim(struct ledger_restore *restore, int32_t *ret_shards,
                                          int64_t *ret_oldest_ms);
/* Whether the order lives in a shard that was claimed; others are not written. */
bool ledger_restore_has(const struct ledger_restore *restore, struct bytes order_id);

struct restored_order {
    struct bytes order_id, merchant_id, profile;
    struct source_position by; /* src; no topic: not known */
    struct bytes fingerprint;  /* as hex digits; absent: not known */
    struct bytes body;
    int64_t due_ms; /* how long until its status is asked */
    /* ledger_restore_event only: */
    enum order_state state;
    int32_t attempt;
    int64_t sequence;
    struct bytes payment_id, refused_payment_ids; /* the latter separated by spaces */
    bool doubt;
    int64_t armed_ms; /* 0: now */
};

struct ledger_restore_counts {
    int64_t restored, doubted, finals, foreign;
};
const struct ledger_restore_counts *ledger_restore_counts(const struct ledger_restore *restore);

/* (a): the last event of an order. Many are on their way at one time: ledger_restore_settle waits
 * for the rest, and a failure may be an earlier one's. */
MUST_USE enum status ledger_restore_event(struct ledger_restore *restore,
                                          const struct restored_order *order);
MUST_USE enum status ledger_restore_settle(struct ledger_restore *restore);
/* What stands there now: LEDGER_FOUND, LEDGER_ABSENT or LEDGER_FOREIGN. Valid until the next call.
 */
MUST_USE enum status ledger_restore_read(struct ledger_restore *restore, struct bytes order_id,
                                         struct ledger_reply *ret_reply);
/* (b): UNKNOWN, in doubt for ever. */
MUST_USE enum status ledger_restore_doubt(struct ledger_restore *restore,
                                          const struct restored_order *order);
/* (c): claim -> token in every claimed shard, the highest number last. */
MUST_USE enum status ledger_restore_confirm(struct ledger_restore *restore);

#endif
