/* Transactions and resolutions: what src/app/publishing.c does. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int place_of(const struct sim *sim, enum flow_topic topic, int32_t number)
{
    for (size_t i = 0; i < sim->kafka.partitions_count; i++)
        if (sim->kafka.partitions[i].topic == topic && sim->kafka.partitions[i].number == number)
            return (int) i;
    must(!"a partition of this run");
}

static size_t record_at(const struct sim_partition *partition, int64_t offset)
{
    for (size_t i = 0; i < partition->count; i++)
        if (partition->records[i].offset == offset)
            return i;
    must(!"a record of this partition");
}

static struct sim_message *message_of(const struct sim *sim, struct sim_worker *worker,
                                      const struct payout *payout)
{
    struct sim_batch *batch = &worker->batch;
    must(batch->messages_count < SIM_MESSAGES_MAX);
    struct sim_message *message = &batch->messages[batch->messages_count++];
    enum flow_topic topic = payout->is_evidence ? FLOW_RESOLUTIONS : FLOW_COMMANDS;
    *message =
        (struct sim_message){.place = place_of(sim, topic, payout->partition), .end = payout->end};
    const struct sim_partition *partition = &sim->kafka.partitions[message->place];
    message->record = record_at(partition, payout->offset);
    message->order = partition->records[message->record].order;
    return message;
}

static void add_outcome(struct sim *sim, struct sim_worker *worker, struct payout *payout)
{
    struct sim_message *message = message_of(sim, worker, payout);
    if (bytes_is_none(payout->body))
        payout->body = sim_asking_body(sim, payout, payout->state);
    message->state = payout->state;
    message->attempt = payout->attempt;
    message->sequence = payout->sequence;
    message->doubt = payout->doubt;
    message->replayed = payout->replayed;
    must(payout->body.len < sizeof message->body);
    memcpy(message->body, payout->body.data, payout->body.len);
}

static void add_offset(struct sim_worker *worker, const struct flow_partition *partition, int place)
{
    struct sim_offset *offset = &worker->batch.offsets[worker->batch.offsets_count++];
    struct commit_metadata metadata = {partition->token_in_batch, partition->ceiling_in_batch};
    offset->place = place;
    offset->offset = partition->window.watermark;
    char text[DONE_SET_TEXT_MAX];
    enum status status =
        done_set_encode(&metadata, &partition->window, text, sizeof text, &offset->len);
    must(status == STATUS_OK && offset->len <= sizeof offset->metadata);
    memcpy(offset->metadata, text, offset->len);
}

void sim_publishing_submit(struct sim *sim, struct sim_worker *worker, uint64_t number)
{
    struct sim_batch *batch = &worker->batch;
    batch->number = number;
    batch->messages_count = batch->offsets_count = 0;
    batch->generation = worker->kept.generation;
    batch->member = worker->kept.member;
    for (struct payout *payout = flow_batch_next(worker->flow, NULL); payout != NULL;
         payout = flow_batch_next(worker->flow, payout)) {
        if (payout->has_outcome)
            add_outcome(sim, worker, payout);
        if (payout->has_dead_letter)
            message_of(sim, worker, payout)->is_letter = true;
    }
    for (size_t i = 0; i < worker->flow->partitions_count; i++) {
        const struct flow_partition *partition = &worker->flow->partitions[i];
        if (partition->in_batch)
            add_offset(worker, partition, place_of(sim, partition->topic, partition->number));
    }
    TRACE(sim, worker, "batch %d: %d messages, %d offsets", (int) number,
          (int) batch->messages_count, (int) batch->offsets_count);
    sim_transaction_submit(sim, worker);
}

/* Resolutions. */

static void on_told(struct sim *sim, struct sim_event *event)
{
    sim_worker_feed(sim, &sim->workers[event->worker],
                    &(struct flow_event){.kind = FLOW_TOLD,
                                         .payout = flow_untag((uint64_t) event->a),
                                         .told = event->b != 0});
}

