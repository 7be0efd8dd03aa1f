/* Making one Kafka client: whose setting wins, and where librdkafka's own words go. */
#include "kafka_parts.h"

#include "payoutd/adapter/log.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

static enum log_level level_of(int syslog_level)
{
    if (syslog_level <= LOG_ERR)
        return LOG_LEVEL_ERROR;
    if (syslog_level == LOG_WARNING)
        return LOG_LEVEL_WARN;
    return syslog_level == LOG_DEBUG ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

static void on_log(const rd_kafka_t *client, int syslog_level, const char *facility,
                   const char *message)
{
    enum log_level level = level_of(syslog_level);
    /* One section serves consumers and producers, so librdkafka warns of the other kind's settings
       each time; the other warning is about brokers older than 0.11, which only its own mock
       cluster plays. */
    if (strcmp(facility, "CONFWARN") == 0 || strcmp(facility, "AUTOCREATE") == 0)
        level = LOG_LEVEL_DEBUG;
    if (!log_enabled(level))
        return;
    LOG(level, "kafka.client", message, LOG_TEXT("kafka.facility", facility),
        LOG_TEXT("kafka.client", client == NULL ? "" : rd_kafka_name(client)));
}

static enum status set(rd_kafka_conf_t *conf, const struct kafka_setting *setting,
                       char ret_why[static KAFKA_WHY_MAX])
{
    char problem[KAFKA_WHY_MAX] = "";
    if (rd_kafka_conf_set(conf, setting->name, setting->value, problem, sizeof problem) ==
        RD_KAFKA_CONF_OK)
        return STATUS_OK;
    snprintf(ret_why, KAFKA_WHY_MAX, "kafka: %.160s",
             problem); /* names the setting, not its value */
    return STATUS_CONFIG;
}

static enum status set_all(rd_kafka_conf_t *conf, const struct kafka_setup *setup,
                           char ret_why[static KAFKA_WHY_MAX])
{
    for (const struct kafka_setting *s = setup->defaults; s != NULL && s->name != NULL; s++)
        TRY(set(conf, s, ret_why));
    for (size_t i = 0; i < setup->settings_count; i++)
        TRY(set(conf, &setup->settings[i], ret_why));
    for (const struct kafka_setting *s = setup->fixed; s != NULL && s->name != NULL; s++)
        TRY(set(conf, s, ret_why));
    return STATUS_OK;
}

enum status kafka_setup_conf(const struct kafka_setup *setup, rd_kafka_conf_t **ret_conf,
                             char ret_why[static KAFKA_WHY_MAX])
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    enum status status = set_all(conf, setup, ret_why);
    if (status != STATUS_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    *ret_conf = conf;
    return STATUS_OK;
}

enum status kafka_setup_client(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret_client,
                               char ret_why[static KAFKA_WHY_MAX])
{
    char problem[KAFKA_WHY_MAX] = "";
    rd_kafka_t *client = rd_kafka_new(type, conf, problem, sizeof problem);
    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        snprintf(ret_why, KAFKA_WHY_MAX, "kafka: %.160s", problem);
        return STATUS_CONFIG;
    }
    *ret_client = client;
    return STATUS_OK;
}

void kafka_setup_note(rd_kafka_t *client, int code, const char *detail, void *noted)
{
    (void) client;
    struct kafka_noted *note = noted;
    if (!kafka_trouble_is_news((rd_kafka_resp_err_t) code))
        return;
    /* "All brokers are down" follows every refused password: the first cause is the one to say. */
    if (note->code != 0 && code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return;
    note->code = (rd_kafka_resp_err_t) code;
    snprintf(note->detail, sizeof note->detail, "%s", detail == NULL ? "" : detail);
}
