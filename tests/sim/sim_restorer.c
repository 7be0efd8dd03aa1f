/*
 * The restorer (src/app/restorer.c), step by step: acknowledgements, claim, offsets, outcomes,
 * doubt, confirm. Between any two of its writes the process may stand still or die, and another
 * restorer may begin.
 */
#include "sim.h"

#include <stdio.h>
#include <string.h>

enum {
    POLL_US = 200000,
    AGAIN_US = 500000,
    YIELD_MIN_US = 1000000,
    YIELD_MAX_US = 3000000,
    PATIENCE_US = 60000000,
    MARGIN_MS = 2000, /* the real one's is ten minutes: these runs are shorter */
    CONFIRM_SHARDS = 16,
};

enum phase {
    PHASE_CONNECT,
    PHASE_LOOK,
    PHASE_CLAIM,
    PHASE_OFFSETS,
    PHASE_OUTCOMES,
    PHASE_EVENTS,
    PHASE_DOUBT,
    PHASE_CONFIRM,
};

static void on_step(struct sim *sim, struct sim_event *event);

static void next(struct sim *sim, struct sim_worker *worker, enum phase phase, int64_t delay_us)
{
    sim_later_to(sim, worker, delay_us, on_step, phase, worker->restorer.number, NULL);
}

static void done(struct sim *sim, struct sim_worker *worker, bool restored)
{
    TRACE(sim, worker, "restorer: %s", restored ? "done" : "out of time");
    worker->restorer.running = false;
    sim_worker_feed(sim, worker, &(struct flow_event){.kind = FLOW_RESTORED, .restored = restored});
}

static void begin_again(struct sim *sim, struct sim_worker *worker, const char *why, bool yields)
{
    TRACE(sim, worker, "restorer: begins again: %s", why);
    next(sim, worker, PHASE_CONNECT,
         yields ? sim_random_between(&sim->random, YIELD_MIN_US, YIELD_MAX_US) : AGAIN_US);
}

static bool is_connected(const struct sim *sim, const struct sim_worker *worker)
{
    return !sim->host.down && sim->host.boot == worker->restorer.boot;
}

/* False: an open transaction holds some of the offsets. */
static bool read_committed(const struct sim *sim, struct sim_restorer *restorer)
{
    for (size_t i = 0; i < sim->kafka.partitions_count; i++) {
        const struct sim_partition *partition = &sim->kafka.partitions[i];
        if (partition->pending > 0)
            return false;
        restorer->read[i].offset = partition->committed;
        restorer->read[i].len = partition->metadata_len;
        memcpy(restorer->read[i].metadata, partition->metadata, partition->metadata_len);
    }
    return true;
}

static int64_t decode(const struct sim_offset *read, struct window *window, uint64_t *ret_token)
{
    struct commit_metadata metadata;
    window_init(window, read->offset);
    enum status status =
        done_set_decode((struct bytes){read->metadata, read->len}, &metadata, window);
    must(status == STATUS_OK);
    *ret_token = metadata.token;
    return metadata.ceiling;
}

static bool is_acknowledged(const struct sim *sim, const struct sim_restorer *restorer)
{
    for (size_t i = 0; i < sim->kafka.partitions_count; i++) {
        struct window window;
        uint64_t token;
        (void) decode(&restorer->read[i], &window, &token);
        if (token != restorer->token)
            return false;
    }
    return true;
}

static void look(struct sim *sim, struct sim_worker *worker)
{
    struct sim_restorer *restorer = &worker->restorer;
    bool is_needed = false;
    for (size_t i = 0; i < LEDGER_SHARDS; i++)
        if (sim->redis.inc[i] != restorer->token)
            is_needed = true;
    if (!is_needed)
        done(sim, worker, true);
    else if (read_committed(sim, restorer) && is_acknowledged(sim, restorer))
        next(sim, worker, PHASE_CLAIM, sim_delay_us(sim));
    else if (sim->now_us >= restorer->deadline_us)
        done(sim, worker, false);
    else
        next(sim, worker, PHASE_LOOK, POLL_US);
}

static void claim(struct sim *sim, struct sim_worker *worker)
{
    struct sim_restorer *restorer = &worker->restorer;
    restorer->claim = sim_random_next(&sim->random) | 1;
    restorer->oldest_ms = INT64_MAX;
    for (size_t i = 0; i < LEDGER_SHARDS; i++) {
        restorer->has[i] = sim->redis.inc[i] != restorer->token;
        if (!restorer->has[i])
            continue;
        sim->redis.inc[i] = restorer->claim;
        if (sim->redis.last_ms[i] < restorer->oldest_ms)
            restorer->oldest_ms = sim->redis.last_ms[i];
    }
    TRACE(sim, worker, "restorer: claims");
    next(sim, worker, PHASE_OFFSETS, sim_delay_us(sim));
}

