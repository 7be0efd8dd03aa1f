/* One line a fact: every part of the program but the core tells people through here (see log.h). */
#include "payoutd/adapter/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 8 * 1024,
    LINE_END_MAX = 32,    /* kept free for what closes a line that was cut */
    VALUE_MAX = 3 * 1024, /* so that no one value pushes the others out of the line */
    PAN_MIN = 13,
    PAN_MAX = 19,
};

static struct {
    int fd;
    enum log_format format;
    const char *service, *version;
} log_target = {
    .fd = STDERR_FILENO, .format = LOG_FORMAT_TEXT, .service = "payoutd", .version = ""};

static atomic_int log_threshold = LOG_LEVEL_INFO;
static atomic_int_fast64_t redactions;

struct line {
    struct buffer text;
    bool cut;
    bool json;
};

static void put_line(struct line *line, enum log_level level, const char *action,
                     const char *message, const struct log_field *fields, size_t count);

void log_setup(int fd, enum log_format format, enum log_level level, const char *service,
               const char *version)
{
    log_target.fd = fd;
    log_target.format = format;
    log_target.service = service;
    log_target.version = version;
    log_set_level(level);
}

void log_set_level(enum log_level level)
{
    atomic_store(&log_threshold, (int) level);
}

bool log_enabled(enum log_level level)
{
    return (int) level >= atomic_load(&log_threshold);
}

int64_t log_redactions(void)
{
    return (int64_t) atomic_load(&redactions);
}

void log_event(enum log_level level, const char *action, const char *message,
               const struct log_field *fields, size_t count)
{
    if (!log_enabled(level))
        return;
    char room[LINE_MAX_BYTES];
    struct line line = {.cut = false, .json = log_target.format == LOG_FORMAT_JSON};
    buffer_init(&line.text, room, sizeof room - LINE_END_MAX);
    put_line(&line, level, action, message, fields, count);
    line.text.max = sizeof room;
    if (line.cut)
        buffer_put_text(&line.text, line.json ? ",\"labels.log_cut\":\"true\"" : " ...");
    buffer_put_text(&line.text, line.json ? "}\n" : "\n");

    int saved = errno;
    ssize_t written;
    do
        written = write(log_target.fd, line.text.data, line.text.len);
    while (written < 0 && errno == EINTR);
    errno = saved; /* a log that cannot be written must not change what its caller sees */
}

void log_plain(enum log_level level, const char *action, const char *message)
{
    log_event(level, action, message, NULL, 0);
}

/* ---- the last filter: runs of digits that could be a card number ---- */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_separator(char byte)
{
    return byte == ' ' || byte == '-';
}

static bool passes_luhn(const char *text, size_t len)
{
    int sum = 0;
    bool twice = false;
    for (size_t i = len; i-- > 0;) {
        if (!is_digit(text[i]))
            continue;
        int digit = text[i] - '0';
        if (twice)
            digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
        sum += digit;
        twice = !twice;
    }
    return sum % 10 == 0;
}

/*
 * How much of `text`, which starts with a group of digits, could be a card number: whole groups,
 * with spaces and dashes between them, 13 to 19 digits together; the longest that passes. 0: none.
 * Whole groups only, so that "attempt 2 of 4111 1111 1111 1111" hides nothing from us.
 */
static size_t pan_length(const char *text, size_t len)
{
    size_t digits = 0, found = 0;
    for (size_t i = 0; i < len && digits <= PAN_MAX; i++) {
        if (!is_digit(text[i]) && !is_separator(text[i]))
            break;
        if (!is_digit(text[i]))
            continue;
        digits++;
        bool group_ends = i + 1 == len || !is_digit(text[i + 1]);
        if (group_ends && digits >= PAN_MIN && digits <= PAN_MAX && passes_luhn(text, i + 1))
            found = i + 1;
    }
    return found;
}

static size_t blank_pans(char *text, size_t len)
{
    size_t blanked = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i]) || (i > 0 && is_digit(text[i - 1])))
            continue;
        size_t found = pan_length(text + i, len - i);
        for (size_t at = i; at < i + found; at++)
            text[at] = is_digit(text[at]) ? '*' : text[at];
        blanked += found > 0;
    }
    return blanked;
}

/* A copy of `value` without card numbers. A cut value loses its last digits too: they may be half a
 * card number. */
static struct bytes filtered(struct line *line, struct bytes value, char room[static VALUE_MAX])
{
    size_t len = value.len < VALUE_MAX ? value.len : VALUE_MAX;
    if (len < value.len) {
        line->cut = true;
        while (len > 0 && (is_digit(value.data[len - 1]) || is_separator(value.data[len - 1])))
            len--;
    }
    if (len > 0)
        memcpy(room, value.data, len);
    atomic_fetch_add(&redactions, (int_fast64_t) blank_pans(room, len));
    return (struct bytes){room, len};
}

/* ---- writing ---- */

