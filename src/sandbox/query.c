/* Status and balance: what the gateway says about what it has done, as truthfully as the fault
 * allows. */
#include "call.h"

#include "amount.h"

#include <stdio.h>

static void say_not_found(struct call *call, struct bytes order_id)
{
    int64_t code = call->sandbox->options.not_found_code;
    if (code != 0) {
        call_refuse(call, (int32_t) code, "no such payment");
        return;
    }
    reply_add_text(&call->reply, "pg_status", "ok");
    reply_add_int64(&call->reply, "pg_payment_id", 0);
    reply_add(&call->reply, "pg_order_id", order_id);
    reply_add_text(&call->reply, "pg_merchant_id", call->merchant->id);
    snprintf(call->entry.answered, sizeof call->entry.answered, "no such payment");
}

static void say(struct call *call, const struct payment *payment, enum payment_state state,
                int32_t code)
{
    const char *word = payment_state_word(state);
    struct reply *reply = &call->reply;
    reply_add_text(reply, "pg_status", "ok");
    reply_add_int64(reply, "pg_payment_id", payment->id);
    reply_add_text(reply, "pg_payment_status", word);
    reply_add_text(reply, "pg_order_id", payment->order->id);
    reply_add_text(reply, "pg_merchant_id", call->merchant->id);
    call->entry.payment_id = payment->id;
    snprintf(call->entry.answered, sizeof call->entry.answered, "%s", word);
    if (state != PAYMENT_ERROR)
        return;
    reply_add_int64(reply, "pg_error_code", code);
    reply_add_text(reply, "pg_error_description", "declined by the sandbox");
    snprintf(call->entry.answered, sizeof call->entry.answered, "error %d", (int) code);
}

/* One query passes: may move the payment on. True: the answer is that there is no such payment. */
static bool pass_query(struct call *call, struct payment *payment, enum payment_state *ret_state)
{
    bool passes = payment->queries_left > 0;
    if (passes)
        payment->queries_left--;
    *ret_state = payment->state;
    switch (payment->plan) {
    case PLAN_NONE:
        return payment->state == PAYMENT_HIDDEN;
    case PLAN_LAG:
        return passes;
    case PLAN_FLAP:
        *ret_state = passes ? PAYMENT_PROCESS : payment->state;
        return passes && payment->queries_left % 2 == 1;
    case PLAN_PROCESS_SUCCESS:
        if (!passes)
            settle_success(call->sandbox, payment);
        *ret_state = payment->state;
        return false;
    case PLAN_PROCESS_ERROR:
        if (!passes && payment->state == PAYMENT_PROCESS)
            settle_error(call->sandbox, payment, CALL_DECLINED);
        *ret_state = payment->state;
        return false;
    case PLAN_HIDDEN_SUCCESS:
        if (payment->queries_left == 0)
            settle_success(call->sandbox, payment); /* behind the back of this very answer */
        return passes;
    case PLAN_CONTRADICTION:
        *ret_state = passes ? PAYMENT_ERROR : payment->state;
        return false;
    }
    must(false);
}

static struct payment *find_payment(struct call *call, struct bytes order_id)
{
    int64_t payment_id = 0;
    struct bytes text = form_value(call->fields, "pg_payment_id");
    struct order *order = book_find(call->sandbox->book, call->merchant, order_id);
    if (order != NULL)
        order->queries++;
    if (text.len > 0 && bytes_to_int64(text, &payment_id) == STATUS_OK && payment_id != 0) {
        struct payment *payment = book_payment(call->sandbox->book, payment_id);
        return payment != NULL && payment->order == order ? payment : NULL;
    }
    return order == NULL ? NULL : order->latest;
}

void query_status(struct call *call)
{
    struct bytes order_id = form_value(call->fields, "pg_order_id");
    if (order_id.len == 0 || order_id.len > BOOK_ORDER_ID_MAX) {
        call_refuse(call, CALL_BAD_FIELDS, "pg_order_id is missing or too long");
        return;
    }
    struct payment *payment = find_payment(call, order_id);
    enum payment_state state = PAYMENT_HIDDEN;
    if (payment == NULL || pass_query(call, payment, &state))
        say_not_found(call, order_id);
    else
        say(call, payment, state, payment->error_code == 0 ? CALL_DECLINED : payment->error_code);
}

void query_balance(struct call *call)
{
    char balance[AMOUNT_TEXT_MAX];
    amount_write(call->merchant->balance_minor, balance);
    reply_add_text(&call->reply, "pg_status", "ok");
    reply_add_text(&call->reply, "pg_balance", balance);
    snprintf(call->entry.answered, sizeof call->entry.answered, "balance %.20s", balance);
}
