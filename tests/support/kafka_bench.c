/* See kafka_bench.h. Every wait is for a fact, with a bound. */
#include "kafka_bench.h"

#include "kafka_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEP_MS = 5, CALL_MS = 20000 };

void bench_open(struct bench *bench, const char *bootstrap)
{
    memset(bench, 0, sizeof *bench);
    must(bootstrap != NULL);
    snprintf(bench->bootstrap, sizeof bench->bootstrap, "%s", bootstrap);
    bench->settings[0] = (struct kafka_setting){"bootstrap.servers", bench->bootstrap};
    assert_int_equal(loop_new(&bench->loop), STATUS_OK);
}

void bench_close(struct bench *bench)
{
    while (bench->members_count > 0)
        bench_leave(bench, bench->members[0]);
    kafka_publisher_close(bench->publisher, CALL_MS);
    loop_free(bench->loop);
}

struct step {
    struct bench *bench;
    bool done;
};

static int64_t step_turn(void *context)
{
    struct step *step = context;
    if (step->done) {
        loop_stop(step->bench->loop);
        return 0;
    }
    bool more = false;
    for (size_t i = 0; i < step->bench->members_count; i++) {
        struct member *member = step->bench->members[i];
        more = kafka_source_poll(member->source, member->room) || more;
    }
    step->done = true;
    return more ? 0 : STEP_MS;
}

void bench_step(struct bench *bench)
{
    struct step step = {bench, false};
    assert_int_equal(loop_run(bench->loop, step_turn, &step), STATUS_OK);
}

