/* The invariants, held against what readers of Kafka see, and against the end of a run. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool starts_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0 && text[strlen(begin)] == ' ';
}

static void check_verdict(struct sim *sim, const struct sim_message *message)
{
    struct sim_truth *truth = &sim->truths[message->order];
    const char *name = sim->names[message->order];
    if (truth->told != ORDER_ABSENT && truth->told != message->state)
        sim_fail(sim, "I4", "%s: readers see %s after %s", name, order_state_name(message->state),
                 order_state_name(truth->told));
    truth->told = message->state;
    if (message->state == ORDER_PAID && truth->executed != 1)
        sim_fail(sim, "I5", "%s: succeeded is told, it was executed %d times", name,
                 truth->executed);
    if (message->state != ORDER_PAID && truth->executed != 0)
        sim_fail(sim, "I5", "%s: %s is told, it was executed", name,
                 order_state_name(message->state));
    if (strstr(message->body, " none") != NULL)
        sim_fail(sim, "I6", "%s: a verdict without evidence: %s", name, message->body);
}

static void check_outcome(struct sim *sim, const struct sim_message *message)
{
    const struct sim_order *stored = &sim->redis.orders[message->order];
    const char *name = sim->names[message->order];
    bool is_final = order_state_is_final(message->state);
    if (order_state_outcome(message->state) == NULL)
        sim_fail(sim, "I3", "%s: an event says %s", name, order_state_name(message->state));
    if (!starts_with(message->body, order_state_name(message->state)))
        sim_fail(sim, "I4", "%s: the event says %s, its body %s", name,
                 order_state_name(message->state), message->body);
    bool is_stored = stored->exists && stored->seq >= message->sequence &&
                     (!is_final || stored->state == message->state);
    if (!is_stored && !sim->options.lossy)
        sim_fail(sim, "R5", "%s: %s is told, the ledger says %s", name,
                 order_state_name(message->state),
                 stored->exists ? order_state_name(stored->state) : "nothing");
    if (is_final)
        check_verdict(sim, message);
    must(sim->outcomes_count < SIM_OUTCOMES_MAX);
    struct sim_outcome *outcome = &sim->outcomes[sim->outcomes_count++];
    *outcome = (struct sim_outcome){message->order, message->state, message->sequence,
                                    sim_wall_ms(sim), ""};
    snprintf(outcome->body, sizeof outcome->body, "%s", message->body);
    if (is_final || !order_state_is_final(sim->truths[message->order].last_told))
        sim->truths[message->order].last_told = message->state;
}

static void check_letter(struct sim *sim, const struct sim_message *message,
                         struct sim_partition *partition)
{
    const struct sim_record *record = &partition->records[message->record];
    const struct sim_order *stored = &sim->redis.orders[message->order];
    char words[3] = {stored->fp[0], stored->fp[1], '\0'};
    partition->letter[message->record] = true;
    if (message->end == END_CONFLICT && stored->exists && !stored->doubt &&
        strtol(words, NULL, 16) == record->words)
        sim_fail(sim, "I14", "%s: the same words are called a conflict",
                 sim->names[message->order]);
    bool may_be = message->end == END_CONFLICT || record->kind != DECODED_VALID;
    if (!may_be)
        sim_fail(sim, "I14", "%s: a good command becomes a dead letter",
                 sim->names[message->order]);
}

static void check_message(struct sim *sim, const struct sim_message *message)
{
    struct sim_partition *partition = &sim->kafka.partitions[message->place];
    if (partition->done[message->record])
        sim_fail(sim, "R6", "%s: position %d/%lld was done and is published again",
                 sim->names[message->order], message->place,
                 (long long) partition->records[message->record].offset);
    if (message->is_letter)
        check_letter(sim, message, partition);
    else
        check_outcome(sim, message);
}

/* A position that is done for ever: I3, I9, I14. */
static void check_done(struct sim *sim, int place, size_t at)
{
    const struct sim_partition *partition = &sim->kafka.partitions[place];
    const struct sim_record *record = &partition->records[at];
    const struct sim_order *stored = &sim->redis.orders[record->order];
    const char *name = sim->names[record->order];
    char position[48], words[3] = {stored->fp[0], stored->fp[1], '\0'};
    bool is_command = partition->topic == FLOW_COMMANDS;
    snprintf(position, sizeof position, "%s/%d/%lld", is_command ? "commands" : "resolutions",
             (int) partition->number, (long long) record->offset);
    bool is_told = sim->truths[record->order].last_told != ORDER_ABSENT;
    if (partition->letter[at] || sim->options.lossy)
        return;
    if (!stored->exists)
        sim_fail(sim, "I3", "%s: %s is done, the ledger knows nothing of it", name, position);
    else if (!is_command)
        return;
    else if (record->kind == DECODED_INVALID || record->kind == DECODED_UNREADABLE)
        sim_fail(sim, "I14", "%s: %s was refused and has no dead letter", name, position);
    else if (!stored->doubt && strtol(words, NULL, 16) != record->words)
        sim_fail(sim, "I9", "%s: the changed copy at %s ended in silence", name, position);
    else if (strcmp(stored->src, position) != 0)
        return;
    else if (stored->state == ORDER_READY || stored->state == ORDER_SENDING)
        sim_fail(sim, "I3", "%s: %s is done, the order is %s", name, position,
                 order_state_name(stored->state));
    else if (!is_told)
        sim_fail(sim, "I3", "%s: %s is done, and nobody was told anything", name, position);
}

