/* The restorer's hands in Redis (see ledger_restore.h): four scripts and READ, under a claim. */
#include "payoutd/adapter/ledger_restore.h"

#include "ledger_sync.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { CLAIM_RANDOM = 16, CLAIM_MAX = 8 + 2 * CLAIM_RANDOM, ON_THE_WAY_MAX = 64, WORDS_MAX = 28 };

enum restore_script {
    SCRIPT_CLAIM,
    SCRIPT_CONFIRM,
    SCRIPT_RESTORE,
    SCRIPT_DOUBT,
    SCRIPT_READ,
    SCRIPT_COUNT
};

struct ledger_restore {
    struct ledger_sync sync;
    char token[LEDGER_TOKEN_MAX], claim[CLAIM_MAX];
    char shas[SCRIPT_COUNT][41];
    bool claimed[LEDGER_SHARDS];
    bool lost_claim;
    int on_the_way; /* events that were asked and not answered yet */
    redisReply *held;
    struct ledger_restore_counts counts;
};

/* The words of one command. Numbers get a place of their own. */
struct words {
    const char *text[WORDS_MAX];
    size_t len[WORDS_MAX];
    char numbers[6][24];
    char source[LEDGER_SOURCE_MAX];
    int count, numbers_count;
};

static void put(struct words *words, struct bytes word)
{
    must(words->count < WORDS_MAX);
    words->text[words->count] = word.data == NULL ? "" : word.data;
    words->len[words->count++] = word.len;
}

static void put_number(struct words *words, int64_t number)
{
    char *text = words->numbers[words->numbers_count++];
    put(words, (struct bytes){text, (size_t) snprintf(text, sizeof words->numbers[0], "%lld",
                                                      (long long) number)});
}

static void begin(struct ledger_restore *restore, struct words *words, enum restore_script script,
                  const struct ledger_keys *keys, int keys_count, const char *compared)
{
    words->count = words->numbers_count = 0;
    put(words, BYTES("EVALSHA"));
    put(words, bytes_of(restore->shas[script]));
    put_number(words, keys_count);
    for (int i = 0; i < keys_count; i++)
        put(words, keys->view[i]);
    put(words, bytes_of(compared));
}

static enum status broken(struct ledger_restore *restore)
{
    return ledger_sync_complain(&restore->sync, STATUS_UNAVAILABLE, "Redis does not answer",
                                restore->sync.redis->errstr);
}

/* The first word of an answer; STATUS_UNAVAILABLE when the claim is not there any more. */
static enum status judge(struct ledger_restore *restore, const redisReply *reply,
                         struct bytes *ret_word)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
        reply->element[0]->type != REDIS_REPLY_STRING)
        return ledger_sync_refuse(&restore->sync, "a script of the restorer", reply);
    struct bytes word = {reply->element[0]->str, reply->element[0]->len};
    if (!bytes_equal_text(word, "EMPTY")) {
        *ret_word = word;
        return STATUS_OK;
    }
    restore->lost_claim = true;
    return ledger_sync_complain(&restore->sync, STATUS_UNAVAILABLE,
                                "another restorer took over, or Redis forgot again", "");
}

/* The answer is kept until the next question. */
static enum status ask(struct ledger_restore *restore, struct words *words, struct bytes *ret_word)
{
    must(restore->on_the_way == 0);
    if (restore->held != NULL)
        freeReplyObject(restore->held);
    restore->held = redisCommandArgv(restore->sync.redis, words->count, words->text, words->len);
    return restore->held == NULL ? broken(restore) : judge(restore, restore->held, ret_word);
}

/* --- life --- */

static void choose_claim(struct ledger_restore *restore)
{
    unsigned char random[CLAIM_RANDOM];
    must(getrandom(random, sizeof random, 0) == sizeof random);
    memcpy(restore->claim, "claim-", 7);
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(restore->claim + 6 + 2 * i, 3, "%02x", random[i]);
}

static enum status load(struct ledger_restore *restore, enum restore_script script)
{
    static const char *const texts[SCRIPT_COUNT] = {
        [SCRIPT_CLAIM] = embedded_claim,     [SCRIPT_CONFIRM] = embedded_confirm,
        [SCRIPT_RESTORE] = embedded_restore, [SCRIPT_DOUBT] = embedded_doubt,
        [SCRIPT_READ] = embedded_read,
    };
    redisReply *reply = NULL;
    TRY(ledger_sync_ask(&restore->sync, 3, (const char *[]){"SCRIPT", "LOAD", texts[script]},
                        REDIS_REPLY_STRING, &reply));
    bool is_sha = reply->type == REDIS_REPLY_STRING && reply->len == 40;
    if (is_sha)
        memcpy(restore->shas[script], reply->str, 41);
    freeReplyObject(reply);
    return is_sha ? STATUS_OK
                  : ledger_sync_complain(&restore->sync, STATUS_ENVIRONMENT, "SCRIPT LOAD",
                                         "unexpected answer");
}

