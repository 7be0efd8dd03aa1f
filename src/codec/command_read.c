/* From JSON events to the words of a command: structure and names are judged here, values in
 * command_check.c. */
#include "command_words.h"

#include "json_writer.h"

#include "payoutd/codec/json_reader.h"

#include <string.h>

enum {
    METADATA_KEY_MAX = 40,
    METADATA_VALUE_MAX = 500,
    METADATA_WRITTEN_MAX = 11000, /* all of it, as the outcome will echo it: see OUTCOME_BODY_MAX */
};

struct command_reading {
    struct command_words *words;
    enum command_scope
        scopes[COMMAND_DEPTH_MAX + 1];     /* of the members inside each open container */
    size_t members[COMMAND_DEPTH_MAX + 1]; /* seen so far in each open container */
    enum command_scope root;               /* what the outermost object is */
    bool is_object;
};

static const char *scope_path(enum command_scope scope)
{
    switch (scope) {
    case SCOPE_ENVELOPE:
        return "event";
    case SCOPE_AMOUNT:
        return "amount";
    case SCOPE_DESTINATION:
        return "destination";
    case SCOPE_METADATA:
        return "metadata";
    case SCOPE_ROOT:
    case SCOPE_COMMAND:
    case SCOPE_REFUSED:
    case SCOPE_COUNT:
        break;
    }
    return "command";
}

static bool is_container(enum json_event_kind kind)
{
    return kind == JSON_OBJECT || kind == JSON_ARRAY;
}

static bool is_usable_text(struct command_words *words, const struct json_event *event,
                           const char *path)
{
    if (event->kind != JSON_TEXT) {
        command_words_refuse(words, STATUS_BAD_FIELD, path, "must be a string");
        return false;
    }
    if (event->text.len > 0 && memchr(event->text.data, '\0', event->text.len) != NULL) {
        command_words_refuse(words, STATUS_BAD_FIELD, path, "must not hold a NUL character");
        return false;
    }
    return true;
}

static void read_field(struct command_words *words, enum command_field field, bool is_pg_name,
                       const struct json_event *event)
{
    const char *path = command_field_path(field);
    words->has_pg_names |= is_pg_name;
    bool has_no_pg_name = field == FIELD_NOT_AFTER || field == FIELD_REQUESTED_AT;
    words->has_contract_names |= !is_pg_name && !has_no_pg_name;
    if (words->seen[field]) {
        words->is_order_id_ambiguous |= field == FIELD_ORDER_ID;
        command_words_refuse(words, STATUS_DUPLICATE_FIELD, path, "must not be given twice");
        return;
    }
    words->seen[field] = true;
    if (is_usable_text(words, event, path))
        words->fields[field] = command_words_copy(words, event->text);
}

/* The name itself may be somebody's data, so the message counts instead of quoting it. */
static void refuse_unknown(struct command_words *words, enum command_scope scope, size_t member)
{
    char rule[80] = "has a field that is not in the contract, as number ";
    struct buffer buffer;
    buffer_init(&buffer, rule, sizeof rule - 1);
    buffer.len = strlen(rule);
    buffer_put_int64(&buffer, (int64_t) member);
    rule[buffer.len] = '\0';
    command_words_refuse(words, STATUS_UNKNOWN_FIELD, scope_path(scope), rule);
}

static enum command_scope group_of(struct bytes name)
{
    if (bytes_equal_text(name, "amount"))
        return SCOPE_AMOUNT;
    if (bytes_equal_text(name, "destination"))
        return SCOPE_DESTINATION;
    return bytes_equal_text(name, "metadata") ? SCOPE_METADATA : SCOPE_REFUSED;
}

static enum command_scope read_group(struct command_words *words, enum command_scope group,
                                     const struct json_event *event)
{
    words->has_contract_names |= group != SCOPE_METADATA;
    if (words->seen_scopes[group]) {
        command_words_refuse(words, STATUS_DUPLICATE_FIELD, scope_path(group),
                             "must not be given twice");
        return SCOPE_REFUSED;
    }
    words->seen_scopes[group] = true;
    if (event->kind == JSON_OBJECT)
        return group;
    command_words_refuse(words, STATUS_BAD_FIELD, scope_path(group), "must be an object");
    return SCOPE_REFUSED;
}

