/* kafka_wire: the few old, not flexible, requests of Kafka's protocol that the relay reads and
 * writes. */
#ifndef SANDBOX_KAFKA_WIRE_H
#define SANDBOX_KAFKA_WIRE_H

#include "payoutd/base/bytes.h"

enum kafka_api {
    KAFKA_OFFSET_COMMIT = 8,
    KAFKA_HEARTBEAT = 12,
    KAFKA_SYNC_GROUP = 14,
    KAFKA_INIT_PRODUCER_ID = 22,
    KAFKA_END_TXN = 26,
    KAFKA_TXN_OFFSET_COMMIT = 28,
};

/* Reads from the front; once `broken`, everything reads as zero or absent. */
struct kafka_reader {
    struct bytes rest;
    bool broken;
};

int64_t kafka_read_int(struct kafka_reader *reader, size_t size); /* 1, 2, 4 or 8 bytes, signed */
struct bytes kafka_read_string(struct kafka_reader *reader);      /* absent when null */

struct kafka_request {
    int16_t api, version;
    int32_t correlation_id;
    struct kafka_reader body;
};
/* A frame without its length. */
struct kafka_request kafka_read_request(struct bytes frame);

void kafka_write_int(struct buffer *buffer, int64_t value, size_t size);
void kafka_write_string(struct buffer *buffer, struct bytes text); /* absent: null */

#endif
