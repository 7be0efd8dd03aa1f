/* A worker's connection to Redis: questions go out in order, answers come back in order, and
 * between them everything may be lost. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

enum { COMMAND_TIMEOUT_US = 5000000, RECONNECT_MAX_US = 1500000 };

/* One question with the words it needs, and its answer. */
struct sim_ask {
    struct ledger_call call;
    struct ledger_reply reply;
    char call_texts[640], reply_texts[768];
    struct bytes due[1];
    uint8_t fingerprint[32];
    uint32_t connection, boot;
};

struct words {
    char *at;
    size_t left;
};

static void own(struct words *words, struct bytes *text)
{
    if (bytes_is_none(*text))
        return;
    must(text->len < words->left);
    memcpy(words->at, text->data, text->len);
    text->data = words->at;
    words->at += text->len;
    words->left -= text->len;
}

static void own_call(struct sim_ask *ask)
{
    struct ledger_call *call = &ask->call;
    struct words words = {ask->call_texts, sizeof ask->call_texts};
    struct bytes *const texts[] = {&call->order_id,    &call->order_key, &call->by.topic,
                                   &call->instance,    &call->profile,   &call->body,
                                   &call->merchant_id, &call->late_body, &call->payment_id};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        own(&words, texts[i]);
    if (call->fingerprint == NULL)
        return;
    memcpy(ask->fingerprint, call->fingerprint, sizeof ask->fingerprint);
    call->fingerprint = ask->fingerprint;
}

static void own_reply(struct sim_ask *ask)
{
    struct ledger_reply *reply = &ask->reply;
    struct words words = {ask->reply_texts, sizeof ask->reply_texts};
    struct bytes *const texts[] = {
        &reply->order_id,   &reply->body,           &reply->instance,
        &reply->source,     &reply->profile,        &reply->merchant_id,
        &reply->payment_id, &reply->settled_source, &reply->refused_payment_ids};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        own(&words, texts[i]);
    if (reply->due_count == 0)
        return;
    ask->due[0] = reply->due[0];
    own(&words, &ask->due[0]);
    reply->due = ask->due;
}

static void tell(struct sim *sim, struct sim_worker *worker, const struct ledger_reply *reply)
{
    if (reply->tag == 0)
        return; /* a mark */
    sim_worker_feed(sim, worker,
                    &(struct flow_event){.kind = FLOW_LEDGER_REPLY,
                                         .payout = flow_untag(reply->tag),
                                         .reply = reply});
}

static const char *answer_name(enum ledger_answer answer)
{
    return ledger_answer_name(answer);
}

/* Down. Whatever was under way has no answer: it may or may not be applied. */
static void close_link(struct sim *sim, struct sim_worker *worker)
{
    struct sim_asked asks[SIM_ASKS_MAX];
    size_t count = worker->asks_count;
    if (!worker->link_up)
        return;
    worker->link_up = false;
    worker->connection++;
    memcpy(asks, worker->asks, count * sizeof asks[0]);
    worker->asks_count = 0;
    bool down_first = sim_below(sim, 2) == 0;
    const struct flow_event down = {.kind = FLOW_LEDGER_DOWN};
    TRACE(sim, worker, "ledger: link down, %d questions without an answer", (int) count);
    if (down_first)
        sim_worker_feed(sim, worker, &down);
    for (size_t i = 0; i < count; i++) {
        struct ledger_reply reply = {
            .answer = LEDGER_FAILED, .script = asks[i].script, .tag = asks[i].tag};
        tell(sim, worker, &reply);
    }
    if (!down_first)
        sim_worker_feed(sim, worker, &down);
    sim_link_connect(sim, worker);
}

void sim_link_forget(struct sim_worker *worker)
{
    worker->asks_count = 0;
    worker->link_up = false;
    worker->connection++;
}

static void on_cut(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    if (worker->connection == (uint32_t) event->a)
        close_link(sim, worker);
}

void sim_link_cut(struct sim *sim, struct sim_worker *worker)
{
    sim_later_to(sim, worker, sim_delay_us(sim), on_cut, (int64_t) worker->connection, 0, NULL);
}

static void on_up(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    bool is_stale = sim->host.down || (uint32_t) event->a != sim->host.boot; /* gone again */
    if (worker->connection != (uint32_t) event->b)
        return;
    if (is_stale) {
        sim_link_connect(sim, worker);
        return;
    }
    worker->link_up = true;
    worker->boot = sim->host.boot;
    worker->token = sim->redis.token;
    TRACE(sim, worker, "ledger: link up, token %llx", (unsigned long long) worker->token);
    sim_worker_feed(sim, worker,
                    &(struct flow_event){.kind = FLOW_LEDGER_UP, .token = worker->token});
}

static void on_connect(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    if (worker->link_up || worker->connection != (uint32_t) event->a)
        return;
    if (sim->host.down)
        sim_link_connect(sim, worker);
    else
        sim_later_to(sim, worker, sim_delay_us(sim), on_up, (int64_t) sim->host.boot, event->a,
                     NULL);
}

