/* The adapters on librdkafka's mock cluster, as the laptop demo runs them: what works there, and
 * what does not. */
#include "kafka_bench.h"

#include "kafka_parts.h"

#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>
#include <string.h>

static struct bench bench;
static struct member first, second;
static rd_kafka_t *host;
static rd_kafka_mock_cluster_t *cluster;

static int open_bench(void **state)
{
    (void) state;
    char why[200];
    host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
    cluster = rd_kafka_mock_cluster_new(host, 1);
    bench_open(&bench, rd_kafka_mock_cluster_bootstraps(cluster));
    return 0;
}

static int close_bench(void **state)
{
    (void) state;
    bench_close(&bench);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    return 0;
}

static void a_payout_goes_through_and_a_new_worker_goes_on_behind_it(void **state)
{
    (void) state;
    char metadata[4100];
    assert_int_equal(rd_kafka_mock_topic_create(cluster, "commands", 2, 1), 0);
    assert_int_equal(rd_kafka_mock_topic_create(cluster, "resolutions", 1, 1), 0);
    assert_int_equal(rd_kafka_mock_topic_create(cluster, "outcomes", 2, 1), 0);
    bench_initialise(&bench, "embedded", "commands");
    bench_initialise(&bench, "embedded", "resolutions");
    bench_fill(&bench, "commands", 0, 20, 0);
    bench_join(&bench, &first, "embedded", NULL, "commands", "resolutions");
    bench_publish_with(&bench, &(struct bench_publishing){.transactional_id = "id",
                                                          .group = "embedded",
                                                          .commands = "commands",
                                                          .resolutions = "resolutions",
                                                          .outcomes = "outcomes"});
    BENCH_UNTIL(&bench, first.records_count == 20);
    const struct publish_message message = {PUBLISH_OUTCOMES, BYTES("k"), BYTES("0"), NULL};
    const struct publish_offset offset = {SOURCE_COMMANDS, 0, 12, BYTES("1;a;12;r;")};
    const struct publish_batch batch = {1, first.membership, &message, 1, &offset, 1};
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_COMMITTED);
    assert_int_equal(bench_read(&bench, "outcomes", 2, NULL, 0), 1);
    /* The mock forgets the offsets of transactions. When this fails it has learnt it, and
     * `embedded` can go. */
    assert_int_equal(bench_committed(&bench, "embedded", "commands", 0, NULL), 0);
    const struct source_partition partition = {SOURCE_COMMANDS, 0, 12, BYTES("1;a;12;r;")};
    kafka_source_commit_embedded(first.source, &partition, 1);
    BENCH_UNTIL(&bench, bench_committed(&bench, "embedded", "commands", 0, metadata) == 12);
    assert_string_equal(metadata, "1;a;12;r;");
    assert_int_equal(kafka_publisher_tell(bench.publisher, 3, BYTES("k"), BYTES("e")), STATUS_OK);
    BENCH_UNTIL(&bench, bench.told_count == 1 && first.records_count == 21);
    bench_leave(&bench, &first);
    bench_join(&bench, &second, "embedded", NULL, "commands", "resolutions");
    BENCH_UNTIL(&bench, second.records_count == 9); /* 12 ... 19, and the evidence */
    for (size_t i = 0; i < 9; i++)
        assert_true(second.records[i].topic == SOURCE_RESOLUTIONS ||
                    second.records[i].offset >= 12);
}

static void two_workers_share_the_partitions(void **state)
{
    (void) state;
    assert_int_equal(rd_kafka_mock_topic_create(cluster, "commands", 2, 1), 0);
    bench_initialise(&bench, "embedded", "commands");
    bench_join(&bench, &first, "embedded", NULL, "commands", NULL);
    BENCH_UNTIL(&bench, first.partitions_count == 2);
    bench_join(&bench, &second, "embedded", NULL, "commands", NULL);
    BENCH_UNTIL(&bench, first.revoked_count == 1);
    kafka_source_release(first.source);
    BENCH_UNTIL(&bench, first.partitions_count == 1 && second.partitions_count == 1);
    bench_leave(&bench, &second);
    BENCH_UNTIL(&bench, first.revoked_count == 2);
    kafka_source_release(first.source);
    BENCH_UNTIL(&bench, first.partitions_count == 2);
}

static void plain_commit_does_nothing_without_the_option(void **state)
{
    (void) state;
    assert_int_equal(rd_kafka_mock_topic_create(cluster, "commands", 1, 1), 0);
    bench_initialise(&bench, "real", "commands");
    bench_join(&bench, &first, "real", NULL, "commands", NULL);
    BENCH_UNTIL(&bench, first.partitions_count == 1);
    const struct source_partition partition = {SOURCE_COMMANDS, 0, 1, BYTES("1;a;1;r;")};
    kafka_source_commit_embedded(first.source, &partition, 1);
    bench_run_for(&bench, 300);
    assert_int_equal(bench_committed(&bench, "real", "commands", 0, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        TEST(a_payout_goes_through_and_a_new_worker_goes_on_behind_it),
        TEST(two_workers_share_the_partitions),
        TEST(plain_commit_does_nothing_without_the_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
