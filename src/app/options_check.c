/* What no single value can say: which options must be there, and which belong together. */
#include "payoutd/app/options_parts.h"

#include "payoutd/flow/flow.h"

#include <stdlib.h>
#include <string.h>

/* The first must be shorter than the second. */
static const struct {
    int shorter, longer;
    const char *why;
} durations[] = {
    {OPTION_publisher_message_timeout_ms, OPTION_publisher_transaction_timeout_ms,
     "a record may not outlive its transaction"},
    {OPTION_publisher_transaction_timeout_ms, OPTION_publisher_deadline_ms,
     "a transaction must be able to end before the worker gives it up"},
    {OPTION_redis_command_timeout_ms, OPTION_worker_send_window_ms,
     "a claim must be answered while its request may still leave"},
    {OPTION_worker_send_window_ms, OPTION_worker_drain_ms,
     "what was claimed must have its chance to leave before the worker ends"},
    {OPTION_worker_max_command_age_ms, OPTION_topics_commands_retention_ms,
     "a command may not vanish from Kafka while it may still be paid"},
};

static const char *duration_text(struct options *options, int64_t ms)
{
    char *text = memory_take(options->memory, 40);
    FILE *out = fmemopen(text, 39, "w");
    must(out != NULL);
    option_row_print_bound(&(struct option_row){.kind = OPTION_KIND_DURATION}, ms, out);
    fclose(out);
    return text;
}

struct interval {
    const char *path;
    int64_t ms;
    struct place place;
};

/* Where to point: at what was said, not at a default. */
static struct place said(struct place first, struct place second)
{
    return first.line > 0 || first.variable != NULL ? first : second;
}

/* An interval that was refused already is not compared. */
static void check_order(struct options *options, struct interval shorter, struct interval longer,
                        const char *why, struct problems *problems)
{
    if (!shorter.place.bad && !longer.place.bad && shorter.ms >= longer.ms)
        problems_add(problems, said(shorter.place, longer.place), shorter.path,
                     "%s is not shorter than %s (%s): %s", duration_text(options, shorter.ms),
                     longer.path, duration_text(options, longer.ms), why);
}

static void check_missing(struct options *options, const struct options_target *target,
                          struct place owner, struct problems *problems)
{
    for (size_t i = 0; i < target->set->count; i++) {
        const struct option_row *row = &target->set->rows[i];
        struct place *place = &target->places[i];
        if ((row->flags & OPTION_REQUIRED) == 0 || place->line > 0 || place->variable != NULL)
            continue;
        place->bad = true;
        problems_add(problems, owner,
                     memory_format(options->memory, "%s%s", target->prefix, row->path),
                     "is missing: %s", row->sentence);
    }
}

static struct interval interval_of(struct options *options, int option)
{
    const struct options_target target = options_target_main(options);
    size_t row = (size_t) option;
    return (struct interval){option_set_main.rows[row].path,
                             *(const int64_t *) options_target_field(&target, row),
                             options->places[row]};
}

static void check_durations(struct options *options, struct problems *problems)
{
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++)
        check_order(options, interval_of(options, durations[i].shorter),
                    interval_of(options, durations[i].longer), durations[i].why, problems);
    struct place horizon = options->places[OPTION_ledger_horizon_ms];
    struct place age = options->places[OPTION_worker_max_command_age_ms];
    struct place retention = options->places[OPTION_topics_commands_retention_ms];
    int64_t needed = options->worker_max_command_age_ms + options->topics_commands_retention_ms;
    if (!horizon.bad && !age.bad && !retention.bad && needed >= options->ledger_horizon_ms)
        problems_add(problems, said(horizon, age), "ledger.horizon",
                     "%s is not longer than worker.max_command_age plus topics.commands_retention "
                     "(%s): a late copy of a command could be paid again",
                     duration_text(options, options->ledger_horizon_ms),
                     duration_text(options, needed));
}

static void check_topics(struct options *options, struct problems *problems)
{
    static const size_t rows[] = {OPTION_topics_commands, OPTION_topics_resolutions,
                                  OPTION_topics_outcomes, OPTION_topics_dead_letters};
    const struct options_target target = options_target_main(options);
    for (size_t i = 1; i < 4; i++)
        for (size_t j = 0; j < i; j++) {
            const char *const *a = options_target_field(&target, rows[i]);
            const char *const *b = options_target_field(&target, rows[j]);
            if (strcmp(*a, *b) == 0)
                problems_add(problems, said(options->places[rows[i]], options->places[rows[j]]),
                             option_set_main.rows[rows[i]].path,
                             "\"%s\" is %s too; each needs a topic of its own", *a,
                             option_set_main.rows[rows[j]].path);
        }
}

static void check_redis(struct options *options, struct problems *problems)
{
#ifndef PAYOUTD_REDIS_TLS
    if (options->redis_tls)
        problems_add(
            problems, options->places[OPTION_redis_tls], "redis.tls",
            "this build cannot encrypt the link to Redis: that needs hiredis 1.0 or newer; "
            "set it to false and protect the network, or use such a build");
#endif
    if (options->redis_username != NULL && options->redis_password_file == NULL &&
        !options->places[OPTION_redis_password_file].bad)
        problems_add(problems, options->places[OPTION_redis_username], "redis.username",
                     "needs redis.password_file");
}

