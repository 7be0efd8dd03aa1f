/* Every way in which a gateway can fail: never a second POST, and a proof of not-sent only where
 * the protocol has one. */
#include "gateway_bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define NOT_SENT GATEWAY_NOT_SENT
#define MAY_BE   GATEWAY_MAY_BE_SENT
#define RAW(text)                     \
    {                                 \
        .act = ACT_RAW, .raw = (text) \
    }
#define SMALL "Content-Length: 2\r\n\r\nno"

/* `sends` requests one after the other; what is told about the last one; POSTs that the server met
 * in all. */
struct failure {
    const char *name;
    struct hostile_server_options server;
    int32_t sends;
    enum gateway_sent sent;
    int32_t http_status;
    int32_t posts;
    int64_t request_timeout_ms; /* 0: the usual */
    const char *why;            /* a part of the reason; NULL: any */
};

static const struct failure failures[] = {
    {"server_that_answers_is_heard", {.act = ACT_ANSWER}, 2, MAY_BE, 200, 2, 0, NULL},
    {"server_of_tls_1_2_is_heard", {.only_tls_1_2 = true}, 2, MAY_BE, 200, 2, 0, NULL},
    {"eof_after_reading_is_doubt", {.act = ACT_CLOSE_AFTER_READ}, 1, MAY_BE, 0, 1, 0, NULL},
    {"eof_before_reading_is_doubt", {.act = ACT_CLOSE_BEFORE_READ}, 1, MAY_BE, 0, 0, 0, NULL},
    {"reset_after_reading_is_doubt", {.act = ACT_RESET_AFTER_READ}, 1, MAY_BE, 0, 1, 0, NULL},
    {"half_close_is_doubt", {.act = ACT_HALF_CLOSE}, 1, MAY_BE, 0, 1, 0, NULL},
    {"headers_cut_short_are_doubt",
     {.act = ACT_CUT_HEADERS},
     1,
     MAY_BE,
     0,
     1,
     0,
     "within the headers"},
    {"body_cut_short_is_doubt", {.act = ACT_CUT_BODY}, 1, MAY_BE, 0, 1, 0, NULL},
    {"silence_past_the_timeout_is_doubt", {.act = ACT_SILENT}, 1, MAY_BE, 0, 1, 400, "libcurl 28"},
    {"slow_answer_past_the_timeout_is_doubt", {.answer_delay_ms = 900}, 1, MAY_BE, 0, 1, 300, NULL},
    {"storm_of_1xx_is_cut_off",
     {.act = ACT_STORM_OF_1XX},
     1,
     MAY_BE,
     0,
     1,
     0,
     "headers are longer"},
    {"switch_of_protocols_is_no_answer", {.act = ACT_SWITCH_PROTOCOLS}, 1, MAY_BE, 0, 1, 0, NULL},
    {"huge_body_is_cut_off", {.act = ACT_HUGE_BODY}, 1, MAY_BE, 0, 1, 0, "file size"},
    {"huge_chunked_body_is_cut_off",
     {.act = ACT_HUGE_BODY_CHUNKED},
     1,
     MAY_BE,
     0,
     1,
     0,
     "answer is longer"},
    {"huge_headers_are_cut_off",
     {.act = ACT_HUGE_HEADERS},
     1,
     MAY_BE,
     0,
     1,
     0,
     "headers are longer"},
    {"reused_connection_that_dies_after_reading_is_doubt",
     {.act = ACT_SECOND_CLOSE_AFTER_READ},
     2,
     MAY_BE,
     0,
     2,
     0,
     NULL},
    {"reused_connection_that_dies_before_reading_is_doubt",
     {.act = ACT_SECOND_CLOSE_BEFORE_READ},
     2,
     MAY_BE,
     0,
     1,
     0,
     NULL},
    {"reused_connection_that_is_reset_is_doubt",
     {.act = ACT_SECOND_RESET_AFTER_READ},
     2,
     MAY_BE,
     0,
     2,
     0,
     NULL},
    {"reused_connection_that_dies_after_the_headers_is_doubt",
     {.act = ACT_SECOND_CLOSE_AFTER_HEADERS},
     2,
     MAY_BE,
     0,
     2,
     0,
     NULL},
    {"http_2_is_not_spoken_however_much_it_is_offered",
     {.offers_http2 = true},
     2,
     MAY_BE,
     200,
     2,
     0,
     NULL},
    {"redirect_302_is_not_followed", RAW("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n" SMALL), 1,
     MAY_BE, 302, 1, 0, NULL},
    {"redirect_307_is_not_followed",
     RAW("HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\n" SMALL), 1, MAY_BE, 307, 1, 0,
     NULL},
    {"request_for_a_login_is_not_met",
     RAW("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
         "WWW-Authenticate: NTLM\r\nWWW-Authenticate: Negotiate\r\n" SMALL),
     1, MAY_BE, 401, 1, 0, NULL},
    {"request_for_a_proxy_login_is_not_met",
     RAW("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic "
         "realm=\"x\"\r\n" SMALL),
     1, MAY_BE, 407, 1, 0, NULL},
    {"failed_expectation_is_not_tried_again", RAW("HTTP/1.1 417 Expectation Failed\r\n" SMALL), 1,
     MAY_BE, 417, 1, 0, NULL},
    {"request_timeout_408_is_not_tried_again",
     RAW("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n" SMALL), 1, MAY_BE, 408, 1, 0,
     NULL},
    {"misdirected_421_is_not_tried_again", RAW("HTTP/1.1 421 Misdirected Request\r\n" SMALL), 1,
     MAY_BE, 421, 1, 0, NULL},
    {"too_early_425_is_not_tried_again", RAW("HTTP/1.1 425 Too Early\r\n" SMALL), 1, MAY_BE, 425, 1,
     0, NULL},
    {"retry_after_is_not_obeyed",
     RAW("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\n" SMALL), 1, MAY_BE, 503, 1, 0,
     NULL},
    {"body_in_gzip_is_not_unpacked",
     RAW("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"), 1, MAY_BE,
     200, 1, 0, NULL},
    {"alternative_service_is_not_taken",
     RAW("HTTP/1.1 200 OK\r\nAlt-Svc: h2=\":1\"; ma=3600\r\nContent-Length: 2\r\n\r\nok"), 2,
     MAY_BE, 200, 2, 0, NULL},
    {"text_without_headers_is_no_answer", RAW("<response>ok</response>"), 1, MAY_BE, 0, 1, 0, NULL},
    {"self_signed_certificate_proves_not_sent",
     {.certificate = CERTIFICATE_SELF_SIGNED},
     1,
     NOT_SENT,
     0,
     0,
     0,
     NULL},
    {"certificate_of_another_name_proves_not_sent",
     {.certificate = CERTIFICATE_WRONG_NAME},
     1,
     NOT_SENT,
     0,
     0,
     0,
     NULL},
    {"expired_certificate_proves_not_sent",
     {.certificate = CERTIFICATE_EXPIRED},
     1,
     NOT_SENT,
     0,
     0,
     0,
     NULL},
    {"certificate_of_another_authority_proves_not_sent",
     {.certificate = CERTIFICATE_OTHER_AUTHORITY},
     1,
     NOT_SENT,
     0,
     0,
     0,
     NULL},
    {"server_of_tls_1_1_proves_not_sent", {.only_tls_1_1 = true}, 1, NOT_SENT, 0, 0, 0, NULL},
    {"stalled_handshake_proves_not_sent",
     {.act = ACT_STALL_HANDSHAKE},
     1,
     NOT_SENT,
     0,
     0,
     0,
     "libcurl 28"},
};

