/* A call as the EVALSHA that asks it: each script's ARGV in the order that its lua file names. */
#include "ledger_parts.h"

#include <stdlib.h>

enum { COMMAND_SPARE = 2048, DUE_DEFAULT_MS = 60000, FINGERPRINT_LEN = 32, PAYMENT_ID_MAX = 64 };

const char *ledger_command_script(enum ledger_script script)
{
    static const char *const scripts[LEDGER_SCRIPT_COUNT] = {
        [LEDGER_ARM] = embedded_arm,       [LEDGER_PARK] = embedded_park,
        [LEDGER_REJECT] = embedded_reject, [LEDGER_DISARM] = embedded_disarm,
        [LEDGER_SETTLE] = embedded_settle, [LEDGER_PUBLISHED] = embedded_published,
        [LEDGER_DUE] = embedded_due,       [LEDGER_READ] = embedded_read,
        [LEDGER_DEFER] = embedded_defer,   [LEDGER_WIPE] = embedded_wipe,
    };
    must((unsigned) script < LEDGER_SCRIPT_COUNT);
    return scripts[script];
}

static void put_text(struct buffer *to, const char *text)
{
    redis_link_put_word(to, bytes_of(text));
}

static void put_source(struct buffer *to, const struct source_position *position)
{
    char space[LEDGER_SOURCE_MAX];
    struct buffer text;
    struct bytes view;
    buffer_init(&text, space, sizeof space);
    buffer_put(&text, position->topic);
    buffer_put_byte(&text, '/');
    buffer_put_int64(&text, position->partition);
    buffer_put_byte(&text, '/');
    buffer_put_int64(&text, position->offset);
    must(buffer_take(&text, &view) == STATUS_OK); /* Kafka's topic names have at most 249 bytes */
    redis_link_put_word(to, view);
}

static void put_fingerprint(struct buffer *to, const uint8_t *fingerprint)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * FINGERPRINT_LEN];
    for (size_t i = 0; fingerprint != NULL && i < FINGERPRINT_LEN; i++) {
        text[2 * i] = digits[fingerprint[i] >> 4];
        text[2 * i + 1] = digits[fingerprint[i] & 15];
    }
    redis_link_put_word(to, (struct bytes){text, fingerprint == NULL ? 0 : sizeof text});
}

static void put_due(struct buffer *to, const struct ledger_call *call)
{
    redis_link_put_number(to, call->due_ms > 0 ? call->due_ms : DUE_DEFAULT_MS);
}

static void put_identity(struct buffer *to, const struct ledger_call *call)
{
    redis_link_put_word(to, call->order_id);
    redis_link_put_word(to, call->merchant_id);
    redis_link_put_word(to, call->profile);
}

static void put_sender(struct buffer *to, const struct ledger_call *call)
{
    redis_link_put_word(to, call->instance);
    redis_link_put_number(to, call->call);
    redis_link_put_number(to, call->attempt);
}

static void put_body(struct buffer *to, const struct ledger_call *call,
                     struct ledger_command *command)
{
    redis_link_put_word(to, call->body);
    command->body_len = call->body.len;
    command->body_at = to->len - 2 - call->body.len; /* before the word's end of line */
}

static const char *mode_name(enum settle_mode mode)
{
    switch (mode) {
    case SETTLE_OWN_ANSWER:
        return "ANSWER";
    case SETTLE_OWN_STATUS:
        return "STATUS";
    case SETTLE_RESOLUTION:
        return "RESOLUTION";
    }
    must(!"a settle mode");
}

static void put_settle(struct buffer *to, const struct ledger_call *call,
                       struct ledger_command *command)
{
    must(call->state == ORDER_PENDING || call->state == ORDER_UNKNOWN ||
         call->state == ORDER_PAID || call->state == ORDER_FAILED);
    put_text(to, mode_name(call->mode));
    put_source(to, &call->by);
    put_sender(to, call);
    put_text(to, order_state_name(call->state));
    put_body(to, call, command);
    redis_link_put_word(to, call->late_body);
    redis_link_put_word(to, call->payment_id);
    put_due(to, call);
    put_identity(to, call);
    put_text(to, call->evidence == EVIDENCE_OPERATOR ? "1" : "");
    put_fingerprint(to, call->fingerprint);
}

static void put_claim(struct buffer *to, const struct ledger_call *call)
{
    put_source(to, &call->by);
    put_fingerprint(to, call->fingerprint);
}

