/* What `payoutctl init` and `payoutctl recover --lossless` say to Redis, blocking: this is the
 * ledger, nothing is forgotten. */
#include "ledger_parts.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shard_marks {
    bool has_token;
};

struct setup {
    redisContext *redis;
    const struct ledger_options *options;
    char *why;
    size_t why_max;
    uint64_t token;
    struct shard_marks shards[LEDGER_SHARDS];
};

static enum status complain(struct setup *setup, enum status status, const char *what,
                            const char *detail)
{
    snprintf(setup->why, setup->why_max, "%s%s%s", what, detail[0] == '\0' ? "" : ": ", detail);
    return status;
}

/* One question; the answer is of this type or the reason is given. The caller frees it. */
static enum status ask(struct setup *setup, int count, const char **words, int type,
                       redisReply **ret_reply)
{
    redisReply *reply = redisCommandArgv(setup->redis, count, words, NULL);
    if (reply == NULL)
        return complain(setup, STATUS_UNAVAILABLE, "Redis does not answer", setup->redis->errstr);
    if (reply->type == type || (type == REDIS_REPLY_STRING && reply->type == REDIS_REPLY_NIL)) {
        *ret_reply = reply;
        return STATUS_OK;
    }
    enum status status = STATUS_ENVIRONMENT;
    if (reply->type == REDIS_REPLY_ERROR)
        (void) ledger_reply_error(reply->str, &status);
    complain(setup, status, words[0],
             reply->type == REDIS_REPLY_ERROR ? reply->str : "unexpected answer");
    freeReplyObject(reply);
    return status;
}

static enum status ask_only(struct setup *setup, int count, const char **words, int type)
{
    redisReply *reply = NULL;
    TRY(ask(setup, count, words, type, &reply));
    freeReplyObject(reply);
    return STATUS_OK;
}

static enum status greet(struct setup *setup)
{
    const struct ledger_options *options = setup->options;
    char number[16];
    snprintf(number, sizeof number, "%d", options->database);
    if (options->password != NULL && options->username != NULL)
        TRY(ask_only(setup, 3, (const char *[]){"AUTH", options->username, options->password},
                     REDIS_REPLY_STATUS));
    else if (options->password != NULL)
        TRY(ask_only(setup, 2, (const char *[]){"AUTH", options->password}, REDIS_REPLY_STATUS));
    if (options->database != 0)
        TRY(ask_only(setup, 2, (const char *[]){"SELECT", number}, REDIS_REPLY_STATUS));
    return STATUS_OK;
}

static enum status check(struct setup *setup)
{
    redisReply *reply = NULL;
    char why[LEDGER_WHY_MAX] = "";
    TRY(ask(setup, 1, (const char *[]){"INFO"}, REDIS_REPLY_STRING, &reply));
    enum status status = ledger_check_info((struct bytes){reply->str, reply->len}, setup->options,
                                           &setup->token, why);
    freeReplyObject(reply);
    return status == STATUS_OK ? STATUS_OK : complain(setup, status, why, "");
}

static enum status look_at_shard(struct setup *setup, int32_t shard)
{
    struct ledger_keys keys;
    char token[LEDGER_TOKEN_MAX];
    redisReply *reply = NULL;
    ledger_keys_of_shard(shard, &keys);
    ledger_keys_token_text(setup->token, token);
    TRY(ask(setup, 2, (const char *[]){"GET", keys.text[LEDGER_KEY_INC]}, REDIS_REPLY_STRING,
            &reply));
    setup->shards[shard].has_token =
        reply->type == REDIS_REPLY_STRING && strcmp(reply->str, token) == 0;
    freeReplyObject(reply);
    return STATUS_OK;
}

/* The first order of a shard that has not this token: Redis may have forgotten others of its kind.
 */
