/*
 * What became of it? Orders that are PENDING or UNKNOWN sit in their shard's due-list. Whoever
 * takes one asks the gateway, reports a change to the resolutions topic, and otherwise sets its
 * next turn. Nothing ever gives up.
 */
#include "payoutd/flow/steps.h"

#include <string.h>

enum {
    SCAN_MS = 1000,                /* every due-list, once */
    SCAN_ORDERS_MAX = BOUND(8, 1), /* of one due-list at a time */
    /* What a scan gives without a free place for it is put off by the visibility time. */
    SCAN_SHARDS_A_TURN = INQUIRIES_MAX / SCAN_ORDERS_MAX,
    REPORTED_MS = 60000, /* a reported change settles long before */
};
#define INQUIRY_SLOT UINT32_C(0x80000000)
#define SCAN_SLOT    UINT32_C(0xC0000000)

bool flow_is_inquiry(struct handle handle)
{
    return handle.slot >= INQUIRY_SLOT;
}

uint64_t flow_scan_tag(uint32_t shard)
{
    return flow_tag((struct handle){SCAN_SLOT | shard, 1});
}

struct inquiry *flow_inquiry(struct flow *flow, struct handle handle)
{
    uint32_t at = handle.slot & ~INQUIRY_SLOT;
    if (!flow_is_inquiry(handle) || at >= INQUIRIES_MAX)
        return NULL;
    struct inquiry *inquiry = &flow->inquiries[at];
    bool is_it = inquiry->generation == handle.generation && inquiry->step != INQUIRY_FREE;
    return is_it ? inquiry : NULL;
}

static struct handle handle_of(const struct flow *flow, const struct inquiry *inquiry)
{
    return (struct handle){INQUIRY_SLOT | (uint32_t) (inquiry - flow->inquiries),
                           inquiry->generation};
}

static void end(struct flow *flow, struct inquiry *inquiry)
{
    arena_wipe(&inquiry->arena);
    struct arena arena = inquiry->arena;
    uint32_t generation = inquiry->generation + 1;
    *inquiry = (struct inquiry){.generation = generation == 0 ? 1 : generation, .arena = arena};
    flow->inquiries_open--;
}

static void begin(struct flow *flow, struct bytes key)
{
    if (key.len >= INQUIRY_KEY_MAX)
        return;
    for (size_t i = 0; i < INQUIRIES_MAX; i++) {
        struct inquiry *inquiry = &flow->inquiries[i];
        if (inquiry->step != INQUIRY_FREE)
            continue;
        memcpy(inquiry->key, key.data, key.len);
        inquiry->order_key = (struct bytes){inquiry->key, key.len};
        inquiry->step = INQUIRY_READING;
        inquiry->script = LEDGER_READ;
        flow->inquiries_open++;
        flow->statistics.inquiries++;
        return;
    }
}

/* Soon at first, then ever more rarely, and never never: 5 s, 15 s, a minute, 5 and 30 minutes, 6
 * hours; ± 20 %. */
static int64_t next_turn_ms(const struct inquiry *inquiry)
{
    static const struct {
        int64_t age_ms, wait_ms;
    } rows[] = {
        {20000, 5000}, {120000, 15000}, {600000, 60000}, {3600000, 300000}, {259200000, 1800000}};
    int64_t wait_ms = 21600000;
    for (size_t i = sizeof rows / sizeof rows[0]; i-- > 0;)
        if (inquiry->age_ms < rows[i].age_ms)
            wait_ms = rows[i].wait_ms;
    uint32_t mixed = (uint32_t) inquiry->age_ms * UINT32_C(2654435761);
    for (size_t i = 0; i < inquiry->order_key.len; i++)
        mixed = (mixed ^ (unsigned char) inquiry->order_key.data[i]) * UINT32_C(16777619);
    return wait_ms * (80 + (int64_t) (mixed >> 8) % 41) / 100;
}

static void defer(struct inquiry *inquiry, int64_t wait_ms)
{
    inquiry->step = INQUIRY_DEFERRING;
    inquiry->asked = false;
    inquiry->script = LEDGER_DEFER;
    inquiry->defer_ms = wait_ms;
}

static bool remember(struct inquiry *inquiry, const struct ledger_reply *reply)
{
    struct arena *arena = &inquiry->arena;
    inquiry->attempt = reply->attempt;
    inquiry->state = reply->state;
    inquiry->doubt = reply->doubt;
    inquiry->age_ms = reply->now_ms - reply->armed_ms;
    return arena_copy(arena, reply->order_id, &inquiry->order_id) == STATUS_OK &&
           arena_copy(arena, reply->merchant_id, &inquiry->merchant_id) == STATUS_OK &&
           arena_copy(arena, reply->instance, &inquiry->instance) == STATUS_OK &&
           arena_copy(arena, reply->body, &inquiry->body) == STATUS_OK &&
           arena_copy(arena, reply->refused_payment_ids, &inquiry->refused_payment_ids) ==
               STATUS_OK;
}

/* SENDING and READY belong to the position that is still open: its owner finds out. */
static void look(struct inquiry *inquiry, const struct ledger_reply *reply)
{
    bool is_ours = (reply->state == ORDER_PENDING || reply->state == ORDER_UNKNOWN) &&
                   reply->body.len > 0 && remember(inquiry, reply);
    if (is_ours) {
        inquiry->step = INQUIRY_ASKING;
        inquiry->asked = false;
        return;
    }
    inquiry->age_ms = reply->now_ms - reply->armed_ms;
    defer(inquiry, next_turn_ms(inquiry));
}

