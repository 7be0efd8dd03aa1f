/* The floor's two ends in Kafka. The transactional calls block, so they have a thread of their own.
 */
#include "floor.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { READ_MAX = 128, PARTITIONS_MAX = 64 };

static rd_kafka_t *consumer, *producer;
static rd_kafka_queue_t *records;
static rd_kafka_topic_t *outcomes_topic;
static rd_kafka_consumer_group_metadata_t *membership;
static struct event *batch_timer;
static struct list settled, batch; /* the batch is the thread's while `publishing` */
static int start_fd, done_fd, records_fd;
static bool publishing, batch_is_due;

static void add_header(rd_kafka_headers_t *to, const char *name, const char *value)
{
    rd_kafka_header_add(to, name, -1, value, -1);
}

static void produce(const struct payout *payout)
{
    rd_kafka_headers_t *to = rd_kafka_headers_new(10);
    add_header(to, "content-type", "application/json");
    add_header(to, "ce_specversion", "1.0");
    add_header(to, "ce_type", "kz.example.payout.succeeded.v1");
    add_header(to, "ce_source", "/payoutd");
    add_header(to, "ce_id", "5b1f6c1e-8c1d-5e0a-9d7b-0123456789ab");
    add_header(to, "ce_time", "2026-01-01T00:00:00.000Z");
    add_header(to, "ce_subject", payout->order_id);
    add_header(to, "ce_dataschema", "https://schemas.invalid/payoutd/outcome-v1.json");
    add_header(to, "ce_correlationid", "5b1f6c1e-8c1d-5e0a-9d7b-0123456789ab");
    add_header(to, "ce_causationid", "5b1f6c1e-8c1d-5e0a-9d7b-0123456789ab");
    rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = outcomes_topic},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {(void *) payout->order_id, strlen(payout->order_id)}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {(void *) payout->outcome, strlen(payout->outcome)}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = to},
    };
    need(rd_kafka_produceva(producer, fields, 5) == NULL, "kafka: not produced");
}

static void succeed(rd_kafka_error_t *error)
{
    need(error == NULL, error == NULL ? "" : rd_kafka_error_string(error));
}

static rd_kafka_topic_partition_list_t *offsets(void)
{
    static int64_t next[PARTITIONS_MAX];
    bool is_in[PARTITIONS_MAX] = {false};
    static const char metadata[] = "1;0123456789abcdef;1234567;AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS_MAX);
    for (struct payout *payout = batch.first; payout != NULL; payout = payout->next) {
        if (payout->offset >= next[payout->partition])
            next[payout->partition] = payout->offset + 1;
        is_in[payout->partition] = true;
    }
    for (int32_t i = 0; i < PARTITIONS_MAX; i++) {
        if (!is_in[i])
            continue;
        rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_add(list, commands, i);
        one->offset = next[i];
        one->metadata = strdup(metadata);
        one->metadata_size = sizeof metadata - 1;
    }
    return list;
}

static void *publisher(void *nothing)
{
    uint64_t one = 1;
    for (;;) {
        need(read(start_fd, &one, sizeof one) == sizeof one, "eventfd");
        succeed(rd_kafka_begin_transaction(producer));
        rd_kafka_topic_partition_list_t *list = offsets();
        succeed(rd_kafka_send_offsets_to_transaction(producer, list, membership, -1));
        rd_kafka_topic_partition_list_destroy(list);
        for (struct payout *payout = batch.first; payout != NULL; payout = payout->next)
            produce(payout);
        succeed(rd_kafka_commit_transaction(producer, -1));
        one = 1;
        need(write(done_fd, &one, sizeof one) == sizeof one, "eventfd");
    }
    return nothing;
}

static void on_batch_time(evutil_socket_t fd, short what, void *context)
{
    (void) fd, (void) what, (void) context;
    uint64_t one = 1;
    if (publishing) {
        batch_is_due = true;
        return;
    }
    batch_is_due = false;
    while (settled.count > 0 && batch.count < BATCH_MAX)
        put(&batch, take(&settled));
    publishing = true;
    need(write(start_fd, &one, sizeof one) == sizeof one, "eventfd");
}

