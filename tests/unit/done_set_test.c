/* The commit metadata: what is written is read back, what was not written here is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "payoutd/codec/base64.h"
#include "payoutd/codec/done_set.h"

static uint64_t random_state = 88172645463325252;

static uint64_t random_below(uint64_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

static void assert_round_trip(const struct window *window, struct commit_metadata metadata)
{
    char text[DONE_SET_TEXT_MAX];
    size_t len = 0;
    assert_int_equal(done_set_encode(&metadata, window, text, sizeof text, &len), STATUS_OK);
    assert_in_range(len, 1, DONE_SET_TEXT_MAX);
    for (size_t i = 0; i < len; i++)
        assert_in_range(text[i], 0x20, 0x7E);
    struct window restored;
    struct commit_metadata read = {0};
    window_init(&restored, window->watermark);
    assert_int_equal(done_set_decode((struct bytes){text, len}, &read, &restored), STATUS_OK);
    assert_true(read.token == metadata.token);
    assert_int_equal(read.ceiling, metadata.ceiling);
    assert_int_equal(restored.fetched, restored.watermark);
    for (int64_t at = window->watermark; at < window->watermark + WINDOW_SPAN_MAX; at++)
        assert_int_equal(window_is_done(&restored, at), window_is_done(window, at));
}

/* `open_of_thousand` of the positions stay open, and so does the first. */
static void make_window(struct window *window, int64_t start, int64_t span,
                        uint64_t open_of_thousand)
{
    window_init(window, start);
    for (int64_t at = start; at < start + span; at++)
        assert_true(window_open(window, at));
    for (int64_t at = start + 1; at < start + span; at++)
        if (random_below(1000) >= open_of_thousand)
            window_finish(window, at);
}

static void random_windows_come_back_as_they_were(void **state)
{
    (void) state;
    static const uint64_t shares[] = {0, 1, 10, 100, 300, 500, 700, 900, 990, 999, 1000};
    for (size_t i = 0; i < 132; i++) {
        struct window window;
        int64_t span = i % 4 == 0 ? WINDOW_SPAN_MAX : 1 + (int64_t) random_below(WINDOW_SPAN_MAX);
        int64_t start = (int64_t) random_below(INT64_C(1) << 40);
        make_window(&window, start, span, shares[i % 11]);
        assert_round_trip(&window,
                          (struct commit_metadata){.token = random_state, .ceiling = start + span});
    }
}

static void worst_full_window_fits_with_the_longest_head(void **state)
{
    (void) state;
    struct window window;
    int64_t start = INT64_MAX - 2 * (int64_t) WINDOW_SPAN_MAX;
    window_init(&window, start);
    for (int64_t at = 0; at < WINDOW_SPAN_MAX; at++)
        assert_true(window_open(&window, start + at));
    for (int64_t at = 1; at < WINDOW_SPAN_MAX; at += 2)
        window_finish(&window, start + at);
    assert_true(window_is_closed(&window));
    assert_round_trip(&window, (struct commit_metadata){UINT64_MAX, INT64_MAX});
}

static void positions_read_back_but_not_fetched_are_written_again(void **state)
{
    (void) state;
    struct window window;
    window_init(&window, 50);
    assert_int_equal(window_restore(&window, 52), STATUS_OK);
    assert_int_equal(window_restore(&window, 19999 + 50), STATUS_OK);
    assert_round_trip(&window, (struct commit_metadata){1, 60});
}

static void sparse_sets_are_runs_and_dense_ones_bitmaps(void **state)
{
    (void) state;
    struct window window;
    char text[DONE_SET_TEXT_MAX];
    size_t len = 0;
    const struct commit_metadata metadata = {0xabc, 105};
    window_init(&window, 100);
    for (int64_t at = 100; at < 104; at++)
        assert_true(window_open(&window, at));
    window_finish(&window, 102);
    assert_int_equal(done_set_encode(&metadata, &window, text, sizeof text, &len), STATUS_OK);
    assert_int_equal(len, strlen("1;0000000000000abc;105;b;BA=="));
    assert_memory_equal(text, "1;0000000000000abc;105;b;BA==", len);
    make_window(&window, 100, 10000, 1);
    assert_int_equal(done_set_encode(&metadata, &window, text, sizeof text, &len), STATUS_OK);
    assert_int_equal(text[23], 'r');
    assert_true(len < 200);
}

