/*
 * kafka_parts: what the Kafka adapters share with each other and with nobody else.
 *
 * Setting up a client, words for its failures, the membership, and reading committed offsets.
 */
#ifndef PAYOUTD_ADAPTER_KAFKA_PARTS_H
#define PAYOUTD_ADAPTER_KAFKA_PARTS_H

#include "payoutd/adapter/kafka_source.h"

#include <librdkafka/rdkafka.h>

enum { KAFKA_WHY_MAX = 200 };

/* --- kafka_setup.c: one client --- */

struct kafka_setup {
    const struct kafka_setting *settings; /* the person's: they win over `defaults` */
    size_t settings_count;
    const struct kafka_setting
        *defaults; /* ours, that a person may change; ends with a NULL name */
    const struct kafka_setting
        *fixed; /* safety rests on these: they win over all; ends with a NULL name */
};

/* A configuration with our logging; the caller's to destroy or to give to kafka_setup_client.
 * STATUS_CONFIG with words. */
MUST_USE enum status kafka_setup_conf(const struct kafka_setup *setup, rd_kafka_conf_t **ret_conf,
                                      char ret_why[static KAFKA_WHY_MAX]);
/* Takes `conf`, whatever happens. */
MUST_USE enum status kafka_setup_client(rd_kafka_type_t type, rd_kafka_conf_t *conf,
                                        rd_kafka_t **ret_client,
                                        char ret_why[static KAFKA_WHY_MAX]);
/* A client that only asks: for start-up checks. Its authentication and TLS faults are kept in
 * `noted`. */
struct kafka_noted {
    rd_kafka_resp_err_t code; /* 0: none */
    char detail[KAFKA_WHY_MAX];
};
void kafka_setup_note(rd_kafka_t *client, int code, const char *detail, void *noted);

/* --- kafka_trouble.c: what a failure means to a person --- */

/* The table's row, found by the code; the last row stands for all others. */
struct kafka_trouble {
    rd_kafka_resp_err_t code;
    enum status status;
    const char *advice;
};
const struct kafka_trouble *kafka_trouble_of(rd_kafka_resp_err_t code);
/* Whether a person should hear of it at all: a single broken connection is librdkafka's own
 * business. */
bool kafka_trouble_is_news(rd_kafka_resp_err_t code);
enum status kafka_trouble_say(rd_kafka_resp_err_t code, const char *detail, char *ret_why,
                              size_t why_max);

enum { KAFKA_TROUBLE_KINDS = 32, KAFKA_TROUBLE_AGAIN_MS = 60 * 1000 };
struct kafka_trouble_limit {
    struct {
        const struct kafka_trouble *kind;
        int64_t said_ms;
    } rows[KAFKA_TROUBLE_KINDS];
    size_t count;
};
/* True at most once a minute for a kind. */
bool kafka_trouble_may_say(struct kafka_trouble_limit *limit, const struct kafka_trouble *kind,
                           int64_t now_ms);

/* --- kafka_membership.c --- */

/* STATUS_UNSAFE when the consumer is no member now (generation < 0 or no member id): brokers would
 * accept its commits. */
MUST_USE enum status kafka_membership_new(rd_kafka_t *consumer,
                                          struct kafka_membership **ret_membership);
const rd_kafka_consumer_group_metadata_t *kafka_membership_metadata(
    const struct kafka_membership *membership);
int32_t kafka_membership_generation(const struct kafka_membership *membership);

/* --- kafka_record.c --- */

/* Fills every field; the headers beyond headers_count stay as they are. */
void kafka_record_view(const rd_kafka_message_t *message, struct record_content *ret_content);

/* --- kafka_offsets.c: the committed offsets of a group --- */

/* Copies; ASCII or other valid UTF-8 without NUL, or librdkafka garbles it. */
void kafka_offsets_set_metadata(rd_kafka_topic_partition_t *partition, struct bytes metadata);

/* Empty, never absent, when nothing was committed with the offset. */
struct bytes kafka_offsets_metadata(const rd_kafka_topic_partition_t *partition);

enum kafka_offsets_answer { KAFKA_OFFSETS_READ, KAFKA_OFFSETS_AGAIN };

/* Asks for stable offsets; the answer is an event on `queue`. */
void kafka_offsets_ask(rd_kafka_t *client, const char *group_id,
                       const rd_kafka_topic_partition_list_t *partitions, rd_kafka_queue_t *queue,
                       int64_t timeout_ms);
/*
 * Judges such an event. READ: *ret_partitions is a list of the caller's, offsets and metadata set;
 * offset RD_KAFKA_OFFSET_INVALID means that none is committed. AGAIN: not stable yet (*ret_code 0)
 * or failed.
 */
enum kafka_offsets_answer kafka_offsets_judge(rd_kafka_event_t *event,
                                              rd_kafka_topic_partition_list_t **ret_partitions,
                                              rd_kafka_resp_err_t *ret_code);
/* Asks until it is answered. Blocking. Failures: STATUS_UNAVAILABLE and what kafka_trouble_of says.
 */
MUST_USE enum status kafka_offsets_read(rd_kafka_t *client, const char *group_id,
                                        const rd_kafka_topic_partition_list_t *partitions,
                                        int64_t timeout_ms,
                                        rd_kafka_topic_partition_list_t **ret_partitions,
                                        char ret_why[static KAFKA_WHY_MAX]);

#endif
