/*
 * ledger_bench: a ledger over a real redis-server, asked one question at a time by tests.
 *
 * Every wait ends with the thing waited for, or fails after BENCH_PATIENCE_MS.
 */
#ifndef TESTS_SUPPORT_LEDGER_BENCH_H
#define TESTS_SUPPORT_LEDGER_BENCH_H

#include "ledger_parts.h"
#include "redis_server.h"

enum { BENCH_PATIENCE_MS = 15000, BENCH_DUE_MS = 40000 };

struct ledger_bench {
    struct redis_server *server;
    struct loop *loop;
    struct loop_timer *guard;
    struct ledger *ledger;
    struct ledger_options options;
    uint64_t token; /* what the calls say that they believe in */
    int ups, downs;
    enum status down_status;
    char down_why[LEDGER_WHY_MAX];
    int replies;
    struct ledger_reply reply; /* the last one */
    char *reply_block;
    char reply_why[LEDGER_WHY_MAX];
    char due[LEDGER_DUE_MAX][LEDGER_KEY_MAX]; /* the last list */
    bool (*until)(const struct ledger_bench *bench);
    int until_replies;
};

/* Options as the tests want them: the server's port, namespace "test", short deadlines. */
struct ledger_options ledger_bench_options(const struct redis_server *server);
/* A ledger that is on its way, and (open) one that is up on an initialised Redis. */
void ledger_bench_begin(struct ledger_bench *bench, struct redis_server *server,
                        const struct ledger_options *options);
void ledger_bench_open(struct ledger_bench *bench, struct redis_server *server,
                       const struct ledger_options *options);
void ledger_bench_close(struct ledger_bench *bench);

void ledger_bench_wait(struct ledger_bench *bench, bool (*until)(const struct ledger_bench *bench));
void ledger_bench_wait_up(struct ledger_bench *bench);
void ledger_bench_wait_down(struct ledger_bench *bench);
void ledger_bench_wait_replies(struct ledger_bench *bench, int replies);

/* Asks and waits: the reply is in bench->reply. */
enum ledger_answer ledger_bench_ask(struct ledger_bench *bench, const struct ledger_call *call);

/* Calls. A position is an offset of partition 0 of "commands" or "resolutions"; `words` seeds the
 * fingerprint. */
struct ledger_call ledger_bench_claim(const struct ledger_bench *bench, enum ledger_script script,
                                      const char *order, int64_t offset, char words);
struct ledger_call ledger_bench_arm(const struct ledger_bench *bench, const char *order,
                                    int64_t offset, int64_t call, int32_t attempt);
struct ledger_call ledger_bench_disarm(const struct ledger_bench *bench, const char *order,
                                       int64_t call, int32_t attempt, const char *payment_id);
struct ledger_call ledger_bench_settle(const struct ledger_bench *bench, const char *order,
                                       enum settle_mode mode, int64_t offset,
                                       enum order_state state);
struct ledger_call ledger_bench_read(const struct ledger_bench *bench, const char *order);

/* What stands in Redis. Valid until the next call. */
const char *ledger_bench_field(struct ledger_bench *bench, const char *order, const char *field);
const char *ledger_bench_key(const char *order);
int64_t ledger_bench_due_score(struct ledger_bench *bench, const char *order); /* -1: no entry */

extern const char ledger_bench_instance[], ledger_bench_other_instance[];

#define assert_answer(bench, call, expected)                                   \
    assert_string_equal(ledger_answer_name(ledger_bench_ask((bench), (call))), \
                        ledger_answer_name(expected))
#define assert_bytes(bytes, text) assert_true(bytes_equal_text((bytes), (text)))

#endif
