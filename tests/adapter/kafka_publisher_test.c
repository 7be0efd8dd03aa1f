/* The publisher against a real broker: all of a batch or nothing, whatever fails, and by whom. */
#include "publish_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LARGE = 2 * 1024 * 1024,
    METADATA = 4000,
    THROUGH = 10000,
    VALUE_MAX = 24,
    THROUGH_BATCH = 250
};

static void outcomes_and_offsets_become_visible_together(void **state)
{
    (void) state;
    char metadata[4100];
    publish_bench_start(0, 0);
    struct publish_batch batch = publish_bench_batch(1);
    publish_bench_assert_nothing();
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_COMMITTED);
    publish_bench_assert_all();
    assert_int_equal(bench_committed(&bench, group, commands, 0, metadata), 11);
    assert_string_equal(metadata, "1;a;11;r;");
    assert_int_equal(bench_committed(&bench, group, commands, 1, metadata), 22);
    assert_string_equal(metadata, "");
}

static void batch_of_offsets_alone_commits_4000_characters_that_the_next_owner_reads(void **state)
{
    (void) state;
    static char text[METADATA + 1];
    for (size_t i = 0; i < METADATA; i++)
        text[i] = (char) ('!' + i % 90);
    publish_bench_start(0, 0);
    struct publish_offset offset = {SOURCE_COMMANDS, 1, 0, {text, METADATA}};
    struct publish_batch batch = {5, first.membership, NULL, 0, &offset, 1};
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_COMMITTED);
    assert_int_equal(bench.report.number, 5);
    bench_leave(&bench, &first);
    bench_join(&bench, &second, group, NULL, commands, resolutions);
    BENCH_UNTIL(&bench, second.partitions_count == 3);
    for (size_t i = 0; i < 3; i++) {
        const struct source_partition *one = &second.partitions[i];
        bool written = one->topic == SOURCE_COMMANDS && one->partition == 1;
        assert_string_equal(second.metadata[i], written ? text : "");
    }
}

static void batch_without_offsets_needs_no_membership(void **state)
{
    (void) state;
    publish_bench_start(0, 0);
    struct publish_batch batch = {1, NULL, publish_bench_messages, 2, NULL, 0};
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_COMMITTED);
    assert_int_equal(bench_read(&bench, outcomes, 2, NULL, 0), 2);
    publish_bench_assert_committed(0, 0, 0);
}

static void message_that_is_too_large_aborts_its_batch_and_is_named(void **state)
{
    (void) state;
    char *large = calloc(1, LARGE);
    publish_bench_start(0, 0);
    struct publish_message messages[2] = {publish_bench_messages[0], publish_bench_messages[1]};
    messages[1].value = (struct bytes){large, LARGE};
    struct publish_batch batch = publish_bench_batch(1);
    batch.messages = messages;
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_ABORTED);
    assert_non_null(strstr(bench.report.why, "message 2 of 2"));
    free(large);
    publish_bench_assert_nothing();
    batch = publish_bench_batch(2);
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_COMMITTED);
    publish_bench_assert_all();
}

static void message_that_the_broker_refuses_aborts_its_batch(void **state)
{
    (void) state;
    static const char long_value[4000] = "x";
    outcomes = bench_topic(&bench, "small", 2, "max.message.bytes", "1000");
    publish_bench_start(0, 0);
    struct publish_message messages[2] = {publish_bench_messages[0], publish_bench_messages[1]};
    messages[1].value = (struct bytes){long_value, sizeof long_value};
    struct publish_batch batch = publish_bench_batch(1);
    batch.messages = messages;
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_ABORTED);
    assert_non_null(strstr(bench.report.why, "not delivered"));
    publish_bench_assert_nothing();
    batch = publish_bench_batch(2);
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_COMMITTED);
    publish_bench_assert_all();
}

static void metadata_that_is_too_long_aborts_and_leaves_the_old(void **state)
{
    (void) state;
    static char text[5000];
    memset(text, 'x', sizeof text);
    publish_bench_start(0, 0);
    struct publish_offset offset = {SOURCE_COMMANDS, 0, 7, {text, sizeof text}};
    struct publish_batch batch = publish_bench_batch(1);
    batch.offsets = &offset;
    batch.offsets_count = 1;
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_ABORTED);
    publish_bench_assert_nothing();
}