/* How many words follow the token. */
static const int64_t words[LEDGER_SCRIPT_COUNT] = {
    [LEDGER_ARM] = 9,     [LEDGER_PARK] = 5,      [LEDGER_REJECT] = 8, [LEDGER_DISARM] = 4,
    [LEDGER_SETTLE] = 15, [LEDGER_PUBLISHED] = 2, [LEDGER_DUE] = 2,    [LEDGER_READ] = 0,
    [LEDGER_DEFER] = 1,   [LEDGER_WIPE] = 0,
};

static void put_arguments(struct buffer *to, const struct ledger_call *call, int64_t horizon_ms,
                          struct ledger_command *command)
{
    switch (call->script) {
    case LEDGER_ARM:
        put_claim(to, call);
        put_sender(to, call);
        put_due(to, call);
        put_identity(to, call);
        break;
    case LEDGER_PARK:
        put_claim(to, call);
        put_identity(to, call);
        break;
    case LEDGER_REJECT:
        put_claim(to, call);
        put_body(to, call, command);
        redis_link_put_word(to, call->late_body);
        put_due(to, call);
        put_identity(to, call);
        break;
    case LEDGER_DISARM:
        put_sender(to, call);
        redis_link_put_word(to, call->payment_id);
        break;
    case LEDGER_SETTLE:
        put_settle(to, call, command);
        break;
    case LEDGER_PUBLISHED:
        redis_link_put_number(to, call->sequence);
        redis_link_put_number(to, horizon_ms);
        break;
    case LEDGER_DUE:
        put_due(to, call);
        redis_link_put_number(to, call->due_max < LEDGER_DUE_MAX ? call->due_max : LEDGER_DUE_MAX);
        break;
    case LEDGER_READ:
    case LEDGER_WIPE:
        break;
    case LEDGER_DEFER:
        put_due(to, call);
        break;
    case LEDGER_SCRIPT_COUNT:
        must(!"a script");
    }
}

/* About a shard, not an order: its first two keys are enough. */
static bool is_of_shard(enum ledger_script script)
{
    return script == LEDGER_DUE || script == LEDGER_WIPE;
}

static enum status keys_of(const struct ledger_call *call, const char *name_space,
                           struct ledger_keys *keys)
{
    if (is_of_shard(call->script)) {
        ledger_keys_of_shard(call->shard, keys);
        return STATUS_OK;
    }
    if (bytes_is_none(call->order_key)) {
        ledger_keys_of_order(name_space, call->order_id, keys);
        return STATUS_OK;
    }
    must(call->script == LEDGER_READ || call->script == LEDGER_DEFER ||
         call->script == LEDGER_PUBLISHED);
    return ledger_keys_of_key(call->order_key, keys);
}

/* It is kept in a list separated by spaces. */
static bool payment_id_is_plain(struct bytes id)
{
    for (size_t i = 0; i < id.len; i++)
        if ((unsigned char) id.data[i] <= ' ' || id.data[i] == 0x7f)
            return false;
    return id.len <= PAYMENT_ID_MAX;
}

static enum status make_room(struct ledger_command *command, const struct ledger_call *call)
{
    size_t needed = COMMAND_SPARE + call->order_id.len + call->by.topic.len + call->instance.len +
                    call->merchant_id.len + call->profile.len + call->body.len +
                    call->late_body.len + call->payment_id.len;
    if (needed <= command->max)
        return STATUS_OK;
    char *data = realloc(command->data, needed + 1);
    if (data == NULL)
        return STATUS_NO_ROOM;
    command->data = data;
    command->max = needed;
    return STATUS_OK;
}

enum status ledger_command_build(const struct ledger_call *call, const char *name_space,
                                 int64_t horizon_ms, const char *sha,
                                 struct ledger_command *command)
{
    must((unsigned) call->script < LEDGER_SCRIPT_COUNT);
    struct ledger_keys keys;
    char token[LEDGER_TOKEN_MAX];
    if (!payment_id_is_plain(call->payment_id))
        return STATUS_BAD_FIELD;
    TRY(keys_of(call, name_space, &keys));
    TRY(make_room(command, call));
    int64_t count = is_of_shard(call->script) ? 2 : LEDGER_KEY_COUNT;
    struct buffer to;
    buffer_init(&to, command->data, command->max);
    command->body_at = command->body_len = 0;
    redis_link_put_count(&to, 4 + count + words[call->script]);
    put_text(&to, "EVALSHA");
    put_text(&to, sha);
    redis_link_put_number(&to, count);
    for (int64_t i = 0; i < count; i++)
        redis_link_put_word(&to, keys.view[i]);
    ledger_keys_token_text(call->token, token);
    put_text(&to, token);
    put_arguments(&to, call, horizon_ms, command);
    must(!to.overflowed);
    command->len = to.len;
    command->data[to.len] = '\0'; /* hiredis searches it as a C string */
    return STATUS_OK;
}
