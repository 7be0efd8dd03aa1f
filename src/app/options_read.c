/* From the YAML tree to the struct: names are looked up in the rows, values are read by their kind.
 */
#include "payoutd/app/options_parts.h"

#include <string.h>

static const char *const map_names[] = {"kafka", "kafka_secret_files", "gateways", "merchants",
                                        "error_codes"};
enum { MAP_NAMES = sizeof map_names / sizeof map_names[0] };

static const char *found_kind(const struct tree_node *node)
{
    switch (node->kind) {
    case TREE_NULL:
        return "nothing";
    case TREE_TEXT:
        return node->quoted ? "a quoted text" : "a text";
    case TREE_LIST:
        return "a list";
    case TREE_MAP:
        return "a map";
    case TREE_REFUSED:
        break;
    }
    return "what was refused";
}

void options_take(struct options *options, const struct options_target *target, size_t row,
                  const struct text_list *items, struct place place, struct problems *problems)
{
    const struct option_row *rows = target->set->rows;
    char why[OPTION_WHY_MAX];
    char *field = (char *) target->base + rows[row].offset;
    target->places[row] = place;
    if (option_row_set(&rows[row], items, field, options->memory, why) == STATUS_OK)
        return;
    target->places[row].bad = true;
    problems_add(problems, place,
                 memory_format(options->memory, "%s%s", target->prefix, rows[row].path), "%s", why);
}

static void wrong_kind(struct options *options, const struct options_target *target, size_t row,
                       const struct tree_node *node, struct problems *problems)
{
    char expected[200];
    const struct option_row *found = &target->set->rows[row];
    option_row_expected(found, expected, sizeof expected);
    const char *path = memory_format(options->memory, "%s%s", target->prefix, found->path);
    target->places[row] = node->place;
    target->places[row].bad = true;
    if (node->kind == TREE_NULL)
        problems_add(problems, node->key_place, path,
                     "has no value: expected %s; give it one or remove the line", expected);
    else if (node->kind != TREE_REFUSED)
        problems_add(problems, node->place, path, "expected %s, found %s", expected,
                     found_kind(node));
}

static void read_list(struct options *options, const struct options_target *target, size_t row,
                      const struct tree_node *node, struct problems *problems)
{
    struct text_list items = {0};
    for (const struct tree_node *item = node->first; item != NULL; item = item->next)
        items.count++;
    items.items = memory_take(options->memory, (items.count + 1) * sizeof *items.items);
    items.count = 0;
    target->places[row] = node->place;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
        if (item->kind != TREE_TEXT) {
            target->places[row].bad = true;
            if (item->kind != TREE_REFUSED)
                problems_add(problems, item->place,
                             memory_format(options->memory, "%s%s", target->prefix,
                                           target->set->rows[row].path),
                             "expected %s, found %s inside the list",
                             option_kind_words(target->set->rows[row].kind), found_kind(item));
            return;
        }
        items.items[items.count++] = item->text;
    }
    options_take(options, target, row, &items, node->place, problems);
}

static void read_value(struct options *options, const struct options_target *target, size_t row,
                       const struct tree_node *node, struct problems *problems)
{
    const struct option_row *found = &target->set->rows[row];
    bool no_quotes = found->kind == OPTION_KIND_BOOL || found->kind == OPTION_KIND_INTEGER;
    if (option_row_is_list(found) && node->kind == TREE_LIST) {
        read_list(options, target, row, node, problems);
    } else if (option_row_is_list(found) || node->kind != TREE_TEXT ||
               (no_quotes && node->quoted)) {
        wrong_kind(options, target, row, node, problems);
    } else {
        const char *text = node->text;
        options_take(options, target, row, &(struct text_list){&text, 1}, node->place, problems);
    }
}

static bool is_group(const struct option_set *set, const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < set->count; i++)
        if (strncmp(set->rows[i].path, path, len) == 0 && set->rows[i].path[len] == '.')
            return true;
    return false;
}

