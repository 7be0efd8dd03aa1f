/*
 * publish_bench: the fixture of the publisher's test programs, one a program: real topics, a member
 * that owns them all, and a batch whose visibility is easily checked.
 */
#ifndef PAYOUTD_TESTS_PUBLISH_BENCH_H
#define PAYOUTD_TESTS_PUBLISH_BENCH_H

#include "kafka_bench.h"

extern struct bench bench;
extern struct member first, second;
extern const char *commands, *outcomes, *resolutions, *group, *id;

extern const struct event_headers publish_bench_headers;
extern const struct publish_message publish_bench_messages[2];

int publish_bench_open(void **state);
int publish_bench_close(void **state);
/* Makes the publisher and waits until it is ready; 0: the usual time-outs. */
void publish_bench_start(int64_t transaction_timeout_ms, int64_t message_timeout_ms);

/* Two messages, and the offsets 11 and 22 of the commands' partitions and 33 of the resolutions. */
struct publish_batch publish_bench_batch(uint64_t number);
void publish_bench_assert_committed(int64_t zero, int64_t one, int64_t resolution);
void publish_bench_assert_nothing(void);
void publish_bench_assert_all(void);

#endif
