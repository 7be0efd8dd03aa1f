/* What the gateway would refuse in a payout request before it thinks of money. */
#include "call.h"

#include "amount.h"

#include <string.h>

enum {
    TEXT_MAX = 255,
    DESCRIPTION_BYTES_MAX = 4 * TEXT_MAX, /* it is measured in letters */
    PAN_MIN = 13,
    PAN_MAX = 20,
    UUID_LEN = 36,
    IBAN_LEN = 20,
    IIN_LEN = 12,
};

struct required {
    const char *name;
    const char *complaint;
};
#define REQUIRED(name)           \
    {                            \
        name, name " is missing" \
    }

static const struct required common[] = {
    REQUIRED("pg_merchant_id"), REQUIRED("pg_order_id"),    REQUIRED("pg_amount"),
    REQUIRED("pg_salt"),        REQUIRED("pg_description"),
};
static const struct required for_card[] = {REQUIRED("pg_payment_to"), REQUIRED("pg_post_link")};
static const struct required for_token[] = {
    REQUIRED("pg_card_token_to"),
    REQUIRED("pg_user_id"),
    REQUIRED("pg_order_time_limit"),
    REQUIRED("pg_post_link"),
};
static const struct required for_iban[] = {
    REQUIRED("pg_recipient_iban"), REQUIRED("pg_recipient_iin"), REQUIRED("pg_recipient_name"),
    REQUIRED("pg_recipient_kbe"),  REQUIRED("pg_knp"),           REQUIRED("pg_bank_bik"),
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const char *find_missing(const struct form_fields *fields, const struct required *rows,
                                size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (form_value(fields, rows[i].name).len == 0)
            return rows[i].complaint;
    return NULL;
}

static const char *find_missing_of(const struct call *call)
{
    const char *complaint = find_missing(call->fields, common, COUNT_OF(common));
    if (complaint != NULL)
        return complaint;
    if (call->method == CALL_CARD)
        return find_missing(call->fields, for_card, COUNT_OF(for_card));
    if (call->method == CALL_TOKEN)
        return find_missing(call->fields, for_token, COUNT_OF(for_token));
    return find_missing(call->fields, for_iban, COUNT_OF(for_iban));
}

static bool is_made_of(struct bytes text, const char *allowed)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\0' || strchr(allowed, text.data[i]) == NULL)
            return false;
    return true;
}

#define DIGITS "0123456789"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"

static bool is_uuid(struct bytes text)
{
    if (text.len != UUID_LEN || !is_made_of(text, DIGITS "abcdefABCDEF-"))
        return false;
    for (size_t i = 0; i < UUID_LEN; i++)
        if ((text.data[i] == '-') != (i == 8 || i == 13 || i == 18 || i == 23))
            return false;
    return true;
}

static bool is_iban(struct bytes text)
{
    return text.len == IBAN_LEN && memcmp(text.data, "KZ", 2) == 0 &&
           is_made_of((struct bytes){text.data + 2, 2}, DIGITS) &&
           is_made_of((struct bytes){text.data + 4, IBAN_LEN - 4}, DIGITS UPPER);
}

struct bytes check_payee(const struct call *call)
{
    if (call->method == CALL_CARD)
        return form_value(call->fields, "pg_payment_to");
    return form_value(call->fields,
                      call->method == CALL_TOKEN ? "pg_card_token_to" : "pg_recipient_iban");
}

static const char *find_wrong_payee(const struct call *call)
{
    struct bytes payee = check_payee(call);
    if (call->method == CALL_TOKEN)
        return is_uuid(payee) ? NULL : "pg_card_token_to is not a UUID";
    if (call->method == CALL_IBAN) {
        struct bytes iin = form_value(call->fields, "pg_recipient_iin");
        if (iin.len != IIN_LEN || !is_made_of(iin, DIGITS))
            return "pg_recipient_iin is not 12 digits";
        return is_iban(payee) ? NULL : "pg_recipient_iban is not KZ and 18 letters or digits";
    }
    bool is_pan = payee.len >= PAN_MIN && payee.len <= PAN_MAX && is_made_of(payee, DIGITS);
    return is_pan ? NULL : "pg_payment_to is not 13 to 20 digits";
}

static const char *find_wrong_text(const struct form_fields *fields)
{
    struct bytes user = form_value(fields, "pg_user_id");
    struct bytes currency = form_value(fields, "pg_currency");
    if (form_value(fields, "pg_order_id").len > BOOK_ORDER_ID_MAX)
        return "pg_order_id is longer than 50";
    if (form_value(fields, "pg_description").len > DESCRIPTION_BYTES_MAX)
        return "pg_description is too long";
    if (form_value(fields, "pg_post_link").len > TEXT_MAX)
        return "pg_post_link is longer than 255";
    if (form_value(fields, "pg_idempotency_key").len > TEXT_MAX)
        return "pg_idempotency_key is longer than 255";
    if (user.len > 50 || !is_made_of(user, DIGITS UPPER LOWER "-_"))
        return "pg_user_id is not 1 to 50 letters, digits, - and _";
    if (!bytes_is_none(currency) && (currency.len != 3 || !is_made_of(currency, UPPER)))
        return "pg_currency is not three capital letters";
    return NULL;
}

const char *check_payout(const struct call *call, int64_t *ret_amount_minor)
{
    const char *complaint = find_missing_of(call);
    if (complaint == NULL)
        complaint = find_wrong_text(call->fields);
    if (complaint == NULL)
        complaint = find_wrong_payee(call);
    if (complaint != NULL)
        return complaint;
    struct bytes amount = form_value(call->fields, "pg_amount");
    if (amount_read(amount, AMOUNT_PAYOUT_DIGITS, ret_amount_minor) != STATUS_OK ||
        *ret_amount_minor < 1)
        return "pg_amount is not 0.01 to 99999999";
    return NULL;
}

void check_mask(enum call_method method, struct bytes payee,
                char ret_text[static BOOK_DESTINATION_MAX + 1])
{
    size_t shown = method == CALL_CARD ? 6 : 4;
    size_t len = payee.len > BOOK_DESTINATION_MAX ? BOOK_DESTINATION_MAX : payee.len;
    bool is_short = payee.len < shown + 8;
    for (size_t i = 0; i < len; i++) {
        bool visible = !is_short && (i < shown || i + 4 >= payee.len);
        ret_text[i] = '*';
        if (visible)
            ret_text[i] = payee.data[i];
    }
    ret_text[len] = '\0';
}
