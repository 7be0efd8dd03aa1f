/* What the parts of the floor share (see floor.c). */
#ifndef FLOOR_H
#define FLOOR_H

#include <curl/curl.h>
#include <event2/event.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAYOUTS_MAX = 1024, BATCH_MAX = 500, BATCH_MS = 10 };

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

struct list {
    struct payout *first, *last;
    size_t count;
};

extern struct event_base *base;
extern struct list spare; /* payouts that are free */
extern const char *commands, *outcomes;

/* floor.c */
void need(bool is_fine, const char *what); /* else the program ends */
void put(struct list *list, struct payout *payout);
struct payout *take(struct list *list);
void begin(const rd_kafka_message_t *message); /* a command; takes a spare payout */
void settle(struct payout *payout);            /* the gateway has answered */
void mark(struct payout *payout);              /* its outcome is committed; gives the payout back */

/* floor_kafka.c */
void floor_kafka_open(const char *bootstrap, const char *name);
void floor_kafka_publish(struct payout *payout);

/* floor_gateway.c */
void floor_gateway_open(const char *url, const char *ca_file, size_t connections_max);
void floor_gateway_send(struct payout *payout);

#endif
