/* The ledger: calls of the core become scripts, their answers come back as plain facts. */
#include "ledger_parts.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAMESPACE_MAX = 255,
    LOADS_MAX = 3
}; /* a script that is lost again and again: somebody flushes them */

static const char *const no_answer = "Redis gave no answer: it may or may not have been done";

/* ---- slots ---- */

static struct ledger_slot *slot_take(struct ledger *ledger)
{
    struct ledger_slot *slot = ledger->free_slots;
    if (slot == NULL)
        return NULL;
    ledger->free_slots = slot->next;
    ledger->in_use++;
    return slot;
}

static void slot_put(struct ledger *ledger, struct ledger_slot *slot)
{
    free(slot->held_block);
    slot->held_block = NULL;
    slot->next = ledger->free_slots;
    ledger->free_slots = slot;
    ledger->in_use--;
}

/* ---- up and down ---- */

static void tell_down(struct ledger *ledger, enum status status, const char *why)
{
    if (strcmp(ledger->down_why, why) == 0)
        return; /* told already: a long outage is one line, not one a second */
    snprintf(ledger->down_why, sizeof ledger->down_why, "%s", why);
    ledger->events.down(ledger->events.context, status, ledger->down_why);
}

void ledger_checked(struct ledger *ledger)
{
    ledger->state = LEDGER_STATE_UP;
    ledger->down_why[0] = '\0';
    redis_link_approve(ledger->link);
    ledger->events.up(ledger->events.context, ledger->session.token);
}

static void on_opened(void *context)
{
    struct ledger *ledger = context;
    ledger->statistics.connects++;
    ledger_session_begin(ledger);
}

static void on_closed(void *context, enum status status, const char *why)
{
    struct ledger *ledger = context;
    bool told = ledger->state == LEDGER_STATE_DRAINING;
    ledger->state = LEDGER_STATE_DOWN;
    ledger_session_end(ledger);
    if (!told)
        tell_down(ledger, status, why);
    ledger_wait_fail(ledger);
}

static void drop_when_drained(struct ledger *ledger)
{
    if (ledger->state == LEDGER_STATE_DRAINING && ledger->in_use == 0)
        redis_link_drop(ledger->link, STATUS_UNAVAILABLE, ledger->down_why);
}

/* Redis refuses writes. What is under way may still be answered; then the connection is made and
 * checked anew. */
void ledger_block(struct ledger *ledger, enum status status, const char *why)
{
    if (ledger->state != LEDGER_STATE_UP)
        return;
    ledger->state = LEDGER_STATE_DRAINING;
    tell_down(ledger, status, why);
    drop_when_drained(ledger);
}

/* ---- answers ---- */

void ledger_answer(struct ledger *ledger, struct ledger_slot *slot, struct ledger_reply *reply)
{
    reply->script = slot->script;
    reply->tag = slot->tag;
    ledger->statistics.answers[reply->answer]++;
    ledger->events.reply(ledger->events.context, reply);
    slot_put(ledger, slot);
    drop_when_drained(ledger);
}

static void answer_words(struct ledger_slot *slot, enum ledger_answer answer, const char *why)
{
    struct ledger_reply reply = {.answer = answer, .why = why};
    ledger_answer(slot->ledger, slot, &reply);
}

/* Not done: Redis does not know the script. It is loaded in front of the same question. */
static void ask_again(struct ledger_slot *slot)
{
    struct ledger *ledger = slot->ledger;
    struct bytes command = {slot->command.data, slot->command.len};
    if (++slot->loads > LOADS_MAX)
        answer_words(slot, LEDGER_FAILED, "Redis lost the script again and again");
    else if (ledger_session_load(ledger, slot->script) != STATUS_OK ||
             redis_link_send(ledger->link, &slot->request, command) != STATUS_OK)
        answer_words(slot, LEDGER_FAILED, no_answer);
    else if (ledger_wait_is_needed(ledger, slot->script))
        ledger_wait_ask(ledger);
}

static void answer_error(struct ledger_slot *slot, const char *text)
{
    enum status status;
    switch (ledger_reply_error(text, &status)) {
    case LEDGER_ERROR_NO_SCRIPT:
        ask_again(slot);
        return;
    case LEDGER_ERROR_BLOCKED:
        ledger_block(slot->ledger, status, text);
        answer_words(slot, LEDGER_BLOCKED, text);
        return;
    case LEDGER_ERROR_FOREIGN:
        answer_words(slot, LEDGER_FOREIGN, text);
        return;
    case LEDGER_ERROR_OTHER:
        answer_words(slot, LEDGER_FAILED, text);
        return;
    }
}

