/*
 * base64: RFC 4648, standard alphabet with padding, read strictly: only what base64_put would have
 * written.
 */
#ifndef PAYOUTD_CODEC_BASE64_H
#define PAYOUTD_CODEC_BASE64_H

#include "payoutd/base/bytes.h"

/* Characters that `len` bytes become. */
size_t base64_len(size_t len);
void base64_put(struct buffer *buffer, struct bytes bytes);
/* Appends the bytes. STATUS_SYNTAX, STATUS_NO_ROOM. */
MUST_USE enum status base64_read(struct bytes text, struct buffer *ret_bytes);

#endif
