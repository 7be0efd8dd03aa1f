/* The restorer: its steps in their order, and beginning again when another one, or Redis, got in
 * between (see restorer.h). */
#include "restorer_parts.h"

#include "payoutd/adapter/log.h"
#include "payoutd/app/worker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
    ARENA_MAX = 256 * 1024,
    PAUSE_MS = 500,
    YIELD_MIN_MS = 1000, /* after another restorer took over: it may finish meanwhile */
    YIELD_SPREAD_MS = 2000,
    STEP_MS = 50
};

bool restorer_is_stopped(const struct restoring *restoring)
{
    return restoring->given->stop != NULL && atomic_load(restoring->given->stop);
}

void restorer_tell(const struct restoring *restoring, const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_plain(LOG_LEVEL_INFO, "recovery.step", text);
    if (restoring->given->tell != NULL)
        restoring->given->tell(restoring->given->context, text);
}

enum status restorer_complain(const struct restoring *restoring, enum status status,
                              const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(restoring->why, restoring->why_max, format, arguments);
    va_end(arguments);
    return status;
}

const struct merchant_options *restorer_merchant(const struct restoring *restoring,
                                                 struct bytes merchant_id)
{
    const struct options *options = restoring->options;
    if (merchant_id.len == 0)
        merchant_id = bytes_of(options->default_merchant);
    for (size_t i = 0; i < options->merchants_count; i++)
        if (bytes_equal_text(merchant_id, options->merchants[i].id))
            return &options->merchants[i];
    return NULL;
}

/* --- one start --- */

static enum status make_room(struct restoring *restoring)
{
    size_t all = (size_t) restoring->counts[SOURCE_COMMANDS] +
                 (size_t) restoring->counts[SOURCE_RESOLUTIONS];
    restoring->committed = calloc(all, sizeof *restoring->committed);
    restoring->partitions =
        calloc((size_t) restoring->counts[SOURCE_COMMANDS], sizeof *restoring->partitions);
    return restoring->committed != NULL && restoring->partitions != NULL ? STATUS_OK
                                                                         : STATUS_NO_ROOM;
}

static enum status connect_both(struct restoring *restoring)
{
    const struct options *options = restoring->options;
    const struct kafka_reader_options reader = {
        .settings = restoring->given->secrets->kafka,
        .settings_count = restoring->given->secrets->kafka_count,
        .group_id = options->consumer_group_id,
        .stop = restoring->given->stop,
        .why = restoring->why,
        .why_max = restoring->why_max,
    };
    TRY(ledger_restore_open(&restoring->ledger_options, restoring->why, restoring->why_max,
                            &restoring->ledger));
    restoring->report->token = ledger_restore_token(restoring->ledger);
    TRY(kafka_reader_open(&reader, &restoring->reader));
    TRY(kafka_reader_partitions(restoring->reader, options->topics_commands,
                                &restoring->counts[SOURCE_COMMANDS]));
    TRY(kafka_reader_partitions(restoring->reader, options->topics_resolutions,
                                &restoring->counts[SOURCE_RESOLUTIONS]));
    return make_room(restoring);
}

/* The offsets before the outcomes: an outcome that is committed in between is found among the
 * outcomes, and one whose position is done was there before. */
static enum status bring_back(struct restoring *restoring)
{
    TRY(restorer_read_committed(restoring));
    if (!restorer_is_acknowledged(restoring))
        return restorer_complain(restoring, STATUS_UNAVAILABLE,
                                 "a partition changed hands meanwhile");
    restoring->report->partitions = restoring->consumed;
    restorer_tell(restoring, "offsets read: %d partitions", restoring->consumed);
    if (restoring->given->mode == RESTORER_LOSSLESS)
        return STATUS_OK;
    TRY(restorer_write_outcomes(restoring));
    return restorer_write_doubt(restoring);
}

static enum status start(struct restoring *restoring)
{
    bool needed = true;
    int32_t shards = 0;
    TRY(connect_both(restoring));
    TRY(restorer_wait_acknowledged(restoring, &needed));
    if (needed)
        TRY(ledger_restore_claim(restoring->ledger, &shards, &restoring->oldest_ms));
    if (shards == 0) {
        restorer_tell(restoring, "nothing to do: every shard has the token");
        return STATUS_OK;
    }
    restorer_tell(restoring, "claimed: %d shards", shards);
    TRY(bring_back(restoring));
    TRY(ledger_restore_confirm(restoring->ledger));
    restoring->report->shards = shards;
    restorer_tell(restoring, "confirmed: %d shards", shards);
    return STATUS_OK;
}

