/* The first step of a payout: a Kafka record becomes a command, or a fault that names its field
 * (see command_json.h). */
#include "payoutd/codec/command_json.h"

#include "command_words.h"

#include <string.h>

/* True: the value was well-formed, so that its order id may be believed. */
static bool read_value(const struct record_content *record, enum event_mode mode,
                       struct command_words *words)
{
    if (bytes_is_none(record->value)) {
        command_words_refuse_as(words, STATUS_SYNTAX, "unreadable", "value", "is missing");
        return false;
    }
    if (record->value.len > COMMAND_VALUE_MAX) {
        command_words_refuse_as(words, STATUS_TOO_LARGE, "unreadable", "value",
                                "must be at most 16384 bytes");
        return false;
    }
    return command_words_read(words, record->value, mode == EVENT_STRUCTURED);
}

/* A record whose key and order id differ may mean either order: neither is named as the one that is
 * refused. */
static bool check_key(const struct record_content *record, const struct command *command,
                      struct command_words *words)
{
    if (bytes_is_none(record->key) || bytes_is_none(command->order_id) ||
        bytes_equal(record->key, command->order_id))
        return true;
    command_words_refuse(words, STATUS_BAD_FIELD, "order_id", "must equal the record's key");
    return false;
}

enum status command_json_decode(const struct record_content *record,
                                const struct command_rules *rules, struct arena *arena,
                                struct command *ret_command, struct event_context *ret_context,
                                struct command_fault *ret_fault)
{
    struct command_words words = {.rules = rules, .arena = arena};
    memset(ret_command, 0, sizeof *ret_command);
    memset(ret_context, 0, sizeof *ret_context);
    enum event_mode mode = event_context_mode(record);
    event_context_from_headers(record, mode, &words, ret_context);
    bool is_readable = read_value(record, mode, &words);
    if (mode == EVENT_STRUCTURED && is_readable)
        event_context_from_envelope(&words, ret_context);
    if (is_readable || mode != EVENT_STRUCTURED)
        event_context_finish(mode, &words, ret_context);
    bool is_known_order = false;
    if (is_readable) {
        command_check(&words, ret_command);
        is_known_order = check_key(record, ret_command, &words) &&
                         !bytes_is_none(ret_command->order_id) && !words.is_order_id_ambiguous &&
                         words.fault.status != STATUS_UNKNOWN_TYPE &&
                         words.fault.status != STATUS_NO_ROOM;
    }
    if (words.fault.status == STATUS_OK) {
        command_fingerprint(rules, ret_command);
        return STATUS_OK;
    }
    if (is_known_order)
        command_fingerprint_raw(rules, record->value, ret_command);
    *ret_fault = words.fault;
    ret_fault->has_order_id = is_known_order;
    return words.fault.status;
}
