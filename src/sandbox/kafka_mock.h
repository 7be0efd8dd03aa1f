/*
 * kafka_mock: the embedded broker: librdkafka's mock cluster, with the topics made. For developing,
 * not for proofs: it keeps everything in memory, shows aborted messages, does not fence, and takes
 * but does not keep offsets that are committed inside transactions (docs/SANDBOX.md, The embedded
 * Kafka).
 */
#ifndef SANDBOX_KAFKA_MOCK_H
#define SANDBOX_KAFKA_MOCK_H

#include "payoutd/base/bytes.h"

struct kafka_mock;
/* `topics` is NAME:PARTITIONS,... STATUS_CONFIG when it is not; complaints go to stderr. */
MUST_USE enum status kafka_mock_new(const char *topics, struct kafka_mock **ret_mock);
void kafka_mock_free(struct kafka_mock *mock);
const char *kafka_mock_bootstrap(const struct kafka_mock *mock);

#endif
