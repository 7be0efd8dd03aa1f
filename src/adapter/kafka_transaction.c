/*
 * One Kafka transaction: offsets first, then messages, then the commit (docs/PROTOCOL.md R6). Every
 * failure before the commit is an abort; every failure of the commit itself that is not known to be
 * one is an unknown fate.
 */
#include "kafka_publisher_parts.h"

#include "payoutd/adapter/kill_point.h"
#include "payoutd/adapter/log.h"

#include <stdio.h>
#include <string.h>

enum {
    OFFSETS_MS = 10000, /* librdkafka ignores it in places: the loop watches the thread */
    OFFSETS_ALL_MS = 12000,
    PRODUCE_ALL_MS = 10000,
    FULL_QUEUE_MS = 20,
    COMMIT_STEP_MS = 3000,
    COMMIT_GRACE_MS = 3000, /* beyond the transaction's own time-out */
    ABORT_STEP_MS = 3000,
    ABORT_ALL_MS = 9000,
};

/* What a step's error means for the transaction. */
enum judgement {
    STEP_DONE,
    STEP_AGAIN,  /* the same call again */
    STEP_ABORT,  /* abort, and the producer goes on */
    STEP_STALE,  /* abort: the membership is not valid any more */
    STEP_BROKEN, /* the producer cannot go on */
};

static const struct kafka_setting producer_defaults[] = {
    {"client.id", "payoutd"},
    {"linger.ms", "1"},
    {"queue.buffering.max.messages", "20000"},
    {"queue.buffering.max.kbytes", "8192"},
    {"partitioner",
     "murmur2_random"}, /* the Java clients' choice: one order, one partition, whoever writes */
    {"reconnect.backoff.max.ms", "2000"},
    {"socket.keepalive.enable", "true"},
    {NULL, NULL},
};

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
    (void) producer;
    struct transactions *transactions = context;
    if (message->err != 0 && message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
        message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT && transactions->undelivered == 0)
        transactions->undelivered = message->err;
}

static void on_error(rd_kafka_t *producer, int code, const char *detail, void *context)
{
    struct transactions *transactions = context;
    kafka_setup_note(producer, code, detail, &transactions->noted);
}

static enum status make_producer(struct transactions *transactions)
{
    const struct kafka_publisher_options *options = transactions->options;
    char transaction_ms[24], message_ms[24];
    snprintf(transaction_ms, sizeof transaction_ms, "%lld",
             (long long) options->transaction_timeout_ms);
    snprintf(message_ms, sizeof message_ms, "%lld", (long long) options->message_timeout_ms);
    const struct kafka_setting fixed[] = {
        {"transactional.id", options->transactional_id},
        {"transaction.timeout.ms", transaction_ms},
        {"message.timeout.ms", message_ms},
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"retry.backoff.ms",
         "1"}, /* AddOffsets meets CONCURRENT_TRANSACTIONS after every commit: 100 ms each */
        {NULL, NULL},
    };
    const struct kafka_setup setup = {options->settings, options->settings_count, producer_defaults,
                                      fixed};
    rd_kafka_conf_t *conf;
    TRY(kafka_setup_conf(&setup, &conf, transactions->why));
    rd_kafka_conf_set_opaque(conf, transactions);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery); /* without it a flush polls in steps of 10 ms */
    return kafka_setup_client(RD_KAFKA_PRODUCER, conf, &transactions->producer, transactions->why);
}

static void open_topics(struct transactions *transactions)
{
    for (size_t i = 0; i < PUBLISH_TOPIC_COUNT; i++)
        if (transactions->options->topics[i] != NULL)
            transactions->topics[i] =
                rd_kafka_topic_new(transactions->producer, transactions->options->topics[i], NULL);
}

void kafka_transaction_close(struct transactions *transactions)
{
    for (size_t i = 0; i < PUBLISH_TOPIC_COUNT; i++) {
        if (transactions->topics[i] != NULL)
            rd_kafka_topic_destroy(transactions->topics[i]);
        transactions->topics[i] = NULL;
    }
    if (transactions->producer != NULL)
        rd_kafka_destroy(transactions->producer);
    transactions->producer = NULL;
    transactions->broken = false;
    transactions->noted.code = 0;
}

