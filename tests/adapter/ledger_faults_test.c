/* Redis stalls, forgets, refuses, dies and comes back: each call still has exactly one answer, and
 * the truth. */
#include "ledger_bench.h"

#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct redis_server server;
static struct ledger_bench bench;

static struct ledger_call arm(const char *order)
{
    return ledger_bench_arm(&bench, order, 1, 1, 1);
}

static int64_t connects(void)
{
    return ledger_statistics(bench.ledger)->connects;
}

static void scripts_flushed_under_us_are_loaded_again(void **state)
{
    (void) state;
    struct ledger_call call = arm("flush-scripts");
    redis_server_do(&server, "SCRIPT FLUSH");
    assert_answer(&bench, &call, LEDGER_ARMED);
    assert_int_equal(ledger_statistics(bench.ledger)->scripts_loaded, LEDGER_SCRIPT_COUNT + 1);
    assert_int_equal(connects(), 1);
}

static void many_calls_that_find_no_script_are_each_answered_once(void **state)
{
    (void) state;
    redis_server_do(&server, "SCRIPT FLUSH");
    for (int i = 0; i < 60; i++) {
        char order[32];
        snprintf(order, sizeof order, "flush-%d", i);
        struct ledger_call call = arm(order);
        assert_int_equal(ledger_ask(bench.ledger, &call), STATUS_OK);
    }
    ledger_bench_wait_replies(&bench, 60);
    assert_int_equal(bench.replies, 60);
    assert_int_equal(ledger_statistics(bench.ledger)->answers[LEDGER_ARMED], 60);
    assert_int_equal(ledger_statistics(bench.ledger)->scripts_loaded, LEDGER_SCRIPT_COUNT + 1);
}

static void an_answer_that_is_too_late_is_failed_and_its_connection_is_not_used_again(void **state)
{
    (void) state;
    struct ledger_call call = arm("paused");
    redis_server_do(&server, "CLIENT PAUSE 1500 WRITE");
    assert_answer(&bench, &call, LEDGER_FAILED);
    assert_false(ledger_is_up(bench.ledger));
    assert_int_equal(bench.down_status, STATUS_TIMED_OUT);
    assert_int_equal(ledger_ask(bench.ledger, &call), STATUS_UNAVAILABLE);
    ledger_bench_wait_up(&bench);
    assert_true(connects() >= 2);
    struct ledger_call again = arm("paused");
    enum ledger_answer answer = ledger_bench_ask(&bench, &again);
    while (answer == LEDGER_FAILED) { /* the pause may outlast a second deadline */
        ledger_bench_wait_up(&bench);
        answer = ledger_bench_ask(&bench, &again);
    }
    assert_int_equal(answer, LEDGER_ARMED);
    assert_int_equal(bench.reply.attempt, 1);
}

static void an_arm_that_was_done_but_not_answered_in_time_is_armed_when_repeated(void **state)
{
    (void) state;
    struct ledger_call call = arm("slept");
    redisReply *slept = NULL;
    assert_int_equal(redisAppendCommand(server.context, "DEBUG SLEEP 1"), REDIS_OK);
    int done = 0;
    while (done == 0)
        assert_int_equal(redisBufferWrite(server.context, &done), REDIS_OK);
    assert_answer(&bench, &call, LEDGER_FAILED);
    assert_int_equal(redisGetReply(server.context, (void **) &slept), REDIS_OK);
    freeReplyObject(slept);
    ledger_bench_wait_up(&bench);
    assert_answer(&bench, &call, LEDGER_ARMED);
}

static void every_call_under_way_is_failed_when_redis_dies_and_empty_when_it_came_back(void **state)
{
    (void) state;
    struct ledger_call call = arm("killed");
    uint64_t before = bench.token;
    assert_answer(&bench, &call, LEDGER_ARMED);
    for (int i = 0; i < 10; i++)
        assert_int_equal(ledger_ask(bench.ledger, &call), STATUS_OK);
    redis_server_kill(&server);
    ledger_bench_wait_replies(&bench, 11);
    assert_int_equal(ledger_statistics(bench.ledger)->answers[LEDGER_FAILED], 10);
    assert_false(ledger_is_up(bench.ledger));
    redis_server_restart(&server);
    ledger_bench_wait_up(&bench);
    assert_true(bench.token != before);
    call.token = bench.token; /* the caller believes in the new one, no shard does yet */
    assert_answer(&bench, &call, LEDGER_EMPTY);
    assert_string_equal(ledger_bench_field(&bench, "killed", "st"), "SENDING");
}

