/*
 * option_row: what is known about one option, its kinds of values, and where a value came from.
 *
 * A row is a line of options.def. Values are read from text and written to text here and nowhere
 * else, so that the file, the variables, the defaults and everything that is printed agree.
 */
#ifndef PAYOUTD_APP_OPTION_ROW_H
#define PAYOUTD_APP_OPTION_ROW_H

#include "payoutd/app/memory.h"
#include "payoutd/app/problems.h"

struct text_list {
    const char **items;
    size_t count;
};

/* kind, JSON Schema pattern of its texts or NULL (it accepts at least what the reader accepts),
 * words for people */
#define OPTION_KIND_LIST(X)                                                               \
    X(TEXT, "^[^\\\\u0000-\\\\u001f\\\\u007f]*$", "a text")                               \
    X(NAME, "^[A-Za-z0-9._-]+$", "a name of letters, digits, dot, dash, underscore")      \
    X(FILE, NULL, "the path of a file")                                                   \
    X(HOST, "^[A-Za-z0-9.:-]+$", "a host name or an address")                             \
    X(LISTEN, "^(\\\\[[0-9a-fA-F:.]+\\\\]|[A-Za-z0-9.-]*):[0-9]{1,5}$",                   \
      "ADDRESS:PORT, [V6]:PORT or :PORT")                                                 \
    X(BASE_URL, "^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?$",                                 \
      "https://HOST or https://HOST:PORT, without a path")                                \
    X(POST_LINK, "^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[^?#\\\\s]*[^/?#\\\\s]$",         \
      "https://HOST/PATH, without a query and without a slash at the end")                \
    X(URL_PATH, "^/[^?#\\\\s]*[^/?#\\\\s]$",                                              \
      "/PATH, without a query and without a slash at the end")                            \
    X(PROXY, "^https?://[A-Za-z0-9.-]+:[0-9]{1,5}$", "http://HOST:PORT")                  \
    X(INTEGER, NULL, "a whole number")                                                    \
    X(DURATION, "^[0-9]{1,9}(ms|s|m|h|d)$", "a duration such as 250ms, 5s, 10m, 2h, 30d") \
    X(SIZE, "^[0-9]{1,9}(B|KiB|MiB|GiB)$", "a size such as 512B, 64KiB, 10MiB, 1GiB")     \
    X(BOOL, NULL, "true or false")                                                        \
    X(CHOICE, NULL, "one of the words")                                                   \
    X(CURRENCIES, "^[A-Z]{3}$", "a list of currencies such as [KZT, USD]")                \
    X(HOSTS, "^[A-Za-z0-9.-]+$", "a list of host names")

#define OPTION_KIND_ENUM(name, pattern, words) OPTION_KIND_##name,
enum option_kind { OPTION_KIND_LIST(OPTION_KIND_ENUM) OPTION_KIND_COUNT };
#undef OPTION_KIND_ENUM

/* The C type of each kind. Durations are milliseconds, sizes bytes, a choice the index of its word.
 */
#define OPTION_TYPE_TEXT       const char *
#define OPTION_TYPE_NAME       const char *
#define OPTION_TYPE_FILE       const char *
#define OPTION_TYPE_HOST       const char *
#define OPTION_TYPE_LISTEN     const char *
#define OPTION_TYPE_BASE_URL   const char *
#define OPTION_TYPE_POST_LINK  const char *
#define OPTION_TYPE_URL_PATH   const char *
#define OPTION_TYPE_PROXY      const char *
#define OPTION_TYPE_INTEGER    int64_t
#define OPTION_TYPE_DURATION   int64_t
#define OPTION_TYPE_SIZE       int64_t
#define OPTION_TYPE_BOOL       bool
#define OPTION_TYPE_CHOICE     int
#define OPTION_TYPE_CURRENCIES struct text_list
#define OPTION_TYPE_HOSTS      struct text_list

enum option_flags {
    OPTION_REQUIRED = 1,
    OPTION_SECRET = 2, /* names a file that holds a secret */
    OPTION_RELOAD = 4, /* read again on SIGHUP */
};

struct option_row {
    enum option_kind kind;
    size_t offset; /* of the field in its struct */
    const char *path, *fallback, *sample;
    int64_t min, max;
    const char *unit; /* CHOICE: the words, with | between them */
    unsigned flags;
    const char *sentence;
};

struct option_group {
    const char *path, *sentence;
};

/* A set of rows: the options themselves, a gateway, or a merchant. */
struct option_set {
    const struct option_row *rows;
    size_t count;
};
extern const struct option_set option_set_main, option_set_gateway, option_set_merchant;
extern const struct option_group option_groups[];
extern const size_t option_groups_count;

bool option_row_is_list(const struct option_row *row);
const char *option_kind_pattern(enum option_kind kind); /* as it stands in JSON; NULL: none */
const char *option_kind_words(enum option_kind kind);

/* One word of a text, for messages: what was expected, with its bounds. Into `ret`, at least 200
 * bytes. */
void option_row_expected(const struct option_row *row, char *ret, size_t max);

enum { OPTION_WHY_MAX = 400 };
/* `items` are one text, or the entries of a list. STATUS_CONFIG with words in `ret_why`; `field` is
 * then untouched. */
MUST_USE enum status option_row_set(const struct option_row *row, const struct text_list *items,
                                    void *field, struct memory *memory,
                                    char ret_why[static OPTION_WHY_MAX]);
/* Sets the default, or "absent". */
void option_row_reset(const struct option_row *row, void *field, struct memory *memory);
/* The value as YAML, quoted where needed; nothing for an absent text. False: absent. */
bool option_row_print(const struct option_row *row, const void *field, FILE *out);
void option_row_print_bound(const struct option_row *row, int64_t bound, FILE *out);
/* A YAML scalar: plain where that is the same text, else in double quotes. */
void option_row_print_text(const char *text, FILE *out);

#endif
