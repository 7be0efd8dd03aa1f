/* The configuration file as a tree with lines and columns: libyaml's events, and what we refuse of
 * them. */
#include "payoutd/app/yaml_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    struct memory *memory;
    struct problems *problems;
};

static enum status read_node(struct reader *reader, const yaml_event_t *event, int depth,
                             struct tree_node **ret_node);

static struct place place_of(yaml_mark_t mark)
{
    return (struct place){.line = (int) mark.line + 1, .column = (int) mark.column + 1};
}

static enum status next_event(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event))
        return STATUS_OK;
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem == NULL ? "cannot be decoded" : parser->problem;
    bool is_tab = strstr(problem, "cannot start any token") != NULL;
    char context[160] = "";
    if (parser->context != NULL)
        snprintf(context, sizeof context, "%s that begins in line %d, ", parser->context,
                 (int) parser->context_mark.line + 1);
    problems_add(reader->problems, place_of(parser->problem_mark), NULL,
                 "not YAML: %s%s%s; the rest of the file was not read", is_tab ? "" : context,
                 problem, is_tab ? " (is it a tab? indent with spaces)" : "");
    return STATUS_CONFIG;
}

static void refuse_extras(struct reader *reader, const yaml_event_t *event, const char *anchor,
                          const char *tag)
{
    if (anchor != NULL)
        problems_add(reader->problems, place_of(event->start_mark), NULL,
                     "anchors (&%s) are not allowed; write the value where it is used", anchor);
    if (tag != NULL)
        problems_add(reader->problems, place_of(event->start_mark), NULL,
                     "tags (%s) are not allowed; write the value without it", tag);
}

static bool looks_like_nothing(const char *text)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static void read_text(struct reader *reader, const yaml_event_t *event, struct tree_node *node)
{
    const char *text = (const char *) event->data.scalar.value;
    size_t len = event->data.scalar.length;
    refuse_extras(reader, event, (const char *) event->data.scalar.anchor,
                  (const char *) event->data.scalar.tag);
    node->kind = TREE_TEXT;
    node->text = memory_text(reader->memory, text, len);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (strlen(node->text) != len) {
        node->kind = TREE_REFUSED;
        problems_add(reader->problems, node->place, NULL, "a text may not hold a NUL character");
    } else if (!node->quoted && looks_like_nothing(node->text)) {
        node->kind = TREE_NULL;
    }
}

static bool has_key(const struct tree_node *map, const struct tree_node *wanted)
{
    for (const struct tree_node *node = map->first; node != NULL; node = node->next)
        if (strcmp(node->key, wanted->key) == 0)
            return true;
    return false;
}

/* One entry of a map after its key; duplicates and keys that are no texts are reported and left
 * out. */
static enum status read_entry(struct reader *reader, const yaml_event_t *key_event, int depth,
                              struct tree_node *map, struct tree_node ***tail)
{
    struct tree_node *key, *value;
    TRY(read_node(reader, key_event, depth, &key));
    yaml_event_t event;
    TRY(next_event(reader, &event));
    enum status status = read_node(reader, &event, depth, &value);
    yaml_event_delete(&event);
    TRY(status);
    if (key->kind != TREE_TEXT) {
        if (key->kind != TREE_REFUSED)
            problems_add(reader->problems, key->place, NULL, "a key must be a text");
        return STATUS_OK;
    }
    value->key = key->text;
    value->key_place = key->place;
    if (has_key(map, value)) {
        problems_add(reader->problems, key->place, NULL,
                     "\"%s\" stands twice in one map; keep one of them", key->text);
        return STATUS_OK;
    }
    **tail = value;
    *tail = &value->next;
    return STATUS_OK;
}

static enum status read_item(struct reader *reader, const yaml_event_t *event, int depth,
                             struct tree_node ***tail)
{
    TRY(read_node(reader, event, depth, *tail));
    *tail = &(**tail)->next;
    return STATUS_OK;
}

static enum status read_children(struct reader *reader, int depth, struct tree_node *node)
{
    struct tree_node **tail = &node->first;
    for (;;) {
        yaml_event_t event;
        TRY(next_event(reader, &event));
        bool ends = event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT;
        enum status status = STATUS_OK;
        if (!ends && node->kind == TREE_MAP)
            status = read_entry(reader, &event, depth, node, &tail);
        else if (!ends)
            status = read_item(reader, &event, depth, &tail);
        yaml_event_delete(&event);
        if (ends || status != STATUS_OK)
            return status;
    }
}

