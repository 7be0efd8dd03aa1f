/* outcome_parts: members of an outcome body that are written when it is made and again when it
 * changes. */
#ifndef PAYOUTD_CODEC_OUTCOME_PARTS_H
#define PAYOUTD_CODEC_OUTCOME_PARTS_H

#include "json_writer.h"

#include "payoutd/codec/outcome_json.h"

/* status, final, attempt, occurred_at, paid_amount, doubt, evidence */
void outcome_put_verdict(struct json_writer *writer, const struct outcome *outcome);
void outcome_put_gateway(struct json_writer *writer, const struct outcome *outcome);
void outcome_put_failure(struct json_writer *writer, const struct outcome *outcome);

#endif
