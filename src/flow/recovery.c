/*
 * The ledger is away, refuses writes, or may have forgotten (R5, R8, R9): what is to be asked of it
 * waits here. Nothing is sent, nothing is dropped; results stay in memory until they are recorded.
 *
 * It may have forgotten when its continuity token is another one than a partition's last commit
 * says, or when a script finds that {po:SS}:inc is not the token. Then, in this order: `inc` is
 * deleted in every shard; only after that the new token is committed, fenced, with the ceiling
 * unchanged (the acknowledgement); the owner of the first resolutions partition restores; and
 * everybody goes on when `inc` is the token.
 */
#include "payoutd/flow/steps.h"

enum { PROBE_MS = 1000, WIPE_RETRY_MS = 200, RESTORE_RETRY_MS = 5000, FOREIGN_RETRY_MS = 30000 };
enum { PROBE_SHARD = LEDGER_SHARDS - 1 }; /* the restorer confirms it last */

const char *flow_recovery_name(enum flow_recovery recovery)
{
    static const char *const names[] = {"none", "wiping", "acknowledging", "waiting"};
    return (unsigned) recovery <= RECOVERY_WAITING ? names[recovery] : "?";
}

bool recovery_ledger_usable(const struct flow *flow)
{
    return flow->ledger_up && flow->recovery == RECOVERY_NONE;
}

void recovery_ask(struct flow *flow, struct payout *payout, enum ledger_script script)
{
    payout->script = script;
    payout_list_append(flow->payouts, &flow->to_ask, payout);
}

/* Beginning. */

static bool is_acknowledged(const struct flow *flow)
{
    for (size_t i = 0; i < flow->partitions_count; i++)
        if (flow->partitions[i].committed_token != flow->token)
            return false;
    return true;
}

static void begin(struct flow *flow, const struct payout *payout, const struct moment *moment)
{
    if (flow->recovery == RECOVERY_NONE)
        flow_note(flow, NOTE_LEDGER_FORGOT, payout);
    flow->wiped_token = 0;
    flow->wipes_asked = flow->wipes_done = 0;
    flow->ledger_retry_ms = moment->now_ms;
    flow->recovery = is_acknowledged(flow) ? RECOVERY_WAITING : RECOVERY_WIPING;
    if (flow->recovery == RECOVERY_WAITING)
        flow->ledger_retry_ms += PROBE_MS;
}

/* The next commit carries every partition of ours. */
static void acknowledge(struct flow *flow, const struct moment *moment)
{
    flow->recovery = RECOVERY_ACKNOWLEDGING;
    for (size_t i = 0; i < flow->partitions_count; i++)
        commit_mark_dirty(flow, &flow->partitions[i], moment);
}

/* No token at all: nobody has committed there since the first deployment, so there is nothing to
 * have been forgotten. */
static bool is_contradicted(const struct flow *flow)
{
    for (size_t i = 0; i < flow->partitions_count; i++) {
        uint64_t token = flow->partitions[i].committed_token;
        if (token != 0 && token != flow->token)
            return true;
    }
    return false;
}

void recovery_look(struct flow *flow, const struct moment *moment)
{
    if (!flow->ledger_up || flow->epoch == 0)
        return;
    /* What was deleted in another Redis counts for nothing here. */
    bool is_half_wiped =
        flow->recovery == RECOVERY_WIPING ||
        (flow->recovery == RECOVERY_ACKNOWLEDGING && flow->wiped_token != flow->token);
    /* New partitions may carry no token yet: the restorer waits for theirs, too. */
    bool is_waited_for = flow->recovery == RECOVERY_WAITING && !is_acknowledged(flow);
    if (is_contradicted(flow) || is_half_wiped || is_waited_for)
        begin(flow, NULL, moment);
    else if (flow->recovery == RECOVERY_ACKNOWLEDGING)
        acknowledge(flow, moment);
}

