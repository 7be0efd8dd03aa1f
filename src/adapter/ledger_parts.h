/* ledger_parts: what the files of the ledger share; nobody else includes it. */
#ifndef PAYOUTD_ADAPTER_LEDGER_PARTS_H
#define PAYOUTD_ADAPTER_LEDGER_PARTS_H

#include "payoutd/adapter/ledger.h"
#include "payoutd/adapter/redis_link.h"

struct redisReply;

/* ---- ledger_keys.c: which keys an order lives in ---- */

enum { LEDGER_KEY_MAX = 80, LEDGER_TOKEN_MAX = 17, LEDGER_SOURCE_MAX = 320 };

/* In the order in which every script takes them. */
enum ledger_key {
    LEDGER_KEY_DUE,
    LEDGER_KEY_INC,
    LEDGER_KEY_LAST,
    LEDGER_KEY_ORDER,
    LEDGER_KEY_COUNT
};

struct ledger_keys {
    char text[LEDGER_KEY_COUNT][LEDGER_KEY_MAX];
    struct bytes view[LEDGER_KEY_COUNT];
};

void ledger_keys_of_order(const char *name_space, struct bytes order_id,
                          struct ledger_keys *ret_keys);
void ledger_keys_of_shard(int32_t shard, struct ledger_keys *ret_keys); /* no order */
/* STATUS_BAD_FIELD: no key of an order. */
MUST_USE enum status ledger_keys_of_key(struct bytes order_key, struct ledger_keys *ret_keys);
void ledger_keys_token_text(uint64_t token, char ret_text[LEDGER_TOKEN_MAX]);

/* ---- ledger_command.c: a call in Redis' words ---- */

/* Kept until the answer: a script that Redis has lost is asked again, and a body just written is
 * not sent back. */
struct ledger_command {
    char *data;
    size_t len, max;
    size_t body_at, body_len;
};

MUST_USE enum status ledger_command_build(const struct ledger_call *call, const char *name_space,
                                          int64_t horizon_ms, const char *sha,
                                          struct ledger_command *command);

/* ---- ledger_reply.c: Redis' words as an answer ---- */

enum { LEDGER_DUE_MAX = 256 };

enum ledger_error {
    LEDGER_ERROR_NO_SCRIPT,
    LEDGER_ERROR_BLOCKED, /* not applied, and the next one will fare the same */
    LEDGER_ERROR_FOREIGN,
    LEDGER_ERROR_OTHER,
};
enum ledger_error ledger_reply_error(const char *text, enum status *ret_status);
/* `written` is the body of the call itself. STATUS_FOREIGN_DATA: no answer of these scripts. */
MUST_USE enum status ledger_reply_read(const struct redisReply *from, struct bytes written,
                                       struct bytes due[LEDGER_DUE_MAX],
                                       struct ledger_reply *reply);
/* A copy whose views point into `ret_block`, which the caller frees. */
MUST_USE enum status ledger_reply_copy(const struct ledger_reply *from,
                                       struct ledger_reply *ret_reply, char **ret_block);

/* ---- ledger_check.c: may this Redis be trusted with money (R8, R9) ---- */

enum { LEDGER_WHY_MAX = 320 };

/* Judges the text of INFO. `ret_why` says what is wrong; the token is set when all is well. */
MUST_USE enum status ledger_check_info(struct bytes info, const struct ledger_options *options,
                                       uint64_t *ret_token, char ret_why[LEDGER_WHY_MAX]);
/* The answer to CONFIG GET appendfsync; a refusal is only noted. */
MUST_USE enum status ledger_check_fsync(const struct redisReply *reply,
                                        const struct ledger_options *options,
                                        char ret_note[LEDGER_WHY_MAX],
                                        char ret_why[LEDGER_WHY_MAX]);
/* INFO replication later on: still a master of the same history? */
bool ledger_check_is_same(struct bytes info, const char *replication_id);
/* A field of INFO; absent when there is none. */
struct bytes ledger_check_field(struct bytes info, const char *name);

/* ---- the scripts, made from lua/ by the build ---- */

extern const char embedded_arm[], embedded_park[], embedded_reject[], embedded_disarm[];
extern const char embedded_settle[], embedded_published[], embedded_due[], embedded_read[];
extern const char embedded_defer[], embedded_wipe[];
/* Of the restorer, under its claim. */
extern const char embedded_claim[], embedded_restore[], embedded_doubt[], embedded_confirm[];
const char *ledger_command_script(enum ledger_script script);

/* ---- ledger_session.c: from an open connection to a usable one ---- */

struct ledger_load {
    struct redis_request request;
    struct ledger *ledger;
    enum ledger_script script;
    bool under_way;
};

struct ledger_session {
    struct redis_request info, config, watch;
    struct loop_timer *watch_timer;
    struct ledger_load loads[LEDGER_SCRIPT_COUNT];
    char shas[LEDGER_SCRIPT_COUNT][41];
    size_t loads_left;
    uint64_t token;
    char replication_id[64];
    char note[LEDGER_WHY_MAX];
};

MUST_USE enum status ledger_session_init(struct ledger *ledger);
void ledger_session_begin(struct ledger *ledger); /* ends in ledger_is_checked or a dropped link */
void ledger_session_done(struct ledger *ledger);
void ledger_session_end(struct ledger *ledger); /* the connection is gone */
MUST_USE enum status ledger_session_load(struct ledger *ledger, enum ledger_script script);

/* ---- ledger.c ---- */

enum ledger_state { LEDGER_STATE_DOWN, LEDGER_STATE_UP, LEDGER_STATE_DRAINING };

struct ledger_slot {
    struct redis_request request;
    struct ledger *ledger;
    struct ledger_slot *next; /* free, or held until enough replicas have it */
    struct ledger_command command;
    enum ledger_script script;
    uint64_t tag;
    int loads;
    struct ledger_reply held;
    char *held_block;
};

struct ledger {
    struct loop *loop;
    struct ledger_options options;
    char *name_space;
    struct ledger_events events;
    struct redis_link *link;
    enum ledger_state state;
    struct ledger_session session;
    char down_why[LEDGER_WHY_MAX]; /* told last */
    struct ledger_slot *slots, *free_slots;
    size_t in_use;
    struct ledger_slot *held_first, *held_last;
    struct redis_request wait;
    struct loop_timer *wait_timer;
    bool wait_due, wait_under_way;
    struct bytes due[LEDGER_DUE_MAX];
    struct ledger_statistics statistics;
};

void ledger_checked(struct ledger *ledger); /* the session is good: up */

/* ---- ledger_wait.c: WAIT, once for all that one turn asked ---- */

bool ledger_wait_is_needed(const struct ledger *ledger, enum ledger_script script);
void ledger_wait_ask(struct ledger *ledger); /* something that needs it was sent */
void ledger_wait_expired(void *context);     /* the timer's */
void ledger_wait_hold(struct ledger *ledger, struct ledger_slot *slot,
                      const struct ledger_reply *reply);
void ledger_wait_fail(
    struct ledger *ledger); /* the connection is gone: no answer for what is held */

void ledger_answer(struct ledger *ledger, struct ledger_slot *slot, struct ledger_reply *reply);
void ledger_block(struct ledger *ledger, enum status status, const char *why);

#endif
