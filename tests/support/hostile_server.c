/* A TLS server that misbehaves on purpose, for the tests of the gateway's client. */
#include "hostile_server.h"

#include "hostile_certificates.h"
#include "payoutd/base/status.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINES_MAX = 2048, TEXT_MAX = 8192, STEP_MS = 20 };

struct hostile_server {
    struct hostile_server_options options;
    SSL_CTX *tls;
    int listen_fd, port;
    pthread_t thread;
    pthread_t line_threads[LINES_MAX];
    int32_t lines_count;
    atomic_bool stopping;
    atomic_int posts, whole_posts, connections, open, strange, resumed;
    pthread_mutex_t lock;
    char last[TEXT_MAX];
    char folder[64], ca_file[96];
};

struct line {
    struct hostile_server *server;
    SSL *tls;
    int fd;
    int32_t posts;
};

enum reading { READ_WHOLE, READ_HEADERS, READ_ENDED };

static int pick_protocol(SSL *tls, const unsigned char **out, unsigned char *out_len,
                         const unsigned char *in, unsigned in_len, void *context)
{
    (void) tls, (void) in, (void) in_len, (void) context;
    *out = (const unsigned char *) "h2"; /* whatever was offered */
    *out_len = 2;
    return SSL_TLSEXT_ERR_OK;
}

/* False: the other side is gone or the test is over. */
static bool wait_readable(const struct line *line)
{
    if (line->tls != NULL && SSL_pending(line->tls) > 0)
        return true;
    struct pollfd poll_fd = {.fd = line->fd, .events = POLLIN};
    while (!atomic_load(&line->server->stopping))
        if (poll(&poll_fd, 1, STEP_MS) > 0)
            return true;
    return false;
}

static void stay_until_the_end(const struct line *line)
{
    char rest[256];
    while (wait_readable(line))
        if (SSL_read(line->tls, rest, sizeof rest) <= 0)
            return;
}

static bool say(const struct line *line, const char *text, size_t len)
{
    return SSL_write(line->tls, text, (int) len) == (int) len;
}

static bool say_text(const struct line *line, const char *text)
{
    return say(line, text, strlen(text));
}

static size_t content_length(const char *text)
{
    text = strcasestr(text, "content-length:");
    return text == NULL ? 0 : (size_t) strtoul(text + 15, NULL, 10);
}

static void keep_last(struct hostile_server *server, const char *text)
{
    pthread_mutex_lock(&server->lock);
    memcpy(server->last, text, TEXT_MAX);
    pthread_mutex_unlock(&server->lock);
}

/* Reads one request; with `only_headers` it returns at their end. */
static enum reading read_post(struct line *line, bool only_headers)
{
    char text[TEXT_MAX] = "";
    size_t len = 0;
    bool seen_headers = false;
    for (;;) {
        if (!wait_readable(line))
            return READ_ENDED;
        int got = SSL_read(line->tls, text + len, (int) (sizeof text - 1 - len));
        if (got <= 0)
            return READ_ENDED;
        len += (size_t) got;
        text[len] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        if (end == NULL)
            continue;
        if (!seen_headers) {
            seen_headers = true;
            atomic_fetch_add(
                strncmp(text, "POST ", 5) == 0 ? &line->server->posts : &line->server->strange, 1);
            line->posts++;
        }
        if (only_headers)
            return READ_HEADERS;
        if (len - (size_t) (end + 4 - text) >= content_length(text)) {
            atomic_fetch_add(&line->server->whole_posts, 1);
            keep_last(line->server, text);
            return READ_WHOLE;
        }
    }
}

