/*
 * gateway_handle: one easy handle with every guard of a paying request, and what libcurl may ask
 * while it runs.
 *
 * Inside the gateway adapter only. Guards can be taken away one by one, so that a test can show
 * that each is needed; everything else passes GATEWAY_GUARD_ALL.
 */
#ifndef PAYOUTD_SRC_ADAPTER_GATEWAY_HANDLE_H
#define PAYOUTD_SRC_ADAPTER_GATEWAY_HANDLE_H

#include "payoutd/adapter/gateway_http.h"

#include <curl/curl.h>

enum gateway_guard {
    GATEWAY_GUARD_ONCE = 1,      /* PREREQ aborts once a first call has passed */
    GATEWAY_GUARD_NO_REWIND = 2, /* the body has no seek function */
    GATEWAY_GUARD_IDLE = 4,      /* a connection that idled too long is not used again */
    GATEWAY_GUARD_TLS = 8,       /* https only; the self-test plays on loopback without */
    GATEWAY_GUARD_ALL = 15,
};

enum {
    GATEWAY_CONTENT_TYPE_MAX = 160,
    GATEWAY_HEADERS_MAX = 32 * 1024, /* all header lines of an answer, 1xx included */
    GATEWAY_STATUS_LINES_MAX = 8,    /* the final one and a few 1xx */
};

/* When each kept connection was last used, by its two addresses. What was forgotten counts as too
 * old. */
struct gateway_idle {
    struct gateway_idle_entry {
        uint64_t key;
        int64_t used_ms;
    } * entries;
    size_t mask;
};

/* What all handles of one gateway_http share. */
struct gateway_shared {
    struct gateway_http_options options;
    unsigned guards;
    CURLSH *sessions; /* TLS sessions, so that a new connection is an abbreviated handshake */
    struct gateway_idle idle;
    int32_t starting;     /* with libcurl, PREREQ not called yet */
    int32_t sockets_open; /* busy and kept ones */
};

struct gateway_slot {
    struct gateway_shared *shared;
    CURL *easy;
    struct curl_slist *headers;
    char content_type[GATEWAY_CONTENT_TYPE_MAX];
    struct gateway_slot *next, *previous; /* in the list of free, waiting or running ones */
    bool is_fresh;                        /* what the handle is set to now */
    int64_t timeout_ms;                   /* likewise */

    /* the request */
    uint64_t tag;
    struct bytes body;
    int64_t send_before_ms, asked_ms;

    /* the proof of R3: `passed` turns true when PREREQ lets the request go, and never back */
    bool passed, reused;
    int64_t sent_ms;

    /* this turn with libcurl; a second one happens only after a first PREREQ that aborted */
    int32_t prereq_calls;
    bool opened_socket, too_old;
    uint64_t connection;
    const char *reason; /* why we ended it ourselves; NULL: libcurl's words hold */
    size_t body_read, headers_len;
    int32_t status_lines;
    bool headers_ended; /* libcurl calls headers that are cut short a success */
    char *reply;
    size_t reply_len, reply_size;
    char error[CURL_ERROR_SIZE];
};

/* Slots that are spare, waiting or running: each is in one list, or in the hands of its caller. */
struct gateway_list {
    struct gateway_slot *first, *last;
    size_t count;
};

void gateway_list_put(struct gateway_list *list, struct gateway_slot *slot); /* as the last */
void gateway_list_take(struct gateway_list *list, struct gateway_slot *slot);
void gateway_list_free(struct gateway_list *list); /* and the slots in it */

MUST_USE enum status gateway_idle_init(struct gateway_idle *idle, int32_t connections_max);
void gateway_idle_done(struct gateway_idle *idle);
uint64_t gateway_idle_key(const char *remote_ip, int remote_port, const char *local_ip,
                          int local_port);
void gateway_idle_note(struct gateway_idle *idle, uint64_t key, int64_t now_ms);
/* -1: not known. */
int64_t gateway_idle_since_ms(const struct gateway_idle *idle, uint64_t key);

/* An easy handle with everything that does not change from request to request. */
MUST_USE enum status gateway_handle_new(struct gateway_shared *shared,
                                        struct gateway_slot **ret_slot);
void gateway_handle_free(struct gateway_slot *slot);
/* A new request in it. STATUS_BAD_FIELD when the content type cannot be a header. */
MUST_USE enum status gateway_handle_load(struct gateway_slot *slot,
                                         const struct gateway_request *request, int64_t now_ms);
/* Before it goes to libcurl. STATUS_TIMED_OUT: nothing is left of its time. */
MUST_USE enum status gateway_handle_start(struct gateway_slot *slot, bool fresh, int64_t now_ms);

/* A handle that connects to nothing: adding it to a multi makes libcurl close what has idled too
 * long. */
MUST_USE enum status gateway_handle_janitor(const struct gateway_shared *shared, CURL **ret_easy);
/* Whole seconds for CURLOPT_MAXAGE_CONN, so that libcurl never keeps one longer than
 * reuse_idle_max_ms. */
long gateway_handle_age_max_s(const struct gateway_http_options *options);

/* gateway_http_new and gateway_http_self_test with guards taken away. */
MUST_USE enum status gateway_http_new_guarded(struct loop *loop,
                                              const struct gateway_http_options *options,
                                              unsigned guards, gateway_http_done *done,
                                              void *context, struct gateway_http **ret_http);
MUST_USE enum status gateway_self_test_guarded(unsigned guards, char *ret_why, size_t why_max);
/* Sockets that libcurl holds open: under way, kept, or on their way out. */
int32_t gateway_http_sockets(const struct gateway_http *http);

#endif