static void take_counts(struct restoring *restoring)
{
    if (restoring->ledger == NULL)
        return;
    const struct ledger_restore_counts *counts = ledger_restore_counts(restoring->ledger);
    restoring->report->restored = counts->restored;
    restoring->report->doubted = counts->doubted;
    restoring->report->finals_kept = counts->finals;
    restoring->report->foreign = counts->foreign;
}

/* What one start opened and counted; what was counted before is not true any more. */
static enum status start_once(struct restoring *restoring, bool *ret_lost_claim)
{
    int32_t starts = restoring->report->starts + 1;
    *restoring->report = (struct restorer_report){.starts = starts};
    enum status status = start(restoring);
    *ret_lost_claim = restoring->ledger != NULL && ledger_restore_lost_claim(restoring->ledger);
    take_counts(restoring);
    ledger_restore_close(restoring->ledger);
    kafka_reader_close(restoring->reader);
    free(restoring->committed);
    free(restoring->partitions);
    restoring->ledger = NULL;
    restoring->reader = NULL;
    restoring->committed = NULL;
    restoring->partitions = NULL;
    return status;
}

/* --- all starts --- */

static int64_t pause_of(const struct restoring *restoring, bool lost_claim)
{
    uint32_t chance = 0;
    if (!lost_claim)
        return PAUSE_MS;
    if (restoring->given->mode == RESTORER_LOSSLESS)
        return 0; /* a person's word goes before the workers' own restorer */
    (void) !getrandom(&chance, sizeof chance, GRND_NONBLOCK);
    return YIELD_MIN_MS + chance % YIELD_SPREAD_MS;
}

static bool has_time(const struct restoring *restoring)
{
    return restoring->deadline_ms == 0 || loop_now_ms() < restoring->deadline_ms;
}

static void pause_ms(const struct restoring *restoring, int64_t ms)
{
    struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
    for (int64_t end_ms = loop_now_ms() + ms;
         loop_now_ms() < end_ms && !restorer_is_stopped(restoring);)
        nanosleep(&step, NULL);
}

static enum status start_until_done(struct restoring *restoring)
{
    for (;;) {
        bool lost_claim = false;
        enum status status = start_once(restoring, &lost_claim);
        if (status != STATUS_UNAVAILABLE)
            return status;
        if (restorer_is_stopped(restoring))
            return restorer_complain(restoring, STATUS_UNAVAILABLE, "stopped");
        if (!has_time(restoring))
            return STATUS_TIMED_OUT;
        restorer_tell(restoring, "starts again: %s", restoring->why);
        pause_ms(restoring, pause_of(restoring, lost_claim));
    }
}

static void tell_problems(const struct restorer_report *report)
{
    if (report->gone > 0)
        LOG(LOG_LEVEL_ERROR, "recovery.gone",
            "open commands were deleted by Kafka before they were done: whether they were paid is "
            "known to the gateway only",
            LOG_INT("recovery.gone", report->gone));
    if (report->contradictions > 0)
        LOG(LOG_LEVEL_ERROR, "recovery.contradictions",
            "orders have two different final outcomes: the first was kept",
            LOG_INT("recovery.contradictions", report->contradictions));
    if (report->foreign > 0)
        LOG(LOG_LEVEL_ERROR, "recovery.foreign",
            "keys of the ledger hold what this version did not write: they were left alone, and "
            "nothing is sent for their orders",
            LOG_INT("recovery.foreign", report->foreign));
}

enum status restorer_run(const struct restorer_options *options, struct restorer_report *ret_report,
                         char *ret_why, size_t why_max)
{
    struct restoring restoring = {.given = options,
                                  .options = options->options,
                                  .report = ret_report,
                                  .why = ret_why,
                                  .why_max = why_max};
    int64_t began_ms = loop_now_ms();
    char *space = malloc(ARENA_MAX);
    *ret_report = (struct restorer_report){.starts = 0};
    ret_why[0] = '\0';
    if (space == NULL)
        return restorer_complain(&restoring, STATUS_NO_ROOM, "no memory");
    arena_init(&restoring.arena, space, ARENA_MAX);
    if (options->timeout_ms > 0)
        restoring.deadline_ms = began_ms + options->timeout_ms;
    startup_ledger_options(options->options, options->secrets, &restoring.ledger_options);
    enum status status = start_until_done(&restoring);
    arena_wipe(&restoring.arena);
    free(space);
    ret_report->took_ms = loop_now_ms() - began_ms;
    tell_problems(ret_report);
    return status;
}
