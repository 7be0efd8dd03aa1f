/* HTTPS to the gateway: libcurl's multi socket interface inside the loop, around handles that pay
 * at most once. */
#include "gateway_handle.h"
#include "gateway_memory.h"

#include "payoutd/adapter/kill_point.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * STARTING_MAX: at most so many requests look up names and shake hands at once; libcurl takes a
 * thread for each look-up. SPARE_HANDLES: what is kept beyond the recent peak.
 */
enum { STARTING_MAX = 32, SPARE_HANDLES = 8, TRIM_FROM = 64, JANITOR_SLACK_MS = 100 };

struct gateway_http {
    struct gateway_shared shared;
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer; /* the one that libcurl wants */
    struct loop_timer *janitor_timer;
    CURL *janitor;
    bool janitor_runs, janitor_is_set;
    struct gateway_list spare, waiting, running;
    size_t given_back; /* handles, since the last trim */
    size_t peak;       /* of requests under way since the janitor came */
    gateway_http_done *done;
    void *context;
};

size_t gateway_http_in_flight(const struct gateway_http *http)
{
    return http->running.count + http->waiting.count;
}

int32_t gateway_http_sockets(const struct gateway_http *http)
{
    return http->shared.sockets_open;
}

static void describe(char *ret_why, size_t why_max, const struct gateway_slot *slot, CURLcode code,
                     long http_status)
{
    if (slot->reason != NULL)
        (void) snprintf(ret_why, why_max, "%s", slot->reason);
    else if (code == CURLE_OK)
        (void) snprintf(ret_why, why_max, "the answer ended %s HTTP status %ld",
                        slot->headers_ended ? "with" : "within the headers of", http_status);
    else
        (void) snprintf(ret_why, why_max, "%.130s (libcurl %d)",
                        slot->error[0] != '\0' ? slot->error : curl_easy_strerror(code),
                        (int) code);
}

/* The slot is free again before the callback, which may send at once. */
static void deliver(struct gateway_http *http, struct gateway_slot *slot, CURLcode code)
{
    struct gateway_result result = {
        .tag = slot->tag,
        .sent = slot->passed ? GATEWAY_MAY_BE_SENT : GATEWAY_NOT_SENT,
        .sent_ms = slot->sent_ms,
        .reused = slot->reused,
    };
    char *reply = slot->reply;
    long http_status = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &http_status);
    if (code == CURLE_OK && slot->passed && slot->headers_ended && http_status >= 200) {
        result.http_status = (int32_t) http_status;
        result.body = (struct bytes){reply == NULL ? "" : reply, slot->reply_len};
        result.answered_ms = loop_now_ms();
    } else
        describe(result.why, sizeof result.why, slot, code, http_status);
    slot->reply = NULL;
    slot->reply_size = slot->reply_len = 0;
    slot->body = BYTES_NONE;
    gateway_list_put(&http->spare, slot);
    http->done(http->context, &result);
    free(reply);
}

/* False: nothing was begun, nothing was sent. */
static bool begin(struct gateway_http *http, struct gateway_slot *slot, bool fresh)
{
    if (gateway_handle_start(slot, fresh, loop_now_ms()) != STATUS_OK) {
        slot->reason = "no time was left to begin the request";
        return false;
    }
    if (curl_multi_add_handle(http->multi, slot->easy) != CURLM_OK) {
        slot->reason = "libcurl could not begin the request";
        return false;
    }
    http->shared.starting++;
    gateway_list_put(&http->running, slot);
    return true;
}

/* A wait for a free place is bounded like a connection that does not come about. */
static bool waited_too_long(const struct gateway_http *http, struct gateway_slot *slot)
{
    int64_t now_ms = loop_now_ms();
    if (now_ms - slot->asked_ms >= http->shared.options.connect_timeout_ms)
        slot->reason = "too many connections to the gateway were being opened";
    else if (slot->send_before_ms != 0 && now_ms >= slot->send_before_ms)
        slot->reason = "the send window was over before the request could begin";
    else
        return false;
    return true;
}

static void begin_waiting(struct gateway_http *http)
{
    while (http->waiting.first != NULL) {
        struct gateway_slot *slot = http->waiting.first;
        bool too_late = waited_too_long(http, slot);
        if (!too_late && http->shared.starting >= STARTING_MAX)
            return;
        gateway_list_take(&http->waiting, slot);
        if (too_late || !begin(http, slot, false))
            deliver(http, slot, CURLE_OPERATION_TIMEDOUT);
    }
}

