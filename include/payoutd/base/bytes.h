/*
 * bytes: views of memory that somebody else owns, and a bounded place to write.
 *
 * `struct bytes` is passed by value, need not end in NUL, and must not outlive what it views.
 * `struct buffer` is a place of fixed size: what does not fit is refused, and nothing is cut
 * silently.
 */
#ifndef PAYOUTD_BASE_BYTES_H
#define PAYOUTD_BASE_BYTES_H

#include "payoutd/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    const char *data; /* NULL: absent, which differs from empty */
    size_t len;
};

#define BYTES_NONE     ((struct bytes){NULL, 0})
#define BYTES(literal) ((struct bytes){"" literal, sizeof(literal) - 1})

struct bytes bytes_of(const char *text); /* NULL gives BYTES_NONE */
bool bytes_is_none(struct bytes bytes);
bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_equal_text(struct bytes a, const char *text);
bool bytes_starts_with(struct bytes bytes, struct bytes prefix);
/* Byte order: < 0, 0, > 0; a prefix sorts first. */
int bytes_compare(struct bytes a, struct bytes b);
/* Decimal digits only, no sign. STATUS_SYNTAX, or STATUS_TOO_LARGE when it exceeds int64. */
MUST_USE enum status bytes_to_int64(struct bytes bytes, int64_t *ret_value);

struct buffer {
    char *data;
    size_t len;
    size_t max;
    bool overflowed; /* a put did not fit: everything later is refused too */
};

void buffer_init(struct buffer *buffer, void *data, size_t max);
void buffer_clear(struct buffer *buffer);
void buffer_put(struct buffer *buffer, struct bytes bytes);
void buffer_put_text(struct buffer *buffer, const char *text);
void buffer_put_byte(struct buffer *buffer, char byte);
void buffer_put_int64(struct buffer *buffer, int64_t value);
/* STATUS_NO_ROOM when any put did not fit; else the whole content. */
MUST_USE enum status buffer_take(const struct buffer *buffer, struct bytes *ret_bytes);

#endif