static enum command_scope read_command_member(struct command_words *words, size_t member,
                                              enum command_scope scope,
                                              const struct json_event *event)
{
    enum command_scope group = scope == SCOPE_COMMAND ? group_of(event->key) : SCOPE_REFUSED;
    if (group != SCOPE_REFUSED)
        return read_group(words, group, event);
    enum command_field field = command_field_find(scope, event->key);
    bool may_be_pg =
        scope == SCOPE_COMMAND && field == FIELD_COUNT && words->rules->accept_pg_names;
    if (may_be_pg)
        field = command_pg_name_find(event->key);
    if (field != FIELD_COUNT)
        read_field(words, field, may_be_pg, event);
    else if (may_be_pg &&
             (bytes_equal_text(event->key, "pg_salt") || bytes_equal_text(event->key, "pg_sig")))
        command_words_refuse(words, STATUS_UNKNOWN_FIELD, "command",
                             "must not have pg_salt or pg_sig: they are always the worker's");
    else
        refuse_unknown(words, scope, member);
    return SCOPE_REFUSED;
}

static bool has_metadata_key(const struct command_words *words, struct bytes key)
{
    for (size_t i = 0; i < words->metadata_count; i++)
        if (bytes_equal(words->metadata[i].key, key))
            return true;
    return false;
}

static const char *metadata_key_fault(const struct json_event *event)
{
    if (event->key.len == 0 || event->key_is_cut || json_characters(event->key) > METADATA_KEY_MAX)
        return "must have keys of 1 to 40 characters";
    if (json_has_control(event->key))
        return "must have keys without control characters";
    return order_text_has_pan(event->key) ? "must not hold a card number" : NULL;
}

/* Tabs and line ends are part of a note; other control characters are nobody's wish. */
static bool has_bad_control(struct bytes value)
{
    for (size_t i = 0; i < value.len; i++)
        if (json_has_control((struct bytes){value.data + i, 1}) &&
            memchr("\t\r\n", value.data[i], 3) == NULL)
            return true;
    return false;
}

static const char *metadata_value_fault(struct bytes value)
{
    if (has_bad_control(value))
        return "must have values without control characters but tab and line ends";
    if (json_characters(value) > METADATA_VALUE_MAX)
        return "must have values of at most 500 characters";
    return order_text_has_pan(value) ? "must not hold a card number" : NULL;
}

static void read_metadata_entry(struct command_words *words, const struct json_event *event)
{
    if (!is_usable_text(words, event, "metadata"))
        return;
    const char *rule = metadata_key_fault(event);
    if (rule == NULL)
        rule = metadata_value_fault(event->text);
    if (rule == NULL && words->metadata_count == ORDER_METADATA_MAX)
        rule = "must have at most 20 entries";
    size_t written = json_written_len(event->key) + json_written_len(event->text);
    if (rule == NULL && words->metadata_written + written > METADATA_WRITTEN_MAX)
        rule = "must have at most 11000 bytes in all";
    enum status status = STATUS_BAD_FIELD;
    if (rule == NULL && has_metadata_key(words, event->key)) {
        status = STATUS_DUPLICATE_FIELD;
        rule = "must not have a key twice";
    }
    if (rule != NULL) {
        command_words_refuse(words, status, "metadata", rule);
        return;
    }
    words->metadata_written += written;
    struct metadata_entry *entry = &words->metadata[words->metadata_count];
    entry->key = command_words_copy(words, event->key);
    entry->value = command_words_copy(words, event->text);
    if (!bytes_is_none(entry->key) && !bytes_is_none(entry->value))
        words->metadata_count++;
}

static enum event_attribute attribute_of(struct bytes name)
{
    static const char *const names[ATTRIBUTE_COUNT] = {
        "specversion",   "id",          "source", "type", "subject", "time", "datacontenttype",
        "correlationid", "traceparent",
    };
    for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++)
        if (bytes_equal_text(name, names[i]))
            return (enum event_attribute) i;
    return ATTRIBUTE_COUNT;
}