/* A first PREREQ that said no because of the connection's age has proved that nothing left: once
 * more, on a new one. */
static void finish(struct gateway_http *http, struct gateway_slot *slot, CURLcode code)
{
    curl_multi_remove_handle(http->multi, slot->easy);
    gateway_list_take(&http->running, slot);
    if (slot->prereq_calls == 0)
        http->shared.starting--;
    if (code == CURLE_OK && slot->passed)
        gateway_idle_note(&http->shared.idle, slot->connection, loop_now_ms());
    if (!slot->passed && slot->too_old && begin(http, slot, true))
        return;
    deliver(http, slot, code);
}

static void set_janitor(struct gateway_http *http)
{
    if (http->janitor_is_set)
        return;
    http->janitor_is_set = true;
    int64_t idle_ms = 1000 * (gateway_handle_age_max_s(&http->shared.options) + 1);
    loop_timer_set(http->janitor_timer, idle_ms + JANITOR_SLACK_MS);
}

/* The old connections are closed by now, so there is something to trim. */
static void end_janitor(struct gateway_http *http)
{
    curl_multi_remove_handle(http->multi, http->janitor);
    http->janitor_runs = false;
    if (http->given_back > TRIM_FROM) {
        gateway_memory_trim();
        http->given_back = 0;
    }
}

/* After every call of curl_multi_socket_action; outside of libcurl, so everything may be called. */
static void drain(struct gateway_http *http)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        must(message->msg == CURLMSG_DONE);
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        if (easy == http->janitor) {
            end_janitor(http);
            continue;
        }
        struct gateway_slot *slot = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
        finish(http, slot, code);
    }
    begin_waiting(http);
    if (http->shared.sockets_open > 0)
        set_janitor(http);
}

static void act(struct gateway_http *http, curl_socket_t fd, int events)
{
    int running;
    must(curl_multi_socket_action(http->multi, fd, events, &running) == CURLM_OK);
    KILL_POINT_IF(http->running.last != NULL && http->running.last->passed &&
                      http->running.last->send_before_ms != 0,
                  "after_first_byte");
    drain(http);
}

