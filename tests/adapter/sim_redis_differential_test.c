/* The simulator's ledger and the scripts in a real Redis give equal answers: that is what makes the
 * simulator worth believing. */
#include "ledger_bench.h"
#include "sim_random.h"
#include "sim_redis.h"

#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { CALLS = 20000, ORDERS = 6, HISTORY = 60 };

static struct redis_server server;
static struct ledger_bench bench;
static struct sim_redis sim;
static struct sim_random randomness;
static const char *const orders[ORDERS] = {"o0", "o1", "o2", "o3", "o4", "o5"};

static int64_t below(int64_t end)
{
    return sim_random_below(&randomness, end);
}

static struct bytes one_of(const char *const *texts, int64_t count)
{
    return bytes_of(texts[below(count)]);
}

static enum ledger_script random_script(void)
{
    static const enum ledger_script scripts[] = {
        LEDGER_ARM,    LEDGER_ARM,       LEDGER_ARM,       LEDGER_PARK,
        LEDGER_REJECT, LEDGER_DISARM,    LEDGER_DISARM,    LEDGER_SETTLE,
        LEDGER_SETTLE, LEDGER_SETTLE,    LEDGER_SETTLE,    LEDGER_SETTLE,
        LEDGER_READ,   LEDGER_PUBLISHED, LEDGER_PUBLISHED, LEDGER_DEFER,
    };
    return scripts[below((int64_t) (sizeof scripts / sizeof scripts[0]))];
}

/* Mostly what fits the order as it is, so that the way through the states is found. */
static void random_call(struct ledger_call *call, const char *order)
{
    static uint8_t words[2][32] = {{1}, {2}};
    static const char *const bodies[] = {"body one", "body two"};
    static const char *const ids[] = {"", "71", "72"};
    static const char *const merchants[] = {"m1", "m2"};
    static const enum order_state states[] = {ORDER_PENDING, ORDER_UNKNOWN, ORDER_PAID,
                                              ORDER_FAILED};
    const struct sim_order *now = sim_redis_order(&sim, bytes_of(order));
    const char *instances[] = {ledger_bench_instance, ledger_bench_other_instance, ""};
    bool fits = below(4) > 0;
    *call = (struct ledger_call){
        .script = random_script(),
        .token = below(60) == 0 ? bench.token + 1 : bench.token,
        .order_id = bytes_of(order),
        .by = {below(5) == 0 ? BYTES("resolutions") : BYTES("commands"), 0, below(2)},
        .instance = bytes_of(instances[below(2)]),
        .call = below(3),
        .attempt = (int32_t) below(4),
        .merchant_id = one_of(merchants, 2),
        .profile = one_of(merchants, 2),
        .due_ms = 40000,
        .mode = (enum settle_mode) below(3),
        .state = states[below(4)],
        .body = one_of(bodies, 2),
        .late_body = one_of(bodies, 2),
        .evidence = below(6) == 0 ? EVIDENCE_OPERATOR : EVIDENCE_STATUS,
        .payment_id = one_of(ids, 3),
        .sequence = below(5),
    };
    bool has_words = call->script == LEDGER_ARM || call->script == LEDGER_PARK ||
                     call->script == LEDGER_REJECT ||
                     (call->script == LEDGER_SETTLE && below(2) == 0);
    if (has_words)
        call->fingerprint = words[below(5) == 0];
    if (!fits)
        return;
    call->attempt = call->script == LEDGER_ARM ? now->att + 1 : now->att;
    call->instance = now->inst[0] == '\0' ? bytes_of(instances[2]) : bytes_of(now->inst);
    call->call = now->call;
    if (call->script == LEDGER_ARM && call->instance.len == 0)
        call->instance = bytes_of(instances[0]);
}

