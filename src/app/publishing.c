/* The conversation with the publisher: one batch becomes one transaction, its fate becomes a fact.
 */
#include "payoutd/app/worker.h"

#include "payoutd/adapter/kill_point.h"
#include "payoutd/adapter/log.h"
#include "payoutd/codec/done_set.h"
#include "payoutd/codec/rfc3339.h"

#include <stdlib.h>
#include <string.h>

static enum source_topic source_topic_of(enum flow_topic topic)
{
    return topic == FLOW_COMMANDS ? SOURCE_COMMANDS : SOURCE_RESOLUTIONS;
}

/* When it happened, as the stored body says: a repeat carries the same time. */
static int64_t occurred_ms(struct bytes body)
{
    static const char name[] = "\"occurred_at\":\"";
    const size_t name_len = sizeof name - 1;
    const char *at = memmem(body.data, body.len, name, name_len);
    int64_t ms;
    if (at == NULL || (size_t) (body.data + body.len - at) < name_len + RFC3339_LEN ||
        rfc3339_parse((struct bytes){at + name_len, RFC3339_LEN}, &ms) != STATUS_OK)
        return loop_wall_ms();
    return ms;
}

static void add_outcome(struct worker *worker, struct payout *payout,
                        struct publish_message *message)
{
    struct arena *arena = &payout->arena;
    if (bytes_is_none(payout->body))
        payout->body = asking_body(worker, payout, payout->state);
    struct event_headers *headers = arena_take(arena, sizeof *headers);
    must(headers != NULL);
    char id[EVENT_ID_LEN + 1], span[16];
    outcome_event_id(bytes_of(worker->options->ledger_namespace), payout->command.order_id,
                     payout->state, payout->attempt, id);
    worker_random_hex(span, sizeof span);
    struct bytes kept_id, kept_span, value;
    must(arena_copy(arena, (struct bytes){id, EVENT_ID_LEN}, &kept_id) == STATUS_OK);
    must(arena_copy(arena, (struct bytes){span, sizeof span}, &kept_span) == STATUS_OK);
    enum status status =
        outcome_json_headers(&worker->naming, kept_id, payout->state, payout->command.order_id,
                             occurred_ms(payout->body), &worker_parcel(worker, payout)->context,
                             kept_span, arena, headers);
    must(status == STATUS_OK);
    status = outcome_json_finish(payout->body, payout->sequence, payout->replayed, arena, &value);
    if (status ==
        STATUS_FOREIGN_DATA) { /* the ledger's body is not ours: the facts make it again */
        payout->body = asking_body(worker, payout, payout->state);
        status =
            outcome_json_finish(payout->body, payout->sequence, payout->replayed, arena, &value);
    }
    must(status == STATUS_OK);
    *message = (struct publish_message){PUBLISH_OUTCOMES, payout->command.order_id, value, headers};
}

static void add_dead_letter(struct worker *worker, struct payout *payout,
                            struct publish_message *message)
{
    struct parcel *parcel = worker_parcel(worker, payout);
    if (parcel->letter == NULL) {
        must(parcel->record != NULL);
        const char *why =
            payout->end == END_CONFLICT
                ? "another command with this order id came first and says something else"
                : "the command is older than the ledger remembers orders";
        intake_make_letter(worker, payout, parcel->record, payout->dead_letter_reason, why);
        must(parcel->letter != NULL);
    }
    *message = (struct publish_message){PUBLISH_DEAD_LETTERS, parcel->letter->key,
                                        parcel->letter->value, &parcel->letter->headers};
}

static size_t add_messages(struct worker *worker)
{
    size_t count = 0;
    for (struct payout *payout = flow_batch_next(worker->flow, NULL); payout != NULL;
         payout = flow_batch_next(worker->flow, payout)) {
        if (payout->has_outcome)
            add_outcome(worker, payout, &worker->messages[count++]);
        if (payout->has_dead_letter)
            add_dead_letter(worker, payout, &worker->messages[count++]);
    }
    return count;
}

static size_t add_offsets(struct worker *worker)
{
    size_t count = 0;
    char text[DONE_SET_TEXT_MAX];
    for (size_t i = 0; i < worker->flow->partitions_count; i++) {
        const struct flow_partition *partition = &worker->flow->partitions[i];
        if (!partition->in_batch)
            continue;
        struct commit_metadata metadata = {partition->token_in_batch, partition->ceiling_in_batch};
        size_t len;
        enum status status =
            done_set_encode(&metadata, &partition->window, text, sizeof text, &len);
        must(status == STATUS_OK);
        struct publish_offset *offset = &worker->offsets[count++];
        *offset = (struct publish_offset){.topic = source_topic_of(partition->topic),
                                          .partition = partition->number,
                                          .offset = partition->window.watermark};
        must(arena_copy(&worker->batch_arena, (struct bytes){text, len}, &offset->metadata) ==
             STATUS_OK);
    }
    return count;
}

