/* kafka_source_parts: the consumer's insides, shared by kafka_source.c (life, records) and
 * kafka_assignment.c (ownership). */
#ifndef PAYOUTD_ADAPTER_KAFKA_SOURCE_PARTS_H
#define PAYOUTD_ADAPTER_KAFKA_SOURCE_PARTS_H

#include "kafka_parts.h"

enum source_phase {
    SOURCE_IDLE,     /* no assignment */
    SOURCE_READING,  /* assigned by the group; the committed offsets are being read */
    SOURCE_OWNING,   /* consuming */
    SOURCE_REVOKING, /* `revoked` was said and is not answered yet: no record is delivered any more
                      */
};

struct source_slot {
    enum source_topic topic;
    int32_t partition;
    bool seeking; /* the running poll still holds records of before the seek: they come again */
};

struct kafka_source {
    struct loop *loop;
    struct kafka_source_events events;
    char *group_id;
    char *topics[SOURCE_TOPIC_COUNT];
    rd_kafka_t *consumer;
    rd_kafka_queue_t *happenings; /* rebalances, errors */
    rd_kafka_queue_t *answers;    /* committed offsets */
    rd_kafka_queue_t *records;
    int fd;
    struct loop_watch *watch;
    struct loop_timer *ask_again;
    enum source_phase phase;
    uint64_t epoch;
    bool has_joined;
    rd_kafka_topic_partition_list_t *assigned; /* READING: by the group */
    struct kafka_membership *membership;
    struct source_slot *slots; /* OWNING, REVOKING: what is consumed, in no order */
    size_t slots_count;
    struct source_slot *last_slot; /* of the last record: most records come in runs */
    int64_t route_at_ms;           /* the routes of the partitions are looked after */
    struct kafka_trouble_limit limit;
};

/* Which of our topics; false: none of ours. */
bool kafka_source_topic_of(const struct kafka_source *source, const char *name,
                           enum source_topic *ret_topic);
/* NULL: not ours now. */
struct source_slot *kafka_source_slot(struct kafka_source *source, enum source_topic topic,
                                      int32_t partition);
void kafka_source_trouble(struct kafka_source *source, rd_kafka_resp_err_t code,
                          const char *detail);

/* A rebalance event, while the source lives. */
void kafka_assignment_change(struct kafka_source *source, rd_kafka_event_t *event);
/* An event of the `answers` queue. */
void kafka_assignment_answer(struct kafka_source *source, rd_kafka_event_t *event);
void kafka_assignment_ask(struct kafka_source *source);
/* Sees to it that records still come to the `records` queue; from every poll. */
void kafka_assignment_route(struct kafka_source *source, int64_t now_ms);
/* The consumer has failed for good, and librdkafka revokes nothing then. */
void kafka_assignment_lose(struct kafka_source *source);
void kafka_assignment_release(struct kafka_source *source);
/* What the assignment holds; the group is not told. */
void kafka_assignment_forget(struct kafka_source *source);

#endif
