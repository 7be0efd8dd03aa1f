/* The contract's checks of a command's fields, and how a destination is shown (see order.h). */
#include "payoutd/domain/order.h"

enum {
    PAN_LEN_MIN = 13,
    PAN_LEN_MAX = 19,
    PAN_SHOWN_FIRST = 6,
    SHOWN_LAST = 4,
    SHOWN_FIRST = 4,
    SHOWN_LEN_MIN = 12, /* of anything shorter, first and last would be most of it */
    IBAN_LEN_MIN = 15,
    IBAN_LEN_MAX = 34,
    CARDHOLDER_LEN_MAX = 100,
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_upper(char byte)
{
    return byte >= 'A' && byte <= 'Z';
}

static bool is_letter(char byte)
{
    return is_upper(byte) || (byte >= 'a' && byte <= 'z');
}

static bool are_all_digits(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_digit(text.data[i]))
            return false;
    return true;
}

const char *destination_type_name(enum destination_type type)
{
    switch (type) {
    case DESTINATION_CARD:
        return "card";
    case DESTINATION_CARD_TOKEN:
        return "card_token";
    case DESTINATION_IBAN:
        return "iban";
    }
    must(!"destination type is in its list");
    return NULL;
}

bool order_id_is_valid(struct bytes id)
{
    if (id.len < 1 || id.len > ORDER_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char byte = id.data[i];
        if (!is_letter(byte) && !is_digit(byte) && byte != '_' && byte != '-')
            return false;
    }
    return true;
}

bool order_user_id_is_valid(struct bytes id)
{
    return order_id_is_valid(id); /* the gateway gives both the same form */
}

/* ISO/IEC 7812: every second digit from the right is doubled, its digits summed. */
static bool passes_luhn(const char *digits, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned) (digits[len - 1 - i] - '0');
        if (i % 2 == 1)
            digit = digit < 5 ? digit * 2 : digit * 2 - 9;
        sum += digit;
    }
    return sum % 10 == 0;
}

bool order_pan_is_valid(struct bytes pan)
{
    return pan.len >= PAN_LEN_MIN && pan.len <= PAN_LEN_MAX && are_all_digits(pan) &&
           passes_luhn(pan.data, pan.len);
}

static bool has_iban_form(struct bytes iban)
{
    if (iban.len < IBAN_LEN_MIN || iban.len > IBAN_LEN_MAX)
        return false;
    if (!is_upper(iban.data[0]) || !is_upper(iban.data[1]) || !is_digit(iban.data[2]) ||
        !is_digit(iban.data[3]))
        return false;
    for (size_t i = 4; i < iban.len; i++)
        if (!is_upper(iban.data[i]) && !is_digit(iban.data[i]))
            return false;
    return true;
}

bool order_iban_is_valid(struct bytes iban)
{
    if (!has_iban_form(iban))
        return false;
    unsigned remainder =
        0; /* of the text that begins at the fifth character, letters as 10 ... 35 */
    for (size_t i = 0; i < iban.len; i++) {
        char byte = iban.data[(i + 4) % iban.len];
        if (is_digit(byte))
            remainder = (remainder * 10 + (unsigned) (byte - '0')) % 97;
        else
            remainder = (remainder * 100 + (unsigned) (byte - 'A') + 10) % 97;
    }
    return remainder == 1;
}

bool order_iin_is_valid(struct bytes iin)
{
    return iin.len == 12 && are_all_digits(iin);
}

bool order_cardholder_is_valid(struct bytes name)
{
    if (name.len < 1 || name.len > CARDHOLDER_LEN_MAX)
        return false;
    bool has_letter = false;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_letter(name.data[i]) && name.data[i] != '-' && name.data[i] != ' ')
            return false;
        has_letter |= is_letter(name.data[i]);
    }
    return has_letter;
}

static bool is_pan_separator(char byte)
{
    return byte == ' ' || byte == '-' || byte == '\t' || byte == '\n' || byte == '\r';
}

/*
 * ISO/IEC 7812: 0 is for future use, 1 airlines and 7 petroleum; no bank issues cards under these.
 */
static bool is_bank_digit(char digit)
{
    return is_digit(digit) && digit != '0' && digit != '1' && digit != '7';
}

/* A group of digits begins at `from`: do it and the groups behind it, taken together, make a
 * number? */
static bool groups_from_make_pan(struct bytes text, size_t from)
{
    char digits[PAN_LEN_MAX];
    size_t count = 0;
    for (size_t at = from; at < text.len; at++) {
        if (is_pan_separator(text.data[at]))
            continue;
        if (!is_digit(text.data[at]) || count == PAN_LEN_MAX)
            return false;
        digits[count++] = text.data[at];
        bool ends_group = at + 1 == text.len || !is_digit(text.data[at + 1]);
        if (ends_group && count >= PAN_LEN_MIN && passes_luhn(digits, count))
            return true;
    }
    return false;
}

bool order_text_has_pan(struct bytes text)
{
    for (size_t at = 0; at < text.len; at++) {
        bool is_inside_group = at > 0 && is_digit(text.data[at - 1]);
        if (!is_inside_group && is_bank_digit(text.data[at]) && groups_from_make_pan(text, at))
            return true;
    }
    return false;
}

static void put_masked(struct bytes text, size_t first, size_t stars, struct buffer *ret)
{
    if (bytes_is_none(text))
        return;
    bool is_shown = text.len >= SHOWN_LEN_MIN;
    if (is_shown)
        buffer_put(ret, (struct bytes){text.data, first});
    for (size_t i = 0; i < stars; i++)
        buffer_put_byte(ret, '*');
    if (is_shown)
        buffer_put(ret, (struct bytes){text.data + text.len - SHOWN_LAST, SHOWN_LAST});
}

void order_mask_destination(const struct destination *destination, struct buffer *ret)
{
    struct bytes pan = destination->pan;
    switch (destination->type) {
    case DESTINATION_CARD:
        if (pan.len >= PAN_LEN_MIN && pan.len <= PAN_LEN_MAX)
            put_masked(pan, PAN_SHOWN_FIRST, pan.len - PAN_SHOWN_FIRST - SHOWN_LAST, ret);
        break;
    case DESTINATION_CARD_TOKEN:
        put_masked(destination->token, SHOWN_FIRST, 6, ret);
        break;
    case DESTINATION_IBAN:
        put_masked(destination->iban, SHOWN_FIRST, 6, ret);
        break;
    }
}