static void check_gateway(struct options *options, struct gateway_options *gateway,
                          struct problems *problems)
{
    struct interval request = {
        memory_format(options->memory, "gateways.%s.request_timeout", gateway->name),
        gateway->request_timeout_ms, gateway->places[GATEWAY_OPTION_request_timeout_ms]};
    struct interval connect = {
        memory_format(options->memory, "gateways.%s.connect_timeout", gateway->name),
        gateway->connect_timeout_ms, gateway->places[GATEWAY_OPTION_connect_timeout_ms]};
    check_order(options, interval_of(options, OPTION_worker_send_window_ms), request,
                "a request needs time after it has left", problems);
    check_order(options, connect, request, "connecting is a part of the request", problems);
    for (size_t i = 0; i < options->merchants_count; i++)
        if (options->merchants[i].profile == gateway)
            return;
    problems_warn(problems, gateway->place,
                  memory_format(options->memory, "gateways.%s", gateway->name),
                  "no merchant uses it");
}

static void find_gateway(struct options *options, struct merchant_options *merchant,
                         struct problems *problems)
{
    struct place place = merchant->places[MERCHANT_OPTION_gateway];
    struct nearest nearest;
    if (place.bad)
        return;
    nearest_begin(&nearest, merchant->gateway);
    for (size_t i = 0; i < options->gateways_count; i++) {
        nearest_offer(&nearest, options->gateways[i].name);
        if (strcmp(options->gateways[i].name, merchant->gateway) == 0)
            merchant->profile = &options->gateways[i];
    }
    if (merchant->profile == NULL)
        problems_add(problems, place,
                     memory_format(options->memory, "merchants.%s.gateway", merchant->id),
                     "gateways has no entry \"%s\"%s%s%s", merchant->gateway,
                     nearest.name == NULL ? "" : "; did you mean ",
                     nearest.name == NULL ? "" : nearest.name, nearest.name == NULL ? "" : "?");
}

static bool host_is_listed(const struct text_list *hosts, const char *link)
{
    const char *host = link + strlen("https://");
    size_t len = strcspn(host, ":/");
    for (size_t i = 0; i < hosts->count; i++)
        if (strlen(hosts->items[i]) == len && strncasecmp(hosts->items[i], host, len) == 0)
            return true;
    return false;
}

static void check_post_link(struct options *options, struct merchant_options *merchant,
                            struct problems *problems)
{
    const struct text_list *hosts = &options->contract_post_link_hosts;
    struct place place = merchant->places[MERCHANT_OPTION_post_link];
    const char *path = memory_format(options->memory, "merchants.%s.post_link", merchant->id);
    if (place.bad || options->places[OPTION_contract_post_link_hosts].bad)
        return;
    if (merchant->post_link == NULL && hosts->count == 0)
        problems_add(problems, merchant->place, path,
                     "is missing, and contract.post_link_hosts allows no command to name one: the "
                     "gateway needs one");
    if (merchant->post_link != NULL && hosts->count > 0 &&
        !host_is_listed(hosts, merchant->post_link))
        problems_add(problems, place, path,
                     "its host is not in contract.post_link_hosts; add it there or mend the link");
}

static void check_merchants(struct options *options, struct problems *problems)
{
    struct place none = {0}, wanted = options->places[OPTION_default_merchant];
    if (options->gateways_count == 0)
        problems_add(problems, none, "gateways", "is missing: at least one gateway is needed");
    if (options->merchants_count == 0)
        problems_add(problems, none, "merchants", "is missing: at least one merchant is needed");
    if (options->gateways_count > FLOW_LANES_MAX)
        problems_add(problems, options->gateways[FLOW_LANES_MAX].place, "gateways",
                     "more than %d gateways", FLOW_LANES_MAX);
    if (options->merchants_count > FLOW_MERCHANTS_MAX)
        problems_add(problems, options->merchants[FLOW_MERCHANTS_MAX].place, "merchants",
                     "more than %d merchants", FLOW_MERCHANTS_MAX);
    if (options->default_merchant == NULL || wanted.bad ||
        options_merchant(options, options->default_merchant) != NULL)
        return;
    struct nearest nearest;
    nearest_begin(&nearest, options->default_merchant);
    for (size_t i = 0; i < options->merchants_count; i++)
        nearest_offer(&nearest, options->merchants[i].id);
    problems_add(problems, wanted, "default_merchant", "merchants has no entry \"%s\"%s%s%s",
                 options->default_merchant, nearest.name == NULL ? "" : "; did you mean ",
                 nearest.name == NULL ? "" : nearest.name, nearest.name == NULL ? "" : "?");
}

static void check_consents(struct options *options, struct problems *problems)
{
    if (options->security_allow_plaintext_pan)
        problems_warn(problems, options->places[OPTION_security_allow_plaintext_pan],
                      "security.allow_plaintext_pan",
                      "card numbers are taken in the clear; Kafka then stores them");
    if (options->redis_allow_weak_persistence)
        problems_warn(problems, options->places[OPTION_redis_allow_weak_persistence],
                      "redis.allow_weak_persistence",
                      "a restart of Redis may then lose the ledger; for tests only");
}

void options_check(struct options *options, struct problems *problems)
{
    struct options_target target = options_target_main(options);
    check_missing(options, &target, (struct place){0}, problems);
    for (size_t i = 0; i < options->gateways_count; i++) {
        target = options_target_gateway(options, i);
        check_missing(options, &target, options->gateways[i].place, problems);
    }
    for (size_t i = 0; i < options->merchants_count; i++) {
        target = options_target_merchant(options, i);
        check_missing(options, &target, options->merchants[i].place, problems);
        find_gateway(options, &options->merchants[i], problems);
        check_post_link(options, &options->merchants[i], problems);
    }
    for (size_t i = 0; i < options->gateways_count; i++)
        check_gateway(options, &options->gateways[i], problems);
    check_durations(options, problems);
    check_topics(options, problems);
    check_redis(options, problems);
    check_merchants(options, problems);
    check_consents(options, problems);
}
