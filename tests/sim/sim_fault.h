/* sim_fault: what may go wrong, by name; each seed mixes its own faults and rates. */
#ifndef TESTS_SIM_FAULT_H
#define TESTS_SIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* name, highest rate in 10,000 of its occasion */
#define SIM_FAULT_LIST(X)                                                               \
    X(KILL, 60)             /* a process, before or after an effect */                  \
    X(PAUSE, 80)            /* a process, before an effect */                           \
    X(STOP, 2500)           /* timed: a process is asked to end in order */             \
    X(CLOCK, 2500)          /* timed: a process's wall clock jumps */                   \
    X(SLOW, 600)            /* a message takes seconds */                               \
    X(REBALANCE, 4000)      /* timed: the group balances anew */                        \
    X(LOST, 3000)           /* timed: a member is thrown out and learns it later */     \
    X(REWIND, 600)          /* timed: the group is stopped and its offsets set back */  \
    X(RECREATED, 5000)      /* a rewind: and the topic has other records now */         \
    X(TXN_FAIL, 500)        /* a step of a transaction fails: abort */                  \
    X(COMMIT_LOST, 800)     /* the commit or its answer does not arrive */              \
    X(TXN_HANG, 60)         /* a call never comes back */                               \
    X(TELL_LOST, 1500)      /* a resolution's acknowledgement is lost */                \
    X(REDIS_DOWN, 1500)     /* timed: nobody reaches it for a while */                  \
    X(REDIS_RESTART, 1000)  /* timed: another process, nothing lost, another token */   \
    X(REDIS_TIMEOUT, 300)   /* one call: not applied, applied, or applied much later */ \
    X(REDIS_BLOCKED, 200)   /* one call: READONLY, OOM ... */                           \
    X(REDIS_FOREIGN, 600)   /* timed: an order's key is not ours for a while */         \
    X(NOT_SENT, 2500)       /* refused, DNS, TLS: no byte left */                       \
    X(SILENCE, 2500)        /* done, no answer */                                       \
    X(LATE, 2000)           /* done much later */                                       \
    X(LOST_REQUEST, 1500)   /* never done, no answer */                                 \
    X(GARBLED, 2000)        /* 5xx, bad signature, another order's answer */            \
    X(PENDING, 3000)        /* not final for a while */                                 \
    X(BALANCE, 3000)        /* class B */                                               \
    X(CONFIGURATION, 1500)  /* class C */                                               \
    X(DECLINED, 2000)       /* class D */                                               \
    X(LIMIT, 1500)          /* class L */                                               \
    X(STALE_EVIDENCE, 5000) /* a callback about a refused attempt, at any time */       \
    X(STATUS_LAG, 6000)     /* the status is that of a while ago */                     \
    X(STATUS_FAILS, 3000)   /* no usable status answer */                               \
    X(DUPLICATE, 5000)      /* a record: the same command again */                      \
    X(CHANGED, 2500)        /* a record: the same order with other words */             \
    X(INVALID, 1000)        /* a record: refused by the decoder, or unreadable */       \
    X(UNCONFIGURED, 1000)   /* a record: merchant not known until people mend it */     \
    X(EXPIRY, 1500)         /* a record: must be paid soon or not at all */             \
    X(GAP, 3000)            /* offsets that Kafka never delivers */                     \
    X(FLUSH, 500)           /* timed, only with --lossy: FLUSHALL, the token stays */   \
    X(LOSSY, 1500)          /* timed, only with --lossy: a failover loses writes */

#define SIM_FAULT_ENUM(name, rate) FAULT_##name,
enum sim_fault { SIM_FAULT_LIST(SIM_FAULT_ENUM) FAULT_COUNT };
#undef SIM_FAULT_ENUM

const char *sim_fault_name(enum sim_fault fault); /* "kill" ... */
int32_t sim_fault_rate_max(enum sim_fault fault);

#endif