void bench_run_for(struct bench *bench, int64_t ms)
{
    for (int64_t end_ms = loop_now_ms() + ms; loop_now_ms() < end_ms;)
        bench_step(bench);
}

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
    rd_kafka_resp_err_t code = rd_kafka_producev(
        client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_KEY(key.data, key.len),
        RD_KAFKA_V_VALUE((void *) (uintptr_t) value.data, value.len),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    assert_int_equal(code, 0);
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

static void on_assigned(void *context, uint64_t epoch, struct kafka_membership *membership,
                        const struct source_partition *partitions, size_t count)
{
    struct member *member = context;
    member->assigned_count++;
    assert_true(epoch > member->epoch);
    assert_true(count <= BENCH_PARTITIONS_MAX);
    member->epoch = epoch;
    kafka_membership_drop(member->membership);
    member->membership = kafka_membership_keep(membership);
    member->partitions_count = count;
    for (size_t i = 0; i < count; i++) {
        member->partitions[i] = partitions[i];
        snprintf(member->metadata[i], sizeof member->metadata[i], "%.*s",
                 (int) partitions[i].metadata.len,
                 partitions[i].metadata.data == NULL ? "" : partitions[i].metadata.data);
    }
}

static void on_revoked(void *context, uint64_t epoch)
{
    struct member *member = context;
    assert_int_equal(epoch, member->epoch);
    member->revoked_count++;
}

static void on_lost(void *context, uint64_t epoch)
{
    struct member *member = context;
    assert_int_equal(epoch, member->epoch);
    member->lost_count++;
}

static void copy_text(char *ret_text, size_t max, struct bytes bytes)
{
    snprintf(ret_text, max, "%.*s", (int) bytes.len, bytes.data == NULL ? "" : bytes.data);
}

static void on_record(void *context, const struct source_record *record)
{
    struct member *member = context;
    must(member->records_count < BENCH_RECORDS_MAX);
    struct bench_record *to = &member->records[member->records_count++];
    *to = (struct bench_record){.topic = record->topic,
                                .partition = record->partition,
                                .offset = record->offset,
                                .timestamp_ms = record->timestamp_ms,
                                .epoch = record->epoch,
                                .has_key = !bytes_is_none(record->content.key),
                                .headers_count = record->content.headers_count,
                                .headers_cut = record->content.headers_cut};
    copy_text(to->key, sizeof to->key, record->content.key);
    copy_text(to->value, sizeof to->value, record->content.value);
    if (to->headers_count > 0)
        snprintf(to->first_header, sizeof to->first_header, "%.*s=%.*s",
                 (int) record->content.headers[0].name.len, record->content.headers[0].name.data,
                 (int) record->content.headers[0].value.len, record->content.headers[0].value.data);
}

static void on_trouble(void *context, enum status status, const char *why)
{
    struct member *member = context;
    member->trouble_count++;
    member->trouble_status = status;
    snprintf(member->trouble, sizeof member->trouble, "%s", why);
}

void bench_join(struct bench *bench, struct member *member, const char *group, const char *instance,
                const char *commands, const char *resolutions)
{
    struct kafka_source_options options = {
        .settings = bench->settings,
        .settings_count = 1,
        .group_id = group,
        .group_instance_id = instance,
        .topics = {commands, resolutions},
        .session_timeout_ms = 6000,
    };
    memset(member, 0, sizeof *member);
    member->room = 100000;
    member->records = calloc(BENCH_RECORDS_MAX, sizeof *member->records);
    struct kafka_source_events events = {
        .assigned = on_assigned,
        .revoked = on_revoked,
        .lost = on_lost,
        .record = on_record,
        .trouble = on_trouble,
        .context = member,
    };
    options.embedded = strstr(group, "embedded") != NULL;
    assert_int_equal(kafka_source_new(bench->loop, &options, &events, &member->source), STATUS_OK);
    must(bench->members_count < BENCH_MEMBERS_MAX);
    bench->members[bench->members_count++] = member;
}

void bench_leave(struct bench *bench, struct member *member)
{
    for (size_t i = 0; i < bench->members_count; i++)
        if (bench->members[i] == member)
            bench->members[i] = bench->members[--bench->members_count];
    kafka_source_close(member->source);
    kafka_membership_drop(member->membership);
    free(member->records);
    member->source = NULL;
    member->membership = NULL;
    member->records = NULL;
}

static void on_ready(void *context, enum status status, const char *why)
{
    struct bench *bench = context;
    bench->ready_count += status == STATUS_OK;
    bench->ready_status = status;
    snprintf(bench->ready_why, sizeof bench->ready_why, "%s", why);
}

static void on_done(void *context, const struct publish_report *report)
{
    struct bench *bench = context;
    bench->reports_count++;
    bench->report = *report;
}

static void on_told(void *context, uint64_t tag, enum status status)
{
    struct bench *bench = context;
    bench->told_count++;
    bench->told_tag = tag;
    bench->told_status = status;
}

void bench_publish_with(struct bench *bench, const struct bench_publishing *publishing)
{
    const struct kafka_publisher_options options = {
        .settings = bench->settings,
        .settings_count = 1,
        .transactional_id = publishing->transactional_id,
        .group_id = publishing->group,
        .topics = {publishing->outcomes, publishing->outcomes, publishing->resolutions},
        .source_topics = {publishing->commands, publishing->resolutions},
        .transaction_timeout_ms =
            publishing->transaction_timeout_ms == 0 ? 10000 : publishing->transaction_timeout_ms,
        .message_timeout_ms =
            publishing->message_timeout_ms == 0 ? 8000 : publishing->message_timeout_ms,
    };
    const struct kafka_publisher_events events = {on_ready, on_done, on_told, bench};
    bench->ready_status = STATUS_COUNT;
    assert_int_equal(kafka_publisher_new(bench->loop, &options, &events, &bench->publisher),
                     STATUS_OK);
}

enum publish_result bench_publish(struct bench *bench, const struct publish_batch *batch)
{
    int before = bench->reports_count;
    BENCH_UNTIL(bench, bench->ready_status == STATUS_OK);
    BENCH_UNTIL(bench, kafka_publisher_submit(bench->publisher, batch) == STATUS_OK);
    assert_true(kafka_publisher_is_busy(bench->publisher));
    BENCH_UNTIL(bench, bench->reports_count > before);
    assert_false(kafka_publisher_is_busy(bench->publisher));
    assert_int_equal(bench->report.number, batch->number);
    return bench->report.result;
}
