/* The window against a model that is too simple to be wrong: an array with one mark per offset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "payoutd/domain/window.h"

enum { OFFSETS = 200000, ROUNDS = 60, STEPS = 4000 };
enum mark { MARK_UNSEEN, MARK_OPEN, MARK_DONE };

struct model {
    enum mark marks[OFFSETS];
    int64_t fetched;
    int64_t watermark;
};

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

static void model_settle(struct model *model)
{
    while (model->watermark < model->fetched && model->marks[model->watermark] == MARK_DONE)
        model->watermark++;
}

static bool model_open(struct model *model, int64_t offset)
{
    for (int64_t at = model->fetched; at < offset; at++)
        model->marks[at] = MARK_DONE;
    if (offset >= model->fetched)
        model->fetched = offset + 1;
    if (model->marks[offset] == MARK_UNSEEN)
        model->marks[offset] = MARK_OPEN;
    bool is_open = model->marks[offset] == MARK_OPEN;
    model_settle(model);
    return is_open;
}

static void assert_same(const struct model *model, const struct window *window)
{
    assert_int_equal(window->watermark, model->watermark);
    assert_int_equal(window->fetched, model->fetched);
    size_t open = 0;
    for (int64_t at = model->watermark; at < model->fetched; at++) {
        assert_int_equal(window_is_done(window, at), model->marks[at] == MARK_DONE);
        open += model->marks[at] == MARK_OPEN;
    }
    assert_int_equal(window_open_count(window), open);
    assert_int_equal(window_is_closed(window),
                     model->fetched - model->watermark >= WINDOW_SPAN_MAX);
}

static int64_t random_gap(void)
{
    switch (random_below(40)) {
    case 0:
        return (int64_t) random_below(30000);
    case 1:
    case 2:
    case 3:
        return (int64_t) random_below(300);
    default:
        return 0;
    }
}

static void finish_something(struct model *model, struct window *window)
{
    int64_t span = model->fetched - model->watermark;
    if (span == 0)
        return;
    int64_t offset = random_below(3) == 0
                         ? model->watermark
                         : model->watermark + (int64_t) random_below((uint64_t) span);
    window_finish(window, offset);
    model->marks[offset] = MARK_DONE;
    model_settle(model);
}

static void open_something(struct model *model, struct window *window)
{
    bool again = model->fetched > model->watermark && random_below(20) == 0;
    int64_t offset = again ? model->watermark + (int64_t) random_below(
                                                    (uint64_t) (model->fetched - model->watermark))
                           : model->fetched + random_gap();
    if (offset >= OFFSETS)
        return;
    bool fits = offset < model->fetched || model->watermark == model->fetched ||
                offset - model->watermark < WINDOW_SPAN_MAX;
    assert_int_equal(window_has_room(window, offset), fits);
    if (fits)
        assert_int_equal(window_open(window, offset), model_open(model, offset));
}

static void restore_some(struct model *model, struct window *window)
{
    size_t count = (size_t) random_below(500);
    for (size_t i = 0; i < count; i++) {
        int64_t ahead = (int64_t) random_below(i % 3 == 0 ? WINDOW_SPAN_MAX + 50 : 700);
        int64_t offset = model->watermark + ahead;
        enum status expected = ahead < WINDOW_SPAN_MAX ? STATUS_OK : STATUS_NO_ROOM;
        assert_int_equal(window_restore(window, offset), expected);
        if (expected == STATUS_OK)
            model->marks[offset] = MARK_DONE;
    }
}

static void window_agrees_with_a_naive_model_under_random_use(void **state)
{
    (void) state;
    struct model *model = malloc(sizeof *model);
    assert_non_null(model);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        random_state = round * UINT64_C(0x9E3779B97F4A7C15);
        int64_t start = (int64_t) random_below(1000);
        memset(model, 0, sizeof *model);
        model->watermark = model->fetched = start;
        struct window window;
        window_init(&window, start);
        if (round % 2 == 0)
            restore_some(model, &window);
        uint64_t opens_of_ten = 3 + random_below(6);
        for (size_t step = 0; step < STEPS; step++) {
            if (random_below(10) < opens_of_ten)
                open_something(model, &window);
            else
                finish_something(model, &window);
            if (step % 97 == 0)
                assert_same(model, &window);
        }
        assert_same(model, &window);
    }
    free(model);
}

static void watermark_waits_for_the_oldest_open_position(void **state)
{
    (void) state;
    struct window window;
    window_init(&window, 100);
    for (int64_t offset = 100; offset < 200; offset++)
        assert_true(window_open(&window, offset));
    for (int64_t offset = 199; offset > 100; offset--) {
        window_finish(&window, offset);
        assert_int_equal(window.watermark, 100);
    }
    window_finish(&window, 100);
    assert_int_equal(window.watermark, 200);
    assert_int_equal(window_open_count(&window), 0);
}

static void window_closes_at_its_span_and_opens_again(void **state)
{
    (void) state;
    struct window window;
    window_init(&window, 7);
    for (int64_t offset = 7; offset < 7 + WINDOW_SPAN_MAX; offset++) {
        assert_false(window_is_closed(&window));
        assert_true(window_open(&window, offset));
        if (offset > 7)
            window_finish(&window, offset);
    }
    assert_true(window_is_closed(&window));
    assert_false(window_has_room(&window, 7 + WINDOW_SPAN_MAX));
    window_finish(&window, 7);
    assert_false(window_is_closed(&window));
    assert_int_equal(window.watermark, 7 + WINDOW_SPAN_MAX);
    assert_true(window_open(&window, 7 + WINDOW_SPAN_MAX));
}

static void huge_gap_is_passed_when_nothing_is_open(void **state)
{
    (void) state;
    struct window window;
    window_init(&window, 5);
    assert_true(window_open(&window, 5));
    assert_false(window_has_room(&window, INT64_C(9000000000)));
    window_finish(&window, 5);
    assert_true(window_has_room(&window, INT64_C(9000000000)));
    assert_true(window_open(&window, INT64_C(9000000000)));
    assert_int_equal(window.watermark, INT64_C(9000000000));
    assert_int_equal(window_open_count(&window), 1);
}

static void restored_position_is_skipped_when_it_arrives(void **state)
{
    (void) state;
    struct window window;
    window_init(&window, 10);
    assert_int_equal(window_restore(&window, 12), STATUS_OK);
    assert_int_equal(window.fetched, 10);
    assert_true(window_is_done(&window, 12));
    assert_true(window_open(&window, 10));
    assert_true(window_open(&window, 11));
    assert_false(window_open(&window, 12));
    assert_true(window_open(&window, 13));
    window_finish(&window, 10);
    window_finish(&window, 11);
    assert_int_equal(window.watermark, 13);
}

static void nothing_is_restored_beyond_the_span(void **state)
{
    (void) state;
    struct window window;
    window_init(&window, 10);
    assert_int_equal(window_restore(&window, 10 + WINDOW_SPAN_MAX), STATUS_NO_ROOM);
    assert_int_equal(window.inherited, 10);
    assert_int_equal(window_restore(&window, 10 + WINDOW_SPAN_MAX - 1), STATUS_OK);
}

static void finishing_twice_changes_nothing(void **state)
{
    (void) state;
    struct window window;
    window_init(&window, 0);
    assert_true(window_open(&window, 0));
    assert_true(window_open(&window, 1));
    window_finish(&window, 0);
    window_finish(&window, 0);
    assert_int_equal(window.watermark, 1);
    assert_true(window_open(&window, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watermark_waits_for_the_oldest_open_position),
        cmocka_unit_test(window_closes_at_its_span_and_opens_again),
        cmocka_unit_test(huge_gap_is_passed_when_nothing_is_open),
        cmocka_unit_test(restored_position_is_skipped_when_it_arrives),
        cmocka_unit_test(nothing_is_restored_beyond_the_span),
        cmocka_unit_test(finishing_twice_changes_nothing),
        cmocka_unit_test(window_agrees_with_a_naive_model_under_random_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