static void offsets(struct sim *sim, struct sim_worker *worker)
{
    if (!read_committed(sim, &worker->restorer))
        next(sim, worker, PHASE_OFFSETS, POLL_US / 10);
    else if (!is_acknowledged(sim, &worker->restorer))
        begin_again(sim, worker, "a partition changed hands meanwhile", false);
    else
        next(sim, worker, PHASE_OUTCOMES, sim_delay_us(sim));
}

/* The last event of each order; a final stands before every non-final. */
static void outcomes(struct sim *sim, struct sim_worker *worker)
{
    struct sim_restorer *restorer = &worker->restorer;
    memset(restorer->last, 0, sizeof restorer->last);
    for (size_t i = 0; i < sim->outcomes_count; i++) {
        const struct sim_outcome *outcome = &sim->outcomes[i];
        bool is_recent =
            restorer->oldest_ms < 0 || outcome->timestamp_ms >= restorer->oldest_ms - MARGIN_MS;
        struct sim_last *last = &restorer->last[outcome->order];
        struct sim_body body;
        if (!is_recent || !sim_body_read(bytes_of(outcome->body), &body))
            continue;
        last->doubt = last->doubt || body.doubt;
        bool is_held = last->outcome != NULL && order_state_is_final(last->outcome->state);
        if (!is_held)
            last->outcome = outcome;
    }
    restorer->at = 0;
    next(sim, worker, PHASE_EVENTS, sim_delay_us(sim));
}

static bool write_event(struct sim *sim, struct sim_worker *worker, size_t order)
{
    const struct sim_last *last = &worker->restorer.last[order];
    struct sim_body body;
    char src[48] = "", fp[65] = "", refused[64];
    if (last->outcome == NULL || !worker->restorer.has[order])
        return true;
    must(sim_body_read(bytes_of(last->outcome->body), &body));
    if (!body.is_evidence) {
        snprintf(src, sizeof src, "commands/%d/%lld", (int) body.partition,
                 (long long) body.offset);
        snprintf(fp, sizeof fp, "%02x%062d", (unsigned) body.words & 0xff, 0);
    }
    sim_body_unlist(refused, sizeof refused, body.refused);
    const struct sim_restored event = {
        .order_id = bytes_of(sim->names[order]),
        .src = bytes_of(src),
        .fp = bytes_of(fp),
        .body = bytes_of(last->outcome->body),
        .pid = body.pid[0] == '-' ? BYTES_NONE : bytes_of(body.pid),
        .refused = bytes_of(refused),
        .state = body.state,
        .attempt = body.attempt,
        .sequence = last->outcome->sequence,
        .doubt = last->doubt || body.is_evidence,
    };
    TRACE(sim, worker, "restorer: %s was %s", sim->names[order], order_state_name(body.state));
    return sim_restore_event(&sim->redis, worker->restorer.claim, &event, sim_wall_ms(sim));
}

static void events(struct sim *sim, struct sim_worker *worker)
{
    struct sim_restorer *restorer = &worker->restorer;
    if (restorer->at == (size_t) sim->orders_count) {
        restorer->at = restorer->record = 0;
        next(sim, worker, PHASE_DOUBT, sim_delay_us(sim));
    } else if (write_event(sim, worker, restorer->at)) {
        restorer->at++;
        next(sim, worker, PHASE_EVENTS, sim_below(sim, 2000));
    } else
        begin_again(sim, worker, "the claim is lost", true);
}

static void make_doubt_body(struct sim *sim, const struct sim_record *record,
                            const struct sim_partition *partition, const char *src, char *ret_text)
{
    const struct sim_order *known = &sim->redis.orders[record->order];
    struct sim_body body;
    bool keeps =
        known->exists && strcmp(known->src, src) != 0 && sim_body_read(bytes_of(known->res), &body);
    if (!keeps)
        body = (struct sim_body){
            .partition = partition->number, .offset = record->offset, .words = record->words};
    body.state = ORDER_UNKNOWN;
    body.attempt = known->att;
    body.doubt = true;
    body.nonce = (unsigned) sim_random_next(&sim->random) & 0xffff;
    snprintf(body.evidence, sizeof body.evidence, "none");
    snprintf(body.pid, sizeof body.pid, "%s", known->pid);
    sim_body_list(body.refused, sizeof body.refused, bytes_of(known->refused));
    sim_body_write(&body, ret_text, SIM_BODY_MAX);
}