static void a_master_made_replica_blocks_and_is_up_again_as_another_history(void **state)
{
    (void) state;
    struct ledger_call call = arm("readonly");
    uint64_t before = bench.token;
    redis_server_do(&server, "REPLICAOF 127.0.0.1 1");
    assert_answer(&bench, &call, LEDGER_BLOCKED);
    assert_non_null(strstr(bench.reply_why, "READONLY"));
    assert_false(ledger_is_up(bench.ledger));
    redis_server_do(&server, "REPLICAOF NO ONE");
    ledger_bench_wait_up(&bench);
    assert_true(bench.token != before);
    assert_int_equal(redis_server_number(&server, "EXISTS %s", ledger_bench_key("readonly")), 0);
}

static void a_history_that_changes_without_a_word_is_noticed(void **state)
{
    (void) state;
    uint64_t before = bench.token;
    redis_server_do(&server, "REPLICAOF 127.0.0.1 1");
    redis_server_do(&server, "REPLICAOF NO ONE");
    ledger_bench_wait_down(&bench);
    ledger_bench_wait_up(&bench);
    assert_true(bench.token != before);
}

static void a_full_redis_blocks_without_having_done_anything(void **state)
{
    (void) state;
    struct ledger_keys keys;
    ledger_keys_of_order("test", BYTES("full"), &keys);
    struct ledger_call call = arm("full");
    redis_server_do(&server, "CONFIG SET maxmemory 1");
    assert_answer(&bench, &call, LEDGER_BLOCKED);
    assert_non_null(strstr(bench.reply_why, "OOM"));
    assert_int_equal(bench.down_status, STATUS_ENVIRONMENT);
    assert_int_equal(redis_server_number(&server, "EXISTS %s", keys.text[LEDGER_KEY_ORDER]), 0);
    assert_int_equal(ledger_bench_due_score(&bench, "full"), -1);
    redis_server_do(&server, "CONFIG SET maxmemory 0");
    ledger_bench_wait_up(&bench);
    assert_answer(&bench, &call, LEDGER_ARMED);
}

static void a_user_who_may_not_run_scripts_any_more_blocks(void **state)
{
    (void) state;
    struct ledger_call call = arm("noperm");
    redis_server_do(&server, "ACL SETUSER default -evalsha");
    assert_answer(&bench, &call, LEDGER_BLOCKED);
    assert_non_null(strstr(bench.reply_why, "NOPERM"));
    assert_int_equal(bench.down_status, STATUS_CONFIG);
    redis_server_do(&server, "ACL SETUSER default +@all");
}

static void ten_thousand_calls_are_each_answered_once(void **state)
{
    (void) state;
    enum { CALLS = 10000, BATCH = 60 };
    for (int done = 0; done < CALLS;) {
        int batch = CALLS - done < BATCH ? CALLS - done : BATCH;
        for (int i = 0; i < batch; i++) {
            char order[32];
            snprintf(order, sizeof order, "many-%d", done + i);
            struct ledger_call call = arm(order);
            assert_int_equal(ledger_ask(bench.ledger, &call), STATUS_OK);
        }
        done += batch;
        ledger_bench_wait_replies(&bench, done);
        assert_int_equal(bench.replies, done);
    }
    assert_int_equal(ledger_statistics(bench.ledger)->answers[LEDGER_ARMED], CALLS);
    assert_int_equal(connects(), 1);
}

static void no_more_calls_than_allowed_are_under_way(void **state)
{
    (void) state;
    struct ledger_call call = arm("room");
    for (size_t i = 0; i < bench.options.max_pending; i++)
        assert_int_equal(ledger_ask(bench.ledger, &call), STATUS_OK);
    assert_int_equal(ledger_ask(bench.ledger, &call), STATUS_NO_ROOM);
    ledger_bench_wait_replies(&bench, (int) bench.options.max_pending);
    assert_int_equal(ledger_ask(bench.ledger, &call), STATUS_OK);
}