/* Takes the error, keeps its words. */
static enum judgement judge(struct transactions *transactions, const char *step,
                            rd_kafka_error_t *error)
{
    if (error == NULL)
        return STEP_DONE;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    enum judgement judgement = STEP_BROKEN;
    snprintf(transactions->why, sizeof transactions->why, "%s: %s: %.150s", step,
             rd_kafka_error_name(error), rd_kafka_error_string(error));
    if (rd_kafka_error_is_fatal(error))
        judgement = STEP_BROKEN;
    else if (code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
             code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
             code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        judgement = STEP_STALE;
    else if (rd_kafka_error_txn_requires_abort(error))
        judgement = STEP_ABORT;
    else if (rd_kafka_error_is_retriable(error))
        judgement = STEP_AGAIN;
    rd_kafka_error_destroy(error);
    return judgement;
}

/* A refused login shows only in the callback, while the call itself times out. */
static enum status say_why_not(struct transactions *transactions, rd_kafka_resp_err_t code)
{
    char detail[KAFKA_WHY_MAX];
    rd_kafka_poll(transactions->producer, 0);
    if (!kafka_trouble_is_news(code) && transactions->noted.code != 0)
        return kafka_trouble_say(transactions->noted.code, transactions->noted.detail,
                                 transactions->why, KAFKA_WHY_MAX);
    memcpy(detail, transactions->why, sizeof detail);
    return kafka_trouble_say(code, detail, transactions->why, KAFKA_WHY_MAX);
}

enum status kafka_transaction_open(struct transactions *transactions, int64_t timeout_ms)
{
    if (transactions->producer == NULL) {
        TRY(make_producer(transactions));
        open_topics(transactions);
    }
    rd_kafka_error_t *error = rd_kafka_init_transactions(transactions->producer, (int) timeout_ms);
    if (error == NULL)
        return STATUS_OK;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    bool may_repeat = judge(transactions, "starting transactions", error) == STEP_AGAIN;
    enum status status = say_why_not(transactions, code);
    if (!may_repeat)
        kafka_transaction_close(transactions);
    return status;
}

enum status kafka_transaction_warm(struct transactions *transactions, int64_t timeout_ms)
{
    for (size_t i = 0; i < PUBLISH_TOPIC_COUNT; i++) {
        const struct rd_kafka_metadata *metadata;
        if (transactions->topics[i] == NULL)
            continue;
        rd_kafka_resp_err_t code = rd_kafka_metadata(
            transactions->producer, 0, transactions->topics[i], &metadata, (int) timeout_ms);
        if (code == 0) {
            code = metadata->topics[0].err;
            rd_kafka_metadata_destroy(metadata);
        }
        if (code != 0)
            return kafka_trouble_say(code, transactions->options->topics[i], transactions->why,
                                     KAFKA_WHY_MAX);
    }
    return STATUS_OK;
}

static rd_kafka_topic_partition_list_t *offsets_of(const struct transactions *transactions,
                                                   const struct publish_batch *batch)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int) batch->offsets_count);
    for (size_t i = 0; i < batch->offsets_count; i++) {
        const struct publish_offset *offset = &batch->offsets[i];
        const char *topic = transactions->options->source_topics[offset->topic];
        must(topic != NULL && offset->offset >= 0);
        rd_kafka_topic_partition_t *one =
            rd_kafka_topic_partition_list_add(list, topic, offset->partition);
        one->offset = offset->offset;
        kafka_offsets_set_metadata(one, offset->metadata);
    }
    return list;
}

static enum judgement send_offsets(struct transactions *transactions,
                                   const struct publish_batch *batch)
{
    int64_t deadline_ms = loop_now_ms() + OFFSETS_ALL_MS;
    enum judgement judgement;
    if (batch->offsets_count == 0)
        return STEP_DONE;
    rd_kafka_topic_partition_list_t *list = offsets_of(transactions, batch);
    do {
        judgement = judge(transactions, "sending offsets",
                          rd_kafka_send_offsets_to_transaction(
                              transactions->producer, list,
                              kafka_membership_metadata(batch->membership), OFFSETS_MS));
    } while (judgement == STEP_AGAIN && loop_now_ms() < deadline_ms);
    rd_kafka_topic_partition_list_destroy(list);
    /* Repeated retriables hide a transaction that has failed already. */
    return judgement == STEP_AGAIN ? STEP_BROKEN : judgement;
}

static rd_kafka_headers_t *headers_of(const struct publish_message *message)
{
    if (message->headers == NULL || message->headers->count == 0)
        return NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(message->headers->count);
    for (size_t i = 0; i < message->headers->count; i++) {
        const struct record_header *one = &message->headers->items[i];
        rd_kafka_resp_err_t code =
            rd_kafka_header_add(headers, one->name.data, (ssize_t) one->name.len, one->value.data,
                                (ssize_t) one->value.len);
        must(code == 0);
    }
    return headers;
}

/* Copies: after an abort librdkafka may hold a message longer than the caller its memory. */
static rd_kafka_error_t *produce_once(struct transactions *transactions,
                                      const struct publish_message *message)
{
    rd_kafka_headers_t *headers = headers_of(message);
    rd_kafka_vu_t fields[5] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = transactions->topics[message->topic]},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {(void *) (uintptr_t) message->key.data, message->key.len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {(void *) (uintptr_t) message->value.data, message->value.len}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    rd_kafka_error_t *error =
        rd_kafka_produceva(transactions->producer, fields, headers == NULL ? 4 : 5);
    if (error != NULL && headers != NULL)
        rd_kafka_headers_destroy(headers);
    return error;
}

