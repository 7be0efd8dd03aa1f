/*
 * flow: the protocol of docs/PROTOCOL.md as a pure machine. Facts go in, actions come out.
 *
 * flow_feed takes one fact and changes state; flow_turn then gives a bounded list of actions and
 * the time at which it wants to be turned again. No socket, clock, log or allocation: storage is
 * the caller's, time comes as a moment. The simulator, the crash suite and the daemon run this same
 * object code.
 *
 * Life of a payout, a file a step: decode.c, claim.c, pay.c, settle.c, publish.c, commit.c; and
 * when things go wrong: doubt.c (sent by somebody else), hold.c (a merchant must wait), recovery.c
 * (the ledger is away or forgot).
 */
#ifndef PAYOUTD_FLOW_FLOW_H
#define PAYOUTD_FLOW_FLOW_H

#include "payoutd/base/bounds.h"
#include "payoutd/base/heap.h"
#include "payoutd/domain/window.h"
#include "payoutd/flow/inquiry.h"
#include "payoutd/flow/payout.h"

enum {
    FLOW_ACTIONS_MAX = BOUND(256, 32),
    FLOW_PARTITIONS_MAX = BOUND(256, 3), /* that one worker can own at a time */
    FLOW_PARTITION_NUMBER_MAX = BOUND(4096, 2),
    FLOW_MERCHANTS_MAX = BOUND(64, 1),
    FLOW_LANES_MAX = BOUND(16, 1),

    FLOW_NOTES_MAX = BOUND(64, 4), /* between two turns; what is above is counted */
};

struct moment {
    int64_t now_ms;  /* monotonic */
    int64_t wall_ms; /* Unix time */
};

enum duplicates_policy { DUPLICATES_DROP, DUPLICATES_REPLAY };

struct flow_config {
    size_t payouts_max; /* slots of the pool */
    size_t arena_size;  /* bytes a payout may use */

    size_t batch_max; /* payouts in one transaction */
    int64_t batch_ms; /* how long the first one waits for company */
    int64_t send_window_ms;
    int64_t request_timeout_ms;
    int64_t grace_ms;
    int64_t max_command_age_ms;
    int64_t horizon_ms;
    int64_t revoke_drain_ms; /* how long a revoke waits for what is under way */
    bool restores; /* the owner of the first resolutions partition restores a ledger that forgot */
    size_t merchants_count;
    uint8_t merchant_lanes[FLOW_MERCHANTS_MAX]; /* whose gateway a merchant uses */
    size_t lanes_count;
    size_t lane_sending_max[FLOW_LANES_MAX]; /* claims and requests under way at a time */
    enum duplicates_policy duplicates;
    struct instance_id instance;
};

enum flow_topic { FLOW_COMMANDS, FLOW_RESOLUTIONS, FLOW_TOPIC_COUNT };

/* One partition that is ours. */
struct flow_partition {
    bool owned;
    enum flow_topic topic;
    int32_t number;
    uint64_t epoch;
    struct window window;
    uint64_t committed_token, token_in_batch;
    int64_t ceiling;          /* the highest that any owner has committed: it never falls */
    int64_t armable_below;    /* what this assignment has committed itself; -1: nothing yet */
    int64_t ceiling_in_batch; /* what the running transaction carries */
    bool dirty;               /* something a commit would change */
    bool in_batch;
    bool paused;
    int64_t refused_at;       /* the record that the window had no room for comes again; -1: none */
    struct payout_list above; /* payouts at or above armable_below, in the order they came */
};

enum flow_action_kind {
    ACTION_LEDGER, /* payout: ask payout->script (DISARM, SETTLE ...); answer with FLOW_LEDGER_REPLY
                    */
    ACTION_PAY,    /* payout: send the payout request; answer with FLOW_PAYMENT_ANSWER */
    ACTION_ASK,    /* payout: ask the status; answer with FLOW_STATUS_ANSWER */
    ACTION_TELL,   /* payout: write its evidence to the resolutions; answer with FLOW_TOLD */
    ACTION_PUBLISH, /* batch: flow->batch and the partitions that are in_batch; answer with
                       FLOW_BATCH_* */
    ACTION_ENDED,   /* payout: log it, mark it published, then flow_let_go */
    ACTION_PAUSE,
    ACTION_RESUME,  /* partition */
    ACTION_SCAN,    /* partition = shard: ask LEDGER_DUE for at most `batch` orders; tag
                       flow_scan_tag(shard) */
    ACTION_WIPE,    /* partition = shard: ask LEDGER_WIPE; tag flow_scan_tag(shard) */
    ACTION_RESTORE, /* start the restorer; answer with FLOW_RESTORED */
    ACTION_LOOK,    /* payout = an inquiry's handle: ask its script (READ or DEFER) */
    ACTION_INQUIRE, /* an inquiry: ask the gateway's status; answer with FLOW_STATUS_ANSWER */
    ACTION_REPORT,  /* an inquiry: write its change to the resolutions; answer with FLOW_TOLD */
    ACTION_RELEASE, /* answer the revoke */
    ACTION_STOPPED, /* the drain is over */
    ACTION_NOTE,    /* note, payout or merchant: something a person should know */
};

