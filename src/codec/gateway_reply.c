/* What the gateway's answer proves about the order it was asked about: see gateway_reply.h. */
#include "payoutd/codec/gateway_reply.h"

/* The answer's own words, by field. Absent ones are BYTES_NONE. */
struct facts {
    struct bytes status, payment_status, payment_id, error_code;
    struct bytes merchant_id, order_id, amount, currency, balance;
    bool ambiguous; /* a field that we read came twice, or with children */
};

static const char why_http[] = "the HTTP status is not 200";
static const char why_unsigned[] = "the answer carries no valid signature";
static const char why_no_merchant[] = "unsigned: the gateway did not recognise the merchant";
static const char why_no_payment[] = "the gateway says that it has no such payment";
static const char why_our_signature[] = "unsigned: the gateway did not accept our signature";

static struct bytes read_one(const struct field *fields, size_t count, struct bytes name,
                             bool *ambiguous)
{
    const struct field *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!bytes_equal(fields[i].name, name))
            continue;
        if (found != NULL || fields[i].children_count > 0)
            *ambiguous = true;
        found = &fields[i];
    }
    return found == NULL ? BYTES_NONE : found->value;
}

static void read_facts(const struct field *fields, size_t count, struct facts *ret_facts)
{
    struct facts facts = {.ambiguous = false};
    bool *ambiguous = &facts.ambiguous;
    facts.status = read_one(fields, count, BYTES("pg_status"), ambiguous);
    facts.payment_status = read_one(fields, count, BYTES("pg_payment_status"), ambiguous);
    facts.payment_id = read_one(fields, count, BYTES("pg_payment_id"), ambiguous);
    facts.error_code = read_one(fields, count, BYTES("pg_error_code"), ambiguous);
    facts.merchant_id = read_one(fields, count, BYTES("pg_merchant_id"), ambiguous);
    facts.order_id = read_one(fields, count, BYTES("pg_order_id"), ambiguous);
    facts.amount = read_one(fields, count, BYTES("pg_payment_amount"), ambiguous);
    facts.currency = read_one(fields, count, BYTES("pg_currency"), ambiguous);
    facts.balance = read_one(fields, count, BYTES("pg_balance"), ambiguous);
    *ret_facts = facts;
}

static bool read_error_code(const struct facts *facts, int32_t *ret_code)
{
    int64_t code = 0;
    if (bytes_to_int64(facts->error_code, &code) != STATUS_OK || code > INT32_MAX)
        return false;
    *ret_code = (int32_t) code;
    return true;
}

/* What the answer says, for people and events; which of it counts is decided by the verdict. */
static void copy_facts(const struct field *fields, size_t count, const struct facts *facts,
                       struct answer *answer)
{
    bool ignored = false;
    int64_t payment_id = 0;
    answer->status = facts->status;
    (void) read_error_code(facts, &answer->error_code);
    if (bytes_to_int64(facts->payment_id, &payment_id) == STATUS_OK && payment_id > 0)
        answer->payment_id = facts->payment_id;
    if (!bytes_is_none(facts->amount) &&
        money_parse_reply(facts->amount, &answer->paid_amount_minor) != STATUS_OK)
        answer->paid_amount_minor = -1;
    answer->error_description = read_one(fields, count, BYTES("pg_error_description"), &ignored);
    answer->reference = read_one(fields, count, BYTES("pg_reference"), &ignored);
    answer->payment_date = read_one(fields, count, BYTES("pg_payment_date"), &ignored);
}

/* Two refusals come unsigned by nature. They are named for the operator, and believed by nobody
 * (R12). */
static const char *why_not_verified(const struct facts *facts, struct answer *answer)
{
    int32_t code = 0;
    if (facts->ambiguous || !bytes_equal(facts->status, BYTES("error")) ||
        !read_error_code(facts, &code))
        return why_unsigned;
    if (code == 9998 || code == 101) {
        answer->error_code = code;
        return why_no_merchant;
    }
    if (code == 1100 || code == 100) {
        answer->error_code = code;
        return why_our_signature;
    }
    return why_unsigned;
}

static const char *why_not_parsed(enum status status)
{
    if (status == STATUS_NO_ROOM)
        return "there was no memory to read the answer";
    if (status == STATUS_TOO_LARGE || status == STATUS_TOO_DEEP)
        return "the answer is larger or deeper than any real one";
    return "the answer is not complete, well-formed XML";
}

/* Does what the answer names match what was sent? NULL, or a sentence. An absent field is judged
 * elsewhere. */
