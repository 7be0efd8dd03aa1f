/* A Kafka that needs nothing installed. */
#include "kafka_mock.h"

#include "kafka_relay.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTITIONS_MAX = 1000, TOPIC_NAME_MAX = 249 };

struct kafka_mock {
    rd_kafka_t *host; /* the mock lives inside a client */
    rd_kafka_mock_cluster_t *cluster;
    struct kafka_relay *relay;
    char bootstrap[32];
};

static void be_quiet(const rd_kafka_t *host, int level, const char *facility, const char *text)
{
    (void) host;
    if (level <= 3) /* errors; the warning that no broker is configured is meant here */
        fprintf(stderr, "payout-sandbox: kafka: %s: %s\n", facility, text);
}

static enum status complain(const char *topics)
{
    fprintf(stderr, "payout-sandbox: --topics wants NAME:PARTITIONS,..., not '%s'\n", topics);
    return STATUS_CONFIG;
}

static enum status make_topic(struct kafka_mock *mock, const char *text, size_t len)
{
    char name[TOPIC_NAME_MAX + 1];
    int64_t partitions = 0;
    const char *colon = memchr(text, ':', len);
    size_t name_len = colon == NULL ? 0 : (size_t) (colon - text);
    if (name_len == 0 || name_len > TOPIC_NAME_MAX)
        return STATUS_CONFIG;
    TRY(bytes_to_int64((struct bytes){colon + 1, len - name_len - 1}, &partitions));
    if (partitions < 1 || partitions > PARTITIONS_MAX)
        return STATUS_CONFIG;
    memcpy(name, text, name_len);
    name[name_len] = '\0';
    rd_kafka_resp_err_t error =
        rd_kafka_mock_topic_create(mock->cluster, name, (int) partitions, 1);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? STATUS_OK : STATUS_CONFIG;
}

static enum status make_topics(struct kafka_mock *mock, const char *topics)
{
    for (const char *at = topics;;) {
        size_t len = strcspn(at, ",");
        if (make_topic(mock, at, len) != STATUS_OK)
            return complain(topics);
        if (at[len] == '\0')
            return STATUS_OK;
        at += len + 1;
    }
}

static enum status start_relay(struct kafka_mock *mock, struct event_base *base, uint16_t port)
{
    int64_t broker_port = 0;
    const char *colon = strrchr(rd_kafka_mock_cluster_bootstraps(mock->cluster), ':');
    must(colon != NULL && bytes_to_int64(bytes_of(colon + 1), &broker_port) == STATUS_OK);
    TRY(kafka_relay_new(base, port, (uint16_t) broker_port, &mock->relay));
    snprintf(mock->bootstrap, sizeof mock->bootstrap, "127.0.0.1:%u",
             kafka_relay_port(mock->relay));
    return STATUS_OK;
}

enum status kafka_mock_new(struct event_base *base, uint16_t port, const char *topics,
                           struct kafka_mock **ret_mock)
{
    char why[256];
    struct kafka_mock *mock = calloc(1, sizeof *mock);
    must(mock != NULL);
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(settings, be_quiet);
    mock->host = rd_kafka_new(RD_KAFKA_PRODUCER, settings, why, sizeof why);
    if (mock->host == NULL) {
        fprintf(stderr, "payout-sandbox: kafka: %s\n", why);
        rd_kafka_conf_destroy(settings);
        free(mock);
        return STATUS_ENVIRONMENT;
    }
    mock->cluster = rd_kafka_mock_cluster_new(mock->host, 1);
    enum status status = mock->cluster == NULL ? STATUS_ENVIRONMENT : make_topics(mock, topics);
    if (status == STATUS_OK)
        status = start_relay(mock, base, port);
    if (status != STATUS_OK) {
        kafka_mock_free(mock);
        return status;
    }
    *ret_mock = mock;
    return STATUS_OK;
}

void kafka_mock_free(struct kafka_mock *mock)
{
    if (mock == NULL)
        return;
    kafka_relay_free(mock->relay);
    if (mock->cluster != NULL)
        rd_kafka_mock_cluster_destroy(mock->cluster);
    rd_kafka_destroy(mock->host);
    free(mock);
}

const char *kafka_mock_bootstrap(const struct kafka_mock *mock)
{
    return mock->bootstrap;
}
