/*
 * The floor under payoutd: the same libraries and the same traffic, and nothing else. Commands come
 * from Kafka and are parsed, two scripts write to Redis what a claim and a verdict write, a signed
 * form goes to the gateway over TLS, its answer is parsed and hashed, an outcome and the offsets
 * are committed in one transaction, a third script marks it. Nothing is checked, remembered or
 * decided: a duplicate would be paid twice, a lost answer is the end of the program. What payoutd
 * costs above this is the price of its promises and of its own code.
 *
 *   floor BOOTSTRAP COMMANDS OUTCOMES NAME REDIS_PORT GATEWAY_URL CA_FILE CONNECTIONS
 */
#include "floor.h"

#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <libxml/parser.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#define SECRET "test_payout_key"

struct text {
    char data[2048];
    size_t len;
};

struct event_base *base;
struct list spare;
const char *commands, *outcomes;
static redisAsyncContext *redis;
static char shas[3][41];
static EVP_MD_CTX *md5;

static const char *const scripts[3] = {
    "redis.call('ZADD', KEYS[1], ARGV[1], KEYS[3]) "
    "redis.call('HSET', KEYS[3], 'v', '1', 'st', 'SENDING', 'fp', ARGV[2], 'src', ARGV[3], 'oid', "
    "ARGV[4], "
    "'merchant', ARGV[5], 'profile', ARGV[6], 'inst', ARGV[7], 'call', ARGV[8], 'att', 1, 'seq', "
    "0, 'pub', 0, "
    "'t_arm', ARGV[1]) redis.call('SET', KEYS[2], ARGV[1]) return 'ARMED'",
    "redis.call('ZADD', KEYS[1], ARGV[1], KEYS[3]) "
    "redis.call('HSET', KEYS[3], 'st', 'PAID', 'res', ARGV[2], 'rsrc', ARGV[3], 'seq', 1, "
    "'t_settle', ARGV[1], "
    "'rid', ARGV[4]) redis.call('HSET', KEYS[3], 'pid', ARGV[5]) redis.call('SET', KEYS[2], "
    "ARGV[1]) return 'WRITTEN'",
    "redis.call('HSET', KEYS[3], 'pub', 1) redis.call('PEXPIRE', KEYS[3], ARGV[1]) "
    "redis.call('ZREM', KEYS[1], KEYS[3]) return 'MARKED'",
};

void need(bool is_fine, const char *what)
{
    if (is_fine)
        return;
    fprintf(stderr, "floor: %s\n", what);
    exit(1);
}

void put(struct list *list, struct payout *payout)
{
    payout->next = NULL;
    *(list->last == NULL ? &list->first : &list->last->next) = payout;
    list->last = payout;
    list->count++;
}

struct payout *take(struct list *list)
{
    struct payout *payout = list->first;
    list->first = payout->next;
    if (list->first == NULL)
        list->last = NULL;
    list->count--;
    return payout;
}

static void add(struct text *to, const char *data, size_t len)
{
    need(to->len + len <= sizeof to->data, "a long text");
    memcpy(to->data + to->len, data, len);
    to->len += len;
}

