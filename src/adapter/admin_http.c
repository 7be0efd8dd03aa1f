/* The health and metrics port: libmicrohttpd turned by the loop, with limits that a stranger cannot
 * exhaust. */
#include "payoutd/adapter/admin_http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection may hold at most REQUEST_MAX bytes of request, and be silent for IDLE_MAX_S. */
enum {
    CONNECTIONS_MAX = 64,
    IDLE_MAX_S = 3,
    REQUEST_MAX = 8 * 1024,
    BACKLOG = 128,
    HOST_MAX = 128,
    CALL_AT_LEAST_MS = 1000,
};

struct admin_http {
    struct loop *loop;
    admin_http_answer *answer;
    void *context;
    int listen_fd;
    uint16_t port;
    struct MHD_Daemon *daemon;
    struct loop_watch *watch;
    struct loop_timer *timer;
    char *body;
};

static enum status fail(char *ret_why, size_t why_max, const char *listen_text, const char *problem)
{
    (void) snprintf(ret_why, why_max, "admin.listen %s: %s", listen_text, problem);
    return STATUS_CONFIG;
}

/* "address:port", "[v6]:port" or ":port" into its two parts. */
static bool split(const char *listen_text, char *ret_host, const char **ret_port)
{
    const char *colon = strrchr(listen_text, ':');
    if (colon == NULL || colon[1] == '\0' || strlen(colon + 1) > 5 ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) || strtol(colon + 1, NULL, 10) > 65535)
        return false;
    const char *host = listen_text;
    size_t len = (size_t) (colon - host);
    if (len > 0 && host[0] == '[') {
        if (len < 3 || host[len - 1] != ']')
            return false;
        host++;
        len -= 2;
    } else if (memchr(host, ':', len) != NULL)
        return false;
    if (len >= HOST_MAX)
        return false;
    memcpy(ret_host, host, len);
    ret_host[len] = '\0';
    *ret_port = colon + 1;
    return true;
}

static int open_listener(const struct addrinfo *address)
{
    const int on = 1, off = 0;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int problem = errno;
        close(fd);
        errno = problem;
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address;
    memset(&address, 0, sizeof address);
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *) &address, &len) != 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *) &address)->sin6_port
                                               : ((struct sockaddr_in *) &address)->sin_port);
}

