/*
 * resolve: a host name to an address, without blocking the loop.
 *
 * getaddrinfo runs in a thread of its own that ends with it; the answer arrives on the loop's
 * thread. A search that is freed early is left to end by itself. One search at a time and link is
 * the caller's promise, so threads cannot pile up.
 */
#ifndef PAYOUTD_ADAPTER_RESOLVE_H
#define PAYOUTD_ADAPTER_RESOLVE_H

#include "payoutd/adapter/loop.h"

struct resolve;

/* `address`: numeric text, or NULL and `why`. Both are valid during the callback, after which the
 * search is freed. */
typedef void resolve_done(void *context, const char *address, const char *why);

/* `turn` picks among several addresses, so that a caller that counts its failures tries them all.
 */
MUST_USE enum status resolve_start(struct loop *loop, const char *host, uint32_t turn,
                                   resolve_done *done, void *context, struct resolve **ret_resolve);
void resolve_free(struct resolve *resolve); /* NULL is fine */

bool resolve_is_numeric(const char *host); /* an IPv4 or IPv6 address already */

#endif
