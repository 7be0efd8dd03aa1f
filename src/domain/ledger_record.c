/* The ledger's answers by name, for logs and metrics. */
#include "payoutd/domain/ledger_record.h"

static const char *const answer_names[LEDGER_ANSWER_COUNT] = {
    [LEDGER_ARMED] = "ARMED",
    [LEDGER_PARKED] = "PARKED",
    [LEDGER_SENT_BY_OTHER] = "SENT_BY_OTHER",
    [LEDGER_KNOWN] = "KNOWN",
    [LEDGER_DUPLICATE] = "DUPLICATE",
    [LEDGER_CONFLICT] = "CONFLICT",
    [LEDGER_DISARMED] = "DISARMED",
    [LEDGER_SETTLED] = "SETTLED",
    [LEDGER_LATE] = "LATE",
    [LEDGER_DONE] = "DONE",
    [LEDGER_CONTRADICTION] = "CONTRADICTION",
    [LEDGER_MOVED] = "MOVED",
    [LEDGER_MARKED] = "MARKED",
    [LEDGER_DUE_LIST] = "DUE_LIST",
    [LEDGER_FOUND] = "FOUND",
    [LEDGER_ABSENT] = "ABSENT",
    [LEDGER_EMPTY] = "EMPTY",
    [LEDGER_FOREIGN] = "FOREIGN",
    [LEDGER_FAILED] = "FAILED",
    [LEDGER_BLOCKED] = "BLOCKED",
};

const char *ledger_answer_name(enum ledger_answer answer)
{
    must((unsigned) answer < LEDGER_ANSWER_COUNT);
    return answer_names[answer];
}
