/*
 * outcome_json: outcome events, their headers, and dead letters (docs/EVENTS.md).
 *
 * The body is made once, when an order is settled, and stored in the ledger without `sequence` and
 * `replayed`; outcome_json_finish puts those in front when it is published, so that a repeat
 * carries the same facts.
 */
#ifndef PAYOUTD_CODEC_OUTCOME_JSON_H
#define PAYOUTD_CODEC_OUTCOME_JSON_H

#include "payoutd/codec/command_json.h"
#include "payoutd/domain/verdict.h"

enum {
    OUTCOME_BODY_MAX = 16 * 1024, /* every outcome of a decoded command fits */
    EVENT_ID_LEN = 36,
    EVENT_HEADERS_MAX = 48, /* of a dead letter: all of the record's and ours */
    DEAD_LETTER_KEY_MAX = 1024,
    DEAD_LETTER_HEADERS_BYTES_MAX = 8192, /* of the record's own headers, names and values */
};

struct position {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms; /* the broker's */
};

/* Everything an outcome says. Absent views and zero times are left out of the JSON. */
struct outcome {
    const struct command *command;
    const struct event_context *context;
    struct position position;
    struct bytes merchant_id; /* resolved */
    enum order_state state;   /* PENDING UNKNOWN PAID FAILED REJECTED */
    int32_t attempt;
    bool doubt;
    enum evidence evidence;
    const struct answer *answer; /* NULL: none */
    struct bytes refused_payment_ids[ORDER_PAYMENT_IDS_MAX];
    size_t refused_payment_ids_count;
    const char *failure_code; /* NULL unless failed, rejected or unknown */
    const char *failure_message;
    bool failure_from_gateway;
    bool failure_retryable;
    int64_t received_ms, armed_ms, answered_ms, occurred_ms; /* Unix time */
    bool livemode;
    /* key of destination.fingerprint (HMAC-SHA-256, first 16 bytes as hex) */
    struct bytes destination_key;
};

/* The body without sequence: `{"order_id":...}`. STATUS_NO_ROOM. */
MUST_USE enum status outcome_json_body(const struct outcome *outcome, struct arena *arena,
                                       struct bytes *ret_body);
/*
 * `{"sequence":N,"replayed":false,` + the stored body's rest. STATUS_FOREIGN_DATA when it is no
 * body of ours.
 */
MUST_USE enum status outcome_json_finish(struct bytes body, int64_t sequence, bool replayed,
                                         struct arena *arena, struct bytes *ret_value);

/*
 * A stored body after a change: status, final, attempt, occurred_at, paid_amount, doubt, evidence,
 * gateway and failure are those of `outcome` (whose command may be empty), all other members stay.
 * STATUS_FOREIGN_DATA, STATUS_NO_ROOM.
 */
MUST_USE enum status outcome_json_change(struct bytes body, const struct outcome *outcome,
                                         struct arena *arena, struct bytes *ret_body);
/* What later questions about an order need from its stored body. Absent members are BYTES_NONE. */
struct outcome_facts {
    struct bytes order_id, command_id;
    struct money amount; /* its text is absent when the body has none */
};
/* Copies into the arena. STATUS_FOREIGN_DATA, STATUS_NO_ROOM. */
MUST_USE enum status outcome_json_read(struct bytes body, struct arena *arena,
                                       struct outcome_facts *ret_facts);

/* What a published event says about its order: enough to write the ledger's record again. */
struct outcome_recall {
    struct bytes order_id, merchant_id;
    enum order_state state;
    int64_t sequence;
    int32_t attempt;
    bool doubt;
    struct bytes body;  /* as it was stored: without sequence and replayed */
    struct bytes topic; /* src; absent when the event names none */
    int32_t partition;
    int64_t offset;
    struct bytes fingerprint;                     /* hex digits */
    struct bytes payment_id, refused_payment_ids; /* the latter separated by spaces */
    int64_t armed_ms;                             /* 0: not said */
};
/* Copies into the arena. STATUS_FOREIGN_DATA when outcome_json_finish did not write it;
 * STATUS_NO_ROOM. */
MUST_USE enum status outcome_json_recall(struct bytes value, struct arena *arena,
                                         struct outcome_recall *ret_recall);

/*
 * UUIDv5 of the order and what is said of it (docs/PROTOCOL.md, Event ids): (order, "final") for a
 * final state, (order, status, attempt) for others.
 */
void outcome_event_id(struct bytes ledger_namespace, struct bytes order_id, enum order_state state,
                      int32_t attempt, char ret_id[static EVENT_ID_LEN + 1]);

struct event_headers {
    struct record_header items[EVENT_HEADERS_MAX];
    size_t count;
};
struct event_naming {
    struct bytes type_prefix; /* "kz.example": type = prefix.payout.succeeded.v1 */
    struct bytes source;
    struct bytes schema_base; /* ce_dataschema = base + "/outcome-v1.json" */
};
/* Headers of an outcome. `span` = 16 hex digits of the new span. STATUS_NO_ROOM. */
MUST_USE enum status outcome_json_headers(const struct event_naming *naming, struct bytes event_id,
                                          enum order_state state, struct bytes order_id,
                                          int64_t occurred_ms, const struct event_context *context,
                                          struct bytes span, struct arena *arena,
                                          struct event_headers *ret_headers);

/*
 * A dead letter: the record's own headers plus dlq-reason, dlq-message, dlq-topic, dlq-partition,
 * dlq-offset, dlq-timestamp, dlq-worker; the value with every card number blanked; key kept unless
 * it holds a card number. A value above `value_max` is cut and dlq-value-length and dlq-value-hmac
 * are added. Keys and headers above their limits are cut or left out, and dlq-cut says so. Needs at
 * most value_max + DEAD_LETTER_KEY_MAX + DEAD_LETTER_HEADERS_BYTES_MAX + 2,048 bytes of the arena.
 * STATUS_NO_ROOM.
 */
struct dead_letter {
    struct bytes key, value;
    struct event_headers headers;
};
MUST_USE enum status outcome_json_dead_letter(const struct record_content *record,
                                              const struct position *position, const char *reason,
                                              const char *message, struct bytes worker,
                                              size_t value_max, struct bytes hmac_key,
                                              struct arena *arena, struct dead_letter *ret_letter);

#endif
