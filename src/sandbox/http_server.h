/*
 * http_server: HTTP/1.1 with keep-alive over libevent, with or without TLS, able to misbehave on
 * purpose.
 *
 * evhttp is not used here because a stand-in for a broken gateway needs the raw connection: half an
 * answer, a reset in the middle, no answer at all, a certificate that nobody trusts. One request of
 * a connection is handled at a time.
 *
 * Life of an exchange: it is given to the handler, which ends it exactly once, now or later, by
 * http_exchange_answer or http_exchange_end. When the client goes away first, the exchange stays
 * valid and writes go nowhere.
 */
#ifndef SANDBOX_HTTP_SERVER_H
#define SANDBOX_HTTP_SERVER_H

#include "payoutd/base/bytes.h"

#include <event2/event.h>
#include <openssl/ssl.h>

struct http_server;
struct http_exchange;

struct http_request {
    struct bytes method, path, query, content_type, body; /* valid during the handler */
};

typedef void http_handle(void *context, struct http_exchange *exchange,
                         const struct http_request *request);

/* What happens to a connection that has just come in. */
enum http_welcome {
    HTTP_WELCOME,
    HTTP_WELCOME_RESET,     /* reset at once: no handshake */
    HTTP_WELCOME_SILENCE,   /* accepted, and then nothing */
    HTTP_WELCOME_UNTRUSTED, /* a certificate that does not verify */
    HTTP_WELCOME_CLOSE,     /* closed after the handshake, before anything is read */
};

struct http_server_options {
    struct event_base *base;
    const char *address;
    uint16_t port;          /* 0: a free one */
    SSL_CTX *tls;           /* NULL: plain; borrowed */
    SSL_CTX *tls_untrusted; /* for HTTP_WELCOME_UNTRUSTED; borrowed */
    http_handle *handle;
    enum http_welcome (*greet)(void *context); /* may be NULL */
    void *context;
};

/* STATUS_ENVIRONMENT when the address cannot be had; says so on stderr. */
MUST_USE enum status http_server_new(const struct http_server_options *options,
                                     struct http_server **ret_server);
void http_server_free(struct http_server *server);
uint16_t http_server_port(const struct http_server *server);
size_t http_server_connections(const struct http_server *server);

/* Outage: nobody listens, connections are reset. Back again on the same port; STATUS_ENVIRONMENT
 * when it is taken. */
void http_server_vanish(struct http_server *server);
MUST_USE enum status http_server_return(struct http_server *server);

/* How an exchange ends, after what was written has been sent. */
enum http_end {
    HTTP_END_KEEP,  /* the connection serves the next request */
    HTTP_END_CLOSE, /* TLS close_notify and FIN */
    HTTP_END_RESET, /* RST */
    HTTP_END_HOLD,  /* silence until the client goes away */
};

void http_exchange_answer(struct http_exchange *exchange, int http_status, const char *content_type,
                          struct bytes body);
void http_exchange_write(struct http_exchange *exchange, struct bytes raw);
void http_exchange_end(struct http_exchange *exchange, enum http_end end);
bool http_exchange_client_is_gone(const struct http_exchange *exchange);

#endif
