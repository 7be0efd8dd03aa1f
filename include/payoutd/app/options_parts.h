/*
 * options_parts: the steps between the file and `struct options`, shared by the options_*.c files
 * only.
 */
#ifndef PAYOUTD_APP_OPTIONS_PARTS_H
#define PAYOUTD_APP_OPTIONS_PARTS_H

#include "payoutd/app/options.h"
#include "payoutd/app/yaml_tree.h"

/* The options themselves, one gateway or one merchant, as rows over a struct. */
struct options_target {
    const struct option_set *set;
    void *base;
    struct place *places;
    const char *prefix; /* "", "gateways.main." */
};
struct options_target options_target_main(struct options *options);
struct options_target options_target_gateway(struct options *options, size_t index);
struct options_target options_target_merchant(struct options *options, size_t index);
void options_target_reset(const struct options_target *target, struct memory *memory);
const void *options_target_field(const struct options_target *target, size_t row);

/* Steps, in this order. */
void options_read_tree(struct options *options, const struct tree_node *root,
                       struct problems *problems);
void options_read_environment(struct options *options, char *const *environment,
                              struct problems *problems);
void options_check(struct options *options, struct problems *problems);
void options_check_kafka(struct options *options, struct problems *problems);

/* One value into one field, from wherever it was said. */
void options_take(struct options *options, const struct options_target *target, size_t row,
                  const struct text_list *items, struct place place, struct problems *problems);
/* One entry of `kafka:` or `kafka_secret_files:`; a later one replaces an earlier one. */
void options_take_setting(struct options *options, struct settings_map *map, const char *name,
                          const char *value, struct place place);
void options_take_error_code(struct options *options, const char *code, const char *letter,
                             struct place place, struct problems *problems);
/* worker.drain -> PAYOUTD_WORKER_DRAIN */
const char *options_variable(struct memory *memory, const char *prefix, const char *path);

#endif
