/*
 * sim: a whole fleet in one process, from one seed, in virtual time. The workers run the real core
 * (payoutd_core); Kafka, Redis and the gateway are played, with every fault of docs/PROTOCOL.md.
 *
 * sim_world.c moves the time, sim_worker.c does what src/app does, sim_check.c holds the invariants
 * against every step. A run that breaks one says which, and its seed plays the same run again.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "sim_body.h"
#include "sim_fault.h"
#include "sim_random.h"
#include "sim_servers.h"

struct sim;
struct sim_event;
typedef void sim_fire(struct sim *sim, struct sim_event *event);

/* Something that will happen. To a worker: it waits while that process is paused, and is dropped
 * when that life is over. */
struct sim_event {
    int64_t at_us;
    uint64_t tie;
    sim_fire *fire;
    int32_t worker; /* -1: nobody's */
    uint32_t life;
    int64_t a, b;
    void *data; /* freed afterwards */
};

struct sim_queue {
    struct sim_event *events;
    size_t count, max;
};

/* A worker process. */

struct sim_outcome {
    int order;
    enum order_state state;
    int64_t sequence, timestamp_ms;
    char body[SIM_BODY_MAX];
};

/* The last event that a restorer found of an order. */
struct sim_last {
    const struct sim_outcome *outcome;
    bool doubt;
};

struct sim_restorer {
    bool running;
    uint32_t number, boot;
    uint64_t token, claim;
    int64_t deadline_us, oldest_ms;
    bool has[LEDGER_SHARDS];
    struct sim_offset read[SIM_PARTITIONS_MAX];
    struct sim_last last[SIM_ORDERS_MAX];
    size_t at, record;
};

enum sim_phase { PHASE_OUT, PHASE_IDLE, PHASE_READING, PHASE_OWNING, PHASE_REVOKING };

struct sim_membership {
    int32_t generation;
    uint32_t member;
};

struct sim_asked {
    uint64_t tag;
    enum ledger_script script;
};

struct sim_worker {
    int at;
    bool alive, paused, leaving;
    uint32_t life;
    struct flow *flow;
    void *storage;
    char instance[33];
    int64_t skew_ms;
    struct sim_event *inbox; /* while paused */
    size_t inbox_count, inbox_max;
    /* Consumer. */
    enum sim_phase phase;
    uint64_t epoch;
    struct sim_membership membership, kept; /* as assigned; as the publisher uses it */
    bool mine[SIM_PARTITIONS_MAX], held[SIM_PARTITIONS_MAX];
    int64_t position[SIM_PARTITIONS_MAX];
    struct sim_offset read[SIM_PARTITIONS_MAX]; /* committed offsets, as they were when read */
    int64_t group_us;                           /* when the group's last word reaches it */
    /* Publisher. */
    size_t producer;
    uint32_t producer_epoch; /* 0: not open yet */
    struct sim_batch batch;
    /* Link to Redis. */
    bool link_up;
    uint32_t connection, boot; /* boot: of the server that it is connected to */
    uint64_t token;
    int64_t arrives_us, replies_us;
    struct sim_asked asks[SIM_ASKS_MAX]; /* under way */
    size_t asks_count;
    struct sim_restorer restorer;
    /* Turns. */
    int64_t turn_at_us;
    uint64_t turn_number;
    bool fed, records_wait;
    struct flow_actions actions;
    size_t next_action;
    struct bytes late_bodies[8];
    bool owes_evidence[8]; /* by slot: its answer came too late, and was not told yet */
};

struct sim_redis_host {
    bool down;
    uint32_t boot;
};

/* What the checker knows of an order. */
struct sim_armed {
    char instance[33];
    int64_t call, at_ms;
    int32_t partition; /* of the position that armed it */
    int64_t offset;
    int sent, executed, words;
    bool reopened, declined; /* refused for good: class D or L */
};

struct sim_truth {
    int executed;
    bool recreated; /* a record of it was replaced: whoever had claimed it may never come again */
    enum order_state told;      /* the final that readers saw; ORDER_ABSENT: none */
    enum order_state last_told; /* the last event; ORDER_ABSENT: none */
    struct sim_armed attempts[SIM_ATTEMPTS_MAX];
};

struct sim_options {
    int64_t steps_max;
    bool lossy, trace, coverage;
    bool only[FAULT_COUNT]; /* --faults: others never happen */
    bool some;
};

struct sim {
    struct sim_options options;
    uint64_t seed;
    struct sim_random random;
    int64_t now_us;
    int64_t steps;
    struct sim_queue queue;
    int32_t rates[FAULT_COUNT];
    int64_t hits[FAULT_COUNT];
    bool healing, over;
    bool replays; /* duplicates: replay */
    int workers_count, orders_count;
    int32_t budget; /* records that are still to come */
    struct sim_redis redis;
    struct sim_redis_host host;
    struct sim_kafka kafka;
    struct sim_gateway gateway;
    struct sim_worker workers[SIM_WORKERS_MAX];
    struct sim_truth truths[SIM_ORDERS_MAX];
    struct sim_outcome outcomes[SIM_OUTCOMES_MAX]; /* what readers of committed records see */
    size_t outcomes_count;
    char names[SIM_ORDERS_MAX][SIM_NAME_MAX];
    bool broken;
    char invariant[16], why[300];
};

/* sim_world.c */
void sim_later(struct sim *sim, int64_t delay_us, sim_fire *fire, int64_t a, int64_t b, void *data);
void sim_later_to(struct sim *sim, struct sim_worker *worker, int64_t delay_us, sim_fire *fire,
                  int64_t a, int64_t b, void *data);
