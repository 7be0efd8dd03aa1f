/* The restorer's step (b): what is open below a ceiling may have been sent, whatever Redis
 * remembers. It becomes UNKNOWN; only proof of payment or a person settles it. */
#include "restorer_parts.h"

#include "payoutd/app/worker.h"
#include "payoutd/codec/keyed_hash.h"

#include <stdlib.h>
#include <string.h>

static const char doubt_message[] =
    "the ledger's server may have forgotten whether this payout was sent";

struct doubting {
    struct restoring *restoring;
    const struct kafka_reader_record *record;
    struct command command;
    struct event_context context;
    const struct merchant_options *merchant; /* NULL: not configured */
    struct bytes merchant_id;
};

static struct bytes merchant_of(const struct doubting *doubting)
{
    if (doubting->command.merchant_id.len > 0 || doubting->merchant == NULL)
        return doubting->command.merchant_id;
    return bytes_of(doubting->merchant->id);
}

/* UNKNOWN, with what the ledger knows of the attempts so far. */
static struct outcome outcome_of(const struct doubting *doubting, const struct ledger_reply *known,
                                 struct answer *ret_answer)
{
    struct outcome outcome = {
        .command = &doubting->command,
        .context = &doubting->context,
        .position = {doubting->restoring->options->topics_commands, doubting->record->partition,
                     doubting->record->offset, doubting->record->timestamp_ms},
        .merchant_id = doubting->merchant_id,
        .state = ORDER_UNKNOWN,
        .attempt = known->attempt,
        .doubt = true,
        .failure_code = "outcome_unknown",
        .failure_message = doubt_message,
        .occurred_ms = loop_wall_ms(),
        .livemode = doubting->merchant != NULL && doubting->merchant->profile->livemode,
        .destination_key = doubting->restoring->given->secrets->rules.fingerprint_key,
    };
    *ret_answer = (struct answer){.payment_id = known->payment_id, .paid_amount_minor = -1};
    if (!bytes_is_none(known->payment_id))
        outcome.answer = ret_answer;
    outcome.refused_payment_ids_count = asking_split_ids(
        known->refused_payment_ids, outcome.refused_payment_ids, ORDER_PAYMENT_IDS_MAX);
    return outcome;
}

/* As the ledger writes a position. */
static bool is_src(const struct doubting *doubting, struct bytes src)
{
    char space[320];
    struct buffer text;
    buffer_init(&text, space, sizeof space);
    buffer_put_text(&text, doubting->restoring->options->topics_commands);
    buffer_put_byte(&text, '/');
    buffer_put_int64(&text, doubting->record->partition);
    buffer_put_byte(&text, '/');
    buffer_put_int64(&text, doubting->record->offset);
    return bytes_equal(src, (struct bytes){space, text.len});
}

/* An order that another position owns keeps what its body says of that one. */
static enum status make_body(const struct doubting *doubting, const struct ledger_reply *known,
                             struct bytes *ret_body)
{
    struct arena *arena = &doubting->restoring->arena;
    struct answer answer;
    struct outcome outcome = outcome_of(doubting, known, &answer);
    if (known->body.len > 0 && !is_src(doubting, known->source) &&
        outcome_json_change(known->body, &outcome, arena, ret_body) == STATUS_OK)
        return STATUS_OK;
    return outcome_json_body(&outcome, arena, ret_body);
}

