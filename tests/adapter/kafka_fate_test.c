/* Commits whose answer is lost, and brokers that stand still: the truth is read back, never
 * guessed. */
#include "publish_bench.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The commit, as the publisher calls it: the tests take its answer away, or stop the broker before
 * it. */
enum fate { ANSWER_REAL, ANSWER_LOST, ANSWER_NEVER_ASKED, ANSWER_BROKER_STOPPED };
static volatile enum fate next_answer;

static bool is_stopped(const char *folder, const char *thread)
{
    char path[320], line[400] = "";
    snprintf(path, sizeof path, "%s/%s/stat", folder, thread);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return true; /* the thread has ended */
    const char *name_end = fgets(line, sizeof line, file) == NULL ? NULL : strrchr(line, ')');
    fclose(file);
    return name_end != NULL && name_end[2] == 'T';
}

static bool are_all_stopped(const char *folder)
{
    DIR *tasks = opendir(folder);
    bool all = true;
    must(tasks != NULL);
    for (struct dirent *task = readdir(tasks); task != NULL && all; task = readdir(tasks))
        all = task->d_name[0] == '.' || is_stopped(folder, task->d_name);
    closedir(tasks);
    return all;
}

/* Comes back when every thread of it stands: on a busy machine the rest would commit meanwhile. */
static void stop_broker(void)
{
    char folder[64];
    pid_t pid = (pid_t) atoi(getenv("KAFKA_PID"));
    int64_t deadline_ms = loop_now_ms() + 10000;
    snprintf(folder, sizeof folder, "/proc/%d/task", (int) pid);
    must(kill(pid, SIGSTOP) == 0);
    while (!are_all_stopped(folder))
        must(loop_now_ms() < deadline_ms);
}

rd_kafka_error_t *__real_rd_kafka_commit_transaction(rd_kafka_t *producer, int timeout_ms);
rd_kafka_error_t *__wrap_rd_kafka_commit_transaction(rd_kafka_t *producer, int timeout_ms);
rd_kafka_error_t *__wrap_rd_kafka_commit_transaction(rd_kafka_t *producer, int timeout_ms)
{
    enum fate answer = next_answer;
    next_answer = ANSWER_REAL;
    if (answer == ANSWER_NEVER_ASKED)
        return rd_kafka_error_new(RD_KAFKA_RESP_ERR__TIMED_OUT, "the test asked nobody");
    if (answer == ANSWER_BROKER_STOPPED)
        stop_broker();
    rd_kafka_error_t *error = __real_rd_kafka_commit_transaction(producer, timeout_ms);
    if (answer != ANSWER_LOST)
        return error;
    must(error == NULL);
    return rd_kafka_error_new(RD_KAFKA_RESP_ERR__TIMED_OUT, "the test lost the answer");
}

static int open_with_real_answers(void **state)
{
    next_answer = ANSWER_REAL;
    return publish_bench_open(state);
}

static void assert_reread(int64_t zero, int64_t one, int64_t resolution, const char *metadata)
{
    assert_int_equal(bench.report.offsets_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct source_partition *at = &bench.report.offsets[i];
        int64_t expected = at->topic == SOURCE_RESOLUTIONS ? resolution
                           : at->partition == 0            ? zero
                                                           : one;
        assert_int_equal(at->committed_offset, expected);
        if (at->topic == SOURCE_COMMANDS && at->partition == 0)
            assert_true(bytes_equal_text(at->metadata, metadata));
    }
}

static void commit_that_worked_and_whose_answer_was_lost_is_found_committed(void **state)
{
    (void) state;
    publish_bench_start(0, 0);
    struct publish_batch batch = publish_bench_batch(1);
    next_answer = ANSWER_LOST;
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_REREAD);
    assert_reread(11, 22, 33, "1;a;11;r;");
    publish_bench_assert_all();
    batch.number = 2;
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_COMMITTED);
    assert_int_equal(bench_read(&bench, outcomes, 2, NULL, 0), 4);
}

static void commit_that_never_arrived_is_found_not_committed(void **state)
{
    (void) state;
    publish_bench_start(0, 0);
    struct publish_batch batch = publish_bench_batch(1);
    next_answer = ANSWER_NEVER_ASKED;
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_REREAD);
    assert_reread(0, 0, 0, "");
    publish_bench_assert_nothing();
    batch.number = 2;
    assert_int_equal(bench_publish(&bench, &batch), PUBLISH_COMMITTED);
    publish_bench_assert_all();
}

static void wake_broker(void *context)
{
    (void) context;
    kill((pid_t) atoi(getenv("KAFKA_PID")), SIGCONT);
}

static enum publish_result publish_over_a_stopped_broker(const struct publish_batch *batch,
                                                         int64_t stopped_ms)
{
    struct loop_timer *timer;
    assert_int_equal(loop_timer_new(bench.loop, wake_broker, NULL, &timer), STATUS_OK);
    next_answer = ANSWER_BROKER_STOPPED;
    loop_timer_set(timer, stopped_ms);
    enum publish_result result = bench_publish(&bench, batch);
    loop_timer_free(timer);
    wake_broker(NULL);
    return result;
}

static void broker_that_stands_still_for_a_moment_only_delays_the_commit(void **state)
{
    (void) state;
    publish_bench_start(10000, 8000);
    struct publish_batch batch = publish_bench_batch(1);
    assert_int_equal(publish_over_a_stopped_broker(&batch, 4000), PUBLISH_COMMITTED);
    assert_true(bench.report.took_ms >= 2000);
    publish_bench_assert_all();
}

static void broker_that_stands_still_too_long_leaves_a_fate_that_is_read_back(void **state)
{
    (void) state;
    publish_bench_start(2000, 1500);
    struct publish_batch batch = publish_bench_batch(1);
    enum publish_result result = publish_over_a_stopped_broker(&batch, 9000);
    if (result == PUBLISH_REREAD && bench.report.offsets[0].committed_offset > 0)
        publish_bench_assert_all();
    else {
        assert_true(result == PUBLISH_REREAD || result == PUBLISH_ABORTED);
        publish_bench_assert_nothing();
    }
    print_message("    the broker stood still for 9 s: result %d, offset %lld, %s\n", (int) result,
                  result == PUBLISH_REREAD ? (long long) bench.report.offsets[0].committed_offset
                                           : -1LL,
                  bench.report.why);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, open_with_real_answers, publish_bench_close)

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        TEST(commit_that_worked_and_whose_answer_was_lost_is_found_committed),
        TEST(commit_that_never_arrived_is_found_not_committed),
        TEST(broker_that_stands_still_for_a_moment_only_delays_the_commit),
        TEST(broker_that_stands_still_too_long_leaves_a_fate_that_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
