/* What the status, a callback or a person found out later: a stored outcome body becomes the next
 * one. */
#include "outcome_parts.h"

#include "payoutd/codec/json_reader.h"

#include <string.h>

/* The next top-level member of a body of ours, as it stands there: "name":value. */
struct member {
    struct bytes name, text;
};

static size_t end_of_string(struct bytes body, size_t at)
{
    for (at++; at < body.len && body.data[at] != '"'; at++)
        if (body.data[at] == '\\')
            at++;
    return at + 1;
}

/* From the quote of its name to the comma or brace behind its value. False: no further one. */
static bool next_member(struct bytes body, size_t *at, struct member *ret_member)
{
    size_t begin = *at;
    if (begin >= body.len || body.data[begin] != '"')
        return false;
    size_t end = end_of_string(body, begin);
    ret_member->name = (struct bytes){body.data + begin + 1, end - begin - 2};
    int depth = 0;
    while (end < body.len) {
        char c = body.data[end];
        if (c == '"') {
            end = end_of_string(body, end);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}'))
            break;
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        end++;
    }
    if (end >= body.len)
        return false;
    ret_member->text = (struct bytes){body.data + begin, end - begin};
    *at = end + 1;
    return true;
}

static bool is_rewritten(struct bytes name)
{
    static const char *const names[] = {"status",      "final",       "attempt",
                                        "occurred_at", "paid_amount", "doubt",
                                        "evidence",    "gateway",     "failure"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (bytes_equal_text(name, names[i]))
            return true;
    return false;
}

static void ignore_event(void *context, const struct json_event *event)
{
    (void) context, (void) event;
}

/* A JSON object that begins as ours do: only then may the scanner above trust its form. */
static bool is_body(struct bytes body)
{
    const char *why;
    return body.len <= OUTCOME_BODY_MAX && bytes_starts_with(body, BYTES("{\"order_id\":\"")) &&
           json_read(body, ignore_event, NULL, &why) == STATUS_OK;
}

enum status outcome_json_change(struct bytes body, const struct outcome *outcome,
                                struct arena *arena, struct bytes *ret_body)
{
    if (!is_body(body))
        return STATUS_FOREIGN_DATA;
    struct buffer buffer = arena_rest(arena);
    if (buffer.max > OUTCOME_BODY_MAX)
        buffer.max = OUTCOME_BODY_MAX;
    struct json_writer writer = {.buffer = &buffer};
    json_begin(&writer, NULL, '{');
    struct member member;
    for (size_t at = 1; next_member(body, &at, &member);) {
        if (is_rewritten(member.name))
            continue;
        if (writer.needs_comma)
            buffer_put_byte(&buffer, ',');
        buffer_put(&buffer, member.text);
        writer.needs_comma = true;
    }
    outcome_put_verdict(&writer, outcome);
    outcome_put_gateway(&writer, outcome);
    outcome_put_failure(&writer, outcome);
    json_end(&writer, '}');
    return arena_keep(arena, &buffer, ret_body);
}

struct facts_reader {
    struct arena *arena;
    struct outcome_facts *facts;
    bool in_amount, in_command;
    struct bytes amount, currency;
    enum status status;
};

static void take(struct facts_reader *reader, struct bytes text, struct bytes *ret_copy)
{
    if (reader->status == STATUS_OK)
        reader->status = arena_copy(reader->arena, text, ret_copy);
}

static void on_event(void *context, const struct json_event *event)
{
    struct facts_reader *reader = context;
    if (event->kind == JSON_OBJECT && event->depth == 1) {
        reader->in_amount = bytes_equal_text(event->key, "amount");
        reader->in_command = bytes_equal_text(event->key, "command");
    }
    if (event->kind == JSON_OBJECT_END && event->depth == 1)
        reader->in_amount = reader->in_command = false;
    if (event->kind != JSON_TEXT)
        return;
    if (event->depth == 1 && bytes_equal_text(event->key, "order_id"))
        take(reader, event->text, &reader->facts->order_id);
    if (event->depth != 2)
        return;
    if (reader->in_amount && bytes_equal_text(event->key, "value"))
        take(reader, event->text, &reader->amount);
    if (reader->in_amount && bytes_equal_text(event->key, "currency"))
        take(reader, event->text, &reader->currency);
    if (reader->in_command && bytes_equal_text(event->key, "id"))
        take(reader, event->text, &reader->facts->command_id);
}

enum status outcome_json_read(struct bytes body, struct arena *arena,
                              struct outcome_facts *ret_facts)
{
    struct outcome_facts facts = {.order_id = BYTES_NONE};
    struct facts_reader reader = {.arena = arena, .facts = &facts};
    const char *why;
    if (!is_body(body) || json_read(body, on_event, &reader, &why) != STATUS_OK)
        return STATUS_FOREIGN_DATA;
    TRY(reader.status);
    if (!bytes_is_none(reader.amount) &&
        money_parse(reader.amount, reader.currency, &facts.amount) != STATUS_OK)
        return STATUS_FOREIGN_DATA;
    *ret_facts = facts;
    return STATUS_OK;
}
