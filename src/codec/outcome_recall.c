/* The way back: a published outcome event becomes what the ledger knew when it was published. */
#include "payoutd/codec/outcome_json.h"

#include "payoutd/codec/json_reader.h"
#include "payoutd/codec/rfc3339.h"

#include <string.h>

enum { FRONT_MAX = 64 }; /* {"sequence":9223372036854775807,"replayed":false */

enum recall_part { PART_NONE, PART_COMMAND, PART_GATEWAY, PART_TIMING };

struct recall_reader {
    struct arena *arena;
    struct outcome_recall *recall;
    enum recall_part part;
    bool in_refused;
    struct bytes refused_ids[ORDER_PAYMENT_IDS_MAX];
    size_t refused_count;
    bool has_state;
    enum status status;
};

static void keep(struct recall_reader *reader, struct bytes text, struct bytes *ret_copy)
{
    if (reader->status == STATUS_OK)
        reader->status = arena_copy(reader->arena, text, ret_copy);
}

static void refuse(struct recall_reader *reader)
{
    if (reader->status == STATUS_OK)
        reader->status = STATUS_FOREIGN_DATA;
}

static void take_state(struct recall_reader *reader, struct bytes word)
{
    for (enum order_state state = ORDER_PENDING; state <= ORDER_REJECTED; state++) {
        if (!bytes_equal_text(word, order_state_outcome(state)))
            continue;
        reader->recall->state = state;
        reader->has_state = true;
        return;
    }
    refuse(reader);
}

static int64_t number_of(struct recall_reader *reader, const struct json_event *event, int64_t max)
{
    int64_t number = 0;
    if (event->kind != JSON_NUMBER || bytes_to_int64(event->text, &number) != STATUS_OK ||
        number > max)
        refuse(reader);
    return number;
}

static void on_top(struct recall_reader *reader, const struct json_event *event)
{
    struct outcome_recall *recall = reader->recall;
    if (bytes_equal_text(event->key, "order_id") && event->kind == JSON_TEXT)
        keep(reader, event->text, &recall->order_id);
    else if (bytes_equal_text(event->key, "merchant_id") && event->kind == JSON_TEXT)
        keep(reader, event->text, &recall->merchant_id);
    else if (bytes_equal_text(event->key, "status"))
        take_state(reader, event->text);
    else if (bytes_equal_text(event->key, "sequence"))
        recall->sequence = number_of(reader, event, INT64_MAX);
    else if (bytes_equal_text(event->key, "attempt"))
        recall->attempt = (int32_t) number_of(reader, event, INT32_MAX);
    else if (bytes_equal_text(event->key, "doubt"))
        recall->doubt = bytes_equal_text(event->text, "true");
}

static void on_command(struct recall_reader *reader, const struct json_event *event)
{
    struct outcome_recall *recall = reader->recall;
    if (bytes_equal_text(event->key, "topic") && event->kind == JSON_TEXT)
        keep(reader, event->text, &recall->topic);
    else if (bytes_equal_text(event->key, "partition"))
        recall->partition = (int32_t) number_of(reader, event, INT32_MAX);
    else if (bytes_equal_text(event->key, "offset"))
        recall->offset = number_of(reader, event, INT64_MAX);
    else if (bytes_equal_text(event->key, "fingerprint") && event->kind == JSON_TEXT)
        keep(reader, event->text, &recall->fingerprint);
}

static void on_gateway(struct recall_reader *reader, const struct json_event *event)
{
    if (event->kind == JSON_TEXT && bytes_equal_text(event->key, "payment_id"))
        keep(reader, event->text, &reader->recall->payment_id);
}

static void on_timing(struct recall_reader *reader, const struct json_event *event)
{
    if (event->kind == JSON_TEXT && bytes_equal_text(event->key, "armed_at") &&
        rfc3339_parse(event->text, &reader->recall->armed_ms) != STATUS_OK)
        refuse(reader);
}

