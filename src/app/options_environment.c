/* PAYOUTD_ variables: each overrides one option of the file; one that means nothing is an error, as
 * in the file. */
#include "payoutd/app/options_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE_PREFIX "PAYOUTD_"

struct variable {
    const char *name, *value;
};

const char *options_variable(struct memory *memory, const char *prefix, const char *path)
{
    char *name = memory_format(memory, VARIABLE_PREFIX "%s%s", prefix, path);
    for (char *at = name; *at != '\0'; at++)
        *at = isalnum((unsigned char) *at) ? (char) toupper((unsigned char) *at) : '_';
    return name;
}

/* What Kubernetes puts into every container when a Service has our name, and the file's own name.
 */
static bool is_not_an_option(const struct variable *variable)
{
    return strcmp(variable->name, "PAYOUTD_CONFIG") == 0 ||
           strstr(variable->name, "_SERVICE_HOST") != NULL ||
           strstr(variable->name, "_SERVICE_PORT") != NULL ||
           strncmp(variable->value, "tcp://", 6) == 0 ||
           strncmp(variable->value, "udp://", 6) == 0 ||
           (strncmp(variable->name, "PAYOUTD_PORT_", 13) == 0);
}

static struct text_list split(struct memory *memory, const char *value)
{
    struct text_list list = {memory_take(memory, (strlen(value) + 1) * sizeof *list.items), 0};
    while (*value != '\0') {
        value += strspn(value, ", ");
        size_t len = strcspn(value, ", ");
        if (len > 0)
            list.items[list.count++] = memory_text(memory, value, len);
        value += len;
    }
    return list;
}

static bool try_target(struct options *options, const struct options_target *target,
                       const struct variable *variable, struct nearest *nearest,
                       struct problems *problems)
{
    for (size_t i = 0; i < target->set->count; i++) {
        const struct option_row *row = &target->set->rows[i];
        const char *name = options_variable(options->memory, target->prefix, row->path);
        nearest_offer(nearest, name);
        if (strcmp(name, variable->name) != 0)
            continue;
        const char *value = variable->value;
        struct text_list items = {&value, 1};
        if (option_row_is_list(row))
            items = split(options->memory, variable->value);
        options_take(options, target, i, &items, (struct place){.variable = variable->name},
                     problems);
        return true;
    }
    return false;
}

static bool try_targets(struct options *options, const struct variable *variable,
                        struct nearest *nearest, struct problems *problems)
{
    struct options_target target = options_target_main(options);
    bool found = try_target(options, &target, variable, nearest, problems);
    for (size_t i = 0; !found && i < options->gateways_count; i++) {
        target = options_target_gateway(options, i);
        found = try_target(options, &target, variable, nearest, problems);
    }
    for (size_t i = 0; !found && i < options->merchants_count; i++) {
        target = options_target_merchant(options, i);
        found = try_target(options, &target, variable, nearest, problems);
    }
    return found;
}

/* BOOTSTRAP_SERVERS -> bootstrap.servers: no property of librdkafka that may be set has an
 * underscore but log_level. */
static const char *setting_name(struct memory *memory, const char *rest)
{
    char *name = memory_text(memory, rest, strlen(rest));
    if (strcmp(rest, "LOG_LEVEL") == 0)
        return "log_level";
    for (char *at = name; *at != '\0'; at++)
        *at = *at == '_' ? '.' : (char) tolower((unsigned char) *at);
    return name;
}

static bool try_maps(struct options *options, const struct variable *variable,
                     struct problems *problems)
{
    static const char secrets[] = VARIABLE_PREFIX "KAFKA_SECRET_FILES_";
    static const char kafka[] = VARIABLE_PREFIX "KAFKA_";
    static const char codes[] = VARIABLE_PREFIX "ERROR_CODES_";
    struct place place = {.variable = variable->name};
    if (strncmp(variable->name, secrets, strlen(secrets)) == 0)
        options_take_setting(options, &options->kafka_secret_files,
                             setting_name(options->memory, variable->name + strlen(secrets)),
                             variable->value, place);
    else if (strncmp(variable->name, kafka, strlen(kafka)) == 0)
        options_take_setting(options, &options->kafka,
                             setting_name(options->memory, variable->name + strlen(kafka)),
                             variable->value, place);
    else if (strncmp(variable->name, codes, strlen(codes)) == 0)
        options_take_error_code(options, variable->name + strlen(codes), variable->value, place,
                                problems);
    else
        return false;
    return true;
}

static void read_variable(struct options *options, const struct variable *variable,
                          struct problems *problems)
{
    struct place place = {.variable = variable->name};
    struct nearest nearest;
    nearest_begin(&nearest, variable->name);
    if (is_not_an_option(variable) || try_maps(options, variable, problems) ||
        try_targets(options, variable, &nearest, problems))
        return;
    if (nearest.name != NULL)
        problems_add(problems, place, NULL, "no option has this variable; did you mean %s?",
                     nearest.name);
    else
        problems_add(problems, place, NULL,
                     "no option has this variable; entries of gateways and merchants must stand in "
                     "the file");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct variable *) a)->name, ((const struct variable *) b)->name);
}

void options_read_environment(struct options *options, char *const *environment,
                              struct problems *problems)
{
    size_t count = 0, at = 0;
    while (environment[count] != NULL)
        count++;
    struct variable *variables = memory_take(options->memory, (count + 1) * sizeof *variables);
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(environment[i], '=');
        if (equals == NULL || strncmp(environment[i], VARIABLE_PREFIX, 8) != 0)
            continue;
        variables[at].name =
            memory_text(options->memory, environment[i], (size_t) (equals - environment[i]));
        variables[at++].value = memory_text(options->memory, equals + 1, strlen(equals + 1));
    }
    if (at > 0)
        qsort(variables, at, sizeof *variables, by_name);
    for (size_t i = 0; i < at; i++)
        read_variable(options, &variables[i], problems);
}
