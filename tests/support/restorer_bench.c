/* See restorer_bench.h. */
#include "restorer_bench.h"

#include "kafka_parts.h"

#include "payoutd/codec/done_set.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CALL_MS = 20000, COMMAND_MAX = 1024 };

/* --- life --- */

static void write_secret(const struct world *world, const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", world->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod(path, 0600);
}

static void write_configuration(const struct world *world, const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "topics: {commands: %s, resolutions: %s, outcomes: %s, dead_letters: unused}\n"
            "consumer: {group_id: %s}\n"
            "redis: {host: 127.0.0.1, port: %d}\n"
            "ledger: {namespace: test, fingerprint_key_file: %s/fingerprint.key, horizon: 10d}\n"
            "worker: {max_command_age: 1h}\n"
            "contract: {type_prefix: kz.example}\n"
            "default_merchant: '9970'\n"
            "gateways: {main: {base_url: 'https://127.0.0.1:1', livemode: false}}\n"
            "merchants: {'9970': {gateway: main, secret_file: %s/merchant.key,\n"
            "  post_link: 'https://127.0.0.1:1/callback'}}\n"
            "kafka: {bootstrap.servers: '%s'}\n",
            world->commands, world->resolutions, world->outcomes, world->group, world->redis.port,
            world->folder, world->folder, world->kafka.bootstrap);
    fclose(file);
}

static void load(struct world *world)
{
    char path[128];
    snprintf(world->folder, sizeof world->folder, "/tmp/payoutd-restorer-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    write_secret(world, "fingerprint.key", "0123456789abcdef0123456789abcdef");
    write_secret(world, "merchant.key", "merchant key");
    snprintf(path, sizeof path, "%s/payoutd.yaml", world->folder);
    write_configuration(world, path);
    assert_int_equal(options_load(path, &world->options, stderr), STATUS_OK);
    assert_int_equal(secrets_load(world->options, &world->secrets, stderr), STATUS_OK);
}

void world_open(struct world *world)
{
    memset(world, 0, sizeof *world);
    signal(SIGPIPE, SIG_IGN);
    bench_open(&world->kafka, getenv("KAFKA_BOOTSTRAP"));
    world->commands = bench_topic(&world->kafka, "commands", WORLD_COMMANDS, NULL, NULL);
    world->resolutions = bench_topic(&world->kafka, "resolutions", 1, NULL, NULL);
    world->outcomes = bench_topic(&world->kafka, "outcomes", WORLD_OUTCOMES, NULL, NULL);
    snprintf(world->group, sizeof world->group, "%s", bench_name(&world->kafka, "group"));
    world->producer = bench_client(&world->kafka, RD_KAFKA_PRODUCER, NULL);
    redis_server_start(&world->redis, NULL);
    struct ledger_options options = ledger_bench_options(&world->redis);
    ledger_bench_open(&world->ledger, &world->redis, &options);
    load(world);
    world->timeout_ms = BENCH_UNTIL_MS;
    world->mode = RESTORER_RECOVER;
}

static void remove_file(const struct world *world, const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", world->folder, name);
    unlink(path);
}

void world_close(struct world *world)
{
    rd_kafka_destroy(world->producer);
    secrets_free(world->secrets);
    options_free(world->options);
    remove_file(world, "fingerprint.key");
    remove_file(world, "merchant.key");
    remove_file(world, "payoutd.yaml");
    rmdir(world->folder);
    ledger_bench_close(&world->ledger);
    redis_server_stop(&world->redis);
    bench_close(&world->kafka);
}

/* --- commands --- */

static void produce(struct world *world, const char *topic, int32_t partition, const char *key,
                    struct bytes value, const char *type, int64_t timestamp_ms)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
    if (type != NULL)
        rd_kafka_header_add(headers, "ce_type", -1, type, -1);
    const rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *) (uintptr_t) key, strlen(key)}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *) (uintptr_t) value.data, value.len}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = timestamp_ms},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    assert_null(rd_kafka_produceva(world->producer, fields, sizeof fields / sizeof fields[0]));
    assert_int_equal(rd_kafka_flush(world->producer, CALL_MS), 0);
}

static const char *command_of(const char *order)
{
    static char text[COMMAND_MAX];
    snprintf(text, sizeof text,
             "{\"order_id\":\"%s\",\"amount\":{\"value\":\"15.00\",\"currency\":\"KZT\"},"
             "\"description\":\"Payout\",\"user_id\":\"u1\","
             "\"destination\":{\"type\":\"card_token\",\"token\":\"token-0123456789\"}}",
             order);
    return text;
}

int64_t world_command_text(struct world *world, const char *key, const char *value,
                           int32_t partition)
{
    produce(world, world->commands, partition, key, bytes_of(value), NULL, 0);
    return world->next_command[partition]++;
}

