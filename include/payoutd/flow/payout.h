/*
 * payout: one position of the commands topic on its way from record to committed outcome.
 *
 * A payout lives in a slot of the flow's fixed pool. Outside it is known by its handle, slot and
 * generation: an answer that comes after the slot was given to another payout finds another
 * generation and is counted, not believed. It is in exactly one step, and in at most one list: a
 * state is a list.
 */
#ifndef PAYOUTD_FLOW_PAYOUT_H
#define PAYOUTD_FLOW_PAYOUT_H

#include "payoutd/base/arena.h"
#include "payoutd/domain/ledger_record.h"

struct handle {
    uint32_t slot;
    uint32_t generation; /* never 0 */
};

enum payout_step {
    STEP_FREE,
    STEP_DECODING,   /* opened, waits for the decoder's word */
    STEP_WAITING,    /* for the ceiling, a release of its merchant, or its turn */
    STEP_CLAIMING,   /* ARM or REJECT is asked, or waits to be */
    STEP_PAYING,     /* the request is under way, or about to be */
    STEP_REOPENING,  /* DISARM: proof that no money moved is being written */
    STEP_DOUBTING,   /* somebody else's SENDING: waits until it must have ended, then reads again */
    STEP_ASKING,     /* the status is asked */
    STEP_SETTLING,   /* SETTLE */
    STEP_TELLING,    /* late evidence on its way to the resolutions topic */
    STEP_PUBLISHING, /* its outcome waits for a transaction, or is in it */
    STEP_ENDED,      /* the worker has yet to let it go */
    STEP_COUNT,
};
const char *payout_step_name(enum payout_step step);

/* What the decoder said about the record. */
enum decoded_kind {
    DECODED_VALID,
    DECODED_INVALID,      /* the order id is readable: a `rejected` outcome and a dead letter */
    DECODED_UNREADABLE,   /* a dead letter only */
    DECODED_EVIDENCE,     /* a record of the resolutions topic; the evidence is in the payout */
    DECODED_UNCONFIGURED, /* no such merchant or key here, not the command's fault: waits, rejected
                             only by age */
};

enum payout_end {
    END_OUTCOME,    /* an outcome was published */
    END_DUPLICATE,  /* another position owns the order: silent, counted */
    END_CONFLICT,   /* dead letter: same order id, other words */
    END_UNREADABLE, /* dead letter: no order id */
    END_TOO_OLD,    /* dead letter: older than the dedupe horizon */
    END_DONE,       /* another position settled and publishes it */
    END_DROPPED,    /* not ours any more: whoever owns the partition goes on */
};
const char *payout_end_name(enum payout_end end);

#define PAYOUT_NONE UINT32_MAX

/* Slots in the order in which they came. */
struct payout_list {
    uint32_t head, tail;
    size_t count;
};

struct payout;
void payout_list_init(struct payout_list *list);
void payout_list_append(struct payout *pool, struct payout_list *list, struct payout *payout);
void payout_list_prepend(struct payout *pool, struct payout_list *list, struct payout *payout);
/* Takes it out of whatever list it is in; fine when it is in none. */
void payout_list_remove(struct payout *pool, struct payout *payout);
struct payout *payout_list_first(struct payout *pool, const struct payout_list *list);
struct payout *payout_list_after(struct payout *pool, const struct payout *payout);

struct payout {
    uint32_t generation;
    uint32_t slot, next, previous; /* list links, by slot */
    struct payout_list *list;
    enum payout_step step;
    bool asked;    /* the step's call or request is under way */
    bool sending;  /* counts against its lane's maximum */
    uint8_t lane;  /* of its claim */
    bool orphaned; /* its assignment has ended: what it knows is recorded, nothing is published */

    /* Where it came from. */
    bool is_evidence;      /* a record of the resolutions topic: it settles, it never pays */
    uint16_t partition_at; /* in the flow's table; stale once orphaned */
    int32_t partition;
    int64_t offset, timestamp_ms;
    uint64_t epoch;
    int64_t received_ms; /* Unix time */

    /* What it says. */
    struct arena arena;
    size_t arena_kept; /* what is above belongs to one attempt and goes with it */
    struct command command;
    enum decoded_kind decoded;
    struct bytes merchant_id; /* resolved; the ledger's once it was armed */
    uint16_t merchant_at;     /* in the configuration */

    /* The claim. */
    enum ledger_script script; /* what is asked of the ledger in this step */
    int64_t call;
    int32_t attempt;               /* of the claim; before it: the one that is expected */
    int64_t send_before_ms;        /* monotonic: the send window of R1 */
    int64_t armed_ms, answered_ms; /* Unix time */
    bool probes;                   /* sent to find out whether its merchant's hold is over */

    /* Somebody else's SENDING, as it was seen. */
    char seen_instance[33];
    int32_t seen_attempt;
    struct bytes refused_payment_ids; /* space separated */
    bool doubt;
    bool asks_status; /* its time is over: the next read that finds the same SENDING asks the status
                       */

    /* What it came to. */
    struct answer answer;
    bool has_answer;
    enum order_state state;
    enum evidence evidence;
    enum settle_mode mode;
    const char *failure_code, *failure_message;
    bool failure_from_gateway, failure_retryable;
    struct bytes body; /* the stored outcome body; absent: the worker makes it from these facts */
    int64_t sequence;
    bool has_outcome, has_dead_letter, replayed;
    const char *dead_letter_reason;
    enum payout_end end;
    int64_t publishable_ms; /* monotonic: since when it waits for a transaction */
};

#endif
