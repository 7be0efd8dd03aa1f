/*
 * hostile_server: a TLS server on loopback that misbehaves on purpose and counts the POSTs that
 * reach it.
 *
 * Its own thread, its own authority made at start in a folder of its own. Every connection has a
 * thread. Counters may be read at any time. hostile_server_stop ends and joins everything within a
 * second.
 */
#ifndef PAYOUTD_TESTS_SUPPORT_HOSTILE_SERVER_H
#define PAYOUTD_TESTS_SUPPORT_HOSTILE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

enum hostile_certificate {
    CERTIFICATE_GOOD,
    CERTIFICATE_SELF_SIGNED,
    CERTIFICATE_WRONG_NAME,
    CERTIFICATE_EXPIRED,
    CERTIFICATE_OTHER_AUTHORITY,
};

/* What it does with a POST; "second" = with the second one of a connection, the first is answered
 * well. */
enum hostile_act {
    ACT_ANSWER,
    ACT_CLOSE_AFTER_READ,
    ACT_CLOSE_BEFORE_READ, /* after the handshake, without reading */
    ACT_RESET_AFTER_READ,
    ACT_HALF_CLOSE, /* sends its end, goes on reading */
    ACT_CUT_HEADERS,
    ACT_CUT_BODY,
    ACT_SILENT,           /* reads, never answers */
    ACT_STORM_OF_1XX,     /* for ever */
    ACT_SWITCH_PROTOCOLS, /* 101 */
    ACT_HUGE_BODY,
    ACT_HUGE_BODY_CHUNKED,
    ACT_HUGE_HEADERS,
    ACT_RAW, /* `raw`, then keeps the connection */
    ACT_SECOND_CLOSE_AFTER_READ,
    ACT_SECOND_CLOSE_BEFORE_READ, /* closes when the next bytes come, unread: a reset */
    ACT_SECOND_RESET_AFTER_READ,
    ACT_SECOND_CLOSE_AFTER_HEADERS, /* body not read */
    ACT_CLOSE_AFTER_ANSWER,         /* says keep-alive and closes */
    ACT_STALL_HANDSHAKE,
};

struct hostile_server_options {
    enum hostile_certificate certificate;
    enum hostile_act act;
    const char *raw; /* ACT_RAW: the whole answer */
    bool only_tls_1_1;
    bool only_tls_1_2;
    bool offers_http2; /* picks h2 whenever the client lets it */
    int32_t answer_delay_ms;
    int32_t handshake_delay_ms;
};

struct hostile_server;

struct hostile_server *hostile_server_start(const struct hostile_server_options *options);
void hostile_server_stop(struct hostile_server *server);
int hostile_server_port(const struct hostile_server *server);
const char *hostile_server_ca_file(const struct hostile_server *server);

int32_t hostile_server_posts(
    const struct hostile_server *server); /* header ends seen after "POST " */
int32_t hostile_server_whole_posts(const struct hostile_server *server); /* with the whole body */
int32_t hostile_server_connections(const struct hostile_server *server);
int32_t hostile_server_open(
    const struct hostile_server *server); /* connections not ended by either side */
bool hostile_server_saw(struct hostile_server *server, const char *text); /* in the last POST */
/* Handshakes that were abbreviated. */
int32_t hostile_server_resumed(const struct hostile_server *server);
/* What was thought to be HTTP began with something else, e.g. the preface of HTTP/2. */
int32_t hostile_server_strange(const struct hostile_server *server);

#endif