static bool write_doubt(struct sim *sim, struct sim_worker *worker,
                        const struct sim_partition *partition, const struct sim_record *record)
{
    char src[48], fp[65], text[SIM_BODY_MAX];
    if (record->kind == DECODED_UNREADABLE || !worker->restorer.has[record->order])
        return true;
    snprintf(src, sizeof src, "commands/%d/%lld", (int) partition->number,
             (long long) record->offset);
    snprintf(fp, sizeof fp, "%02x%062d", (unsigned) record->words & 0xff, 0);
    make_doubt_body(sim, record, partition, src, text);
    const struct sim_restored open = {.order_id = bytes_of(sim->names[record->order]),
                                      .src = bytes_of(src),
                                      .fp = bytes_of(fp),
                                      .body = bytes_of(text)};
    TRACE(sim, worker, "restorer: %s at %s is in doubt", sim->names[record->order], src);
    return sim_restore_doubt(&sim->redis, worker->restorer.claim, &open, sim_wall_ms(sim));
}

/* One position after the other: below its partition's ceiling and not done. */
static void doubts(struct sim *sim, struct sim_worker *worker)
{
    struct sim_restorer *restorer = &worker->restorer;
    if (restorer->at == sim->kafka.commands_count) {
        restorer->at = 0;
        next(sim, worker, PHASE_CONFIRM, sim_delay_us(sim));
        return;
    }
    const struct sim_partition *partition = &sim->kafka.partitions[restorer->at];
    if (restorer->record == partition->count) {
        restorer->at++;
        restorer->record = 0;
        next(sim, worker, PHASE_DOUBT, 0);
        return;
    }
    const struct sim_record *record = &partition->records[restorer->record++];
    struct window window;
    uint64_t token;
    int64_t ceiling = decode(&restorer->read[restorer->at], &window, &token);
    bool is_open = record->offset < ceiling && !window_is_done(&window, record->offset);
    if (is_open && !write_doubt(sim, worker, partition, record))
        begin_again(sim, worker, "the claim is lost", true);
    else
        next(sim, worker, PHASE_DOUBT, is_open ? sim_below(sim, 2000) : 0);
}

static void confirm(struct sim *sim, struct sim_worker *worker)
{
    struct sim_restorer *restorer = &worker->restorer;
    for (size_t i = 0; i < CONFIRM_SHARDS; i++) {
        size_t shard = restorer->at++;
        if (!restorer->has[shard])
            continue;
        if (sim->redis.inc[shard] != restorer->claim) {
            begin_again(sim, worker, "the claim is lost", true);
            return;
        }
        sim->redis.inc[shard] = restorer->token;
    }
    if (restorer->at < LEDGER_SHARDS)
        next(sim, worker, PHASE_CONFIRM, sim_below(sim, 2000));
    else
        done(sim, worker, true);
}

static void connect(struct sim *sim, struct sim_worker *worker)
{
    worker->restorer.token = sim->redis.token;
    worker->restorer.boot = sim->host.boot;
    next(sim, worker, PHASE_LOOK, sim_delay_us(sim));
}

static void on_step(struct sim *sim, struct sim_event *event)
{
    static void (*const steps[])(struct sim *, struct sim_worker *) = {
        [PHASE_CONNECT] = connect, [PHASE_LOOK] = look,         [PHASE_CLAIM] = claim,
        [PHASE_OFFSETS] = offsets, [PHASE_OUTCOMES] = outcomes, [PHASE_EVENTS] = events,
        [PHASE_DOUBT] = doubts,    [PHASE_CONFIRM] = confirm,
    };
    struct sim_worker *worker = &sim->workers[event->worker];
    if (worker->restorer.number != (uint32_t) event->b)
        return;
    if (sim_fault(sim, FAULT_KILL)) {
        sim_worker_kill(sim, worker, "as restorer");
        return;
    }
    if (event->a == PHASE_CONNECT ? sim->host.down : !is_connected(sim, worker))
        begin_again(sim, worker, "Redis is not there", false);
    else
        steps[event->a](sim, worker);
    if (sim_fault(sim, FAULT_PAUSE))
        sim_worker_pause(sim, worker);
}

void sim_restorer_start(struct sim *sim, struct sim_worker *worker)
{
    uint32_t number = worker->restorer.number + 1;
    must(!worker->restorer.running);
    worker->restorer = (struct sim_restorer){
        .running = true, .number = number, .deadline_us = sim->now_us + PATIENCE_US};
    TRACE(sim, worker, "restorer: begins");
    next(sim, worker, PHASE_CONNECT, sim_delay_us(sim));
}
