/* Records into commands: every type of destination, structure, and what survives a refusal. */
#include "command_support.h"

static void card_command_is_read_whole(void **state)
{
    (void) state;
    assert_int_equal(
        decode_text(
            "{" WHOLE ",\"merchant_id\":\"9970\",\"user_id\":\"u-1\","
            "\"post_link\":\"https://shop.example/hook\",\"not_after\":\"2024-02-29T12:34:56Z\","
            "\"requested_at\":\"2024-02-29T18:34:56.5+06:00\",\"metadata\":{\"b\":\"2\",\"a\":\"\"}"
            "}"),
        STATUS_OK);
    assert_true(bytes_equal_text(command.order_id, "ORD-1"));
    assert_int_equal(command.amount.amount_minor, 100050);
    assert_true(bytes_equal_text(command.amount.text, "1000.50"));
    assert_string_equal(command.amount.currency, "KZT");
    assert_int_equal(command.destination.type, DESTINATION_CARD);
    assert_true(bytes_equal_text(command.destination.pan, PAN));
    assert_true(bytes_equal_text(command.destination.cardholder_name, "JOHN DOE"));
    assert_true(bytes_is_none(command.destination.pan_jwe));
    assert_true(bytes_equal_text(command.merchant_id, "9970"));
    assert_true(bytes_equal_text(command.user_id, "u-1"));
    assert_true(bytes_equal_text(command.post_link, "https://shop.example/hook"));
    assert_int_equal(command.not_after_ms, 1709210096000);
    assert_int_equal(command.requested_at_ms, 1709210096500);
    assert_int_equal(command.metadata_count, 2);
    assert_true(bytes_equal_text(command.metadata[1].value, ""));
}

static void token_iban_and_encrypted_card_are_read(void **state)
{
    (void) state;
    assert_int_equal(decode_text("{" ID "," AMOUNT "," TEXT "," TOKEN ",\"user_id\":\"u\"}"),
                     STATUS_OK);
    assert_int_equal(command.destination.type, DESTINATION_CARD_TOKEN);
    assert_int_equal(decode_text("{" ID "," AMOUNT "," TEXT "," IBAN "}"), STATUS_OK);
    assert_int_equal(command.destination.type, DESTINATION_IBAN);
    assert_true(bytes_equal_text(command.destination.recipient_name, "ТОО Ромашка"));
    rules.allow_plaintext_pan = false;
    assert_int_equal(decode_text("{" ID "," AMOUNT "," TEXT
                                 ",\"destination\":{\"type\":\"card\",\"pan_jwe\":\"" JWE "\"}}"),
                     STATUS_OK);
    assert_true(bytes_equal_text(command.destination.pan_jwe, JWE));
}

static void escapes_become_what_they_mean(void **state)
{
    (void) state;
    assert_int_equal(decode_text("{\"order\\u005fid\":\"ORD\\u002d1\"," AMOUNT
                                 ",\"description\":\"\\u0416 \\ud83d\\ude00 \\\"\"," CARD "}"),
                     STATUS_OK);
    assert_true(bytes_equal_text(command.order_id, "ORD-1"));
    assert_true(bytes_equal_text(command.description, "\xD0\x96 \xF0\x9F\x98\x80 \""));
}

static void required_fields_are_named_when_they_lack(void **state)
{
    (void) state;
    assert_refused("{" ID "," TEXT "," CARD "}", STATUS_MISSING_FIELD, "amount.value: is required");
    assert_refused("{" ID ",\"amount\":{\"value\":\"1\"}," TEXT "," CARD "}", STATUS_MISSING_FIELD,
                   "amount.currency: is required");
    assert_refused("{" ID "," AMOUNT "," CARD "}", STATUS_MISSING_FIELD,
                   "description: is required");
    assert_refused("{" ID "," AMOUNT "," TEXT "}", STATUS_MISSING_FIELD,
                   "destination.type: is required");
    assert_refused("{" ID "," AMOUNT "," TEXT ",\"destination\":{\"type\":\"card\"}}",
                   STATUS_MISSING_FIELD, "destination.pan_jwe: is required for a card");
    assert_refused("{" ID "," AMOUNT "," TEXT "," TOKEN "}", STATUS_MISSING_FIELD,
                   "user_id: is required for a card token");
    assert_refused("{" ID "," AMOUNT "," TEXT
                   ",\"destination\":{\"type\":\"iban\",\"iban\":\"KZ86125KZT5004100100\"}}",
                   STATUS_MISSING_FIELD, "destination.recipient_name: is required for an IBAN");
    assert_int_equal(decode_text("{" AMOUNT "," TEXT "," CARD "}"), STATUS_MISSING_FIELD);
    assert_string_equal(fault.message, "order_id: is required");
    assert_false(fault.has_order_id);
}

