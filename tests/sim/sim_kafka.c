/* Topics: partitions of records with gaps between them, and the commands that the platform writes.
 */
#include "sim.h"

#include <string.h>

void sim_kafka_begin(struct sim *sim)
{
    struct sim_kafka *kafka = &sim->kafka;
    kafka->commands_count =
        (size_t) sim_random_between(&sim->random, 1, SIM_COMMAND_PARTITIONS_MAX);
    kafka->partitions_count =
        kafka->commands_count + (size_t) sim_random_between(&sim->random, 1, 2);
    kafka->fresh_ids = sim_below(sim, 2) == 0;
    kafka->producers_count = SIM_WORKERS_MAX;
    for (size_t i = 0; i < kafka->partitions_count; i++) {
        struct sim_partition *partition = &kafka->partitions[i];
        bool is_command = i < kafka->commands_count;
        partition->topic = is_command ? FLOW_COMMANDS : FLOW_RESOLUTIONS;
        partition->number = (int32_t) (is_command ? i : i - kafka->commands_count);
        partition->owner = -1;
    }
}

/* NULL: the partition is full; the run is long enough. */
struct sim_record *sim_kafka_append(struct sim *sim, int place)
{
    struct sim_partition *partition = &sim->kafka.partitions[place];
    if (partition->count == SIM_RECORDS_MAX)
        return NULL;
    if (sim_fault(sim, FAULT_GAP))
        partition->end += sim_below(sim, 12) == 0 ? WINDOW_SPAN_MAX + sim_below(sim, 3) - 1
                                                  : sim_random_between(&sim->random, 1, 3);
    struct sim_record *record = &partition->records[partition->count++];
    memset(record, 0, sizeof *record);
    record->offset = partition->end++;
    for (int i = 0; i < sim->workers_count; i++)
        if (sim->workers[i].alive && sim->workers[i].mine[place])
            sim_worker_wake(sim, &sim->workers[i]);
    return record;
}
