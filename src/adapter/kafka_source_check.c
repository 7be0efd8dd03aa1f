/* Before a worker consumes: are the topics there, and does the group have offsets to start from.
 * Blocking. */
#include "kafka_parts.h"

#include "payoutd/adapter/loop.h"

#include <stdio.h>
#include <string.h>

enum { INITIALISE_MS = 30000, STEP_MS = 2000 };

/* One short errand: a client that belongs to no group's members, and where it says what went wrong.
 */
struct errand {
    rd_kafka_t *client;
    int64_t deadline_ms;
    struct kafka_noted noted;
    char *why;
    size_t why_max;
};

static enum status errand_open(struct errand *errand, const struct kafka_setting *settings,
                               size_t settings_count, const char *group_id)
{
    const struct kafka_setting fixed[] = {
        {"allow.auto.create.topics", "false"},
        {"enable.auto.commit", "false"},
        {group_id == NULL ? NULL : "group.id", group_id},
        {NULL, NULL},
    };
    const struct kafka_setup setup = {settings, settings_count, NULL, fixed};
    char why[KAFKA_WHY_MAX] = "";
    rd_kafka_conf_t *conf;
    enum status status = kafka_setup_conf(&setup, &conf, why);
    if (status == STATUS_OK) {
        rd_kafka_conf_set_error_cb(conf, kafka_setup_note);
        rd_kafka_conf_set_opaque(conf, &errand->noted);
        status = kafka_setup_client(RD_KAFKA_CONSUMER, conf, &errand->client, why);
    }
    snprintf(errand->why, errand->why_max, "%s", why);
    return status;
}

static void errand_close(struct errand *errand)
{
    if (errand->client != NULL)
        rd_kafka_destroy_flags(errand->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/* A refused login shows only as an error event while the call itself times out: that cause is said
 * first. */
static enum status errand_fail(struct errand *errand, rd_kafka_resp_err_t code, const char *detail)
{
    rd_kafka_poll(errand->client, 0);
    bool vague = !kafka_trouble_is_news(code);
    if (vague && errand->noted.code != 0)
        return kafka_trouble_say(errand->noted.code, errand->noted.detail, errand->why,
                                 errand->why_max);
    if (vague)
        code = RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    return kafka_trouble_say(code, detail, errand->why, errand->why_max);
}

static int step_ms(const struct errand *errand)
{
    int64_t left_ms = errand->deadline_ms - loop_now_ms();
    return (int) (left_ms < 1 ? 1 : left_ms < STEP_MS ? left_ms : STEP_MS);
}

static rd_kafka_resp_err_t ask_partitions(struct errand *errand, const char *name,
                                          int32_t *ret_count)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(errand->client, name, NULL);
    if (topic == NULL)
        return rd_kafka_last_error();
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(errand->client, 0, topic, &metadata, step_ms(errand));
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

static enum status count_partitions(struct errand *errand, const char *name, int32_t *ret_count)
{
    rd_kafka_resp_err_t code;
    do {
        code = ask_partitions(errand, name, ret_count);
        rd_kafka_poll(errand->client, 0);
        if (errand->noted.code != 0 &&
            kafka_trouble_of(errand->noted.code)->status == STATUS_CONFIG)
            break; /* a refused login does not mend itself while we wait */
    } while (!kafka_trouble_is_news(code) && loop_now_ms() < errand->deadline_ms);
    return code == 0 ? STATUS_OK : errand_fail(errand, code, name);
}

enum status kafka_source_check(const struct kafka_setting *settings, size_t settings_count,
                               const char *const *topics, size_t topics_count, int64_t timeout_ms,
                               int32_t *ret_counts, char *ret_why, size_t why_max)
{
    struct errand errand = {
        .deadline_ms = loop_now_ms() + timeout_ms, .why = ret_why, .why_max = why_max};
    int32_t count = 0;
    enum status status = errand_open(&errand, settings, settings_count, NULL);
    for (size_t i = 0; i < topics_count && status == STATUS_OK; i++) {
        status = count_partitions(&errand, topics[i], &count);
        if (status == STATUS_OK)
            ret_counts[i] = count;
    }
    errand_close(&errand);
    return status;
}

static enum status list_partitions(struct errand *errand, const char *const *topics,
                                   size_t topics_count, rd_kafka_topic_partition_list_t *ret_list)
{
    for (size_t i = 0; i < topics_count; i++) {
        int32_t count = 0;
        TRY(count_partitions(errand, topics[i], &count));
        for (int32_t partition = 0; partition < count; partition++)
            rd_kafka_topic_partition_list_add(ret_list, topics[i], partition);
    }
    return STATUS_OK;
}

/* A topic that was made a moment ago has no leader yet: it is asked again until the time is up. */
static rd_kafka_resp_err_t ask_ends(struct errand *errand, const rd_kafka_topic_partition_t *one,
                                    int64_t *ret_low, int64_t *ret_high)
{
    rd_kafka_resp_err_t code;
    for (;;) {
        code = rd_kafka_query_watermark_offsets(errand->client, one->topic, one->partition, ret_low,
                                                ret_high, 2 * STEP_MS);
        bool is_new = code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
                      code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
                      code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        if (!is_new || loop_now_ms() >= errand->deadline_ms)
            return code;
        rd_kafka_poll(errand->client, 50);
    }
}

/* The partitions without an offset, each with the one to begin at. */
static enum status choose_offsets(struct errand *errand,
                                  const rd_kafka_topic_partition_list_t *committed,
                                  bool from_latest, rd_kafka_topic_partition_list_t *ret_missing)
{
    for (int i = 0; i < committed->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &committed->elems[i];
        int64_t low = 0, high = 0;
        if (one->offset >= 0)
            continue;
        rd_kafka_resp_err_t code = ask_ends(errand, one, &low, &high);
        if (code != 0)
            return errand_fail(errand, code, one->topic);
        rd_kafka_topic_partition_list_add(ret_missing, one->topic, one->partition)->offset =
            from_latest ? high : low;
    }
    return STATUS_OK;
}

static rd_kafka_resp_err_t judge_alter(rd_kafka_event_t *event)
{
    size_t count = 0;
    if (event == NULL)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (rd_kafka_event_error(event) != 0)
        return rd_kafka_event_error(event);
    const rd_kafka_group_result_t **groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
        rd_kafka_event_AlterConsumerGroupOffsets_result(event), &count);
    must(count == 1);
    if (rd_kafka_group_result_error(groups[0]) != NULL)
        return rd_kafka_error_code(rd_kafka_group_result_error(groups[0]));
    const rd_kafka_topic_partition_list_t *partitions = rd_kafka_group_result_partitions(groups[0]);
    for (int i = 0; i < partitions->cnt; i++)
        if (partitions->elems[i].err != 0)
            return partitions->elems[i].err;
    return 0;
}

/* The broker refuses this while the group has members: no running worker loses its place. */
static enum status write_offsets(struct errand *errand, const char *group_id,
                                 const rd_kafka_topic_partition_list_t *missing)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(errand->client);
    rd_kafka_AlterConsumerGroupOffsets_t *request =
        rd_kafka_AlterConsumerGroupOffsets_new(group_id, missing);
    rd_kafka_AlterConsumerGroupOffsets(errand->client, &request, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, INITIALISE_MS);
    rd_kafka_resp_err_t code = judge_alter(event);
    rd_kafka_event_destroy(event);
    rd_kafka_AlterConsumerGroupOffsets_destroy(request);
    rd_kafka_queue_destroy(queue);
    return code == 0 ? STATUS_OK : errand_fail(errand, code, group_id);
}

