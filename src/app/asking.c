/* The conversation with the ledger: a payout's facts become a call, the answer becomes a fact. */
#include "payoutd/app/worker.h"

#include "payoutd/adapter/kill_point.h"
#include "payoutd/adapter/log.h"
#include "payoutd/codec/evidence_json.h"

#include <string.h>

static const char *source_topic_name(const struct worker *worker, const struct payout *payout)
{
    return payout->is_evidence ? worker->options->topics_resolutions
                               : worker->options->topics_commands;
}

static void fill_failure(const struct payout *payout, enum order_state state,
                         struct outcome *outcome)
{
    outcome->failure_code = payout->failure_code;
    outcome->failure_message = payout->failure_message;
    outcome->failure_from_gateway = payout->failure_from_gateway;
    outcome->failure_retryable = payout->failure_retryable;
    if (state == ORDER_PAID || state == ORDER_PENDING)
        outcome->failure_code = NULL;
    else if (outcome->failure_code == NULL)
        outcome->failure_code = state == ORDER_UNKNOWN ? "outcome_unknown" : "not_sent";
    if (outcome->failure_code == NULL)
        outcome->failure_message = NULL;
    else if (outcome->failure_message == NULL)
        outcome->failure_message = "sent, and no trustworthy answer came";
}

/* A rejected order, or one that never was sent before its time was over, is the worker's own word.
 */
static enum evidence evidence_of(const struct payout *payout, enum order_state state)
{
    if (state == ORDER_REJECTED)
        return EVIDENCE_WORKER;
    return payout->script == LEDGER_REJECT ? EVIDENCE_NOT_SENT : payout->evidence;
}

size_t asking_split_ids(struct bytes list, struct bytes *ret_ids, size_t max)
{
    size_t count = 0, begin = 0;
    for (size_t i = 0; i <= list.len && count < max; i++) {
        if (i < list.len && list.data[i] != ' ')
            continue;
        if (i > begin)
            ret_ids[count++] = (struct bytes){list.data + begin, i - begin};
        begin = i + 1;
    }
    return count;
}

struct bytes asking_body(struct worker *worker, struct payout *payout, enum order_state state)
{
    const struct parcel *parcel = worker_parcel(worker, payout);
    const struct gateway_profile *profile = worker_profile(worker, payout);
    struct outcome outcome = {
        .command = &payout->command,
        .context = &parcel->context,
        .position = {source_topic_name(worker, payout), payout->partition, payout->offset,
                     payout->timestamp_ms},
        .merchant_id = payout->merchant_id,
        .state = state,
        .attempt = payout->attempt,
        .doubt = payout->doubt,
        .evidence = evidence_of(payout, state),
        .answer = payout->has_answer ? &payout->answer : NULL,
        .received_ms = payout->received_ms,
        .armed_ms = payout->armed_ms,
        .answered_ms = payout->has_answer ? payout->answered_ms : 0,
        .occurred_ms = loop_wall_ms(),
        .livemode =
            profile != NULL && worker->options->merchants[payout->merchant_at].profile->livemode,
        .destination_key = worker->secrets->rules.fingerprint_key,
    };
    outcome.refused_payment_ids_count = asking_split_ids(
        payout->refused_payment_ids, outcome.refused_payment_ids, ORDER_PAYMENT_IDS_MAX);
    fill_failure(payout, state, &outcome);
    struct bytes body = BYTES_NONE;
    enum status status = outcome_json_body(&outcome, &payout->arena, &body);
    must(status == STATUS_OK); /* the arena has room for the largest: worker.c */
    return body;
}

static void make_bodies(struct worker *worker, struct payout *payout)
{
    if (!bytes_is_none(payout->body))
        return; /* a repeat: the same arguments */
    if (payout->script == LEDGER_SETTLE)
        payout->body = asking_body(worker, payout, payout->state);
    if (payout->script != LEDGER_REJECT)
        return;
    payout->body = asking_body(worker, payout, ORDER_REJECTED);
    worker_parcel(worker, payout)->late_body = asking_body(worker, payout, ORDER_FAILED);
}

static struct bytes profile_name(struct worker *worker, struct payout *payout)
{
    return worker_profile(worker, payout) == NULL
               ? BYTES_NONE
               : bytes_of(worker->options->merchants[payout->merchant_at].profile->name);
}

enum { FIRST_STATUS_MS = 2000 }; /* an outcome that is still open is asked about soon */

static int64_t due_ms(const struct worker *worker)
{
    return worker->flow->config.request_timeout_ms + worker->flow->config.grace_ms;
}