void recovery_up(struct flow *flow, uint64_t token, const struct moment *moment)
{
    flow->ledger_up = true;
    flow->token = token;
    flow->ledger_probing = false;
    flow->wipes_asked = 0;
    recovery_look(flow, moment);
}

/* Answers. */

static void ask_again(struct flow *flow, struct payout *payout)
{
    flow->statistics.ledger_repeats++;
    payout_list_append(flow->payouts, &flow->to_ask, payout);
}

bool recovery_reply_counts(struct flow *flow, struct payout *payout,
                           const struct ledger_reply *reply, const struct moment *moment)
{
    if (reply->answer == LEDGER_FAILED || reply->answer == LEDGER_BLOCKED) {
        ask_again(flow, payout); /* the same arguments: the scripts know a repeat */
        return false;
    }
    if (reply->answer == LEDGER_EMPTY) {
        if (flow->recovery == RECOVERY_NONE)
            begin(flow, payout, moment);
        ask_again(flow, payout);
        return false;
    }
    if (reply->answer == LEDGER_FOREIGN) {
        flow->statistics.foreign++;
        flow_note(flow, NOTE_FOREIGN_RECORD, payout);
        flow_give_sending(flow, payout);
        hold_probe_over(flow, payout, moment);
        heap_set(&flow->timers, payout->slot, moment->now_ms + FOREIGN_RETRY_MS);
        return false;
    }
    return true;
}

static void wipe_replied(struct flow *flow, uint32_t shard, const struct ledger_reply *reply,
                         const struct moment *moment)
{
    uint64_t bit = UINT64_C(1) << shard;
    if (flow->recovery != RECOVERY_WIPING || (flow->wipes_asked & bit) == 0)
        return;
    flow->wipes_asked &= ~bit;
    if (reply->answer != LEDGER_MARKED) {
        flow->ledger_retry_ms = moment->now_ms + WIPE_RETRY_MS;
        return;
    }
    flow->wipes_done |= bit;
    if (flow->wipes_done != UINT64_MAX >> (64 - LEDGER_SHARDS)) /* not all of them yet */
        return;
    flow->wiped_token = flow->token; /* from here on a commit may carry it */
    acknowledge(flow, moment);
}

static void probe_replied(struct flow *flow, const struct ledger_reply *reply)
{
    flow->ledger_probing = false;
    if (flow->recovery != RECOVERY_WAITING || reply->answer != LEDGER_DUE_LIST)
        return;
    flow->recovery = RECOVERY_NONE;
    flow_note(flow, NOTE_LEDGER_REMEMBERS, NULL);
}

void recovery_replied(struct flow *flow, struct handle handle, const struct ledger_reply *reply,
                      const struct moment *moment)
{
    uint32_t shard = handle.slot & (LEDGER_SHARDS - 1);
    if (reply->script == LEDGER_WIPE)
        wipe_replied(flow, shard, reply, moment);
    else if (flow->ledger_probing && shard == PROBE_SHARD)
        probe_replied(flow, reply);
    else if (reply->answer == LEDGER_EMPTY && flow->recovery == RECOVERY_NONE)
        begin(flow, NULL, moment); /* its owner may ask about nothing else, and must restore */
}

/* The acknowledgement is committed; or another batch was, and it is still to come. */
void recovery_committed(struct flow *flow, const struct moment *moment)
{
    bool is_believed = flow->recovery == RECOVERY_NONE || flow->recovery == RECOVERY_WAITING;
    if (is_believed && flow->ledger_up && is_contradicted(flow)) {
        begin(flow, NULL, moment); /* the batch that ran when the token changed carried another */
        return;
    }
    if (flow->recovery != RECOVERY_ACKNOWLEDGING || !is_acknowledged(flow))
        return;
    flow->recovery = RECOVERY_WAITING;
    flow->ledger_retry_ms = moment->now_ms + PROBE_MS;
    flow->restore_retry_ms = moment->now_ms;
}

