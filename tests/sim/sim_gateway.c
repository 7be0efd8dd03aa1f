/*
 * The gateway: it executes whatever reaches it, each time anew, at once or much later; its answers
 * may be lost or useless, but what it signs is true.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

enum { REQUEST_TIMEOUT_US = 10000000 };

/* What a client is told. */
static void give(struct sim *sim, struct sim_worker *worker, uint64_t tag, bool pays,
                 const struct answer *answer)
{
    sim_worker_feed(sim, worker,
                    &(struct flow_event){.kind = pays ? FLOW_PAYMENT_ANSWER : FLOW_STATUS_ANSWER,
                                         .payout = flow_untag(tag),
                                         .answer = answer});
}

static struct answer unknown(const char *why)
{
    return (struct answer){.verdict = VERDICT_UNKNOWN, .paid_amount_minor = -1, .why = why};
}

static struct answer not_sent(void)
{
    return (struct answer){.verdict = VERDICT_NOT_SENT,
                           .paid_amount_minor = -1,
                           .why = "the gateway could not be reached"};
}

static struct answer refused(enum error_class class, const char *payment_id)
{
    static const int32_t codes[] = {
        [ERROR_CLASS_DECLINED] = 10001,     [ERROR_CLASS_LIMIT] = 10006,
        [ERROR_CLASS_CONFIGURATION] = 1100, [ERROR_CLASS_BALANCE] = 8888,
        [ERROR_CLASS_UNKNOWN] = 0,          [ERROR_CLASS_NO_PAYMENT] = 0};
    return (struct answer){.verdict = VERDICT_REFUSED,
                           .error_class = class,
                           .error_code = codes[class],
                           .payment_id = bytes_of(payment_id),
                           .paid_amount_minor = -1,
                           .http_status = 200,
                           .verified = true};
}

static struct answer signed_word(enum verdict verdict, const char *payment_id)
{
    return (struct answer){.verdict = verdict,
                           .payment_id = bytes_of(payment_id),
                           .paid_amount_minor = 100,
                           .http_status = 200,
                           .verified = true};
}

/* Payments. */

static struct sim_payment *record(struct sim *sim, size_t at, enum error_class class)
{
    struct sim_gateway *gateway = &sim->gateway;
    const struct sim_request *request = &gateway->requests[at];
    must(gateway->payments_count < SIM_REQUESTS_MAX);
    struct sim_payment *payment = &gateway->payments[gateway->payments_count++];
    *payment = (struct sim_payment){.order = request->order,
                                    .words = request->words,
                                    .request = at,
                                    .made_ms = sim_now_ms(sim),
                                    .ends_ms = sim_now_ms(sim),
                                    .class = class,
                                    .fails = class != ERROR_CLASS_NO_PAYMENT};
    snprintf(payment->id, sizeof payment->id, "%d", (int) (7000 + gateway->payments_count));
    return payment;
}

/* The money leaves when the payment ends well. */
static void on_payment_end(struct sim *sim, struct sim_event *event)
{
    const struct sim_payment *payment = &sim->gateway.payments[event->a];
    const struct sim_request *request = &sim->gateway.requests[payment->request];
    TRACE(sim, NULL, "gateway: payment %s of %s ends: %s", payment->id, sim->names[payment->order],
          payment->fails ? "failed" : "PAID");
    if (payment->fails)
        sim_check_refused(sim, request);
    else
        sim_check_executed(sim, request);
}

static struct answer pending(struct sim *sim, struct sim_payment *payment, bool fails)
{
    payment->fails = fails;
    payment->class = ERROR_CLASS_DECLINED;
    payment->ends_ms = sim_now_ms(sim) + sim_random_between(&sim->random, 1000, 90000);
    sim_later(sim, (payment->ends_ms - sim_now_ms(sim)) * 1000, on_payment_end,
              payment - sim->gateway.payments, 0, NULL);
    return signed_word(VERDICT_PENDING, payment->id);
}

/* A callback says that this attempt failed. It is true, and may come when another one flies. */
static void call_back(struct sim *sim, const struct sim_request *request, const char *payment_id)
{
    const struct sim_armed *armed = &sim->truths[request->order].attempts[request->attempt];
    struct sim_record evidence = {.kind = DECODED_EVIDENCE,
                                  .order = request->order,
                                  .evidence = EVIDENCE_CALLBACK,
                                  .attempt = request->attempt,
                                  .state = ORDER_FAILED};
    snprintf(evidence.instance, sizeof evidence.instance, "%s", armed->instance);
    snprintf(evidence.payment_id, sizeof evidence.payment_id, "%s", payment_id);
    struct sim_body body = {.state = ORDER_FAILED,
                            .attempt = request->attempt,
                            .evidence = "callback",
                            .partition = armed->partition,
                            .offset = armed->offset,
                            .words = request->words};
    snprintf(body.pid, sizeof body.pid, "%s", payment_id);
    sim_body_write(&body, evidence.body, sizeof evidence.body);
    sim_publishing_evidence(sim, sim_random_between(&sim->random, 1000, 60000000), &evidence);
}

