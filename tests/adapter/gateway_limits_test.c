/* What the gateway's client holds and lets go: connections, TLS sessions, places, look-ups; and
 * what it says. */
#include "gateway_bench.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ALL = GATEWAY_GUARD_ALL };

/* In place of libc's: the look-up of one name stands still while the gate is shut. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    if (name != NULL && strcmp(name, "slow.invalid") == 0) {
        pthread_mutex_lock(&gate);
        pthread_mutex_unlock(&gate);
        return EAI_AGAIN;
    }
    union {
        void *symbol;
        int (*call)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    } libc = {.symbol = dlsym(RTLD_NEXT, "getaddrinfo")};
    return libc.call(name, service, hints, found);
}

static void open_at(struct bench *bench, enum hostile_act act, int64_t reuse_idle_max_ms,
                    unsigned guards)
{
    const struct hostile_server_options server = {.act = act};
    struct gateway_http_options options = bench_options();
    options.reuse_idle_max_ms = reuse_idle_max_ms;
    bench_open(bench, &server, &options, guards);
}

static void new_connection_resumes_the_tls_session(void **state)
{
    (void) state;
    struct bench bench;
    open_at(&bench, ACT_ANSWER, 0, ALL);
    char url[sizeof bench.url];
    memcpy(url, bench.url, sizeof url);
    assert_int_equal(bench_ask(&bench)->http_status, 200);
    assert_int_equal(hostile_server_resumed(bench.server), 0);

    /* the handle that spoke before is busy elsewhere, so another one inherits the session */
    (void) snprintf(bench.url, sizeof bench.url, "https://slow.invalid/pay");
    pthread_mutex_lock(&gate);
    assert_int_equal(bench_send(&bench, 0), STATUS_OK);
    memcpy(bench.url, url, sizeof url);
    assert_int_equal(bench_send(&bench, 0), STATUS_OK);
    bench_wait(&bench, 2);
    pthread_mutex_unlock(&gate);
    assert_int_equal(bench.results[1].http_status, 200);
    assert_int_equal(hostile_server_connections(bench.server), 2);
    assert_int_equal(hostile_server_resumed(bench.server), 1);
    bench_close(&bench);
}

