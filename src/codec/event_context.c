/* CloudEvents attributes of a record: binary headers, a structured envelope, or none
 * (docs/EVENTS.md, Headers). */
#include "command_words.h"

#include "payoutd/codec/json_reader.h"

#include <string.h>

enum { ATTRIBUTE_MAX = 256, TRACESTATE_MAX = 512, TRACEPARENT_LEN = 55 };

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* The media type without its parameters equals `wanted`, whatever the case. */
static bool is_media_type(struct bytes text, struct bytes wanted)
{
    size_t len = 0;
    while (len < text.len && text.data[len] != ';' && !is_blank(text.data[len]))
        len++;
    if (len != wanted.len)
        return false;
    for (size_t i = 0; i < len; i++) {
        char byte = text.data[i];
        char lower = byte >= 'A' && byte <= 'Z' ? (char) (byte + 32) : byte;
        if (lower != wanted.data[i])
            return false;
    }
    return true;
}

static struct bytes header_of(const struct record_content *record, struct bytes name)
{
    for (size_t i = 0; i < record->headers_count; i++)
        if (bytes_equal(record->headers[i].name, name))
            return record->headers[i].value;
    return BYTES_NONE;
}

enum event_mode event_context_mode(const struct record_content *record)
{
    struct bytes content_type = header_of(record, BYTES("content-type"));
    if (is_media_type(content_type, BYTES("application/cloudevents+json")))
        return EVENT_STRUCTURED;
    bool has_attributes = !bytes_is_none(header_of(record, BYTES("ce_specversion"))) ||
                          !bytes_is_none(header_of(record, BYTES("ce_type")));
    return has_attributes ? EVENT_BINARY : EVENT_BARE;
}

static bool is_attribute(struct bytes text)
{
    return text.len > 0 && text.len <= ATTRIBUTE_MAX && json_is_utf8(text) &&
           !json_has_control(text);
}

static struct bytes attribute_copy(struct command_words *words, struct bytes text)
{
    return is_attribute(text) ? command_words_copy(words, text) : BYTES_NONE;
}

static bool is_lower_hex(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

static bool is_zeros(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] != '0')
            return false;
    return true;
}

/* W3C Trace Context, version 00: 00-<32 hex>-<16 hex>-<2 hex>, neither id all zeros. */
static bool is_traceparent(struct bytes text)
{
    if (text.len != TRACEPARENT_LEN || !bytes_starts_with(text, BYTES("00-")))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_dash = i == 2 || i == 35 || i == 52;
        if (is_dash ? text.data[i] != '-' : !is_lower_hex(text.data[i]))
            return false;
    }
    return !is_zeros((struct bytes){text.data + 3, 32}) &&
           !is_zeros((struct bytes){text.data + 36, 16});
}

static struct bytes traceparent_copy(struct command_words *words, struct bytes text)
{
    return is_traceparent(text) ? command_words_copy(words, text) : BYTES_NONE;
}

static void refuse_double_headers(const struct record_content *record, struct command_words *words)
{
    for (size_t i = 0; i < record->headers_count; i++) {
        struct bytes name = record->headers[i].name;
        bool is_ours =
            bytes_starts_with(name, BYTES("ce_")) || bytes_equal_text(name, "content-type");
        for (size_t before = 0; is_ours && before < i; before++)
            if (bytes_equal(record->headers[before].name, name))
                command_words_refuse(words, STATUS_DUPLICATE_FIELD, "headers",
                                     "must not have a ce_ header or the content-type twice");
    }
}

static void read_trace(const struct record_content *record, struct command_words *words,
                       struct event_context *context)
{
    context->traceparent = traceparent_copy(words, header_of(record, BYTES("traceparent")));
    struct bytes state = header_of(record, BYTES("tracestate"));
    bool is_usable = !bytes_is_none(context->traceparent) && state.len > 0 &&
                     state.len <= TRACESTATE_MAX && json_is_utf8(state) && !json_has_control(state);
    if (is_usable)
        context->tracestate = command_words_copy(words, state);
}

