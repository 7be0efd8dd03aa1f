/* Exact amounts: what a command asks for and what a gateway says it paid (see money.h). */
#include "payoutd/domain/money.h"

#include <string.h>

enum { WHOLE_DIGITS_MAX = 8, REPLY_WHOLE_DIGITS_MAX = 12, REPLY_FRACTION_DIGITS_MAX = 4 };

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static size_t count_digits(struct bytes text, size_t from)
{
    size_t at = from;
    while (at < text.len && is_digit(text.data[at]))
        at++;
    return at - from;
}

/* Hundredths of "12", "12.3", "12.34"; digits behind the second must be zeros. */
static enum status parse_decimal(struct bytes text, size_t whole_max, size_t fraction_max,
                                 int64_t *ret_minor)
{
    size_t whole = count_digits(text, 0);
    if (whole == 0 || whole > whole_max)
        return STATUS_BAD_FIELD;
    int64_t minor = 0;
    for (size_t i = 0; i < whole; i++)
        minor = minor * 10 + (text.data[i] - '0');
    minor *= 100;
    if (whole < text.len) {
        size_t fraction = count_digits(text, whole + 1);
        if (text.data[whole] != '.' || fraction == 0 || fraction > fraction_max ||
            whole + 1 + fraction != text.len)
            return STATUS_BAD_FIELD;
        const char *digits = text.data + whole + 1;
        minor += (digits[0] - '0') * 10 + (fraction > 1 ? digits[1] - '0' : 0);
        for (size_t i = 2; i < fraction; i++)
            if (digits[i] != '0')
                return STATUS_BAD_FIELD;
    }
    *ret_minor = minor;
    return STATUS_OK;
}

static bool is_currency(struct bytes currency)
{
    if (currency.len != 3)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (currency.data[i] < 'A' || currency.data[i] > 'Z')
            return false;
    return true;
}

enum status money_parse(struct bytes text, struct bytes currency, struct money *ret_money)
{
    int64_t minor = 0;
    TRY(parse_decimal(text, WHOLE_DIGITS_MAX, 2, &minor));
    bool has_leading_zero = text.len > 1 && text.data[0] == '0' && text.data[1] != '.';
    if (minor == 0 || has_leading_zero || !is_currency(currency))
        return STATUS_BAD_FIELD;
    *ret_money = (struct money){.amount_minor = minor, .text = text};
    memcpy(ret_money->currency, currency.data, 3);
    return STATUS_OK;
}

enum status money_parse_reply(struct bytes text, int64_t *ret_amount_minor)
{
    return parse_decimal(text, REPLY_WHOLE_DIGITS_MAX, REPLY_FRACTION_DIGITS_MAX, ret_amount_minor);
}

bool money_same_amount(const struct money *money, int64_t amount_minor)
{
    return money->amount_minor == amount_minor;
}
