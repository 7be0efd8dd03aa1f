/*
 * verdict: what an attempt came to, never a bool, and the evidence that proves it
 * (docs/PROTOCOL.md R3, R4, R11).
 */
#ifndef PAYOUTD_DOMAIN_VERDICT_H
#define PAYOUTD_DOMAIN_VERDICT_H

#include "payoutd/domain/order.h"

enum verdict {
    VERDICT_ACCEPTED, /* signed: paid */
    VERDICT_REFUSED,  /* signed error; `error_class` says whether it is final */
    VERDICT_PENDING,  /* signed, not final yet */
    VERDICT_NOT_SENT, /* proof that no byte left (R3) */
    VERDICT_UNKNOWN,  /* everything else */
};
const char *verdict_name(enum verdict verdict);

/* Error classes of the gateway's codes: domain/error_codes.def, docs/GATEWAY.md. */
enum error_class {
    ERROR_CLASS_UNKNOWN,       /* U: ask the status; every code that is not listed */
    ERROR_CLASS_DECLINED,      /* D: final */
    ERROR_CLASS_LIMIT,         /* L: final for this order, a new order may pass later */
    ERROR_CLASS_CONFIGURATION, /* C: ours is wrong, no money moved: the merchant is held */
    ERROR_CLASS_BALANCE,       /* B: merchant's balance is short: the merchant is held */
    ERROR_CLASS_NO_PAYMENT,    /* status answers only: no such payment (R10: never proof) */
};
char error_class_letter(enum error_class class); /* U D L C B N */

enum { ERROR_OVERRIDES_MAX = 64 };
struct error_override {
    int32_t code;
    enum error_class class;
};
struct error_overrides {
    struct error_override items[ERROR_OVERRIDES_MAX];
    size_t count;
};
/* The class of a code; an override wins over the table. `overrides` may be NULL. */
enum error_class error_class_of(int32_t code, const struct error_overrides *overrides);
/* The contract's failure.code for a D or L code (docs/EVENTS.md); "gateway_error" when unlisted. */
const char *error_failure_code(int32_t code);
/* One sentence for people (payoutctl explain); NULL when unlisted. */
const char *error_meaning(int32_t code);

enum evidence {
    EVIDENCE_NONE,
    EVIDENCE_ANSWER,
    EVIDENCE_STATUS,
    EVIDENCE_CALLBACK,
    EVIDENCE_NOT_SENT,
    EVIDENCE_OPERATOR,
    EVIDENCE_WORKER,
};
const char *evidence_name(enum evidence evidence); /* as in the outcome's `evidence` */

/* What a gateway's answer says after it was verified. Views point into the payout's arena. */
struct answer {
    enum verdict verdict;
    enum error_class error_class; /* REFUSED only */
    int32_t error_code;           /* 0: none */
    struct bytes error_description;
    struct bytes payment_id; /* decimal text; absent when the answer named none */
    struct bytes reference;
    struct bytes payment_date;
    struct bytes status;       /* the gateway's word: ok, error, process, ... */
    int64_t paid_amount_minor; /* -1: not said */
    int32_t http_status;       /* 0: no answer */
    const char *why;           /* UNKNOWN and NOT_SENT: one constant sentence, else NULL */
    bool no_such_payment;      /* status answers: signed "no payment of this order" (R10) */
    bool verified;             /* the signature verified under the merchant's key */
    bool unmade; /* NOT_SENT: the request could not even be made; the gateway is not to blame */
};

/* States of an order in the ledger (docs/PROTOCOL.md, Ledger). */
enum order_state {
    ORDER_ABSENT,
    ORDER_READY,
    ORDER_SENDING,
    ORDER_PENDING,
    ORDER_UNKNOWN,
    ORDER_PAID,
    ORDER_FAILED,
    ORDER_REJECTED,
};
const char *order_state_name(enum order_state state); /* as the ledger writes it: "PAID" ... */
bool order_state_is_final(enum order_state state);    /* PAID, FAILED, REJECTED */
MUST_USE enum status order_state_parse(struct bytes text, enum order_state *ret_state);
/* The outcome's word: succeeded failed rejected pending unknown; NULL for the other states. */
const char *order_state_outcome(enum order_state state);

#endif