static enum status doubt(struct doubting *doubting)
{
    struct restoring *restoring = doubting->restoring;
    struct ledger_reply known;
    char hex[2 * sizeof doubting->command.fingerprint];
    struct buffer fingerprint;
    TRY(ledger_restore_read(restoring->ledger, doubting->command.order_id, &known));
    struct restored_order order = {
        .order_id = doubting->command.order_id,
        .merchant_id = doubting->merchant_id,
        .profile =
            doubting->merchant == NULL ? BYTES_NONE : bytes_of(doubting->merchant->profile->name),
        .by = {bytes_of(restoring->options->topics_commands), doubting->record->partition,
               doubting->record->offset},
        .due_ms = RESTORER_DUE_MS,
    };
    buffer_init(&fingerprint, hex, sizeof hex);
    keyed_hash_put_hex(&fingerprint, doubting->command.fingerprint,
                       sizeof doubting->command.fingerprint);
    order.fingerprint = (struct bytes){hex, fingerprint.len};
    if (make_body(doubting, &known, &order.body) != STATUS_OK)
        return restorer_complain(restoring, STATUS_NO_ROOM, "an outcome does not fit its bounds");
    return ledger_restore_doubt(restoring->ledger, &order);
}

struct reading_commands {
    struct restoring *restoring;
    struct doubting doubting; /* large: kept from record to record */
};

static enum status on_record(void *context, const struct kafka_reader_record *record)
{
    struct reading_commands *reading = context;
    struct restoring *restoring = reading->restoring;
    struct doubting *doubting = &reading->doubting;
    struct command_fault fault;
    if (window_is_done(&restoring->partitions[record->partition].window, record->offset))
        return STATUS_OK;
    restoring->report->open++;
    arena_wipe(&restoring->arena);
    memset(doubting, 0, sizeof *doubting);
    memset(&fault, 0, sizeof fault);
    enum status status =
        command_json_decode(&record->content, &restoring->given->secrets->rules, &restoring->arena,
                            &doubting->command, &doubting->context, &fault);
    if (status != STATUS_OK && !fault.has_order_id) {
        restoring->report->unreadable++; /* it never becomes an order: a dead letter */
        return STATUS_OK;
    }
    if (!ledger_restore_has(restoring->ledger, doubting->command.order_id))
        return STATUS_OK;
    doubting->restoring = restoring;
    doubting->record = record;
    doubting->merchant = restorer_merchant(restoring, doubting->command.merchant_id);
    doubting->merchant_id = merchant_of(doubting);
    return doubt(doubting);
}

/* From the first open position to the ceiling; what Kafka has deleted of it is counted. */
static void narrow(struct restoring *restoring, struct kafka_range *range)
{
    const struct restorer_partition *partition = &restoring->partitions[range->partition];
    int64_t low = range->low;
    if (!partition->is_consumed) {
        range->end = range->from;
        return;
    }
    if (range->end > partition->ceiling)
        range->end = partition->ceiling;
    range->from = partition->window.watermark > low ? partition->window.watermark : low;
    for (int64_t at = partition->window.watermark; at < low && at < partition->ceiling; at++)
        if (!window_is_done(&partition->window, at))
            restoring->report->gone++;
}

static enum status read_commands(struct restoring *restoring, struct kafka_range *ranges)
{
    const char *topic = restoring->options->topics_commands;
    size_t count = (size_t) restoring->counts[SOURCE_COMMANDS];
    struct reading_commands *reading = calloc(1, sizeof *reading);
    if (reading == NULL)
        return restorer_complain(restoring, STATUS_NO_ROOM, "no memory");
    reading->restoring = restoring;
    enum status status = kafka_reader_find(restoring->reader, topic, -1, ranges, count);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        narrow(restoring, &ranges[i]);
    if (status == STATUS_OK)
        status = kafka_reader_read(restoring->reader, topic, ranges, count, on_record, reading);
    free(reading);
    return status;
}

enum status restorer_write_doubt(struct restoring *restoring)
{
    struct kafka_range *ranges =
        calloc((size_t) restoring->counts[SOURCE_COMMANDS], sizeof *ranges);
    if (ranges == NULL)
        return restorer_complain(restoring, STATUS_NO_ROOM, "no memory");
    enum status status = read_commands(restoring, ranges);
    free(ranges);
    TRY(status);
    restorer_tell(restoring, "doubted: %lld of %lld open positions",
                  (long long) ledger_restore_counts(restoring->ledger)->doubted,
                  (long long) restoring->report->open);
    return STATUS_OK;
}
