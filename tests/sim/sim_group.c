/* The consumer group: one rebalance after another, members that are thrown out and do not know it,
 * and committed offsets that are read only when no open transaction holds them. */
#include "sim.h"

#include <string.h>

enum { REBALANCE_TIMEOUT_US = 45000000, STABLE_US = 20000 };

/* What the client does when it owns nothing any more. */
static void forget(struct sim_worker *worker)
{
    worker->phase = PHASE_IDLE;
    memset(worker->mine, 0, sizeof worker->mine);
    memset(worker->held, 0, sizeof worker->held);
}

static bool is_stable(const struct sim *sim, const struct sim_worker *worker)
{
    for (size_t i = 0; i < sim->kafka.partitions_count; i++)
        if (worker->mine[i] && sim->kafka.partitions[i].pending > 0)
            return false;
    return true;
}

static void begin(struct sim *sim, struct sim_worker *worker)
{
    struct flow_assigned assigned[SIM_PARTITIONS_MAX];
    struct window windows[SIM_PARTITIONS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sim->kafka.partitions_count; i++) {
        const struct sim_partition *partition = &sim->kafka.partitions[i];
        const struct sim_offset *read = &worker->read[i];
        struct commit_metadata metadata;
        if (!worker->mine[i])
            continue;
        worker->position[i] = read->offset;
        window_init(&windows[count], read->offset);
        enum status status =
            done_set_decode((struct bytes){read->metadata, read->len}, &metadata, &windows[count]);
        must(status == STATUS_OK);
        TRACE(sim, worker, "owns partition %d from %lld, ceiling %lld", (int) i,
              (long long) read->offset, (long long) metadata.ceiling);
        assigned[count] = (struct flow_assigned){.topic = partition->topic,
                                                 .number = partition->number,
                                                 .token = metadata.token,
                                                 .ceiling = metadata.ceiling,
                                                 .window = &windows[count]};
        count++;
    }
    worker->phase = PHASE_OWNING;
    worker->kept = worker->membership;
    sim_worker_feed(sim, worker,
                    &(struct flow_event){.kind = FLOW_ASSIGNED,
                                         .epoch = worker->epoch,
                                         .partitions = assigned,
                                         .partitions_count = count});
}

static void on_begin(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    if (worker->phase == PHASE_READING && worker->epoch == (uint64_t) event->a)
        begin(sim, worker);
}

/* The committed offsets are asked for until they are stable, and are on their way for a while:
 * event->a is the epoch. */
static void on_offsets(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    if (worker->phase != PHASE_READING || worker->epoch != (uint64_t) event->a)
        return;
    if (!is_stable(sim, worker)) {
        sim_later_to(sim, worker, STABLE_US + sim_delay_us(sim), on_offsets, event->a, 0, NULL);
        return;
    }
    for (size_t i = 0; i < sim->kafka.partitions_count; i++) {
        const struct sim_partition *partition = &sim->kafka.partitions[i];
        worker->read[i].offset = partition->committed;
        worker->read[i].len = partition->metadata_len;
        memcpy(worker->read[i].metadata, partition->metadata, partition->metadata_len);
    }
    sim_later_to(sim, worker, sim_delay_us(sim), on_begin, event->a, 0, NULL);
}

/* The assign callback. event->a: generation << 32 | member; event->b: the partitions, one bit each.
 */
static void on_assign(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    struct sim_membership membership = {(int32_t) (event->a >> 32), (uint32_t) event->a};
    bool is_mine = worker->phase == PHASE_IDLE && worker->membership.member == membership.member;
    if (!is_mine)
        return;
    forget(worker);
    worker->membership = membership;
    worker->epoch++;
    worker->phase = PHASE_READING;
    for (size_t i = 0; i < SIM_PARTITIONS_MAX; i++)
        worker->mine[i] = (event->b >> i & 1) != 0;
    TRACE(sim, worker, "is assigned %llx in generation %d", (unsigned long long) event->b,
          membership.generation);
    sim_later_to(sim, worker, sim_delay_us(sim), on_offsets, (int64_t) worker->epoch, 0, NULL);
}

static void complete(struct sim *sim)
{
    struct sim_kafka *kafka = &sim->kafka;
    int64_t shares[SIM_WORKERS_MAX] = {0};
    int in[SIM_WORKERS_MAX], count = 0;
    kafka->rebalancing = false;
    for (int i = 0; i < sim->workers_count; i++)
        if (kafka->members[i].in)
            in[count++] = i;
    if (count == 0)
        return;
    kafka->generation++;
    TRACE(sim, NULL, "kafka: generation %d of %d members", kafka->generation, count);
    for (size_t i = 0; i < kafka->partitions_count; i++) {
        kafka->partitions[i].owner = in[sim_below(sim, count)];
        shares[kafka->partitions[i].owner] |= INT64_C(1) << i;
    }
    for (int i = 0; i < count; i++) {
        struct sim_member *member = &kafka->members[in[i]];
        int64_t who = (int64_t) kafka->generation << 32 | member->id;
        member->ready = false;
        struct sim_worker *worker = &sim->workers[in[i]];
        sim_later_to(sim, worker, sim_in_order(sim, &worker->group_us, sim_delay_us(sim)),
                     on_assign, who, shares[in[i]], NULL);
    }
}