static void unknown_fields_are_refused_without_their_names(void **state)
{
    (void) state;
    assert_refused("{" WHOLE ",\"" PAN "\":1}", STATUS_UNKNOWN_FIELD,
                   "command: has a field that is not in the contract, as number 5");
    assert_refused("{\"x\":{\"order_id\":\"OTHER\",\"y\":[{}]}," WHOLE "}", STATUS_UNKNOWN_FIELD,
                   "command: has a field that is not in the contract, as number 1");
    assert_refused("{" ID ",\"amount\":{\"value\":\"1\",\"currency\":\"KZT\",\"valeu\":\"2\"}," TEXT
                   "," CARD "}",
                   STATUS_UNKNOWN_FIELD,
                   "amount: has a field that is not in the contract, as number 3");
    assert_refused("{" ID "," AMOUNT "," TEXT ",\"destination\":{\"type\":\"card\",\"pan\":\"" PAN
                   "\",\"order_id\":\"X\"}}",
                   STATUS_UNKNOWN_FIELD,
                   "destination: has a field that is not in the contract, as number 3");
    assert_refused("{" WHOLE ",\"pg_order_id\":\"X\"}", STATUS_UNKNOWN_FIELD,
                   "command: has a field that is not in the contract, as number 5");
}

static void double_fields_are_refused_at_every_level(void **state)
{
    (void) state;
    assert_refused("{" WHOLE "," TEXT "}", STATUS_DUPLICATE_FIELD,
                   "description: must not be given twice");
    assert_refused("{" WHOLE "," AMOUNT "}", STATUS_DUPLICATE_FIELD,
                   "amount: must not be given twice");
    assert_refused("{" ID ",\"amount\":{\"value\":\"1\",\"value\":\"1\",\"currency\":\"KZT\"}," TEXT
                   "," CARD "}",
                   STATUS_DUPLICATE_FIELD, "amount.value: must not be given twice");
    assert_refused("{" WHOLE ",\"metadata\":{\"a\":\"1\",\"\\u0061\":\"1\"}}",
                   STATUS_DUPLICATE_FIELD, "metadata: must not have a key twice");
    assert_int_equal(decode_text("{" WHOLE "," ID "}"), STATUS_DUPLICATE_FIELD);
    assert_false(fault.has_order_id); /* which of the two? */
}

static void values_of_another_kind_are_refused(void **state)
{
    (void) state;
    static const char *const kinds[] = {"1000", "1e3", "1000.50", "true", "null", "[]", "{}"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "{%s,\"amount\":{\"value\":%s,\"currency\":\"KZT\"},%s,%s}", ID,
                 kinds[i], TEXT, CARD);
        assert_refused(text, STATUS_BAD_FIELD, "amount.value: must be a string");
        snprintf(text, sizeof text, "{%s,\"metadata\":{\"a\":%s}}", WHOLE, kinds[i]);
        assert_refused(text, STATUS_BAD_FIELD, "metadata: must be a string");
    }
    assert_refused("{" WHOLE ",\"metadata\":\"a\"}", STATUS_BAD_FIELD,
                   "metadata: must be an object");
    assert_refused("{" ID ",\"amount\":\"1\"," TEXT "," CARD "}", STATUS_BAD_FIELD,
                   "amount: must be an object");
    assert_int_equal(decode_text("{\"order_id\":1," AMOUNT "," TEXT "," CARD "}"),
                     STATUS_BAD_FIELD);
    assert_string_equal(fault.message, "order_id: must be a string");
    assert_false(fault.has_order_id);
}

static void card_number_in_the_clear_needs_permission(void **state)
{
    (void) state;
    rules.allow_plaintext_pan = false;
    assert_refused("{" WHOLE "}", STATUS_BAD_FIELD,
                   "destination.pan: must not be sent in the clear: use pan_jwe");
    assert_true(bytes_is_none(command.destination.pan));
}

static void limits_count_characters_not_bytes(void **state)
{
    (void) state;
    char text[4096];
    for (int count = 255; count <= 256; count++) {
        size_t at =
            (size_t) snprintf(text, sizeof text, "{%s,%s,%s,\"description\":\"", ID, AMOUNT, CARD);
        for (int i = 0; i < count; i++, at += 2)
            memcpy(text + at, "\xD0\x96", 2);
        memcpy(text + at, "\"}", 3);
        assert_int_equal(decode_text(text), count == 255 ? STATUS_OK : STATUS_BAD_FIELD);
    }
}

