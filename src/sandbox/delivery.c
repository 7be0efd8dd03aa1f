/* The answer leaves: as it should, or in one of the ways in which answers go wrong. */
#include "call.h"

#include "amount.h"
#include "http_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATH_ROOM = 64,
    HUGE_PIECE = 64 * 1024,
    MIB = 1024 * 1024,
    HUGE_MIB_MAX = 64,
    NOISE_LEN = 512
};

static const char xml_type[] = "text/xml; charset=utf-8";

/* An answer on its way; on the stack when it goes at once. */
struct delivery {
    struct sandbox *sandbox;
    struct http_exchange *exchange;
    struct fault fault;
    char path[PATH_ROOM];
    struct bytes text;
    size_t sent; /* DRIP */
};

typedef void deliver_call(const struct delivery *delivery);

static void write_text(const struct delivery *delivery, const char *text)
{
    http_exchange_write(delivery->exchange, bytes_of(text));
}

/* The head of a whole answer, `more` being further header lines. */
static void write_head(const struct delivery *delivery, int http_status, const char *more,
                       size_t body_len)
{
    char head[512];
    snprintf(head, sizeof head,
             "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%sContent-Length: %zu\r\n\r\n", http_status,
             http_status_reason(http_status), xml_type, more, body_len);
    write_text(delivery, head);
}

static void deliver_answer(const struct delivery *delivery)
{
    http_exchange_answer(delivery->exchange, 200, xml_type, delivery->text);
}

static void deliver_reset(const struct delivery *delivery)
{
    http_exchange_end(delivery->exchange, HTTP_END_RESET);
}

static void deliver_close(const struct delivery *delivery)
{
    http_exchange_end(delivery->exchange, HTTP_END_CLOSE);
}

static void on_silence_over(void *context, bool cancelled)
{
    (void) cancelled;
    http_exchange_end(context, HTTP_END_CLOSE);
}

static void deliver_silence(const struct delivery *delivery)
{
    if (delivery->fault.argument == 0)
        http_exchange_end(delivery->exchange, HTTP_END_HOLD);
    else
        later_add(delivery->sandbox->later, (int64_t) delivery->fault.argument * 1000,
                  on_silence_over, delivery->exchange);
}

static void deliver_http(const struct delivery *delivery)
{
    int http_status = delivery->fault.argument;
    struct bytes body = BYTES("<html><body>an answer from a box in between</body></html>\n");
    const char *more = "";
    if (http_status == 401)
        more = "WWW-Authenticate: Basic realm=\"sandbox\"\r\n";
    else if (http_status == 407)
        more = "Proxy-Authenticate: Basic realm=\"sandbox\"\r\n";
    write_head(delivery, http_status, more, body.len);
    http_exchange_write(delivery->exchange, body);
    http_exchange_end(delivery->exchange, HTTP_END_KEEP);
}

static void deliver_redirect(const struct delivery *delivery)
{
    char more[PATH_ROOM + 32];
    snprintf(more, sizeof more, "Location: %s\r\n", delivery->path);
    write_head(delivery, delivery->fault.argument, more, 0);
    http_exchange_end(delivery->exchange, HTTP_END_KEEP);
}

static void deliver_truncated(const struct delivery *delivery)
{
    write_head(delivery, 200, "", delivery->text.len);
    http_exchange_write(delivery->exchange,
                        (struct bytes){delivery->text.data, delivery->text.len / 2});
    http_exchange_end(delivery->exchange, HTTP_END_CLOSE);
}

static void deliver_half_head(const struct delivery *delivery)
{
    write_text(delivery, "HTTP/1.1 2");
    http_exchange_end(delivery->exchange, HTTP_END_CLOSE);
}

static void deliver_noise(const struct delivery *delivery)
{
    char noise[NOISE_LEN] = "\x1f\x8b\x08";
    for (size_t i = 3; i < sizeof noise; i++)
        noise[i] = (char) random_below(&delivery->sandbox->random, 256);
    write_head(delivery, 200, "Content-Encoding: gzip\r\n", sizeof noise);
    http_exchange_write(delivery->exchange, (struct bytes){noise, sizeof noise});
    http_exchange_end(delivery->exchange, HTTP_END_KEEP);
}

static void deliver_huge(const struct delivery *delivery)
{
    static char piece[HUGE_PIECE];
    struct bytes start = BYTES("<response><pg_status>ok</pg_status><pg_filler>");
    struct bytes end = BYTES("</pg_filler></response>");
    int32_t mib = delivery->fault.argument > HUGE_MIB_MAX ? HUGE_MIB_MAX : delivery->fault.argument;
    memset(piece, 'a', sizeof piece);
    write_head(delivery, 200, "", start.len + (size_t) mib * MIB + end.len);
    http_exchange_write(delivery->exchange, start);
    for (int32_t i = 0; i < mib * (MIB / HUGE_PIECE); i++)
        http_exchange_write(delivery->exchange, (struct bytes){piece, sizeof piece});
    http_exchange_write(delivery->exchange, end);
    http_exchange_end(delivery->exchange, HTTP_END_KEEP);
}