static void complete_when_ready(struct sim *sim)
{
    if (!sim->kafka.rebalancing)
        return;
    for (int i = 0; i < sim->workers_count; i++)
        if (sim->kafka.members[i].in && !sim->kafka.members[i].ready)
            return;
    complete(sim);
}

static void on_timeout(struct sim *sim, struct sim_event *event)
{
    if (!sim->kafka.rebalancing || sim->kafka.rebalance != (uint64_t) event->a)
        return;
    for (int i = 0; i < sim->workers_count; i++)
        if (sim->kafka.members[i].in && !sim->kafka.members[i].ready)
            sim_group_expel(sim, &sim->workers[i]);
}

/* Joined again: event->a is the member. */
static void on_ready(struct sim *sim, struct sim_event *event)
{
    struct sim_member *member = &sim->kafka.members[event->b];
    if (!member->in || member->id != (uint32_t) event->a)
        return;
    member->ready = true;
    sim_group_rebalance(sim); /* whoever joins again makes the group balance anew */
}

static void rejoin(struct sim *sim, struct sim_worker *worker)
{
    sim_later(sim, sim_delay_us(sim), on_ready, worker->membership.member, worker->at, NULL);
}

/* The heartbeat says that the group balances anew. */
static void on_revoke(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    if (worker->membership.member != (uint32_t) event->a)
        return;
    if (worker->phase == PHASE_OWNING) {
        worker->phase = PHASE_REVOKING;
        TRACE(sim, worker, "is asked for its partitions back");
        sim_worker_feed(sim, worker,
                        &(struct flow_event){.kind = FLOW_REVOKED, .epoch = worker->epoch});
    } else if (worker->phase == PHASE_READING) {
        forget(worker);
        rejoin(sim, worker);
    }
}

void sim_group_release(struct sim *sim, struct sim_worker *worker)
{
    if (worker->phase != PHASE_REVOKING)
        return;
    forget(worker);
    rejoin(sim, worker);
}

void sim_group_rebalance(struct sim *sim)
{
    struct sim_kafka *kafka = &sim->kafka;
    if (kafka->rebalancing) {
        complete_when_ready(sim);
        return;
    }
    kafka->rebalancing = true;
    kafka->rebalance++;
    TRACE(sim, NULL, "kafka: the group balances anew");
    for (int i = 0; i < sim->workers_count; i++) {
        struct sim_worker *worker = &sim->workers[i];
        if (kafka->members[i].in && !kafka->members[i].ready)
            sim_later_to(sim, worker, sim_in_order(sim, &worker->group_us, sim_delay_us(sim)),
                         on_revoke, kafka->members[i].id, 0, NULL);
    }
    sim_later(sim, REBALANCE_TIMEOUT_US, on_timeout, (int64_t) kafka->rebalance, 0, NULL);
    complete_when_ready(sim);
}

void sim_group_join(struct sim *sim, struct sim_worker *worker)
{
    struct sim_member *member = &sim->kafka.members[worker->at];
    *member = (struct sim_member){.in = true, .id = ++sim->kafka.next_member, .ready = true};
    worker->membership = (struct sim_membership){-1, member->id};
    forget(worker);
    sim_group_rebalance(sim);
}

void sim_group_leave(struct sim *sim, struct sim_worker *worker)
{
    if (!sim->kafka.members[worker->at].in)
        return;
    sim->kafka.members[worker->at].in = false;
    sim->kafka.rebalancing = false; /* it begins anew */
    sim_group_rebalance(sim);
}

/* The member learns that it is none: event->a is what it was. */
static void on_lost(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    if (worker->membership.member != (uint32_t) event->a)
        return;
    bool was_told = worker->phase == PHASE_OWNING || worker->phase == PHASE_REVOKING;
    TRACE(sim, worker, "learns that it was thrown out");
    forget(worker);
    if (was_told)
        sim_worker_feed(sim, worker,
                        &(struct flow_event){.kind = FLOW_LOST, .epoch = worker->epoch});
    if (!worker->leaving)
        sim_group_join(sim, worker);
}

void sim_group_expel(struct sim *sim, struct sim_worker *worker)
{
    uint32_t id = sim->kafka.members[worker->at].id;
    if (!sim->kafka.members[worker->at].in)
        return;
    TRACE(sim, NULL, "kafka: member %c is thrown out", 'A' + worker->at);
    sim_group_leave(sim, worker);
    int64_t delay_us = sim_random_between(&sim->random, 1000, 20000000);
    sim_later_to(sim, worker, sim_in_order(sim, &worker->group_us, delay_us), on_lost, id, 0, NULL);
}
