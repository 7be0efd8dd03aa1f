/* The stand-in's memory of orders and payments: two hash tables and a list by age. */
#include "book.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_PAYMENT_ID = 1000001 };

struct book {
    size_t orders_max, orders_count, buckets_count; /* buckets: a power of two */
    struct order **orders;
    struct payment **payments;
    struct order_list by_age;
    int64_t next_payment_id;
    struct book_totals totals;
};

struct book *book_new(size_t orders_max)
{
    struct book *book = calloc(1, sizeof *book);
    must(book != NULL);
    book->orders_max = orders_max;
    book->buckets_count = 1024;
    while (book->buckets_count < orders_max)
        book->buckets_count *= 2;
    book->orders = calloc(book->buckets_count, sizeof(struct order *));
    book->payments = calloc(book->buckets_count, sizeof(struct payment *));
    must(book->orders != NULL && book->payments != NULL);
    TAILQ_INIT(&book->by_age);
    book->next_payment_id = FIRST_PAYMENT_ID;
    return book;
}

static struct order **order_bucket(const struct book *book, const struct merchant *merchant,
                                   struct bytes id)
{
    uint64_t hash = 0xcbf29ce484222325u ^ (uintptr_t) merchant;
    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (unsigned char) id.data[i]) * 0x100000001b3u;
    return &book->orders[(hash ^ (hash >> 32)) & (book->buckets_count - 1)];
}

static struct payment **payment_bucket(const struct book *book, int64_t payment_id)
{
    return &book->payments[(uint64_t) payment_id & (book->buckets_count - 1)];
}

static void forget_payment(struct book *book, struct payment *payment)
{
    struct payment **place = payment_bucket(book, payment->id);
    while (*place != payment)
        place = &(*place)->chained;
    *place = payment->chained;
    free(payment->post_link);
    free(payment);
}

static void forget_order(struct book *book, struct order *order)
{
    struct order **place = order_bucket(book, order->merchant, bytes_of(order->id));
    while (*place != order)
        place = &(*place)->chained;
    *place = order->chained;
    TAILQ_REMOVE(&book->by_age, order, age);
    for (struct payment *payment = order->latest; payment != NULL;) {
        struct payment *earlier = payment->earlier;
        forget_payment(book, payment);
        payment = earlier;
    }
    free(order);
    book->orders_count--;
}

void book_reset(struct book *book)
{
    while (!TAILQ_EMPTY(&book->by_age))
        forget_order(book, TAILQ_FIRST(&book->by_age));
    book->totals = (struct book_totals){0};
}

void book_free(struct book *book)
{
    if (book == NULL)
        return;
    book_reset(book);
    free(book->orders);
    free(book->payments);
    free(book);
}

struct order *book_find(struct book *book, const struct merchant *merchant, struct bytes id)
{
    struct order *order = *order_bucket(book, merchant, id);
    while (order != NULL && (order->merchant != merchant || !bytes_equal_text(id, order->id)))
        order = order->chained;
    return order;
}

struct order *book_take(struct book *book, struct merchant *merchant, struct bytes id)
{
    struct order *order = book_find(book, merchant, id);
    if (order != NULL)
        return order;
    if (book->orders_count == book->orders_max)
        forget_order(book, TAILQ_FIRST(&book->by_age));
    order = calloc(1, sizeof *order);
    must(order != NULL && id.len <= BOOK_ORDER_ID_MAX);
    memcpy(order->id, id.data, id.len);
    order->merchant = merchant;
    struct order **bucket = order_bucket(book, merchant, id);
    order->chained = *bucket;
    *bucket = order;
    TAILQ_INSERT_TAIL(&book->by_age, order, age);
    book->orders_count++;
    book->totals.orders++;
    return order;
}

struct payment *book_pay(struct book *book, struct order *order)
{
    if (order->payments_count == BOOK_PAYMENTS_OF_ORDER_MAX)
        return NULL;
    struct payment *payment = calloc(1, sizeof *payment);
    must(payment != NULL);
    payment->id = book->next_payment_id++;
    payment->order = order;
    payment->earlier = order->latest;
    order->latest = payment;
    order->payments_count++;
    struct payment **bucket = payment_bucket(book, payment->id);
    payment->chained = *bucket;
    *bucket = payment;
    book->totals.payments++;
    return payment;
}

struct payment *book_payment(struct book *book, int64_t payment_id)
{
    struct payment *payment = *payment_bucket(book, payment_id);
    while (payment != NULL && payment->id != payment_id)
        payment = payment->chained;
    return payment;
}

void book_execute(struct book *book, struct payment *payment, int64_t wall_ms)
{
    must(payment->executed_ms == 0);
    payment->executed_ms = wall_ms;
    payment->order->merchant->balance_minor -= payment->amount_minor;
    book->totals.executions++;
    book->totals.executed_minor += payment->amount_minor;
    if (++payment->order->executions == 2)
        book->totals.orders_executed_twice++;
}

const struct order_list *book_orders(const struct book *book)
{
    return &book->by_age;
}

const struct book_totals *book_totals(const struct book *book)
{
    return &book->totals;
}

const char *payment_state_word(enum payment_state state)
{
    switch (state) {
    case PAYMENT_HIDDEN:
        return "hidden";
    case PAYMENT_PROCESS:
        return "process";
    case PAYMENT_SUCCESS:
        return "success";
    case PAYMENT_ERROR:
        return "error";
    }
    must(false);
}
