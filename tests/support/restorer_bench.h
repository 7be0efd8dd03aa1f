/*
 * restorer_bench: a deployment without workers: real topics, a real Redis, the group's commits as
 * workers would have left them, and a restorer whose steps a test can get between.
 */
#ifndef PAYOUTD_TESTS_RESTORER_BENCH_H
#define PAYOUTD_TESTS_RESTORER_BENCH_H

#include "kafka_bench.h"
#include "ledger_bench.h"

#include "payoutd/adapter/ledger_restore.h"
#include "payoutd/app/restorer.h"
#include "payoutd/codec/outcome_json.h"

enum { WORLD_COMMANDS = 2, WORLD_OUTCOMES = 2, WORLD_BODY_MAX = 20000, WORLD_TOLD_MAX = 64 };

struct world;
/* Called in the restorer's thread at each of its steps; `text` begins with the step's name. */
typedef void world_step(struct world *world, const char *text);

struct world {
    struct bench kafka;
    struct redis_server redis;
    struct ledger_bench ledger; /* up, on the Redis of the beginning */
    const char *commands, *resolutions, *outcomes;
    char group[64], folder[64], merchant[16];
    struct options *options;
    struct secrets *secrets;
    rd_kafka_t *producer;
    int64_t next_command[WORLD_COMMANDS]; /* offset of the next command */
    world_step *on_step;
    int steps; /* how often on_step did what it wanted: the test's */
    char told[WORLD_TOLD_MAX][160];
    int told_count;
    int64_t timeout_ms;
    enum restorer_mode mode;
    enum status status;
    struct restorer_report report;
    char why[300];
};

void world_open(struct world *world);
void world_close(struct world *world);

/* A command of this order on a partition; its offset. */
int64_t world_command(struct world *world, const char *order, int32_t partition);
int64_t world_command_text(struct world *world, const char *key, const char *value,
                           int32_t partition);
/* Of such a command. */
void world_fingerprint(struct world *world, const char *order, uint8_t ret_fingerprint[32]);
const char *world_source(struct world *world, int32_t partition, int64_t offset);

/* What the owner of a commands partition committed: a watermark, a ceiling, and one position above
 * the watermark that is done (-1: none). */
void world_commit(struct world *world, int32_t partition, uint64_t token, int64_t watermark,
                  int64_t ceiling, int64_t done);
void world_commit_resolutions(struct world *world, uint64_t token);
/* Every partition, with nothing open. */
void world_acknowledge(struct world *world, uint64_t token);
uint64_t world_token(struct world *world); /* of the Redis that answers now */

/* An outcome event; change it before it is published. */
struct world_event {
    struct command command;
    struct event_context context;
    struct answer answer;
    struct outcome outcome;
    int64_t sequence;
    int32_t partition;    /* of the outcomes topic */
    int64_t timestamp_ms; /* of the record; 0: now */
    char order[64];
};
void world_event_fill(struct world *world, struct world_event *event, const char *order,
                      enum order_state state, int64_t sequence);
/* Its body, as the ledger should have it. Valid until the next call. */
struct bytes world_publish(struct world *world, const struct world_event *event);
void world_publish_text(struct world *world, const char *order, const char *value,
                        const char *type);

/* Every shard's `inc` gone, as an owner leaves it before it acknowledges. `last` stays. */
void world_wipe(struct world *world);
void world_set_last(struct world *world, int64_t last_ms);
bool world_is_confirmed(struct world *world); /* every shard has the token of this Redis */

void world_run(struct world *world);      /* the result is in status, report and why */
void world_recovers(struct world *world); /* asserts that it is STATUS_OK and confirmed */
bool world_told(const struct world *world, const char *beginning);

/* A field of an order's record; "" when it has none. Valid until the next call. */
const char *world_field(struct world *world, const char *order, const char *field);
void world_is_in_doubt(struct world *world, const char *order);
bool world_is_absent(struct world *world, const char *order);

#define assert_world_field(world, order, field, text) \
    assert_string_equal(world_field((world), (order), (field)), (text))
/* A call about an order as the worker that owns this position makes it. */
struct ledger_call world_call(struct world *world, enum ledger_script script, const char *order,
                              int64_t offset);
void world_is_answered(struct world *world, struct ledger_call call, enum ledger_answer answer);
/* Everything on partition 0 is open, from the beginning to `ceiling`. */
void world_open_below(struct world *world, int64_t ceiling);

#endif
