/* The easy handle of a request: the guards that keep libcurl from sending it twice
 * (docs/PROTOCOL.md). */
#include "gateway_handle.h"
#include "gateway_memory.h"

#include "payoutd/adapter/kill_point.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REPLY_FIRST = 1024, RECEIVE_BUFFER = 2048 };

static int abort_because(struct gateway_slot *slot, const char *reason)
{
    slot->reason = reason;
    return CURL_PREREQFUNC_ABORT;
}

static bool idled_too_long(const struct gateway_slot *slot, int64_t now_ms)
{
    int64_t since_ms = gateway_idle_since_ms(&slot->shared->idle, slot->connection);
    return since_ms < 0 || now_ms - since_ms >= slot->shared->options.reuse_idle_max_ms;
}

/* libcurl calls it with a connection in hand and no byte of the request on it: the last place to
 * say no. */
static int on_prereq(void *context, char *remote_ip, char *local_ip, int remote_port,
                     int local_port)
{
    struct gateway_slot *slot = context;
    unsigned guards = slot->shared->guards;
    if (++slot->prereq_calls == 1)
        slot->shared->starting--;
    if ((guards & GATEWAY_GUARD_ONCE) != 0 && (slot->passed || slot->prereq_calls > 1))
        return abort_because(slot, "the connection died and libcurl was about to send again");
    int64_t now_ms = loop_now_ms();
    if (slot->send_before_ms != 0 && now_ms >= slot->send_before_ms)
        return abort_because(slot, "the send window was over before the connection was ready");
    slot->connection = gateway_idle_key(remote_ip, remote_port, local_ip, local_port);
    if ((guards & GATEWAY_GUARD_IDLE) != 0 && !slot->opened_socket &&
        idled_too_long(slot, now_ms)) {
        slot->too_old = true;
        return abort_because(slot, "the kept connection had idled too long");
    }
    slot->passed = true;
    slot->reused = !slot->opened_socket;
    slot->sent_ms = now_ms;
    KILL_POINT_IF(slot->send_before_ms != 0, "before_first_byte");
    return CURL_PREREQFUNC_OK;
}

/* The body. The headers may be out by now, so an abort here proves nothing: it only makes doubt
 * cheaper. */
static size_t on_read(char *data, size_t size, size_t count, void *context)
{
    struct gateway_slot *slot = context;
    if (slot->body_read == 0 && slot->send_before_ms != 0 &&
        loop_now_ms() >= slot->send_before_ms) {
        slot->reason = "the send window was over before the body went out";
        return CURL_READFUNC_ABORT;
    }
    size_t len = slot->body.len - slot->body_read;
    if (len > size * count)
        len = size * count;
    if (len != 0)
        memcpy(data, slot->body.data + slot->body_read, len);
    slot->body_read += len;
    return len;
}

/* Only without GATEWAY_GUARD_NO_REWIND. */
static int on_seek(void *context, curl_off_t offset, int origin)
{
    struct gateway_slot *slot = context;
    if (origin != SEEK_SET || offset < 0 || (size_t) offset > slot->body.len)
        return CURL_SEEKFUNC_FAIL;
    slot->body_read = (size_t) offset;
    return CURL_SEEKFUNC_OK;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct gateway_slot *slot = context;
    size_t len = size * count;
    slot->headers_len += len;
    struct bytes line = {data, len};
    if (bytes_starts_with(line, BYTES("HTTP/"))) {
        slot->status_lines++;
        slot->headers_ended = false;
    } else if (bytes_equal(line, BYTES("\r\n")) || bytes_equal(line, BYTES("\n")))
        slot->headers_ended = true;
    if (slot->headers_len <= GATEWAY_HEADERS_MAX && slot->status_lines <= GATEWAY_STATUS_LINES_MAX)
        return len;
    slot->reason = "the answer's headers are longer than their limit";
    return 0;
}

static size_t on_write(char *data, size_t size, size_t count, void *context)
{
    struct gateway_slot *slot = context;
    size_t len = size * count;
    size_t reply_max = slot->shared->options.reply_max;
    if (len > reply_max - slot->reply_len) {
        slot->reason = "the answer is longer than its limit";
        return 0;
    }
    if (slot->reply_len + len > slot->reply_size) {
        size_t reply_size = slot->reply_size == 0 ? REPLY_FIRST : slot->reply_size;
        while (reply_size < slot->reply_len + len)
            reply_size *= 2;
        char *reply = realloc(slot->reply, reply_size);
        if (reply == NULL) {
            slot->reason = "no memory for the answer";
            return 0;
        }
        slot->reply = reply;
        slot->reply_size = reply_size;
    }
    memcpy(slot->reply + slot->reply_len, data, len);
    slot->reply_len += len;
    return len;
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct gateway_slot *slot = context;
    (void) purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    slot->opened_socket = true;
    slot->shared->sockets_open++;
    return fd;
}

