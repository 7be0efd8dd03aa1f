/* The switches and the questions of a running sandbox. */
#include "admin.h"

#include "amount.h"
#include "callbacks.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

enum { BODY_MAX = 64 * 1024, WHY_MAX = 160 };

static void answer_buffer(struct http_exchange *exchange, const char *content_type,
                          struct evbuffer *out)
{
    size_t len = evbuffer_get_length(out);
    const char *data = (const char *) evbuffer_pullup(out, -1);
    http_exchange_answer(exchange, 200, content_type, (struct bytes){data, len});
    evbuffer_free(out);
}

static void answer_error(struct http_exchange *exchange, int http_status, const char *why)
{
    struct evbuffer *out = evbuffer_new();
    struct json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_put_text(&json, "error", why);
    json_close(&json, '}');
    size_t len = evbuffer_get_length(out);
    http_exchange_answer(exchange, http_status, "application/json",
                         (struct bytes){(const char *) evbuffer_pullup(out, -1), len});
    evbuffer_free(out);
}

static void answer_ok(struct http_exchange *exchange)
{
    http_exchange_answer(exchange, 200, "application/json", BYTES("{\"ok\":true}"));
}

/* --- reading the body --- */

static yajl_val read_body(struct bytes body, char ret_why[static WHY_MAX])
{
    if (body.len > BODY_MAX) {
        snprintf(ret_why, WHY_MAX, "the body is too large");
        return NULL;
    }
    char *text = strndup(body.data, body.len);
    must(text != NULL);
    yajl_val tree = yajl_tree_parse(text, ret_why, WHY_MAX);
    free(text);
    if (tree != NULL && !YAJL_IS_OBJECT(tree)) {
        yajl_tree_free(tree);
        tree = NULL;
    }
    if (tree == NULL && ret_why[0] == '\0')
        snprintf(ret_why, WHY_MAX, "a JSON object is wanted");
    return tree;
}

static bool read_on(const char *word, unsigned *ret_on)
{
    static const struct {
        const char *word;
        enum switch_on on;
    } rows[] = {{"payout", SWITCH_ON_PAYOUT},
                {"status", SWITCH_ON_STATUS},
                {"balance", SWITCH_ON_BALANCE},
                {"all", SWITCH_ON_ALL}};
    for (size_t i = 0; word != NULL && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(word, rows[i].word) == 0) {
            *ret_on = rows[i].on;
            return true;
        }
    return false;
}

static bool read_integer(yajl_val value, int64_t max, int64_t *ret_number)
{
    if (!YAJL_IS_INTEGER(value) || YAJL_GET_INTEGER(value) < 0 || YAJL_GET_INTEGER(value) > max)
        return false;
    *ret_number = YAJL_GET_INTEGER(value);
    return true;
}

/* One member of POST /faults; false: not understood. */
static bool read_member(const char *name, yajl_val value, struct switched_fault *item,
                        int64_t *for_ms)
{
    int64_t argument = 0;
    if (strcmp(name, "argument") == 0) {
        bool fine = read_integer(value, INT32_MAX, &argument);
        item->fault.argument = (int32_t) argument;
        return fine;
    }
    if (strcmp(name, "probability") == 0) {
        item->probability = YAJL_IS_NUMBER(value) ? YAJL_GET_DOUBLE(value) : -1;
        return item->probability >= 0 && item->probability <= 1;
    }
    if (strcmp(name, "count") == 0)
        return read_integer(value, INT32_MAX, &item->count);
    if (strcmp(name, "for_ms") == 0)
        return read_integer(value, INT32_MAX, for_ms);
    if (strcmp(name, "jitter_ms") == 0)
        return read_integer(value, INT32_MAX, &item->jitter_ms);
    if (strcmp(name, "on") == 0)
        return read_on(YAJL_GET_STRING(value), &item->on);
    return strcmp(name, "fault") == 0 || strcmp(name, "mode") == 0; /* the same thing */
}

static bool read_fault(yajl_val tree, const struct fault_row *row, struct switched_fault *ret_item,
                       int64_t *ret_for_ms, char ret_why[static WHY_MAX])
{
    bool is_for_payouts = row->scope == FAULT_SCOPE_PAYOUT;
    *ret_item = (struct switched_fault){.fault = {row->code, row->preset},
                                        .probability = 1,
                                        .count = -1,
                                        .on = is_for_payouts ? SWITCH_ON_PAYOUT : SWITCH_ON_ALL};
    *ret_for_ms = 0;
    for (size_t i = 0; i < tree->u.object.len; i++) {
        const char *name = tree->u.object.keys[i];
        if (read_member(name, tree->u.object.values[i], ret_item, ret_for_ms))
            continue;
        snprintf(ret_why, WHY_MAX,
                 "'%.40s' is not understood (fault, argument, probability 0 to 1, count, for_ms, "
                 "jitter_ms, on: payout status balance all)",
                 name);
        return false;
    }
    if (is_for_payouts)
        ret_item->on = SWITCH_ON_PAYOUT;
    if (*ret_for_ms > 0)
        ret_item->until_ms = later_now_ms() + *ret_for_ms;
    return true;
}

/* --- doing it --- */

static void end_outage(struct sandbox *sandbox)
{
    switches_remove(&sandbox->switches, FAULT_OUTAGE);
    if (http_server_return(sandbox->gateway) != STATUS_OK)
        fprintf(stderr, "payout-sandbox: the outage goes on: the port is taken\n");
}

static void on_outage_over(void *context, bool cancelled)
{
    if (!cancelled)
        end_outage(context);
}

