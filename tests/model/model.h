/*
 * model: every behaviour of a tiny fleet, not a sample of them. Two workers run the real core
 * (src/flow, compiled with tiny bounds); Kafka, Redis and the gateway are a few dozen bytes. From
 * every state every enabled step is taken, and each new state is checked (docs/MODEL.md).
 *
 * There is one world, at one address, so that a snapshot is a memcpy: flows hold pointers into
 * themselves.
 */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include "payoutd/flow/flow.h"
#include "sim_scripts.h"

#include <stdalign.h>

enum {
    WORKERS = 2,
    COMMANDS_MAX = 2,
    RESOLUTIONS_MAX = 3,
    REQUESTS_MAX = 3,
    TOKENS_MAX = 4, /* tokens are 1 .. TOKENS_MAX; the master of token t is masters[data[t]] */
    PLACES = 3,     /* partitions: commands 0, commands 1, resolutions 0 */
    PLACE_RESOLUTIONS = 2,
    PAYOUTS = 4,
    PAYOUT_ARENA = 768,
    BODY_MAX = 80,
    REFUSED_MAX = 16,
    STORAGE = 2 * PAYOUTS * (PAYOUT_ARENA + 1024) + 2048,
    WORDS_UNKNOWN = 9,
};
#define CLAIM UINT64_C(0x100) /* + worker: a restorer's claim in `inc` */

/* How much of what may happen. */
struct scenario {
    const char *name, *what;
    bool quick; /* one of the test's */
    int commands, place[COMMANDS_MAX], words[COMMANDS_MAX];
    int resolutions, requests;
    int kills, rebalances, failovers, others, backs, flushes;
    int unsent, give_ups, lost, commits; /* commits: aborted, or of unknown fate */
    bool late, declines, refuses, pends, loses, lags, expires, operates, old_starts, marker;
    bool junk;           /* the first command cannot be read: a dead letter */
    bool cold;           /* the replica never catches up: a failover loses every write */
    bool unacknowledged; /* begins without a token in the commits: the first deployment */
};

struct master {
    struct sim_order order;
    uint64_t inc;
};

struct committed {
    struct window window;
    uint64_t token;
    int64_t ceiling;
};

struct model_batch {
    uint32_t generation;
    bool has[PLACES];
    struct committed offsets[PLACES];
};

/* What readers of the outcomes topic know. */
struct told {
    enum order_state final, other;
    char final_body[BODY_MAX], other_body[BODY_MAX];
    int64_t final_sequence, other_sequence;
    bool doubt; /* once is for ever */
};

enum restorer_step {
    RESTORER_IDLE,
    RESTORER_BEGUN,
    RESTORER_CLAIMED,
    RESTORER_OFFSETS,
    RESTORER_OUTCOMES,
    RESTORER_DOUBTS, /* the first position; then + 1 for each */
};

struct model_restorer {
    int step;
    uint64_t token;
    bool doubts[COMMANDS_MAX];
    struct told told;
};

enum phase { PHASE_OUT, PHASE_READY, PHASE_OWNING, PHASE_RELEASING };

struct model_worker {
    bool alive, timed; /* timed: it waits for a time */
    uint32_t life;
    uint64_t link; /* the token of the Redis that it is connected to */
    char instance[33];
    enum phase phase;
    uint32_t generation;
    uint64_t epoch;
    int64_t position[PLACES], now_ms;
    struct model_batch batch;
    struct model_restorer restorer;
    struct flow flow;
    alignas(max_align_t) char storage[STORAGE];
};

enum request_state {
    REQUEST_FLIES,
    REQUEST_PENDING,
    REQUEST_PAID,
    REQUEST_DECLINED,
    REQUEST_REFUSED,
    REQUEST_LOST
};

struct request {
    enum request_state state;
    int32_t attempt;
    int words;
    int worker;
    uint32_t life;
    struct handle payout;
    bool heard;
};

struct resolution {
    enum evidence evidence;
    enum order_state state;
    char instance[33], body[BODY_MAX];
    struct bytes payment_id; /* of the static names */
    int32_t attempt;
};

struct world {
    struct model_worker workers[WORKERS];
    /* Redis. */
    uint64_t token, last_token; /* of the master now; the highest so far */
    uint8_t data[TOKENS_MAX + 1];
    struct master masters[TOKENS_MAX + 1], replica;
    /* Kafka. */
    struct committed committed[PLACES];
    bool in[WORKERS], rebalancing;
    uint32_t generation;
    int arrived; /* commands */
    struct resolution resolutions[RESOLUTIONS_MAX];
    int resolutions_count;
    struct told told, visible;
    bool hidden, letters;
    /* The gateway. */
    struct request requests[REQUESTS_MAX];
    int requests_count, last_payment; /* -1: none */
    int executed, executed_words;
    bool expired;
    int kills, rebalances, failovers, others, backs, flushes, unsent, give_ups, lost, commits;
    const char *broken;
    bool stuck; /* a bound of the model, not the protocol, stops something here */
};

