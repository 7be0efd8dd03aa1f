/* The invariants of docs/PROTOCOL.md, held against what the gateway did and what Redis holds. What
 * Kafka shows: sim_check_events.c. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEND_WINDOW_MS = 5000 };

static const char *name_of(const struct sim *sim, int order)
{
    return sim->names[order];
}

static struct sim_armed *attempt_of(struct sim *sim, int order, int32_t attempt)
{
    must(attempt >= 0 && attempt < SIM_ATTEMPTS_MAX);
    return &sim->truths[order].attempts[attempt];
}

/* Redis. */

/* R8: armed, parked or rejected only below a ceiling that this life has committed. */
static void check_ceiling(struct sim *sim, const struct sim_order *after,
                          const struct ledger_call *call)
{
    size_t place = (size_t) call->by.partition;
    const struct sim_partition *partition = &sim->kafka.partitions[place];
    if (call->by.offset >= partition->ceiling_ever) {
        sim_fail(sim, "R8", "%s at %d/%lld is claimed above the ceiling %lld", after->oid,
                 (int) place, (long long) call->by.offset, (long long) partition->ceiling_ever);
        return;
    }
    if (call->script != LEDGER_ARM)
        return;
    int at = call->instance.data[0] - 'a';
    char life[32];
    snprintf(life, sizeof life, "%.*s", 31, call->instance.data + 1);
    uint32_t its = (uint32_t) strtoul(life, NULL, 10); /* an earlier life's ARM came late */
    bool is_below = call->by.offset < partition->own_ceiling[at];
    if (its > partition->own_life[at] || (its == partition->own_life[at] && !is_below))
        sim_fail(sim, "R8", "%s at %d/%lld is armed under a ceiling of somebody else", after->oid,
                 (int) place, (long long) call->by.offset);
}

static void check_armed(struct sim *sim, int order, const struct sim_order *before,
                        const struct sim_order *after, const struct ledger_call *call)
{
    struct sim_armed *armed = attempt_of(sim, order, after->att);
    bool was_closed = before->exists && before->state != ORDER_READY;
    if (was_closed || before->doubt)
        sim_fail(sim, "DOOR", "%s: armed over %s", after->oid, order_state_name(before->state));
    if (armed->at_ms != 0)
        sim_fail(sim, "I2", "%s: attempt %d is armed twice", after->oid, (int) after->att);
    armed->call = call->call;
    armed->partition = call->by.partition;
    armed->offset = call->by.offset;
    char words[3] = {after->fp[0], after->fp[1], '\0'};
    armed->words = (int) strtol(words, NULL, 16);
    armed->at_ms = sim_now_ms(sim);
    snprintf(armed->instance, sizeof armed->instance, "%s", after->inst);
}

static void check_reopened(struct sim *sim, int order, const struct sim_order *before)
{
    struct sim_armed *armed = attempt_of(sim, order, before->att);
    if (before->state != ORDER_SENDING)
        sim_fail(sim, "DOOR", "%s: %s becomes READY", before->oid, order_state_name(before->state));
    armed->reopened = true;
    if (armed->declined)
        sim_fail(sim, "DOOR", "%s: attempt %d was declined for good and is reopened", before->oid,
                 (int) before->att);
    if (armed->executed > 0)
        sim_fail(sim, "DOOR", "%s: attempt %d is reopened though it was executed", before->oid,
                 (int) before->att);
}

static void check_final(struct sim *sim, int order, const struct sim_order *after)
{
    const struct sim_truth *truth = &sim->truths[order];
    if (after->state == ORDER_PAID && truth->executed == 0)
        sim_fail(sim, "I5", "%s: PAID is recorded, nothing was executed", after->oid);
    if (after->state != ORDER_PAID && truth->executed > 0)
        sim_fail(sim, "I5", "%s: %s is recorded, it was executed", after->oid,
                 order_state_name(after->state));
}

static void on_changed(void *context, const struct sim_order *before, const struct sim_order *after,
                       const struct ledger_call *call)
{
    struct sim *sim = context;
    int order = (int) (after - sim->redis.orders);
    bool is_claim =
        call->script == LEDGER_ARM || call->script == LEDGER_PARK || call->script == LEDGER_REJECT;
    if (before->exists && order_state_is_final(before->state) &&
        (before->state != after->state || strcmp(before->res, after->res) != 0))
        sim_fail(sim, "I7", "%s: final %s became %s", after->oid, order_state_name(before->state),
                 order_state_name(after->state));
    if (is_claim)
        check_ceiling(sim, after, call);
    if (after->state == ORDER_SENDING &&
        (before->state != ORDER_SENDING || before->att != after->att))
        check_armed(sim, order, before, after, call);
    if (after->state == ORDER_READY && before->exists && before->state != ORDER_READY)
        check_reopened(sim, order, before);
    if (order_state_is_final(after->state) && before->state != after->state)
        check_final(sim, order, after);
}

