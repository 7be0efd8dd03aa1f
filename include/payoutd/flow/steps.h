/*
 * steps: what the files of flow/ ask of each other. Not for anybody outside of flow/.
 *
 * X_begin puts a payout into step X; X_answered is told what came of it; X_turn does what is due.
 */
#ifndef PAYOUTD_FLOW_STEPS_H
#define PAYOUTD_FLOW_STEPS_H

#include "payoutd/flow/flow.h"

/* flow.c: moving a payout about. */
void flow_move(struct flow *flow, struct payout *payout, enum payout_step step,
               struct payout_list *list); /* list NULL: in none */
void flow_note(struct flow *flow, enum flow_note note, const struct payout *payout);
bool flow_is_closing(const struct flow *flow);
bool flow_actions_full(const struct flow_actions *actions);
struct flow_action *flow_act(struct flow_actions *actions, enum flow_action_kind kind);
void flow_sooner(int64_t *wait_ms, int64_t candidate_ms); /* the smaller of two waits; -1: none */
struct flow_partition *flow_partition_of(struct flow *flow, const struct payout *payout);
/* The gateway that the payout goes through. */
struct flow_lane *flow_lane_of(struct flow *flow, const struct payout *payout);
/* Takes an order's sending slot, or gives it back. */
void flow_take_sending(struct flow *flow, struct payout *payout);
void flow_give_sending(struct flow *flow, struct payout *payout);

/* decode.c */
void decode_judged(struct flow *flow, struct payout *payout, enum decoded_kind kind,
                   const struct moment *moment);
bool decode_is_expired(const struct flow *flow, const struct payout *payout, int64_t wall_ms);

/* claim.c */
void claim_wait(struct flow *flow, struct payout *payout); /* until its turn comes */
void claim_begin(struct flow *flow, struct payout *payout, const struct moment *moment);
void claim_answered(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                    const struct moment *moment);
/* The order id came first with other words: a dead letter. */
void claim_conflict(struct flow *flow, struct payout *payout, const struct moment *moment);
void claim_turn(struct flow *flow, const struct moment *moment);
void claim_later(struct flow *flow, struct payout *payout, const struct moment *moment);
/* The stored merchant wins: the order is paid by whom it was first armed for. */
void claim_take_merchant(struct payout *payout, const struct ledger_reply *reply);
/* Payment ids of earlier attempts; they go with the attempt. After claim_take_merchant. */
void claim_take_refused(struct payout *payout, const struct ledger_reply *reply);

/* pay.c */
void pay_begin(struct flow *flow, struct payout *payout);
void pay_answered(struct flow *flow, struct payout *payout, const struct answer *answer,
                  const struct moment *moment);
void pay_reopen(struct flow *flow, struct payout *payout); /* proof in hand that no money moved */
void pay_reopened(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                  const struct moment *moment);

/* settle.c */
void settle_begin(struct flow *flow, struct payout *payout, enum order_state state,
                  enum settle_mode mode);
void settle_answered(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                     const struct moment *moment);
void settle_told(struct flow *flow, struct payout *payout, bool told);

/* publish.c */
void publish_begin(struct flow *flow, struct payout *payout, enum payout_end end,
                   const struct moment *moment);
/* What the ledger stores of the order, as it was stored. */
void publish_stored(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                    const struct moment *moment);
void publish_end(struct flow *flow, struct payout *payout, enum payout_end end);

/* commit.c */
int64_t commit_turn(struct flow *flow, const struct moment *moment, struct flow_actions *actions);
void commit_committed(struct flow *flow, const struct moment *moment);
void commit_aborted(struct flow *flow, const struct moment *moment);
void commit_reread(struct flow *flow, const struct flow_event *event, const struct moment *moment);
void commit_mark_dirty(struct flow *flow, struct flow_partition *partition,
                       const struct moment *moment);

/* doubt.c */
void doubt_begin(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                 const struct moment *moment);
/* R4: an error settles only when it belongs to the open attempt and the order was never in doubt.
 */
bool doubt_error_belongs(int32_t attempt, bool doubt, struct bytes refused_payment_ids,
                         const struct answer *answer);
void doubt_answered(struct flow *flow, struct payout *payout, const struct answer *answer,
                    const struct moment *moment);

/* resolve.c: evidence from the resolutions topic */
void resolve_begin(struct flow *flow, struct payout *payout);
void resolve_answered(struct flow *flow, struct payout *payout, const struct ledger_reply *reply,
                      const struct moment *moment);

/* followup.c: orders whose outcome is still open are asked about until it is known */
void followup_replied(struct flow *flow, struct handle handle, const struct ledger_reply *reply,
                      const struct moment *moment);
void followup_answered(struct flow *flow, struct handle handle, const struct answer *answer);
void followup_told(struct flow *flow, struct handle handle, bool told);
int64_t followup_turn(struct flow *flow, const struct moment *moment, struct flow_actions *actions);

/* hold.c */
bool hold_stops(const struct flow *flow, const struct payout *payout);
void hold_keep(struct flow *flow, struct payout *payout); /* waits for its merchant's release */
void hold_begin(struct flow *flow, const struct payout *payout, enum hold_reason reason,
                const struct moment *moment);
void hold_answered(struct flow *flow, struct payout *payout); /* its merchant's gateway works */
void hold_probe_over(struct flow *flow, struct payout *payout, const struct moment *moment);
/* It ends before it found out anything: it was dropped. Another one may try at once. */
void hold_forget(struct flow *flow, struct payout *payout);
int64_t hold_turn(struct flow *flow, const struct moment *moment);

/* recovery.c: the ledger is away, or may have forgotten */
bool recovery_ledger_usable(const struct flow *flow);
void recovery_ask(struct flow *flow, struct payout *payout, enum ledger_script script);
void recovery_up(struct flow *flow, uint64_t token, const struct moment *moment);
/* After an assignment: does every partition's commit say the token of the Redis that we see? */
void recovery_look(struct flow *flow, const struct moment *moment);
/* False: the reply says nothing about the order; it will be asked again. */
bool recovery_reply_counts(struct flow *flow, struct payout *payout,
                           const struct ledger_reply *reply, const struct moment *moment);
/* Replies about shards: wipes and probes. */
void recovery_replied(struct flow *flow, struct handle handle, const struct ledger_reply *reply,
                      const struct moment *moment);
void recovery_committed(struct flow *flow, const struct moment *moment);
void recovery_restored(struct flow *flow, bool restored, const struct moment *moment);
uint64_t recovery_token_to_commit(const struct flow *flow, const struct flow_partition *partition);
int64_t recovery_turn(struct flow *flow, const struct moment *moment, struct flow_actions *actions);

/* ownership.c: assignments come and go (R7), and the process ends in order */
void ownership_assigned(struct flow *flow, const struct flow_event *event,
                        const struct moment *moment);
void ownership_revoked(struct flow *flow, const struct moment *moment, int64_t drain_ms);
void ownership_lost(struct flow *flow, uint64_t epoch);
int64_t ownership_turn(struct flow *flow, const struct moment *moment,
                       struct flow_actions *actions);

#endif
