/*
 * ledger_record: the questions that are put to the ledger and the answers it gives, as plain facts
 * (docs/PROTOCOL.md, Ledger). The core speaks in these; adapter/ledger turns them into scripts.
 */
#ifndef PAYOUTD_DOMAIN_LEDGER_RECORD_H
#define PAYOUTD_DOMAIN_LEDGER_RECORD_H

#include "payoutd/base/bounds.h"
#include "payoutd/domain/verdict.h"

enum { LEDGER_SHARDS = BOUND(64, 1) };

/* One process life: 128 random bits as 32 hex digits. */
struct instance_id {
    char hex[33];
};

/* The position of a record. The topic's name is part of an order's src. */
struct source_position {
    struct bytes topic;
    int32_t partition;
    int64_t offset;
};

enum ledger_script {
    LEDGER_ARM,
    LEDGER_PARK,
    LEDGER_REJECT, /* as ARM, but an absent order becomes REJECTED and a READY one FAILED(not_sent)
                    */
    LEDGER_DISARM,
    LEDGER_SETTLE,
    LEDGER_PUBLISHED,
    LEDGER_DUE,
    LEDGER_READ,  /* looks, changes nothing */
    LEDGER_DEFER, /* looked at, nothing changed: due again after due_ms */
    LEDGER_WIPE,  /* deletes `inc` of `shard`, whatever it says: an owner does so in every shard
                     before it acknowledges another token (R8). `token` is not compared */
    LEDGER_SCRIPT_COUNT,
};

/* Who settles, and therefore what the order must look like (docs/PROTOCOL.md, SETTLE). */
enum settle_mode {
    SETTLE_OWN_ANSWER, /* SENDING by exactly this instance, call and attempt */
    SETTLE_OWN_STATUS, /* a status that the position asked itself: SENDING by the instance and
                          attempt it saw */
    SETTLE_RESOLUTION, /* evidence from the resolutions topic: SENDING, PENDING, UNKNOWN of what was
                          seen */
};

struct ledger_call {
    enum ledger_script script;
    uint64_t tag;   /* comes back with the answer */
    uint64_t token; /* the Redis continuity token that the caller believes in */
    struct bytes order_id;
    struct bytes order_key; /* READ, DEFER, PUBLISHED: instead of order_id, as a DUE_LIST gave it */
    struct source_position by; /* the position that asks */
    /* 32 bytes: ARM, PARK, REJECT. SETTLE_OWN_STATUS, when given: an order of other words is a
       CONFLICT */
    const uint8_t *fingerprint;
    struct bytes
        instance;    /* ARM, DISARM, SETTLE: ours, or (status, resolution) the one that was seen */
    int64_t call;    /* ARM, DISARM, SETTLE_OWN_ANSWER */
    int32_t attempt; /* ARM: expected (n+1); others: the attempt meant */
    /* ARM, PARK, REJECT, SETTLE_RESOLUTION: stored at the first one */
    struct bytes merchant_id, profile;
    /* ARM, REJECT, SETTLE: how long until the order is asked about by others; DUE: visibility */
    int64_t due_ms;
    enum settle_mode mode;  /* SETTLE */
    enum order_state state; /* SETTLE: what it becomes */
    struct bytes body;      /* SETTLE, REJECT: the outcome body, masked */
    /* REJECT: the body for a READY order, FAILED(not_sent). SETTLE_RESOLUTION: the body of the
       UNKNOWN that an absent order becomes */
    struct bytes late_body;
    enum evidence evidence;  /* SETTLE: only EVIDENCE_OPERATOR makes a doubted order FAILED (R4) */
    struct bytes payment_id; /* SETTLE, DISARM: of this attempt; absent when none */
    int64_t sequence;        /* PUBLISHED */
    int32_t shard, due_max;  /* DUE, WIPE: shard; DUE: the most entries to give */
};

enum ledger_answer {
    LEDGER_ARMED,         /* attempt */
    LEDGER_PARKED,        /* attempt */
    LEDGER_SENT_BY_OTHER, /* attempt, armed_ms, now_ms, instance, refused payment ids: never send */
    LEDGER_KNOWN,         /* same src, or ever in doubt: state, body, sequence, doubt */
    LEDGER_DUPLICATE,     /* other src, same words: state, body, sequence */
    LEDGER_CONFLICT,      /* same order id, other words */
    LEDGER_DISARMED,      /* attempt */
    LEDGER_SETTLED, /* sequence; state and body as stored (they may be an earlier final: publish
                       that one) */
    LEDGER_LATE,    /* own answer, but the order moved on: it goes to the resolutions */
    LEDGER_DONE,    /* another position settled it, or FAILED is no proof for a doubted order (R4):
                       nothing to publish */
    LEDGER_CONTRADICTION, /* final with another verdict: unchanged */
    LEDGER_MOVED,    /* status: the SENDING that was seen is gone, read again; resolution: evidence
                        of another attempt; DISARM: not ours any more; PUBLISHED: a sequence that
                        this order has not reached */
    LEDGER_MARKED,   /* PUBLISHED, DEFER, WIPE */
    LEDGER_DUE_LIST, /* DUE */
    LEDGER_FOUND,    /* READ: everything */
    LEDGER_ABSENT,   /* READ, PUBLISHED, DISARM: there is no such order */
    LEDGER_EMPTY,    /* the shard's `inc` is not the token: Redis may have forgotten; or ARM of an
                        attempt > 1 found no order: it has */
    LEDGER_FOREIGN,  /* the key holds something that this version did not write: alarm, the order
                        stops */
    LEDGER_FAILED, /* no answer: it may or may not have been applied. Repeat with the same arguments
                    */
    LEDGER_BLOCKED, /* Redis refused writes (READONLY, OOM, LOADING, too few replicas ...): not
                       applied */
    LEDGER_ANSWER_COUNT,
};
const char *ledger_answer_name(enum ledger_answer answer);

/* Views are valid until the callback that brings them returns. */
struct ledger_reply {
    enum ledger_answer answer;
    enum ledger_script script;
    uint64_t tag;
    struct bytes order_id; /* as stored; absent for a DUE_LIST */
    int32_t attempt;
    enum order_state state;
    int64_t sequence;
    int64_t published;     /* the sequence that is known to be published */
    int64_t armed_ms;      /* Redis time of the ARM */
    int64_t now_ms;        /* Redis time of this answer */
    struct bytes body;     /* the stored outcome body */
    struct bytes instance; /* who armed it */
    int64_t call;
    struct bytes source;         /* src: "topic/partition/offset" */
    struct bytes settled_source; /* rsrc, the position that settled it */
    struct bytes merchant_id, profile, payment_id;
    struct bytes refused_payment_ids; /* space separated */
    bool doubt;
    const struct bytes *due; /* DUE_LIST: order keys (not ids) */
    size_t due_count;
    const char *why; /* FAILED, BLOCKED, FOREIGN: a sentence */
};

#endif