static void hash(const char *text, size_t len, char ret_hex[static 33])
{
    unsigned char digest[16];
    EVP_DigestInit_ex2(md5, NULL, NULL);
    EVP_DigestUpdate(md5, text, len);
    EVP_DigestFinal_ex(md5, digest, NULL);
    for (size_t i = 0; i < sizeof digest; i++) {
        ret_hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        ret_hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    ret_hex[32] = '\0';
}

static void ask(int script, struct payout *payout, size_t count, const char *const *words,
                redisCallbackFn *done)
{
    static const char due[] = "{po:00}:due", last[] = "{po:00}:last";
    const char *all[16] = {"EVALSHA", shas[script], "3", due, last, payout->key};
    memcpy(all + 6, words, count * sizeof words[0]);
    need(redisAsyncCommandArgv(redis, done, payout, (int) (6 + count), all, NULL) == REDIS_OK,
         "redis: not sent");
}

static void check_redis(const redisReply *reply)
{
    need(reply != NULL && reply->type == REDIS_REPLY_STRING,
         reply == NULL ? "redis: gone" : reply->str);
}

static void on_settled(redisAsyncContext *from, void *reply, void *context)
{
    (void) from;
    check_redis(reply);
    floor_kafka_publish(context);
}

static void on_text(void *context, const xmlChar *text, int len)
{
    add(context, (const char *) text, (size_t) len);
    add(context, ";", 1);
}

void settle(struct payout *payout)
{
    struct text values = {.len = 0};
    xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC, .characters = on_text};
    char hex[33], rid[160];
    payout->reply[payout->reply_len] = '\0';
    need(strstr(payout->reply, "<pg_status>ok") != NULL, payout->reply);
    need(xmlSAXUserParseMemory(&handler, &values, payout->reply, (int) payout->reply_len) == 0,
         "xml");
    hash(values.data, values.len, hex);
    snprintf(
        payout->outcome, sizeof payout->outcome,
        "{\"order_id\":\"%s\",\"merchant_id\":\"530123\",\"user_id\":\"user-1\",\"description\":"
        "\"bench %s\","
        "\"status\":\"succeeded\",\"final\":true,\"attempt\":1,\"occurred_at\":\"2026-01-01T00:00:"
        "00.000Z\","
        "\"amount\":{\"value\":\"1000\",\"currency\":\"KZT\"},\"paid_amount\":\"1000.00\","
        "\"gateway\":{"
        "\"payment_id\":\"1000012345\",\"reference\":\"%s\",\"status\":\"ok\",\"http_status\":200},"
        "\"evidence\":\"answer\",\"destination\":{\"type\":\"card_token\",\"fingerprint\":\"%s\"},"
        "\"command\":{"
        "\"id\":\"5b1f6c1e-8c1d-5e0a-9d7b-0123456789ab\",\"topic\":\"%s\",\"partition\":%d,"
        "\"offset\":%lld,"
        "\"timestamp\":\"2026-01-01T00:00:00.000Z\",\"fingerprint\":\"%s%s\"},\"timing\":{"
        "\"received_at\":"
        "\"2026-01-01T00:00:00.000Z\",\"armed_at\":\"2026-01-01T00:00:00.000Z\",\"answered_at\":"
        "\"2026-01-01T00:00:00.000Z\"},\"replayed\":false,\"livemode\":false,\"worker\":{"
        "\"version\":\"0.1.0\"},"
        "\"sequence\":1}",
        payout->order_id, payout->order_id, hex, hex, commands, (int) payout->partition,
        (long long) payout->offset, hex, hex);
    snprintf(rid, sizeof rid, "ANSWER %s 0123456789abcdef0123456789abcdef 1 1 PAID",
             payout->source);
    ask(1, payout, 5,
        (const char *const[]){"1767225600000", payout->outcome, payout->source, rid, "1000012345"},
        on_settled);
}

static void on_armed(redisAsyncContext *from, void *reply, void *context)
{
    (void) from;
    check_redis(reply);
    floor_gateway_send(context);
}

/* Name, value, and the value as the form spells it: all the same for every payout but the order id.
 */
static void sign(struct payout *payout)
{
    const char *const fields[][3] = {
        {"pg_amount", "1000", "1000"},
        {"pg_card_token_to", "0f4d8c1e-6a55-4b39-9d6e-1f2a3b4c5d6e",
         "0f4d8c1e-6a55-4b39-9d6e-1f2a3b4c5d6e"},
        {"pg_currency", "KZT", "KZT"},
        {"pg_description", "a payout of the bench", "a+payout+of+the+bench"},
        {"pg_merchant_id", "530123", "530123"},
        {"pg_order_id", payout->order_id, payout->order_id},
        {"pg_order_time_limit", "2036-01-01 00:00:00", "2036-01-01+00%3A00%3A00"},
        {"pg_post_link", "https://127.0.0.1:1/callback", "https%3A%2F%2F127.0.0.1%3A1%2Fcallback"},
        {"pg_salt", "abcdefghijklmnop", "abcdefghijklmnop"},
        {"pg_user_id", "user-1", "user-1"},
    };
    struct text text = {"reg2reg;", strlen("reg2reg;")};
    char hex[33], *form = payout->form;
    size_t len = 0;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        add(&text, fields[i][1], strlen(fields[i][1]));
        add(&text, ";", 1);
        len += (size_t) snprintf(form + len, sizeof payout->form - len, "%s=%s&", fields[i][0],
                                 fields[i][2]);
    }
    add(&text, SECRET, strlen(SECRET));
    hash(text.data, text.len, hex);
    payout->form_len =
        len + (size_t) snprintf(form + len, sizeof payout->form - len, "pg_sig=%s", hex);
}