static void make_reset(const struct line *line)
{
    setsockopt(line->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
}

static void pause_ms(struct hostile_server *server, int32_t left_ms)
{
    for (; left_ms > 0 && !atomic_load(&server->stopping); left_ms -= STEP_MS)
        poll(NULL, 0, left_ms < STEP_MS ? left_ms : STEP_MS);
}

static bool answer_well(const struct line *line)
{
    pause_ms(line->server, line->server->options.answer_delay_ms);
    return say_text(line, "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 11\r\n\r\n"
                          "<response/>");
}

static void flood(const struct line *line, const char *first, const char *more)
{
    bool goes_on = say_text(line, first);
    while (goes_on && !atomic_load(&line->server->stopping))
        goes_on = say_text(line, more);
}

/* True: the connection lives on and the next request may come. */
static bool act_on_post(struct line *line)
{
    static const char chunk[] = "400\r\n"
#define LINE_OF_64   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LINES_OF_256 LINE_OF_64 LINE_OF_64 LINE_OF_64 LINE_OF_64
        LINES_OF_256 LINES_OF_256 LINES_OF_256 LINES_OF_256 "\r\n";
    const struct hostile_server_options *options = &line->server->options;
    switch (options->act) {
    case ACT_ANSWER:
    case ACT_SECOND_CLOSE_AFTER_READ:
    case ACT_SECOND_CLOSE_BEFORE_READ:
    case ACT_SECOND_RESET_AFTER_READ:
    case ACT_SECOND_CLOSE_AFTER_HEADERS:
        return answer_well(line);
    case ACT_CLOSE_AFTER_ANSWER:
        answer_well(line);
        return false;
    case ACT_RESET_AFTER_READ:
        make_reset(line);
        return false;
    case ACT_HALF_CLOSE:
        SSL_shutdown(line->tls);
        shutdown(line->fd, SHUT_WR);
        stay_until_the_end(line);
        return false;
    case ACT_CUT_HEADERS:
        say_text(line, "HTTP/1.1 200 OK\r\nContent-Type: te");
        return false;
    case ACT_CUT_BODY:
        say_text(line, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<response>");
        return false;
    case ACT_SILENT:
        stay_until_the_end(line);
        return false;
    case ACT_STORM_OF_1XX:
        flood(line, "", "HTTP/1.1 102 Processing\r\n\r\n");
        return false;
    case ACT_SWITCH_PROTOCOLS:
        say_text(line, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n"
                       "Connection: Upgrade\r\n\r\n");
        return false;
    case ACT_HUGE_BODY:
        flood(line, "HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n", chunk);
        return false;
    case ACT_HUGE_BODY_CHUNKED:
        flood(line, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk);
        return false;
    case ACT_HUGE_HEADERS:
        flood(line, "HTTP/1.1 200 OK\r\n", "X-More: " LINES_OF_256 "\r\n");
        return false;
    case ACT_RAW:
        return say_text(line, options->raw);
    case ACT_CLOSE_AFTER_READ:
    case ACT_CLOSE_BEFORE_READ:
    case ACT_STALL_HANDSHAKE:
        return false;
    }
    return false;
}

/* True: the request was read and has to be answered. */
static bool next_post(struct line *line)
{
    enum hostile_act act = line->server->options.act;
    if (act == ACT_CLOSE_BEFORE_READ)
        return false;
    bool second = line->posts == 1;
    if (second && act == ACT_SECOND_CLOSE_BEFORE_READ) {
        wait_readable(line);
        return false;
    }
    if (second && act == ACT_SECOND_CLOSE_AFTER_HEADERS) {
        read_post(line, true);
        return false;
    }
    if (read_post(line, false) != READ_WHOLE)
        return false;
    if (second && act == ACT_SECOND_RESET_AFTER_READ)
        make_reset(line);
    return !(second && (act == ACT_SECOND_RESET_AFTER_READ || act == ACT_SECOND_CLOSE_AFTER_READ));
}

static void *serve_line(void *context)
{
    struct line *line = context;
    if (line->server->options.act == ACT_STALL_HANDSHAKE) {
        char hello[1024];
        while (wait_readable(line) && recv(line->fd, hello, sizeof hello, 0) > 0)
            continue;
    } else {
        pause_ms(line->server, line->server->options.handshake_delay_ms);
        line->tls = SSL_new(line->server->tls);
        SSL_set_fd(line->tls, line->fd);
        if (SSL_accept(line->tls) == 1) {
            atomic_fetch_add(&line->server->resumed, SSL_session_reused(line->tls));
            while (next_post(line) && act_on_post(line))
                continue;
        }
        SSL_free(line->tls);
    }
    ERR_clear_error();
    close(line->fd);
    atomic_fetch_sub(&line->server->open, 1);
    free(line);
    return NULL;
}

static void accept_one(struct hostile_server *server)
{
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    must(server->lines_count < LINES_MAX);
    struct timeval bound = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    struct line *line = calloc(1, sizeof *line);
    must(line != NULL);
    *line = (struct line){.server = server, .fd = fd};
    atomic_fetch_add(&server->connections, 1);
    atomic_fetch_add(&server->open, 1);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 * 1024);
    must(pthread_create(&server->line_threads[server->lines_count], &small, serve_line, line) == 0);
    pthread_attr_destroy(&small);
    server->lines_count++;
}

static void *serve(void *context)
{
    struct hostile_server *server = context;
    struct pollfd poll_fd = {.fd = server->listen_fd, .events = POLLIN};
    while (!atomic_load(&server->stopping))
        if (poll(&poll_fd, 1, STEP_MS) > 0)
            accept_one(server);
    for (int32_t i = 0; i < server->lines_count; i++)
        pthread_join(server->line_threads[i], NULL);
    return NULL;
}

static void set_up_tls(struct hostile_server *server)
{
    server->tls = SSL_CTX_new(TLS_server_method());
    must(server->tls != NULL);
    hostile_certificates_make(server->tls, server->options.certificate, server->ca_file);
    if (server->options.only_tls_1_1) {
        SSL_CTX_set_security_level(server->tls, 0);
        SSL_CTX_set_cipher_list(server->tls, "ALL:@SECLEVEL=0");
        SSL_CTX_set_min_proto_version(server->tls, TLS1_1_VERSION);
        SSL_CTX_set_max_proto_version(server->tls, TLS1_1_VERSION);
    }
    if (server->options.only_tls_1_2)
        SSL_CTX_set_max_proto_version(server->tls, TLS1_2_VERSION);
    if (server->options.offers_http2)
        SSL_CTX_set_alpn_select_cb(server->tls, pick_protocol, NULL);
}

static void set_up_socket(struct hostile_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(server->listen_fd >= 0);
    must(bind(server->listen_fd, (struct sockaddr *) &address, sizeof address) == 0);
    must(listen(server->listen_fd, 512) == 0);
    must(getsockname(server->listen_fd, (struct sockaddr *) &address, &len) == 0);
    server->port = ntohs(address.sin_port);
}

struct hostile_server *hostile_server_start(const struct hostile_server_options *options)
{
    signal(SIGPIPE, SIG_IGN);
    struct hostile_server *server = calloc(1, sizeof *server);
    must(server != NULL);
    server->options = *options;
    pthread_mutex_init(&server->lock, NULL);
    (void) snprintf(server->folder, sizeof server->folder, "/tmp/payoutd-hostile-XXXXXX");
    must(mkdtemp(server->folder) != NULL);
    (void) snprintf(server->ca_file, sizeof server->ca_file, "%s/ca.pem", server->folder);
    set_up_tls(server);
    set_up_socket(server);
    must(pthread_create(&server->thread, NULL, serve, server) == 0);
    return server;
}

void hostile_server_stop(struct hostile_server *server)
{
    atomic_store(&server->stopping, true);
    pthread_join(server->thread, NULL);
    close(server->listen_fd);
    SSL_CTX_free(server->tls);
    unlink(server->ca_file);
    rmdir(server->folder);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

int hostile_server_port(const struct hostile_server *server)
{
    return server->port;
}

const char *hostile_server_ca_file(const struct hostile_server *server)
{
    return server->ca_file;
}

int32_t hostile_server_posts(const struct hostile_server *server)
{
    return atomic_load(&server->posts);
}

int32_t hostile_server_whole_posts(const struct hostile_server *server)
{
    return atomic_load(&server->whole_posts);
}

int32_t hostile_server_connections(const struct hostile_server *server)
{
    return atomic_load(&server->connections);
}

int32_t hostile_server_open(const struct hostile_server *server)
{
    return atomic_load(&server->open);
}

int32_t hostile_server_strange(const struct hostile_server *server)
{
    return atomic_load(&server->strange);
}

bool hostile_server_saw(struct hostile_server *server, const char *text)
{
    pthread_mutex_lock(&server->lock);
    bool found = strstr(server->last, text) != NULL;
    pthread_mutex_unlock(&server->lock);
    return found;
}

int32_t hostile_server_resumed(const struct hostile_server *server)
{
    return atomic_load(&server->resumed);
}
