/* Where commands and resolutions come in: the consumer's life and its records. */
#include "kafka_source_parts.h"

#include "payoutd/adapter/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_PER_POLL = 32, RECORDS_PER_BATCH = 128, CLOSE_MS = 3000, CLOSE_STEP_MS = 50 };

/* Bounds the memory: prefetched records <= 4 MiB, one fetch answer <= 2 MiB. */
static const struct kafka_setting source_defaults[] = {
    {"client.id", "payoutd"},
    {"fetch.wait.max.ms", "500"},
    {"fetch.error.backoff.ms", "100"},
    {"fetch.max.bytes", "2097152"},
    {"max.partition.fetch.bytes", "262144"},
    {"queued.max.messages.kbytes", "4096"},
    {"queued.min.messages", "4000"},
    {"reconnect.backoff.max.ms", "2000"},
    {"socket.keepalive.enable", "true"},
    {NULL, NULL},
};

static enum status make_conf(const struct kafka_source_options *options, rd_kafka_conf_t **ret_conf,
                             char ret_why[static KAFKA_WHY_MAX])
{
    char session_ms[24], heartbeat_ms[24], poll_ms[24];
    int64_t longest_ms = options->session_timeout_ms > 60000 ? options->session_timeout_ms : 60000;
    snprintf(session_ms, sizeof session_ms, "%lld", (long long) options->session_timeout_ms);
    snprintf(heartbeat_ms, sizeof heartbeat_ms, "%lld",
             (long long) options->session_timeout_ms / 4);
    snprintf(poll_ms, sizeof poll_ms, "%lld", (long long) longest_ms);
    const char *instance = options->group_instance_id;
    const struct kafka_setting fixed[] = {
        {"group.id", options->group_id},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"},
        {"isolation.level", "read_committed"},
        {"partition.assignment.strategy", "range"},
        {"allow.auto.create.topics", "false"},
        {"session.timeout.ms", session_ms},
        {"heartbeat.interval.ms", heartbeat_ms},
        {"max.poll.interval.ms", poll_ms},
        {instance == NULL ? NULL : "group.instance.id", instance},
        {NULL, NULL},
    };
    const struct kafka_setup setup = {options->settings, options->settings_count, source_defaults,
                                      fixed};
    TRY(kafka_setup_conf(&setup, ret_conf, ret_why));
    rd_kafka_conf_set_events(*ret_conf, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR);
    return STATUS_OK;
}

/* Its only purpose is to end the loop's wait; the turn polls. */
static void on_woken(void *context, int fd, int interest)
{
    (void) context, (void) interest;
    uint64_t count;
    (void) !read(fd, &count, sizeof count);
}

static void on_ask_again(void *context)
{
    kafka_assignment_ask(context);
}

static enum status open_queues(struct kafka_source *source)
{
    static const uint64_t one = 1;
    rd_kafka_poll_set_consumer(source->consumer);
    source->happenings = rd_kafka_queue_get_consumer(source->consumer);
    source->answers = rd_kafka_queue_new(source->consumer);
    source->records = rd_kafka_queue_new(source->consumer);
    source->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (source->fd < 0)
        return STATUS_ENVIRONMENT;
    rd_kafka_queue_io_event_enable(source->happenings, source->fd, &one, sizeof one);
    rd_kafka_queue_io_event_enable(source->answers, source->fd, &one, sizeof one);
    rd_kafka_queue_io_event_enable(source->records, source->fd, &one, sizeof one);
    TRY(loop_watch_new(source->loop, source->fd, LOOP_READ, on_woken, source, &source->watch));
    return loop_timer_new(source->loop, on_ask_again, source, &source->ask_again);
}