static void unknown_option(struct options *options, const struct options_target *target,
                           const char *path, const struct tree_node *node,
                           struct problems *problems)
{
    struct nearest nearest;
    nearest_begin(&nearest, path);
    for (size_t i = 0; i < target->set->count; i++)
        nearest_offer(&nearest, target->set->rows[i].path);
    for (size_t i = 0; target->prefix[0] == '\0' && i < MAP_NAMES; i++)
        nearest_offer(&nearest, map_names[i]);
    for (size_t i = 0; target->prefix[0] == '\0' && i < option_groups_count; i++)
        nearest_offer(&nearest, option_groups[i].path);
    const char *full = memory_format(options->memory, "%s%s", target->prefix, path);
    if (nearest.name != NULL)
        problems_add(problems, node->key_place, full, "unknown option; did you mean %s%s?",
                     target->prefix, nearest.name);
    else
        problems_add(problems, node->key_place, full,
                     "unknown option; \"payoutd config example\" shows all");
}

static void read_entry(struct options *options, const struct options_target *target,
                       const char *path, const struct tree_node *node, struct problems *problems)
{
    const struct option_set *set = target->set;
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->rows[i].path, path) == 0) {
            read_value(options, target, i, node, problems);
            return;
        }
    if (!is_group(set, path)) {
        unknown_option(options, target, path, node, problems);
        return;
    }
    if (node->kind == TREE_TEXT || node->kind == TREE_LIST)
        problems_add(problems, node->place,
                     memory_format(options->memory, "%s%s", target->prefix, path),
                     "expected a map of options, found %s", found_kind(node));
    for (const struct tree_node *child = node->kind == TREE_MAP ? node->first : NULL; child != NULL;
         child = child->next)
        read_entry(options, target, memory_format(options->memory, "%s.%s", path, child->key),
                   child, problems);
}

static void read_target(struct options *options, const struct options_target *target,
                        const struct tree_node *map, struct problems *problems)
{
    options_target_reset(target, options->memory);
    for (const struct tree_node *node = map->first; node != NULL; node = node->next)
        read_entry(options, target, node->key, node, problems);
}

void options_take_setting(struct options *options, struct settings_map *map, const char *name,
                          const char *value, struct place place)
{
    size_t at = 0;
    while (at < map->count && strcmp(map->items[at].name, name) != 0)
        at++;
    if (at == map->count) {
        struct kafka_setting *items = memory_take(options->memory, (at + 1) * sizeof *items);
        struct place *places = memory_take(options->memory, (at + 1) * sizeof *places);
        if (at > 0) {
            memcpy(items, map->items, at * sizeof *items);
            memcpy(places, map->places, at * sizeof *places);
        }
        *map = (struct settings_map){items, places, at + 1};
    }
    map->items[at] = (struct kafka_setting){name, value};
    map->places[at] = place;
}

void options_take_error_code(struct options *options, const char *code, const char *letter,
                             struct place place, struct problems *problems)
{
    static const char letters[] = "UDLCB";
    static const enum error_class classes[] = {ERROR_CLASS_UNKNOWN, ERROR_CLASS_DECLINED,
                                               ERROR_CLASS_LIMIT, ERROR_CLASS_CONFIGURATION,
                                               ERROR_CLASS_BALANCE};
    const char *path = memory_format(options->memory, "error_codes.%s", code);
    const char *found = strlen(letter) == 1 ? strchr(letters, letter[0]) : NULL;
    struct error_overrides *all = &options->error_codes;
    int64_t number;
    if (strlen(code) > 9 || bytes_to_int64(bytes_of(code), &number) != STATUS_OK) {
        problems_add(problems, place, path, "expected an error code of the gateway: a number");
        return;
    }
    if (found == NULL) {
        problems_add(problems, place, path,
                     "expected one of D (declined), L (a new order may pass), C (configuration), "
                     "B (balance), U (ask the status), found \"%.20s\"",
                     letter);
        return;
    }
    size_t at = 0;
    while (at < all->count && all->items[at].code != number)
        at++;
    if (at == ERROR_OVERRIDES_MAX) {
        problems_add(problems, place, path, "more than %d error codes", ERROR_OVERRIDES_MAX);
        return;
    }
    all->items[at] = (struct error_override){(int32_t) number, classes[found - letters]};
    options->error_code_places[at] = place;
    all->count += at == all->count;
}

