/* Partitions come and go (R7), and the process ends in order: what is under way ends first, within
 * bounds. */
#include "payoutd/flow/steps.h"

#include <string.h>

enum { NO_ROOM_PAUSE_MS = 500 };

static void take_partition(struct flow *flow, const struct flow_assigned *assigned, uint64_t epoch)
{
    must(assigned->number >= 0 && assigned->number < FLOW_PARTITION_NUMBER_MAX);
    must(flow->partitions_count < FLOW_PARTITIONS_MAX);
    flow->partition_places[assigned->topic][assigned->number] = (int16_t) flow->partitions_count;
    struct flow_partition *partition = &flow->partitions[flow->partitions_count++];
    *partition = (struct flow_partition){
        .owned = true,
        .topic = assigned->topic,
        .number = assigned->number,
        .epoch = epoch,
        .window = *assigned->window,
        .committed_token = assigned->token,
        .ceiling = assigned->ceiling,
        .armable_below = -1,
        .refused_at = -1,
    };
    payout_list_init(&partition->above);
}

void ownership_assigned(struct flow *flow, const struct flow_event *event,
                        const struct moment *moment)
{
    ownership_lost(flow, flow->epoch);
    flow->epoch = event->epoch;
    flow->revoking = false;
    for (size_t i = 0; i < event->partitions_count; i++)
        take_partition(flow, &event->partitions[i], event->epoch);
    recovery_look(flow, moment);
}

/* Ends what has no request or call under way. The rest becomes an orphan when `cut`. */
static void part_with(struct flow *flow, struct payout *payout, bool cut)
{
    bool is_idle = false;
    switch (payout->step) {
    case STEP_WAITING:
    case STEP_DOUBTING:
        is_idle = true;
        break;
    case STEP_CLAIMING:
        is_idle =
            !payout->asked && payout->send_before_ms == 0; /* never asked: nothing was written */
        break;
    case STEP_ASKING:
        is_idle = cut && !payout->asked;
        break;
    case STEP_DECODING:
    case STEP_PUBLISHING:
        is_idle = cut && payout->list != &flow->batch;
        break;
    case STEP_FREE:
    case STEP_PAYING:
    case STEP_REOPENING:
    case STEP_SETTLING:
    case STEP_TELLING:
    case STEP_ENDED:
    case STEP_COUNT:
        break;
    }
    if (is_idle)
        publish_end(flow, payout, END_DROPPED);
    else if (cut && payout->step != STEP_FREE && payout->step != STEP_ENDED)
        payout->orphaned = true;
}

static void part_with_all(struct flow *flow, bool cut)
{
    for (size_t i = 0; i < flow->config.payouts_max; i++)
        if (!flow->payouts[i].orphaned)
            part_with(flow, &flow->payouts[i], cut);
}

void ownership_revoked(struct flow *flow, const struct moment *moment, int64_t drain_ms)
{
    if (!flow->stopping)
        flow->revoking = true;
    flow->drain_until_ms = moment->now_ms + drain_ms;
    part_with_all(flow, false);
}

void ownership_lost(struct flow *flow, uint64_t epoch)
{
    if (epoch != flow->epoch || epoch == 0)
        return;
    part_with_all(flow, true);
    for (size_t i = 0; i < flow->partitions_count; i++)
        flow->partition_places[flow->partitions[i].topic][flow->partitions[i].number] = -1;
    flow->partitions_count = 0;
    flow->epoch = 0;
    flow->dirty_since_ms = 0;
}

/* Nothing under way whose position is still ours, and nothing left to commit. */
static bool is_drained(const struct flow *flow)
{
    if (flow->batch_running || flow->publishable.count > 0 || flow->dirty_since_ms != 0)
        return false;
    for (size_t i = 0; i < flow->config.payouts_max; i++) {
        const struct payout *payout = &flow->payouts[i];
        bool is_open = payout->step != STEP_FREE && payout->step != STEP_ENDED;
        if (is_open && (!payout->orphaned || flow->stopping))
            return false;
    }
    return true;
}

static int64_t drain_turn(struct flow *flow, const struct moment *moment,
                          struct flow_actions *actions)
{
    if (!flow_is_closing(flow) || flow->stopped_told)
        return -1;
    bool is_over = is_drained(flow);
    if (!is_over && moment->now_ms < flow->drain_until_ms)
        return flow->drain_until_ms - moment->now_ms;
    if (flow->batch_running) /* R7: only after the running transaction has ended */
        return -1;
    if (!is_over)
        flow_note(flow, NOTE_DRAIN_CUT, NULL);
    ownership_lost(flow, flow->epoch);
    if (flow->stopping) {
        flow->stopped_told = true;
        flow_act(actions, ACTION_STOPPED);
    } else {
        flow->revoking = false;
        flow_act(actions, ACTION_RELEASE);
    }
    return 0;
}

static bool wants_pause(struct flow *flow, const struct flow_partition *partition,
                        const struct moment *moment)
{
    if (window_is_closed(&partition->window))
        return true;
    if (partition->refused_at >= 0 && !window_has_room(&partition->window, partition->refused_at))
        return true;
    int64_t span = partition->window.fetched - partition->window.watermark;
    if (partition->paused && span > WINDOW_SPAN_MAX / 2)
        return true; /* not back and forth at the brim */
    return flow->no_room_since_ms != 0 &&
           moment->now_ms - flow->no_room_since_ms >= NO_ROOM_PAUSE_MS;
}

static int64_t pause_turn(struct flow *flow, const struct moment *moment,
                          struct flow_actions *actions)
{
    bool has_room = flow_room(flow) > 0;
    if (has_room)
        flow->no_room_since_ms = 0;
    else if (flow->no_room_since_ms == 0)
        flow->no_room_since_ms = moment->now_ms;
    for (size_t i = 0; i < flow->partitions_count && !flow_actions_full(actions); i++) {
        struct flow_partition *partition = &flow->partitions[i];
        bool wanted = wants_pause(flow, partition, moment);
        if (wanted == partition->paused)
            continue;
        partition->paused = wanted;
        if (wanted && window_is_closed(&partition->window))
            flow_note(flow, NOTE_WINDOW_CLOSED, NULL);
        struct flow_action *action = flow_act(actions, wanted ? ACTION_PAUSE : ACTION_RESUME);
        action->topic = partition->topic;
        action->partition = partition->number;
    }
    return has_room ? -1 : NO_ROOM_PAUSE_MS;
}

int64_t ownership_turn(struct flow *flow, const struct moment *moment, struct flow_actions *actions)
{
    if (flow->release_due && !flow_actions_full(actions)) {
        flow->release_due = false;
        flow_act(actions, ACTION_RELEASE);
    }
    if (flow_actions_full(actions))
        return 0;
    int64_t wait_ms = drain_turn(flow, moment, actions);
    flow_sooner(&wait_ms, pause_turn(flow, moment, actions));
    return wait_ms;
}
