/* What the admin HTTP shows: the ledger, its sums, the faults that are on, and a page for people.
 */
#include "admin.h"

#include "amount.h"
#include "callbacks.h"
#include "form.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

enum { QUERY_MAX = 512, TWICE_NAMED_MAX = 1000, PAGE_ROWS = 100 };

struct filter {
    char order[BOOK_ORDER_ID_MAX + 1]; /* empty: all */
    size_t requests_max;               /* the newest; SIZE_MAX: all */
};

static struct filter read_filter(struct bytes query)
{
    struct filter filter = {.requests_max = SIZE_MAX};
    struct form_fields fields;
    char room[QUERY_MAX];
    if (query.len > sizeof room || form_read(BYTES(""), query, room, &fields) != STATUS_OK)
        return filter;
    struct bytes order = form_value(&fields, "order");
    int64_t limit = 0;
    if (order.len > 0 && order.len <= BOOK_ORDER_ID_MAX)
        memcpy(filter.order, order.data, order.len);
    struct bytes text = form_value(&fields, "limit");
    if (text.len > 0 && bytes_to_int64(text, &limit) == STATUS_OK)
        filter.requests_max = (size_t) limit;
    return filter;
}

static bool fits(const struct filter *filter, const char *order)
{
    return filter->order[0] == '\0' || strcmp(filter->order, order) == 0;
}

static void write_requests(struct sandbox *sandbox, const struct filter *filter,
                           struct json_writer *json)
{
    size_t count = ledger_count(sandbox->ledger);
    size_t first = count > filter->requests_max ? count - filter->requests_max : 0;
    json_open(json, "requests", '[');
    for (size_t i = first; i < count; i++) {
        const struct ledger_request *request = ledger_at(sandbox->ledger, i);
        if (fits(filter, request->order))
            ledger_write_request(json, request);
    }
    json_close(json, ']');
}

static void write_executions(struct sandbox *sandbox, const struct filter *filter,
                             struct json_writer *json)
{
    const struct order *order;
    json_open(json, "executions", '[');
    TAILQ_FOREACH(order, book_orders(sandbox->book), age)
    for (const struct payment *at = order->latest; at != NULL; at = at->earlier)
        if (at->executed_ms != 0 && fits(filter, order->id))
            ledger_write_execution(json, at);
    json_close(json, ']');
}

static void write_orders(struct sandbox *sandbox, const struct filter *filter,
                         struct json_writer *json)
{
    const struct order *order;
    json_open(json, "orders", '[');
    TAILQ_FOREACH(order, book_orders(sandbox->book), age)
    {
        if (!fits(filter, order->id))
            continue;
        json_open(json, NULL, '{');
        json_put_text(json, "merchant", order->merchant->id);
        json_put_text(json, "order_id", order->id);
        json_put_number(json, "requests", order->requests);
        json_put_number(json, "executions", order->executions);
        json_put_number(json, "queries", order->queries);
        json_put_text(json, "state",
                      order->latest == NULL ? "none" : payment_state_word(order->latest->state));
        json_close(json, '}');
    }
    json_close(json, ']');
}

void admin_write_ledger(struct sandbox *sandbox, struct bytes query, struct evbuffer *out)
{
    struct filter filter = read_filter(query);
    struct json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_put_number(&json, "requests_total", ledger_total(sandbox->ledger));
    json_put_number(&json, "requests_kept", (int64_t) ledger_count(sandbox->ledger));
    json_put_number(&json, "executions_total", book_totals(sandbox->book)->executions);
    write_requests(sandbox, &filter, &json);
    write_executions(sandbox, &filter, &json);
    write_orders(sandbox, &filter, &json);
    json_close(&json, '}');
}

static void write_twice(struct sandbox *sandbox, struct json_writer *json)
{
    const struct order *order;
    size_t named = 0;
    json_open(json, "orders_executed_twice", '[');
    TAILQ_FOREACH(order, book_orders(sandbox->book), age)
    if (order->executions > 1 && named++ < TWICE_NAMED_MAX)
        json_put_text(json, NULL, order->id);
    json_close(json, ']');
}

static void write_merchants(struct sandbox *sandbox, struct json_writer *json)
{
    json_open(json, "balances", '{');
    for (size_t i = 0; i < sandbox->merchants.count; i++)
        json_put_amount(json, sandbox->merchants.items[i].id,
                        sandbox->merchants.items[i].balance_minor);
    json_close(json, '}');
}

