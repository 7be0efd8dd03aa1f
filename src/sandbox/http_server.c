/* Accepts, reads requests, and ends connections in every way that a network can. */
#include "http_server.h"

#include "http_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

enum { BACKLOG = 512, CONNECTIONS_MAX = 4096 };

/* A connection; also the exchange that is going on over it. */
struct http_exchange {
    LIST_ENTRY(http_exchange) link;
    struct http_server *server;
    struct bufferevent *bev; /* NULL: the connection is gone */
    enum http_welcome welcome;
    enum http_end end; /* once nothing is left to write */
    bool busy;         /* a request waits for its end */
    bool held;         /* nobody will end it but the client */
    bool reading;      /* advance() is on the stack */
    bool continued;    /* 100 Continue was sent for this request */
    bool keep_alive;
};

struct http_server {
    struct http_server_options options;
    struct evconnlistener *listener;
    uint16_t port;
    size_t connections;
    LIST_HEAD(exchange_head, http_exchange) exchanges;
};

static void release(struct http_exchange *exchange)
{
    if (exchange->bev != NULL || exchange->busy || exchange->reading)
        return;
    LIST_REMOVE(exchange, link);
    exchange->server->connections--;
    free(exchange);
}

static void drop(struct http_exchange *exchange, bool reset)
{
    if (exchange->bev == NULL)
        return;
    SSL *ssl = bufferevent_openssl_get_ssl(exchange->bev);
    evutil_socket_t fd = bufferevent_getfd(exchange->bev);
    if (reset && fd >= 0) {
        struct linger at_once = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    } else if (ssl != NULL && SSL_is_init_finished(ssl)) {
        SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN); /* says goodbye, waits for none */
        SSL_shutdown(ssl);
        ERR_clear_error();
    }
    bufferevent_free(exchange->bev);
    exchange->bev = NULL;
    if (exchange->held)
        exchange->busy = false;
    release(exchange);
}

static bool has_unsent(const struct http_exchange *exchange)
{
    return evbuffer_get_length(bufferevent_get_output(exchange->bev)) > 0;
}

static void on_written(struct bufferevent *bev, void *context)
{
    struct http_exchange *exchange = context;
    (void) bev;
    if (!exchange->busy && exchange->end != HTTP_END_KEEP && !has_unsent(exchange))
        drop(exchange, exchange->end == HTTP_END_RESET);
}

static void refuse(struct http_exchange *exchange, int http_status)
{
    exchange->busy = true;
    exchange->keep_alive = false;
    http_exchange_answer(exchange, http_status, "text/plain", BYTES("not a request I can read\n"));
}

/* One request as a copy of its bytes; the views point into it. */
struct message {
    char *data;
    struct http_head head;
    struct bytes body;
    size_t consumed;
};

static enum status find_body(struct message *message, size_t head_len, size_t have)
{
    char *body = message->data + head_len;
    size_t len = message->head.content_length, consumed = len;
    if (message->head.chunked)
        TRY(http_parse_chunks((struct bytes){body, have}, body, &len, &consumed));
    else if (have < len)
        return STATUS_UNAVAILABLE;
    message->body = (struct bytes){body, len};
    message->consumed = head_len + consumed;
    return STATUS_OK;
}

static void tell_to_continue(struct http_exchange *exchange)
{
    if (!exchange->continued)
        http_exchange_write(exchange, BYTES("HTTP/1.1 100 Continue\r\n\r\n"));
    exchange->continued = true;
}

