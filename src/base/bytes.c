/* Views of memory and bounded writing: see bytes.h. */
#include "payoutd/base/bytes.h"

#include <string.h>

struct bytes bytes_of(const char *text)
{
    return text == NULL ? BYTES_NONE : (struct bytes){text, strlen(text)};
}

bool bytes_is_none(struct bytes bytes)
{
    return bytes.data == NULL;
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    if (a.len != b.len || (a.data == NULL) != (b.data == NULL))
        return false;
    return a.len == 0 || memcmp(a.data, b.data, a.len) == 0;
}

bool bytes_equal_text(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_of(text));
}

bool bytes_starts_with(struct bytes bytes, struct bytes prefix)
{
    if (bytes.len < prefix.len)
        return false;
    return prefix.len == 0 || memcmp(bytes.data, prefix.data, prefix.len) == 0;
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

enum status bytes_to_int64(struct bytes bytes, int64_t *ret_value)
{
    if (bytes.len == 0)
        return STATUS_SYNTAX;
    int64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] < '0' || bytes.data[i] > '9')
            return STATUS_SYNTAX;
        if (__builtin_mul_overflow(value, (int64_t) 10, &value) ||
            __builtin_add_overflow(value, (int64_t) (bytes.data[i] - '0'), &value))
            return STATUS_TOO_LARGE;
    }
    *ret_value = value;
    return STATUS_OK;
}

void buffer_init(struct buffer *buffer, void *data, size_t max)
{
    *buffer = (struct buffer){.data = data, .max = max};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
    buffer->overflowed = false;
}

void buffer_put(struct buffer *buffer, struct bytes bytes)
{
    if (buffer->overflowed || bytes.len > buffer->max - buffer->len) {
        buffer->overflowed = true;
        return;
    }
    if (bytes.len > 0)
        memcpy(buffer->data + buffer->len, bytes.data, bytes.len);
    buffer->len += bytes.len;
}

void buffer_put_text(struct buffer *buffer, const char *text)
{
    buffer_put(buffer, bytes_of(text));
}

void buffer_put_byte(struct buffer *buffer, char byte)
{
    buffer_put(buffer, (struct bytes){&byte, 1});
}

void buffer_put_int64(struct buffer *buffer, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t) value : (uint64_t) value;
    do {
        digits[--at] = (char) ('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        buffer_put_byte(buffer, '-');
    buffer_put(buffer, (struct bytes){digits + at, sizeof digits - at});
}

enum status buffer_take(const struct buffer *buffer, struct bytes *ret_bytes)
{
    if (buffer->overflowed)
        return STATUS_NO_ROOM;
    *ret_bytes = (struct bytes){buffer->data, buffer->len};
    return STATUS_OK;
}
