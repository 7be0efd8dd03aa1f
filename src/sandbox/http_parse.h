/* http_parse: the head of an HTTP/1.1 request, chunked bodies, and the reasons of statuses (RFC
 * 9112). Bounded, copies nothing. */
#ifndef SANDBOX_HTTP_PARSE_H
#define SANDBOX_HTTP_PARSE_H

#include "payoutd/base/bytes.h"

enum { HTTP_HEAD_MAX = 16 * 1024, HTTP_BODY_MAX = 1024 * 1024 };

struct http_head {
    struct bytes method, path, query, content_type;
    size_t content_length;
    bool chunked, keep_alive, expects_continue;
};

/* `text` ends before the empty line. STATUS_SYNTAX, STATUS_TOO_LARGE (the announced body). */
MUST_USE enum status http_parse_head(struct bytes text, struct http_head *ret_head);

/*
 * Decodes a chunked body into `ret_body` (room for `text.len`; may be text.data itself). STATUS_OK
 * with the input consumed, STATUS_UNAVAILABLE: not all of it is there yet. STATUS_SYNTAX,
 * STATUS_TOO_LARGE.
 */
MUST_USE enum status http_parse_chunks(struct bytes text, char *ret_body, size_t *ret_len,
                                       size_t *ret_consumed);

const char *http_status_reason(int http_status);

#endif
