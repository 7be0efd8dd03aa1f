/* How the ledger comes up: what it demands of a Redis, what init writes, how a name is resolved. */
#include "ledger_bench.h"

#include "payoutd/adapter/resolve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct redis_server server;

static struct ledger_options initialised(void)
{
    struct ledger_options options = ledger_bench_options(&server);
    char why[LEDGER_WHY_MAX] = "";
    if (ledger_initialise(&options, false, why, sizeof why) != STATUS_OK)
        fail_msg("%s", why);
    return options;
}

static void comes_up(const struct ledger_options *options)
{
    struct ledger_bench bench;
    ledger_bench_begin(&bench, &server, options);
    ledger_bench_wait_up(&bench);
    assert_int_equal(bench.ups, 1);
    assert_true(bench.token != 0);
    assert_true(bench.token == ledger_token(bench.ledger));
    ledger_bench_close(&bench);
}

static void stays_down(const struct ledger_options *options, enum status status, const char *why)
{
    struct ledger_bench bench;
    ledger_bench_begin(&bench, &server, options);
    ledger_bench_wait_down(&bench);
    assert_string_equal(status_name(bench.down_status), status_name(status));
    if (strstr(bench.down_why, why) == NULL)
        fail_msg("'%s' does not say '%s'", bench.down_why, why);
    assert_int_equal(bench.ups, 0);
    struct ledger_call call = ledger_bench_read(&bench, "any");
    assert_int_equal(ledger_ask(bench.ledger, &call), STATUS_UNAVAILABLE);
    assert_true(ledger_token(bench.ledger) == 0);
    ledger_bench_close(&bench);
}

static void a_name_is_resolved_and_the_token_is_the_one_of_init(void **state)
{
    (void) state;
    struct ledger_options options = initialised();
    options.host = "localhost";
    struct ledger_bench bench;
    ledger_bench_begin(&bench, &server, &options);
    ledger_bench_wait_up(&bench);
    struct ledger_call call = ledger_bench_read(&bench, "any");
    assert_answer(&bench, &call, LEDGER_ABSENT);
    ledger_bench_close(&bench);
}

static void a_name_that_does_not_exist_is_said_in_words(void **state)
{
    (void) state;
    struct ledger_options options = ledger_bench_options(&server);
    options.host = "no-such-host.invalid";
    stays_down(&options, STATUS_UNAVAILABLE, "'no-such-host.invalid' cannot be resolved");
}

static void a_ledger_freed_while_it_resolves_leaves_nothing_behind(void **state)
{
    (void) state;
    struct ledger_options options = ledger_bench_options(&server);
    options.host = "localhost";
    struct ledger_bench bench;
    ledger_bench_begin(&bench, &server, &options);
    ledger_bench_close(&bench);
}

static void a_unix_socket_will_do(void **state)
{
    (void) state;
    struct ledger_options options = initialised();
    char path[96];
    snprintf(path, sizeof path, "%s/socket", server.folder);
    options.host = path;
    comes_up(&options);
}

static void a_port_where_nobody_listens_is_said_in_words(void **state)
{
    (void) state;
    struct ledger_options options = ledger_bench_options(&server);
    options.port = 1;
    stays_down(&options, STATUS_UNAVAILABLE, "Connection refused");
}

static void an_evicting_policy_is_refused(void **state)
{
    (void) state;
    struct ledger_options options = initialised();
    redis_server_do(&server, "CONFIG SET maxmemory-policy allkeys-lru");
    stays_down(&options, STATUS_UNSAFE, "maxmemory-policy is 'allkeys-lru'");
    redis_server_do(&server, "CONFIG SET maxmemory-policy noeviction");
    comes_up(&options);
}

static void weak_persistence_is_refused_unless_allowed(void **state)
{
    (void) state;
    struct ledger_options options = initialised();
    redis_server_do(&server, "CONFIG SET appendfsync no");
    stays_down(&options, STATUS_UNSAFE, "appendfsync");
    redis_server_do(&server, "CONFIG SET appendfsync everysec");
    redis_server_do(&server, "CONFIG SET appendonly no");
    stays_down(&options, STATUS_UNSAFE, "appendonly must be yes");
    options.allow_weak_persistence = true;
    comes_up(&options);
    redis_server_do(&server, "CONFIG SET appendonly yes");
}

static void a_full_redis_is_not_begun_with(void **state)
{
    (void) state;
    struct ledger_options options = initialised();
    redis_server_do(&server, "CONFIG SET maxmemory 1");
    stays_down(&options, STATUS_ENVIRONMENT, "Redis is full");
    redis_server_do(&server, "CONFIG SET maxmemory 0");
}