static void failure_is_judged_right(void **state)
{
    const struct failure *failure = *state;
    struct gateway_http_options options = bench_options();
    if (failure->request_timeout_ms != 0)
        options.request_timeout_ms = failure->request_timeout_ms;
    struct bench bench;
    bench_open(&bench, &failure->server, &options, GATEWAY_GUARD_ALL);

    for (int32_t i = 1; i < failure->sends; i++)
        assert_int_equal(bench_ask(&bench)->http_status, 200);
    struct gateway_result result = *bench_ask(&bench);
    bench_settle(&bench);

    assert_int_equal(hostile_server_posts(bench.server), failure->posts);
    assert_int_equal(hostile_server_strange(bench.server), 0);
    assert_int_equal(result.sent, failure->sent);
    assert_int_equal(result.http_status, failure->http_status);
    assert_int_equal(result.why[0] != '\0', failure->http_status == 0);
    if (failure->why != NULL)
        assert_non_null(strstr(result.why, failure->why));
    assert_int_equal(result.sent_ms != 0, failure->sent == MAY_BE);
    assert_int_equal(result.answered_ms != 0, failure->http_status != 0);
    assert_int_equal(result.reused, failure->sends > 1);
    bench_close(&bench);
}

static void request_on_a_kept_connection_that_the_server_closed_goes_out_once(void **state)
{
    (void) state;
    const struct hostile_server_options server = {.act = ACT_CLOSE_AFTER_ANSWER};
    const struct gateway_http_options options = bench_options();
    struct bench bench;
    bench_open(&bench, &server, &options, GATEWAY_GUARD_ALL);
    int32_t sent = 0;
    for (int i = 0; i < 30; i++)
        sent += bench_ask(&bench)->sent == MAY_BE;
    bench_settle(&bench);
    /* whether libcurl notices the end in time is a race; that no request is doubled is not */
    assert_true(hostile_server_posts(bench.server) <= sent);
    for (size_t i = 0; i < bench.results_count; i++)
        assert_true(bench.results[i].http_status == 200 || bench.results[i].sent == MAY_BE);
    bench_close(&bench);
}

