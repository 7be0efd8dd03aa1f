/* The configuration: what is accepted, every complaint word for word, and that what is generated is
 * up to date. */
#include "config_files.h"

#include "payoutd/adapter/log.h"
#include "payoutd/app/config_command.h"
#include "payoutd/app/secrets.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define CASES PAYOUTD_SOURCE_DIR "/tests/unit/config"

static char output[CONFIG_TEXT_MAX], wanted[CONFIG_TEXT_MAX];
static char folder[] = "/tmp/payoutd-config-XXXXXX";

static int begin(void **state)
{
    (void) state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    config_files_secrets();
    return 0;
}

static int end(void **state)
{
    (void) state;
    static const char *const names[] = {"fingerprint", "merchant", "merchant-530123",
                                        "empty",       "short",    "two-lines",
                                        "nul",         "large",    "open"};
    char name[64];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(name, sizeof name, "secrets/%s.key", names[i]);
        unlink(name);
    }
    rmdir("secrets");
    return chdir("/") + rmdir(folder);
}

/* Runs `payoutd config COMMAND --config FILE`; `output` is then its complaints, its output, and its
 * exit code. */
static int run(const char *command, const char *file)
{
    char config[] = "config", option[] = "--config", name[300], word[20];
    snprintf(name, sizeof name, "%s", file == NULL ? "" : file);
    snprintf(word, sizeof word, "%s", command);
    char *argv[] = {config, word, option, name, NULL};
    FILE *out = fmemopen(output, sizeof output, "w");
    assert_non_null(out);
    int code = config_command_run_to(file == NULL ? 2 : 4, argv, out, out);
    fputc('\0', out);
    fclose(out);
    return code;
}

/* A copy of a case beside the secrets, so that messages name it without a path. */
static void copy_case(const char *name)
{
    char path[400];
    snprintf(path, sizeof path, CASES "/%s", name);
    static char text[CONFIG_TEXT_MAX];
    config_files_read(path, text);
    config_files_write(name, text);
}

static void check_case(const char *name)
{
    char path[400];
    copy_case(name);
    int code = run("check", name);
    size_t len = strlen(output);
    snprintf(output + len, sizeof output - len, "exit %d\n", code);
    snprintf(path, sizeof path, CASES "/%.*s.expected", (int) (strlen(name) - 5), name);
    config_files_read(path, wanted);
    assert_string_equal(output, wanted);
    unlink(name);
}

static void every_broken_file_gets_exactly_its_complaints(void **state)
{
    (void) state;
    DIR *cases = opendir(CASES);
    assert_non_null(cases);
    int count = 0;
    for (struct dirent *entry = readdir(cases); entry != NULL; entry = readdir(cases)) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot == NULL || strcmp(dot, ".yaml") != 0)
            continue;
        check_case(entry->d_name);
        count++;
    }
    closedir(cases);
    assert_true(count >= 20);
}

static void a_missing_file_says_how_to_name_one(void **state)
{
    (void) state;
    assert_int_equal(run("check", "nowhere.yaml"), 78);
    assert_string_equal(output, "nowhere.yaml: cannot be read: No such file or directory; name the "
                                "configuration file with --config FILE or PAYOUTD_CONFIG\n"
                                "nowhere.yaml: 1 problem; nothing was started\n");
}

static void a_file_that_is_too_large_is_not_read(void **state)
{
    (void) state;
    static char large[256 * 1024 + 1];
    memset(large, '#', sizeof large);
    config_files_put("large.yaml", large, sizeof large, 0600);
    assert_int_equal(run("check", "large.yaml"), 78);
    assert_string_equal(output, "large.yaml: is larger than 256 KiB\n"
                                "large.yaml: 1 problem; nothing was started\n");
    unlink("large.yaml");
}

static void a_wrong_command_line_shows_the_usage(void **state)
{
    (void) state;
    assert_int_equal(run("chekc", "x.yaml"), 64);
    assert_non_null(strstr(output, "usage: payoutd config"));
}

/* ---- what is generated ---- */

static void is_up_to_date(const char *command, const char *path)
{
    assert_int_equal(run(command, NULL), 0);
    config_files_read(path, wanted);
    assert_string_equal(output, wanted);
}