static enum status prepare(struct ledger_restore *restore)
{
    TRY(ledger_sync_open(&restore->sync));
    ledger_keys_token_text(restore->sync.token, restore->token);
    choose_claim(restore);
    for (enum restore_script script = SCRIPT_CLAIM; script < SCRIPT_COUNT; script++)
        TRY(load(restore, script));
    return STATUS_OK;
}

enum status ledger_restore_open(const struct ledger_options *options, char *why, size_t why_max,
                                struct ledger_restore **ret_restore)
{
    struct ledger_restore *restore = calloc(1, sizeof *restore);
    if (restore == NULL)
        return STATUS_NO_ROOM;
    restore->sync = (struct ledger_sync){.options = options, .why = why, .why_max = why_max};
    enum status status = prepare(restore);
    if (status != STATUS_OK) {
        ledger_restore_close(restore);
        return status;
    }
    *ret_restore = restore;
    return STATUS_OK;
}

void ledger_restore_close(struct ledger_restore *restore)
{
    if (restore == NULL)
        return;
    if (restore->held != NULL)
        freeReplyObject(restore->held);
    ledger_sync_close(&restore->sync);
    free(restore);
}

uint64_t ledger_restore_token(const struct ledger_restore *restore)
{
    return restore->sync.token;
}

bool ledger_restore_lost_claim(const struct ledger_restore *restore)
{
    return restore->lost_claim;
}

const struct ledger_restore_counts *ledger_restore_counts(const struct ledger_restore *restore)
{
    return &restore->counts;
}

/* --- shards --- */

enum status ledger_restore_look(struct ledger_restore *restore, int32_t *ret_shards)
{
    int32_t shards = 0;
    for (int32_t shard = 0; shard < LEDGER_SHARDS; shard++) {
        struct ledger_keys keys;
        redisReply *reply = NULL;
        ledger_keys_of_shard(shard, &keys);
        TRY(ledger_sync_ask(&restore->sync, 2, (const char *[]){"GET", keys.text[LEDGER_KEY_INC]},
                            REDIS_REPLY_STRING, &reply));
        if (reply->type != REDIS_REPLY_STRING || strcmp(reply->str, restore->token) != 0)
            shards++;
        freeReplyObject(reply);
    }
    *ret_shards = shards;
    return STATUS_OK;
}

/* Below the oldest that was seen so far; a missing or strange one means: from the beginning. */
static void take_last(const redisReply *reply, int64_t *oldest_ms)
{
    int64_t last_ms;
    bool is_time = reply->elements == 2 && reply->element[1]->type == REDIS_REPLY_STRING &&
                   bytes_to_int64((struct bytes){reply->element[1]->str, reply->element[1]->len},
                                  &last_ms) == STATUS_OK;
    if (!is_time)
        *oldest_ms = -1;
    else if (last_ms < *oldest_ms)
        *oldest_ms = last_ms;
}

enum status ledger_restore_claim(struct ledger_restore *restore, int32_t *ret_shards,
                                 int64_t *ret_oldest_ms)
{
    int32_t shards = 0;
    int64_t oldest_ms = INT64_MAX;
    for (int32_t shard = 0; shard < LEDGER_SHARDS; shard++) {
        struct ledger_keys keys;
        struct words words;
        struct bytes word = BYTES_NONE;
        ledger_keys_of_shard(shard, &keys);
        begin(restore, &words, SCRIPT_CLAIM, &keys, 3, restore->token);
        put(&words, bytes_of(restore->claim));
        TRY(ask(restore, &words, &word));
        if (bytes_equal_text(word, "FOREIGN"))
            return ledger_sync_complain(&restore->sync, STATUS_FOREIGN_DATA,
                                        restore->held->element[1]->str, keys.text[LEDGER_KEY_INC]);
        restore->claimed[shard] = bytes_equal_text(word, "CLAIMED");
        if (!restore->claimed[shard])
            continue;
        shards++;
        take_last(restore->held, &oldest_ms);
    }
    *ret_shards = shards;
    *ret_oldest_ms = oldest_ms;
    return STATUS_OK;
}

static bool has(const struct ledger_restore *restore, const struct ledger_keys *keys)
{
    const char *digits = keys->text[LEDGER_KEY_ORDER] + 4; /* {po:SS} */
    return restore->claimed[(digits[0] - '0') * 10 + (digits[1] - '0')];
}

static void keys_of(const struct ledger_restore *restore, struct bytes order_id,
                    struct ledger_keys *ret_keys)
{
    ledger_keys_of_order(restore->sync.options->key_namespace, order_id, ret_keys);
}

bool ledger_restore_has(const struct ledger_restore *restore, struct bytes order_id)
{
    struct ledger_keys keys;
    keys_of(restore, order_id, &keys);
    return has(restore, &keys);
}

