/* A payout request: refused, paid, or left in between, as the payee, the amount and the switches
 * say. */
#include "call.h"

#include "amount.h"
#include "callbacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What becomes of a payment that the request makes. */
struct intent {
    enum payment_state state; /* at once */
    enum payment_plan plan;   /* by the status queries */
    bool counts_queries;      /* the fault's argument is how many */
    bool in_seconds;          /* the fault's argument is when it is paid */
    bool for_ever;            /* never paid */
};

static const struct intent intents[FAULT_COUNT] = {
    [FAULT_SLOW_EXECUTION] = {.state = PAYMENT_HIDDEN, .in_seconds = true},
    [FAULT_LATE_EXECUTION] = {.state = PAYMENT_HIDDEN, .in_seconds = true},
    [FAULT_LATE_BY_QUERIES] = {PAYMENT_HIDDEN, PLAN_HIDDEN_SUCCESS, .counts_queries = true},
    [FAULT_PENDING] = {.state = PAYMENT_PROCESS, .for_ever = true},
    [FAULT_CALLBACK_FORGED] = {.state = PAYMENT_PROCESS, .for_ever = true},
    [FAULT_PENDING_SUCCESS] = {PAYMENT_PROCESS, PLAN_PROCESS_SUCCESS, .counts_queries = true},
    [FAULT_PENDING_ERROR] = {PAYMENT_PROCESS, PLAN_PROCESS_ERROR, .counts_queries = true},
    [FAULT_PENDING_TIME] = {.state = PAYMENT_PROCESS, .in_seconds = true},
    [FAULT_CALLBACK_LOST] = {.state = PAYMENT_PROCESS, .in_seconds = true},
    [FAULT_STATUS_LAG] = {PAYMENT_SUCCESS, PLAN_LAG, .counts_queries = true},
    [FAULT_FLAPPING] = {PAYMENT_SUCCESS, PLAN_FLAP, .counts_queries = true},
    [FAULT_CONTRADICTION] = {PAYMENT_SUCCESS, PLAN_CONTRADICTION, .counts_queries = true},
};

static bool is_planned(enum fault_code code)
{
    const struct intent *intent = &intents[code];
    return intent->counts_queries || intent->in_seconds || intent->for_ever;
}

static const char *state_answer(const struct call *call, const struct payment *payment)
{
    bool says_process =
        payment->state == PAYMENT_PROCESS || call->fault.code == FAULT_CONTRADICTION;
    return says_process ? "process" : "ok";
}

static void fill_reply(struct call *call, const struct payment *payment)
{
    char amount[AMOUNT_TEXT_MAX], balance[AMOUNT_TEXT_MAX], date[CALL_TIME_MAX];
    bool is_iban = call->method == CALL_IBAN;
    amount_write(payment->amount_minor, amount);
    amount_write(call->merchant->balance_minor, balance);
    call_time(payment->created_ms, date);
    const char *word = state_answer(call, payment);
    struct reply *reply = &call->reply;
    reply_add_int64(reply, "pg_payment_id", payment->id);
    reply_add_text(reply, "pg_merchant_id", call->merchant->id);
    reply_add_text(reply, "pg_order_id", payment->order->id);
    reply_add_text(reply, "pg_status", word);
    if (!is_iban)
        reply_add_text(reply, "pg_balance", balance);
    reply_add_text(reply, "pg_payment_amount", amount);
    reply_add_text(reply, "pg_payment_date", date);
    if (!is_iban)
        reply_add_text(reply, "pg_reference", payment->reference);
    call->has_datetime = !is_iban;
    call->entry.payment_id = payment->id;
    snprintf(call->entry.answered, sizeof call->entry.answered, "%s", word);
}

static struct payment *make_payment(struct call *call, struct order *order, int64_t amount_minor)
{
    struct sandbox *sandbox = call->sandbox;
    struct payment *payment = book_pay(sandbox->book, order);
    if (payment == NULL)
        return NULL;
    char salt[RANDOM_SALT_LEN + 1];
    random_salt(&sandbox->random, salt);
    snprintf(payment->reference, sizeof payment->reference, "SB%.12s", salt);
    memcpy(payment->destination, call->entry.destination, sizeof payment->destination);
    payment->amount_minor = amount_minor;
    payment->created_ms = call->wall_ms;
    payment->fault = call->fault.code;
    struct bytes link = form_value(call->fields, "pg_post_link");
    if (sandbox->options.callbacks && link.len > 0) {
        payment->post_link = strndup(link.data, link.len);
        must(payment->post_link != NULL);
    }
    return payment;
}

