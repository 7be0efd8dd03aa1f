/*
 * kafka_relay: stands between the clients and the mock cluster, and mends what a worker cannot do
 * without: offsets that are committed inside a transaction are kept (with their metadata) when, and
 * only when, the transaction commits.
 *
 * Everything else passes through, but for the broker's address in the answers, which becomes the
 * relay's.
 */
#ifndef SANDBOX_KAFKA_RELAY_H
#define SANDBOX_KAFKA_RELAY_H

#include "payoutd/base/status.h"

#include <event2/event.h>

struct kafka_relay;
/* Listens on 127.0.0.1; `port` 0 takes a free one. The broker is at 127.0.0.1:`broker_port`. */
MUST_USE enum status kafka_relay_new(struct event_base *base, uint16_t port, uint16_t broker_port,
                                     struct kafka_relay **ret_relay);
void kafka_relay_free(struct kafka_relay *relay);
uint16_t kafka_relay_port(const struct kafka_relay *relay);

#endif
