/* Kafka: one group and its generations, committed offsets with their metadata, and the records. */
#include "model.h"

#include <string.h>

static enum flow_topic topic_of(int place)
{
    return place == PLACE_RESOLUTIONS ? FLOW_RESOLUTIONS : FLOW_COMMANDS;
}

static int32_t number_of(int place)
{
    return place == PLACE_RESOLUTIONS ? 0 : place;
}

bool model_is_used(int place)
{
    return place != 1 || (scenario->commands > 1 && scenario->place[1] == 1);
}

int model_offset_of(int command)
{
    int offset = 0;
    for (int i = 0; i < command; i++)
        offset += scenario->place[i] == scenario->place[command];
    return offset;
}

bool model_is_done(int place, int64_t offset)
{
    return window_is_done(&world.committed[place].window, offset);
}

/* The group. */

static bool owns(int w, int place)
{
    bool both = world.in[0] && world.in[1];
    if (!world.in[w])
        return false;
    return !both || (w == 0) == (place == 0);
}

static struct window read_back(const struct committed *committed)
{
    struct window window;
    window_init(&window, committed->window.watermark);
    for (int64_t at = window.watermark; at < window.watermark + WINDOW_SPAN_MAX; at++)
        if (window_is_done(&committed->window, at))
            must(window_restore(&window, at) == STATUS_OK);
    return window;
}

void model_read_back(int place, struct window *window, struct flow_assigned *ret_assigned)
{
    const struct committed *committed = &world.committed[place];
    *window = read_back(committed);
    *ret_assigned = (struct flow_assigned){topic_of(place), number_of(place), committed->token,
                                           committed->ceiling, window};
}

static void assign(int w)
{
    struct model_worker *worker = &world.workers[w];
    struct flow_assigned assigned[PLACES];
    struct window windows[PLACES];
    size_t count = 0;
    for (int place = 0; place < PLACES; place++) {
        if (!model_is_used(place) || !owns(w, place))
            continue;
        model_read_back(place, &windows[count], &assigned[count]);
        worker->position[place] = windows[count].watermark;
        count++;
    }
    worker->phase = PHASE_OWNING;
    worker->generation = world.generation;
    SAY("%c: is assigned %d partitions", model_letter(w), (int) count);
    model_feed(w, &(struct flow_event){.kind = FLOW_ASSIGNED,
                                       .epoch = ++worker->epoch,
                                       .partitions = assigned,
                                       .partitions_count = count});
}

void model_assign_all(void)
{
    world.rebalancing = false;
    world.generation++;
    for (int w = 0; w < WORKERS; w++)
        if (world.in[w])
            assign(w);
}

bool model_complete(void)
{
    if (!world.rebalancing)
        return false;
    for (int w = 0; w < WORKERS; w++)
        if (world.in[w] && world.workers[w].phase != PHASE_READY)
            return false;
    model_assign_all();
    return true;
}

/* Members are asked to give back what they have; who has nothing is ready at once. */
void model_rebalance(void)
{
    world.rebalancing = true;
    for (int w = 0; w < WORKERS; w++) {
        struct model_worker *worker = &world.workers[w];
        if (!world.in[w] || worker->phase != PHASE_OWNING)
            continue;
        worker->phase = PHASE_RELEASING;
        SAY("%c: is asked to give its partitions back", model_letter(w));
        model_feed(w, &(struct flow_event){.kind = FLOW_REVOKED, .epoch = worker->epoch});
    }
}

void model_released(int w)
{
    struct model_worker *worker = &world.workers[w];
    if (worker->phase != PHASE_RELEASING)
        return;
    worker->phase = PHASE_READY;
}

void model_expel(int w)
{
    world.in[w] = false;
    model_rebalance();
}

void model_rejoin(int w)
{
    struct model_worker *worker = &world.workers[w];
    if (worker->phase == PHASE_OWNING || worker->phase == PHASE_RELEASING)
        model_feed(w, &(struct flow_event){.kind = FLOW_LOST, .epoch = worker->epoch});
    worker->phase = PHASE_READY;
    world.in[w] = true;
    model_rebalance();
}

/* Records. */

static int64_t end_of(int place)
{
    int64_t end = 0;
    for (int i = 0; i < world.arrived; i++)
        end += scenario->place[i] == place;
    return place == PLACE_RESOLUTIONS ? world.resolutions_count : end;
}

