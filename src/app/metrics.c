/* /metrics: the table of metrics.def, with the samples of this moment, in Prometheus' text format.
 */
#include "payoutd/app/worker.h"

#include "payoutd/adapter/log.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const int64_t bucket_ms[HISTOGRAM_BUCKETS] = {5,    10,   25,   50,    100,   250,  500,
                                                     1000, 2500, 5000, 10000, 30000, 60000};
static const char *const bucket_names[HISTOGRAM_BUCKETS] = {
    "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60"};

/* The bounded set of reasons; what is none of them counts as "other". */
static const char *const letter_reasons[] = {"validation_failed", "unknown_type", "unreadable",
                                             "order_conflict",    "too_old",      "decrypt_failed",
                                             "unknown_merchant",  "too_large",    "other"};
enum { LETTER_REASONS = sizeof letter_reasons / sizeof letter_reasons[0] };

void histogram_add(struct histogram *histogram, int64_t value_ms)
{
    if (value_ms < 0)
        value_ms = 0;
    size_t bucket = 0;
    while (bucket < HISTOGRAM_BUCKETS && value_ms > bucket_ms[bucket])
        bucket++;
    histogram->counts[bucket]++;
    histogram->count++;
    histogram->sum_ms += value_ms;
}

void metrics_count_dead_letter(struct worker *worker, const char *reason)
{
    size_t at = LETTER_REASONS - 1;
    for (size_t i = 0; reason != NULL && i < LETTER_REASONS; i++)
        if (strcmp(reason, letter_reasons[i]) == 0)
            at = i;
    worker->counters.dead_letters[at]++;
}

/* One sample: name{label="value",label2="value2"} number. NULL: no such label. */
static void put(struct buffer *out, const char *name, const char *label, struct bytes value,
                int64_t number)
{
    buffer_put_text(out, name);
    if (label != NULL) {
        buffer_put_byte(out, '{');
        buffer_put_text(out, label);
        buffer_put_text(out, "=\"");
        buffer_put(out, value);
        buffer_put_text(out, "\"}");
    }
    buffer_put_byte(out, ' ');
    buffer_put_int64(out, number);
    buffer_put_byte(out, '\n');
}

static void put_text(struct buffer *out, const char *name, const char *label, const char *value,
                     int64_t number)
{
    put(out, name, label, bytes_of(value), number);
}

static void put_seconds(struct buffer *out, int64_t ms)
{
    char text[40];
    snprintf(text, sizeof text, "%lld.%03d", (long long) (ms / 1000), (int) (ms % 1000));
    buffer_put_text(out, text);
}

static void put_histogram(struct buffer *out, const char *name, const char *labels,
                          const struct histogram *histogram)
{
    const char *comma = labels[0] == '\0' ? "" : ",";
    char line[256];
    int64_t so_far = 0;
    for (size_t i = 0; i <= HISTOGRAM_BUCKETS; i++) {
        so_far += histogram->counts[i];
        snprintf(line, sizeof line, "%s_bucket{%s%sle=\"%s\"} %lld\n", name, labels, comma,
                 i < HISTOGRAM_BUCKETS ? bucket_names[i] : "+Inf", (long long) so_far);
        buffer_put_text(out, line);
    }
    bool has_labels = labels[0] != '\0';
    snprintf(line, sizeof line, "%s_sum%s%s%s ", name, has_labels ? "{" : "", labels,
             has_labels ? "}" : "");
    buffer_put_text(out, line);
    put_seconds(out, histogram->sum_ms);
    snprintf(line, sizeof line, "\n%s_count%s%s%s %lld\n", name, has_labels ? "{" : "", labels,
             has_labels ? "}" : "", (long long) histogram->count);
    buffer_put_text(out, line);
}

typedef void write_samples(struct worker *worker, const char *name, struct buffer *out);

/* Writers, in the order of the table. */

static void write_received(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, "topic", worker->options->topics_commands,
             worker->flow->statistics.received);
}

static void write_outcomes(struct worker *worker, const char *name, struct buffer *out)
{
    for (enum order_state state = ORDER_PENDING; state <= ORDER_REJECTED; state++)
        put_text(out, name, "status", order_state_outcome(state), worker->counters.outcomes[state]);
}

static void write_duplicates(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, "result", "dropped", worker->counters.duplicates_same);
    put_text(out, name, "result", "replayed", worker->counters.duplicates_replayed);
    put_text(out, name, "result", "conflict", worker->counters.duplicates_conflict);
}

