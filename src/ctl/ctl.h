/*
 * ctl: what the commands of payoutctl share. A file a command; each returns the exit code.
 */
#ifndef PAYOUTD_CTL_H
#define PAYOUTD_CTL_H

#include "payoutd/app/secrets.h"

enum ctl_exit {
    CTL_EXIT_OK = 0,
    CTL_EXIT_FAILED = 1,
    CTL_EXIT_USAGE = 64,
    CTL_EXIT_ENVIRONMENT = 69,
    CTL_EXIT_CONFIG = 78,
};

/* What was said on the command line, after the command's name. */
struct ctl_arguments {
    bool lossless;
    bool from_latest;
    int64_t timeout_ms; /* for waiting on others */
};

int init_run(const struct options *options, const struct secrets *secrets,
             const struct ctl_arguments *arguments);
int recover_run(const struct options *options, const struct secrets *secrets,
                const struct ctl_arguments *arguments);
int rebuild_run(const struct options *options, const struct secrets *secrets,
                const struct ctl_arguments *arguments);

#endif
