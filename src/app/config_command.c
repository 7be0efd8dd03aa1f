/* `payoutd config ...`: everything about the configuration that needs no running worker. */
#include "payoutd/app/config_command.h"

#include "payoutd/app/secrets.h"

#include <stdlib.h>
#include <string.h>

enum { EXIT_FINE = 0, EXIT_USAGE = 64 };

static const char usage[] =
    "usage: payoutd config check|print [--config FILE]\n"
    "       payoutd config example|schema|docs|help\n"
    "  check    reports every problem of the file and of the secret files it names\n"
    "  print    shows the values in effect and where each comes from\n"
    "  example  writes a complete sample file\n"
    "  schema   writes the JSON Schema of the file\n"
    "  docs     writes the manual page of all options (Markdown)\n"
    "  help     lists the options\n"
    "FILE: else PAYOUTD_CONFIG, else /etc/payoutd/payoutd.yaml.\n";

const char *config_command_file(const char *given)
{
    const char *variable = getenv("PAYOUTD_CONFIG");
    if (given != NULL)
        return given;
    return variable != NULL && variable[0] != '\0' ? variable : "/etc/payoutd/payoutd.yaml";
}

static int check_file(const char *file, FILE *out, FILE *complaints)
{
    struct problems problems = {.out = complaints, .file = file};
    struct options *options = options_read(file, &problems);
    secrets_check(options, &problems);
    options_free(options);
    if (problems.count > 0) {
        problems_finish(&problems);
        return OPTIONS_EXIT;
    }
    fprintf(out, "%s: fine\n", file);
    return EXIT_FINE;
}

static int print_file(const char *file, FILE *out, FILE *complaints)
{
    struct options *options;
    if (options_load(file, &options, complaints) != STATUS_OK)
        return OPTIONS_EXIT;
    options_print(options, out);
    options_free(options);
    return EXIT_FINE;
}

/* The file of `--config FILE` or `--config=FILE`. False: something else stands there. */
static bool take_file(int argc, char **argv, const char **ret_file)
{
    const char *file = NULL;
    if (argc == 2 && strcmp(argv[0], "--config") == 0)
        file = argv[1];
    else if (argc == 1 && strncmp(argv[0], "--config=", 9) == 0)
        file = argv[0] + 9;
    else if (argc != 0)
        return false;
    *ret_file = config_command_file(file);
    return true;
}

int config_command_run_to(int argc, char **argv, FILE *out, FILE *problems)
{
    static const struct {
        const char *name;
        int (*with_file)(const char *file, FILE *out, FILE *problems);
        void (*print)(FILE *out);
    } commands[] = {
        {"check", check_file, NULL},
        {"print", print_file, NULL},
        {"example", NULL, options_print_example},
        {"schema", NULL, options_print_schema},
        {"docs", NULL, options_print_docs},
        {"help", NULL, options_print_help},
    };
    const char *file;
    for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) != 0 || !take_file(argc - 2, argv + 2, &file))
            continue;
        if (commands[i].with_file != NULL)
            return commands[i].with_file(file, out, problems);
        commands[i].print(out);
        return EXIT_FINE;
    }
    fputs(usage, problems);
    return EXIT_USAGE;
}

int config_command_run(int argc, char **argv)
{
    return config_command_run_to(argc, argv, stdout, stderr);
}