static void write_dead_letters(struct worker *worker, const char *name, struct buffer *out)
{
    for (size_t i = 0; i < LETTER_REASONS; i++)
        put_text(out, name, "reason", letter_reasons[i], worker->counters.dead_letters[i]);
}

static void write_in_flight(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, NULL, NULL, (int64_t) flow_in_flight(worker->flow));
}

static void write_steps(struct worker *worker, const char *name, struct buffer *out)
{
    int64_t counts[STEP_COUNT] = {0};
    for (size_t i = 0; i < worker->flow->config.payouts_max; i++)
        counts[worker->flow->payouts[i].step]++;
    for (enum payout_step step = STEP_FREE + 1; step < STEP_COUNT; step++)
        put_text(out, name, "step", payout_step_name(step), counts[step]);
}

static void write_holds(struct worker *worker, const char *name, struct buffer *out)
{
    for (size_t i = 0; i < worker->options->merchants_count; i++) {
        const struct flow_hold *hold = &worker->flow->holds[i];
        buffer_put_text(out, name);
        buffer_put_text(out, "{merchant=\"");
        buffer_put(out, worker->secrets->profiles[i].merchant_id);
        buffer_put_text(out, "\",reason=\"");
        buffer_put_text(out, hold_reason_name(hold->reason));
        buffer_put_text(out, hold->reason == HOLD_NONE ? "\"} 0\n" : "\"} 1\n");
    }
}

static void write_contradictions(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, NULL, NULL, worker->flow->statistics.contradictions);
}

static void write_late(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, NULL, NULL, worker->flow->statistics.late);
}

static void write_processing(struct worker *worker, const char *name, struct buffer *out)
{
    put_histogram(out, name, "", &worker->counters.processing);
}

static void write_end_to_end(struct worker *worker, const char *name, struct buffer *out)
{
    put_histogram(out, name, "", &worker->counters.end_to_end);
}

static void write_gateway(struct worker *worker, const char *name, struct buffer *out)
{
    put_histogram(out, name, "operation=\"payout\"", &worker->counters.gateway_pay);
    put_histogram(out, name, "operation=\"status\"", &worker->counters.gateway_status);
}

static void write_signatures(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, NULL, NULL, worker->counters.signature_failures);
}

static void write_status_checks(struct worker *worker, const char *name, struct buffer *out)
{
    for (enum verdict verdict = VERDICT_ACCEPTED; verdict <= VERDICT_UNKNOWN; verdict++)
        put_text(out, name, "result", verdict_name(verdict),
                 worker->counters.status_checks[verdict]);
}

static void write_redis_up(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, NULL, NULL, worker->flow->ledger_up);
}

static void write_redis_forgot(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, NULL, NULL, worker->flow->recovery != RECOVERY_NONE);
}

static void write_redis_changes(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, NULL, NULL, worker->counters.ledger_token_changes);
}

static void write_redis_calls(struct worker *worker, const char *name, struct buffer *out)
{
    static const char *const names[LEDGER_SCRIPT_COUNT] = {
        "arm", "park", "reject", "disarm", "settle", "published", "due", "read", "defer", "wipe"};
    const struct ledger_statistics *statistics = ledger_statistics(worker->ledger);
    for (size_t i = 0; i < LEDGER_SCRIPT_COUNT; i++)
        put_text(out, name, "script", names[i], statistics->calls[i]);
}

static void write_redis_repeats(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, NULL, NULL, worker->flow->statistics.ledger_repeats);
}

static void write_partitions(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, NULL, NULL, (int64_t) worker->flow->partitions_count);
}

static void write_rebalances(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, "type", "assigned", worker->counters.rebalances_assigned);
    put_text(out, name, "type", "revoked", worker->counters.rebalances_revoked);
    put_text(out, name, "type", "lost", worker->counters.rebalances_lost);
}

static void write_transactions(struct worker *worker, const char *name, struct buffer *out)
{
    const struct flow_statistics *statistics = &worker->flow->statistics;
    put_text(out, name, "result", "committed", statistics->batches_committed);
    put_text(out, name, "result", "aborted", statistics->batches_aborted);
    put_text(out, name, "result", "fenced", statistics->batches_fenced);
    put_text(out, name, "result", "reread", statistics->batches_reread);
}

