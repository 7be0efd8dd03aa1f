/* The contract's rules for the values of a command (docs/EVENTS.md, Command data). */
#include "command_words.h"

#include "payoutd/codec/json_reader.h"
#include "payoutd/codec/rfc3339.h"

#include <string.h>

enum { DESCRIPTION_MAX = 255, NAME_MAX_CHARACTERS = 100, TOKEN_MAX = 64, JWE_PARTS = 5 };

typedef bool text_check(struct bytes text);

static bool is_letter_or_digit(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z');
}

static bool is_url_word(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_letter_or_digit(text.data[i]) && text.data[i] != '-' && text.data[i] != '_')
            return false;
    return true;
}

static bool is_digits(struct bytes text, size_t len)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return text.len == len;
}

static bool is_description(struct bytes text)
{
    return text.len > 0 && json_characters(text) <= DESCRIPTION_MAX && !json_has_control(text);
}

static bool is_recipient_name(struct bytes text)
{
    return text.len > 0 && json_characters(text) <= NAME_MAX_CHARACTERS && !json_has_control(text);
}

static bool is_token(struct bytes text)
{
    return text.len > 0 && text.len <= TOKEN_MAX && is_url_word(text) && !order_pan_is_valid(text);
}

static bool is_kbe(struct bytes text)
{
    return is_digits(text, 2);
}

static bool is_knp(struct bytes text)
{
    return is_digits(text, 3);
}

static bool is_bic(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_letter_or_digit(text.data[i]) || (text.data[i] >= 'a' && text.data[i] <= 'z'))
            return false;
    return text.len >= 6 && text.len <= 11;
}

/* Compact JWE (RFC 7516, 7.1): only the encrypted key may be empty. */
static bool is_jwe(struct bytes text)
{
    size_t part = 0, part_len = 0;
    for (size_t i = 0; i <= text.len; i++) {
        bool ends_part = i == text.len || text.data[i] == '.';
        if (!ends_part && !is_url_word((struct bytes){text.data + i, 1}))
            return false;
        part_len += !ends_part;
        if (!ends_part)
            continue;
        if (part_len % 4 == 1 || (part_len == 0 && part != 1))
            return false;
        part++;
        part_len = 0;
    }
    return part == JWE_PARTS;
}

/* The value when it is there and passes; absent otherwise. */
static struct bytes checked(struct command_words *words, enum command_field field,
                            text_check *is_valid, const char *rule)
{
    struct bytes text = words->fields[field];
    if (bytes_is_none(text) || is_valid(text))
        return text;
    command_words_refuse(words, STATUS_BAD_FIELD, command_field_path(field), rule);
    return BYTES_NONE;
}

static void need(struct command_words *words, enum command_field field, const char *rule)
{
    if (!words->seen[field])
        command_words_refuse(words, STATUS_MISSING_FIELD, command_field_path(field), rule);
}

static void forbid(struct command_words *words, enum command_field field, const char *rule)
{
    if (words->seen[field])
        command_words_refuse(words, STATUS_BAD_FIELD, command_field_path(field), rule);
}

static bool is_allowed_currency(const struct command_rules *rules, struct bytes currency)
{
    for (size_t i = 0; i < rules->currencies_count; i++)
        if (bytes_equal(rules->currencies[i], currency))
            return true;
    return false;
}

static void check_amount(struct command_words *words, struct money *amount)
{
    need(words, FIELD_AMOUNT_VALUE, "is required");
    need(words, FIELD_AMOUNT_CURRENCY, "is required");
    struct bytes value = words->fields[FIELD_AMOUNT_VALUE];
    struct bytes currency = words->fields[FIELD_AMOUNT_CURRENCY];
    struct money parsed;
    /* Each is judged alone, so that the message names the one that is wrong. */
    if (!bytes_is_none(value) && money_parse(value, BYTES("KZT"), &parsed) != STATUS_OK)
        command_words_refuse(words, STATUS_BAD_FIELD, "amount.value",
                             "must be a decimal above zero, at most 8 digits and 2 decimals");
    bool has_currency = is_allowed_currency(words->rules, currency) &&
                        money_parse(BYTES("1"), currency, &parsed) == STATUS_OK;
    if (!bytes_is_none(currency) && !has_currency)
        command_words_refuse(words, STATUS_BAD_FIELD, "amount.currency",
                             "must be one of the configured currencies");
    if (has_currency && !bytes_is_none(value) && money_parse(value, currency, &parsed) == STATUS_OK)
        *amount = parsed;
}

