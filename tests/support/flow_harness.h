/* flow_harness: a flow with one merchant and a few partitions, fed by hand. Time stands still until
 * it is moved. */
#ifndef PAYOUTD_TESTS_FLOW_HARNESS_H
#define PAYOUTD_TESTS_FLOW_HARNESS_H

#include "payoutd/flow/flow.h"

struct harness {
    struct flow flow;
    void *storage;
    struct moment moment;
    struct flow_actions actions; /* of the last harness_turn */
    int64_t wait_ms;
};

enum { HARNESS_EPOCH = 7, HARNESS_TOKEN = 99 };

void harness_init(
    struct harness *harness); /* ledger up, publisher ready, partitions 0 and 1 from offset 0 */
void harness_done(struct harness *harness);
void harness_assign(struct harness *harness, uint64_t epoch, int64_t offset, int64_t ceiling);

/* A valid command with that order id arrives. */
struct payout *harness_arrive(struct harness *harness, int32_t partition, int64_t offset,
                              const char *order_id);
struct payout *harness_arrive_as(struct harness *harness, int32_t partition, int64_t offset,
                                 const char *order_id, enum decoded_kind kind);

/* Turns once and collects. */
void harness_turn(struct harness *harness);
void harness_pass(struct harness *harness, int64_t ms); /* time passes, then a turn */
size_t harness_count(const struct harness *harness, enum flow_action_kind kind);
const struct flow_action *harness_action(const struct harness *harness, enum flow_action_kind kind);
bool harness_noted(const struct harness *harness, enum flow_note note);

/* Answers; each is followed by a turn. */
void harness_commit(struct harness *harness); /* the running batch is committed; must be running */
void harness_batch(struct harness *harness, enum flow_event_kind fate);
void harness_ledger(struct harness *harness, const struct payout *payout,
                    const struct ledger_reply *reply);
/* A reply about a shard: LEDGER_WIPE, or the probe. */
void harness_shard(struct harness *harness, uint32_t shard, struct ledger_reply reply);
void harness_answer(struct harness *harness, const struct payout *payout, enum verdict verdict);
void harness_answer_with(struct harness *harness, const struct payout *payout,
                         const struct answer *answer);
void harness_status(struct harness *harness, const struct payout *payout,
                    const struct answer *answer);
void harness_fed(struct harness *harness, struct flow_event event); /* any fact */
void harness_fact(struct harness *harness, enum flow_event_kind kind);

/* The usual way: arrives, is armable, claimed, armed as `attempt`; its request is about to leave.
 */
struct payout *harness_armed(struct harness *harness, int64_t offset, const char *order_id);

#endif