static const char *why_not_ours(const struct gateway_question *question, const struct facts *facts,
                                const struct answer *answer)
{
    const struct money *sent = question->amount;
    if (!bytes_is_none(facts->merchant_id) &&
        !bytes_equal(facts->merchant_id, question->profile->merchant_id))
        return "signed, but for another merchant";
    if (!bytes_is_none(facts->order_id) && !bytes_equal(facts->order_id, question->order_id))
        return "signed, but for another order";
    if (sent == NULL)
        return NULL;
    if (!bytes_is_none(facts->amount) && !money_same_amount(sent, answer->paid_amount_minor))
        return "signed, but for another amount";
    if (!bytes_is_none(facts->currency) && !bytes_equal_text(facts->currency, sent->currency))
        return "signed, but for another currency";
    return NULL;
}

/*
 * Parses and verifies. True: the answer came with HTTP 200, is signed, unambiguous, and names
 * nothing that differs from the question. False: `ret_answer` is UNKNOWN and says why.
 */
static bool believe(const struct gateway_question *question, int32_t http_status, struct bytes xml,
                    struct arena *arena, struct facts *ret_facts, struct answer *ret_answer)
{
    struct bytes script = signature_script(question->profile->paths[question->method]);
    struct field *fields = NULL;
    size_t count = 0;
    *ret_answer = (struct answer){
        .verdict = VERDICT_UNKNOWN, .paid_amount_minor = -1, .http_status = http_status};
    enum status parsed = gateway_reply_parse(xml, arena, &fields, &count);
    if (parsed != STATUS_OK) {
        ret_answer->why = http_status == 200 ? why_not_parsed(parsed) : why_http;
        return false;
    }
    read_facts(fields, count, ret_facts);
    if (signature_check(script, fields, count, question->profile->secret) != STATUS_OK) {
        const char *why = why_not_verified(ret_facts, ret_answer);
        ret_answer->why = http_status != 200 && why == why_unsigned ? why_http : why;
        return false;
    }
    ret_answer->verified = true;
    copy_facts(fields, count, ret_facts, ret_answer);
    if (http_status != 200)
        ret_answer->why = why_http;
    else if (ret_facts->ambiguous)
        ret_answer->why = "signed, but a field that must be single is repeated or nested";
    else
        ret_answer->why = why_not_ours(question, ret_facts, ret_answer);
    return ret_answer->why == NULL;
}

static void decide(struct answer *answer, enum verdict verdict, const char *why)
{
    answer->verdict = verdict;
    answer->why = why;
}

/* A payment is believed only from an answer that names merchant, order, payment id and, for a
 * payout, amount. */
static const char *why_not_whole(const struct facts *facts, const struct answer *answer)
{
    if (facts->merchant_id.len == 0)
        return "signed, but it names no merchant";
    if (facts->order_id.len == 0)
        return "signed, but it names no order";
    if (answer->payment_id.len == 0)
        return "signed, but it names no payment id";
    return NULL;
}

/* A payout's error: only a code whose class says so proves that no money moved. */
static void judge_error(const struct gateway_question *question, const struct facts *facts,
                        struct answer *answer)
{
    int32_t code = 0;
    enum error_class class = ERROR_CLASS_UNKNOWN;
    if (read_error_code(facts, &code))
        class = error_class_of(code, question->overrides);
    switch (class) {
    case ERROR_CLASS_DECLINED:
    case ERROR_CLASS_LIMIT:
    case ERROR_CLASS_CONFIGURATION:
    case ERROR_CLASS_BALANCE:
        answer->error_class = class;
        decide(answer, VERDICT_REFUSED, NULL);
        return;
    case ERROR_CLASS_UNKNOWN:
    case ERROR_CLASS_NO_PAYMENT:
        decide(answer, VERDICT_UNKNOWN, "a signed error that does not say whether money moved");
        return;
    }
}

void gateway_reply_payout(const struct gateway_question *question, int32_t http_status,
                          struct bytes xml, struct arena *arena, struct answer *ret_answer)
{
    struct facts facts;
    if (!believe(question, http_status, xml, arena, &facts, ret_answer))
        return;
    if (bytes_equal(facts.status, BYTES("ok"))) {
        const char *why = why_not_whole(&facts, ret_answer);
        if (why == NULL && ret_answer->paid_amount_minor < 0)
            why = "signed, but it names no amount";
        decide(ret_answer, why == NULL ? VERDICT_ACCEPTED : VERDICT_UNKNOWN, why);
    } else if (bytes_equal(facts.status, BYTES("error"))) {
        judge_error(question, &facts, ret_answer);
    } else if (facts.status.len == 0) {
        decide(ret_answer, VERDICT_UNKNOWN, "signed, but it names no status");
    } else {
        decide(ret_answer, VERDICT_PENDING, NULL);
    }
}