static bool is_link_byte(char byte)
{
    return is_letter_or_digit(byte) || (byte != '\0' && strchr("-._~/%:!$&'()*+,;=", byte) != NULL);
}

/* https, a host, a path with a last segment: the signature of callbacks depends on that segment. */
static bool is_post_link(struct bytes link, struct bytes *ret_host)
{
    const struct bytes scheme = BYTES("https://");
    if (link.len > 255 || !bytes_starts_with(link, scheme))
        return false;
    for (size_t i = 0; i < link.len; i++)
        if (!is_link_byte(link.data[i]))
            return false;
    struct bytes rest = {link.data + scheme.len, link.len - scheme.len};
    const char *slash = rest.len == 0 ? NULL : memchr(rest.data, '/', rest.len);
    if (slash == NULL || slash == rest.data || rest.data[rest.len - 1] == '/')
        return false;
    *ret_host = (struct bytes){rest.data, (size_t) (slash - rest.data)};
    return true;
}

static void check_post_link(struct command_words *words, struct command *command)
{
    struct bytes link = words->fields[FIELD_POST_LINK], host = BYTES_NONE;
    if (bytes_is_none(link))
        return;
    if (!is_post_link(link, &host)) {
        command_words_refuse(
            words, STATUS_BAD_FIELD, "post_link",
            "must be an https link of at most 255 characters to a path, without query");
        return;
    }
    const struct command_rules *rules = words->rules;
    for (size_t i = 0; i < rules->post_link_hosts_count; i++)
        if (bytes_equal(rules->post_link_hosts[i], host))
            command->post_link = link;
    if (bytes_is_none(command->post_link))
        command_words_refuse(words, STATUS_BAD_FIELD, "post_link",
                             "must name one of the configured hosts");
}

static int64_t check_time(struct command_words *words, enum command_field field)
{
    struct bytes text = words->fields[field];
    int64_t ms = 0;
    if (!bytes_is_none(text) && (rfc3339_parse(text, &ms) != STATUS_OK || ms == 0))
        command_words_refuse(words, STATUS_BAD_FIELD, command_field_path(field),
                             "must be a date and time of RFC 3339 with an offset, after 1970");
    return ms;
}

static void check_card(struct command_words *words, struct destination *destination)
{
    bool has_plain = words->seen[FIELD_PAN];
    if (!has_plain)
        need(words, FIELD_PAN_JWE, "is required for a card");
    else if (!words->rules->allow_plaintext_pan)
        command_words_refuse(words, STATUS_BAD_FIELD, "destination.pan",
                             "must not be sent in the clear: use pan_jwe");
    if (has_plain)
        forbid(words, FIELD_PAN_JWE, "must not stand beside a card number in the clear");
    if (words->rules->allow_plaintext_pan)
        destination->pan = checked(words, FIELD_PAN, order_pan_is_valid,
                                   "must be 13 to 19 digits with a right check digit");
    destination->pan_jwe = checked(words, FIELD_PAN_JWE, is_jwe, "must be a compact JWE");
}

static void check_token(struct command_words *words, struct destination *destination)
{
    need(words, FIELD_TOKEN, "is required for a card token");
    need(words, FIELD_USER_ID, "is required for a card token");
    destination->token = checked(words, FIELD_TOKEN, is_token,
                                 "must be 1 to 64 letters, digits, '-' or '_', and no card number");
}