void sim_link_connect(struct sim *sim, struct sim_worker *worker)
{
    sim_later_to(sim, worker, sim_random_between(&sim->random, 1000, RECONNECT_MAX_US), on_connect,
                 (int64_t) worker->connection, 0, NULL);
}

/* An answer reaches the process: event->a is the question's number, event->data its copy. */
static void on_reply(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    struct sim_ask *answered = event->data;
    size_t at = 0;
    if (worker->connection != answered->connection)
        return; /* told already that there is no answer */
    while (at < worker->asks_count && worker->asks[at].tag != answered->call.tag)
        at++;
    must(at < worker->asks_count);
    worker->asks[at] = worker->asks[--worker->asks_count];
    if (answered->call.order_id.len > 0)
        TRACE(sim, worker, "ledger: %.*s -> %s", (int) answered->call.order_id.len,
              answered->call.order_id.data, answer_name(answered->reply.answer));
    if (answered->reply.answer == LEDGER_BLOCKED)
        sim_link_cut(sim, worker);
    tell(sim, worker, &answered->reply);
}

static struct sim_ask *copy(const struct sim_ask *ask)
{
    struct sim_ask *twin = malloc(sizeof *twin);
    must(twin != NULL);
    *twin = *ask;
    own_call(twin);
    own_reply(twin);
    return twin;
}

/* At the server. */
static void on_arrival(struct sim *sim, struct sim_event *event)
{
    struct sim_ask *ask = event->data;
    struct sim_worker *worker = &sim->workers[event->a];
    if (sim->host.down || ask->boot != sim->host.boot)
        return;
    sim_redis_ask(&sim->redis, &ask->call, sim_wall_ms(sim), &ask->reply);
    bool is_news = ask->reply.answer != LEDGER_DUE_LIST || ask->reply.due_count > 0;
    if (is_news && ask->call.script != LEDGER_WIPE)
        TRACE(sim, NULL, "redis: %c asks %d %.*s att %d call %lld -> %s %s", 'A' + worker->at,
              (int) ask->call.script, (int) ask->call.order_id.len,
              ask->call.order_id.len == 0 ? "" : ask->call.order_id.data, (int) ask->call.attempt,
              (long long) ask->call.call, answer_name(ask->reply.answer),
              order_state_name(ask->reply.state));
    bool answers = event->b != 0 && worker->alive && worker->connection == ask->connection;
    if (!answers)
        return;
    struct sim_ask *twin = copy(ask);
    sim_later_to(sim, worker, sim_in_order(sim, &worker->replies_us, sim_delay_us(sim)), on_reply,
                 0, 0, twin);
}

/* The fate of a question whose answer does not come in time. */
static void lose(struct sim *sim, struct sim_worker *worker, struct sim_ask *ask)
{
    int64_t roll = sim_below(sim, 3);
    sim_later_to(sim, worker, COMMAND_TIMEOUT_US, on_cut, (int64_t) worker->connection, 0, NULL);
    if (roll == 0) /* never arrives */
        free(ask);
    else if (roll == 1) /* applied, its answer is lost */
        sim_later(sim, sim_in_order(sim, &worker->arrives_us, sim_delay_us(sim)), on_arrival,
                  worker->at, 0, ask);
    else /* applied long after everybody has given it up */
        sim_later(sim, sim_random_between(&sim->random, COMMAND_TIMEOUT_US, 40000000), on_arrival,
                  worker->at, 0, ask);
}

static void block(struct sim *sim, struct sim_worker *worker, struct sim_ask *ask)
{
    ask->reply = (struct ledger_reply){
        .answer = LEDGER_BLOCKED, .script = ask->call.script, .tag = ask->call.tag};
    sim_later_to(sim, worker, sim_in_order(sim, &worker->replies_us, sim_delay_us(sim)), on_reply,
                 0, 0, ask);
}

bool sim_link_ask(struct sim *sim, struct sim_worker *worker, const struct ledger_call *call)
{
    if (!worker->link_up || worker->asks_count == SIM_ASKS_MAX)
        return false;
    struct sim_ask *ask = malloc(sizeof *ask);
    must(ask != NULL);
    *ask = (struct sim_ask){.call = *call, .connection = worker->connection, .boot = worker->boot};
    own_call(ask);
    worker->asks[worker->asks_count++] = (struct sim_asked){call->tag, call->script};
    if (sim_fault(sim, FAULT_REDIS_TIMEOUT))
        lose(sim, worker, ask);
    else if (sim_fault(sim, FAULT_REDIS_BLOCKED))
        block(sim, worker, ask);
    else
        sim_later(sim, sim_in_order(sim, &worker->arrives_us, sim_delay_us(sim)), on_arrival,
                  worker->at, 1, ask);
    return true;
}
