/*
 * keyed_hash: HMAC-SHA-256 over a list of parts, as if they were one text. The caller separates
 * them (length prefixes); a hash that must not be mistaken for another kind begins with a part that
 * says so.
 */
#ifndef PAYOUTD_CODEC_KEYED_HASH_H
#define PAYOUTD_CODEC_KEYED_HASH_H

#include "payoutd/base/bytes.h"

enum { KEYED_HASH_LEN = 32 };

/* The algorithm is fetched once in a thread's life. `key` must not be empty. */
void keyed_hash(struct bytes key, const struct bytes *parts, size_t count,
                uint8_t ret_hash[static KEYED_HASH_LEN]);

/* At the end of a thread that made hashes: its algorithm, which holds the last key, is freed. */
void keyed_hash_end_thread(void);

/* Lower-case hex digits of `len` bytes. */
void keyed_hash_put_hex(struct buffer *buffer, const uint8_t *bytes, size_t len);

#endif