static enum status judge_keys(struct setup *setup, const redisReply *keys)
{
    for (size_t i = 0; i < keys->elements; i++) {
        struct ledger_keys found;
        struct bytes key = {keys->element[i]->str, keys->element[i]->len};
        if (ledger_keys_of_key(key, &found) != STATUS_OK)
            continue;
        int shard = atoi(keys->element[i]->str + 4); /* {po:SS} */
        if (!setup->shards[shard].has_token)
            return complain(setup, STATUS_UNSAFE,
                            "this Redis holds orders under another continuity token, so this is no "
                            "first deployment: use `payoutctl recover`",
                            found.text[LEDGER_KEY_INC]);
    }
    return STATUS_OK;
}

static enum status refuse_unproved_orders(struct setup *setup)
{
    char cursor[32] = "0";
    do {
        redisReply *reply = NULL;
        TRY(ask(setup, 6, (const char *[]){"SCAN", cursor, "MATCH", "{po:??}:o:*", "COUNT", "1000"},
                REDIS_REPLY_ARRAY, &reply));
        enum status status = STATUS_ENVIRONMENT;
        if (reply->elements == 2 && reply->element[0]->type == REDIS_REPLY_STRING) {
            snprintf(cursor, sizeof cursor, "%s", reply->element[0]->str);
            status = judge_keys(setup, reply->element[1]);
        }
        freeReplyObject(reply);
        TRY(status);
    } while (strcmp(cursor, "0") != 0);
    return STATUS_OK;
}

/* `last` before `inc`: a shard that can be used has both, or every later recovery reads from the
 * beginning. */
static enum status write_shard(struct setup *setup, int32_t shard)
{
    struct ledger_keys keys;
    char token[LEDGER_TOKEN_MAX], now[24];
    ledger_keys_of_shard(shard, &keys);
    ledger_keys_token_text(setup->token, token);
    snprintf(now, sizeof now, "%lld", (long long) loop_wall_ms());
    TRY(ask_only(setup, 3, (const char *[]){"SETNX", keys.text[LEDGER_KEY_LAST], now},
                 REDIS_REPLY_INTEGER));
    return ask_only(setup, 3, (const char *[]){"SET", keys.text[LEDGER_KEY_INC], token},
                    REDIS_REPLY_STATUS);
}

static enum status initialise(struct setup *setup, bool first_deployment)
{
    TRY(greet(setup));
    TRY(check(setup));
    bool all_marked = true;
    for (int32_t shard = 0; shard < LEDGER_SHARDS; shard++) {
        TRY(look_at_shard(setup, shard));
        all_marked = all_marked && setup->shards[shard].has_token;
    }
    if (first_deployment && !all_marked)
        TRY(refuse_unproved_orders(setup));
    for (int32_t shard = 0; shard < LEDGER_SHARDS; shard++)
        TRY(write_shard(setup, shard));
    return STATUS_OK;
}

static struct timeval timeval_of(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

enum status ledger_initialise(const struct ledger_options *options, bool first_deployment,
                              char *ret_why, size_t why_max)
{
    struct setup setup = {.options = options, .why = ret_why, .why_max = why_max};
    struct timeval connect = timeval_of(options->connect_timeout_ms);
    setup.redis = options->host[0] == '/'
                      ? redisConnectUnixWithTimeout(options->host, connect)
                      : redisConnectWithTimeout(options->host, options->port, connect);
    if (setup.redis == NULL)
        return STATUS_NO_ROOM;
    enum status status;
    if (setup.redis->err != 0)
        status =
            complain(&setup, STATUS_UNAVAILABLE, "Redis cannot be reached", setup.redis->errstr);
    else if (redisSetTimeout(setup.redis, timeval_of(options->command_timeout_ms)) != REDIS_OK)
        status =
            complain(&setup, STATUS_ENVIRONMENT, "a deadline cannot be set", setup.redis->errstr);
    else
        status = initialise(&setup, first_deployment);
    redisFree(setup.redis);
    return status;
}