static int on_key(void *context, const unsigned char *key, size_t len)
{
    struct payout *payout = context;
    payout->takes_id = len == 8 && memcmp(key, "order_id", 8) == 0;
    return 1;
}

static int on_string(void *context, const unsigned char *value, size_t len)
{
    struct payout *payout = context;
    if (payout->takes_id && len < sizeof payout->order_id) {
        memcpy(payout->order_id, value, len);
        payout->order_id[len] = '\0';
    }
    payout->takes_id = false;
    return 1;
}

void begin(const rd_kafka_message_t *message)
{
    static const yajl_callbacks callbacks = {.yajl_map_key = on_key, .yajl_string = on_string};
    static const char fingerprint[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct payout *payout = take(&spare);
    payout->partition = message->partition;
    payout->offset = message->offset;
    yajl_handle json = yajl_alloc(&callbacks, NULL, payout);
    need(yajl_parse(json, message->payload, message->len) == yajl_status_ok &&
             yajl_complete_parse(json) == yajl_status_ok,
         "json");
    yajl_free(json);
    snprintf(payout->key, sizeof payout->key, "{po:00}:o:%s", payout->order_id);
    snprintf(payout->source, sizeof payout->source, "%s/%d/%lld", commands, (int) payout->partition,
             (long long) payout->offset);
    sign(payout);
    ask(0, payout, 8,
        (const char *const[]){"1767225600000", fingerprint, payout->source, payout->order_id,
                              "530123", "main", "0123456789abcdef0123456789abcdef", "12345"},
        on_armed);
}

void mark(struct payout *payout)
{
    ask(2, payout, 1, (const char *const[]){"34560000000"}, NULL);
    put(&spare, payout);
}

static void open_redis(int port)
{
    redisContext *plain = redisConnect("127.0.0.1", port);
    need(plain != NULL && plain->err == 0, "redis: not connected");
    for (size_t i = 0; i < 3; i++) {
        redisReply *reply = redisCommand(plain, "SCRIPT LOAD %s", scripts[i]);
        need(reply != NULL && reply->type == REDIS_REPLY_STRING, "redis: a script");
        snprintf(shas[i], sizeof shas[i], "%s", reply->str);
        freeReplyObject(reply);
    }
    redisFree(plain);
    redis = redisAsyncConnect("127.0.0.1", port);
    need(redis != NULL && redis->err == 0 && redisLibeventAttach(redis, base) == REDIS_OK,
         "redis: not connected");
}

int main(int argc, char **argv)
{
    need(argc == 9, "BOOTSTRAP COMMANDS OUTCOMES NAME REDIS_PORT GATEWAY_URL CA_FILE CONNECTIONS");
    commands = argv[2], outcomes = argv[3];
    struct payout *payouts = calloc(PAYOUTS_MAX, sizeof *payouts);
    for (size_t i = 0; i < PAYOUTS_MAX; i++)
        put(&spare, &payouts[i]);
    md5 = EVP_MD_CTX_new();
    EVP_DigestInit_ex2(md5, EVP_MD_fetch(NULL, "MD5", NULL), NULL);
    base = event_base_new();
    open_redis(atoi(argv[5]));
    floor_gateway_open(argv[6], argv[7], (size_t) atoi(argv[8]));
    floor_kafka_open(argv[1], argv[4]);
    return event_base_dispatch(base);
}
