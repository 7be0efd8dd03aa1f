/*
 * kafka_mock: the embedded broker: librdkafka's mock cluster with the topics made, and a relay in
 * front of it that keeps the offsets of transactions. For developing, not for proofs: everything is
 * in memory, aborted messages are visible, nobody is fenced (docs/SANDBOX.md, The embedded Kafka).
 */
#ifndef SANDBOX_KAFKA_MOCK_H
#define SANDBOX_KAFKA_MOCK_H

#include "payoutd/base/bytes.h"

#include <event2/event.h>

struct kafka_mock;
/*
 * `topics` is NAME:PARTITIONS,...; `port` 0 takes a free one of 127.0.0.1. STATUS_CONFIG,
 * STATUS_ENVIRONMENT; complaints go to stderr.
 */
MUST_USE enum status kafka_mock_new(struct event_base *base, uint16_t port, const char *topics,
                                    struct kafka_mock **ret_mock);
void kafka_mock_free(struct kafka_mock *mock);
const char *kafka_mock_bootstrap(const struct kafka_mock *mock);

#endif
