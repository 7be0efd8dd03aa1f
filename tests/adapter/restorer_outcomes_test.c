/* The restorer against a real Kafka and a real Redis: what the outcomes bring back, and when
 * nothing may be done at all (docs/PROTOCOL.md, Recovery, a and c). */
#include "restorer_bench.h"

#include <stdlib.h>
#include <string.h>

static struct world world;

static int setup(void **state)
{
    (void) state;
    world_open(&world);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    world_close(&world);
    return 0;
}

static void a_final_outcome_is_restored_as_it_was_published(void **state)
{
    (void) state;
    struct world_event event;
    world_event_fill(&world, &event, "paid", ORDER_PAID, 3);
    struct bytes body = world_publish(&world, &event);
    world_open_below(&world, 0);
    world_recovers(&world);
    assert_world_field(&world, "paid", "st", "PAID");
    assert_int_equal(strlen(world_field(&world, "paid", "res")), body.len);
    assert_memory_equal(world_field(&world, "paid", "res"), body.data, body.len);
    assert_world_field(&world, "paid", "src", world_source(&world, 0, 7));
    assert_world_field(&world, "paid", "att", "2");
    assert_world_field(&world, "paid", "seq", "3");
    assert_world_field(&world, "paid", "pub", "3");
    assert_world_field(&world, "paid", "pid", "77001");
    assert_world_field(&world, "paid", "refused_pids", "77000 76999");
    assert_world_field(&world, "paid", "profile", "main");
    assert_world_field(&world, "paid", "t_arm", "1748520000009");
    assert_true(redis_server_number(&world.redis, "PTTL %s", ledger_bench_key("paid")) > 0);
    assert_int_equal(ledger_bench_due_score(&world.ledger, "paid"), -1);
    world_is_answered(&world, world_call(&world, LEDGER_ARM, "paid", 7), LEDGER_KNOWN);
    world_is_answered(&world, world_call(&world, LEDGER_ARM, "paid", 8), LEDGER_DUPLICATE);
}

static void the_last_event_counts_and_a_final_stands_before_any_other(void **state)
{
    (void) state;
    struct world_event event;
    for (int i = 0; i < 2; i++) {
        world_event_fill(&world, &event, "two", i == 0 ? ORDER_UNKNOWN : ORDER_PENDING, i + 1);
        world_publish(&world, &event);
        world_event_fill(&world, &event, "late", i == 0 ? ORDER_PAID : ORDER_PENDING, 2 - i);
        world_publish(&world, &event);
    }
    world_open_below(&world, 0);
    world_recovers(&world);
    assert_world_field(&world, "two", "st", "PENDING");
    assert_true(ledger_bench_due_score(&world.ledger, "two") > 0);
    assert_int_equal(redis_server_number(&world.redis, "PTTL %s", ledger_bench_key("two")), -1);
    assert_world_field(&world, "late", "st", "PAID");
    assert_int_equal(world.report.outcomes, 4);
    assert_int_equal(world.report.restored, 2);
}

static void an_event_is_restored_over_what_redis_remembers_from_before(void **state)
{
    (void) state;
    struct world_event event;
    world_command(&world, "older", 0);
    world_is_answered(&world, world_call(&world, LEDGER_ARM, "older", 0), LEDGER_ARMED);
    world_event_fill(&world, &event, "older", ORDER_PAID, 1);
    world_publish(&world, &event);
    world_acknowledge(&world, world.ledger.token);
    world_wipe(&world);
    world_recovers(&world);
    assert_world_field(&world, "older", "st", "PAID");
    assert_int_equal(ledger_bench_due_score(&world.ledger, "older"), -1);
}

static void once_in_doubt_an_order_stays_so(void **state)
{
    (void) state;
    struct world_event event;
    world_event_fill(&world, &event, "doubted", ORDER_UNKNOWN, 1);
    event.outcome.doubt = true;
    world_publish(&world, &event);
    event.outcome.doubt = false;
    event.outcome.state = ORDER_PENDING;
    world_publish(&world, &event);
    world_open_below(&world, 0);
    world_recovers(&world);
    assert_world_field(&world, "doubted", "st", "PENDING");
    assert_world_field(&world, "doubted", "doubt", "1");
}

