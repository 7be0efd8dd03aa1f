/* The restorer's view of Kafka: what is committed, what was said (see kafka_reader.h). */
#include "payoutd/adapter/kafka_reader.h"

#include "kafka_parts.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STEP_MS = 200,
    ASK_MS = 5000,
    ANSWER_MS = 30000, /* for one question, repeats included */
    SILENCE_MS = 60000 /* without any record: longer than a dead worker's transaction stays open */
};

struct kafka_reader {
    struct kafka_reader_options options;
    rd_kafka_t *asker;  /* sees open transactions: its ends are where they end */
    rd_kafka_t *reader; /* read committed */
    rd_kafka_topic_partition_list_t *committed;
    struct kafka_noted noted;
};

static bool is_stopped(const struct kafka_reader *reader)
{
    return reader->options.stop != NULL && atomic_load(reader->options.stop);
}

static enum status complain(struct kafka_reader *reader, enum status status, const char *what)
{
    snprintf(reader->options.why, reader->options.why_max, "%s", what);
    return status;
}

/* A refused login shows only as an error event, while the call itself times out: that cause is
 * said first. */
static enum status fail(struct kafka_reader *reader, rd_kafka_resp_err_t code, const char *detail)
{
    rd_kafka_poll(reader->asker, 0);
    if (!kafka_trouble_is_news(code) && reader->noted.code != 0)
        return kafka_trouble_say(reader->noted.code, reader->noted.detail, reader->options.why,
                                 reader->options.why_max);
    return kafka_trouble_say(code, detail, reader->options.why, reader->options.why_max);
}

/* --- life --- */

static enum status make_client(struct kafka_reader *reader, const char *isolation,
                               rd_kafka_t **ret_client)
{
    const struct kafka_setting defaults[] = {
        {"client.id", "payoutd-restorer"},    {"fetch.wait.max.ms", "100"},
        {"fetch.error.backoff.ms", "100"},    {"queued.max.messages.kbytes", "8192"},
        {"reconnect.backoff.max.ms", "2000"}, {NULL, NULL},
    };
    const struct kafka_setting fixed[] = {
        {"group.id", reader->options.group_id}, /* only named: it is not joined */
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"enable.partition.eof", "true"},
        {"auto.offset.reset", "earliest"},
        {"isolation.level", isolation},
        {"allow.auto.create.topics", "false"},
        {NULL, NULL},
    };
    const struct kafka_setup setup = {reader->options.settings, reader->options.settings_count,
                                      defaults, fixed};
    char why[KAFKA_WHY_MAX] = "";
    rd_kafka_conf_t *conf;
    enum status status = kafka_setup_conf(&setup, &conf, why);
    if (status == STATUS_OK) {
        rd_kafka_conf_set_error_cb(conf, kafka_setup_note);
        rd_kafka_conf_set_opaque(conf, &reader->noted);
        status = kafka_setup_client(RD_KAFKA_CONSUMER, conf, ret_client, why);
    }
    return status == STATUS_OK ? STATUS_OK : complain(reader, status, why);
}

enum status kafka_reader_open(const struct kafka_reader_options *options,
                              struct kafka_reader **ret_reader)
{
    struct kafka_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return STATUS_NO_ROOM;
    reader->options = *options;
    enum status status = make_client(reader, "read_uncommitted", &reader->asker);
    if (status == STATUS_OK)
        status = make_client(reader, "read_committed", &reader->reader);
    if (status != STATUS_OK) {
        kafka_reader_close(reader);
        return status;
    }
    rd_kafka_poll_set_consumer(reader->reader);
    *ret_reader = reader;
    return STATUS_OK;
}

