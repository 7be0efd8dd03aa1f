/*
 * evidence_json: the records of the resolutions topic (docs/EVENTS.md, Resolutions): evidence from
 * outside of a command's own request, on its way to the order that it settles. Internal; version 1.
 *
 * {"v":1,"kind":"answer","order_id":"A","instance":"ab","attempt":1,"state":"PAID",
 *  "payment_id":"7","outcome":{"order_id":"A"}}
 */
#ifndef PAYOUTD_CODEC_EVIDENCE_JSON_H
#define PAYOUTD_CODEC_EVIDENCE_JSON_H

#include "payoutd/base/arena.h"
#include "payoutd/domain/verdict.h"

struct evidence_record {
    enum evidence kind;
    struct bytes order_id;
    struct bytes instance; /* who had armed the attempt that this is about */
    int32_t attempt;
    enum order_state state;  /* what the evidence makes of the order */
    struct bytes payment_id; /* absent: none */
    struct bytes body;       /* the outcome body, a JSON object */
};

/* STATUS_NO_ROOM; STATUS_BAD_FIELD when the body is no JSON object or a text would need escapes. */
MUST_USE enum status evidence_json_encode(const struct evidence_record *record, struct arena *arena,
                                          struct bytes *ret_value);
/*
 * Views into `value`. STATUS_SYNTAX, STATUS_BAD_FIELD or STATUS_MISSING_FIELD with a sentence in
 * *ret_why, which holds none of the data.
 */
MUST_USE enum status evidence_json_decode(struct bytes value, struct evidence_record *ret_record,
                                          const char **ret_why);

#endif
