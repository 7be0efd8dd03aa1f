/*
 * Any bytes as a record: the first says how it is wrapped and what is allowed, the rest is the
 * value. Whatever is taken keeps the contract's promises, whatever is refused makes a dead letter
 * without a card number, and every known order can be told about in valid JSON.
 */
#include "fuzz.h"

#include "payoutd/codec/json_reader.h"
#include "payoutd/codec/outcome_json.h"

#include <string.h>

enum { MEMORY_MAX = 256 * 1024 };
enum { WITH_PAN = 1, WITH_PG_NAMES = 2, STRUCTURED = 4, BINARY = 8, WITH_KEY = 16 };

#define TYPE "kz.example.payout.requested.v1"

static void ignore_event(void *context, const struct json_event *event)
{
    (void) context, (void) event;
}

static void check_outcome(const struct command *command, const struct event_context *context,
                          enum order_state state, struct arena *arena)
{
    const struct outcome outcome = {
        .command = command,
        .context = context,
        .position = {"payout.commands", 0, 1, 1},
        .state = state,
        .evidence = EVIDENCE_WORKER,
        .occurred_ms = 1,
        .destination_key = BYTES("key"),
    };
    struct bytes body, value;
    const char *why = NULL;
    must(outcome_json_body(&outcome, arena, &body) == STATUS_OK);
    must(outcome_json_finish(body, 1, false, arena, &value) == STATUS_OK);
    must(json_read(value, ignore_event, NULL, &why) == STATUS_OK);
}

static void check_letter(const struct record_content *record, const struct command_fault *fault,
                         struct arena *arena)
{
    const struct position position = {"payout.commands", 0, 1, 1};
    struct dead_letter letter;
    must(outcome_json_dead_letter(record, &position, fault->code, fault->message, BYTES("w"),
                                  COMMAND_VALUE_MAX, BYTES("key"), arena, &letter) == STATUS_OK);
    must(!order_text_has_pan(letter.value));
    must(letter.value.len <= COMMAND_VALUE_MAX);
}

static void check_command(const struct command *command)
{
    must(order_id_is_valid(command->order_id));
    must(command->amount.amount_minor > 0 && command->amount.currency[0] != '\0');
    must(json_is_utf8(command->description) && !order_text_has_pan(command->description));
    for (size_t i = 0; i < command->metadata_count; i++)
        must(!order_text_has_pan(command->metadata[i].value));
}

static void wrap(uint8_t flags, struct record_content *record)
{
    static const struct record_header binary[] = {
        {{"ce_specversion", 14}, {"1.0", 3}},
        {{"ce_type", 7}, {TYPE, sizeof TYPE - 1}},
        {{"ce_source", 9}, {"/p", 2}},
        {{"ce_id", 5}, {"1", 1}},
    };
    static const struct record_header structured = {{"content-type", 12},
                                                    {"application/cloudevents+json", 28}};
    if ((flags & STRUCTURED) != 0) {
        record->headers[0] = structured;
        record->headers_count = 1;
    } else if ((flags & BINARY) != 0) {
        memcpy(record->headers, binary, sizeof binary);
        record->headers_count = sizeof binary / sizeof binary[0];
    }
    if ((flags & WITH_KEY) != 0)
        record->key = BYTES("ORD-2025-0001");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char memory[MEMORY_MAX];
    static const struct bytes currencies[] = {{"KZT", 3}};
    static const struct bytes hosts[] = {{"shop.example", 12}};
    if (size == 0)
        return 0;
    const struct command_rules rules = {
        .allow_plaintext_pan = (data[0] & WITH_PAN) != 0,
        .accept_pg_names = (data[0] & WITH_PG_NAMES) != 0,
        .accept_bare_json = true,
        .accepted_type = BYTES(TYPE),
        .currencies = currencies,
        .currencies_count = 1,
        .post_link_hosts = hosts,
        .post_link_hosts_count = 1,
        .fingerprint_key = BYTES("key"),
    };
    struct record_content record = {.value = {(const char *) data + 1, size - 1}};
    wrap(data[0], &record);
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    struct command command;
    struct event_context context;
    struct command_fault fault;
    enum status status = command_json_decode(&record, &rules, &arena, &command, &context, &fault);
    if (status == STATUS_OK) {
        check_command(&command);
        check_outcome(&command, &context, ORDER_PAID, &arena);
        return 0;
    }
    must(fault.status == status && fault.message[0] != '\0');
    if (fault.has_order_id)
        check_outcome(&command, &context, ORDER_REJECTED, &arena);
    check_letter(&record, &fault, &arena);
    return 0;
}
