/* Times in commands and outcomes (see rfc3339.h). */
#include "payoutd/codec/rfc3339.h"

enum {
    DATE_AND_TIME_LEN = 19, /* 2024-05-31T12:00:00 */
    SECONDS_PER_DAY = 86400,
    YEAR_FIRST = 1970,
    YEAR_LAST = 9999,
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap_year(year) ? 1 : 0);
}

/* Days from the first of January 1970 to the first of January of `year`. */
static int64_t days_before_year(int64_t year)
{
    int64_t before = year - 1;
    return 365 * (year - YEAR_FIRST) + (before / 4 - before / 100 + before / 400) -
           (1969 / 4 - 1969 / 100 + 1969 / 400);
}

static bool read_number(struct bytes text, size_t at, size_t digits, int64_t *ret_value)
{
    if (at + digits > text.len)
        return false;
    int64_t value = 0;
    for (size_t i = at; i < at + digits; i++) {
        if (!is_digit(text.data[i]))
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    *ret_value = value;
    return true;
}

static bool has_byte(struct bytes text, size_t at, const char *allowed)
{
    if (at >= text.len)
        return false;
    for (; *allowed != '\0'; allowed++)
        if (text.data[at] == *allowed)
            return true;
    return false;
}

/* Seconds since 1970 of the first 19 characters, read as UTC. */
static bool read_date_and_time(struct bytes text, int64_t *ret_seconds)
{
    int64_t year, month, day, hour, minute, second;
    bool has_form = read_number(text, 0, 4, &year) && has_byte(text, 4, "-") &&
                    read_number(text, 5, 2, &month) && has_byte(text, 7, "-") &&
                    read_number(text, 8, 2, &day) && has_byte(text, 10, "Tt") &&
                    read_number(text, 11, 2, &hour) && has_byte(text, 13, ":") &&
                    read_number(text, 14, 2, &minute) && has_byte(text, 16, ":") &&
                    read_number(text, 17, 2, &second);
    if (!has_form || year < YEAR_FIRST || month < 1 || month > 12 || day < 1 ||
        day > days_of_month(year, month) || hour > 23 || minute > 59 || second > 60)
        return false;
    int64_t days = days_before_year(year) + day - 1;
    for (int64_t before = 1; before < month; before++)
        days += days_of_month(year, before);
    *ret_seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    return true;
}

/* ".123456" cut to milliseconds; `*at` moves behind it. */
static bool read_fraction(struct bytes text, size_t *at, int64_t *ret_ms)
{
    *ret_ms = 0;
    if (!has_byte(text, *at, "."))
        return true;
    size_t first = ++*at;
    int64_t weight = 100;
    for (; *at < text.len && is_digit(text.data[*at]); ++*at) {
        *ret_ms += weight * (text.data[*at] - '0');
        weight /= 10;
    }
    return *at > first;
}

/* "Z" or "+06:00", which must end the text; the seconds that local time is ahead of UTC. */
static bool read_offset(struct bytes text, size_t at, int64_t *ret_seconds)
{
    *ret_seconds = 0;
    if (has_byte(text, at, "Zz"))
        return at + 1 == text.len;
    int64_t hours, minutes;
    if (!has_byte(text, at, "+-") || at + 6 != text.len || !read_number(text, at + 1, 2, &hours) ||
        !has_byte(text, at + 3, ":") || !read_number(text, at + 4, 2, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    int64_t ahead = hours * 3600 + minutes * 60;
    *ret_seconds = text.data[at] == '-' ? -ahead : ahead;
    return true;
}

enum status rfc3339_parse(struct bytes text, int64_t *ret_ms)
{
    int64_t seconds, fraction_ms, ahead;
    size_t at = DATE_AND_TIME_LEN;
    if (!read_date_and_time(text, &seconds) || !read_fraction(text, &at, &fraction_ms) ||
        !read_offset(text, at, &ahead))
        return STATUS_SYNTAX;
    int64_t ms = (seconds - ahead) * 1000 + fraction_ms;
    if (ms < 0)
        return STATUS_SYNTAX;
    *ret_ms = ms;
    return STATUS_OK;
}

static void put_number(struct buffer *buffer, int64_t value, size_t digits)
{
    char text[8];
    for (size_t i = digits; i > 0; i--) {
        text[i - 1] = (char) ('0' + value % 10);
        value /= 10;
    }
    buffer_put(buffer, (struct bytes){text, digits});
}

void rfc3339_put(struct buffer *buffer, int64_t ms)
{
    must(ms >= 0);
    int64_t days = ms / 1000 / SECONDS_PER_DAY;
    int64_t second = ms / 1000 % SECONDS_PER_DAY;
    int64_t year = YEAR_FIRST + days / 366; /* never too late; the loop makes up the rest */
    while (days_before_year(year + 1) <= days)
        year++;
    must(year <= YEAR_LAST);
    days -= days_before_year(year);
    int64_t month = 1;
    for (; days >= days_of_month(year, month); month++)
        days -= days_of_month(year, month);
    put_number(buffer, year, 4);
    buffer_put_byte(buffer, '-');
    put_number(buffer, month, 2);
    buffer_put_byte(buffer, '-');
    put_number(buffer, days + 1, 2);
    buffer_put_byte(buffer, 'T');
    put_number(buffer, second / 3600, 2);
    buffer_put_byte(buffer, ':');
    put_number(buffer, second / 60 % 60, 2);
    buffer_put_byte(buffer, ':');
    put_number(buffer, second % 60, 2);
    buffer_put_byte(buffer, '.');
    put_number(buffer, ms % 1000, 3);
    buffer_put_byte(buffer, 'Z');
}