static void check_offset(struct sim *sim, const struct sim_producer *producer,
                         const struct sim_offset *offset)
{
    struct sim_partition *partition = &sim->kafka.partitions[offset->place];
    struct commit_metadata metadata;
    struct window window;
    window_init(&window, offset->offset);
    enum status status =
        done_set_decode((struct bytes){offset->metadata, offset->len}, &metadata, &window);
    must(status == STATUS_OK);
    if (metadata.ceiling < partition->ceiling || metadata.ceiling > partition->end)
        sim_fail(sim, "R8", "partition %d: the ceiling goes from %lld to %lld, the end is %lld",
                 offset->place, (long long) partition->ceiling, (long long) metadata.ceiling,
                 (long long) partition->end);
    partition->ceiling = metadata.ceiling;
    if (metadata.ceiling > partition->ceiling_ever)
        partition->ceiling_ever = metadata.ceiling;
    partition->own_ceiling[producer->worker] = metadata.ceiling;
    partition->own_life[producer->worker] = producer->life;
    for (size_t i = 0; i < partition->count; i++) {
        if (partition->done[i] || !window_is_done(&window, partition->records[i].offset))
            continue;
        check_done(sim, offset->place, i);
        partition->done[i] = true;
    }
}

void sim_check_committed(struct sim *sim, const struct sim_producer *producer)
{
    const struct sim_batch *batch = &producer->batch;
    for (size_t i = 0; i < batch->messages_count; i++)
        check_message(sim, &batch->messages[i]);
    for (size_t i = 0; i < batch->offsets_count; i++)
        check_offset(sim, producer, &batch->offsets[i]);
}

/* The end. */

static bool is_settled(const struct sim *sim, int order)
{
    const struct sim_order *stored = &sim->redis.orders[order];
    const struct sim_truth *truth = &sim->truths[order];
    if (truth->recreated)
        return true;
    if (!stored->exists)
        return truth->last_told == ORDER_ABSENT;
    bool is_held = stored->state == ORDER_READY || stored->state == ORDER_SENDING;
    if (is_held || (truth->executed > 0 && truth->told != ORDER_PAID))
        return false;
    return order_state_is_final(stored->state) ? truth->told == stored->state
                                               : truth->last_told != ORDER_ABSENT;
}

