/*
 * gateway_http: HTTPS to the gateway over libcurl's multi socket interface, with every guard that
 * keeps one request from becoming two (docs/PROTOCOL.md, libcurl and money).
 *
 * A paying request goes out at most once: HTTP/1.1 only; PREREQ aborts on its second call; the body
 * is a read callback that cannot be rewound; a connection is reused only when it idled less than
 * reuse_idle_max_ms; no redirects, no proxy unless configured, no netrc, no Expect, https only,
 * certificate and host verified, TLS >= 1.2, reply size capped. `sent` in the result is the proof
 * of R3 and rests on PREREQ alone.
 */
#ifndef PAYOUTD_ADAPTER_GATEWAY_HTTP_H
#define PAYOUTD_ADAPTER_GATEWAY_HTTP_H

#include "payoutd/adapter/loop.h"
#include "payoutd/base/bytes.h"

struct gateway_http;

struct gateway_http_options {
    const char *ca_file; /* NULL: the system's */
    const char *proxy;   /* NULL: none */
    const char *user_agent;
    int64_t connect_timeout_ms; /* DNS, TCP and TLS together */
    int64_t request_timeout_ms; /* the whole request, from PREREQ on it counts as sent */
    int64_t reuse_idle_max_ms;  /* 1000 */
    int32_t max_connections;
    size_t reply_max;
};

struct gateway_request {
    uint64_t tag;
    bool pays; /* all money guards; a query may be repeated by its caller */
    const char *url;
    struct bytes body; /* must stay valid until the result */
    struct bytes content_type;
    /* Monotonic; from then on PREREQ and the first read of the body abort: the send window of R1.
     * 0: none */
    int64_t send_before_ms;
};

enum gateway_sent { GATEWAY_NOT_SENT /* proof */, GATEWAY_MAY_BE_SENT };

struct gateway_result {
    uint64_t tag;
    enum gateway_sent sent;
    int32_t http_status; /* 0: no complete answer */
    struct bytes body;   /* valid during the callback; empty unless the answer came whole */
    char why[160];       /* what failed, in words; empty when an answer came whole */
    int64_t sent_ms, answered_ms; /* monotonic, 0: never */
    bool reused;
};

/* On the loop's thread, never from inside gateway_http_send. */
typedef void gateway_http_done(void *context, const struct gateway_result *result);

MUST_USE enum status gateway_http_new(struct loop *loop, const struct gateway_http_options *options,
                                      gateway_http_done *done, void *context,
                                      struct gateway_http **ret_http);
void gateway_http_free(struct gateway_http *http); /* requests under way are cut without a result */

/* STATUS_NO_ROOM when max_connections requests are under way. */
MUST_USE enum status gateway_http_send(struct gateway_http *http,
                                       const struct gateway_request *request);
size_t gateway_http_in_flight(const struct gateway_http *http);

/*
 * Plays the server that reads a POST on a reused connection and dies, on loopback, with the handle
 * options of a paying request. STATUS_UNSAFE when a second POST arrives: the daemon must not run
 * with this libcurl.
 */
MUST_USE enum status gateway_http_self_test(char *ret_why, size_t why_max);

#endif