void recovery_restored(struct flow *flow, bool restored, const struct moment *moment)
{
    flow->restoring = false;
    flow->restore_retry_ms = moment->now_ms + RESTORE_RETRY_MS;
    if (restored)
        flow->ledger_retry_ms = moment->now_ms; /* look at once */
}

uint64_t recovery_token_to_commit(const struct flow *flow, const struct flow_partition *partition)
{
    bool may_acknowledge = partition->committed_token == flow->token ||
                           (flow->token != 0 && flow->wiped_token == flow->token) ||
                           (partition->committed_token == 0 && flow->recovery == RECOVERY_NONE);
    return may_acknowledge ? flow->token : partition->committed_token;
}

/* The turn. */

static int64_t wipe_turn(struct flow *flow, const struct moment *moment,
                         struct flow_actions *actions)
{
    if (moment->now_ms < flow->ledger_retry_ms)
        return flow->ledger_retry_ms - moment->now_ms;
    for (uint32_t shard = 0; shard < LEDGER_SHARDS && !flow_actions_full(actions); shard++) {
        uint64_t bit = UINT64_C(1) << shard;
        if (((flow->wipes_asked | flow->wipes_done) & bit) != 0)
            continue;
        flow->wipes_asked |= bit;
        flow_act(actions, ACTION_WIPE)->partition = (int32_t) shard;
    }
    return -1;
}

static bool owns_restorer(const struct flow *flow)
{
    return flow->config.restores && flow->partition_places[FLOW_RESOLUTIONS][0] >= 0;
}

static int64_t wait_turn(struct flow *flow, const struct moment *moment,
                         struct flow_actions *actions)
{
    int64_t wait_ms = -1;
    if (owns_restorer(flow) && !flow->restoring && !flow_is_closing(flow)) {
        if (moment->now_ms >= flow->restore_retry_ms) {
            flow->restoring = true;
            flow_act(actions, ACTION_RESTORE);
        } else
            flow_sooner(&wait_ms, flow->restore_retry_ms - moment->now_ms);
    }
    if (flow->ledger_probing || flow_actions_full(actions))
        return wait_ms;
    if (moment->now_ms < flow->ledger_retry_ms) {
        flow_sooner(&wait_ms, flow->ledger_retry_ms - moment->now_ms);
        return wait_ms;
    }
    flow->ledger_probing = true;
    flow->ledger_retry_ms = moment->now_ms + PROBE_MS;
    struct flow_action *action = flow_act(actions, ACTION_SCAN);
    action->partition = PROBE_SHARD;
    action->batch = 0; /* takes nothing: only its being answered counts */
    flow_sooner(&wait_ms, PROBE_MS);
    return wait_ms;
}

static void ask(struct flow *flow, struct payout *payout, const struct moment *moment,
                struct flow_actions *actions)
{
    payout_list_remove(flow->payouts, payout);
    payout->asked = true;
    /* R1: counted from the first time the question is put, however often it is repeated. */
    if (payout->script == LEDGER_ARM && payout->send_before_ms == 0)
        payout->send_before_ms = moment->now_ms + flow->config.send_window_ms;
    flow_act(actions, ACTION_LEDGER)->payout = flow_handle_of(payout);
}

int64_t recovery_turn(struct flow *flow, const struct moment *moment, struct flow_actions *actions)
{
    if (!flow->ledger_up || flow_actions_full(actions))
        return -1;
    switch (flow->recovery) {
    case RECOVERY_WIPING:
        return wipe_turn(flow, moment, actions);
    case RECOVERY_ACKNOWLEDGING:
        return -1; /* the commit is on its way */
    case RECOVERY_WAITING:
        return wait_turn(flow, moment, actions);
    case RECOVERY_NONE:
        break;
    }
    struct payout *payout;
    while (!flow_actions_full(actions) &&
           (payout = payout_list_first(flow->payouts, &flow->to_ask)) != NULL)
        ask(flow, payout, moment, actions);
    return -1;
}
