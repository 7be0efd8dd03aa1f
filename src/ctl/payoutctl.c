/* payoutctl: the operator's hands. Reads the worker's configuration file and does one thing. */
#include "ctl.h"

#include "payoutd/adapter/log.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_DEFAULT_S = 60, TIMEOUT_MAX_S = 24 * 3600 };

static void print_usage(FILE *out)
{
    fputs(
        "payoutctl " PAYOUTD_VERSION ": the operator's tool of payoutd\n"
        "\n"
        "  payoutctl init --config FILE [--from-latest]\n"
        "      first deployment: checks the topics, sets the group's offsets (earliest, or with "
        "--from-latest the\n"
        "      end) where there are none, and prepares the ledger's shards\n"
        "  payoutctl recover --config FILE [--lossless] [--timeout SECONDS]\n"
        "      after Redis may have forgotten: what was open becomes unknown and is asked about. "
        "The workers do\n"
        "      this by themselves; --lossless says that a planned restart or switch of Redis "
        "lost no write, so\n"
        "      that nothing is doubted: begin it while Redis is down, it waits for it\n"
        "  payoutctl rebuild --config FILE [--timeout SECONDS]\n"
        "      the same from all outcomes that Kafka has, for a Redis that is empty\n"
        "      Both need running workers, and wait for them at most SECONDS (60; 0: without end)\n"
        "\n"
        "Exit codes: 0 done; 64 wrong command line; 69 Kafka or Redis said no; 78 wrong "
        "configuration.\n",
        out);
}

static int usage_error(const char *problem)
{
    fprintf(stderr, "payoutctl: %s\n\n", problem);
    print_usage(stderr);
    return CTL_EXIT_USAGE;
}

typedef int ctl_command(const struct options *options, const struct secrets *secrets,
                        const struct ctl_arguments *arguments);

static int load_and_run(const char *file, ctl_command *command,
                        const struct ctl_arguments *arguments)
{
    struct options *options;
    if (options_load(file, &options, stderr) != STATUS_OK)
        return CTL_EXIT_CONFIG;
    struct secrets *secrets;
    int exit_code = CTL_EXIT_CONFIG;
    if (secrets_load(options, &secrets, stderr) == STATUS_OK) {
        exit_code = command(options, secrets, arguments);
        secrets_free(secrets);
    }
    options_free(options);
    return exit_code;
}

static ctl_command *find_command(const char *name)
{
    static const struct {
        const char *name;
        ctl_command *command;
    } commands[] = {{"init", init_run}, {"recover", recover_run}, {"rebuild", rebuild_run}};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].command;
    return NULL;
}

static bool read_seconds(const char *text, int64_t *ret_ms)
{
    int64_t seconds;
    if (bytes_to_int64(bytes_of(text), &seconds) != STATUS_OK || seconds > TIMEOUT_MAX_S)
        return false;
    *ret_ms = seconds * 1000;
    return true;
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'}, {"lossless", no_argument, NULL, 'l'},
        {"from-latest", no_argument, NULL, 'f'},  {"timeout", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    struct ctl_arguments arguments = {.timeout_ms = (int64_t) TIMEOUT_DEFAULT_S * 1000};
    const char *file = NULL;
    int letter;
    while ((letter = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
        if (letter == 'h') {
            print_usage(stdout);
            return CTL_EXIT_OK;
        }
        if (letter == 'c')
            file = optarg;
        else if (letter == 'l')
            arguments.lossless = true;
        else if (letter == 'f')
            arguments.from_latest = true;
        else if (letter == 't' && read_seconds(optarg, &arguments.timeout_ms))
            continue;
        else if (letter == 't')
            return usage_error("--timeout is a number of seconds");
        else
            return usage_error("that option is not known");
    }
    ctl_command *command = optind + 1 == argc ? find_command(argv[optind]) : NULL;
    if (command == NULL)
        return usage_error("name one command: init, recover or rebuild");
    if (file == NULL)
        return usage_error("--config FILE is missing");
    signal(SIGPIPE, SIG_IGN); /* hiredis writes with write(2) */
    log_setup(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_WARN, "payoutctl", PAYOUTD_VERSION);
    return load_and_run(file, command, &arguments);
}
