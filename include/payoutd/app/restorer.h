/*
 * restorer: brings back what Redis may have forgotten, before anybody sends again
 * (docs/PROTOCOL.md, Recovery).
 *
 * One sequential, blocking procedure on connections of its own: claims the shards whose `inc` is
 * not the token of the Redis that answers, waits until every partition is acknowledged, reads the
 * committed offsets, then the outcomes, writes (a) the last event of each order and (b) UNKNOWN for
 * every open position below its partition's ceiling, and confirms the shards, the highest number
 * last. Killed or doubled between any two steps it does no harm: each write compares the claim.
 */
#ifndef PAYOUTD_APP_RESTORER_H
#define PAYOUTD_APP_RESTORER_H

#include "payoutd/adapter/loop.h"
#include "payoutd/app/secrets.h"

#include <stdatomic.h>

enum restorer_mode {
    RESTORER_RECOVER,
    RESTORER_REBUILD,  /* the outcomes are read from the beginning, whatever `last` says */
    RESTORER_LOSSLESS, /* a person says that nothing was lost: only the confirmation */
};

struct restorer_options {
    const struct options *options;
    const struct secrets *secrets;
    enum restorer_mode mode;
    int64_t timeout_ms;      /* for the others: Redis, and the acknowledgements. 0: no limit */
    const atomic_bool *stop; /* NULL: never stopped */
    void (*tell)(void *context, const char *text); /* progress, in the restorer's thread; or NULL */
    void *context;
};

struct restorer_report {
    uint64_t token;
    int32_t starts;             /* how often it began: another restorer, or Redis, got between */
    int32_t shards;             /* claimed and confirmed; 0: there was nothing to do */
    int32_t partitions;         /* acknowledged */
    int64_t outcomes, restored; /* events read; orders written from them */
    int64_t finals_kept;        /* orders that were final in Redis already, in (a) and (b) */
    int64_t open, doubted;      /* positions below a ceiling and not done; orders made UNKNOWN */
    int64_t gone;               /* open positions whose record Kafka has deleted: look for them */
    int64_t unreadable;         /* records without an order id, and what is no event of ours */
    int64_t foreign;            /* keys of orders that this version did not write: left alone */
    int64_t contradictions;     /* orders with two different finals among the outcomes */
    int64_t took_ms;
};

/*
 * STATUS_OK: every shard has the token. STATUS_TIMED_OUT: see `ret_why`; run it again.
 * STATUS_UNAVAILABLE: stopped. Others are for a person. The report is filled as far as it came.
 */
MUST_USE enum status restorer_run(const struct restorer_options *options,
                                  struct restorer_report *ret_report, char *ret_why,
                                  size_t why_max);

/* The same in a thread. `done` comes once, on the loop's thread; then restorer_stop frees. */
struct restorer;
typedef void restorer_done(void *context, enum status status, const struct restorer_report *report,
                           const char *why);
/* `options->stop` is not used: restorer_stop says it. What the options point to must live longer.
 */
MUST_USE enum status restorer_start(struct loop *loop, const struct restorer_options *options,
                                    restorer_done *done, void *context,
                                    struct restorer **ret_restorer);
/* Waits for the thread, which ends within seconds; `done` is not called any more. May be called
 * from `done`. NULL is fine. */
void restorer_stop(struct restorer *restorer);

#endif
