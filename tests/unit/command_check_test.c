/* Values that the contract does not allow: each is refused by name, and its order stays known. */
#include "command_support.h"

struct bad_value {
    const char *json, *message;
};

static void assert_all_refused(const char *before, const char *after, const struct bad_value *rows,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[2048];
        snprintf(text, sizeof text, "%s%s%s", before, rows[i].json, after);
        assert_refused(text, STATUS_BAD_FIELD, rows[i].message);
    }
}

static void values_outside_of_their_rules_are_refused(void **state)
{
    (void) state;
#define LINK_RULE \
    "post_link: must be an https link of at most 255 characters to a path, without query"
#define TIME_RULE "not_after: must be a date and time of RFC 3339 with an offset, after 1970"
    static const struct bad_value rows[] = {
        {"\"user_id\":\"a b\"", "user_id: must be 1 to 50 letters, digits, '-' or '_'"},
        {"\"merchant_id\":\"\"", "merchant_id: must be 1 to 50 letters, digits, '-' or '_'"},
        {"\"post_link\":\"http://shop.example/hook\"", LINK_RULE},
        {"\"post_link\":\"https://shop.example/hook/\"", LINK_RULE},
        {"\"post_link\":\"https://shop.example\"", LINK_RULE},
        {"\"post_link\":\"https://shop.example/h?a=1\"", LINK_RULE},
        {"\"post_link\":\"https://u@shop.example/h\"", LINK_RULE},
        {"\"post_link\":\"https://evil.example/h\"",
         "post_link: must name one of the configured hosts"},
        {"\"not_after\":\"tomorrow\"", TIME_RULE},
        {"\"not_after\":\"1970-01-01T00:00:00Z\"", TIME_RULE},
        {"\"metadata\":{\"\":\"x\"}", "metadata: must have keys of 1 to 40 characters"},
        {"\"metadata\":{\"a\":\"" PAN "\"}", "metadata: must not hold a card number"},
        {"\"metadata\":{\"a\":\"4671 5938-6647 8252\"}", "metadata: must not hold a card number"},
        {"\"metadata\":{\"" PAN "\":\"\"}", "metadata: must not hold a card number"},
        {"\"metadata\":{\"a\":\"x\\u0000\"}", "metadata: must not hold a NUL character"},
        {"\"user_id\":\"x\\u0000\"", "user_id: must not hold a NUL character"},
    };
    assert_all_refused("{" WHOLE ",", "}", rows, sizeof rows / sizeof rows[0]);
    static const struct bad_value amounts[] = {
        {"\"value\":\"0\",\"currency\":\"KZT\"",
         "amount.value: must be a decimal above zero, at most 8 digits and 2 decimals"},
        {"\"value\":\"1.234\",\"currency\":\"KZT\"",
         "amount.value: must be a decimal above zero, at most 8 digits and 2 decimals"},
        {"\"value\":\"1\",\"currency\":\"EUR\"",
         "amount.currency: must be one of the configured currencies"},
        {"\"value\":\"1\",\"currency\":\"kzt\"",
         "amount.currency: must be one of the configured currencies"},
    };
    assert_all_refused("{" ID "," TEXT "," CARD ",\"amount\":{", "}}", amounts,
                       sizeof amounts / sizeof amounts[0]);
    static const struct bad_value texts[] = {
        {"", "description: must be 1 to 255 characters, none of control"},
        {"a\\u0007", "description: must be 1 to 255 characters, none of control"},
        {"to " PAN, "description: must not hold a card number"},
    };
    assert_all_refused("{" ID "," AMOUNT "," CARD ",\"description\":\"", "\"}", texts,
                       sizeof texts / sizeof texts[0]);
}

static void destinations_outside_of_their_rules_are_refused(void **state)
{
    (void) state;
#define NAME_RULE "destination.cardholder_name: must be 1 to 100 Latin letters, dashes and spaces"
    static const struct bad_value rows[] = {
        {"\"type\":\"cash\"", "destination.type: must be card, card_token or iban"},
        {"\"type\":\"card\",\"pan\":\"4671593866478253\"",
         "destination.pan: must be 13 to 19 digits with a right check digit"},
        {"\"type\":\"card\",\"pan\":\"" PAN "\",\"pan_jwe\":\"" JWE "\"",
         "destination.pan_jwe: must not stand beside a card number in the clear"},
        {"\"type\":\"card\",\"pan_jwe\":\"a.b.c\"", "destination.pan_jwe: must be a compact JWE"},
        {"\"type\":\"card\",\"pan_jwe\":\"aa.bb.cc..ee\"",
         "destination.pan_jwe: must be a compact JWE"},
        {"\"type\":\"card\",\"pan_jwe\":\"aa.bb.cc.dd.e=\"",
         "destination.pan_jwe: must be a compact JWE"},
        {"\"type\":\"card\",\"pan\":\"" PAN "\",\"token\":\"t\"",
         "destination.token: does not belong to this destination.type"},
        {"\"type\":\"card\",\"pan\":\"" PAN "\",\"cardholder_name\":\"J. D\"", NAME_RULE},
        {"\"type\":\"card_token\",\"token\":\"" PAN "\"",
         "destination.token: must be 1 to 64 letters, digits, '-' or '_', and no card number"},
        {"\"type\":\"card_token\",\"token\":\"t\",\"iban\":\"x\"",
         "destination.iban: does not belong to this destination.type"},
    };
    assert_all_refused("{" ID "," AMOUNT "," TEXT ",\"user_id\":\"u\",\"destination\":{", "}}",
                       rows, sizeof rows / sizeof rows[0]);
#define PARTY(iban, iin, kbe, knp, bic)                                                      \
    "\"iban\":\"" iban "\",\"recipient_iin\":\"" iin "\",\"kbe\":\"" kbe "\",\"knp\":\"" knp \
    "\",\"bic\":\"" bic "\""
    static const struct bad_value ibans[] = {
        {PARTY("KZ87125KZT5004100100", "850101300123", "19", "119", "KZZSAE"),
         "destination.iban: must be an IBAN with right check digits"},
        {PARTY("KZ86125KZT5004100100", "85010130012", "19", "119", "KZZSAE"),
         "destination.recipient_iin: must be 12 digits"},
        {PARTY("KZ86125KZT5004100100", "850101300123", "1", "119", "KZZSAE"),
         "destination.kbe: must be 2 digits"},
        {PARTY("KZ86125KZT5004100100", "850101300123", "19", "1x9", "KZZSAE"),
         "destination.knp: must be 3 digits"},
        {PARTY("KZ86125KZT5004100100", "850101300123", "19", "119", "kzzsae"),
         "destination.bic: must be 6 to 11 upper-case letters or digits"},
    };
    assert_all_refused("{" ID "," AMOUNT "," TEXT
                       ",\"destination\":{\"type\":\"iban\",\"recipient_name\":\"N\",",
                       "}}", ibans, sizeof ibans / sizeof ibans[0]);
}

static void currency_that_no_amount_can_have_is_refused_even_when_configured(void **state)
{
    (void) state;
    static const struct bytes wrong[] = {{"kzt", 3}};
    rules.currencies = wrong;
    rules.currencies_count = 1;
    assert_refused("{" ID "," TEXT "," CARD ",\"amount\":{\"value\":\"1\",\"currency\":\"kzt\"}}",
                   STATUS_BAD_FIELD, "amount.currency: must be one of the configured currencies");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        CASE(values_outside_of_their_rules_are_refused),
        CASE(destinations_outside_of_their_rules_are_refused),
        CASE(currency_that_no_amount_can_have_is_refused_even_when_configured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
