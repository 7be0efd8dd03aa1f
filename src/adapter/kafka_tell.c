/* Evidence that must be on the broker before anybody is answered: an idempotent producer on the
 * loop, no transaction. */
#include "kafka_publisher_parts.h"

#include "payoutd/adapter/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { CLOSE_MS = 1000, CLOSE_STEP_MS = 20 };

struct teller {
    struct loop *loop;
    struct kafka_publisher_events events;
    const struct kafka_publisher_options *options; /* the publisher's copy */
    rd_kafka_t *producer;
    rd_kafka_queue_t *queue;
    rd_kafka_topic_t *topic;
    int fd;
    struct loop_watch *watch;
    struct kafka_trouble_limit limit;
};

static const struct kafka_setting teller_defaults[] = {
    {"client.id", "payoutd-evidence"},        {"linger.ms", "1"},
    {"queue.buffering.max.messages", "2000"}, {"queue.buffering.max.kbytes", "4096"},
    {"partitioner", "murmur2_random"},        {"reconnect.backoff.max.ms", "2000"},
    {"socket.keepalive.enable", "true"},      {NULL, NULL},
};

static void close_producer(struct teller *teller)
{
    if (teller->topic != NULL)
        rd_kafka_topic_destroy(teller->topic);
    if (teller->queue != NULL)
        rd_kafka_queue_destroy(teller->queue);
    if (teller->producer != NULL)
        rd_kafka_destroy(teller->producer);
    teller->topic = NULL;
    teller->queue = NULL;
    teller->producer = NULL;
}

static enum status open_producer(struct teller *teller)
{
    static const uint64_t one = 1;
    char message_ms[24], why[KAFKA_WHY_MAX] = "";
    snprintf(message_ms, sizeof message_ms, "%lld",
             (long long) teller->options->message_timeout_ms);
    const struct kafka_setting fixed[] = {
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"message.timeout.ms", message_ms},
        {NULL, NULL},
    };
    const struct kafka_setup setup = {teller->options->settings, teller->options->settings_count,
                                      teller_defaults, fixed};
    rd_kafka_conf_t *conf;
    enum status status = kafka_setup_conf(&setup, &conf, why);
    if (status == STATUS_OK) {
        rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
        status = kafka_setup_client(RD_KAFKA_PRODUCER, conf, &teller->producer, why);
    }
    if (status != STATUS_OK) {
        log_plain(LOG_LEVEL_ERROR, "kafka.start", why);
        return status;
    }
    teller->queue = rd_kafka_queue_get_main(teller->producer);
    teller->topic =
        rd_kafka_topic_new(teller->producer, teller->options->topics[PUBLISH_RESOLUTIONS], NULL);
    rd_kafka_queue_io_event_enable(teller->queue, teller->fd, &one, sizeof one);
    return teller->topic == NULL ? STATUS_ENVIRONMENT : STATUS_OK;
}

static enum status status_of(const rd_kafka_message_t *message)
{
    if (message->err == 0)
        return STATUS_OK;
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return STATUS_TOO_LARGE;
    /* It may be there all the same; evidence twice is harmless. */
    if (rd_kafka_message_status(message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED)
        return STATUS_TIMED_OUT;
    return STATUS_UNAVAILABLE;
}

static void on_reports(struct teller *teller, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message;
    while ((message = rd_kafka_event_message_next(event)) != NULL)
        teller->events.told(teller->events.context, (uint64_t) (uintptr_t) message->_private,
                            status_of(message));
}

static void on_error(struct teller *teller, rd_kafka_event_t *event)
{
    char why[KAFKA_WHY_MAX];
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (!kafka_trouble_is_news(code) ||
        !kafka_trouble_may_say(&teller->limit, kafka_trouble_of(code), loop_now_ms()))
        return;
    kafka_trouble_say(code, rd_kafka_event_error_string(event), why, sizeof why);
    log_plain(LOG_LEVEL_WARN, "kafka.evidence", why);
}

static void drain(struct teller *teller)
{
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(teller->queue, 0)) != NULL) {
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
            on_reports(teller, event);
        else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR)
            on_error(teller, event);
        rd_kafka_event_destroy(event);
    }
}

/* After a fatal error everything queued is reported as failed; then another producer takes over. */
static void replace_if_broken(struct teller *teller)
{
    char why[KAFKA_WHY_MAX];
    if (rd_kafka_fatal_error(teller->producer, why, sizeof why) == 0 ||
        rd_kafka_outq_len(teller->producer) > 0)
        return;
    log_plain(LOG_LEVEL_WARN, "kafka.evidence", why);
    close_producer(teller);
    if (open_producer(teller) != STATUS_OK)
        close_producer(teller); /* tried again by the next kafka_tell_send */
}

static void on_woken(void *context, int fd, int interest)
{
    (void) interest;
    struct teller *teller = context;
    uint64_t count;
    (void) !read(fd, &count, sizeof count);
    if (teller->producer == NULL)
        return;
    drain(teller);
    replace_if_broken(teller);
}

enum status kafka_tell_new(struct loop *loop, const struct kafka_publisher_options *options,
                           const struct kafka_publisher_events *events, struct teller **ret_teller)
{
    struct teller *teller = calloc(1, sizeof *teller);
    if (teller == NULL)
        return STATUS_NO_ROOM;
    teller->loop = loop;
    teller->events = *events;
    teller->options = options;
    teller->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    enum status status = teller->fd < 0 ? STATUS_ENVIRONMENT : open_producer(teller);
    if (status == STATUS_OK)
        status = loop_watch_new(loop, teller->fd, LOOP_READ, on_woken, teller, &teller->watch);
    if (status != STATUS_OK) {
        kafka_tell_close(teller);
        return status;
    }
    *ret_teller = teller;
    return STATUS_OK;
}

/* What is on its way gets a moment; nobody is told any more. */
static void finish(struct teller *teller)
{
    int64_t deadline_ms = loop_now_ms() + CLOSE_MS;
    while (rd_kafka_outq_len(teller->producer) > 0 && loop_now_ms() < deadline_ms)
        rd_kafka_event_destroy(rd_kafka_queue_poll(teller->queue, CLOSE_STEP_MS));
}

void kafka_tell_close(struct teller *teller)
{
    if (teller == NULL)
        return;
    if (teller->queue != NULL)
        finish(teller);
    close_producer(teller);
    loop_watch_free(teller->watch);
    if (teller->fd >= 0)
        close(teller->fd);
    free(teller);
}

enum status kafka_tell_send(struct teller *teller, uint64_t tag, struct bytes key,
                            struct bytes value)
{
    if (teller->producer == NULL && open_producer(teller) != STATUS_OK) {
        close_producer(teller);
        return STATUS_UNAVAILABLE;
    }
    if (rd_kafka_produce(teller->topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                         (void *) (uintptr_t) value.data, value.len, key.data, key.len,
                         (void *) (uintptr_t) tag) == 0)
        return STATUS_OK;
    rd_kafka_resp_err_t code = rd_kafka_last_error();
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return STATUS_NO_ROOM;
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? STATUS_TOO_LARGE : STATUS_UNAVAILABLE;
}
