/* The ledger's scripts in C: each function stands for the Lua file of its name. */
#include "sim_scripts.h"

#include <stdio.h>
#include <string.h>

/* Texts. */

void sim_scripts_keep(char *to, size_t max, struct bytes text)
{
    must(text.len < max);
    if (text.len > 0)
        memcpy(to, text.data, text.len);
    to[text.len] = '\0';
}

static struct bytes view(const char *text)
{
    return text[0] == '\0' ? BYTES_NONE : bytes_of(text);
}

static void spell_source(const struct source_position *by, char ret_text[48])
{
    snprintf(ret_text, 48, "%.*s/%d/%lld", (int) by->topic.len, by->topic.data, (int) by->partition,
             (long long) by->offset);
}

static void spell_fingerprint(const uint8_t *fingerprint, char ret_text[65])
{
    static const char digits[] = "0123456789abcdef";
    ret_text[0] = '\0';
    for (size_t i = 0; fingerprint != NULL && i < 32; i++) {
        ret_text[2 * i] = digits[fingerprint[i] >> 4];
        ret_text[2 * i + 1] = digits[fingerprint[i] & 15];
        ret_text[2 * i + 2] = '\0';
    }
}

/* prelude.lua */

void sim_scripts_answer(struct sim_asking *asking, enum ledger_answer word)
{
    const struct sim_order *order = asking->order;
    struct ledger_reply *reply = asking->reply;
    reply->answer = word;
    reply->attempt = order->att;
    reply->state = order->exists ? order->state : ORDER_ABSENT;
    reply->sequence = order->seq;
    reply->published = order->pub;
    reply->armed_ms = order->t_arm_ms;
    reply->now_ms = asking->now_ms;
    reply->doubt = order->doubt;
    reply->instance = view(order->inst);
    reply->call = order->call;
    reply->source = view(order->src);
    reply->settled_source = view(order->rsrc);
    reply->merchant_id = view(order->merchant);
    reply->profile = view(order->profile);
    reply->payment_id = view(order->pid);
    reply->refused_payment_ids = view(order->refused);
    reply->order_id = view(order->oid);
    reply->body = view(order->res);
}

static void known(struct sim_asking *asking)
{
    const struct sim_order *order = asking->order;
    if (order->doubt)
        sim_scripts_answer(asking, LEDGER_KNOWN);
    else if (strcmp(order->fp, asking->fp) != 0)
        sim_scripts_answer(asking, LEDGER_CONFLICT);
    else
        sim_scripts_answer(asking,
                           strcmp(order->src, asking->by) == 0 ? LEDGER_KNOWN : LEDGER_DUPLICATE);
}

static bool is_claimable(const struct sim_asking *asking)
{
    const struct sim_order *order = asking->order;
    return !order->exists || (order->state == ORDER_READY && strcmp(order->src, asking->by) == 0 &&
                              strcmp(order->fp, asking->fp) == 0 && !order->doubt);
}

void sim_scripts_enter_due(struct sim_asking *asking)
{
    asking->order->due = true;
    asking->order->due_ms = asking->now_ms + asking->call->due_ms;
}

/* The fields that an order gets at its first ARM, PARK or REJECT. */
void sim_scripts_create(struct sim_asking *asking, enum order_state state)
{
    struct sim_order *order = asking->order;
    bool due = order->due;
    int64_t due_ms = order->due_ms;
    memset(order, 0, sizeof *order);
    order->exists = true;
    order->state = state;
    order->due = due;
    order->due_ms = due_ms;
    KEEP(order->src, bytes_of(asking->by));
    KEEP(order->fp, bytes_of(asking->fp));
    KEEP(order->oid, asking->call->order_id);
    KEEP(order->merchant, asking->call->merchant_id);
    KEEP(order->profile, asking->call->profile);
}

static void arm(struct sim_asking *asking)
{
    const struct ledger_call *call = asking->call;
    struct sim_order *order = asking->order;
    if (is_claimable(asking)) {
        if (order->att + 1 != call->attempt) {
            if (order->exists)
                sim_scripts_answer(asking, LEDGER_KNOWN);
            else
                asking->reply->answer = LEDGER_EMPTY;
            return;
        }
        sim_scripts_enter_due(asking);
        if (!order->exists)
            sim_scripts_create(asking, ORDER_SENDING);
        order->state = ORDER_SENDING;
        KEEP(order->inst, call->instance);
        order->call = call->call;
        order->att = call->attempt;
        order->t_arm_ms = asking->now_ms;
        sim_scripts_answer(asking, LEDGER_ARMED);
        return;
    }
    if (order->state != ORDER_SENDING) {
        known(asking);
        return;
    }
    bool is_repeat = bytes_equal_text(call->instance, order->inst) && order->call == call->call &&
                     order->att == call->attempt;
    sim_scripts_answer(asking, is_repeat ? LEDGER_ARMED : LEDGER_SENT_BY_OTHER);
}

