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
#include <curl/curl.h>
#include <event2/event.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <librdkafka/rdkafka.h>
#include <libxml/parser.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>

enum { PAYOUTS_MAX = 1024, BATCH_MAX = 500, BATCH_MS = 10, READ_MAX = 128, PARTITIONS_MAX = 64 };

#define SECRET "test_payout_key"

struct payout {
    struct payout *next;
    int32_t partition;
    int64_t offset;
    char order_id[64], key[96], source[96];
    char form[2048], reply[4096], outcome[2048];
    size_t form_len, reply_len;
    CURL *easy;
    bool takes_id; /* the command's next text is its order id */
};

struct text {
    char data[2048];
    size_t len;
};

struct list {
    struct payout *first, *last;
    size_t count;
};

static const char *commands, *outcomes, *url, *ca_file;
static size_t connections_max, sending;
static struct list spare, waiting, settled, batch;
static CURL *spare_easy[PAYOUTS_MAX];
static size_t spare_easy_count;
static struct curl_slist *headers;
static struct event_base *base;
static struct event *curl_timer, *batch_timer;
static CURLM *multi;
static redisAsyncContext *redis;
static char shas[3][41];
static rd_kafka_t *consumer, *producer;
static rd_kafka_queue_t *records;
static rd_kafka_topic_t *outcomes_topic;
static rd_kafka_consumer_group_metadata_t *membership;
static int start_fd, done_fd, records_fd;
static bool publishing, batch_is_due;
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

static void need(bool is_fine, const char *what)
{
    if (is_fine)
        return;
    fprintf(stderr, "floor: %s\n", what);
    exit(1);
}

static void put(struct list *list, struct payout *payout)
{
    payout->next = NULL;
    *(list->last == NULL ? &list->first : &list->last->next) = payout;
    list->last = payout;
    list->count++;
}

static struct payout *take(struct list *list)
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

/* ---- Redis ---- */

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

/* ---- Kafka out: one thread, because its calls block ---- */

static void add_header(rd_kafka_headers_t *to, const char *name, const char *value)
{
    rd_kafka_header_add(to, name, -1, value, -1);
}

static void produce(const struct payout *payout)
{
    rd_kafka_headers_t *to = rd_kafka_headers_new(10);
    add_header(to, "content-type", "application/json");
    add_header(to, "ce_specversion", "1.0");
    add_header(to, "ce_type", "kz.example.payout.succeeded.v1");
    add_header(to, "ce_source", "/payoutd");
    add_header(to, "ce_id", "5b1f6c1e-8c1d-5e0a-9d7b-0123456789ab");
    add_header(to, "ce_time", "2026-01-01T00:00:00.000Z");
    add_header(to, "ce_subject", payout->order_id);
    add_header(to, "ce_dataschema", "https://schemas.invalid/payoutd/outcome-v1.json");
    add_header(to, "ce_correlationid", "5b1f6c1e-8c1d-5e0a-9d7b-0123456789ab");
    add_header(to, "ce_causationid", "5b1f6c1e-8c1d-5e0a-9d7b-0123456789ab");
    rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = outcomes_topic},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {(void *) payout->order_id, strlen(payout->order_id)}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {(void *) payout->outcome, strlen(payout->outcome)}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = to},
    };
    need(rd_kafka_produceva(producer, fields, 5) == NULL, "kafka: not produced");
}

static void succeed(rd_kafka_error_t *error)
{
    need(error == NULL, error == NULL ? "" : rd_kafka_error_string(error));
}

static rd_kafka_topic_partition_list_t *offsets(void)
{
    static int64_t next[PARTITIONS_MAX];
    bool is_in[PARTITIONS_MAX] = {false};
    static const char metadata[] = "1;0123456789abcdef;1234567;AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS_MAX);
    for (struct payout *payout = batch.first; payout != NULL; payout = payout->next) {
        if (payout->offset >= next[payout->partition])
            next[payout->partition] = payout->offset + 1;
        is_in[payout->partition] = true;
    }
    for (int32_t i = 0; i < PARTITIONS_MAX; i++) {
        if (!is_in[i])
            continue;
        rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_add(list, commands, i);
        one->offset = next[i];
        one->metadata = strdup(metadata);
        one->metadata_size = sizeof metadata - 1;
    }
    return list;
}

static void *publisher(void *nothing)
{
    uint64_t one = 1;
    for (;;) {
        need(read(start_fd, &one, sizeof one) == sizeof one, "eventfd");
        succeed(rd_kafka_begin_transaction(producer));
        rd_kafka_topic_partition_list_t *list = offsets();
        succeed(rd_kafka_send_offsets_to_transaction(producer, list, membership, -1));
        rd_kafka_topic_partition_list_destroy(list);
        for (struct payout *payout = batch.first; payout != NULL; payout = payout->next)
            produce(payout);
        succeed(rd_kafka_commit_transaction(producer, -1));
        one = 1;
        need(write(done_fd, &one, sizeof one) == sizeof one, "eventfd");
    }
    return nothing;
}

