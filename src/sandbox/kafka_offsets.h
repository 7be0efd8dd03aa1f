/*
 * kafka_offsets: what the relay has overheard: which member speaks for a group, and which offsets
 * wait in open transactions. The mock cluster takes TxnOffsetCommit and forgets it; this is the
 * memory that it lacks.
 */
#ifndef SANDBOX_KAFKA_OFFSETS_H
#define SANDBOX_KAFKA_OFFSETS_H

#include "kafka_wire.h"

struct kafka_offsets;
struct kafka_offsets *kafka_offsets_new(void);
void kafka_offsets_free(struct kafka_offsets *offsets);

/* Every request of every client, before it is passed on. */
void kafka_offsets_overhear(struct kafka_offsets *offsets, const struct kafka_request *request);

/* The offsets of one transaction, being committed. */
struct kafka_transaction;
/* Of an EndTxn request: the transaction when it commits offsets, taken out; NULL otherwise. */
struct kafka_transaction *kafka_offsets_take(struct kafka_offsets *offsets,
                                             const struct kafka_request *end_txn);
void kafka_transaction_free(struct kafka_transaction *transaction);
/*
 * An OffsetCommit request with its length in front; malloc'd. `as_member`: in the name of the
 * group's newest member, else of nobody (for an empty group).
 */
struct bytes kafka_transaction_request(const struct kafka_offsets *offsets,
                                       const struct kafka_transaction *transaction, bool as_member);
/* Of the response's frame, without its length: all offsets were taken. */
bool kafka_transaction_was_taken(struct bytes frame);

#endif