static void park(struct sim_asking *asking)
{
    if (is_claimable(asking)) {
        if (!asking->order->exists)
            sim_scripts_create(asking, ORDER_READY);
        sim_scripts_answer(asking, LEDGER_PARKED);
    } else if (asking->order->state == ORDER_SENDING)
        sim_scripts_answer(asking, LEDGER_SENT_BY_OTHER);
    else
        known(asking);
}

static void reject(struct sim_asking *asking)
{
    const struct ledger_call *call = asking->call;
    struct sim_order *order = asking->order;
    char rid[176];
    snprintf(rid, sizeof rid, "REJECT %s", asking->by);
    if (is_claimable(asking)) {
        sim_scripts_enter_due(asking);
        bool is_new = !order->exists;
        if (is_new)
            sim_scripts_create(asking, ORDER_REJECTED);
        order->seq++;
        KEEP(order->rsrc, bytes_of(asking->by));
        KEEP(order->rid, bytes_of(rid));
        order->state = is_new ? ORDER_REJECTED : ORDER_FAILED;
        KEEP(order->res, is_new ? call->body : call->late_body);
        sim_scripts_answer(asking, LEDGER_SETTLED);
        return;
    }
    if (order->state == ORDER_SENDING)
        sim_scripts_answer(asking, LEDGER_SENT_BY_OTHER);
    else if (strcmp(order->rid, rid) == 0 && strcmp(order->fp, asking->fp) == 0 && !order->doubt)
        sim_scripts_answer(asking, LEDGER_SETTLED);
    else
        known(asking);
}

static void disarm(struct sim_asking *asking)
{
    const struct ledger_call *call = asking->call;
    struct sim_order *order = asking->order;
    bool is_mine = order->exists && order->state == ORDER_SENDING &&
                   bytes_equal_text(call->instance, order->inst) && order->call == call->call &&
                   order->att == call->attempt && !order->doubt;
    if (is_mine) {
        if (call->payment_id.len > 0) {
            size_t len = strlen(order->refused);
            int more =
                snprintf(order->refused + len, sizeof order->refused - len, "%s%.*s",
                         len == 0 ? "" : " ", (int) call->payment_id.len, call->payment_id.data);
            must(more > 0 && (size_t) more < sizeof order->refused - len);
        }
        order->state = ORDER_READY;
        order->pid[0] = '\0';
        order->due = false;
        sim_scripts_answer(asking, LEDGER_DISARMED);
    } else if (!order->exists)
        sim_scripts_answer(asking, LEDGER_ABSENT);
    else if (order->state == ORDER_READY && order->att == call->attempt && !order->doubt)
        sim_scripts_answer(asking, LEDGER_DISARMED);
    else
        sim_scripts_answer(asking, LEDGER_MOVED);
}

static void published(struct sim_asking *asking)
{
    struct sim_order *order = asking->order;
    int64_t sequence = asking->call->sequence;
    if (!order->exists) {
        order->due = false;
        sim_scripts_answer(asking, LEDGER_ABSENT);
        return;
    }
    if (sequence > order->seq) {
        sim_scripts_answer(asking, LEDGER_MOVED);
        return;
    }
    if (sequence > order->pub)
        order->pub = sequence;
    if (order_state_is_final(order->state) && order->pub == order->seq)
        order->due = false;
    sim_scripts_answer(asking, LEDGER_MARKED);
    asking->reply->body = BYTES_NONE;
}

static void defer(struct sim_asking *asking)
{
    struct sim_order *order = asking->order;
    if (order->due)
        order->due_ms = asking->now_ms + asking->call->due_ms;
    sim_scripts_answer(asking, order->exists ? LEDGER_MARKED : LEDGER_ABSENT);
    asking->reply->body = BYTES_NONE;
}

void sim_scripts_run(struct sim_asking *asking)
{
    spell_source(&asking->call->by, asking->by);
    spell_fingerprint(asking->call->fingerprint, asking->fp);
    switch (asking->call->script) {
    case LEDGER_ARM:
        arm(asking);
        return;
    case LEDGER_PARK:
        park(asking);
        return;
    case LEDGER_REJECT:
        reject(asking);
        return;
    case LEDGER_DISARM:
        disarm(asking);
        return;
    case LEDGER_SETTLE:
        sim_settle(asking);
        return;
    case LEDGER_PUBLISHED:
        published(asking);
        return;
    case LEDGER_DEFER:
        defer(asking);
        return;
    case LEDGER_READ:
        sim_scripts_answer(asking, asking->order->exists ? LEDGER_FOUND : LEDGER_ABSENT);
        return;
    case LEDGER_DUE:
    case LEDGER_WIPE:
    case LEDGER_SCRIPT_COUNT:
        break;
    }
    must(!"a script that the simulator plays");
}
