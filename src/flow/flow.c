/* The driver: facts are handed to the step they belong to, and the turn collects what is to be
 * done. */
#include "payoutd/flow/steps.h"

#include <stdalign.h>
#include <string.h>

static size_t rounded(size_t size)
{
    return (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
}

size_t flow_storage_size(const struct flow_config *config)
{
    size_t one = sizeof(struct payout) + sizeof(struct heap_entry) + sizeof(uint32_t);
    return config->payouts_max * (one + rounded(config->arena_size)) +
           INQUIRIES_MAX * rounded(INQUIRY_ARENA_SIZE) + 4 * alignof(max_align_t);
}

static char *carve(char **storage, size_t size)
{
    char *part = *storage;
    *storage += rounded(size);
    return part;
}

void flow_init(struct flow *flow, const struct flow_config *config, void *storage)
{
    must(config->payouts_max > 0 && config->batch_max > 0);
    must(config->lanes_count > 0 && config->lanes_count <= FLOW_LANES_MAX);
    must(config->merchants_count <= FLOW_MERCHANTS_MAX);
    memset(flow, 0, sizeof *flow);
    flow->config = *config;
    char *at = storage;
    size_t slots = config->payouts_max;
    flow->payouts = (void *) carve(&at, slots * sizeof(struct payout));
    struct heap_entry *entries = (void *) carve(&at, slots * sizeof *entries);
    uint32_t *places = (void *) carve(&at, slots * sizeof *places);
    heap_init(&flow->timers, entries, places, slots);
    struct payout_list *lists[] = {&flow->free,      &flow->to_ask,  &flow->to_send,
                                   &flow->to_status, &flow->to_tell, &flow->publishable,
                                   &flow->batch,     &flow->ended};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        payout_list_init(lists[i]);
    for (size_t i = 0; i < FLOW_LANES_MAX; i++)
        payout_list_init(&flow->lanes[i].claimable);
    for (size_t i = 0; i < FLOW_MERCHANTS_MAX; i++)
        payout_list_init(&flow->holds[i].held);
    for (size_t i = 0; i < slots; i++) {
        struct payout *payout = &flow->payouts[i];
        payout->slot = (uint32_t) i;
        payout->generation = 1;
        arena_init(&payout->arena, carve(&at, config->arena_size), config->arena_size);
        payout_list_append(flow->payouts, &flow->free, payout);
    }
    for (size_t i = 0; i < INQUIRIES_MAX; i++) {
        flow->inquiries[i].generation = 1;
        arena_init(&flow->inquiries[i].arena, carve(&at, INQUIRY_ARENA_SIZE), INQUIRY_ARENA_SIZE);
    }
    memset(flow->partition_places, 0xff, sizeof flow->partition_places);
}

/* Handles. */

struct payout *flow_payout(struct flow *flow, struct handle handle)
{
    if (handle.slot >= flow->config.payouts_max)
        return NULL;
    struct payout *payout = &flow->payouts[handle.slot];
    bool is_it = payout->generation == handle.generation && payout->step != STEP_FREE;
    return is_it ? payout : NULL;
}

struct handle flow_handle_of(const struct payout *payout)
{
    return (struct handle){payout->slot, payout->generation};
}

uint64_t flow_tag(struct handle handle)
{
    return (uint64_t) handle.generation << 32 | handle.slot;
}

struct handle flow_untag(uint64_t tag)
{
    return (struct handle){(uint32_t) tag, (uint32_t) (tag >> 32)};
}

/* Moving about. */

void flow_move(struct flow *flow, struct payout *payout, enum payout_step step,
               struct payout_list *list)
{
    payout_list_remove(flow->payouts, payout);
    heap_remove(&flow->timers, payout->slot);
    payout->step = step;
    payout->asked = false;
    if (list != NULL)
        payout_list_append(flow->payouts, list, payout);
}

struct flow_lane *flow_lane_of(struct flow *flow, const struct payout *payout)
{
    bool is_known = payout->merchant_at < flow->config.merchants_count;
    return &flow->lanes[is_known ? flow->config.merchant_lanes[payout->merchant_at] : 0];
}

void flow_take_sending(struct flow *flow, struct payout *payout)
{
    if (payout->sending)
        return;
    struct flow_lane *lane = flow_lane_of(flow, payout);
    payout->lane = (uint8_t) (lane - flow->lanes);
    payout->sending = true;
    lane->sending++;
}

void flow_give_sending(struct flow *flow, struct payout *payout)
{
    if (payout->sending)
        flow->lanes[payout->lane].sending--;
    payout->sending = false;
}

bool flow_is_closing(const struct flow *flow)
{
    return flow->revoking || flow->stopping;
}

struct flow_partition *flow_partition_of(struct flow *flow, const struct payout *payout)
{
    return payout->orphaned ? NULL : &flow->partitions[payout->partition_at];
}

void flow_note(struct flow *flow, enum flow_note note, const struct payout *payout)
{
    struct flow_action action = {.kind = ACTION_NOTE, .note = note};
    if (payout != NULL) {
        action.payout = flow_handle_of(payout);
        action.merchant_at = payout->merchant_at;
    }
    if (flow->notes_count < FLOW_NOTES_MAX)
        flow->notes[flow->notes_count++] = action;
    else
        flow->statistics.notes_lost++;
}

bool flow_actions_full(const struct flow_actions *actions)
{
    return actions->count == FLOW_ACTIONS_MAX;
}

struct flow_action *flow_act(struct flow_actions *actions, enum flow_action_kind kind)
{
    must(!flow_actions_full(actions));
    struct flow_action *action = &actions->items[actions->count++];
    *action = (struct flow_action){.kind = kind};
    return action;
}

void flow_sooner(int64_t *wait_ms, int64_t candidate_ms)
{
    if (candidate_ms < 0)
        return;
    if (*wait_ms < 0 || candidate_ms < *wait_ms)
        *wait_ms = candidate_ms;
}

/* Facts. */

static void feed_reply(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                       const struct moment *moment)
{
    if (!payout->asked) { /* a second answer to one question */
        flow->statistics.answers_stale++;
        return;
    }
    payout->asked = false;
    if (!recovery_reply_counts(flow, payout, reply, moment))
        return;
    if (payout->step == STEP_CLAIMING)
        claim_answered(flow, payout, reply, moment);
    else if (payout->step == STEP_REOPENING)
        pay_reopened(flow, payout, reply, moment);
    else if (payout->step == STEP_SETTLING)
        settle_answered(flow, payout, reply, moment);
    else
        must(payout->step == STEP_CLAIMING);
}

/* Facts about one payout. Late ones find its generation gone, or its step over. */
static void feed_payout(struct flow *flow, const struct flow_event *event,
                        const struct moment *moment)
{
    struct payout *payout = flow_payout(flow, event->payout);
    bool fits = payout != NULL &&
                (event->kind == FLOW_DECODED          ? payout->step == STEP_DECODING
                 : event->kind == FLOW_PAYMENT_ANSWER ? payout->step == STEP_PAYING && payout->asked
                 : event->kind == FLOW_STATUS_ANSWER  ? payout->step == STEP_ASKING && payout->asked
                 : event->kind == FLOW_TOLD ? payout->step == STEP_TELLING && payout->asked
                                            : true);
    if (!fits) {
        flow->statistics.answers_stale++;
        return;
    }
    if (event->kind == FLOW_DECODED)
        decode_judged(flow, payout, event->decoded, moment);
    else if (event->kind == FLOW_LEDGER_REPLY)
        feed_reply(flow, payout, event->reply, moment);
    else if (event->kind == FLOW_PAYMENT_ANSWER)
        pay_answered(flow, payout, event->answer, moment);
    else if (event->kind == FLOW_STATUS_ANSWER)
        doubt_answered(flow, payout, event->answer, moment);
    else
        settle_told(flow, payout, event->told);
}

/* Facts about an order whose position is done. */
static void feed_inquiry(struct flow *flow, const struct flow_event *event,
                         const struct moment *moment)
{
    if (event->kind == FLOW_LEDGER_REPLY)
        followup_replied(flow, event->payout, event->reply, moment);
    else if (event->kind == FLOW_STATUS_ANSWER)
        followup_answered(flow, event->payout, event->answer);
    else if (event->kind == FLOW_TOLD)
        followup_told(flow, event->payout, event->told);
}

static void feed_batch(struct flow *flow, const struct flow_event *event,
                       const struct moment *moment)
{
    if (!flow->batch_running || event->batch != flow->batch_number) {
        flow->statistics.answers_stale++;
        return;
    }
    flow->batch_running = false;
    flow->batch_ended_ms = moment->now_ms;
    if (event->kind == FLOW_BATCH_COMMITTED)
        commit_committed(flow, moment);
    else if (event->kind == FLOW_BATCH_ABORTED)
        commit_aborted(flow, moment);
    else if (event->kind == FLOW_BATCH_REREAD)
        commit_reread(flow, event, moment);
    else {
        flow->statistics.batches_fenced++;
        commit_aborted(flow, moment);
        ownership_lost(flow, flow->batch_epoch);
    }
}

void flow_feed(struct flow *flow, const struct flow_event *event, const struct moment *moment)
{
    switch (event->kind) {
    case FLOW_ASSIGNED:
        ownership_assigned(flow, event, moment);
        return;
    case FLOW_REVOKED:
        if (event->epoch == flow->epoch)
            ownership_revoked(flow, moment, flow->config.revoke_drain_ms);
        else
            flow->release_due = true; /* nothing of it is ours any more */
        return;
    case FLOW_LOST:
        ownership_lost(flow, event->epoch);
        return;
    case FLOW_LEDGER_UP:
        recovery_up(flow, event->token, moment);
        return;
    case FLOW_LEDGER_DOWN:
        flow->ledger_up = false;
        return;
    case FLOW_RESTORED:
        recovery_restored(flow, event->restored, moment);
        return;
    case FLOW_PUBLISHER_READY:
        flow->publisher_ready = true;
        return;
    case FLOW_STOP:
        flow->stopping = true;
        ownership_revoked(flow, moment, event->drain_ms);
        return;
    case FLOW_BATCH_COMMITTED:
    case FLOW_BATCH_ABORTED:
    case FLOW_BATCH_FENCED:
    case FLOW_BATCH_REREAD:
        feed_batch(flow, event, moment);
        return;
    case FLOW_DECODED:
    case FLOW_LEDGER_REPLY:
    case FLOW_PAYMENT_ANSWER:
    case FLOW_STATUS_ANSWER:
    case FLOW_TOLD:
        if (flow_is_inquiry(event->payout))
            feed_inquiry(flow, event, moment);
        else
            feed_payout(flow, event, moment);
        return;
    }
}

/* The turn. */

static int64_t timers_turn(struct flow *flow, const struct moment *moment)
{
    uint32_t slot;
    int64_t due_ms;
    while (heap_first(&flow->timers, &slot, &due_ms)) {
        if (due_ms > moment->now_ms)
            return due_ms - moment->now_ms;
        struct payout *payout = &flow->payouts[slot];
        heap_remove(&flow->timers, slot);
        if (payout->step == STEP_WAITING || payout->step == STEP_DOUBTING)
            claim_wait(flow, payout);
        else /* a call that is to be repeated */
            payout_list_append(flow->payouts, &flow->to_ask, payout);
    }
    return -1;
}

static void emit(struct flow *flow, struct payout_list *list, struct flow_actions *actions)
{
    struct payout *payout;
    while (!flow_actions_full(actions) &&
           (payout = payout_list_first(flow->payouts, list)) != NULL) {
        payout_list_remove(flow->payouts, payout);
        payout->asked = true;
        enum flow_action_kind kind = payout->step == STEP_PAYING    ? ACTION_PAY
                                     : payout->step == STEP_TELLING ? ACTION_TELL
                                                                    : ACTION_ENDED;
        flow_act(actions, kind)->payout = flow_handle_of(payout);
    }
}

/* A status query takes a connection like a payout: what finds none free waits for one. */
static void emit_status(struct flow *flow, struct flow_actions *actions)
{
    struct payout *payout = payout_list_first(flow->payouts, &flow->to_status);
    while (payout != NULL && !flow_actions_full(actions)) {
        struct payout *next = payout_list_after(flow->payouts, payout);
        struct flow_lane *lane = flow_lane_of(flow, payout);
        if (lane->sending < flow->config.lane_sending_max[lane - flow->lanes]) {
            flow_take_sending(flow, payout);
            payout_list_remove(flow->payouts, payout);
            payout->asked = true;
            flow_act(actions, ACTION_ASK)->payout = flow_handle_of(payout);
        }
        payout = next;
    }
}

static void emit_notes(struct flow *flow, struct flow_actions *actions)
{
    size_t taken = 0;
    while (taken < flow->notes_count && !flow_actions_full(actions))
        actions->items[actions->count++] = flow->notes[taken++];
    memmove(flow->notes, flow->notes + taken, (flow->notes_count - taken) * sizeof flow->notes[0]);
    flow->notes_count -= taken;
}

int64_t flow_turn(struct flow *flow, const struct moment *moment, struct flow_actions *ret_actions)
{
    int64_t wait_ms = timers_turn(flow, moment);
    flow_sooner(&wait_ms, hold_turn(flow, moment));
    claim_turn(flow, moment);
    emit_notes(flow, ret_actions);
    flow_sooner(&wait_ms, followup_turn(flow, moment, ret_actions));
    flow_sooner(&wait_ms, recovery_turn(flow, moment, ret_actions));
    emit(flow, &flow->to_send, ret_actions);
    emit_status(flow, ret_actions);
    emit(flow, &flow->to_tell, ret_actions);
    flow_sooner(&wait_ms, commit_turn(flow, moment, ret_actions));
    emit(flow, &flow->ended, ret_actions);
    flow_sooner(&wait_ms, ownership_turn(flow, moment, ret_actions));
    return flow_actions_full(ret_actions) ? 0 : wait_ms;
}

size_t flow_in_flight(const struct flow *flow)
{
    return flow->config.payouts_max - flow->free.count;
}

struct payout *flow_batch_next(struct flow *flow, const struct payout *after)
{
    return after == NULL ? payout_list_first(flow->payouts, &flow->batch)
                         : payout_list_after(flow->payouts, after);
}

void flow_let_go(struct flow *flow, struct payout *payout)
{
    must(payout->step == STEP_ENDED);
    payout_list_remove(flow->payouts, payout);
    struct payout fresh = {.generation = payout->generation + 1, .slot = payout->slot};
    if (fresh.generation == 0)
        fresh.generation = 1;
    arena_wipe(&payout->arena);
    fresh.arena = payout->arena;
    *payout = fresh;
    payout_list_prepend(flow->payouts, &flow->free, payout); /* warm memory first */
}
