/* The health and metrics port, asked by blocking clients while its loop runs in a thread of its
 * own. */
#include "payoutd/adapter/admin_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { IDLE_CONNECTIONS = 100, ANSWER_MAX = 300 * 1024 };

static struct port {
    struct loop *loop;
    struct admin_http *admin;
    struct loop_watch *end_watch;
    int end_fd;
    pthread_t thread;
    char answer[ANSWER_MAX];
} port;

static void answer(void *context, const char *path, bool verbose, struct admin_reply *reply)
{
    (void) context;
    if (strcmp(path, "/livez") == 0) {
        reply->http_status = 200;
        buffer_put_text(&reply->body, verbose ? "loop: ok\n" : "ok\n");
    } else if (strcmp(path, "/readyz") == 0) {
        reply->http_status = 503;
        reply->content_type = "text/plain; charset=utf-8";
        buffer_put_text(&reply->body, "redis\n");
    } else if (strcmp(path, "/metrics") == 0) {
        reply->http_status = 200;
        while (reply->body.len < ADMIN_BODY_MAX)
            buffer_put_byte(&reply->body, 'm');
    } else if (strcmp(path, "/toolong") == 0) {
        reply->http_status = 200;
        while (!reply->body.overflowed)
            buffer_put_byte(&reply->body, 'm');
    }
}

static void on_end(void *context, int fd, int interest)
{
    (void) fd, (void) interest;
    loop_stop(context);
}

static void *run(void *context)
{
    assert_int_equal(loop_run(context, NULL, NULL), STATUS_OK);
    return NULL;
}

static int open_port(void **state)
{
    (void) state;
    char why[200] = "";
    assert_int_equal(loop_new(&port.loop), STATUS_OK);
    assert_int_equal(
        admin_http_new(port.loop, "127.0.0.1:0", answer, NULL, &port.admin, why, sizeof why),
        STATUS_OK);
    port.end_fd = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(
        loop_watch_new(port.loop, port.end_fd, LOOP_READ, on_end, port.loop, &port.end_watch),
        STATUS_OK);
    return pthread_create(&port.thread, NULL, run, port.loop);
}

static int close_port(void **state)
{
    (void) state;
    uint64_t one = 1;
    assert_int_equal(write(port.end_fd, &one, sizeof one), sizeof one);
    pthread_join(port.thread, NULL);
    admin_http_free(port.admin);
    loop_watch_free(port.end_watch);
    loop_free(port.loop);
    close(port.end_fd);
    return 0;
}

static int connect_to_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(admin_http_port(port.admin)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval bound = {.tv_sec = 15};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof address), 0);
    return fd;
}

/* Sends the request and reads until the end of the connection: the whole answer, as text. */
static const char *ask(const char *request)
{
    int fd = connect_to_port();
    size_t sent = 0, got = 0;
    while (sent < strlen(request)) {
        ssize_t step = send(fd, request + sent, strlen(request) - sent, MSG_NOSIGNAL);
        if (step <= 0)
            break; /* refused in the middle: what it answered is still there to read */
        sent += (size_t) step;
    }
    for (;;) {
        ssize_t step = recv(fd, port.answer + got, sizeof port.answer - 1 - got, 0);
        if (step <= 0)
            break;
        got += (size_t) step;
    }
    port.answer[got] = '\0';
    close(fd);
    return port.answer;
}