static void deliver_deep(const struct delivery *delivery)
{
    size_t levels = (size_t) delivery->fault.argument;
    write_head(delivery, 200, "", levels * 7);
    for (size_t i = 0; i < levels; i++)
        write_text(delivery, "<a>");
    for (size_t i = 0; i < levels; i++)
        write_text(delivery, "</a>");
    http_exchange_end(delivery->exchange, HTTP_END_KEEP);
}

static void deliver_bomb(const struct delivery *delivery)
{
    char text[2048];
    size_t len = (size_t) snprintf(
        text, sizeof text, "<?xml version=\"1.0\"?>\n<!DOCTYPE response [<!ENTITY a0 \"ha\">");
    for (int i = 1; i <= 9; i++) {
        len += (size_t) snprintf(text + len, sizeof text - len, "<!ENTITY a%d \"", i);
        for (int j = 0; j < 10; j++)
            len += (size_t) snprintf(text + len, sizeof text - len, "&a%d;", i - 1);
        len += (size_t) snprintf(text + len, sizeof text - len, "\">");
    }
    len += (size_t) snprintf(text + len, sizeof text - len,
                             "]>\n<response><pg_status>&a9;</pg_status></response>\n");
    must(len < sizeof text);
    http_exchange_answer(delivery->exchange, 200, xml_type, (struct bytes){text, len});
}

static void deliver_html(const struct delivery *delivery)
{
    http_exchange_answer(delivery->exchange, 200, "text/html",
                         BYTES("<!doctype html><p>Ведутся технические работы.<br>\n"));
}

static void deliver_empty(const struct delivery *delivery)
{
    http_exchange_answer(delivery->exchange, 200, xml_type, BYTES(""));
}

static void deliver_informational(const struct delivery *delivery)
{
    char line[64];
    snprintf(line, sizeof line, "HTTP/1.1 %d %s\r\n\r\n", (int) delivery->fault.argument,
             http_status_reason(delivery->fault.argument));
    write_text(delivery, line);
    deliver_answer(delivery);
}

static struct delivery *copy_delivery(const struct delivery *delivery)
{
    struct delivery *copy = malloc(sizeof *copy + delivery->text.len);
    must(copy != NULL);
    *copy = *delivery;
    copy->text.data = memcpy(copy + 1, delivery->text.data, delivery->text.len);
    return copy;
}

static void on_drip(void *context, bool cancelled)
{
    struct delivery *drip = context;
    bool is_over =
        cancelled || drip->sent == drip->text.len || http_exchange_client_is_gone(drip->exchange);
    if (is_over) {
        bool is_whole = !cancelled && drip->sent == drip->text.len;
        http_exchange_end(drip->exchange, is_whole ? HTTP_END_KEEP : HTTP_END_CLOSE);
        free(drip);
        return;
    }
    http_exchange_write(drip->exchange, (struct bytes){drip->text.data + drip->sent, 1});
    drip->sent++;
    later_add(drip->sandbox->later, drip->fault.argument, on_drip, drip);
}

static void deliver_drip(const struct delivery *delivery)
{
    struct delivery *drip = copy_delivery(delivery);
    write_head(drip, 200, "", drip->text.len);
    on_drip(drip, false);
}

struct delivery_row {
    deliver_call *deliver; /* NULL: a plain answer */
    int32_t http_status;   /* what the ledger says; 0: no answer, -1: the fault's argument */
};

static const struct delivery_row rows[FAULT_COUNT] = {
    [FAULT_EXECUTED_SILENCE] = {deliver_silence, 0},
    [FAULT_EXECUTED_RESET] = {deliver_reset, 0},
    [FAULT_EXECUTED_CLOSE] = {deliver_close, 0},
    [FAULT_EXECUTED_HTTP] = {deliver_http, -1},
    [FAULT_EXECUTED_TRUNCATED] = {deliver_truncated, 200},
    [FAULT_EXECUTED_HALF_HEAD] = {deliver_half_head, 0},
    [FAULT_SILENCE] = {deliver_silence, 0},
    [FAULT_RESET] = {deliver_reset, 0},
    [FAULT_CLOSE] = {deliver_close, 0},
    [FAULT_HTTP] = {deliver_http, -1},
    [FAULT_REDIRECT] = {deliver_redirect, -1},
    [FAULT_TRUNCATED] = {deliver_truncated, 200},
    [FAULT_GZIP_NOISE] = {deliver_noise, 200},
    [FAULT_HUGE] = {deliver_huge, 200},
    [FAULT_DEEP] = {deliver_deep, 200},
    [FAULT_ENTITY_BOMB] = {deliver_bomb, 200},
    [FAULT_HTML] = {deliver_html, 200},
    [FAULT_EMPTY] = {deliver_empty, 200},
    [FAULT_INFORMATIONAL] = {deliver_informational, 200},
    [FAULT_DRIP] = {deliver_drip, 200},
    [FAULT_LATE_EXECUTION] = {deliver_reset, 0},
    [FAULT_LATE_BY_QUERIES] = {deliver_reset, 0},
    [FAULT_STATUS_LAG] = {deliver_reset, 0},
    [FAULT_FLAPPING] = {deliver_reset, 0},
};

