/* Builds the parts of a worker from its configuration, and takes them apart again. */
#include "payoutd/app/worker.h"

#include "payoutd/adapter/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * What one payout may need at most: the record (16 KiB) and its decoded words (as much), a form, a
 * reply of REPLY_MAX and its fields, two bodies and the finished value (OUTCOME_BODY_MAX each), a
 * dead letter, headers. Pages are touched only when they are used: an ordinary payout uses about 10
 * KiB.
 */
enum { REPLY_MAX = 16 * 1024, ARENA_SIZE = 192 * 1024 };
enum { BATCH_TEXT_MAX = FLOW_PARTITIONS_MAX * 4096, CLOSE_WAIT_MS = 2000, REVOKE_DRAIN_MS = 5000 };

static void *zeroed_pages(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

/* Every order waits for the slowest gateway: who finds another's request cannot know how long it
 * may take. */
static int64_t longest_request_ms(const struct options *options)
{
    int64_t longest_ms = 0;
    for (size_t i = 0; i < options->gateways_count; i++)
        if (options->gateways[i].request_timeout_ms > longest_ms)
            longest_ms = options->gateways[i].request_timeout_ms;
    return longest_ms;
}

static void configure_flow(const struct worker *worker, struct flow_config *ret_config)
{
    const struct options *options = worker->options;
    *ret_config = (struct flow_config){
        .payouts_max = (size_t) options->worker_max_in_flight,
        .arena_size = ARENA_SIZE,
        .batch_max = (size_t) options->worker_batch_max,
        .batch_ms = options->worker_batch_time_ms,
        .send_window_ms = options->worker_send_window_ms,
        .request_timeout_ms = longest_request_ms(options),
        .grace_ms = options->worker_grace_ms,
        .max_command_age_ms = options->worker_max_command_age_ms,
        .horizon_ms = options->ledger_horizon_ms,
        .restores = options->ledger_recovery == OPTIONS_RECOVERY_AUTOMATIC,
        .revoke_drain_ms = REVOKE_DRAIN_MS,
        .merchants_count = options->merchants_count,
        .lanes_count = options->gateways_count,
        .duplicates = options->worker_duplicates == OPTIONS_DUPLICATES_REPLAY ? DUPLICATES_REPLAY
                                                                              : DUPLICATES_DROP,
        .instance = worker->instance,
    };
    for (size_t i = 0; i < options->gateways_count; i++)
        ret_config->lane_sending_max[i] = (size_t) options->gateways[i].max_connections;
    for (size_t i = 0; i < options->merchants_count; i++)
        ret_config->merchant_lanes[i] =
            (uint8_t) (options->merchants[i].profile - options->gateways);
}

static enum status make_flow(struct worker *worker)
{
    struct flow_config config;
    configure_flow(worker, &config);
    worker->flow_storage_size = flow_storage_size(&config);
    worker->flow_storage = zeroed_pages(worker->flow_storage_size);
    worker->flow = calloc(1, sizeof *worker->flow);
    worker->parcels = calloc(config.payouts_max, sizeof *worker->parcels);
    worker->messages = calloc(2 * config.batch_max, sizeof *worker->messages);
    worker->offsets = calloc(FLOW_PARTITIONS_MAX, sizeof *worker->offsets);
    void *texts = zeroed_pages(BATCH_TEXT_MAX);
    if (worker->flow_storage == NULL || worker->flow == NULL || worker->parcels == NULL ||
        worker->messages == NULL || worker->offsets == NULL || texts == NULL)
        return STATUS_NO_ROOM;
    arena_init(&worker->batch_arena, texts, BATCH_TEXT_MAX);
    flow_init(worker->flow, &config, worker->flow_storage);
    return STATUS_OK;
}

static enum status make_gateways(struct worker *worker)
{
    for (size_t i = 0; i < worker->options->gateways_count; i++) {
        const struct gateway_options *gateway = &worker->options->gateways[i];
        struct gateway_http_options options = {
            .ca_file = gateway->ca_file,
            .proxy = gateway->proxy,
            .user_agent = "payoutd/" PAYOUTD_VERSION,
            .connect_timeout_ms = gateway->connect_timeout_ms,
            .request_timeout_ms = gateway->request_timeout_ms,
            .reuse_idle_max_ms = gateway->reuse_idle_max_ms,
            /* Beside the payouts' connections there are always some for status queries. */
            .max_connections = (int32_t) gateway->max_connections + INQUIRIES_ASKING_MAX,
            .reply_max = REPLY_MAX,
        };
        TRY(gateway_http_new(worker->loop, &options, sending_done, worker, &worker->gateways[i]));
        worker->gateways_count++;
    }
    return STATUS_OK;
}

static enum status make_ledger(struct worker *worker)
{
    const struct options *options = worker->options;
    struct ledger_options ledger_options;
    startup_ledger_options(options, worker->secrets, &ledger_options);
    struct ledger_events events;
    asking_events(worker, &events);
    return ledger_new(worker->loop, &ledger_options, &events, &worker->ledger);
}

static enum status make_publisher(struct worker *worker)
{
    const struct options *options = worker->options;
    char random_id[64] = "payoutd-";
    worker_random_hex(random_id + strlen(random_id), 32);
    struct kafka_publisher_options publisher_options = {
        .settings = worker->secrets->kafka,
        .settings_count = worker->secrets->kafka_count,
        .transactional_id = options->publisher_transactional_id != NULL
                                ? options->publisher_transactional_id
                                : random_id,
        .group_id = options->consumer_group_id,
        .topics = {options->topics_outcomes, options->topics_dead_letters,
                   options->topics_resolutions},
        .source_topics = {options->topics_commands, options->topics_resolutions},
        .transaction_timeout_ms = options->publisher_transaction_timeout_ms,
        .message_timeout_ms = options->publisher_message_timeout_ms,
    };
    struct kafka_publisher_events events;
    publishing_events(worker, &events);
    return kafka_publisher_new(worker->loop, &publisher_options, &events, &worker->publisher);
}

static enum status make_source(struct worker *worker)
{
    const struct options *options = worker->options;
    struct kafka_source_options source_options = {
        .settings = worker->secrets->kafka,
        .settings_count = worker->secrets->kafka_count,
        .group_id = options->consumer_group_id,
        .group_instance_id = options->consumer_group_instance_id,
        .topics = {options->topics_commands, options->topics_resolutions},
        .session_timeout_ms = options->consumer_session_timeout_ms,
    };
    struct kafka_source_events events;
    intake_events(worker, &events);
    return kafka_source_new(worker->loop, &source_options, &events, &worker->source);
}

static enum status make_admin(struct worker *worker)
{
    char why[200] = "";
    enum status status = admin_http_new(worker->loop, worker->options->admin_listen, health_answer,
                                        worker, &worker->admin, why, sizeof why);
    if (status != STATUS_OK)
        LOG(LOG_LEVEL_ERROR, "admin.failed", why, LOG_TEXT("option", "admin.listen"));
    else
        LOG(LOG_LEVEL_INFO, "admin.listening", "probes and metrics answer here",
            LOG_TEXT("admin.listen", worker->options->admin_listen),
            LOG_INT("admin.port", admin_http_port(worker->admin)));
    return status;
}

static void name_worker(struct worker *worker)
{
    if (worker->options->instance_name != NULL)
        snprintf(worker->name, sizeof worker->name, "%s", worker->options->instance_name);
    else if (gethostname(worker->name, sizeof worker->name - 1) != 0)
        snprintf(worker->name, sizeof worker->name, "payoutd");
    worker_random_hex(worker->instance.hex, 32);
    worker->started_wall_ms = loop_wall_ms();
    worker->default_merchant_at =
        worker->options->default_merchant == NULL
            ? UINT16_MAX
            : worker_merchant_at(worker, bytes_of(worker->options->default_merchant));
    worker->naming = (struct event_naming){
        .type_prefix = bytes_of(worker->options->contract_type_prefix),
        .source = bytes_of(worker->options->contract_source),
        .schema_base = bytes_of(worker->options->contract_schema_base),
    };
}

static enum status make_parts(struct worker *worker)
{
    TRY(loop_new(&worker->loop));
    name_worker(worker);
    TRY(make_flow(worker));
    TRY(make_admin(worker)); /* first: an orchestrator sees why it is not ready yet */
    TRY(make_gateways(worker));
    TRY(make_ledger(worker));
    TRY(make_publisher(worker));
    return make_source(worker);
}

enum status worker_new(const struct options *options, const struct secrets *secrets,
                       struct worker **ret_worker, int *ret_exit_code)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return STATUS_NO_ROOM;
    worker->options = options;
    worker->secrets = secrets;
    enum status status = make_parts(worker);
    if (status != STATUS_OK) {
        LOG(LOG_LEVEL_ERROR, "worker.setup_failed", status_sentence(status),
            LOG_TEXT("error.code", status_name(status)));
        *ret_exit_code = status_class(status) == STATUS_CLASS_CONFIG ? WORKER_EXIT_CONFIG
                                                                     : WORKER_EXIT_ENVIRONMENT;
        worker_free(worker);
        return status;
    }
    *ret_worker = worker;
    return STATUS_OK;
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    restorer_stop(worker->restorer);
    if (worker->publisher != NULL)
        kafka_publisher_close(worker->publisher, CLOSE_WAIT_MS);
    if (worker->source != NULL)
        kafka_source_close(worker->source);
    kafka_membership_drop(worker->membership);
    for (size_t i = 0; i < worker->gateways_count; i++)
        gateway_http_free(worker->gateways[i]);
    if (worker->ledger != NULL)
        ledger_free(worker->ledger);
    if (worker->admin != NULL)
        admin_http_free(worker->admin);
    loop_free(worker->loop);
    if (worker->flow_storage != NULL)
        munmap(worker->flow_storage, worker->flow_storage_size);
    if (worker->batch_arena.data != NULL)
        munmap(worker->batch_arena.data, BATCH_TEXT_MAX);
    free(worker->flow);
    free(worker->parcels);
    free(worker->messages);
    free(worker->offsets);
    free(worker);
}
