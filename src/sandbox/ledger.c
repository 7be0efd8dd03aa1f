/* The record that tests and people read: nothing that happened at the stand-in is missing here. */
#include "ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ledger {
    struct ledger_request *items; /* a ring; grows up to `max` */
    size_t max, room, count, first;
    int64_t total;
    FILE *file;
    struct evbuffer *line;
};

enum status ledger_new(size_t entries_max, const char *file, struct ledger **ret_ledger)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    must(ledger != NULL);
    ledger->max = entries_max;
    ledger->line = evbuffer_new();
    must(ledger->line != NULL);
    if (file != NULL) {
        ledger->file = fopen(file, "ae");
        if (ledger->file == NULL) {
            fprintf(stderr, "payout-sandbox: cannot write %s: %s\n", file, strerror(errno));
            ledger_free(ledger);
            return STATUS_ENVIRONMENT;
        }
        setvbuf(ledger->file, NULL, _IOLBF, 0);
    }
    *ret_ledger = ledger;
    return STATUS_OK;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    if (ledger->file != NULL)
        fclose(ledger->file);
    evbuffer_free(ledger->line);
    free(ledger->items);
    free(ledger);
}

void ledger_reset(struct ledger *ledger)
{
    ledger->count = 0;
    ledger->first = 0;
    ledger->total = 0;
}

static void make_room(struct ledger *ledger)
{
    if (ledger->count < ledger->room)
        return;
    if (ledger->room == ledger->max) { /* full: the oldest makes place */
        ledger->first = (ledger->first + 1) % ledger->room;
        ledger->count--;
        return;
    }
    must(ledger->first == 0); /* it has not gone round yet */
    size_t room = ledger->room == 0 ? 1024 : ledger->room * 2;
    ledger->room = room > ledger->max ? ledger->max : room;
    ledger->items = realloc(ledger->items, ledger->room * sizeof *ledger->items);
    must(ledger->items != NULL);
}

static void write_line(struct ledger *ledger)
{
    evbuffer_add(ledger->line, "\n", 1);
    size_t len = evbuffer_get_length(ledger->line);
    fwrite(evbuffer_pullup(ledger->line, -1), 1, len, ledger->file);
    evbuffer_drain(ledger->line, len);
}

void ledger_add(struct ledger *ledger, const struct ledger_request *request)
{
    make_room(ledger);
    struct ledger_request *item = &ledger->items[(ledger->first + ledger->count++) % ledger->room];
    *item = *request;
    item->number = ++ledger->total;
    if (ledger->file != NULL) {
        struct json_writer json = {.out = ledger->line};
        ledger_write_request(&json, item);
        write_line(ledger);
    }
}

void ledger_add_execution(struct ledger *ledger, const struct payment *payment)
{
    if (ledger->file == NULL)
        return;
    struct json_writer json = {.out = ledger->line};
    ledger_write_execution(&json, payment);
    write_line(ledger);
}

int64_t ledger_total(const struct ledger *ledger)
{
    return ledger->total;
}

size_t ledger_count(const struct ledger *ledger)
{
    return ledger->count;
}

const struct ledger_request *ledger_at(const struct ledger *ledger, size_t index)
{
    must(index < ledger->count);
    return &ledger->items[(ledger->first + index) % ledger->room];
}

void ledger_write_request(struct json_writer *json, const struct ledger_request *request)
{
    json_open(json, NULL, '{');
    json_put_text(json, "kind", "request");
    json_put_number(json, "number", request->number);
    json_put_time(json, "time", request->wall_ms);
    json_put_text(json, "method", request->method);
    json_put_text(json, "merchant", request->merchant);
    json_put_text(json, "order_id", request->order);
    json_put_text(json, "amount", request->amount);
    json_put_text(json, "destination", request->destination);
    json_put_number(json, "payment_id", request->payment_id);
    json_put_text(json, "fault", request->fault == NULL ? "" : request->fault);
    json_put_number(json, "http_status", request->http_status);
    json_put_text(json, "answered", request->answered);
    json_close(json, '}');
}

void ledger_write_execution(struct json_writer *json, const struct payment *payment)
{
    json_open(json, NULL, '{');
    json_put_text(json, "kind", "execution");
    json_put_time(json, "time", payment->executed_ms);
    json_put_text(json, "merchant", payment->order->merchant->id);
    json_put_text(json, "order_id", payment->order->id);
    json_put_number(json, "payment_id", payment->id);
    json_put_amount(json, "amount", payment->amount_minor);
    json_put_text(json, "destination", payment->destination);
    json_close(json, '}');
}
