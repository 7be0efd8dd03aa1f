/* The gateway's address: which method, which merchant, is the signature right, and what goes wrong
 * today. */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct endpoint_row {
    const char *path;
    enum call_method method;
    const char *name; /* in the ledger */
    enum switch_on on;
};

static const struct endpoint_row rows[] = {
    {"/g2g/p2p2nonreg", CALL_CARD, "card", SWITCH_ON_PAYOUT},
    {"/api/reg2reg", CALL_TOKEN, "token", SWITCH_ON_PAYOUT},
    {"/g2g/reg2reg", CALL_TOKEN, "token", SWITCH_ON_PAYOUT},
    {"/api/to_iban", CALL_IBAN, "iban", SWITCH_ON_PAYOUT},
    {"/g2g/payout_status2", CALL_STATUS, "status", SWITCH_ON_STATUS},
    {"/api/payment_status2", CALL_STATUS, "status", SWITCH_ON_STATUS},
    {"/api/balance_status", CALL_BALANCE, "balance", SWITCH_ON_BALANCE},
};

void call_time(int64_t wall_ms, char ret_text[static CALL_TIME_MAX])
{
    time_t seconds = (time_t) (wall_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(ret_text, CALL_TIME_MAX, "%Y-%m-%dT%H:%M:%S+00:00", &parts);
}

void call_refuse(struct call *call, int32_t code, const char *description)
{
    reply_add_text(&call->reply, "pg_status", "error");
    reply_add_int64(&call->reply, "pg_error_code", code);
    reply_add_text(&call->reply, "pg_error_description", description);
    snprintf(call->entry.answered, sizeof call->entry.answered, "error %d", (int) code);
}

static void copy_value(struct bytes value, char *ret_text, size_t room)
{
    size_t len = value.len < room ? value.len : room - 1;
    if (len > 0)
        memcpy(ret_text, value.data, len);
    ret_text[len] = '\0';
}

static void fill_entry(struct call *call)
{
    struct ledger_request *entry = &call->entry;
    copy_value(form_value(call->fields, "pg_merchant_id"), entry->merchant, sizeof entry->merchant);
    copy_value(form_value(call->fields, "pg_order_id"), entry->order, sizeof entry->order);
    copy_value(form_value(call->fields, "pg_amount"), entry->amount, sizeof entry->amount);
    if (call->method != CALL_STATUS && call->method != CALL_BALANCE)
        check_mask(call->method, check_payee(call), entry->destination);
}

/* Whoever asks must be known, and the signature right; else the answer is an error. */
static bool admit(struct call *call)
{
    struct sandbox *sandbox = call->sandbox;
    call->merchant =
        merchants_find(&sandbox->merchants, form_value(call->fields, "pg_merchant_id"));
    if (call->merchant == NULL) {
        call_refuse(call, CALL_NO_MERCHANT, "merchant not found");
        return false;
    }
    if (signature_check(call->script, call->fields->items, call->fields->count,
                        bytes_of(call->merchant->secret)) != STATUS_OK) {
        call->is_signed = !sandbox->options.unsigned_1100;
        call_refuse(call, CALL_BAD_SIGNATURE, "wrong signature");
        return false;
    }
    return true;
}

static void answer_query(struct call *call)
{
    if (call->fault.code == FAULT_ERROR)
        call_refuse(call, call->fault.argument, "an error of the sandbox");
    else if (call->method == CALL_STATUS)
        query_status(call);
    else
        query_balance(call);
}

static void treat(struct call *call, const struct endpoint_row *row)
{
    struct sandbox *sandbox = call->sandbox;
    fill_entry(call);
    if (admit(call)) {
        bool is_payout = row->on == SWITCH_ON_PAYOUT;
        if (sandbox->switches.count > 0)
            call->fault =
                switches_hit(&sandbox->switches, false, row->on, later_now_ms(), &sandbox->random);
        if (is_payout)
            payout_answer(call);
        else if (fault_row(call->fault.code)->scope == FAULT_SCOPE_ANY)
            answer_query(call);
    }
    delivery_send(call);
}

static const struct endpoint_row *find_row(struct bytes path)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (bytes_equal_text(path, rows[i].path))
            return &rows[i];
    return NULL;
}

static void refuse_http(struct sandbox *sandbox, struct http_exchange *exchange, int http_status)
{
    struct ledger_request entry = {.wall_ms = later_wall_ms(),
                                   .method = "-",
                                   .http_status = http_status,
                                   .answered = "not a method of the gateway"};
    ledger_add(sandbox->ledger, &entry);
    http_exchange_answer(exchange, http_status, "text/html",
                         BYTES("<html><body>not here</body></html>\n"));
}

void endpoint_handle(void *context, struct http_exchange *exchange,
                     const struct http_request *request)
{
    struct sandbox *sandbox = context;
    const struct endpoint_row *row = find_row(request->path);
    if (row == NULL || !bytes_equal_text(request->method, "POST")) {
        refuse_http(sandbox, exchange, row == NULL ? 404 : 405);
        return;
    }
    struct form_fields fields;
    char *room = malloc(request->body.len + 1);
    must(room != NULL);
    if (form_read(request->content_type, request->body, room, &fields) != STATUS_OK) {
        refuse_http(sandbox, exchange, 400);
    } else {
        struct call call = {.sandbox = sandbox,
                            .exchange = exchange,
                            .method = row->method,
                            .path = request->path,
                            .script = signature_script(request->path),
                            .fields = &fields,
                            .is_signed = true,
                            .wall_ms = later_wall_ms()};
        reply_init(&call.reply);
        call.entry.method = row->name;
        call.entry.wall_ms = call.wall_ms;
        treat(&call, row);
    }
    OPENSSL_cleanse(room, request->body.len); /* it may have held a card number */
    free(room);
}

enum http_welcome endpoint_greet(void *context)
{
    struct sandbox *sandbox = context;
    if (sandbox->switches.count == 0)
        return HTTP_WELCOME;
    struct fault fault =
        switches_hit(&sandbox->switches, true, SWITCH_ON_ALL, later_now_ms(), &sandbox->random);
    if (fault.code == FAULT_ACCEPT_RESET)
        return HTTP_WELCOME_RESET;
    if (fault.code == FAULT_ACCEPT_SILENCE)
        return HTTP_WELCOME_SILENCE;
    if (fault.code == FAULT_ACCEPT_CLOSE)
        return HTTP_WELCOME_CLOSE;
    return fault.code == FAULT_UNTRUSTED ? HTTP_WELCOME_UNTRUSTED : HTTP_WELCOME;
}
