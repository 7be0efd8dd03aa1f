/* sandbox: everything that one running payout-sandbox has. One thread, one loop. */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "book.h"
#include "http_server.h"
#include "later.h"
#include "ledger.h"

struct callbacks;
struct kafka_mock;

struct sandbox {
    struct options options;
    struct event_base *base;
    struct random random;
    struct later_list *later;
    struct merchants merchants;
    struct book *book;
    struct ledger *ledger;
    struct switches switches;
    struct http_server *gateway, *admin;
    struct callbacks *callbacks;
    struct kafka_mock *kafka; /* NULL: none */
};

#endif
