/* The consumer against a real broker: what arrives, what is owned, and what is said when something
 * is wrong. */
#include "kafka_bench.h"

#include "kafka_source_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bench bench;
static struct member first, second;

static int open_bench(void **state)
{
    (void) state;
    bench_open(&bench, getenv("KAFKA_BOOTSTRAP"));
    return 0;
}

static int close_bench(void **state)
{
    (void) state;
    bench_close(&bench);
    return 0;
}

static void records_arrive_whole(void **state)
{
    (void) state;
    const char *commands = bench_topic(&bench, "commands", 1, NULL, NULL);
    const char *resolutions = bench_topic(&bench, "resolutions", 1, NULL, NULL);
    const char *group = bench_name(&bench, "group");
    bench_initialise(&bench, group, commands);
    bench_initialise(&bench, group, resolutions);
    bench_produce(&bench, commands, 0, BYTES("order-1"), BYTES("{\"a\":1}"), 2);
    bench_produce(&bench, commands, 0, BYTES_NONE, BYTES("no key"), 0);
    bench_produce(&bench, commands, 0, BYTES("order-2"), BYTES_NONE, RECORD_HEADERS_MAX + 3);
    bench_produce(&bench, resolutions, 0, BYTES("order-3"), BYTES("evidence"), 0);
    bench_join(&bench, &first, group, NULL, commands, resolutions);
    assert_false(kafka_source_has_joined(first.source));
    BENCH_UNTIL(&bench, first.records_count == 4);
    assert_true(kafka_source_has_joined(first.source));
    assert_int_equal(first.partitions_count, 2);
    size_t seen[SOURCE_TOPIC_COUNT] = {0, 0};
    for (size_t i = 0; i < 4; i++) {
        const struct bench_record *record = &first.records[i];
        assert_int_equal(record->epoch, first.epoch);
        assert_int_equal(record->offset, seen[record->topic]++);
        assert_true(llabs(record->timestamp_ms - loop_wall_ms()) < 60000);
        if (record->topic == SOURCE_RESOLUTIONS) {
            assert_string_equal(record->value, "evidence");
        } else if (record->offset == 0) {
            assert_string_equal(record->key, "order-1");
            assert_string_equal(record->value, "{\"a\":1}");
            assert_int_equal(record->headers_count, 2);
            assert_string_equal(record->first_header, "h0=v0");
        } else if (record->offset == 1) {
            assert_false(record->has_key);
            assert_int_equal(record->headers_count, 0);
        } else {
            assert_true(record->headers_cut);
            assert_int_equal(record->headers_count, RECORD_HEADERS_MAX);
        }
    }
    BENCH_UNTIL(&bench, kafka_source_lag(first.source, SOURCE_COMMANDS, 0) == 0);
    assert_int_equal(kafka_source_lag(first.source, SOURCE_COMMANDS, 7), -1);
}

static void partition_without_a_committed_offset_is_trouble_and_is_not_consumed(void **state)
{
    (void) state;
    const char *commands = bench_topic(&bench, "commands", 2, NULL, NULL);
    const char *group = bench_name(&bench, "group");
    bench_fill(&bench, commands, 0, 3, 0);
    bench_join(&bench, &first, group, NULL, commands, NULL);
    BENCH_UNTIL(&bench, first.assigned_count == 1);
    assert_int_equal(first.partitions_count, 0);
    assert_int_equal(first.trouble_status, STATUS_ENVIRONMENT);
    assert_non_null(strstr(first.trouble, "payoutctl init"));
    assert_int_equal(first.trouble_count, 1); /* two partitions, one word a minute */
    bench_run_for(&bench, 700);
    assert_int_equal(first.records_count, 0);
}

