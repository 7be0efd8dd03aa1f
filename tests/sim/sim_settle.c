/* settle.lua in C. */
#include "sim_scripts.h"

#include <stdio.h>
#include <string.h>

/* Settled by this very call: its own body comes back. */
static void answer_written(struct sim_asking *asking, struct bytes body)
{
    sim_scripts_answer(asking, LEDGER_SETTLED);
    asking->reply->body = body.len == 0 ? BYTES_NONE : body;
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

static void settle_over_final(struct sim_asking *asking)
{
    const struct sim_order *order = asking->order;
    enum order_state state = asking->call->state;
    if (asking->call->mode == SETTLE_OWN_STATUS && asking->fp[0] != '\0' && !order->doubt &&
        strcmp(asking->fp, order->fp) != 0) {
        sim_scripts_answer(asking, LEDGER_CONFLICT);
        return;
    }
    if (order_state_is_final(state) && state != order->state) {
        sim_scripts_answer(asking, LEDGER_CONTRADICTION);
        return;
    }
    bool own = strcmp(asking->by, order->rsrc) == 0 || strcmp(asking->by, order->src) == 0 ||
               (order->doubt && asking->call->mode != SETTLE_RESOLUTION);
    sim_scripts_answer(asking, own ? LEDGER_SETTLED : LEDGER_DONE);
}

/* Whether the order is as the mode wants it; else the answer is given. */
static bool settle_fits(struct sim_asking *asking)
{
    const struct ledger_call *call = asking->call;
    const struct sim_order *order = asking->order;
    bool seen = bytes_equal_text(call->instance, order->inst) && order->att == call->attempt;
    bool is_sending = order->exists && order->state == ORDER_SENDING;
    enum ledger_answer word = LEDGER_ANSWER_COUNT;
    switch (call->mode) {
    case SETTLE_OWN_ANSWER:
        if (!is_sending || !seen || order->call != call->call ||
            (order->doubt && call->state == ORDER_FAILED))
            word = LEDGER_LATE;
        break;
    case SETTLE_OWN_STATUS:
        if (!is_sending || !seen)
            word = LEDGER_MOVED;
        else if (asking->fp[0] != '\0' && strcmp(asking->fp, order->fp) != 0)
            word = LEDGER_CONFLICT;
        break;
    case SETTLE_RESOLUTION:
        if (order->exists && call->state != ORDER_PAID && (order->state == ORDER_READY || !seen))
            word = LEDGER_MOVED;
        break;
    }
    bool is_doubted_failure =
        call->state == ORDER_FAILED && order->doubt && call->evidence != EVIDENCE_OPERATOR;
    if (word == LEDGER_ANSWER_COUNT && is_doubted_failure)
        word = LEDGER_DONE;
    if (word != LEDGER_ANSWER_COUNT)
        sim_scripts_answer(asking, word);
    return word == LEDGER_ANSWER_COUNT;
}

/* Evidence of an order that Redis does not know. */
static void settle_absent(struct sim_asking *asking)
{
    const struct ledger_call *call = asking->call;
    struct sim_order *order = asking->order;
    sim_scripts_create(asking, ORDER_UNKNOWN);
    order->src[0] = order->fp[0] = '\0';
    order->seq = 1;
    order->doubt = true;
    order->t_arm_ms = asking->now_ms;
    KEEP(order->res, call->state == ORDER_UNKNOWN ? call->body : call->late_body);
}

void sim_settle(struct sim_asking *asking)
{
    const struct ledger_call *call = asking->call;
    struct sim_order *order = asking->order;
    char rid[176];
    snprintf(rid, sizeof rid, "%s %s %.*s %lld %d %s", mode_name(call->mode), asking->by,
             (int) call->instance.len, call->instance.len == 0 ? "" : call->instance.data,
             (long long) call->call, (int) call->attempt, order_state_name(call->state));
    if (strcmp(order->rid, rid) == 0) {
        sim_scripts_answer(asking, LEDGER_SETTLED);
        return;
    }
    if (order->exists && order_state_is_final(order->state)) {
        settle_over_final(asking);
        return;
    }
    if (!settle_fits(asking))
        return;
    sim_scripts_enter_due(asking);
    bool was_absent = !order->exists;
    if (was_absent)
        settle_absent(asking);
    else {
        order->state = call->state;
        order->seq++;
        KEEP(order->res, call->body);
    }
    KEEP(order->rsrc, bytes_of(asking->by));
    KEEP(order->rid, bytes_of(rid));
    if (call->payment_id.len > 0)
        KEEP(order->pid, call->payment_id);
    if (was_absent)
        sim_scripts_answer(asking, LEDGER_SETTLED);
    else
        answer_written(asking, call->body);
}
