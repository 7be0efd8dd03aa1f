/* How many ARM + SETTLE + PUBLISHED the ledger does a second, and what a call costs us. Prints;
 * asserts nothing about speed. */
#include "payoutd/adapter/ledger.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { WINDOW = 256 };

struct run {
    struct loop *loop;
    struct ledger *ledger;
    uint64_t token;
    int64_t begun, ended, orders;
    int64_t failures;
    char body[1200];
    char ids[WINDOW][32];
    uint8_t fingerprint[32];
};

static void ask(struct run *run, enum ledger_script script, uint64_t slot)
{
    struct ledger_call call = {
        .script = script,
        .tag = slot,
        .token = run->token,
        .order_id = bytes_of(run->ids[slot]),
        .by = {BYTES("payout.commands"), 3, (int64_t) slot},
        .fingerprint = script == LEDGER_ARM ? run->fingerprint : NULL,
        .instance = BYTES("000102030405060708090a0b0c0d0e0f"),
        .call = 1,
        .attempt = 1,
        .merchant_id = BYTES("500000"),
        .profile = BYTES("main"),
        .due_ms = 60000,
        .mode = SETTLE_OWN_ANSWER,
        .state = ORDER_PAID,
        .body = {run->body, sizeof run->body},
        .payment_id = script == LEDGER_SETTLE ? BYTES("123456789") : BYTES_NONE,
        .sequence = 1,
    };
    if (ledger_ask(run->ledger, &call) != STATUS_OK)
        run->failures++;
}

static void begin(struct run *run, uint64_t slot)
{
    snprintf(run->ids[slot], sizeof run->ids[slot], "bench-%lld", (long long) run->begun++);
    ask(run, LEDGER_ARM, slot);
}

static void on_up(void *context, uint64_t token)
{
    struct run *run = context;
    run->token = token;
    for (uint64_t slot = 0; slot < WINDOW && run->begun < run->orders; slot++)
        begin(run, slot);
}

static void on_down(void *context, enum status status, const char *why)
{
    (void) context;
    fprintf(stderr, "down: %s: %s\n", status_name(status), why);
}

static void on_reply(void *context, const struct ledger_reply *reply)
{
    struct run *run = context;
    if (reply->answer == LEDGER_ARMED)
        ask(run, LEDGER_SETTLE, reply->tag);
    else if (reply->answer == LEDGER_SETTLED)
        ask(run, LEDGER_PUBLISHED, reply->tag);
    else {
        run->failures += reply->answer != LEDGER_MARKED;
        if (++run->ended == run->orders)
            loop_stop(run->loop);
        else if (run->begun < run->orders)
            begin(run, reply->tag);
    }
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: ledger_speed PORT ORDERS (an empty Redis with appendonly yes)\n");
        return 2;
    }
    static struct run run;
    struct ledger_options options = {.host = "127.0.0.1",
                                     .port = atoi(argv[1]),
                                     .connect_timeout_ms = 5000,
                                     .command_timeout_ms = 5000,
                                     .max_pending = 2 * WINDOW,
                                     .key_namespace = "bench",
                                     .horizon_ms = 1000000};
    const struct ledger_events events = {on_up, on_down, on_reply, &run};
    char why[320] = "";
    run.orders = atoll(argv[2]);
    for (size_t i = 0; i < sizeof run.body; i++)
        run.body[i] = 'b';
    signal(SIGPIPE, SIG_IGN);
    if (ledger_initialise(&options, true, why, sizeof why) != STATUS_OK) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    must(loop_new(&run.loop) == STATUS_OK);
    must(ledger_new(run.loop, &options, &events, &run.ledger) == STATUS_OK);
    int64_t start_ms = loop_now_ms();
    double start_cpu = cpu_seconds();
    must(loop_run(run.loop, NULL, NULL) == STATUS_OK);
    double seconds = (double) (loop_now_ms() - start_ms) / 1e3;
    double calls = (double) run.orders * 3;
    printf("%.0f calls in %.2f s: %.0f calls/s (%.0f orders/s), %.2f us of CPU a call, %lld "
           "failures\n",
           calls, seconds, calls / seconds, calls / 3 / seconds,
           (cpu_seconds() - start_cpu) / calls * 1e6, (long long) run.failures);
    ledger_free(run.ledger);
    loop_free(run.loop);
    return run.failures == 0 ? 0 : 1;
}
