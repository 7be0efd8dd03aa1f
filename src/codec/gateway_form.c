/* A command becomes the signed body of a request to the gateway: see gateway_form.h. */
#include "payoutd/codec/gateway_form.h"

#include <openssl/crypto.h>
#include <string.h>

enum { FIELDS_MAX = 24, BOUNDARY_MAX = 64, TIME_LEN = 19, IDEMPOTENCY_KEY_MAX = 64 };

/* The fields of one request, as views of what the caller gave. */
struct draft {
    struct field fields[FIELDS_MAX];
    size_t count;
    bool incomplete; /* a required field is absent or empty */
    char signature[SIGNATURE_LEN + 1];
};

static void put(struct draft *draft, struct bytes name, struct bytes value)
{
    if (bytes_is_none(value))
        return;
    must(draft->count < FIELDS_MAX);
    draft->fields[draft->count++] = (struct field){.name = name, .value = value};
}

static void put_required(struct draft *draft, struct bytes name, struct bytes value)
{
    if (value.len == 0)
        draft->incomplete = true;
    put(draft, name, value);
}

enum gateway_method gateway_method_of(enum destination_type type)
{
    static const enum gateway_method methods[] = {
        [DESTINATION_CARD] = GATEWAY_CARD,
        [DESTINATION_CARD_TOKEN] = GATEWAY_TOKEN,
        [DESTINATION_IBAN] = GATEWAY_IBAN,
    };
    must((unsigned) type < sizeof methods / sizeof methods[0]);
    return methods[type];
}

static const char hex_digits[] = "0123456789ABCDEF";

/* RFC 3986, 2.3 */
static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void put_encoded(struct buffer *body, struct bytes value)
{
    size_t at = 0;
    while (at < value.len) {
        size_t start = at;
        while (at < value.len && is_unreserved(value.data[at]))
            at++;
        buffer_put(body, (struct bytes){value.data + start, at - start});
        if (at == value.len)
            return;
        unsigned char byte = (unsigned char) value.data[at++];
        char escape[3] = {'%', hex_digits[byte >> 4], hex_digits[byte & 15]};
        buffer_put(body, byte == ' ' ? BYTES("+") : (struct bytes){escape, sizeof escape});
    }
}

static void write_urlencoded(const struct draft *draft, struct buffer *body)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (i > 0)
            buffer_put(body, BYTES("&"));
        buffer_put(body, draft->fields[i].name);
        buffer_put(body, BYTES("="));
        put_encoded(body, draft->fields[i].value);
    }
}

static bool occurs_in_a_value(const struct draft *draft, struct bytes text)
{
    for (size_t i = 0; i < draft->count; i++) {
        struct bytes value = draft->fields[i].value;
        if (memmem(value.data, value.len, text.data, text.len) != NULL)
            return true;
    }
    return false;
}

/*
 * The signature and a number: the same request gives the same boundary, and the number rises until
 * no value holds it. Finite values hold finitely many of the candidates.
 */
static struct bytes choose_boundary(const struct draft *draft, char place[static BOUNDARY_MAX])
{
    struct bytes boundary = BYTES_NONE;
    int64_t number = 0;
    do {
        struct buffer text;
        buffer_init(&text, place, BOUNDARY_MAX);
        buffer_put(&text, BYTES("payoutd-"));
        buffer_put(&text, (struct bytes){draft->signature, SIGNATURE_LEN});
        buffer_put(&text, BYTES("-"));
        buffer_put_int64(&text, number++);
        must(buffer_take(&text, &boundary) == STATUS_OK);
    } while (occurs_in_a_value(draft, boundary));
    return boundary;
}

static void write_multipart(const struct draft *draft, struct bytes boundary, struct buffer *body)
{
    for (size_t i = 0; i < draft->count; i++) {
        buffer_put(body, BYTES("--"));
        buffer_put(body, boundary);
        buffer_put(body, BYTES("\r\nContent-Disposition: form-data; name=\""));
        buffer_put(body, draft->fields[i].name);
        buffer_put(body, BYTES("\"\r\n\r\n"));
        buffer_put(body, draft->fields[i].value);
        buffer_put(body, BYTES("\r\n"));
    }
    buffer_put(body, BYTES("--"));
    buffer_put(body, boundary);
    buffer_put(body, BYTES("--\r\n"));
}

