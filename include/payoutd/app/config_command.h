/*
 * config_command: `payoutd config check|print|example|schema|docs [--config FILE]`.
 *
 * No network. FILE, else PAYOUTD_CONFIG, else /etc/payoutd/payoutd.yaml. Exit codes: 0; 64 for a
 * wrong command line; 78 when the configuration is wrong.
 */
#ifndef PAYOUTD_APP_CONFIG_COMMAND_H
#define PAYOUTD_APP_CONFIG_COMMAND_H

#include <stdio.h>

/* `argv` begins with the subcommand's own name: {"config", "check", "--config", "x.yaml"}. */
int config_command_run(int argc, char **argv);
int config_command_run_to(int argc, char **argv, FILE *out, FILE *problems);

/* FILE as given (may be NULL), else as above. */
const char *config_command_file(const char *given);

#endif
