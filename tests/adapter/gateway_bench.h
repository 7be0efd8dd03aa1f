/* gateway_bench: a loop, a client and a hostile server for one test, and a clock that can be moved.
 */
#ifndef PAYOUTD_TESTS_ADAPTER_GATEWAY_BENCH_H
#define PAYOUTD_TESTS_ADAPTER_GATEWAY_BENCH_H

#include "../support/hostile_server.h"
#include "gateway_handle.h"

enum { BENCH_RESULTS_MAX = 512 };

struct bench {
    struct loop *loop;
    struct loop_timer *bound;
    struct gateway_http *http;
    struct hostile_server *server;
    char url[128];
    struct gateway_result
        results[BENCH_RESULTS_MAX]; /* in the order in which they came; no bodies */
    size_t results_count, wanted;
    uint64_t next_tag;
    bool ran_out; /* of time */
};

/* Five seconds for a request, one for a connection, a thousand connections' room, 1 s of idling. */
struct gateway_http_options bench_options(void);
void bench_open(struct bench *bench, const struct hostile_server_options *server,
                const struct gateway_http_options *options, unsigned guards);
void bench_close(struct bench *bench);
/* Closes the client and waits until the server has seen the end of every connection: then its
 * counters stand still. */
void bench_settle(struct bench *bench);

enum status bench_send(struct bench *bench, int64_t send_before_ms);
void bench_wait(struct bench *bench, size_t results);
/* One request from sending to its result. */
const struct gateway_result *bench_ask(struct bench *bench);
void bench_turn_ms(struct bench *bench, int64_t turn_ms); /* lets the loop run so long */

/* loop_now_ms, as the code under test sees it. The jump happens once, at the given call from now
 * on. */
void bench_clock_move(int64_t ms);
void bench_clock_jump_at_call(int calls, int64_t ms);
void bench_clock_reset(void);

#endif
