/* The configuration as people read it: effective values, the sample file, and --help, all from the
 * rows. */
#include "payoutd/app/options_parts.h"

#include <string.h>

enum { WIDTH = 100 };

/* What a printer is in the middle of. */
struct printer {
    FILE *out;
    bool sample;       /* the sample file, else effective values */
    int indent;        /* of the target's rows */
    const char *group; /* the group whose head stands already; NULL: none */
    size_t group_len;
};

static void print_indent(const struct printer *printer, int deeper)
{
    fprintf(printer->out, "%*s", printer->indent + deeper, "");
}

/* `text` as comments, broken at words. */
static void print_comment(const struct printer *printer, int deeper, const char *text)
{
    int column = 0;
    while (*text != '\0') {
        int len = (int) strcspn(text, " ");
        if (column == 0 || column + 1 + len > WIDTH) {
            fputs(column == 0 ? "" : "\n", printer->out);
            print_indent(printer, deeper);
            fputc('#', printer->out);
            column = printer->indent + deeper + 1;
        }
        fprintf(printer->out, " %.*s", len, text);
        column += 1 + len;
        text += len;
        text += *text == ' ';
    }
    fputc('\n', printer->out);
}

static void print_origin(const struct printer *printer, struct place place)
{
    if (place.variable != NULL)
        fprintf(printer->out, "  # %s\n", place.variable);
    else if (place.line > 0)
        fprintf(printer->out, "  # line %d\n", place.line);
    else
        fputs("  # default\n", printer->out);
}

static const char *sentence_of(const char *group, size_t len)
{
    for (size_t i = 0; i < option_groups_count; i++)
        if (strlen(option_groups[i].path) == len && memcmp(option_groups[i].path, group, len) == 0)
            return option_groups[i].sentence;
    return NULL;
}

/* Writes the head of the row's group unless it stands already; gives the row's name inside its
 * group. */
static const char *enter_group(struct printer *printer, const char *path)
{
    const char *dot = strchr(path, '.');
    if (dot == NULL)
        return path;
    size_t len = (size_t) (dot - path);
    if (printer->group == NULL || printer->group_len != len ||
        memcmp(printer->group, path, len) != 0) {
        const char *sentence = printer->indent == 0 ? sentence_of(path, len) : NULL;
        if (printer->sample && printer->indent == 0)
            fputc('\n', printer->out);
        if (printer->sample && sentence != NULL)
            print_comment(printer, 0, sentence);
        print_indent(printer, 0);
        fprintf(printer->out, "%.*s:\n", (int) len, path);
        printer->group = path;
        printer->group_len = len;
    }
    return dot + 1;
}

static void print_sample_row(struct printer *printer, const struct option_row *row)
{
    const char *name = enter_group(printer, row->path);
    int deeper = name == row->path ? 0 : 2;
    if (deeper == 0 && printer->indent == 0)
        fputc('\n', printer->out);
    print_comment(printer, deeper, row->sentence);
    print_indent(printer, deeper);
    const char *value = row->sample == NULL ? row->fallback : row->sample;
    bool is_text = row->kind < OPTION_KIND_INTEGER;
    if (value == NULL)
        fprintf(printer->out, "# %s: <%s>\n", name, option_kind_words(row->kind));
    else if (option_row_is_list(row))
        fprintf(printer->out, "%s: [%s]\n", name, value);
    else if (!is_text)
        fprintf(printer->out, "%s: %s\n", name, value);
    else {
        fprintf(printer->out, "%s: ", name);
        option_row_print_text(value, printer->out);
        fputc('\n', printer->out);
    }
}

static bool is_absent(const struct option_row *row, const void *field)
{
    return row->kind < OPTION_KIND_INTEGER && *(const char *const *) field == NULL;
}

static void print_effective(struct printer *printer, const struct options_target *target)
{
    for (size_t i = 0; i < target->set->count; i++) {
        const struct option_row *row = &target->set->rows[i];
        const void *field = options_target_field(target, i);
        if (is_absent(row, field))
            continue;
        const char *name = enter_group(printer, row->path);
        print_indent(printer, name == row->path ? 0 : 2);
        fprintf(printer->out, "%s: ", name);
        option_row_print(row, field, printer->out);
        print_origin(printer, target->places[i]);
    }
    printer->group = NULL;
}

static void print_map(struct printer *printer, const char *name, const struct settings_map *map)
{
    if (map->count > 0)
        fprintf(printer->out, "%s:\n", name);
    for (size_t i = 0; i < map->count; i++) {
        fputs("  ", printer->out);
        option_row_print_text(map->items[i].name, printer->out);
        fputs(": ", printer->out);
        option_row_print_text(map->items[i].value, printer->out);
        print_origin(printer, map->places[i]);
    }
}