static bool produce(struct transactions *transactions, const struct publish_batch *batch,
                    size_t number, int64_t deadline_ms)
{
    const struct publish_message *message = &batch->messages[number];
    must(transactions->topics[message->topic] != NULL);
    rd_kafka_error_t *error = produce_once(transactions, message);
    while (error != NULL && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL &&
           loop_now_ms() < deadline_ms) {
        rd_kafka_error_destroy(error);
        rd_kafka_poll(transactions->producer, FULL_QUEUE_MS);
        error = produce_once(transactions, message);
    }
    if (error == NULL)
        return true;
    snprintf(transactions->why, sizeof transactions->why,
             "message %zu of %zu to %s, %zu bytes: %s: %.80s", number + 1, batch->messages_count,
             transactions->options->topics[message->topic], message->value.len,
             rd_kafka_error_name(error), rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
}

static bool produce_all(struct transactions *transactions, const struct publish_batch *batch)
{
    int64_t deadline_ms = loop_now_ms() + PRODUCE_ALL_MS;
    for (size_t i = 0; i < batch->messages_count; i++)
        if (!produce(transactions, batch, i, deadline_ms))
            return false;
    return true;
}

/* Keeps the words of the failure that led here. A producer that cannot abort is made anew, which
 * aborts too. */
static void abort_transaction(struct transactions *transactions)
{
    char first_why[KAFKA_WHY_MAX];
    int64_t deadline_ms = loop_now_ms() + ABORT_ALL_MS;
    enum judgement judgement;
    memcpy(first_why, transactions->why, sizeof first_why);
    do {
        judgement = judge(transactions, "aborting",
                          rd_kafka_abort_transaction(transactions->producer, ABORT_STEP_MS));
    } while (judgement == STEP_AGAIN && loop_now_ms() < deadline_ms);
    if (judgement != STEP_DONE) {
        transactions->broken = true;
        log_plain(LOG_LEVEL_WARN, "kafka.abort", transactions->why);
    }
    memcpy(transactions->why, first_why, sizeof first_why);
}

/*
 * librdkafka serves every delivery report before it asks the coordinator to end the transaction,
 * and does not ask when one failed: a message that the broker refused proves that nothing was
 * committed. One that timed out may still arrive, so that the truth is read instead.
 */
static bool is_known_uncommitted(struct transactions *transactions, enum judgement judgement)
{
    rd_kafka_poll(transactions->producer, 0);
    return judgement == STEP_ABORT && transactions->undelivered != 0 &&
           transactions->undelivered != RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
}

/* The fate is known only when the call says "done", or as above. An abort after another failure
 * proves nothing. */
static enum publish_result commit(struct transactions *transactions)
{
    int64_t deadline_ms =
        loop_now_ms() + transactions->options->transaction_timeout_ms + COMMIT_GRACE_MS;
    for (;;) {
        rd_kafka_error_t *error =
            rd_kafka_commit_transaction(transactions->producer, COMMIT_STEP_MS);
        enum judgement judgement = judge(transactions, "committing", error);
        if (judgement == STEP_DONE)
            return PUBLISH_COMMITTED;
        if (judgement == STEP_AGAIN && loop_now_ms() < deadline_ms)
            continue;
        if (!is_known_uncommitted(transactions, judgement))
            return PUBLISH_REREAD;
        snprintf(transactions->why, sizeof transactions->why, "a message was not delivered: %s",
                 rd_kafka_err2str(transactions->undelivered));
        /* Its next transaction would fail on "skipped sequence numbers": a new producer aborts this
         * one, too. */
        transactions->broken = true;
        return PUBLISH_ABORTED;
    }
}

/* Before the commit: nothing can have become visible. */
static enum publish_result fail(struct transactions *transactions, enum judgement judgement)
{
    if (judgement == STEP_BROKEN)
        transactions->broken = true;
    else
        abort_transaction(transactions);
    return judgement == STEP_STALE ? PUBLISH_FENCED : PUBLISH_ABORTED;
}

enum publish_result kafka_transaction_run(struct transactions *transactions,
                                          const struct publish_batch *batch)
{
    transactions->undelivered = 0;
    transactions->why[0] = '\0';
    KILL_POINT("before_transaction");
    enum judgement judgement =
        judge(transactions, "beginning", rd_kafka_begin_transaction(transactions->producer));
    if (judgement != STEP_DONE)
        return fail(transactions, STEP_BROKEN);
    judgement = send_offsets(transactions, batch);
    if (judgement != STEP_DONE)
        return fail(transactions, judgement);
    KILL_POINT("inside_transaction_after_offsets");
    if (!produce_all(transactions, batch))
        return fail(transactions, STEP_ABORT);
    KILL_POINT("inside_transaction_before_commit");
    enum publish_result result = commit(transactions);
    KILL_POINT_IF(result == PUBLISH_COMMITTED, "after_commit");
    return result;
}
