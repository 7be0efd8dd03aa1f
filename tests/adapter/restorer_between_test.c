/* What may happen between two of the restorer's steps: another restorer, a Redis that forgets again
 * or is restarted, commits that come late. It never does harm, and in the end nothing is missing.
 */
#include "restorer_bench.h"

#include "kafka_parts.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

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

/* One order that is open, one that was paid: (b) and (a) have one each to do. */
static void one_of_each(void)
{
    struct world_event event;
    world_command(&world, "open", 0);
    world_event_fill(&world, &event, "paid", ORDER_PAID, 1);
    world_publish(&world, &event);
    world_acknowledge(&world, world.ledger.token);
    world_commit(&world, 0, world.ledger.token, 0, 1, -1);
    world_wipe(&world);
}

static void both_are_restored(void)
{
    world_is_in_doubt(&world, "open");
    assert_world_field(&world, "paid", "st", "PAID");
}

/* The step of this name is reached for the first time. */
static bool first(const char *text, const char *step)
{
    if (strncmp(text, step, strlen(step)) != 0 || world.steps > 0)
        return false;
    world.steps++;
    return true;
}

static void set_every_inc(const char *text)
{
    for (int shard = 0; shard < LEDGER_SHARDS; shard++)
        redis_server_do(&world.redis, "SET {po:%02d}:inc %s", shard, text);
}

/* --- other restorers, and owners --- */

static void other_claims_after_outcomes(struct world *context, const char *text)
{
    (void) context;
    if (first(text, "outcomes read"))
        set_every_inc("claim-of-another");
}

static void a_claim_of_another_restorer_makes_it_start_again(void **state)
{
    (void) state;
    one_of_each();
    world.on_step = other_claims_after_outcomes;
    world_recovers(&world);
    assert_int_equal(world.steps, 1);
    assert_int_equal(world.report.starts, 2);
    both_are_restored();
}

static void other_claims_before_confirmation(struct world *context, const char *text)
{
    (void) context;
    if (first(text, "doubted"))
        set_every_inc("claim-of-another");
}

static void a_claim_that_was_taken_over_is_never_confirmed(void **state)
{
    (void) state;
    one_of_each();
    world.on_step = other_claims_before_confirmation;
    world.timeout_ms = 1; /* no second start */
    world_run(&world);
    assert_int_equal(world.status, STATUS_TIMED_OUT);
    assert_int_equal(world.steps, 1);
    for (int shard = 0; shard < LEDGER_SHARDS; shard++) {
        char key[32];
        snprintf(key, sizeof key, "{po:%02d}:inc", shard);
        assert_string_equal(redis_server_text(&world.redis, key, NULL), "claim-of-another");
    }
}

/* Another one was quicker: the shards are confirmed, and a worker has armed the order already. */
static void other_confirms(struct world *context, const char *text)
{
    char token[LEDGER_TOKEN_MAX];
    if (!first(text, "offsets read"))
        return;
    ledger_keys_token_text(context->ledger.token, token);
    set_every_inc(token);
    struct ledger_call arm = ledger_bench_arm(&context->ledger, "open", 0, 1, 1);
    assert_answer(&context->ledger, &arm, LEDGER_ARMED);
}

static void what_another_restorer_has_confirmed_is_not_written_any_more(void **state)
{
    (void) state;
    one_of_each();
    world.on_step = other_confirms;
    world_recovers(&world);
    assert_int_equal(world.steps, 1);
    assert_int_equal(world.report.shards, 0);
    assert_world_field(&world, "open", "st", "SENDING");
    assert_true(world_is_absent(&world, "paid"));
}

/* An owner of another mind about the token: deletes inc, then acknowledges its own. */
static void owner_on_another_redis(struct world *context, const char *text)
{
    if (!first(text, "claimed"))
        return;
    world_wipe(context);
    world_commit(context, 1, context->ledger.token ^ 1, 0, 0, -1);
}