static void evidence_of_an_unknown_order_has_no_src_and_is_in_doubt(void **state)
{
    (void) state;
    struct world_event event;
    world_event_fill(&world, &event, "orphan", ORDER_UNKNOWN, 1);
    event.outcome.position.topic = world.resolutions;
    world_publish(&world, &event);
    world_open_below(&world, 0);
    world_recovers(&world);
    assert_world_field(&world, "orphan", "src", "");
    assert_world_field(&world, "orphan", "fp", "");
    assert_world_field(&world, "orphan", "doubt", "1");
    world_is_answered(&world, world_call(&world, LEDGER_ARM, "orphan", 3), LEDGER_KNOWN);
}

static void two_events(int64_t last_ms)
{
    struct world_event event;
    world_event_fill(&world, &event, "old", ORDER_PAID, 1);
    event.timestamp_ms = last_ms - 11 * 60 * 1000;
    world_publish(&world, &event);
    world_event_fill(&world, &event, "young", ORDER_PAID, 1);
    event.timestamp_ms = last_ms - 9 * 60 * 1000;
    world_publish(&world, &event);
    world_open_below(&world, 0);
}

static void outcomes_are_read_from_ten_minutes_before_the_oldest_last(void **state)
{
    (void) state;
    int64_t last_ms = loop_wall_ms() - 3600 * 1000;
    two_events(last_ms);
    world_set_last(&world, last_ms + 3600 * 1000);
    redis_server_do(&world.redis, "SET {po:17}:last %lld", (long long) last_ms);
    world_recovers(&world);
    assert_true(world_is_absent(&world, "old"));
    assert_world_field(&world, "young", "st", "PAID");
    assert_int_equal(redis_server_number(&world.redis, "GET {po:17}:last"), last_ms);
}

static void outcomes_are_read_from_the_beginning_where_a_last_is_missing(void **state)
{
    (void) state;
    int64_t last_ms = loop_wall_ms() - 3600 * 1000;
    two_events(last_ms);
    world_set_last(&world, last_ms);
    redis_server_do(&world.redis, "DEL {po:63}:last");
    world_recovers(&world);
    assert_world_field(&world, "old", "st", "PAID");
    assert_int_equal(redis_server_number(&world.redis, "EXISTS {po:63}:last"), 0);
}

static void rebuild_reads_from_the_beginning(void **state)
{
    (void) state;
    int64_t last_ms = loop_wall_ms() - 3600 * 1000;
    two_events(last_ms);
    world_set_last(&world, last_ms);
    world.mode = RESTORER_REBUILD;
    world_recovers(&world);
    assert_world_field(&world, "old", "st", "PAID");
    assert_world_field(&world, "young", "st", "PAID");
}

static void an_outcome_of_ours_that_cannot_be_read_ends_it_unconfirmed(void **state)
{
    (void) state;
    world_publish_text(&world, "x", "{\"sequence\":1,\"verdict\":\"paid\"}",
                       "kz.example.payout.succeeded.v2");
    world_open_below(&world, 0);
    world_run(&world);
    assert_int_equal(world.status, STATUS_FOREIGN_DATA);
    assert_non_null(strstr(world.why, "[0] offset 0"));
    assert_false(world_is_confirmed(&world));
}

static void what_is_no_outcome_is_passed_over(void **state)
{
    (void) state;
    world_publish_text(&world, "x", "hello", "com.other.event");
    world_open_below(&world, 0);
    world_recovers(&world);
    assert_int_equal(world.report.unreadable, 1);
}

/* --- claims, acknowledgements, modes --- */

