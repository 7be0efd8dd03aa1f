/* merchants: who may pay, with which key, and what is left on the account. */
#ifndef SANDBOX_MERCHANTS_H
#define SANDBOX_MERCHANTS_H

#include "options.h"

enum { MERCHANT_ID_MAX = 32, MERCHANT_SECRET_MAX = 128 };

struct merchant {
    char id[MERCHANT_ID_MAX + 1];
    char secret[MERCHANT_SECRET_MAX + 1];
    int64_t balance_minor;
    int64_t first_balance_minor;
    int64_t last_payout_ms; /* monotonic; for the pace */
};

struct merchants {
    struct merchant items[OPTIONS_MERCHANTS_MAX];
    size_t count;
};

/* From the flags and the file; complaints go to stderr. */
MUST_USE enum status merchants_load(const struct options *options, struct merchants *ret_merchants);
struct merchant *merchants_find(struct merchants *merchants, struct bytes id); /* or NULL */
void merchants_reset(struct merchants *merchants); /* first balances again */

#endif