/* A payment of the gateway that is not over yet. */
static bool has_pending(const struct sim *sim)
{
    for (size_t i = 0; i < sim->gateway.payments_count; i++)
        if (sim->gateway.payments[i].ends_ms > sim_now_ms(sim))
            return true;
    return sim->gateway.travelling > 0;
}

bool sim_check_is_quiet(struct sim *sim)
{
    for (size_t i = 0; i < LEDGER_SHARDS; i++)
        if (sim->redis.inc[i] != sim->redis.token)
            return false;
    for (size_t i = 0; i < sim->kafka.partitions_count; i++)
        for (size_t k = 0; k < sim->kafka.partitions[i].count; k++)
            if (!sim->kafka.partitions[i].done[k])
                return false;
    for (int i = 0; i < sim->workers_count; i++)
        if (!sim->workers[i].alive || flow_in_flight(sim->workers[i].flow) > 0)
            return false;
    for (int i = 0; i < sim->orders_count; i++)
        if (!is_settled(sim, i))
            return false;
    return !has_pending(sim);
}

static void check_order_at_end(struct sim *sim, int order)
{
    const struct sim_order *stored = &sim->redis.orders[order];
    const struct sim_truth *truth = &sim->truths[order];
    const char *name = sim->names[order];
    if (truth->recreated)
        return;
    if (!stored->exists) {
        if (truth->last_told != ORDER_ABSENT)
            sim_fail(sim, "I3", "%s was told as %s, and the ledger knows nothing of it", name,
                     order_state_name(truth->last_told));
        return;
    }
    if (stored->state == ORDER_READY || stored->state == ORDER_SENDING)
        sim_fail(sim, "LIVE", "%s stays %s, and nobody holds it", name,
                 order_state_name(stored->state));
    else if (truth->executed > 0 && truth->told != ORDER_PAID)
        sim_fail(sim, "LIVE", "%s was executed, the ledger says %s, readers saw %s", name,
                 order_state_name(stored->state), order_state_name(truth->last_told));
    else if (order_state_is_final(stored->state) && truth->told != stored->state)
        sim_fail(sim, "LIVE", "%s is %s, readers saw %s", name, order_state_name(stored->state),
                 order_state_name(truth->last_told));
    else if (truth->last_told == ORDER_ABSENT)
        sim_fail(sim, "I8", "%s is %s, and nobody was told", name, order_state_name(stored->state));
}

static void check_worker_at_end(struct sim *sim, const struct sim_worker *worker)
{
    if (!worker->alive) {
        sim_fail(sim, "LIVE", "worker %c is not there", 'A' + worker->at);
        return;
    }
    for (size_t i = 0; i < worker->flow->config.payouts_max; i++) {
        const struct payout *payout = &worker->flow->payouts[i];
        if (payout->step != STEP_FREE)
            sim_fail(sim, "LIVE", "worker %c: %.*s at %d/%lld stays in step %s%s", 'A' + worker->at,
                     (int) payout->command.order_id.len, payout->command.order_id.data,
                     (int) payout->partition, (long long) payout->offset,
                     payout_step_name(payout->step), payout->orphaned ? ", orphaned" : "");
    }
}

void sim_check_end(struct sim *sim)
{
    for (size_t i = 0; i < sim->kafka.partitions_count; i++)
        for (size_t k = 0; k < sim->kafka.partitions[i].count; k++)
            if (!sim->kafka.partitions[i].done[k])
                sim_fail(sim, "LIVE", "%s at %d/%lld never comes to an end",
                         sim->names[sim->kafka.partitions[i].records[k].order], (int) i,
                         (long long) sim->kafka.partitions[i].records[k].offset);
    for (int i = 0; i < sim->orders_count; i++)
        check_order_at_end(sim, i);
    for (int i = 0; i < sim->workers_count; i++)
        check_worker_at_end(sim, &sim->workers[i]);
    if (!sim->broken && !sim_check_is_quiet(sim))
        sim_fail(sim, "LIVE", "the gateway has something under way");
}
