/* What people are told: one line for the end of a payout, one for each thing that a person should
 * know. */
#include "payoutd/app/worker.h"

#include "payoutd/adapter/log.h"

struct note_row {
    enum log_level level;
    const char *action;
    const char *message;
};

static const struct note_row note_rows[NOTE_COUNT] = {
    [NOTE_ORDER_CONFLICT] =
        {LOG_LEVEL_ERROR, "payout.conflict",
         "an order id came again with other words: it is not paid; see the dead letter"},
    [NOTE_CONTRADICTION] =
        {LOG_LEVEL_ERROR, "payout.contradiction",
         "evidence contradicts the final verdict: the verdict stands; ask the gateway's support"},
    [NOTE_FOREIGN_RECORD] = {LOG_LEVEL_ERROR, "ledger.foreign_record",
                             "the ledger's key of this order holds something that this version did "
                             "not write: the order stops, "
                             "the others go on; restore the key, or run the version that wrote it"},
    [NOTE_LEDGER_FORGOT] = {LOG_LEVEL_ERROR, "ledger.forgot",
                            "Redis may have forgotten: nothing is sent until the ledger is "
                            "confirmed; if it was a planned restart that "
                            "lost nothing, run `payoutctl recover --lossless`"},
    [NOTE_LEDGER_REMEMBERS] = {LOG_LEVEL_WARN, "ledger.remembers",
                               "the ledger is confirmed: payouts go on"},
    [NOTE_MERCHANT_HELD] = {LOG_LEVEL_ERROR, "merchant.held", "the merchant's payouts wait"},
    [NOTE_MERCHANT_RELEASED] = {LOG_LEVEL_WARN, "merchant.released",
                                "the merchant's payouts go on"},
    [NOTE_UNCONFIGURED] = {LOG_LEVEL_ERROR, "payout.unconfigured",
                           "its merchant, or the key of its encrypted card number, is not "
                           "configured here: the payout waits"},
    [NOTE_LATE] = {LOG_LEVEL_WARN, "payout.late",
                   "our answer came after the order had moved on: it goes to the resolutions topic "
                   "as evidence"},
    [NOTE_WINDOW_CLOSED] =
        {LOG_LEVEL_WARN, "kafka.window_closed",
         "too many positions after the oldest open one: the partition's intake pauses"},
    [NOTE_SENT_BY_OTHER] =
        {LOG_LEVEL_WARN, "payout.sent_by_other",
         "a request for this order is under way for an earlier copy of the command, "
         "or was in another process: its end is awaited, then the status is "
         "asked"},
    [NOTE_DRAIN_CUT] = {LOG_LEVEL_WARN, "worker.drain_cut",
                        "requests were still under way when the time was over: whoever comes next "
                        "asks their status"},
};

void telling_note(struct worker *worker, const struct flow_action *action)
{
    const struct note_row *row = &note_rows[action->note];
    const struct payout *payout = flow_payout(worker->flow, action->payout);
    bool is_merchants =
        action->note == NOTE_MERCHANT_HELD || action->note == NOTE_MERCHANT_RELEASED;
    if (is_merchants && action->merchant_at < worker->flow->config.merchants_count)
        LOG(row->level, row->action, row->message,
            LOG_BYTES("labels.merchant_id",
                      worker->secrets->profiles[action->merchant_at].merchant_id),
            LOG_TEXT("payout.hold_reason",
                     hold_reason_name(worker->flow->holds[action->merchant_at].reason)));
    else if (payout != NULL)
        LOG(row->level, row->action, row->message,
            LOG_BYTES("labels.order_id", payout->command.order_id),
            LOG_INT("kafka.partition", payout->partition), LOG_INT("kafka.offset", payout->offset),
            LOG_INT("payout.attempt", payout->attempt));
    else
        log_plain(row->level, row->action, row->message);
}

static void count(struct worker *worker, const struct payout *payout)
{
    struct worker_counters *counters = &worker->counters;
    if (payout->end == END_DUPLICATE) {
        if (payout->replayed)
            counters->duplicates_replayed++;
        else
            counters->duplicates_same++;
    }
    if (payout->end == END_CONFLICT)
        counters->duplicates_conflict++;
    if (payout->has_dead_letter)
        metrics_count_dead_letter(worker, payout->dead_letter_reason);
    if (payout->end != END_OUTCOME)
        return;
    counters->outcomes[payout->state]++;
    int64_t wall_ms = loop_wall_ms();
    histogram_add(&counters->processing, wall_ms - payout->received_ms);
    histogram_add(&counters->end_to_end, wall_ms - payout->timestamp_ms);
}

void telling_ended(struct worker *worker, const struct payout *payout)
{
    if (payout->end == END_DROPPED) {
        LOG(LOG_LEVEL_DEBUG, "payout.dropped", "left to whoever owns the partition",
            LOG_BYTES("labels.order_id", payout->command.order_id));
        return;
    }
    count(worker, payout);
    enum log_level level = payout->has_dead_letter ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
    if (!log_enabled(level))
        return;
    const char *outcome = payout->has_outcome ? order_state_outcome(payout->state) : NULL;
    const char *failure = payout->state == ORDER_PAID ? NULL : payout->failure_code;
    LOG(level, "payout.ended", outcome != NULL ? outcome : payout_end_name(payout->end),
        LOG_BYTES("labels.order_id", payout->command.order_id),
        LOG_TEXT("payout.end", payout_end_name(payout->end)),
        LOG_BYTES("error.code", failure != NULL ? bytes_of(failure) : BYTES_NONE),
        LOG_TEXT("payout.evidence", evidence_name(payout->evidence)),
        LOG_BYTES("payout.gateway_id", payout->has_answer ? payout->answer.payment_id : BYTES_NONE),
        LOG_INT("payout.attempt", payout->attempt), LOG_INT("payout.sequence", payout->sequence),
        LOG_TEXT("kafka.topic", payout->is_evidence ? worker->options->topics_resolutions
                                                    : worker->options->topics_commands),
        LOG_INT("kafka.partition", payout->partition), LOG_INT("kafka.offset", payout->offset),
        LOG_INT("event.duration_ms", loop_wall_ms() - payout->received_ms));
}
