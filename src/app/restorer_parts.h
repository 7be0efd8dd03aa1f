/* restorer_parts: what the restorer's steps share; nobody else includes it. */
#ifndef PAYOUTD_APP_RESTORER_PARTS_H
#define PAYOUTD_APP_RESTORER_PARTS_H

#include "payoutd/adapter/kafka_reader.h"
#include "payoutd/adapter/ledger_restore.h"
#include "payoutd/app/restorer.h"
#include "payoutd/codec/done_set.h"
#include "payoutd/codec/outcome_json.h"

enum { RESTORER_DUE_MS = 5000 }; /* what came back open is asked about soon, but not all at once */

/* One commands partition, as the group's committed metadata has it. */
struct restorer_partition {
    bool is_consumed; /* it has a committed offset */
    int64_t ceiling;
    struct window window;
};

/* One start, from the claims to the confirmation. */
struct restoring {
    const struct restorer_options *given;
    const struct options *options;
    struct restorer_report *report;
    char *why;
    size_t why_max;
    struct ledger_options ledger_options;
    struct ledger_restore *ledger;
    struct kafka_reader *reader;
    int32_t counts[SOURCE_TOPIC_COUNT]; /* partitions of commands and resolutions */
    struct kafka_committed *committed;
    struct restorer_partition *partitions; /* of commands */
    int32_t acknowledged, consumed;        /* partitions with our token; with any offset */
    int64_t oldest_ms;                     /* `last` of the claimed shards; -1: missing in one */
    int64_t deadline_ms;                   /* 0: none */
    struct arena arena;
};

bool restorer_is_stopped(const struct restoring *restoring);
void restorer_tell(const struct restoring *restoring, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
enum status restorer_complain(const struct restoring *restoring, enum status status,
                              const char *format, ...) __attribute__((format(printf, 3, 4)));
/* NULL: none of that name is configured. Absent: the default one. */
const struct merchant_options *restorer_merchant(const struct restoring *restoring,
                                                 struct bytes merchant_id);

/* restorer_acknowledged.c: reads the committed metadata into `partitions`. */
MUST_USE enum status restorer_read_committed(struct restoring *restoring);
bool restorer_is_acknowledged(const struct restoring *restoring);
/* Until every partition is, or the shards have the token without us (*ret_needed false). */
MUST_USE enum status restorer_wait_acknowledged(struct restoring *restoring, bool *ret_needed);

/* restorer_outcomes.c: (a) */
MUST_USE enum status restorer_write_outcomes(struct restoring *restoring);
/* restorer_commands.c: (b) */
MUST_USE enum status restorer_write_doubt(struct restoring *restoring);

#endif