static void print_entry_name(struct printer *printer, const char *name)
{
    fputs("  ", printer->out);
    option_row_print_text(name, printer->out);
    fputs(":\n", printer->out);
}

static void print_error_codes(struct printer *printer, const struct options *options)
{
    static const char letters[] = {[ERROR_CLASS_UNKNOWN] = 'U', [ERROR_CLASS_DECLINED] = 'D',
                                   [ERROR_CLASS_LIMIT] = 'L',   [ERROR_CLASS_CONFIGURATION] = 'C',
                                   [ERROR_CLASS_BALANCE] = 'B', [ERROR_CLASS_NO_PAYMENT] = 'N'};
    if (options->error_codes.count > 0)
        fputs("error_codes:\n", printer->out);
    for (size_t i = 0; i < options->error_codes.count; i++) {
        const struct error_override *item = &options->error_codes.items[i];
        fprintf(printer->out, "  \"%d\": %c", (int) item->code, letters[item->class]);
        print_origin(printer, options->error_code_places[i]);
    }
}

void options_print(const struct options *options, FILE *out)
{
    struct options view = *options; /* the targets want to write, this function does not */
    struct printer printer = {.out = out};
    struct options_target target = options_target_main(&view);
    print_map(&printer, "kafka", &view.kafka);
    print_map(&printer, "kafka_secret_files", &view.kafka_secret_files);
    print_effective(&printer, &target);
    printer.indent = 4;
    if (view.gateways_count > 0)
        fputs("gateways:\n", out);
    for (size_t i = 0; i < view.gateways_count; i++) {
        target = options_target_gateway(&view, i);
        print_entry_name(&printer, view.gateways[i].name);
        print_effective(&printer, &target);
    }
    if (view.merchants_count > 0)
        fputs("merchants:\n", out);
    for (size_t i = 0; i < view.merchants_count; i++) {
        target = options_target_merchant(&view, i);
        print_entry_name(&printer, view.merchants[i].id);
        print_effective(&printer, &target);
    }
    print_error_codes(&printer, options);
}

static void print_sample_set(struct printer *printer, const struct option_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        print_sample_row(printer, &set->rows[i]);
    printer->group = NULL;
}

void options_print_example(FILE *out)
{
    struct printer printer = {.out = out, .sample = true};
    fputs("# payoutd: every option, with its default where it has one. Made by \"payoutd config "
          "example\".\n"
          "# A variable overrides the file: worker.drain is PAYOUTD_WORKER_DRAIN.\n"
          "# Check it with \"payoutd config check --config FILE\"; a relative path starts at the "
          "working\n"
          "# directory.\n"
          "\n"
          "# Goes to librdkafka as it is: brokers, TLS, SASL. What safety rests on may not be set "
          "here.\n"
          "kafka:\n"
          "  bootstrap.servers: 127.0.0.1:9092\n"
          "\n"
          "# Secrets of librdkafka: the name of a property, and the file that holds its value.\n"
          "kafka_secret_files:\n"
          "  # sasl.password: secrets/kafka.password\n",
          out);
    print_sample_set(&printer, &option_set_main);
    fputs("\n# Where payouts are sent. A name, then its options.\ngateways:\n  main:\n", out);
    printer.indent = 4;
    print_sample_set(&printer, &option_set_gateway);
    fputs("\n# Who pays. The merchant's id, then its options.\nmerchants:\n  \"530123\":\n", out);
    print_sample_set(&printer, &option_set_merchant);
    fputs("\n"
          "# What the gateway's error codes mean, where the program's own table is not right for "
          "you:\n"
          "# D declined, L a new order may pass later, C configuration (the merchant is held), B "
          "balance (the\n"
          "# merchant is held), U unknown: ask the status. Read again on SIGHUP.\n"
          "error_codes:\n"
          "  # \"10001\": D\n",
          out);
}

void options_print_help(FILE *out)
{
    const struct option_set *set = &option_set_main;
    fputs("Options (file: nested by their dots; variable: PAYOUTD_ and capitals):\n", out);
    for (size_t i = 0; i < set->count; i++) {
        const struct option_row *row = &set->rows[i];
        fprintf(out, "  %s  %s%s\n", row->path,
                row->fallback != NULL                 ? "default "
                : (row->flags & OPTION_REQUIRED) != 0 ? "required"
                                                      : "optional",
                row->fallback == NULL ? "" : row->fallback);
        fprintf(out, "      %s\n", row->sentence);
    }
    fputs("Maps: kafka, kafka_secret_files, gateways, merchants, error_codes: see \"payoutd config "
          "example\".\n",
          out);
}
