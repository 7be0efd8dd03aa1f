/* The conversation with the gateway: one signed request an attempt, and what its answer proves. */
#include "payoutd/app/worker.h"

#include "payoutd/adapter/kill_point.h"
#include "payoutd/adapter/log.h"
#include "payoutd/codec/gateway_reply.h"

#include <stdio.h>
#include <string.h>

enum { SALT_LEN = 16 };

static void answer_not_sent(struct worker *worker, const struct payout *payout, const char *why,
                            bool unmade)
{
    struct answer answer = {
        .verdict = VERDICT_NOT_SENT, .paid_amount_minor = -1, .why = why, .unmade = unmade};
    LOG(LOG_LEVEL_WARN, "payout.not_sent", why,
        LOG_BYTES("labels.order_id", payout->command.order_id));
    worker_feed(worker,
                &(struct flow_event){.kind = payout->step == STEP_PAYING ? FLOW_PAYMENT_ANSWER
                                                                         : FLOW_STATUS_ANSWER,
                                     .payout = flow_handle_of(payout),
                                     .answer = &answer});
}

static enum status send_form(struct worker *worker, struct payout *payout,
                             const struct gateway_profile *profile, enum gateway_method method)
{
    struct parcel *parcel = worker_parcel(worker, payout);
    struct bytes path = profile->paths[method];
    int len = snprintf(parcel->url, sizeof parcel->url, "%.*s%.*s", (int) profile->base_url.len,
                       profile->base_url.data, (int) path.len, path.data);
    if (len < 0 || (size_t) len >= sizeof parcel->url)
        return STATUS_TOO_LARGE;
    bool pays = payout->step == STEP_PAYING;
    struct gateway_request request = {
        .tag = flow_tag(flow_handle_of(payout)),
        .pays = pays,
        .url = parcel->url,
        .body = parcel->form.body,
        .content_type = parcel->form.content_type,
        .send_before_ms = pays ? payout->send_before_ms : 0,
    };
    parcel->sent_ms = loop_now_ms();
    size_t lane = worker->flow->config.merchant_lanes[payout->merchant_at];
    return gateway_http_send(worker->gateways[lane], &request);
}

void sending_pay(struct worker *worker, struct payout *payout)
{
    const struct gateway_profile *profile = worker_profile(worker, payout);
    if (profile == NULL) {
        answer_not_sent(worker, payout,
                        "the merchant that this order was claimed for is not configured", true);
        return;
    }
    char salt[SALT_LEN];
    worker_random_text(salt, sizeof salt);
    struct parcel *parcel = worker_parcel(worker, payout);
    enum status status =
        gateway_form_payout(profile, &payout->command, payout->attempt, loop_wall_ms(),
                            (struct bytes){salt, sizeof salt}, &payout->arena, &parcel->form);
    bool unmade = status != STATUS_OK;
    if (!unmade)
        status =
            send_form(worker, payout, profile, gateway_method_of(payout->command.destination.type));
    if (status != STATUS_OK)
        answer_not_sent(worker, payout, status_sentence(status), unmade);
}

void sending_ask_status(struct worker *worker, struct payout *payout)
{
    const struct gateway_profile *profile = worker_profile(worker, payout);
    if (profile == NULL) {
        answer_not_sent(worker, payout,
                        "the merchant that this order was sent for is not configured", true);
        return;
    }
    KILL_POINT("before_status");
    char salt[SALT_LEN];
    worker_random_text(salt, sizeof salt);
    enum status status = gateway_form_status(profile, payout->command.order_id, BYTES_NONE,
                                             (struct bytes){salt, sizeof salt}, &payout->arena,
                                             &worker_parcel(worker, payout)->form);
    bool unmade = status != STATUS_OK;
    if (!unmade)
        status = send_form(worker, payout, profile, GATEWAY_STATUS);
    if (status != STATUS_OK)
        answer_not_sent(worker, payout, status_sentence(status), unmade);
}