enum flow_note {
    NOTE_ORDER_CONFLICT,
    NOTE_CONTRADICTION,
    NOTE_FOREIGN_RECORD,
    NOTE_LEDGER_FORGOT,
    NOTE_LEDGER_REMEMBERS,
    NOTE_MERCHANT_HELD,
    NOTE_MERCHANT_RELEASED,
    NOTE_UNCONFIGURED,
    NOTE_LATE,
    NOTE_WINDOW_CLOSED,
    NOTE_SENT_BY_OTHER,
    NOTE_DRAIN_CUT,
    NOTE_COUNT,
};

struct flow_action {
    enum flow_action_kind kind;
    struct handle payout;
    enum flow_topic topic;
    int32_t partition;
    uint16_t merchant_at;
    uint64_t batch;
    enum flow_note note;
};

struct flow_actions {
    struct flow_action items[FLOW_ACTIONS_MAX];
    size_t count;
};

/* One gateway: a full one stops its own orders only. Orders of no known merchant go through the
 * first. */
struct flow_lane {
    struct payout_list claimable;
    size_t sending;
};

enum hold_reason { HOLD_NONE, HOLD_BALANCE, HOLD_CONFIGURATION, HOLD_UNREACHABLE };
const char *hold_reason_name(enum hold_reason reason);

struct flow_hold {
    enum hold_reason reason;
    int32_t tries; /* probes that failed since it began */
    int64_t since_wall_ms, probe_at_ms;
    bool probing; /* one payout is out to find out */
    struct payout_list held;
};

/* Whether the ledger may be asked, and if not, how far its recovery is (docs/PROTOCOL.md R8). */
enum flow_recovery {
    RECOVERY_NONE,
    RECOVERY_WIPING,        /* `inc` is being deleted in every shard */
    RECOVERY_ACKNOWLEDGING, /* then our token is committed for every partition of ours */
    RECOVERY_WAITING,       /* until the restorer has made `inc` the token */
};
const char *flow_recovery_name(enum flow_recovery recovery);

struct flow_statistics {
    int64_t received, skipped, ended[END_DROPPED + 1], outcomes[8 /* enum order_state */];
    int64_t answers_stale, ledger_repeats, late, contradictions, foreign, notes_lost;
    int64_t inquiries, changes;
    int64_t batches_committed, batches_aborted, batches_fenced, batches_reread;
};

/* Every call changes it; nobody else does. */
struct flow {
    struct flow_config config;
    struct payout *payouts;
    struct payout_list free, to_ask, to_send, to_status, to_tell, publishable, batch, ended;
    struct heap timers;
    struct inquiry inquiries[INQUIRIES_MAX];
    size_t inquiries_open;
    int64_t scan_at_ms; /* when the due-lists are looked at next */
    uint32_t scan_shard;
    struct flow_partition partitions[FLOW_PARTITIONS_MAX];
    int16_t partition_places[FLOW_TOPIC_COUNT][FLOW_PARTITION_NUMBER_MAX]; /* -1: not ours */
    size_t partitions_count;
    struct flow_hold holds[FLOW_MERCHANTS_MAX];
    int64_t next_call;
    struct flow_lane lanes[FLOW_LANES_MAX];
    uint64_t epoch; /* the current assignment; 0: none */
    bool revoking, stopping, release_due, stopped_told;
    int64_t drain_until_ms; /* of the revoke or the stop */
    bool ledger_up, ledger_probing, restoring;
    enum flow_recovery recovery;
    uint64_t wiped_token; /* for which `inc` was deleted in every shard, since it differed */
    uint64_t wipes_asked, wipes_done; /* one bit a shard */
    int64_t restore_retry_ms;
    uint64_t token;
    int64_t ledger_retry_ms;
    bool publisher_ready, batch_running;
    uint64_t batch_number, batch_epoch;
    int64_t batch_retry_ms, batch_ended_ms;
    int64_t dirty_since_ms;   /* 0: nothing waits for a commit of its own */
    int64_t no_room_since_ms; /* 0: there is room */
    struct flow_action notes[FLOW_NOTES_MAX];
    size_t notes_count;
    struct flow_statistics statistics;
};