/* --- the contents, before and after they are signed --- */

static void twist_amount(struct call *call)
{
    int64_t minor = 0;
    char text[AMOUNT_TEXT_MAX];
    struct bytes amount = reply_value(&call->reply, "pg_payment_amount");
    if (amount_read(amount, AMOUNT_BALANCE_DIGITS, &minor) != STATUS_OK)
        return;
    amount_write(minor + 100, text);
    reply_set(&call->reply, "pg_payment_amount", text);
}

static void twist_before_signing(struct call *call)
{
    enum fault_code code = call->fault.code;
    struct reply *reply = &call->reply;
    if (code == FAULT_OTHER_ORDER)
        reply_set(reply, "pg_order_id", "another-order");
    else if (code == FAULT_WRONG_AMOUNT)
        twist_amount(call);
    else if (code == FAULT_WRONG_MERCHANT)
        reply_set(reply, "pg_merchant_id", "1");
    else if (code == FAULT_ODD_WORD)
        reply_set(reply, "pg_status", "accepted");
    else if (code == FAULT_REPEATED_FIELD)
        reply_add_text(reply, "pg_status", "error");
    else if (code == FAULT_WRONG_CHARSET)
        reply_add_text(reply, "pg_comment", "\xcf\xee\xeb\xf3\xf7\xe0\xf2\xe5\xeb\xfc");
    else if (code == FAULT_OTHER_ROOT)
        reply->root = "root";
    else if (code == FAULT_EXECUTED_ERROR) {
        reply_init(reply);
        reply_add_int64(reply, "pg_payment_id", call->entry.payment_id);
        reply_add(reply, "pg_order_id", bytes_of(call->entry.order));
        call_refuse(call, call->fault.argument, "an error, though it was paid");
    }
}

static void sign(struct call *call)
{
    char now[CALL_TIME_MAX];
    call_time(call->wall_ms, now);
    if (!call->is_signed || call->merchant == NULL || call->fault.code == FAULT_UNSIGNED)
        return;
    reply_sign(&call->reply, call->script, bytes_of(call->merchant->secret),
               call->has_datetime ? now : NULL, &call->sandbox->random);
    if (call->fault.code == FAULT_BAD_SIGNATURE)
        call->reply.signature[0] = call->reply.signature[0] == '0' ? '1' : '0';
}

static int64_t delay_of(struct call *call)
{
    struct sandbox *sandbox = call->sandbox;
    const struct options *options = &sandbox->options;
    enum fault_code code = call->fault.code;
    int64_t delay_ms = options->latency_ms;
    if (options->jitter_ms > 0)
        delay_ms += random_below(&sandbox->random, options->jitter_ms + 1);
    if (sandbox->switches.count > 0)
        delay_ms += switches_latency_ms(&sandbox->switches, later_now_ms(), &sandbox->random);
    if (code == FAULT_SLOW || code == FAULT_SLOW_EXECUTION || code == FAULT_CALLBACK_EARLY)
        delay_ms += (int64_t) call->fault.argument * 1000;
    return delay_ms;
}

static void note(struct call *call, const struct delivery_row *row)
{
    enum fault_code code = call->fault.code;
    struct ledger_request *entry = &call->entry;
    entry->http_status = row->deliver == NULL   ? 200
                         : row->http_status < 0 ? call->fault.argument
                                                : row->http_status;
    if (code != FAULT_NONE)
        entry->fault = fault_row(code)->name;
    if (row->deliver != NULL && entry->http_status != 200)
        snprintf(entry->answered, sizeof entry->answered, "-");
    ledger_add(call->sandbox->ledger, entry);
}

static void deliver(const struct delivery *delivery)
{
    const struct delivery_row *row = &rows[delivery->fault.code];
    (row->deliver == NULL ? deliver_answer : row->deliver)(delivery);
}

static void on_delayed(void *context, bool cancelled)
{
    struct delivery *delivery = context;
    if (cancelled)
        http_exchange_end(delivery->exchange, HTTP_END_CLOSE);
    else
        deliver(delivery);
    free(delivery);
}

void delivery_send(struct call *call)
{
    char text[REPLY_TEXT_MAX];
    struct buffer xml;
    buffer_init(&xml, text, sizeof text);
    if (call->reply.count == 0)
        reply_add_text(&call->reply, "pg_status", "ok"); /* never whole: the fault cuts it */
    twist_before_signing(call);
    sign(call);
    reply_write_xml(&call->reply, &xml);
    struct delivery delivery = {call->sandbox, call->exchange, call->fault, "", BYTES_NONE, 0};
    must(buffer_take(&xml, &delivery.text) == STATUS_OK);
    snprintf(delivery.path, sizeof delivery.path, "%.*s", (int) call->path.len, call->path.data);
    note(call, &rows[call->fault.code]);
    int64_t delay_ms = delay_of(call);
    if (delay_ms == 0)
        deliver(&delivery);
    else
        later_add(call->sandbox->later, delay_ms, on_delayed, copy_delivery(&delivery));
}
