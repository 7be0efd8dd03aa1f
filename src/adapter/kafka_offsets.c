/* Reading what a group has committed: stable, that is, with no transaction open over it. */
#include "kafka_parts.h"

#include "payoutd/adapter/loop.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ASK_MS = 5000, PAUSE_UNSTABLE_MS = 5, PAUSE_FAILED_MS = 100 };

void kafka_offsets_set_metadata(rd_kafka_topic_partition_t *partition, struct bytes metadata)
{
    if (metadata.len == 0)
        return;
    /* librdkafka and readers take it for a C string in places: behind a NUL they see garbage. */
    must(memchr(metadata.data, '\0', metadata.len) == NULL);
    partition->metadata = strndup(metadata.data, metadata.len);
    must(partition->metadata != NULL);
    partition->metadata_size = metadata.len;
}

struct bytes kafka_offsets_metadata(const rd_kafka_topic_partition_t *partition)
{
    if (partition->metadata == NULL)
        return BYTES("");
    return (struct bytes){partition->metadata, partition->metadata_size};
}

void kafka_offsets_ask(rd_kafka_t *client, const char *group_id,
                       const rd_kafka_topic_partition_list_t *partitions, rd_kafka_queue_t *queue,
                       int64_t timeout_ms)
{
    char ignored[KAFKA_WHY_MAX];
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    rd_kafka_AdminOptions_set_request_timeout(options, (int) timeout_ms, ignored, sizeof ignored);
    rd_kafka_error_t *error = rd_kafka_AdminOptions_set_require_stable_offsets(options, 1);
    must(error == NULL);
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(group_id, partitions);
    rd_kafka_ListConsumerGroupOffsets(client, &request, 1, options, queue);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    rd_kafka_AdminOptions_destroy(options);
}

static const rd_kafka_topic_partition_list_t *partitions_of(rd_kafka_event_t *event,
                                                            rd_kafka_resp_err_t *ret_code)
{
    size_t count = 0;
    *ret_code = rd_kafka_event_error(event);
    if (*ret_code != 0)
        return NULL;
    const rd_kafka_ListConsumerGroupOffsets_result_t *result =
        rd_kafka_event_ListConsumerGroupOffsets_result(event);
    const rd_kafka_group_result_t **groups =
        rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count);
    must(count == 1);
    const rd_kafka_error_t *error = rd_kafka_group_result_error(groups[0]);
    *ret_code = error == NULL ? 0 : rd_kafka_error_code(error);
    return error == NULL ? rd_kafka_group_result_partitions(groups[0]) : NULL;
}

enum kafka_offsets_answer kafka_offsets_judge(rd_kafka_event_t *event,
                                              rd_kafka_topic_partition_list_t **ret_partitions,
                                              rd_kafka_resp_err_t *ret_code)
{
    const rd_kafka_topic_partition_list_t *partitions = partitions_of(event, ret_code);
    for (int i = 0; partitions != NULL && i < partitions->cnt; i++) {
        rd_kafka_resp_err_t code = partitions->elems[i].err;
        if (code == 0)
            continue;
        *ret_code = code == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT ? 0 : code;
        return KAFKA_OFFSETS_AGAIN;
    }
    if (partitions == NULL) {
        if (*ret_code == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT)
            *ret_code = 0;
        return KAFKA_OFFSETS_AGAIN;
    }
    *ret_partitions = rd_kafka_topic_partition_list_copy(partitions);
    return KAFKA_OFFSETS_READ;
}

static void pause_ms(int64_t ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

enum status kafka_offsets_read(rd_kafka_t *client, const char *group_id,
                               const rd_kafka_topic_partition_list_t *partitions,
                               int64_t timeout_ms, rd_kafka_topic_partition_list_t **ret_partitions,
                               char ret_why[static KAFKA_WHY_MAX])
{
    int64_t deadline_ms = loop_now_ms() + timeout_ms;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    enum kafka_offsets_answer answer = KAFKA_OFFSETS_AGAIN;
    rd_kafka_resp_err_t code = 0;
    do {
        kafka_offsets_ask(client, group_id, partitions, queue, ASK_MS);
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 2 * ASK_MS);
        code = RD_KAFKA_RESP_ERR__TIMED_OUT;
        if (event != NULL)
            answer = kafka_offsets_judge(event, ret_partitions, &code);
        rd_kafka_event_destroy(event);
        if (answer == KAFKA_OFFSETS_AGAIN)
            pause_ms(code == 0 ? PAUSE_UNSTABLE_MS : PAUSE_FAILED_MS);
    } while (answer == KAFKA_OFFSETS_AGAIN && loop_now_ms() < deadline_ms);
    rd_kafka_queue_destroy(queue);
    if (answer == KAFKA_OFFSETS_READ)
        return STATUS_OK;
    if (code != 0)
        return kafka_trouble_say(code, "reading the committed offsets", ret_why, KAFKA_WHY_MAX);
    snprintf(ret_why, KAFKA_WHY_MAX, "a transaction stays open over the group's offsets");
    return STATUS_UNAVAILABLE;
}