/* STATUS_UNAVAILABLE while bytes are missing. On STATUS_OK message->data is the caller's. */
static enum status take_message(struct http_exchange *exchange, struct message *ret_message)
{
    struct evbuffer *input = bufferevent_get_input(exchange->bev);
    size_t have = evbuffer_get_length(input);
    struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
    if (end.pos < 0)
        return have > HTTP_HEAD_MAX ? STATUS_TOO_LARGE : STATUS_UNAVAILABLE;
    size_t head_len = (size_t) end.pos + 4;
    struct message message = {.data = malloc(have + 1)};
    must(message.data != NULL);
    must(evbuffer_copyout(input, message.data, have) == (ev_ssize_t) have);
    enum status status = http_parse_head((struct bytes){message.data, head_len - 4}, &message.head);
    if (status == STATUS_OK)
        status = find_body(&message, head_len, have - head_len);
    if (status == STATUS_UNAVAILABLE && message.head.expects_continue)
        tell_to_continue(exchange);
    if (status != STATUS_OK) {
        free(message.data);
        return status;
    }
    evbuffer_drain(input, message.consumed);
    *ret_message = message;
    return STATUS_OK;
}

static void handle(struct http_exchange *exchange, const struct message *message)
{
    struct http_server_options *options = &exchange->server->options;
    exchange->busy = true;
    exchange->continued = false;
    exchange->keep_alive = message->head.keep_alive;
    struct http_request request = {message->head.method, message->head.path, message->head.query,
                                   message->head.content_type, message->body};
    options->handle(options->context, exchange, &request);
}

/* Handles requests until one waits for its end or the input is used up. */
static void advance(struct http_exchange *exchange)
{
    if (exchange->reading)
        return;
    exchange->reading = true;
    while (exchange->bev != NULL && !exchange->busy && exchange->end == HTTP_END_KEEP) {
        struct message message;
        enum status status = take_message(exchange, &message);
        if (status == STATUS_UNAVAILABLE)
            break;
        if (status != STATUS_OK) {
            refuse(exchange, status == STATUS_TOO_LARGE ? 413 : 400);
            break;
        }
        handle(exchange, &message);
        free(message.data);
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): release() frees nothing while `reading` is set */
    exchange->reading = false;
    release(exchange);
}

static void on_readable(struct bufferevent *bev, void *context)
{
    (void) bev;
    advance(context);
}

static void on_event(struct bufferevent *bev, short what, void *context)
{
    struct http_exchange *exchange = context;
    (void) bev;
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        if (exchange->welcome == HTTP_WELCOME_CLOSE)
            drop(exchange, false);
        return;
    }
    drop(exchange, false);
}

static SSL_CTX *context_for(const struct http_server_options *options, enum http_welcome welcome)
{
    if (welcome == HTTP_WELCOME_SILENCE)
        return NULL; /* reads what comes and never speaks */
    return welcome == HTTP_WELCOME_UNTRUSTED ? options->tls_untrusted : options->tls;
}

static struct bufferevent *new_bufferevent(struct http_server *server, evutil_socket_t fd,
                                           enum http_welcome welcome)
{
    SSL_CTX *tls = context_for(&server->options, welcome);
    if (tls == NULL)
        return bufferevent_socket_new(server->options.base, fd, BEV_OPT_CLOSE_ON_FREE);
    SSL *ssl = SSL_new(tls);
    must(ssl != NULL);
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        server->options.base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    must(bev != NULL);
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

static void refuse_socket(evutil_socket_t fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    evutil_closesocket(fd);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int address_len, void *context)
{
    struct http_server *server = context;
    (void) listener, (void) address, (void) address_len;
    enum http_welcome welcome = server->options.greet == NULL
                                    ? HTTP_WELCOME
                                    : server->options.greet(server->options.context);
    if (welcome == HTTP_WELCOME_RESET || server->connections >= CONNECTIONS_MAX) {
        refuse_socket(fd);
        return;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct http_exchange *exchange = calloc(1, sizeof *exchange);
    must(exchange != NULL);
    exchange->server = server;
    exchange->welcome = welcome;
    exchange->bev = new_bufferevent(server, fd, welcome);
    must(exchange->bev != NULL);
    LIST_INSERT_HEAD(&server->exchanges, exchange, link);
    server->connections++;
    bool silent = welcome == HTTP_WELCOME_SILENCE;
    bufferevent_setcb(exchange->bev, silent ? NULL : on_readable, on_written, on_event, exchange);
    bufferevent_setwatermark(exchange->bev, EV_READ, 0, HTTP_HEAD_MAX + 2 * HTTP_BODY_MAX);
    bufferevent_enable(exchange->bev, EV_READ | EV_WRITE);
}

static enum status listen_on(struct http_server *server, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, server->options.address, &address.sin_addr) != 1) {
        fprintf(stderr, "payout-sandbox: '%s' is not an IPv4 address\n", server->options.address);
        return STATUS_CONFIG;
    }
    server->listener =
        evconnlistener_new_bind(server->options.base, on_accept, server,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
                                BACKLOG, (struct sockaddr *) &address, sizeof address);
    if (server->listener == NULL) {
        fprintf(stderr, "payout-sandbox: cannot listen on %s:%u: %s\n", server->options.address,
                port, strerror(errno));
        return STATUS_ENVIRONMENT;
    }
    socklen_t len = sizeof address;
    must(getsockname(evconnlistener_get_fd(server->listener), (struct sockaddr *) &address, &len) ==
         0);
    server->port = ntohs(address.sin_port);
    return STATUS_OK;
}

