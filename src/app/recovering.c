/* The restorer, when the first resolutions partition is ours and Redis may have forgotten
 * (docs/RECOVERY.md). */
#include "payoutd/app/worker.h"

#include "payoutd/adapter/log.h"

enum { ACKNOWLEDGEMENTS_MS = 60000 };

static void tell_report(const struct restorer_report *report)
{
    LOG(LOG_LEVEL_WARN, "ledger.restored", "the ledger holds again what Kafka knows",
        LOG_INT("recovery.shards", report->shards), LOG_INT("recovery.outcomes", report->outcomes),
        LOG_INT("recovery.restored", report->restored),
        LOG_INT("recovery.doubted", report->doubted),
        LOG_INT("event.duration_ms", report->took_ms));
    if (report->gone > 0)
        LOG(LOG_LEVEL_ERROR, "ledger.positions_gone",
            "open positions were deleted by Kafka before they were done: only the gateway knows "
            "whether they were paid",
            LOG_INT("recovery.gone", report->gone));
    if (report->contradictions > 0)
        LOG(LOG_LEVEL_ERROR, "ledger.contradictions",
            "orders have two different final outcomes: see docs/RECOVERY.md",
            LOG_INT("recovery.contradictions", report->contradictions));
}

static void on_done(void *context, enum status status, const struct restorer_report *report,
                    const char *why)
{
    struct worker *worker = context;
    if (status == STATUS_OK)
        tell_report(report);
    else
        LOG(LOG_LEVEL_WARN, "ledger.not_restored", why,
            LOG_TEXT("error.code", status_name(status)));
    restorer_stop(worker->restorer);
    worker->restorer = NULL;
    worker_feed(worker,
                &(struct flow_event){.kind = FLOW_RESTORED, .restored = status == STATUS_OK});
}

void recovering_start(struct worker *worker)
{
    struct restorer_options options = {
        .options = worker->options,
        .secrets = worker->secrets,
        .mode = RESTORER_RECOVER,
        .timeout_ms = ACKNOWLEDGEMENTS_MS,
    };
    must(worker->restorer == NULL);
    enum status status = restorer_start(worker->loop, &options, on_done, worker, &worker->restorer);
    if (status == STATUS_OK) {
        log_plain(LOG_LEVEL_WARN, "ledger.restoring",
                  "this worker owns the first resolutions partition: it restores the ledger");
        return;
    }
    LOG(LOG_LEVEL_ERROR, "ledger.not_restored", status_sentence(status),
        LOG_TEXT("error.code", status_name(status)));
    worker_feed(worker, &(struct flow_event){.kind = FLOW_RESTORED, .restored = false});
}
