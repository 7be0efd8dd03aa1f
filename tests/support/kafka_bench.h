/* kafka_bench: one loop, real topics, members of a group and a publisher whose callbacks are
 * written down. */
#ifndef PAYOUTD_TESTS_KAFKA_BENCH_H
#define PAYOUTD_TESTS_KAFKA_BENCH_H

#include "payoutd/adapter/kafka_publisher.h"

#include <librdkafka/rdkafka.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum {
    BENCH_MEMBERS_MAX = 4,
    BENCH_UNTIL_MS = 40000,
    BENCH_RECORDS_MAX = 25000,
    BENCH_PARTITIONS_MAX = 16
};

struct bench_record {
    enum source_topic topic;
    int32_t partition;
    int64_t offset, timestamp_ms;
    uint64_t epoch;
    char key[24], value[24]; /* the beginning */
    size_t headers_count;
    bool has_key, headers_cut;
    char first_header[48]; /* name=value */
};

struct member {
    struct kafka_source *source;
    size_t room; /* records_max of each poll */
    struct bench_record *records;
    size_t records_count;
    int assigned_count, revoked_count, lost_count, trouble_count;
    uint64_t epoch;
    struct kafka_membership *membership;                      /* of the last assignment, kept */
    struct source_partition partitions[BENCH_PARTITIONS_MAX]; /* without metadata */
    char metadata[BENCH_PARTITIONS_MAX][4100];
    size_t partitions_count;
    enum status trouble_status;
    char trouble[240];
};

struct bench {
    struct loop *loop;
    char bootstrap[128];
    struct kafka_setting settings[1];
    struct member *members[BENCH_MEMBERS_MAX];
    size_t members_count;
    struct kafka_publisher *publisher;
    int ready_count, reports_count, told_count;
    enum status ready_status, told_status;
    uint64_t told_tag;
    char ready_why[240];
    struct publish_report report;
    char names[8][64]; /* of topics, made by bench_name */
    size_t names_count;
};

/* Steps the loop until it holds; fails the test after BENCH_UNTIL_MS. */
#define BENCH_UNTIL(bench, condition)                          \
    do {                                                       \
        int64_t until_ms_ = loop_now_ms() + BENCH_UNTIL_MS;    \
        while (!(condition)) {                                 \
            if (loop_now_ms() >= until_ms_)                    \
                fail_msg("did not come true: %s", #condition); \
            bench_step(bench);                                 \
        }                                                      \
    } while (0)

void bench_open(struct bench *bench, const char *bootstrap);
void bench_close(struct bench *bench); /* members and publisher too */
void bench_step(struct bench *bench);
void bench_run_for(struct bench *bench, int64_t ms);

/* A name that no other test has. */
const char *bench_name(struct bench *bench, const char *stem);
/* A real topic; `setting` may be NULL. */
const char *bench_topic(struct bench *bench, const char *stem, int partitions, const char *setting,
                        const char *value);
/* Values "0", "1", ... keys "k0", ...; transactional in runs of `run` when it is > 0. */
void bench_fill(struct bench *bench, const char *topic, int32_t partition, int count, int run);
void bench_produce(struct bench *bench, const char *topic, int32_t partition, struct bytes key,
                   struct bytes value, int headers_count);
/* What a read_committed reader sees in all partitions; `ret_values` (may be NULL): how often each
 * number < max came. */
int bench_read(struct bench *bench, const char *topic, int partitions, int *ret_values, int max);
/* -1: none. `ret_metadata` may be NULL, else 4,100 bytes. */
int64_t bench_committed(struct bench *bench, const char *group, const char *topic,
                        int32_t partition, char *ret_metadata);
void bench_initialise(struct bench *bench, const char *group, const char *topic);
rd_kafka_t *bench_client(struct bench *bench, rd_kafka_type_t type, const char *group);

/* With sessions of 6 s. */
void bench_join(struct bench *bench, struct member *member, const char *group, const char *instance,
                const char *commands, const char *resolutions);
void bench_leave(struct bench *bench, struct member *member);

struct bench_publishing {
    const char *transactional_id, *group, *commands, *outcomes, *resolutions;
    int64_t transaction_timeout_ms, message_timeout_ms;
};
/* Does not wait until it is ready. */
void bench_publish_with(struct bench *bench, const struct bench_publishing *publishing);
/* Submits and waits for the report. */
enum publish_result bench_publish(struct bench *bench, const struct publish_batch *batch);

#endif
