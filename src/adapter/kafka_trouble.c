/* What a Kafka failure means to the person who has to mend it. */
#include "kafka_parts.h"

#include <stdio.h>

#define ERR(name) RD_KAFKA_RESP_ERR_##name

static const struct kafka_trouble troubles[] = {
    {ERR(_AUTHENTICATION), STATUS_CONFIG,
     "the broker refuses our login: check kafka.sasl.* and the account"},
    {ERR(SASL_AUTHENTICATION_FAILED), STATUS_CONFIG,
     "the broker refuses our login: check kafka.sasl.* and the account"},
    {ERR(UNSUPPORTED_SASL_MECHANISM), STATUS_CONFIG,
     "the broker does not offer kafka.sasl.mechanism"},
    {ERR(_SSL), STATUS_CONFIG,
     "TLS with the broker fails: check kafka.ssl.ca.location, the certificates and their dates"},
    {ERR(_ALL_BROKERS_DOWN), STATUS_UNAVAILABLE,
     "no broker can be reached: check kafka.bootstrap.servers and the network"},
    {ERR(_RESOLVE), STATUS_UNAVAILABLE,
     "a broker's name does not resolve: check kafka.bootstrap.servers and DNS"},
    {ERR(_TIMED_OUT), STATUS_UNAVAILABLE, "the brokers do not answer in time"},
    {ERR(_TRANSPORT), STATUS_UNAVAILABLE, "the connection to the broker broke"},
    {ERR(_UNKNOWN_TOPIC), STATUS_ENVIRONMENT, "a topic does not exist: create it"},
    {ERR(UNKNOWN_TOPIC_OR_PART), STATUS_ENVIRONMENT, "a topic does not exist: create it"},
    {ERR(_UNKNOWN_PARTITION), STATUS_ENVIRONMENT,
     "a partition does not exist: was the topic re-created?"},
    {ERR(TOPIC_AUTHORIZATION_FAILED), STATUS_ENVIRONMENT,
     "the broker forbids us a topic: grant Read/Write and Describe on it"},
    {ERR(GROUP_AUTHORIZATION_FAILED), STATUS_ENVIRONMENT,
     "the broker forbids us the consumer group: grant Read on it"},
    {ERR(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), STATUS_ENVIRONMENT,
     "the broker forbids us the transactional id: grant Write and Describe on it"},
    {ERR(CLUSTER_AUTHORIZATION_FAILED), STATUS_ENVIRONMENT,
     "the broker forbids us idempotent writes: grant IdempotentWrite on the cluster"},
    {ERR(_AUTO_OFFSET_RESET), STATUS_UNSAFE,
     "the committed offset is gone from the topic, and nothing is ever skipped silently: find out "
     "what was "
     "deleted, then set the offset"},
    {ERR(OFFSET_OUT_OF_RANGE), STATUS_UNSAFE,
     "the committed offset is gone from the topic, and nothing is ever skipped silently: find out "
     "what was "
     "deleted, then set the offset"},
    {ERR(_NO_OFFSET), STATUS_ENVIRONMENT,
     "a partition has no committed offset and is not consumed: run `payoutctl init`"},
    {ERR(_MAX_POLL_EXCEEDED), STATUS_UNAVAILABLE,
     "the loop stood still for longer than kafka.max.poll.interval.ms and lost its partitions"},
    {ERR(FENCED_INSTANCE_ID), STATUS_CONFIG,
     "another process uses our group.instance.id: every worker needs its own"},
    {ERR(_FENCED), STATUS_CONFIG,
     "another process took over our transactional id: every worker needs its own"},
    {ERR(UNKNOWN_MEMBER_ID), STATUS_UNAVAILABLE,
     "the group has members (or has forgotten us): for `init` stop every worker first"},
    {ERR(NON_EMPTY_GROUP), STATUS_UNAVAILABLE, "the group has members: stop every worker first"},
    {ERR(INVALID_SESSION_TIMEOUT), STATUS_CONFIG,
     "the broker does not allow our session timeout: see its group.min/max.session.timeout.ms"},
    {ERR(INCONSISTENT_GROUP_PROTOCOL), STATUS_CONFIG,
     "the group's other members use another assignor: all must use `range`"},
    {ERR(GROUP_MAX_SIZE_REACHED), STATUS_ENVIRONMENT, "the group is full: group.max.size"},
    {ERR(_FATAL), STATUS_UNSAFE, "the Kafka client cannot go on"},
    {ERR(UNKNOWN), STATUS_UNAVAILABLE, "a Kafka failure"},
};

const struct kafka_trouble *kafka_trouble_of(rd_kafka_resp_err_t code)
{
    size_t last = sizeof troubles / sizeof troubles[0] - 1;
    for (size_t i = 0; i < last; i++)
        if (troubles[i].code == code)
            return &troubles[i];
    return &troubles[last];
}

bool kafka_trouble_is_news(rd_kafka_resp_err_t code)
{
    return code != ERR(_TRANSPORT) && code != ERR(_TIMED_OUT);
}

enum status kafka_trouble_say(rd_kafka_resp_err_t code, const char *detail, char *ret_why,
                              size_t why_max)
{
    const struct kafka_trouble *trouble = kafka_trouble_of(code);
    if (detail == NULL || detail[0] == '\0')
        detail = rd_kafka_err2str(code);
    snprintf(ret_why, why_max, "%s (%s: %s)", trouble->advice, rd_kafka_err2name(code), detail);
    return trouble->status;
}

bool kafka_trouble_may_say(struct kafka_trouble_limit *limit, const struct kafka_trouble *kind,
                           int64_t now_ms)
{
    for (size_t i = 0; i < limit->count; i++) {
        if (limit->rows[i].kind != kind)
            continue;
        if (now_ms - limit->rows[i].said_ms < KAFKA_TROUBLE_AGAIN_MS)
            return false;
        limit->rows[i].said_ms = now_ms;
        return true;
    }
    must(limit->count < KAFKA_TROUBLE_KINDS);
    limit->rows[limit->count].kind = kind;
    limit->rows[limit->count++].said_ms = now_ms;
    return true;
}
