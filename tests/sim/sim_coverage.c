/* What the seeds have met: each step of a payout against each fact and each fault. */
#include "sim.h"

#include <stdio.h>

enum {
    COLUMN_REPLIES = 0,
    COLUMN_PAYMENTS = COLUMN_REPLIES + LEDGER_ANSWER_COUNT,
    COLUMN_STATUSES = COLUMN_PAYMENTS + VERDICT_UNKNOWN + 1,
    COLUMN_FACTS = COLUMN_STATUSES + VERDICT_UNKNOWN + 1, /* by kind: what befalls every payout */
    COLUMN_KILL = COLUMN_FACTS + FLOW_STOP + 1,
    COLUMN_PAUSE,
    COLUMN_COUNT,
};

static int64_t cells[STEP_COUNT][COLUMN_COUNT];

static const char *fact_name(enum flow_event_kind kind)
{
    static const char *const names[] = {
        [FLOW_ASSIGNED] = "assigned",
        [FLOW_REVOKED] = "revoked",
        [FLOW_LOST] = "lost",
        [FLOW_DECODED] = "decoded",
        [FLOW_LEDGER_UP] = "ledger up",
        [FLOW_LEDGER_DOWN] = "ledger down",
        [FLOW_RESTORED] = "restored",
        [FLOW_LEDGER_REPLY] = "reply",
        [FLOW_PAYMENT_ANSWER] = "answer",
        [FLOW_STATUS_ANSWER] = "status",
        [FLOW_TOLD] = "told",
        [FLOW_PUBLISHER_READY] = "publisher ready",
        [FLOW_BATCH_COMMITTED] = "committed",
        [FLOW_BATCH_ABORTED] = "aborted",
        [FLOW_BATCH_FENCED] = "fenced",
        [FLOW_BATCH_REREAD] = "reread",
        [FLOW_STOP] = "stop",
    };
    _Static_assert(sizeof names / sizeof names[0] == FLOW_STOP + 1, "FLOW_STOP is the last kind");
    return names[kind];
}

static bool is_own(enum flow_event_kind kind)
{
    return kind == FLOW_LEDGER_REPLY || kind == FLOW_PAYMENT_ANSWER || kind == FLOW_STATUS_ANSWER ||
           kind == FLOW_DECODED || kind == FLOW_TOLD;
}

static void befall_all(const struct sim_worker *worker, int column)
{
    for (size_t i = 0; i < worker->flow->config.payouts_max; i++)
        cells[worker->flow->payouts[i].step][column]++;
}

void sim_coverage_event(const struct sim_worker *worker, const struct flow_event *event)
{
    if (!is_own(event->kind)) {
        befall_all(worker, COLUMN_FACTS + (int) event->kind);
        return;
    }
    struct payout *payout = flow_payout(worker->flow, event->payout);
    if (payout == NULL)
        return;
    int column =
        event->kind == FLOW_LEDGER_REPLY     ? COLUMN_REPLIES + (int) event->reply->answer
        : event->kind == FLOW_PAYMENT_ANSWER ? COLUMN_PAYMENTS + (int) event->answer->verdict
        : event->kind == FLOW_STATUS_ANSWER  ? COLUMN_STATUSES + (int) event->answer->verdict
                                             : COLUMN_FACTS + (int) event->kind;
    cells[payout->step][column]++;
}

void sim_coverage_fault(const struct sim_worker *worker, enum sim_cover fault)
{
    befall_all(worker, fault == SIM_COVER_KILL ? COLUMN_KILL : COLUMN_PAUSE);
}

static void name_of(int column, char *ret_name, size_t max)
{
    if (column < COLUMN_PAYMENTS)
        snprintf(ret_name, max, "reply %s", ledger_answer_name((enum ledger_answer) column));
    else if (column < COLUMN_STATUSES)
        snprintf(ret_name, max, "answer %s",
                 verdict_name((enum verdict)(column - COLUMN_PAYMENTS)));
    else if (column < COLUMN_FACTS)
        snprintf(ret_name, max, "status %s",
                 verdict_name((enum verdict)(column - COLUMN_STATUSES)));
    else if (column < COLUMN_KILL)
        snprintf(ret_name, max, "%s", fact_name((enum flow_event_kind)(column - COLUMN_FACTS)));
    else
        snprintf(ret_name, max, "%s", column == COLUMN_KILL ? "kill" : "pause");
}

/* Facts that no step ever gets by the way the parts speak are rows of zeros: left out. */
static bool is_met(int column)
{
    for (int step = 0; step < STEP_COUNT; step++)
        if (cells[step][column] > 0)
            return true;
    return false;
}

static void print_row(int column)
{
    char name[40];
    name_of(column, name, sizeof name);
    printf("%-22s", name);
    for (int step = STEP_DECODING; step < STEP_COUNT; step++)
        printf(" %10lld", (long long) cells[step][column]);
    printf("\n");
}

void sim_coverage_print(void)
{
    char name[40];
    printf("%-22s", "");
    for (int step = STEP_DECODING; step < STEP_COUNT; step++)
        printf(" %10s", payout_step_name((enum payout_step) step));
    printf("\n");
    for (int column = 0; column < COLUMN_COUNT; column++)
        if (is_met(column))
            print_row(column);
    printf("\nnever met by any payout:");
    for (int column = 0; column < COLUMN_COUNT; column++) {
        name_of(column, name, sizeof name);
        if (!is_met(column))
            printf(" [%s]", name);
    }
    printf("\nmet by some steps, not by:\n");
    for (int column = 0; column < COLUMN_COUNT; column++) {
        if (!is_met(column))
            continue;
        name_of(column, name, sizeof name);
        printf("  %-22s", name);
        for (int step = STEP_DECODING; step < STEP_COUNT; step++)
            if (cells[step][column] == 0)
                printf(" %s", payout_step_name((enum payout_step) step));
        printf("\n");
    }
}