static struct answer refuse(struct sim *sim, size_t at)
{
    const struct sim_request *request = &sim->gateway.requests[at];
    sim_check_refused(sim, request);
    if (request->class == ERROR_CLASS_CONFIGURATION)
        return refused(request->class, NULL);
    const struct sim_payment *payment = record(sim, at, request->class);
    if (sim_fault(sim, FAULT_STALE_EVIDENCE))
        call_back(sim, request, payment->id);
    return refused(request->class, payment->id);
}

static struct answer carry_out(struct sim *sim, size_t at)
{
    const struct sim_request *request = &sim->gateway.requests[at];
    switch (request->plan) {
    case PLAN_PAID:
        sim_check_executed(sim, request);
        return signed_word(VERDICT_ACCEPTED, record(sim, at, ERROR_CLASS_NO_PAYMENT)->id);
    case PLAN_PENDING_PAID:
        return pending(sim, record(sim, at, ERROR_CLASS_NO_PAYMENT), false);
    case PLAN_PENDING_FAILED:
        return pending(sim, record(sim, at, ERROR_CLASS_DECLINED), true);
    case PLAN_REFUSED:
        return refuse(sim, at);
    case PLAN_NOTHING:
        break;
    }
    must(!"a request that arrives");
}

/* Requests. */

static void on_answer(struct sim *sim, struct sim_event *event)
{
    struct sim_request *request = &sim->gateway.requests[event->a];
    if (request->is_over)
        return;
    request->is_over = true;
    struct answer answer = event->data == NULL ? unknown("no answer came in time")
                                               : *(const struct answer *) event->data;
    TRACE(sim, &sim->workers[event->worker], "gateway answers %s attempt %d: %s",
          sim->names[request->order], (int) request->attempt, verdict_name(answer.verdict));
    give(sim, &sim->workers[event->worker], request->tag, true, &answer);
}

static void on_arrival(struct sim *sim, struct sim_event *event)
{
    size_t at = (size_t) event->a;
    const struct sim_request *request = &sim->gateway.requests[at];
    struct sim_worker *worker = &sim->workers[request->worker];
    TRACE(sim, NULL, "gateway: %s attempt %d arrives: plan %d", sim->names[request->order],
          (int) request->attempt, (int) request->plan);
    sim->gateway.travelling--;
    struct answer answer = carry_out(sim, at);
    if (request->garbled)
        answer = unknown("the answer carries no valid signature");
    bool is_heard = worker->alive && worker->life == request->life;
    if (request->silent || !is_heard)
        return;
    struct answer *kept = calloc(1, sizeof *kept);
    must(kept != NULL);
    *kept = answer;
    sim_later_to(sim, worker, sim_delay_us(sim), on_answer, event->a, 0, kept);
}

