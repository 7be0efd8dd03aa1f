/*
 * options: the flags of payout-sandbox, read into one struct.
 *
 * One table makes the reader and --help. Nothing is read from the environment or from configuration
 * files.
 */
#ifndef SANDBOX_OPTIONS_H
#define SANDBOX_OPTIONS_H

#include "payoutd/base/bytes.h"

enum { OPTIONS_MERCHANTS_MAX = 32, OPTIONS_NAMES_MAX = 8, OPTIONS_EXIT_USAGE = 64 };

struct options {
    const char *directory; /* certificates and keys */
    const char *listen;    /* address of the gateway */
    int64_t port;          /* 0: a free one */
    const char *admin_listen;
    int64_t admin_port;
    const char *names[OPTIONS_NAMES_MAX]; /* more DNS names of the certificate */
    size_t names_count;
    const char *ready_file;
    const char *merchants[OPTIONS_MERCHANTS_MAX]; /* ID:SECRET[:BALANCE] */
    size_t merchants_count;
    const char *merchant_file;
    const char *balance; /* of merchants that name none */
    int64_t latency_ms, jitter_ms;
    int64_t seed;
    int64_t pace_ms;        /* 0: any pace */
    int64_t pace_code;      /* 0: answers HTTP 429; else this error code */
    int64_t not_found_code; /* status of an unknown order: 0 is payment id 0; else this error */
    int64_t process_ms;     /* how long `process` lasts for the documented test payees */
    int64_t ledger_max;
    const char *ledger_file;
    int64_t callback_delay_ms, callback_retry_ms, callback_tries;
    const char *callback_ca;
    const char *topics;
    int64_t kafka_port; /* 0: a free one */
    bool idempotent, unique_orders, unsigned_1100;
    bool callbacks, callbacks_ok_only;
    bool kafka;
};

/* What the command line asks for. */
enum options_action { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_FAULTS, OPTIONS_WRONG };

/* Views into argv. Complaints go to stderr: then OPTIONS_WRONG. */
enum options_action options_read(int argc, char **argv, struct options *ret_options);
void options_print_help(void);

#endif
