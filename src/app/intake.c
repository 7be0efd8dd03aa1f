/* Records and assignments: what the consumer says becomes facts for the flow. */
#include "payoutd/app/worker.h"

#include "payoutd/adapter/log.h"
#include "payoutd/codec/done_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS_A_TURN = 256 };

static enum flow_topic flow_topic_of(enum source_topic topic)
{
    return topic == SOURCE_COMMANDS ? FLOW_COMMANDS : FLOW_RESOLUTIONS;
}

/* Reads one partition's commit metadata back. False: it was not written by this version. */
static bool read_metadata(const struct source_partition *source, struct window *window,
                          struct flow_assigned *ret_assigned)
{
    struct commit_metadata metadata;
    window_init(window, source->committed_offset);
    if (done_set_decode(source->metadata, &metadata, window) != STATUS_OK)
        return false;
    *ret_assigned = (struct flow_assigned){
        .topic = flow_topic_of(source->topic),
        .number = source->partition,
        .token = metadata.token,
        .ceiling = metadata.ceiling,
        .window = window,
    };
    return true;
}

static void refuse_metadata(struct worker *worker, const struct source_partition *source)
{
    LOG(LOG_LEVEL_ERROR, "kafka.metadata_foreign",
        "the commit metadata of this partition was not written by this version: run the version "
        "that wrote it, or see docs/OPERATIONS.md",
        LOG_TEXT("kafka.topic", source->topic == SOURCE_COMMANDS
                                    ? worker->options->topics_commands
                                    : worker->options->topics_resolutions),
        LOG_INT("kafka.partition", source->partition),
        LOG_INT("kafka.offset", source->committed_offset));
    worker_end(worker, WORKER_EXIT_ENVIRONMENT, 0);
}

static void on_assigned(void *context, uint64_t epoch, struct kafka_membership *membership,
                        const struct source_partition *partitions, size_t count)
{
    struct worker *worker = context;
    struct flow_assigned *assigned = calloc(count + 1, sizeof *assigned);
    struct window *windows = calloc(count + 1, sizeof *windows);
    must(assigned != NULL && windows != NULL && count <= FLOW_PARTITIONS_MAX);
    bool is_readable = true;
    for (size_t i = 0; i < count && is_readable; i++) {
        is_readable = read_metadata(&partitions[i], &windows[i], &assigned[i]);
        if (!is_readable)
            refuse_metadata(worker, &partitions[i]);
    }
    if (is_readable) {
        kafka_membership_drop(worker->membership);
        worker->membership = kafka_membership_keep(membership);
        worker->joined_once = true;
        worker->counters.rebalances_assigned++;
        LOG(LOG_LEVEL_INFO, "kafka.assigned", "partitions are ours",
            LOG_INT("kafka.partitions", (int64_t) count), LOG_INT("kafka.epoch", (int64_t) epoch));
        worker_feed(worker, &(struct flow_event){.kind = FLOW_ASSIGNED,
                                                 .epoch = epoch,
                                                 .partitions = assigned,
                                                 .partitions_count = count});
    }
    free(assigned);
    free(windows);
}

static void on_revoked(void *context, uint64_t epoch)
{
    struct worker *worker = context;
    worker->counters.rebalances_revoked++;
    log_plain(LOG_LEVEL_INFO, "kafka.revoked", "partitions are asked back");
    worker_feed(worker, &(struct flow_event){.kind = FLOW_REVOKED, .epoch = epoch});
}

static void on_lost(void *context, uint64_t epoch)
{
    struct worker *worker = context;
    worker->counters.rebalances_lost++;
    log_plain(LOG_LEVEL_WARN, "kafka.lost", "partitions are another's already");
    worker_feed(worker, &(struct flow_event){.kind = FLOW_LOST, .epoch = epoch});
}

/* A copy in the payout's arena: the message goes back to librdkafka as soon as this callback ends.
 */
static enum status keep_record(struct arena *arena, const struct record_content *content,
                               struct record_content **ret_record)
{
    size_t used = offsetof(struct record_content, headers) +
                  content->headers_count * sizeof content->headers[0];
    struct record_content *copy = arena_take(arena, sizeof *copy);
    if (copy == NULL)
        return STATUS_NO_ROOM;
    memcpy(copy, content, used);
    copy->headers_count = content->headers_count;
    copy->headers_cut = content->headers_cut;
    TRY(arena_copy(arena, content->key, &copy->key));
    TRY(arena_copy(arena, content->value, &copy->value));
    for (size_t i = 0; i < content->headers_count; i++) {
        TRY(arena_copy(arena, content->headers[i].name, &copy->headers[i].name));
        TRY(arena_copy(arena, content->headers[i].value, &copy->headers[i].value));
    }
    *ret_record = copy;
    return STATUS_OK;
}

static void resolve_merchant(struct worker *worker, struct payout *payout)
{
    bool is_named = payout->command.merchant_id.len > 0;
    payout->merchant_at = is_named ? worker_merchant_at(worker, payout->command.merchant_id)
                                   : worker->default_merchant_at;
    payout->merchant_id = is_named || payout->merchant_at == UINT16_MAX
                              ? payout->command.merchant_id
                              : worker->secrets->profiles[payout->merchant_at].merchant_id;
}

void intake_make_letter(struct worker *worker, struct payout *payout,
                        const struct record_content *record, const char *reason,
                        const char *message)
{
    struct parcel *parcel = worker_parcel(worker, payout);
    struct position position = {payout->is_evidence ? worker->options->topics_resolutions
                                                    : worker->options->topics_commands,
                                payout->partition, payout->offset, payout->timestamp_ms};
    parcel->letter = arena_take(&payout->arena, sizeof *parcel->letter);
    must(parcel->letter != NULL);
    enum status status = outcome_json_dead_letter(
        record, &position, reason, message, bytes_of(worker->name), COMMAND_VALUE_MAX,
        worker->secrets->rules.fingerprint_key, &payout->arena, parcel->letter);
    must(status == STATUS_OK); /* the arena has room for the largest: worker.c */
}

