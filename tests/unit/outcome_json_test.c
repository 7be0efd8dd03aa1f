/* Outcomes: what they say, what they never say, and the ids that make a repeat recognisable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "outcome_samples.h"

#include "payoutd/codec/json_reader.h"

/* uuid.uuid5 of Python, of "prod\0ORD-1\0final" in the project's namespace. */
#define EVENT_ID_FINAL "29135ed2-f098-5c24-8ac7-df7e522abd2e"

static char arena_data[128 * 1024];
static struct arena arena;
static struct sample_facts facts;

static void ignore_event(void *ignored, const struct json_event *event)
{
    (void) ignored, (void) event;
}

static bool contains(struct bytes text, const char *part)
{
    return memmem(text.data, text.len, part, strlen(part)) != NULL;
}

static struct bytes body_of(enum outcome_sample sample)
{
    arena_init(&arena, arena_data, sizeof arena_data);
    outcome_samples_fill(sample, &facts);
    struct bytes body;
    assert_int_equal(outcome_json_body(&facts.outcome, &arena, &body), STATUS_OK);
    return body;
}

static void assert_json(struct bytes text)
{
    const char *why = "";
    assert_int_equal(json_read(text, ignore_event, NULL, &why), STATUS_OK);
}

static void paid_order_says_everything(void **state)
{
    (void) state;
    struct bytes body = body_of(SAMPLE_SUCCEEDED);
    assert_json(body);
    static const char *const parts[] = {
        "{\"order_id\":\"ORD-2025-0001\",\"status\":\"succeeded\",\"final\":true,\"attempt\":1,",
        "\"occurred_at\":\"2025-05-29T12:00:01.002Z\"",
        "\"amount\":{\"value\":\"1500.50\",\"currency\":\"KZT\"}",
        "\"paid_amount\":\"1500.50\"",
        "\"evidence\":\"answer\"",
        "\"payment_id\":\"7777777777\"",
        "\"masked\":\"440043******1237\",\"last4\":\"1237\",\"fingerprint\":\"",
        "\"command\":{\"id\":\"cmd-1\",\"topic\":\"payout.commands\",\"partition\":3,",
        "\"offset\":1042,\"timestamp\":\"2025-05-29T12:00:00.000Z\"",
        "\"metadata\":{\"batch\":\"2025-05-B\"}",
        "\"livemode\":true",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        assert_true(contains(body, parts[i]));
    assert_false(contains(body, "failure"));
}

static void no_outcome_holds_a_card_number(void **state)
{
    (void) state;
    for (int sample = 0; sample < SAMPLE_COUNT; sample++) {
        struct bytes body = body_of((enum outcome_sample) sample);
        assert_json(body);
        assert_false(contains(body, SAMPLE_PAN));
        assert_false(order_text_has_pan(body));
    }
    assert_true(contains(body_of(SAMPLE_FAILED),
                         "\"Card **************** was declined by \\\"the bank\\\"\""));
}

static void this_orders_card_is_kept_out_of_the_gateways_numbers(void **state)
{
    (void) state;
    arena_init(&arena, arena_data, sizeof arena_data);
    outcome_samples_fill(SAMPLE_SUCCEEDED, &facts);
    facts.answer.reference = BYTES("RRN-" SAMPLE_PAN);
    facts.answer.payment_id = BYTES("4671593866478252"); /* looks like a card, is the payment */
    struct bytes body;
    assert_int_equal(outcome_json_body(&facts.outcome, &arena, &body), STATUS_OK);
    assert_false(contains(body, SAMPLE_PAN));
    assert_true(contains(body, "\"payment_id\":\"4671593866478252\""));
}

static void destination_fingerprint_depends_on_the_payee_and_the_key_alone(void **state)
{
    (void) state;
    char first[128], again[128];
    struct bytes body = body_of(SAMPLE_SUCCEEDED);
    const char *at = memmem(body.data, body.len, "\"fingerprint\"", 13);
    memcpy(first, at, 48);
    body = body_of(SAMPLE_PENDING);
    at = memmem(body.data, body.len, "\"fingerprint\"", 13);
    memcpy(again, at, 48);
    assert_memory_equal(first, again, 48);
    facts.outcome.destination_key = BYTES("another key");
    assert_int_equal(outcome_json_body(&facts.outcome, &arena, &body), STATUS_OK);
    at = memmem(body.data, body.len, "\"fingerprint\"", 13);
    assert_memory_not_equal(first, at, 48);
}

static void text_that_is_no_utf8_becomes_valid_json(void **state)
{
    (void) state;
    arena_init(&arena, arena_data, sizeof arena_data);
    outcome_samples_fill(SAMPLE_FAILED, &facts);
    facts.answer.error_description = BYTES("a\xFF\x01\xD0 \n\t\\\"");
    struct bytes body;
    assert_int_equal(outcome_json_body(&facts.outcome, &arena, &body), STATUS_OK);
    assert_json(body);
    assert_true(contains(body, "\"a\xEF\xBF\xBD\\u0001\xEF\xBF\xBD \\n\\t\\\\\\\"\""));
}

static void finished_body_has_its_sequence_in_front(void **state)
{
    (void) state;
    struct bytes value, body = body_of(SAMPLE_PENDING);
    assert_int_equal(outcome_json_finish(body, 12, true, &arena, &value), STATUS_OK);
    assert_true(
        bytes_starts_with(value, BYTES("{\"sequence\":12,\"replayed\":true,\"order_id\":\"")));
    assert_json(value);
    static const char *const foreign[] = {"", "{}", "{\"order_id\":\"x\"", "[1]", "{\"id\":\"\"}"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        assert_int_equal(outcome_json_finish(bytes_of(foreign[i]), 1, false, &arena, &value),
                         STATUS_FOREIGN_DATA);
}

/* Everything as long as the contract and the worker's own limits let it be. */
static void largest_outcome_fits(void **state)
{
    (void) state;
    static char text[4096], key[ORDER_METADATA_MAX][44];
    memset(text, '"', sizeof text);
    arena_init(&arena, arena_data, sizeof arena_data);
    outcome_samples_fill(SAMPLE_FAILED, &facts);
    char wide[1020];
    for (size_t i = 0; i < sizeof wide; i += 4)
        memcpy(wide + i, "\xF0\x9F\x98\x80", 4);
    facts.command.order_id = facts.command.user_id = facts.outcome.merchant_id =
        (struct bytes){"12345678901234567890123456789012345678901234567890", 50};
    facts.command.description = (struct bytes){wide, sizeof wide};
    facts.answer.error_description = facts.answer.status = (struct bytes){text, sizeof text};
    facts.answer.payment_date = (struct bytes){text, sizeof text};
    facts.outcome.failure_message = "x";
    facts.context.id = (struct bytes){text, 256};
    facts.command.metadata_count = ORDER_METADATA_MAX;
    for (size_t i = 0; i < ORDER_METADATA_MAX; i++) {
        memset(key[i], 'k', sizeof key[i]);
        facts.command.metadata[i] =
            (struct metadata_entry){{key[i], 40}, {text, 254}}; /* 20 * (40 + 2 * 254) = 10,960 */
    }
    facts.outcome.refused_payment_ids_count = ORDER_PAYMENT_IDS_MAX;
    for (size_t i = 0; i < ORDER_PAYMENT_IDS_MAX; i++)
        facts.outcome.refused_payment_ids[i] = BYTES("12345678901234567890");
    struct bytes body;
    assert_int_equal(outcome_json_body(&facts.outcome, &arena, &body), STATUS_OK);
    assert_json(body);
    arena.max = arena.used + 100;
    assert_int_equal(outcome_json_body(&facts.outcome, &arena, &body), STATUS_NO_ROOM);
}

static void event_id_is_of_the_order_and_what_is_said(void **state)
{
    (void) state;
    char final[EVENT_ID_LEN + 1], other[EVENT_ID_LEN + 1];
    const struct bytes space = BYTES("prod"), order = BYTES("ORD-1");
    outcome_event_id(space, order, ORDER_PAID, 1, final);
    assert_string_equal(final, EVENT_ID_FINAL);
    outcome_event_id(space, order, ORDER_FAILED, 7, other);
    assert_string_equal(other, final); /* one final, whatever it is and however often it is told */
    outcome_event_id(BYTES("test"), order, ORDER_PAID, 1, other);
    assert_string_not_equal(other, final);
    outcome_event_id(space, BYTES("ORD-2"), ORDER_PAID, 1, other);
    assert_string_not_equal(other, final);
    char pending[EVENT_ID_LEN + 1];
    outcome_event_id(space, order, ORDER_PENDING, 1, pending);
    assert_string_not_equal(pending, final);
    outcome_event_id(space, order, ORDER_PENDING, 2, other);
    assert_string_not_equal(other, pending);
    outcome_event_id(space, order, ORDER_UNKNOWN, 1, other);
    assert_string_not_equal(other, pending);
    assert_int_equal(pending[14], '5');
}

static struct bytes header_of(const struct event_headers *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (bytes_equal_text(headers->items[i].name, name))
            return headers->items[i].value;
    return BYTES_NONE;
}

static void headers_carry_the_event_and_its_trace(void **state)
{
    (void) state;
    body_of(SAMPLE_SUCCEEDED);
    facts.context.ce_traceparent = BYTES(SAMPLE_TRACE);
    facts.context.tracestate = BYTES("a=b");
    const struct event_naming naming = {BYTES("kz.example"), BYTES("/payoutd"),
                                        BYTES("https://schemas.example/payout")};
    struct event_headers headers;
    assert_int_equal(outcome_json_headers(&naming, BYTES("id-1"), ORDER_PAID, BYTES("ORD-1"),
                                          1748520001002, &facts.context, BYTES("00f067aa0ba902b7"),
                                          &arena, &headers),
                     STATUS_OK);
    static const char *const rows[][2] = {
        {"content-type", "application/json"},
        {"ce_specversion", "1.0"},
        {"ce_type", "kz.example.payout.succeeded.v1"},
        {"ce_source", "/payoutd"},
        {"ce_id", "id-1"},
        {"ce_time", "2025-05-29T12:00:01.002Z"},
        {"ce_subject", "ORD-1"},
        {"ce_dataschema", "https://schemas.example/payout/outcome-v1.json"},
        {"ce_correlationid", "flow-7"},
        {"ce_causationid", "cmd-1"},
        {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"},
        {"tracestate", "a=b"},
        {"ce_traceparent", SAMPLE_TRACE},
    };
    assert_int_equal(headers.count, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < headers.count; i++)
        assert_true(bytes_equal_text(header_of(&headers, rows[i][0]), rows[i][1]));
    facts.context = (struct event_context){.id = BYTES_NONE};
    assert_int_equal(outcome_json_headers(&naming, BYTES("id-1"), ORDER_UNKNOWN, BYTES("ORD-1"), 1,
                                          &facts.context, BYTES_NONE, &arena, &headers),
                     STATUS_OK);
    assert_int_equal(headers.count, 8);
    assert_true(bytes_equal_text(header_of(&headers, "ce_type"), "kz.example.payout.unknown.v1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paid_order_says_everything),
        cmocka_unit_test(no_outcome_holds_a_card_number),
        cmocka_unit_test(this_orders_card_is_kept_out_of_the_gateways_numbers),
        cmocka_unit_test(destination_fingerprint_depends_on_the_payee_and_the_key_alone),
        cmocka_unit_test(text_that_is_no_utf8_becomes_valid_json),
        cmocka_unit_test(finished_body_has_its_sequence_in_front),
        cmocka_unit_test(largest_outcome_fits),
        cmocka_unit_test(event_id_is_of_the_order_and_what_is_said),
        cmocka_unit_test(headers_carry_the_event_and_its_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
