/* The publisher's thread and the loop's side of it: one batch in, one report out. */
#include "kafka_publisher_parts.h"

#include "payoutd/adapter/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { OPEN_STEP_MS = 2000, OPEN_PAUSE_MS = 500, IDLE_MS = 1000 };

enum work { WORK_NONE, WORK_GIVEN, WORK_DONE };

struct kafka_publisher {
    struct kafka_publisher_options options; /* our copies */
    struct kafka_publisher_events events;
    struct teller *teller; /* NULL: no topic for it */
    int fd;                /* the thread wakes the loop */
    struct loop_watch *watch;
    pthread_t thread;
    bool has_thread;
    int64_t busy_since_ms; /* the loop's; 0: idle */

    pthread_mutex_t lock; /* of what follows, up to `transactions` */
    pthread_cond_t changed;
    enum work work;
    struct publish_batch batch;
    struct publish_report report;
    bool stopping, ended, is_ready;
    bool has_news; /* for events.ready */
    enum status news_status;
    char news_why[KAFKA_WHY_MAX];

    struct transactions transactions; /* the thread's */
};

static void wake_loop(struct kafka_publisher *publisher)
{
    uint64_t one = 1;
    (void) !write(publisher->fd, &one, sizeof one);
}

/* The lock is held. */
static void wait_for_change(struct kafka_publisher *publisher, int64_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + wait_ms % 1000 * 1000000;
    until.tv_sec += wait_ms / 1000 + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    pthread_cond_timedwait(&publisher->changed, &publisher->lock, &until);
}

static void say(struct kafka_publisher *publisher, enum status status)
{
    pthread_mutex_lock(&publisher->lock);
    bool is_new = publisher->is_ready != (status == STATUS_OK) || publisher->news_status != status;
    publisher->is_ready = status == STATUS_OK;
    if (is_new) {
        publisher->has_news = true;
        publisher->news_status = status;
        snprintf(publisher->news_why, sizeof publisher->news_why, "%s",
                 status == STATUS_OK ? "" : publisher->transactions.why);
    }
    pthread_mutex_unlock(&publisher->lock);
    if (is_new)
        wake_loop(publisher);
}

static void get_ready(struct kafka_publisher *publisher)
{
    struct transactions *transactions = &publisher->transactions;
    enum status status = kafka_transaction_open(transactions, OPEN_STEP_MS);
    if (status == STATUS_OK) {
        status = kafka_transaction_warm(transactions, OPEN_STEP_MS);
        if (status != STATUS_OK)
            kafka_transaction_close(
                transactions); /* initialised once only: the next try makes another */
    }
    say(publisher, status);
    if (status == STATUS_OK)
        return;
    pthread_mutex_lock(&publisher->lock);
    if (!publisher->stopping)
        wait_for_change(publisher, OPEN_PAUSE_MS);
    pthread_mutex_unlock(&publisher->lock);
}

static void run(struct kafka_publisher *publisher)
{
    struct transactions *transactions = &publisher->transactions;
    int64_t start_ms = loop_now_ms();
    enum publish_result result = kafka_transaction_run(transactions, &publisher->batch);
    if (result == PUBLISH_REREAD)
        result = kafka_reread_find(transactions, &publisher->batch);
    bool broken = transactions->broken || result == PUBLISH_DEAD;
    pthread_mutex_lock(&publisher->lock);
    publisher->report = (struct publish_report){
        .number = publisher->batch.number,
        .result = result,
        .offsets = transactions->reread,
        .offsets_count = transactions->reread_count,
        .took_ms = loop_now_ms() - start_ms,
    };
    memcpy(publisher->report.why, transactions->why, sizeof publisher->report.why);
    publisher->work = WORK_DONE;
    publisher->is_ready = !broken;
    pthread_mutex_unlock(&publisher->lock);
    wake_loop(publisher);
    if (broken)
        kafka_transaction_close(transactions);
}

/* Waits for a batch; true: one was given. */
static bool wait_for_batch(struct kafka_publisher *publisher)
{
    pthread_mutex_lock(&publisher->lock);
    if (publisher->work != WORK_GIVEN && !publisher->stopping)
        wait_for_change(publisher, IDLE_MS);
    bool given = publisher->work == WORK_GIVEN;
    pthread_mutex_unlock(&publisher->lock);
    return given;
}

static bool is_stopping(struct kafka_publisher *publisher)
{
    pthread_mutex_lock(&publisher->lock);
    bool stopping = publisher->stopping;
    pthread_mutex_unlock(&publisher->lock);
    return stopping;
}

static void *thread_main(void *context)
{
    struct kafka_publisher *publisher = context;
    while (!is_stopping(publisher)) {
        if (publisher->transactions.producer == NULL || !publisher->is_ready)
            get_ready(publisher);
        else if (wait_for_batch(publisher))
            run(publisher);
        else
            rd_kafka_poll(publisher->transactions.producer, 0);
    }
    kafka_transaction_close(&publisher->transactions);
    pthread_mutex_lock(&publisher->lock);
    publisher->ended = true;
    pthread_cond_broadcast(&publisher->changed);
    pthread_mutex_unlock(&publisher->lock);
    return NULL;
}

