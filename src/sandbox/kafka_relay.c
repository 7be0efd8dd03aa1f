/* Passes Kafka's frames on, in both directions, and commits offsets when a transaction does. */
#include "kafka_relay.h"

#include "kafka_offsets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
    ADDRESS_FRAME_MAX = 256 * 1024,
    FRAME_MAX = 128 * 1024 * 1024,
    RETRY_US = 20000,
    TRIES_MAX = 250
};

/* A client's connection and its twin to the broker. */
struct link {
    LIST_ENTRY(link) list;
    struct kafka_relay *relay;
    struct bufferevent *client, *broker;
    int32_t end_id;                   /* correlation id of the EndTxn whose offsets wait */
    struct kafka_transaction *ending; /* NULL: none */
    struct evbuffer *held;            /* the answer to it, until the offsets are kept */
    struct bufferevent *committer;
    struct event *retry;
    int tries;
    bool client_is_gone; /* but its transaction still ends */
};

struct kafka_relay {
    struct event_base *base;
    struct evconnlistener *listener;
    uint16_t port, broker_port;
    struct kafka_offsets *offsets;
    LIST_HEAD(link_list, link) links;
};

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct bufferevent *connect_to_broker(struct kafka_relay *relay)
{
    struct sockaddr_in address = loopback(relay->broker_port);
    struct bufferevent *bev = bufferevent_socket_new(relay->base, -1, BEV_OPT_CLOSE_ON_FREE);
    must(bev != NULL);
    (void) bufferevent_socket_connect(bev, (struct sockaddr *) &address, sizeof address);
    return bev;
}

static void end_commit(struct link *link)
{
    if (link->ending != NULL)
        kafka_transaction_free(link->ending);
    if (link->committer != NULL)
        bufferevent_free(link->committer);
    link->ending = NULL;
    link->committer = NULL;
    link->tries = 0;
}

static void close_link(struct link *link)
{
    LIST_REMOVE(link, list);
    end_commit(link);
    event_free(link->retry);
    evbuffer_free(link->held);
    bufferevent_free(link->client);
    bufferevent_free(link->broker);
    free(link);
}

/* One whole frame, with its length, in one piece: its bytes without the length. Absent: not all
 * there yet. */
static struct bytes next_frame(struct evbuffer *input)
{
    unsigned char head[4];
    if (evbuffer_copyout(input, head, sizeof head) < (ev_ssize_t) sizeof head)
        return BYTES_NONE;
    size_t len = (size_t) head[0] << 24 | (size_t) head[1] << 16 | (size_t) head[2] << 8 | head[3];
    if (len > FRAME_MAX || evbuffer_get_length(input) < len + 4)
        return BYTES_NONE;
    const char *data = (const char *) evbuffer_pullup(input, (ev_ssize_t) len + 4);
    must(data != NULL);
    return (struct bytes){data + 4, len};
}

static void on_client(struct bufferevent *bev, void *context)
{
    struct link *link = context;
    struct evbuffer *input = bufferevent_get_input(bev);
    for (struct bytes frame; !bytes_is_none(frame = next_frame(input));) {
        struct kafka_request request = kafka_read_request(frame);
        kafka_offsets_overhear(link->relay->offsets, &request);
        if (request.api == KAFKA_END_TXN && link->ending == NULL) {
            link->ending = kafka_offsets_take(link->relay->offsets, &request);
            link->end_id = request.correlation_id;
        }
        evbuffer_remove_buffer(input, bufferevent_get_output(link->broker), frame.len + 4);
    }
}

/* The broker names itself in its answers; clients shall come to the relay. */
static void change_address(const struct kafka_relay *relay, struct evbuffer *input, size_t len)
{
    static const char host[] = "\0\t127.0.0.1";
    unsigned char *data = evbuffer_pullup(input, (ev_ssize_t) len);
    unsigned char *end = data + len;
    for (unsigned char *at = data;
         (at = memmem(at, (size_t) (end - at), host, sizeof host - 1)) != NULL;) {
        at += sizeof host - 1;
        if (end - at < 4)
            return;
        uint32_t port =
            (uint32_t) at[0] << 24 | (uint32_t) at[1] << 16 | (uint32_t) at[2] << 8 | at[3];
        if (port == relay->broker_port) {
            at[2] = (unsigned char) (relay->port >> 8);
            at[3] = (unsigned char) (relay->port & 0xff);
        }
    }
}

static void start_commit(struct link *link);

static void on_retry(evutil_socket_t fd, short what, void *context)
{
    (void) fd, (void) what;
    start_commit(context);
}

static void release_answer(struct link *link)
{
    end_commit(link);
    if (link->client_is_gone)
        close_link(link);
    else
        evbuffer_add_buffer(bufferevent_get_output(link->client), link->held);
}

/* The group may be between two generations: again in a moment, with what is known then. */
static void commit_failed(struct link *link)
{
    bufferevent_free(link->committer);
    link->committer = NULL;
    if (++link->tries < TRIES_MAX) {
        struct timeval wait = {.tv_usec = RETRY_US};
        evtimer_add(link->retry, &wait);
        return;
    }
    fprintf(stderr, "payout-sandbox: kafka: the offsets of a transaction could not be kept\n");
    release_answer(link);
}