int64_t world_command(struct world *world, const char *order, int32_t partition)
{
    return world_command_text(world, order, command_of(order), partition);
}

void world_fingerprint(struct world *world, const char *order, uint8_t ret_fingerprint[32])
{
    static char space[64 * 1024];
    struct arena arena;
    struct record_content record = {.key = bytes_of(order), .value = bytes_of(command_of(order))};
    struct command command;
    struct event_context context;
    struct command_fault fault = {.code = NULL};
    memset(&command, 0, sizeof command);
    arena_init(&arena, space, sizeof space);
    if (command_json_decode(&record, &world->secrets->rules, &arena, &command, &context, &fault) !=
        STATUS_OK)
        fail_msg("the test's command: %s", fault.message);
    memcpy(ret_fingerprint, command.fingerprint, sizeof command.fingerprint);
}

const char *world_source(struct world *world, int32_t partition, int64_t offset)
{
    static char text[120];
    snprintf(text, sizeof text, "%s/%d/%lld", world->commands, partition, (long long) offset);
    return text;
}

/* --- commits --- */

static void commit(struct world *world, const char *topic, int32_t partition, uint64_t token,
                   struct window *window, int64_t ceiling)
{
    char text[DONE_SET_TEXT_MAX];
    size_t len;
    const struct commit_metadata metadata = {token, ceiling};
    assert_int_equal(done_set_encode(&metadata, window, text, sizeof text, &len), STATUS_OK);
    rd_kafka_t *client = bench_client(&world->kafka, RD_KAFKA_CONSUMER, world->group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_add(list, topic, partition);
    one->offset = window->watermark;
    kafka_offsets_set_metadata(one, (struct bytes){text, len});
    assert_int_equal(rd_kafka_commit(client, list, 0), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
}

void world_commit(struct world *world, int32_t partition, uint64_t token, int64_t watermark,
                  int64_t ceiling, int64_t done)
{
    struct window window;
    window_init(&window, watermark);
    if (done >= 0)
        assert_int_equal(window_restore(&window, done), STATUS_OK);
    commit(world, world->commands, partition, token, &window, ceiling);
}

void world_commit_resolutions(struct world *world, uint64_t token)
{
    struct window window;
    window_init(&window, 0);
    commit(world, world->resolutions, 0, token, &window, 0);
}

void world_acknowledge(struct world *world, uint64_t token)
{
    for (int32_t partition = 0; partition < WORLD_COMMANDS; partition++)
        world_commit(world, partition, token, world->next_command[partition],
                     world->next_command[partition], -1);
    world_commit_resolutions(world, token);
}

uint64_t world_token(struct world *world)
{
    struct ledger_restore *restore;
    struct ledger_options options = ledger_bench_options(&world->redis);
    char why[300] = "";
    if (ledger_restore_open(&options, why, sizeof why, &restore) != STATUS_OK)
        fail_msg("%s", why);
    uint64_t token = ledger_restore_token(restore);
    ledger_restore_close(restore);
    return token;
}

/* --- events --- */

void world_event_fill(struct world *world, struct world_event *event, const char *order,
                      enum order_state state, int64_t sequence)
{
    memset(event, 0, sizeof *event);
    snprintf(event->order, sizeof event->order, "%s", order);
    event->command.order_id = bytes_of(event->order);
    event->command.amount =
        (struct money){.amount_minor = 1500, .currency = "KZT", .text = BYTES("15.00")};
    event->command.description = BYTES("Payout");
    event->command.destination =
        (struct destination){.type = DESTINATION_CARD_TOKEN, .token = BYTES("token-0123456789")};
    world_fingerprint(world, order, event->command.fingerprint);
    event->answer = (struct answer){
        .payment_id = BYTES("77001"), .status = BYTES("ok"), .paid_amount_minor = -1};
    event->outcome = (struct outcome){
        .command = &event->command,
        .context = &event->context,
        .position = {world->commands, 0, 7, loop_wall_ms()},
        .merchant_id = BYTES("9970"),
        .state = state,
        .attempt = 2,
        .evidence = EVIDENCE_ANSWER,
        .answer = &event->answer,
        .refused_payment_ids = {BYTES("77000"), BYTES("76999")},
        .refused_payment_ids_count = 2,
        .failure_code = state == ORDER_PAID || state == ORDER_PENDING ? NULL : "card_declined",
        .failure_message = state == ORDER_PAID || state == ORDER_PENDING ? NULL : "declined",
        .armed_ms = INT64_C(1748520000009),
        .occurred_ms = loop_wall_ms(),
        .destination_key = BYTES("a key of thirty-two bytes or more"),
    };
    event->sequence = sequence;
}

struct bytes world_publish(struct world *world, const struct world_event *event)
{
    static char space[3 * WORLD_BODY_MAX];
    struct arena arena;
    struct bytes body, value;
    arena_init(&arena, space, sizeof space);
    assert_int_equal(outcome_json_body(&event->outcome, &arena, &body), STATUS_OK);
    assert_int_equal(outcome_json_finish(body, event->sequence, false, &arena, &value), STATUS_OK);
    produce(world, world->outcomes, event->partition, event->order, value,
            "kz.example.payout.any.v1", event->timestamp_ms);
    return body;
}

void world_publish_text(struct world *world, const char *order, const char *value, const char *type)
{
    produce(world, world->outcomes, 0, order, bytes_of(value), type, 0);
}

/* --- Redis --- */

void world_wipe(struct world *world)
{
    for (int shard = 0; shard < LEDGER_SHARDS; shard++)
        redis_server_do(&world->redis, "DEL {po:%02d}:inc", shard);
}

void world_set_last(struct world *world, int64_t last_ms)
{
    for (int shard = 0; shard < LEDGER_SHARDS; shard++)
        redis_server_do(&world->redis, "SET {po:%02d}:last %lld", shard, (long long) last_ms);
}

bool world_is_confirmed(struct world *world)
{
    char wanted[LEDGER_TOKEN_MAX];
    ledger_keys_token_text(world_token(world), wanted);
    for (int shard = 0; shard < LEDGER_SHARDS; shard++) {
        char key[32];
        snprintf(key, sizeof key, "{po:%02d}:inc", shard);
        if (strcmp(redis_server_text(&world->redis, key, NULL), wanted) != 0)
            return false;
    }
    return true;
}

const char *world_field(struct world *world, const char *order, const char *field)
{
    return redis_server_text(&world->redis, ledger_bench_key(order), field);
}

bool world_is_absent(struct world *world, const char *order)
{
    return redis_server_number(&world->redis, "EXISTS %s", ledger_bench_key(order)) == 0;
}

void world_is_in_doubt(struct world *world, const char *order)
{
    assert_world_field(world, order, "st", "UNKNOWN");
    assert_world_field(world, order, "doubt", "1");
    assert_non_null(strstr(world_field(world, order, "res"), "\"status\":\"unknown\""));
    assert_non_null(strstr(world_field(world, order, "res"), "\"doubt\":true"));
    int64_t now_ms = loop_wall_ms();
    int64_t armed_ms = atoll(world_field(world, order, "t_arm"));
    assert_true(armed_ms > now_ms - BENCH_UNTIL_MS && armed_ms <= now_ms);
    assert_true(ledger_bench_due_score(&world->ledger, order) > 0);
}

/* --- the restorer --- */

static void on_tell(void *context, const char *text)
{
    struct world *world = context;
    if (world->told_count < WORLD_TOLD_MAX)
        snprintf(world->told[world->told_count++], sizeof world->told[0], "%s", text);
    if (world->on_step != NULL)
        world->on_step(world, text);
}

void world_run(struct world *world)
{
    const struct restorer_options options = {.options = world->options,
                                             .secrets = world->secrets,
                                             .mode = world->mode,
                                             .timeout_ms = world->timeout_ms,
                                             .tell = on_tell,
                                             .context = world};
    world->told_count = 0;
    world->status = restorer_run(&options, &world->report, world->why, sizeof world->why);
}

void world_recovers(struct world *world)
{
    world_run(world);
    if (world->status != STATUS_OK)
        fail_msg("%s: %s", status_name(world->status), world->why);
    assert_true(world_is_confirmed(world));
}

bool world_told(const struct world *world, const char *beginning)
{
    for (int i = 0; i < world->told_count; i++)
        if (strncmp(world->told[i], beginning, strlen(beginning)) == 0)
            return true;
    return false;
}

void world_open_below(struct world *world, int64_t ceiling)
{
    world_acknowledge(world, world->ledger.token);
    world_commit(world, 0, world->ledger.token, 0, ceiling, -1);
    world_wipe(world);
}

struct ledger_call world_call(struct world *world, enum ledger_script script, const char *order,
                              int64_t offset)
{
    static uint8_t fingerprint[32];
    struct ledger_call call = ledger_bench_claim(&world->ledger, script, order, offset, 'a');
    world_fingerprint(world, order, fingerprint);
    call.fingerprint = fingerprint;
    call.by.topic = bytes_of(world->commands);
    call.merchant_id = BYTES("9970");
    call.call = 11;
    call.attempt = 1;
    return call;
}

void world_is_answered(struct world *world, struct ledger_call call, enum ledger_answer answer)
{
    assert_answer(&world->ledger, &call, answer);
}
