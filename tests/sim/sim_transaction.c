/*
 * Transactions: offsets first, fenced by generation and member, then messages, then the commit. The
 * coordinator's side happens whatever becomes of the process; the client's side waits while it is
 * paused.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

enum {
    TRANSACTION_TIMEOUT_US = 10000000,
    COMMIT_PATIENCE_US = 13000000,
    STABLE_US = 20000,
    HANG_US = 30000000, /* the loop's patience with a call that never comes back */
};

static void report(struct sim *sim, struct sim_worker *worker, enum flow_event_kind kind)
{
    sim_worker_feed(sim, worker, &(struct flow_event){.kind = kind, .batch = worker->batch.number});
}

/* The coordinator. */

static void hold_offsets(struct sim *sim, const struct sim_batch *batch, int change)
{
    for (size_t i = 0; i < batch->offsets_count; i++)
        sim->kafka.partitions[batch->offsets[i].place].pending += change;
}

static void abort_open(struct sim *sim, struct sim_producer *producer)
{
    if (!producer->open)
        return;
    producer->open = false;
    if (producer->has_offsets)
        hold_offsets(sim, &producer->batch, -1);
    TRACE(sim, NULL, "kafka: transaction %d aborted", (int) producer->transaction);
}

static void commit_open(struct sim *sim, struct sim_producer *producer)
{
    const struct sim_batch *batch = &producer->batch;
    producer->open = false;
    hold_offsets(sim, batch, -1);
    for (size_t i = 0; i < batch->offsets_count; i++) {
        const struct sim_offset *offset = &batch->offsets[i];
        struct sim_partition *partition = &sim->kafka.partitions[offset->place];
        if (offset->offset < partition->committed)
            sim_fail(sim, "R6", "partition %d: the committed offset goes back from %lld to %lld",
                     offset->place, (long long) partition->committed, (long long) offset->offset);
        partition->committed = offset->offset;
        partition->metadata_len = offset->len;
        memcpy(partition->metadata, offset->metadata, offset->len);
        TRACE(sim, NULL, "kafka: partition %d committed at %lld %.*s", offset->place,
              (long long) offset->offset, (int) offset->len, offset->metadata);
    }
    sim_check_committed(sim, producer);
}

static void on_transaction_timeout(struct sim *sim, struct sim_event *event)
{
    struct sim_producer *producer = &sim->kafka.producers[event->a];
    if (producer->open && producer->transaction == (uint64_t) event->b)
        abort_open(sim, producer);
}

static bool is_member(const struct sim *sim, const struct sim_producer *producer)
{
    const struct sim_batch *batch = &producer->batch;
    const struct sim_member *member = &sim->kafka.members[producer->worker];
    return member->in && member->id == batch->member && sim->kafka.generation == batch->generation;
}

/* The client, step by step. `b` of every event is the batch's number. */

static void on_committing(struct sim *sim, struct sim_event *event);
static void on_reread(struct sim *sim, struct sim_event *event);

static struct sim_worker *client(struct sim *sim, const struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    return worker->batch.number == (uint64_t) event->b ? worker : NULL;
}

/* A report from the thread: event->a says which. */
static void on_report(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = client(sim, event);
    if (worker == NULL)
        return;
    TRACE(sim, worker, "batch %d: %s", (int) event->b,
          event->a == FLOW_BATCH_COMMITTED ? "committed"
          : event->a == FLOW_BATCH_ABORTED ? "aborted"
                                           : "fenced");
    report(sim, worker, (enum flow_event_kind) event->a);
}

/* The process that a coordinator's answer goes to; NULL: nobody waits for it any more. `a` of the
 * coordinator's events names producer and epoch. */
static struct sim_worker *waiting(struct sim *sim, const struct sim_event *event)
{
    const struct sim_producer *producer = &sim->kafka.producers[event->a & 0xff];
    struct sim_worker *worker = &sim->workers[producer->worker];
    bool waits = worker->alive && worker->life == producer->life &&
                 worker->producer_epoch == (uint32_t) (event->a >> 8) &&
                 worker->batch.number == (uint64_t) event->b;
    return waits ? worker : NULL;
}

static void later(struct sim *sim, const struct sim_event *event, sim_fire *fire, int64_t a)
{
    struct sim_worker *worker = waiting(sim, event);
    if (worker != NULL)
        sim_later_to(sim, worker, sim_delay_us(sim), fire, a, event->b, NULL);
}

