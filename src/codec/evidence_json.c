/* Evidence on its way through the resolutions topic: see evidence_json.h. */
#include "payoutd/codec/evidence_json.h"

#include "payoutd/codec/json_reader.h"

#include <string.h>

/* Order ids, instances and payment ids are made of these; anything else is refused rather than
 * escaped. */
static bool is_plain(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_fine = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '_';
        if (!is_fine)
            return false;
    }
    return true;
}

static void put_text(struct buffer *out, const char *name, struct bytes text)
{
    buffer_put_text(out, ",\"");
    buffer_put_text(out, name);
    buffer_put_text(out, "\":\"");
    buffer_put(out, text);
    buffer_put_byte(out, '"');
}

enum status evidence_json_encode(const struct evidence_record *record, struct arena *arena,
                                 struct bytes *ret_value)
{
    bool is_object = record->body.len >= 2 && record->body.data[0] == '{';
    if (!is_object || !is_plain(record->order_id) || !is_plain(record->instance) ||
        !is_plain(record->payment_id))
        return STATUS_BAD_FIELD;
    struct buffer out = arena_rest(arena);
    buffer_put_text(&out, "{\"v\":1");
    put_text(&out, "kind", bytes_of(evidence_name(record->kind)));
    put_text(&out, "order_id", record->order_id);
    put_text(&out, "instance", record->instance);
    buffer_put_text(&out, ",\"attempt\":");
    buffer_put_int64(&out, record->attempt);
    put_text(&out, "state", bytes_of(order_state_name(record->state)));
    if (record->payment_id.len > 0)
        put_text(&out, "payment_id", record->payment_id);
    buffer_put_text(&out, ",\"outcome\":");
    buffer_put(&out, record->body);
    buffer_put_byte(&out, '}');
    return arena_keep(arena, &out, ret_value);
}

enum { HEAD_MAX = 512 };

/* The head in front of the outcome, read strictly; the texts are plain, so they stand in the value
 * as they are. */
struct head_reader {
    struct evidence_record *record;
    struct bytes head;
    struct bytes kind, state;
    int64_t version, attempt;
};

/* The reader's own texts are gone after the handler: the same bytes stand in the head. */
static struct bytes in_head(const struct head_reader *reader, struct bytes text)
{
    if (text.len == 0)
        return (struct bytes){reader->head.data, 0};
    const char *at = memmem(reader->head.data, reader->head.len, text.data, text.len);
    return at == NULL ? BYTES_NONE : (struct bytes){at, text.len};
}

static void on_head(void *context, const struct json_event *event)
{
    struct head_reader *reader = context;
    if (event->depth != 1)
        return;
    struct bytes *place = bytes_equal_text(event->key, "kind")         ? &reader->kind
                          : bytes_equal_text(event->key, "state")      ? &reader->state
                          : bytes_equal_text(event->key, "order_id")   ? &reader->record->order_id
                          : bytes_equal_text(event->key, "instance")   ? &reader->record->instance
                          : bytes_equal_text(event->key, "payment_id") ? &reader->record->payment_id
                                                                       : NULL;
    if (event->kind == JSON_TEXT && place != NULL)
        *place = in_head(reader, event->text);
    int64_t *number = bytes_equal_text(event->key, "v")         ? &reader->version
                      : bytes_equal_text(event->key, "attempt") ? &reader->attempt
                                                                : NULL;
    if (event->kind == JSON_NUMBER && number != NULL &&
        bytes_to_int64(event->text, number) != STATUS_OK)
        *number = -1;
}

static bool find_kind(struct bytes name, enum evidence *ret_kind)
{
    for (enum evidence kind = EVIDENCE_ANSWER; kind <= EVIDENCE_OPERATOR; kind++)
        if (bytes_equal_text(name, evidence_name(kind))) {
            *ret_kind = kind;
            return true;
        }
    return false;
}

static enum status read_head(struct bytes head, struct evidence_record *record,
                             const char **ret_why)
{
    char closed[HEAD_MAX + 1];
    struct head_reader reader = {.record = record, .head = head};
    if (head.len > HEAD_MAX)
        return STATUS_TOO_LARGE;
    memcpy(closed, head.data, head.len);
    closed[head.len] = '}';
    TRY(json_read((struct bytes){closed, head.len + 1}, on_head, &reader, ret_why));
    *ret_why = "v, kind, order_id, attempt or state is missing or not of this version";
    bool is_whole = reader.version == 1 && find_kind(reader.kind, &record->kind) &&
                    order_id_is_valid(record->order_id) && reader.attempt >= 0 &&
                    reader.attempt <= INT32_MAX &&
                    order_state_parse(reader.state, &record->state) == STATUS_OK &&
                    record->state >= ORDER_PENDING && record->state <= ORDER_FAILED;
    record->attempt = (int32_t) reader.attempt;
    return is_whole && is_plain(record->instance) && is_plain(record->payment_id)
               ? STATUS_OK
               : STATUS_BAD_FIELD;
}

static void ignore_event(void *context, const struct json_event *event)
{
    (void) context, (void) event;
}

enum status evidence_json_decode(struct bytes value, struct evidence_record *ret_record,
                                 const char **ret_why)
{
    static const char mark[] = ",\"outcome\":";
    struct evidence_record record = {.order_id = BYTES_NONE};
    *ret_why = "the value is not valid JSON";
    TRY(json_read(value, ignore_event, NULL, ret_why));
    const char *at = memmem(value.data, value.len, mark, sizeof mark - 1);
    *ret_why = "the outcome is missing";
    if (at == NULL || value.data[value.len - 1] != '}')
        return STATUS_MISSING_FIELD;
    struct bytes head = {value.data, (size_t) (at - value.data)};
    TRY(read_head(head, &record, ret_why));
    const char *body = at + sizeof mark - 1;
    record.body = (struct bytes){body, (size_t) (value.data + value.len - 1 - body)};
    *ret_why = "the outcome is not a JSON object";
    if (record.body.len < 2 || record.body.data[0] != '{')
        return STATUS_BAD_FIELD;
    TRY(json_read(record.body, ignore_event, NULL, ret_why));
    *ret_record = record;
    return STATUS_OK;
}
