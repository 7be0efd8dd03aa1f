/* What of `kafka:` may reach librdkafka: everything but what safety rests on, and every name is
 * checked. */
#include "payoutd/app/options_parts.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#define OWN_COMMITS  "offsets are committed only together with their outcomes; remove the line"
#define OWN_PRODUCER "the producer must be transactional and keep its order; remove the line"
#define IS_A_SECRET  "secrets come only from files; use kafka_secret_files"

struct refusal {
    const char *name; /* one that ends in * refuses all that begin so */
    const char *reason;
};

static const struct refusal refusals[] = {
    {"group.id", "use consumer.group_id"},
    {"group.instance.id", "use consumer.group_instance_id"},
    {"session.timeout.ms", "use consumer.session_timeout"},
    {"transactional.id", "use publisher.transactional_id"},
    {"transaction.timeout.ms", "use publisher.transaction_timeout"},
    {"message.timeout.ms", "use publisher.message_timeout"},
    {"delivery.timeout.ms", "use publisher.message_timeout"},
    {"metadata.broker.list", "use kafka.bootstrap.servers, its other name"},
    {"enable.auto.commit", OWN_COMMITS},
    {"auto.commit.enable", OWN_COMMITS},
    {"auto.commit.interval.ms", OWN_COMMITS},
    {"enable.auto.offset.store", OWN_COMMITS},
    {"offset.store.*", OWN_COMMITS},
    {"auto.offset.reset", "a lost offset must stop the worker, never make it jump; \"payoutctl "
                          "init\" sets first offsets"},
    {"isolation.level", "only committed records may be read; remove the line"},
    {"partition.assignment.strategy",
     "ownership is proven for the range assignor only; remove the line"},
    {"group.protocol", "ownership is proven for the classic protocol only; remove the line"},
    {"group.remote.assignor", "ownership is proven for the range assignor only; remove the line"},
    {"enable.partition.eof", "the worker does not use it; remove the line"},
    {"allow.auto.create.topics", "topics are created by people, on purpose; remove the line"},
    {"enable.idempotence", OWN_PRODUCER},
    {"enable.gapless.guarantee", OWN_PRODUCER},
    {"acks", OWN_PRODUCER},
    {"request.required.acks", OWN_PRODUCER},
    {"max.in.flight", OWN_PRODUCER},
    {"max.in.flight.requests.per.connection", OWN_PRODUCER},
    {"retries", OWN_PRODUCER},
    {"message.send.max.retries", OWN_PRODUCER},
    {"queuing.strategy", OWN_PRODUCER},
    {"delivery.report.only.error", "the worker needs every delivery report; remove the line"},
    {"test.mock.*", "it replaces the brokers by toys; remove the line"},
    {"plugin.library.paths", "it loads foreign code into the worker; remove the line"},
    {"sasl.password", IS_A_SECRET},
    {"ssl.key.password", IS_A_SECRET},
    {"ssl.keystore.password", IS_A_SECRET},
    {"ssl.key.pem", IS_A_SECRET},
    {"sasl.oauthbearer.client.secret", IS_A_SECRET},
    {"sasl.oauthbearer.config", IS_A_SECRET},
};
enum { REFUSALS = sizeof refusals / sizeof refusals[0] };

static const char *reason_to_refuse(const char *name)
{
    for (size_t i = 0; i < REFUSALS; i++) {
        size_t len = strlen(refusals[i].name);
        bool begins = refusals[i].name[len - 1] == '*';
        if (begins ? strncmp(refusals[i].name, name, len - 1) == 0
                   : strcmp(refusals[i].name, name) == 0)
            return refusals[i].reason;
    }
    return NULL;
}

/* librdkafka's own table of all properties: a name at the start of each line that has columns. */
static char *list_of_properties(struct memory *memory)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    must(out != NULL);
    rd_kafka_conf_properties_show(out);
    must(fclose(out) == 0);
    char *copy = memory_text(memory, text, size);
    free(text);
    return copy;
}

static void offer_all(struct nearest *nearest, char *table)
{
    for (char *line = table; *line != '\0';) {
        size_t len = strcspn(line, "\n"), name = strcspn(line, " |\n");
        char *next = line + len + (line[len] == '\n');
        bool is_row = memchr(line, '|', len) != NULL && name > 0;
        line[name] = '\0';
        if (is_row && reason_to_refuse(line) == NULL)
            nearest_offer(nearest, line);
        line = next;
    }
}

static void unknown_setting(struct options *options, const char *name, struct place place,
                            struct problems *problems)
{
    struct nearest nearest;
    nearest_begin(&nearest, name);
    offer_all(&nearest, list_of_properties(options->memory));
    const char *path = memory_format(options->memory, "kafka.%s", name);
    if (nearest.name != NULL)
        problems_add(problems, place, path,
                     "this librdkafka has no such property; did you mean %s?", nearest.name);
    else
        problems_add(problems, place, path,
                     "this librdkafka has no such property; see its CONFIGURATION.md");
}

static void check_setting(struct options *options, rd_kafka_conf_t *conf, size_t at,
                          struct problems *problems)
{
    const struct kafka_setting *setting = &options->kafka.items[at];
    struct place place = options->kafka.places[at];
    const char *path = memory_format(options->memory, "kafka.%s", setting->name);
    const char *reason = reason_to_refuse(setting->name);
    if (reason != NULL) {
        problems_add(problems, place, path, "may not be set: %s", reason);
        return;
    }
    char why[256];
    switch (rd_kafka_conf_set(conf, setting->name, setting->value, why, sizeof why)) {
    case RD_KAFKA_CONF_OK:
        return;
    case RD_KAFKA_CONF_UNKNOWN:
        unknown_setting(options, setting->name, place, problems);
        return;
    case RD_KAFKA_CONF_INVALID:
        problems_add(problems, place, path, "%s", why);
        return;
    }
}

static void check_secret_file(struct options *options, size_t at, struct problems *problems)
{
    const struct kafka_setting *setting = &options->kafka_secret_files.items[at];
    struct nearest nearest;
    nearest_begin(&nearest, setting->name);
    for (size_t i = 0; i < REFUSALS; i++) {
        if (strcmp(refusals[i].reason, IS_A_SECRET) != 0)
            continue;
        if (strcmp(refusals[i].name, setting->name) == 0)
            return;
        nearest_offer(&nearest, refusals[i].name);
    }
    const char *path = memory_format(options->memory, "kafka_secret_files.%s", setting->name);
    problems_add(problems, options->kafka_secret_files.places[at], path,
                 "is no secret of librdkafka%s%s%s",
                 nearest.name == NULL ? "; other properties belong to kafka" : "; did you mean ",
                 nearest.name == NULL ? "" : nearest.name, nearest.name == NULL ? "" : "?");
}

void options_check_kafka(struct options *options, struct problems *problems)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool has_servers = false;
    for (size_t i = 0; i < options->kafka.count; i++) {
        check_setting(options, conf, i, problems);
        has_servers = has_servers || strcmp(options->kafka.items[i].name, "bootstrap.servers") == 0;
    }
    rd_kafka_conf_destroy(conf);
    for (size_t i = 0; i < options->kafka_secret_files.count; i++)
        check_secret_file(options, i, problems);
    if (!has_servers)
        problems_add(problems, (struct place){0}, "kafka.bootstrap.servers",
                     "is missing: the addresses of the brokers, HOST:PORT with commas between");
}
