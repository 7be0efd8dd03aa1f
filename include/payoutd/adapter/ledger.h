/*
 * ledger: the Redis record of every order, as scripts over an asynchronous link (docs/PROTOCOL.md,
 * Ledger).
 *
 * Promises: a call gets exactly one answer, on the loop's thread, never from inside ledger_ask; a
 * call whose answer was lost gets LEDGER_FAILED and may be repeated with the same arguments;
 * nothing is asked before the link was checked: master, not loading, maxmemory-policy noeviction,
 * persistence as demanded, token read (R8, R9). Redis' errors that mean "not applied" (READONLY,
 * OOM, LOADING, MISCONF, NOREPLICAS, MOVED ...) give LEDGER_BLOCKED and take the link down until a
 * probe succeeds. So does, with wait_replicas, an ARMED, SETTLED or KNOWN that too few replicas
 * have: it stands in this master, but a failover may forget it, so nothing may be sent or published
 * on it; the same arguments again answer the same again and wait again. SIGPIPE must be ignored by
 * the process: hiredis writes with write(2).
 */
#ifndef PAYOUTD_ADAPTER_LEDGER_H
#define PAYOUTD_ADAPTER_LEDGER_H

#include "payoutd/adapter/loop.h"
#include "payoutd/domain/ledger_record.h"

struct ledger;

struct ledger_options {
    const char *host; /* resolved before each connect, without blocking the loop */
    int32_t port;
    const char *username; /* NULL: none */
    const char *password; /* NULL: none */
    int32_t database;
    int64_t connect_timeout_ms, command_timeout_ms;
    size_t max_pending;          /* calls under way; more: STATUS_NO_ROOM */
    int32_t wait_replicas;       /* WAIT n after ARM and SETTLE; 0: none */
    bool allow_weak_persistence; /* else appendonly yes is demanded */
    const char *key_namespace;   /* fixed at init: part of every key's hash */
    int64_t horizon_ms;          /* expiry of finals that are published */
};

struct ledger_events {
    void (*up)(void *context, uint64_t token);
    void (*down)(void *context, enum status status, const char *why);
    void (*reply)(void *context, const struct ledger_reply *reply);
    void *context;
};

MUST_USE enum status ledger_new(struct loop *loop, const struct ledger_options *options,
                                const struct ledger_events *events, struct ledger **ret_ledger);
void ledger_free(struct ledger *ledger); /* open calls get no answer any more */

/*
 * Copies what it needs. STATUS_UNAVAILABLE while the link is down, STATUS_NO_ROOM;
 * STATUS_BAD_FIELD: a payment id with a space or control character, which could not be told apart
 * from two. May be called from inside a reply.
 */
MUST_USE enum status ledger_ask(struct ledger *ledger, const struct ledger_call *call);

bool ledger_is_up(const struct ledger *ledger);
uint64_t ledger_token(const struct ledger *ledger); /* 0 while down */
/* What could not be checked when the link came up, in words (CONFIG refused); "" when all was. */
const char *ledger_note(const struct ledger *ledger);

/*
 * What `payoutctl init` writes: every shard's `inc` and, where missing, `last`. Blocking. A first
 * deployment refuses (STATUS_UNSAFE) a shard that has orders and not this token: only a recovery
 * may say that nothing was forgotten. Without `first_deployment` it does not look: for tests.
 */
MUST_USE enum status ledger_initialise(const struct ledger_options *options, bool first_deployment,
                                       char *ret_why, size_t why_max);

/* For tests, tools and metrics. */
struct ledger_statistics {
    int64_t calls[LEDGER_SCRIPT_COUNT];
    int64_t answers[LEDGER_ANSWER_COUNT];
    int64_t connects, scripts_loaded;
};
const struct ledger_statistics *ledger_statistics(const struct ledger *ledger);

#endif