static enum status initialise(struct errand *errand, const char *group_id,
                              const rd_kafka_topic_partition_list_t *all, bool from_latest,
                              int32_t *ret_written)
{
    char why[KAFKA_WHY_MAX];
    rd_kafka_topic_partition_list_t *committed;
    enum status status =
        kafka_offsets_read(errand->client, group_id, all, INITIALISE_MS, &committed, why);
    if (status != STATUS_OK) {
        snprintf(errand->why, errand->why_max, "%s", why);
        return status;
    }
    rd_kafka_topic_partition_list_t *missing = rd_kafka_topic_partition_list_new(all->cnt);
    status = choose_offsets(errand, committed, from_latest, missing);
    if (status == STATUS_OK && missing->cnt > 0)
        status = write_offsets(errand, group_id, missing);
    if (status == STATUS_OK)
        *ret_written = missing->cnt;
    rd_kafka_topic_partition_list_destroy(missing);
    rd_kafka_topic_partition_list_destroy(committed);
    return status;
}

enum status kafka_source_initialise(const struct kafka_setting *settings, size_t settings_count,
                                    const char *group_id, const char *const *topics,
                                    size_t topics_count, bool from_latest, int32_t *ret_written,
                                    char *ret_why, size_t why_max)
{
    struct errand errand = {
        .deadline_ms = loop_now_ms() + INITIALISE_MS, .why = ret_why, .why_max = why_max};
    enum status status = errand_open(&errand, settings, settings_count, group_id);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(8);
    if (status == STATUS_OK)
        status = list_partitions(&errand, topics, topics_count, all);
    if (status == STATUS_OK)
        status = initialise(&errand, group_id, all, from_latest, ret_written);
    rd_kafka_topic_partition_list_destroy(all);
    errand_close(&errand);
    return status;
}
