/* The last step of a payout: what happened, as JSON that every reader may keep (docs/EVENTS.md,
 * Outcome data). */
#include "payoutd/codec/outcome_json.h"

#include "card_blank.h"
#include "outcome_parts.h"

#include "payoutd/codec/keyed_hash.h"

#include <string.h>

enum {
    GATEWAY_TEXT_MAX = 300, /* of what the gateway wrote, so that every body fits */
    DESTINATION_HASH_LEN = 16,
    MASKED_MAX = 32,
    LAST4_TEXT_MIN = 12, /* of anything shorter, four characters would be too much of it */
};

/* The gateway's words may hold anything: cut, and without card numbers. */
static void put_gateway_text(struct json_writer *writer, const char *key, struct bytes text)
{
    char copy[GATEWAY_TEXT_MAX];
    if (bytes_is_none(text))
        return;
    size_t len = text.len < sizeof copy ? text.len : sizeof copy;
    memcpy(copy, text.data, len);
    card_blank(copy, len);
    if (text.len > len) { /* not half a character at the cut */
        while (len > 0 && ((unsigned char) copy[len - 1] & 0xC0) == 0x80)
            len--;
        if (len > 0 && (unsigned char) copy[len - 1] >= 0xC0)
            len--;
    }
    json_put_text(writer, key, (struct bytes){copy, len});
}

/* Numbers of the gateway's own, which may look like a card number; only this order's card is kept
 * out. */
static void put_gateway_number(struct json_writer *writer, const char *key, struct bytes text,
                               const struct command *command)
{
    struct bytes pan = command->destination.pan;
    bool holds_card = !bytes_is_none(pan) && text.len >= pan.len &&
                      memmem(text.data, text.len, pan.data, pan.len) != NULL;
    if (!bytes_is_none(text) && !holds_card && text.len <= GATEWAY_TEXT_MAX)
        json_put_text(writer, key, text);
}

static void put_minor(struct json_writer *writer, const char *key, int64_t minor)
{
    char text[32];
    struct buffer buffer;
    buffer_init(&buffer, text, sizeof text);
    buffer_put_int64(&buffer, minor / 100);
    buffer_put_byte(&buffer, '.');
    buffer_put_byte(&buffer, (char) ('0' + minor / 10 % 10));
    buffer_put_byte(&buffer, (char) ('0' + minor % 10));
    json_put_text(writer, key, (struct bytes){text, buffer.len});
}

void outcome_put_verdict(struct json_writer *writer, const struct outcome *outcome)
{
    json_put_text(writer, "status", bytes_of(order_state_outcome(outcome->state)));
    json_put_bool(writer, "final", order_state_is_final(outcome->state));
    json_put_int64(writer, "attempt", outcome->attempt);
    json_put_time(writer, "occurred_at", outcome->occurred_ms);
    if (outcome->answer != NULL && outcome->answer->paid_amount_minor >= 0)
        put_minor(writer, "paid_amount", outcome->answer->paid_amount_minor);
    json_put_bool(writer, "doubt", outcome->doubt);
    if (outcome->evidence != EVIDENCE_NONE)
        json_put_text(writer, "evidence", bytes_of(evidence_name(outcome->evidence)));
}

static void put_order(struct json_writer *writer, const struct outcome *outcome)
{
    const struct command *command = outcome->command;
    json_put_text(writer, "merchant_id", outcome->merchant_id);
    json_put_text(writer, "user_id", command->user_id);
    json_put_text(writer, "description", command->description);
    if (!bytes_is_none(command->amount.text)) {
        json_begin(writer, "amount", '{');
        json_put_text(writer, "value", command->amount.text);
        json_put_text(writer, "currency", bytes_of(command->amount.currency));
        json_end(writer, '}');
    }
}

void outcome_put_gateway(struct json_writer *writer, const struct outcome *outcome)
{
    const struct answer *answer = outcome->answer;
    if (answer == NULL && outcome->refused_payment_ids_count == 0)
        return;
    json_begin(writer, "gateway", '{');
    if (answer != NULL) {
        put_gateway_number(writer, "payment_id", answer->payment_id, outcome->command);
        put_gateway_number(writer, "reference", answer->reference, outcome->command);
        put_gateway_text(writer, "status", answer->status);
        put_gateway_text(writer, "payment_date", answer->payment_date);
        if (answer->error_code != 0)
            json_put_int64(writer, "error_code", answer->error_code);
        put_gateway_text(writer, "error_description", answer->error_description);
        if (answer->http_status != 0)
            json_put_int64(writer, "http_status", answer->http_status);
    }
    if (outcome->refused_payment_ids_count > 0) {
        json_begin(writer, "refused_payment_ids", '[');
        for (size_t i = 0; i < outcome->refused_payment_ids_count; i++)
            json_put_item(writer, outcome->refused_payment_ids[i]);
        json_end(writer, ']');
    }
    json_end(writer, '}');
}

void outcome_put_failure(struct json_writer *writer, const struct outcome *outcome)
{
    if (outcome->failure_code == NULL)
        return;
    json_begin(writer, "failure", '{');
    json_put_text(writer, "code", bytes_of(outcome->failure_code));
    put_gateway_text(writer, "message", bytes_of(outcome->failure_message));
    json_put_text(writer, "source",
                  outcome->failure_from_gateway ? BYTES("gateway") : BYTES("worker"));
    json_put_bool(writer, "retryable", outcome->failure_retryable);
    json_end(writer, '}');
}

