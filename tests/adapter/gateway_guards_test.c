/* The guards of a paying request, with and without each: the send window, reuse, the trial at
 * start, limits. */
#include "gateway_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ALL = GATEWAY_GUARD_ALL };

static void open_at(struct bench *bench, enum hostile_act act, int64_t reuse_idle_max_ms,
                    unsigned guards)
{
    const struct hostile_server_options server = {.act = act};
    struct gateway_http_options options = bench_options();
    options.reuse_idle_max_ms = reuse_idle_max_ms;
    bench_open(bench, &server, &options, guards);
}

static void window_that_is_over_proves_not_sent(void **state)
{
    (void) state;
    struct bench bench;
    open_at(&bench, ACT_ANSWER, 1000, ALL);
    assert_int_equal(bench_send(&bench, loop_now_ms()), STATUS_OK);
    bench_wait(&bench, 1);
    bench_settle(&bench);
    assert_int_equal(bench.results[0].sent, GATEWAY_NOT_SENT);
    assert_int_equal(bench.results[0].sent_ms, 0);
    assert_non_null(strstr(bench.results[0].why, "window"));
    assert_int_equal(hostile_server_posts(bench.server), 0);
    bench_close(&bench);
}

static void window_that_is_over_on_a_kept_connection_proves_not_sent(void **state)
{
    (void) state;
    struct bench bench;
    open_at(&bench, ACT_ANSWER, 1000, ALL);
    assert_int_equal(bench_ask(&bench)->http_status, 200);
    assert_int_equal(bench_send(&bench, loop_now_ms()), STATUS_OK);
    bench_wait(&bench, 2);
    bench_settle(&bench);
    assert_int_equal(bench.results[1].sent, GATEWAY_NOT_SENT);
    assert_int_equal(hostile_server_posts(bench.server), 1);
    bench_close(&bench);
}

static void window_that_ends_during_the_handshake_proves_not_sent(void **state)
{
    (void) state;
    const struct hostile_server_options server = {.handshake_delay_ms = 120};
    const struct gateway_http_options options = bench_options();
    struct bench bench;
    bench_open(&bench, &server, &options, ALL);
    assert_int_equal(bench_send(&bench, loop_now_ms() + 60), STATUS_OK);
    bench_wait(&bench, 1);
    bench_settle(&bench);
    assert_int_equal(bench.results[0].sent, GATEWAY_NOT_SENT);
    assert_int_equal(hostile_server_posts(bench.server), 0);
    bench_close(&bench);
}

/* The process is paused for ten seconds at each place in turn where the client reads the clock. */
static void pause_at_any_place_never_sends_a_body_late(void **state)
{
    (void) state;
    int32_t seen_before_prereq = 0, seen_before_body = 0, seen_whole = 0;
    for (int calls = 0; calls < 8; calls++) {
        struct bench bench;
        open_at(&bench, ACT_ANSWER, 1000, ALL);
        int64_t send_before_ms = loop_now_ms() + 1000;
        bench_clock_jump_at_call(calls, 10000);
        if (bench_send(&bench, send_before_ms) == STATUS_OK) {
            bench_wait(&bench, 1);
            struct gateway_result result = bench.results[0];
            bench_settle(&bench);
            int32_t whole_posts = hostile_server_whole_posts(bench.server);
            if (result.sent == GATEWAY_NOT_SENT) {
                assert_int_equal(hostile_server_posts(bench.server), 0);
                seen_before_prereq++;
            } else if (result.http_status == 0) {
                assert_int_equal(whole_posts, 0);
                seen_before_body++;
            } else {
                assert_int_equal(whole_posts, 1);
                seen_whole++;
            }
        }
        bench_close(&bench);
    }
    assert_true(seen_before_prereq > 0);
    assert_int_equal(seen_before_body, 1);
    assert_true(seen_whole > 0);
}

static void connection_is_kept_up_to_its_idle_limit(void **state)
{
    (void) state;
    struct bench bench;
    open_at(&bench, ACT_ANSWER, 60000, ALL);
    assert_false(bench_ask(&bench)->reused);
    bench_clock_move(59000);
    assert_true(bench_ask(&bench)->reused);
    bench_clock_move(59000); /* counted anew from the last use */
    assert_true(bench_ask(&bench)->reused);
    bench_settle(&bench);
    assert_int_equal(hostile_server_connections(bench.server), 1);
    bench_close(&bench);
}

/* On a server that dies on a second POST: what is answered did not go over the old connection. */
static void connection_past_its_idle_limit_gives_way_to_a_new_one(void **state)
{
    (void) state;
    struct bench bench;
    open_at(&bench, ACT_SECOND_CLOSE_AFTER_READ, 60000, ALL);
    for (int i = 0; i < 3; i++) {
        const struct gateway_result *result = bench_ask(&bench);
        assert_int_equal(result->http_status, 200);
        assert_false(result->reused);
        bench_clock_move(60000);
    }
    bench_settle(&bench);
    assert_int_equal(hostile_server_posts(bench.server), 3);
    assert_int_equal(hostile_server_connections(bench.server), 3);
    bench_close(&bench);
}

