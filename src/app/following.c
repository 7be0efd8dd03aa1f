/*
 * The conversation about open orders: due-lists are read, the gateway is asked for the status, and
 * a change is written to the resolutions topic, whose record settles it.
 */
#include "payoutd/app/worker.h"

#include "payoutd/adapter/kill_point.h"
#include "payoutd/adapter/log.h"
#include "payoutd/codec/evidence_json.h"
#include "payoutd/codec/gateway_reply.h"

#include <stdio.h>
#include <string.h>

enum { VISIBILITY_MARGIN_MS = 15000, SALT_LEN = 16 };

static void refuse(struct worker *worker, const struct ledger_call *call)
{
    struct ledger_reply reply = {
        .answer = LEDGER_BLOCKED, .script = call->script, .tag = call->tag};
    worker_feed(worker, &(struct flow_event){.kind = FLOW_LEDGER_REPLY,
                                             .payout = flow_untag(call->tag),
                                             .reply = &reply});
}

static void ask_shard(struct worker *worker, const struct ledger_call *call)
{
    if (ledger_ask(worker->ledger, call) != STATUS_OK)
        refuse(worker, call);
}

void following_scan(struct worker *worker, const struct flow_action *action)
{
    struct ledger_call call = {
        .script = LEDGER_DUE,
        .tag = flow_scan_tag((uint32_t) action->partition),
        .token = worker->flow->token,
        .shard = action->partition,
        .due_max = (int32_t) action->batch,
        /* Long enough for a status query: nobody else takes the order meanwhile. */
        .due_ms = worker->flow->config.request_timeout_ms + VISIBILITY_MARGIN_MS,
    };
    KILL_POINT_LEDGER("before", call.script);
    ask_shard(worker, &call);
}

void following_wipe(struct worker *worker, const struct flow_action *action)
{
    struct ledger_call call = {
        .script = LEDGER_WIPE,
        .tag = flow_scan_tag((uint32_t) action->partition),
        .shard = action->partition,
    };
    ask_shard(worker, &call);
}

void following_look(struct worker *worker, struct handle handle)
{
    const struct inquiry *inquiry = flow_inquiry(worker->flow, handle);
    struct ledger_call call = {
        .script = inquiry->script,
        .tag = flow_tag(handle),
        .token = worker->flow->token,
        .order_key = inquiry->order_key,
        .due_ms = inquiry->defer_ms,
    };
    KILL_POINT_LEDGER("before", call.script);
    if (ledger_ask(worker->ledger, &call) != STATUS_OK)
        refuse(worker, &call);
}

static void feed_answer(struct worker *worker, struct handle handle, const struct answer *answer)
{
    worker->counters.status_checks[answer->verdict]++;
    worker_feed(worker, &(struct flow_event){
                            .kind = FLOW_STATUS_ANSWER, .payout = handle, .answer = answer});
}

static enum status send_question(struct worker *worker, struct handle handle,
                                 const struct inquiry *inquiry, uint16_t merchant_at)
{
    const struct gateway_profile *profile = &worker->secrets->profiles[merchant_at];
    struct following *following = &worker->followings[inquiry - worker->flow->inquiries];
    char salt[SALT_LEN];
    worker_random_text(salt, sizeof salt);
    struct arena *arena = &worker->flow->inquiries[inquiry - worker->flow->inquiries].arena;
    TRY(outcome_json_read(inquiry->body, arena, &following->facts));
    TRY(gateway_form_status(profile, inquiry->order_id, BYTES_NONE,
                            (struct bytes){salt, sizeof salt}, arena, &following->form));
    struct bytes path = profile->paths[GATEWAY_STATUS];
    int len =
        snprintf(following->url, sizeof following->url, "%.*s%.*s", (int) profile->base_url.len,
                 profile->base_url.data, (int) path.len, path.data);
    if (len < 0 || (size_t) len >= sizeof following->url)
        return STATUS_TOO_LARGE;
    following->merchant_at = merchant_at;
    following->sent_ms = loop_now_ms();
    struct gateway_request request = {.tag = flow_tag(handle),
                                      .url = following->url,
                                      .body = following->form.body,
                                      .content_type = following->form.content_type};
    return gateway_http_send(worker->gateways[worker->flow->config.merchant_lanes[merchant_at]],
                             &request);
}

void following_inquire(struct worker *worker, struct handle handle)
{
    const struct inquiry *inquiry = flow_inquiry(worker->flow, handle);
    uint16_t merchant_at = worker_merchant_at(worker, inquiry->merchant_id);
    KILL_POINT("before_inquiry");
    enum status status = merchant_at == UINT16_MAX
                             ? STATUS_ENVIRONMENT
                             : send_question(worker, handle, inquiry, merchant_at);
    if (status == STATUS_OK)
        return;
    LOG(LOG_LEVEL_WARN, "payout.status_not_asked",
        merchant_at == UINT16_MAX ? "the merchant that it was sent for is not configured"
                                  : status_sentence(status),
        LOG_BYTES("labels.order_id", inquiry->order_id));
    feed_answer(worker, handle, &(struct answer){.verdict = VERDICT_NOT_SENT});
}