static void a_replica_is_refused(void **state)
{
    (void) state;
    struct ledger_options options = initialised();
    redis_server_do(&server, "REPLICAOF 127.0.0.1 1");
    stays_down(&options, STATUS_UNAVAILABLE, "not a master");
    redis_server_do(&server, "REPLICAOF NO ONE");
}

static void too_few_replicas_are_refused(void **state)
{
    (void) state;
    struct ledger_options options = initialised();
    options.wait_replicas = 1;
    stays_down(&options, STATUS_UNAVAILABLE, "fewer replicas");
}

static void only_a_standalone_master_that_says_who_it_is_has_a_token(void **state)
{
    (void) state;
    struct ledger_options options = ledger_bench_options(&server);
    uint64_t first = 0, second = 0;
    char why[LEDGER_WHY_MAX], info[512];
    const char *const good = "redis_mode:standalone\r\nrole:master\r\nloading:0\r\n"
                             "maxmemory_policy:noeviction\r\naof_enabled:1\r\n";
    assert_int_equal(ledger_check_info(bytes_of(good), &options, &first, why), STATUS_ENVIRONMENT);
    snprintf(info, sizeof info, "%srun_id:a\r\nmaster_replid:b\r\n", good);
    assert_int_equal(ledger_check_info(bytes_of(info), &options, &first, why), STATUS_OK);
    snprintf(info, sizeof info, "%srun_id:a\r\nmaster_replid:c\r\n", good);
    assert_int_equal(ledger_check_info(bytes_of(info), &options, &second, why), STATUS_OK);
    assert_true(first != 0 && second != 0 && first != second);
    assert_int_equal(ledger_check_info(BYTES("redis_mode:cluster\r\n"), &options, &first, why),
                     STATUS_ENVIRONMENT);
    assert_int_equal(
        ledger_check_info(BYTES("role:master\r\nloading:1\r\n"), &options, &first, why),
        STATUS_UNAVAILABLE);
    assert_string_equal(why, "Redis is loading its data");
}

static void errors_are_told_apart_in_the_words_of_redis_6_and_7(void **state)
{
    (void) state;
    const char *const blocking[] = {
        "READONLY You can't write against a read only replica.",
        "MISCONF Errors writing to the AOF file: No space left on device",
        "LOADING Redis is loading the dataset in memory",
        "NOREPLICAS Not enough good replicas to write.",
        "BUSY Redis is busy running a script.",
        "MOVED 3999 127.0.0.1:6381",
        "CLUSTERDOWN The cluster is down",
        "MASTERDOWN Link with MASTER is down",
        "OOM command not allowed when used memory > 'maxmemory'. script: 1, on @user_script:1.",
        "ERR Error running script (call to f_1): @user_script:9: -OOM command not allowed",
    };
    enum status status;
    for (size_t i = 0; i < sizeof blocking / sizeof blocking[0]; i++)
        assert_int_equal(ledger_reply_error(blocking[i], &status), LEDGER_ERROR_BLOCKED);
    assert_int_equal(ledger_reply_error("NOSCRIPT No matching script.", &status),
                     LEDGER_ERROR_NO_SCRIPT);
    assert_int_equal(ledger_reply_error("WRONGTYPE Operation against a key", &status),
                     LEDGER_ERROR_FOREIGN);
    assert_int_equal(ledger_reply_error("BUSYGROUP no such thing", &status), LEDGER_ERROR_OTHER);
    assert_int_equal(ledger_reply_error("ERR user_script:3: bad argument, not -OOM ", &status),
                     LEDGER_ERROR_OTHER);
}

static void a_wrong_password_is_a_matter_of_configuration(void **state)
{
    (void) state;
    struct ledger_options options = initialised();
    redis_server_do(&server, "ACL SETUSER worker on >right ~* &* +@all");
    options.username = "worker";
    options.password = "wrong";
    stays_down(&options, STATUS_CONFIG, "AUTH was refused");
    options.password = "right";
    options.database = 3;
    comes_up(&options);
}

static void a_user_without_config_is_accepted_and_noted(void **state)
{
    (void) state;
    struct ledger_options options = initialised();
    redis_server_do(&server, "ACL SETUSER narrow on >right ~* &* +@all -config");
    options.username = "narrow";
    options.password = "right";
    struct ledger_bench bench;
    ledger_bench_begin(&bench, &server, &options);
    ledger_bench_wait_up(&bench);
    assert_non_null(strstr(ledger_note(bench.ledger), "CONFIG GET is not permitted"));
    ledger_bench_close(&bench);
}