static void check_content_type(struct command_words *words, struct bytes type)
{
    if (!bytes_is_none(type) && !is_media_type(type, BYTES("application/json")))
        command_words_refuse(words, STATUS_BAD_FIELD, "content-type", "must be application/json");
}

static void check_version(struct command_words *words, struct bytes version)
{
    if (!bytes_equal_text(version, "1.0"))
        command_words_refuse(words, STATUS_BAD_FIELD, "specversion", "must be 1.0");
}

void event_context_from_headers(const struct record_content *record, enum event_mode mode,
                                struct command_words *words, struct event_context *context)
{
    read_trace(record, words, context);
    refuse_double_headers(record, words);
    if (record->headers_cut)
        command_words_refuse(words, STATUS_TOO_LARGE, "headers", "must be at most 32");
    if (mode != EVENT_STRUCTURED)
        check_content_type(words, header_of(record, BYTES("content-type")));
    if (mode == EVENT_BINARY) {
        context->id = attribute_copy(words, header_of(record, BYTES("ce_id")));
        context->source = attribute_copy(words, header_of(record, BYTES("ce_source")));
        context->type = attribute_copy(words, header_of(record, BYTES("ce_type")));
        context->subject = attribute_copy(words, header_of(record, BYTES("ce_subject")));
        context->time = attribute_copy(words, header_of(record, BYTES("ce_time")));
        context->correlation_id =
            attribute_copy(words, header_of(record, BYTES("ce_correlationid")));
        context->ce_traceparent =
            traceparent_copy(words, header_of(record, BYTES("ce_traceparent")));
        if (bytes_equal(context->type, words->rules->accepted_type))
            check_version(words, header_of(record, BYTES("ce_specversion")));
    }
}

void event_context_from_envelope(struct command_words *words, struct event_context *context)
{
    const struct bytes *attributes = words->attributes;
    context->id = attribute_copy(words, attributes[ATTRIBUTE_ID]);
    context->source = attribute_copy(words, attributes[ATTRIBUTE_SOURCE]);
    context->type = attribute_copy(words, attributes[ATTRIBUTE_TYPE]);
    context->subject = attribute_copy(words, attributes[ATTRIBUTE_SUBJECT]);
    context->time = attribute_copy(words, attributes[ATTRIBUTE_TIME]);
    context->correlation_id = attribute_copy(words, attributes[ATTRIBUTE_CORRELATIONID]);
    context->ce_traceparent = traceparent_copy(words, attributes[ATTRIBUTE_TRACEPARENT]);
    check_version(words, attributes[ATTRIBUTE_SPECVERSION]);
    check_content_type(words, attributes[ATTRIBUTE_DATACONTENTTYPE]);
}

/* Another type is not ours to judge: that fault goes before every other. */
static void check_type(enum event_mode mode, struct command_words *words,
                       const struct event_context *context)
{
    bool is_ours = mode == EVENT_BARE ? words->rules->accept_bare_json
                                      : bytes_equal(context->type, words->rules->accepted_type);
    if (is_ours)
        return;
    words->fault = (struct command_fault){.status = STATUS_OK};
    command_words_refuse_as(words, STATUS_UNKNOWN_TYPE, "unknown_type", "type",
                            mode == EVENT_BARE
                                ? "is missing: JSON without CloudEvents is not accepted"
                                : "is not the one that this topic carries");
}

static void forget_card_number(struct bytes *text)
{
    if (order_text_has_pan(*text))
        *text = BYTES_NONE;
}

void event_context_finish(enum event_mode mode, struct command_words *words,
                          struct event_context *context)
{
    check_type(mode, words, context);
    if (mode != EVENT_BARE && (bytes_is_none(context->id) || bytes_is_none(context->source)))
        command_words_refuse(words, STATUS_MISSING_FIELD, "event",
                             "must have an id and a source of 1 to 256 printable characters");
    forget_card_number(&context->id);
    forget_card_number(&context->source);
    forget_card_number(&context->subject);
    forget_card_number(&context->time);
    forget_card_number(&context->correlation_id);
    forget_card_number(&context->tracestate);
    if (bytes_is_none(context->correlation_id))
        context->correlation_id = context->id;
}