static enum status subscribe(struct kafka_source *source)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(SOURCE_TOPIC_COUNT);
    for (size_t i = 0; i < SOURCE_TOPIC_COUNT; i++)
        if (source->topics[i] != NULL)
            rd_kafka_topic_partition_list_add(list, source->topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(source->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == 0 ? STATUS_OK : STATUS_CONFIG;
}

static enum status copy_options(struct kafka_source *source,
                                const struct kafka_source_options *options)
{
    source->group_id = strdup(options->group_id);
    for (size_t i = 0; i < SOURCE_TOPIC_COUNT; i++) {
        source->topics[i] = options->topics[i] == NULL ? NULL : strdup(options->topics[i]);
        if (options->topics[i] != NULL && source->topics[i] == NULL)
            return STATUS_NO_ROOM;
    }
    return source->group_id == NULL ? STATUS_NO_ROOM : STATUS_OK;
}

static enum status start(struct kafka_source *source, const struct kafka_source_options *options,
                         char ret_why[static KAFKA_WHY_MAX])
{
    rd_kafka_conf_t *conf;
    TRY(copy_options(source, options));
    TRY(make_conf(options, &conf, ret_why));
    TRY(kafka_setup_client(RD_KAFKA_CONSUMER, conf, &source->consumer, ret_why));
    TRY(open_queues(source));
    return subscribe(source);
}

enum status kafka_source_new(struct loop *loop, const struct kafka_source_options *options,
                             const struct kafka_source_events *events,
                             struct kafka_source **ret_source)
{
    char why[KAFKA_WHY_MAX] = "";
    struct kafka_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return STATUS_NO_ROOM;
    source->loop = loop;
    source->events = *events;
    source->fd = -1;
    enum status status = start(source, options, why);
    if (status != STATUS_OK) {
        log_plain(LOG_LEVEL_ERROR, "kafka.start", why[0] == '\0' ? status_sentence(status) : why);
        kafka_source_close(source);
        return status;
    }
    *ret_source = source;
    return STATUS_OK;
}

/* Leaves the group. librdkafka asks once more for what we own, on a queue of its own. */
static void leave(struct kafka_source *source)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(source->consumer);
    int64_t deadline_ms = loop_now_ms() + CLOSE_MS;
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(source->consumer, queue);
    bool closing = error == NULL;
    rd_kafka_error_destroy(error);
    while (closing && !rd_kafka_consumer_closed(source->consumer) && loop_now_ms() < deadline_ms) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CLOSE_STEP_MS);
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
            rd_kafka_assign(source->consumer, NULL);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
}

