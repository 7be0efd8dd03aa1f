/* What the flow asks of a running consumer: pause, go back, give back, how far behind. */
#include "kafka_source_parts.h"

#include "payoutd/adapter/log.h"

enum { PAUSE_LIST = 1 };

static rd_kafka_topic_partition_list_t *list_of(const struct kafka_source *source,
                                                enum source_topic topic, int32_t partition)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PAUSE_LIST);
    must(source->topics[topic] != NULL);
    rd_kafka_topic_partition_list_add(list, source->topics[topic], partition);
    return list;
}

static bool is_owned(struct kafka_source *source, enum source_topic topic, int32_t partition)
{
    return source->phase == SOURCE_OWNING && kafka_source_slot(source, topic, partition) != NULL;
}

void kafka_source_pause(struct kafka_source *source, enum source_topic topic, int32_t partition)
{
    if (!is_owned(source, topic, partition))
        return;
    rd_kafka_topic_partition_list_t *list = list_of(source, topic, partition);
    rd_kafka_pause_partitions(source->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
}

void kafka_source_resume(struct kafka_source *source, enum source_topic topic, int32_t partition)
{
    if (!is_owned(source, topic, partition))
        return;
    rd_kafka_topic_partition_list_t *list = list_of(source, topic, partition);
    rd_kafka_resume_partitions(source->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
}

enum status kafka_source_seek(struct kafka_source *source, enum source_topic topic,
                              int32_t partition, int64_t offset)
{
    if (!is_owned(source, topic, partition))
        return STATUS_UNAVAILABLE;
    rd_kafka_topic_partition_list_t *list = list_of(source, topic, partition);
    list->elems[0].offset = offset;
    rd_kafka_error_t *error = rd_kafka_seek_partitions(source->consumer, list, 0);
    rd_kafka_resp_err_t code = list->elems[0].err;
    if (error != NULL)
        code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != 0 && code != RD_KAFKA_RESP_ERR__IN_PROGRESS) {
        kafka_source_trouble(source, code, "going back in a partition");
        return STATUS_UNAVAILABLE;
    }
    kafka_source_slot(source, topic, partition)->seeking = true;
    return STATUS_OK;
}

void kafka_source_release(struct kafka_source *source)
{
    kafka_assignment_release(source);
}

bool kafka_source_has_joined(const struct kafka_source *source)
{
    return source->has_joined;
}

int64_t kafka_source_lag(struct kafka_source *source, enum source_topic topic, int32_t partition)
{
    int64_t low, high;
    if (!is_owned(source, topic, partition) ||
        rd_kafka_get_watermark_offsets(source->consumer, source->topics[topic], partition, &low,
                                       &high) != 0 ||
        high < 0)
        return -1;
    rd_kafka_topic_partition_list_t *list = list_of(source, topic, partition);
    bool known = rd_kafka_position(source->consumer, list) == 0 && list->elems[0].offset >= 0;
    int64_t position = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (!known)
        return -1;
    return position < high ? high - position : 0;
}
