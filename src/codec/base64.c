/* Base64 for the commit metadata (see base64.h). */
#include "payoutd/codec/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_len(size_t len)
{
    return (len + 2) / 3 * 4;
}

void base64_put(struct buffer *buffer, struct bytes bytes)
{
    for (size_t at = 0; at < bytes.len; at += 3) {
        size_t left = bytes.len - at;
        uint32_t group = (uint32_t) (unsigned char) bytes.data[at] << 16;
        if (left > 1)
            group |= (uint32_t) (unsigned char) bytes.data[at + 1] << 8;
        if (left > 2)
            group |= (uint32_t) (unsigned char) bytes.data[at + 2];
        char text[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63],
                        left > 1 ? alphabet[group >> 6 & 63] : '=',
                        left > 2 ? alphabet[group & 63] : '='};
        buffer_put(buffer, (struct bytes){text, sizeof text});
    }
}

static int value_of(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

static size_t padding_of(struct bytes text)
{
    if (text.len == 0 || text.data[text.len - 1] != '=')
        return 0;
    return text.data[text.len - 2] == '=' ? 2 : 1;
}

enum status base64_read(struct bytes text, struct buffer *ret_bytes)
{
    if (text.len % 4 != 0)
        return STATUS_SYNTAX;
    size_t padding = padding_of(text);
    size_t chars = text.len - padding;
    uint32_t group = 0;
    for (size_t at = 0; at < chars; at++) {
        int value = value_of(text.data[at]);
        if (value < 0)
            return STATUS_SYNTAX;
        group = group << 6 | (uint32_t) value;
        if (at % 4 != 0)
            buffer_put_byte(ret_bytes, (char) (group >> (6 - at % 4 * 2)));
    }
    uint32_t unused = padding == 0 ? 0 : group & ((1U << (padding * 2)) - 1);
    if (unused != 0)
        return STATUS_SYNTAX; /* bits behind the last byte that nobody writes */
    return ret_bytes->overflowed ? STATUS_NO_ROOM : STATUS_OK;
}