static enum status read_node(struct reader *reader, const yaml_event_t *event, int depth,
                             struct tree_node **ret_node)
{
    struct tree_node *node = memory_take(reader->memory, sizeof *node);
    node->place = place_of(event->start_mark);
    if (depth > YAML_TREE_DEPTH_MAX) {
        problems_add(reader->problems, node->place, NULL, "nested deeper than %d levels",
                     YAML_TREE_DEPTH_MAX);
        return STATUS_CONFIG;
    }
    *ret_node = node;
    if (event->type == YAML_SCALAR_EVENT) {
        read_text(reader, event, node);
        return STATUS_OK;
    }
    if (event->type == YAML_ALIAS_EVENT) {
        node->kind = TREE_REFUSED;
        problems_add(reader->problems, node->place, NULL,
                     "aliases (*%s) are not allowed; write the value itself",
                     (const char *) event->data.alias.anchor);
        return STATUS_OK;
    }
    if (event->type == YAML_MAPPING_START_EVENT) {
        refuse_extras(reader, event, (const char *) event->data.mapping_start.anchor,
                      (const char *) event->data.mapping_start.tag);
        node->kind = TREE_MAP;
    } else {
        must(event->type == YAML_SEQUENCE_START_EVENT);
        refuse_extras(reader, event, (const char *) event->data.sequence_start.anchor,
                      (const char *) event->data.sequence_start.tag);
        node->kind = TREE_LIST;
    }
    return read_children(reader, depth + 1, node);
}

/* Stream start, then at most one document. */
static enum status read_stream(struct reader *reader, struct tree_node **ret_root)
{
    int documents = 0;
    for (;;) {
        yaml_event_t event;
        enum status status = STATUS_OK;
        TRY(next_event(reader, &event));
        yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && documents++ > 0) {
            problems_add(reader->problems, place_of(event.start_mark), NULL,
                         "a second document (---) is not allowed; put everything into one");
            status = STATUS_CONFIG;
        } else if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT ||
                   type == YAML_SCALAR_EVENT || type == YAML_ALIAS_EVENT) {
            status = read_node(reader, &event, 0, ret_root);
        }
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT || status != STATUS_OK)
            return status;
    }
}

static enum status read_file(const char *file, struct memory *memory, struct problems *problems,
                             struct bytes *ret_text)
{
    FILE *in = fopen(file, "rbe");
    char *text = memory_take(memory, YAML_TREE_FILE_MAX + 1);
    errno = in == NULL ? errno : 0;
    size_t len = in == NULL ? 0 : fread(text, 1, YAML_TREE_FILE_MAX + 1, in);
    int failure = errno;
    bool failed = in == NULL || ferror(in);
    if (in != NULL)
        fclose(in);
    if (failed) {
        problems_add(problems, (struct place){0}, NULL,
                     "cannot be read: %s; name the configuration file with --config FILE or "
                     "PAYOUTD_CONFIG",
                     strerror(failure));
        return STATUS_CONFIG;
    }
    if (len > YAML_TREE_FILE_MAX) {
        problems_add(problems, (struct place){0}, NULL, "is larger than %d KiB",
                     YAML_TREE_FILE_MAX / 1024);
        return STATUS_CONFIG;
    }
    *ret_text = (struct bytes){text, len};
    return STATUS_OK;
}

enum status yaml_tree_read(const char *file, struct memory *memory, struct problems *problems,
                           struct tree_node **ret_root)
{
    struct bytes text = BYTES_NONE;
    TRY(read_file(file, memory, problems, &text));
    struct reader reader = {.memory = memory, .problems = problems};
    must(yaml_parser_initialize(&reader.parser));
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *) text.data, text.len);
    struct tree_node *root = memory_take(memory, sizeof *root); /* stays TREE_NULL: empty file */
    enum status status = read_stream(&reader, &root);
    yaml_parser_delete(&reader.parser);
    if (status == STATUS_OK)
        *ret_root = root;
    return status;
}