static void replied(struct flow *flow, struct inquiry *inquiry, const struct ledger_reply *reply)
{
    inquiry->asked = false;
    if (inquiry->step == INQUIRY_READING && reply->answer == LEDGER_FOUND)
        look(inquiry, reply);
    else /* deferred; or no answer: the due-list shows it again */
        end(flow, inquiry);
}

void followup_replied(struct flow *flow, struct handle handle, const struct ledger_reply *reply,
                      const struct moment *moment)
{
    if (handle.slot >= SCAN_SLOT)
        recovery_replied(flow, handle, reply, moment);
    if (reply->answer == LEDGER_DUE_LIST) {
        for (size_t i = 0; i < reply->due_count; i++)
            begin(flow, reply->due[i]);
        return;
    }
    struct inquiry *inquiry = flow_inquiry(flow, handle);
    if (inquiry != NULL)
        replied(flow, inquiry, reply);
}

/* What the answer makes of the order; ORDER_ABSENT: no change. R4 and R10 stand here for everything
 * after the first answer. */
static enum order_state change_of(struct inquiry *inquiry)
{
    const struct answer *answer = &inquiry->answer;
    switch (answer->verdict) {
    case VERDICT_ACCEPTED:
        return ORDER_PAID;
    case VERDICT_PENDING:
        return inquiry->state == ORDER_PENDING ? ORDER_ABSENT : ORDER_PENDING;
    case VERDICT_REFUSED:
        if (!doubt_error_belongs(inquiry->attempt, inquiry->doubt, inquiry->refused_payment_ids,
                                 answer))
            return ORDER_ABSENT;
        inquiry->failure_code = error_failure_code(answer->error_code);
        inquiry->failure_retryable = answer->error_class != ERROR_CLASS_DECLINED;
        return ORDER_FAILED;
    case VERDICT_NOT_SENT:
    case VERDICT_UNKNOWN: /* "no such payment" is never proof */
        return ORDER_ABSENT;
    }
    return ORDER_ABSENT;
}

void followup_answered(struct flow *flow, struct handle handle, const struct answer *answer)
{
    struct inquiry *inquiry = flow_inquiry(flow, handle);
    if (inquiry == NULL || inquiry->step != INQUIRY_ASKING || !inquiry->asked) {
        flow->statistics.answers_stale++;
        return;
    }
    inquiry->asked = false;
    inquiry->answer = *answer;
    inquiry->change = change_of(inquiry);
    if (inquiry->change == ORDER_ABSENT) {
        defer(inquiry, next_turn_ms(inquiry));
        return;
    }
    flow->statistics.changes++;
    inquiry->step = INQUIRY_REPORTING;
}

void followup_told(struct flow *flow, struct handle handle, bool told)
{
    struct inquiry *inquiry = flow_inquiry(flow, handle);
    if (inquiry == NULL || inquiry->step != INQUIRY_REPORTING) {
        flow->statistics.answers_stale++;
        return;
    }
    defer(inquiry, told ? REPORTED_MS : next_turn_ms(inquiry));
}

static int64_t scan(struct flow *flow, const struct moment *moment, struct flow_actions *actions)
{
    if (moment->now_ms < flow->scan_at_ms)
        return flow->scan_at_ms - moment->now_ms;
    size_t room = INQUIRIES_MAX - flow->inquiries_open;
    for (; room >= SCAN_ORDERS_MAX && !flow_actions_full(actions); room -= SCAN_ORDERS_MAX) {
        struct flow_action *action = flow_act(actions, ACTION_SCAN);
        action->partition = (int32_t) flow->scan_shard;
        action->batch = SCAN_ORDERS_MAX;
        flow->scan_shard = (flow->scan_shard + 1) % LEDGER_SHARDS;
    }
    flow->scan_at_ms = moment->now_ms + SCAN_MS * SCAN_SHARDS_A_TURN / LEDGER_SHARDS;
    return flow->scan_at_ms - moment->now_ms;
}

static size_t asking(const struct flow *flow)
{
    size_t count = 0;
    for (size_t i = 0; i < INQUIRIES_MAX; i++)
        count += flow->inquiries[i].step == INQUIRY_ASKING && flow->inquiries[i].asked;
    return count;
}

static void question(struct flow *flow, struct inquiry *inquiry, struct flow_actions *actions)
{
    if (inquiry->step == INQUIRY_FREE || inquiry->asked || flow_actions_full(actions))
        return;
    if (inquiry->step == INQUIRY_ASKING && asking(flow) >= INQUIRIES_ASKING_MAX)
        return; /* connections are for payouts first */
    inquiry->asked = true;
    enum flow_action_kind kind = inquiry->step == INQUIRY_ASKING      ? ACTION_INQUIRE
                                 : inquiry->step == INQUIRY_REPORTING ? ACTION_REPORT
                                                                      : ACTION_LOOK;
    flow_act(actions, kind)->payout = handle_of(flow, inquiry);
}

int64_t followup_turn(struct flow *flow, const struct moment *moment, struct flow_actions *actions)
{
    if (flow->epoch == 0 || flow_is_closing(flow) || !recovery_ledger_usable(flow))
        return -1;
    int64_t wait_ms = scan(flow, moment, actions);
    for (size_t i = 0; i < INQUIRIES_MAX && flow->inquiries_open > 0; i++)
        question(flow, &flow->inquiries[i], actions);
    return wait_ms;
}