/* NULL: the producer was taken over, or is in another transaction. The process may be dead. */
static struct sim_producer *coordinator(struct sim *sim, const struct sim_event *event)
{
    struct sim_producer *producer = &sim->kafka.producers[event->a & 0xff];
    bool is_its = producer->epoch == (uint32_t) (event->a >> 8) &&
                  producer->batch.number == (uint64_t) event->b;
    return is_its ? producer : NULL;
}

static int64_t who(const struct sim_worker *worker)
{
    return (int64_t) worker->producer_epoch << 8 | (int64_t) worker->producer;
}

/* Commit, at the coordinator. A producer that was taken over, or timed out, commits nothing. */
static void on_commit(struct sim *sim, struct sim_event *event)
{
    struct sim_producer *producer = coordinator(sim, event);
    bool is_awaited = event->data == NULL; /* else the client has given it up */
    if (producer != NULL && producer->open) {
        commit_open(sim, producer);
        if (is_awaited && !sim_fault(sim, FAULT_COMMIT_LOST)) {
            later(sim, event, on_report, FLOW_BATCH_COMMITTED);
            return;
        }
        TRACE(sim, NULL, "kafka: the answer to commit %d is lost", (int) event->b);
    }
    struct sim_worker *worker = waiting(sim, event);
    if (worker != NULL && is_awaited)
        sim_later_to(sim, worker, COMMIT_PATIENCE_US, on_reread, 0, event->b, NULL);
}

static void on_committing(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = client(sim, event);
    if (worker == NULL)
        return;
    if (sim_fault(sim, FAULT_COMMIT_LOST)) { /* never arrives, or when nobody waits for it */
        TRACE(sim, worker, "the commit of batch %d is lost", (int) event->b);
        sim_later_to(sim, worker, COMMIT_PATIENCE_US, on_reread, 0, event->b, NULL);
        if (sim_below(sim, 2) == 0)
            sim_later(sim, sim_random_between(&sim->random, 1000000, 30000000), on_commit,
                      who(worker), event->b, calloc(1, 1));
        return;
    }
    sim_later(sim, sim_delay_us(sim), on_commit, who(worker), event->b, NULL);
}

/* Sends the offsets, at the coordinator: the one place that looks at the generation. */
static void on_offsets(struct sim *sim, struct sim_event *event)
{
    struct sim_producer *producer = coordinator(sim, event);
    if (producer == NULL)
        return;
    if (!producer->open) { /* timed out on the way */
        later(sim, event, on_report, FLOW_BATCH_ABORTED);
        return;
    }
    if (producer->batch.offsets_count > 0 && !is_member(sim, producer)) {
        abort_open(sim, producer);
        later(sim, event, on_report, FLOW_BATCH_FENCED);
        return;
    }
    if (sim_fault(sim, FAULT_TXN_FAIL)) {
        abort_open(sim, producer);
        later(sim, event, on_report, FLOW_BATCH_ABORTED);
        return;
    }
    producer->has_offsets = true;
    hold_offsets(sim, &producer->batch, 1);
    later(sim, event, on_committing, 0);
}

static void on_hung(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    if (event->a == 0) { /* intake stops, what is in flight is recorded, the process ends */
        worker->leaving = true;
        sim_worker_feed(sim, worker, &(struct flow_event){.kind = FLOW_STOP, .drain_ms = 5000});
        sim_later_to(sim, worker, 7000000, on_hung, 1, 0, NULL);
    } else
        sim_worker_kill(sim, worker, "its publisher hung");
}

void sim_transaction_submit(struct sim *sim, struct sim_worker *worker)
{
    struct sim_producer *producer = &sim->kafka.producers[worker->producer];
    must(worker->producer_epoch == producer->epoch && !producer->open);
    if (sim_fault(sim, FAULT_TXN_HANG)) {
        TRACE(sim, worker, "a call of the publisher never comes back");
        sim_later_to(sim, worker, HANG_US, on_hung, 0, 0, NULL);
        return;
    }
    producer->open = true;
    producer->has_offsets = false;
    producer->transaction = ++sim->kafka.transactions;
    producer->batch = worker->batch;
    sim_later(sim, TRANSACTION_TIMEOUT_US, on_transaction_timeout, (int64_t) worker->producer,
              (int64_t) producer->transaction, NULL);
    sim_later(sim, sim_delay_us(sim), on_offsets, who(worker), (int64_t) worker->batch.number,
              NULL);
}

