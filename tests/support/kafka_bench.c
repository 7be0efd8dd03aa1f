/* See kafka_bench.h. Every wait is for a fact, with a bound. */
#include "kafka_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_MS = 5, CLOSE_MS = 20000 };

void bench_open(struct bench *bench, const char *bootstrap)
{
    memset(bench, 0, sizeof *bench);
    must(bootstrap != NULL);
    snprintf(bench->bootstrap, sizeof bench->bootstrap, "%s", bootstrap);
    bench->settings[0] = (struct kafka_setting){"bootstrap.servers", bench->bootstrap};
    assert_int_equal(loop_new(&bench->loop), STATUS_OK);
}

void bench_close(struct bench *bench)
{
    while (bench->members_count > 0)
        bench_leave(bench, bench->members[0]);
    kafka_publisher_close(bench->publisher, CLOSE_MS);
    loop_free(bench->loop);
}

struct step {
    struct bench *bench;
    bool done;
};

static int64_t step_turn(void *context)
{
    struct step *step = context;
    if (step->done) {
        loop_stop(step->bench->loop);
        return 0;
    }
    bool more = false;
    for (size_t i = 0; i < step->bench->members_count; i++) {
        struct member *member = step->bench->members[i];
        more = kafka_source_poll(member->source, member->room) || more;
    }
    step->done = true;
    return more ? 0 : STEP_MS;
}

void bench_step(struct bench *bench)
{
    struct step step = {bench, false};
    assert_int_equal(loop_run(bench->loop, step_turn, &step), STATUS_OK);
}

void bench_run_for(struct bench *bench, int64_t ms)
{
    for (int64_t end_ms = loop_now_ms() + ms; loop_now_ms() < end_ms;)
        bench_step(bench);
}

static void on_assigned(void *context, uint64_t epoch, struct kafka_membership *membership,
                        const struct source_partition *partitions, size_t count)
{
    struct member *member = context;
    member->assigned_count++;
    assert_true(epoch > member->epoch);
    assert_true(count <= BENCH_PARTITIONS_MAX);
    member->epoch = epoch;
    kafka_membership_drop(member->membership);
    member->membership = kafka_membership_keep(membership);
    member->partitions_count = count;
    for (size_t i = 0; i < count; i++) {
        member->partitions[i] = partitions[i];
        snprintf(member->metadata[i], sizeof member->metadata[i], "%.*s",
                 (int) partitions[i].metadata.len,
                 partitions[i].metadata.data == NULL ? "" : partitions[i].metadata.data);
    }
}

static void on_revoked(void *context, uint64_t epoch)
{
    struct member *member = context;
    assert_int_equal(epoch, member->epoch);
    member->revoked_count++;
}

static void on_lost(void *context, uint64_t epoch)
{
    struct member *member = context;
    assert_int_equal(epoch, member->epoch);
    member->lost_count++;
}

static void copy_text(char *ret_text, size_t max, struct bytes bytes)
{
    snprintf(ret_text, max, "%.*s", (int) bytes.len, bytes.data == NULL ? "" : bytes.data);
}

static void on_record(void *context, const struct source_record *record)
{
    struct member *member = context;
    must(member->records_count < BENCH_RECORDS_MAX);
    struct bench_record *to = &member->records[member->records_count++];
    *to = (struct bench_record){.topic = record->topic,
                                .partition = record->partition,
                                .offset = record->offset,
                                .timestamp_ms = record->timestamp_ms,
                                .epoch = record->epoch,
                                .has_key = !bytes_is_none(record->content.key),
                                .headers_count = record->content.headers_count,
                                .headers_cut = record->content.headers_cut};
    copy_text(to->key, sizeof to->key, record->content.key);
    copy_text(to->value, sizeof to->value, record->content.value);
    if (to->headers_count > 0)
        snprintf(to->first_header, sizeof to->first_header, "%.*s=%.*s",
                 (int) record->content.headers[0].name.len, record->content.headers[0].name.data,
                 (int) record->content.headers[0].value.len, record->content.headers[0].value.data);
}

