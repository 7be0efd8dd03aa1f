/* What `payoutctl init` says to Redis, blocking: this is the ledger, nothing is forgotten. */
#include "ledger_sync.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shard_marks {
    bool has_token;
};

struct setup {
    struct ledger_sync sync;
    struct shard_marks shards[LEDGER_SHARDS];
};

static enum status look_at_shard(struct setup *setup, int32_t shard)
{
    struct ledger_keys keys;
    char token[LEDGER_TOKEN_MAX];
    redisReply *reply = NULL;
    ledger_keys_of_shard(shard, &keys);
    ledger_keys_token_text(setup->sync.token, token);
    TRY(ledger_sync_ask(&setup->sync, 2, (const char *[]){"GET", keys.text[LEDGER_KEY_INC]},
                        REDIS_REPLY_STRING, &reply));
    must(reply != NULL);
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
        const char *digits = key.data + 4; /* {po:SS} */
        int shard = (digits[0] - '0') * 10 + (digits[1] - '0');
        if (!setup->shards[shard].has_token)
            return ledger_sync_complain(
                &setup->sync, STATUS_UNSAFE,
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
        TRY(ledger_sync_ask(
            &setup->sync, 6,
            (const char *[]){"SCAN", cursor, "MATCH", "{po:??}:o:*", "COUNT", "1000"},
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
    ledger_keys_token_text(setup->sync.token, token);
    snprintf(now, sizeof now, "%lld", (long long) loop_wall_ms());
    TRY(ledger_sync_ask_only(&setup->sync, 3,
                             (const char *[]){"SETNX", keys.text[LEDGER_KEY_LAST], now},
                             REDIS_REPLY_INTEGER));
    return ledger_sync_ask_only(&setup->sync, 3,
                                (const char *[]){"SET", keys.text[LEDGER_KEY_INC], token},
                                REDIS_REPLY_STATUS);
}

static enum status initialise(struct setup *setup, bool first_deployment)
{
    TRY(ledger_sync_open(&setup->sync));
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

enum status ledger_initialise(const struct ledger_options *options, bool first_deployment,
                              char *ret_why, size_t why_max)
{
    struct setup setup = {.sync = {.options = options, .why = ret_why, .why_max = why_max}};
    enum status status = initialise(&setup, first_deployment);
    ledger_sync_close(&setup.sync);
    return status;
}
