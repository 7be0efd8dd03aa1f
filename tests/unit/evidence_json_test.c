/* Evidence on its way through the resolutions topic, and the outcome bodies that it changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "outcome_samples.h"

#include "payoutd/codec/evidence_json.h"
#include "payoutd/codec/json_reader.h"

static char arena_data[256 * 1024];
static struct arena arena;
static struct sample_facts facts;

static bool contains(struct bytes text, const char *part)
{
    return memmem(text.data, text.len, part, strlen(part)) != NULL;
}

static void ignore_event(void *context, const struct json_event *event)
{
    (void) context, (void) event;
}

static struct bytes body_of(enum outcome_sample sample)
{
    arena_init(&arena, arena_data, sizeof arena_data);
    outcome_samples_fill(sample, &facts);
    struct bytes body;
    assert_int_equal(outcome_json_body(&facts.outcome, &arena, &body), STATUS_OK);
    return body;
}

static struct bytes change(struct bytes body, const struct outcome *outcome)
{
    struct bytes changed;
    const char *why;
    assert_int_equal(outcome_json_change(body, outcome, &arena, &changed), STATUS_OK);
    assert_int_equal(json_read(changed, ignore_event, NULL, &why), STATUS_OK);
    return changed;
}

static const struct command nothing;

static void an_unknown_outcome_that_was_paid_keeps_its_order_and_changes_its_verdict(void **state)
{
    (void) state;
    struct bytes body = body_of(SAMPLE_UNKNOWN);
    struct answer answer = {
        .payment_id = BYTES("77"), .status = BYTES("success"), .paid_amount_minor = 5};
    struct outcome paid = {.command = &nothing,
                           .state = ORDER_PAID,
                           .attempt = 3,
                           .evidence = EVIDENCE_STATUS,
                           .answer = &answer,
                           .occurred_ms = 1700000000000};
    struct bytes changed = change(body, &paid);
    assert_true(contains(changed, "\"status\":\"succeeded\",\"final\":true,\"attempt\":3"));
    assert_true(contains(changed, "\"payment_id\":\"77\""));
    assert_true(contains(changed, "\"evidence\":\"status\""));
    assert_false(contains(changed, "\"failure\""));
    assert_false(contains(changed, "\"unknown\""));
    struct outcome_facts before, after;
    assert_int_equal(outcome_json_read(body, &arena, &before), STATUS_OK);
    assert_int_equal(outcome_json_read(changed, &arena, &after), STATUS_OK);
    assert_true(bytes_equal(before.order_id, after.order_id));
    assert_true(bytes_equal(before.command_id, after.command_id));
    assert_true(bytes_equal(before.amount.text, after.amount.text));
    assert_true(before.amount.amount_minor > 0);
    struct bytes value;
    assert_int_equal(outcome_json_finish(changed, 2, false, &arena, &value), STATUS_OK);
}

static void a_change_twice_over_leaves_each_member_once(void **state)
{
    (void) state;
    struct bytes body = body_of(SAMPLE_PENDING);
    struct outcome unknown = {.command = &nothing,
                              .state = ORDER_UNKNOWN,
                              .failure_code = "outcome_unknown",
                              .failure_message = "braces } and \"quotes\" in a text, \\ too",
                              .occurred_ms = 1700000000000};
    struct bytes once = change(body, &unknown);
    struct bytes twice = change(once, &unknown);
    assert_int_equal(once.len, twice.len);
    const char *first = memmem(twice.data, twice.len, "\"failure\":", 10);
    assert_non_null(first);
    assert_null(
        memmem(first + 1, (size_t) (twice.data + twice.len - first - 1), "\"failure\":", 10));
}

static void a_body_that_is_not_ours_is_not_changed(void **state)
{
    (void) state;
    static const char *const bodies[] = {"",
                                         "{}",
                                         "{\"order_id\":\"A\"",
                                         "[1]",
                                         "{\"order_id\":\"A\"} x",
                                         "{\"order_id\":\"A\",\"a\":\"\xff\"}"};
    arena_init(&arena, arena_data, sizeof arena_data);
    struct outcome outcome = {.command = &nothing, .state = ORDER_PAID};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct bytes changed;
        struct outcome_facts read;
        assert_int_equal(outcome_json_change(bytes_of(bodies[i]), &outcome, &arena, &changed),
                         STATUS_FOREIGN_DATA);
        assert_int_equal(outcome_json_read(bytes_of(bodies[i]), &arena, &read),
                         STATUS_FOREIGN_DATA);
    }
}

static struct evidence_record record_of(struct bytes body)
{
    return (struct evidence_record){.kind = EVIDENCE_STATUS,
                                    .order_id = BYTES("ORD-1"),
                                    .instance = BYTES("0123456789abcdef0123456789abcdef"),
                                    .attempt = 2,
                                    .state = ORDER_PAID,
                                    .payment_id = BYTES("7777777777"),
                                    .body = body};
}

static void a_record_reads_back_as_it_was_written(void **state)
{
    (void) state;
    struct evidence_record record = record_of(body_of(SAMPLE_SUCCEEDED)), again;
    struct bytes value;
    const char *why;
    assert_int_equal(evidence_json_encode(&record, &arena, &value), STATUS_OK);
    assert_int_equal(evidence_json_decode(value, &again, &why), STATUS_OK);
    assert_int_equal(again.kind, record.kind);
    assert_int_equal(again.attempt, record.attempt);
    assert_int_equal(again.state, record.state);
    assert_true(bytes_equal(again.order_id, record.order_id));
    assert_true(bytes_equal(again.instance, record.instance));
    assert_true(bytes_equal(again.payment_id, record.payment_id));
    assert_true(bytes_equal(again.body, record.body));
}

static void a_text_that_would_need_escapes_is_refused(void **state)
{
    (void) state;
    struct evidence_record record = record_of(body_of(SAMPLE_SUCCEEDED));
    struct bytes value;
    record.payment_id = BYTES("7\",\"state\":\"FAILED");
    assert_int_equal(evidence_json_encode(&record, &arena, &value), STATUS_BAD_FIELD);
    record = record_of(BYTES("no object"));
    assert_int_equal(evidence_json_encode(&record, &arena, &value), STATUS_BAD_FIELD);
}

static void a_record_that_is_cut_or_of_another_version_is_refused_with_a_reason(void **state)
{
    (void) state;
    struct evidence_record record = record_of(body_of(SAMPLE_FAILED)), again;
    struct bytes value;
    const char *why = NULL;
    assert_int_equal(evidence_json_encode(&record, &arena, &value), STATUS_OK);
    for (size_t len = 0; len < value.len; len++) {
        assert_int_not_equal(evidence_json_decode((struct bytes){value.data, len}, &again, &why),
                             STATUS_OK);
        assert_non_null(why);
    }
    static const char *const others[] = {
        "{\"v\":2,\"kind\":\"status\",\"order_id\":\"A\",\"instance\":\"\",\"attempt\":1,\"state\":"
        "\"PAID\",\"outcome\":{}}",
        "{\"v\":1,\"kind\":\"rumour\",\"order_id\":\"A\",\"instance\":\"\",\"attempt\":1,\"state\":"
        "\"PAID\",\"outcome\":{}}",
        "{\"v\":1,\"kind\":\"status\",\"order_id\":\"A\",\"instance\":\"\",\"attempt\":1,\"state\":"
        "\"SENDING\",\"outcome\":{}}",
        "{\"v\":1,\"kind\":\"status\",\"order_id\":\"A/"
        "B\",\"instance\":\"\",\"attempt\":1,\"state\":\"PAID\",\"outcome\":{}}",
        "{\"v\":1,\"kind\":\"status\",\"order_id\":\"A\",\"instance\":\"\",\"attempt\":-1,"
        "\"state\":\"PAID\",\"outcome\":{}}",
        "{\"v\":1,\"kind\":\"status\",\"order_id\":\"A\",\"instance\":\"\",\"attempt\":1,\"state\":"
        "\"PAID\",\"outcome\":[]}"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_not_equal(evidence_json_decode(bytes_of(others[i]), &again, &why), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_outcome_that_was_paid_keeps_its_order_and_changes_its_verdict),
        cmocka_unit_test(a_change_twice_over_leaves_each_member_once),
        cmocka_unit_test(a_body_that_is_not_ours_is_not_changed),
        cmocka_unit_test(a_record_reads_back_as_it_was_written),
        cmocka_unit_test(a_text_that_would_need_escapes_is_refused),
        cmocka_unit_test(a_record_that_is_cut_or_of_another_version_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
