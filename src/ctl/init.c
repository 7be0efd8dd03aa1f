/* payoutctl init: the first deployment. Topics are checked, the group's offsets and the ledger's
 * shards are set. */
#include "ctl.h"

#include "payoutd/app/worker.h"

#include <stdio.h>

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "payoutctl init: %s: %s\n", what, why);
    return CTL_EXIT_ENVIRONMENT;
}

int init_run(const struct options *options, const struct secrets *secrets,
             const struct ctl_arguments *arguments)
{
    enum { TIMEOUT_MS = 30000 };
    const char *topics[] = {options->topics_commands, options->topics_resolutions,
                            options->topics_outcomes, options->topics_dead_letters};
    int32_t counts[sizeof topics / sizeof topics[0]];
    char why[300] = "";
    if (kafka_source_check(secrets->kafka, secrets->kafka_count, topics, 4, TIMEOUT_MS, counts, why,
                           sizeof why) != STATUS_OK)
        return fail("Kafka", why);
    for (size_t i = 0; i < 4; i++)
        printf("topic %s: %d partitions\n", topics[i], counts[i]);

    struct ledger_options ledger_options;
    startup_ledger_options(options, secrets, &ledger_options);
    if (ledger_initialise(&ledger_options, true, why, sizeof why) != STATUS_OK)
        return fail("Redis", why);
    printf("ledger %s: %d shards ready\n", options->ledger_namespace, LEDGER_SHARDS);

    int32_t written = 0;
    if (kafka_source_initialise(secrets->kafka, secrets->kafka_count, options->consumer_group_id,
                                topics, 2, arguments->from_latest, &written, why,
                                sizeof why) != STATUS_OK)
        return fail("consumer group", why);
    printf("group %s: %d offsets set, the others were there already\n", options->consumer_group_id,
           written);
    return CTL_EXIT_OK;
}