static void generated_files_are_up_to_date(void **state)
{
    (void) state;
    is_up_to_date("example", PAYOUTD_SOURCE_DIR "/config/payoutd.yaml");
    is_up_to_date("schema", PAYOUTD_SOURCE_DIR "/config/schemas/payoutd-config.schema.json");
    is_up_to_date("docs", PAYOUTD_SOURCE_DIR "/docs/CONFIGURATION.md");
}

static void the_sample_file_passes_its_own_check(void **state)
{
    (void) state;
    assert_int_equal(run("check", PAYOUTD_SOURCE_DIR "/config/payoutd.yaml"), 0);
    assert_string_equal(output, PAYOUTD_SOURCE_DIR "/config/payoutd.yaml: fine\n");
}

static void help_names_every_option(void **state)
{
    (void) state;
    assert_int_equal(run("help", NULL), 0);
    for (size_t i = 0; i < option_set_main.count; i++)
        assert_non_null(strstr(output, option_set_main.rows[i].path));
}

/* ---- values ---- */

static struct options *load(const char *name)
{
    struct options *options = NULL;
    assert_int_equal(options_load(name, &options, stderr), STATUS_OK);
    return options;
}

static void defaults_are_what_the_protocol_asks_for(void **state)
{
    (void) state;
    copy_case("minimal.yaml");
    struct options *options = load("minimal.yaml");
    assert_int_equal(options->worker_send_window_ms, 5000);
    assert_int_equal(options->worker_max_command_age_ms, 24 * 3600 * 1000);
    assert_int_equal(options->worker_batch_time_ms, 20);
    assert_int_equal(options->publisher_transaction_timeout_ms, 10000);
    assert_int_equal(options->publisher_message_timeout_ms, 8000);
    assert_int_equal(options->ledger_horizon_ms, INT64_C(400) * 86400 * 1000);
    assert_int_equal(options->log_level, LOG_LEVEL_INFO);
    assert_int_equal(options->log_format, OPTIONS_LOG_AUTO);
    assert_int_equal(options->worker_duplicates, OPTIONS_DUPLICATES_DROP);
    assert_false(options->security_allow_plaintext_pan);
    assert_false(options->redis_allow_weak_persistence);
    assert_null(options->redis_password_file);
    assert_int_equal(options->contract_currencies.count, 1);
    assert_string_equal(options->contract_currencies.items[0], "KZT");
    assert_int_equal(options->contract_post_link_hosts.count, 0);
    assert_int_equal(options->merchants_count, 1);
    assert_ptr_equal(options_merchant(options, "530123")->profile, &options->gateways[0]);
    assert_null(options_merchant(options, "530124"));
    assert_string_equal(options->gateways[0].path_status, "/g2g/payout_status2");
    assert_int_equal(options->gateways[0].encoding, FORM_URLENCODED);
    options_free(options);
    unlink("minimal.yaml");
}

static void print_shows_values_and_origins_and_reads_back_as_the_same(void **state)
{
    (void) state;
    copy_case("minimal.yaml");
    setenv("PAYOUTD_WORKER_DRAIN", "90s", 1);
    setenv("PAYOUTD_ERROR_CODES_10001", "L", 1);
    assert_int_equal(run("print", "minimal.yaml"), 0);
    assert_non_null(strstr(output, "  drain: 90s  # PAYOUTD_WORKER_DRAIN\n"));
    assert_non_null(strstr(output, "  max_command_age: 1d  # line 10\n"));
    assert_non_null(strstr(output, "  send_window: 5s  # default\n"));
    assert_non_null(strstr(output, "    secret_file: secrets/merchant.key  # line 20\n"));
    assert_non_null(strstr(output, "  \"10001\": L  # PAYOUTD_ERROR_CODES_10001\n"));
    assert_null(strstr(output, "merchant key")); /* the secret itself */
    unsetenv("PAYOUTD_WORKER_DRAIN");
    unsetenv("PAYOUTD_ERROR_CODES_10001");
    config_files_write("printed.yaml", output);
    assert_int_equal(run("check", "printed.yaml"), 0);
    struct options *options = load("printed.yaml");
    assert_int_equal(options->worker_drain_ms, 90000);
    assert_int_equal(options->error_codes.items[0].class, ERROR_CLASS_LIMIT);
    options_free(options);
    unlink("printed.yaml");
    unlink("minimal.yaml");
}