static void on_ready(void *context, int fd, int interest)
{
    act(context, fd,
        ((interest & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
            ((interest & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void on_timer(void *context)
{
    act(context, CURL_SOCKET_TIMEOUT, 0);
}

/* Lets libcurl close what idled too long, and gives back handles that a burst has left. */
static void on_janitor(void *context)
{
    struct gateway_http *http = context;
    http->janitor_is_set = false;
    while (http->spare.count > 0 &&
           http->spare.count + gateway_http_in_flight(http) > http->peak + SPARE_HANDLES) {
        struct gateway_slot *slot = http->spare.first;
        gateway_list_take(&http->spare, slot);
        gateway_handle_free(slot);
        http->given_back++;
    }
    http->peak = gateway_http_in_flight(http);
    if (!http->janitor_runs && curl_multi_add_handle(http->multi, http->janitor) == CURLM_OK)
        http->janitor_runs = true;
    if (http->shared.sockets_open > 0 || http->peak > 0)
        set_janitor(http);
}

/* Called by libcurl: it only notes. */
static int on_timeout(CURLM *multi, long timeout_ms, void *context)
{
    (void) multi;
    struct gateway_http *http = context;
    if (timeout_ms < 0)
        loop_timer_clear(http->timer);
    else
        loop_timer_set(http->timer, timeout_ms);
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    (void) easy;
    struct gateway_http *http = context;
    struct loop_watch *watch = socket_context;
    if (what == CURL_POLL_REMOVE) {
        loop_watch_free(watch);
        curl_multi_assign(http->multi, fd, NULL);
        return 0;
    }
    int interest = ((what & CURL_POLL_IN) != 0 ? LOOP_READ : 0) |
                   ((what & CURL_POLL_OUT) != 0 ? LOOP_WRITE : 0);
    if (watch != NULL) {
        must(loop_watch_change(watch, interest) == STATUS_OK);
        return 0;
    }
    must(loop_watch_new(http->loop, fd, interest, on_ready, http, &watch) == STATUS_OK);
    curl_multi_assign(http->multi, fd, watch);
    return 0;
}

static enum status set_multi(struct gateway_http *http)
{
    CURLM *multi = http->multi;
    long connections_max = http->shared.options.max_connections;
    if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long) CURLPIPE_NOTHING) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections_max) != CURLM_OK)
        return STATUS_ENVIRONMENT;
    return STATUS_OK;
}

static bool copy_text(const char *text, const char **ret_copy)
{
    *ret_copy = text == NULL ? NULL : strdup(text);
    return text == NULL || *ret_copy != NULL;
}

static enum status set_up(struct gateway_http *http, const struct gateway_http_options *options)
{
    struct gateway_shared *shared = &http->shared;
    if (!copy_text(options->ca_file, &shared->options.ca_file) ||
        !copy_text(options->proxy, &shared->options.proxy) ||
        !copy_text(options->user_agent, &shared->options.user_agent))
        return STATUS_NO_ROOM;
    TRY(gateway_idle_init(&shared->idle, options->max_connections));
    shared->sessions = curl_share_init();
    http->multi = curl_multi_init();
    if (shared->sessions == NULL || http->multi == NULL)
        return STATUS_NO_ROOM;
    if (curl_share_setopt(shared->sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) !=
        CURLSHE_OK)
        return STATUS_ENVIRONMENT;
    TRY(loop_timer_new(http->loop, on_timer, http, &http->timer));
    TRY(loop_timer_new(http->loop, on_janitor, http, &http->janitor_timer));
    TRY(gateway_handle_janitor(shared, &http->janitor));
    return set_multi(http);
}

enum status gateway_http_new_guarded(struct loop *loop, const struct gateway_http_options *options,
                                     unsigned guards, gateway_http_done *done, void *context,
                                     struct gateway_http **ret_http)
{
    must(options->max_connections > 0 && options->reply_max > 0);
    struct gateway_http *http = calloc(1, sizeof *http);
    if (http == NULL || gateway_memory_init() != STATUS_OK) {
        free(http);
        return STATUS_NO_ROOM;
    }
    *http = (struct gateway_http){.shared = {.options = *options, .guards = guards},
                                  .loop = loop,
                                  .done = done,
                                  .context = context};
    http->shared.options.ca_file = http->shared.options.proxy = NULL; /* copies follow */
    http->shared.options.user_agent = NULL;
    enum status status = set_up(http, options);
    if (status != STATUS_OK) {
        gateway_http_free(http);
        return status;
    }
    *ret_http = http;
    return STATUS_OK;
}

enum status gateway_http_new(struct loop *loop, const struct gateway_http_options *options,
                             gateway_http_done *done, void *context, struct gateway_http **ret_http)
{
    return gateway_http_new_guarded(loop, options, GATEWAY_GUARD_ALL, done, context, ret_http);
}

/* free() takes no const. */
static void free_text(const char *text)
{
    union {
        const char *kept;
        void *freed;
    } copy = {.kept = text};
    free(copy.freed);
}

void gateway_http_free(struct gateway_http *http)
{
    if (http == NULL)
        return;
    for (struct gateway_slot *slot = http->running.first; slot != NULL; slot = slot->next)
        curl_multi_remove_handle(http->multi, slot->easy);
    if (http->janitor_runs)
        curl_multi_remove_handle(http->multi, http->janitor);
    gateway_list_free(&http->running);
    gateway_list_free(&http->waiting);
    gateway_list_free(&http->spare);
    curl_easy_cleanup(http->janitor);
    curl_multi_cleanup(http->multi);
    curl_share_cleanup(http->shared.sessions);
    loop_timer_free(http->timer);
    loop_timer_free(http->janitor_timer);
    gateway_idle_done(&http->shared.idle);
    free_text(http->shared.options.ca_file);
    free_text(http->shared.options.proxy);
    free_text(http->shared.options.user_agent);
    free(http);
    curl_global_cleanup();
}

enum status gateway_http_send(struct gateway_http *http, const struct gateway_request *request)
{
    if (gateway_http_in_flight(http) >= (size_t) http->shared.options.max_connections)
        return STATUS_NO_ROOM;
    struct gateway_slot *slot = http->spare.last; /* the one that is still warm */
    if (slot == NULL)
        TRY(gateway_handle_new(&http->shared, &slot));
    else
        gateway_list_take(&http->spare, slot);
    enum status status = gateway_handle_load(slot, request, loop_now_ms());
    if (status == STATUS_OK) {
        if (http->shared.starting >= STARTING_MAX || http->waiting.first != NULL)
            gateway_list_put(&http->waiting, slot);
        else if (!begin(http, slot, false))
            status = STATUS_UNAVAILABLE;
    }
    if (status != STATUS_OK)
        gateway_list_put(&http->spare, slot);
    else if (gateway_http_in_flight(http) > http->peak)
        http->peak = gateway_http_in_flight(http);
    return status;
}
