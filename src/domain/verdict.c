/* What an attempt came to: names of verdicts, evidence and states, and the classes of the gateway's
 * codes. */
#include "payoutd/domain/verdict.h"

struct error_row {
    int32_t code;
    enum error_class class;
    const char *failure_code;
    const char *meaning;
};

#define ERROR_CODE(code_, class_, failure_code_, meaning_) \
    {code_, ERROR_CLASS_##class_, failure_code_, meaning_},
static const struct error_row error_rows[] = {
#include "payoutd/domain/error_codes.def"
};
#undef ERROR_CODE

static const struct error_row *row_of(int32_t code)
{
    for (size_t i = 0; i < sizeof error_rows / sizeof error_rows[0]; i++) {
        if (error_rows[i].code == code)
            return &error_rows[i];
    }
    return NULL;
}

enum error_class error_class_of(int32_t code, const struct error_overrides *overrides)
{
    for (size_t i = 0; overrides != NULL && i < overrides->count; i++) {
        if (overrides->items[i].code == code)
            return overrides->items[i].class;
    }
    const struct error_row *row = row_of(code);
    return row == NULL ? ERROR_CLASS_UNKNOWN : row->class;
}

const char *error_failure_code(int32_t code)
{
    const struct error_row *row = row_of(code);
    return row == NULL ? "gateway_error" : row->failure_code;
}

const char *error_meaning(int32_t code)
{
    const struct error_row *row = row_of(code);
    return row == NULL ? NULL : row->meaning;
}

char error_class_letter(enum error_class class)
{
    switch (class) {
    case ERROR_CLASS_UNKNOWN:
        return 'U';
    case ERROR_CLASS_DECLINED:
        return 'D';
    case ERROR_CLASS_LIMIT:
        return 'L';
    case ERROR_CLASS_CONFIGURATION:
        return 'C';
    case ERROR_CLASS_BALANCE:
        return 'B';
    case ERROR_CLASS_NO_PAYMENT:
        return 'N';
    }
    return 'U';
}

const char *verdict_name(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_ACCEPTED:
        return "accepted";
    case VERDICT_REFUSED:
        return "refused";
    case VERDICT_PENDING:
        return "pending";
    case VERDICT_NOT_SENT:
        return "not_sent";
    case VERDICT_UNKNOWN:
        return "unknown";
    }
    return "unknown";
}

const char *evidence_name(enum evidence evidence)
{
    switch (evidence) {
    case EVIDENCE_NONE:
        return "none";
    case EVIDENCE_ANSWER:
        return "answer";
    case EVIDENCE_STATUS:
        return "status";
    case EVIDENCE_CALLBACK:
        return "callback";
    case EVIDENCE_NOT_SENT:
        return "not_sent";
    case EVIDENCE_OPERATOR:
        return "operator";
    case EVIDENCE_WORKER:
        return "worker";
    }
    return "none";
}

struct state_row {
    const char *name;
    const char *outcome; /* NULL: nothing is published in this state */
    bool final;
};

static const struct state_row state_rows[] = {
    [ORDER_ABSENT] = {"ABSENT", NULL, false},
    [ORDER_READY] = {"READY", NULL, false},
    [ORDER_SENDING] = {"SENDING", NULL, false},
    [ORDER_PENDING] = {"PENDING", "pending", false},
    [ORDER_UNKNOWN] = {"UNKNOWN", "unknown", false},
    [ORDER_PAID] = {"PAID", "succeeded", true},
    [ORDER_FAILED] = {"FAILED", "failed", true},
    [ORDER_REJECTED] = {"REJECTED", "rejected", true},
};

enum { STATES_COUNT = sizeof state_rows / sizeof state_rows[0] };

const char *order_state_name(enum order_state state)
{
    must((unsigned) state < STATES_COUNT);
    return state_rows[state].name;
}

bool order_state_is_final(enum order_state state)
{
    must((unsigned) state < STATES_COUNT);
    return state_rows[state].final;
}

const char *order_state_outcome(enum order_state state)
{
    must((unsigned) state < STATES_COUNT);
    return state_rows[state].outcome;
}

enum status order_state_parse(struct bytes text, enum order_state *ret_state)
{
    for (size_t i = 0; i < STATES_COUNT; i++) {
        if (bytes_equal_text(text, state_rows[i].name)) {
            *ret_state = (enum order_state) i;
            return STATUS_OK;
        }
    }
    return STATUS_SYNTAX;
}