static int on_close(void *context, curl_socket_t fd)
{
    struct gateway_shared *shared = context;
    shared->sockets_open--;
    return close(fd);
}

long gateway_handle_age_max_s(const struct gateway_http_options *options)
{
    /* libcurl gives up a connection that idled for *more* than this many whole seconds: 0 means
     * below 1 s */
    return options->reuse_idle_max_ms < 2000 ? 0 : (long) (options->reuse_idle_max_ms / 1000 - 1);
}

#define SET(option, value)                                         \
    do {                                                           \
        if (curl_easy_setopt(easy, (option), (value)) != CURLE_OK) \
            return STATUS_ENVIRONMENT;                             \
    } while (0)

/* One request, one connection, one try: what docs/PROTOCOL.md lists under "libcurl and money". */
static enum status set_guards(CURL *easy, const struct gateway_slot *slot)
{
    const struct gateway_shared *shared = slot->shared;
    const struct gateway_http_options *options = &shared->options;
    SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_SSL_ENABLE_ALPN, 0L); /* a box that answers h2 to everything gets no chance to */
    SET(CURLOPT_PREREQFUNCTION, on_prereq);
    SET(CURLOPT_PREREQDATA, slot);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_READFUNCTION, on_read);
    SET(CURLOPT_READDATA, slot);
    if ((shared->guards & GATEWAY_GUARD_NO_REWIND) == 0) {
        SET(CURLOPT_SEEKFUNCTION, on_seek);
        SET(CURLOPT_SEEKDATA, slot);
    }
    if ((shared->guards & GATEWAY_GUARD_IDLE) != 0) {
        SET(CURLOPT_MAXAGE_CONN, gateway_handle_age_max_s(options));
        SET(CURLOPT_FORBID_REUSE, options->reuse_idle_max_ms <= 0 ? 1L : 0L);
    }
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, options->proxy == NULL ? "" : options->proxy);
    SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_TCP_FASTOPEN, 0L);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    SET(CURLOPT_PIPEWAIT, 0L);
    SET(CURLOPT_PROTOCOLS_STR, (shared->guards & GATEWAY_GUARD_TLS) != 0 ? "https" : "http");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
    return STATUS_OK;
}

static enum status set_tls(CURL *easy, const struct gateway_shared *shared)
{
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    if (shared->options.ca_file != NULL)
        SET(CURLOPT_CAINFO, shared->options.ca_file);
    SET(CURLOPT_CAPATH, (char *) NULL); /* else libcurl parses the CA file for every connection */
    SET(CURLOPT_CA_CACHE_TIMEOUT, 3600L);
    SET(CURLOPT_SHARE, shared->sessions);
    return STATUS_OK;
}

static enum status set_limits(CURL *easy, struct gateway_slot *slot)
{
    const struct gateway_http_options *options = &slot->shared->options;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* else the loop waits for a look-up that has timed out */
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long) options->connect_timeout_ms);
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) options->reply_max);
    SET(CURLOPT_BUFFERSIZE, (long) RECEIVE_BUFFER);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, (long) GATEWAY_SEND_BUFFER);
    SET(CURLOPT_WRITEFUNCTION, on_write);
    SET(CURLOPT_WRITEDATA, slot);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, slot);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(CURLOPT_OPENSOCKETDATA, slot);
    SET(CURLOPT_CLOSESOCKETFUNCTION, on_close);
    SET(CURLOPT_CLOSESOCKETDATA, slot->shared);
    SET(CURLOPT_ERRORBUFFER, slot->error);
    SET(CURLOPT_USERAGENT, options->user_agent);
    SET(CURLOPT_PRIVATE, slot);
    return STATUS_OK;
}