enum status ledger_restore_confirm(struct ledger_restore *restore)
{
    TRY(ledger_restore_settle(restore));
    for (int32_t shard = 0; shard < LEDGER_SHARDS; shard++) {
        struct ledger_keys keys;
        struct words words;
        struct bytes word = BYTES_NONE;
        if (!restore->claimed[shard])
            continue;
        ledger_keys_of_shard(shard, &keys);
        begin(restore, &words, SCRIPT_CONFIRM, &keys, 2, restore->claim);
        put(&words, bytes_of(restore->token));
        TRY(ask(restore, &words, &word));
        must(bytes_equal_text(word, "CONFIRMED"));
    }
    return STATUS_OK;
}

/* --- orders --- */

static void count(struct ledger_restore *restore, struct bytes word)
{
    if (bytes_equal_text(word, "RESTORED"))
        restore->counts.restored++;
    else if (bytes_equal_text(word, "DOUBTED"))
        restore->counts.doubted++;
    else if (bytes_equal_text(word, "FINAL"))
        restore->counts.finals++;
    else
        restore->counts.foreign++; /* its ARM finds the same: nothing is sent for it */
}

static enum status take_one(struct ledger_restore *restore)
{
    void *reply = NULL;
    struct bytes word = BYTES_NONE;
    if (redisGetReply(restore->sync.redis, &reply) != REDIS_OK || reply == NULL)
        return broken(restore);
    restore->on_the_way--;
    enum status status = judge(restore, reply, &word);
    if (status == STATUS_OK)
        count(restore, word);
    freeReplyObject(reply);
    return status;
}

enum status ledger_restore_settle(struct ledger_restore *restore)
{
    while (restore->on_the_way > 0)
        TRY(take_one(restore));
    return STATUS_OK;
}

/* What both scripts take first: src fp oid merchant profile state body due_ms. */
static void put_order(struct words *words, const struct restored_order *order,
                      enum order_state state)
{
    struct buffer source;
    buffer_init(&source, words->source, sizeof words->source);
    if (!bytes_is_none(order->by.topic)) {
        buffer_put(&source, order->by.topic);
        buffer_put_byte(&source, '/');
        buffer_put_int64(&source, order->by.partition);
        buffer_put_byte(&source, '/');
        buffer_put_int64(&source, order->by.offset);
    }
    must(!source.overflowed); /* Kafka's topic names have at most 249 bytes */
    put(words, (struct bytes){source.data, source.len});
    put(words, order->fingerprint);
    put(words, order->order_id);
    put(words, order->merchant_id);
    put(words, order->profile);
    put(words, bytes_of(order_state_name(state)));
    put(words, order->body);
    put_number(words, order->due_ms);
}

enum status ledger_restore_event(struct ledger_restore *restore, const struct restored_order *order)
{
    struct ledger_keys keys;
    struct words words;
    must(order_state_outcome(order->state) != NULL);
    keys_of(restore, order->order_id, &keys);
    must(has(restore, &keys));
    if (restore->on_the_way == ON_THE_WAY_MAX)
        TRY(take_one(restore));
    begin(restore, &words, SCRIPT_RESTORE, &keys, LEDGER_KEY_COUNT, restore->claim);
    put_order(&words, order, order->state);
    put_number(&words, order->attempt);
    put_number(&words, order->sequence);
    put(&words, order->payment_id);
    put(&words, order->refused_payment_ids);
    put(&words, order->doubt ? BYTES("1") : BYTES(""));
    if (order->armed_ms > 0)
        put_number(&words, order->armed_ms);
    else
        put(&words, BYTES(""));
    put_number(&words, restore->sync.options->horizon_ms);
    if (redisAppendCommandArgv(restore->sync.redis, words.count, words.text, words.len) != REDIS_OK)
        return broken(restore);
    restore->on_the_way++;
    return STATUS_OK;
}

enum status ledger_restore_read(struct ledger_restore *restore, struct bytes order_id,
                                struct ledger_reply *ret_reply)
{
    struct ledger_keys keys;
    struct words words;
    struct bytes word, due[LEDGER_DUE_MAX];
    TRY(ledger_restore_settle(restore));
    keys_of(restore, order_id, &keys);
    begin(restore, &words, SCRIPT_READ, &keys, LEDGER_KEY_COUNT, restore->claim);
    TRY(ask(restore, &words, &word));
    struct ledger_reply reply = {.script = LEDGER_READ};
    if (ledger_reply_read(restore->held, BYTES_NONE, due, &reply) != STATUS_OK)
        return ledger_sync_complain(&restore->sync, STATUS_FOREIGN_DATA,
                                    "a script's answer cannot be read",
                                    keys.text[LEDGER_KEY_ORDER]);
    *ret_reply = reply;
    return STATUS_OK;
}

enum status ledger_restore_doubt(struct ledger_restore *restore, const struct restored_order *order)
{
    struct ledger_keys keys;
    struct words words;
    struct bytes word = BYTES_NONE;
    TRY(ledger_restore_settle(restore));
    keys_of(restore, order->order_id, &keys);
    must(has(restore, &keys));
    begin(restore, &words, SCRIPT_DOUBT, &keys, LEDGER_KEY_COUNT, restore->claim);
    put_order(&words, order, ORDER_UNKNOWN);
    TRY(ask(restore, &words, &word));
    count(restore, word);
    return STATUS_OK;
}
