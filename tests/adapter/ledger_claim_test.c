/* ARM, row by row as docs/PROTOCOL.md (Ledger) has them, on a real Redis.
 */
#include "ledger_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct redis_server server;
static struct ledger_bench bench;

static struct ledger_call arm(const char *order, int64_t offset, int64_t call, int32_t attempt)
{
    return ledger_bench_arm(&bench, order, offset, call, attempt);
}

static void armed(const char *order, int64_t offset, int64_t call, int32_t attempt)
{
    struct ledger_call question = arm(order, offset, call, attempt);
    assert_answer(&bench, &question, LEDGER_ARMED);
}

static void disarmed(const char *order, int64_t call, int32_t attempt, const char *payment_id)
{
    struct ledger_call question = ledger_bench_disarm(&bench, order, call, attempt, payment_id);
    assert_answer(&bench, &question, LEDGER_DISARMED);
}

static void settled(const char *order, enum order_state state)
{
    struct ledger_call question = ledger_bench_settle(&bench, order, SETTLE_OWN_ANSWER, 1, state);
    assert_answer(&bench, &question, LEDGER_SETTLED);
}

static void doubt(const char *order)
{
    redis_server_do(&server, "HSET %s st UNKNOWN doubt 1", ledger_bench_key(order));
}

static void an_absent_order_is_armed_and_written_whole(void **state)
{
    (void) state;
    armed("arm-absent", 1, 7, 1);
    assert_int_equal(bench.reply.attempt, 1);
    assert_int_equal(bench.reply.state, ORDER_SENDING);
    assert_bytes(bench.reply.merchant_id, "m1");
    assert_string_equal(ledger_bench_field(&bench, "arm-absent", "v"), "1");
    assert_string_equal(ledger_bench_field(&bench, "arm-absent", "st"), "SENDING");
    assert_string_equal(ledger_bench_field(&bench, "arm-absent", "src"), "commands/0/1");
    assert_string_equal(ledger_bench_field(&bench, "arm-absent", "inst"), ledger_bench_instance);
    assert_string_equal(ledger_bench_field(&bench, "arm-absent", "call"), "7");
    assert_string_equal(ledger_bench_field(&bench, "arm-absent", "att"), "1");
    assert_string_equal(ledger_bench_field(&bench, "arm-absent", "oid"), "arm-absent");
    assert_string_equal(ledger_bench_field(&bench, "arm-absent", "profile"), "main");
    assert_int_equal(strlen(ledger_bench_field(&bench, "arm-absent", "fp")), 64);
    assert_int_equal(bench.reply.armed_ms, bench.reply.now_ms);
}

static void arm_enters_the_due_list_after_its_delay_and_marks_the_shard(void **state)
{
    (void) state;
    struct ledger_keys keys;
    armed("arm-due", 1, 1, 1);
    ledger_keys_of_order("test", BYTES("arm-due"), &keys);
    assert_int_equal(ledger_bench_due_score(&bench, "arm-due"), bench.reply.now_ms + BENCH_DUE_MS);
    assert_int_equal(redis_server_number(&server, "GET %s", keys.text[LEDGER_KEY_LAST]),
                     bench.reply.now_ms);
}

static void the_same_arm_again_is_armed_again_and_changes_nothing(void **state)
{
    (void) state;
    armed("arm-repeat", 1, 5, 1);
    int64_t first_ms = bench.reply.armed_ms;
    armed("arm-repeat", 1, 5, 1);
    assert_int_equal(bench.reply.attempt, 1);
    assert_int_equal(bench.reply.armed_ms, first_ms);
}

static void our_own_earlier_call_counts_as_somebody_else(void **state)
{
    (void) state;
    armed("arm-call", 1, 5, 1);
    struct ledger_call again = arm("arm-call", 1, 6, 1);
    assert_answer(&bench, &again, LEDGER_SENT_BY_OTHER);
    assert_int_equal(bench.reply.attempt, 1);
    assert_true(bench.reply.armed_ms > 0 && bench.reply.now_ms >= bench.reply.armed_ms);
    assert_string_equal(ledger_bench_field(&bench, "arm-call", "call"), "5");
}

static void the_same_call_of_another_instance_counts_as_somebody_else(void **state)
{
    (void) state;
    armed("arm-instance", 1, 5, 1);
    struct ledger_call other = arm("arm-instance", 1, 5, 1);
    other.instance = bytes_of(ledger_bench_other_instance);
    assert_answer(&bench, &other, LEDGER_SENT_BY_OTHER);
    assert_bytes(bench.reply.instance, ledger_bench_instance);
}

static void a_copy_on_another_position_is_not_sent_while_the_first_is(void **state)
{
    (void) state;
    armed("arm-copy", 1, 5, 1);
    struct ledger_call copy = arm("arm-copy", 2, 6, 1);
    assert_answer(&bench, &copy, LEDGER_SENT_BY_OTHER);
    assert_bytes(bench.reply.source, "commands/0/1");
}