/* At the broker: event->a names the process. */
static void on_produced(struct sim *sim, struct sim_event *event)
{
    const struct sim_record *evidence = event->data;
    size_t resolutions = sim->kafka.partitions_count - sim->kafka.commands_count;
    size_t place = sim->kafka.commands_count + (size_t) evidence->order % resolutions;
    struct sim_record *record = sim_kafka_append(sim, (int) place);
    if (record == NULL)
        return;
    int64_t offset = record->offset;
    *record = *evidence;
    record->offset = offset;
    record->timestamp_ms = sim_wall_ms(sim);
    TRACE(sim, NULL, "kafka: resolution %s %s attempt %d at %d/%lld", sim->names[record->order],
          order_state_name(record->state), (int) record->attempt, (int) place, (long long) offset);
}

void sim_publishing_evidence(struct sim *sim, int64_t delay_us, const struct sim_record *evidence)
{
    struct sim_record *copy = malloc(sizeof *copy);
    must(copy != NULL);
    *copy = *evidence;
    sim_later(sim, delay_us, on_produced, 0, 0, copy);
}

static void tell(struct sim *sim, struct sim_worker *worker, struct handle handle,
                 const struct sim_record *evidence)
{
    int64_t delay_us = sim_delay_us(sim);
    bool is_lost = sim_fault(sim, FAULT_TELL_LOST);
    bool is_written = !is_lost || sim_below(sim, 2) == 0;
    if (is_written)
        sim_publishing_evidence(sim, delay_us, evidence);
    sim_later_to(sim, worker, delay_us + sim_delay_us(sim), on_told, (int64_t) flow_tag(handle),
                 !is_lost, NULL);
}

static void spell(char *to, size_t max, struct bytes text)
{
    must(text.len < max);
    if (text.len > 0)
        memcpy(to, text.data, text.len);
}

void sim_publishing_tell(struct sim *sim, struct sim_worker *worker, struct payout *payout)
{
    struct sim_record record = {.kind = DECODED_EVIDENCE,
                                .order = sim_order_of(sim, payout->command.order_id),
                                .evidence = EVIDENCE_ANSWER,
                                .attempt = payout->attempt,
                                .state = payout->state};
    spell(record.instance, sizeof record.instance, bytes_of(worker->instance));
    spell(record.body, sizeof record.body, payout->body);
    if (payout->has_answer)
        spell(record.payment_id, sizeof record.payment_id, payout->answer.payment_id);
    tell(sim, worker, flow_handle_of(payout), &record);
}

/* The stored body with the change in it; the rest stays. */
static void change(struct sim *sim, const struct inquiry *inquiry, struct sim_record *record)
{
    struct sim_body body;
    bool is_ours = sim_body_read(inquiry->body, &body);
    must(is_ours);
    body.state = inquiry->change;
    body.attempt = inquiry->attempt;
    body.doubt = inquiry->doubt;
    body.nonce = (unsigned) sim_random_next(&sim->random) & 0xffff;
    snprintf(body.evidence, sizeof body.evidence, "status");
    snprintf(body.pid, sizeof body.pid, "%s", record->payment_id);
    sim_body_list(body.refused, sizeof body.refused, inquiry->refused_payment_ids);
    sim_body_write(&body, record->body, sizeof record->body);
}

void sim_publishing_report(struct sim *sim, struct sim_worker *worker, struct handle handle)
{
    const struct inquiry *inquiry = flow_inquiry(worker->flow, handle);
    struct sim_record record = {.kind = DECODED_EVIDENCE,
                                .order = sim_order_of(sim, inquiry->order_id),
                                .evidence = EVIDENCE_STATUS,
                                .attempt = inquiry->attempt,
                                .state = inquiry->change};
    spell(record.instance, sizeof record.instance, inquiry->instance);
    spell(record.payment_id, sizeof record.payment_id, inquiry->answer.payment_id);
    change(sim, inquiry, &record);
    tell(sim, worker, handle, &record);
}