static void offsets_of_an_earlier_assignment_are_fenced_and_nothing_is_visible(void **state)
{
    (void) state;
    publish_bench_start(0, 0);
    struct kafka_membership *old = kafka_membership_keep(first.membership);
    bench_join(&bench, &second, group, NULL, commands, resolutions);
    BENCH_UNTIL(&bench, first.revoked_count == 1);
    kafka_source_release(first.source);
    BENCH_UNTIL(&bench, first.assigned_count == 2 && second.assigned_count == 1);
    struct publish_batch batch = publish_bench_batch(1);
    batch.membership = old; /* same member, older generation */
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_FENCED);
    assert_non_null(strstr(bench.report.why, "ILLEGAL_GENERATION"));
    publish_bench_assert_nothing();
    batch = publish_bench_batch(2);
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_COMMITTED);
    publish_bench_assert_all();
    kafka_membership_drop(old);
}

static void offsets_of_a_member_that_has_left_are_fenced_and_nothing_is_visible(void **state)
{
    (void) state;
    publish_bench_start(0, 0);
    struct publish_batch batch = publish_bench_batch(1);
    batch.membership = kafka_membership_keep(first.membership);
    bench_leave(&bench, &first);
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_FENCED);
    publish_bench_assert_nothing();
    kafka_membership_drop(batch.membership);
}

static void producer_whose_transactional_id_was_taken_is_made_anew(void **state)
{
    (void) state;
    publish_bench_start(0, 0);
    struct publish_batch batch = publish_bench_batch(1);
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_COMMITTED);
    struct kafka_publisher *taken = bench.publisher;
    publish_bench_start(0, 0); /* another of the same id: the first is fenced from here on */
    struct kafka_publisher *taker = bench.publisher;
    bench.publisher = taken;
    int ready = bench.ready_count;
    batch.number = 2;
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_ABORTED);
    BENCH_UNTIL(&bench, bench.ready_count == ready + 1);
    assert_int_equal(bench_read(&bench, outcomes, 2, NULL, 0), 2);
    batch.number = 3;
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_COMMITTED);
    assert_int_equal(bench_read(&bench, outcomes, 2, NULL, 0), 4);
    kafka_publisher_close(taker, 20000);
}

static void missing_topic_is_said_and_waited_for(void **state)
{
    (void) state;
    bench_publish_with(&bench, &(struct bench_publishing){.transactional_id = id,
                                                          .group = group,
                                                          .commands = commands,
                                                          .outcomes = "no-such-outcomes"});
    BENCH_UNTIL(&bench, bench.ready_status == STATUS_ENVIRONMENT);
    assert_non_null(strstr(bench.ready_why, "no-such-outcomes"));
    struct publish_batch batch = publish_bench_batch(1);
    assert_int_equal(kafka_publisher_submit(bench.publisher, &batch), STATUS_UNAVAILABLE);
}