/* What failed on the way, as an answer. The sentence is copied: it outlives the callback. */
static void broken_answer(struct payout *payout, const struct gateway_result *result,
                          struct answer *ret_answer)
{
    struct bytes why;
    bool has_why = arena_copy(&payout->arena, bytes_of(result->why), &why) == STATUS_OK;
    *ret_answer = (struct answer){
        .verdict = result->sent == GATEWAY_NOT_SENT ? VERDICT_NOT_SENT : VERDICT_UNKNOWN,
        .http_status = result->http_status,
        .paid_amount_minor = -1,
        .why = has_why ? why.data : "the request did not come to an answer",
    };
}

static void read_answer(struct worker *worker, struct payout *payout, bool pays,
                        const struct gateway_result *result, struct answer *ret_answer)
{
    struct gateway_question question = {
        .profile = worker_profile(worker, payout),
        .method = pays ? gateway_method_of(payout->command.destination.type) : GATEWAY_STATUS,
        .order_id = payout->command.order_id,
        .amount = &payout->command.amount,
        .overrides = &worker->options->error_codes,
    };
    if (question.profile == NULL || result->why[0] != '\0')
        broken_answer(payout, result, ret_answer);
    else if (pays)
        gateway_reply_payout(&question, result->http_status, result->body, &payout->arena,
                             ret_answer);
    else
        gateway_reply_status(&question, result->http_status, result->body, &payout->arena,
                             ret_answer);
}

static void tell_answer(struct worker *worker, const struct payout *payout, bool pays,
                        const struct answer *answer)
{
    bool proves_nothing = answer->verdict == VERDICT_UNKNOWN || answer->verdict == VERDICT_NOT_SENT;
    bool holds_merchant =
        answer->verdict == VERDICT_REFUSED && (answer->error_class == ERROR_CLASS_BALANCE ||
                                               answer->error_class == ERROR_CLASS_CONFIGURATION);
    enum log_level level = proves_nothing || holds_merchant ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG;
    if (answer->verdict == VERDICT_UNKNOWN && answer->http_status == 200 && !answer->verified)
        worker->counters.signature_failures++;
    if (!log_enabled(level))
        return;
    const char *meaning = answer->error_code == 0 ? NULL : error_meaning(answer->error_code);
    LOG(level, pays ? "payout.answered" : "payout.status_answered",
        answer->why != NULL ? answer->why
        : meaning != NULL   ? meaning
                            : verdict_name(answer->verdict),
        LOG_BYTES("labels.order_id", payout->command.order_id),
        LOG_BYTES("labels.merchant_id", payout->merchant_id),
        LOG_BYTES("error.message", answer->error_description),
        LOG_TEXT("payout.verdict", verdict_name(answer->verdict)),
        LOG_INT("payout.attempt", payout->attempt), LOG_INT("error.code", answer->error_code),
        LOG_INT("http.response.status_code", answer->http_status));
}

void sending_done(void *context, const struct gateway_result *result)
{
    struct worker *worker = context;
    struct handle handle = flow_untag(result->tag);
    if (flow_is_inquiry(handle)) {
        following_answered(worker, result);
        return;
    }
    struct payout *payout = flow_payout(worker->flow, handle);
    if (payout == NULL)
        return;
    bool pays = payout->step == STEP_PAYING;
    struct answer answer;
    read_answer(worker, payout, pays, result, &answer);
    KILL_POINT(pays ? "after_answer" : "after_status");
    int64_t took_ms = loop_now_ms() - worker_parcel(worker, payout)->sent_ms;
    histogram_add(pays ? &worker->counters.gateway_pay : &worker->counters.gateway_status, took_ms);
    if (!pays)
        worker->counters.status_checks[answer.verdict]++;
    tell_answer(worker, payout, pays, &answer);
    worker_feed(worker,
                &(struct flow_event){.kind = pays ? FLOW_PAYMENT_ANSWER : FLOW_STATUS_ANSWER,
                                     .payout = handle,
                                     .answer = &answer});
}
