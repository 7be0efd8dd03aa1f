/* Waiting for the workers: has every partition's owner committed, fenced, that it knows this
 * Redis (docs/PROTOCOL.md, Recovery)? */
#include "restorer_parts.h"

#include <time.h>

enum { POLL_MS = 200, PATIENCE_MS = 5000 };

/* `window` is the partition's own place; a resolutions partition has none: only its token counts.
 */
static enum status read_metadata(struct restoring *restoring, const char *topic, int32_t partition,
                                 const struct kafka_committed *committed, struct window *window,
                                 struct commit_metadata *ret_metadata)
{
    window_init(window, committed->offset);
    enum status status = done_set_decode(committed->metadata, ret_metadata, window);
    return status == STATUS_OK
               ? STATUS_OK
               : restorer_complain(restoring, status,
                                   "the commit metadata of %s [%d] was not written by this "
                                   "version of payoutd: update this one",
                                   topic, partition);
}

static enum status take_partition(struct restoring *restoring, enum source_topic topic,
                                  const char *name, int32_t partition,
                                  const struct kafka_committed *committed)
{
    struct window unused;
    struct restorer_partition *kept =
        topic == SOURCE_COMMANDS ? &restoring->partitions[partition] : NULL;
    struct commit_metadata metadata;
    if (kept != NULL)
        kept->is_consumed = committed->offset >= 0;
    if (committed->offset < 0)
        return STATUS_OK; /* without an offset nobody consumes it, so nobody can have sent from it
                           */
    restoring->consumed++;
    TRY(read_metadata(restoring, name, partition, committed, kept == NULL ? &unused : &kept->window,
                      &metadata));
    if (kept != NULL)
        kept->ceiling = metadata.ceiling;
    if (metadata.token == ledger_restore_token(restoring->ledger))
        restoring->acknowledged++;
    return STATUS_OK;
}

enum status restorer_read_committed(struct restoring *restoring)
{
    const char *const topics[] = {restoring->options->topics_commands,
                                  restoring->options->topics_resolutions};
    const struct kafka_committed *committed = restoring->committed;
    TRY(kafka_reader_committed(restoring->reader, topics, restoring->counts, SOURCE_TOPIC_COUNT,
                               restoring->committed));
    restoring->consumed = restoring->acknowledged = 0;
    for (enum source_topic topic = SOURCE_COMMANDS; topic < SOURCE_TOPIC_COUNT; topic++)
        for (int32_t partition = 0; partition < restoring->counts[topic]; partition++)
            TRY(take_partition(restoring, topic, topics[topic], partition, committed++));
    return STATUS_OK;
}

bool restorer_is_acknowledged(const struct restoring *restoring)
{
    return restoring->acknowledged == restoring->consumed;
}

static enum status out_of_time(struct restoring *restoring)
{
    if (restoring->acknowledged == 0)
        return restorer_complain(restoring, STATUS_TIMED_OUT,
                                 "no worker acknowledges: start the workers, they wait for you");
    return restorer_complain(restoring, STATUS_TIMED_OUT,
                             "%d of %d partitions are acknowledged: is a worker missing, or "
                             "connected to another Redis?",
                             restoring->acknowledged, restoring->consumed);
}

static void tell_waiting(const struct restoring *restoring, int64_t waited_ms)
{
    restorer_tell(restoring, "waiting: %d of %d partitions are acknowledged%s",
                  restoring->acknowledged, restoring->consumed,
                  restoring->acknowledged == 0 && waited_ms >= PATIENCE_MS
                      ? ": no worker acknowledges: start the workers, they wait for you"
                      : "");
}

enum status restorer_wait_acknowledged(struct restoring *restoring, bool *ret_needed)
{
    struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    int64_t began_ms = loop_now_ms(), tell_ms = began_ms;
    int32_t told = -1;
    for (;;) {
        int32_t shards;
        TRY(ledger_restore_look(restoring->ledger, &shards)); /* is this Redis still there? */
        *ret_needed = shards > 0;
        if (!*ret_needed)
            return STATUS_OK;
        TRY(restorer_read_committed(restoring));
        if (restorer_is_acknowledged(restoring))
            return STATUS_OK;
        int64_t now_ms = loop_now_ms();
        if (told != restoring->acknowledged || now_ms >= tell_ms) {
            tell_waiting(restoring, now_ms - began_ms);
            told = restoring->acknowledged;
            tell_ms = now_ms + PATIENCE_MS;
        }
        if (restorer_is_stopped(restoring))
            return restorer_complain(restoring, STATUS_UNAVAILABLE, "stopped");
        if (restoring->deadline_ms != 0 && now_ms >= restoring->deadline_ms)
            return out_of_time(restoring);
        nanosleep(&pause, NULL);
    }
}