void kafka_reader_close(struct kafka_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->committed != NULL)
        rd_kafka_topic_partition_list_destroy(reader->committed);
    if (reader->asker != NULL)
        rd_kafka_destroy_flags(reader->asker, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    if (reader->reader != NULL)
        rd_kafka_destroy_flags(reader->reader, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free(reader);
}

/* --- facts --- */

static rd_kafka_resp_err_t ask_partitions(struct kafka_reader *reader, const char *name,
                                          int32_t *ret_count)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(reader->asker, name, NULL);
    if (topic == NULL)
        return rd_kafka_last_error();
    rd_kafka_resp_err_t code = rd_kafka_metadata(reader->asker, 0, topic, &metadata, ASK_MS);
    if (code == 0) {
        must(metadata->topic_cnt == 1);
        code = metadata->topics[0].err;
        *ret_count = metadata->topics[0].partition_cnt;
        if (code == 0 && *ret_count == 0)
            code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(topic);
    return code;
}

enum status kafka_reader_partitions(struct kafka_reader *reader, const char *topic,
                                    int32_t *ret_count)
{
    int64_t deadline_ms = loop_now_ms() + ANSWER_MS;
    rd_kafka_resp_err_t code;
    do {
        code = ask_partitions(reader, topic, ret_count);
    } while (code != 0 && !kafka_trouble_is_news(code) && !is_stopped(reader) &&
             loop_now_ms() < deadline_ms);
    return code == 0 ? STATUS_OK : fail(reader, code, topic);
}

/* Until it is stable, the time is up, or somebody stops us. */
static enum kafka_offsets_answer ask_committed(struct kafka_reader *reader,
                                               const rd_kafka_topic_partition_list_t *wanted,
                                               rd_kafka_topic_partition_list_t **ret_list,
                                               rd_kafka_resp_err_t *ret_code)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(reader->asker);
    enum kafka_offsets_answer answer = KAFKA_OFFSETS_AGAIN;
    int64_t deadline_ms = loop_now_ms() + ANSWER_MS;
    bool asked = false;
    *ret_code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    while (answer == KAFKA_OFFSETS_AGAIN && !is_stopped(reader) && loop_now_ms() < deadline_ms) {
        if (!asked)
            kafka_offsets_ask(reader->asker, reader->options.group_id, wanted, queue, ASK_MS);
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, STEP_MS);
        asked = event == NULL;
        if (event == NULL)
            continue;
        answer = kafka_offsets_judge(event, ret_list, ret_code);
        rd_kafka_event_destroy(event);
        if (answer == KAFKA_OFFSETS_AGAIN)
            rd_kafka_poll(reader->asker, STEP_MS / 10); /* not stable yet, or a failure */
    }
    rd_kafka_queue_destroy(queue);
    return answer;
}

enum status kafka_reader_committed(struct kafka_reader *reader, const char *const *topics,
                                   const int32_t *counts, size_t topics_count,
                                   struct kafka_committed *ret_committed)
{
    rd_kafka_topic_partition_list_t *wanted = rd_kafka_topic_partition_list_new(16), *found = NULL;
    rd_kafka_resp_err_t code;
    for (size_t i = 0; i < topics_count; i++)
        for (int32_t partition = 0; partition < counts[i]; partition++)
            rd_kafka_topic_partition_list_add(wanted, topics[i], partition);
    enum kafka_offsets_answer answer = ask_committed(reader, wanted, &found, &code);
    if (answer == KAFKA_OFFSETS_AGAIN) {
        rd_kafka_topic_partition_list_destroy(wanted);
        return code == 0 ? complain(reader, STATUS_UNAVAILABLE,
                                    "a transaction stays open over the group's offsets")
                         : fail(reader, code, "reading the committed offsets");
    }
    if (reader->committed != NULL)
        rd_kafka_topic_partition_list_destroy(reader->committed);
    reader->committed = found;
    for (int i = 0; i < wanted->cnt; i++) {
        const rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_find(
            found, wanted->elems[i].topic, wanted->elems[i].partition);
        must(one != NULL);
        ret_committed[i] = (struct kafka_committed){one->offset < 0 ? -1 : one->offset,
                                                    kafka_offsets_metadata(one)};
    }
    rd_kafka_topic_partition_list_destroy(wanted);
    return STATUS_OK;
}

static enum status find_ends(struct kafka_reader *reader, const char *topic,
                             struct kafka_range *range)
{
    rd_kafka_resp_err_t code;
    int64_t deadline_ms = loop_now_ms() + ANSWER_MS;
    do {
        code = rd_kafka_query_watermark_offsets(reader->asker, topic, range->partition, &range->low,
                                                &range->end, ASK_MS);
    } while (code != 0 && !is_stopped(reader) && loop_now_ms() < deadline_ms);
    range->from = range->low;
    return code == 0 ? STATUS_OK : fail(reader, code, topic);
}

