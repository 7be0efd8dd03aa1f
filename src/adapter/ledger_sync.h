/* ledger_sync: one blocking connection to the ledger's Redis, for what is done once (init) or in a
 * thread of its own (the restorer). */
#ifndef PAYOUTD_ADAPTER_LEDGER_SYNC_H
#define PAYOUTD_ADAPTER_LEDGER_SYNC_H

#include "ledger_parts.h"

struct redisContext;

struct ledger_sync {
    struct redisContext *redis;
    const struct ledger_options *options;
    char *why; /* the caller's; filled by every failure */
    size_t why_max;
    uint64_t token; /* of the Redis at the other end */
};

/* `sync` has its options and `why`. Connects, logs in, and judges the server as the worker does. */
MUST_USE enum status ledger_sync_open(struct ledger_sync *sync);
void ledger_sync_close(struct ledger_sync *sync); /* also after a failed open */

enum status ledger_sync_complain(struct ledger_sync *sync, enum status status, const char *what,
                                 const char *detail);
/* One question; the answer is of this REDIS_REPLY_ type (a string may be nil), or the reason is
 * given. The caller frees it. */
MUST_USE enum status ledger_sync_ask(struct ledger_sync *sync, int count, const char **words,
                                     int type, struct redisReply **ret_reply);
MUST_USE enum status ledger_sync_ask_only(struct ledger_sync *sync, int count, const char **words,
                                          int type);
/* What an unexpected answer means; `what` was asked. */
enum status ledger_sync_refuse(struct ledger_sync *sync, const char *what,
                               const struct redisReply *reply);

#endif
