/* PUBLISHED, DUE, READ, and what another program or version wrote, on a real Redis. */
#include "ledger_bench.h"

#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct redis_server server;
static struct ledger_bench bench;

static void armed(const char *order)
{
    struct ledger_call call = ledger_bench_arm(&bench, order, 1, 1, 1);
    assert_answer(&bench, &call, LEDGER_ARMED);
}

static struct ledger_call answer(const char *order, enum order_state state)
{
    return ledger_bench_settle(&bench, order, SETTLE_OWN_ANSWER, 1, state);
}

static struct ledger_call resolution(const char *order, int64_t offset, enum order_state state)
{
    return ledger_bench_settle(&bench, order, SETTLE_RESOLUTION, offset, state);
}

static void settled(struct ledger_call call, enum order_state state, int64_t sequence)
{
    assert_answer(&bench, &call, LEDGER_SETTLED);
    assert_int_equal(bench.reply.state, state);
    assert_int_equal(bench.reply.sequence, sequence);
    assert_bytes(bench.reply.body, order_state_outcome(state));
}

static void is_answered(struct ledger_call call, enum ledger_answer expected)
{
    assert_answer(&bench, &call, expected);
}

/* ---- PUBLISHED ---- */

static struct ledger_call published(const char *order, int64_t sequence)
{
    return (struct ledger_call){.script = LEDGER_PUBLISHED,
                                .token = bench.token,
                                .order_id = bytes_of(order),
                                .sequence = sequence};
}

static int64_t lifetime_ms(const char *order)
{
    return redis_server_number(&server, "PTTL %s", ledger_bench_key(order));
}

static void only_a_published_final_expires_and_leaves_the_due_list(void **state)
{
    (void) state;
    armed("published");
    settled(answer("published", ORDER_PENDING), ORDER_PENDING, 1);
    is_answered(published("published", 1), LEDGER_MARKED);
    assert_int_equal(bench.reply.published, 1);
    assert_int_equal(lifetime_ms("published"), -1);
    settled(resolution("published", 1, ORDER_PAID), ORDER_PAID, 2);
    is_answered(published("published", 1), LEDGER_MARKED);
    assert_int_equal(lifetime_ms("published"), -1);
    assert_true(ledger_bench_due_score(&bench, "published") > 0);
    for (int i = 0; i < 2; i++) {
        is_answered(published("published", 2), LEDGER_MARKED);
        assert_true(lifetime_ms("published") > 0 && lifetime_ms("published") <= 1000000);
        assert_int_equal(ledger_bench_due_score(&bench, "published"), -1);
    }
}

static void a_sequence_that_the_order_has_not_reached_marks_nothing(void **state)
{
    (void) state;
    armed("published-ahead");
    settled(answer("published-ahead", ORDER_PAID), ORDER_PAID, 1);
    is_answered(published("published-ahead", 2), LEDGER_MOVED);
    assert_int_equal(lifetime_ms("published-ahead"), -1);
    assert_string_equal(ledger_bench_field(&bench, "published-ahead", "pub"), "0");
}

/* ---- DUE and READ ---- */

static struct ledger_call due(int32_t shard, int32_t max)
{
    return (struct ledger_call){.script = LEDGER_DUE,
                                .token = bench.token,
                                .shard = shard,
                                .due_max = max,
                                .due_ms = 60000};
}

static void due_orders_are_given_once_and_can_be_read_by_their_key(void **state)
{
    (void) state;
    struct ledger_keys keys;
    armed("due");
    ledger_keys_of_order("test", BYTES("due"), &keys);
    int32_t shard = atoi(keys.text[LEDGER_KEY_ORDER] + 4);
    redis_server_do(&server, "ZADD %s 1 %s", keys.text[LEDGER_KEY_DUE],
                    keys.text[LEDGER_KEY_ORDER]);
    is_answered(due(shard, 1), LEDGER_DUE_LIST);
    assert_int_equal(bench.reply.due_count, 1);
    assert_string_equal(bench.due[0], keys.text[LEDGER_KEY_ORDER]);
    assert_int_equal(ledger_bench_due_score(&bench, "due"), bench.reply.now_ms + 60000);
    is_answered(due(shard, 1), LEDGER_DUE_LIST);
    assert_int_equal(bench.reply.due_count, 0);
    struct ledger_call read = {.script = LEDGER_READ,
                               .token = bench.token,
                               .order_key = bytes_of(keys.text[LEDGER_KEY_ORDER])};
    is_answered(read, LEDGER_FOUND);
    assert_bytes(bench.reply.order_id, "due");
    assert_bytes(bench.reply.merchant_id, "m1");
    assert_bytes(bench.reply.profile, "main");
    assert_int_equal(bench.reply.state, ORDER_SENDING);
    assert_int_equal(bench.reply.call, 1);
}

static void an_order_that_is_not_due_yet_is_not_given(void **state)
{
    (void) state;
    struct ledger_keys keys;
    armed("due-later");
    ledger_keys_of_order("test", BYTES("due-later"), &keys);
    is_answered(due(atoi(keys.text[LEDGER_KEY_ORDER] + 4), 100), LEDGER_DUE_LIST);
    for (size_t i = 0; i < bench.reply.due_count; i++)
        assert_string_not_equal(bench.due[i], keys.text[LEDGER_KEY_ORDER]);
}