static void on_committed(struct bufferevent *bev, void *context)
{
    struct bytes frame = next_frame(bufferevent_get_input(bev));
    if (bytes_is_none(frame))
        return;
    if (kafka_transaction_was_taken(frame))
        release_answer(context);
    else
        commit_failed(context);
}

static void on_commit_event(struct bufferevent *bev, short what, void *context)
{
    (void) bev;
    if ((what & BEV_EVENT_CONNECTED) == 0)
        commit_failed(context);
}

static void start_commit(struct link *link)
{
    struct bytes request =
        kafka_transaction_request(link->relay->offsets, link->ending, link->tries % 2 == 0);
    link->committer = connect_to_broker(link->relay);
    bufferevent_setcb(link->committer, on_committed, NULL, on_commit_event, link);
    bufferevent_enable(link->committer, EV_READ | EV_WRITE);
    bufferevent_write(link->committer, request.data, request.len);
    free((void *) (uintptr_t) request.data);
}

/* True: the frame is the answer to the EndTxn whose offsets wait, and it has been put aside. */
static bool hold_answer(struct link *link, struct evbuffer *input, struct bytes frame)
{
    struct kafka_reader body = {.rest = frame};
    bool is_answer = kafka_read_int(&body, 4) == link->end_id && link->ending != NULL;
    (void) kafka_read_int(&body, 4); /* throttle time */
    if (!is_answer)
        return false;
    if (kafka_read_int(&body, 2) != 0 || body.broken) { /* it did not commit */
        end_commit(link);
        return false;
    }
    evbuffer_remove_buffer(input, link->held, frame.len + 4);
    start_commit(link);
    return true;
}

static void on_broker(struct bufferevent *bev, void *context)
{
    struct link *link = context;
    struct evbuffer *input = bufferevent_get_input(bev);
    for (struct bytes frame; !bytes_is_none(frame = next_frame(input));) {
        if (frame.len <= ADDRESS_FRAME_MAX)
            change_address(link->relay, input, frame.len + 4);
        if (!hold_answer(link, input, frame))
            evbuffer_remove_buffer(input, bufferevent_get_output(link->client), frame.len + 4);
    }
    if (link->client_is_gone && link->ending == NULL)
        close_link(link);
}

static void on_broker_event(struct bufferevent *bev, short what, void *context)
{
    (void) bev;
    if ((what & BEV_EVENT_CONNECTED) == 0)
        close_link(context);
}

static void on_client_event(struct bufferevent *bev, short what, void *context)
{
    struct link *link = context;
    (void) what;
    if (link->ending == NULL) {
        close_link(link);
        return;
    }
    link->client_is_gone = true; /* killed in mid-commit: a broker would keep the offsets too */
    bufferevent_disable(bev, EV_READ | EV_WRITE);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int address_len, void *context)
{
    struct kafka_relay *relay = context;
    struct link *link = calloc(1, sizeof *link);
    (void) listener, (void) address, (void) address_len;
    must(link != NULL);
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    link->relay = relay;
    link->held = evbuffer_new();
    link->retry = evtimer_new(relay->base, on_retry, link);
    link->client = bufferevent_socket_new(relay->base, fd, BEV_OPT_CLOSE_ON_FREE);
    must(link->held != NULL && link->retry != NULL && link->client != NULL);
    LIST_INSERT_HEAD(&relay->links, link, list);
    link->broker = connect_to_broker(relay);
    bufferevent_setcb(link->client, on_client, NULL, on_client_event, link);
    bufferevent_setcb(link->broker, on_broker, NULL, on_broker_event, link);
    bufferevent_enable(link->client, EV_READ | EV_WRITE);
    bufferevent_enable(link->broker, EV_READ | EV_WRITE);
}

enum status kafka_relay_new(struct event_base *base, uint16_t port, uint16_t broker_port,
                            struct kafka_relay **ret_relay)
{
    struct kafka_relay *relay = calloc(1, sizeof *relay);
    must(relay != NULL);
    *relay = (struct kafka_relay){.base = base, .broker_port = broker_port};
    LIST_INIT(&relay->links);
    struct sockaddr_in address = loopback(port);
    relay->listener = evconnlistener_new_bind(
        base, on_accept, relay, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
        -1, (struct sockaddr *) &address, sizeof address);
    if (relay->listener == NULL) {
        fprintf(stderr, "payout-sandbox: cannot listen on 127.0.0.1:%u: %s\n", port,
                strerror(errno));
        free(relay);
        return STATUS_ENVIRONMENT;
    }
    socklen_t len = sizeof address;
    must(getsockname(evconnlistener_get_fd(relay->listener), (struct sockaddr *) &address, &len) ==
         0);
    relay->port = ntohs(address.sin_port);
    relay->offsets = kafka_offsets_new();
    *ret_relay = relay;
    return STATUS_OK;
}

void kafka_relay_free(struct kafka_relay *relay)
{
    if (relay == NULL)
        return;
    for (struct link *link = LIST_FIRST(&relay->links), *next; link != NULL; link = next) {
        next = LIST_NEXT(link, list);
        close_link(link);
    }
    evconnlistener_free(relay->listener);
    kafka_offsets_free(relay->offsets);
    free(relay);
}

uint16_t kafka_relay_port(const struct kafka_relay *relay)
{
    return relay->port;
}
