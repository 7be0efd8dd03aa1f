/* The restorer against a real Kafka and a real Redis: open positions become unknown, and who may
 * not be doubted (docs/PROTOCOL.md, Recovery, b). */
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

static void settled(const char *order, int64_t offset, enum order_state state)
{
    struct ledger_call settle = world_call(&world, LEDGER_SETTLE, order, offset);
    world_is_answered(&world, world_call(&world, LEDGER_ARM, order, offset), LEDGER_ARMED);
    settle.mode = SETTLE_OWN_ANSWER;
    settle.state = state;
    settle.body = BYTES("{\"order_id\":\"x\"}");
    world_is_answered(&world, settle, LEDGER_SETTLED);
}

/* --- (b): open positions --- */

static void an_open_position_below_the_ceiling_becomes_unknown(void **state)
{
    (void) state;
    char hex[65] = "";
    uint8_t fingerprint[32];
    world_command(&world, "open", 0);
    world_open_below(&world, 1);
    world_recovers(&world);
    world_is_in_doubt(&world, "open");
    world_fingerprint(&world, "open", fingerprint);
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", fingerprint[i]);
    assert_world_field(&world, "open", "fp", hex);
    assert_world_field(&world, "open", "src", world_source(&world, 0, 0));
    assert_world_field(&world, "open", "merchant", "9970");
    assert_world_field(&world, "open", "profile", "main");
    assert_world_field(&world, "open", "att", "0");
    assert_world_field(&world, "open", "seq", "1");
    assert_world_field(&world, "open", "pub", "0");
    assert_null(strstr(world_field(&world, "open", "res"), "token-0123456789"));
    assert_int_equal(world.report.shards, LEDGER_SHARDS);
    assert_int_equal(world.report.partitions, WORLD_COMMANDS + 1);
    assert_int_equal(world.report.open, 1);
    assert_int_equal(world.report.doubted, 1);
}

static void done_positions_and_those_above_the_ceiling_are_left_alone(void **state)
{
    (void) state;
    const char *const orders[] = {"before", "open", "done", "open-too", "above"};
    for (int i = 0; i < 5; i++)
        world_command(&world, orders[i], 0);
    world_command(&world, "other-partition", 1);
    world_acknowledge(&world, world.ledger.token);
    world_commit(&world, 0, world.ledger.token, 1, 4, 2);
    world_wipe(&world);
    world_recovers(&world);
    world_is_in_doubt(&world, "open");
    world_is_in_doubt(&world, "open-too");
    assert_true(world_is_absent(&world, "before"));
    assert_true(world_is_absent(&world, "done"));
    assert_true(world_is_absent(&world, "above"));
    assert_true(world_is_absent(&world, "other-partition"));
    assert_int_equal(world.report.doubted, 2);
}

static void ready_sending_and_pending_are_doubted_and_keep_who_sent_them(void **state)
{
    (void) state;
    const char *const orders[] = {"parked", "ready", "sending", "pending"};
    for (int i = 0; i < 4; i++)
        world_command(&world, orders[i], 0);
    world_is_answered(&world, world_call(&world, LEDGER_PARK, "parked", 0), LEDGER_PARKED);
    world_is_answered(&world, world_call(&world, LEDGER_ARM, "ready", 1), LEDGER_ARMED);
    struct ledger_call disarm = world_call(&world, LEDGER_DISARM, "ready", 1);
    disarm.payment_id = BYTES("5501");
    world_is_answered(&world, disarm, LEDGER_DISARMED);
    world_is_answered(&world, world_call(&world, LEDGER_ARM, "sending", 2), LEDGER_ARMED);
    settled("pending", 3, ORDER_PENDING);
    world_open_below(&world, 4);
    world_recovers(&world);
    for (int i = 0; i < 4; i++) {
        world_is_in_doubt(&world, orders[i]);
        assert_world_field(&world, orders[i], "src", world_source(&world, 0, i));
        assert_world_field(&world, orders[i], "att", i == 0 ? "0" : "1");
    }
    assert_world_field(&world, "sending", "inst", ledger_bench_instance);
    assert_world_field(&world, "sending", "call", "11");
    assert_world_field(&world, "ready", "refused_pids", "5501");
    assert_non_null(
        strstr(world_field(&world, "ready", "res"), "\"refused_payment_ids\":[\"5501\"]"));
    assert_world_field(&world, "pending", "seq", "2");
}