static void on_trouble(void *context, enum status status, const char *why)
{
    struct member *member = context;
    member->trouble_count++;
    member->trouble_status = status;
    snprintf(member->trouble, sizeof member->trouble, "%s", why);
}

void bench_join(struct bench *bench, struct member *member, const char *group, const char *instance,
                const char *commands, const char *resolutions)
{
    struct kafka_source_options options = {
        .settings = bench->settings,
        .settings_count = 1,
        .group_id = group,
        .group_instance_id = instance,
        .topics = {commands, resolutions},
        .session_timeout_ms = 6000,
    };
    memset(member, 0, sizeof *member);
    member->room = 100000;
    member->records = calloc(BENCH_RECORDS_MAX, sizeof *member->records);
    struct kafka_source_events events = {
        .assigned = on_assigned,
        .revoked = on_revoked,
        .lost = on_lost,
        .record = on_record,
        .trouble = on_trouble,
        .context = member,
    };
    assert_int_equal(kafka_source_new(bench->loop, &options, &events, &member->source), STATUS_OK);
    must(bench->members_count < BENCH_MEMBERS_MAX);
    bench->members[bench->members_count++] = member;
}

void bench_leave(struct bench *bench, struct member *member)
{
    for (size_t i = 0; i < bench->members_count; i++)
        if (bench->members[i] == member)
            bench->members[i] = bench->members[--bench->members_count];
    kafka_source_close(member->source);
    kafka_membership_drop(member->membership);
    free(member->records);
    member->source = NULL;
    member->membership = NULL;
    member->records = NULL;
}

static void on_ready(void *context, enum status status, const char *why)
{
    struct bench *bench = context;
    bench->ready_count += status == STATUS_OK;
    bench->ready_status = status;
    snprintf(bench->ready_why, sizeof bench->ready_why, "%s", why);
}

static void on_done(void *context, const struct publish_report *report)
{
    struct bench *bench = context;
    bench->reports_count++;
    bench->report = *report;
}

static void on_told(void *context, uint64_t tag, enum status status)
{
    struct bench *bench = context;
    bench->told_count++;
    bench->told_tag = tag;
    bench->told_status = status;
}

void bench_publish_with(struct bench *bench, const struct bench_publishing *publishing)
{
    const struct kafka_publisher_options options = {
        .settings = bench->settings,
        .settings_count = 1,
        .transactional_id = publishing->transactional_id,
        .group_id = publishing->group,
        .topics = {publishing->outcomes, publishing->outcomes, publishing->resolutions},
        .source_topics = {publishing->commands, publishing->resolutions},
        .transaction_timeout_ms =
            publishing->transaction_timeout_ms == 0 ? 10000 : publishing->transaction_timeout_ms,
        .message_timeout_ms =
            publishing->message_timeout_ms == 0 ? 8000 : publishing->message_timeout_ms,
    };
    const struct kafka_publisher_events events = {on_ready, on_done, on_told, bench};
    bench->ready_status = STATUS_COUNT;
    assert_int_equal(kafka_publisher_new(bench->loop, &options, &events, &bench->publisher),
                     STATUS_OK);
}

enum publish_result bench_publish(struct bench *bench, const struct publish_batch *batch)
{
    int before = bench->reports_count;
    BENCH_UNTIL(bench, bench->ready_status == STATUS_OK);
    BENCH_UNTIL(bench, kafka_publisher_submit(bench->publisher, batch) == STATUS_OK);
    assert_true(kafka_publisher_is_busy(bench->publisher));
    BENCH_UNTIL(bench, bench->reports_count > before);
    assert_false(kafka_publisher_is_busy(bench->publisher));
    assert_int_equal(bench->report.number, batch->number);
    return bench->report.result;
}
