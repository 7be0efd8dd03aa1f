/*
 * book: every order and its payments, as the gateway's own database would know them.
 *
 * A payment belongs to one order; an order may have many: the stand-in pays a repeated order id
 * again unless told otherwise, and counts. Bounded: beyond `orders_max` the oldest order is
 * forgotten, the totals are not.
 */
#ifndef SANDBOX_BOOK_H
#define SANDBOX_BOOK_H

#include "faults.h"
#include "merchants.h"

#include <sys/queue.h>

enum {
    BOOK_ORDER_ID_MAX = 50,
    BOOK_DESTINATION_MAX = 40,
    BOOK_REFERENCE_MAX = 15,
    BOOK_PAYMENTS_OF_ORDER_MAX = 1000
};

enum payment_state {
    PAYMENT_HIDDEN, /* accepted, and not to be seen: it will be paid later */
    PAYMENT_PROCESS,
    PAYMENT_SUCCESS,
    PAYMENT_ERROR,
};

/* What status queries do to it. */
enum payment_plan {
    PLAN_NONE,
    PLAN_LAG,             /* queries_left times not found */
    PLAN_FLAP,            /* queries_left times, in turn, process and not found */
    PLAN_PROCESS_SUCCESS, /* queries_left times process, then paid */
    PLAN_PROCESS_ERROR,
    PLAN_HIDDEN_SUCCESS, /* paid after queries_left times not found */
    PLAN_CONTRADICTION,  /* queries_left times error, though paid */
};

struct payment {
    int64_t id;
    struct order *order;
    struct payment *earlier; /* of the same order */
    struct payment *chained; /* in the book's index */
    enum payment_state state;
    int32_t error_code;
    enum payment_plan plan;
    int32_t queries_left;
    enum fault_code fault;
    int64_t amount_minor;
    int64_t created_ms, executed_ms;            /* Unix time; 0: never */
    char *post_link;                            /* NULL: none */
    char destination[BOOK_DESTINATION_MAX + 1]; /* masked */
    char reference[BOOK_REFERENCE_MAX + 1];
};

struct order {
    TAILQ_ENTRY(order) age;
    struct order *chained;
    struct merchant *merchant;
    char id[BOOK_ORDER_ID_MAX + 1];
    int64_t requests, executions, queries;
    struct payment *latest;
    size_t payments_count;
};
TAILQ_HEAD(order_list, order);

struct book_totals {
    int64_t orders, payments, executions, executed_minor, orders_executed_twice;
};

struct book;
struct book *book_new(size_t orders_max);
void book_free(struct book *book);
void book_reset(struct book *book); /* forgets all; payment ids go on */

/* `id` is at most BOOK_ORDER_ID_MAX long. */
struct order *book_find(struct book *book, const struct merchant *merchant, struct bytes id);
struct order *book_take(struct book *book, struct merchant *merchant,
                        struct bytes id); /* makes it */
/* A new latest payment; NULL above BOOK_PAYMENTS_OF_ORDER_MAX. */
struct payment *book_pay(struct book *book, struct order *order);
struct payment *book_payment(struct book *book, int64_t payment_id); /* or NULL */
/* The money moves: counted here and nowhere else. */
void book_execute(struct book *book, struct payment *payment, int64_t wall_ms);

const struct order_list *book_orders(const struct book *book); /* oldest first */
const struct book_totals *book_totals(const struct book *book);
const char *payment_state_word(enum payment_state state);

#endif