extern struct world world;
extern const struct scenario *scenario;
extern bool model_tracing;

void model_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define SAY(...)                    \
    do {                            \
        if (model_tracing)          \
            model_say(__VA_ARGS__); \
    } while (0)
static inline char model_letter(int w)
{
    return (char) ('A' + w);
}

/* model_world.c */
void model_begin(void);
struct master *model_master(uint64_t token);
const char *model_payment_id(int request);

/* model_body.c: what an outcome says, as one line of text */
struct body_facts {
    enum order_state state;
    int attempt, place, offset, words, doubt;
    char refused[REFUSED_MAX]; /* payment ids, space separated */
};
void model_body(const struct body_facts *facts, char ret_text[static BODY_MAX]);
struct body_facts model_body_read(const char *text);
struct bytes model_body_of(struct payout *payout, enum order_state state);

/* model_worker.c */
void model_start(int w, uint64_t token);
void model_kill(int w);
void model_feed(int w, const struct flow_event *event);
void model_settle(void); /* until everybody only waits */
void model_pass_time(int w);
void model_reconnect(int w);

/* model_asking.c: src/app/asking.c and following.c */
enum fate { FATE_ANSWERED, FATE_NOT_APPLIED, FATE_ANSWER_LOST };
void model_ask(int w, struct payout *payout, enum fate fate);
void model_mark(int w, const struct payout *payout); /* PUBLISHED */
void model_scan(int w, const struct flow_action *action);
void model_look(int w, struct handle handle);
void model_wipe(int w, enum fate fate);

/* model_kafka.c */
void model_assign_all(void);
void model_rebalance(void);
void model_expel(int w);
void model_rejoin(int w);
void model_released(int w);
bool model_complete(void); /* a rebalance that everybody is ready for */
/* What is committed of a partition, as an assignment tells it. */
void model_read_back(int place, struct window *window, struct flow_assigned *ret_assigned);
bool model_has_room(void);
/* False: there is no room for another one. */
bool model_tell(const struct resolution *resolution);
bool model_is_done(int place, int64_t offset);
bool model_is_used(int place);
int model_offset_of(int command);
void model_intake(int w);
bool model_has_stale(int w);
void model_open_stale(int w, int place);

/* model_transaction.c */
void model_submit(int w);
void model_commit(int w, bool is_heard);
void model_abort(int w);
void model_reread(int w);
bool model_is_fenced(int w);

/* model_gateway.c */
void model_send(int w, struct payout *payout);
struct request *model_request_of(int w, const struct payout *payout);
void model_answer(int w, struct payout *payout, bool gives_up);
void model_unsent(int w, struct payout *payout);
void model_status(int w, struct payout *payout, bool lags);
void model_inquire(int w, bool lags);

/* model_restorer.c */
bool model_restorer_can(int w);
void model_restorer_step(int w);

/* model_check.c */
const char *model_check(void); /* NULL: every invariant holds */
bool model_is_good(void);      /* one final, or held and shown */

/* model_digest.c */
struct digest {
    uint64_t a, b;
};
struct digest model_digest(void);

/* model_steps.c */
enum kind {
    STEP_LEDGER_ASK,
    STEP_SEND,
    STEP_UNSENT,
    STEP_ANSWER,
    STEP_STATUS,
    STEP_INQUIRE,
    STEP_TELL,
    STEP_COMMIT,
    STEP_WIPE,
    STEP_RESTORE,
    STEP_TIME,
    STEP_RECONNECT,
    STEP_KILL,
    STEP_START,
    STEP_EXPEL,
    STEP_REJOIN,
    STEP_STALE,   /* a record of an earlier assignment comes out of a queue */
    STEP_ARRIVES, /* a request, at the gateway */
    STEP_REPLICATE,
    STEP_FAILOVER,
    STEP_OTHER,
    STEP_BACK,
    STEP_FLUSH,
    STEP_MARKER,
    STEP_COMMAND,
    STEP_EXPIRE,
    STEP_OPERATOR,
};

enum commit_fate { COMMIT_HEARD, COMMIT_ABORTED, COMMIT_DONE_UNHEARD, COMMIT_LOST };

struct step {
    uint8_t kind, worker, at, how;
};
enum { STEPS_MAX = 96 };
struct steps {
    struct step items[STEPS_MAX];
    bool faults[STEPS_MAX];
    size_t count;
};
void model_steps(struct steps *ret_steps);
/* model_happening.c */
void model_take(struct step step);

/* model_search.c */
struct result {
    int64_t states, transitions, waived;
    int depth, trace; /* trace: steps to what is broken */
    bool complete;
    const char *broken; /* NULL: holds */
    double seconds;
};
struct result model_search(int64_t states_max);

#endif
