/* The ledger's tests ask here. */
#include "ledger_bench.h"

#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const char ledger_bench_instance[] = "000102030405060708090a0b0c0d0e0f";
const char ledger_bench_other_instance[] = "ffeeddccbbaa99887766554433221100";

static void on_up(void *context, uint64_t token)
{
    struct ledger_bench *bench = context;
    bench->ups++;
    bench->token = token;
}

static void on_down(void *context, enum status status, const char *why)
{
    struct ledger_bench *bench = context;
    bench->downs++;
    bench->down_status = status;
    snprintf(bench->down_why, sizeof bench->down_why, "%s", why);
}

static void on_reply(void *context, const struct ledger_reply *reply)
{
    struct ledger_bench *bench = context;
    bench->replies++;
    free(bench->reply_block);
    assert_int_equal(ledger_reply_copy(reply, &bench->reply, &bench->reply_block), STATUS_OK);
    snprintf(bench->reply_why, sizeof bench->reply_why, "%s", reply->why == NULL ? "" : reply->why);
    for (size_t i = 0; i < reply->due_count; i++)
        snprintf(bench->due[i], LEDGER_KEY_MAX, "%.*s", (int) reply->due[i].len,
                 reply->due[i].data);
}

static void on_guard(void *context)
{
    (void) context;
    fail_msg("the ledger did not do in time what the test waits for");
}

struct ledger_options ledger_bench_options(const struct redis_server *server)
{
    return (struct ledger_options){
        .host = "127.0.0.1",
        .port = server->port,
        .connect_timeout_ms = 3000,
        .command_timeout_ms = 5000,
        .max_pending = 64,
        .key_namespace = "test",
        .horizon_ms = 1000000,
    };
}

void ledger_bench_begin(struct ledger_bench *bench, struct redis_server *server,
                        const struct ledger_options *options)
{
    const struct ledger_events events = {on_up, on_down, on_reply, bench};
    *bench = (struct ledger_bench){.server = server, .options = *options};
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(loop_new(&bench->loop), STATUS_OK);
    assert_int_equal(loop_timer_new(bench->loop, on_guard, bench, &bench->guard), STATUS_OK);
    assert_int_equal(ledger_new(bench->loop, options, &events, &bench->ledger), STATUS_OK);
}

void ledger_bench_open(struct ledger_bench *bench, struct redis_server *server,
                       const struct ledger_options *options)
{
    char why[LEDGER_WHY_MAX] = "";
    if (ledger_initialise(options, true, why, sizeof why) != STATUS_OK)
        fail_msg("%s", why);
    ledger_bench_begin(bench, server, options);
    ledger_bench_wait_up(bench);
}

void ledger_bench_close(struct ledger_bench *bench)
{
    ledger_free(bench->ledger);
    loop_timer_free(bench->guard);
    loop_free(bench->loop);
    free(bench->reply_block);
}

static int64_t turn(void *context)
{
    struct ledger_bench *bench = context;
    if (bench->until(bench))
        loop_stop(bench->loop);
    return -1;
}

void ledger_bench_wait(struct ledger_bench *bench, bool (*until)(const struct ledger_bench *bench))
{
    bench->until = until;
    loop_timer_set(bench->guard, BENCH_PATIENCE_MS);
    assert_int_equal(loop_run(bench->loop, turn, bench), STATUS_OK);
    loop_timer_clear(bench->guard);
}

static bool is_up(const struct ledger_bench *bench)
{
    return ledger_is_up(bench->ledger);
}

static bool is_down(const struct ledger_bench *bench)
{
    return !ledger_is_up(bench->ledger) && bench->downs > 0;
}

static bool has_replies(const struct ledger_bench *bench)
{
    return bench->replies >= bench->until_replies;
}

void ledger_bench_wait_up(struct ledger_bench *bench)
{
    ledger_bench_wait(bench, is_up);
}

