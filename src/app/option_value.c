/* From the text of a value to the field of a struct: what each kind of option accepts, and why not.
 */
#include "payoutd/app/option_row.h"

#include <inttypes.h>
#include <string.h>

static bool is_alnum(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

/* Only letters, digits and `others`, at least one character, up to `len`. */
static bool is_made_of(const char *text, size_t len, const char *others)
{
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(text[i]) && strchr(others, text[i]) == NULL)
            return false;
    return len > 0;
}

/* Whether `text` is a host, or with `port_needed` HOST:PORT; up to `len`. */
static bool is_authority(const char *text, size_t len, bool port_needed)
{
    const char *colon = memchr(text, ':', len);
    size_t host_len = colon == NULL ? len : (size_t) (colon - text);
    if (!is_made_of(text, host_len, ".-") || text[0] == '.' || text[0] == '-')
        return false;
    if (colon == NULL)
        return !port_needed;
    int64_t port;
    struct bytes digits = {colon + 1, len - host_len - 1};
    return bytes_to_int64(digits, &port) == STATUS_OK && port >= 1 && port <= 65535;
}

static bool is_base_url(const char *text)
{
    return strncmp(text, "https://", 8) == 0 && is_authority(text + 8, strlen(text + 8), false);
}

static bool is_proxy(const char *text)
{
    size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;
    return scheme > 0 && is_authority(text + scheme, strlen(text + scheme), true);
}

static bool is_url_path(const char *text)
{
    size_t len = strlen(text);
    if (len < 2 || text[0] != '/' || text[len - 1] == '/')
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '?' || text[i] == '#')
            return false;
    return true;
}

static bool is_post_link(const char *text)
{
    if (strncmp(text, "https://", 8) != 0)
        return false;
    size_t host_len = strcspn(text + 8, "/");
    return host_len > 0 && is_authority(text + 8, host_len, false) &&
           is_url_path(text + 8 + host_len);
}

static bool is_listen(const char *text)
{
    const char *colon = strrchr(text, ':');
    int64_t port;
    if (colon == NULL || strlen(colon) > 6 ||
        bytes_to_int64(bytes_of(colon + 1), &port) != STATUS_OK || port > 65535)
        return false;
    size_t len = (size_t) (colon - text);
    if (len == 0)
        return true;
    if (text[0] != '[')
        return is_made_of(text, len, ".-");
    return len > 2 && text[len - 1] == ']' && is_made_of(text + 1, len - 2, ":.");
}

static bool is_currency(const char *text)
{
    return strlen(text) == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
}

static bool is_printable(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char) *at < 0x20 || *at == 0x7f)
            return false;
    return true;
}

static bool has_right_form(enum option_kind kind, const char *text)
{
    switch (kind) {
    case OPTION_KIND_NAME:
        return is_made_of(text, strlen(text), "._-");
    case OPTION_KIND_HOST:
        return is_made_of(text, strlen(text), ".:-");
    case OPTION_KIND_LISTEN:
        return is_listen(text);
    case OPTION_KIND_BASE_URL:
        return is_base_url(text);
    case OPTION_KIND_POST_LINK:
        return is_post_link(text);
    case OPTION_KIND_URL_PATH:
        return is_url_path(text);
    case OPTION_KIND_PROXY:
        return is_proxy(text);
    case OPTION_KIND_CURRENCIES:
        return is_currency(text);
    case OPTION_KIND_HOSTS:
        return is_authority(text, strlen(text), false) && strchr(text, ':') == NULL;
    case OPTION_KIND_TEXT:
    case OPTION_KIND_FILE:
        return text[0] != '\0' && is_printable(text);
    case OPTION_KIND_INTEGER:
    case OPTION_KIND_DURATION:
    case OPTION_KIND_SIZE:
    case OPTION_KIND_BOOL:
    case OPTION_KIND_CHOICE:
    case OPTION_KIND_COUNT:
        break;
    }
    return false;
}

static enum status refuse(const struct option_row *row, const char *text,
                          char ret_why[static OPTION_WHY_MAX])
{
    char expected[200];
    option_row_expected(row, expected, sizeof expected);
    if (strstr(text, "://") != NULL && strchr(text, '@') != NULL) /* it may be a password */
        snprintf(ret_why, OPTION_WHY_MAX, "expected %s, found an address with a user in it",
                 expected);
    else
        snprintf(ret_why, OPTION_WHY_MAX, "expected %s, found \"%.80s\"", expected, text);
    return STATUS_CONFIG;
}

