/* The last guard of dead letters and of gateways' words: no card number goes out in them (see
 * card_blank.h). */
#include "card_blank.h"

#include "payoutd/domain/order.h"

#include <string.h>

enum { ESCAPE_LEN = 6, PAN_LEN_MIN = 13, PAN_LEN_MAX = 19 };
/* A broken text may hold a number in either view: as JSON reads it, or as it stands. */
enum view { VIEW_JSON, VIEW_RAW };
enum unit_kind { UNIT_DIGIT, UNIT_SEPARATOR, UNIT_OTHER };

/* One character of the text, escaped or not. */
struct unit {
    enum unit_kind kind;
    char byte;
    size_t len;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_hex(char byte)
{
    return is_digit(byte) || ((byte | 32) >= 'a' && (byte | 32) <= 'f');
}

static struct unit unit_at(const char *text, size_t len, size_t at, enum view view)
{
    struct unit unit = {UNIT_OTHER, text[at], 1};
    if (view == VIEW_JSON && len - at >= ESCAPE_LEN && memcmp(text + at, "\\u00", 4) == 0 &&
        is_hex(text[at + 4]) && is_hex(text[at + 5])) {
        char high = text[at + 4], low = text[at + 5];
        unit.len = ESCAPE_LEN;
        unit.byte = high == '3' && is_digit(low)       ? low
                    : high == '2' && low == '0'        ? ' '
                    : high == '2' && (low | 32) == 'd' ? '-'
                                                       : 'x';
    }
    if (is_digit(unit.byte))
        unit.kind = UNIT_DIGIT;
    else if (memchr(" -\t\r\n", unit.byte, 5) != NULL)
        unit.kind = UNIT_SEPARATOR;
    return unit;
}

static void blank_digits(char *text, size_t from, size_t to, enum view view)
{
    for (size_t at = from; at < to;) {
        struct unit unit = unit_at(text, to, at, view);
        if (unit.kind == UNIT_DIGIT && unit.len == ESCAPE_LEN)
            memcpy(text + at, "\\u002a", ESCAPE_LEN);
        else if (unit.kind == UNIT_DIGIT)
            text[at] = '*';
        at += unit.len;
    }
}

/* The end of the longest card number that begins at `from`; `from` when there is none. */
static size_t number_end(const char *text, size_t len, size_t from, enum view view)
{
    char digits[PAN_LEN_MAX];
    size_t count = 0, end = from;
    for (size_t at = from; at < len;) {
        struct unit unit = unit_at(text, len, at, view);
        if (unit.kind == UNIT_OTHER || (unit.kind == UNIT_DIGIT && count == PAN_LEN_MAX))
            break;
        at += unit.len;
        if (unit.kind == UNIT_SEPARATOR)
            continue;
        digits[count++] = unit.byte;
        bool ends_group = at == len || unit_at(text, len, at, view).kind != UNIT_DIGIT;
        if (ends_group && count >= PAN_LEN_MIN && order_text_has_pan((struct bytes){digits, count}))
            end = at;
    }
    return end;
}

static size_t skip_blanks(const char *text, size_t len, size_t at)
{
    while (at < len && memchr(" \t\r\n", text[at], 4) != NULL)
        at++;
    return at;
}

/* The member's value, right or mistyped: its digits go. */
static void blank_member(char *text, size_t len, struct bytes quoted_name)
{
    const char *found = len == 0 ? NULL : memmem(text, len, quoted_name.data, quoted_name.len);
    while (found != NULL) {
        size_t at = skip_blanks(text, len, (size_t) (found - text) + quoted_name.len);
        if (at < len && text[at] == ':') {
            at = skip_blanks(text, len, at + 1);
            bool is_quoted = at < len && text[at] == '"';
            size_t end = at + (is_quoted ? 1 : 0);
            while (end < len && text[end] != '"' &&
                   (is_quoted || (text[end] != ',' && text[end] != '}')))
                end++;
            blank_digits(text, at, end, VIEW_JSON);
            at = end;
        }
        found = at < len ? memmem(text + at, len - at, quoted_name.data, quoted_name.len) : NULL;
    }
}

static void blank_numbers(char *text, size_t len, enum view view)
{
    bool was_digit = false;
    for (size_t at = 0; at < len;) {
        struct unit unit = unit_at(text, len, at, view);
        size_t end = unit.kind == UNIT_DIGIT && !was_digit ? number_end(text, len, at, view) : at;
        if (end > at)
            blank_digits(text, at, end, view);
        was_digit = end == at && unit.kind == UNIT_DIGIT;
        at = end > at ? end : at + unit.len;
    }
}

void card_blank(char *text, size_t len)
{
    blank_member(text, len, BYTES("\"pan\""));
    blank_member(text, len, BYTES("\"pg_payment_to\""));
    blank_numbers(text, len, VIEW_JSON);
    blank_numbers(text, len, VIEW_RAW);
}
