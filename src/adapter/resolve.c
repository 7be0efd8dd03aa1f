/* Name look-ups beside the loop, for libraries that would block in them: one short-lived thread
 * each. */
#include "payoutd/adapter/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ADDRESSES_MAX = 8, HOST_MAX = 256 };

/* What the thread and the loop share; the last of the two frees it. */
struct search {
    atomic_int holders;
    int done_fd;
    char host[HOST_MAX];
    int failure; /* of getaddrinfo */
    size_t count;
    char addresses[ADDRESSES_MAX][INET6_ADDRSTRLEN];
};

struct resolve {
    struct search *search;
    struct loop_watch *watch;
    uint32_t turn;
    resolve_done *done;
    void *context;
};

static void search_let_go(struct search *search)
{
    if (atomic_fetch_sub(&search->holders, 1) != 1)
        return;
    close(search->done_fd);
    free(search);
}

static void search_note(struct search *search, const struct addrinfo *info)
{
    const void *address = NULL;
    if (info->ai_family == AF_INET)
        address = &((const struct sockaddr_in *) (const void *) info->ai_addr)->sin_addr;
    else if (info->ai_family == AF_INET6)
        address = &((const struct sockaddr_in6 *) (const void *) info->ai_addr)->sin6_addr;
    if (address != NULL && inet_ntop(info->ai_family, address, search->addresses[search->count],
                                     INET6_ADDRSTRLEN) != NULL)
        search->count++;
}

static void *search_run(void *argument)
{
    struct search *search = argument;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    search->failure = getaddrinfo(search->host, NULL, &hints, &found);
    if (search->failure == 0) {
        for (struct addrinfo *one = found; one != NULL && search->count < ADDRESSES_MAX;
             one = one->ai_next)
            search_note(search, one);
        freeaddrinfo(found);
    }
    uint64_t one = 1;
    must(write(search->done_fd, &one, sizeof one) == (ssize_t) sizeof one);
    search_let_go(search);
    return NULL;
}

static void on_done(void *context, int fd, int interest)
{
    (void) interest;
    struct resolve *resolve = context;
    uint64_t count;
    if (read(fd, &count, sizeof count) != (ssize_t) sizeof count)
        return;
    struct search *search = resolve->search;
    char address[INET6_ADDRSTRLEN] = "", why[HOST_MAX + 96] = "";
    if (search->count > 0)
        memcpy(address, search->addresses[resolve->turn % search->count], sizeof address);
    else
        snprintf(why, sizeof why, "the name '%s' cannot be resolved: %s", search->host,
                 search->failure == 0 ? "no address" : gai_strerror(search->failure));
    resolve_done *done = resolve->done;
    void *done_context = resolve->context;
    resolve_free(resolve);
    done(done_context, address[0] == '\0' ? NULL : address, why);
}

static enum status search_start(struct search *search)
{
    pthread_attr_t attributes;
    pthread_t thread;
    if (pthread_attr_init(&attributes) != 0)
        return STATUS_NO_ROOM;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int failure = pthread_create(&thread, &attributes, search_run, search);
    pthread_attr_destroy(&attributes);
    return failure == 0 ? STATUS_OK : STATUS_NO_ROOM;
}

enum status resolve_start(struct loop *loop, const char *host, uint32_t turn, resolve_done *done,
                          void *context, struct resolve **ret_resolve)
{
    if (strlen(host) >= HOST_MAX)
        return STATUS_TOO_LARGE;
    struct resolve *resolve = calloc(1, sizeof *resolve);
    struct search *search = calloc(1, sizeof *search);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (resolve == NULL || search == NULL || fd < 0) {
        free(resolve);
        free(search);
        if (fd >= 0)
            close(fd);
        return STATUS_NO_ROOM;
    }
    atomic_init(&search->holders, 1);
    search->done_fd = fd;
    memcpy(search->host, host, strlen(host) + 1);
    *resolve = (struct resolve){.search = search, .turn = turn, .done = done, .context = context};
    enum status status = loop_watch_new(loop, fd, LOOP_READ, on_done, resolve, &resolve->watch);
    if (status == STATUS_OK) {
        atomic_fetch_add(&search->holders, 1); /* the thread's */
        status = search_start(search);
        if (status != STATUS_OK)
            search_let_go(search);
    }
    if (status != STATUS_OK) {
        resolve_free(resolve);
        return status;
    }
    *ret_resolve = resolve;
    return STATUS_OK;
}

void resolve_free(struct resolve *resolve)
{
    if (resolve == NULL)
        return;
    loop_watch_free(resolve->watch);
    search_let_go(resolve->search);
    free(resolve);
}

bool resolve_is_numeric(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}