static void an_owner_that_acknowledges_another_token_keeps_everybody_waiting(void **state)
{
    (void) state;
    one_of_each();
    world.on_step = owner_on_another_redis;
    world.timeout_ms = 2000;
    world_run(&world);
    assert_int_equal(world.status, STATUS_TIMED_OUT);
    assert_false(world_is_confirmed(&world));
    assert_true(world_is_absent(&world, "open"));
    assert_true(world_is_absent(&world, "paid"));
}

/* --- acknowledgements --- */

static void owner_acknowledges(struct world *context, const char *text)
{
    if (!first(text, "waiting: 2 of 3"))
        return;
    assert_int_equal(redis_server_number(&context->redis, "EXISTS {po:00}:inc"), 0);
    assert_true(world_is_absent(context, "open"));
    assert_true(world_is_absent(context, "paid"));
    world_commit_resolutions(context, context->ledger.token);
}

static void nothing_happens_before_the_last_partition_is_acknowledged(void **state)
{
    (void) state;
    one_of_each();
    world_commit_resolutions(&world, world.ledger.token ^ 1);
    world.on_step = owner_acknowledges;
    world_recovers(&world);
    assert_int_equal(world.steps, 1);
    both_are_restored();
}

/* --- Redis forgets again --- */

static const char *flush_at;

static void flush(struct world *context, const char *text)
{
    if (first(text, flush_at))
        redis_server_do(&context->redis, "FLUSHALL");
}

static void forgets_at(const char *step)
{
    one_of_each();
    flush_at = step;
    world.on_step = flush;
    world_recovers(&world);
    assert_int_equal(world.steps, 1);
    assert_int_equal(world.report.starts, 2);
    both_are_restored();
}

static void everything_forgotten_before_the_outcomes_are_written(void **state)
{
    (void) state;
    forgets_at("outcomes read");
}

static void everything_forgotten_between_outcomes_and_doubt(void **state)
{
    (void) state;
    forgets_at("outcomes restored");
}

static void everything_forgotten_before_the_confirmation(void **state)
{
    (void) state;
    forgets_at("doubted");
}

static void restart_redis(struct world *context, const char *text)
{
    if (first(text, "outcomes restored")) {
        redis_server_kill(&context->redis);
        redis_server_restart(&context->redis);
    } else if (context->steps == 1 && strncmp(text, "waiting: 0 of 3", 15) == 0) {
        uint64_t token = world_token(context);
        assert_true(token != context->ledger.token);
        world_acknowledge(context, token);
        world_commit(context, 0, token, 0, 1, -1);
        context->steps++;
    }
}

static void another_redis_must_be_acknowledged_anew(void **state)
{
    (void) state;
    one_of_each();
    world.on_step = restart_redis;
    world_recovers(&world);
    assert_int_equal(world.steps, 2);
    both_are_restored();
}

/* --- commits that come late --- */

static void commit_outcome(struct world *context, const char *text)
{
    struct world_event event;
    if (!first(text, "offsets read"))
        return;
    world_event_fill(context, &event, "settled-late", ORDER_PAID, 1);
    world_publish(context, &event);
    world_commit(context, 1, context->ledger.token, 1, 1, -1);
}

static void an_outcome_committed_after_the_offsets_were_read_is_found(void **state)
{
    (void) state;
    world_command(&world, "settled-late", 1);
    world_acknowledge(&world, world.ledger.token);
    world_commit(&world, 1, world.ledger.token, 0, 1, -1);
    world_wipe(&world);
    world.on_step = commit_outcome;
    world_recovers(&world);
    assert_world_field(&world, "settled-late", "st", "PAID");
    assert_world_field(&world, "settled-late", "doubt", "");
}

/* A worker's transaction over two outcomes; its marker comes when the restorer waits for it. */
static rd_kafka_t *open_transaction(void)
{
    const struct kafka_setting fixed[] = {{"transactional.id", world.group}, {NULL, NULL}};
    const struct kafka_setup setup = {world.kafka.settings, 1, NULL, fixed};
    rd_kafka_conf_t *conf;
    rd_kafka_t *client;
    char why[KAFKA_WHY_MAX];
    assert_int_equal(kafka_setup_conf(&setup, &conf, why), STATUS_OK);
    assert_int_equal(kafka_setup_client(RD_KAFKA_PRODUCER, conf, &client, why), STATUS_OK);
    assert_null(rd_kafka_init_transactions(client, 20000));
    assert_null(rd_kafka_begin_transaction(client));
    return client;
}