int64_t sim_now_ms(const struct sim *sim);
int64_t sim_wall_ms(const struct sim *sim);
bool sim_fault(struct sim *sim, enum sim_fault fault); /* does it happen now? counted */
int64_t sim_delay_us(struct sim *sim);                 /* of one message on its way */
/* A delay after which it arrives behind what came before it on the same way. */
int64_t sim_in_order(struct sim *sim, int64_t *last_us, int64_t delay_us);
int64_t sim_below(struct sim *sim, int64_t end);
bool sim_step(struct sim *sim); /* false: nothing will ever happen */
void sim_clear(struct sim *sim);

/* sim_run.c: one seed, from the faults to the healing; true: all invariants held */
bool sim_run(struct sim *sim, uint64_t seed);

/* sim_chaos.c: what happens by itself */
void sim_chaos_begin(struct sim *sim);
void sim_chaos_heal(struct sim *sim);

/* sim_kafka.c, sim_group.c, sim_transaction.c */
void sim_kafka_begin(struct sim *sim);
struct sim_record *sim_kafka_append(struct sim *sim, int place);
void sim_group_join(struct sim *sim, struct sim_worker *worker);
void sim_group_leave(struct sim *sim, struct sim_worker *worker); /* at once */
void sim_group_expel(struct sim *sim, struct sim_worker *worker); /* it learns later */
void sim_group_rebalance(struct sim *sim);
void sim_group_release(struct sim *sim, struct sim_worker *worker);
void sim_transaction_open(struct sim *sim, struct sim_worker *worker);
void sim_transaction_submit(struct sim *sim, struct sim_worker *worker);
void sim_transaction_rewind(struct sim *sim); /* with nobody in the group */

/* sim_link.c: a worker's connection to Redis */
void sim_link_connect(struct sim *sim, struct sim_worker *worker);
bool sim_link_ask(struct sim *sim, struct sim_worker *worker, const struct ledger_call *call);
void sim_link_cut(struct sim *sim, struct sim_worker *worker);
void sim_link_forget(struct sim_worker *worker); /* the process is gone */

/* sim_restorer.c */
void sim_restorer_start(struct sim *sim, struct sim_worker *worker);

/* sim_gateway.c */
void sim_gateway_pay(struct sim *sim, struct sim_worker *worker, struct payout *payout);
void sim_gateway_ask(struct sim *sim, struct sim_worker *worker, uint64_t tag, int order);

/* sim_worker.c, sim_asking.c, sim_publishing.c */
void sim_worker_start(struct sim *sim, struct sim_worker *worker);
void sim_worker_kill(struct sim *sim, struct sim_worker *worker, const char *why);
void sim_worker_pause(struct sim *sim, struct sim_worker *worker);
void sim_worker_resume(struct sim *sim, struct sim_worker *worker);
void sim_worker_feed(struct sim *sim, struct sim_worker *worker, const struct flow_event *event);
void sim_worker_wake(struct sim *sim, struct sim_worker *worker);
struct moment sim_worker_moment(const struct sim *sim, const struct sim_worker *worker);
void sim_intake_poll(struct sim *sim, struct sim_worker *worker);
void sim_asking_ask(struct sim *sim, struct sim_worker *worker, struct payout *payout);
void sim_asking_mark(struct sim *sim, struct sim_worker *worker, const struct payout *payout);
void sim_asking_followup(struct sim *sim, struct sim_worker *worker,
                         const struct flow_action *action);
struct bytes sim_asking_body(struct sim *sim, struct payout *payout, enum order_state state);
void sim_publishing_submit(struct sim *sim, struct sim_worker *worker, uint64_t number);
void sim_publishing_tell(struct sim *sim, struct sim_worker *worker, struct payout *payout);
void sim_publishing_report(struct sim *sim, struct sim_worker *worker, struct handle handle);
/* Evidence from outside: written to the resolutions after a while. */
void sim_publishing_evidence(struct sim *sim, int64_t delay_us, const struct sim_record *evidence);

/* sim_check.c, sim_check_events.c */
void sim_check_begin(struct sim *sim);
void sim_check_sent(struct sim *sim, const struct sim_worker *worker, const struct payout *payout);
void sim_check_executed(struct sim *sim, const struct sim_request *request);
void sim_check_refused(struct sim *sim, const struct sim_request *request);
void sim_check_prereq(struct sim *sim, const struct payout *payout);
void sim_check_committed(struct sim *sim, const struct sim_producer *producer);
void sim_check_noted(struct sim *sim, const struct sim_worker *worker,
                     const struct flow_action *action);
void sim_check_fed(struct sim_worker *worker, const struct flow_event *event);
void sim_check_ended(struct sim *sim, struct sim_worker *worker, const struct payout *payout);
void sim_check_end(struct sim *sim);
bool sim_check_is_quiet(struct sim *sim);
void sim_fail(struct sim *sim, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* sim_trace.c */
void sim_trace(const struct sim *sim, const struct sim_worker *worker, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define TRACE(sim, ...)                  \
    do {                                 \
        if ((sim)->options.trace)        \
            sim_trace(sim, __VA_ARGS__); \
    } while (0)

/* sim_coverage.c */
void sim_coverage_event(const struct sim_worker *worker, const struct flow_event *event);
enum sim_cover { SIM_COVER_KILL, SIM_COVER_PAUSE, SIM_COVER_RESTART };
void sim_coverage_fault(const struct sim_worker *worker, enum sim_cover fault);
void sim_coverage_print(void);

int sim_order_of(const struct sim *sim, struct bytes order_id);

#endif