enum status http_server_new(const struct http_server_options *options,
                            struct http_server **ret_server)
{
    struct http_server *server = calloc(1, sizeof *server);
    must(server != NULL);
    server->options = *options;
    LIST_INIT(&server->exchanges);
    enum status status = listen_on(server, options->port);
    if (status != STATUS_OK) {
        free(server);
        return status;
    }
    *ret_server = server;
    return STATUS_OK;
}

static void drop_all(struct http_server *server)
{
    struct http_exchange *exchange = LIST_FIRST(&server->exchanges);
    while (exchange != NULL) {
        struct http_exchange *next = LIST_NEXT(exchange, link);
        drop(exchange, true);
        exchange = next;
    }
}

void http_server_vanish(struct http_server *server)
{
    if (server->listener != NULL)
        evconnlistener_free(server->listener);
    server->listener = NULL;
    drop_all(server);
}

enum status http_server_return(struct http_server *server)
{
    return server->listener != NULL ? STATUS_OK : listen_on(server, server->port);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    http_server_vanish(server);
    must(LIST_EMPTY(&server->exchanges)); /* every exchange has been ended */
    free(server);
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

size_t http_server_connections(const struct http_server *server)
{
    return server->connections;
}

void http_exchange_answer(struct http_exchange *exchange, int http_status, const char *content_type,
                          struct bytes body)
{
    char head[256];
    bool keep = exchange->keep_alive;
    int len = snprintf(head, sizeof head,
                       "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n",
                       http_status, http_status_reason(http_status), content_type, body.len,
                       keep ? "" : "Connection: close\r\n");
    must(len > 0 && (size_t) len < sizeof head);
    if (exchange->bev != NULL) /* one chain of memory: one TLS record, one segment */
        evbuffer_expand(bufferevent_get_output(exchange->bev), (size_t) len + body.len);
    http_exchange_write(exchange, (struct bytes){head, (size_t) len});
    http_exchange_write(exchange, body);
    http_exchange_end(exchange, keep ? HTTP_END_KEEP : HTTP_END_CLOSE);
}

void http_exchange_write(struct http_exchange *exchange, struct bytes raw)
{
    if (exchange->bev != NULL && raw.len > 0)
        must(bufferevent_write(exchange->bev, raw.data, raw.len) == 0);
}

void http_exchange_end(struct http_exchange *exchange, enum http_end end)
{
    must(exchange->busy && !exchange->held);
    if (end == HTTP_END_HOLD && exchange->bev != NULL) {
        exchange->held = true;
        return;
    }
    exchange->busy = false;
    exchange->end = end;
    if (exchange->bev == NULL)
        release(exchange);
    else if (end != HTTP_END_KEEP && !has_unsent(exchange))
        drop(exchange, end == HTTP_END_RESET);
    else if (end == HTTP_END_KEEP)
        advance(exchange);
}

bool http_exchange_client_is_gone(const struct http_exchange *exchange)
{
    return exchange->bev == NULL;
}
