/*
 * The restorer's step (a): the last event of each order among the outcomes becomes its record
 * again. A final stands before every non-final, wherever it came.
 *
 * Bounded: when so many orders or bytes are in memory, they are written and forgotten. A later
 * event of such an order is written over the earlier one, never over a final, so the end is the
 * same.
 */
#include "restorer_parts.h"

#include "payoutd/adapter/log.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 65536, /* a power of two */
    ORDERS_MAX = SLOTS / 2,
    BYTES_MAX = 64 * 1024 * 1024,
    MARGIN_MS = 10 * 60 * 1000, /* between our clocks and Redis' */
    EVENT_MAX = OUTCOME_BODY_MAX + 64
};

struct last_event {
    uint64_t hash;
    char *value; /* the event as it was published; NULL: free */
    uint32_t len;
    int32_t partition;
    int64_t timestamp_ms;
    enum order_state state;
    bool doubt;
    uint8_t order_id_len;
    char order_id[ORDER_ID_MAX];
};

struct collecting {
    struct restoring *restoring;
    struct last_event *slots;
    size_t orders, bytes;
};

static uint64_t hash_of(struct bytes text)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char) text.data[i]) * UINT64_C(1099511628211);
    return hash;
}

/* The order's slot, or the free one where it belongs. */
static struct last_event *slot_of(struct collecting *collecting, struct bytes order_id)
{
    uint64_t hash = hash_of(order_id);
    for (uint64_t at = hash;; at++) {
        struct last_event *slot = &collecting->slots[at & (SLOTS - 1)];
        bool is_it = slot->hash == hash && slot->order_id_len == order_id.len &&
                     memcmp(slot->order_id, order_id.data, order_id.len) == 0;
        if (slot->value != NULL && !is_it)
            continue;
        if (slot->value == NULL)
            slot->hash = hash;
        return slot;
    }
}

/* --- writing --- */

static enum status write_event(struct restoring *restoring, const struct last_event *event)
{
    struct outcome_recall recall;
    arena_wipe(&restoring->arena);
    enum status status =
        outcome_json_recall((struct bytes){event->value, event->len}, &restoring->arena, &recall);
    must(status == STATUS_OK); /* it was read once */
    /* Evidence of an order that the ledger did not know: nobody's src, every copy's own. */
    bool is_nobodys = bytes_is_none(recall.topic) ||
                      bytes_equal_text(recall.topic, restoring->options->topics_resolutions);
    const struct merchant_options *merchant = restorer_merchant(restoring, recall.merchant_id);
    const struct restored_order order = {
        .order_id = recall.order_id,
        .merchant_id = recall.merchant_id,
        .profile = merchant == NULL ? BYTES_NONE : bytes_of(merchant->profile->name),
        .by = {is_nobodys ? BYTES_NONE : recall.topic, recall.partition, recall.offset},
        .fingerprint = is_nobodys ? BYTES_NONE : recall.fingerprint,
        .body = recall.body,
        .due_ms = RESTORER_DUE_MS,
        .state = recall.state,
        .attempt = recall.attempt,
        .sequence = recall.sequence,
        .payment_id = recall.payment_id,
        .refused_payment_ids = recall.refused_payment_ids,
        .doubt = event->doubt || is_nobodys,
        .armed_ms = recall.armed_ms,
    };
    return ledger_restore_event(restoring->ledger, &order);
}

static enum status write_all(struct collecting *collecting)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < SLOTS && collecting->orders > 0; i++) {
        struct last_event *slot = &collecting->slots[i];
        if (slot->value == NULL)
            continue;
        if (status == STATUS_OK)
            status = write_event(collecting->restoring, slot);
        free(slot->value);
        slot->value = NULL;
        collecting->orders--;
    }
    collecting->bytes = 0;
    return status == STATUS_OK ? ledger_restore_settle(collecting->restoring->ledger) : status;
}

/* --- collecting --- */

/* Within a partition by offset; an order that is in two, since the topic has got more of them, by
 * time. */
static bool is_later(const struct last_event *slot, const struct kafka_reader_record *record)
{
    return slot->partition == record->partition || slot->timestamp_ms <= record->timestamp_ms;
}

static bool replaces(struct collecting *collecting, const struct last_event *slot,
                     const struct outcome_recall *recall, const struct kafka_reader_record *record)
{
    if (slot->value == NULL)
        return true;
    if (order_state_is_final(slot->state)) {
        if (order_state_is_final(recall->state) && recall->state != slot->state) {
            collecting->restoring->report->contradictions++;
            LOG(LOG_LEVEL_ERROR, "recovery.contradiction",
                "an order has two different final outcomes",
                LOG_BYTES("labels.order_id", recall->order_id));
        }
        return false;
    }
    return order_state_is_final(recall->state) || is_later(slot, record);
}

