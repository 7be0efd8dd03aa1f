/*
 * kafka_source: the consumer. One group reads commands and resolutions; offsets are committed
 * elsewhere, inside the publisher's transactions (docs/PROTOCOL.md R6, R7).
 *
 * isolation read_committed, no auto commit, no auto store, auto.offset.reset=error, range assignor.
 * At an assignment the committed offsets and metadata are read first (stable), asynchronously, then
 * the partitions are assigned with explicit offsets, then `assigned` is called. Every assignment
 * has a number, the epoch; records carry it. A partition whose committed offset is missing is not
 * consumed: `trouble` says to run `payoutctl init`.
 */
#ifndef PAYOUTD_ADAPTER_KAFKA_SOURCE_H
#define PAYOUTD_ADAPTER_KAFKA_SOURCE_H

#include "payoutd/adapter/loop.h"
#include "payoutd/codec/command_json.h"

struct kafka_source;
struct kafka_membership; /* the group metadata of one assignment; counted references, any thread */

enum source_topic { SOURCE_COMMANDS, SOURCE_RESOLUTIONS, SOURCE_TOPIC_COUNT };

struct kafka_setting {
    const char *name, *value;
};

struct kafka_source_options {
    const struct kafka_setting
        *settings; /* bootstrap.servers, security.*, ...: the `kafka:` section */
    size_t settings_count;
    const char *group_id;
    const char *group_instance_id;          /* NULL: dynamic membership */
    const char *topics[SOURCE_TOPIC_COUNT]; /* resolutions may be NULL */
    int64_t session_timeout_ms;
};

struct source_partition {
    enum source_topic topic;
    int32_t partition;
    int64_t committed_offset; /* < 0: none (only in a publisher's report) */
    struct bytes metadata;    /* valid during the callback */
};

struct source_record {
    enum source_topic topic;
    int32_t partition;
    uint64_t epoch;
    int64_t offset;
    int64_t timestamp_ms;          /* the broker's or the producer's, as the topic is set */
    struct record_content content; /* valid during the callback */
};

struct kafka_source_events {
    /* `membership` is borrowed: kafka_membership_keep to hold it. */
    void (*assigned)(void *context, uint64_t epoch, struct kafka_membership *membership,
                     const struct source_partition *partitions, size_t count);
    /* Must be answered with kafka_source_release once the running transaction has ended. */
    void (*revoked)(void *context, uint64_t epoch);
    /* The partitions are another's already; nothing to answer. */
    void (*lost)(void *context, uint64_t epoch);
    void (*record)(void *context, const struct source_record *record);
    /* Something a person should know: STATUS_UNAVAILABLE (brokers), STATUS_ENVIRONMENT (topic, ACL,
       no offset), STATUS_CONFIG (SASL, TLS), STATUS_UNSAFE (offset reset). `why` says what to do.
     */
    void (*trouble)(void *context, enum status status, const char *why);
    void *context;
};

/* `woken` is the loop's hint that records or events wait: the turn then calls kafka_source_poll. */
MUST_USE enum status kafka_source_new(struct loop *loop, const struct kafka_source_options *options,
                                      const struct kafka_source_events *events,
                                      struct kafka_source **ret_source);
void kafka_source_close(
    struct kafka_source *source); /* leaves the group, frees; blocks at most a few seconds */

/*
 * Delivers at most `records_max` records (0: only other events), through the callbacks. Must be
 * called at least every second, paused or not. True: more may be waiting, come back at once. With 0
 * records stay where they are, and nothing wakes the loop for them: poll again when there is room.
 */
bool kafka_source_poll(struct kafka_source *source, size_t records_max);

/* May be called in the callbacks. A poll that is under way still delivers what it had taken of a
 * paused partition. */
void kafka_source_pause(struct kafka_source *source, enum source_topic topic, int32_t partition);
void kafka_source_resume(struct kafka_source *source, enum source_topic topic, int32_t partition);
/* Backwards in mid-life: the records from `offset` on come again. */
MUST_USE enum status kafka_source_seek(struct kafka_source *source, enum source_topic topic,
                                       int32_t partition, int64_t offset);
/* Answers `revoked`: gives the partitions back. */
void kafka_source_release(struct kafka_source *source);
bool kafka_source_has_joined(const struct kafka_source *source); /* once, ever */

/* Records between the position and the high watermark; -1: not known. */
int64_t kafka_source_lag(struct kafka_source *source, enum source_topic topic, int32_t partition);

struct kafka_membership *kafka_membership_keep(struct kafka_membership *membership);
void kafka_membership_drop(struct kafka_membership *membership);

/* Start-up check: brokers answer and every named topic exists (partition counts into `ret_counts`).
 * Blocking. */
MUST_USE enum status kafka_source_check(const struct kafka_setting *settings, size_t settings_count,
                                        const char *const *topics, size_t topics_count,
                                        int64_t timeout_ms, int32_t *ret_counts, char *ret_why,
                                        size_t why_max);
/* First deployment: commits the earliest (or latest) offset for every partition without one. The
 * group must be empty. Blocking. */
MUST_USE enum status kafka_source_initialise(const struct kafka_setting *settings,
                                             size_t settings_count, const char *group_id,
                                             const char *const *topics, size_t topics_count,
                                             bool from_latest, int32_t *ret_written, char *ret_why,
                                             size_t why_max);

#endif