static void initialising_writes_what_is_missing_and_never_under_a_running_worker(void **state)
{
    (void) state;
    const char *commands = bench_topic(&bench, "commands", 2, NULL, NULL);
    const char *group = bench_name(&bench, "group");
    int32_t written = -1;
    char why[KAFKA_WHY_MAX] = "";
    bench_fill(&bench, commands, 1, 5, 0);
    assert_int_equal(kafka_source_initialise(bench.settings, 1, group, &commands, 1, true, &written,
                                             why, sizeof why),
                     STATUS_OK);
    assert_int_equal(written, 2);
    assert_int_equal(bench_committed(&bench, group, commands, 0, NULL), 0);
    assert_int_equal(bench_committed(&bench, group, commands, 1, NULL), 5);
    assert_int_equal(kafka_source_initialise(bench.settings, 1, group, &commands, 1, false,
                                             &written, why, sizeof why),
                     STATUS_OK);
    assert_int_equal(written, 0);
    const char *more = bench_topic(&bench, "resolutions", 1, NULL, NULL);
    bench_join(&bench, &first, group, NULL, commands, NULL);
    BENCH_UNTIL(&bench, first.assigned_count == 1);
    assert_int_equal(kafka_source_initialise(bench.settings, 1, group, &more, 1, false, &written,
                                             why, sizeof why),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(why, "stop every worker"));
    assert_int_equal(bench_committed(&bench, group, more, 0, NULL), -1);
}

