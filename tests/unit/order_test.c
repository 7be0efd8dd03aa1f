/* The checks of a command's single fields, and what may be shown of a destination. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "payoutd/domain/order.h"

#define FIFTY "12345678901234567890123456789012345678901234567890"

static void order_id_has_letters_digits_dash_and_underscore(void **state)
{
    (void) state;
    assert_true(order_id_is_valid(BYTES("ORD-1_a")));
    assert_true(order_id_is_valid(BYTES(FIFTY)));
    assert_false(order_id_is_valid(BYTES(FIFTY "1")));
    assert_false(order_id_is_valid(BYTES("")));
    assert_false(order_id_is_valid(BYTES_NONE));
    assert_false(order_id_is_valid(BYTES("ORD 1")));
    assert_false(order_id_is_valid(BYTES("ORD\0001")));
    assert_false(order_id_is_valid(BYTES("\xD0\x9E")));
    assert_true(order_user_id_is_valid(BYTES("u-1")));
    assert_false(order_user_id_is_valid(BYTES("u.1")));
}

static void card_number_is_13_to_19_digits_with_luhn(void **state)
{
    (void) state;
    assert_true(order_pan_is_valid(BYTES("4671593866478252")));
    assert_true(order_pan_is_valid(BYTES("5325349472901311")));
    assert_true(order_pan_is_valid(BYTES("4222222222222")));       /* 13 */
    assert_true(order_pan_is_valid(BYTES("6304000000000000000"))); /* 19 */
    assert_false(order_pan_is_valid(BYTES("4671593866478253")));
    assert_false(order_pan_is_valid(BYTES("467159386647")));
    assert_false(order_pan_is_valid(BYTES("63040000000000000000")));
    assert_false(order_pan_is_valid(BYTES("4671 5938 6647 8252")));
    assert_false(order_pan_is_valid(BYTES("")));
    assert_false(order_pan_is_valid(BYTES_NONE));
}

static void every_single_wrong_digit_of_a_card_number_is_seen(void **state)
{
    (void) state;
    char digits[] = "4671593866478252";
    for (size_t i = 0; i < 16; i++) {
        char right = digits[i];
        for (char wrong = '0'; wrong <= '9'; wrong++) {
            digits[i] = wrong;
            assert_int_equal(order_pan_is_valid(bytes_of(digits)), wrong == right);
        }
        digits[i] = right;
    }
}

static void iban_is_checked_by_remainder_97(void **state)
{
    (void) state;
    assert_true(order_iban_is_valid(BYTES("KZ86125KZT5004100100")));
    assert_true(order_iban_is_valid(BYTES("GB82WEST12345698765432")));
    assert_true(order_iban_is_valid(BYTES("DE89370400440532013000")));
    assert_true(order_iban_is_valid(BYTES("MT84MALT011000012345MTLCAST001S")));
    assert_false(order_iban_is_valid(BYTES("KZ87125KZT5004100100")));
    assert_false(order_iban_is_valid(BYTES("kz86125KZT5004100100")));
    assert_false(order_iban_is_valid(BYTES("KZ86 125K ZT50 0410 0100")));
    assert_false(order_iban_is_valid(BYTES("KZ86125K")));
    assert_false(order_iban_is_valid(BYTES("")));
    assert_false(order_iban_is_valid(BYTES_NONE));
}

static void recipient_number_and_cardholder_have_their_forms(void **state)
{
    (void) state;
    assert_true(order_iin_is_valid(BYTES("850101300123")));
    assert_false(order_iin_is_valid(BYTES("85010130012")));
    assert_false(order_iin_is_valid(BYTES("85010130012x")));
    assert_true(order_cardholder_is_valid(BYTES("Anna-Maria VON DER LEY")));
    assert_false(order_cardholder_is_valid(BYTES("")));
    assert_false(order_cardholder_is_valid(BYTES(" - ")));
    assert_false(order_cardholder_is_valid(BYTES("J. Doe")));
    assert_false(order_cardholder_is_valid(BYTES("\xD0\x90")));
    char name[101];
    memset(name, 'a', sizeof name);
    assert_true(order_cardholder_is_valid((struct bytes){name, 100}));
    assert_false(order_cardholder_is_valid((struct bytes){name, 101}));
}

static void card_number_in_a_text_is_found(void **state)
{
    (void) state;
    assert_true(order_text_has_pan(BYTES("4671593866478252")));
    assert_true(order_text_has_pan(BYTES("to card 4671 5938 6647 8252, thanks")));
    assert_true(order_text_has_pan(BYTES("4671-5938-6647-8252")));
    assert_true(order_text_has_pan(BYTES("x4671593866478252y")));
    assert_true(order_text_has_pan(BYTES("12 4671593866478252")));
    assert_true(order_text_has_pan(BYTES("4671593866478252 5325349472901311")));
    assert_true(order_text_has_pan(BYTES("4671593866478253 5325349472901311")));
}

static void text_without_a_card_number_is_left_alone(void **state)
{
    (void) state;
    assert_false(order_text_has_pan(BYTES_NONE));
    assert_false(order_text_has_pan(BYTES("")));
    assert_false(order_text_has_pan(BYTES("salary for May 2024")));
    assert_false(order_text_has_pan(BYTES("4671593866478253")));
    assert_false(order_text_has_pan(BYTES("4671593866.478252")));
    assert_false(order_text_has_pan(BYTES("467159386647")));
    assert_false(order_text_has_pan(BYTES("1732528800003"))); /* passes Luhn, but is a time */
}

static struct bytes masked(const struct destination *destination, char room[static 32])
{
    struct buffer buffer;
    buffer_init(&buffer, room, 32);
    order_mask_destination(destination, &buffer);
    struct bytes shown;
    assert_int_equal(buffer_take(&buffer, &shown), STATUS_OK);
    return shown;
}

static void destination_is_shown_masked(void **state)
{
    (void) state;
    char room[32];
    struct destination card = {.type = DESTINATION_CARD, .pan = BYTES("4400430000001234")};
    assert_true(bytes_equal_text(masked(&card, room), "440043******1234"));
    card.pan = BYTES("6304000000000000000");
    assert_true(bytes_equal_text(masked(&card, room), "630400*********0000"));
    card.pan = BYTES_NONE;
    assert_int_equal(masked(&card, room).len, 0);
    struct destination iban = {.type = DESTINATION_IBAN, .iban = BYTES("KZ86125KZT5004100100")};
    assert_true(bytes_equal_text(masked(&iban, room), "KZ86******0100"));
    struct destination token = {.type = DESTINATION_CARD_TOKEN, .token = BYTES("short")};
    assert_true(bytes_equal_text(masked(&token, room), "******"));
}

static void destination_types_have_their_contract_names(void **state)
{
    (void) state;
    assert_string_equal(destination_type_name(DESTINATION_CARD), "card");
    assert_string_equal(destination_type_name(DESTINATION_CARD_TOKEN), "card_token");
    assert_string_equal(destination_type_name(DESTINATION_IBAN), "iban");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_id_has_letters_digits_dash_and_underscore),
        cmocka_unit_test(card_number_is_13_to_19_digits_with_luhn),
        cmocka_unit_test(every_single_wrong_digit_of_a_card_number_is_seen),
        cmocka_unit_test(iban_is_checked_by_remainder_97),
        cmocka_unit_test(recipient_number_and_cardholder_have_their_forms),
        cmocka_unit_test(card_number_in_a_text_is_found),
        cmocka_unit_test(text_without_a_card_number_is_left_alone),
        cmocka_unit_test(destination_is_shown_masked),
        cmocka_unit_test(destination_types_have_their_contract_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