static void empty_text_is_a_first_deployment(void **state)
{
    (void) state;
    struct window window;
    struct commit_metadata metadata = {9, 9};
    window_init(&window, 7);
    assert_int_equal(done_set_decode(BYTES(""), &metadata, &window), STATUS_OK);
    assert_int_equal(metadata.token, 0);
    assert_int_equal(metadata.ceiling, 7);
    assert_int_equal(done_set_decode(BYTES_NONE, &metadata, &window), STATUS_OK);
}

static void text_that_was_not_written_here_is_refused(void **state)
{
    (void) state;
#define HEAD "1;0000000000000abc;105;"
    static const char *const rows[] = {
        "x",
        "1",
        "1;",
        ";",
        "1;;;;",
        "-1;0000000000000abc;105;r;",
        "1;0000000000000ABC;105;r;",
        "1;abc;105;r;",
        "1;0000000000000abc;0105;r;",
        "1;0000000000000abc;-5;r;",
        "1;0000000000000abc;;r;",
        "1;0000000000000abc;99999999999999999999;r;",
        HEAD "q;",
        HEAD "r",
        HEAD "r;A",
        HEAD "r;AAAA",
        HEAD "r;!!!!",
        HEAD "r;AQ==;",
        HEAD "r; AQ==",
        HEAD "r;AQ=",
        HEAD "r;AQ==AQ==",
        HEAD "r;AR==" /* stray bits */,
        HEAD "r;AQ==" /* open end */,
        HEAD "r;gAA=" /* overlong */,
        HEAD "r;////" /* endless run */,
        HEAD "r;AKCdAQ==" /* 20128 */,
        HEAD "b;AA==" /* open end */,
        HEAD "b;====",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct window window;
        struct commit_metadata metadata = {3, 4};
        window_init(&window, 100);
        const struct window before = window;
        if (done_set_decode(bytes_of(rows[i]), &metadata, &window) != STATUS_SYNTAX)
            fail_msg("%s was taken", rows[i]);
        assert_memory_equal(&window, &before, sizeof window);
        assert_int_equal(metadata.token, 3);
    }
}

static void another_version_is_foreign(void **state)
{
    (void) state;
    struct window window;
    struct commit_metadata metadata = {3, 4};
    window_init(&window, 100);
    assert_int_equal(done_set_decode(BYTES("2;whatever"), &metadata, &window), STATUS_FOREIGN_DATA);
    assert_int_equal(metadata.token, 3);
}

static void set_beyond_the_span_is_refused(void **state)
{
    (void) state;
    char bits[2504], text[DONE_SET_TEXT_MAX];
    for (size_t len = 2500; len <= sizeof bits; len += 4) {
        memset(bits, 0, sizeof bits);
        bits[len - 1] = (char) 0x80;
        struct buffer buffer;
        buffer_init(&buffer, text, sizeof text);
        buffer_put_text(&buffer, HEAD "b;");
        base64_put(&buffer, (struct bytes){bits, len});
        struct window window;
        struct commit_metadata metadata;
        window_init(&window, 100);
        assert_int_equal(done_set_decode((struct bytes){text, buffer.len}, &metadata, &window),
                         len == 2500 ? STATUS_OK : STATUS_SYNTAX);
    }
}

static void room_that_is_too_small_is_said(void **state)
{
    (void) state;
    struct window window;
    char text[20];
    size_t len = 5;
    window_init(&window, 0);
    const struct commit_metadata metadata = {1, 1};
    assert_int_equal(done_set_encode(&metadata, &window, text, sizeof text, &len), STATUS_NO_ROOM);
    assert_int_equal(len, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_windows_come_back_as_they_were),
        cmocka_unit_test(worst_full_window_fits_with_the_longest_head),
        cmocka_unit_test(positions_read_back_but_not_fetched_are_written_again),
        cmocka_unit_test(sparse_sets_are_runs_and_dense_ones_bitmaps),
        cmocka_unit_test(empty_text_is_a_first_deployment),
        cmocka_unit_test(text_that_was_not_written_here_is_refused),
        cmocka_unit_test(another_version_is_foreign),
        cmocka_unit_test(set_beyond_the_span_is_refused),
        cmocka_unit_test(room_that_is_too_small_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