static void close_consumer(struct kafka_source *source)
{
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
    if (source->phase == SOURCE_READING)
        rd_kafka_assign(source->consumer,
                        none); /* else the group waits for our word, and so would we */
    if (source->phase == SOURCE_REVOKING)
        rd_kafka_assign(source->consumer, NULL);
    rd_kafka_topic_partition_list_destroy(none);
    if (source->happenings != NULL) {
        leave(source);
        rd_kafka_queue_destroy(source->happenings);
        rd_kafka_queue_destroy(source->answers);
        rd_kafka_queue_destroy(source->records);
    }
    rd_kafka_destroy_flags(source->consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void kafka_source_close(struct kafka_source *source)
{
    if (source == NULL)
        return;
    if (source->consumer != NULL)
        close_consumer(source);
    if (source->ask_again != NULL)
        kafka_assignment_forget(source);
    loop_timer_free(source->ask_again);
    loop_watch_free(source->watch);
    if (source->fd >= 0)
        close(source->fd);
    for (size_t i = 0; i < SOURCE_TOPIC_COUNT; i++)
        free(source->topics[i]);
    free(source->group_id);
    free(source);
}

bool kafka_source_topic_of(const struct kafka_source *source, const char *name,
                           enum source_topic *ret_topic)
{
    for (size_t i = 0; i < SOURCE_TOPIC_COUNT; i++) {
        if (source->topics[i] != NULL && strcmp(source->topics[i], name) == 0) {
            *ret_topic = (enum source_topic) i;
            return true;
        }
    }
    return false;
}

struct source_slot *kafka_source_slot(struct kafka_source *source, enum source_topic topic,
                                      int32_t partition)
{
    struct source_slot *last = source->last_slot;
    if (last != NULL && last->topic == topic && last->partition == partition)
        return last;
    for (size_t i = 0; i < source->slots_count; i++) {
        struct source_slot *slot = &source->slots[i];
        if (slot->topic == topic && slot->partition == partition)
            return source->last_slot = slot;
    }
    return NULL;
}

void kafka_source_trouble(struct kafka_source *source, rd_kafka_resp_err_t code, const char *detail)
{
    char why[KAFKA_WHY_MAX];
    enum status status = kafka_trouble_say(code, detail, why, sizeof why);
    if (kafka_trouble_is_news(code) &&
        kafka_trouble_may_say(&source->limit, kafka_trouble_of(code), loop_now_ms()))
        source->events.trouble(source->events.context, status, why);
}

static void on_error_event(struct kafka_source *source, rd_kafka_event_t *event)
{
    char detail[KAFKA_WHY_MAX];
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (rd_kafka_event_error_is_fatal(event)) {
        code = rd_kafka_fatal_error(source->consumer, detail, sizeof detail);
        kafka_assignment_lose(source);
        kafka_source_trouble(source, code, detail);
        return;
    }
    kafka_source_trouble(source, code, rd_kafka_event_error_string(event));
}

static void on_event(struct kafka_source *source, rd_kafka_event_t *event)
{
    rd_kafka_event_type_t type = rd_kafka_event_type(event);
    if (type == RD_KAFKA_EVENT_REBALANCE)
        kafka_assignment_change(source, event);
    else if (type == RD_KAFKA_EVENT_ERROR)
        on_error_event(source, event);
    else if (type == RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT)
        kafka_assignment_answer(source, event);
}

static bool poll_queue(struct kafka_source *source, rd_kafka_queue_t *queue)
{
    for (size_t i = 0; i < EVENTS_PER_POLL; i++) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 0);
        if (event == NULL)
            return false;
        on_event(source, event);
        rd_kafka_event_destroy(event);
    }
    return true;
}

static void deliver(struct kafka_source *source, const rd_kafka_message_t *message,
                    struct source_record *record)
{
    enum source_topic topic;
    if (message->err != 0) {
        kafka_source_trouble(source, message->err, rd_kafka_message_errstr(message));
        return;
    }
    if (source->phase != SOURCE_OWNING ||
        !kafka_source_topic_of(source, rd_kafka_topic_name(message->rkt), &topic))
        return;
    struct source_slot *slot = kafka_source_slot(source, topic, message->partition);
    if (slot == NULL || slot->seeking)
        return;
    rd_kafka_timestamp_type_t type;
    record->topic = topic;
    record->partition = message->partition;
    record->epoch = source->epoch;
    record->offset = message->offset;
    record->timestamp_ms = rd_kafka_message_timestamp(message, &type);
    kafka_record_view(message, &record->content);
    source->events.record(source->events.context, record);
}

static size_t deliver_batch(struct kafka_source *source, size_t max)
{
    rd_kafka_message_t *batch[RECORDS_PER_BATCH];
    struct source_record
        record; /* written field by field: clearing its 32 headers would cost more than the rest */
    max = max < RECORDS_PER_BATCH ? max : RECORDS_PER_BATCH;
    ssize_t taken = rd_kafka_consume_batch_queue(source->records, 0, batch, max);
    size_t count = taken < 0 ? 0 : (size_t) taken;
    for (size_t i = 0; i < count; i++) {
        deliver(source, batch[i], &record);
        rd_kafka_message_destroy(batch[i]);
    }
    for (size_t i = 0; i < source->slots_count; i++)
        source->slots[i].seeking = false;
    return count;
}

bool kafka_source_poll(struct kafka_source *source, size_t records_max)
{
    bool more = poll_queue(source, source->happenings);
    more = poll_queue(source, source->answers) || more;
    kafka_assignment_route(source, loop_now_ms());
    size_t taken = 0;
    while (taken < records_max) {
        size_t count = deliver_batch(source, records_max - taken);
        if (count == 0)
            return more;
        taken += count;
    }
    return more || records_max > 0;
}
