/* kafka_publisher_parts: the publisher's insides. The thread owns `struct transactions`; the loop
 * owns `struct teller`. */
#ifndef PAYOUTD_ADAPTER_KAFKA_PUBLISHER_PARTS_H
#define PAYOUTD_ADAPTER_KAFKA_PUBLISHER_PARTS_H

#include "payoutd/adapter/kafka_publisher.h"

#include "kafka_parts.h"

/* --- kafka_publisher_copy.c --- */

struct kafka_publisher_options kafka_publisher_copy_options(
    const struct kafka_publisher_options *options);
void kafka_publisher_copy_free(struct kafka_publisher_options *copy);

/* --- kafka_transaction.c: one producer, one transaction at a time; publisher's thread only --- */

struct transactions {
    const struct kafka_publisher_options *options; /* outlives the thread */
    rd_kafka_t *producer;                          /* NULL: none now */
    rd_kafka_topic_t *topics[PUBLISH_TOPIC_COUNT];
    struct kafka_noted noted;        /* errors that librdkafka only tells by callback */
    rd_kafka_resp_err_t undelivered; /* first failed delivery of the running transaction */
    bool broken;                     /* this producer cannot go on: make another */
    char why[KAFKA_WHY_MAX];
    struct source_partition *reread; /* kafka_reread.c: what the last report points to */
    size_t reread_count;
    rd_kafka_topic_partition_list_t *reread_list;
};

/* Makes the producer when there is none, and waits up to `timeout_ms` for its transactions. `why`
 * on failure. */
MUST_USE enum status kafka_transaction_open(struct transactions *transactions, int64_t timeout_ms);
/* Every topic's leader is known and connected: else the first produce waits up to a second.
 * STATUS_ENVIRONMENT. */
MUST_USE enum status kafka_transaction_warm(struct transactions *transactions, int64_t timeout_ms);
void kafka_transaction_close(struct transactions *transactions);
/* COMMITTED, ABORTED, FENCED; or REREAD: the fate is not known, and kafka_reread_find finds out. */
MUST_USE enum publish_result kafka_transaction_run(struct transactions *transactions,
                                                   const struct publish_batch *batch);

/* --- kafka_reread.c --- */

/* With a new producer, the truth about `batch`: REREAD (see transactions->reread), or DEAD when it
 * cannot be had. */
MUST_USE enum publish_result kafka_reread_find(struct transactions *transactions,
                                               const struct publish_batch *batch);
void kafka_reread_forget(struct transactions *transactions);

/* --- kafka_tell.c: the other producer, on the loop --- */

struct teller;
MUST_USE enum status kafka_tell_new(struct loop *loop,
                                    const struct kafka_publisher_options *options,
                                    const struct kafka_publisher_events *events,
                                    struct teller **ret_teller);
void kafka_tell_close(struct teller *teller);
MUST_USE enum status kafka_tell_send(struct teller *teller, uint64_t tag, struct bytes key,
                                     struct bytes value);

#endif