/* The query itself failed, which says nothing of a payment, unless the code says that there is
 * none. */
static void judge_query_error(const struct gateway_question *question, const struct facts *facts,
                              struct answer *answer)
{
    int32_t code = 0;
    if (read_error_code(facts, &code) &&
        error_class_of(code, question->overrides) == ERROR_CLASS_NO_PAYMENT) {
        answer->no_such_payment = true;
        decide(answer, VERDICT_UNKNOWN, why_no_payment);
        return;
    }
    decide(answer, VERDICT_UNKNOWN, "the gateway refused the status query");
}

/*
 * "error" is the gateway's last word on a payment, whatever its code. B and C are not passed on:
 * they reopen an order for another attempt, which only the answer to our own request may do
 * (docs/PROTOCOL.md, sentence 2).
 */
static void judge_failed_payment(const struct gateway_question *question, const struct facts *facts,
                                 struct answer *answer)
{
    int32_t code = 0;
    bool is_limit = read_error_code(facts, &code) &&
                    error_class_of(code, question->overrides) == ERROR_CLASS_LIMIT;
    answer->error_class = is_limit ? ERROR_CLASS_LIMIT : ERROR_CLASS_DECLINED;
    decide(answer, VERDICT_REFUSED, NULL);
}

static void judge_payment(const struct gateway_question *question, const struct facts *facts,
                          struct answer *answer)
{
    bool paid = bytes_equal(facts->payment_status, BYTES("success"));
    bool failed = bytes_equal(facts->payment_status, BYTES("error"));
    const char *why = why_not_whole(facts, answer);
    answer->status = facts->payment_status;
    if ((paid || failed) && why != NULL)
        decide(answer, VERDICT_UNKNOWN, why);
    else if (paid)
        decide(answer, VERDICT_ACCEPTED, NULL);
    else if (failed)
        judge_failed_payment(question, facts, answer);
    else if (facts->payment_status.len == 0)
        decide(answer, VERDICT_UNKNOWN, "signed, but it names no payment status");
    else
        decide(answer, VERDICT_PENDING, NULL);
}

static bool is_zero(struct bytes payment_id)
{
    int64_t id = -1;
    return bytes_to_int64(payment_id, &id) == STATUS_OK && id == 0;
}

/* Payment id 0. Said together with a payment that lives, it is a contradiction and does not count
 * as "none". */
static void judge_no_payment(const struct facts *facts, struct answer *answer)
{
    if (facts->payment_status.len > 0 && !bytes_equal(facts->payment_status, BYTES("error"))) {
        decide(answer, VERDICT_UNKNOWN, "signed, but it contradicts itself");
        return;
    }
    answer->no_such_payment = true;
    decide(answer, VERDICT_UNKNOWN, why_no_payment);
}

void gateway_reply_status(const struct gateway_question *question, int32_t http_status,
                          struct bytes xml, struct arena *arena, struct answer *ret_answer)
{
    struct facts facts;
    if (!believe(question, http_status, xml, arena, &facts, ret_answer))
        return;
    if (bytes_equal(facts.status, BYTES("error")))
        judge_query_error(question, &facts, ret_answer);
    else if (!bytes_equal(facts.status, BYTES("ok")))
        decide(ret_answer, VERDICT_UNKNOWN, "signed, but the query is neither ok nor error");
    else if (is_zero(facts.payment_id))
        judge_no_payment(&facts, ret_answer);
    else
        judge_payment(question, &facts, ret_answer);
}

enum status gateway_reply_balance(const struct gateway_question *question, int32_t http_status,
                                  struct bytes xml, struct arena *arena, struct answer *ret_answer,
                                  int64_t *ret_balance_minor)
{
    struct facts facts;
    if (!believe(question, http_status, xml, arena, &facts, ret_answer))
        return ret_answer->verified ? STATUS_UNAVAILABLE : STATUS_BAD_SIGNATURE;
    if (bytes_equal(facts.status, BYTES("error"))) {
        judge_error(question, &facts, ret_answer);
        return STATUS_UNAVAILABLE;
    }
    ret_answer->why = "signed, but it names no balance";
    if (!bytes_equal(facts.status, BYTES("ok")) ||
        money_parse_reply(facts.balance, ret_balance_minor) != STATUS_OK)
        return STATUS_SYNTAX;
    decide(ret_answer, VERDICT_ACCEPTED, NULL);
    return STATUS_OK;
}
