/* What reaches the log, and what must never reach it. */
#include "payoutd/adapter/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <threads.h>
#include <unistd.h>

#include <cmocka.h>

static int file;
static char said[64 * 1024];

static void begin(enum log_format format, enum log_level level)
{
    assert_int_equal(ftruncate(file, 0), 0);
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    log_setup(file, format, level, "payoutd", "1.2.3");
}

static const char *heard(void)
{
    ssize_t len = pread(file, said, sizeof said - 1, 0);
    assert_true(len >= 0);
    said[len] = '\0';
    return said;
}

/* The line without its time, which differs from run to run. */
static const char *after_time(const char *line)
{
    const char *end = strchr(line, 'Z');
    assert_non_null(end);
    return end + 1;
}

static void a_json_line_has_the_ecs_names_in_order(void **state)
{
    (void) state;
    begin(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
    LOG(LOG_LEVEL_INFO, "payout.settled", "Payout is \"paid\"", LOG_TEXT("labels.order_id", "A-1"),
        LOG_INT("labels.attempt", -2), LOG_BYTES("labels.absent", BYTES_NONE),
        LOG_BYTES("labels.empty", BYTES("")));
    assert_int_equal(strncmp(heard(), "{\"@timestamp\":\"20", 17), 0);
    assert_string_equal(
        after_time(said),
        "\",\"log.level\":\"info\",\"message\":\"Payout is \\\"paid\\\"\","
        "\"ecs.version\":\"8.11.0\",\"service.name\":\"payoutd\","
        "\"service.version\":\"1.2.3\",\"event.action\":\"payout.settled\","
        "\"labels.order_id\":\"A-1\",\"labels.attempt\":-2,\"labels.empty\":\"\"}\n");
}

static void a_text_line_quotes_only_what_needs_it(void **state)
{
    (void) state;
    begin(LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
    LOG(LOG_LEVEL_WARN, "kafka.trouble", "broker away", LOG_TEXT("host", "kafka-1:9092"),
        LOG_TEXT("why", "a=b"), LOG_INT("tries", 3));
    assert_string_equal(after_time(heard()),
                        " WARN  kafka.trouble \"broker away\" host=kafka-1:9092 "
                        "why=\"a=b\" tries=3\n");
}

static void a_line_below_the_level_is_not_written(void **state)
{
    (void) state;
    begin(LOG_FORMAT_JSON, LOG_LEVEL_WARN);
    log_plain(LOG_LEVEL_INFO, "loop.started", "hello");
    assert_string_equal(heard(), "");
    assert_false(log_enabled(LOG_LEVEL_INFO));
    log_set_level(LOG_LEVEL_DEBUG);
    log_plain(LOG_LEVEL_DEBUG, "loop.started", "hello");
    assert_non_null(strstr(heard(), "\"message\":\"hello\""));
}

static void control_characters_and_broken_utf8_cannot_forge_a_line(void **state)
{
    (void) state;
    begin(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    LOG(LOG_LEVEL_INFO, "a.b", "x", LOG_TEXT("v", "1\n2\r3\t4\x01\x1b[31m\\"),
        LOG_TEXT("u", "\xd0\x9f\xff\xc0\xaf\xed\xa0\x80\xe2\x82"));
    assert_string_equal(after_time(heard()),
                        " INFO  a.b x v=\"1\\n2\\r3\\t4\\u0001\\u001b[31m\\\\\" "
                        "u=\"\xd0\x9f\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n");
}

static void card_numbers_are_blanked_and_counted_wherever_they_stand(void **state)
{
    (void) state;
    begin(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    int64_t before = log_redactions();
    LOG(LOG_LEVEL_INFO, "a.b", "card 4671 5938-6647 8252 refused",
        LOG_TEXT("pan", "4671593866478252"), LOG_TEXT("two", "x4111111111111111y5500005555555559z"),
        LOG_TEXT("attempt", "2 4111111111111111 4"), LOG_TEXT("order", "4671593866478253"),
        LOG_TEXT("short", "424242424242"), LOG_TEXT("zeros", "00000000000000000000"));
    LOG(LOG_LEVEL_INFO, "a.b", "x", LOG_INT("n", 4111111111111111),
        LOG_INT("offset", 4111111111111112));
    assert_non_null(strstr(heard(), "\"card **** ****-**** **** refused\" pan=**************** "
                                    "two=x****************y****************z "
                                    "attempt=\"2 **************** 4\" order=4671593866478253 "
                                    "short=424242424242 zeros=00000000000000000000\n"));
    assert_non_null(strstr(said, "x n=* offset=4111111111111112\n"));
    assert_int_equal(log_redactions() - before, 6);

    begin(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
    LOG(LOG_LEVEL_INFO, "a.b", "x", LOG_INT("n", 4111111111111111));
    assert_non_null(strstr(heard(), "\"n\":null}\n"));
}

static void a_long_value_is_cut_and_says_so_without_half_a_card_number(void **state)
{
    (void) state;
    static char value[3 * 1024 + 9];
    memset(value, 'a', sizeof value - 1);
    memcpy(value + sizeof value - 17, "4671593866478252", 16); /* the cut falls into it */
    begin(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
    LOG(LOG_LEVEL_INFO, "a.b", "x", LOG_TEXT("long", value), LOG_TEXT("after", "still here"));
    assert_null(strstr(heard(), "467"));
    assert_non_null(strstr(said, "aaa\",\"after\":\"still here\",\"labels.log_cut\":\"true\"}\n"));
}

static void a_line_never_exceeds_8_kib_and_stays_json(void **state)
{
    (void) state;
    static char value[4000];
    memset(value, '\x01', sizeof value - 1);
    begin(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
    LOG(LOG_LEVEL_INFO, "a.b", value, LOG_TEXT("b", value), LOG_TEXT("c", value),
        LOG_TEXT("d", value), LOG_TEXT("e", value));
    size_t len = strlen(heard());
    assert_true(len <= 8192 && len > 8000);
    assert_non_null(strstr(said, "\"event.action\":\"a.b\""));
    const char *end = "\"labels.log_cut\":\"true\"}\n";
    assert_string_equal(said + len - strlen(end), end);
}

static int say_a_hundred_lines(void *context)
{
    for (int i = 0; i < 100; i++)
        LOG(LOG_LEVEL_INFO, "a.b", context, LOG_TEXT("v", context));
    return 0;
}

static void lines_of_two_threads_do_not_mix(void **state)
{
    (void) state;
    char first[60], second[60];
    memset(first, 'a', sizeof first), memset(second, 'b', sizeof second);
    first[59] = second[59] = '\0';
    begin(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    thrd_t threads[2];
    assert_int_equal(thrd_create(&threads[0], say_a_hundred_lines, first), thrd_success);
    assert_int_equal(thrd_create(&threads[1], say_a_hundred_lines, second), thrd_success);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(thrd_join(threads[i], NULL), thrd_success);
    int lines = 0;
    heard();
    for (char *line = strtok(said, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++) {
        bool whole = strstr(line, first) != NULL && strstr(line, second) == NULL;
        whole = whole || (strstr(line, second) != NULL && strstr(line, first) == NULL);
        assert_true(whole);
    }
    assert_int_equal(lines, 200);
}

int main(void)
{
    file = memfd_create("log", MFD_CLOEXEC);
    fcntl(file, F_SETFL, O_APPEND);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_json_line_has_the_ecs_names_in_order),
        cmocka_unit_test(a_text_line_quotes_only_what_needs_it),
        cmocka_unit_test(a_line_below_the_level_is_not_written),
        cmocka_unit_test(control_characters_and_broken_utf8_cannot_forge_a_line),
        cmocka_unit_test(card_numbers_are_blanked_and_counted_wherever_they_stand),
        cmocka_unit_test(a_long_value_is_cut_and_says_so_without_half_a_card_number),
        cmocka_unit_test(a_line_never_exceeds_8_kib_and_stays_json),
        cmocka_unit_test(lines_of_two_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