static void a_doubted_order_is_never_armed_and_every_copy_publishes_it(void **state)
{
    (void) state;
    world_command(&world, "copied", 0);
    world_open_below(&world, 1);
    world_recovers(&world);
    world_is_answered(&world, world_call(&world, LEDGER_ARM, "copied", 0), LEDGER_KNOWN);
    world_is_answered(&world, world_call(&world, LEDGER_ARM, "copied", 9), LEDGER_KNOWN);
    assert_int_equal(world.ledger.reply.state, ORDER_UNKNOWN);
    assert_true(world.ledger.reply.doubt);
}

static void a_copy_does_not_take_the_order_from_its_position(void **state)
{
    (void) state;
    world_command(&world, "twice", 0);
    world_command(&world, "twice", 0);
    settled("twice", 0, ORDER_PENDING);
    world_open_below(&world, 2);
    world_commit(&world, 0, world.ledger.token, 1, 2, -1); /* only the copy is open */
    world_recovers(&world);
    world_is_in_doubt(&world, "twice");
    assert_world_field(&world, "twice", "src", world_source(&world, 0, 0));
}

static void a_final_is_never_written_over(void **state)
{
    (void) state;
    struct world_event event;
    world_command(&world, "paid", 0);
    settled("paid", 0, ORDER_PAID);
    world_event_fill(&world, &event, "paid", ORDER_FAILED, 9);
    world_publish(&world, &event);
    world_open_below(&world, 1);
    world_recovers(&world);
    assert_world_field(&world, "paid", "st", "PAID");
    assert_world_field(&world, "paid", "seq", "1");
    assert_world_field(&world, "paid", "doubt", "");
    assert_int_equal(world.report.finals_kept, 2);
    assert_int_equal(world.report.doubted + world.report.restored, 0);
}

static void a_record_without_an_order_is_passed_over_and_an_invalid_order_is_doubted(void **state)
{
    (void) state;
    world_command_text(&world, "k", "no JSON", 0);
    world_command_text(&world, "invalid", "{\"order_id\":\"invalid\",\"amount\":7}", 0);
    world_command(&world, "behind", 0);
    world_open_below(&world, 3);
    world_recovers(&world);
    world_is_in_doubt(&world, "invalid");
    world_is_in_doubt(&world, "behind");
    assert_int_equal(world.report.unreadable, 1);
    assert_int_equal(world.report.open, 3);
}

static void delete_before(int64_t offset)
{
    rd_kafka_t *client = bench_client(&world.kafka, RD_KAFKA_PRODUCER, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, world.commands, 0)->offset = offset;
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(client, &request, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 20000);
    assert_non_null(event);
    assert_int_equal(rd_kafka_event_error(event), 0);
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
}

static void positions_that_kafka_deleted_are_counted_and_the_others_are_doubted(void **state)
{
    (void) state;
    for (int i = 0; i < 3; i++) {
        char order[8];
        snprintf(order, sizeof order, "old-%d", i);
        world_command(&world, order, 0);
    }
    world_open_below(&world, 3);
    delete_before(2);
    world_recovers(&world);
    assert_int_equal(world.report.gone, 2);
    assert_int_equal(world.report.doubted, 1);
    world_is_in_doubt(&world, "old-2");
}

/* --- (a): outcomes --- */

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_open_position_below_the_ceiling_becomes_unknown),
        TEST(done_positions_and_those_above_the_ceiling_are_left_alone),
        TEST(ready_sending_and_pending_are_doubted_and_keep_who_sent_them),
        TEST(a_doubted_order_is_never_armed_and_every_copy_publishes_it),
        TEST(a_copy_does_not_take_the_order_from_its_position),
        TEST(a_final_is_never_written_over),
        TEST(a_record_without_an_order_is_passed_over_and_an_invalid_order_is_doubted),
        TEST(positions_that_kafka_deleted_are_counted_and_the_others_are_doubted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