void asking_ask(struct worker *worker, struct payout *payout)
{
    make_bodies(worker, payout);
    bool is_as_seen = payout->script == LEDGER_SETTLE && payout->mode != SETTLE_OWN_ANSWER;
    struct ledger_call call = {
        .script = payout->script,
        .tag = flow_tag(flow_handle_of(payout)),
        .token = worker->flow->token,
        .order_id = payout->command.order_id,
        .by = {bytes_of(source_topic_name(worker, payout)), payout->partition, payout->offset},
        .fingerprint = payout->is_evidence ? NULL : payout->command.fingerprint,
        .instance = bytes_of(is_as_seen ? payout->seen_instance : worker->instance.hex),
        .call = payout->call,
        .attempt = payout->script == LEDGER_ARM ? payout->attempt + 1
                   : is_as_seen                 ? payout->seen_attempt
                                                : payout->attempt,
        .merchant_id = payout->merchant_id,
        .profile = profile_name(worker, payout),
        .due_ms = payout->script == LEDGER_SETTLE ? FIRST_STATUS_MS : due_ms(worker),
        .mode = payout->mode,
        .evidence = payout->evidence,
        .state = payout->state,
        .body = payout->body,
        .late_body = worker_parcel(worker, payout)->late_body,
        .payment_id = payout->has_answer ? payout->answer.payment_id : BYTES_NONE,
    };
    KILL_POINT_LEDGER("before", call.script);
    enum status status = ledger_ask(worker->ledger, &call);
    if (status ==
        STATUS_BAD_FIELD) { /* a payment id of strange characters: the body has it, escaped */
        call.payment_id = BYTES_NONE;
        status = ledger_ask(worker->ledger, &call);
    }
    if (status == STATUS_OK)
        return;
    struct ledger_reply reply = {.answer = LEDGER_BLOCKED, .script = call.script, .tag = call.tag};
    worker_feed(worker, &(struct flow_event){.kind = FLOW_LEDGER_REPLY,
                                             .payout = flow_handle_of(payout),
                                             .reply = &reply});
}

void asking_mark_published(struct worker *worker, const struct payout *payout)
{
    struct ledger_call call = {
        .script = LEDGER_PUBLISHED,
        .token = worker->flow->token,
        .order_id = payout->command.order_id,
        .by = {bytes_of(source_topic_name(worker, payout)), payout->partition, payout->offset},
        .sequence = payout->sequence,
    };
    KILL_POINT_LEDGER("before", call.script);
    enum status status = ledger_ask(worker->ledger, &call);
    (void) status; /* only a mark: an order without it is marked when it is met again */
}

static void on_reply(void *context, const struct ledger_reply *reply)
{
    struct worker *worker = context;
    KILL_POINT_LEDGER("after", reply->script);
    if (reply->answer == LEDGER_BLOCKED || reply->answer == LEDGER_FAILED)
        LOG(LOG_LEVEL_DEBUG, "ledger.repeat", reply->why == NULL ? "no answer" : reply->why,
            LOG_TEXT("ledger.answer", ledger_answer_name(reply->answer)));
    if (reply->tag == 0)
        return; /* a mark */
    worker_feed(worker, &(struct flow_event){.kind = FLOW_LEDGER_REPLY,
                                             .payout = flow_untag(reply->tag),
                                             .reply = reply});
}

static void on_up(void *context, uint64_t token)
{
    struct worker *worker = context;
    if (worker->last_token != 0 && worker->last_token != token) {
        worker->counters.ledger_token_changes++;
        log_plain(LOG_LEVEL_WARN, "ledger.changed",
                  "Redis is another process or another master than before: it may have forgotten");
    }
    worker->last_token = token;
    worker->ledger_up_once = true;
    log_plain(LOG_LEVEL_INFO, "ledger.up", "the ledger can be asked");
    worker_feed(worker, &(struct flow_event){.kind = FLOW_LEDGER_UP, .token = token});
}

static void on_down(void *context, enum status status, const char *why)
{
    struct worker *worker = context;
    worker->counters.ledger_downs++;
    LOG(LOG_LEVEL_WARN, "ledger.down", why, LOG_TEXT("error.code", status_name(status)));
    worker_feed(worker, &(struct flow_event){.kind = FLOW_LEDGER_DOWN});
}

void asking_events(struct worker *worker, struct ledger_events *ret_events)
{
    *ret_events =
        (struct ledger_events){.up = on_up, .down = on_down, .reply = on_reply, .context = worker};
}

struct bytes asking_evidence(struct worker *worker, struct payout *payout)
{
    struct evidence_record record = {
        .kind = EVIDENCE_ANSWER,
        .order_id = payout->command.order_id,
        .instance = bytes_of(worker->instance.hex),
        .attempt = payout->attempt,
        .state = payout->state,
        .payment_id = payout->has_answer ? payout->answer.payment_id : BYTES_NONE,
        .body = payout->body,
    };
    struct bytes value;
    enum status status = evidence_json_encode(&record, &payout->arena, &value);
    if (status ==
        STATUS_BAD_FIELD) { /* a payment id of strange characters: the body has it, escaped */
        record.payment_id = BYTES_NONE;
        status = evidence_json_encode(&record, &payout->arena, &value);
    }
    must(status == STATUS_OK);
    return value;
}
