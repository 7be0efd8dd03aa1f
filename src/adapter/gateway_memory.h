/*
 * gateway_memory: where libcurl's send buffers live.
 *
 * libcurl holds 16 KiB for as long as a request is under way and uses 1 or 2 of them; malloc gives
 * it recycled memory, all of it resident. Here every buffer begins on a page of its own, so that
 * only what was written costs memory: 12 KiB less for each request in flight.
 */
#ifndef PAYOUTD_SRC_ADAPTER_GATEWAY_MEMORY_H
#define PAYOUTD_SRC_ADAPTER_GATEWAY_MEMORY_H

#include "payoutd/base/status.h"

enum { GATEWAY_SEND_BUFFER = 16 * 1024 };

/* curl_global_init with these functions; any number of times, each with a curl_global_cleanup.
 * Loop's thread. */
MUST_USE enum status gateway_memory_init(void);

/* After a burst: gives the pages of spare buffers, and what the heap has to spare, back to the
 * system. */
void gateway_memory_trim(void);

#endif