static void on_refused(struct recall_reader *reader, const struct json_event *event)
{
    if (event->kind != JSON_TEXT || reader->refused_count == ORDER_PAYMENT_IDS_MAX)
        refuse(reader);
    else
        keep(reader, event->text, &reader->refused_ids[reader->refused_count++]);
}

static enum recall_part part_of(struct bytes name)
{
    if (bytes_equal_text(name, "command"))
        return PART_COMMAND;
    if (bytes_equal_text(name, "gateway"))
        return PART_GATEWAY;
    return bytes_equal_text(name, "timing") ? PART_TIMING : PART_NONE;
}

static void on_member(struct recall_reader *reader, const struct json_event *event)
{
    switch (reader->part) {
    case PART_NONE:
        return;
    case PART_COMMAND:
        on_command(reader, event);
        return;
    case PART_GATEWAY:
        on_gateway(reader, event);
        return;
    case PART_TIMING:
        on_timing(reader, event);
        return;
    }
}

static void on_event(void *context, const struct json_event *event)
{
    struct recall_reader *reader = context;
    bool is_end = event->kind == JSON_OBJECT_END || event->kind == JSON_ARRAY_END;
    if (event->depth == 1 && event->kind == JSON_OBJECT)
        reader->part = part_of(event->key);
    else if (event->depth == 1 && is_end)
        reader->part = PART_NONE;
    else if (event->depth == 1)
        on_top(reader, event);
    else if (event->depth == 2 && event->kind == JSON_ARRAY)
        reader->in_refused =
            reader->part == PART_GATEWAY && bytes_equal_text(event->key, "refused_payment_ids");
    else if (event->depth == 2 && is_end)
        reader->in_refused = false;
    else if (event->depth == 2)
        on_member(reader, event);
    else if (event->depth == 3 && reader->in_refused)
        on_refused(reader, event);
}

/* The ledger keeps them in one text, separated by spaces. */
static enum status join_refused(struct recall_reader *reader, struct bytes *ret_list)
{
    if (reader->refused_count == 0)
        return STATUS_OK;
    struct buffer list = arena_rest(reader->arena);
    for (size_t i = 0; i < reader->refused_count; i++) {
        if (i > 0)
            buffer_put_byte(&list, ' ');
        buffer_put(&list, reader->refused_ids[i]);
    }
    return arena_keep(reader->arena, &list, ret_list);
}

/* What outcome_json_finish put in front of the body is taken away again. */
static enum status take_body(struct bytes value, struct arena *arena, struct bytes *ret_body)
{
    static const char next[] = ",\"order_id\":\"";
    const char *comma = memmem(value.data, value.len, next, sizeof next - 1);
    if (!bytes_starts_with(value, BYTES("{\"sequence\":")) || comma == NULL ||
        comma - value.data > FRONT_MAX)
        return STATUS_FOREIGN_DATA;
    struct bytes rest = {comma, value.len - (size_t) (comma - value.data)};
    struct bytes body;
    TRY(arena_copy(arena, rest, &body));
    if (body.len > OUTCOME_BODY_MAX)
        return STATUS_FOREIGN_DATA;
    arena->data[(size_t) (body.data - arena->data)] = '{'; /* in place of the comma */
    *ret_body = body;
    return STATUS_OK;
}

enum status outcome_json_recall(struct bytes value, struct arena *arena,
                                struct outcome_recall *ret_recall)
{
    struct outcome_recall recall = {.sequence = -1, .offset = -1, .partition = -1};
    struct recall_reader reader = {.arena = arena, .recall = &recall};
    const char *why;
    TRY(take_body(value, arena, &recall.body));
    if (json_read(value, on_event, &reader, &why) != STATUS_OK)
        return STATUS_FOREIGN_DATA;
    TRY(reader.status);
    if (!order_id_is_valid(recall.order_id) || !reader.has_state || recall.sequence < 0)
        return STATUS_FOREIGN_DATA;
    if (bytes_is_none(recall.topic) || recall.partition < 0 || recall.offset < 0)
        recall.topic = BYTES_NONE;
    TRY(join_refused(&reader, &recall.refused_payment_ids));
    *ret_recall = recall;
    return STATUS_OK;
}
