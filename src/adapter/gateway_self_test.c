/* The start-up trial of libcurl: a server on loopback reads a POST on a reused connection and dies
 * (docs/PROTOCOL.md). */
#include "gateway_handle.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINES_MAX = 8, TRIAL_MAX_MS = 5000, FIRST = 1, SECOND = 2 };
#define TRIAL_BODY   "trial=1"
#define TRIAL_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct trial;

struct line {
    struct trial *trial;
    int fd;
    struct loop_watch *watch;
    char text[2048];
    size_t len;
    int32_t posts;
};

struct trial {
    struct loop *loop;
    struct gateway_http *http;
    struct loop_timer *deadline;
    int listen_fd;
    struct loop_watch *listen_watch;
    struct line lines[LINES_MAX];
    size_t lines_count;
    char url[64];
    int32_t posts; /* read by the server, to the last byte */
    bool first_answered, second_reused, second_answered, ended;
    enum status status;
};

static void line_end(struct line *line)
{
    loop_watch_free(line->watch);
    line->watch = NULL;
    if (line->fd >= 0)
        close(line->fd);
    line->fd = -1;
}

static bool is_whole_post(const struct line *line)
{
    const char *end = memmem(line->text, line->len, "\r\n\r\n", 4);
    size_t head = end == NULL ? 0 : (size_t) (end - line->text) + 4;
    return end != NULL && line->len - head >= strlen(TRIAL_BODY);
}

/* Every first POST of a connection is answered, and the next one read and left without an answer.
 */
static void on_line(void *context, int fd, int interest)
{
    (void) interest;
    struct line *line = context;
    ssize_t got = recv(fd, line->text + line->len, sizeof line->text - line->len, 0);
    if (got <= 0) {
        line_end(line);
        return;
    }
    line->len += (size_t) got;
    if (!is_whole_post(line))
        return;
    line->len = 0;
    line->posts++;
    line->trial->posts++;
    if (line->posts > 1 ||
        send(fd, TRIAL_ANSWER, strlen(TRIAL_ANSWER), MSG_NOSIGNAL) < (ssize_t) strlen(TRIAL_ANSWER))
        line_end(line);
}

static void on_listen(void *context, int fd, int interest)
{
    (void) interest;
    struct trial *trial = context;
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted < 0)
        return;
    if (trial->lines_count == LINES_MAX) {
        close(accepted);
        return;
    }
    struct line *line = &trial->lines[trial->lines_count++];
    *line = (struct line){.trial = trial, .fd = accepted};
    trial->status = loop_watch_new(trial->loop, accepted, LOOP_READ, on_line, line, &line->watch);
    if (trial->status != STATUS_OK)
        loop_stop(trial->loop);
}

static enum status ask(struct trial *trial, uint64_t tag)
{
    struct gateway_request request = {.tag = tag,
                                      .pays = true,
                                      .url = trial->url,
                                      .body = BYTES(TRIAL_BODY),
                                      .content_type = BYTES("application/x-www-form-urlencoded")};
    return gateway_http_send(trial->http, &request);
}

static void on_done(void *context, const struct gateway_result *result)
{
    struct trial *trial = context;
    if (result->tag == FIRST && result->http_status == 200) {
        trial->first_answered = true;
        trial->status = ask(trial, SECOND);
        if (trial->status == STATUS_OK)
            return;
    } else if (result->tag == SECOND) {
        trial->second_reused = result->reused;
        trial->second_answered = result->http_status != 0;
    }
    trial->ended = true;
    loop_stop(trial->loop);
}

static void on_deadline(void *context)
{
    struct trial *trial = context;
    loop_stop(trial->loop);
}

static enum status listen_on_loopback(struct trial *trial)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    trial->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (trial->listen_fd < 0 ||
        bind(trial->listen_fd, (struct sockaddr *) &address, sizeof address) != 0 ||
        listen(trial->listen_fd, LINES_MAX) != 0 ||
        getsockname(trial->listen_fd, (struct sockaddr *) &address, &len) != 0)
        return STATUS_ENVIRONMENT;
    (void) snprintf(trial->url, sizeof trial->url, "http://127.0.0.1:%d/trial",
                    ntohs(address.sin_port));
    return STATUS_OK;
}

static enum status play(struct trial *trial, unsigned guards)
{
    const struct gateway_http_options options = {.user_agent = "payoutd/" PAYOUTD_VERSION,
                                                 .connect_timeout_ms = TRIAL_MAX_MS,
                                                 .request_timeout_ms = TRIAL_MAX_MS,
                                                 .reuse_idle_max_ms = TRIAL_MAX_MS,
                                                 .max_connections = LINES_MAX,
                                                 .reply_max = 1024};
    TRY(loop_new(&trial->loop));
    TRY(listen_on_loopback(trial));
    TRY(loop_watch_new(trial->loop, trial->listen_fd, LOOP_READ, on_listen, trial,
                       &trial->listen_watch));
    TRY(loop_timer_new(trial->loop, on_deadline, trial, &trial->deadline));
    TRY(gateway_http_new_guarded(trial->loop, &options, guards & ~(unsigned) GATEWAY_GUARD_TLS,
                                 on_done, trial, &trial->http));
    TRY(ask(trial, FIRST));
    loop_timer_set(trial->deadline, TRIAL_MAX_MS);
    TRY(loop_run(trial->loop, NULL, NULL));
    return trial->status;
}

static void clear_away(struct trial *trial)
{
    gateway_http_free(trial->http);
    for (size_t i = 0; i < trial->lines_count; i++)
        line_end(&trial->lines[i]);
    loop_watch_free(trial->listen_watch);
    loop_timer_free(trial->deadline);
    if (trial->listen_fd >= 0)
        close(trial->listen_fd);
    loop_free(trial->loop);
}

/* A trial in which the second POST did not meet a reused connection shows nothing, and counts as
 * failed. */
static enum status judge(const struct trial *trial, char *ret_why, size_t why_max)
{
    if (trial->posts > 2 || trial->second_answered) {
        (void) snprintf(ret_why, why_max,
                        "this libcurl sent a request again after its connection died: %d POSTs "
                        "arrived where 2 were asked for; payments could be doubled",
                        (int) trial->posts);
        return STATUS_UNSAFE;
    }
    if (!trial->first_answered || !trial->ended || !trial->second_reused || trial->posts != 2) {
        (void) snprintf(ret_why, why_max,
                        "the trial of libcurl on loopback did not come about: %d POSTs, first %s, "
                        "second %s a reused connection",
                        (int) trial->posts, trial->first_answered ? "answered" : "not answered",
                        trial->second_reused ? "on" : "not on");
        return STATUS_ENVIRONMENT;
    }
    return STATUS_OK;
}

enum status gateway_self_test_guarded(unsigned guards, char *ret_why, size_t why_max)
{
    struct trial trial = {.listen_fd = -1};
    enum status status = play(&trial, guards);
    if (status == STATUS_OK)
        status = judge(&trial, ret_why, why_max);
    else
        (void) snprintf(ret_why, why_max, "the trial of libcurl on loopback failed: %s",
                        status_sentence(status));
    clear_away(&trial);
    return status;
}

enum status gateway_http_self_test(char *ret_why, size_t why_max)
{
    return gateway_self_test_guarded(GATEWAY_GUARD_ALL, ret_why, why_max);
}