static struct bytes payee_of(const struct destination *destination)
{
    switch (destination->type) {
    case DESTINATION_CARD:
        return destination->pan;
    case DESTINATION_CARD_TOKEN:
        return destination->token;
    case DESTINATION_IBAN:
        return destination->iban;
    }
    return BYTES_NONE;
}

static void put_payee(struct json_writer *writer, const struct outcome *outcome, struct bytes payee)
{
    const struct destination *destination = &outcome->command->destination;
    char masked_data[MASKED_MAX], hex_data[2 * DESTINATION_HASH_LEN];
    struct buffer masked, hex;
    buffer_init(&masked, masked_data, sizeof masked_data);
    order_mask_destination(destination, &masked);
    json_put_text(writer, "masked", (struct bytes){masked.data, masked.len});
    if (payee.len >= LAST4_TEXT_MIN)
        json_put_text(writer, "last4", (struct bytes){payee.data + payee.len - 4, 4});
    const struct bytes parts[] = {BYTES("payoutd destination 1\n"),
                                  bytes_of(destination_type_name(destination->type)), BYTES("\n"),
                                  payee};
    uint8_t hash[KEYED_HASH_LEN];
    keyed_hash(outcome->destination_key, parts, sizeof parts / sizeof parts[0], hash);
    buffer_init(&hex, hex_data, sizeof hex_data);
    keyed_hash_put_hex(&hex, hash, DESTINATION_HASH_LEN);
    json_put_text(writer, "fingerprint", (struct bytes){hex.data, hex.len});
}

static void put_destination(struct json_writer *writer, const struct outcome *outcome)
{
    const struct destination *destination = &outcome->command->destination;
    struct bytes payee = payee_of(destination);
    if (bytes_is_none(payee) && bytes_is_none(destination->pan_jwe))
        return;
    json_begin(writer, "destination", '{');
    json_put_text(writer, "type", bytes_of(destination_type_name(destination->type)));
    if (!bytes_is_none(payee))
        put_payee(writer, outcome, payee);
    json_end(writer, '}');
}

static void put_command(struct json_writer *writer, const struct outcome *outcome)
{
    char hex_data[2 * KEYED_HASH_LEN];
    struct buffer hex;
    buffer_init(&hex, hex_data, sizeof hex_data);
    keyed_hash_put_hex(&hex, outcome->command->fingerprint, KEYED_HASH_LEN);
    json_begin(writer, "command", '{');
    json_put_text(writer, "id", outcome->context->id);
    json_put_text(writer, "topic", bytes_of(outcome->position.topic));
    json_put_int64(writer, "partition", outcome->position.partition);
    json_put_int64(writer, "offset", outcome->position.offset);
    json_put_time(writer, "timestamp", outcome->position.timestamp_ms);
    json_put_text(writer, "fingerprint", (struct bytes){hex.data, hex.len});
    json_end(writer, '}');
}

static void put_rest(struct json_writer *writer, const struct outcome *outcome)
{
    const struct command *command = outcome->command;
    json_begin(writer, "timing", '{');
    json_put_time(writer, "received_at", outcome->received_ms);
    json_put_time(writer, "armed_at", outcome->armed_ms);
    json_put_time(writer, "answered_at", outcome->answered_ms);
    json_end(writer, '}');
    if (command->metadata_count > 0) {
        json_begin(writer, "metadata", '{');
        for (size_t i = 0; i < command->metadata_count; i++)
            json_put_member(writer, command->metadata[i].key, command->metadata[i].value);
        json_end(writer, '}');
    }
    json_put_bool(writer, "livemode", outcome->livemode);
    json_begin(writer, "worker", '{');
    json_put_text(writer, "version", BYTES(PAYOUTD_VERSION));
    json_end(writer, '}');
}

enum status outcome_json_body(const struct outcome *outcome, struct arena *arena,
                              struct bytes *ret_body)
{
    must(order_state_outcome(outcome->state) != NULL);
    must(!bytes_is_none(outcome->command->order_id));
    struct buffer buffer = arena_rest(arena);
    if (buffer.max > OUTCOME_BODY_MAX)
        buffer.max = OUTCOME_BODY_MAX;
    struct json_writer writer = {.buffer = &buffer};
    json_begin(&writer, NULL, '{');
    json_put_text(&writer, "order_id", outcome->command->order_id);
    outcome_put_verdict(&writer, outcome);
    put_order(&writer, outcome);
    outcome_put_gateway(&writer, outcome);
    outcome_put_failure(&writer, outcome);
    put_destination(&writer, outcome);
    put_command(&writer, outcome);
    put_rest(&writer, outcome);
    json_end(&writer, '}');
    return arena_keep(arena, &buffer, ret_body);
}

enum status outcome_json_finish(struct bytes body, int64_t sequence, bool replayed,
                                struct arena *arena, struct bytes *ret_value)
{
    if (!bytes_starts_with(body, BYTES("{\"order_id\":\"")) || body.data[body.len - 1] != '}')
        return STATUS_FOREIGN_DATA;
    struct buffer buffer = arena_rest(arena);
    struct json_writer writer = {.buffer = &buffer};
    json_begin(&writer, NULL, '{');
    json_put_int64(&writer, "sequence", sequence);
    json_put_bool(&writer, "replayed", replayed);
    buffer_put_byte(&buffer, ',');
    buffer_put(&buffer, (struct bytes){body.data + 1, body.len - 1});
    return arena_keep(arena, &buffer, ret_value);
}