static void evidence_is_told_once_it_is_on_the_broker(void **state)
{
    (void) state;
    char *large = calloc(1, LARGE);
    publish_bench_start(0, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(
            kafka_publisher_tell(bench.publisher, 7, BYTES("order-1"), BYTES("evidence")),
            STATUS_OK);
    BENCH_UNTIL(&bench, bench.told_count == 100);
    assert_int_equal(bench.told_status, STATUS_OK);
    assert_int_equal(bench.told_tag, 7);
    BENCH_UNTIL(&bench, first.records_count == 100);
    assert_int_equal(first.records[99].topic, SOURCE_RESOLUTIONS);
    assert_string_equal(first.records[99].value, "evidence");
    assert_int_equal(kafka_publisher_tell(bench.publisher, UINT64_MAX, BYTES("order-1"),
                                          (struct bytes){large, LARGE}),
                     STATUS_TOO_LARGE);
    free(large);
}

/* What the worker does, in small: one batch of what has come, its offsets with it, until all is
 * through. */
struct through {
    struct publish_message messages[THROUGH_BATCH];
    struct publish_offset offsets[2];
    size_t taken;
    uint64_t batches;
};

static bool through_submit(struct through *through)
{
    size_t count = 0;
    int64_t next[2] = {-1, -1};
    while (count < THROUGH_BATCH && through->taken + count < first.records_count) {
        const struct bench_record *record = &first.records[through->taken + count];
        through->messages[count++] =
            (struct publish_message){PUBLISH_OUTCOMES, bytes_of(record->key),
                                     bytes_of(record->value), &publish_bench_headers};
        next[record->partition] = record->offset + 1;
    }
    if (count == 0)
        return false;
    struct publish_batch batch = {
        ++through->batches, first.membership, through->messages, count, through->offsets, 0};
    for (int32_t partition = 0; partition < 2; partition++)
        if (next[partition] >= 0)
            through->offsets[batch.offsets_count++] = (struct publish_offset){
                SOURCE_COMMANDS, partition, next[partition], BYTES("1;a;0;r;")};
    assert_int_equal(kafka_publisher_submit(bench.publisher, &batch), STATUS_OK);
    through->taken += count;
    return true;
}

static void ten_thousand_records_go_through_exactly_once(void **state)
{
    (void) state;
    static struct through through;
    static int values[THROUGH];
    publish_bench_start(0, 0);
    bench_fill(&bench, commands, 0, THROUGH / 2, 0);
    bench_fill(&bench, commands, 1, THROUGH / 2, 0);
    int64_t start_ms = loop_now_ms();
    while (through.taken < THROUGH || kafka_publisher_is_busy(bench.publisher)) {
        int reports = bench.reports_count;
        if (!kafka_publisher_is_busy(bench.publisher) && !through_submit(&through)) {
            bench_step(&bench);
            continue;
        }
        BENCH_UNTIL(&bench, bench.reports_count > reports);
        assert_int_equal(bench.report.result, PUBLISH_COMMITTED);
    }
    int64_t took_ms = loop_now_ms() - start_ms;
    print_message("    %d records in %llu transactions, %lld ms: %.0f transactions/s\n", THROUGH,
                  (unsigned long long) through.batches, (long long) took_ms,
                  (double) through.batches * 1000 / (double) took_ms);
    assert_int_equal(bench_read(&bench, outcomes, 2, values, THROUGH / 2), THROUGH);
    for (int i = 0; i < THROUGH / 2; i++)
        assert_int_equal(values[i], 2); /* once from each partition */
    publish_bench_assert_committed(THROUGH / 2, THROUGH / 2, 0);
}

static void small_transactions_are_quick(void **state)
{
    (void) state;
    publish_bench_start(0, 0);
    struct publish_batch batch = publish_bench_batch(1);
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_COMMITTED);
    int64_t start_ms = loop_now_ms();
    for (batch.number = 2; batch.number < 202; batch.number++)
        assert_int_equal(bench_publish(&bench, &batch), PUBLISH_COMMITTED);
    int64_t took_ms = loop_now_ms() - start_ms;
    print_message("    200 transactions of 2 messages and 3 offsets: %.0f transactions/s\n",
                  200.0 * 1000 / (double) took_ms);
    assert_true(took_ms < 200 * 100); /* with retry.backoff.ms at its default each takes more */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, publish_bench_open, publish_bench_close)

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        TEST(outcomes_and_offsets_become_visible_together),
        TEST(batch_of_offsets_alone_commits_4000_characters_that_the_next_owner_reads),
        TEST(batch_without_offsets_needs_no_membership),
        TEST(message_that_is_too_large_aborts_its_batch_and_is_named),
        TEST(message_that_the_broker_refuses_aborts_its_batch),
        TEST(metadata_that_is_too_long_aborts_and_leaves_the_old),
        TEST(offsets_of_an_earlier_assignment_are_fenced_and_nothing_is_visible),
        TEST(offsets_of_a_member_that_has_left_are_fenced_and_nothing_is_visible),
        TEST(producer_whose_transactional_id_was_taken_is_made_anew),
        TEST(missing_topic_is_said_and_waited_for),
        TEST(evidence_is_told_once_it_is_on_the_broker),
        TEST(ten_thousand_records_go_through_exactly_once),
        TEST(small_transactions_are_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
