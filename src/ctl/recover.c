/*
 * payoutctl recover --lossless: a person declares that the Redis which answers now lost nothing (a
 * planned switch, or a restart with appendfsync always), and every shard takes its token as the
 * right one.
 */
#include "ctl.h"

#include "payoutd/app/worker.h"

#include <stdio.h>

int recover_run(const struct options *options, const struct secrets *secrets,
                const struct ctl_arguments *arguments)
{
    if (!arguments->lossless) {
        fputs("payoutctl recover: this version knows only --lossless: say it when Redis was "
              "restarted or switched in a way that "
              "lost no write\n",
              stderr);
        return CTL_EXIT_USAGE;
    }
    struct ledger_options ledger_options;
    startup_ledger_options(options, secrets, &ledger_options);
    char why[300] = "";
    if (ledger_initialise(&ledger_options, false, why, sizeof why) != STATUS_OK) {
        fprintf(stderr, "payoutctl recover: Redis: %s\n", why);
        return CTL_EXIT_ENVIRONMENT;
    }
    printf("ledger %s: %d shards take the Redis that answers now as complete\n",
           options->ledger_namespace, LEDGER_SHARDS);
    return CTL_EXIT_OK;
}