static enum error_class refusal(struct sim *sim)
{
    static const struct {
        enum sim_fault fault;
        enum error_class class;
    } rows[] = {{FAULT_BALANCE, ERROR_CLASS_BALANCE},
                {FAULT_CONFIGURATION, ERROR_CLASS_CONFIGURATION},
                {FAULT_DECLINED, ERROR_CLASS_DECLINED},
                {FAULT_LIMIT, ERROR_CLASS_LIMIT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (sim_fault(sim, rows[i].fault))
            return rows[i].class;
    return ERROR_CLASS_UNKNOWN;
}

static void plan(struct sim *sim, struct sim_request *request)
{
    request->class = refusal(sim);
    request->plan = request->class != ERROR_CLASS_UNKNOWN ? PLAN_REFUSED : PLAN_PAID;
    if (request->plan == PLAN_PAID && sim_fault(sim, FAULT_PENDING))
        request->plan = sim_below(sim, 2) == 0 ? PLAN_PENDING_PAID : PLAN_PENDING_FAILED;
    if (sim_fault(sim, FAULT_LOST_REQUEST))
        request->plan = PLAN_NOTHING;
    request->silent = sim_fault(sim, FAULT_SILENCE);
    request->garbled = sim_fault(sim, FAULT_GARBLED);
}

/* The bytes leave. From here on nothing that the process does takes them back. */
static void on_bytes(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    struct payout *payout = flow_payout(worker->flow, flow_untag((uint64_t) event->a));
    must(payout != NULL && payout->step == STEP_PAYING);
    sim_check_sent(sim, worker, payout);
    must(sim->gateway.requests_count < SIM_REQUESTS_MAX);
    size_t at = sim->gateway.requests_count++;
    struct sim_request *request = &sim->gateway.requests[at];
    *request = (struct sim_request){.order = sim_order_of(sim, payout->command.order_id),
                                    .words = payout->command.fingerprint[0],
                                    .worker = worker->at,
                                    .attempt = payout->attempt,
                                    .tag = (uint64_t) event->a,
                                    .life = worker->life};
    plan(sim, request);
    TRACE(sim, worker, "SENDS %s attempt %d", sim->names[request->order], (int) request->attempt);
    int64_t delay_us = sim_fault(sim, FAULT_LATE)
                           ? sim_random_between(&sim->random, 5000000, 120000000)
                           : sim_delay_us(sim);
    if (request->plan != PLAN_NOTHING) {
        sim->gateway.travelling++;
        sim_later(sim, delay_us, on_arrival, (int64_t) at, 0, NULL);
    }
    sim_later_to(sim, worker, REQUEST_TIMEOUT_US, on_answer, (int64_t) at, 0, NULL);
}

/* PREREQ: the last look at the clock (R1). Between it and the bytes a process may be paused. */
static void on_prereq(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    struct payout *payout = flow_payout(worker->flow, flow_untag((uint64_t) event->a));
    if (payout == NULL)
        return;
    bool is_late = sim_worker_moment(sim, worker).now_ms >= payout->send_before_ms;
    if (is_late || event->b != 0) {
        TRACE(sim, worker, "%.*s is not sent", (int) payout->command.order_id.len,
              payout->command.order_id.data);
        struct answer answer = not_sent();
        give(sim, worker, (uint64_t) event->a, true, &answer);
        return;
    }
    sim_check_prereq(sim, payout);
    sim_later_to(sim, worker, 0, on_bytes, event->a, 0, NULL);
    if (sim_fault(sim, FAULT_PAUSE))
        sim_worker_pause(sim, worker);
    else if (sim_fault(sim, FAULT_KILL))
        sim_worker_kill(sim, worker, "between PREREQ and the bytes");
}

void sim_gateway_pay(struct sim *sim, struct sim_worker *worker, struct payout *payout)
{
    bool fails = sim_fault(sim, FAULT_NOT_SENT);
    sim_later_to(sim, worker, sim_delay_us(sim), on_prereq,
                 (int64_t) flow_tag(flow_handle_of(payout)), fails, NULL);
}

/* The status. */

/* The last payment of the order, as it was `lag_ms` ago. */
static struct answer status_of(const struct sim *sim, int order, int64_t lag_ms)
{
    const struct sim_payment *last = NULL;
    int64_t then_ms = sim_now_ms(sim) - lag_ms;
    for (size_t i = 0; i < sim->gateway.payments_count; i++) {
        const struct sim_payment *payment = &sim->gateway.payments[i];
        if (payment->order == order && payment->made_ms <= then_ms)
            last = payment;
    }
    if (last == NULL) {
        struct answer answer = unknown("the gateway says that it has no such payment");
        answer.no_such_payment = answer.verified = true;
        return answer;
    }
    if (last->ends_ms > then_ms)
        return signed_word(VERDICT_PENDING, last->id);
    if (!last->fails)
        return signed_word(VERDICT_ACCEPTED, last->id);
    bool is_limit = last->class == ERROR_CLASS_LIMIT;
    return refused(is_limit ? ERROR_CLASS_LIMIT : ERROR_CLASS_DECLINED, last->id);
}

static void on_status(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->worker];
    const struct answer *answer = event->data;
    TRACE(sim, worker, "gateway says of %s: %s %s", sim->names[event->b],
          verdict_name(answer->verdict), answer->why == NULL ? "" : answer->why);
    give(sim, worker, (uint64_t) event->a, false, answer);
}

static void on_question(struct sim *sim, struct sim_event *event)
{
    struct sim_worker *worker = &sim->workers[event->b >> 32];
    int order = (int) (event->b & 0xffff);
    struct answer *answer = event->data;
    event->data = NULL;
    int64_t lag_ms = sim_fault(sim, FAULT_STATUS_LAG) ? sim_below(sim, 60000) : 0;
    *answer = status_of(sim, order, lag_ms);
    if (sim_fault(sim, FAULT_STATUS_FAILS))
        *answer = sim_below(sim, 2) == 0 ? unknown("the HTTP status is not 200") : not_sent();
    bool is_heard = worker->alive && worker->life == (uint32_t) (event->b >> 16 & 0xffff);
    if (!is_heard) {
        free(answer);
        return;
    }
    sim_later_to(sim, worker, sim_delay_us(sim), on_status, event->a, order, answer);
}

void sim_gateway_ask(struct sim *sim, struct sim_worker *worker, uint64_t tag, int order)
{
    struct answer *answer = calloc(1, sizeof *answer);
    must(answer != NULL);
    int64_t who = (int64_t) worker->at << 32 | (int64_t) (worker->life & 0xffff) << 16 | order;
    sim_later(sim, sim_delay_us(sim), on_question, (int64_t) tag, who, answer);
}
