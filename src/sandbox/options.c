/* The command line: one table that is both the reader and the manual. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_kind { OPTION_TEXT, OPTION_NUMBER, OPTION_SWITCH, OPTION_LIST };

struct option_row {
    const char *name;
    enum option_kind kind;
    const char *argument;
    size_t offset;
    int64_t min, max;
    const char *help;
};

#define FIELD(name) offsetof(struct options, name)
#define TEXT(name, field, argument, help)                     \
    {                                                         \
        name, OPTION_TEXT, argument, FIELD(field), 0, 0, help \
    }
#define NUMBER(name, field, min, max, help)                    \
    {                                                          \
        name, OPTION_NUMBER, "N", FIELD(field), min, max, help \
    }
#define SWITCH(name, field, help)                           \
    {                                                       \
        name, OPTION_SWITCH, NULL, FIELD(field), 0, 0, help \
    }
#define LIST(name, argument, help)                 \
    {                                              \
        name, OPTION_LIST, argument, 0, 0, 0, help \
    }

enum { HOUR_MS = 3600 * 1000, PORT_MAX = 65535 };

static const struct option_row rows[] = {
    TEXT("dir", directory, "DIR", "where ca.pem, server.pem and keys are kept (./sandbox-data)"),
    TEXT("listen", listen, "ADDRESS", "IP address of the gateway (127.0.0.1)"),
    NUMBER("port", port, 0, PORT_MAX, "port of the gateway, https; 0 takes a free one (8443)"),
    TEXT("admin-listen", admin_listen, "ADDRESS", "IP address of the admin HTTP (127.0.0.1)"),
    NUMBER("admin-port", admin_port, 0, PORT_MAX, "port of the admin HTTP; 0: a free one (8444)"),
    LIST("name", "DNSNAME", "another name in the certificate; may be repeated"),
    TEXT("ready-file", ready_file, "FILE", "write the addresses as JSON once all is listening"),
    LIST("merchant", "ID:SECRET[:BALANCE]", "a merchant; may be repeated (9970:test_payout_key)"),
    TEXT("merchant-file", merchant_file, "FILE", "merchants, one a line, as for --merchant"),
    TEXT("balance", balance, "AMOUNT", "balance of merchants that name none (100000000000)"),
    NUMBER("latency-ms", latency_ms, 0, HOUR_MS, "every answer waits this long (0)"),
    NUMBER("jitter-ms", jitter_ms, 0, HOUR_MS, "and up to this much more, at random (0)"),
    NUMBER("seed", seed, 0, INT64_MAX, "all randomness comes from it (1)"),
    SWITCH("idempotent", idempotent, "a repeated order id gets the first answer, pays nothing"),
    SWITCH("unique-orders", unique_orders, "a repeated order id gets error 9991, pays nothing"),
    NUMBER("pace-ms", pace_ms, 0, HOUR_MS,
           "payouts of a merchant closer than this are refused (0)"),
    NUMBER("pace-code", pace_code, 0, 99999, "with this error code; 0 is HTTP 429 (0)"),
    NUMBER("not-found-code", not_found_code, 0, 99999,
           "status of an unknown order; 0 is payment id 0 (0)"),
    NUMBER("process-ms", process_ms, 0, HOUR_MS, "how long test payees stay in process (3000)"),
    SWITCH("unsigned-1100", unsigned_1100, "the answer to a bad signature is not signed"),
    SWITCH("callbacks", callbacks, "call pg_post_link when a payout has ended"),
    SWITCH("callbacks-ok-only", callbacks_ok_only, "call back for paid ones only"),
    NUMBER("callback-delay-ms", callback_delay_ms, 0, HOUR_MS, "how long after the end (200)"),
    NUMBER("callback-retry-ms", callback_retry_ms, 1, HOUR_MS, "wait between repeats (2000)"),
    NUMBER("callback-tries", callback_tries, 1, 10000, "give up after this many (5)"),
    TEXT("callback-ca", callback_ca, "FILE", "CA for https links (the system's)"),
    NUMBER("ledger-max", ledger_max, 100, 10000000, "requests and orders remembered (200000)"),
    TEXT("ledger-file", ledger_file, "FILE", "append every request and execution as JSON lines"),
    SWITCH("kafka", kafka, "an embedded broker (librdkafka's mock cluster; see docs)"),
    NUMBER("kafka-port", kafka_port, 0, PORT_MAX, "its port on 127.0.0.1; 0 takes a free one (0)"),
    TEXT("topics", topics, "NAME:PARTITIONS,...", "topics of the embedded broker"),
};
enum { ROWS_COUNT = sizeof rows / sizeof rows[0], CODE_HELP = 1000, CODE_VERSION };

static void set_defaults(struct options *options)
{
    *options = (struct options){
        .directory = "./sandbox-data",
        .listen = "127.0.0.1",
        .port = 8443,
        .admin_listen = "127.0.0.1",
        .admin_port = 8444,
        .balance = "100000000000",
        .seed = 1,
        .process_ms = 3000,
        .ledger_max = 200000,
        .callback_delay_ms = 200,
        .callback_retry_ms = 2000,
        .callback_tries = 5,
        .topics = "payout.commands:6,payout.resolutions:6,payout.outcomes:6,payout.dead-letters:1",
    };
}

void options_print_help(void)
{
    printf("payout-sandbox " PAYOUTD_VERSION ": a stand-in for the payout gateway\n\n"
           "  payout-sandbox [FLAGS]      run until SIGTERM or SIGINT\n"
           "  payout-sandbox faults       the magic amounts and run-time faults, as a table\n\n"
           "Flags (default in brackets):\n");
    for (size_t i = 0; i < ROWS_COUNT; i++) {
        char left[64];
        snprintf(left, sizeof left, "--%s %s", rows[i].name,
                 rows[i].argument == NULL ? "" : rows[i].argument);
        printf("  %-32s %s\n", left, rows[i].help);
    }
    printf("  %-32s %s\n  %-32s %s\n\n", "--help", "this page", "--version", "the version");
    printf("Without --idempotent and --unique-orders a repeated order id pays again, as the real\n"
           "gateway may. The admin HTTP has /, /healthz, /ledger, /ledger/summary, /faults,\n"
           "/balance/topup and /reset. Exit status: 0 ended by a signal, 1 could not start,\n"
           "64 wrong flags.\n");
}

static bool add_to_list(const struct option_row *row, struct options *options, const char *value)
{
    bool is_merchant = strcmp(row->name, "merchant") == 0;
    size_t *count = is_merchant ? &options->merchants_count : &options->names_count;
    size_t max = is_merchant ? OPTIONS_MERCHANTS_MAX : OPTIONS_NAMES_MAX;
    if (*count == max) {
        fprintf(stderr, "payout-sandbox: --%s may be given %zu times\n", row->name, max);
        return false;
    }
    (is_merchant ? options->merchants : options->names)[(*count)++] = value;
    return true;
}

static bool set_number(const struct option_row *row, int64_t *field, const char *value)
{
    int64_t number = 0;
    if (bytes_to_int64(bytes_of(value), &number) != STATUS_OK || number < row->min ||
        number > row->max) {
        fprintf(stderr, "payout-sandbox: --%s wants a whole number from %lld to %lld, not '%s'\n",
                row->name, (long long) row->min, (long long) row->max, value);
        return false;
    }
    *field = number;
    return true;
}

static bool set_one(const struct option_row *row, struct options *options, const char *value)
{
    void *field = (char *) options + row->offset;
    switch (row->kind) {
    case OPTION_TEXT:
        if (value[0] == '\0') {
            fprintf(stderr, "payout-sandbox: --%s wants a value\n", row->name);
            return false;
        }
        *(const char **) field = value;
        return true;
    case OPTION_NUMBER:
        return set_number(row, field, value);
    case OPTION_SWITCH:
        *(bool *) field = true;
        return true;
    case OPTION_LIST:
        return add_to_list(row, options, value);
    }
    must(false);
}

static bool fits_together(const struct options *options)
{
    if (options->idempotent && options->unique_orders) {
        fprintf(stderr, "payout-sandbox: --idempotent and --unique-orders exclude each other\n");
        return false;
    }
    if (options->callbacks_ok_only && !options->callbacks) {
        fprintf(stderr, "payout-sandbox: --callbacks-ok-only needs --callbacks\n");
        return false;
    }
    return true;
}

static enum options_action read_rest(int argc, char **argv, const struct options *options)
{
    if (optind == argc)
        return fits_together(options) ? OPTIONS_RUN : OPTIONS_WRONG;
    if (optind == argc - 1 && strcmp(argv[optind], "faults") == 0)
        return OPTIONS_FAULTS;
    fprintf(stderr, "payout-sandbox: unexpected '%s' (try --help)\n", argv[optind]);
    return OPTIONS_WRONG;
}

enum options_action options_read(int argc, char **argv, struct options *ret_options)
{
    struct option table[ROWS_COUNT + 3] = {{0}};
    for (size_t i = 0; i < ROWS_COUNT; i++) {
        int has = rows[i].kind == OPTION_SWITCH ? no_argument : required_argument;
        table[i] = (struct option){rows[i].name, has, NULL, (int) i};
    }
    table[ROWS_COUNT] = (struct option){"help", no_argument, NULL, CODE_HELP};
    table[ROWS_COUNT + 1] = (struct option){"version", no_argument, NULL, CODE_VERSION};
    set_defaults(ret_options);
    for (int code; (code = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (code == CODE_HELP)
            return OPTIONS_HELP;
        if (code == CODE_VERSION)
            return OPTIONS_VERSION;
        if (code < 0 || code >= ROWS_COUNT) {
            fprintf(stderr, "payout-sandbox: try --help\n");
            return OPTIONS_WRONG;
        }
        if (!set_one(&rows[code], ret_options, optarg == NULL ? "" : optarg))
            return OPTIONS_WRONG;
    }
    return read_rest(argc, argv, ret_options);
}
