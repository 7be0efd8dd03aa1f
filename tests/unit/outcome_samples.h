/* outcome_samples: one outcome of every kind, as the worker would make it; also the examples of
 * docs/EVENTS.md. */
#ifndef PAYOUTD_TESTS_OUTCOME_SAMPLES_H
#define PAYOUTD_TESTS_OUTCOME_SAMPLES_H

#include "payoutd/codec/outcome_json.h"

enum outcome_sample {
    SAMPLE_SUCCEEDED,
    SAMPLE_FAILED,
    SAMPLE_PENDING,
    SAMPLE_UNKNOWN,
    SAMPLE_REJECTED,
    SAMPLE_COUNT,
};

#define SAMPLE_PAN   "4400430000001237"
#define SAMPLE_TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/* Everything an outcome points to. */
struct sample_facts {
    struct command command;
    struct event_context context;
    struct answer answer;
    struct outcome outcome;
};

const char *outcome_samples_name(enum outcome_sample sample);
void outcome_samples_fill(enum outcome_sample sample, struct sample_facts *ret_facts);

#endif