static void on_answered(void *context, struct redis_request *request, const redisReply *from)
{
    (void) request;
    struct ledger_slot *slot = context;
    struct ledger *ledger = slot->ledger;
    if (from == NULL) {
        answer_words(slot, LEDGER_FAILED, no_answer);
        return;
    }
    if (from->type == REDIS_REPLY_ERROR) {
        answer_error(slot, from->str);
        return;
    }
    struct bytes written = {slot->command.data + slot->command.body_at, slot->command.body_len};
    struct ledger_reply reply = {0};
    if (ledger_reply_read(from, written, ledger->due, &reply) != STATUS_OK) {
        answer_words(slot, LEDGER_FOREIGN, "the script's answer cannot be read");
        return;
    }
    bool may_hold = reply.answer != LEDGER_FOREIGN && reply.answer != LEDGER_EMPTY;
    if (may_hold && ledger_wait_is_needed(ledger, slot->script))
        ledger_wait_hold(ledger, slot, &reply);
    else
        ledger_answer(ledger, slot, &reply);
}

/* ---- questions ---- */

enum status ledger_ask(struct ledger *ledger, const struct ledger_call *call)
{
    if (ledger->state != LEDGER_STATE_UP)
        return STATUS_UNAVAILABLE;
    struct ledger_slot *slot = slot_take(ledger);
    if (slot == NULL)
        return STATUS_NO_ROOM;
    slot->ledger = ledger;
    slot->request = (struct redis_request){.done = on_answered, .context = slot};
    slot->script = call->script;
    slot->tag = call->tag;
    slot->loads = 0;
    enum status status = ledger_command_build(call, ledger->name_space, ledger->options.horizon_ms,
                                              ledger->session.shas[call->script], &slot->command);
    if (status == STATUS_OK)
        status = redis_link_send(ledger->link, &slot->request,
                                 (struct bytes){slot->command.data, slot->command.len});
    if (status != STATUS_OK) {
        slot_put(ledger, slot);
        return status;
    }
    ledger->statistics.calls[call->script]++;
    if (ledger_wait_is_needed(ledger, call->script))
        ledger_wait_ask(ledger);
    return STATUS_OK;
}

bool ledger_is_up(const struct ledger *ledger)
{
    return ledger->state == LEDGER_STATE_UP;
}

uint64_t ledger_token(const struct ledger *ledger)
{
    return ledger->state == LEDGER_STATE_UP ? ledger->session.token : 0;
}

const char *ledger_note(const struct ledger *ledger)
{
    return ledger->session.note;
}

const struct ledger_statistics *ledger_statistics(const struct ledger *ledger)
{
    return &ledger->statistics;
}

/* ---- life ---- */

static enum status make_slots(struct ledger *ledger)
{
    ledger->slots = calloc(ledger->options.max_pending, sizeof *ledger->slots);
    if (ledger->slots == NULL)
        return STATUS_NO_ROOM;
    for (size_t i = ledger->options.max_pending; i-- > 0;) {
        ledger->slots[i].next = ledger->free_slots;
        ledger->free_slots = &ledger->slots[i];
    }
    return STATUS_OK;
}

static enum status make_parts(struct ledger *ledger)
{
    const struct ledger_options *options = &ledger->options;
    const struct redis_link_options link = {
        .host = options->host,
        .port = options->port,
        .username = options->username,
        .password = options->password,
        .database = options->database,
        .connect_timeout_ms = options->connect_timeout_ms,
        .command_timeout_ms = options->command_timeout_ms,
    };
    const struct redis_link_events events = {on_opened, on_closed, ledger};
    ledger->name_space = strdup(options->key_namespace);
    if (ledger->name_space == NULL)
        return STATUS_NO_ROOM;
    TRY(make_slots(ledger));
    TRY(ledger_session_init(ledger));
    TRY(loop_timer_new(ledger->loop, ledger_wait_expired, ledger, &ledger->wait_timer));
    return redis_link_new(ledger->loop, &link, &events, &ledger->link);
}

enum status ledger_new(struct loop *loop, const struct ledger_options *options,
                       const struct ledger_events *events, struct ledger **ret_ledger)
{
    if (options->max_pending == 0 || options->horizon_ms <= 0 || options->key_namespace == NULL ||
        strlen(options->key_namespace) > NAMESPACE_MAX)
        return STATUS_CONFIG;
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL)
        return STATUS_NO_ROOM;
    ledger->loop = loop;
    ledger->options = *options;
    ledger->events = *events;
    enum status status = make_parts(ledger);
    /* the caller's texts may end now */
    ledger->options.host = ledger->options.username = ledger->options.password = NULL;
    ledger->options.key_namespace = NULL;
    if (status != STATUS_OK) {
        ledger_free(ledger);
        return status;
    }
    *ret_ledger = ledger;
    return STATUS_OK;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    redis_link_free(ledger->link);
    ledger_session_done(ledger);
    loop_timer_free(ledger->wait_timer);
    for (size_t i = 0; ledger->slots != NULL && i < ledger->options.max_pending; i++) {
        free(ledger->slots[i].command.data);
        free(ledger->slots[i].held_block);
    }
    free(ledger->slots);
    free(ledger->name_space);
    free(ledger);
}
