/* The CloudEvents side of an outcome: its id and its headers (docs/EVENTS.md, Headers). */
#include "payoutd/codec/outcome_json.h"

#include "payoutd/codec/keyed_hash.h"
#include "payoutd/codec/rfc3339.h"

#include <openssl/evp.h>
#include <string.h>

enum { UUID_LEN = 16, SHA1_LEN = 20, TRACE_ID_AT = 3, TRACE_ID_LEN = 32, SPAN_LEN = 16 };

/* The namespace of this project's event ids, a random UUID: 2f0c9e54-6d0b-4a5e-9f3a-b1d47c80e6a2.
 */
static const uint8_t event_namespace[UUID_LEN] = {0x2f, 0x0c, 0x9e, 0x54, 0x6d, 0x0b, 0x4a, 0x5e,
                                                  0x9f, 0x3a, 0xb1, 0xd4, 0x7c, 0x80, 0xe6, 0xa2};

static void sha1(const void *data, size_t len, uint8_t ret_digest[static SHA1_LEN])
{
    static _Thread_local EVP_MD *algorithm;
    if (algorithm == NULL)
        algorithm = EVP_MD_fetch(NULL, "SHA1", NULL);
    unsigned digest_len = 0;
    must(algorithm != NULL);
    must(EVP_Digest(data, len, ret_digest, &digest_len, algorithm, NULL) == 1);
    must(digest_len == SHA1_LEN);
}

/* RFC 9562, version 5, as text. */
static void put_uuid5(const uint8_t digest[static SHA1_LEN], struct buffer *buffer)
{
    uint8_t uuid[UUID_LEN];
    memcpy(uuid, digest, sizeof uuid);
    uuid[6] = (uint8_t) ((uuid[6] & 0x0F) | 0x50);
    uuid[8] = (uint8_t) ((uuid[8] & 0x3F) | 0x80);
    static const uint8_t parts[] = {4, 2, 2, 2, 6};
    for (size_t i = 0, at = 0; i < sizeof parts; at += parts[i], i++) {
        if (i > 0)
            buffer_put_byte(buffer, '-');
        keyed_hash_put_hex(buffer, uuid + at, parts[i]);
    }
}

void outcome_event_id(struct bytes ledger_namespace, struct bytes order_id, enum order_state state,
                      int32_t attempt, char ret_id[static EVENT_ID_LEN + 1])
{
    char name[512];
    struct buffer buffer;
    buffer_init(&buffer, name, sizeof name);
    buffer_put(&buffer, (struct bytes){(const char *) event_namespace, sizeof event_namespace});
    buffer_put(&buffer, ledger_namespace);
    buffer_put_byte(&buffer, '\0');
    buffer_put(&buffer, order_id);
    buffer_put_byte(&buffer, '\0');
    if (order_state_is_final(state)) {
        buffer_put_text(&buffer, "final");
    } else {
        must(order_state_outcome(state) != NULL);
        buffer_put_text(&buffer, order_state_outcome(state));
        buffer_put_byte(&buffer, '\0');
        buffer_put_int64(&buffer, attempt);
    }
    must(!buffer.overflowed);
    uint8_t digest[SHA1_LEN];
    sha1(buffer.data, buffer.len, digest);
    buffer_init(&buffer, ret_id, EVENT_ID_LEN);
    put_uuid5(digest, &buffer);
    must(!buffer.overflowed && buffer.len == EVENT_ID_LEN);
    ret_id[EVENT_ID_LEN] = '\0';
}

static void add(struct event_headers *headers, struct bytes name, struct bytes value)
{
    if (bytes_is_none(value))
        return;
    must(headers->count < EVENT_HEADERS_MAX);
    headers->items[headers->count++] = (struct record_header){name, value};
}

/* Several texts as one in the arena; absent when the first is. */
static enum status join(struct arena *arena, const struct bytes *texts, size_t count,
                        struct bytes *ret_text)
{
    struct buffer buffer = arena_rest(arena);
    for (size_t i = 0; i < count; i++)
        buffer_put(&buffer, texts[i]);
    return arena_keep(arena, &buffer, ret_text);
}

/* The same trace, a span of ours in it, the caller's flags. */
static enum status trace_of(const struct event_context *context, struct bytes span,
                            struct arena *arena, struct bytes *ret_trace)
{
    if (bytes_is_none(context->traceparent)) {
        *ret_trace = BYTES_NONE;
        return STATUS_OK;
    }
    must(span.len == SPAN_LEN);
    size_t span_at = TRACE_ID_AT + TRACE_ID_LEN + 1;
    const struct bytes incoming = context->traceparent;
    const struct bytes parts[] = {
        {incoming.data, span_at},
        span,
        {incoming.data + span_at + SPAN_LEN, incoming.len - span_at - SPAN_LEN}};
    return join(arena, parts, 3, ret_trace);
}

static enum status time_of(int64_t ms, struct arena *arena, struct bytes *ret_text)
{
    struct buffer buffer = arena_rest(arena);
    rfc3339_put(&buffer, ms);
    return arena_keep(arena, &buffer, ret_text);
}

enum status outcome_json_headers(const struct event_naming *naming, struct bytes event_id,
                                 enum order_state state, struct bytes order_id, int64_t occurred_ms,
                                 const struct event_context *context, struct bytes span,
                                 struct arena *arena, struct event_headers *ret_headers)
{
    must(order_state_outcome(state) != NULL);
    const struct bytes type_parts[] = {naming->type_prefix, BYTES(".payout."),
                                       bytes_of(order_state_outcome(state)), BYTES(".v1")};
    const struct bytes schema_parts[] = {naming->schema_base, BYTES("/outcome-v1.json")};
    struct bytes type, schema, time, trace;
    TRY(join(arena, type_parts, 4, &type));
    TRY(join(arena, schema_parts, 2, &schema));
    TRY(time_of(occurred_ms, arena, &time));
    TRY(trace_of(context, span, arena, &trace));
    struct event_headers headers = {.count = 0};
    add(&headers, BYTES("content-type"), BYTES("application/json"));
    add(&headers, BYTES("ce_specversion"), BYTES("1.0"));
    add(&headers, BYTES("ce_type"), type);
    add(&headers, BYTES("ce_source"), naming->source);
    add(&headers, BYTES("ce_id"), event_id);
    add(&headers, BYTES("ce_time"), time);
    add(&headers, BYTES("ce_subject"), order_id);
    add(&headers, BYTES("ce_dataschema"), schema);
    add(&headers, BYTES("ce_correlationid"), context->correlation_id);
    add(&headers, BYTES("ce_causationid"), context->id);
    add(&headers, BYTES("traceparent"), trace);
    if (!bytes_is_none(trace))
        add(&headers, BYTES("tracestate"), context->tracestate);
    add(&headers, BYTES("ce_traceparent"), context->ce_traceparent);
    *ret_headers = headers;
    return STATUS_OK;
}