static int command_at(int place, int64_t offset)
{
    int at = 0;
    while (scenario->place[at] != place || model_offset_of(at) != offset)
        at++;
    must(at < scenario->commands);
    return at;
}

static enum decoded_kind decode_command(struct payout *payout, int at)
{
    if (scenario->junk && at == 0)
        return DECODED_UNREADABLE;
    payout->command.order_id = BYTES("o");
    payout->command.fingerprint[0] = (uint8_t) scenario->words[at];
    payout->command.not_after_ms = scenario->expires ? 1500000 : 0;
    payout->merchant_at = 0;
    payout->merchant_id = BYTES("m");
    return DECODED_VALID;
}

static enum decoded_kind decode_evidence(struct payout *payout, const struct resolution *resolution)
{
    payout->is_evidence = true;
    payout->merchant_at = UINT16_MAX;
    payout->command.order_id = BYTES("o");
    payout->state = resolution->state;
    payout->evidence = resolution->evidence;
    payout->seen_attempt = payout->attempt = resolution->attempt;
    memcpy(payout->seen_instance, resolution->instance, sizeof resolution->instance);
    payout->has_answer = true;
    payout->answer.payment_id = resolution->payment_id;
    must(arena_copy(&payout->arena, bytes_of(resolution->body), &payout->body) == STATUS_OK);
    return DECODED_EVIDENCE;
}

static void open_record(int w, int place, int64_t offset, uint64_t epoch)
{
    struct model_worker *worker = &world.workers[w];
    struct moment moment = {worker->now_ms, 1000000 + (world.expired ? 1000000 : 0)};
    struct flow_arrival arrival = {topic_of(place), number_of(place), epoch, offset,
                                   moment.wall_ms};
    struct handle handle;
    enum flow_opening opening = flow_open(&worker->flow, &arrival, &moment, &handle);
    must(opening != FLOW_CLOSED);
    if (opening != FLOW_OPENED)
        return;
    struct payout *payout = flow_payout(&worker->flow, handle);
    SAY("%c: reads %s %d/%d", model_letter(w),
        place == PLACE_RESOLUTIONS ? "resolution" : "command", place, (int) offset);
    enum decoded_kind kind = place == PLACE_RESOLUTIONS
                                 ? decode_evidence(payout, &world.resolutions[offset])
                                 : decode_command(payout, command_at(place, offset));
    flow_feed(&worker->flow,
              &(struct flow_event){.kind = FLOW_DECODED, .payout = handle, .decoded = kind},
              &moment);
}

void model_intake(int w)
{
    struct model_worker *worker = &world.workers[w];
    for (int place = 0; place < PLACES; place++) {
        int16_t at = worker->flow.epoch == 0
                         ? -1
                         : worker->flow.partition_places[topic_of(place)][number_of(place)];
        while (at >= 0 && !worker->flow.partitions[at].paused &&
               worker->position[place] < end_of(place) && flow_room(&worker->flow) > 0)
            open_record(w, place, worker->position[place]++, worker->epoch);
    }
}

bool model_has_stale(int w)
{
    const struct model_worker *worker = &world.workers[w];
    return worker->epoch > 1 && worker->phase == PHASE_OWNING && flow_room(&worker->flow) > 0;
}

void model_open_stale(int w, int place)
{
    if (end_of(place) > 0)
        open_record(w, place, 0, world.workers[w].epoch - 1);
}

bool model_has_room(void)
{
    return world.resolutions_count < scenario->resolutions;
}

/* The same evidence again, while the first record still waits, changes nothing. */
bool model_tell(const struct resolution *resolution)
{
    for (int i = 0; i < world.resolutions_count; i++) {
        const struct resolution *other = &world.resolutions[i];
        if (!model_is_done(PLACE_RESOLUTIONS, i) && other->state == resolution->state &&
            other->attempt == resolution->attempt && other->evidence == resolution->evidence &&
            strcmp(other->instance, resolution->instance) == 0)
            return true;
    }
    if (!model_has_room()) {
        world.stuck = true;
        return false;
    }
    SAY("   resolution %d: %s %d of %s", world.resolutions_count,
        order_state_name(resolution->state), (int) resolution->attempt, resolution->instance);
    world.resolutions[world.resolutions_count++] = *resolution;
    return true;
}