enum flow_event_kind {
    FLOW_ASSIGNED,  /* partitions[] */
    FLOW_REVOKED,   /* epoch: answered by ACTION_RELEASE */
    FLOW_LOST,      /* epoch */
    FLOW_DECODED,   /* payout, decoded */
    FLOW_LEDGER_UP, /* token */
    FLOW_LEDGER_DOWN,
    FLOW_RESTORED,       /* restored: the restorer has ended, well or not */
    FLOW_LEDGER_REPLY,   /* payout, reply */
    FLOW_PAYMENT_ANSWER, /* payout, answer (views in the payout's arena) */
    FLOW_STATUS_ANSWER,  /* payout, answer */
    FLOW_TOLD,           /* payout, told */
    FLOW_PUBLISHER_READY,
    FLOW_BATCH_COMMITTED, /* batch */
    FLOW_BATCH_ABORTED,   /* batch: the same payouts go into the next one */
    FLOW_BATCH_FENCED,    /* batch: the assignment has ended */
    FLOW_BATCH_REREAD,    /* batch, partitions[]: what is committed now */
    FLOW_STOP,            /* drain: drain_ms */
};

/* As read from the broker. The window was read back from the commit metadata. */
struct flow_assigned {
    enum flow_topic topic;
    int32_t number;
    uint64_t token;
    int64_t ceiling;
    const struct window *window;
};

struct flow_event {
    enum flow_event_kind kind;
    struct handle payout;
    uint64_t epoch, token, batch;
    const struct flow_assigned *partitions;
    size_t partitions_count;
    enum decoded_kind decoded;
    const struct ledger_reply *reply;
    const struct answer *answer;
    bool told, restored;
    int64_t drain_ms;
};

/* Bytes of storage that flow_init wants. */
size_t flow_storage_size(const struct flow_config *config);
/* `storage` is aligned as malloc aligns, zeroed, and outlives the flow. */
void flow_init(struct flow *flow, const struct flow_config *config, void *storage);

/* Changes state; the actions come with the next flow_turn. */
void flow_feed(struct flow *flow, const struct flow_event *event, const struct moment *moment);
/*
 * Appends actions; stops at FLOW_ACTIONS_MAX. Returns the milliseconds until the next turn is
 * wanted: 0 when the list was full, -1 when nothing is timed.
 */
int64_t flow_turn(struct flow *flow, const struct moment *moment, struct flow_actions *ret_actions);

/* How many records may be opened now. */
size_t flow_room(const struct flow *flow);

enum flow_opening {
    FLOW_OPENED,
    FLOW_SKIPPED, /* done already */
    FLOW_STALE,   /* of an earlier assignment, or it comes again: drop it */
    FLOW_CLOSED,  /* the window has no room for it: pause the partition and seek back to it */
};
/* A record arrives; on FLOW_OPENED decode it into the payout, then feed FLOW_DECODED. Needs
 * flow_room. */
struct flow_arrival {
    enum flow_topic topic;
    int32_t partition;
    uint64_t epoch;
    int64_t offset, timestamp_ms;
};
enum flow_opening flow_open(struct flow *flow, const struct flow_arrival *arrival,
                            const struct moment *moment, struct handle *ret_payout);

/* NULL when the handle's payout is gone. */
struct payout *flow_payout(struct flow *flow, struct handle handle);
struct handle flow_handle_of(const struct payout *payout);
uint64_t flow_tag(struct handle handle); /* for answers of adapters */
struct handle flow_untag(uint64_t tag);
/* Walks flow->batch (ACTION_PUBLISH): first with NULL. */
struct payout *flow_batch_next(struct flow *flow, const struct payout *after);
/* Inquiries are answered under their own handles: is it one, and which. NULL: it is over. */
bool flow_is_inquiry(struct handle handle);
struct inquiry *flow_inquiry(struct flow *flow, struct handle handle);
uint64_t flow_scan_tag(uint32_t shard);

/* After ACTION_ENDED. */
void flow_let_go(struct flow *flow, struct payout *payout);
size_t flow_in_flight(const struct flow *flow); /* slots in use */

#endif
