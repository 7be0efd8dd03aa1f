/*
 * kafka_reader: reads what a group has committed and ranges of a topic, blocking, for the
 * restorer. It joins no group and commits nothing.
 *
 * Facts: committed offsets are stable (no transaction is open over them); records are read
 * committed, and a range ends only when every transaction that was open in it has ended. Each call
 * ends within seconds after *stop became true, with STATUS_UNAVAILABLE. Failures: `why` says what
 * to do.
 */
#ifndef PAYOUTD_ADAPTER_KAFKA_READER_H
#define PAYOUTD_ADAPTER_KAFKA_READER_H

#include "payoutd/adapter/kafka_source.h"

#include <stdatomic.h>

struct kafka_reader;

struct kafka_reader_options {
    const struct kafka_setting *settings;
    size_t settings_count;
    const char *group_id;
    const atomic_bool *stop; /* may be NULL */
    char *why;
    size_t why_max;
};

/* The options' texts must live until the close. */
MUST_USE enum status kafka_reader_open(const struct kafka_reader_options *options,
                                       struct kafka_reader **ret_reader);
void kafka_reader_close(struct kafka_reader *reader); /* NULL is fine */

/* Partitions of a topic; STATUS_ENVIRONMENT when there is no such topic. */
MUST_USE enum status kafka_reader_partitions(struct kafka_reader *reader, const char *topic,
                                             int32_t *ret_count);

struct kafka_committed {
    int64_t offset;        /* < 0: none, nobody consumes this partition */
    struct bytes metadata; /* valid until the next kafka_reader_committed of any topic */
};
/* Of partitions 0 .. count - 1 of each topic, one list behind the other: one question, one answer.
 */
MUST_USE enum status kafka_reader_committed(struct kafka_reader *reader, const char *const *topics,
                                            const int32_t *counts, size_t topics_count,
                                            struct kafka_committed *ret_committed);

struct kafka_range {
    int32_t partition;
    int64_t from, end; /* end: behind the last one wanted */
    int64_t low;       /* kafka_reader_find: what stood before it is deleted */
    bool done;
};
/*
 * All there is now in partitions 0 .. count - 1, open transactions included; `since_ms` >= 0: only
 * from the first record of that time on.
 */
MUST_USE enum status kafka_reader_find(struct kafka_reader *reader, const char *topic,
                                       int64_t since_ms, struct kafka_range *ranges, size_t count);

struct kafka_reader_record {
    int32_t partition;
    int64_t offset, timestamp_ms;
    struct record_content content; /* valid during the call */
};
typedef enum status kafka_reader_on_record(void *context, const struct kafka_reader_record *record);
/* Every record in the ranges, those of a partition in their order. A failure of `on_record` ends
 * it. Deleted records are passed over. */
MUST_USE enum status kafka_reader_read(struct kafka_reader *reader, const char *topic,
                                       struct kafka_range *ranges, size_t count,
                                       kafka_reader_on_record *on_record, void *context);

#endif
