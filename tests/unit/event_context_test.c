/* CloudEvents around a command: binary, structured, bare. */
#include "command_support.h"

static const struct record_header binary_headers[] = {
    {{"ce_specversion", 14}, {"1.0", 3}},
    {{"ce_type", 7}, {TYPE, sizeof TYPE - 1}},
    {{"ce_source", 9}, {"/platform", 9}},
    {{"ce_id", 5}, {"event-1", 7}},
    {{"content-type", 12}, {"application/json; charset=utf-8", 31}},
};
enum { BINARY_COUNT = sizeof binary_headers / sizeof binary_headers[0] };

static struct record_content binary_record(void)
{
    struct record_content record = {.value = BYTES("{" WHOLE "}"), .headers_count = BINARY_COUNT};
    memcpy(record.headers, binary_headers, sizeof binary_headers);
    return record;
}

static void add_header(struct record_content *record, const char *name, const char *value)
{
    record->headers[record->headers_count++] =
        (struct record_header){bytes_of(name), bytes_of(value)};
}

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void binary_event_gives_its_context(void **state)
{
    (void) state;
    struct record_content record = binary_record();
    add_header(&record, "ce_correlationid", "flow-7");
    add_header(&record, "traceparent", TRACE);
    add_header(&record, "tracestate", "a=b");
    add_header(&record, "ce_traceparent", TRACE);
    assert_int_equal(decode(&record), STATUS_OK);
    assert_true(bytes_equal_text(context.id, "event-1"));
    assert_true(bytes_equal_text(context.source, "/platform"));
    assert_true(bytes_equal_text(context.correlation_id, "flow-7"));
    assert_true(bytes_equal_text(context.traceparent, TRACE));
    assert_true(bytes_equal_text(context.tracestate, "a=b"));
    assert_true(bytes_equal_text(context.ce_traceparent, TRACE));
    record = binary_record();
    assert_int_equal(decode(&record), STATUS_OK);
    assert_true(bytes_equal_text(context.correlation_id, "event-1"));
    assert_true(bytes_is_none(context.traceparent));
}

static void malformed_trace_is_dropped(void **state)
{
    (void) state;
    static const char *const rows[] = {"",
                                       "x",
                                       "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
                                       "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                       "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                                       "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                                       "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct record_content record = binary_record();
        add_header(&record, "traceparent", rows[i]);
        add_header(&record, "tracestate", "a=b");
        assert_int_equal(decode(&record), STATUS_OK);
        assert_true(bytes_is_none(context.traceparent));
        assert_true(bytes_is_none(context.tracestate));
    }
}

static void other_types_are_dead_letters(void **state)
{
    (void) state;
    struct record_content record = binary_record();
    record.headers[1].value = BYTES("kz.example.payout.cancelled.v1");
    record.value = BYTES("{" ID ",\"x\":1}");
    assert_int_equal(decode(&record), STATUS_UNKNOWN_TYPE);
    assert_string_equal(fault.code, "unknown_type");
    assert_false(fault.has_order_id);
    rules.accept_bare_json = false;
    assert_int_equal(decode_text("{" WHOLE "}"), STATUS_UNKNOWN_TYPE);
    assert_string_equal(fault.code, "unknown_type");
}

static void headers_out_of_rule_are_refused(void **state)
{
    (void) state;
    struct record_content record = binary_record();
    add_header(&record, "ce_id", "again");
    assert_int_equal(decode(&record), STATUS_DUPLICATE_FIELD);
    assert_true(fault.has_order_id);
    record = binary_record();
    record.headers[0].value = BYTES("0.3");
    assert_int_equal(decode(&record), STATUS_BAD_FIELD);
    record = binary_record();
    record.headers[3].value = BYTES("");
    assert_int_equal(decode(&record), STATUS_MISSING_FIELD);
    record = binary_record();
    record.headers[4].value = BYTES("application/xml");
    assert_int_equal(decode(&record), STATUS_BAD_FIELD);
    record = binary_record();
    record.headers_cut = true;
    assert_int_equal(decode(&record), STATUS_TOO_LARGE);
    assert_true(fault.has_order_id);
}

static void attribute_like_a_card_number_is_not_copied(void **state)
{
    (void) state;
    struct record_content record = binary_record();
    record.headers[3].value = BYTES(PAN);
    assert_int_equal(decode(&record), STATUS_OK);
    assert_true(bytes_is_none(context.id));
    assert_true(bytes_is_none(context.correlation_id));
}

#define ENVELOPE \
    "\"specversion\":\"1.0\",\"type\":\"" TYPE "\",\"source\":\"/platform\",\"id\":\"event-2\""

static enum status decode_structured(const char *value)
{
    struct record_content record = {.value = bytes_of(value)};
    add_header(&record, "content-type", "application/cloudevents+json; charset=UTF-8");
    return decode(&record);
}

static void structured_event_is_read_like_a_binary_one(void **state)
{
    (void) state;
    assert_int_equal(decode_structured("{\"data\":{" WHOLE "}," ENVELOPE
                                       ",\"datacontenttype\":\"application/json\",\"anything\":7,"
                                       "\"correlationid\":\"c\",\"traceparent\":\"" TRACE "\"}"),
                     STATUS_OK);
    assert_true(bytes_equal_text(context.id, "event-2"));
    assert_true(bytes_equal_text(context.correlation_id, "c"));
    assert_true(bytes_equal_text(context.ce_traceparent, TRACE));
    assert_true(bytes_equal_text(command.order_id, "ORD-1"));
}

static void structured_event_out_of_rule_is_refused(void **state)
{
    (void) state;
    static const struct {
        const char *value;
        enum status status;
        bool has_order_id;
    } rows[] = {
        {"{" ENVELOPE ",\"data\":{" WHOLE ",\"x\":1}}", STATUS_UNKNOWN_FIELD, true},
        {"{" ENVELOPE ",\"data\":{" WHOLE "},\"data\":{" WHOLE "}}", STATUS_DUPLICATE_FIELD, false},
        {"{" ENVELOPE ",\"data\":{" WHOLE "},\"q\":\"1\",\"q\":\"1\"}", STATUS_DUPLICATE_FIELD,
         true},
        {"{" ENVELOPE ",\"data\":\"x\"}", STATUS_BAD_FIELD, false},
        {"{" ENVELOPE ",\"data_base64\":\"e30=\"}", STATUS_BAD_FIELD, false},
        {"{" ENVELOPE ",\"data\":{" WHOLE "},\"q\":{}}", STATUS_BAD_FIELD, true},
        {"{\"specversion\":\"1.0\",\"type\":\"other\",\"data\":{" WHOLE "}}", STATUS_UNKNOWN_TYPE,
         false},
        {"{\"type\":\"" TYPE "\",\"source\":\"s\",\"id\":\"i\",\"data\":{" WHOLE "}}",
         STATUS_BAD_FIELD, true},
        {"{" WHOLE "}", STATUS_UNKNOWN_TYPE, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum status status = decode_structured(rows[i].value);
        if (status != rows[i].status || fault.has_order_id != rows[i].has_order_id)
            fail_msg("%s gave %s: %s", rows[i].value, status_name(status), fault.message);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        CASE(binary_event_gives_its_context),
        CASE(malformed_trace_is_dropped),
        CASE(other_types_are_dead_letters),
        CASE(headers_out_of_rule_are_refused),
        CASE(attribute_like_a_card_number_is_not_copied),
        CASE(structured_event_is_read_like_a_binary_one),
        CASE(structured_event_out_of_rule_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
