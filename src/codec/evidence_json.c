/* Evidence on its way through the resolutions topic: see evidence_json.h. */
#include "payoutd/codec/evidence_json.h"

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