static void a_user_without_scripts_is_refused(void **state)
{
    (void) state;
    struct ledger_options options = initialised();
    redis_server_do(&server, "ACL SETUSER mute on >right ~* &* +@all -script");
    options.username = "mute";
    options.password = "right";
    stays_down(&options, STATUS_CONFIG, "a script cannot be loaded");
}

/* ---- init ---- */

static void first_deployment_marks_every_shard_and_may_be_repeated(void **state)
{
    (void) state;
    struct ledger_options options = ledger_bench_options(&server);
    char why[LEDGER_WHY_MAX];
    redis_server_do(&server, "FLUSHALL");
    assert_int_equal(ledger_initialise(&options, true, why, sizeof why), STATUS_OK);
    int64_t last = redis_server_number(&server, "GET {po:63}:last");
    assert_true(last > 0);
    assert_int_equal(strlen(redis_server_text(&server, "{po:00}:inc", NULL)), 16);
    assert_int_equal(ledger_initialise(&options, true, why, sizeof why), STATUS_OK);
    assert_int_equal(redis_server_number(&server, "GET {po:63}:last"), last);
    assert_int_equal(redis_server_number(&server, "DBSIZE"), 2 * LEDGER_SHARDS);
}

static void first_deployment_refuses_orders_under_another_or_no_token(void **state)
{
    (void) state;
    struct ledger_options options = initialised();
    char why[LEDGER_WHY_MAX], inc[64];
    const char *key = ledger_bench_key("old");
    snprintf(inc, sizeof inc, "%.7s:inc", key);
    redis_server_do(&server, "HSET %s v 1 st PAID att 1 seq 1 pub 1", key);
    assert_int_equal(ledger_initialise(&options, true, why, sizeof why), STATUS_OK);
    redis_server_do(&server, "SET %s 0123456789abcdef", inc);
    assert_int_equal(ledger_initialise(&options, true, why, sizeof why), STATUS_UNSAFE);
    assert_non_null(strstr(why, "payoutctl recover"));
    assert_string_equal(redis_server_text(&server, inc, NULL), "0123456789abcdef");
    redis_server_do(&server, "DEL %s", inc);
    assert_int_equal(ledger_initialise(&options, true, why, sizeof why), STATUS_UNSAFE);
    assert_int_equal(ledger_initialise(&options, false, why, sizeof why), STATUS_OK);
    assert_int_equal(ledger_initialise(&options, true, why, sizeof why), STATUS_OK);
}

static void init_refuses_a_redis_that_the_worker_would_refuse(void **state)
{
    (void) state;
    struct ledger_options options = ledger_bench_options(&server);
    char why[LEDGER_WHY_MAX];
    redis_server_do(&server, "CONFIG SET maxmemory-policy volatile-ttl");
    assert_int_equal(ledger_initialise(&options, true, why, sizeof why), STATUS_UNSAFE);
    assert_non_null(strstr(why, "volatile-ttl"));
    redis_server_do(&server, "CONFIG SET maxmemory-policy noeviction");
    options.port = 1;
    assert_int_equal(ledger_initialise(&options, true, why, sizeof why), STATUS_UNAVAILABLE);
}

static int setup(void **state)
{
    (void) state;
    redis_server_start(&server, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    redis_server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_resolved_and_the_token_is_the_one_of_init),
        cmocka_unit_test(a_name_that_does_not_exist_is_said_in_words),
        cmocka_unit_test(a_ledger_freed_while_it_resolves_leaves_nothing_behind),
        cmocka_unit_test(a_unix_socket_will_do),
        cmocka_unit_test(a_port_where_nobody_listens_is_said_in_words),
        cmocka_unit_test(an_evicting_policy_is_refused),
        cmocka_unit_test(weak_persistence_is_refused_unless_allowed),
        cmocka_unit_test(a_full_redis_is_not_begun_with),
        cmocka_unit_test(a_replica_is_refused),
        cmocka_unit_test(too_few_replicas_are_refused),
        cmocka_unit_test(only_a_standalone_master_that_says_who_it_is_has_a_token),
        cmocka_unit_test(errors_are_told_apart_in_the_words_of_redis_6_and_7),
        cmocka_unit_test(a_wrong_password_is_a_matter_of_configuration),
        cmocka_unit_test(a_user_without_config_is_accepted_and_noted),
        cmocka_unit_test(a_user_without_scripts_is_refused),
        cmocka_unit_test(first_deployment_marks_every_shard_and_may_be_repeated),
        cmocka_unit_test(first_deployment_refuses_orders_under_another_or_no_token),
        cmocka_unit_test(init_refuses_a_redis_that_the_worker_would_refuse),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
