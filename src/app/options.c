/* The configuration: file, then variables, then checks. The steps are in the other options_*.c
 * files. */
#include "payoutd/app/options_parts.h"

#include <string.h>
#include <unistd.h>

struct options_target options_target_main(struct options *options)
{
    return (struct options_target){&option_set_main, options, options->places, ""};
}

struct options_target options_target_gateway(struct options *options, size_t index)
{
    struct gateway_options *gateway = &options->gateways[index];
    return (struct options_target){&option_set_gateway, gateway, gateway->places,
                                   memory_format(options->memory, "gateways.%s.", gateway->name)};
}

struct options_target options_target_merchant(struct options *options, size_t index)
{
    struct merchant_options *merchant = &options->merchants[index];
    return (struct options_target){&option_set_merchant, merchant, merchant->places,
                                   memory_format(options->memory, "merchants.%s.", merchant->id)};
}

void options_target_reset(const struct options_target *target, struct memory *memory)
{
    for (size_t i = 0; i < target->set->count; i++)
        option_row_reset(&target->set->rows[i], (char *) target->base + target->set->rows[i].offset,
                         memory);
}

const void *options_target_field(const struct options_target *target, size_t row)
{
    return (const char *) target->base + target->set->rows[row].offset;
}

struct options *options_read(const char *file, struct problems *problems)
{
    struct memory *memory = memory_new();
    struct options *options = memory_take(memory, sizeof *options);
    struct tree_node *root;
    options->memory = memory;
    options->file = memory_text(memory, file, strlen(file));
    struct options_target target = options_target_main(options);
    options_target_reset(&target, memory);
    if (yaml_tree_read(file, memory, problems, &root) == STATUS_OK) {
        options_read_tree(options, root, problems);
        options_read_environment(options, environ, problems);
        options_check_kafka(options, problems);
        options_check(options, problems);
    }
    return options;
}

enum status options_load(const char *file, struct options **ret_options, FILE *out)
{
    struct problems problems = {.out = out, .file = file};
    struct options *options = options_read(file, &problems);
    if (problems.count == 0) {
        *ret_options = options;
        return STATUS_OK;
    }
    problems_finish(&problems);
    options_free(options);
    return STATUS_CONFIG;
}

void options_free(struct options *options)
{
    if (options != NULL)
        memory_free(options->memory);
}

const struct merchant_options *options_merchant(const struct options *options, const char *id)
{
    for (size_t i = 0; i < options->merchants_count; i++)
        if (strcmp(options->merchants[i].id, id) == 0)
            return &options->merchants[i];
    return NULL;
}
