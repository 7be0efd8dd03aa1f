/* The half of kafka_bench.h that needs no loop: topics, records in, records and offsets out. */
#include "kafka_bench.h"

#include "kafka_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALL_MS = 20000 };

const char *bench_name(struct bench *bench, const char *stem)
{
    static int number;
    must(bench->names_count < 8);
    char *name = bench->names[bench->names_count++];
    snprintf(name, sizeof bench->names[0], "%s-%d-%d", stem, (int) getpid(), ++number);
    return name;
}

rd_kafka_t *bench_client(struct bench *bench, rd_kafka_type_t type, const char *group)
{
    const struct kafka_setting fixed[] = {
        {group == NULL ? NULL : "group.id", group},
        {NULL, NULL},
    };
    const struct kafka_setup setup = {bench->settings, 1, NULL, fixed};
    rd_kafka_conf_t *conf;
    rd_kafka_t *client;
    char why[KAFKA_WHY_MAX];
    assert_int_equal(kafka_setup_conf(&setup, &conf, why), STATUS_OK);
    assert_int_equal(kafka_setup_client(type, conf, &client, why), STATUS_OK);
    return client;
}

const char *bench_topic(struct bench *bench, const char *stem, int partitions, const char *setting,
                        const char *value)
{
    char why[200];
    const char *name = bench_name(bench, stem);
    rd_kafka_t *client = bench_client(bench, RD_KAFKA_PRODUCER, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, why, sizeof why);
    if (setting != NULL)
        rd_kafka_NewTopic_set_config(topic, setting, value);
    rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CALL_MS);
    assert_non_null(event);
    assert_int_equal(rd_kafka_event_error(event), 0);
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    assert_int_equal(rd_kafka_topic_result_error(results[0]), 0);
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    int32_t there = 0;
    BENCH_UNTIL(bench, kafka_source_check(bench->settings, 1, &name, 1, CALL_MS, &there, why,
                                          sizeof why) == STATUS_OK);
    assert_int_equal(there, partitions);
    return name;
}

static void produce_one(rd_kafka_t *client, const char *topic, int32_t partition, struct bytes key,
                        struct bytes value, int headers_count)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    for (int i = 0; i < headers_count; i++) {
        char name[16], text[16];
        snprintf(name, sizeof name, "h%d", i);
        snprintf(text, sizeof text, "v%d", i);
        rd_kafka_header_add(headers, name, -1, text, -1);
    }
    const rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *) (uintptr_t) key.data, key.len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *) (uintptr_t) value.data, value.len}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    assert_null(rd_kafka_produceva(client, fields, sizeof fields / sizeof fields[0]));
}

void bench_produce(struct bench *bench, const char *topic, int32_t partition, struct bytes key,
                   struct bytes value, int headers_count)
{
    rd_kafka_t *client = bench_client(bench, RD_KAFKA_PRODUCER, NULL);
    produce_one(client, topic, partition, key, value, headers_count);
    assert_int_equal(rd_kafka_flush(client, CALL_MS), 0);
    rd_kafka_destroy(client);
}

static rd_kafka_t *filler(struct bench *bench, bool transactional)
{
    char id[64];
    static int number;
    snprintf(id, sizeof id, "filler-%d-%d", (int) getpid(), ++number);
    const struct kafka_setting fixed[] = {
        {"linger.ms", "2"},
        {transactional ? "transactional.id" : NULL, id},
        {NULL, NULL},
    };
    const struct kafka_setup setup = {bench->settings, 1, NULL, fixed};
    rd_kafka_conf_t *conf;
    rd_kafka_t *client;
    char why[KAFKA_WHY_MAX];
    assert_int_equal(kafka_setup_conf(&setup, &conf, why), STATUS_OK);
    assert_int_equal(kafka_setup_client(RD_KAFKA_PRODUCER, conf, &client, why), STATUS_OK);
    if (transactional)
        assert_null(rd_kafka_init_transactions(client, CALL_MS));
    return client;
}

void bench_fill(struct bench *bench, const char *topic, int32_t partition, int count, int run)
{
    rd_kafka_t *client = filler(bench, run > 0);
    for (int i = 0; i < count; i++) {
        char key[16], value[16];
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "%d", i);
        if (run > 0 && i % run == 0)
            assert_null(rd_kafka_begin_transaction(client));
        produce_one(client, topic, partition, bytes_of(key), bytes_of(value), 0);
        if (run > 0 && (i % run == run - 1 || i == count - 1))
            assert_null(rd_kafka_commit_transaction(client, CALL_MS));
    }
    assert_int_equal(rd_kafka_flush(client, CALL_MS), 0);
    rd_kafka_destroy(client);
}

static rd_kafka_t *reader(struct bench *bench, const char *topic, int partitions)
{
    const struct kafka_setting fixed[] = {
        {"group.id", "reader"},
        {"enable.auto.commit", "false"},
        {"enable.partition.eof", "true"},
        {"isolation.level", "read_committed"},
        {"auto.offset.reset", "earliest"},
        {NULL, NULL},
    };
    const struct kafka_setup setup = {bench->settings, 1, NULL, fixed};
    rd_kafka_conf_t *conf;
    rd_kafka_t *client;
    char why[KAFKA_WHY_MAX];
    assert_int_equal(kafka_setup_conf(&setup, &conf, why), STATUS_OK);
    assert_int_equal(kafka_setup_client(RD_KAFKA_CONSUMER, conf, &client, why), STATUS_OK);
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    assert_int_equal(rd_kafka_assign(client, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    return client;
}

static void count_value(const rd_kafka_message_t *message, int *ret_values, int max)
{
    char text[24];
    if (ret_values == NULL || message->len >= sizeof text)
        return;
    memcpy(text, message->payload, message->len);
    text[message->len] = '\0';
    int number = atoi(text);
    if (number >= 0 && number < max)
        ret_values[number]++;
}

int bench_read(struct bench *bench, const char *topic, int partitions, int *ret_values, int max)
{
    rd_kafka_t *client = reader(bench, topic, partitions);
    int count = 0, ends = 0;
    if (ret_values != NULL)
        memset(ret_values, 0, (size_t) max * sizeof *ret_values);
    while (ends < partitions) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, CALL_MS);
        assert_non_null(message);
        if (message->err == 0) {
            count++;
            count_value(message, ret_values, max);
        } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            ends++;
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return count;
}

int64_t bench_committed(struct bench *bench, const char *group, const char *topic,
                        int32_t partition, char *ret_metadata)
{
    char why[KAFKA_WHY_MAX];
    rd_kafka_t *client = bench_client(bench, RD_KAFKA_PRODUCER, NULL);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_t *found;
    rd_kafka_topic_partition_list_add(list, topic, partition);
    assert_int_equal(kafka_offsets_read(client, group, list, CALL_MS, &found, why), STATUS_OK);
    int64_t offset = found->elems[0].offset < 0 ? -1 : found->elems[0].offset;
    if (ret_metadata != NULL)
        snprintf(ret_metadata, 4100, "%.*s", (int) found->elems[0].metadata_size,
                 found->elems[0].metadata == NULL ? "" : (char *) found->elems[0].metadata);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_topic_partition_list_destroy(found);
    rd_kafka_destroy(client);
    return offset;
}

void bench_initialise(struct bench *bench, const char *group, const char *topic)
{
    int32_t written;
    char why[KAFKA_WHY_MAX] = "";
    enum status status = kafka_source_initialise(bench->settings, 1, group, &topic, 1, false,
                                                 &written, why, sizeof why);
    if (status != STATUS_OK)
        fail_msg("initialise: %s", why);
}