static void a_ready_order_is_armed_for_the_next_attempt_by_its_own_position(void **state)
{
    (void) state;
    armed("arm-next", 1, 1, 1);
    disarmed("arm-next", 1, 1, "501");
    armed("arm-next", 1, 2, 2);
    assert_int_equal(bench.reply.attempt, 2);
    assert_bytes(bench.reply.refused_payment_ids, "501");
    assert_true(ledger_bench_due_score(&bench, "arm-next") > 0);
}

static void a_late_copy_of_an_earlier_arm_does_not_open_the_next_attempt(void **state)
{
    (void) state;
    armed("arm-late", 1, 1, 1);
    disarmed("arm-late", 1, 1, NULL);
    struct ledger_call late = arm("arm-late", 1, 1, 1);
    assert_answer(&bench, &late, LEDGER_KNOWN);
    assert_int_equal(bench.reply.state, ORDER_READY);
    assert_int_equal(bench.reply.attempt, 1);
    assert_string_equal(ledger_bench_field(&bench, "arm-late", "st"), "READY");
}

static void a_second_attempt_of_an_order_that_redis_has_lost_is_never_armed(void **state)
{
    (void) state;
    struct ledger_call second = arm("arm-lost", 1, 2, 2);
    assert_answer(&bench, &second, LEDGER_EMPTY);
    assert_int_equal(redis_server_number(&server, "EXISTS %s", ledger_bench_key("arm-lost")), 0);
}

static void a_ready_order_of_another_position_is_a_duplicate(void **state)
{
    (void) state;
    armed("arm-ready-copy", 1, 1, 1);
    disarmed("arm-ready-copy", 1, 1, NULL);
    struct ledger_call copy = arm("arm-ready-copy", 2, 2, 2);
    assert_answer(&bench, &copy, LEDGER_DUPLICATE);
    assert_string_equal(ledger_bench_field(&bench, "arm-ready-copy", "st"), "READY");
}

static void the_same_position_with_other_words_is_a_conflict(void **state)
{
    (void) state;
    armed("arm-words", 1, 1, 1);
    disarmed("arm-words", 1, 1, NULL);
    struct ledger_call changed = arm("arm-words", 1, 2, 2);
    changed.fingerprint = ledger_bench_claim(&bench, LEDGER_ARM, "", 1, 'z').fingerprint;
    assert_answer(&bench, &changed, LEDGER_CONFLICT);
    assert_string_equal(ledger_bench_field(&bench, "arm-words", "st"), "READY");
}

static void a_settled_order_is_known_to_its_position_duplicate_or_conflict_to_others(void **state)
{
    (void) state;
    armed("arm-known", 1, 1, 1);
    settled("arm-known", ORDER_PAID);
    struct ledger_call own = arm("arm-known", 1, 2, 1);
    assert_answer(&bench, &own, LEDGER_KNOWN);
    assert_int_equal(bench.reply.state, ORDER_PAID);
    assert_bytes(bench.reply.body, "succeeded");
    assert_int_equal(bench.reply.sequence, 1);
    assert_bytes(bench.reply.settled_source, "commands/0/1");
    struct ledger_call copy = arm("arm-known", 2, 3, 1);
    assert_answer(&bench, &copy, LEDGER_DUPLICATE);
    assert_bytes(bench.reply.body, "succeeded");
    copy.fingerprint = ledger_bench_claim(&bench, LEDGER_ARM, "", 1, 'z').fingerprint;
    assert_answer(&bench, &copy, LEDGER_CONFLICT);
}

static void an_unknown_order_is_known_to_its_position(void **state)
{
    (void) state;
    armed("arm-unknown", 1, 1, 1);
    settled("arm-unknown", ORDER_UNKNOWN);
    struct ledger_call own = arm("arm-unknown", 1, 2, 1);
    assert_answer(&bench, &own, LEDGER_KNOWN);
    assert_int_equal(bench.reply.state, ORDER_UNKNOWN);
    assert_false(bench.reply.doubt);
}

static void an_order_ever_in_doubt_is_known_to_every_copy_whatever_its_words(void **state)
{
    (void) state;
    armed("arm-doubt", 1, 1, 1);
    doubt("arm-doubt");
    struct ledger_call copy = arm("arm-doubt", 9, 2, 1);
    copy.fingerprint = ledger_bench_claim(&bench, LEDGER_ARM, "", 1, 'z').fingerprint;
    const enum ledger_script scripts[] = {LEDGER_ARM, LEDGER_PARK, LEDGER_REJECT};
    for (size_t i = 0; i < 3; i++) {
        copy.script = scripts[i];
        assert_answer(&bench, &copy, LEDGER_KNOWN);
        assert_int_equal(bench.reply.state, ORDER_UNKNOWN);
        assert_true(bench.reply.doubt);
    }
}

