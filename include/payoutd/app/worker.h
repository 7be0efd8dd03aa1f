/*
 * worker: the parts and what they say to each other. Adapters' events become the flow's facts, the
 * flow's actions become adapters' calls: this is the one place where both meet.
 *
 * worker.c turns the loop; a file a conversation: intake.c (records), asking.c (the ledger),
 * sending.c (the gateway), publishing.c (transactions), telling.c (log lines), health.c and
 * metrics.c (admin HTTP).
 */
#ifndef PAYOUTD_APP_WORKER_H
#define PAYOUTD_APP_WORKER_H

#include "payoutd/adapter/admin_http.h"
#include "payoutd/adapter/gateway_http.h"
#include "payoutd/adapter/kafka_publisher.h"
#include "payoutd/adapter/ledger.h"
#include "payoutd/app/options.h"
#include "payoutd/app/restorer.h"
#include "payoutd/app/secrets.h"
#include "payoutd/flow/flow.h"

enum worker_exit {
    WORKER_EXIT_OK = 0,
    WORKER_EXIT_USAGE = 64, /* EX_USAGE: the command line is wrong */
    WORKER_EXIT_ENVIRONMENT =
        69,                /* EX_UNAVAILABLE: something that it needs is missing or set up wrong */
    WORKER_EXIT_HUNG = 75, /* EX_TEMPFAIL: a call to Kafka never came back; start it again */
    WORKER_EXIT_CONFIG = 78, /* EX_CONFIG: see `payoutd config check` */
};

/* What the worker keeps of a payout beyond what the flow knows; one a slot. All views are in the
 * payout's arena. */
struct parcel {
    struct event_context context;
    struct record_content *record; /* a copy, for a dead letter; NULL: the letter is made already */
    struct dead_letter *letter;
    struct bytes late_body; /* REJECT of an order that is READY */
    const char *fault_code; /* why the record was refused */
    const char *fault_message;
    struct form form; /* the request under way */
    char url[600];
    int64_t sent_ms; /* monotonic: for the duration of the request */
};

/* What the worker keeps of an inquiry; views are in the inquiry's arena. */
struct following {
    struct outcome_facts facts;
    struct form form;
    char url[600];
    uint16_t merchant_at;
    int64_t sent_ms;
};

/* Fixed buckets, in milliseconds: docs/OPERATIONS.md. */
enum { HISTOGRAM_BUCKETS = 13 };
struct histogram {
    int64_t counts[HISTOGRAM_BUCKETS + 1];
    int64_t count;
    int64_t sum_ms;
};

struct worker_counters {
    int64_t dead_letters[16]; /* by reason: metrics.c */
    int64_t duplicates_same, duplicates_replayed, duplicates_conflict;
    int64_t outcomes[ORDER_REJECTED + 1];
    int64_t signature_failures;
    int64_t rebalances_assigned, rebalances_revoked, rebalances_lost;
    int64_t status_checks[VERDICT_UNKNOWN + 1];
    int64_t ledger_downs, ledger_token_changes;
    struct histogram processing, end_to_end, gateway_pay, gateway_status, transaction;
};

struct worker {
    const struct options *options;
    const struct secrets *secrets;
    struct loop *loop;
    struct kafka_source *source;
    struct kafka_publisher *publisher;
    struct ledger *ledger;
    struct gateway_http *gateways[FLOW_LANES_MAX];
    size_t gateways_count;
    struct admin_http *admin;
    struct restorer *restorer; /* NULL: it does not run */

    struct flow *flow;
    void *flow_storage;
    size_t flow_storage_size;
    struct parcel *parcels;
    struct following followings[INQUIRIES_MAX];
    struct flow_actions actions;

    /* From the configuration. */
    struct event_naming naming;
    struct instance_id instance;
    uint16_t default_merchant_at; /* UINT16_MAX: none */
    char name[201];

    /* Publishing: what the running batch points to. */
    struct kafka_membership *membership; /* of the current assignment */
    struct publish_batch batch;
    struct publish_message *messages;
    struct publish_offset *offsets;
    struct arena batch_arena;