/* What did not fit is cleansed: it may hold a card number, and the arena wipes only what was kept.
 */
static enum status keep(struct arena *arena, struct buffer *written, struct bytes *ret_bytes)
{
    enum status status = arena_keep(arena, written, ret_bytes);
    if (status != STATUS_OK)
        OPENSSL_cleanse(written->data, written->len);
    return status;
}

static enum status write_form(const struct draft *draft, enum form_encoding encoding,
                              struct arena *arena, struct form *ret_form)
{
    char place[BOUNDARY_MAX];
    struct form form = {.content_type = BYTES("application/x-www-form-urlencoded")};
    struct buffer body = arena_rest(arena);
    switch (encoding) {
    case FORM_URLENCODED:
        write_urlencoded(draft, &body);
        TRY(keep(arena, &body, &form.body));
        break;
    case FORM_MULTIPART: {
        struct bytes boundary = choose_boundary(draft, place);
        write_multipart(draft, boundary, &body);
        TRY(keep(arena, &body, &form.body));
        struct buffer type = arena_rest(arena);
        buffer_put(&type, BYTES("multipart/form-data; boundary="));
        buffer_put(&type, boundary);
        TRY(keep(arena, &type, &form.content_type));
        break;
    }
    }
    *ret_form = form;
    return STATUS_OK;
}

/* Adds salt and signature, and writes the body. */
static enum status finish(struct draft *draft, const struct gateway_profile *profile,
                          enum gateway_method method, struct bytes salt, struct arena *arena,
                          struct form *ret_form)
{
    put_required(draft, BYTES("pg_salt"), salt);
    if (draft->incomplete)
        return STATUS_MISSING_FIELD;
    TRY(signature_make(signature_script(profile->paths[method]), draft->fields, draft->count,
                       profile->secret, draft->signature));
    put(draft, BYTES("pg_sig"), (struct bytes){draft->signature, SIGNATURE_LEN});
    return write_form(draft, profile->encoding, arena, ret_form);
}

static void put_digits(char *at, int64_t value, size_t width)
{
    for (size_t i = width; i > 0; i--) {
        at[i - 1] = (char) ('0' + value % 10);
        value /= 10;
    }
}

/*
 * Days since 1970-01-01 as a date of the Gregorian calendar, counted in 400-year eras that begin on
 * 1 March, so that the leap day is the last day of a year.
 */
static void put_date(char *at, int64_t days)
{
    int64_t shifted = days + 719468; /* since 0000-03-01 */
    int64_t era = shifted / 146097;
    int64_t day_of_era = shifted % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    put_digits(at, era * 400 + year_of_era + (month <= 2 ? 1 : 0), 4);
    put_digits(at + 5, month, 2);
    put_digits(at + 8, day, 2);
}

/* YYYY-MM-DD HH:MM:SS in UTC; needs no libc clock. */
static struct bytes time_text(int64_t unix_s, char place[static TIME_LEN])
{
    must(unix_s >= 0);
    int64_t second = unix_s % 86400;
    memcpy(place, "0000-00-00 00:00:00", TIME_LEN);
    put_date(place, unix_s / 86400);
    put_digits(place + 11, second / 3600, 2);
    put_digits(place + 14, second / 60 % 60, 2);
    put_digits(place + 17, second % 60, 2);
    return (struct bytes){place, TIME_LEN};
}

static struct bytes idempotency_key(struct bytes order_id, int32_t attempt,
                                    char place[static IDEMPOTENCY_KEY_MAX])
{
    struct bytes key = BYTES_NONE;
    struct buffer text;
    buffer_init(&text, place, IDEMPOTENCY_KEY_MAX);
    buffer_put(&text, order_id);
    buffer_put(&text, BYTES("-"));
    buffer_put_int64(&text, attempt);
    must(buffer_take(&text, &key) == STATUS_OK);
    return key;
}

