/*
 * After a commit of unknown fate: a new producer of the same transactional id ends the old
 * transaction one way or the other, and then the committed offsets say which (docs/PROTOCOL.md R6).
 */
#include "kafka_publisher_parts.h"

#include "payoutd/adapter/log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REREAD_ALL_MS = 120000, OPEN_STEP_MS = 5000, READ_STEP_MS = 10000, PAUSE_MS = 100 };

void kafka_reread_forget(struct transactions *transactions)
{
    if (transactions->reread_list != NULL)
        rd_kafka_topic_partition_list_destroy(transactions->reread_list);
    free(transactions->reread);
    transactions->reread_list = NULL;
    transactions->reread = NULL;
    transactions->reread_count = 0;
}

static bool open_anew(struct transactions *transactions, int64_t deadline_ms)
{
    struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    kafka_transaction_close(transactions);
    while (kafka_transaction_open(transactions, OPEN_STEP_MS) != STATUS_OK) {
        if (loop_now_ms() >= deadline_ms)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

static rd_kafka_topic_partition_list_t *partitions_of(const struct transactions *transactions,
                                                      const struct publish_batch *batch)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int) batch->offsets_count);
    for (size_t i = 0; i < batch->offsets_count; i++)
        rd_kafka_topic_partition_list_add(
            list, transactions->options->source_topics[batch->offsets[i].topic],
            batch->offsets[i].partition);
    return list;
}

static enum source_topic topic_of(const struct transactions *transactions, const char *name)
{
    const char *commands = transactions->options->source_topics[SOURCE_COMMANDS];
    return commands != NULL && strcmp(commands, name) == 0 ? SOURCE_COMMANDS : SOURCE_RESOLUTIONS;
}

static bool keep(struct transactions *transactions, rd_kafka_topic_partition_list_t *list)
{
    transactions->reread = calloc((size_t) list->cnt + 1, sizeof *transactions->reread);
    transactions->reread_list = list; /* the views below point into it */
    if (transactions->reread == NULL)
        return false;
    transactions->reread_count = (size_t) list->cnt;
    for (size_t i = 0; i < transactions->reread_count; i++) {
        const rd_kafka_topic_partition_t *one = &list->elems[i];
        transactions->reread[i] = (struct source_partition){
            .topic = topic_of(transactions, one->topic),
            .partition = one->partition,
            .committed_offset = one->offset < 0 ? -1 : one->offset,
            .metadata = kafka_offsets_metadata(one),
        };
    }
    return true;
}

static bool read_offsets(struct transactions *transactions, const struct publish_batch *batch,
                         int64_t deadline_ms)
{
    rd_kafka_topic_partition_list_t *wanted = partitions_of(transactions, batch);
    rd_kafka_topic_partition_list_t *found = NULL;
    enum status status;
    do {
        status = kafka_offsets_read(transactions->producer, transactions->options->group_id, wanted,
                                    READ_STEP_MS, &found, transactions->why);
    } while (status != STATUS_OK && loop_now_ms() < deadline_ms);
    rd_kafka_topic_partition_list_destroy(wanted);
    return status == STATUS_OK && keep(transactions, found);
}

enum publish_result kafka_reread_find(struct transactions *transactions,
                                      const struct publish_batch *batch)
{
    char first_why[KAFKA_WHY_MAX];
    int64_t deadline_ms = loop_now_ms() + REREAD_ALL_MS;
    memcpy(first_why, transactions->why, sizeof first_why);
    log_plain(LOG_LEVEL_WARN, "kafka.reread", first_why);
    if (!open_anew(transactions, deadline_ms))
        return PUBLISH_DEAD;
    if (batch->offsets_count > 0 && !read_offsets(transactions, batch, deadline_ms))
        return PUBLISH_DEAD;
    if (kafka_transaction_warm(transactions, OPEN_STEP_MS) != STATUS_OK)
        log_plain(LOG_LEVEL_WARN, "kafka.warm", transactions->why);
    memcpy(transactions->why, first_why, sizeof first_why);
    return PUBLISH_REREAD;
}