    bool records_wait;              /* the source may have more */
    bool performing, fed_meanwhile; /* an action was answered at once: the flow has more to say */
    bool joined_once, ledger_up_once, publisher_ready;
    int64_t stop_at_ms; /* the loop ends by then at the latest; 0: not stopping */
    int signals;        /* how many asked for the end */
    int exit_code;
    int64_t started_wall_ms, turned_ms;
    uint64_t last_token;
    struct worker_counters counters;
};

/* Connects nothing yet. All failures are logged with what to do; *ret_exit_code says how main ends.
 */
MUST_USE enum status worker_new(const struct options *options, const struct secrets *secrets,
                                struct worker **ret_worker, int *ret_exit_code);
int worker_run(struct worker *worker); /* until a signal or a fault that ends it; the exit code */
void worker_free(struct worker *worker);

/* startup.c: what must hold before anything is consumed. */
MUST_USE enum status startup_check(const struct options *options, const struct secrets *secrets,
                                   int *ret_exit_code);
void startup_keep_memory_private(void);
void startup_ledger_options(const struct options *options, const struct secrets *secrets,
                            struct ledger_options *ret_options);

/* worker.c, for the conversations. */
struct moment worker_moment(void);
void worker_feed(struct worker *worker, const struct flow_event *event);
struct parcel *worker_parcel(struct worker *worker, const struct payout *payout);
void worker_end(struct worker *worker, int exit_code, int64_t drain_ms);
/* NULL: not configured. Looks the merchant up again when the ledger named another one. */
const struct gateway_profile *worker_profile(struct worker *worker, struct payout *payout);
uint16_t worker_merchant_at(const struct worker *worker, struct bytes merchant_id);
void worker_random_text(char *ret_text, size_t len); /* letters and digits */
void worker_random_hex(char *ret_text, size_t len);

/* intake.c */
void intake_events(struct worker *worker, struct kafka_source_events *ret_events);
void intake_poll(struct worker *worker);
void intake_make_letter(struct worker *worker, struct payout *payout,
                        const struct record_content *record, const char *reason,
                        const char *message);

/* asking.c */
void asking_events(struct worker *worker, struct ledger_events *ret_events);
void asking_ask(struct worker *worker, struct payout *payout);
void asking_mark_published(struct worker *worker, const struct payout *payout);
/* The outcome body from the payout's facts, in its arena. */
struct bytes asking_body(struct worker *worker, struct payout *payout, enum order_state state);

/* Space separated ids, as the ledger keeps them. */
size_t asking_split_ids(struct bytes list, struct bytes *ret_ids, size_t max);
/* What our own late answer proves, as a record of the resolutions topic (docs/EVENTS.md). */
struct bytes asking_evidence(struct worker *worker, struct payout *payout);

/* sending.c */
void sending_done(void *context, const struct gateway_result *result);
void sending_pay(struct worker *worker, struct payout *payout);
void sending_ask_status(struct worker *worker, struct payout *payout);

/* following.c */
void following_scan(struct worker *worker, const struct flow_action *action);
void following_wipe(struct worker *worker, const struct flow_action *action);
void following_look(struct worker *worker, struct handle handle);
void following_inquire(struct worker *worker, struct handle handle);
void following_answered(struct worker *worker, const struct gateway_result *result);
void following_report(struct worker *worker, struct handle handle);
enum decoded_kind following_decode(struct worker *worker, struct payout *payout,
                                   const struct source_record *source, const char **ret_why);

/* recovering.c */
void recovering_start(struct worker *worker);

/* publishing.c */
void publishing_events(struct worker *worker, struct kafka_publisher_events *ret_events);
void publishing_submit(struct worker *worker, uint64_t number);
void publishing_tell(struct worker *worker, struct payout *payout);

/* telling.c */
void telling_note(struct worker *worker, const struct flow_action *action);
void telling_ended(struct worker *worker, const struct payout *payout);

/* metrics.c, health.c */
void histogram_add(struct histogram *histogram, int64_t value_ms);
void metrics_count_dead_letter(struct worker *worker, const char *reason);
void metrics_write(struct worker *worker, struct buffer *ret_text);
bool health_is_ready(const struct worker *worker);
void health_answer(void *context, const char *path, bool verbose, struct admin_reply *reply);

#endif
