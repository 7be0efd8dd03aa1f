/*
 * admin: the sandbox's own HTTP, for tests and people: what happened, and what shall go wrong next
 * (docs/SANDBOX.md). Plain HTTP; no authentication: it listens on the loopback unless told
 * otherwise.
 */
#ifndef SANDBOX_ADMIN_H
#define SANDBOX_ADMIN_H

#include "sandbox.h"

/* The handler of the admin's server; `context` is the sandbox. */
void admin_handle(void *context, struct http_exchange *exchange,
                  const struct http_request *request);

/* admin_pages.c: what it shows. `query` is the part behind the question mark. */
void admin_write_ledger(struct sandbox *sandbox, struct bytes query, struct evbuffer *out);
void admin_write_summary(struct sandbox *sandbox, struct evbuffer *out);
void admin_write_faults(struct sandbox *sandbox, struct evbuffer *out);
void admin_write_page(struct sandbox *sandbox, struct evbuffer *out);

#endif
