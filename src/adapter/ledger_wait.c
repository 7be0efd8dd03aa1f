/*
 * WAIT: an answer that leads to sending or publishing is held back until enough replicas have it.
 * One WAIT stands behind all that a turn asked: it covers every write before it, and blocks only
 * this connection.
 */
#include "ledger_parts.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

bool ledger_wait_is_needed(const struct ledger *ledger, enum ledger_script script)
{
    return ledger->options.wait_replicas > 0 &&
           (script == LEDGER_ARM || script == LEDGER_SETTLE || script == LEDGER_REJECT);
}

static bool leads_to_money(enum ledger_answer answer)
{
    return answer == LEDGER_ARMED || answer == LEDGER_SETTLED || answer == LEDGER_KNOWN;
}

/* Gives out everything held; `why` not NULL: as this answer instead of the script's. */
static void release(struct ledger *ledger, enum ledger_answer instead, const char *why)
{
    struct ledger_slot *slot = ledger->held_first;
    ledger->held_first = ledger->held_last = NULL;
    while (slot != NULL) {
        struct ledger_slot *next = slot->next;
        struct ledger_reply reply = slot->held;
        if (why != NULL && (instead == LEDGER_FAILED || leads_to_money(reply.answer)))
            reply = (struct ledger_reply){.answer = instead, .script = slot->script, .why = why};
        ledger_answer(ledger, slot, &reply);
        slot = next;
    }
}

static void send_wait(struct ledger *ledger);

static void on_waited(void *context, struct redis_request *request, const redisReply *reply)
{
    (void) request;
    struct ledger *ledger = context;
    ledger->wait_under_way = false;
    if (reply == NULL)
        return; /* closed: ledger_wait_fail has answered */
    if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= ledger->options.wait_replicas) {
        release(ledger, LEDGER_ARMED, NULL);
    } else {
        char why[LEDGER_WHY_MAX];
        if (reply->type == REDIS_REPLY_ERROR)
            snprintf(why, sizeof why, "WAIT was refused: %.200s", reply->str);
        else
            snprintf(why, sizeof why, "only %lld of %d replicas have the write", reply->integer,
                     ledger->options.wait_replicas);
        ledger_block(ledger, STATUS_UNAVAILABLE, why);
        release(ledger, LEDGER_BLOCKED, why);
    }
    if (ledger->wait_due)
        send_wait(ledger);
}

static void send_wait(struct ledger *ledger)
{
    char space[96];
    struct buffer buffer;
    struct bytes command;
    buffer_init(&buffer, space, sizeof space);
    redis_link_put_count(&buffer, 3);
    redis_link_put_word(&buffer, BYTES("WAIT"));
    redis_link_put_number(&buffer, ledger->options.wait_replicas);
    /* less than the deadline: too few replicas are an answer, not a broken connection */
    redis_link_put_number(&buffer, ledger->options.command_timeout_ms / 2 + 1);
    must(buffer_take(&buffer, &command) == STATUS_OK);
    ledger->wait = (struct redis_request){.done = on_waited, .context = ledger};
    if (redis_link_send(ledger->link, &ledger->wait, command) != STATUS_OK)
        return; /* closed: what needed it is answered as failed */
    ledger->wait_due = false;
    ledger->wait_under_way = true;
}

void ledger_wait_expired(void *context)
{
    struct ledger *ledger = context;
    if (ledger->wait_due && !ledger->wait_under_way)
        send_wait(ledger);
}

void ledger_wait_ask(struct ledger *ledger)
{
    if (!ledger->wait_due && !ledger->wait_under_way)
        loop_timer_set(ledger->wait_timer, 0);
    ledger->wait_due = true;
}

void ledger_wait_hold(struct ledger *ledger, struct ledger_slot *slot,
                      const struct ledger_reply *reply)
{
    if (ledger_reply_copy(reply, &slot->held, &slot->held_block) != STATUS_OK) {
        struct ledger_reply failed = {.answer = LEDGER_FAILED,
                                      .script = slot->script,
                                      .why = "no memory to keep the answer in"};
        ledger_answer(ledger, slot, &failed);
        return;
    }
    slot->next = NULL;
    if (ledger->held_last == NULL)
        ledger->held_first = slot;
    else
        ledger->held_last->next = slot;
    ledger->held_last = slot;
}

void ledger_wait_fail(struct ledger *ledger)
{
    ledger->wait_due = false;
    release(ledger, LEDGER_FAILED, "the link broke before the replicas had it");
}