static void offset_that_the_topic_no_longer_has_is_an_alarm_and_never_a_jump(void **state)
{
    (void) state;
    const char *commands = bench_topic(&bench, "commands", 1, NULL, NULL);
    const char *group = bench_name(&bench, "group");
    bench_fill(&bench, commands, 0, 3, 0);
    rd_kafka_t *client = bench_client(&bench, RD_KAFKA_CONSUMER, group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, commands, 0)->offset = 1000;
    assert_int_equal(rd_kafka_commit(client, list, 0), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
    bench_join(&bench, &first, group, NULL, commands, NULL);
    BENCH_UNTIL(&bench, first.trouble_count == 1);
    assert_int_equal(first.trouble_status, STATUS_UNSAFE);
    bench_run_for(&bench, 500);
    assert_int_equal(first.records_count, 0);
}

/* What librdkafka does when it stops an earlier assignment's fetching late. */
static void records_whose_route_was_taken_away_come_all_the_same(void **state)
{
    (void) state;
    const char *commands = bench_topic(&bench, "commands", 1, NULL, NULL);
    const char *group = bench_name(&bench, "group");
    bench_initialise(&bench, group, commands);
    bench_join(&bench, &first, group, NULL, commands, NULL);
    bench_fill(&bench, commands, 0, 3, 0);
    BENCH_UNTIL(&bench, first.records_count == 3);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_partition(first.source->consumer, commands, 0);
    rd_kafka_queue_forward(queue, NULL);
    rd_kafka_queue_destroy(queue);
    bench_fill(&bench, commands, 0, 3, 0);
    BENCH_UNTIL(&bench, first.records_count == 6);
}

static void assert_in_order(const struct member *member, size_t from, int64_t offset, size_t count)
{
    assert_true(member->records_count >= from + count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(member->records[from + i].offset, offset + (int64_t) i);
}

static void paused_partition_is_silent_under_load_and_resumes_without_a_gap(void **state)
{
    (void) state;
    const char *commands = bench_topic(&bench, "commands", 1, NULL, NULL);
    const char *group = bench_name(&bench, "group");
    bench_initialise(&bench, group, commands);
    bench_fill(&bench, commands, 0, 5000, 0);
    bench_join(&bench, &first, group, NULL, commands, NULL);
    first.room = 7; /* never more than asked for */
    for (size_t goal = 300; goal <= 1500; goal += 300) {
        BENCH_UNTIL(&bench, first.records_count >= goal);
        kafka_source_pause(first.source, SOURCE_COMMANDS, 0);
        size_t before = first.records_count;
        bench_run_for(&bench, 150);
        assert_int_equal(first.records_count, before);
        kafka_source_resume(first.source, SOURCE_COMMANDS, 0);
    }
    size_t before = first.records_count;
    bench_step(&bench);
    assert_true(first.records_count - before <= 7);
    first.room = 0;
    before = first.records_count;
    bench_run_for(&bench, 100);
    assert_int_equal(first.records_count, before);
    first.room = 1000;
    BENCH_UNTIL(&bench, first.records_count == 5000);
    assert_in_order(&first, 0, 0, 5000);
}

static void seek_brings_the_records_again_paused_or_not(void **state)
{
    (void) state;
    const char *commands = bench_topic(&bench, "commands", 1, NULL, NULL);
    const char *group = bench_name(&bench, "group");
    bench_initialise(&bench, group, commands);
    bench_fill(&bench, commands, 0, 1000, 0);
    bench_join(&bench, &first, group, NULL, commands, NULL);
    first.room = 50;
    BENCH_UNTIL(&bench, first.records_count >= 600);
    size_t from = first.records_count;
    assert_int_equal(kafka_source_seek(first.source, SOURCE_COMMANDS, 0, 100), STATUS_OK);
    BENCH_UNTIL(&bench, first.records_count == from + 900);
    assert_in_order(&first, from, 100, 900);
    from = first.records_count;
    kafka_source_pause(first.source, SOURCE_COMMANDS, 0);
    assert_int_equal(kafka_source_seek(first.source, SOURCE_COMMANDS, 0, 250), STATUS_OK);
    bench_run_for(&bench, 200);
    assert_int_equal(first.records_count, from);
    kafka_source_resume(first.source, SOURCE_COMMANDS, 0);
    BENCH_UNTIL(&bench, first.records_count == from + 750);
    assert_in_order(&first, from, 250, 750);
    assert_int_equal(kafka_source_seek(first.source, SOURCE_COMMANDS, 9, 0), STATUS_UNAVAILABLE);
}

static void gaps_of_transaction_markers_lose_nothing(void **state)
{
    (void) state;
    const char *commands = bench_topic(&bench, "commands", 1, NULL, NULL);
    const char *group = bench_name(&bench, "group");
    bench_initialise(&bench, group, commands);
    bench_fill(&bench, commands, 0, 30, 3); /* offsets 0 1 2, marker 3, 4 5 6, marker 7 ... */
    bench_join(&bench, &first, group, NULL, commands, NULL);
    BENCH_UNTIL(&bench, first.records_count == 30);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(first.records[i].offset, i + i / 3);
        assert_int_equal(atoi(first.records[i].value), i);
    }
    BENCH_UNTIL(&bench, kafka_source_lag(first.source, SOURCE_COMMANDS, 0) == 0);
}

static void revoke_waits_for_its_answer_while_the_consumer_is_polled(void **state)
{
    (void) state;
    const char *commands = bench_topic(&bench, "commands", 2, NULL, NULL);
    const char *group = bench_name(&bench, "group");
    bench_initialise(&bench, group, commands);
    bench_join(&bench, &first, group, NULL, commands, NULL);
    BENCH_UNTIL(&bench, first.partitions_count == 2);
    bench_fill(&bench, commands, 0, 10, 0);
    BENCH_UNTIL(&bench, first.records_count == 10);
    bench_join(&bench, &second, group, NULL, commands, NULL);
    BENCH_UNTIL(&bench, first.revoked_count == 1);
    bench_fill(&bench, commands, 0, 10, 0);
    bench_run_for(&bench, 1500);
    assert_int_equal(second.assigned_count, 0); /* nobody else owns them before we let go */
    assert_int_equal(first.records_count, 10);  /* and we take nothing more of them */
    uint64_t epoch = first.epoch;
    kafka_source_release(first.source);
    BENCH_UNTIL(&bench, first.assigned_count == 2 && second.assigned_count == 1);
    assert_true(first.epoch > epoch);
    assert_int_equal(first.partitions_count, 1);
    assert_int_equal(second.partitions_count, 1);
    assert_int_equal(first.lost_count, 0);
    bench_leave(&bench, &second);
    BENCH_UNTIL(&bench, first.revoked_count == 2);
    kafka_source_release(first.source);
    BENCH_UNTIL(&bench, first.partitions_count == 2);
}

static void second_process_with_our_instance_id_takes_all_and_is_named(void **state)
{
    (void) state;
    const char *commands = bench_topic(&bench, "commands", 1, NULL, NULL);
    const char *group = bench_name(&bench, "group");
    bench_initialise(&bench, group, commands);
    bench_join(&bench, &first, group, "worker-0", commands, NULL);
    BENCH_UNTIL(&bench, first.assigned_count == 1);
    bench_join(&bench, &second, group, "worker-0", commands, NULL);
    BENCH_UNTIL(&bench, first.lost_count == 1 && first.trouble_count == 1);
    assert_int_equal(first.trouble_status, STATUS_CONFIG);
    assert_non_null(strstr(first.trouble, "group.instance.id"));
    BENCH_UNTIL(&bench, second.partitions_count == 1);
}

static void consumer_that_is_no_member_gives_no_membership(void **state)
{
    (void) state;
    struct kafka_membership *membership = NULL;
    rd_kafka_t *client = bench_client(&bench, RD_KAFKA_CONSUMER, "nobody");
    assert_int_equal(kafka_membership_new(client, &membership), STATUS_UNSAFE);
    assert_null(membership);
    rd_kafka_destroy(client);
}

static void check_counts_partitions_and_says_what_is_missing(void **state)
{
    (void) state;
    const char *topics[] = {bench_topic(&bench, "commands", 3, NULL, NULL),
                            "there-is-no-such-topic"};
    int32_t counts[2] = {0, 0};
    char why[KAFKA_WHY_MAX] = "";
    assert_int_equal(
        kafka_source_check(bench.settings, 1, topics, 1, 10000, counts, why, sizeof why),
        STATUS_OK);
    assert_int_equal(counts[0], 3);
    assert_int_equal(
        kafka_source_check(bench.settings, 1, topics, 2, 10000, counts, why, sizeof why),
        STATUS_ENVIRONMENT);
    assert_non_null(strstr(why, "there-is-no-such-topic"));
    const struct kafka_setting nowhere[] = {{"bootstrap.servers", "127.0.0.1:9"}};
    int64_t start_ms = loop_now_ms();
    assert_int_equal(kafka_source_check(nowhere, 1, topics, 1, 1500, counts, why, sizeof why),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(why, "bootstrap.servers"));
    assert_true(loop_now_ms() - start_ms < 10000);
    const struct kafka_setting wrong[] = {{"bootstrap.server", "127.0.0.1:9"}};
    assert_int_equal(kafka_source_check(wrong, 1, topics, 1, 1500, counts, why, sizeof why),
                     STATUS_CONFIG);
    assert_non_null(strstr(why, "bootstrap.server"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        TEST(records_arrive_whole),
        TEST(partition_without_a_committed_offset_is_trouble_and_is_not_consumed),
        TEST(initialising_writes_what_is_missing_and_never_under_a_running_worker),
        TEST(offset_that_the_topic_no_longer_has_is_an_alarm_and_never_a_jump),
        TEST(records_whose_route_was_taken_away_come_all_the_same),
        TEST(paused_partition_is_silent_under_load_and_resumes_without_a_gap),
        TEST(seek_brings_the_records_again_paused_or_not),
        TEST(gaps_of_transaction_markers_lose_nothing),
        TEST(revoke_waits_for_its_answer_while_the_consumer_is_polled),
        TEST(second_process_with_our_instance_id_takes_all_and_is_named),
        TEST(consumer_that_is_no_member_gives_no_membership),
        TEST(check_counts_partitions_and_says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
