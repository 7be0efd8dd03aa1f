/* The restorer as its atomic steps (docs/PROTOCOL.md, Recovery): between any two of them it may be
 * killed, or another one may begin. */
#include "model.h"

#include <stdio.h>
#include <string.h>

static bool is_acknowledged(uint64_t token)
{
    for (int place = 0; place < PLACES; place++)
        if (model_is_used(place) && world.committed[place].token != token)
            return false;
    return true;
}

static bool has_claim(int w, const struct model_restorer *restorer)
{
    return model_master(restorer->token)->inc == CLAIM + (uint64_t) w;
}

/* Its Redis is gone, or has another token by now: it begins anew. */
static bool is_cut_off(int w, const struct model_restorer *restorer)
{
    return restorer->token != world.token || restorer->token != world.workers[w].flow.token;
}

bool model_restorer_can(int w)
{
    const struct model_restorer *restorer = &world.workers[w].restorer;
    if (restorer->step == RESTORER_IDLE)
        return false;
    if (restorer->step == RESTORER_BEGUN)
        return is_acknowledged(restorer->token) || is_cut_off(w, restorer) ||
               model_master(restorer->token)->inc == restorer->token;
    if (restorer->step == RESTORER_OFFSETS) /* up to the end that stood after that */
        return !has_claim(w, restorer) || !world.hidden;
    return true;
}

static void end(int w, bool restored)
{
    struct model_worker *worker = &world.workers[w];
    memset(&worker->restorer, 0, sizeof worker->restorer);
    SAY("%c: restorer ends: %s", model_letter(w), restored ? "restored" : "in vain");
    model_feed(w, &(struct flow_event){.kind = FLOW_RESTORED, .restored = restored});
}

static void read_offsets(struct model_restorer *restorer)
{
    for (int i = 0; i < scenario->commands; i++) {
        int place = scenario->place[i];
        bool is_command = i > 0 || !scenario->junk;
        restorer->doubts[i] = is_command && model_offset_of(i) < world.committed[place].ceiling &&
                              !model_is_done(place, model_offset_of(i));
    }
}

static void spell_fingerprint(struct sim_order *order, int words)
{
    static const char digits[] = "0123456789abcdef";
    memset(order->fp, '0', 64);
    order->fp[0] = digits[words >> 4];
    order->fp[1] = digits[words & 15];
    order->fp[64] = '\0';
}

static void write_source(struct sim_order *order, const struct body_facts *facts)
{
    if (facts->words == WORDS_UNKNOWN)
        return;
    snprintf(order->src, sizeof order->src, "commands/%d/%d", facts->place, facts->offset);
    spell_fingerprint(order, facts->words);
}

static void write_state(struct sim_order *order, const struct body_facts *facts)
{
    char body[BODY_MAX];
    if (order->exists && order_state_is_final(order->state) && order->state != facts->state)
        world.broken = "I7 the restorer changed a final state";
    order->exists = true;
    order->due = !order_state_is_final(facts->state);
    order->state = facts->state;
    order->t_arm_ms = 5000000;
    order->rid[0] = '\0';
    KEEP(order->oid, BYTES("o"));
    KEEP(order->merchant, BYTES("m"));
    model_body(facts, body);
    KEEP(order->res, bytes_of(body));
}

/* (a) The last event of the order; a final before all others. restore.lua */
static void write_outcome(int w, struct model_restorer *restorer)
{
    struct sim_order *order = &model_master(restorer->token)->order;
    bool is_final = order->exists && order_state_is_final(order->state);
    const struct told *told = &restorer->told;
    bool has_final = told->final != ORDER_ABSENT;
    const char *body = has_final ? told->final_body : told->other_body;
    if (!is_final && body[0] != '\0') {
        struct body_facts facts = model_body_read(body);
        write_source(order, &facts);
        write_state(order, &facts);
        int64_t sequence = has_final ? told->final_sequence : told->other_sequence;
        order->seq = sequence > order->seq ? sequence : order->seq;
        order->pub = has_final ? order->seq : sequence > order->pub ? sequence : order->pub;
        order->doubt = order->doubt || told->doubt || facts.words == WORDS_UNKNOWN;
        order->att = facts.attempt;
        if (facts.refused[0] != '\0')
            KEEP(order->refused, bytes_of(facts.refused));
        order->inst[0] = order->rsrc[0] = '\0';
        order->call = 0;
    }
    SAY("%c: restorer (a): the order is %s", model_letter(w), order_state_name(order->state));
}

/* (b) A position below its ceiling that is not done: perhaps sent, whatever Redis says. doubt.lua
 */
static void write_doubt(int w, struct model_restorer *restorer, int at)
{
    struct sim_order *order = &model_master(restorer->token)->order;
    bool is_final = order->exists && order_state_is_final(order->state);
    bool is_there = at < world.arrived; /* what does not exist yet cannot be doubted */
    if (restorer->doubts[at] && is_there && !is_final) {
        struct body_facts facts = {.state = ORDER_UNKNOWN,
                                   .attempt = order->att,
                                   .place = scenario->place[at],
                                   .offset = model_offset_of(at),
                                   .words = scenario->words[at],
                                   .doubt = 1};
        KEEP(facts.refused, bytes_of(order->refused));
        if (!order->exists)
            write_source(order, &facts);
        if (order->res[0] != '\0') { /* another position's order keeps what it says of that one */
            facts = model_body_read(order->res);
            facts.state = ORDER_UNKNOWN;
            facts.attempt = order->att;
            facts.doubt = 1;
        }
        write_state(order, &facts);
        order->seq++;
        order->doubt = true;
    }
    SAY("%c: restorer (b) command %d: the order is %s", model_letter(w), at,
        order_state_name(order->state));
}

static void claim(int w, struct model_restorer *restorer)
{
    struct master *master = model_master(restorer->token);
    if (master->inc == restorer->token) {
        end(w, true);
        return;
    }
    if (!is_acknowledged(restorer->token)) {
        end(w, false);
        return;
    }
    master->inc = CLAIM + (uint64_t) w;
    restorer->step = RESTORER_CLAIMED;
    SAY("%c: restorer claims, token %d", model_letter(w), (int) restorer->token);
}

void model_restorer_step(int w)
{
    struct model_restorer *restorer = &world.workers[w].restorer;
    if (restorer->step == RESTORER_BEGUN) {
        claim(w, restorer);
        return;
    }
    if (!has_claim(w, restorer) ||
        (restorer->step == RESTORER_CLAIMED && !is_acknowledged(restorer->token))) {
        end(w, false);
        return;
    }
    if (restorer->step == RESTORER_CLAIMED) {
        read_offsets(restorer);
        SAY("%c: restorer reads the offsets", model_letter(w));
    } else if (restorer->step == RESTORER_OFFSETS) {
        restorer->told = world.visible;
        SAY("%c: restorer reads the outcomes", model_letter(w));
    } else if (restorer->step == RESTORER_OUTCOMES) {
        write_outcome(w, restorer);
        memset(&restorer->told, 0, sizeof restorer->told);
    } else if (restorer->step < RESTORER_DOUBTS + scenario->commands) {
        int at = restorer->step - RESTORER_DOUBTS;
        write_doubt(w, restorer, at);
        restorer->doubts[at] = false;
    } else {
        model_master(restorer->token)->inc = restorer->token;
        SAY("%c: restorer (c): inc is token %d", model_letter(w), (int) restorer->token);
        end(w, true);
        return;
    }
    restorer->step++;
}
