/* The blocking way to the ledger's Redis: connect, log in, judge it, ask. */
#include "ledger_sync.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

enum status ledger_sync_complain(struct ledger_sync *sync, enum status status, const char *what,
                                 const char *detail)
{
    snprintf(sync->why, sync->why_max, "%s%s%s", what, detail[0] == '\0' ? "" : ": ", detail);
    return status;
}

enum status ledger_sync_refuse(struct ledger_sync *sync, const char *what, const redisReply *reply)
{
    enum status status = STATUS_ENVIRONMENT;
    if (reply->type != REDIS_REPLY_ERROR)
        return ledger_sync_complain(sync, status, what, "unexpected answer");
    if (ledger_reply_error(reply->str, &status) == LEDGER_ERROR_NO_SCRIPT)
        status = STATUS_UNAVAILABLE; /* they were flushed: a new connection loads them */
    return ledger_sync_complain(sync, status, what, reply->str);
}

enum status ledger_sync_ask(struct ledger_sync *sync, int count, const char **words, int type,
                            redisReply **ret_reply)
{
    redisReply *reply = redisCommandArgv(sync->redis, count, words, NULL);
    if (reply == NULL)
        return ledger_sync_complain(sync, STATUS_UNAVAILABLE, "Redis does not answer",
                                    sync->redis->errstr);
    if (reply->type == type || (type == REDIS_REPLY_STRING && reply->type == REDIS_REPLY_NIL)) {
        *ret_reply = reply;
        return STATUS_OK;
    }
    enum status status = ledger_sync_refuse(sync, words[0], reply);
    freeReplyObject(reply);
    return status;
}

enum status ledger_sync_ask_only(struct ledger_sync *sync, int count, const char **words, int type)
{
    redisReply *reply = NULL;
    TRY(ledger_sync_ask(sync, count, words, type, &reply));
    freeReplyObject(reply);
    return STATUS_OK;
}

static enum status greet(struct ledger_sync *sync)
{
    const struct ledger_options *options = sync->options;
    char number[16];
    snprintf(number, sizeof number, "%d", options->database);
    if (options->password != NULL && options->username != NULL)
        TRY(ledger_sync_ask_only(sync, 3,
                                 (const char *[]){"AUTH", options->username, options->password},
                                 REDIS_REPLY_STATUS));
    else if (options->password != NULL)
        TRY(ledger_sync_ask_only(sync, 2, (const char *[]){"AUTH", options->password},
                                 REDIS_REPLY_STATUS));
    if (options->database != 0)
        TRY(ledger_sync_ask_only(sync, 2, (const char *[]){"SELECT", number}, REDIS_REPLY_STATUS));
    return STATUS_OK;
}

static enum status judge(struct ledger_sync *sync)
{
    redisReply *reply = NULL;
    char why[LEDGER_WHY_MAX] = "";
    TRY(ledger_sync_ask(sync, 1, (const char *[]){"INFO"}, REDIS_REPLY_STRING, &reply));
    must(reply != NULL);
    if (reply->type != REDIS_REPLY_STRING) {
        freeReplyObject(reply);
        return ledger_sync_complain(sync, STATUS_ENVIRONMENT, "INFO", "unexpected answer");
    }
    enum status status =
        ledger_check_info((struct bytes){reply->str, reply->len}, sync->options, &sync->token, why);
    freeReplyObject(reply);
    return status == STATUS_OK ? STATUS_OK : ledger_sync_complain(sync, status, why, "");
}

static struct timeval timeval_of(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

enum status ledger_sync_open(struct ledger_sync *sync)
{
    const struct ledger_options *options = sync->options;
    struct timeval connect = timeval_of(options->connect_timeout_ms);
    sync->redis = options->host[0] == '/'
                      ? redisConnectUnixWithTimeout(options->host, connect)
                      : redisConnectWithTimeout(options->host, options->port, connect);
    if (sync->redis == NULL)
        return STATUS_NO_ROOM;
    if (sync->redis->err != 0)
        return ledger_sync_complain(sync, STATUS_UNAVAILABLE, "Redis cannot be reached",
                                    sync->redis->errstr);
    if (redisSetTimeout(sync->redis, timeval_of(options->command_timeout_ms)) != REDIS_OK)
        return ledger_sync_complain(sync, STATUS_ENVIRONMENT, "a deadline cannot be set",
                                    sync->redis->errstr);
    TRY(greet(sync));
    return judge(sync);
}

void ledger_sync_close(struct ledger_sync *sync)
{
    if (sync->redis != NULL)
        redisFree(sync->redis);
    sync->redis = NULL;
}
