/* amount: decimal text and hundredths, the gateway's way. Not the worker's code: the stand-in must
 * not share its mistakes. */
#ifndef SANDBOX_AMOUNT_H
#define SANDBOX_AMOUNT_H

#include "payoutd/base/bytes.h"

enum { AMOUNT_TEXT_MAX = 24, AMOUNT_PAYOUT_DIGITS = 8, AMOUNT_BALANCE_DIGITS = 12 };

/* Up to `digits_max` digits, then at most two after a dot. STATUS_SYNTAX. */
MUST_USE enum status amount_read(struct bytes text, size_t digits_max, int64_t *ret_minor);
/* "1000", "1000.50". */
void amount_write(int64_t minor, char ret_text[static AMOUNT_TEXT_MAX]);

#endif
