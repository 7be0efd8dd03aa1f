/* The gateway's flat names in place of the contract's. */
#include "command_support.h"

#define FLAT                                                                            \
    "\"pg_order_id\":\"ORD-1\",\"pg_amount\":\"1000.50\",\"pg_currency\":\"KZT\",\"pg_" \
    "description\":\"Payout\""
#define FLAT_CARD FLAT ",\"pg_payment_to\":\"" PAN "\",\"pg_card_name\":\"JOHN DOE\""

static void flat_names_mean_the_same_command(void **state)
{
    (void) state;
    rules.accept_pg_names = true;
    assert_int_equal(decode_text("{" WHOLE "}"), STATUS_OK);
    uint8_t fingerprint[32];
    memcpy(fingerprint, command.fingerprint, sizeof fingerprint);
    assert_int_equal(decode_text("{" FLAT_CARD "}"), STATUS_OK);
    assert_memory_equal(command.fingerprint, fingerprint, sizeof fingerprint);
    assert_int_equal(decode_text("{" FLAT ",\"pg_card_token_to\":\"t-1\",\"pg_user_id\":\"u\"}"),
                     STATUS_OK);
    assert_int_equal(command.destination.type, DESTINATION_CARD_TOKEN);
    assert_int_equal(
        decode_text("{" FLAT ",\"pg_recipient_iban\":\"KZ86125KZT5004100100\","
                    "\"pg_recipient_name\":\"N\",\"pg_recipient_iin\":\"850101300123\","
                    "\"pg_recipient_kbe\":\"19\",\"pg_knp\":\"119\",\"pg_bank_bik\":\"KZZSAE\","
                    "\"pg_merchant_id\":\"9970\",\"pg_post_link\":\"https://shop.example/h\","
                    "\"metadata\":{\"a\":\"b\"},\"not_after\":\"2030-01-01T00:00:00Z\"}"),
        STATUS_OK);
    assert_int_equal(command.destination.type, DESTINATION_IBAN);
    assert_true(bytes_equal_text(command.merchant_id, "9970"));
}

static void flat_names_out_of_rule_are_refused(void **state)
{
    (void) state;
    rules.accept_pg_names = true;
#define MIXED  "command: must not mix the contract's names with the gateway's pg_ names"
#define SALTED "command: must not have pg_salt or pg_sig: they are always the worker's"
#define ONE_OF "command: must have one of pg_payment_to, pg_card_token_to, pg_recipient_iban"
    assert_refused("{" FLAT_CARD ",\"description\":\"x\"}", STATUS_DUPLICATE_FIELD,
                   "description: must not be given twice");
    assert_refused("{" FLAT_CARD ",\"user_id\":\"x\"}", STATUS_BAD_FIELD, MIXED);
    assert_refused("{" WHOLE ",\"pg_user_id\":\"x\"}", STATUS_BAD_FIELD, MIXED);
    assert_refused("{" FLAT_CARD ",\"amount\":{}}", STATUS_BAD_FIELD, MIXED);
    assert_refused("{" FLAT_CARD ",\"pg_salt\":\"x\"}", STATUS_UNKNOWN_FIELD, SALTED);
    assert_refused("{" FLAT_CARD ",\"pg_sig\":\"x\"}", STATUS_UNKNOWN_FIELD, SALTED);
    assert_refused("{" FLAT_CARD ",\"pg_card_token_to\":\"x\"}", STATUS_BAD_FIELD, ONE_OF);
    assert_refused("{" FLAT "}", STATUS_BAD_FIELD, ONE_OF);
    assert_refused("{" FLAT_CARD ",\"pg_other\":\"x\"}", STATUS_UNKNOWN_FIELD,
                   "command: has a field that is not in the contract, as number 7");
    rules.allow_plaintext_pan = false;
    assert_refused("{" FLAT_CARD "}", STATUS_BAD_FIELD,
                   "destination.pan: must not be sent in the clear: use pan_jwe");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        CASE(flat_names_mean_the_same_command),
        CASE(flat_names_out_of_rule_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