static void metadata_is_bounded_in_count_and_size(void **state)
{
    (void) state;
    for (int entries = 20; entries <= 21; entries++) {
        for (int len = 500; len <= 501; len++) {
            char text[16384], value[512];
            memset(value, 'v', sizeof value);
            size_t at = (size_t) snprintf(text, sizeof text, "{%s,\"metadata\":{", WHOLE);
            for (int i = 0; i < entries; i++)
                at += (size_t) snprintf(text + at, sizeof text - at, "%s\"%040d\":\"%.*s\"",
                                        i > 0 ? "," : "", i, len, value);
            memcpy(text + at, "}}", 3);
            bool is_allowed = entries == 20 && len == 500;
            assert_int_equal(decode_text(text), is_allowed ? STATUS_OK : STATUS_BAD_FIELD);
        }
    }
}

static void unreadable_records_have_no_order(void **state)
{
    (void) state;
    assert_unreadable(BYTES(""), "value: must not be empty");
    assert_unreadable(BYTES("{" WHOLE), "value: must be one well-formed JSON value");
    assert_unreadable(BYTES("{" WHOLE "}{}"), "value: must be one well-formed JSON value");
    assert_unreadable(BYTES("{" WHOLE ",}"), "value: must be one well-formed JSON value");
    assert_unreadable(BYTES("{" WHOLE "/**/}"), "value: must be one well-formed JSON value");
    assert_unreadable(BYTES("{" WHOLE "}\0"), "value: must be one well-formed JSON value");
    assert_unreadable(BYTES("[{" WHOLE "}]"), "value: must be a JSON object");
    assert_unreadable(BYTES("\"x\""), "value: must be a JSON object");
    assert_unreadable(BYTES("NaN"), "value: must be one well-formed JSON value");
    assert_unreadable(BYTES("{\"order_id\":\"\xC0\xAF\"}"), "value: must be valid UTF-8");
    assert_unreadable(BYTES("{\"order_id\":\"\xED\xA0\x80\"}"), "value: must be valid UTF-8");
    assert_unreadable(BYTES("{\"order_id\":\"\xF4\x90\x80\x80\"}"), "value: must be valid UTF-8");
    assert_unreadable(BYTES("{\"order_id\":\"\xD0\"}"), "value: must be valid UTF-8");
    assert_unreadable(BYTES("{\"a\":\"\\ud800\"}"), "value: must not hold half a surrogate pair");
    assert_unreadable(BYTES("{\"a\":\"\\udc00x\"}"), "value: must not hold half a surrogate pair");
    assert_int_equal(decode(&(struct record_content){.value = BYTES_NONE}), STATUS_SYNTAX);
    assert_string_equal(fault.message, "value: is missing");
    static char large[COMMAND_VALUE_MAX + 1];
    memset(large, ' ', sizeof large);
    memcpy(large, "{" WHOLE "}", strlen("{" WHOLE "}"));
    assert_int_equal(decode_bytes((struct bytes){large, COMMAND_VALUE_MAX}), STATUS_OK);
    assert_int_equal(decode_bytes((struct bytes){large, sizeof large}), STATUS_TOO_LARGE);
    assert_false(fault.has_order_id);
}

static void deep_records_keep_their_order_id(void **state)
{
    (void) state;
    char text[COMMAND_VALUE_MAX];
    size_t at = (size_t) snprintf(text, sizeof text, "{\"description\":");
    for (int i = 0; i < 6000; i++)
        text[at++] = '[';
    for (int i = 0; i < 6000; i++)
        text[at++] = ']';
    snprintf(text + at, sizeof text - at, ",%s}", ID);
    assert_int_equal(decode_text(text), STATUS_BAD_FIELD);
    assert_true(fault.has_order_id);
    assert_refused("{\"q\":[[[[[[]]]]]]," ID "}", STATUS_UNKNOWN_FIELD,
                   "command: has a field that is not in the contract, as number 1");
}

static void refused_command_keeps_what_is_valid(void **state)
{
    (void) state;
    assert_int_equal(decode_text("{\"z\":1," TEXT
                                 ",\"amount\":{\"value\":\"-1\",\"currency\":\"KZT\"},"
                                 "\"metadata\":{\"a\":\"1\"},\"user_id\":\"u\"," ID "}"),
                     STATUS_UNKNOWN_FIELD);
    assert_true(fault.has_order_id);
    assert_true(bytes_equal_text(command.description, "Payout"));
    assert_true(bytes_equal_text(command.user_id, "u"));
    assert_int_equal(command.metadata_count, 1);
    assert_true(bytes_is_none(command.amount.text));
    uint8_t zero[32] = {0};
    assert_memory_not_equal(command.fingerprint, zero, sizeof zero);
}