static void a_due_entry_without_an_order_is_ended_by_published(void **state)
{
    (void) state;
    struct ledger_keys keys;
    ledger_keys_of_order("test", BYTES("due-gone"), &keys);
    redis_server_do(&server, "ZADD %s 1 %s", keys.text[LEDGER_KEY_DUE],
                    keys.text[LEDGER_KEY_ORDER]);
    is_answered(ledger_bench_read(&bench, "due-gone"), LEDGER_ABSENT);
    assert_int_equal(ledger_bench_due_score(&bench, "due-gone"), 1);
    is_answered(published("due-gone", 0), LEDGER_ABSENT);
    assert_int_equal(ledger_bench_due_score(&bench, "due-gone"), -1);
}

static void a_text_that_is_no_order_key_is_refused(void **state)
{
    (void) state;
    struct ledger_call read = {
        .script = LEDGER_READ, .token = bench.token, .order_key = BYTES("{po:99}:inc")};
    assert_int_equal(ledger_ask(bench.ledger, &read), STATUS_BAD_FIELD);
}

/* ---- what another program or version wrote ---- */

static void every_script_leaves_alone(const char *order, const char *what)
{
    redisReply *before = redis_server_ask(&server, "DUMP %s", ledger_bench_key(order));
    for (enum ledger_script script = LEDGER_ARM; script < LEDGER_SCRIPT_COUNT; script++) {
        if (script == LEDGER_DUE || script == LEDGER_WIPE)
            continue; /* they look at no order */
        struct ledger_call call = answer(order, ORDER_PAID);
        call.script = script;
        is_answered(call, LEDGER_FOREIGN);
        assert_non_null(strstr(bench.reply_why, what));
    }
    redisReply *after = redis_server_ask(&server, "DUMP %s", ledger_bench_key(order));
    assert_int_equal(before->len, after->len);
    assert_memory_equal(before->str, after->str, before->len);
    freeReplyObject(before);
    freeReplyObject(after);
}

static void a_key_of_another_type_is_foreign(void **state)
{
    (void) state;
    redis_server_do(&server, "SET %s text", ledger_bench_key("foreign-type"));
    every_script_leaves_alone("foreign-type", "another type");
}

static void an_order_of_another_version_or_of_none_is_foreign(void **state)
{
    (void) state;
    redis_server_do(&server, "HSET %s v 2 st READY att 0 seq 0 pub 0",
                    ledger_bench_key("foreign-version"));
    every_script_leaves_alone("foreign-version", "version 2");
    redis_server_do(&server, "HSET %s st READY", ledger_bench_key("foreign-hash"));
    every_script_leaves_alone("foreign-hash", "no version");
}

static void an_order_with_fields_that_cannot_be_read_is_foreign(void **state)
{
    (void) state;
    redis_server_do(&server, "HSET %s v 1 st SENT att 0 seq 0 pub 0",
                    ledger_bench_key("foreign-st"));
    every_script_leaves_alone("foreign-st", "cannot be read");
    redis_server_do(&server, "HSET %s v 1 st READY att x seq 0 pub 0",
                    ledger_bench_key("foreign-number"));
    every_script_leaves_alone("foreign-number", "cannot be read");
}

static void a_due_list_or_inc_of_another_type_is_foreign_and_nothing_is_armed(void **state)
{
    (void) state;
    struct ledger_keys keys;
    char token[LEDGER_TOKEN_MAX];
    ledger_keys_token_text(bench.token, token);
    ledger_keys_of_order("test", BYTES("foreign-due"), &keys);
    struct ledger_call arm = ledger_bench_arm(&bench, "foreign-due", 1, 1, 1);
    redis_server_do(&server, "DEL %s", keys.text[LEDGER_KEY_DUE]);
    redis_server_do(&server, "SET %s text", keys.text[LEDGER_KEY_DUE]);
    is_answered(arm, LEDGER_FOREIGN);
    is_answered(due(atoi(keys.text[LEDGER_KEY_DUE] + 4), 1), LEDGER_FOREIGN);
    redis_server_do(&server, "DEL %s %s", keys.text[LEDGER_KEY_DUE], keys.text[LEDGER_KEY_INC]);
    redis_server_do(&server, "LPUSH %s text", keys.text[LEDGER_KEY_INC]);
    is_answered(arm, LEDGER_FOREIGN);
    redis_server_do(&server, "SET %s %s", keys.text[LEDGER_KEY_INC], token);
    assert_int_equal(redis_server_number(&server, "EXISTS %s", ledger_bench_key("foreign-due")), 0);
    is_answered(arm, LEDGER_ARMED);
}

static int setup(void **state)
{
    (void) state;
    redis_server_start(&server, NULL);
    struct ledger_options options = ledger_bench_options(&server);
    ledger_bench_open(&bench, &server, &options);
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
        cmocka_unit_test(only_a_published_final_expires_and_leaves_the_due_list),
        cmocka_unit_test(a_sequence_that_the_order_has_not_reached_marks_nothing),
        cmocka_unit_test(due_orders_are_given_once_and_can_be_read_by_their_key),
        cmocka_unit_test(an_order_that_is_not_due_yet_is_not_given),
        cmocka_unit_test(a_due_entry_without_an_order_is_ended_by_published),
        cmocka_unit_test(a_text_that_is_no_order_key_is_refused),
        cmocka_unit_test(a_key_of_another_type_is_foreign),
        cmocka_unit_test(an_order_of_another_version_or_of_none_is_foreign),
        cmocka_unit_test(an_order_with_fields_that_cannot_be_read_is_foreign),
        cmocka_unit_test(a_due_list_or_inc_of_another_type_is_foreign_and_nothing_is_armed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