void admin_write_summary(struct sandbox *sandbox, struct evbuffer *out)
{
    const struct book_totals *totals = book_totals(sandbox->book);
    struct callbacks_totals callbacks = callbacks_totals(sandbox->callbacks);
    struct json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_put_number(&json, "requests", ledger_total(sandbox->ledger));
    json_put_number(&json, "orders", totals->orders);
    json_put_number(&json, "payments", totals->payments);
    json_put_number(&json, "executions", totals->executions);
    json_put_amount(&json, "executed_amount", totals->executed_minor);
    json_put_number(&json, "orders_executed_twice_count", totals->orders_executed_twice);
    write_twice(sandbox, &json);
    write_merchants(sandbox, &json);
    json_open(&json, "callbacks", '{');
    json_put_number(&json, "sent", callbacks.sent);
    json_put_number(&json, "acknowledged", callbacks.acknowledged);
    json_put_number(&json, "failed", callbacks.failed);
    json_put_number(&json, "given_up", callbacks.given_up);
    json_close(&json, '}');
    json_put_number(&json, "connections", (int64_t) http_server_connections(sandbox->gateway));
    json_close(&json, '}');
}

void admin_write_faults(struct sandbox *sandbox, struct evbuffer *out)
{
    struct json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_open(&json, "faults", '[');
    for (size_t i = 0; i < sandbox->switches.count; i++) {
        const struct switched_fault *item = &sandbox->switches.items[i];
        json_open(&json, NULL, '{');
        json_put_text(&json, "fault", fault_row(item->fault.code)->name);
        json_put_number(&json, "argument", item->fault.argument);
        json_put_number(&json, "probability_percent", (int64_t) (item->probability * 100));
        json_put_number(&json, "count", item->count);
        json_put_bool(&json, "on_payout", (item->on & SWITCH_ON_PAYOUT) != 0);
        json_put_bool(&json, "on_status", (item->on & SWITCH_ON_STATUS) != 0);
        json_put_bool(&json, "on_balance", (item->on & SWITCH_ON_BALANCE) != 0);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
}

/* --- the page --- */

static void put_escaped(struct evbuffer *out, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        bool is_plain = *at >= 0x20 && *at < 0x7f && strchr("<>&\"'", *at) == NULL;
        if (is_plain)
            evbuffer_add(out, at, 1);
        else
            evbuffer_add_printf(out, "&#%d;", (int) (unsigned char) *at);
    }
}

static void put_cell(struct evbuffer *out, const char *text)
{
    evbuffer_add_printf(out, "<td>");
    put_escaped(out, text);
    evbuffer_add_printf(out, "</td>");
}

static void put_row(struct evbuffer *out, const struct ledger_request *request)
{
    evbuffer_add_printf(out, "<tr><td>%lld</td>", (long long) request->number);
    put_cell(out, request->method);
    put_cell(out, request->merchant);
    put_cell(out, request->order);
    put_cell(out, request->amount);
    put_cell(out, request->destination);
    put_cell(out, request->fault == NULL ? "" : request->fault);
    put_cell(out, request->answered);
    evbuffer_add_printf(out, "</tr>\n");
}

void admin_write_page(struct sandbox *sandbox, struct evbuffer *out)
{
    const struct book_totals *totals = book_totals(sandbox->book);
    char executed[AMOUNT_TEXT_MAX];
    amount_write(totals->executed_minor, executed);
    evbuffer_add_printf(
        out,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>payout-sandbox</title>\n"
        "<style>body{font:14px sans-serif;margin:2em}td,th{padding:.2em .8em;text-align:left;"
        "border-bottom:1px solid #ccc}</style>\n"
        "<h1>payout-sandbox</h1>\n<p>%lld requests, %lld orders, %lld executions (%s), "
        "%lld orders executed more than once, %zu faults on. "
        "<a href=\"/ledger/summary\">summary</a> <a href=\"/ledger?limit=1000\">ledger</a> "
        "<a href=\"/faults\">faults</a></p>\n"
        "<table><tr><th>#</th><th>method</th><th>merchant</th><th>order</th><th>amount</th>"
        "<th>payee</th><th>fault</th><th>answered</th></tr>\n",
        (long long) ledger_total(sandbox->ledger), (long long) totals->orders,
        (long long) totals->executions, executed, (long long) totals->orders_executed_twice,
        sandbox->switches.count);
    size_t count = ledger_count(sandbox->ledger);
    for (size_t i = 0; i < count && i < PAGE_ROWS; i++) /* the newest first */
        put_row(out, ledger_at(sandbox->ledger, count - 1 - i));
    evbuffer_add_printf(out, "</table></html>\n");
}