static void requests_beyond_the_limit_are_refused(void **state)
{
    (void) state;
    const struct hostile_server_options server = {.answer_delay_ms = 50};
    struct gateway_http_options options = bench_options();
    options.max_connections = 3;
    struct bench bench;
    bench_open(&bench, &server, &options, ALL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(bench_send(&bench, 0), STATUS_OK);
    assert_int_equal(bench_send(&bench, 0), STATUS_NO_ROOM);
    assert_int_equal(gateway_http_in_flight(bench.http), 3);
    bench_wait(&bench, 3);
    assert_int_equal(gateway_http_in_flight(bench.http), 0);
    assert_int_equal(bench_send(&bench, 0), STATUS_OK);
    bench_wait(&bench, 4);
    bench_close(&bench);
}

/* The one that was found too old is closed; the next try does not go through the others first. */
static void many_old_connections_cost_a_request_one_more_try(void **state)
{
    (void) state;
    struct bench bench;
    open_at(&bench, ACT_ANSWER, 60000, ALL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(bench_send(&bench, 0), STATUS_OK);
    bench_wait(&bench, 4);
    bench_clock_move(60000);
    const struct gateway_result *result = bench_ask(&bench);
    assert_int_equal(result->http_status, 200);
    assert_false(result->reused);
    assert_int_equal(gateway_http_sockets(bench.http), 4);
    bench_settle(&bench);
    assert_int_equal(hostile_server_connections(bench.server), 5);
    assert_int_equal(hostile_server_posts(bench.server), 5);
    bench_close(&bench);
}

static void burst_is_answered_once_each(void **state)
{
    (void) state;
    enum { BURST = 200 };
    const struct hostile_server_options server = {.answer_delay_ms = 20};
    struct gateway_http_options options = bench_options();
    options.connect_timeout_ms = 4000;
    struct bench bench;
    bench_open(&bench, &server, &options, ALL);
    for (int i = 0; i < BURST; i++)
        assert_int_equal(bench_send(&bench, 0), STATUS_OK);
    bench_wait(&bench, BURST);
    bool seen[BURST + 1] = {false};
    for (size_t i = 0; i < BURST; i++) {
        assert_int_equal(bench.results[i].http_status, 200);
        assert_false(seen[bench.results[i].tag]);
        seen[bench.results[i].tag] = true;
    }
    bench_settle(&bench);
    assert_int_equal(hostile_server_posts(bench.server), BURST);
    bench_close(&bench);
}

static void requests_that_find_no_place_to_begin_are_proved_not_sent(void **state)
{
    (void) state;
    enum { BURST = 100 };
    const struct hostile_server_options server = {.act = ACT_STALL_HANDSHAKE};
    struct gateway_http_options options = bench_options();
    options.connect_timeout_ms = 300;
    struct bench bench;
    bench_open(&bench, &server, &options, ALL);
    for (int i = 0; i < BURST; i++)
        assert_int_equal(bench_send(&bench, 0), STATUS_OK);
    bench_wait(&bench, BURST);
    for (size_t i = 0; i < BURST; i++)
        assert_int_equal(bench.results[i].sent, GATEWAY_NOT_SENT);
    assert_true(hostile_server_connections(bench.server) < BURST);
    bench_close(&bench);
}

static void client_may_end_in_the_middle_of_requests(void **state)
{
    (void) state;
    struct bench bench;
    open_at(&bench, ACT_SILENT, 1000, ALL);
    for (int i = 0; i < 40; i++)
        assert_int_equal(bench_send(&bench, 0), STATUS_OK);
    bench_turn_ms(&bench, 100);
    assert_int_equal(gateway_http_in_flight(bench.http), 40);
    bench_settle(&bench);
    assert_int_equal(bench.results_count, 0);
    bench_close(&bench);
}

static void look_up_that_never_ends_does_not_stop_the_loop(void **state)
{
    (void) state;
    const struct hostile_server_options server = {.act = ACT_ANSWER};
    struct gateway_http_options options = bench_options();
    options.connect_timeout_ms = 200;
    struct bench bench;
    bench_open(&bench, &server, &options, ALL);
    (void) snprintf(bench.url, sizeof bench.url, "https://slow.invalid/pay");
    pthread_mutex_lock(&gate);
    assert_int_equal(bench_ask(&bench)->sent, GATEWAY_NOT_SENT);
    assert_int_equal(bench_send(&bench, 0), STATUS_OK);
    bench_turn_ms(&bench, 50);
    gateway_http_free(bench.http);
    bench.http = NULL;
    pthread_mutex_unlock(
        &gate); /* had anything waited for the look-up, this line would not be reached */
    bench_close(&bench);
}

static void request_says_what_it_should(void **state)
{
    (void) state;
    struct bench bench;
    open_at(&bench, ACT_ANSWER, 1000, ALL);
    assert_int_equal(bench_ask(&bench)->http_status, 200);
    assert_true(hostile_server_saw(bench.server, "POST /g2g/p2p2nonreg HTTP/1.1\r\n"));
    assert_true(hostile_server_saw(bench.server, "\r\nUser-Agent: bench\r\n"));
    assert_true(hostile_server_saw(bench.server,
                                   "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_true(hostile_server_saw(bench.server, "\r\nContent-Length: 31\r\n"));
    assert_true(hostile_server_saw(bench.server, "\r\n\r\npg_amount=100&pg_order_id=bench"));
    assert_false(hostile_server_saw(bench.server, "Expect:"));
    assert_false(hostile_server_saw(bench.server, "Transfer-Encoding:"));
    bench_close(&bench);
}

static void content_type_that_would_break_a_header_is_refused(void **state)
{
    (void) state;
    struct bench bench;
    open_at(&bench, ACT_ANSWER, 1000, ALL);
    const char *wrong[] = {"", "a/b\r\nX-Evil: 1", "a/b\nc"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct gateway_request request = {
            .url = bench.url, .body = BYTES("x"), .content_type = bytes_of(wrong[i])};
        assert_int_equal(gateway_http_send(bench.http, &request), STATUS_BAD_FIELD);
    }
    assert_int_equal(gateway_http_in_flight(bench.http), 0);
    bench_close(&bench);
}

static void proxy_that_is_not_there_proves_not_sent(void **state)
{
    (void) state;
    const struct hostile_server_options server = {.act = ACT_ANSWER};
    struct gateway_http_options options = bench_options();
    options.proxy = "http://127.0.0.1:9";
    struct bench bench;
    bench_open(&bench, &server, &options, ALL);
    assert_int_equal(bench_ask(&bench)->sent, GATEWAY_NOT_SENT);
    bench_settle(&bench);
    assert_int_equal(hostile_server_connections(bench.server), 0);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_connection_resumes_the_tls_session),
        cmocka_unit_test(requests_beyond_the_limit_are_refused),
        cmocka_unit_test(many_old_connections_cost_a_request_one_more_try),
        cmocka_unit_test(burst_is_answered_once_each),
        cmocka_unit_test(requests_that_find_no_place_to_begin_are_proved_not_sent),
        cmocka_unit_test(client_may_end_in_the_middle_of_requests),
        cmocka_unit_test(look_up_that_never_ends_does_not_stop_the_loop),
        cmocka_unit_test(request_says_what_it_should),
        cmocka_unit_test(content_type_that_would_break_a_header_is_refused),
        cmocka_unit_test(proxy_that_is_not_there_proves_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