void following_answered(struct worker *worker, const struct gateway_result *result)
{
    struct handle handle = flow_untag(result->tag);
    struct inquiry *inquiry = flow_inquiry(worker->flow, handle);
    if (inquiry == NULL || inquiry->step != INQUIRY_ASKING)
        return;
    struct following *following = &worker->followings[inquiry - worker->flow->inquiries];
    struct gateway_question question = {
        .profile = &worker->secrets->profiles[following->merchant_at],
        .method = GATEWAY_STATUS,
        .order_id = inquiry->order_id,
        .amount = &following->facts.amount,
        .overrides = &worker->options->error_codes,
    };
    struct answer answer = {.verdict = VERDICT_UNKNOWN,
                            .why = "the status query came to no answer"};
    if (result->why[0] == '\0')
        gateway_reply_status(&question, result->http_status, result->body, &inquiry->arena,
                             &answer);
    KILL_POINT("after_inquiry");
    histogram_add(&worker->counters.gateway_status, loop_now_ms() - following->sent_ms);
    LOG(LOG_LEVEL_DEBUG, "payout.status_answered",
        answer.why != NULL ? answer.why : verdict_name(answer.verdict),
        LOG_BYTES("labels.order_id", inquiry->order_id),
        LOG_TEXT("payout.verdict", verdict_name(answer.verdict)));
    feed_answer(worker, handle, &answer);
}

static size_t split_refused(struct bytes list, struct outcome *outcome)
{
    return asking_split_ids(list, outcome->refused_payment_ids, ORDER_PAYMENT_IDS_MAX);
}

static enum status make_report(struct inquiry *inquiry, struct bytes *ret_value)
{
    static const struct command nothing = {.order_id = {NULL, 0}};
    struct outcome outcome = {
        .command = &nothing,
        .state = inquiry->change,
        .attempt = inquiry->attempt,
        .doubt = inquiry->doubt,
        .evidence = EVIDENCE_STATUS,
        .answer = &inquiry->answer,
        .failure_code = inquiry->change == ORDER_FAILED ? inquiry->failure_code : NULL,
        .failure_message = "the gateway says that the payout failed",
        .failure_from_gateway = true,
        .failure_retryable = inquiry->failure_retryable,
        .occurred_ms = loop_wall_ms(),
    };
    outcome.refused_payment_ids_count = split_refused(inquiry->refused_payment_ids, &outcome);
    struct evidence_record record = {
        .kind = EVIDENCE_STATUS,
        .order_id = inquiry->order_id,
        .instance = inquiry->instance,
        .attempt = inquiry->attempt,
        .state = inquiry->change,
        .payment_id = inquiry->answer.payment_id,
    };
    TRY(outcome_json_change(inquiry->body, &outcome, &inquiry->arena, &record.body));
    return evidence_json_encode(&record, &inquiry->arena, ret_value);
}

void following_report(struct worker *worker, struct handle handle)
{
    struct inquiry *inquiry = flow_inquiry(worker->flow, handle);
    struct bytes value;
    KILL_POINT("before_report");
    enum status status = make_report(inquiry, &value);
    if (status == STATUS_OK)
        status =
            kafka_publisher_tell(worker->publisher, flow_tag(handle), inquiry->order_id, value);
    if (status == STATUS_OK)
        return;
    LOG(LOG_LEVEL_WARN, "payout.change_not_reported", status_sentence(status),
        LOG_BYTES("labels.order_id", inquiry->order_id));
    worker_feed(worker, &(struct flow_event){.kind = FLOW_TOLD, .payout = handle, .told = false});
}

/* A record of the resolutions topic, decoded into the payout. */
enum decoded_kind following_decode(struct worker *worker, struct payout *payout,
                                   const struct source_record *source, const char **ret_why)
{
    struct evidence_record record;
    struct bytes value;
    struct outcome_facts facts;
    struct parcel *parcel = worker_parcel(worker, payout);
    KILL_POINT("resolution_read");
    *ret_why = "larger than any record of ours";
    if (source->content.value.len > OUTCOME_BODY_MAX + 1024 ||
        arena_copy(&payout->arena, source->content.value, &value) != STATUS_OK ||
        evidence_json_decode(value, &record, ret_why) != STATUS_OK)
        return DECODED_UNREADABLE;
    *ret_why = "its outcome was not written by this program";
    if (outcome_json_read(record.body, &payout->arena, &facts) != STATUS_OK ||
        !bytes_equal(facts.order_id, record.order_id))
        return DECODED_UNREADABLE;
    parcel->context.id = facts.command_id;
    parcel->context.correlation_id = facts.command_id;
    payout->command.order_id = record.order_id;
    payout->state = record.state;
    payout->evidence = record.kind;
    payout->seen_attempt = payout->attempt = record.attempt;
    if (record.instance.len >= sizeof payout->seen_instance)
        return DECODED_UNREADABLE;
    if (record.instance.len > 0)
        memcpy(payout->seen_instance, record.instance.data, record.instance.len);
    payout->has_answer = true;
    payout->answer.payment_id = record.payment_id;
    payout->body = record.body;
    struct outcome doubtful = {.command = &payout->command,
                               .state = ORDER_UNKNOWN,
                               .attempt = record.attempt,
                               .doubt = true,
                               .evidence = record.kind,
                               .failure_code = "outcome_unknown",
                               .failure_message =
                                   "there is evidence of a payout that the ledger does not know",
                               .occurred_ms = loop_wall_ms()};
    return outcome_json_change(record.body, &doubtful, &payout->arena, &parcel->late_body) ==
                   STATUS_OK
               ? DECODED_EVIDENCE
               : DECODED_UNREADABLE;
}
