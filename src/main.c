/* payoutd: build the parts, turn the loop, end. */
#include "payoutd/adapter/log.h"
#include "payoutd/app/config_command.h"
#include "payoutd/app/worker.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void print_usage(FILE *out)
{
    fputs("payoutd " PAYOUTD_VERSION
          ": reads payout commands from Kafka, pays each order once, says what became of it\n"
          "\n"
          "  payoutd --config FILE           run\n"
          "  payoutd config check|print|example|schema|docs [--config FILE]\n"
          "  payoutd --help | --version\n"
          "\n"
          "Exit codes: 0 ended in order; 64 wrong command line; 69 something it needs is missing "
          "or set up wrong;\n"
          "75 a call to Kafka never came back, start it again; 78 wrong configuration.\n"
          "SIGTERM ends what is under way, then stops; a second one stops at once, in order.\n"
          "\n",
          out);
}

static int usage_error(const char *problem)
{
    fprintf(stderr, "payoutd: %s\n\n", problem);
    print_usage(stderr);
    return WORKER_EXIT_USAGE;
}

static void set_up_log(const struct options *options)
{
    bool is_text = options->log_format == OPTIONS_LOG_TEXT ||
                   (options->log_format == OPTIONS_LOG_AUTO && isatty(STDERR_FILENO));
    log_setup(STDERR_FILENO, is_text ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON,
              (enum log_level) options->log_level, "payoutd", PAYOUTD_VERSION);
}

static int run(const struct options *options, const struct secrets *secrets)
{
    set_up_log(options);
    signal(SIGPIPE, SIG_IGN); /* hiredis and others write with write(2) */
    LOG(LOG_LEVEL_INFO, "worker.starting", "payoutd starts", LOG_TEXT("file.path", options->file));
    int exit_code = WORKER_EXIT_ENVIRONMENT;
    struct worker *worker;
    if (startup_check(options, secrets, &exit_code) != STATUS_OK ||
        worker_new(options, secrets, &worker, &exit_code) != STATUS_OK)
        return exit_code;
    exit_code = worker_run(worker);
    worker_free(worker);
    return exit_code;
}

static int load_and_run(const char *file)
{
    struct options *options;
    if (options_load(file, &options, stderr) != STATUS_OK)
        return WORKER_EXIT_CONFIG;
    struct secrets *secrets;
    int exit_code = WORKER_EXIT_CONFIG;
    if (secrets_load(options, &secrets, stderr) == STATUS_OK) {
        exit_code = run(options, secrets);
        secrets_free(secrets);
    }
    options_free(options);
    return exit_code;
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {"version", no_argument, NULL, 'v'},
                                                 {NULL, 0, NULL, 0}};
    if (argc > 1 && strcmp(argv[1], "config") == 0)
        return config_command_run(argc - 1, argv + 1);
    const char *file = NULL;
    int letter;
    while ((letter = getopt_long(argc, argv, "c:hv", long_options, NULL)) != -1) {
        if (letter == 'h') {
            print_usage(stdout);
            options_print_help(stdout);
            return WORKER_EXIT_OK;
        }
        if (letter == 'v')
            return puts("payoutd " PAYOUTD_VERSION) == EOF ? WORKER_EXIT_ENVIRONMENT
                                                           : WORKER_EXIT_OK;
        if (letter != 'c')
            return usage_error("that option is not known");
        file = optarg;
    }
    if (optind < argc)
        return usage_error("there is no such command");
    return file == NULL ? usage_error("--config FILE is missing") : load_and_run(file);
}
