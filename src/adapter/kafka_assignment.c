/*
 * Ownership of partitions: a rebalance comes, the committed offsets are read, the partitions are
 * consumed from there; a revoke is answered when the flow says so (docs/PROTOCOL.md R6, R7).
 */
#include "kafka_source_parts.h"

#include "payoutd/adapter/log.h"

#include <stdlib.h>
#include <string.h>

enum {
    ASK_TIMEOUT_MS = 5000,
    ASK_AGAIN_UNSTABLE_MS = 20,
    ASK_AGAIN_FAILED_MS = 250,
    ROUTE_AGAIN_MS = 1000
};

void kafka_assignment_forget(struct kafka_source *source)
{
    loop_timer_clear(source->ask_again);
    if (source->assigned != NULL)
        rd_kafka_topic_partition_list_destroy(source->assigned);
    source->assigned = NULL;
    kafka_membership_drop(source->membership);
    source->membership = NULL;
    free(source->slots);
    source->slots = NULL;
    source->slots_count = 0;
    source->last_slot = NULL;
    source->phase = SOURCE_IDLE;
}

/* What the group hears: these partitions are consumed; NULL: none, and the revoke is answered. */
static void assign(struct kafka_source *source, const rd_kafka_topic_partition_list_t *partitions)
{
    rd_kafka_resp_err_t code = rd_kafka_assign(source->consumer, partitions);
    if (code != 0)
        kafka_source_trouble(source, code, "assigning partitions");
}

/*
 * An empty assignment ends the group's wait for us: unassigning would not, in this state. When we
 * are no member any more, the next heartbeat says so and a new rebalance follows.
 */
static void decline(struct kafka_source *source)
{
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
    assign(source, none);
    rd_kafka_topic_partition_list_destroy(none);
    kafka_assignment_forget(source);
}

void kafka_assignment_ask(struct kafka_source *source)
{
    if (source->phase == SOURCE_READING)
        kafka_offsets_ask(source->consumer, source->group_id, source->assigned, source->answers,
                          ASK_TIMEOUT_MS);
}

/* Records of every partition go to one queue of their own, so that a revoke never waits behind
 * them. */
static void route(struct kafka_source *source, const char *topic, int32_t partition)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_get_partition(source->consumer, topic, partition);
    if (queue == NULL)
        return;
    rd_kafka_queue_forward(queue, source->records);
    rd_kafka_queue_destroy(queue);
}

/*
 * librdkafka takes the route away when it stops the fetching of an earlier assignment, and may do
 * so after we have set the one of this assignment: its broker's thread comes to it late. The
 * records then pile up where nobody reads, until they are routed again.
 */
void kafka_assignment_route(struct kafka_source *source, int64_t now_ms)
{
    if (source->phase != SOURCE_OWNING || now_ms < source->route_at_ms)
        return;
    source->route_at_ms = now_ms + ROUTE_AGAIN_MS;
    for (size_t i = 0; i < source->slots_count; i++)
        route(source, source->topics[source->slots[i].topic], source->slots[i].partition);
}

/* Fills slots and `ret_told` with what can be consumed; what has no committed offset is left out of
 * both lists. */
static void choose(struct kafka_source *source, const rd_kafka_topic_partition_list_t *committed,
                   struct source_partition *ret_told, rd_kafka_topic_partition_list_t *ret_list)
{
    for (int i = 0; i < committed->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &committed->elems[i];
        enum source_topic topic;
        if (!kafka_source_topic_of(source, one->topic, &topic))
            continue;
        if (one->offset < 0) {
            LOG(LOG_LEVEL_ERROR, "kafka.no_offset", "a partition has no committed offset",
                LOG_TEXT("kafka.topic", one->topic), LOG_INT("kafka.partition", one->partition));
            kafka_source_trouble(source, RD_KAFKA_RESP_ERR__NO_OFFSET, one->topic);
            continue;
        }
        route(source, one->topic, one->partition);
        rd_kafka_topic_partition_list_add(ret_list, one->topic, one->partition)->offset =
            one->offset;
        source->slots[source->slots_count] = (struct source_slot){topic, one->partition, false};
        ret_told[source->slots_count++] = (struct source_partition){
            topic, one->partition, one->offset, kafka_offsets_metadata(one)};
    }
}

static void begin(struct kafka_source *source, const rd_kafka_topic_partition_list_t *committed)
{
    size_t max = (size_t) committed->cnt + 1;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(committed->cnt);
    struct source_partition *told = calloc(max, sizeof *told);
    source->slots = calloc(max, sizeof *source->slots);
    source->slots_count = 0;
    must(told != NULL && source->slots != NULL);
    choose(source, committed, told, list);
    assign(source, list);
    rd_kafka_topic_partition_list_destroy(list);
    source->phase = SOURCE_OWNING;
    source->has_joined = true;
    source->events.assigned(source->events.context, source->epoch, source->membership, told,
                            source->slots_count);
    free(told);
}

static void take(struct kafka_source *source, const rd_kafka_topic_partition_list_t *partitions)
{
    kafka_assignment_forget(source);
    if (kafka_membership_new(source->consumer, &source->membership) != STATUS_OK) {
        log_plain(LOG_LEVEL_WARN, "kafka.no_member",
                  "an assignment came while this consumer is no member of the group: declined");
        decline(source);
        return;
    }
    source->epoch++;
    source->phase = SOURCE_READING;
    source->assigned = rd_kafka_topic_partition_list_copy(partitions);
    if (partitions->cnt == 0)
        begin(source, partitions);
    else
        kafka_assignment_ask(source);
}

void kafka_assignment_answer(struct kafka_source *source, rd_kafka_event_t *event)
{
    rd_kafka_topic_partition_list_t *committed = NULL;
    rd_kafka_resp_err_t code = 0;
    if (source->phase != SOURCE_READING)
        return; /* of an assignment that is gone */
    if (kafka_offsets_judge(event, &committed, &code) == KAFKA_OFFSETS_AGAIN) {
        if (code != 0)
            kafka_source_trouble(source, code, "reading the committed offsets");
        loop_timer_set(source->ask_again, code == 0 ? ASK_AGAIN_UNSTABLE_MS : ASK_AGAIN_FAILED_MS);
        return;
    }
    begin(source, committed);
    rd_kafka_topic_partition_list_destroy(committed);
}

void kafka_assignment_lose(struct kafka_source *source)
{
    bool was_told = source->phase == SOURCE_OWNING || source->phase == SOURCE_REVOKING;
    kafka_assignment_forget(source);
    if (was_told)
        source->events.lost(source->events.context, source->epoch);
}

void kafka_assignment_release(struct kafka_source *source)
{
    if (source->phase != SOURCE_REVOKING)
        return;
    kafka_assignment_forget(source);
    assign(source, NULL);
}

static void give_up(struct kafka_source *source)
{
    if (rd_kafka_assignment_lost(source->consumer)) {
        kafka_assignment_lose(source);
        assign(source, NULL);
        return;
    }
    if (source->phase != SOURCE_OWNING) { /* never told: nothing of it can be in a transaction */
        kafka_assignment_forget(source);
        assign(source, NULL);
        return;
    }
    source->phase = SOURCE_REVOKING;
    source->events.revoked(source->events.context, source->epoch);
}

void kafka_assignment_change(struct kafka_source *source, rd_kafka_event_t *event)
{
    if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        take(source, rd_kafka_event_topic_partition_list(event));
    else
        give_up(source);
}
