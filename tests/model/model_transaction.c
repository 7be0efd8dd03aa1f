/* Transactions: outcomes, dead letters and offsets in one step, or not at all, or with an answer
 * that never comes. */
#include "model.h"

#include <string.h>

static int place_of(const struct flow_partition *partition)
{
    return partition->topic == FLOW_RESOLUTIONS ? PLACE_RESOLUTIONS : partition->number;
}

void model_submit(int w)
{
    struct model_worker *worker = &world.workers[w];
    worker->batch = (struct model_batch){.generation = worker->generation};
    for (size_t i = 0; i < worker->flow.partitions_count; i++) {
        const struct flow_partition *partition = &worker->flow.partitions[i];
        int place = place_of(partition);
        worker->batch.has[place] = partition->in_batch;
        if (partition->in_batch)
            worker->batch.offsets[place] = (struct committed){
                partition->window, partition->token_in_batch, partition->ceiling_in_batch};
    }
}

bool model_is_fenced(int w)
{
    const struct model_batch *batch = &world.workers[w].batch;
    return !world.in[w] || batch->generation != world.generation;
}

static void publish(const struct payout *payout, const struct body_facts *facts, const char *text)
{
    struct told *told = &world.told;
    if (payout->has_dead_letter)
        world.letters = true;
    if (!payout->has_outcome)
        return;
    told->doubt = told->doubt || facts->doubt != 0;
    if (order_state_is_final(facts->state)) {
        if (told->final != ORDER_ABSENT && told->final != facts->state)
            world.broken = "I4 two different finals were published";
        told->final = facts->state;
        told->final_sequence = payout->sequence;
        memcpy(told->final_body, text, BODY_MAX);
    } else {
        told->other = facts->state;
        told->other_sequence = payout->sequence;
        memcpy(told->other_body, text, BODY_MAX);
    }
    if (scenario->marker)
        world.hidden = true;
    else
        world.visible = *told;
}

/* What may not be in a batch: a position that is done already, or a changed copy that is closed as
 * if it were a true one. */
static const char *forbidden(int w, const struct payout *payout)
{
    const struct flow *flow = &world.workers[w].flow;
    int place = payout->is_evidence ? PLACE_RESOLUTIONS : payout->partition;
    if (model_is_done(place, payout->offset))
        return "R6 a position that was done is told again";
    for (size_t i = 0; i < PAYOUTS; i++) {
        const struct payout *other = &flow->payouts[i];
        if (other != payout && other->list == payout->list && other->offset == payout->offset &&
            other->partition == payout->partition && other->is_evidence == payout->is_evidence)
            return "R7 a position is told twice at once";
    }
    const struct sim_order *order = &model_master(world.workers[w].link)->order;
    bool is_closed_copy = payout->end == END_DUPLICATE && order->exists && !order->doubt;
    if (is_closed_copy && order->fp[1] != (char) ('0' + payout->command.fingerprint[0]))
        return "I9 a changed copy is closed as a copy";
    return NULL;
}

static void publish_payout(struct payout *payout)
{
    char text[BODY_MAX] = "";
    struct body_facts facts = {0};
    if (payout->has_outcome) {
        if (bytes_is_none(payout->body))
            payout->body = model_body_of(payout, payout->state);
        must(payout->body.len < BODY_MAX);
        memcpy(text, payout->body.data, payout->body.len);
        facts = model_body_read(text);
        if (facts.state != payout->state)
            world.broken = "an outcome says something else than its order's state";
    }
    SAY("   %s of %d/%d: %s", payout->has_outcome ? "outcome" : payout_end_name(payout->end),
        payout->is_evidence ? PLACE_RESOLUTIONS : payout->partition, (int) payout->offset, text);
    publish(payout, &facts, text);
}

static void apply(int w)
{
    struct model_worker *worker = &world.workers[w];
    for (struct payout *payout = flow_batch_next(&worker->flow, NULL); payout != NULL;
         payout = flow_batch_next(&worker->flow, payout)) {
        const char *broken = forbidden(w, payout);
        if (broken != NULL)
            world.broken = broken;
        publish_payout(payout);
    }
    for (int place = 0; place < PLACES; place++) {
        if (!worker->batch.has[place])
            continue;
        world.committed[place] = worker->batch.offsets[place];
        SAY("   partition %d: offset %d token %d ceiling %d", place,
            (int) world.committed[place].window.watermark, (int) world.committed[place].token,
            (int) world.committed[place].ceiling);
    }
}

void model_reread(int w)
{
    struct model_worker *worker = &world.workers[w];
    struct flow_assigned assigned[PLACES];
    struct window windows[PLACES];
    size_t count = 0;
    for (int place = 0; place < PLACES; place++)
        if (worker->batch.has[place]) {
            model_read_back(place, &windows[count], &assigned[count]);
            count++;
        }
    uint64_t number = worker->flow.batch_number;
    memset(&worker->batch, 0, sizeof worker->batch);
    model_feed(w, &(struct flow_event){.kind = FLOW_BATCH_REREAD,
                                       .batch = number,
                                       .partitions = assigned,
                                       .partitions_count = count});
}

static void end_batch(int w, enum flow_event_kind kind)
{
    struct model_worker *worker = &world.workers[w];
    uint64_t number = worker->flow.batch_number;
    memset(&worker->batch, 0, sizeof worker->batch);
    model_feed(w, &(struct flow_event){.kind = kind, .batch = number});
}

void model_commit(int w, bool is_heard)
{
    bool is_fenced = model_is_fenced(w);
    SAY("%c: commits%s%s", model_letter(w), is_fenced ? ": FENCED" : "",
        is_heard ? "" : " (its fate is unknown)");
    if (is_fenced) {
        end_batch(w, FLOW_BATCH_FENCED);
        return;
    }
    apply(w);
    if (is_heard)
        end_batch(w, FLOW_BATCH_COMMITTED);
    else
        model_reread(w);
}

void model_abort(int w)
{
    SAY("%c: its transaction is aborted", model_letter(w));
    end_batch(w, FLOW_BATCH_ABORTED);
}