/* ":port" is every address: IPv6 with IPv4 in it where the machine has it, else IPv4. */
static enum status listen_at(struct admin_http *admin, const char *listen_text, char *ret_why,
                             size_t why_max)
{
    char host[HOST_MAX];
    const char *port;
    if (!split(listen_text, host, &port))
        return fail(ret_why, why_max, listen_text,
                    "is not \"address:port\", \"[v6]:port\" or \":port\"");
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    if (host[0] == '\0')
        hints.ai_family = AF_INET6;
    struct addrinfo *found;
    if (getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &found) != 0)
        return fail(ret_why, why_max, listen_text, "the address is not a number");
    admin->listen_fd = open_listener(found);
    freeaddrinfo(found);
    if (admin->listen_fd < 0 && host[0] == '\0') {
        hints.ai_family = AF_INET;
        if (getaddrinfo(NULL, port, &hints, &found) == 0) {
            admin->listen_fd = open_listener(found);
            freeaddrinfo(found);
        }
    }
    if (admin->listen_fd < 0) {
        char problem[128];
        (void) snprintf(problem, sizeof problem, "cannot listen there: %s", strerror(errno));
        return fail(ret_why, why_max, listen_text, problem);
    }
    admin->port = port_of(admin->listen_fd);
    return STATUS_OK;
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned http_status,
                             struct bytes body, const char *content_type)
{
    union {
        const char *given;
        void *taken;
    } data = {.given = body.data}; /* copied by libmicrohttpd, which asks for no const */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, data.taken, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (http_status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result queued = MHD_queue_response(connection, http_status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result answer(struct admin_http *admin, struct MHD_Connection *connection,
                              const char *path)
{
    struct admin_reply made = {.http_status = MHD_HTTP_NOT_FOUND, .content_type = "text/plain"};
    buffer_init(&made.body, admin->body, ADMIN_BODY_MAX);
    size_t len;
    bool verbose = MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, "verbose",
                                                 strlen("verbose"), NULL, &len) == MHD_YES;
    admin->answer(admin->context, path, verbose, &made);
    struct bytes body;
    if (buffer_take(&made.body, &body) != STATUS_OK)
        return reply(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
                     BYTES("the answer is longer than its limit\n"), "text/plain");
    return reply(connection, (unsigned) made.http_status, body, made.content_type);
}

/* First call: the headers are there. A request body is not taken: the connection ends after the
 * refusal. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_len, void **request)
{
    static char seen;
    (void) version, (void) upload;
    bool reads =
        strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    if (!reads)
        return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, BYTES("GET and HEAD only\n"),
                     "text/plain");
    if (*request == NULL) {
        *request = &seen;
        return MHD_YES;
    }
    if (*upload_len != 0)
        return MHD_NO; /* a GET with a body: nobody honest */
    return answer(context, connection, path);
}

/*
 * Everything that is due now, and the time of the next call. libmicrohttpd names none when its last
 * connection has ended, yet it takes back a listening socket that it left at its limit only when it
 * is called again.
 */
static void turn(struct admin_http *admin)
{
    MHD_UNSIGNED_LONG_LONG left_ms = CALL_AT_LEAST_MS;
    (void) MHD_run(admin->daemon);
    if (MHD_get_timeout(admin->daemon, &left_ms) != MHD_YES || left_ms > CALL_AT_LEAST_MS)
        left_ms = CALL_AT_LEAST_MS;
    loop_timer_set(admin->timer, (int64_t) left_ms);
}

static void on_ready(void *context, int fd, int interest)
{
    (void) fd, (void) interest;
    turn(context);
}

static void on_timer(void *context)
{
    turn(context);
}

/* What strangers send is no news; the handler's own faults are its own to log. */
__attribute__((format(printf, 2, 0))) static void no_log(void *context, const char *format,
                                                         va_list arguments)
{
    (void) context, (void) format, (void) arguments;
}

static enum status start(struct admin_http *admin)
{
    admin->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, admin,
        MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL, MHD_OPTION_LISTEN_SOCKET, admin->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned) CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned) IDLE_MAX_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) REQUEST_MAX,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t) 1024, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
    if (admin->daemon == NULL)
        return STATUS_ENVIRONMENT;
    admin->listen_fd = -1; /* the daemon's now */
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(admin->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || info->epoll_fd < 0)
        return STATUS_ENVIRONMENT;
    TRY(loop_timer_new(admin->loop, on_timer, admin, &admin->timer));
    TRY(loop_watch_new(admin->loop, info->epoll_fd, LOOP_READ, on_ready, admin, &admin->watch));
    turn(admin);
    return STATUS_OK;
}

enum status admin_http_new(struct loop *loop, const char *listen, admin_http_answer *answer_made,
                           void *context, struct admin_http **ret_admin, char *ret_why,
                           size_t why_max)
{
    struct admin_http *admin = calloc(1, sizeof *admin);
    if (admin == NULL)
        return STATUS_NO_ROOM;
    *admin = (struct admin_http){
        .loop = loop, .answer = answer_made, .context = context, .listen_fd = -1};
    admin->body = malloc(ADMIN_BODY_MAX);
    enum status status = admin->body == NULL ? STATUS_NO_ROOM : STATUS_OK;
    if (status == STATUS_OK)
        status = listen_at(admin, listen, ret_why, why_max);
    if (status == STATUS_OK && (status = start(admin)) != STATUS_OK)
        (void) fail(ret_why, why_max, listen, "the HTTP server does not start");
    if (status != STATUS_OK) {
        admin_http_free(admin);
        return status;
    }
    *ret_admin = admin;
    return STATUS_OK;
}

uint16_t admin_http_port(const struct admin_http *admin)
{
    return admin->port;
}

void admin_http_free(struct admin_http *admin)
{
    if (admin == NULL)
        return;
    loop_watch_free(admin->watch);
    loop_timer_free(admin->timer);
    if (admin->daemon != NULL)
        MHD_stop_daemon(admin->daemon);
    if (admin->listen_fd >= 0)
        close(admin->listen_fd);
    free(admin->body);
    free(admin);
}
