/*
 * call: one request to the gateway, from its parsing to its answer.
 *
 * endpoint reads it and checks the signature, payout or query fill in the reply, delivery sends it,
 * or spoils it.
 */
#ifndef SANDBOX_CALL_H
#define SANDBOX_CALL_H

#include "form.h"
#include "reply.h"
#include "sandbox.h"

enum call_method { CALL_CARD, CALL_TOKEN, CALL_IBAN, CALL_STATUS, CALL_BALANCE };

/* Error codes that the stand-in gives by itself. */
enum call_error {
    CALL_FINE = 0,
    CALL_BAD_SIGNATURE = 1100,
    CALL_BAD_FIELDS = 2999,
    CALL_BALANCE_SHORT = 8888,
    CALL_ORDER_NOT_UNIQUE = 9991,
    CALL_NO_MERCHANT = 9998,
    CALL_OUT_OF_ORDER = 9999,
    CALL_DECLINED = 10001,
};

struct call {
    struct sandbox *sandbox;
    struct http_exchange *exchange;
    enum call_method method;
    struct bytes path, script;
    const struct form_fields *fields;
    struct merchant *merchant; /* NULL: not identified */
    struct fault fault;
    struct ledger_request entry;
    struct reply reply;
    bool is_signed;
    bool has_datetime;
    int64_t wall_ms;
};

/* An error answer: the reply and the ledger's word for it. */
void call_refuse(struct call *call, int32_t code, const char *description);
/* Unix time as the gateway writes it: 2024-09-02T12:19:01+00:00 */
enum { CALL_TIME_MAX = 32 };
void call_time(int64_t wall_ms, char ret_text[static CALL_TIME_MAX]);

/* payout.c: decides, pays or not, and fills the reply. */
void payout_answer(struct call *call);
/* check.c: what is wrong with a payout request, or NULL. */
const char *check_payout(const struct call *call, int64_t *ret_amount_minor);
/* The card number, token or IBAN. */
struct bytes check_payee(const struct call *call);
void check_mask(enum call_method method, struct bytes payee,
                char ret_text[static BOOK_DESTINATION_MAX + 1]);
/* payee.c: how the documented test payees behave. */
struct payee_behaviour {
    int32_t error_code; /* at once, or after process; 0: success */
    bool in_process_first;
};
struct payee_behaviour payee_behaviour(enum call_method method, struct bytes payee);
/* query.c */
void query_status(struct call *call);
void query_balance(struct call *call);
/* delivery.c: signs, spoils as the fault says, notes it in the ledger and ends the exchange, now or
 * later. */
void delivery_send(struct call *call);

/* settle.c: a payment reaches its end. */
void settle_success(struct sandbox *sandbox, struct payment *payment);
void settle_error(struct sandbox *sandbox, struct payment *payment, int32_t code);
/* After a while; code 0: success. */
void settle_later(struct sandbox *sandbox, const struct payment *payment, int64_t delay_ms,
                  int32_t code);

/* endpoint.c: the handler of the gateway's server; `context` is the sandbox. */
void endpoint_handle(void *context, struct http_exchange *exchange,
                     const struct http_request *request);
enum http_welcome endpoint_greet(void *context);

#endif