/* What this worker lacks, and a person can give it: the merchant, or the key that opens an
 * encrypted card number. */
static bool is_configured(const struct payout *payout)
{
    return payout->merchant_at != UINT16_MAX && bytes_is_none(payout->command.destination.pan_jwe);
}

/* Only this project writes there: what cannot be read is a dead letter and an alarm. */
static enum decoded_kind decode_evidence(struct worker *worker, struct payout *payout,
                                         const struct source_record *record)
{
    const char *why;
    memset(worker_parcel(worker, payout), 0, sizeof(struct parcel));
    payout->is_evidence = true;
    payout->merchant_at = UINT16_MAX;
    enum decoded_kind kind = following_decode(worker, payout, record, &why);
    if (kind == DECODED_UNREADABLE) {
        LOG(LOG_LEVEL_ERROR, "resolutions.unreadable", why,
            LOG_INT("kafka.partition", payout->partition), LOG_INT("kafka.offset", payout->offset));
        payout->dead_letter_reason = "unreadable";
        intake_make_letter(worker, payout, &record->content, "unreadable", why);
    }
    return kind;
}

static enum decoded_kind decode(struct worker *worker, struct payout *payout,
                                const struct source_record *record)
{
    struct parcel *parcel = worker_parcel(worker, payout);
    struct command_fault fault;
    memset(parcel, 0, sizeof *parcel);
    memset(&fault, 0, sizeof fault);
    enum status status =
        command_json_decode(&record->content, &worker->secrets->rules, &payout->arena,
                            &payout->command, &parcel->context, &fault);
    must(status != STATUS_NO_ROOM); /* the arena has room for the largest: worker_setup.c */

    if (status == STATUS_OK) {
        resolve_merchant(worker, payout);
        if (keep_record(&payout->arena, &record->content, &parcel->record) == STATUS_OK)
            return is_configured(payout) ? DECODED_VALID : DECODED_UNCONFIGURED;
        fault.code = "validation_failed";
        fault.has_order_id = true;
        snprintf(fault.message, sizeof fault.message,
                 "the record is larger than the worker's bounds");
    }
    payout->merchant_at = UINT16_MAX;
    struct bytes message;
    enum status kept = arena_copy(&payout->arena, bytes_of(fault.message), &message);
    must(kept == STATUS_OK);
    parcel->fault_code = fault.code;
    parcel->fault_message = message.data;
    payout->failure_code = "validation_failed";
    payout->failure_message = message.data;
    payout->dead_letter_reason = fault.code;
    intake_make_letter(worker, payout, &record->content, fault.code, message.data);
    return fault.has_order_id ? DECODED_INVALID : DECODED_UNREADABLE;
}

/* A gap in the offsets that is longer than the window: the record waits in Kafka until what is open
 * before it has ended. */
static void come_again(struct worker *worker, const struct source_record *record)
{
    kafka_source_pause(worker->source, record->topic, record->partition);
    enum status status =
        kafka_source_seek(worker->source, record->topic, record->partition, record->offset);
    if (status == STATUS_OK)
        return;
    LOG(LOG_LEVEL_ERROR, "kafka.seek_failed",
        "a partition cannot be read again from an earlier record: this process ends, so that it is "
        "started anew",
        LOG_INT("kafka.partition", record->partition), LOG_INT("kafka.offset", record->offset));
    worker_end(worker, WORKER_EXIT_HUNG, worker->options->worker_drain_ms);
}

static void on_record(void *context, const struct source_record *record)
{
    struct worker *worker = context;
    struct moment moment = worker_moment();
    struct flow_arrival arrival = {flow_topic_of(record->topic), record->partition, record->epoch,
                                   record->offset, record->timestamp_ms};
    struct handle handle;
    enum flow_opening opening = flow_open(worker->flow, &arrival, &moment, &handle);
    if (opening == FLOW_CLOSED)
        come_again(worker, record);
    if (opening != FLOW_OPENED)
        return;
    struct payout *payout = flow_payout(worker->flow, handle);
    enum decoded_kind kind = record->topic == SOURCE_RESOLUTIONS
                                 ? decode_evidence(worker, payout, record)
                                 : decode(worker, payout, record);
    worker_feed(worker,
                &(struct flow_event){.kind = FLOW_DECODED, .payout = handle, .decoded = kind});
}

static void on_trouble(void *context, enum status status, const char *why)
{
    struct worker *worker = context;
    bool ends = status == STATUS_CONFIG || status == STATUS_UNSAFE;
    LOG(ends ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "kafka.trouble", why,
        LOG_TEXT("error.code", status_name(status)));
    if (ends)
        worker_end(worker, WORKER_EXIT_ENVIRONMENT, worker->options->worker_drain_ms);
}

void intake_events(struct worker *worker, struct kafka_source_events *ret_events)
{
    *ret_events = (struct kafka_source_events){.assigned = on_assigned,
                                               .revoked = on_revoked,
                                               .lost = on_lost,
                                               .record = on_record,
                                               .trouble = on_trouble,
                                               .context = worker};
}

void intake_poll(struct worker *worker)
{
    size_t room = flow_room(worker->flow);
    worker->records_wait =
        kafka_source_poll(worker->source, room < RECORDS_A_TURN ? room : RECORDS_A_TURN);
}
