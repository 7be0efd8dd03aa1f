/* The way back: a published event gives the ledger's record again, or it is refused whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "outcome_samples.h"

static char space[128 * 1024];
static struct arena arena;
static struct sample_facts facts;
static struct bytes body;
static struct outcome_recall recall;

static struct bytes published(enum outcome_sample sample, bool replayed)
{
    struct bytes value;
    arena_init(&arena, space, sizeof space);
    outcome_samples_fill(sample, &facts);
    assert_int_equal(outcome_json_body(&facts.outcome, &arena, &body), STATUS_OK);
    assert_int_equal(outcome_json_finish(body, 12, replayed, &arena, &value), STATUS_OK);
    return value;
}

static void is_recalled(enum outcome_sample sample, bool replayed)
{
    assert_int_equal(outcome_json_recall(published(sample, replayed), &arena, &recall), STATUS_OK);
    assert_true(bytes_equal(recall.body, body));
    assert_int_equal(recall.sequence, 12);
    assert_true(bytes_equal_text(recall.order_id, "ORD-2025-0001"));
    assert_true(bytes_equal_text(recall.merchant_id, "9970"));
    assert_int_equal(recall.state, facts.outcome.state);
    assert_int_equal(recall.attempt, facts.outcome.attempt);
    assert_int_equal(recall.doubt, facts.outcome.doubt);
    assert_int_equal(recall.armed_ms, facts.outcome.armed_ms);
    assert_true(bytes_equal_text(recall.topic, "payout.commands"));
    assert_int_equal(recall.partition, 3);
    assert_int_equal(recall.offset, 1042);
    assert_int_equal(recall.fingerprint.len, 64);
    assert_true(bytes_starts_with(recall.fingerprint, BYTES("00070e151c")));
}

static void every_kind_of_outcome_is_recalled_as_it_was_stored(void **state)
{
    (void) state;
    for (enum outcome_sample sample = SAMPLE_SUCCEEDED; sample < SAMPLE_COUNT; sample++) {
        is_recalled(sample, false);
        is_recalled(sample, true);
    }
}

static void payment_ids_are_recalled(void **state)
{
    (void) state;
    is_recalled(SAMPLE_FAILED, false);
    assert_true(bytes_equal_text(recall.payment_id, "7777777777"));
    assert_true(bytes_equal_text(recall.refused_payment_ids, "7777777770"));
    is_recalled(SAMPLE_SUCCEEDED, false);
    assert_true(bytes_is_none(recall.refused_payment_ids));
    is_recalled(SAMPLE_UNKNOWN, false);
    assert_true(bytes_is_none(recall.payment_id));
}

static void what_stands_deeper_or_under_another_name_is_not_taken(void **state)
{
    (void) state;
    static const char value[] =
        "{\"sequence\":1,\"replayed\":false,\"order_id\":\"o-1\",\"status\":\"pending\","
        "\"metadata\":{\"status\":\"succeeded\",\"payment_id\":\"1\",\"topic\":\"t\"},"
        "\"gateway\":{\"status\":\"ok\",\"raw\":{\"payment_id\":\"2\"}},\"extra\":[\"paid\"]}";
    arena_init(&arena, space, sizeof space);
    assert_int_equal(outcome_json_recall(bytes_of(value), &arena, &recall), STATUS_OK);
    assert_int_equal(recall.state, ORDER_PENDING);
    assert_true(bytes_is_none(recall.payment_id));
    assert_true(bytes_is_none(recall.topic));
    assert_int_equal(recall.attempt, 0);
}

static void what_this_program_did_not_write_is_refused(void **state)
{
    (void) state;
    static const char *const values[] = {
        "",
        "no JSON",
        "{\"order_id\":\"o-1\",\"status\":\"succeeded\"}",
        "{\"sequence\":1,\"replayed\":false,\"order_id\":\"o-1\"}",
        "{\"sequence\":1,\"replayed\":false,\"order_id\":\"o-1\",\"status\":\"paid\"}",
        "{\"sequence\":-1,\"replayed\":false,\"order_id\":\"o-1\",\"status\":\"succeeded\"}",
        "{\"sequence\":1,\"replayed\":false,\"order_id\":\"o 1\",\"status\":\"succeeded\"}",
        "{\"sequence\":1,\"replayed\":false,\"order_id\":\"o-1\",\"status\":\"succeeded\"",
        "{\"sequence\":1,\"replayed\":false,\"order_id\":\"o-1\",\"status\":\"succeeded\","
        "\"attempt\":\"2\"}",
        "{\"sequence\":1,\"more\":{\"text\":\"a text that is longer than what stands in front\"},"
        "\"order_id\":\"o-1\",\"status\":\"succeeded\"}",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        arena_init(&arena, space, sizeof space);
        assert_int_equal(outcome_json_recall(bytes_of(values[i]), &arena, &recall),
                         STATUS_FOREIGN_DATA);
    }
}

static void a_cut_event_is_refused_wherever_it_is_cut(void **state)
{
    (void) state;
    struct bytes value = published(SAMPLE_FAILED, false);
    size_t used = arena.used;
    for (size_t len = 0; len < value.len; len++) {
        arena_cut(&arena, used);
        assert_int_equal(outcome_json_recall((struct bytes){value.data, len}, &arena, &recall),
                         STATUS_FOREIGN_DATA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_outcome_is_recalled_as_it_was_stored),
        cmocka_unit_test(payment_ids_are_recalled),
        cmocka_unit_test(what_stands_deeper_or_under_another_name_is_not_taken),
        cmocka_unit_test(what_this_program_did_not_write_is_refused),
        cmocka_unit_test(a_cut_event_is_refused_wherever_it_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