void sim_check_begin(struct sim *sim)
{
    sim->redis.changed = on_changed;
    sim->redis.context = sim;
}

/* The gateway. */

/* R1, and with it I10: nothing leaves later than the window after its claim. */
void sim_check_prereq(struct sim *sim, const struct payout *payout)
{
    int order = sim_order_of(sim, payout->command.order_id);
    const struct sim_armed *armed = attempt_of(sim, order, payout->attempt);
    if (armed->at_ms != 0 && sim_now_ms(sim) > armed->at_ms + SEND_WINDOW_MS)
        sim_fail(sim, "R1", "%s: sent %lld ms after attempt %d was armed", name_of(sim, order),
                 (long long) (sim_now_ms(sim) - armed->at_ms), (int) payout->attempt);
}

void sim_check_sent(struct sim *sim, const struct sim_worker *worker, const struct payout *payout)
{
    int order = sim_order_of(sim, payout->command.order_id);
    struct sim_armed *armed = attempt_of(sim, order, payout->attempt);
    bool is_its = armed->at_ms != 0 && armed->call == payout->call &&
                  strcmp(armed->instance, worker->instance) == 0;
    if (!is_its)
        sim_fail(sim, "I2", "%s: attempt %d is sent by a call that has not armed it",
                 name_of(sim, order), (int) payout->attempt);
    if (++armed->sent > 1)
        sim_fail(sim, "I2", "%s: attempt %d is sent twice", name_of(sim, order),
                 (int) payout->attempt);
}

void sim_check_executed(struct sim *sim, const struct sim_request *request)
{
    struct sim_truth *truth = &sim->truths[request->order];
    struct sim_armed *armed = attempt_of(sim, request->order, request->attempt);
    const struct sim_order *stored = &sim->redis.orders[request->order];
    armed->executed++;
    if (++truth->executed > 1)
        sim_fail(sim, "I1", "%s is executed %d times", name_of(sim, request->order),
                 truth->executed);
    if (armed->reopened)
        sim_fail(sim, "DOOR", "%s: attempt %d is executed after it was reopened",
                 name_of(sim, request->order), (int) request->attempt);
    if (armed->at_ms != 0 && armed->words != request->words)
        sim_fail(sim, "I9", "%s is paid by other words than the ledger's",
                 name_of(sim, request->order));
    bool is_denied = stored->state == ORDER_FAILED || stored->state == ORDER_REJECTED ||
                     truth->told == ORDER_FAILED || truth->told == ORDER_REJECTED;
    if (is_denied)
        sim_fail(sim, "I5", "%s is executed after it was called %s", name_of(sim, request->order),
                 order_state_name(truth->told != ORDER_ABSENT ? truth->told : stored->state));
}

void sim_check_refused(struct sim *sim, const struct sim_request *request)
{
    struct sim_armed *armed = attempt_of(sim, request->order, request->attempt);
    armed->declined = request->class == ERROR_CLASS_DECLINED || request->class == ERROR_CLASS_LIMIT;
}

/* This gateway never contradicts itself; what it says of an earlier attempt is no contradiction. */
void sim_check_noted(struct sim *sim, const struct sim_worker *worker,
                     const struct flow_action *action)
{
    if (action->note != NOTE_CONTRADICTION)
        return;
    const struct payout *payout = flow_payout(worker->flow, action->payout);
    must(payout != NULL);
    int order = sim_order_of(sim, payout->command.order_id);
    if (payout->is_evidence && payout->seen_attempt != sim->redis.orders[order].att)
        return;
    sim_fail(sim, "I7", "%s: evidence contradicts a final verdict", name_of(sim, order));
}

/* Sentence 5: an own answer that came too late is told, however often it must be repeated. */
void sim_check_fed(struct sim_worker *worker, const struct flow_event *event)
{
    const struct payout *payout = flow_payout(worker->flow, event->payout);
    if (payout == NULL)
        return;
    bool is_settle = event->kind == FLOW_LEDGER_REPLY && payout->step == STEP_SETTLING &&
                     payout->asked && payout->mode == SETTLE_OWN_ANSWER;
    if (is_settle && event->reply->answer == LEDGER_LATE)
        worker->owes_evidence[payout->slot] = true;
    if (event->kind == FLOW_TOLD && event->told)
        worker->owes_evidence[payout->slot] = false;
}

void sim_check_ended(struct sim *sim, struct sim_worker *worker, const struct payout *payout)
{
    if (worker->owes_evidence[payout->slot])
        sim_fail(sim, "TELL", "%.*s: an answer that came too late was not told",
                 (int) payout->command.order_id.len, payout->command.order_id.data);
}
