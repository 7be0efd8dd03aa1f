/* What a script answered, read by position into the core's words; and Redis' errors by what they
 * mean. */
#include "ledger_parts.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    const char *text;
    enum ledger_answer answer;
};

/* WRITTEN: settled by this very call, whose body is not sent back. */
static const struct word answer_words[] = {
    {"ARMED", LEDGER_ARMED},
    {"WRITTEN", LEDGER_SETTLED},
    {"MARKED", LEDGER_MARKED},
    {"SETTLED", LEDGER_SETTLED},
    {"KNOWN", LEDGER_KNOWN},
    {"PARKED", LEDGER_PARKED},
    {"SENT_BY_OTHER", LEDGER_SENT_BY_OTHER},
    {"DUPLICATE", LEDGER_DUPLICATE},
    {"CONFLICT", LEDGER_CONFLICT},
    {"DISARMED", LEDGER_DISARMED},
    {"LATE", LEDGER_LATE},
    {"DONE", LEDGER_DONE},
    {"CONTRADICTION", LEDGER_CONTRADICTION},
    {"MOVED", LEDGER_MOVED},
    {"FOUND", LEDGER_FOUND},
    {"ABSENT", LEDGER_ABSENT},
};

enum field {
    FIELD_WORD,
    FIELD_ATTEMPT,
    FIELD_STATE,
    FIELD_SEQUENCE,
    FIELD_PUBLISHED,
    FIELD_ARMED_MS,
    FIELD_NOW_MS,
    FIELD_DOUBT,
    FIELD_INSTANCE,
    FIELD_CALL,
    FIELD_SOURCE,
    FIELD_SETTLED_SOURCE,
    FIELD_MERCHANT,
    FIELD_PROFILE,
    FIELD_PAYMENT_ID,
    FIELD_REFUSED,
    FIELD_ORDER_ID,
    FIELD_BODY,
    FIELD_COUNT,
};

/* An empty text is one that the order does not have. */
static struct bytes text_of(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING || reply->len == 0)
        return BYTES_NONE;
    return (struct bytes){reply->str, reply->len};
}

static enum status number_of(const redisReply *reply, int64_t *ret_number)
{
    if (reply->type == REDIS_REPLY_INTEGER)
        *ret_number = reply->integer;
    else if (text_of(reply).len == 0)
        *ret_number = 0;
    else
        return bytes_to_int64(text_of(reply), ret_number);
    return STATUS_OK;
}

static enum status read_order(redisReply *const *fields, struct ledger_reply *reply)
{
    int64_t attempt;
    TRY(number_of(fields[FIELD_ATTEMPT], &attempt));
    if (attempt < 0 || attempt > INT32_MAX)
        return STATUS_FOREIGN_DATA;
    reply->attempt = (int32_t) attempt;
    TRY(order_state_parse(text_of(fields[FIELD_STATE]), &reply->state));
    TRY(number_of(fields[FIELD_SEQUENCE], &reply->sequence));
    TRY(number_of(fields[FIELD_PUBLISHED], &reply->published));
    TRY(number_of(fields[FIELD_ARMED_MS], &reply->armed_ms));
    TRY(number_of(fields[FIELD_NOW_MS], &reply->now_ms));
    TRY(number_of(fields[FIELD_CALL], &reply->call));
    reply->doubt = bytes_equal_text(text_of(fields[FIELD_DOUBT]), "1");
    reply->instance = text_of(fields[FIELD_INSTANCE]);
    reply->source = text_of(fields[FIELD_SOURCE]);
    reply->settled_source = text_of(fields[FIELD_SETTLED_SOURCE]);
    reply->merchant_id = text_of(fields[FIELD_MERCHANT]);
    reply->profile = text_of(fields[FIELD_PROFILE]);
    reply->payment_id = text_of(fields[FIELD_PAYMENT_ID]);
    reply->refused_payment_ids = text_of(fields[FIELD_REFUSED]);
    reply->order_id = text_of(fields[FIELD_ORDER_ID]);
    reply->body = text_of(fields[FIELD_BODY]);
    return STATUS_OK;
}

static enum status read_due(const redisReply *from, struct bytes due[LEDGER_DUE_MAX],
                            struct ledger_reply *reply)
{
    size_t count = from->elements - 2;
    if (count > LEDGER_DUE_MAX)
        return STATUS_FOREIGN_DATA;
    TRY(number_of(from->element[1], &reply->now_ms));
    for (size_t i = 0; i < count; i++)
        due[i] = text_of(from->element[i + 2]);
    reply->answer = LEDGER_DUE_LIST;
    reply->due = due;
    reply->due_count = count;
    return STATUS_OK;
}