static void switch_on(struct sandbox *sandbox, struct http_exchange *exchange,
                      const struct switched_fault *item, int64_t for_ms)
{
    if (switches_add(&sandbox->switches, item, later_now_ms()) != STATUS_OK) {
        answer_error(exchange, 409, "too many faults are on: DELETE /faults first");
        return;
    }
    if (item->fault.code == FAULT_OUTAGE) {
        http_server_vanish(sandbox->gateway);
        if (for_ms > 0)
            later_add(sandbox->later, for_ms, on_outage_over, sandbox);
    }
    struct evbuffer *out = evbuffer_new();
    admin_write_faults(sandbox, out);
    answer_buffer(exchange, "application/json", out);
}

static void clear_faults(struct sandbox *sandbox)
{
    switches_clear(&sandbox->switches);
    end_outage(sandbox);
}

static void post_faults(struct sandbox *sandbox, struct http_exchange *exchange, yajl_val tree)
{
    const char *fault_path[] = {"fault", NULL}, *mode_path[] = {"mode", NULL};
    yajl_val named = yajl_tree_get(tree, fault_path, yajl_t_string);
    if (named == NULL)
        named = yajl_tree_get(tree, mode_path, yajl_t_string);
    const char *mode = YAJL_GET_STRING(named);
    const struct fault_row *row = mode == NULL ? NULL : fault_find(bytes_of(mode));
    char why[WHY_MAX];
    struct switched_fault item;
    int64_t for_ms = 0;
    if (mode != NULL && strcmp(mode, "none") == 0) {
        clear_faults(sandbox);
        answer_ok(exchange);
    } else if (row == NULL) {
        answer_error(exchange, 400,
                     "fault is none of those that `payout-sandbox faults` lists, nor \"none\"");
    } else if (!read_fault(tree, row, &item, &for_ms, why)) {
        answer_error(exchange, 400, why);
    } else {
        switch_on(sandbox, exchange, &item, for_ms);
    }
}

static void post_topup(struct sandbox *sandbox, struct http_exchange *exchange, yajl_val tree)
{
    const char *merchant_path[] = {"merchant", NULL}, *amount_path[] = {"amount", NULL};
    const char *id = YAJL_GET_STRING(yajl_tree_get(tree, merchant_path, yajl_t_string));
    const char *amount = YAJL_GET_STRING(yajl_tree_get(tree, amount_path, yajl_t_string));
    struct merchant *merchant = id == NULL ? &sandbox->merchants.items[0]
                                           : merchants_find(&sandbox->merchants, bytes_of(id));
    int64_t minor = 0;
    if (merchant == NULL) {
        answer_error(exchange, 404, "no such merchant");
    } else if (amount == NULL ||
               amount_read(bytes_of(amount), AMOUNT_BALANCE_DIGITS, &minor) != STATUS_OK) {
        answer_error(exchange, 400, "amount is wanted, a decimal text such as \"1000.00\"");
    } else {
        merchant->balance_minor += minor;
        answer_ok(exchange);
    }
}

/* Everything as after the start, but for the payment ids, the time and the dice. */
static void reset(struct sandbox *sandbox)
{
    later_list_clear(sandbox->later);
    callbacks_reset(sandbox->callbacks);
    clear_faults(sandbox);
    merchants_reset(&sandbox->merchants);
    book_reset(sandbox->book);
    ledger_reset(sandbox->ledger);
}

static void post(struct sandbox *sandbox, struct http_exchange *exchange,
                 const struct http_request *request,
                 void (*handler)(struct sandbox *, struct http_exchange *, yajl_val))
{
    char why[WHY_MAX] = "";
    yajl_val tree = read_body(request->body, why);
    if (tree == NULL) {
        answer_error(exchange, 400, why);
        return;
    }
    handler(sandbox, exchange, tree);
    yajl_tree_free(tree);
}

static void handle_get(struct sandbox *sandbox, struct http_exchange *exchange,
                       const struct http_request *request)
{
    struct evbuffer *out = evbuffer_new();
    must(out != NULL);
    const char *content_type = "application/json";
    if (bytes_equal_text(request->path, "/healthz")) {
        evbuffer_add_printf(out, "{\"ok\":true}");
    } else if (bytes_equal_text(request->path, "/ledger")) {
        admin_write_ledger(sandbox, request->query, out);
    } else if (bytes_equal_text(request->path, "/ledger/summary")) {
        admin_write_summary(sandbox, out);
    } else if (bytes_equal_text(request->path, "/faults")) {
        admin_write_faults(sandbox, out);
    } else if (bytes_equal_text(request->path, "/")) {
        admin_write_page(sandbox, out);
        content_type = "text/html; charset=utf-8";
    } else {
        evbuffer_free(out);
        answer_error(exchange, 404, "no such page");
        return;
    }
    answer_buffer(exchange, content_type, out);
}

void admin_handle(void *context, struct http_exchange *exchange, const struct http_request *request)
{
    struct sandbox *sandbox = context;
    bool is_post = bytes_equal_text(request->method, "POST");
    if (bytes_equal_text(request->method, "GET")) {
        handle_get(sandbox, exchange, request);
    } else if (is_post && bytes_equal_text(request->path, "/faults")) {
        post(sandbox, exchange, request, post_faults);
    } else if (is_post && bytes_equal_text(request->path, "/balance/topup")) {
        post(sandbox, exchange, request, post_topup);
    } else if (is_post && bytes_equal_text(request->path, "/reset")) {
        reset(sandbox);
        answer_ok(exchange);
    } else if (bytes_equal_text(request->method, "DELETE") &&
               bytes_equal_text(request->path, "/faults")) {
        clear_faults(sandbox);
        answer_ok(exchange);
    } else {
        answer_error(exchange, 404, "no such page");
    }
}
