/* The end of a payment: money moves at one place only. */
#include "call.h"
#include "callbacks.h"

#include <stdlib.h>

struct pending {
    struct sandbox *sandbox;
    int64_t payment_id; /* not a pointer: the order may be forgotten meanwhile */
    int32_t code;
};

void settle_success(struct sandbox *sandbox, struct payment *payment)
{
    payment->state = PAYMENT_SUCCESS;
    if (payment->executed_ms != 0)
        return;
    book_execute(sandbox->book, payment, later_wall_ms());
    ledger_add_execution(sandbox->ledger, payment);
    callbacks_payment_ended(sandbox->callbacks, payment);
}

void settle_error(struct sandbox *sandbox, struct payment *payment, int32_t code)
{
    payment->state = PAYMENT_ERROR;
    payment->error_code = code;
    callbacks_payment_ended(sandbox->callbacks, payment);
}

static void on_time(void *context, bool cancelled)
{
    struct pending *pending = context;
    struct payment *payment =
        cancelled ? NULL : book_payment(pending->sandbox->book, pending->payment_id);
    if (payment != NULL && pending->code == 0)
        settle_success(pending->sandbox, payment);
    else if (payment != NULL)
        settle_error(pending->sandbox, payment, pending->code);
    free(pending);
}

void settle_later(struct sandbox *sandbox, const struct payment *payment, int64_t delay_ms,
                  int32_t code)
{
    struct pending *pending = calloc(1, sizeof *pending);
    must(pending != NULL);
    *pending = (struct pending){sandbox, payment->id, code};
    later_add(sandbox->later, delay_ms, on_time, pending);
}
