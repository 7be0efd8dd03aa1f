/*
 * done_set: the commit metadata of a partition (docs/PROTOCOL.md R6, R8): version, token, ceiling,
 * and which positions above the watermark are done.
 *
 * ASCII, at most DONE_SET_TEXT_MAX characters (the broker's limit is 4,096 UTF-16 units). Two
 * encodings of the set, the shorter one is written: run lengths (LEB128) and a bitmap, both base64.
 * Text: "1;<token hex>;<ceiling>;r|b;<base64>".
 */
#ifndef PAYOUTD_CODEC_DONE_SET_H
#define PAYOUTD_CODEC_DONE_SET_H

#include "payoutd/base/bytes.h"
#include "payoutd/domain/window.h"

enum { DONE_SET_TEXT_MAX = 4000 };

struct commit_metadata {
    uint64_t token;  /* 0: none */
    int64_t ceiling; /* first offset that may not be armed */
};

/* STATUS_NO_ROOM when neither encoding fits (window_is_closed keeps that from happening). */
MUST_USE enum status done_set_encode(const struct commit_metadata *metadata,
                                     const struct window *window, char *ret_text, size_t text_max,
                                     size_t *ret_len);
/*
 * Reads metadata back: fills `window`, whose watermark must be the committed offset. Empty text (a
 * first deployment) gives token 0, ceiling = the watermark, nothing done. STATUS_FOREIGN_DATA for
 * another version, STATUS_SYNTAX for anything else that this module did not write; the window is
 * then unchanged.
 */
MUST_USE enum status done_set_decode(struct bytes text, struct commit_metadata *ret_metadata,
                                     struct window *window);

#endif