static void on_batch_time(evutil_socket_t fd, short what, void *context)
{
    (void) fd, (void) what, (void) context;
    uint64_t one = 1;
    if (publishing) {
        batch_is_due = true;
        return;
    }
    batch_is_due = false;
    while (settled.count > 0 && batch.count < BATCH_MAX)
        put(&batch, take(&settled));
    publishing = true;
    need(write(start_fd, &one, sizeof one) == sizeof one, "eventfd");
}

static void batch_soon(void)
{
    static const struct timeval delay = {0, BATCH_MS * 1000};
    if (settled.count >= BATCH_MAX || batch_is_due)
        on_batch_time(-1, 0, NULL);
    else if (settled.count > 0 && !evtimer_pending(batch_timer, NULL))
        event_add(batch_timer, &delay);
}

static void read_records(void);

static void on_published(evutil_socket_t fd, short what, void *context)
{
    (void) what, (void) context;
    uint64_t one;
    need(read(fd, &one, sizeof one) == sizeof one, "eventfd");
    while (batch.count > 0) {
        struct payout *payout = take(&batch);
        ask(2, payout, 1, (const char *const[]){"34560000000"}, NULL);
        put(&spare, payout);
    }
    publishing = false;
    if (settled.count > 0)
        batch_soon();
    read_records();
}

/* ---- the gateway ---- */

static void on_settled(redisAsyncContext *from, void *reply, void *context)
{
    (void) from;
    check_redis(reply);
    put(&settled, context);
    batch_soon();
}

static void on_text(void *context, const xmlChar *text, int len)
{
    add(context, (const char *) text, (size_t) len);
    add(context, ";", 1);
}

static void settle(struct payout *payout)
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

static size_t on_write(char *data, size_t size, size_t count, void *context)
{
    struct payout *payout = context;
    need(payout->reply_len + size * count < sizeof payout->reply, "a long answer");
    memcpy(payout->reply + payout->reply_len, data, size * count);
    payout->reply_len += size * count;
    return size * count;
}

static CURL *make_easy(void)
{
    CURL *easy = curl_easy_init();
    need(easy != NULL, "curl");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, (char *) NULL);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "payoutd/0.1.0");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    return easy;
}

static void post(struct payout *payout)
{
    payout->easy = spare_easy_count > 0 ? spare_easy[--spare_easy_count] : make_easy();
    payout->reply_len = 0;
    curl_easy_setopt(payout->easy, CURLOPT_POSTFIELDS, payout->form);
    curl_easy_setopt(payout->easy, CURLOPT_POSTFIELDSIZE, (long) payout->form_len);
    curl_easy_setopt(payout->easy, CURLOPT_WRITEDATA, payout);
    curl_easy_setopt(payout->easy, CURLOPT_PRIVATE, payout);
    need(curl_multi_add_handle(multi, payout->easy) == CURLM_OK, "curl");
    sending++;
}

static void act(curl_socket_t fd, int what)
{
    int running, left;
    CURLMsg *message;
    curl_multi_socket_action(multi, fd, what, &running);
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        struct payout *payout;
        need(message->data.result == CURLE_OK, curl_easy_strerror(message->data.result));
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &payout);
        curl_multi_remove_handle(multi, payout->easy);
        spare_easy[spare_easy_count++] = payout->easy;
        sending--;
        settle(payout);
    }
    while (waiting.count > 0 && sending < connections_max)
        post(take(&waiting));
}