/* The payment takes the way that its fault or its payee has. */
static void start_payment(struct call *call, struct payment *payment,
                          struct payee_behaviour behaviour)
{
    struct sandbox *sandbox = call->sandbox;
    const struct intent *intent = &intents[call->fault.code];
    if (is_planned(call->fault.code)) {
        payment->plan = intent->plan;
        payment->queries_left = intent->counts_queries ? call->fault.argument : 0;
        if (intent->in_seconds)
            settle_later(sandbox, payment, (int64_t) call->fault.argument * 1000, 0);
        payment->state = intent->state;
        if (intent->state == PAYMENT_SUCCESS)
            settle_success(sandbox, payment);
    } else if (behaviour.in_process_first && call->fault.code == FAULT_NONE) {
        payment->state = PAYMENT_PROCESS;
        settle_later(sandbox, payment, sandbox->options.process_ms, behaviour.error_code);
    } else {
        settle_success(sandbox, payment);
    }
    callbacks_payment_began(sandbox->callbacks, payment);
}

/* A declined payment is one, with an id; a request that was refused before (codes below 10000) is
 * none. */
static void decline(struct call *call, struct order *order, int64_t amount_minor, int32_t code)
{
    struct payment *payment = code < 10000 ? NULL : make_payment(call, order, amount_minor);
    if (payment != NULL) {
        settle_error(call->sandbox, payment, code);
        call->entry.payment_id = payment->id;
        reply_add_int64(&call->reply, "pg_payment_id", payment->id);
    }
    reply_add_text(&call->reply, "pg_merchant_id", call->merchant->id);
    reply_add_text(&call->reply, "pg_order_id", order->id);
    call_refuse(call, code, "declined by the sandbox");
}

/* True when an earlier payment of the order settles the matter. */
static bool answer_repeat(struct call *call, const struct order *order)
{
    const struct options *options = &call->sandbox->options;
    const struct payment *latest = order->latest;
    if (latest == NULL || latest->state == PAYMENT_ERROR)
        return false;
    if (options->unique_orders) {
        call_refuse(call, CALL_ORDER_NOT_UNIQUE, "pg_order_id is not unique");
        return true;
    }
    if (options->idempotent)
        fill_reply(call, latest);
    return options->idempotent;
}

static bool is_too_fast(struct call *call)
{
    int64_t now_ms = later_now_ms(), last_ms = call->merchant->last_payout_ms;
    call->merchant->last_payout_ms = now_ms;
    return last_ms != 0 && now_ms - last_ms < call->sandbox->options.pace_ms;
}

static void refuse_pace(struct call *call)
{
    int64_t code = call->sandbox->options.pace_code;
    if (code == 0)
        call->fault = (struct fault){FAULT_HTTP, 429};
    call_refuse(call, code == 0 ? CALL_OUT_OF_ORDER : (int32_t) code, "too many requests");
}

static void pay(struct call *call, struct order *order, int64_t amount_minor)
{
    struct payee_behaviour behaviour = payee_behaviour(call->method, check_payee(call));
    bool is_faulty = call->fault.code != FAULT_NONE && call->fault.code != FAULT_ERROR;
    int32_t code = behaviour.in_process_first || is_faulty ? 0 : behaviour.error_code;
    if (call->fault.code == FAULT_ERROR)
        code = call->fault.argument;
    if (code != 0 || call->fault.code == FAULT_ERROR) {
        decline(call, order, amount_minor, code);
        return;
    }
    if (amount_minor > call->merchant->balance_minor) {
        call->fault = (struct fault){FAULT_NONE, 0};
        decline(call, order, amount_minor, CALL_BALANCE_SHORT);
        return;
    }
    struct payment *payment = make_payment(call, order, amount_minor);
    if (payment == NULL) {
        call_refuse(call, CALL_OUT_OF_ORDER, "too many payments of one order");
        return;
    }
    start_payment(call, payment, behaviour);
    fill_reply(call, payment);
}

void payout_answer(struct call *call)
{
    int64_t amount_minor = 0;
    const char *complaint = check_payout(call, &amount_minor);
    if (complaint != NULL) {
        call_refuse(call, CALL_BAD_FIELDS, complaint);
        return;
    }
    if (call->fault.code == FAULT_NONE)
        call->fault = fault_of_amount(amount_minor);
    struct order *order =
        book_take(call->sandbox->book, call->merchant, form_value(call->fields, "pg_order_id"));
    order->requests++;
    const struct fault_row *row = fault_row(call->fault.code);
    bool is_lost = row->execution == FAULT_EXECUTES_NEVER && !is_planned(row->code) &&
                   row->code != FAULT_ERROR;
    if (is_lost)
        return; /* nothing happens here; delivery makes the noise */
    if (call->sandbox->options.pace_ms > 0 && is_too_fast(call))
        refuse_pace(call);
    else if (!answer_repeat(call, order))
        pay(call, order, amount_minor);
}
