/*
 * rfc3339: times as texts (RFC 3339) to Unix milliseconds and back, with arithmetic of our own: no
 * clock, no time zone data, no locale.
 */
#ifndef PAYOUTD_CODEC_RFC3339_H
#define PAYOUTD_CODEC_RFC3339_H

#include "payoutd/base/bytes.h"

enum { RFC3339_LEN = 24 }; /* what rfc3339_put writes: 2024-05-31T12:00:00.000Z */

/*
 * "2024-05-31T12:00:00Z", with a fraction (cut to milliseconds) and an offset if there is one. A
 * leap second counts as the second after it. STATUS_SYNTAX, also for dates that do not exist and
 * for years before 1970.
 */
MUST_USE enum status rfc3339_parse(struct bytes text, int64_t *ret_ms);
/* UTC with milliseconds. `ms` is from 0 to the end of the year 9999. */
void rfc3339_put(struct buffer *buffer, int64_t ms);

#endif
