/* A flow that is fed by hand: see flow_harness.h. */
#include "flow_harness.h"

#include <stdlib.h>
#include <string.h>

static const struct flow_config config = {
    .payouts_max = 8,
    .arena_size = 4096,
    .batch_max = 4,
    .batch_ms = 10,
    .send_window_ms = 5000,
    .request_timeout_ms = 60000,
    .grace_ms = 30000,
    .max_command_age_ms = 3600000,
    .horizon_ms = 86400000,
    .revoke_drain_ms = 5000,
    .merchants_count = 1,
    .lanes_count = 1,
    .lane_sending_max = {4},
    .instance = {"0123456789abcdef0123456789abcdef"},
};

static void feed(struct harness *harness, struct flow_event event)
{
    flow_feed(&harness->flow, &event, &harness->moment);
}

void harness_assign(struct harness *harness, uint64_t epoch, int64_t offset, int64_t ceiling)
{
    struct window window;
    window_init(&window, offset);
    struct flow_assigned assigned[2] = {
        {FLOW_COMMANDS, 0, HARNESS_TOKEN, ceiling, &window},
        {FLOW_COMMANDS, 1, HARNESS_TOKEN, ceiling, &window},
    };
    feed(harness,
         (struct flow_event){
             .kind = FLOW_ASSIGNED, .epoch = epoch, .partitions = assigned, .partitions_count = 2});
}

void harness_init(struct harness *harness)
{
    memset(harness, 0, sizeof *harness);
    harness->moment = (struct moment){1000000, 1700000000000};
    harness->storage = calloc(1, flow_storage_size(&config));
    must(harness->storage != NULL);
    flow_init(&harness->flow, &config, harness->storage);
    feed(harness, (struct flow_event){.kind = FLOW_LEDGER_UP, .token = HARNESS_TOKEN});
    feed(harness, (struct flow_event){.kind = FLOW_PUBLISHER_READY});
    harness_assign(harness, HARNESS_EPOCH, 0, 0);
}

void harness_done(struct harness *harness)
{
    free(harness->storage);
}

/* What the worker does at once: it lets ended payouts go. */
void harness_turn(struct harness *harness)
{
    harness->actions.count = 0;
    harness->wait_ms = flow_turn(&harness->flow, &harness->moment, &harness->actions);
    for (size_t i = 0; i < harness->actions.count; i++)
        if (harness->actions.items[i].kind == ACTION_ENDED)
            flow_let_go(&harness->flow,
                        flow_payout(&harness->flow, harness->actions.items[i].payout));
}

void harness_pass(struct harness *harness, int64_t ms)
{
    harness->moment.now_ms += ms;
    harness->moment.wall_ms += ms;
    harness_turn(harness);
}

struct payout *harness_arrive_as(struct harness *harness, int32_t partition, int64_t offset,
                                 const char *order_id, enum decoded_kind kind)
{
    struct flow_arrival arrival = {FLOW_COMMANDS, partition, harness->flow.epoch, offset,
                                   harness->moment.wall_ms};
    struct handle handle;
    if (flow_open(&harness->flow, &arrival, &harness->moment, &handle) != FLOW_OPENED)
        return NULL;
    struct payout *payout = flow_payout(&harness->flow, handle);
    payout->command.order_id = bytes_of(order_id);
    payout->merchant_id = bytes_of("9970");
    payout->merchant_at = kind == DECODED_UNCONFIGURED ? UINT16_MAX : 0;
    feed(harness, (struct flow_event){.kind = FLOW_DECODED, .payout = handle, .decoded = kind});
    harness_turn(harness);
    return payout;
}

struct payout *harness_arrive(struct harness *harness, int32_t partition, int64_t offset,
                              const char *order_id)
{
    return harness_arrive_as(harness, partition, offset, order_id, DECODED_VALID);
}

size_t harness_count(const struct harness *harness, enum flow_action_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < harness->actions.count; i++)
        count += harness->actions.items[i].kind == kind;
    return count;
}

const struct flow_action *harness_action(const struct harness *harness, enum flow_action_kind kind)
{
    for (size_t i = 0; i < harness->actions.count; i++)
        if (harness->actions.items[i].kind == kind)
            return &harness->actions.items[i];
    return NULL;
}

bool harness_noted(const struct harness *harness, enum flow_note note)
{
    for (size_t i = 0; i < harness->actions.count; i++)
        if (harness->actions.items[i].kind == ACTION_NOTE && harness->actions.items[i].note == note)
            return true;
    return false;
}

void harness_batch(struct harness *harness, enum flow_event_kind fate)
{
    if (!harness->flow.batch_running) /* it waits for company */
        harness_pass(harness, 10);
    must(harness->flow.batch_running);
    feed(harness, (struct flow_event){.kind = fate, .batch = harness->flow.batch_number});
    harness_turn(harness);
}

void harness_commit(struct harness *harness)
{
    harness_batch(harness, FLOW_BATCH_COMMITTED);
}

void harness_ledger(struct harness *harness, const struct payout *payout,
                    const struct ledger_reply *reply)
{
    feed(harness, (struct flow_event){
                      .kind = FLOW_LEDGER_REPLY, .payout = flow_handle_of(payout), .reply = reply});
    harness_turn(harness);
}

void harness_shard(struct harness *harness, uint32_t shard, struct ledger_reply reply)
{
    feed(harness, (struct flow_event){.kind = FLOW_LEDGER_REPLY,
                                      .payout = flow_untag(flow_scan_tag(shard)),
                                      .reply = &reply});
    harness_turn(harness);
}

void harness_answer_with(struct harness *harness, const struct payout *payout,
                         const struct answer *answer)
{
    feed(harness, (struct flow_event){.kind = FLOW_PAYMENT_ANSWER,
                                      .payout = flow_handle_of(payout),
                                      .answer = answer});
    harness_turn(harness);
}

void harness_answer(struct harness *harness, const struct payout *payout, enum verdict verdict)
{
    struct answer answer = {.verdict = verdict, .paid_amount_minor = -1, .why = "as the test says"};
    harness_answer_with(harness, payout, &answer);
}

void harness_status(struct harness *harness, const struct payout *payout,
                    const struct answer *answer)
{
    feed(harness, (struct flow_event){.kind = FLOW_STATUS_ANSWER,
                                      .payout = flow_handle_of(payout),
                                      .answer = answer});
    harness_turn(harness);
}

void harness_fed(struct harness *harness, struct flow_event event)
{
    feed(harness, event);
    harness_turn(harness);
}

void harness_fact(struct harness *harness, enum flow_event_kind kind)
{
    feed(harness,
         (struct flow_event){
             .kind = kind, .epoch = harness->flow.epoch, .token = HARNESS_TOKEN, .drain_ms = 5000});
    harness_turn(harness);
}

struct payout *harness_armed(struct harness *harness, int64_t offset, const char *order_id)
{
    struct payout *payout = harness_arrive(harness, 0, offset, order_id);
    if (payout->step == STEP_WAITING)
        harness_commit(harness);
    must(payout->step == STEP_CLAIMING && payout->asked);
    harness_ledger(harness, payout, &(struct ledger_reply){.answer = LEDGER_ARMED, .attempt = 1});
    return payout;
}
