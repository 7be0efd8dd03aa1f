/* The restorer beside the loop: a thread that blocks, an eventfd that says when it has ended. */
#include "payoutd/app/restorer.h"

#include "payoutd/codec/keyed_hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct restorer {
    struct restorer_options options;
    restorer_done *done;
    void *context;
    atomic_bool stop;
    pthread_t thread;
    bool has_thread;
    int fd;
    struct loop_watch *watch;
    enum status status; /* these three: the thread's, until it has written to fd */
    struct restorer_report report;
    char why[300];
};

static void *run(void *context)
{
    static const uint64_t one = 1;
    struct restorer *restorer = context;
    restorer->status =
        restorer_run(&restorer->options, &restorer->report, restorer->why, sizeof restorer->why);
    keyed_hash_end_thread();
    must(write(restorer->fd, &one, sizeof one) == sizeof one);
    return NULL;
}

static void on_ended(void *context, int fd, int interest)
{
    (void) interest;
    struct restorer *restorer = context;
    uint64_t count;
    if (read(fd, &count, sizeof count) != sizeof count)
        return;
    pthread_join(restorer->thread, NULL);
    restorer->has_thread = false;
    restorer->done(restorer->context, restorer->status, &restorer->report, restorer->why);
}

enum status restorer_start(struct loop *loop, const struct restorer_options *options,
                           restorer_done *done, void *context, struct restorer **ret_restorer)
{
    struct restorer *restorer = calloc(1, sizeof *restorer);
    if (restorer == NULL)
        return STATUS_NO_ROOM;
    restorer->options = *options;
    restorer->options.stop = &restorer->stop;
    restorer->done = done;
    restorer->context = context;
    restorer->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    enum status status = restorer->fd < 0 ? STATUS_ENVIRONMENT
                                          : loop_watch_new(loop, restorer->fd, LOOP_READ, on_ended,
                                                           restorer, &restorer->watch);
    if (status == STATUS_OK && pthread_create(&restorer->thread, NULL, run, restorer) != 0)
        status = STATUS_ENVIRONMENT;
    if (status != STATUS_OK) {
        restorer_stop(restorer);
        return status;
    }
    restorer->has_thread = true;
    *ret_restorer = restorer;
    return STATUS_OK;
}

void restorer_stop(struct restorer *restorer)
{
    if (restorer == NULL)
        return;
    atomic_store(&restorer->stop, true);
    if (restorer->has_thread)
        pthread_join(restorer->thread, NULL);
    loop_watch_free(restorer->watch);
    if (restorer->fd >= 0)
        close(restorer->fd);
    free(restorer);
}