static void on_woken(void *context, int fd, int interest)
{
    (void) interest;
    struct kafka_publisher *publisher = context;
    uint64_t count;
    char why[KAFKA_WHY_MAX];
    (void) !read(fd, &count, sizeof count);
    pthread_mutex_lock(&publisher->lock);
    bool has_news = publisher->has_news;
    enum status status = publisher->news_status;
    memcpy(why, publisher->news_why, sizeof why);
    publisher->has_news = false;
    bool done = publisher->work == WORK_DONE;
    struct publish_report report = publisher->report;
    pthread_mutex_unlock(&publisher->lock);
    if (done) {
        publisher->busy_since_ms = 0;
        kafka_membership_drop(publisher->batch.membership);
        publisher->batch.membership = NULL;
        pthread_mutex_lock(&publisher->lock);
        publisher->work = WORK_NONE;
        pthread_mutex_unlock(&publisher->lock);
        publisher->events.done(publisher->events.context, &report);
    }
    if (has_news)
        publisher->events.ready(publisher->events.context, status, why);
}

static enum status start_thread(struct kafka_publisher *publisher)
{
    sigset_t all, before;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&publisher->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&publisher->lock, NULL);
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    publisher->has_thread = pthread_create(&publisher->thread, NULL, thread_main, publisher) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return publisher->has_thread ? STATUS_OK : STATUS_ENVIRONMENT;
}

static enum status start(struct kafka_publisher *publisher, struct loop *loop)
{
    publisher->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (publisher->fd < 0)
        return STATUS_ENVIRONMENT;
    TRY(loop_watch_new(loop, publisher->fd, LOOP_READ, on_woken, publisher, &publisher->watch));
    if (publisher->options.topics[PUBLISH_RESOLUTIONS] != NULL)
        TRY(kafka_tell_new(loop, &publisher->options, &publisher->events, &publisher->teller));
    return start_thread(publisher);
}

enum status kafka_publisher_new(struct loop *loop, const struct kafka_publisher_options *options,
                                const struct kafka_publisher_events *events,
                                struct kafka_publisher **ret_publisher)
{
    struct kafka_publisher *publisher = calloc(1, sizeof *publisher);
    if (publisher == NULL)
        return STATUS_NO_ROOM;
    publisher->fd = -1;
    publisher->events = *events;
    publisher->options = kafka_publisher_copy_options(options);
    publisher->news_status = STATUS_COUNT; /* so that the first word, whichever, is news */
    publisher->transactions.options = &publisher->options;
    enum status status = start(publisher, loop);
    if (status != STATUS_OK) {
        kafka_publisher_close(publisher, 0);
        return status;
    }
    *ret_publisher = publisher;
    return STATUS_OK;
}

static bool stop_thread(struct kafka_publisher *publisher, int64_t wait_ms)
{
    int64_t deadline_ms = loop_now_ms() + wait_ms;
    if (!publisher->has_thread)
        return true;
    pthread_mutex_lock(&publisher->lock);
    publisher->stopping = true;
    pthread_cond_broadcast(&publisher->changed);
    while (!publisher->ended && loop_now_ms() < deadline_ms)
        wait_for_change(publisher, deadline_ms - loop_now_ms());
    bool ended = publisher->ended;
    pthread_mutex_unlock(&publisher->lock);
    if (ended)
        pthread_join(publisher->thread, NULL);
    else
        pthread_detach(publisher->thread);
    return ended;
}

void kafka_publisher_close(struct kafka_publisher *publisher, int64_t wait_ms)
{
    if (publisher == NULL)
        return;
    bool ended = stop_thread(publisher, wait_ms);
    loop_watch_free(publisher->watch);
    kafka_tell_close(publisher->teller);
    if (!ended)
        return; /* the thread still uses all this: left behind, as the process ends */
    kafka_reread_forget(&publisher->transactions);
    kafka_membership_drop(publisher->batch.membership);
    if (publisher->has_thread) {
        pthread_mutex_destroy(&publisher->lock);
        pthread_cond_destroy(&publisher->changed);
    }
    if (publisher->fd >= 0)
        close(publisher->fd);
    kafka_publisher_copy_free(&publisher->options);
    free(publisher);
}

enum status kafka_publisher_submit(struct kafka_publisher *publisher,
                                   const struct publish_batch *batch)
{
    must(batch->offsets_count == 0 ||
         batch->membership != NULL); /* unfenced offsets would be accepted: R7 */
    if (publisher->busy_since_ms != 0)
        return STATUS_NO_ROOM;
    pthread_mutex_lock(&publisher->lock);
    bool is_ready = publisher->is_ready;
    if (is_ready) {
        kafka_reread_forget(&publisher->transactions);
        publisher->batch = *batch;
        if (batch->membership != NULL)
            kafka_membership_keep(batch->membership);
        publisher->work = WORK_GIVEN;
        pthread_cond_broadcast(&publisher->changed);
    }
    pthread_mutex_unlock(&publisher->lock);
    if (!is_ready)
        return STATUS_UNAVAILABLE;
    publisher->busy_since_ms = loop_now_ms();
    return STATUS_OK;
}

bool kafka_publisher_is_busy(const struct kafka_publisher *publisher)
{
    return publisher->busy_since_ms != 0;
}

int64_t kafka_publisher_busy_since_ms(const struct kafka_publisher *publisher)
{
    return publisher->busy_since_ms;
}

enum status kafka_publisher_tell(struct kafka_publisher *publisher, uint64_t tag, struct bytes key,
                                 struct bytes value)
{
    must(publisher->teller != NULL);
    return kafka_tell_send(publisher->teller, tag, key, value);
}
