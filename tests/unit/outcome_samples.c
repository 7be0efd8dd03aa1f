/* One outcome of every kind: see outcome_samples.h. */
#include "outcome_samples.h"

#include <string.h>

enum { SECOND_MS = 1000 };
static const int64_t noon_ms = INT64_C(1748520000000); /* 2025-05-29T12:00:00Z */

const char *outcome_samples_name(enum outcome_sample sample)
{
    static const char *const names[SAMPLE_COUNT] = {"succeeded", "failed", "pending", "unknown",
                                                    "rejected"};
    return names[sample];
}

static void fill_command(struct command *command)
{
    command->order_id = BYTES("ORD-2025-0001");
    command->amount =
        (struct money){.amount_minor = 150050, .currency = "KZT", .text = BYTES("1500.50")};
    command->description = BYTES("Payout for May");
    command->destination = (struct destination){.type = DESTINATION_CARD, .pan = BYTES(SAMPLE_PAN)};
    command->user_id = BYTES("seller-42");
    command->metadata[0] = (struct metadata_entry){BYTES("batch"), BYTES("2025-05-B")};
    command->metadata_count = 1;
    for (size_t i = 0; i < sizeof command->fingerprint; i++)
        command->fingerprint[i] = (uint8_t) (i * 7);
}

static void fill_answer(struct answer *answer, enum verdict verdict, struct bytes status)
{
    answer->verdict = verdict;
    answer->status = status;
    answer->payment_id = BYTES("7777777777");
    answer->paid_amount_minor = -1;
    answer->http_status = 200;
    answer->verified = true;
}

static void fill_outcome(struct sample_facts *facts, enum order_state state)
{
    facts->outcome = (struct outcome){
        .command = &facts->command,
        .context = &facts->context,
        .position = {"payout.commands", 3, 1042, noon_ms},
        .merchant_id = BYTES("9970"),
        .state = state,
        .attempt = 1,
        .evidence = EVIDENCE_ANSWER,
        .answer = &facts->answer,
        .received_ms = noon_ms + 5,
        .armed_ms = noon_ms + 9,
        .answered_ms = noon_ms + SECOND_MS,
        .occurred_ms = noon_ms + SECOND_MS + 2,
        .livemode = true,
        .destination_key = BYTES("a key of thirty-two bytes or more"),
    };
}

static void fill_failure(struct outcome *outcome, const char *code, const char *message)
{
    outcome->failure_code = code;
    outcome->failure_message = message;
}

void outcome_samples_fill(enum outcome_sample sample, struct sample_facts *ret_facts)
{
    static const enum order_state states[SAMPLE_COUNT] = {ORDER_PAID, ORDER_FAILED, ORDER_PENDING,
                                                          ORDER_UNKNOWN, ORDER_REJECTED};
    struct sample_facts *facts = ret_facts;
    memset(facts, 0, sizeof *facts);
    fill_command(&facts->command);
    facts->context = (struct event_context){.id = BYTES("cmd-1"),
                                            .correlation_id = BYTES("flow-7"),
                                            .traceparent = BYTES(SAMPLE_TRACE)};
    fill_outcome(facts, states[sample]);
    switch (sample) {
    case SAMPLE_SUCCEEDED:
        fill_answer(&facts->answer, VERDICT_ACCEPTED, BYTES("ok"));
        facts->answer.paid_amount_minor = 150050;
        facts->answer.reference = BYTES("FSDUNJFA244324");
        facts->answer.payment_date = BYTES("2025-05-29T17:00:01+05:00");
        break;
    case SAMPLE_FAILED:
        fill_answer(&facts->answer, VERDICT_REFUSED, BYTES("error"));
        facts->answer.error_code = 10001;
        facts->answer.error_description = BYTES("Card " SAMPLE_PAN " was declined by \"the bank\"");
        facts->outcome.refused_payment_ids[0] = BYTES("7777777770");
        facts->outcome.refused_payment_ids_count = 1;
        facts->outcome.attempt = 2;
        fill_failure(&facts->outcome, "card_declined", "the gateway declined the card");
        facts->outcome.failure_from_gateway = true;
        break;
    case SAMPLE_PENDING:
        fill_answer(&facts->answer, VERDICT_PENDING, BYTES("process"));
        break;
    case SAMPLE_UNKNOWN:
        facts->outcome.answer = NULL;
        facts->outcome.answered_ms = 0;
        facts->outcome.evidence = EVIDENCE_NONE;
        facts->outcome.doubt = true;
        fill_failure(&facts->outcome, "outcome_unknown", "sent, and no trustworthy answer came");
        break;
    case SAMPLE_REJECTED:
        memset(&facts->command.amount, 0, sizeof facts->command.amount);
        facts->command.destination.pan = BYTES_NONE;
        facts->outcome.answer = NULL;
        facts->outcome.armed_ms = facts->outcome.answered_ms = 0;
        facts->outcome.attempt = 0;
        facts->outcome.evidence = EVIDENCE_WORKER;
        fill_failure(&facts->outcome, "validation_failed", "amount.value: must be a string");
        break;
    case SAMPLE_COUNT:
        break;
    }
}