static const char *body_of(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

#define ONCE " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static void assert_status(const char *text, int http_status)
{
    assert_int_equal(strncmp(text, "HTTP/1.1 ", 9), 0);
    assert_int_equal(atoi(text + 9), http_status);
}

static void paths_are_answered_by_the_handler(void **state)
{
    (void) state;
    const char *text = ask("GET /livez" ONCE);
    assert_status(text, 200);
    assert_string_equal(body_of(text), "ok\n");
    assert_non_null(strstr(text, "Cache-Control: no-store"));
    text = ask("GET /livez?verbose" ONCE);
    assert_string_equal(body_of(text), "loop: ok\n");
    text = ask("GET /livez?verbose=1&x=2" ONCE);
    assert_string_equal(body_of(text), "loop: ok\n");
    text = ask("GET /readyz" ONCE);
    assert_status(text, 503);
    assert_non_null(strstr(text, "Content-Type: text/plain; charset=utf-8"));
}

static void path_that_is_not_known_is_404(void **state)
{
    (void) state;
    assert_status(ask("GET /nothing" ONCE), 404);
    assert_status(ask("GET /../etc/passwd" ONCE), 404);
}

static void head_has_the_length_and_no_body(void **state)
{
    (void) state;
    const char *text = ask("HEAD /livez" ONCE);
    assert_status(text, 200);
    assert_non_null(strstr(text, "Content-Length: 3"));
    assert_string_equal(body_of(text), "");
}

static void other_methods_are_405(void **state)
{
    (void) state;
    const char *text = ask("POST /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                           "Content-Length: 3\r\n\r\nabc");
    assert_status(text, 405);
    assert_non_null(strstr(text, "Allow: GET, HEAD"));
    assert_status(ask("DELETE /livez" ONCE), 405);
    assert_status(ask("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), 405);
}

static void longest_answer_arrives_whole_and_a_longer_one_is_500(void **state)
{
    (void) state;
    const char *text = ask("GET /metrics" ONCE);
    assert_status(text, 200);
    assert_int_equal(strlen(body_of(text)), ADMIN_BODY_MAX);
    assert_status(ask("GET /toolong" ONCE), 500);
}

static void header_beyond_its_limit_is_refused(void **state)
{
    (void) state;
    static char request[64 * 1024];
    int head = snprintf(request, sizeof request, "GET /livez HTTP/1.1\r\nHost: a\r\nX-Long: ");
    memset(request + head, 'x', sizeof request - 1 - (size_t) head);
    memcpy(request + sizeof request - 5, "\r\n\r\n", 4);
    const char *text = ask(request);
    assert_null(strstr(text, " 200 "));
    assert_true(text[0] == '\0' || atoi(text + 9) == 431 || atoi(text + 9) == 413);
    assert_status(ask("GET /livez" ONCE), 200);
}

static void nonsense_does_not_disturb(void **state)
{
    (void) state;
    assert_null(strstr(ask("\x16\x03\x01\x02 not http at all\r\n\r\n"), " 200 "));
    assert_null(strstr(ask("GET\r\n\r\n"), " 200 "));
    assert_status(ask("GET /livez" ONCE), 200);
}

static void connection_is_kept_for_the_next_question(void **state)
{
    (void) state;
    const char *text = ask("GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /readyz" ONCE);
    assert_status(text, 200);
    assert_non_null(strstr(text, "HTTP/1.1 503"));
}

/* More than it holds; they are dropped when their time is over, and the probe behind them is
 * answered. */
static void idle_connections_do_not_keep_the_probe_out_for_long(void **state)
{
    (void) state;
    int idle[IDLE_CONNECTIONS];
    for (size_t i = 0; i < IDLE_CONNECTIONS; i++)
        idle[i] = connect_to_port();
    int64_t begin_ms = loop_now_ms();
    assert_status(ask("GET /livez" ONCE), 200);
    assert_true(loop_now_ms() - begin_ms < 12000);
    char byte;
    assert_int_equal(recv(idle[0], &byte, 1, 0), 0); /* the first one was dropped */
    for (size_t i = 0; i < IDLE_CONNECTIONS; i++)
        close(idle[i]);
    assert_status(ask("GET /livez" ONCE), 200);
}

static void place_to_listen_that_is_wrong_is_explained(void **state)
{
    (void) state;
    struct loop *loop;
    assert_int_equal(loop_new(&loop), STATUS_OK);
    char taken[32];
    (void) snprintf(taken, sizeof taken, "127.0.0.1:%d", (int) admin_http_port(port.admin));
    const char *wrong[] = {"",      "8080",       "127.0.0.1:",  "127.0.0.1:x", "127.0.0.1:70000",
                           "::1:9", "[::1:8080]", "localhost:9", "[]:9",        taken};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct admin_http *admin;
        char why[200] = "";
        assert_int_equal(admin_http_new(loop, wrong[i], answer, NULL, &admin, why, sizeof why),
                         STATUS_CONFIG);
        assert_non_null(strstr(why, "admin.listen"));
    }
    loop_free(loop);
}

static void every_form_of_a_place_to_listen_works(void **state)
{
    (void) state;
    struct loop *loop;
    assert_int_equal(loop_new(&loop), STATUS_OK);
    const char *right[] = {":0", "0.0.0.0:0", "127.0.0.1:0"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        struct admin_http *admin;
        char why[200] = "";
        assert_int_equal(admin_http_new(loop, right[i], answer, NULL, &admin, why, sizeof why),
                         STATUS_OK);
        assert_true(admin_http_port(admin) != 0);
        admin_http_free(admin);
    }
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_answered_by_the_handler),
        cmocka_unit_test(path_that_is_not_known_is_404),
        cmocka_unit_test(head_has_the_length_and_no_body),
        cmocka_unit_test(other_methods_are_405),
        cmocka_unit_test(longest_answer_arrives_whole_and_a_longer_one_is_500),
        cmocka_unit_test(header_beyond_its_limit_is_refused),
        cmocka_unit_test(nonsense_does_not_disturb),
        cmocka_unit_test(connection_is_kept_for_the_next_question),
        cmocka_unit_test(idle_connections_do_not_keep_the_probe_out_for_long),
        cmocka_unit_test(place_to_listen_that_is_wrong_is_explained),
        cmocka_unit_test(every_form_of_a_place_to_listen_works),
    };
    return cmocka_run_group_tests(tests, open_port, close_port);
}