/* False: the name was there before, or there are too many. */
static bool note_envelope_name(struct command_words *words, const struct json_event *event)
{
    for (size_t i = 0; i < words->envelope_names_count; i++) {
        if (!bytes_equal(words->envelope_names[i], event->key))
            continue;
        command_words_refuse(words, STATUS_DUPLICATE_FIELD, "event",
                             "must not have an attribute twice");
        words->is_order_id_ambiguous |= bytes_equal_text(event->key, "data");
        return false;
    }
    if (words->envelope_names_count == ENVELOPE_NAMES_MAX || event->key_is_cut) {
        command_words_refuse(words, STATUS_TOO_LARGE, "event",
                             "must have at most 32 attributes with short names");
        return false;
    }
    struct bytes name = command_words_copy(words, event->key);
    if (!bytes_is_none(name))
        words->envelope_names[words->envelope_names_count++] = name;
    return true;
}

/* Attributes that this contract does not know are CloudEvents extensions: any scalar, ignored. */
static enum command_scope read_envelope_member(struct command_words *words,
                                               const struct json_event *event)
{
    bool is_first = note_envelope_name(words, event);
    if (bytes_equal_text(event->key, "data")) {
        if (event->kind != JSON_OBJECT)
            command_words_refuse(words, STATUS_BAD_FIELD, "data", "must be an object");
        return event->kind == JSON_OBJECT && is_first ? SCOPE_COMMAND : SCOPE_REFUSED;
    }
    if (bytes_equal_text(event->key, "data_base64"))
        command_words_refuse(words, STATUS_BAD_FIELD, "event", "must carry data as JSON");
    enum event_attribute attribute = attribute_of(event->key);
    if (attribute == ATTRIBUTE_COUNT) {
        if (is_container(event->kind))
            command_words_refuse(words, STATUS_BAD_FIELD, "event",
                                 "must not have an object or array but data");
    } else if (is_first && is_usable_text(words, event, "event attribute")) {
        words->attributes[attribute] = command_words_copy(words, event->text);
    }
    return SCOPE_REFUSED;
}

/* The scope of what the member holds, when it holds something. */
static enum command_scope read_member(struct command_reading *reading, enum command_scope scope,
                                      size_t member, const struct json_event *event)
{
    switch (scope) {
    case SCOPE_ROOT:
        reading->is_object = event->kind == JSON_OBJECT;
        return reading->is_object ? reading->root : SCOPE_REFUSED;
    case SCOPE_ENVELOPE:
        return read_envelope_member(reading->words, event);
    case SCOPE_COMMAND:
    case SCOPE_AMOUNT:
    case SCOPE_DESTINATION:
        return read_command_member(reading->words, member, scope, event);
    case SCOPE_METADATA:
        read_metadata_entry(reading->words, event);
        return SCOPE_REFUSED;
    case SCOPE_REFUSED:
    case SCOPE_COUNT:
        break;
    }
    return SCOPE_REFUSED;
}

static void on_event(void *context, const struct json_event *event)
{
    struct command_reading *reading = context;
    if (event->kind == JSON_OBJECT_END || event->kind == JSON_ARRAY_END)
        return;
    if (event->depth >= COMMAND_DEPTH_MAX && is_container(event->kind))
        command_words_refuse(reading->words, STATUS_TOO_DEEP, "record",
                             "must not be nested deeper than 6 levels");
    if (event->depth > COMMAND_DEPTH_MAX)
        return;
    size_t member = ++reading->members[event->depth];
    enum command_scope inside = read_member(reading, reading->scopes[event->depth], member, event);
    if (is_container(event->kind) && event->depth < COMMAND_DEPTH_MAX) {
        reading->scopes[event->depth + 1] = inside;
        reading->members[event->depth + 1] = 0;
    }
}

bool command_words_read(struct command_words *words, struct bytes value, bool is_structured)
{
    struct command_reading reading = {
        .words = words,
        .scopes = {[0] = SCOPE_ROOT},
        .root = is_structured ? SCOPE_ENVELOPE : SCOPE_COMMAND,
    };
    const char *why = NULL;
    enum status status = json_read(value, on_event, &reading, &why);
    if (status == STATUS_OK && !reading.is_object) {
        status = STATUS_SYNTAX;
        why = "must be a JSON object";
    }
    if (status == STATUS_OK)
        return true;
    words->fault = (struct command_fault){.status = STATUS_OK};
    command_words_refuse_as(words, status, "unreadable", "value", why);
    return false;
}