static void put_iban(struct draft *draft, const struct destination *to)
{
    put_required(draft, BYTES("pg_recipient_iban"), to->iban);
    put_required(draft, BYTES("pg_recipient_iin"), to->recipient_iin);
    put_required(draft, BYTES("pg_recipient_name"), to->recipient_name);
    put_required(draft, BYTES("pg_recipient_kbe"), to->kbe);
    put_required(draft, BYTES("pg_knp"), to->knp);
    put_required(draft, BYTES("pg_bank_bik"), to->bic);
}

/* What card and token payouts share. */
static void put_card_facts(struct draft *draft, const struct command *command)
{
    if (command->amount.currency[0] != '\0')
        put(draft, BYTES("pg_currency"), bytes_of(command->amount.currency));
    put(draft, BYTES("pg_card_name"), command->destination.cardholder_name);
}

static void put_destination(struct draft *draft, const struct command *command, struct bytes limit)
{
    const struct destination *to = &command->destination;
    switch (to->type) {
    case DESTINATION_CARD:
        put_card_facts(draft, command);
        put(draft, BYTES("pg_user_id"), command->user_id);
        put_required(draft, BYTES("pg_payment_to"), to->pan);
        return;
    case DESTINATION_CARD_TOKEN:
        put_card_facts(draft, command);
        put_required(draft, BYTES("pg_user_id"), command->user_id);
        put_required(draft, BYTES("pg_card_token_to"), to->token);
        put(draft, BYTES("pg_order_time_limit"), limit);
        return;
    case DESTINATION_IBAN:
        put_iban(draft, to);
        return;
    }
}

enum status gateway_form_payout(const struct gateway_profile *profile,
                                const struct command *command, int32_t attempt, int64_t wall_ms,
                                struct bytes salt, struct arena *arena, struct form *ret_form)
{
    char limit[TIME_LEN];
    char key[IDEMPOTENCY_KEY_MAX];
    struct draft draft;
    draft.count = 0;
    draft.incomplete = false;
    put_required(&draft, BYTES("pg_merchant_id"), profile->merchant_id);
    put_required(&draft, BYTES("pg_order_id"), command->order_id);
    put_required(&draft, BYTES("pg_amount"), command->amount.text);
    put_required(&draft, BYTES("pg_description"), command->description);
    put_destination(&draft, command,
                    time_text(wall_ms / 1000 + profile->order_time_limit_s, limit));
    put(&draft, BYTES("pg_post_link"),
        bytes_is_none(command->post_link) ? profile->post_link : command->post_link);
    if (profile->idempotency_key)
        put(&draft, BYTES("pg_idempotency_key"), idempotency_key(command->order_id, attempt, key));
    return finish(&draft, profile, gateway_method_of(command->destination.type), salt, arena,
                  ret_form);
}

enum status gateway_form_status(const struct gateway_profile *profile, struct bytes order_id,
                                struct bytes payment_id, struct bytes salt, struct arena *arena,
                                struct form *ret_form)
{
    struct draft draft;
    draft.count = 0;
    draft.incomplete = false;
    put_required(&draft, BYTES("pg_merchant_id"), profile->merchant_id);
    put_required(&draft, BYTES("pg_order_id"), order_id);
    put(&draft, BYTES("pg_payment_id"), payment_id);
    return finish(&draft, profile, GATEWAY_STATUS, salt, arena, ret_form);
}

enum status gateway_form_balance(const struct gateway_profile *profile, struct bytes salt,
                                 struct arena *arena, struct form *ret_form)
{
    struct draft draft;
    draft.count = 0;
    draft.incomplete = false;
    put_required(&draft, BYTES("pg_merchant_id"), profile->merchant_id);
    return finish(&draft, profile, GATEWAY_BALANCE, salt, arena, ret_form);
}