static void a_ready_order_in_doubt_is_never_armed(void **state)
{
    (void) state;
    armed("arm-ready-doubt", 1, 1, 1);
    disarmed("arm-ready-doubt", 1, 1, NULL);
    redis_server_do(&server, "HSET %s doubt 1", ledger_bench_key("arm-ready-doubt"));
    struct ledger_call next = arm("arm-ready-doubt", 1, 2, 2);
    assert_answer(&bench, &next, LEDGER_KNOWN);
    assert_string_equal(ledger_bench_field(&bench, "arm-ready-doubt", "st"), "READY");
}

static void a_wrong_token_is_empty_and_nothing_is_written(void **state)
{
    (void) state;
    for (enum ledger_script script = LEDGER_ARM; script < LEDGER_WIPE; script++) {
        struct ledger_call call =
            ledger_bench_settle(&bench, "token", SETTLE_RESOLUTION, 1, ORDER_PAID);
        call.script = script;
        call.token ^= 1;
        call.due_max = 1;
        assert_answer(&bench, &call, LEDGER_EMPTY);
    }
    assert_int_equal(redis_server_number(&server, "EXISTS %s", ledger_bench_key("token")), 0);
}

static void wipe_takes_inc_away_from_one_shard_whatever_it_says_and_leaves_last(void **state)
{
    (void) state;
    struct ledger_keys keys;
    char token[LEDGER_TOKEN_MAX];
    ledger_keys_token_text(bench.token, token);
    ledger_keys_of_order("test", BYTES("wipe"), &keys);
    struct ledger_call wipe = {.script = LEDGER_WIPE,
                               .token = bench.token ^ 1,
                               .shard = atoi(keys.text[LEDGER_KEY_INC] + 4)};
    int64_t marks = redis_server_number(&server, "DBSIZE");
    redis_server_do(&server, "SET %s claim-of-a-restorer", keys.text[LEDGER_KEY_INC]);
    assert_answer(&bench, &wipe, LEDGER_MARKED);
    assert_answer(&bench, &wipe, LEDGER_MARKED);
    assert_int_equal(redis_server_number(&server, "DBSIZE"), marks - 1);
    assert_int_equal(redis_server_number(&server, "EXISTS %s", keys.text[LEDGER_KEY_LAST]), 1);
    struct ledger_call call = arm("wipe", 1, 1, 1);
    assert_answer(&bench, &call, LEDGER_EMPTY);
    redis_server_do(&server, "SET %s %s", keys.text[LEDGER_KEY_INC], token);
    assert_answer(&bench, &call, LEDGER_ARMED);
}

static void a_missing_or_claimed_inc_is_empty(void **state)
{
    (void) state;
    struct ledger_keys keys;
    ledger_keys_of_order("test", BYTES("inc"), &keys);
    char token[LEDGER_TOKEN_MAX];
    ledger_keys_token_text(bench.token, token);
    struct ledger_call call = arm("inc", 1, 1, 1);
    redis_server_do(&server, "SET %s claim-of-a-restorer", keys.text[LEDGER_KEY_INC]);
    assert_answer(&bench, &call, LEDGER_EMPTY);
    redis_server_do(&server, "DEL %s", keys.text[LEDGER_KEY_INC]);
    assert_answer(&bench, &call, LEDGER_EMPTY);
    redis_server_do(&server, "SET %s %s", keys.text[LEDGER_KEY_INC], token);
    assert_answer(&bench, &call, LEDGER_ARMED);
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
        cmocka_unit_test(an_absent_order_is_armed_and_written_whole),
        cmocka_unit_test(arm_enters_the_due_list_after_its_delay_and_marks_the_shard),
        cmocka_unit_test(the_same_arm_again_is_armed_again_and_changes_nothing),
        cmocka_unit_test(our_own_earlier_call_counts_as_somebody_else),
        cmocka_unit_test(the_same_call_of_another_instance_counts_as_somebody_else),
        cmocka_unit_test(a_copy_on_another_position_is_not_sent_while_the_first_is),
        cmocka_unit_test(a_ready_order_is_armed_for_the_next_attempt_by_its_own_position),
        cmocka_unit_test(a_late_copy_of_an_earlier_arm_does_not_open_the_next_attempt),
        cmocka_unit_test(a_second_attempt_of_an_order_that_redis_has_lost_is_never_armed),
        cmocka_unit_test(a_ready_order_of_another_position_is_a_duplicate),
        cmocka_unit_test(the_same_position_with_other_words_is_a_conflict),
        cmocka_unit_test(a_settled_order_is_known_to_its_position_duplicate_or_conflict_to_others),
        cmocka_unit_test(an_unknown_order_is_known_to_its_position),
        cmocka_unit_test(an_order_ever_in_doubt_is_known_to_every_copy_whatever_its_words),
        cmocka_unit_test(a_ready_order_in_doubt_is_never_armed),
        cmocka_unit_test(a_wrong_token_is_empty_and_nothing_is_written),
        cmocka_unit_test(wipe_takes_inc_away_from_one_shard_whatever_it_says_and_leaves_last),
        cmocka_unit_test(a_missing_or_claimed_inc_is_empty),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
