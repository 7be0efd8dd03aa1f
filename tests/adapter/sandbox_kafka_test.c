/* The embedded Kafka keeps what a transaction commits, and nothing else: offsets with their
 * metadata. */
#include "kafka_mock.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WAIT_MS = 20000 };

struct world {
    struct event_base *base;
    struct event *tick;
    struct kafka_mock *mock;
    pthread_t thread;
    atomic_bool stopping;
};

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct world *world = context;
    (void) fd, (void) what;
    if (atomic_load(&world->stopping))
        event_base_loopbreak(world->base);
}

static void *turn(void *context)
{
    struct world *world = context;
    event_base_dispatch(world->base);
    return NULL;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct timeval often = {.tv_usec = 20000};
    assert_non_null(world);
    world->base = event_base_new();
    world->tick = event_new(world->base, -1, EV_PERSIST, on_tick, world);
    assert_int_equal(event_add(world->tick, &often), 0);
    assert_int_equal(kafka_mock_new(world->base, 0, "in:2,out:1", &world->mock), STATUS_OK);
    assert_int_equal(pthread_create(&world->thread, NULL, turn, world), 0);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    atomic_store(&world->stopping, true);
    pthread_join(world->thread, NULL);
    kafka_mock_free(world->mock);
    event_free(world->tick);
    event_base_free(world->base);
    free(world);
    return 0;
}

static rd_kafka_t *new_client(const struct world *world, rd_kafka_type_t type, const char *name,
                              const char *value)
{
    char why[256];
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(settings, "bootstrap.servers",
                                       kafka_mock_bootstrap(world->mock), why, sizeof why),
                     RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(settings, name, value, why, sizeof why), RD_KAFKA_CONF_OK);
    rd_kafka_t *client = rd_kafka_new(type, settings, why, sizeof why);
    assert_non_null(client);
    return client;
}

static rd_kafka_t *new_producer(const struct world *world, const char *id)
{
    rd_kafka_t *producer = new_client(world, RD_KAFKA_PRODUCER, "transactional.id", id);
    assert_null(rd_kafka_init_transactions(producer, WAIT_MS));
    return producer;
}

static void begin_with_offset(rd_kafka_t *producer, rd_kafka_t *consumer, int64_t offset,
                              const char *metadata)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_add(offsets, "in", 1);
    at->offset = offset;
    at->metadata = strdup(metadata);
    at->metadata_size = strlen(metadata);
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(consumer);
    assert_null(rd_kafka_begin_transaction(producer));
    assert_null(rd_kafka_send_offsets_to_transaction(producer, offsets, group, WAIT_MS));
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(offsets);
}

static void assert_committed(const struct world *world, const char *group, int64_t offset,
                             const char *metadata)
{
    rd_kafka_t *reader = new_client(world, RD_KAFKA_CONSUMER, "group.id", group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "in", 1);
    assert_int_equal(rd_kafka_committed(reader, list, WAIT_MS), 0);
    assert_int_equal(list->elems[0].offset, offset);
    assert_int_equal(list->elems[0].metadata_size, strlen(metadata));
    if (metadata[0] != '\0')
        assert_memory_equal(list->elems[0].metadata, metadata, strlen(metadata));
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(reader);
}

static void join_group(rd_kafka_t *consumer)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, "in", RD_KAFKA_PARTITION_UA);
    assert_int_equal(rd_kafka_subscribe(consumer, topics), 0);
    rd_kafka_topic_partition_list_destroy(topics);
    int count = 0;
    for (int i = 0; i < WAIT_MS / 100 && count == 0; i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
        if (message != NULL)
            rd_kafka_message_destroy(message);
        rd_kafka_topic_partition_list_t *assigned = NULL;
        assert_int_equal(rd_kafka_assignment(consumer, &assigned), 0);
        count = assigned->cnt;
        rd_kafka_topic_partition_list_destroy(assigned);
    }
    assert_int_equal(count, 2);
}

static void offsets_of_a_committed_transaction_are_kept_with_their_metadata(void **state)
{
    struct world *world = *state;
    rd_kafka_t *consumer = new_client(world, RD_KAFKA_CONSUMER, "group.id", "kept");
    rd_kafka_t *producer = new_producer(world, "p-kept");
    begin_with_offset(producer, consumer, 41, "v1 token ceiling");
    assert_committed(world, "kept", RD_KAFKA_OFFSET_INVALID, "");
    assert_null(rd_kafka_commit_transaction(producer, WAIT_MS));
    assert_committed(world, "kept", 41, "v1 token ceiling");
    rd_kafka_destroy(producer);
    rd_kafka_destroy(consumer);
}

static void offsets_of_an_aborted_transaction_are_not_kept(void **state)
{
    struct world *world = *state;
    rd_kafka_t *consumer = new_client(world, RD_KAFKA_CONSUMER, "group.id", "aborted");
    rd_kafka_t *producer = new_producer(world, "p-aborted");
    begin_with_offset(producer, consumer, 41, "x");
    assert_null(rd_kafka_abort_transaction(producer, WAIT_MS));
    assert_committed(world, "aborted", RD_KAFKA_OFFSET_INVALID, "");
    begin_with_offset(producer, consumer, 7, "after");
    assert_null(rd_kafka_commit_transaction(producer, WAIT_MS));
    assert_committed(world, "aborted", 7, "after");
    rd_kafka_destroy(producer);
    rd_kafka_destroy(consumer);
}

static void what_a_dead_producer_left_open_is_forgotten(void **state)
{
    struct world *world = *state;
    rd_kafka_t *consumer = new_client(world, RD_KAFKA_CONSUMER, "group.id", "dead");
    rd_kafka_t *producer = new_producer(world, "p-dead");
    begin_with_offset(producer, consumer, 41, "x");
    rd_kafka_destroy(producer);
    producer = new_producer(world, "p-dead");
    assert_committed(world, "dead", RD_KAFKA_OFFSET_INVALID, "");
    rd_kafka_destroy(producer);
    rd_kafka_destroy(consumer);
}

static void a_live_member_of_the_group_does_not_keep_offsets_away(void **state)
{
    struct world *world = *state;
    rd_kafka_t *consumer = new_client(world, RD_KAFKA_CONSUMER, "group.id", "live");
    rd_kafka_poll_set_consumer(consumer);
    join_group(consumer);
    rd_kafka_t *producer = new_producer(world, "p-live");
    for (int64_t offset = 1; offset <= 50; offset++) {
        begin_with_offset(producer, consumer, offset, "m");
        assert_null(rd_kafka_commit_transaction(producer, WAIT_MS));
    }
    assert_committed(world, "live", 50, "m");
    rd_kafka_destroy(producer);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
}

static void topics_that_are_no_topics_are_refused(void **state)
{
    struct world *world = *state;
    struct kafka_mock *mock = NULL;
    static const char *const wrong[] = {"", "a", "a:", "a:0", "a:1,", "a:x", ":1", "a:1001"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(kafka_mock_new(world->base, 0, wrong[i], &mock), STATUS_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_of_a_committed_transaction_are_kept_with_their_metadata),
        cmocka_unit_test(offsets_of_an_aborted_transaction_are_not_kept),
        cmocka_unit_test(what_a_dead_producer_left_open_is_forgotten),
        cmocka_unit_test(a_live_member_of_the_group_does_not_keep_offsets_away),
        cmocka_unit_test(topics_that_are_no_topics_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
