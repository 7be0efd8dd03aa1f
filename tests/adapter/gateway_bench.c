/* What the tests of the gateway's client share. */
#include "gateway_bench.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BENCH_BODY "pg_amount=100&pg_order_id=bench"

int64_t __real_loop_now_ms(void);
int64_t __wrap_loop_now_ms(void);

static int64_t moved_ms, jump_ms;
static int calls_to_jump = -1;

int64_t __wrap_loop_now_ms(void)
{
    if (calls_to_jump >= 0 && calls_to_jump-- == 0)
        moved_ms += jump_ms;
    return __real_loop_now_ms() + moved_ms;
}

void bench_clock_move(int64_t ms)
{
    moved_ms += ms;
}

void bench_clock_jump_at_call(int calls, int64_t ms)
{
    calls_to_jump = calls;
    jump_ms = ms;
}

void bench_clock_reset(void)
{
    moved_ms = 0;
    calls_to_jump = -1;
}

struct gateway_http_options bench_options(void)
{
    return (struct gateway_http_options){.user_agent = "bench",
                                         .connect_timeout_ms = 1000,
                                         .request_timeout_ms = 5000,
                                         .reuse_idle_max_ms = 1000,
                                         .max_connections = 1000,
                                         .reply_max = 64 * 1024};
}

static void on_done(void *context, const struct gateway_result *result)
{
    struct bench *bench = context;
    assert_true(bench->results_count < BENCH_RESULTS_MAX);
    if (result->http_status == 200)
        assert_true(result->body.len > 0);
    bench->results[bench->results_count] = *result;
    bench->results[bench->results_count++].body = BYTES_NONE;
    if (bench->results_count >= bench->wanted)
        loop_stop(bench->loop);
}

static void on_bound(void *context)
{
    struct bench *bench = context;
    bench->ran_out = true;
    loop_stop(bench->loop);
}

void bench_open(struct bench *bench, const struct hostile_server_options *server,
                const struct gateway_http_options *options, unsigned guards)
{
    bench_clock_reset();
    memset(bench, 0, sizeof *bench);
    bench->server = hostile_server_start(server);
    (void) snprintf(bench->url, sizeof bench->url, "https://127.0.0.1:%d/g2g/p2p2nonreg",
                    hostile_server_port(bench->server));
    struct gateway_http_options with_ca = *options;
    with_ca.ca_file = hostile_server_ca_file(bench->server);
    assert_int_equal(loop_new(&bench->loop), STATUS_OK);
    assert_int_equal(loop_timer_new(bench->loop, on_bound, bench, &bench->bound), STATUS_OK);
    assert_int_equal(
        gateway_http_new_guarded(bench->loop, &with_ca, guards, on_done, bench, &bench->http),
        STATUS_OK);
}

void bench_settle(struct bench *bench)
{
    gateway_http_free(bench->http);
    bench->http = NULL;
    for (int i = 0; i < 1000 && hostile_server_open(bench->server) > 0; i++)
        poll(NULL, 0, 5);
    assert_int_equal(hostile_server_open(bench->server), 0);
}

void bench_close(struct bench *bench)
{
    gateway_http_free(bench->http);
    loop_timer_free(bench->bound);
    loop_free(bench->loop);
    hostile_server_stop(bench->server);
    bench_clock_reset();
}

enum status bench_send(struct bench *bench, int64_t send_before_ms)
{
    struct gateway_request request = {.tag = ++bench->next_tag,
                                      .pays = true,
                                      .url = bench->url,
                                      .body = BYTES(BENCH_BODY),
                                      .content_type = BYTES("application/x-www-form-urlencoded"),
                                      .send_before_ms = send_before_ms};
    return gateway_http_send(bench->http, &request);
}

void bench_wait(struct bench *bench, size_t results)
{
    bench->wanted = results;
    bench->ran_out = false;
    if (bench->results_count >= results)
        return;
    loop_timer_set(bench->bound, 20000);
    assert_int_equal(loop_run(bench->loop, NULL, NULL), STATUS_OK);
    loop_timer_clear(bench->bound);
    assert_false(bench->ran_out);
}

const struct gateway_result *bench_ask(struct bench *bench)
{
    assert_int_equal(bench_send(bench, 0), STATUS_OK);
    bench_wait(bench, bench->results_count + 1);
    return &bench->results[bench->results_count - 1];
}

void bench_turn_ms(struct bench *bench, int64_t turn_ms)
{
    bench->wanted = BENCH_RESULTS_MAX;
    loop_timer_set(bench->bound, turn_ms);
    assert_int_equal(loop_run(bench->loop, NULL, NULL), STATUS_OK);
}
