/* The configuration as machines and manuals read it: a JSON Schema and docs/CONFIGURATION.md, from
 * the rows. */
#include "payoutd/app/options_parts.h"

#include <inttypes.h>
#include <string.h>

/* ---- JSON Schema ---- */

static void put_json_text(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text != '\0'; text++)
        fprintf(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    fputc('"', out);
}

static void put_words(const char *words, FILE *out)
{
    fputs("\"enum\": [\"", out);
    for (; *words != '\0'; words++)
        if (*words == '|')
            fputs("\", \"", out);
        else
            fputc(*words, out);
    fputs("\"]", out);
}

/* The type of a value, without braces. */
static void put_type(const struct option_row *row, FILE *out)
{
    const char *pattern = option_kind_pattern(row->kind);
    if (row->kind == OPTION_KIND_CHOICE) {
        put_words(row->unit, out);
    } else if (row->kind == OPTION_KIND_BOOL) {
        fputs("\"type\": \"boolean\"", out);
    } else if (row->kind == OPTION_KIND_INTEGER) {
        fprintf(out, "\"type\": \"integer\", \"minimum\": %" PRId64 ", \"maximum\": %" PRId64,
                row->min, row->max);
    } else if (option_row_is_list(row)) {
        fprintf(out,
                "\"type\": \"array\", \"minItems\": %" PRId64 ", \"maxItems\": %" PRId64
                ", \"items\": {\"type\": \"string\", \"pattern\": \"%s\"}",
                row->min, row->max, pattern);
    } else {
        bool is_number = row->kind == OPTION_KIND_DURATION || row->kind == OPTION_KIND_SIZE;
        fprintf(out, "\"type\": %s", is_number ? "\"string\"" : "[\"string\", \"integer\"]");
        if (!is_number)
            fprintf(out, ", \"minLength\": %" PRId64 ", \"maxLength\": %" PRId64, row->min,
                    row->max);
        if (pattern != NULL)
            fprintf(out, ", \"pattern\": \"%s\"", pattern);
    }
}

static void put_default(const struct option_row *row, FILE *out)
{
    if (row->fallback == NULL)
        return;
    fputs(", \"default\": ", out);
    if (option_row_is_list(row)) {
        fputc('[', out);
        if (row->fallback[0] != '\0')
            put_json_text(row->fallback, out);
        fputc(']', out);
    } else if (row->kind == OPTION_KIND_BOOL || row->kind == OPTION_KIND_INTEGER) {
        fputs(row->fallback, out);
    } else {
        put_json_text(row->fallback, out);
    }
}

static void put_property(const struct option_row *row, const char *name, int indent, FILE *out)
{
    fprintf(out, "%*s\"%s\": {", indent, "", name);
    put_type(row, out);
    put_default(row, out);
    fputs(", \"description\": ", out);
    put_json_text(row->sentence, out);
    fputc('}', out);
}

static size_t group_length(const struct option_row *row)
{
    const char *dot = strchr(row->path, '.');
    return dot == NULL ? 0 : (size_t) (dot - row->path);
}

static bool same_group(const struct option_row *a, const struct option_row *b)
{
    size_t len = group_length(a);
    return len > 0 && len == group_length(b) && memcmp(a->path, b->path, len) == 0;
}

/* "required": the rows' names, those of the `size` rows from `row` on that must be there; `skip`
 * characters of each left out. */
static void put_required(const struct option_row *row, size_t size, size_t skip, int indent,
                         FILE *out)
{
    const char *separator = "";
    fprintf(out, ",\n%*s\"required\": [", indent, "");
    for (size_t i = 0; i < size; i++)
        if ((row[i].flags & OPTION_REQUIRED) != 0) {
            fprintf(out, "%s\"%s\"", separator, row[i].path + skip);
            separator = ", ";
        }
    fputc(']', out);
}