/* An entry of a map of texts; false and a problem when it is something else. */
static bool is_text_entry(struct options *options, const char *map, const struct tree_node *node,
                          struct problems *problems)
{
    if (node->kind == TREE_TEXT)
        return true;
    if (node->kind != TREE_REFUSED)
        problems_add(problems, node->place, memory_format(options->memory, "%s.%s", map, node->key),
                     "expected a text, found %s", found_kind(node));
    return false;
}

static void read_texts(struct options *options, const char *name, const struct tree_node *map,
                       struct problems *problems)
{
    for (const struct tree_node *node = map->first; node != NULL; node = node->next) {
        if (!is_text_entry(options, name, node, problems))
            continue;
        if (strcmp(name, "error_codes") == 0)
            options_take_error_code(options, node->key, node->text, node->place, problems);
        else
            options_take_setting(options,
                                 strcmp(name, "kafka") == 0 ? &options->kafka
                                                            : &options->kafka_secret_files,
                                 node->key, node->text, node->key_place);
    }
}

static bool is_entry_name(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= 50 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len;
}

static size_t count_entries(struct options *options, const char *name, const struct tree_node *map,
                            struct problems *problems)
{
    size_t count = 0;
    for (const struct tree_node *node = map->first; node != NULL; node = node->next, count++) {
        const char *path = memory_format(options->memory, "%s.%s", name, node->key);
        if (!is_entry_name(node->key))
            problems_add(problems, node->key_place, path,
                         "a name has 1 to 50 letters, digits, dashes and underscores");
        if (node->kind == TREE_TEXT || node->kind == TREE_LIST)
            problems_add(problems, node->place, path, "expected a map of options, found %s",
                         found_kind(node));
    }
    return count;
}

static void read_gateways(struct options *options, const struct tree_node *map,
                          struct problems *problems)
{
    size_t count = count_entries(options, "gateways", map, problems);
    options->gateways = memory_take(options->memory, (count + 1) * sizeof *options->gateways);
    for (const struct tree_node *node = map->first; node != NULL; node = node->next) {
        size_t at = options->gateways_count++;
        options->gateways[at].name = node->key;
        options->gateways[at].place = node->key_place;
        struct options_target target = options_target_gateway(options, at);
        read_target(options, &target, node, problems);
    }
}

static void read_merchants(struct options *options, const struct tree_node *map,
                           struct problems *problems)
{
    size_t count = count_entries(options, "merchants", map, problems);
    options->merchants = memory_take(options->memory, (count + 1) * sizeof *options->merchants);
    for (const struct tree_node *node = map->first; node != NULL; node = node->next) {
        size_t at = options->merchants_count++;
        options->merchants[at].id = node->key;
        options->merchants[at].place = node->key_place;
        struct options_target target = options_target_merchant(options, at);
        read_target(options, &target, node, problems);
    }
}

static bool is_map_name(const char *name)
{
    for (size_t i = 0; i < MAP_NAMES; i++)
        if (strcmp(map_names[i], name) == 0)
            return true;
    return false;
}

static void read_map(struct options *options, const struct tree_node *node,
                     struct problems *problems)
{
    if (node->kind == TREE_TEXT || node->kind == TREE_LIST)
        problems_add(problems, node->place, node->key, "expected a map, found %s",
                     found_kind(node));
    if (node->kind != TREE_MAP)
        return;
    if (strcmp(node->key, "gateways") == 0)
        read_gateways(options, node, problems);
    else if (strcmp(node->key, "merchants") == 0)
        read_merchants(options, node, problems);
    else
        read_texts(options, node->key, node, problems);
}

void options_read_tree(struct options *options, const struct tree_node *root,
                       struct problems *problems)
{
    struct options_target target = options_target_main(options);
    if (root->kind == TREE_TEXT || root->kind == TREE_LIST)
        problems_add(problems, root->place, NULL, "expected a map of options, found %s",
                     found_kind(root));
    if (root->kind != TREE_MAP)
        return;
    for (const struct tree_node *node = root->first; node != NULL; node = node->next)
        if (is_map_name(node->key))
            read_map(options, node, problems);
        else
            read_entry(options, &target, node->key, node, problems);
}
