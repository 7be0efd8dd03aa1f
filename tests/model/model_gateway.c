/* The gateway: it executes whatever reaches it, each time anew, and what it signs is true. */
#include "model.h"

#include <string.h>

struct request *model_request_of(int w, const struct payout *payout)
{
    for (int i = 0; i < world.requests_count; i++) {
        struct request *request = &world.requests[i];
        if (request->worker == w && request->life == world.workers[w].life && !request->heard &&
            request->payout.slot == payout->slot &&
            request->payout.generation == payout->generation)
            return request;
    }
    return NULL;
}

/* The bytes leave. */
void model_send(int w, struct payout *payout)
{
    must(world.requests_count < REQUESTS_MAX);
    struct request *request = &world.requests[world.requests_count++];
    *request = (struct request){.state = REQUEST_FLIES,
                                .attempt = payout->attempt,
                                .words = payout->command.fingerprint[0],
                                .worker = w,
                                .life = world.workers[w].life,
                                .payout = flow_handle_of(payout)};
    SAY("%c: SENDS attempt %d of %d/%d%s", model_letter(w), (int) payout->attempt,
        (int) payout->partition, (int) payout->offset, payout->orphaned ? " (an orphan)" : "");
}

static struct answer answer_of(enum verdict verdict, int request)
{
    struct answer answer = {.verdict = verdict, .paid_amount_minor = -1};
    if (verdict == VERDICT_UNKNOWN) {
        answer.why = "no answer came in time";
        return answer;
    }
    answer.payment_id = bytes_of(model_payment_id(request));
    answer.verified = true;
    answer.http_status = 200;
    return answer;
}

static struct answer refusal(enum error_class class, int request)
{
    struct answer answer = answer_of(VERDICT_REFUSED, request);
    answer.error_class = class;
    answer.error_code = class == ERROR_CLASS_BALANCE ? 8888 : 10001;
    return answer;
}

void model_answer(int w, struct payout *payout, bool gives_up)
{
    struct request *request = model_request_of(w, payout);
    int at = (int) (request - world.requests);
    struct answer answer = answer_of(VERDICT_UNKNOWN, at);
    if (!gives_up && request->state == REQUEST_PAID)
        answer = answer_of(VERDICT_ACCEPTED, at);
    else if (!gives_up && request->state == REQUEST_PENDING)
        answer = answer_of(VERDICT_PENDING, at);
    else if (!gives_up && request->state == REQUEST_DECLINED)
        answer = refusal(ERROR_CLASS_DECLINED, at);
    else if (!gives_up && request->state == REQUEST_REFUSED)
        answer = refusal(ERROR_CLASS_BALANCE, at);
    request->heard = true;
    SAY("%c: hears of attempt %d: %s", model_letter(w), (int) request->attempt,
        verdict_name(answer.verdict));
    model_feed(w, &(struct flow_event){.kind = FLOW_PAYMENT_ANSWER,
                                       .payout = flow_handle_of(payout),
                                       .answer = &answer});
}

void model_unsent(int w, struct payout *payout)
{
    struct answer answer = {
        .verdict = VERDICT_NOT_SENT, .paid_amount_minor = -1, .why = "refused connection"};
    SAY("%c: proof that attempt %d was not sent", model_letter(w), (int) payout->attempt);
    model_feed(w, &(struct flow_event){.kind = FLOW_PAYMENT_ANSWER,
                                       .payout = flow_handle_of(payout),
                                       .answer = &answer});
}

/* The last payment of the order. A payment of other words is no answer to this question (R11). */
static struct answer status(int words, bool lags)
{
    int at = world.last_payment;
    struct answer answer = answer_of(VERDICT_UNKNOWN, 0);
    if (at < 0 || lags || (words != WORDS_UNKNOWN && words != world.requests[at].words)) {
        answer.no_such_payment = answer.verified = at < 0 || lags;
        return answer;
    }
    switch (world.requests[at].state) {
    case REQUEST_PAID:
        return answer_of(VERDICT_ACCEPTED, at);
    case REQUEST_PENDING:
        return answer_of(VERDICT_PENDING, at);
    case REQUEST_DECLINED:
    case REQUEST_REFUSED:
        return refusal(ERROR_CLASS_DECLINED, at);
    case REQUEST_FLIES:
    case REQUEST_LOST:
        break;
    }
    return answer;
}

static void say_status(int w, const struct answer *answer)
{
    SAY("%c: the status says %s", model_letter(w), verdict_name(answer->verdict));
}

void model_status(int w, struct payout *payout, bool lags)
{
    struct answer answer = status(payout->command.fingerprint[0], lags);
    say_status(w, &answer);
    model_feed(w, &(struct flow_event){.kind = FLOW_STATUS_ANSWER,
                                       .payout = flow_handle_of(payout),
                                       .answer = &answer});
}

void model_inquire(int w, bool lags)
{
    struct flow *flow = &world.workers[w].flow;
    struct inquiry *inquiry = &flow->inquiries[0];
    struct answer answer = status(model_body_read(inquiry->body.data).words, lags);
    struct handle handle = {UINT32_C(0x80000000), inquiry->generation};
    say_status(w, &answer);
    model_feed(
        w, &(struct flow_event){.kind = FLOW_STATUS_ANSWER, .payout = handle, .answer = &answer});
}
