/*
 * kafka_publisher: the thread that owns the transactional producer (docs/PROTOCOL.md R6).
 *
 * One batch at a time: offsets first, then outcomes and dead letters, then commit: all in one
 * transaction. The batch and all that it points to stay the caller's and must not move until its
 * result. The result arrives on the loop's thread.
 *
 * After a commit whose fate is unknown the publisher makes a new producer, waits for
 * init_transactions, reads the committed offsets (stable) and gives PUBLISH_REREAD with them: the
 * caller then publishes only what is not done.
 */
#ifndef PAYOUTD_ADAPTER_KAFKA_PUBLISHER_H
#define PAYOUTD_ADAPTER_KAFKA_PUBLISHER_H

#include "payoutd/adapter/kafka_source.h"
#include "payoutd/codec/outcome_json.h"

struct kafka_publisher;

enum publish_topic {
    PUBLISH_OUTCOMES,
    PUBLISH_DEAD_LETTERS,
    PUBLISH_RESOLUTIONS,
    PUBLISH_TOPIC_COUNT
};

struct kafka_publisher_options {
    const struct kafka_setting *settings;
    size_t settings_count;
    const char *transactional_id;
    const char *group_id;                    /* for reading the committed offsets again */
    const char *topics[PUBLISH_TOPIC_COUNT]; /* resolutions may be NULL */
    const char *source_topics[SOURCE_TOPIC_COUNT];
    int64_t transaction_timeout_ms; /* 10000 */
    int64_t message_timeout_ms;     /* shorter */
};

struct publish_message {
    enum publish_topic topic;
    struct bytes key, value;
    const struct event_headers *headers;
};

struct publish_offset {
    enum source_topic topic;
    int32_t partition;
    int64_t offset;        /* the watermark: next to be read */
    struct bytes metadata; /* done_set text */
};

struct publish_batch {
    uint64_t number;
    struct kafka_membership *membership; /* whose group metadata fences the offsets */
    const struct publish_message *messages;
    size_t messages_count;
    const struct publish_offset *offsets;
    size_t offsets_count;
};

enum publish_result {
    PUBLISH_COMMITTED,
    PUBLISH_ABORTED, /* nothing is visible; the same content may be published again */
    PUBLISH_FENCED,  /* the membership is not valid any more: drop what belongs to it */
    PUBLISH_REREAD,  /* the fate was unknown; `offsets` say what is committed now */
    PUBLISH_DEAD,    /* this publisher cannot go on: end the process in order */
};

struct publish_report {
    uint64_t number;
    enum publish_result result;
    const struct source_partition
        *offsets;         /* REREAD: committed now, for every partition of the batch */
    size_t offsets_count; /* the views hold until the next submit */
    int64_t took_ms;
    char why[200];
};

typedef void kafka_publisher_done(void *context, const struct publish_report *report);
/* A delivered (STATUS_OK) or refused resolution, by its tag. */
typedef void kafka_publisher_told(void *context, uint64_t tag, enum status status);
typedef void kafka_publisher_ready(void *context, enum status status, const char *why);

struct kafka_publisher_events {
    kafka_publisher_ready
        *ready; /* transactions are initialised; or why they cannot be (it goes on trying) */
    kafka_publisher_done *done;
    kafka_publisher_told *told;
    void *context;
};

MUST_USE enum status kafka_publisher_new(struct loop *loop,
                                         const struct kafka_publisher_options *options,
                                         const struct kafka_publisher_events *events,
                                         struct kafka_publisher **ret_publisher);
/* Waits up to `wait_ms` for the running batch, whose report is not given any more; a thread that
   hangs is left behind (the process ends anyway). */
void kafka_publisher_close(struct kafka_publisher *publisher, int64_t wait_ms);

/*
 * STATUS_NO_ROOM while a batch runs. STATUS_UNAVAILABLE before `ready` said STATUS_OK, and while a
 * producer that broke is made anew (`ready` is then called again). A batch with offsets must have a
 * membership: must().
 */
MUST_USE enum status kafka_publisher_submit(struct kafka_publisher *publisher,
                                            const struct publish_batch *batch);
bool kafka_publisher_is_busy(const struct kafka_publisher *publisher);
/* Monotonic time at which the running batch began; 0: none. The loop ends the process past its
 * deadline. */
int64_t kafka_publisher_busy_since_ms(const struct kafka_publisher *publisher);

/* Evidence for the resolutions topic: not transactional, acks=all, idempotent producer. Copies.
 * STATUS_NO_ROOM when its queue is full. */
MUST_USE enum status kafka_publisher_tell(struct kafka_publisher *publisher, uint64_t tag,
                                          struct bytes key, struct bytes value);

#endif