void ledger_bench_wait_down(struct ledger_bench *bench)
{
    ledger_bench_wait(bench, is_down);
}

void ledger_bench_wait_replies(struct ledger_bench *bench, int replies)
{
    bench->until_replies = replies;
    ledger_bench_wait(bench, has_replies);
}

enum ledger_answer ledger_bench_ask(struct ledger_bench *bench, const struct ledger_call *call)
{
    assert_int_equal(ledger_ask(bench->ledger, call), STATUS_OK);
    ledger_bench_wait_replies(bench, bench->replies + 1);
    assert_int_equal(bench->reply.tag, call->tag);
    assert_int_equal(bench->reply.script, call->script);
    return bench->reply.answer;
}

struct ledger_call ledger_bench_claim(const struct ledger_bench *bench, enum ledger_script script,
                                      const char *order, int64_t offset, char words)
{
    static uint8_t fingerprints[128][32];
    memset(fingerprints[(int) words], words, 32);
    return (struct ledger_call){
        .script = script,
        .tag = (uint64_t) offset,
        .token = bench->token,
        .order_id = bytes_of(order),
        .by = {BYTES("commands"), 0, offset},
        .fingerprint = fingerprints[(int) words],
        .instance = bytes_of(ledger_bench_instance),
        .merchant_id = BYTES("m1"),
        .profile = BYTES("main"),
        .due_ms = BENCH_DUE_MS,
    };
}

struct ledger_call ledger_bench_arm(const struct ledger_bench *bench, const char *order,
                                    int64_t offset, int64_t call, int32_t attempt)
{
    struct ledger_call arm = ledger_bench_claim(bench, LEDGER_ARM, order, offset, 'a');
    arm.call = call;
    arm.attempt = attempt;
    return arm;
}

struct ledger_call ledger_bench_disarm(const struct ledger_bench *bench, const char *order,
                                       int64_t call, int32_t attempt, const char *payment_id)
{
    struct ledger_call disarm = ledger_bench_arm(bench, order, 0, call, attempt);
    disarm.script = LEDGER_DISARM;
    disarm.payment_id = bytes_of(payment_id);
    return disarm;
}

struct ledger_call ledger_bench_settle(const struct ledger_bench *bench, const char *order,
                                       enum settle_mode mode, int64_t offset,
                                       enum order_state state)
{
    struct ledger_call settle = ledger_bench_arm(bench, order, offset, 1, 1);
    settle.script = LEDGER_SETTLE;
    settle.fingerprint = NULL;
    settle.mode = mode;
    settle.state = state;
    settle.body = bytes_of(order_state_outcome(state));
    settle.late_body = BYTES("unknown, absent");
    if (mode == SETTLE_RESOLUTION)
        settle.by.topic = BYTES("resolutions");
    return settle;
}

struct ledger_call ledger_bench_read(const struct ledger_bench *bench, const char *order)
{
    return (struct ledger_call){
        .script = LEDGER_READ, .token = bench->token, .order_id = bytes_of(order)};
}

const char *ledger_bench_key(const char *order)
{
    static struct ledger_keys keys;
    ledger_keys_of_order("test", bytes_of(order), &keys);
    static char text[LEDGER_KEY_MAX];
    snprintf(text, sizeof text, "%.*s", (int) keys.view[LEDGER_KEY_ORDER].len,
             keys.view[LEDGER_KEY_ORDER].data);
    return text;
}

const char *ledger_bench_field(struct ledger_bench *bench, const char *order, const char *field)
{
    return redis_server_text(bench->server, ledger_bench_key(order), field);
}

int64_t ledger_bench_due_score(struct ledger_bench *bench, const char *order)
{
    struct ledger_keys keys;
    ledger_keys_of_order("test", bytes_of(order), &keys);
    return redis_server_number(bench->server, "ZSCORE %s %s", keys.text[LEDGER_KEY_DUE],
                               ledger_bench_key(order));
}
