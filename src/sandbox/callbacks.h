/* callbacks: the gateway calls pg_post_link when a payout has ended, repeats until 200, and
 * misbehaves when told to. */
#ifndef SANDBOX_CALLBACKS_H
#define SANDBOX_CALLBACKS_H

#include "sandbox.h"

struct callbacks;
/* STATUS_CONFIG when the CA file cannot be used: says so on stderr. */
MUST_USE enum status callbacks_new(struct sandbox *sandbox, struct callbacks **ret_callbacks);
void callbacks_free(struct callbacks *callbacks); /* after the laters are cleared */

struct callbacks_totals {
    int64_t sent, acknowledged, failed, given_up; /* requests, but given_up: callbacks */
};
struct callbacks_totals callbacks_totals(const struct callbacks *callbacks);
void callbacks_reset(struct callbacks *callbacks);

/* The payment is paid or declined; or, for a forged callback, has just begun. */
void callbacks_payment_ended(struct callbacks *callbacks, const struct payment *payment);
void callbacks_payment_began(struct callbacks *callbacks, const struct payment *payment);

#endif