/* ---- variables ---- */

static const char *const variables[][2] = {
    {"PAYOUTD_REDIS_HOST", "other"},
    {"PAYOUTD_REDIS_PORT", "7000"},
    {"PAYOUTD_CONTRACT_CURRENCIES", "KZT, USD,EUR"},
    {"PAYOUTD_LOG_LEVEL", "debug"},
    {"PAYOUTD_KAFKA_BOOTSTRAP_SERVERS", "a:1,b:2"},
    {"PAYOUTD_KAFKA_LOG_LEVEL", "5"},
    {"PAYOUTD_KAFKA_SECRET_FILES_SASL_PASSWORD", "secrets/merchant.key"},
    {"PAYOUTD_GATEWAYS_MAIN_REQUEST_TIMEOUT", "40s"},
    {"PAYOUTD_MERCHANTS_530123_SECRET_FILE", "secrets/merchant-530123.key"},
    {"PAYOUTD_SERVICE_HOST", "10.0.0.1"}, /* Kubernetes, for a Service of that name */
    {"PAYOUTD_SERVICE_PORT_HTTP", "9464"},
    {"PAYOUTD_PORT", "tcp://10.0.0.1:9464"},
    {"PAYOUTD_CONFIG", "elsewhere.yaml"},
};
enum { VARIABLES = sizeof variables / sizeof variables[0] };

