/* Reads and writes amounts without floating point. */
#include "amount.h"

#include <stdio.h>

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

enum status amount_read(struct bytes text, size_t digits_max, int64_t *ret_minor)
{
    int64_t minor = 0;
    size_t i = 0;
    for (; i < text.len && is_digit(text.data[i]); i++) {
        if (i == digits_max)
            return STATUS_SYNTAX;
        minor = minor * 10 + (text.data[i] - '0');
    }
    if (i == 0)
        return STATUS_SYNTAX;
    minor *= 100;
    if (i < text.len) {
        size_t decimals = text.len - i - 1;
        if (text.data[i] != '.' || decimals < 1 || decimals > 2 || !is_digit(text.data[i + 1]) ||
            !is_digit(text.data[text.len - 1]))
            return STATUS_SYNTAX;
        minor += 10 * (int64_t) (text.data[i + 1] - '0');
        if (decimals == 2)
            minor += text.data[i + 2] - '0';
    }
    *ret_minor = minor;
    return STATUS_OK;
}

void amount_write(int64_t minor, char ret_text[static AMOUNT_TEXT_MAX])
{
    long long units = (long long) (minor / 100);
    int hundredths = (int) (minor % 100);
    if (hundredths == 0)
        snprintf(ret_text, AMOUNT_TEXT_MAX, "%lld", units);
    else
        snprintf(ret_text, AMOUNT_TEXT_MAX, "%lld.%02d", units, hundredths);
}