void publishing_submit(struct worker *worker, uint64_t number)
{
    arena_wipe(&worker->batch_arena);
    struct publish_batch *batch = &worker->batch;
    *batch = (struct publish_batch){.number = number,
                                    .membership = worker->membership,
                                    .messages = worker->messages,
                                    .messages_count = add_messages(worker),
                                    .offsets = worker->offsets,
                                    .offsets_count = add_offsets(worker)};
    enum status status = kafka_publisher_submit(worker->publisher, batch);
    must(status == STATUS_OK ||
         status == STATUS_UNAVAILABLE); /* the flow runs one batch at a time */
    if (status != STATUS_OK)            /* a producer that broke is being made anew */
        worker_feed(worker, &(struct flow_event){.kind = FLOW_BATCH_ABORTED, .batch = number});
}

static void feed_reread(struct worker *worker, const struct publish_report *report)
{
    struct flow_assigned *assigned = calloc(report->offsets_count + 1, sizeof *assigned);
    struct window *windows = calloc(report->offsets_count + 1, sizeof *windows);
    must(assigned != NULL && windows != NULL);
    size_t count = 0;
    for (size_t i = 0; i < report->offsets_count; i++) {
        const struct source_partition *offset = &report->offsets[i];
        struct commit_metadata metadata;
        window_init(&windows[count], offset->committed_offset);
        if (offset->committed_offset < 0 ||
            done_set_decode(offset->metadata, &metadata, &windows[count]) != STATUS_OK)
            continue; /* nothing of it counts as done: it is published again, under the same ids */
        assigned[count] = (struct flow_assigned){
            .topic = offset->topic == SOURCE_COMMANDS ? FLOW_COMMANDS : FLOW_RESOLUTIONS,
            .number = offset->partition,
            .token = metadata.token,
            .ceiling = metadata.ceiling,
            .window = &windows[count],
        };
        count++;
    }
    worker_feed(worker, &(struct flow_event){.kind = FLOW_BATCH_REREAD,
                                             .batch = report->number,
                                             .partitions = assigned,
                                             .partitions_count = count});
    free(assigned);
    free(windows);
}

static void on_done(void *context, const struct publish_report *report)
{
    struct worker *worker = context;
    static const enum flow_event_kind kinds[] = {
        [PUBLISH_COMMITTED] = FLOW_BATCH_COMMITTED, [PUBLISH_ABORTED] = FLOW_BATCH_ABORTED,
        [PUBLISH_FENCED] = FLOW_BATCH_FENCED,       [PUBLISH_REREAD] = FLOW_BATCH_REREAD,
        [PUBLISH_DEAD] = FLOW_BATCH_ABORTED,
    };
    histogram_add(&worker->counters.transaction, report->took_ms);
    if (report->result != PUBLISH_COMMITTED)
        LOG(LOG_LEVEL_WARN, "publisher.batch_failed", report->why,
            LOG_INT("publisher.result", (int64_t) report->result));
    if (report->result == PUBLISH_REREAD) {
        feed_reread(worker, report);
        return;
    }
    worker_feed(worker,
                &(struct flow_event){.kind = kinds[report->result], .batch = report->number});
    if (report->result == PUBLISH_DEAD)
        worker_end(worker, WORKER_EXIT_HUNG, 0);
}

static void on_told(void *context, uint64_t tag, enum status status)
{
    KILL_POINT_IF(status == STATUS_OK, "resolution_produced");
    worker_feed(context, &(struct flow_event){.kind = FLOW_TOLD,
                                              .payout = flow_untag(tag),
                                              .told = status == STATUS_OK});
}

static void on_ready(void *context, enum status status, const char *why)
{
    struct worker *worker = context;
    if (status != STATUS_OK) {
        LOG(LOG_LEVEL_WARN, "publisher.not_ready", why,
            LOG_TEXT("error.code", status_name(status)));
        return;
    }
    worker->publisher_ready = true;
    log_plain(LOG_LEVEL_INFO, "publisher.ready", "transactions can begin");
    worker_feed(worker, &(struct flow_event){.kind = FLOW_PUBLISHER_READY});
}

void publishing_events(struct worker *worker, struct kafka_publisher_events *ret_events)
{
    *ret_events = (struct kafka_publisher_events){
        .ready = on_ready, .done = on_done, .told = on_told, .context = worker};
}

/* Our own answer, too late to settle the order itself: the resolutions topic carries it to whoever
 * can. */
void publishing_tell(struct worker *worker, struct payout *payout)
{
    KILL_POINT("before_tell");
    struct bytes value = asking_evidence(worker, payout);
    enum status status = kafka_publisher_tell(worker->publisher, flow_tag(flow_handle_of(payout)),
                                              payout->command.order_id, value);
    if (status != STATUS_OK)
        on_told(worker, flow_tag(flow_handle_of(payout)), status);
}