static void on_socket_ready(evutil_socket_t fd, short what, void *context)
{
    (void) context;
    act(fd, ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
                ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void on_curl_time(evutil_socket_t fd, short what, void *context)
{
    (void) fd, (void) what, (void) context;
    act(CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_timer(CURLM *from, long delay_ms, void *context)
{
    (void) from, (void) context;
    struct timeval delay = {delay_ms / 1000, delay_ms % 1000 * 1000};
    if (delay_ms < 0)
        event_del(curl_timer);
    else
        event_add(curl_timer, &delay);
    return 0;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *context,
                          void *socket_context)
{
    (void) easy, (void) context;
    struct event *event = socket_context;
    if (event != NULL)
        event_free(event);
    event = NULL;
    if (what != CURL_POLL_REMOVE) {
        short interest = (short) (((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                                  ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0) | EV_PERSIST);
        event = event_new(base, fd, interest, on_socket_ready, NULL);
        event_add(event, NULL);
    }
    curl_multi_assign(multi, fd, event);
    return 0;
}

/* ---- a command ---- */

static void on_armed(redisAsyncContext *from, void *reply, void *context)
{
    (void) from;
    check_redis(reply);
    if (sending < connections_max)
        post(context);
    else
        put(&waiting, context);
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

static void begin(const rd_kafka_message_t *message)
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

static void read_records(void)
{
    rd_kafka_message_t *messages[READ_MAX];
    while (spare.count > 0) {
        size_t max = spare.count < READ_MAX ? spare.count : READ_MAX;
        ssize_t count = rd_kafka_consume_batch_queue(records, 0, messages, max);
        if (count <= 0)
            return;
        if (membership == NULL)
            membership = rd_kafka_consumer_group_metadata(consumer);
        for (ssize_t i = 0; i < count; i++) {
            need(messages[i]->err == 0, rd_kafka_message_errstr(messages[i]));
            begin(messages[i]);
            rd_kafka_message_destroy(messages[i]);
        }
    }
}

static void on_records(evutil_socket_t fd, short what, void *context)
{
    (void) what, (void) context;
    uint64_t count;
    need(read(fd, &count, sizeof count) == sizeof count, "eventfd");
    read_records();
}

/* ---- setting up ---- */

static void on_delivery(rd_kafka_t *from, const rd_kafka_message_t *message, void *context)
{
    (void) from, (void) context;
    need(message->err == 0, "kafka: not delivered");
}

static rd_kafka_t *make_kafka(rd_kafka_type_t type, const char *const (*settings)[2], size_t count)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < count; i++)
        need(rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof why) ==
                 RD_KAFKA_CONF_OK,
             why);
    if (type == RD_KAFKA_PRODUCER)
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof why);
    need(client != NULL, why);
    return client;
}

static void open_kafka(const char *bootstrap, const char *name)
{
    const char *const out[][2] = {
        {"bootstrap.servers", bootstrap},  {"transactional.id", name},
        {"retry.backoff.ms", "1"},         {"linger.ms", "1"},
        {"partitioner", "murmur2_random"},
    };
    const char *const in[][2] = {
        {"bootstrap.servers", bootstrap},  {"group.id", name},
        {"enable.auto.commit", "false"},   {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"}, {"isolation.level", "read_committed"},
        {"queued.min.messages", "4000"},
    };
    const struct rd_kafka_metadata *metadata;
    uint64_t one = 1;
    producer = make_kafka(RD_KAFKA_PRODUCER, out, sizeof out / sizeof out[0]);
    succeed(rd_kafka_init_transactions(producer, 30000));
    outcomes_topic = rd_kafka_topic_new(producer, outcomes, NULL);
    need(rd_kafka_metadata(producer, 0, outcomes_topic, &metadata, 10000) == 0,
         "kafka: no metadata");
    rd_kafka_metadata_destroy(metadata);
    consumer = make_kafka(RD_KAFKA_CONSUMER, in, sizeof in / sizeof in[0]);
    rd_kafka_poll_set_consumer(consumer);
    records = rd_kafka_queue_get_consumer(consumer);
    records_fd = eventfd(0, EFD_CLOEXEC);
    rd_kafka_queue_io_event_enable(records, records_fd, &one, sizeof one);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, commands, RD_KAFKA_PARTITION_UA);
    need(rd_kafka_subscribe(consumer, list) == 0, "kafka: not subscribed");
    rd_kafka_topic_partition_list_destroy(list);
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

static void open_gateway(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    headers = curl_slist_append(NULL, "Expect:");
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long) connections_max);
    curl_timer = evtimer_new(base, on_curl_time, NULL);
}

static void watch(int fd, event_callback_fn ready)
{
    event_add(event_new(base, fd, EV_READ | EV_PERSIST, ready, NULL), NULL);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    need(argc == 9, "BOOTSTRAP COMMANDS OUTCOMES NAME REDIS_PORT GATEWAY_URL CA_FILE CONNECTIONS");
    commands = argv[2], outcomes = argv[3], url = argv[6], ca_file = argv[7];
    connections_max = (size_t) atoi(argv[8]);
    struct payout *payouts = calloc(PAYOUTS_MAX, sizeof *payouts);
    for (size_t i = 0; i < PAYOUTS_MAX; i++)
        put(&spare, &payouts[i]);
    md5 = EVP_MD_CTX_new();
    EVP_DigestInit_ex2(md5, EVP_MD_fetch(NULL, "MD5", NULL), NULL);
    base = event_base_new();
    batch_timer = evtimer_new(base, on_batch_time, NULL);
    open_redis(atoi(argv[5]));
    open_gateway();
    open_kafka(argv[1], argv[4]);
    start_fd = eventfd(0, EFD_CLOEXEC), done_fd = eventfd(0, EFD_CLOEXEC);
    need(pthread_create(&thread, NULL, publisher, NULL) == 0, "thread");
    watch(records_fd, on_records);
    watch(done_fd, on_published);
    return event_base_dispatch(base);
}