static enum status find_time(struct kafka_reader *reader, const char *topic, int64_t since_ms,
                             struct kafka_range *ranges, size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int) count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, topic, ranges[i].partition)->offset = since_ms;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(reader->asker, list, ANSWER_MS);
    for (size_t i = 0; code == 0 && i < count; i++) {
        const rd_kafka_topic_partition_t *one =
            rd_kafka_topic_partition_list_find(list, topic, ranges[i].partition);
        code = one->err;
        /* None of that time: nothing before the end is as young. */
        ranges[i].from = one->offset < 0 ? ranges[i].end : one->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code == 0 ? STATUS_OK : fail(reader, code, topic);
}

enum status kafka_reader_find(struct kafka_reader *reader, const char *topic, int64_t since_ms,
                              struct kafka_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ranges[i] = (struct kafka_range){.partition = (int32_t) i};
        TRY(find_ends(reader, topic, &ranges[i]));
    }
    return since_ms < 0 ? STATUS_OK : find_time(reader, topic, since_ms, ranges, count);
}

/* --- records --- */

struct reading {
    struct kafka_reader *reader;
    struct kafka_range *ranges;
    size_t count, left;
    kafka_reader_on_record *on_record;
    void *context;
    struct kafka_reader_record record; /* large: its 32 headers */
};

static struct kafka_range *range_of(struct reading *reading, int32_t partition)
{
    for (size_t i = 0; i < reading->count; i++)
        if (reading->ranges[i].partition == partition)
            return &reading->ranges[i];
    return NULL;
}

/* `next`: nothing before it comes any more. */
static void advance(struct reading *reading, struct kafka_range *range, int64_t next)
{
    if (range->done || next < range->end)
        return;
    range->done = true;
    reading->left--;
}

static enum status take(struct reading *reading, const rd_kafka_message_t *message)
{
    struct kafka_range *range = range_of(reading, message->partition);
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && range != NULL) {
        advance(reading, range, message->offset);
        return STATUS_OK;
    }
    if (message->err != 0) {
        if (!kafka_trouble_is_news(message->err))
            return STATUS_OK; /* librdkafka tries again */
        return fail(reading->reader, message->err, rd_kafka_message_errstr(message));
    }
    if (range == NULL || range->done)
        return STATUS_OK;
    if (message->offset >= range->from && message->offset < range->end) {
        rd_kafka_timestamp_type_t type;
        reading->record.partition = message->partition;
        reading->record.offset = message->offset;
        reading->record.timestamp_ms = rd_kafka_message_timestamp(message, &type);
        kafka_record_view(message, &reading->record.content);
        TRY(reading->on_record(reading->context, &reading->record));
    }
    advance(reading, range, message->offset + 1);
    return STATUS_OK;
}

static enum status poll_all(struct reading *reading)
{
    int64_t heard_ms = loop_now_ms();
    while (reading->left > 0) {
        if (is_stopped(reading->reader))
            return complain(reading->reader, STATUS_UNAVAILABLE, "stopped");
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reading->reader->reader, STEP_MS);
        if (message != NULL) {
            enum status status = take(reading, message);
            rd_kafka_message_destroy(message);
            TRY(status);
            heard_ms = loop_now_ms();
        } else if (loop_now_ms() - heard_ms > SILENCE_MS)
            return complain(reading->reader, STATUS_UNAVAILABLE,
                            "Kafka gives no further record: are its brokers up, or does a "
                            "transaction stay open?");
    }
    return STATUS_OK;
}

static rd_kafka_resp_err_t assign(struct reading *reading, const char *topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int) reading->count);
    for (size_t i = 0; i < reading->count; i++) {
        struct kafka_range *range = &reading->ranges[i];
        range->done = range->from >= range->end;
        if (range->done)
            continue;
        reading->left++;
        rd_kafka_topic_partition_list_add(list, topic, range->partition)->offset = range->from;
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(reading->reader->reader, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

enum status kafka_reader_read(struct kafka_reader *reader, const char *topic,
                              struct kafka_range *ranges, size_t count,
                              kafka_reader_on_record *on_record, void *context)
{
    struct reading reading = {.reader = reader,
                              .ranges = ranges,
                              .count = count,
                              .on_record = on_record,
                              .context = context};
    rd_kafka_resp_err_t code = assign(&reading, topic);
    enum status status = code == 0 ? poll_all(&reading) : fail(reader, code, topic);
    rd_kafka_assign(reader->reader, NULL);
    return status;
}