static enum status keep(struct collecting *collecting, const struct outcome_recall *recall,
                        const struct kafka_reader_record *record)
{
    struct last_event *slot = slot_of(collecting, recall->order_id);
    bool was_doubted = slot->value != NULL && slot->doubt;
    if (!replaces(collecting, slot, recall, record)) {
        slot->doubt = slot->doubt || recall->doubt;
        return STATUS_OK;
    }
    char *copy = malloc(record->content.value.len);
    if (copy == NULL)
        return restorer_complain(collecting->restoring, STATUS_NO_ROOM, "no memory");
    memcpy(copy, record->content.value.data, record->content.value.len);
    if (slot->value == NULL)
        collecting->orders++;
    else
        collecting->bytes -= slot->len;
    free(slot->value);
    slot->value = copy;
    slot->len = (uint32_t) record->content.value.len;
    slot->partition = record->partition;
    slot->timestamp_ms = record->timestamp_ms;
    slot->state = recall->state;
    slot->doubt = was_doubted || recall->doubt; /* once is for ever */
    slot->order_id_len = (uint8_t) recall->order_id.len;
    memcpy(slot->order_id, recall->order_id.data, recall->order_id.len);
    collecting->bytes += slot->len;
    return STATUS_OK;
}

/* PREFIX.payout. in front of the event's type: of this service. */
static bool is_ours(const struct restoring *restoring, const struct record_content *content)
{
    struct bytes prefix = bytes_of(restoring->options->contract_type_prefix);
    for (size_t i = 0; i < content->headers_count; i++) {
        struct bytes type = content->headers[i].value;
        if (bytes_equal_text(content->headers[i].name, "ce_type") &&
            bytes_starts_with(type, prefix) &&
            bytes_starts_with((struct bytes){type.data + prefix.len, type.len - prefix.len},
                              BYTES(".payout.")))
            return true;
    }
    return false;
}

/* A final that cannot be read would leave its order absent, free to be paid again. */
static enum status refuse(struct restoring *restoring, const struct kafka_reader_record *record)
{
    if (is_ours(restoring, &record->content))
        return restorer_complain(restoring, STATUS_FOREIGN_DATA,
                                 "%s [%d] offset %lld is an outcome that this version cannot "
                                 "read: recover with the version that wrote it, or a later one",
                                 restoring->options->topics_outcomes, record->partition,
                                 (long long) record->offset);
    restoring->report->unreadable++;
    return STATUS_OK;
}

static enum status on_record(void *context, const struct kafka_reader_record *record)
{
    struct collecting *collecting = context;
    struct restoring *restoring = collecting->restoring;
    struct outcome_recall recall;
    arena_wipe(&restoring->arena);
    restoring->report->outcomes++;
    if (record->content.value.len > EVENT_MAX ||
        outcome_json_recall(record->content.value, &restoring->arena, &recall) != STATUS_OK)
        return refuse(restoring, record);
    if (!ledger_restore_has(restoring->ledger, recall.order_id))
        return STATUS_OK;
    TRY(keep(collecting, &recall, record));
    return collecting->orders < ORDERS_MAX && collecting->bytes < BYTES_MAX ? STATUS_OK
                                                                            : write_all(collecting);
}

/* From where; to the end that stands now, after the offsets were read. */
static int64_t since_ms(const struct restoring *restoring)
{
    if (restoring->given->mode == RESTORER_REBUILD || restoring->oldest_ms < 0)
        return -1;
    return restoring->oldest_ms > MARGIN_MS ? restoring->oldest_ms - MARGIN_MS : 0;
}

static enum status collect(struct collecting *collecting, struct kafka_range *ranges, int32_t count)
{
    struct restoring *restoring = collecting->restoring;
    const char *topic = restoring->options->topics_outcomes;
    TRY(kafka_reader_find(restoring->reader, topic, since_ms(restoring), ranges, (size_t) count));
    TRY(kafka_reader_read(restoring->reader, topic, ranges, (size_t) count, on_record, collecting));
    restorer_tell(restoring, "outcomes read: %lld events", (long long) restoring->report->outcomes);
    TRY(write_all(collecting));
    restorer_tell(restoring, "outcomes restored: %lld orders",
                  (long long) ledger_restore_counts(restoring->ledger)->restored);
    return STATUS_OK;
}

enum status restorer_write_outcomes(struct restoring *restoring)
{
    int32_t count = 0;
    TRY(kafka_reader_partitions(restoring->reader, restoring->options->topics_outcomes, &count));
    struct kafka_range *ranges = calloc((size_t) count, sizeof *ranges);
    struct collecting collecting = {.restoring = restoring,
                                    .slots = calloc(SLOTS, sizeof *collecting.slots)};
    enum status status = ranges == NULL || collecting.slots == NULL
                             ? restorer_complain(restoring, STATUS_NO_ROOM, "no memory")
                             : collect(&collecting, ranges, count);
    for (size_t i = 0; collecting.slots != NULL && i < SLOTS; i++)
        free(collecting.slots[i].value);
    free(collecting.slots);
    free(ranges);
    return status;
}
