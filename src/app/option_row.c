/* The rows of options.def as tables, and the one place where values are read from text and written
 * as text. */
#include "payoutd/app/option_row.h"

#include "payoutd/app/options.h"

#include <inttypes.h>
#include <string.h>

#define OPTION_ROW(owner, kind_, field_, path_, fallback_, sample_, min_, max_, unit_, flags_, \
                   sentence_)                                                                  \
    {.kind = OPTION_KIND_##kind_,                                                              \
     .offset = offsetof(struct owner, field_),                                                 \
     .path = path_,                                                                            \
     .fallback = fallback_,                                                                    \
     .sample = sample_,                                                                        \
     .min = min_,                                                                              \
     .max = max_,                                                                              \
     .unit = unit_,                                                                            \
     .flags = flags_,                                                                          \
     .sentence = sentence_},

static const struct option_row main_rows[] = {
#define OPTION(...) OPTION_ROW(options, __VA_ARGS__)
#include "payoutd/app/options.def"
};
static const struct option_row gateway_rows[] = {
#define GATEWAY(...) OPTION_ROW(gateway_options, __VA_ARGS__)
#include "payoutd/app/options.def"
};
static const struct option_row merchant_rows[] = {
#define MERCHANT(...) OPTION_ROW(merchant_options, __VA_ARGS__)
#include "payoutd/app/options.def"
};
const struct option_group option_groups[] = {
#define GROUP(path_, sentence_) {.path = path_, .sentence = sentence_},
#include "payoutd/app/options.def"
};

const struct option_set option_set_main = {main_rows, OPTION_COUNT};
const struct option_set option_set_gateway = {gateway_rows, GATEWAY_OPTION_COUNT};
const struct option_set option_set_merchant = {merchant_rows, MERCHANT_OPTION_COUNT};
const size_t option_groups_count = sizeof option_groups / sizeof option_groups[0];

#define KIND_ROW(name, pattern_, words_) {.pattern = pattern_, .words = words_},
static const struct {
    const char *pattern, *words;
} kinds[OPTION_KIND_COUNT] = {OPTION_KIND_LIST(KIND_ROW)};
#undef KIND_ROW

struct unit {
    const char *name;
    int64_t factor;
};
static const struct unit durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit sizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}};
enum { DURATIONS = sizeof durations / sizeof durations[0], SIZES = sizeof sizes / sizeof sizes[0] };

const char *option_kind_pattern(enum option_kind kind)
{
    return kinds[kind].pattern;
}

const char *option_kind_words(enum option_kind kind)
{
    return kinds[kind].words;
}

bool option_row_is_list(const struct option_row *row)
{
    return row->kind == OPTION_KIND_CURRENCIES || row->kind == OPTION_KIND_HOSTS;
}

/* ---- writing ---- */

static void print_with_unit(int64_t value, const struct unit *units, size_t count, FILE *out)
{
    size_t i = 0;
    while (i + 1 < count && (value == 0 || value % units[i].factor != 0))
        i++;
    fprintf(out, "%" PRId64 "%s", value / units[i].factor, units[i].name);
}

void option_row_print_bound(const struct option_row *row, int64_t bound, FILE *out)
{
    if (row->kind == OPTION_KIND_DURATION)
        print_with_unit(bound, durations, DURATIONS, out);
    else if (row->kind == OPTION_KIND_SIZE)
        print_with_unit(bound, sizes, SIZES, out);
    else
        fprintf(out, "%" PRId64, bound);
}

static bool is_reserved(const char *text)
{
    static const char *const words[] = {"y",   "n",    "yes",   "no",  "on",
                                        "off", "true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_alnum(char byte)
{
    return is_letter(byte) || (byte >= '0' && byte <= '9');
}

static bool is_plain(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || !(is_letter(text[0]) || text[0] == '/') || text[len - 1] == ':')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(text[i]) && strchr("_./:-", text[i]) == NULL)
            return false;
    return !is_reserved(text);
}

void option_row_print_text(const char *text, FILE *out)
{
    if (is_plain(text)) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char) *at < 0x20 || *at == 0x7f)
            fprintf(out, "\\x%02x", (unsigned) (unsigned char) *at);
        else
            fprintf(out, "%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
    }
    fputc('"', out);
}

static void print_list(const struct text_list *list, FILE *out)
{
    fputc('[', out);
    for (size_t i = 0; i < list->count; i++) {
        fputs(i == 0 ? "" : ", ", out);
        option_row_print_text(list->items[i], out);
    }
    fputc(']', out);
}

static void print_word(const struct option_row *row, int index, FILE *out)
{
    const char *word = row->unit;
    while (index-- > 0)
        word = strchr(word, '|') + 1;
    fprintf(out, "%.*s", (int) strcspn(word, "|"), word);
}

bool option_row_print(const struct option_row *row, const void *field, FILE *out)
{
    switch (row->kind) {
    case OPTION_KIND_INTEGER:
    case OPTION_KIND_DURATION:
    case OPTION_KIND_SIZE:
        option_row_print_bound(row, *(const int64_t *) field, out);
        return true;
    case OPTION_KIND_BOOL:
        fputs(*(const bool *) field ? "true" : "false", out);
        return true;
    case OPTION_KIND_CHOICE:
        print_word(row, *(const int *) field, out);
        return true;
    case OPTION_KIND_CURRENCIES:
    case OPTION_KIND_HOSTS:
        print_list(field, out);
        return true;
    case OPTION_KIND_TEXT:
    case OPTION_KIND_NAME:
    case OPTION_KIND_FILE:
    case OPTION_KIND_HOST:
    case OPTION_KIND_LISTEN:
    case OPTION_KIND_BASE_URL:
    case OPTION_KIND_POST_LINK:
    case OPTION_KIND_URL_PATH:
    case OPTION_KIND_PROXY:
        if (*(const char *const *) field == NULL)
            return false;
        option_row_print_text(*(const char *const *) field, out);
        return true;
    case OPTION_KIND_COUNT:
        break;
    }
    return false;
}

void option_row_expected(const struct option_row *row, char *ret, size_t max)
{
    FILE *out = fmemopen(ret, max, "w");
    must(out != NULL);
    if (row->kind == OPTION_KIND_CHOICE) {
        fputs("one of ", out);
        for (const char *at = row->unit; *at != '\0'; at++)
            if (*at == '|')
                fputs(", ", out);
            else
                fputc(*at, out);
    } else {
        fputs(option_kind_words(row->kind), out);
    }
    if (row->kind == OPTION_KIND_INTEGER || row->kind == OPTION_KIND_DURATION ||
        row->kind == OPTION_KIND_SIZE) {
        fputs(" from ", out);
        option_row_print_bound(row, row->min, out);
        fputs(" to ", out);
        option_row_print_bound(row, row->max, out);
    }
    fputc('\0', out);
    fclose(out);
    ret[max - 1] = '\0';
}
