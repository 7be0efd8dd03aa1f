/*
 * inquiry: one look at an order whose outcome is still open after its position was done
 * (docs/PROTOCOL.md, After the first answer). It never settles: a change that it finds is written
 * to the resolutions topic and settles from there.
 */
#ifndef PAYOUTD_FLOW_INQUIRY_H
#define PAYOUTD_FLOW_INQUIRY_H

#include "payoutd/base/arena.h"
#include "payoutd/base/bounds.h"
#include "payoutd/domain/ledger_record.h"

enum {
    INQUIRIES_MAX = BOUND(32, 1),
    INQUIRIES_ASKING_MAX = BOUND(8, 1), /* at one time: connections are for payouts first */
    INQUIRY_ARENA_SIZE = BOUND(96 * 1024, 256),
    INQUIRY_KEY_MAX = BOUND(128, 16),
};

enum inquiry_step {
    INQUIRY_FREE,
    INQUIRY_READING,   /* what the ledger says */
    INQUIRY_ASKING,    /* what the gateway says */
    INQUIRY_REPORTING, /* the change is on its way to the resolutions topic */
    INQUIRY_DEFERRING, /* no change: its next turn is being set */
};

struct inquiry {
    uint32_t generation;
    enum inquiry_step step;
    bool asked; /* the step's question is under way */
    enum ledger_script script;
    int64_t defer_ms;
    struct bytes order_key; /* the ledger's key */
    char key[INQUIRY_KEY_MAX];
    struct arena arena;

    /* What the ledger said; views into the arena. */
    struct bytes order_id, merchant_id, instance, body, refused_payment_ids;
    int32_t attempt;
    enum order_state state;
    bool doubt;
    int64_t age_ms; /* since the ARM, by Redis' clock */

    /* What the gateway said, and what it makes of the order. */
    struct answer answer;
    enum order_state change;
    const char *failure_code;
    bool failure_retryable;
};

#endif