enum status ledger_reply_read(const redisReply *from, struct bytes written,
                              struct bytes due[LEDGER_DUE_MAX], struct ledger_reply *reply)
{
    if (from->type != REDIS_REPLY_ARRAY || from->elements == 0)
        return STATUS_FOREIGN_DATA;
    struct bytes word = text_of(from->element[0]);
    if (from->elements == 1 && bytes_equal_text(word, "EMPTY")) {
        reply->answer = LEDGER_EMPTY;
        return STATUS_OK;
    }
    if (from->elements == 1 && bytes_equal_text(word, "WIPED")) {
        reply->answer = LEDGER_MARKED;
        return STATUS_OK;
    }
    if (from->elements == 2 && bytes_equal_text(word, "FOREIGN")) {
        reply->answer = LEDGER_FOREIGN;
        reply->why = from->element[1]->str;
        return STATUS_OK;
    }
    if (from->elements >= 2 && bytes_equal_text(word, "DUE_LIST"))
        return read_due(from, due, reply);
    if (from->elements != FIELD_COUNT)
        return STATUS_FOREIGN_DATA;
    for (size_t i = 0; i < sizeof answer_words / sizeof answer_words[0]; i++) {
        if (!bytes_equal_text(word, answer_words[i].text))
            continue;
        reply->answer = answer_words[i].answer;
        TRY(read_order(from->element, reply));
        if (bytes_equal_text(word, "WRITTEN"))
            reply->body = written;
        return STATUS_OK;
    }
    return STATUS_FOREIGN_DATA;
}

/* Redis 7 begins with the code; Redis 6 hides it behind its own words when it arose inside a
 * script. */
static bool says(const char *text, const char *code)
{
    size_t len = strlen(code);
    if (strncmp(text, code, len) == 0 && (text[len] == ' ' || text[len] == '\0'))
        return true;
    char inner[32];
    snprintf(inner, sizeof inner, "-%s ", code);
    return strncmp(text, "ERR Error running script", 24) == 0 && strstr(text, inner) != NULL;
}

enum ledger_error ledger_reply_error(const char *text, enum status *ret_status)
{
    static const struct {
        const char *code;
        enum status status;
    } blocking[] = {
        {"READONLY", STATUS_UNAVAILABLE},   {"LOADING", STATUS_UNAVAILABLE},
        {"MASTERDOWN", STATUS_UNAVAILABLE}, {"CLUSTERDOWN", STATUS_UNAVAILABLE},
        {"TRYAGAIN", STATUS_UNAVAILABLE},   {"BUSY", STATUS_UNAVAILABLE},
        {"NOREPLICAS", STATUS_UNAVAILABLE}, {"MOVED", STATUS_ENVIRONMENT},
        {"ASK", STATUS_ENVIRONMENT},        {"CROSSSLOT", STATUS_ENVIRONMENT},
        {"OOM", STATUS_ENVIRONMENT},        {"MISCONF", STATUS_ENVIRONMENT},
        {"NOPERM", STATUS_CONFIG},          {"NOAUTH", STATUS_CONFIG},
    };
    *ret_status = STATUS_FOREIGN_DATA;
    if (says(text, "NOSCRIPT"))
        return LEDGER_ERROR_NO_SCRIPT;
    if (says(text, "WRONGTYPE"))
        return LEDGER_ERROR_FOREIGN;
    for (size_t i = 0; i < sizeof blocking / sizeof blocking[0]; i++) {
        if (says(text, blocking[i].code)) {
            *ret_status = blocking[i].status;
            return LEDGER_ERROR_BLOCKED;
        }
    }
    return LEDGER_ERROR_OTHER;
}

enum status ledger_reply_copy(const struct ledger_reply *from, struct ledger_reply *ret_reply,
                              char **ret_block)
{
    struct ledger_reply copy = *from;
    struct bytes *const views[] = {
        &copy.body,        &copy.instance, &copy.source,     &copy.settled_source,
        &copy.merchant_id, &copy.profile,  &copy.payment_id, &copy.refused_payment_ids,
        &copy.order_id,
    };
    size_t count = sizeof views / sizeof views[0], len = 1;
    for (size_t i = 0; i < count; i++)
        len += views[i]->len;
    char *block = malloc(len);
    if (block == NULL)
        return STATUS_NO_ROOM;
    char *at = block;
    for (size_t i = 0; i < count; i++) {
        if (bytes_is_none(*views[i]))
            continue;
        memcpy(at, views[i]->data, views[i]->len);
        views[i]->data = at;
        at += views[i]->len;
    }
    *ret_reply = copy;
    *ret_block = block;
    return STATUS_OK;
}
