/*
 * command_json: a Kafka record becomes a command (docs/EVENTS.md).
 *
 * CloudEvents binary mode (ce_ headers), structured mode (application/cloudevents+json) and bare
 * JSON. Strict: unknown or double fields, depth above 6 and values above COMMAND_VALUE_MAX are
 * refused; decimals are strings and stay text. Reading goes on behind the first fault, so that the
 * order id of a refused command is known.
 */
#ifndef PAYOUTD_CODEC_COMMAND_JSON_H
#define PAYOUTD_CODEC_COMMAND_JSON_H

#include "payoutd/base/arena.h"
#include "payoutd/domain/order.h"

enum { COMMAND_VALUE_MAX = 16 * 1024, COMMAND_DEPTH_MAX = 6, RECORD_HEADERS_MAX = 32 };

struct record_header {
    struct bytes name, value;
};

/* A record as Kafka gave it. Views: valid until the source lets the message go. */
struct record_content {
    struct bytes key; /* absent: none */
    struct bytes value;
    struct record_header headers[RECORD_HEADERS_MAX];
    size_t headers_count;
    bool headers_cut; /* more headers than the maximum came: the rest was not read */
};

/* CloudEvents attributes; absent ones are BYTES_NONE. Copied into the arena. */
struct event_context {
    struct bytes id, source, type, subject, time;
    struct bytes correlation_id; /* the header, else `id` */
    struct bytes traceparent, tracestate, ce_traceparent;
};

struct command_rules {
    bool allow_plaintext_pan;
    bool accept_pg_names;
    bool accept_bare_json;
    struct bytes accepted_type;     /* suffix-free full type, e.g. kz.example.payout.requested.v1 */
    const struct bytes *currencies; /* allow list */
    size_t currencies_count;
    const struct bytes *post_link_hosts; /* allow list; empty: no command may name a post_link */
    size_t post_link_hosts_count;
    struct bytes fingerprint_key; /* 32 bytes or more */
};

/* Why a record was refused; the message names the field and holds none of its data. */
struct command_fault {
    enum status status;
    /* failure.code / dlq-reason: validation_failed, unknown_type, unreadable, too_large */
    const char *code;
    char message[160];
    /*
     * The order id could be read and is valid: a `rejected` outcome is possible. Not so when it is
     * given twice or differs from the record's key: then nobody knows which order was meant.
     */
    bool has_order_id;
};

/*
 * Decodes and validates. On STATUS_OK *ret_command is whole. On failure *ret_fault says why, and
 * when has_order_id is set, ret_command->order_id and the fingerprint (over the raw value) are set,
 * and whatever other fields had been read are kept for the `rejected` outcome. *ret_context is
 * filled as far as it could be read.
 */
MUST_USE enum status command_json_decode(const struct record_content *record,
                                         const struct command_rules *rules, struct arena *arena,
                                         struct command *ret_command,
                                         struct event_context *ret_context,
                                         struct command_fault *ret_fault);

#endif