static void *commit_soon(void *client)
{
    usleep(700 * 1000); /* the longer the sharper: the restorer must wait, however long it takes */
    rd_kafka_error_t *error = rd_kafka_commit_transaction(client, 20000);
    return error == NULL ? client : NULL;
}

static rd_kafka_t *committer;
static pthread_t committing;

static void commit_while_it_reads(struct world *context, const char *text)
{
    (void) context;
    if (first(text, "offsets read"))
        assert_int_equal(pthread_create(&committing, NULL, commit_soon, committer), 0);
}

static void an_outcome_whose_marker_is_not_written_yet_is_waited_for(void **state)
{
    (void) state;
    struct world_event event;
    void *committed = NULL;
    committer = open_transaction();
    rd_kafka_t *plain = world.producer;
    world.producer = committer;
    world_event_fill(&world, &event, "in-transaction", ORDER_PAID, 1);
    world_publish(&world, &event);
    world.producer = plain;
    world_acknowledge(&world, world.ledger.token); /* its position is done */
    world_wipe(&world);
    world.on_step = commit_while_it_reads;
    world_recovers(&world);
    assert_int_equal(pthread_join(committing, &committed), 0);
    rd_kafka_destroy(committer);
    assert_non_null(committed);
    assert_world_field(&world, "in-transaction", "st", "PAID");
}

/* --- the thread --- */

struct ending {
    int ended;
    enum status status;
    int32_t shards;
};

static void on_ended(void *context, enum status status, const struct restorer_report *report,
                     const char *why)
{
    struct ending *ending = context;
    (void) why;
    ending->ended++;
    ending->status = status;
    ending->shards = report->shards;
}

static struct restorer *started(struct ending *ending)
{
    const struct restorer_options options = {
        .options = world.options, .secrets = world.secrets, .mode = RESTORER_RECOVER};
    struct restorer *restorer;
    assert_int_equal(restorer_start(world.kafka.loop, &options, on_ended, ending, &restorer),
                     STATUS_OK);
    return restorer;
}

static void in_a_thread_its_end_is_told_on_the_loop(void **state)
{
    (void) state;
    struct ending ending = {0};
    one_of_each();
    struct restorer *restorer = started(&ending);
    BENCH_UNTIL(&world.kafka, ending.ended > 0);
    restorer_stop(restorer);
    assert_int_equal(ending.ended, 1);
    assert_int_equal(ending.status, STATUS_OK);
    assert_int_equal(ending.shards, LEDGER_SHARDS);
    both_are_restored();
}

static void a_thread_that_waits_for_acknowledgements_can_be_stopped(void **state)
{
    (void) state;
    struct ending ending = {0};
    one_of_each();
    world_commit_resolutions(&world, world.ledger.token ^ 1);
    struct restorer *restorer = started(&ending);
    bench_step(&world.kafka);
    restorer_stop(restorer);
    assert_int_equal(ending.ended, 0);
    assert_false(world_is_confirmed(&world));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_claim_of_another_restorer_makes_it_start_again),
        TEST(a_claim_that_was_taken_over_is_never_confirmed),
        TEST(what_another_restorer_has_confirmed_is_not_written_any_more),
        TEST(an_owner_that_acknowledges_another_token_keeps_everybody_waiting),
        TEST(nothing_happens_before_the_last_partition_is_acknowledged),
        TEST(everything_forgotten_before_the_outcomes_are_written),
        TEST(everything_forgotten_between_outcomes_and_doubt),
        TEST(everything_forgotten_before_the_confirmation),
        TEST(another_redis_must_be_acknowledged_anew),
        TEST(an_outcome_committed_after_the_offsets_were_read_is_found),
        TEST(an_outcome_whose_marker_is_not_written_yet_is_waited_for),
        TEST(in_a_thread_its_end_is_told_on_the_loop),
        TEST(a_thread_that_waits_for_acknowledgements_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
