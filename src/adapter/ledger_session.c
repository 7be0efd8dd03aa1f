/* Every new connection is looked at before its first script, and again now and then while it lasts.
 */
#include "ledger_parts.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

enum { WATCH_EVERY_MS = 2000 };

static enum status ask(struct ledger *ledger, struct redis_request *request,
                       const struct bytes *words, int64_t count)
{
    char space[128];
    struct buffer buffer;
    struct bytes command;
    buffer_init(&buffer, space, sizeof space);
    redis_link_put_count(&buffer, count);
    for (int64_t i = 0; i < count; i++)
        redis_link_put_word(&buffer, words[i]);
    must(buffer_take(&buffer, &command) == STATUS_OK);
    return redis_link_send(ledger->link, request, command);
}

/* ---- SCRIPT LOAD ---- */

static void on_loaded(void *context, struct redis_request *request, const redisReply *reply)
{
    (void) request;
    struct ledger_load *load = context;
    struct ledger *ledger = load->ledger;
    load->under_way = false;
    if (reply == NULL)
        return;
    if (reply->type != REDIS_REPLY_STRING || reply->len != 40) {
        char why[LEDGER_WHY_MAX];
        snprintf(why, sizeof why, "a script cannot be loaded: %.200s",
                 reply->type == REDIS_REPLY_ERROR ? reply->str : "no digest");
        enum status status = STATUS_ENVIRONMENT;
        if (reply->type != REDIS_REPLY_ERROR ||
            ledger_reply_error(reply->str, &status) != LEDGER_ERROR_BLOCKED)
            status = STATUS_ENVIRONMENT;
        redis_link_drop(ledger->link, status, why);
        return;
    }
    memcpy(ledger->session.shas[load->script], reply->str, 41);
    ledger->statistics.scripts_loaded++;
    if (ledger->session.loads_left > 0 && --ledger->session.loads_left == 0)
        ledger_checked(ledger);
}

enum status ledger_session_load(struct ledger *ledger, enum ledger_script script)
{
    struct ledger_load *load = &ledger->session.loads[script];
    if (load->under_way)
        return STATUS_OK;
    const char *text = ledger_command_script(script);
    char space[32 * 1024];
    struct buffer buffer;
    struct bytes command;
    buffer_init(&buffer, space, sizeof space);
    redis_link_put_count(&buffer, 3);
    redis_link_put_word(&buffer, BYTES("SCRIPT"));
    redis_link_put_word(&buffer, BYTES("LOAD"));
    redis_link_put_word(&buffer, bytes_of(text));
    must(buffer_take(&buffer, &command) == STATUS_OK);
    *load = (struct ledger_load){
        .request = {.done = on_loaded, .context = load}, .ledger = ledger, .script = script};
    TRY(redis_link_send(ledger->link, &load->request, command));
    load->under_way = true;
    return STATUS_OK;
}

static void load_all(struct ledger *ledger)
{
    ledger->session.loads_left = LEDGER_SCRIPT_COUNT;
    for (enum ledger_script script = LEDGER_ARM; script < LEDGER_SCRIPT_COUNT; script++)
        if (ledger_session_load(ledger, script) != STATUS_OK)
            return; /* closed: told already */
}

/* ---- CONFIG GET appendfsync ---- */

static void on_config(void *context, struct redis_request *request, const redisReply *reply)
{
    (void) request;
    struct ledger *ledger = context;
    char why[LEDGER_WHY_MAX];
    if (reply == NULL)
        return;
    enum status status = ledger_check_fsync(reply, &ledger->options, ledger->session.note, why);
    if (status != STATUS_OK)
        redis_link_drop(ledger->link, status, why);
    else
        load_all(ledger);
}

/* ---- INFO ---- */

static void drop_silent(struct ledger *ledger, const redisReply *reply)
{
    char why[LEDGER_WHY_MAX];
    snprintf(why, sizeof why, "Redis does not say what it is: %.200s",
             reply->type == REDIS_REPLY_ERROR ? reply->str : "INFO has no text");
    enum status status = STATUS_ENVIRONMENT;
    if (reply->type == REDIS_REPLY_ERROR)
        (void) ledger_reply_error(reply->str, &status);
    redis_link_drop(ledger->link, status == STATUS_FOREIGN_DATA ? STATUS_ENVIRONMENT : status, why);
}

static void on_info(void *context, struct redis_request *request, const redisReply *reply)
{
    (void) request;
    struct ledger *ledger = context;
    struct ledger_session *session = &ledger->session;
    char why[LEDGER_WHY_MAX];
    if (reply == NULL)
        return;
    if (reply->type != REDIS_REPLY_STRING) {
        drop_silent(ledger, reply);
        return;
    }
    struct bytes info = {reply->str, reply->len};
    enum status status = ledger_check_info(info, &ledger->options, &session->token, why);
    if (status != STATUS_OK) {
        redis_link_drop(ledger->link, status, why);
        return;
    }
    struct bytes id = ledger_check_field(info, "master_replid");
    loop_timer_set(session->watch_timer, WATCH_EVERY_MS);
    snprintf(session->replication_id, sizeof session->replication_id, "%.*s", (int) id.len,
             id.data);
    session->config = (struct redis_request){.done = on_config, .context = ledger};
    (void) ask(ledger, &session->config,
               (const struct bytes[]){BYTES("CONFIG"), BYTES("GET"), BYTES("appendfsync")}, 3);
}

void ledger_session_begin(struct ledger *ledger)
{
    ledger->session.info = (struct redis_request){.done = on_info, .context = ledger};
    (void) ask(ledger, &ledger->session.info, (const struct bytes[]){BYTES("INFO")}, 1);
}

/* ---- while it lasts: a failover may keep the connection and change the history behind it ---- */

static void on_watched(void *context, struct redis_request *request, const redisReply *reply)
{
    (void) request;
    struct ledger *ledger = context;
    if (reply == NULL)
        return;
    bool same = reply->type == REDIS_REPLY_STRING &&
                ledger_check_is_same((struct bytes){reply->str, reply->len},
                                     ledger->session.replication_id);
    if (same)
        loop_timer_set(ledger->session.watch_timer, WATCH_EVERY_MS);
    else
        redis_link_drop(ledger->link, STATUS_UNAVAILABLE,
                        "Redis changed its role or its history under the connection");
}

static void on_watch(void *context)
{
    struct ledger *ledger = context;
    ledger->session.watch = (struct redis_request){.done = on_watched, .context = ledger};
    if (ledger->state == LEDGER_STATE_UP)
        (void) ask(ledger, &ledger->session.watch,
                   (const struct bytes[]){BYTES("INFO"), BYTES("replication")}, 2);
}

enum status ledger_session_init(struct ledger *ledger)
{
    return loop_timer_new(ledger->loop, on_watch, ledger, &ledger->session.watch_timer);
}

void ledger_session_done(struct ledger *ledger)
{
    loop_timer_free(ledger->session.watch_timer);
}

void ledger_session_end(struct ledger *ledger)
{
    loop_timer_clear(ledger->session.watch_timer);
    ledger->session.loads_left = 0;
    ledger->session.token = 0;
}
