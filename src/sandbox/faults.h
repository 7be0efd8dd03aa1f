/*
 * faults: what can go wrong on purpose, by a magic amount or by a switch at run time (faults.def is
 * the one list).
 */
#ifndef SANDBOX_FAULTS_H
#define SANDBOX_FAULTS_H

#include "payoutd/base/bytes.h"
#include "random.h"

enum fault_code {
    FAULT_NONE,
#define FAULT(code, number, name, scope, execution, preset, argument, sentence) FAULT_##code,
#include "faults.def"
#undef FAULT
    FAULT_COUNT
};

enum fault_scope { FAULT_SCOPE_PAYOUT, FAULT_SCOPE_ANY, FAULT_SCOPE_LINE };
enum fault_execution {
    FAULT_EXECUTES_NOW,
    FAULT_EXECUTES_NEVER,
    FAULT_EXECUTES_LATER,
    FAULT_EXECUTES_PLAN
};

struct fault_row {
    enum fault_code code;
    int number;
    const char *name;
    enum fault_scope scope;
    enum fault_execution execution;
    int32_t preset; /* the argument when none is given */
    const char *argument;
    const char *sentence;
};

/* A fault that happens now. */
struct fault {
    enum fault_code code;
    int32_t argument;
};

const struct fault_row *fault_row(enum fault_code code); /* FAULT_NONE too */
const struct fault_row *fault_find(struct bytes name);   /* NULL: no such fault */
/* By the whole units of the amount: 66CCCCC, 67CCCCC, 77NNPPP; else FAULT_NONE. */
struct fault fault_of_amount(int64_t amount_minor);
void fault_print_table(void);

/* --- switches: faults that are on for everybody, by the admin HTTP --- */

enum { SWITCHES_MAX = 16 };
enum switch_on {
    SWITCH_ON_PAYOUT = 1,
    SWITCH_ON_STATUS = 2,
    SWITCH_ON_BALANCE = 4,
    SWITCH_ON_ALL = 7
};

struct switched_fault {
    struct fault fault;
    double probability;
    int64_t count;    /* how many more times; < 0: no end */
    int64_t until_ms; /* monotonic; 0: no end */
    int64_t jitter_ms;
    unsigned on; /* enum switch_on */
};

struct switches {
    struct switched_fault items[SWITCHES_MAX];
    size_t count;
};

/* STATUS_NO_ROOM when too many are on. A second switch of the same fault replaces the first. */
MUST_USE enum status switches_add(struct switches *switches, const struct switched_fault *item,
                                  int64_t now_ms);
void switches_clear(struct switches *switches);
void switches_remove(struct switches *switches, enum fault_code code);
/* The first that hits, counted down; FAULT_NONE. Only scope LINE when `line`, else never. */
struct fault switches_hit(struct switches *switches, bool line, unsigned on, int64_t now_ms,
                          struct random *random);
/* Milliseconds that every answer waits. */
int64_t switches_latency_ms(const struct switches *switches, int64_t now_ms, struct random *random);

#endif
