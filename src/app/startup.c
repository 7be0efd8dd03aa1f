/* What must hold before anything is consumed, each failure with what to do about it. */
#include "payoutd/app/worker.h"

#include "payoutd/adapter/log.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CHECK_TIMEOUT_MS = 30000 };

void startup_ledger_options(const struct options *options, const struct secrets *secrets,
                            struct ledger_options *ret_options)
{
    *ret_options = (struct ledger_options){
        .host = options->redis_host,
        .port = (int32_t) options->redis_port,
        .username = options->redis_username,
        .password = secrets->redis_password.data,
        .database = (int32_t) options->redis_database,
        .connect_timeout_ms = options->redis_connect_timeout_ms,
        .command_timeout_ms = options->redis_command_timeout_ms,
        .max_pending = 2 * (size_t) options->worker_max_in_flight + 16,
        .wait_replicas = (int32_t) options->redis_wait_replicas,
        .allow_weak_persistence = options->redis_allow_weak_persistence,
        .key_namespace = options->ledger_namespace,
        .horizon_ms = options->ledger_horizon_ms,
    };
}

/* No card number in a core file (docs/PROTOCOL.md I13), and no other process of this user reads our
 * memory. */
void startup_keep_memory_private(void)
{
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        LOG(LOG_LEVEL_WARN, "startup.core_files", "core files could not be switched off",
            LOG_TEXT("error.message", strerror(errno)));
}

/* A connection a payout: the descriptors must suffice, or connections fail in the middle of the
 * day. */
static void raise_descriptor_limit(const struct options *options)
{
    int64_t wanted = 256 + options->worker_max_in_flight;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || (int64_t) limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = (int64_t) limit.rlim_max < wanted ? limit.rlim_max : (rlim_t) wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || (int64_t) limit.rlim_cur < wanted)
        LOG(LOG_LEVEL_WARN, "startup.descriptors",
            "the limit of open files is lower than worker.max_in_flight may need: raise it (ulimit "
            "-n)",
            LOG_INT("startup.limit", (int64_t) limit.rlim_cur), LOG_INT("startup.wanted", wanted));
}

static enum status check_ca_files(const struct options *options)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < options->gateways_count; i++) {
        const char *file = options->gateways[i].ca_file;
        if (file == NULL || access(file, R_OK) == 0)
            continue;
        LOG(LOG_LEVEL_ERROR, "startup.ca_file",
            "the gateway's CA file cannot be read: mount it, or correct gateways.*.ca_file",
            LOG_TEXT("file.path", file), LOG_TEXT("error.message", strerror(errno)));
        status = STATUS_ENVIRONMENT;
    }
    return status;
}

static enum status check_kafka(const struct options *options, const struct secrets *secrets)
{
    const char *topics[] = {options->topics_commands, options->topics_resolutions,
                            options->topics_outcomes, options->topics_dead_letters};
    int32_t counts[sizeof topics / sizeof topics[0]];
    char why[300] = "";
    enum status status = kafka_source_check(secrets->kafka, secrets->kafka_count, topics,
                                            sizeof topics / sizeof topics[0], CHECK_TIMEOUT_MS,
                                            counts, why, sizeof why);
    if (status != STATUS_OK) {
        LOG(LOG_LEVEL_ERROR, "startup.kafka", why, LOG_TEXT("error.code", status_name(status)));
        return status;
    }
    if (counts[0] <= FLOW_PARTITIONS_MAX)
        return STATUS_OK;
    LOG(LOG_LEVEL_ERROR, "startup.kafka",
        "the commands topic has more partitions than one worker can own: run more workers from the "
        "start, or use fewer",
        LOG_INT("kafka.partitions", counts[0]),
        LOG_INT("kafka.partitions_max", FLOW_PARTITIONS_MAX));
    return STATUS_ENVIRONMENT;
}

static enum status check_libcurl(void)
{
    char why[200] = "";
    enum status status = gateway_http_self_test(why, sizeof why);
    if (status != STATUS_OK)
        LOG(LOG_LEVEL_ERROR, "startup.libcurl", why, LOG_TEXT("error.code", status_name(status)));
    return status;
}

enum status startup_check(const struct options *options, const struct secrets *secrets,
                          int *ret_exit_code)
{
    startup_keep_memory_private();
    raise_descriptor_limit(options);
    *ret_exit_code = WORKER_EXIT_ENVIRONMENT;
    TRY(check_ca_files(options));
    TRY(check_libcurl());
    return check_kafka(options, secrets);
}