/* R6: a new producer ends what was open, then the committed offsets are read, stable. */

static void take_over(struct sim *sim, struct sim_worker *worker)
{
    struct sim_producer *producer = &sim->kafka.producers[worker->producer];
    abort_open(sim, producer);
    worker->producer_epoch = ++producer->epoch;
}

static void feed_reread(struct sim *sim, struct sim_worker *worker)
{
    struct flow_assigned assigned[SIM_PARTITIONS_MAX];
    struct window windows[SIM_PARTITIONS_MAX];
    for (size_t i = 0; i < worker->batch.offsets_count; i++) {
        const struct sim_partition *partition =
            &sim->kafka.partitions[worker->batch.offsets[i].place];
        struct commit_metadata metadata;
        window_init(&windows[i], partition->committed);
        enum status status = done_set_decode(
            (struct bytes){partition->metadata, partition->metadata_len}, &metadata, &windows[i]);
        must(status == STATUS_OK);
        assigned[i] = (struct flow_assigned){.topic = partition->topic,
                                             .number = partition->number,
                                             .token = metadata.token,
                                             .ceiling = metadata.ceiling,
                                             .window = &windows[i]};
    }
    TRACE(sim, worker, "batch %d: its fate is read from the committed offsets",
          (int) worker->batch.number);
    sim_worker_feed(sim, worker,
                    &(struct flow_event){.kind = FLOW_BATCH_REREAD,
                                         .batch = worker->batch.number,
                                         .partitions = assigned,
                                         .partitions_count = worker->batch.offsets_count});
}

static void on_reread(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = client(sim, event);
    if (worker == NULL)
        return;
    if (event->a == 0)
        take_over(sim, worker);
    bool is_stable = true;
    for (size_t i = 0; i < worker->batch.offsets_count; i++)
        if (sim->kafka.partitions[worker->batch.offsets[i].place].pending > 0)
            is_stable = false;
    if (is_stable)
        feed_reread(sim, worker);
    else
        sim_later_to(sim, worker, STABLE_US, on_reread, 1, event->b, NULL);
}

static void on_open(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    take_over(sim, worker);
    sim_worker_feed(sim, worker, &(struct flow_event){.kind = FLOW_PUBLISHER_READY});
}

void sim_transaction_open(struct sim *sim, struct sim_worker *worker)
{
    struct sim_kafka *kafka = &sim->kafka;
    bool is_fresh = kafka->fresh_ids && kafka->producers_count < SIM_PRODUCERS_MAX;
    worker->producer = is_fresh ? kafka->producers_count++ : (size_t) worker->at;
    worker->producer_epoch = 0;
    kafka->producers[worker->producer].worker = worker->at;
    kafka->producers[worker->producer].life = worker->life;
    sim_later_to(sim, worker, sim_delay_us(sim), on_open, 0, 0, NULL);
}

/* The topic was made anew, and another command stands where one was. */
static void recreate(struct sim *sim, struct sim_partition *partition)
{
    for (size_t i = 0; i < partition->count; i++) {
        struct sim_record *record = &partition->records[i];
        bool may_change = record->offset >= partition->committed && record->kind == DECODED_VALID;
        if (!may_change || !sim_fault(sim, FAULT_RECREATED))
            continue;
        record->words = record->order * 4 + 2;
        sim->truths[record->order].recreated = true;
    }
}

/* An operator sets the group's offsets back; nobody is in the group. */
void sim_transaction_rewind(struct sim *sim)
{
    for (size_t i = 0; i < SIM_PRODUCERS_MAX; i++)
        abort_open(sim, &sim->kafka.producers[i]);
    for (size_t i = 0; i < sim->kafka.partitions_count; i++) {
        struct sim_partition *partition = &sim->kafka.partitions[i];
        if (partition->committed == 0)
            continue;
        partition->committed = sim_below(sim, partition->committed);
        partition->metadata_len = 0;
        partition->ceiling = partition->committed;
        recreate(sim, partition);
        memset(partition->done, 0, sizeof partition->done);
        TRACE(sim, NULL, "operator: partition %d is set back to %lld", (int) i,
              (long long) partition->committed);
    }
}
