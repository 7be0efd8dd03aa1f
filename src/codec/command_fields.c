/* The names of the contract, the gateway's flat names that may stand for them, and the first fault
 * of a record. */
#include "command_words.h"

#include <stdio.h>

struct field_row {
    enum command_scope scope;
    const char *name;
    const char *path;
    const char *pg_name;
};

#define FIELD_ROW(id, scope, name, path, pg_name) [id] = {SCOPE_##scope, name, path, pg_name},
static const struct field_row field_rows[FIELD_COUNT] = {COMMAND_FIELD_LIST(FIELD_ROW)};
#undef FIELD_ROW

const char *command_field_path(enum command_field field)
{
    return field_rows[field].path;
}

enum command_field command_field_find(enum command_scope scope, struct bytes name)
{
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        if (field_rows[i].scope == scope && bytes_equal_text(name, field_rows[i].name))
            return (enum command_field) i;
    return FIELD_COUNT;
}

enum command_field command_pg_name_find(struct bytes name)
{
    if (!bytes_starts_with(name, BYTES("pg_")))
        return FIELD_COUNT;
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        if (field_rows[i].pg_name != NULL && bytes_equal_text(name, field_rows[i].pg_name))
            return (enum command_field) i;
    return FIELD_COUNT;
}

void command_pg_names_finish(struct command_words *words)
{
    if (!words->has_pg_names)
        return;
    if (words->has_contract_names) {
        command_words_refuse(words, STATUS_BAD_FIELD, "command",
                             "must not mix the contract's names with the gateway's pg_ names");
        return;
    }
    bool is_card = words->seen[FIELD_PAN];
    bool is_token = words->seen[FIELD_TOKEN];
    bool is_iban = words->seen[FIELD_IBAN];
    if (is_card + is_token + is_iban != 1) {
        command_words_refuse(words, STATUS_BAD_FIELD, "command",
                             "must have one of pg_payment_to, pg_card_token_to, pg_recipient_iban");
        return;
    }
    words->seen_scopes[SCOPE_AMOUNT] = true;
    words->seen_scopes[SCOPE_DESTINATION] = true;
    words->seen[FIELD_TYPE] = true;
    words->fields[FIELD_TYPE] = is_card    ? BYTES("card")
                                : is_token ? BYTES("card_token")
                                           : BYTES("iban");
}

void command_words_refuse_as(struct command_words *words, enum status status, const char *code,
                             const char *path, const char *rule)
{
    struct command_fault *fault = &words->fault;
    if (fault->status != STATUS_OK)
        return;
    fault->status = status;
    fault->code = code;
    int len = snprintf(fault->message, sizeof fault->message, "%s: %s", path, rule);
    must(len > 0 && (size_t) len < sizeof fault->message);
}

void command_words_refuse(struct command_words *words, enum status status, const char *path,
                          const char *rule)
{
    command_words_refuse_as(words, status, "validation_failed", path, rule);
}

struct bytes command_words_copy(struct command_words *words, struct bytes text)
{
    struct bytes copy = BYTES_NONE;
    if (arena_copy(words->arena, text, &copy) != STATUS_OK)
        command_words_refuse_as(words, STATUS_NO_ROOM, "too_large", "record",
                                "does not fit into the memory of one payout");
    return copy;
}