enum status gateway_handle_new(struct gateway_shared *shared, struct gateway_slot **ret_slot)
{
    struct gateway_slot *slot = calloc(1, sizeof *slot);
    if (slot == NULL)
        return STATUS_NO_ROOM;
    slot->shared = shared;
    slot->easy = curl_easy_init();
    enum status status = slot->easy == NULL ? STATUS_NO_ROOM : set_guards(slot->easy, slot);
    if (status == STATUS_OK)
        status = set_tls(slot->easy, shared);
    if (status == STATUS_OK)
        status = set_limits(slot->easy, slot);
    if (status != STATUS_OK) {
        gateway_handle_free(slot);
        return status;
    }
    *ret_slot = slot;
    return STATUS_OK;
}

void gateway_handle_free(struct gateway_slot *slot)
{
    if (slot->easy != NULL)
        curl_easy_cleanup(slot->easy);
    curl_slist_free_all(slot->headers);
    free(slot->reply);
    free(slot);
}

/* The header lines are made again only when the content type changes. */
static enum status set_headers(struct gateway_slot *slot, struct bytes type)
{
    if (bytes_equal_text(type, slot->content_type) && slot->headers != NULL)
        return STATUS_OK;
    if (type.len == 0 || type.len >= sizeof slot->content_type)
        return STATUS_BAD_FIELD;
    for (size_t i = 0; i < type.len; i++)
        if ((unsigned char) type.data[i] < ' ' || type.data[i] == 0x7f)
            return STATUS_BAD_FIELD;
    char line[GATEWAY_CONTENT_TYPE_MAX + sizeof "Content-Type: "];
    (void) snprintf(line, sizeof line, "Content-Type: %.*s", (int) type.len, type.data);
    struct curl_slist *first = curl_slist_append(NULL, "Expect:");
    if (first == NULL || curl_slist_append(first, line) == NULL) {
        curl_slist_free_all(first);
        return STATUS_NO_ROOM;
    }
    CURL *easy = slot->easy;
    SET(CURLOPT_HTTPHEADER, first);
    curl_slist_free_all(slot->headers);
    slot->headers = first;
    memcpy(slot->content_type, type.data, type.len);
    slot->content_type[type.len] = '\0';
    return STATUS_OK;
}

enum status gateway_handle_load(struct gateway_slot *slot, const struct gateway_request *request,
                                int64_t now_ms)
{
    CURL *easy = slot->easy;
    TRY(set_headers(slot, request->content_type));
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body.len);
    slot->tag = request->tag;
    slot->body = request->body;
    slot->send_before_ms = request->send_before_ms;
    slot->asked_ms = now_ms;
    slot->passed = slot->reused = false;
    slot->sent_ms = 0;
    slot->reason = NULL;
    slot->error[0] = '\0';
    slot->prereq_calls = 0;
    return STATUS_OK;
}

enum status gateway_handle_start(struct gateway_slot *slot, bool fresh, int64_t now_ms)
{
    must(!slot->passed);
    CURL *easy = slot->easy;
    int64_t timeout_ms = slot->shared->options.request_timeout_ms - (now_ms - slot->asked_ms);
    if (timeout_ms <= 0)
        return STATUS_TIMED_OUT;
    if (timeout_ms != slot->timeout_ms)
        SET(CURLOPT_TIMEOUT_MS, (long) timeout_ms);
    slot->timeout_ms = timeout_ms;
    if (fresh != slot->is_fresh)
        SET(CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    slot->is_fresh = fresh;
    slot->prereq_calls = 0;
    slot->opened_socket = false;
    slot->too_old = false;
    slot->connection = 0;
    slot->reason = NULL;
    slot->error[0] = '\0';
    slot->body_read = 0;
    slot->headers_len = 0;
    slot->status_lines = 0;
    slot->headers_ended = false;
    slot->reply_len = 0;
    return STATUS_OK;
}

static curl_socket_t open_nothing(void *context, curlsocktype purpose,
                                  struct curl_sockaddr *address)
{
    (void) context, (void) purpose, (void) address;
    return CURL_SOCKET_BAD;
}

/* libcurl looks for dead and old connections only when a transfer begins; there is no call for it.
 */
enum status gateway_handle_janitor(const struct gateway_shared *shared, CURL **ret_easy)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        return STATUS_NO_ROOM;
    if (curl_easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1:9/") != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_nothing) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, gateway_handle_age_max_s(&shared->options)) !=
            CURLE_OK) {
        curl_easy_cleanup(easy);
        return STATUS_ENVIRONMENT;
    }
    *ret_easy = easy;
    return STATUS_OK;
}