static void freed_with_calls_under_way_answers_nobody_and_leaks_nothing(void **state)
{
    (void) state;
    struct ledger_call call = arm("freed");
    for (int i = 0; i < 5; i++)
        assert_int_equal(ledger_ask(bench.ledger, &call), STATUS_OK);
}

static void waits_for_replicas_and_blocks_when_they_are_too_slow(void **state)
{
    (void) state;
    struct redis_server replica;
    char port[8], why[LEDGER_WHY_MAX];
    snprintf(port, sizeof port, "%u", server.port);
    redis_server_start(&replica, (const char *const[]){"--replicaof", "127.0.0.1", port, NULL});
    while (redis_server_number(&server, "WAIT 1 100") < 1)
        redis_server_do(&server, "SET wake 1");
    struct ledger_options options = bench.options;
    struct ledger_bench waiting;
    options.wait_replicas = 1;
    options.command_timeout_ms = 5000;
    /* the first replica gives a master a new replication id: a lossless recovery, as an operator
     * would do it */
    assert_int_equal(ledger_initialise(&options, false, why, sizeof why), STATUS_OK);
    ledger_bench_begin(&waiting, &server, &options);
    ledger_bench_wait_up(&waiting);
    struct ledger_call call = ledger_bench_arm(&waiting, "wait", 1, 1, 1);
    assert_answer(&waiting, &call, LEDGER_ARMED);
    assert_int_equal(redis_server_number(&replica, "EXISTS %s", ledger_bench_key("wait")), 1);
    redis_server_kill(&replica);
    struct ledger_call alone = ledger_bench_arm(&waiting, "wait-alone", 1, 1, 1);
    assert_answer(&waiting, &alone, LEDGER_BLOCKED);
    assert_non_null(strstr(waiting.reply_why, "only 0 of 1 replicas"));
    redis_server_restart(&replica);
    ledger_bench_wait_up(&waiting);
    assert_answer(&waiting, &alone, LEDGER_ARMED);
    ledger_bench_close(&waiting);
    redis_server_stop(&replica);
}

static int begin(void **state)
{
    (void) state;
    redis_server_start(&server, (const char *const[]){"--enable-debug-command", "yes",
                                                      "--repl-diskless-sync-delay", "0", NULL});
    struct ledger_options options = ledger_bench_options(&server);
    options.command_timeout_ms = 400;
    ledger_bench_open(&bench, &server, &options);
    return 0;
}

static int end(void **state)
{
    (void) state;
    ledger_bench_close(&bench);
    redis_server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scripts_flushed_under_us_are_loaded_again, begin, end),
        cmocka_unit_test_setup_teardown(many_calls_that_find_no_script_are_each_answered_once,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            an_answer_that_is_too_late_is_failed_and_its_connection_is_not_used_again, begin, end),
        cmocka_unit_test_setup_teardown(
            an_arm_that_was_done_but_not_answered_in_time_is_armed_when_repeated, begin, end),
        cmocka_unit_test_setup_teardown(
            every_call_under_way_is_failed_when_redis_dies_and_empty_when_it_came_back, begin, end),
        cmocka_unit_test_setup_teardown(
            a_master_made_replica_blocks_and_is_up_again_as_another_history, begin, end),
        cmocka_unit_test_setup_teardown(a_history_that_changes_without_a_word_is_noticed, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_full_redis_blocks_without_having_done_anything, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_user_who_may_not_run_scripts_any_more_blocks, begin, end),
        cmocka_unit_test_setup_teardown(ten_thousand_calls_are_each_answered_once, begin, end),
        cmocka_unit_test_setup_teardown(no_more_calls_than_allowed_are_under_way, begin, end),
        cmocka_unit_test_setup_teardown(freed_with_calls_under_way_answers_nobody_and_leaks_nothing,
                                        begin, end),
        cmocka_unit_test_setup_teardown(waits_for_replicas_and_blocks_when_they_are_too_slow, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
