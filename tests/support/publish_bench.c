/* See publish_bench.h. */
#include "publish_bench.h"

#include <stdlib.h>

struct bench bench;
struct member first, second;
const char *commands, *outcomes, *resolutions, *group, *id;

int publish_bench_open(void **state)
{
    (void) state;
    bench_open(&bench, getenv("KAFKA_BOOTSTRAP"));
    commands = bench_topic(&bench, "commands", 2, NULL, NULL);
    outcomes = bench_topic(&bench, "outcomes", 2, NULL, NULL);
    resolutions = bench_topic(&bench, "resolutions", 1, NULL, NULL);
    group = bench_name(&bench, "group");
    id = bench_name(&bench, "id");
    bench_initialise(&bench, group, commands);
    bench_initialise(&bench, group, resolutions);
    bench_join(&bench, &first, group, NULL, commands, resolutions);
    BENCH_UNTIL(&bench, first.partitions_count == 3);
    return 0;
}

int publish_bench_close(void **state)
{
    (void) state;
    bench_close(&bench);
    return 0;
}

void publish_bench_start(int64_t transaction_timeout_ms, int64_t message_timeout_ms)
{
    bench_publish_with(&bench,
                       &(struct bench_publishing){.transactional_id = id,
                                                  .group = group,
                                                  .commands = commands,
                                                  .outcomes = outcomes,
                                                  .resolutions = resolutions,
                                                  .transaction_timeout_ms = transaction_timeout_ms,
                                                  .message_timeout_ms = message_timeout_ms});
    BENCH_UNTIL(&bench, bench.ready_status == STATUS_OK);
}

/* BYTES is no constant initialiser. */
#define TEXT(literal)                   \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

const struct event_headers publish_bench_headers = {
    .items = {{TEXT("ce_id"), TEXT("1")}, {TEXT("content-type"), TEXT("application/json")}},
    .count = 2,
};
const struct publish_message publish_bench_messages[] = {
    {PUBLISH_OUTCOMES, TEXT("order-1"), TEXT("0"), &publish_bench_headers},
    {PUBLISH_DEAD_LETTERS, {NULL, 0}, TEXT("1"), NULL},
};
static const struct publish_offset three_offsets[] = {
    {SOURCE_COMMANDS, 0, 11, TEXT("1;a;11;r;")},
    {SOURCE_COMMANDS, 1, 22, {NULL, 0}},
    {SOURCE_RESOLUTIONS, 0, 33, TEXT("1;c;33;r;")},
};

struct publish_batch publish_bench_batch(uint64_t number)
{
    return (struct publish_batch){number, first.membership, publish_bench_messages,
                                  2,      three_offsets,    3};
}

void publish_bench_assert_committed(int64_t zero, int64_t one, int64_t resolution)
{
    assert_int_equal(bench_committed(&bench, group, commands, 0, NULL), zero);
    assert_int_equal(bench_committed(&bench, group, commands, 1, NULL), one);
    assert_int_equal(bench_committed(&bench, group, resolutions, 0, NULL), resolution);
}

void publish_bench_assert_nothing(void)
{
    assert_int_equal(bench_read(&bench, outcomes, 2, NULL, 0), 0);
    publish_bench_assert_committed(0, 0, 0);
}

void publish_bench_assert_all(void)
{
    assert_int_equal(bench_read(&bench, outcomes, 2, NULL, 0), 2);
    publish_bench_assert_committed(11, 22, 33);
}