static void shards_that_have_the_token_are_left_alone(void **state)
{
    (void) state;
    char token[LEDGER_TOKEN_MAX], inc[32];
    world_command(&world, "restored-before", 0);
    world_open_below(&world, 1);
    ledger_keys_token_text(world.ledger.token, token);
    snprintf(inc, sizeof inc, "%.7s:inc", ledger_bench_key("restored-before"));
    redis_server_do(&world.redis, "SET %s %s", inc, token);
    world_recovers(&world);
    assert_true(world_is_absent(&world, "restored-before"));
    assert_int_equal(world.report.shards, LEDGER_SHARDS - 1);
}

static void nothing_is_done_when_every_shard_has_the_token(void **state)
{
    (void) state;
    world_command(&world, "safe", 0);
    world_acknowledge(&world, world.ledger.token);
    world_commit(&world, 0, world.ledger.token, 0, 1, -1);
    world_recovers(&world);
    assert_true(world_is_absent(&world, "safe"));
    assert_int_equal(world.report.shards, 0);
}

static void without_acknowledgements_nothing_is_touched_and_the_time_runs_out(void **state)
{
    (void) state;
    world_command(&world, "waits", 0);
    world_acknowledge(&world, world.ledger.token ^ 1);
    world_commit(&world, 0, world.ledger.token ^ 1, 0, 1, -1);
    world_wipe(&world);
    world.timeout_ms = 600;
    world_run(&world);
    assert_int_equal(world.status, STATUS_TIMED_OUT);
    assert_non_null(strstr(world.why, "no worker acknowledges: start the workers"));
    assert_int_equal(redis_server_number(&world.redis, "EXISTS {po:00}:inc"), 0);
    assert_true(world_is_absent(&world, "waits"));
}

static void lossless_confirms_and_writes_nothing_else(void **state)
{
    (void) state;
    struct world_event event;
    world_command(&world, "sending", 0);
    world_is_answered(&world, world_call(&world, LEDGER_ARM, "sending", 0), LEDGER_ARMED);
    world_event_fill(&world, &event, "paid", ORDER_PAID, 1);
    world_publish(&world, &event);
    world_open_below(&world, 1);
    world.mode = RESTORER_LOSSLESS;
    world_recovers(&world);
    assert_world_field(&world, "sending", "st", "SENDING");
    assert_true(world_is_absent(&world, "paid"));
    assert_int_equal(world.report.shards, LEDGER_SHARDS);
}

static void lossless_waits_for_acknowledgements_too(void **state)
{
    (void) state;
    world_acknowledge(&world, world.ledger.token);
    world_commit_resolutions(&world, world.ledger.token ^ 1);
    world_wipe(&world);
    world.mode = RESTORER_LOSSLESS;
    world.timeout_ms = 600;
    world_run(&world);
    assert_int_equal(world.status, STATUS_TIMED_OUT);
    assert_non_null(strstr(world.why, "2 of 3 partitions"));
    assert_false(world_is_confirmed(&world));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_final_outcome_is_restored_as_it_was_published),
        TEST(the_last_event_counts_and_a_final_stands_before_any_other),
        TEST(an_event_is_restored_over_what_redis_remembers_from_before),
        TEST(once_in_doubt_an_order_stays_so),
        TEST(evidence_of_an_unknown_order_has_no_src_and_is_in_doubt),
        TEST(outcomes_are_read_from_ten_minutes_before_the_oldest_last),
        TEST(outcomes_are_read_from_the_beginning_where_a_last_is_missing),
        TEST(rebuild_reads_from_the_beginning),
        TEST(an_outcome_of_ours_that_cannot_be_read_ends_it_unconfirmed),
        TEST(what_is_no_outcome_is_passed_over),
        TEST(shards_that_have_the_token_are_left_alone),
        TEST(nothing_is_done_when_every_shard_has_the_token),
        TEST(without_acknowledgements_nothing_is_touched_and_the_time_runs_out),
        TEST(lossless_confirms_and_writes_nothing_else),
        TEST(lossless_waits_for_acknowledgements_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