static void variables_override_the_file(void **state)
{
    (void) state;
    copy_case("minimal.yaml");
    for (size_t i = 0; i < VARIABLES; i++)
        setenv(variables[i][0], variables[i][1], 1);
    struct options *options = load("minimal.yaml");
    assert_string_equal(config_command_file(NULL), "elsewhere.yaml");
    assert_string_equal(config_command_file("given.yaml"), "given.yaml");
    for (size_t i = 0; i < VARIABLES; i++)
        unsetenv(variables[i][0]);
    assert_string_equal(config_command_file(NULL), "/etc/payoutd/payoutd.yaml");
    assert_string_equal(options->redis_host, "other");
    assert_int_equal(options->redis_port, 7000);
    assert_int_equal(options->contract_currencies.count, 3);
    assert_string_equal(options->contract_currencies.items[2], "EUR");
    assert_int_equal(options->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(options->kafka.count, 2);
    assert_string_equal(options->kafka.items[0].value, "a:1,b:2");
    assert_string_equal(options->kafka.items[1].name, "log_level");
    assert_string_equal(options->kafka_secret_files.items[0].name, "sasl.password");
    assert_int_equal(options->gateways[0].request_timeout_ms, 40000);
    assert_string_equal(options->merchants[0].secret_file, "secrets/merchant-530123.key");
    options_free(options);
    unlink("minimal.yaml");
}

static void a_variable_that_is_wrong_is_a_problem_like_a_line(void **state)
{
    (void) state;
    static const char *const wrong[][2] = {
        {"PAYOUTD_WORKER_DRIAN", "5s"},        {"PAYOUTD_WORKER_GRACE", "5"},
        {"PAYOUTD_SOMETHING_ELSE", "1"},       {"PAYOUTD_KAFKA_ACKS", "0"},
        {"PAYOUTD_WORKER_SEND_WINDOW", "30s"},
    };
    copy_case("minimal.yaml");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        setenv(wrong[i][0], wrong[i][1], 1);
    int code = run("check", "minimal.yaml");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        unsetenv(wrong[i][0]);
    assert_int_equal(code, 78);
    assert_string_equal(
        output,
        "environment: PAYOUTD_SOMETHING_ELSE: no option has this variable; entries of gateways and "
        "merchants must stand in the file\n"
        "environment: PAYOUTD_WORKER_DRIAN: no option has this variable; did you mean "
        "PAYOUTD_WORKER_DRAIN?\n"
        "environment: PAYOUTD_WORKER_GRACE: worker.grace: the unit is missing: expected a duration "
        "such as 250ms, 5s, 10m, 2h, 30d, found \"5\"\n"
        "environment: PAYOUTD_KAFKA_ACKS: kafka.acks: may not be set: the producer must be "
        "transactional and keep its order; remove the line\n"
        "environment: PAYOUTD_WORKER_SEND_WINDOW: worker.send_window: 30s is not shorter than "
        "worker.drain (25s): what was claimed must have its chance to leave before the worker "
        "ends\n"
        "minimal.yaml: 5 problems; nothing was started\n");
    unlink("minimal.yaml");
}

/* ---- secrets ---- */

static void secrets_become_profiles_rules_and_settings(void **state)
{
    (void) state;
    copy_case("minimal.yaml");
    setenv("PAYOUTD_KAFKA_SECRET_FILES_SASL_PASSWORD", "secrets/merchant-530123.key", 1);
    struct options *options = load("minimal.yaml");
    unsetenv("PAYOUTD_KAFKA_SECRET_FILES_SASL_PASSWORD");
    struct secrets *secrets = NULL;
    assert_int_equal(secrets_load(options, &secrets, stderr), STATUS_OK);
    const struct gateway_profile *profile = secrets_profile(secrets, BYTES("530123"));
    assert_non_null(profile);
    assert_true(bytes_equal_text(profile->secret, "merchant key")); /* without its CR LF */
    assert_true(bytes_equal_text(profile->base_url, "https://gateway.example"));
    assert_true(bytes_equal_text(profile->paths[GATEWAY_CARD], "/g2g/p2p2nonreg"));
    assert_true(bytes_equal_text(profile->paths[GATEWAY_BALANCE], "/api/balance_status"));
    assert_true(bytes_equal_text(profile->post_link, "https://payouts.example/callback"));
    assert_int_equal(profile->order_time_limit_s, 3600);
    assert_null(secrets_profile(secrets, BYTES("530124")));
    assert_null(secrets->redis_password.data);
    assert_int_equal(secrets->fingerprint_key.len, 48);
    assert_true(bytes_equal_text(secrets->rules.accepted_type, "kz.example.payout.requested.v1"));
    assert_int_equal(secrets->rules.currencies_count, 1);
    assert_int_equal(secrets->rules.fingerprint_key.len, 48);
    assert_int_equal(secrets->kafka_count, 2);
    assert_string_equal(secrets->kafka[0].name, "bootstrap.servers");
    assert_string_equal(secrets->kafka[1].name, "sasl.password");
    assert_string_equal(secrets->kafka[1].value, "payout key");
    secrets_free(secrets);
    options_free(options);
    unlink("minimal.yaml");
}

static void a_secret_that_cannot_be_used_stops_the_start(void **state)
{
    (void) state;
    copy_case("minimal.yaml");
    setenv("PAYOUTD_MERCHANTS_530123_SECRET_FILE", "secrets/nowhere.key", 1);
    struct options *options = load("minimal.yaml");
    unsetenv("PAYOUTD_MERCHANTS_530123_SECRET_FILE");
    struct secrets *secrets = NULL;
    FILE *out = fmemopen(output, sizeof output, "w");
    assert_int_equal(secrets_load(options, &secrets, out), STATUS_CONFIG);
    fclose(out);
    assert_null(secrets);
    assert_string_equal(
        output, "environment: PAYOUTD_MERCHANTS_530123_SECRET_FILE: merchants.530123.secret_file: "
                "the secret file secrets/nowhere.key cannot be opened: No such file or "
                "directory\nminimal.yaml: 1 problem; nothing was started\n");
    options_free(options);
    unlink("minimal.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_file_gets_exactly_its_complaints),
        cmocka_unit_test(a_missing_file_says_how_to_name_one),
        cmocka_unit_test(a_file_that_is_too_large_is_not_read),
        cmocka_unit_test(a_wrong_command_line_shows_the_usage),
        cmocka_unit_test(generated_files_are_up_to_date),
        cmocka_unit_test(the_sample_file_passes_its_own_check),
        cmocka_unit_test(help_names_every_option),
        cmocka_unit_test(defaults_are_what_the_protocol_asks_for),
        cmocka_unit_test(print_shows_values_and_origins_and_reads_back_as_the_same),
        cmocka_unit_test(variables_override_the_file),
        cmocka_unit_test(a_variable_that_is_wrong_is_a_problem_like_a_line),
        cmocka_unit_test(secrets_become_profiles_rules_and_settings),
        cmocka_unit_test(a_secret_that_cannot_be_used_stops_the_start),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
