/* Records reach the flow: what src/app/intake.c does, with a decoder that reads the simulator's
 * records. */
#include "sim.h"

#include <string.h>

static const char *const merchants[] = {"m0", "m1"};

static void decode_evidence(struct sim *sim, struct sim_worker *worker, struct payout *payout,
                            const struct sim_record *record)
{
    char late[SIM_BODY_MAX];
    struct sim_body body;
    payout->is_evidence = true;
    payout->merchant_at = UINT16_MAX;
    payout->command.order_id = bytes_of(sim->names[record->order]);
    payout->state = record->state;
    payout->evidence = record->evidence;
    payout->seen_attempt = payout->attempt = record->attempt;
    memcpy(payout->seen_instance, record->instance, sizeof record->instance);
    payout->has_answer = true;
    payout->answer.payment_id =
        record->payment_id[0] == '\0' ? BYTES_NONE : bytes_of(record->payment_id);
    must(arena_copy(&payout->arena, bytes_of(record->body), &payout->body) == STATUS_OK);
    bool is_ours = sim_body_read(bytes_of(record->body), &body);
    must(is_ours);
    body.state = ORDER_UNKNOWN;
    body.doubt = true;
    sim_body_write(&body, late, sizeof late);
    must(arena_copy(&payout->arena, bytes_of(late), &worker->late_bodies[payout->slot]) ==
         STATUS_OK);
}

static void decode_command(struct sim *sim, struct payout *payout, const struct sim_record *record)
{
    struct command *command = &payout->command;
    command->order_id = bytes_of(sim->names[record->order]);
    memset(command->fingerprint, 0, sizeof command->fingerprint);
    command->fingerprint[0] = (uint8_t) record->words;
    command->not_after_ms = record->not_after_ms;
    payout->merchant_at = (uint16_t) record->merchant;
    payout->merchant_id = bytes_of(merchants[record->merchant]);
    if (record->kind == DECODED_INVALID || record->kind == DECODED_UNREADABLE) {
        payout->merchant_at = UINT16_MAX;
        payout->failure_code = "validation_failed";
        payout->dead_letter_reason = "validation_failed";
    }
}

static void open_record(struct sim *sim, struct sim_worker *worker, size_t place,
                        const struct sim_record *record, uint64_t epoch)
{
    const struct sim_partition *partition = &sim->kafka.partitions[place];
    struct moment moment = sim_worker_moment(sim, worker);
    struct flow_arrival arrival = {partition->topic, partition->number, epoch, record->offset,
                                   record->timestamp_ms};
    struct handle handle;
    enum flow_opening opening = flow_open(worker->flow, &arrival, &moment, &handle);
    if (opening == FLOW_CLOSED) { /* it comes again when there is room */
        worker->held[place] = true;
        worker->position[place] = record->offset;
    }
    if (opening != FLOW_OPENED)
        return;
    struct payout *payout = flow_payout(worker->flow, handle);
    enum decoded_kind kind = record->kind;
    if (kind == DECODED_UNCONFIGURED && sim->healing)
        kind = DECODED_VALID; /* people have mended the configuration */
    if (kind == DECODED_EVIDENCE)
        decode_evidence(sim, worker, payout, record);
    else
        decode_command(sim, payout, record);
    if (kind == DECODED_UNCONFIGURED)
        payout->merchant_at = UINT16_MAX;
    TRACE(sim, worker, "reads %s at %d/%lld", sim->names[record->order], (int) place,
          (long long) record->offset);
    sim_worker_feed(sim, worker,
                    &(struct flow_event){.kind = FLOW_DECODED, .payout = handle, .decoded = kind});
}

static const struct sim_record *next_record(const struct sim *sim, const struct sim_worker *worker,
                                            size_t place)
{
    const struct sim_partition *partition = &sim->kafka.partitions[place];
    for (size_t i = 0; i < partition->count; i++)
        if (partition->records[i].offset >= worker->position[place])
            return &partition->records[i];
    return NULL;
}

/* A record of an earlier assignment that lay in a queue. */
static void deliver_stale(struct sim *sim, struct sim_worker *worker)
{
    size_t place = (size_t) sim_below(sim, (int64_t) sim->kafka.partitions_count);
    const struct sim_partition *partition = &sim->kafka.partitions[place];
    if (worker->epoch < 2 || partition->count == 0 || sim_below(sim, 20) != 0)
        return;
    size_t at = (size_t) sim_below(sim, (int64_t) partition->count);
    open_record(sim, worker, place, &partition->records[at], worker->epoch - 1);
}

void sim_intake_poll(struct sim *sim, struct sim_worker *worker)
{
    bool may_read = worker->phase == PHASE_OWNING || worker->phase == PHASE_REVOKING;
    worker->records_wait = false;
    if (!may_read)
        return;
    size_t first = (size_t) sim_below(sim, (int64_t) sim->kafka.partitions_count);
    for (size_t i = 0; i < sim->kafka.partitions_count; i++) {
        size_t place = (first + i) % sim->kafka.partitions_count;
        const struct sim_record *record;
        while (worker->mine[place] && !worker->held[place] &&
               (record = next_record(sim, worker, place)) != NULL) {
            if (flow_room(worker->flow) == 0)
                return;
            if (sim_below(sim, 4) == 0) { /* not everything is here yet */
                worker->records_wait = true;
                break;
            }
            worker->position[place] = record->offset + 1;
            open_record(sim, worker, place, record, worker->epoch);
        }
    }
    if (flow_room(worker->flow) > 0)
        deliver_stale(sim, worker);
}