static void message_never_holds_data(void **state)
{
    (void) state;
    static const char *const rows[] = {
        "{" WHOLE ",\"secret-name\":\"secret-value\"}",
        "{\"order_id\":\"secret value\"}",
        "{" ID ",\"amount\":{\"value\":\"secret\",\"currency\":\"secret\"},\"description\":"
        "\"secret\\u0000\"}",
        "{" WHOLE ",\"metadata\":{\"secret\":1}}",
        "{secret}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_not_equal(decode_text(rows[i]), STATUS_OK);
        assert_null(strstr(fault.message, "secret"));
        assert_true(strlen(fault.message) > 5);
    }
}

static void key_must_be_the_order_id(void **state)
{
    (void) state;
    struct record_content record = {.key = BYTES("ORD-1"), .value = BYTES("{" WHOLE "}")};
    assert_int_equal(decode(&record), STATUS_OK);
    record.key = BYTES("ORD-2");
    assert_int_equal(decode(&record), STATUS_BAD_FIELD);
    assert_string_equal(fault.code, "validation_failed");
    assert_string_equal(fault.message, "order_id: must equal the record's key");
    assert_false(fault.has_order_id); /* either may be the order that was meant */
}

static void assert_fingerprint(const char *value, const uint8_t *other, bool is_same)
{
    assert_int_equal(decode_text(value), STATUS_OK);
    if (is_same)
        assert_memory_equal(command.fingerprint, other, 32);
    else
        assert_memory_not_equal(command.fingerprint, other, 32);
}

static void fingerprint_is_of_the_words_alone(void **state)
{
    (void) state;
    uint8_t first[32];
    assert_int_equal(decode_text("{" WHOLE ",\"metadata\":{\"a\":\"1\",\"b\":\"2\"}}"), STATUS_OK);
    memcpy(first, command.fingerprint, sizeof first);
    assert_fingerprint("{ \"metadata\" : {\"b\":\"2\",\"a\":\"\\u0031\"} ," CARD "," TEXT "," AMOUNT
                       "," ID "}",
                       first, true);
    assert_fingerprint("{" WHOLE ",\"metadata\":{\"a\":\"2\",\"b\":\"1\"}}", first, false);
    assert_fingerprint("{" WHOLE ",\"metadata\":{\"a\":\"1\"}}", first, false);
    assert_fingerprint("{" WHOLE ",\"merchant_id\":\"1\",\"metadata\":{\"a\":\"1\",\"b\":\"2\"}}",
                       first, false);
    assert_fingerprint("{" ID ",\"amount\":{\"value\":\"1000.5\",\"currency\":\"KZT\"}," TEXT
                       "," CARD ",\"metadata\":{\"a\":\"1\",\"b\":\"2\"}}",
                       first, false);
    rules.fingerprint_key = BYTES("another key of thirty-two bytes!");
    assert_fingerprint("{" WHOLE ",\"metadata\":{\"a\":\"1\",\"b\":\"2\"}}", first, false);
}

static void small_arena_is_no_fault_of_the_command(void **state)
{
    (void) state;
    for (size_t room = 0; room < 50; room += 7) {
        arena_init(&arena, arena_data, room);
        assert_int_equal(decode_text("{" WHOLE "}"), STATUS_NO_ROOM);
        assert_false(fault.has_order_id);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        CASE(card_command_is_read_whole),
        CASE(token_iban_and_encrypted_card_are_read),
        CASE(escapes_become_what_they_mean),
        CASE(required_fields_are_named_when_they_lack),
        CASE(unknown_fields_are_refused_without_their_names),
        CASE(double_fields_are_refused_at_every_level),
        CASE(values_of_another_kind_are_refused),
        CASE(card_number_in_the_clear_needs_permission),
        CASE(limits_count_characters_not_bytes),
        CASE(metadata_is_bounded_in_count_and_size),
        CASE(unreadable_records_have_no_order),
        CASE(deep_records_keep_their_order_id),
        CASE(refused_command_keeps_what_is_valid),
        CASE(message_never_holds_data),
        CASE(key_must_be_the_order_id),
        CASE(fingerprint_is_of_the_words_alone),
        CASE(small_arena_is_no_fault_of_the_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