static void assert_same_text(const char *what, struct bytes real, struct bytes simulated)
{
    if (real.len == simulated.len &&
        (real.len == 0 || memcmp(real.data, simulated.data, real.len) == 0))
        return;
    fail_msg("%s: Redis says '%.*s', the simulator '%.*s'", what, (int) real.len,
             real.len == 0 ? "" : real.data, (int) simulated.len,
             simulated.len == 0 ? "" : simulated.data);
}

static void assert_same(const struct ledger_reply *real, const struct ledger_reply *simulated)
{
    assert_string_equal(ledger_answer_name(real->answer), ledger_answer_name(simulated->answer));
    if (real->answer == LEDGER_EMPTY)
        return;
    assert_string_equal(order_state_name(real->state), order_state_name(simulated->state));
    assert_int_equal(real->attempt, simulated->attempt);
    assert_int_equal(real->sequence, simulated->sequence);
    assert_int_equal(real->published, simulated->published);
    assert_int_equal(real->call, simulated->call);
    assert_int_equal(real->doubt, simulated->doubt);
    assert_int_equal(real->armed_ms != 0, simulated->armed_ms != 0);
    assert_same_text("body", real->body, simulated->body);
    assert_same_text("inst", real->instance, simulated->instance);
    assert_same_text("src", real->source, simulated->source);
    assert_same_text("rsrc", real->settled_source, simulated->settled_source);
    assert_same_text("merchant", real->merchant_id, simulated->merchant_id);
    assert_same_text("profile", real->profile, simulated->profile);
    assert_same_text("pid", real->payment_id, simulated->payment_id);
    assert_same_text("refused", real->refused_payment_ids, simulated->refused_payment_ids);
    assert_same_text("order", real->order_id, simulated->order_id);
}

/* What a recovery writes, or a failover takes. */
static void disturb(const char *order)
{
    struct sim_order *simulated = sim_redis_order(&sim, bytes_of(order));
    if (!simulated->exists)
        return;
    if (below(3) == 0) {
        redis_server_do(&server, "HSET %s doubt 1", ledger_bench_key(order));
        simulated->doubt = true;
        return;
    }
    redis_server_do(&server, "DEL %s", ledger_bench_key(order));
    bool due = simulated->due;
    memset(simulated, 0, sizeof *simulated);
    simulated->due = due; /* another key: its entry stays */
}

static void both_answer_the_same_to_random_questions(void **state)
{
    (void) state;
    int64_t asked[ORDERS] = {0};
    int64_t counts[LEDGER_ANSWER_COUNT] = {0};
    for (int i = 0; i < CALLS; i++) {
        int64_t at = below(ORDERS);
        struct ledger_call call;
        struct ledger_reply simulated;
        if (below(25) == 0 || ++asked[at] % HISTORY == 0)
            disturb(orders[at]);
        random_call(&call, orders[at]);
        call.tag = (uint64_t) i + 1;
        enum ledger_answer real = ledger_bench_ask(&bench, &call);
        sim_redis_ask(&sim, &call, 1000 + i, &simulated);
        assert_same(&bench.reply, &simulated);
        bool due = ledger_bench_due_score(&bench, orders[at]) >= 0;
        assert_int_equal(due, sim_redis_order(&sim, bytes_of(orders[at]))->due);
        counts[real]++;
    }
    for (int i = 0; i < LEDGER_ANSWER_COUNT; i++) {
        bool is_playable = i != LEDGER_DUE_LIST && i != LEDGER_FOREIGN && i != LEDGER_FAILED &&
                           i != LEDGER_BLOCKED;
        if (is_playable && counts[i] < 5)
            fail_msg("%s came %d times only: the questions are too tame",
                     ledger_answer_name((enum ledger_answer) i), (int) counts[i]);
    }
}

static int setup(void **state)
{
    (void) state;
    redis_server_start(&server, NULL);
    struct ledger_options options = ledger_bench_options(&server);
    ledger_bench_open(&bench, &server, &options);
    sim_redis_init(&sim, bench.token);
    sim_random_seed(&randomness, 20240917);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    ledger_bench_close(&bench);
    redis_server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_answer_the_same_to_random_questions),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