/* The factor of a unit's name in milliseconds or bytes; 0: no such unit of that kind. */
static int64_t factor_of(enum option_kind kind, const char *unit)
{
    static const struct {
        enum option_kind kind;
        const char *name;
        int64_t factor;
    } units[] = {
        {OPTION_KIND_DURATION, "ms", 1},       {OPTION_KIND_DURATION, "s", 1000},
        {OPTION_KIND_DURATION, "m", 60000},    {OPTION_KIND_DURATION, "h", 3600000},
        {OPTION_KIND_DURATION, "d", 86400000}, {OPTION_KIND_SIZE, "B", 1},
        {OPTION_KIND_SIZE, "KiB", 1 << 10},    {OPTION_KIND_SIZE, "MiB", 1 << 20},
        {OPTION_KIND_SIZE, "GiB", 1 << 30},    {OPTION_KIND_INTEGER, "", 1},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (units[i].kind == kind && strcmp(units[i].name, unit) == 0)
            return units[i].factor;
    return 0;
}

static enum status set_number(const struct option_row *row, const char *text, int64_t *ret_value,
                              char ret_why[static OPTION_WHY_MAX])
{
    size_t digits = strspn(text, "0123456789");
    int64_t factor = factor_of(row->kind, text + digits), value;
    if (factor == 0 && digits > 0 && text[digits] == '\0') {
        snprintf(ret_why, OPTION_WHY_MAX, "the unit is missing: expected %s, found \"%.80s\"",
                 option_kind_words(row->kind), text);
        return STATUS_CONFIG;
    }
    if (digits == 0 || digits > 9 || factor == 0)
        return refuse(row, text, ret_why);
    must(bytes_to_int64((struct bytes){text, digits}, &value) == STATUS_OK);
    value *= factor;
    if (value < row->min || value > row->max) {
        char expected[200];
        option_row_expected(row, expected, sizeof expected);
        snprintf(ret_why, OPTION_WHY_MAX, "%.80s is out of range: expected %s", text, expected);
        return STATUS_CONFIG;
    }
    *ret_value = value;
    return STATUS_OK;
}

static enum status set_bool(const struct option_row *row, const char *text, bool *ret_value,
                            char ret_why[static OPTION_WHY_MAX])
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0)
        return refuse(row, text, ret_why);
    *ret_value = is_true;
    return STATUS_OK;
}

static enum status set_choice(const struct option_row *row, const char *text, int *ret_index,
                              char ret_why[static OPTION_WHY_MAX])
{
    int index = 0;
    for (const char *word = row->unit; word != NULL; index++) {
        size_t len = strcspn(word, "|");
        if (strlen(text) == len && strncmp(word, text, len) == 0) {
            *ret_index = index;
            return STATUS_OK;
        }
        word = word[len] == '|' ? word + len + 1 : NULL;
    }
    return refuse(row, text, ret_why);
}

static enum status set_list(const struct option_row *row, const struct text_list *items,
                            struct text_list *ret_list, struct memory *memory,
                            char ret_why[static OPTION_WHY_MAX])
{
    if ((int64_t) items->count < row->min || (int64_t) items->count > row->max) {
        snprintf(ret_why, OPTION_WHY_MAX, "expected %" PRId64 " to %" PRId64 " entries, found %zu",
                 row->min, row->max, items->count);
        return STATUS_CONFIG;
    }
    for (size_t i = 0; i < items->count; i++)
        if (!has_right_form(row->kind, items->items[i]))
            return refuse(row, items->items[i], ret_why);
    struct text_list list = {memory_take(memory, (items->count + 1) * sizeof *list.items),
                             items->count};
    for (size_t i = 0; i < items->count; i++)
        list.items[i] = memory_text(memory, items->items[i], strlen(items->items[i]));
    *ret_list = list;
    return STATUS_OK;
}

static enum status set_text(const struct option_row *row, const char *text, const char **ret_text,
                            struct memory *memory, char ret_why[static OPTION_WHY_MAX])
{
    if (!has_right_form(row->kind, text))
        return refuse(row, text, ret_why);
    int64_t len = (int64_t) strlen(text);
    if (len < row->min || len > row->max) {
        snprintf(ret_why, OPTION_WHY_MAX, "is %" PRId64 " characters long; at most %" PRId64, len,
                 row->max);
        return STATUS_CONFIG;
    }
    *ret_text = memory_text(memory, text, strlen(text));
    return STATUS_OK;
}

enum status option_row_set(const struct option_row *row, const struct text_list *items, void *field,
                           struct memory *memory, char ret_why[static OPTION_WHY_MAX])
{
    if (option_row_is_list(row))
        return set_list(row, items, field, memory, ret_why);
    must(items->count == 1);
    const char *text = items->items[0];
    switch (row->kind) {
    case OPTION_KIND_INTEGER:
    case OPTION_KIND_DURATION:
    case OPTION_KIND_SIZE:
        return set_number(row, text, field, ret_why);
    case OPTION_KIND_BOOL:
        return set_bool(row, text, field, ret_why);
    case OPTION_KIND_CHOICE:
        return set_choice(row, text, field, ret_why);
    case OPTION_KIND_TEXT:
    case OPTION_KIND_NAME:
    case OPTION_KIND_FILE:
    case OPTION_KIND_HOST:
    case OPTION_KIND_LISTEN:
    case OPTION_KIND_BASE_URL:
    case OPTION_KIND_POST_LINK:
    case OPTION_KIND_URL_PATH:
    case OPTION_KIND_PROXY:
        return set_text(row, text, field, memory, ret_why);
    case OPTION_KIND_CURRENCIES:
    case OPTION_KIND_HOSTS:
    case OPTION_KIND_COUNT:
        break;
    }
    return STATUS_BUG;
}

void option_row_reset(const struct option_row *row, void *field, struct memory *memory)
{
    if (row->fallback == NULL)
        return; /* the field is zero: absent */
    char why[OPTION_WHY_MAX];
    const char *text = row->fallback;
    struct text_list items = {&text, option_row_is_list(row) && text[0] == '\0' ? 0 : 1};
    must(option_row_set(row, &items, field, memory, why) == STATUS_OK);
}