static void ask_elsewhere(const char *url, struct gateway_result *ret_result)
{
    const struct hostile_server_options server = {.act = ACT_ANSWER};
    const struct gateway_http_options options = bench_options();
    struct bench bench;
    bench_open(&bench, &server, &options, GATEWAY_GUARD_ALL);
    (void) snprintf(bench.url, sizeof bench.url, "%s", url);
    *ret_result = *bench_ask(&bench);
    bench_settle(&bench);
    assert_int_equal(hostile_server_posts(bench.server), 0);
    bench_close(&bench);
}

static void name_that_does_not_resolve_proves_not_sent(void **state)
{
    (void) state;
    struct gateway_result result;
    ask_elsewhere("https://gateway.invalid/pay", &result);
    assert_int_equal(result.sent, NOT_SENT);
    assert_int_equal(result.http_status, 0);
    assert_true(result.why[0] != '\0');
}

static void refused_port_proves_not_sent(void **state)
{
    (void) state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd =
        socket(AF_INET, SOCK_STREAM, 0); /* bound and not listening: nobody else takes the port */
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &len), 0);
    char url[64];
    (void) snprintf(url, sizeof url, "https://127.0.0.1:%d/pay", ntohs(address.sin_port));
    struct gateway_result result;
    ask_elsewhere(url, &result);
    close(fd);
    assert_int_equal(result.sent, NOT_SENT);
    assert_non_null(strstr(result.why, "libcurl 7"));
}

static void plain_http_and_names_in_the_url_are_refused(void **state)
{
    (void) state;
    struct gateway_result result;
    ask_elsewhere("http://127.0.0.1:9/pay", &result);
    assert_int_equal(result.sent, NOT_SENT);
    assert_non_null(strstr(result.why, "libcurl 1)"));
    ask_elsewhere("https://user:word@127.0.0.1:9/pay", &result);
    assert_int_equal(result.sent, NOT_SENT);
    assert_non_null(strstr(result.why, "libcurl 67"));
}

static void environment_does_not_choose_a_proxy(void **state)
{
    (void) state;
    setenv("no_proxy", "none.invalid", 1);
    setenv("NO_PROXY", "none.invalid", 1);
    setenv("https_proxy", "http://127.0.0.1:9", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
    const struct hostile_server_options server = {.act = ACT_ANSWER};
    const struct gateway_http_options options = bench_options();
    struct bench bench;
    bench_open(&bench, &server, &options, GATEWAY_GUARD_ALL);
    assert_int_equal(bench_ask(&bench)->http_status, 200);
    bench_close(&bench);
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
}

int main(void)
{
    enum { TABLE = sizeof failures / sizeof failures[0], OTHERS = 5 };
    const struct CMUnitTest others[OTHERS] = {
        cmocka_unit_test(request_on_a_kept_connection_that_the_server_closed_goes_out_once),
        cmocka_unit_test(name_that_does_not_resolve_proves_not_sent),
        cmocka_unit_test(refused_port_proves_not_sent),
        cmocka_unit_test(plain_http_and_names_in_the_url_are_refused),
        cmocka_unit_test(environment_does_not_choose_a_proxy),
    };
    static struct failure copies[TABLE];
    struct CMUnitTest tests[TABLE + OTHERS];
    memcpy(copies, failures, sizeof failures);
    for (size_t i = 0; i < TABLE; i++)
        tests[i] = (struct CMUnitTest){.name = copies[i].name,
                                       .test_func = failure_is_judged_right,
                                       .initial_state = &copies[i]};
    memcpy(tests + TABLE, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