static void put_group(const struct option_row *row, size_t size, int indent, FILE *out)
{
    size_t len = group_length(row);
    fprintf(out, "%*s\"%.*s\": {\n", indent, "", (int) len, row->path);
    fprintf(out, "%*s\"type\": [\"object\", \"null\"], \"additionalProperties\": false,\n",
            indent + 2, "");
    fprintf(out, "%*s\"properties\": {\n", indent + 2, "");
    for (size_t i = 0; i < size; i++) {
        put_property(&row[i], row[i].path + len + 1, indent + 4, out);
        fputs(i + 1 < size ? ",\n" : "\n", out);
    }
    fprintf(out, "%*s}", indent + 2, "");
    put_required(row, size, len + 1, indent + 2, out);
    fprintf(out, "\n%*s}", indent, "");
}

static void put_rows(const struct option_set *set, int indent, FILE *out)
{
    for (size_t i = 0, size; i < set->count; i += size) {
        size = 1;
        while (i + size < set->count && same_group(&set->rows[i], &set->rows[i + size]))
            size++;
        if (group_length(&set->rows[i]) > 0)
            put_group(&set->rows[i], size, indent, out);
        else
            put_property(&set->rows[i], set->rows[i].path, indent, out);
        fputs(i + size < set->count ? ",\n" : "\n", out);
    }
}

static void put_entries(const char *name, const struct option_set *set, FILE *out)
{
    fprintf(out,
            ",\n    \"%s\": {\n"
            "      \"type\": \"object\", \"minProperties\": 1,\n"
            "      \"propertyNames\": {\"pattern\": \"^[A-Za-z0-9_-]{1,50}$\"},\n"
            "      \"additionalProperties\": {\n"
            "        \"type\": \"object\", \"additionalProperties\": false,\n"
            "        \"properties\": {\n",
            name);
    put_rows(set, 10, out);
    fputs("        }", out);
    put_required(set->rows, set->count, 0, 8, out);
    fputs("\n      }\n    }", out);
}

void options_print_schema(FILE *out)
{
    fputs("{\n"
          "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
          "  \"title\": \"Configuration of payoutd\",\n"
          "  \"description\": \"Made by payoutd config schema. The program checks more: bounds of "
          "durations, and what belongs together.\",\n"
          "  \"type\": \"object\", \"additionalProperties\": false,\n"
          "  \"properties\": {\n",
          out);
    put_rows(&option_set_main, 4, out);
    fputs(
        "    ,\"kafka\": {\n"
        "      \"type\": \"object\", \"required\": [\"bootstrap.servers\"],\n"
        "      \"additionalProperties\": {\"type\": [\"string\", \"integer\", \"boolean\"]}\n"
        "    },\n"
        "    \"kafka_secret_files\": {\n"
        "      \"type\": [\"object\", \"null\"], \"additionalProperties\": {\"type\": \"string\"}\n"
        "    },\n"
        "    \"error_codes\": {\n"
        "      \"type\": [\"object\", \"null\"], \"propertyNames\": {\"pattern\": "
        "\"^[0-9]{1,9}$\"},\n"
        "      \"additionalProperties\": {\"enum\": [\"D\", \"L\", \"C\", \"B\", \"U\"]}\n"
        "    }",
        out);
    put_entries("gateways", &option_set_gateway, out);
    put_entries("merchants", &option_set_merchant, out);
    fputs("\n  },\n"
          "  \"required\": [\"kafka\", \"redis\", \"ledger\", \"worker\", \"contract\", "
          "\"gateways\", \"merchants\"]\n"
          "}\n",
          out);
}

/* ---- docs/CONFIGURATION.md ---- */

/* Pipes would end the cell of a table. */
static void put_cell(const char *text, FILE *out)
{
    for (; *text != '\0'; text++)
        fprintf(out, "%s%c", *text == '|' ? "\\" : "", *text);
}

static void put_docs_row(const struct option_row *row, const char *prefix, FILE *out)
{
    char expected[200];
    option_row_expected(row, expected, sizeof expected);
    fprintf(out, "| `%s%s` | ", prefix, row->path);
    put_cell(row->sentence, out);
    if ((row->flags & OPTION_RELOAD) != 0)
        fputs(" Read again on SIGHUP.", out);
    fputs(" | ", out);
    put_cell(expected, out);
    if (row->fallback == NULL)
        fprintf(out, " | %s |\n", (row->flags & OPTION_REQUIRED) != 0 ? "**required**" : "–");
    else if (row->fallback[0] == '\0')
        fputs(" | empty |\n", out);
    else
        fprintf(out, " | `%s` |\n", row->fallback);
}