/* Length of the valid UTF-8 character at the start of `text`; 0: it is none. */
static size_t character_length(struct bytes text)
{
    unsigned char first = (unsigned char) text.data[0];
    if (first < 0x80)
        return 1;
    size_t len = first >= 0xf0 && first <= 0xf4   ? 4
                 : first >= 0xe0 && first < 0xf0  ? 3
                 : first >= 0xc2 && first <= 0xdf ? 2
                                                  : 0;
    if (len == 0 || len > text.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if (((unsigned char) text.data[i] & 0xc0) != 0x80)
            return 0;
    unsigned char second = (unsigned char) text.data[1];
    bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool out_of_range = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    return overlong || out_of_range ? 0 : len;
}

static struct bytes escaped(char byte, char room[static 6])
{
    static const char hex[] = "0123456789abcdef";
    switch (byte) {
    case '"':
        return BYTES("\\\"");
    case '\\':
        return BYTES("\\\\");
    case '\n':
        return BYTES("\\n");
    case '\r':
        return BYTES("\\r");
    case '\t':
        return BYTES("\\t");
    default: /* a char, not an enum */
        memcpy(room, "\\u00", 4);
        room[4] = hex[(unsigned char) byte >> 4];
        room[5] = hex[byte & 15];
        return (struct bytes){room, 6};
    }
}

/* A quoted string; what does not fit is left out at a character's boundary. Newlines never get
 * through. */
static void put_string(struct line *line, struct bytes text)
{
    struct buffer *out = &line->text;
    size_t end = out->max - out->len > VALUE_MAX ? out->len + VALUE_MAX : out->max;
    buffer_put_byte(out, '"');
    for (size_t i = 0; i < text.len;) {
        struct bytes rest = {text.data + i, text.len - i};
        size_t len = character_length(rest);
        unsigned char byte = (unsigned char) text.data[i];
        char room[6];
        struct bytes piece = {rest.data, len};
        if (len == 0)
            piece = BYTES("\xef\xbf\xbd"); /* U+FFFD for a byte that is no UTF-8 */
        else if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\')
            piece = escaped(text.data[i], room);
        if (out->len + piece.len + 1 > end) {
            line->cut = true;
            break;
        }
        buffer_put(out, piece);
        i += len == 0 ? 1 : len;
    }
    buffer_put_byte(out, '"');
}

static bool is_plain_word(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char) text.data[i];
        if (byte <= ' ' || byte >= 0x7f || byte == '"' || byte == '\\' || byte == '=')
            return false;
    }
    return text.len > 0;
}

static void put_text_value(struct line *line, struct bytes value)
{
    char room[VALUE_MAX];
    struct bytes clean = filtered(line, value, room);
    if (!line->json && is_plain_word(clean) && clean.len <= line->text.max - line->text.len)
        buffer_put(&line->text, clean);
    else
        put_string(line, clean);
}

static void put_number(struct line *line, int64_t number)
{
    char room[24];
    struct buffer digits;
    buffer_init(&digits, room, sizeof room);
    buffer_put_int64(&digits, number);
    if (blank_pans(room, digits.len) == 0) {
        buffer_put(&line->text, (struct bytes){room, digits.len});
        return;
    }
    atomic_fetch_add(&redactions, 1);
    buffer_put_text(&line->text, line->json ? "null" : "*");
}

static void put_field(struct line *line, const struct log_field *field)
{
    size_t name_len = strlen(field->name);
    if (field->kind == LOG_FIELD_TEXT && bytes_is_none(field->text))
        return; /* absent, which differs from empty */
    if (line->text.max - line->text.len < name_len + 32) {
        line->cut = true;
        return;
    }
    buffer_put_text(&line->text, line->json ? ",\"" : " ");
    buffer_put(&line->text, (struct bytes){field->name, name_len});
    buffer_put_text(&line->text, line->json ? "\":" : "=");
    if (field->kind == LOG_FIELD_INT)
        put_number(line, field->number);
    else
        put_text_value(line, field->text);
}

static void put_time(struct line *line)
{
    struct timespec now;
    struct tm parts;
    char text[64];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    int64_t ms = now.tv_nsec / 1000000;
    buffer_put(&line->text, (struct bytes){text, len});
    buffer_put_text(&line->text, ms < 10 ? ".00" : ms < 100 ? ".0" : ".");
    buffer_put_int64(&line->text, ms);
    buffer_put_byte(&line->text, 'Z');
}

static void put_head_json(struct line *line, enum log_level level, const char *action,
                          const char *message)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    buffer_put_text(&line->text, "{\"@timestamp\":\"");
    put_time(line);
    buffer_put_text(&line->text, "\",\"log.level\":\"");
    buffer_put_text(&line->text, names[level]);
    buffer_put_text(&line->text, "\",\"message\":");
    put_text_value(line, bytes_of(message));
    buffer_put_text(&line->text, ",\"ecs.version\":\"8.11.0\"");
    put_field(line, &LOG_TEXT("service.name", log_target.service));
    put_field(line, &LOG_TEXT("service.version", log_target.version));
    put_field(line, &LOG_TEXT("event.action", action));
}

static void put_line(struct line *line, enum log_level level, const char *action,
                     const char *message, const struct log_field *fields, size_t count)
{
    static const char *const names[] = {" DEBUG ", " INFO  ", " WARN  ", " ERROR "};
    must((unsigned) level <= LOG_LEVEL_ERROR && message != NULL);
    if (line->json) {
        put_head_json(line, level, action, message);
    } else {
        put_time(line);
        buffer_put_text(&line->text, names[level]);
        buffer_put_text(&line->text, action);
        buffer_put_byte(&line->text, ' ');
        put_text_value(line, bytes_of(message));
    }
    for (size_t i = 0; i < count; i++)
        put_field(line, &fields[i]);
    must(!line->text.overflowed);
}
