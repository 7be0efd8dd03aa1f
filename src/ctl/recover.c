/*
 * payoutctl recover, recover --lossless, rebuild: what the workers' own restorer does, by hand
 * (docs/RECOVERY.md). The workers must be running: they have to acknowledge the Redis that answers
 * now.
 */
#include "ctl.h"

#include "payoutd/app/restorer.h"
#include "payoutd/app/worker.h"

#include <signal.h>
#include <stdio.h>

static atomic_bool stop;

static void on_signal(int number)
{
    (void) number;
    atomic_store(&stop, true);
}

static void on_tell(void *context, const char *text)
{
    (void) context;
    fprintf(stderr, "payoutctl: %s\n", text);
}

static void print_report(const struct restorer_report *report)
{
    if (report->shards == 0) {
        puts("every shard has the token of the Redis that answers: nothing was to be done");
        return;
    }
    printf("%d shards recovered in %lld ms, after %d partitions were acknowledged\n",
           report->shards, (long long) report->took_ms, report->partitions);
    printf("  %lld outcomes read, %lld orders restored, %lld final ones left as they were\n",
           (long long) report->outcomes, (long long) report->restored,
           (long long) report->finals_kept);
    printf("  %lld open commands, %lld orders are now unknown: their status is being asked\n",
           (long long) report->open, (long long) report->doubted);
    if (report->unreadable > 0)
        printf("  %lld records that are no orders or no outcomes were passed over\n",
               (long long) report->unreadable);
}

/* Each of these asks for a person. */
static void print_problems(const struct restorer_report *report)
{
    if (report->gone > 0)
        printf("LOOK: %lld open positions were deleted by Kafka before they were done; only the "
               "gateway knows whether they were paid\n",
               (long long) report->gone);
    if (report->contradictions > 0)
        printf("LOOK: %lld orders have two different final outcomes; the log names them\n",
               (long long) report->contradictions);
    if (report->foreign > 0)
        printf("LOOK: %lld keys of the ledger were not written by this version and were left "
               "alone\n",
               (long long) report->foreign);
}

static int run(const struct options *options, const struct secrets *secrets,
               const struct ctl_arguments *arguments, enum restorer_mode mode)
{
    const struct restorer_options restorer = {.options = options,
                                              .secrets = secrets,
                                              .mode = mode,
                                              .timeout_ms = arguments->timeout_ms,
                                              .stop = &stop,
                                              .tell = on_tell};
    struct restorer_report report;
    char why[300];
    startup_keep_memory_private(); /* commands are read, and a card number may be in them */
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    enum status status = restorer_run(&restorer, &report, why, sizeof why);
    if (status != STATUS_OK) {
        fprintf(stderr, "payoutctl: not recovered: %s\n",
                why[0] == '\0' ? status_sentence(status) : why);
        return CTL_EXIT_ENVIRONMENT;
    }
    print_report(&report);
    print_problems(&report);
    return CTL_EXIT_OK;
}

int recover_run(const struct options *options, const struct secrets *secrets,
                const struct ctl_arguments *arguments)
{
    return run(options, secrets, arguments,
               arguments->lossless ? RESTORER_LOSSLESS : RESTORER_RECOVER);
}

int rebuild_run(const struct options *options, const struct secrets *secrets,
                const struct ctl_arguments *arguments)
{
    return run(options, secrets, arguments, RESTORER_REBUILD);
}
