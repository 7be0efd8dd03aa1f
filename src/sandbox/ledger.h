/*
 * ledger: what was asked and what was answered, for tests and for people. The last `entries_max`
 * requests in memory, all of them in a file when asked for. Payees are masked before they come
 * here.
 */
#ifndef SANDBOX_LEDGER_H
#define SANDBOX_LEDGER_H

#include "book.h"
#include "json_write.h"

struct ledger_request {
    int64_t number; /* from 1; set by ledger_add */
    int64_t wall_ms;
    const char *method;  /* a constant: card token iban status balance, or - */
    const char *fault;   /* a constant: the fault's name; NULL: none */
    int32_t http_status; /* 0: no answer */
    int64_t payment_id;  /* 0: none */
    char merchant[MERCHANT_ID_MAX + 1];
    char order[BOOK_ORDER_ID_MAX + 1];
    char amount[16];
    char destination[BOOK_DESTINATION_MAX + 1];
    char answered[32];
};

struct ledger;
/* `file` may be NULL. STATUS_ENVIRONMENT when it cannot be opened: says so on stderr. */
MUST_USE enum status ledger_new(size_t entries_max, const char *file, struct ledger **ret_ledger);
void ledger_free(struct ledger *ledger);
void ledger_reset(struct ledger *ledger);

void ledger_add(struct ledger *ledger, const struct ledger_request *request);
void ledger_add_execution(struct ledger *ledger, const struct payment *payment);

int64_t ledger_total(const struct ledger *ledger); /* since the start or the last reset */
size_t ledger_count(const struct ledger *ledger);  /* those still here */
const struct ledger_request *ledger_at(const struct ledger *ledger, size_t index); /* 0: oldest */

void ledger_write_request(struct json_writer *json, const struct ledger_request *request);
void ledger_write_execution(struct json_writer *json, const struct payment *payment);

#endif