static void write_transaction_time(struct worker *worker, const char *name, struct buffer *out)
{
    put_histogram(out, name, "", &worker->counters.transaction);
}

/* One sample a partition that is ours. */
static void put_partitions(struct worker *worker, const char *name, struct buffer *out,
                           int64_t (*fact)(struct worker *, const struct flow_partition *))
{
    for (size_t i = 0; i < worker->flow->partitions_count; i++) {
        const struct flow_partition *partition = &worker->flow->partitions[i];
        bool is_command = partition->topic == FLOW_COMMANDS;
        buffer_put_text(out, name);
        buffer_put_text(out, "{topic=\"");
        buffer_put_text(out, is_command ? worker->options->topics_commands
                                        : worker->options->topics_resolutions);
        char rest[64];
        snprintf(rest, sizeof rest, "\",partition=\"%d\"} %lld\n", partition->number,
                 (long long) fact(worker, partition));
        buffer_put_text(out, rest);
    }
}

static int64_t lag_of(struct worker *worker, const struct flow_partition *partition)
{
    enum source_topic topic =
        partition->topic == FLOW_COMMANDS ? SOURCE_COMMANDS : SOURCE_RESOLUTIONS;
    int64_t lag = kafka_source_lag(worker->source, topic, partition->number);
    return lag < 0 ? 0 : lag;
}

static int64_t span_of(struct worker *worker, const struct flow_partition *partition)
{
    (void) worker;
    return partition->window.fetched - partition->window.watermark;
}

static int64_t open_of(struct worker *worker, const struct flow_partition *partition)
{
    (void) worker;
    return (int64_t) window_open_count(&partition->window);
}

static void write_lag(struct worker *worker, const char *name, struct buffer *out)
{
    put_partitions(worker, name, out, lag_of);
}

static void write_windows(struct worker *worker, const char *name, struct buffer *out)
{
    put_partitions(worker, name, out, span_of);
}

static void write_open(struct worker *worker, const char *name, struct buffer *out)
{
    put_partitions(worker, name, out, open_of);
}

static void write_redactions(struct worker *worker, const char *name, struct buffer *out)
{
    (void) worker;
    put_text(out, name, NULL, NULL, log_redactions());
}

static void write_ready(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, NULL, NULL, health_is_ready(worker));
}

static void write_build(struct worker *worker, const char *name, struct buffer *out)
{
    (void) worker;
    put_text(out, name, "version", PAYOUTD_VERSION, 1);
}

static void write_cpu(struct worker *worker, const char *name, struct buffer *out)
{
    (void) worker;
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    buffer_put_text(out, name);
    buffer_put_byte(out, ' ');
    put_seconds(out, (int64_t) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                         (int64_t) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000);
    buffer_put_byte(out, '\n');
}

static void write_memory(struct worker *worker, const char *name, struct buffer *out)
{
    (void) worker;
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128];
    if (file == NULL)
        return;
    const char *second = fgets(line, sizeof line, file) == NULL ? NULL : strchr(line, ' ');
    if (second != NULL)
        put_text(out, name, NULL, NULL, strtoll(second, NULL, 10) * sysconf(_SC_PAGESIZE));
    fclose(file);
}

static void write_descriptors(struct worker *worker, const char *name, struct buffer *out)
{
    (void) worker;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return;
    int64_t count = -3; /* ".", "..", and the folder itself */
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    put_text(out, name, NULL, NULL, count);
}

static void write_start(struct worker *worker, const char *name, struct buffer *out)
{
    put_text(out, name, NULL, NULL, worker->started_wall_ms / 1000);
}

void metrics_write(struct worker *worker, struct buffer *ret_text)
{
    static const struct {
        const char *name, *type, *help;
        write_samples *writer;
    } rows[] = {
#define METRIC(name_, type_, writer_, help_) {#name_, #type_, help_, writer_},
#include "payoutd/app/metrics.def"
#undef METRIC
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buffer_put_text(ret_text, "# HELP ");
        buffer_put_text(ret_text, rows[i].name);
        buffer_put_byte(ret_text, ' ');
        buffer_put_text(ret_text, rows[i].help);
        buffer_put_text(ret_text, "\n# TYPE ");
        buffer_put_text(ret_text, rows[i].name);
        buffer_put_byte(ret_text, ' ');
        buffer_put_text(ret_text, rows[i].type);
        buffer_put_byte(ret_text, '\n');
        rows[i].writer(worker, rows[i].name, ret_text);
    }
}
