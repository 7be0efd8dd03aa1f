/*
 * signature: pg_sig of the gateway's messages (docs/GATEWAY.md, Signature).
 *
 * md5("script;v1;v2;...;secret"), the values sorted by field name in byte order, nested fields
 * depth first.
 * The digest is fixed by the gateway. Comparison takes constant time.
 */
#ifndef PAYOUTD_CODEC_SIGNATURE_H
#define PAYOUTD_CODEC_SIGNATURE_H

#include "payoutd/base/bytes.h"

enum { SIGNATURE_LEN = 32, SIGNATURE_FIELDS_MAX = 96 };

/* One field of a message; an element with children has no value of its own. */
struct field {
    struct bytes name;
    struct bytes value;
    const struct field *children;
    size_t children_count;
};

/* The script name of a URL or path: from the last '/' to the end or '?'. May be empty. */
struct bytes signature_script(struct bytes url);

/*
 * The signature of `fields` (in message order; pg_sig at the top level is skipped) as 32
 * lower-case hex digits. STATUS_TOO_LARGE above SIGNATURE_FIELDS_MAX fields at one level,
 * STATUS_TOO_DEEP below 8 levels, STATUS_ENVIRONMENT when OpenSSL offers no MD5 (FIPS).
 */
MUST_USE enum status signature_make(struct bytes script, const struct field *fields, size_t count,
                                    struct bytes secret, char ret_hex[static SIGNATURE_LEN + 1]);

/* STATUS_OK when the one pg_sig is right (in either case); STATUS_BAD_SIGNATURE otherwise. */
MUST_USE enum status signature_check(struct bytes script, const struct field *fields, size_t count,
                                     struct bytes secret);

#endif