static void put_table_head(FILE *out)
{
    fputs("\n| option | what it does | value | default |\n|---|---|---|---|\n", out);
}

static void put_set(const struct option_set *set, const char *prefix, FILE *out)
{
    put_table_head(out);
    for (size_t i = 0; i < set->count; i++)
        put_docs_row(&set->rows[i], prefix, out);
}

static void put_main_group(const struct option_group *group, FILE *out)
{
    fprintf(out, "\n## `%s`\n\n%s\n", group->path, group->sentence);
    put_table_head(out);
    for (size_t i = 0; i < option_set_main.count; i++) {
        const struct option_row *row = &option_set_main.rows[i];
        if (group_length(row) == strlen(group->path) &&
            memcmp(row->path, group->path, group_length(row)) == 0)
            put_docs_row(row, "", out);
    }
}

static void put_docs_maps(FILE *out)
{
    fputs(
        "\n## `kafka`\n\n"
        "Any property of librdkafka, by its own name: `bootstrap.servers` is required. Every name "
        "and value\n"
        "is checked at start. What safety rests on may not be set (commits, isolation, "
        "idempotence, acks,\n"
        "assignment, transactions); the message says which option to use instead. Variable:\n"
        "`PAYOUTD_KAFKA_BOOTSTRAP_SERVERS`, dots as underscores.\n"
        "\n## `kafka_secret_files`\n\n"
        "`sasl.password`, `ssl.key.password`, `ssl.keystore.password`, `ssl.key.pem`,\n"
        "`sasl.oauthbearer.client.secret`, `sasl.oauthbearer.config`: the file that holds the "
        "value.\n"
        "Variable: `PAYOUTD_KAFKA_SECRET_FILES_SASL_PASSWORD`.\n"
        "\n## `error_codes`\n\n"
        "`\"10001\": D` and so on, at most 64: `D` declined, `L` a new order may pass later, `C`\n"
        "configuration (the merchant is held), `B` balance (the merchant is held), `U` unknown "
        "(ask the\n"
        "status). Overrides the program's table. Read again on SIGHUP.\n",
        out);
}

void options_print_docs(FILE *out)
{
    fputs("# Configuration\n\n"
          "Made by `payoutd config docs`; do not edit. `payoutd --config FILE` reads one YAML "
          "file; the\n"
          "complete sample is `config/payoutd.yaml`, its JSON Schema\n"
          "`config/schemas/payoutd-config.schema.json`.\n\n"
          "- A variable overrides the file: `worker.drain` is `PAYOUTD_WORKER_DRAIN`; lists with "
          "commas. An\n"
          "  entry of `gateways` or `merchants` must stand in the file; then\n"
          "  `PAYOUTD_MERCHANTS_530123_SECRET_FILE` overrides its option.\n"
          "- `payoutd config check` reports every problem at once, as FILE:LINE:COLUMN, without "
          "network, and\n"
          "  exits with 78 when there is one. Unknown options and variables are problems.\n"
          "- `payoutd config print` shows the values in effect and where each comes from.\n"
          "- Secrets come only from files; one newline at their end does not count. A relative "
          "path starts at\n"
          "  the working directory.\n"
          "- YAML anchors, aliases, tags, doubled keys and second documents are refused.\n",
          out);
    for (size_t i = 0; i < option_groups_count; i++)
        put_main_group(&option_groups[i], out);
    fputs("\n## Without a group\n", out);
    put_table_head(out);
    for (size_t i = 0; i < option_set_main.count; i++)
        if (group_length(&option_set_main.rows[i]) == 0)
            put_docs_row(&option_set_main.rows[i], "", out);
    fputs("\n## `gateways`\n\nA map: a name, then these options.\n", out);
    put_set(&option_set_gateway, "gateways.NAME.", out);
    fputs("\n## `merchants`\n\nA map: the merchant's id, then these options.\n", out);
    put_set(&option_set_merchant, "merchants.ID.", out);
    put_docs_maps(out);
}