static void check_iban(struct command_words *words, struct destination *destination)
{
    for (enum command_field field = FIELD_IBAN; field <= FIELD_BIC; field++)
        need(words, field, "is required for an IBAN");
    destination->iban =
        checked(words, FIELD_IBAN, order_iban_is_valid, "must be an IBAN with right check digits");
    destination->recipient_name = checked(words, FIELD_RECIPIENT_NAME, is_recipient_name,
                                          "must be 1 to 100 characters, none of control");
    destination->recipient_iin =
        checked(words, FIELD_RECIPIENT_IIN, order_iin_is_valid, "must be 12 digits");
    destination->kbe = checked(words, FIELD_KBE, is_kbe, "must be 2 digits");
    destination->knp = checked(words, FIELD_KNP, is_knp, "must be 3 digits");
    destination->bic =
        checked(words, FIELD_BIC, is_bic, "must be 6 to 11 upper-case letters or digits");
}

static void forbid_range(struct command_words *words, enum command_field first,
                         enum command_field last)
{
    for (enum command_field field = first; field <= last; field++)
        forbid(words, field, "does not belong to this destination.type");
}

static void check_destination(struct command_words *words, struct destination *destination)
{
    need(words, FIELD_TYPE, "is required");
    struct bytes type = words->fields[FIELD_TYPE];
    if (bytes_equal_text(type, "card")) {
        destination->type = DESTINATION_CARD;
        forbid_range(words, FIELD_TOKEN, FIELD_BIC);
        check_card(words, destination);
    } else if (bytes_equal_text(type, "card_token")) {
        destination->type = DESTINATION_CARD_TOKEN;
        forbid_range(words, FIELD_PAN_JWE, FIELD_PAN);
        forbid_range(words, FIELD_IBAN, FIELD_BIC);
        check_token(words, destination);
    } else if (bytes_equal_text(type, "iban")) {
        destination->type = DESTINATION_IBAN;
        forbid_range(words, FIELD_PAN_JWE, FIELD_TOKEN);
        forbid_range(words, FIELD_CARDHOLDER_NAME, FIELD_CARDHOLDER_NAME);
        check_iban(words, destination);
    } else {
        command_words_refuse(words, STATUS_BAD_FIELD, "destination.type",
                             "must be card, card_token or iban");
    }
    destination->cardholder_name = checked(words, FIELD_CARDHOLDER_NAME, order_cardholder_is_valid,
                                           "must be 1 to 100 Latin letters, dashes and spaces");
}

static void check_description(struct command_words *words, struct command *command)
{
    need(words, FIELD_DESCRIPTION, "is required");
    struct bytes text = checked(words, FIELD_DESCRIPTION, is_description,
                                "must be 1 to 255 characters, none of control");
    if (order_text_has_pan(text))
        command_words_refuse(words, STATUS_BAD_FIELD, "description", "must not hold a card number");
    else
        command->description = text;
}

void command_check(struct command_words *words, struct command *command)
{
    command_pg_names_finish(words);
    need(words, FIELD_ORDER_ID, "is required");
    command->order_id = checked(words, FIELD_ORDER_ID, order_id_is_valid,
                                "must be 1 to 50 letters, digits, '-' or '_'");
    check_amount(words, &command->amount);
    check_description(words, command);
    check_destination(words, &command->destination);
    command->merchant_id = checked(words, FIELD_MERCHANT_ID, order_id_is_valid,
                                   "must be 1 to 50 letters, digits, '-' or '_'");
    command->user_id = checked(words, FIELD_USER_ID, order_user_id_is_valid,
                               "must be 1 to 50 letters, digits, '-' or '_'");
    check_post_link(words, command);
    command->not_after_ms = check_time(words, FIELD_NOT_AFTER);
    command->requested_at_ms = check_time(words, FIELD_REQUESTED_AT);
    memcpy(command->metadata, words->metadata, sizeof command->metadata);
    command->metadata_count = words->metadata_count;
}