static void batch_soon(void)
{
    static const struct timeval delay = {0, BATCH_MS * 1000};
    if (settled.count >= BATCH_MAX || batch_is_due)
        on_batch_time(-1, 0, NULL);
    else if (settled.count > 0 && !evtimer_pending(batch_timer, NULL))
        event_add(batch_timer, &delay);
}

void floor_kafka_publish(struct payout *payout)
{
    put(&settled, payout);
    batch_soon();
}

static void read_records(void)
{
    rd_kafka_message_t *messages[READ_MAX];
    while (spare.count > 0) {
        size_t max = spare.count < READ_MAX ? spare.count : READ_MAX;
        ssize_t count = rd_kafka_consume_batch_queue(records, 0, messages, max);
        if (count <= 0)
            return;
        if (membership == NULL)
            membership = rd_kafka_consumer_group_metadata(consumer);
        for (ssize_t i = 0; i < count; i++) {
            need(messages[i]->err == 0, rd_kafka_message_errstr(messages[i]));
            begin(messages[i]);
            rd_kafka_message_destroy(messages[i]);
        }
    }
}

static void on_published(evutil_socket_t fd, short what, void *context)
{
    (void) what, (void) context;
    uint64_t one;
    need(read(fd, &one, sizeof one) == sizeof one, "eventfd");
    while (batch.count > 0)
        mark(take(&batch));
    publishing = false;
    if (settled.count > 0)
        batch_soon();
    read_records();
}

static void on_records(evutil_socket_t fd, short what, void *context)
{
    (void) what, (void) context;
    uint64_t count;
    need(read(fd, &count, sizeof count) == sizeof count, "eventfd");
    read_records();
}

static void watch(int fd, event_callback_fn ready)
{
    event_add(event_new(base, fd, EV_READ | EV_PERSIST, ready, NULL), NULL);
}

static void on_delivery(rd_kafka_t *from, const rd_kafka_message_t *message, void *context)
{
    (void) from, (void) context;
    need(message->err == 0, "kafka: not delivered");
}

static rd_kafka_t *make_kafka(rd_kafka_type_t type, const char *const (*settings)[2], size_t count)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < count; i++)
        need(rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof why) ==
                 RD_KAFKA_CONF_OK,
             why);
    if (type == RD_KAFKA_PRODUCER)
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof why);
    need(client != NULL, why);
    return client;
}

void floor_kafka_open(const char *bootstrap, const char *name)
{
    const char *const out[][2] = {
        {"bootstrap.servers", bootstrap},  {"transactional.id", name},
        {"retry.backoff.ms", "1"},         {"linger.ms", "1"},
        {"partitioner", "murmur2_random"},
    };
    const char *const in[][2] = {
        {"bootstrap.servers", bootstrap},  {"group.id", name},
        {"enable.auto.commit", "false"},   {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"}, {"isolation.level", "read_committed"},
        {"queued.min.messages", "4000"},
    };
    const struct rd_kafka_metadata *metadata;
    uint64_t one = 1;
    pthread_t thread;
    producer = make_kafka(RD_KAFKA_PRODUCER, out, sizeof out / sizeof out[0]);
    succeed(rd_kafka_init_transactions(producer, 30000));
    outcomes_topic = rd_kafka_topic_new(producer, outcomes, NULL);
    need(rd_kafka_metadata(producer, 0, outcomes_topic, &metadata, 10000) == 0,
         "kafka: no metadata");
    rd_kafka_metadata_destroy(metadata);
    consumer = make_kafka(RD_KAFKA_CONSUMER, in, sizeof in / sizeof in[0]);
    rd_kafka_poll_set_consumer(consumer);
    records = rd_kafka_queue_get_consumer(consumer);
    records_fd = eventfd(0, EFD_CLOEXEC);
    rd_kafka_queue_io_event_enable(records, records_fd, &one, sizeof one);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, commands, RD_KAFKA_PARTITION_UA);
    need(rd_kafka_subscribe(consumer, list) == 0, "kafka: not subscribed");
    rd_kafka_topic_partition_list_destroy(list);
    batch_timer = evtimer_new(base, on_batch_time, NULL);
    start_fd = eventfd(0, EFD_CLOEXEC), done_fd = eventfd(0, EFD_CLOEXEC);
    need(pthread_create(&thread, NULL, publisher, NULL) == 0, "thread");
    watch(records_fd, on_records);
    watch(done_fd, on_published);
}
