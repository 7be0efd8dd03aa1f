/* Times of commands and outcomes, against the C library's own calendar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "payoutd/codec/rfc3339.h"

static void times_are_read_to_the_millisecond(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {{"1970-01-01T00:00:00Z", 0},
                {"2024-02-29T12:34:56Z", 1709210096000},
                {"2024-02-29t12:34:56.7z", 1709210096700},
                {"2024-02-29T12:34:56.789654321Z", 1709210096789},
                {"2024-02-29T18:34:56+06:00", 1709210096000},
                {"2024-02-29T00:04:56-12:30", 1709210096000},
                {"2016-12-31T23:59:60Z", 1483228800000},
                {"9999-12-31T23:59:59.999Z", 253402300799999}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = -1;
        assert_int_equal(rfc3339_parse(bytes_of(rows[i].text), &ms), STATUS_OK);
        assert_int_equal(ms, rows[i].ms);
    }
}

static void times_out_of_form_are_refused(void **state)
{
    (void) state;
    static const char *const rows[] = {"",
                                       "2024-02-29",
                                       "2024-02-29T12:34:56",
                                       "2024-02-29 12:34:56Z",
                                       "2023-02-29T00:00:00Z",
                                       "1900-02-29T00:00:00Z",
                                       "2024-13-01T00:00:00Z",
                                       "2024-00-01T00:00:00Z",
                                       "2024-01-00T00:00:00Z",
                                       "2024-04-31T00:00:00Z",
                                       "2024-01-01T24:00:00Z",
                                       "2024-01-01T00:60:00Z",
                                       "2024-01-01T00:00:61Z",
                                       "2024-01-01T00:00:00.Z",
                                       "2024-01-01T00:00:00Zx",
                                       "2024-01-01T00:00:00+6:00",
                                       "2024-01-01T00:00:00+0600",
                                       "2024-01-01T00:00:00+24:00",
                                       "2024-01-01T00:00:00+06:60",
                                       "1969-12-31T23:59:59Z",
                                       "1970-01-01T00:00:00+06:00",
                                       "-024-01-01T00:00:00Z",
                                       "2024-01-01T00:00:00,5Z"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = -7;
        if (rfc3339_parse(bytes_of(rows[i]), &ms) != STATUS_SYNTAX)
            fail_msg("%s was taken", rows[i]);
        assert_int_equal(ms, -7);
    }
}

static void every_day_of_four_centuries_is_written_and_read_alike(void **state)
{
    (void) state;
    for (int64_t day = 0; day < 146097 + 366; day++) {
        int64_t ms = day * 86400000 + 3661007, read = -1;
        char text[RFC3339_LEN], expected[64];
        struct buffer buffer;
        buffer_init(&buffer, text, sizeof text);
        rfc3339_put(&buffer, ms);
        time_t seconds = (time_t) (ms / 1000);
        struct tm calendar;
        assert_non_null(gmtime_r(&seconds, &calendar));
        assert_int_equal(strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.007Z", &calendar),
                         RFC3339_LEN);
        assert_memory_equal(text, expected, RFC3339_LEN);
        assert_int_equal(rfc3339_parse((struct bytes){text, buffer.len}, &read), STATUS_OK);
        assert_int_equal(read, ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_to_the_millisecond),
        cmocka_unit_test(times_out_of_form_are_refused),
        cmocka_unit_test(every_day_of_four_centuries_is_written_and_read_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
