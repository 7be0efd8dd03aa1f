/*
 * gateway_reply: the gateway's XML answers, parsed and verified before anything in them is
 * believed (docs/PROTOCOL.md R11). UTF-8 only, no DTD, no entities, no network; size, depth
 * and number of fields bounded; the root's name is free; unknown fields are kept because they
 * are signed.
 *
 * These functions never fail: whatever is not a complete, signed answer for what was sent is
 * VERDICT_UNKNOWN with a sentence in `why`.
 */
#ifndef PAYOUTD_CODEC_GATEWAY_REPLY_H
#define PAYOUTD_CODEC_GATEWAY_REPLY_H

#include "payoutd/codec/gateway_form.h"
#include "payoutd/domain/verdict.h"

enum { GATEWAY_REPLY_MAX = 64 * 1024, GATEWAY_REPLY_DEPTH_MAX = 8, GATEWAY_REPLY_FIELDS_MAX = 96 };

/* What was asked, against which the answer is checked. */
struct gateway_question {
    const struct gateway_profile *profile;
    enum gateway_method method;
    struct bytes order_id;
    const struct money *amount;              /* payouts and status; NULL for the balance */
    const struct error_overrides *overrides; /* may be NULL */
};

/*
 * Fields by name at the top level, in message order, as views into `arena`.
 * STATUS_SYNTAX, STATUS_TOO_LARGE, STATUS_TOO_DEEP, STATUS_NO_ROOM.
 */
MUST_USE enum status gateway_reply_parse(struct bytes xml, struct arena *arena,
                                         struct field **ret_fields, size_t *ret_count);

/*
 * The answer to a payout request: ok = ACCEPTED, error = REFUSED with its class (U and N:
 * UNKNOWN), any other word = PENDING. An ok must name merchant, order, payment id and amount;
 * an error or a pending answer need not, but what it names must match.
 */
void gateway_reply_payout(const struct gateway_question *question, int32_t http_status,
                          struct bytes xml, struct arena *arena, struct answer *ret_answer);
/*
 * The answer to a status query: payment status success = ACCEPTED, error = REFUSED, process
 * and any other word = PENDING; payment id 0 or an error code of class N: UNKNOWN with
 * no_such_payment. A failed payment's class is D or L only: B and C reopen an order, which
 * only the answer to our own request may do.
 */
void gateway_reply_status(const struct gateway_question *question, int32_t http_status,
                          struct bytes xml, struct arena *arena, struct answer *ret_answer);
/*
 * STATUS_OK with the balance in minor units only when the answer is signed ok; *ret_answer
 * always, and its `verified` is what the canary asks for (docs/PROTOCOL.md R12).
 * STATUS_BAD_SIGNATURE, STATUS_UNAVAILABLE (signed, but an error or not ours), STATUS_SYNTAX
 * (no balance in it).
 */
MUST_USE enum status gateway_reply_balance(const struct gateway_question *question,
                                           int32_t http_status, struct bytes xml,
                                           struct arena *arena, struct answer *ret_answer,
                                           int64_t *ret_balance_minor);

#endif
