/* Where records end that can never become a payout: whole, but without card numbers
 * (docs/EVENTS.md, Dead letter). */
#include "payoutd/codec/outcome_json.h"

#include "card_blank.h"

#include "payoutd/codec/keyed_hash.h"

enum {
    OWN_HEADERS_MAX = 10,
    LOOK_AHEAD = 256, /* a number at the cut is seen whole, even with every digit escaped */
};
_Static_assert((int) RECORD_HEADERS_MAX + (int) OWN_HEADERS_MAX <= (int) EVENT_HEADERS_MAX,
               "the record's headers and ours fit");

static struct bytes first_of(struct bytes text, size_t max)
{
    return text.len <= max ? text : (struct bytes){text.data, max};
}

/* A copy of at most `max` bytes with every card number blanked. */
static enum status blanked_copy(struct arena *arena, struct bytes text, size_t max,
                                struct bytes *ret_copy)
{
    struct bytes longer = first_of(text, max + LOOK_AHEAD);
    struct buffer copy = arena_rest(arena);
    buffer_put(&copy, longer);
    if (copy.overflowed)
        return STATUS_NO_ROOM;
    card_blank(copy.data, copy.len);
    if (copy.len > max)
        copy.len = max;
    return bytes_is_none(text) ? arena_copy(arena, text, ret_copy)
                               : arena_keep(arena, &copy, ret_copy);
}

static void add(struct event_headers *headers, struct bytes name, struct bytes value)
{
    must(headers->count < EVENT_HEADERS_MAX);
    headers->items[headers->count++] = (struct record_header){name, value};
}

static enum status add_number(struct event_headers *headers, struct bytes name, int64_t number,
                              struct arena *arena)
{
    struct buffer buffer = arena_rest(arena);
    buffer_put_int64(&buffer, number);
    struct bytes text;
    TRY(arena_keep(arena, &buffer, &text));
    add(headers, name, text);
    return STATUS_OK;
}

static enum status add_copy(struct event_headers *headers, struct bytes name, const char *text,
                            struct arena *arena)
{
    struct bytes copy;
    TRY(arena_copy(arena, bytes_of(text), &copy));
    add(headers, name, copy);
    return STATUS_OK;
}

/* A letter that comes back as a record gets its reasons anew. */
static bool is_ours(struct bytes name)
{
    return bytes_starts_with(name, BYTES("dlq-"));
}

static enum status add_record_headers(const struct record_content *record, struct arena *arena,
                                      struct event_headers *headers, bool *ret_cut)
{
    size_t left = DEAD_LETTER_HEADERS_BYTES_MAX;
    for (size_t i = 0; i < record->headers_count; i++) {
        struct record_header header = record->headers[i];
        if (is_ours(header.name))
            continue;
        size_t size = header.name.len + header.value.len;
        if (size > left || order_text_has_pan(header.name)) {
            *ret_cut = true;
            continue;
        }
        left -= size;
        struct bytes name, value;
        TRY(arena_copy(arena, header.name, &name));
        TRY(blanked_copy(arena, header.value, header.value.len, &value));
        add(headers, name, value);
    }
    return STATUS_OK;
}

static enum status add_value_facts(const struct record_content *record, struct bytes hmac_key,
                                   struct arena *arena, struct event_headers *headers)
{
    uint8_t hash[KEYED_HASH_LEN];
    keyed_hash(hmac_key, &record->value, 1, hash);
    TRY(add_number(headers, BYTES("dlq-value-length"), (int64_t) record->value.len, arena));
    struct buffer hex = arena_rest(arena);
    keyed_hash_put_hex(&hex, hash, sizeof hash);
    struct bytes text;
    TRY(arena_keep(arena, &hex, &text));
    add(headers, BYTES("dlq-value-hmac"), text);
    return STATUS_OK;
}

static enum status add_reasons(const struct position *position, const char *reason,
                               const char *message, struct bytes worker, struct arena *arena,
                               struct event_headers *headers)
{
    TRY(add_copy(headers, BYTES("dlq-reason"), reason, arena));
    TRY(add_copy(headers, BYTES("dlq-message"), message, arena));
    TRY(add_copy(headers, BYTES("dlq-topic"), position->topic, arena));
    TRY(add_number(headers, BYTES("dlq-partition"), position->partition, arena));
    TRY(add_number(headers, BYTES("dlq-offset"), position->offset, arena));
    TRY(add_number(headers, BYTES("dlq-timestamp"), position->timestamp_ms, arena));
    struct bytes name;
    TRY(arena_copy(arena, worker, &name));
    add(headers, BYTES("dlq-worker"), name);
    return STATUS_OK;
}

enum status outcome_json_dead_letter(const struct record_content *record,
                                     const struct position *position, const char *reason,
                                     const char *message, struct bytes worker, size_t value_max,
                                     struct bytes hmac_key, struct arena *arena,
                                     struct dead_letter *ret_letter)
{
    struct dead_letter letter = {.key = BYTES_NONE};
    bool is_cut = record->headers_cut || record->key.len > DEAD_LETTER_KEY_MAX;
    if (!order_text_has_pan(record->key))
        TRY(arena_copy(arena, first_of(record->key, DEAD_LETTER_KEY_MAX), &letter.key));
    TRY(blanked_copy(arena, record->value, value_max, &letter.value));
    TRY(add_record_headers(record, arena, &letter.headers, &is_cut));
    TRY(add_reasons(position, reason, message, worker, arena, &letter.headers));
    if (record->value.len > value_max)
        TRY(add_value_facts(record, hmac_key, arena, &letter.headers));
    if (is_cut)
        add(&letter.headers, BYTES("dlq-cut"), BYTES("true"));
    *ret_letter = letter;
    return STATUS_OK;
}
