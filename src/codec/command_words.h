/*
 * command_words: the middle of command_json. Reading the JSON fills the words, the checks turn them
 * into a command. Used by the codec's own files only.
 */
#ifndef PAYOUTD_CODEC_COMMAND_WORDS_H
#define PAYOUTD_CODEC_COMMAND_WORDS_H

#include "payoutd/codec/command_json.h"

/* A text field of the contract: name, the name for people (its path), the gateway's flat name or
 * NULL. */
#define COMMAND_FIELD_LIST(X)                                                               \
    X(FIELD_ORDER_ID, COMMAND, "order_id", "order_id", "pg_order_id")                       \
    X(FIELD_AMOUNT_VALUE, AMOUNT, "value", "amount.value", "pg_amount")                     \
    X(FIELD_AMOUNT_CURRENCY, AMOUNT, "currency", "amount.currency", "pg_currency")          \
    X(FIELD_DESCRIPTION, COMMAND, "description", "description", "pg_description")           \
    X(FIELD_TYPE, DESTINATION, "type", "destination.type", NULL)                            \
    X(FIELD_PAN_JWE, DESTINATION, "pan_jwe", "destination.pan_jwe", NULL)                   \
    X(FIELD_PAN, DESTINATION, "pan", "destination.pan", "pg_payment_to")                    \
    X(FIELD_TOKEN, DESTINATION, "token", "destination.token", "pg_card_token_to")           \
    X(FIELD_IBAN, DESTINATION, "iban", "destination.iban", "pg_recipient_iban")             \
    X(FIELD_RECIPIENT_NAME, DESTINATION, "recipient_name", "destination.recipient_name",    \
      "pg_recipient_name")                                                                  \
    X(FIELD_RECIPIENT_IIN, DESTINATION, "recipient_iin", "destination.recipient_iin",       \
      "pg_recipient_iin")                                                                   \
    X(FIELD_KBE, DESTINATION, "kbe", "destination.kbe", "pg_recipient_kbe")                 \
    X(FIELD_KNP, DESTINATION, "knp", "destination.knp", "pg_knp")                           \
    X(FIELD_BIC, DESTINATION, "bic", "destination.bic", "pg_bank_bik")                      \
    X(FIELD_CARDHOLDER_NAME, DESTINATION, "cardholder_name", "destination.cardholder_name", \
      "pg_card_name")                                                                       \
    X(FIELD_MERCHANT_ID, COMMAND, "merchant_id", "merchant_id", "pg_merchant_id")           \
    X(FIELD_USER_ID, COMMAND, "user_id", "user_id", "pg_user_id")                           \
    X(FIELD_POST_LINK, COMMAND, "post_link", "post_link", "pg_post_link")                   \
    X(FIELD_NOT_AFTER, COMMAND, "not_after", "not_after", NULL)                             \
    X(FIELD_REQUESTED_AT, COMMAND, "requested_at", "requested_at", NULL)

#define COMMAND_FIELD_ENUM(id, scope, name, path, pg_name) id,
enum command_field { COMMAND_FIELD_LIST(COMMAND_FIELD_ENUM) FIELD_COUNT };
#undef COMMAND_FIELD_ENUM

/* Where in the document a member stands. The last four are groups of the command. */
enum command_scope {
    SCOPE_ROOT,     /* around everything */
    SCOPE_ENVELOPE, /* structured CloudEvent */
    SCOPE_COMMAND,
    SCOPE_AMOUNT,
    SCOPE_DESTINATION,
    SCOPE_METADATA,
    SCOPE_REFUSED, /* below something that is refused already, or ignored */
    SCOPE_COUNT,
};

/* CloudEvents attributes of a structured event. */
enum event_attribute {
    ATTRIBUTE_SPECVERSION,
    ATTRIBUTE_ID,
    ATTRIBUTE_SOURCE,
    ATTRIBUTE_TYPE,
    ATTRIBUTE_SUBJECT,
    ATTRIBUTE_TIME,
    ATTRIBUTE_DATACONTENTTYPE,
    ATTRIBUTE_CORRELATIONID,
    ATTRIBUTE_TRACEPARENT,
    ATTRIBUTE_COUNT,
};

enum { ENVELOPE_NAMES_MAX = 32 };

struct command_words {
    const struct command_rules *rules;
    struct arena *arena;
    struct bytes fields[FIELD_COUNT]; /* copies; absent: not there, or of a wrong kind */
    bool seen[FIELD_COUNT];
    bool seen_scopes[SCOPE_COUNT];
    struct metadata_entry metadata[ORDER_METADATA_MAX];
    size_t metadata_count, metadata_written;
    bool has_contract_names, has_pg_names;
    bool is_order_id_ambiguous; /* given twice */

    struct bytes attributes[ATTRIBUTE_COUNT];
    struct bytes envelope_names[ENVELOPE_NAMES_MAX]; /* every name, to find double ones */
    size_t envelope_names_count;

    struct command_fault fault; /* the first one */
};

/* Keeps the first fault only: "<path>: <rule>". Both are constants and hold nothing of the record.
 */
void command_words_refuse(struct command_words *words, enum status status, const char *path,
                          const char *rule);
/* The same with a code that is not validation_failed. */
void command_words_refuse_as(struct command_words *words, enum status status, const char *code,
                             const char *path, const char *rule);
/* A copy in the arena; STATUS_NO_ROOM becomes the fault, and the copy is absent. */
struct bytes command_words_copy(struct command_words *words, struct bytes text);
const char *command_field_path(enum command_field field);

/* The field of `name` in `scope`; FIELD_COUNT: none. */
enum command_field command_field_find(enum command_scope scope, struct bytes name);
/* The field that a flat gateway name stands for (accept_pg_names); FIELD_COUNT: none. */
enum command_field command_pg_name_find(struct bytes name);
/* Flat names only: the destination's type follows from the one that names a payee. */
void command_pg_names_finish(struct command_words *words);

/* Reads the value; false: it is no JSON object at all and nothing in it may be believed. */
bool command_words_read(struct command_words *words, struct bytes value, bool is_structured);
/* The checks of the contract: fills whatever of the command is valid. */
void command_check(struct command_words *words, struct command *command);
/* Fingerprints of a whole command and of a refused record. */
void command_fingerprint(const struct command_rules *rules, struct command *command);
void command_fingerprint_raw(const struct command_rules *rules, struct bytes value,
                             struct command *command);

enum event_mode { EVENT_BINARY, EVENT_STRUCTURED, EVENT_BARE };
enum event_mode event_context_mode(const struct record_content *record);
/* Headers into *context (and, in binary mode, refuses what is not a JSON event). */
void event_context_from_headers(const struct record_content *record, enum event_mode mode,
                                struct command_words *words, struct event_context *context);
/* The envelope's attributes, after the value was read. */
void event_context_from_envelope(struct command_words *words, struct event_context *context);
/* Refuses another type, then missing attributes; forgets what looks like a card number. */
void event_context_finish(enum event_mode mode, struct command_words *words,
                          struct event_context *context);

#endif