static void without_its_guard_an_old_connection_is_used_again(void **state)
{
    (void) state;
    struct bench bench;
    open_at(&bench, ACT_SECOND_CLOSE_AFTER_READ, 60000, ALL & ~(unsigned) GATEWAY_GUARD_IDLE);
    assert_int_equal(bench_ask(&bench)->http_status, 200);
    bench_clock_move(60000);
    const struct gateway_result *result = bench_ask(&bench);
    assert_true(result->reused);
    assert_int_equal(result->sent, GATEWAY_MAY_BE_SENT);
    assert_int_equal(result->http_status, 0);
    bench_close(&bench);
}

static void idle_limit_below_a_second_is_exact_too(void **state)
{
    (void) state;
    struct bench bench;
    open_at(&bench, ACT_ANSWER, 300, ALL);
    assert_int_equal(bench_ask(&bench)->http_status, 200);
    bench_clock_move(200);
    assert_true(bench_ask(&bench)->reused);
    bench_clock_move(300);
    assert_false(bench_ask(&bench)->reused);
    bench_close(&bench);
}

static void idle_limit_of_zero_keeps_no_connection(void **state)
{
    (void) state;
    struct bench bench;
    open_at(&bench, ACT_ANSWER, 0, ALL);
    assert_false(bench_ask(&bench)->reused);
    assert_false(bench_ask(&bench)->reused);
    assert_int_equal(gateway_http_sockets(bench.http), 0);
    bench_close(&bench);
}

static void idle_connections_are_closed_without_another_request(void **state)
{
    (void) state;
    struct bench bench;
    open_at(&bench, ACT_ANSWER, 1000, ALL);
    for (int i = 0; i < 5; i++)
        assert_int_equal(bench_send(&bench, 0), STATUS_OK);
    bench_wait(&bench, 5);
    assert_int_equal(gateway_http_sockets(bench.http), 5);
    bench_turn_ms(&bench, 500);
    assert_int_equal(gateway_http_sockets(bench.http), 5);
    bench_turn_ms(&bench,
                  2500); /* a limit, one round of the janitor, and what a busy machine adds */
    assert_int_equal(gateway_http_sockets(bench.http), 0);
    bench_close(&bench);
}

static void trial_of_this_libcurl_passes(void **state)
{
    (void) state;
    char why[200] = "";
    assert_int_equal(gateway_http_self_test(why, sizeof why), STATUS_OK);
    assert_string_equal(why, "");
}

static void trial_without_guards_finds_the_second_post(void **state)
{
    (void) state;
    char why[200] = "";
    unsigned none = ALL & ~(unsigned) (GATEWAY_GUARD_ONCE | GATEWAY_GUARD_NO_REWIND);
    assert_int_equal(gateway_self_test_guarded(none, why, sizeof why), STATUS_UNSAFE);
    assert_non_null(strstr(why, "3 POSTs"));
}

static void either_guard_alone_keeps_the_second_post_away(void **state)
{
    (void) state;
    char why[200] = "";
    unsigned without_once = ALL & ~(unsigned) GATEWAY_GUARD_ONCE;
    unsigned without_no_rewind = ALL & ~(unsigned) GATEWAY_GUARD_NO_REWIND;
    assert_int_equal(gateway_self_test_guarded(without_once, why, sizeof why), STATUS_OK);
    assert_int_equal(gateway_self_test_guarded(without_no_rewind, why, sizeof why), STATUS_OK);
}

/* The hostile server, over TLS: what one guard leaves open the other one closes, and without both
 * money is doubled. */
static void reused_connection_that_dies_doubles_a_payment_only_without_both_guards(void **state)
{
    (void) state;
    const unsigned once = GATEWAY_GUARD_ONCE, no_rewind = GATEWAY_GUARD_NO_REWIND;
    const struct {
        unsigned without;
        int32_t whole_posts;
        bool answered;
    } rows[] = {
        {0, 2, false}, {once, 2, false}, {no_rewind, 2, false}, {once | no_rewind, 3, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench bench;
        open_at(&bench, ACT_SECOND_CLOSE_AFTER_READ, 1000, ALL & ~rows[i].without);
        assert_int_equal(bench_ask(&bench)->http_status, 200);
        struct gateway_result result = *bench_ask(&bench);
        bench_settle(&bench);
        assert_int_equal(hostile_server_whole_posts(bench.server), rows[i].whole_posts);
        assert_int_equal(result.http_status != 0, rows[i].answered);
        bench_close(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_that_is_over_proves_not_sent),
        cmocka_unit_test(window_that_is_over_on_a_kept_connection_proves_not_sent),
        cmocka_unit_test(window_that_ends_during_the_handshake_proves_not_sent),
        cmocka_unit_test(pause_at_any_place_never_sends_a_body_late),
        cmocka_unit_test(connection_is_kept_up_to_its_idle_limit),
        cmocka_unit_test(connection_past_its_idle_limit_gives_way_to_a_new_one),
        cmocka_unit_test(without_its_guard_an_old_connection_is_used_again),
        cmocka_unit_test(idle_limit_below_a_second_is_exact_too),
        cmocka_unit_test(idle_limit_of_zero_keeps_no_connection),
        cmocka_unit_test(idle_connections_are_closed_without_another_request),
        cmocka_unit_test(trial_of_this_libcurl_passes),
        cmocka_unit_test(trial_without_guards_finds_the_second_post),
        cmocka_unit_test(either_guard_alone_keeps_the_second_post_away),
        cmocka_unit_test(reused_connection_that_dies_doubles_a_payment_only_without_both_guards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
