/* The bytes that a state is known by, and their 128 bits. */
#include "digest.h"

#include <string.h>

static struct {
    unsigned char bytes[8192];
    size_t count;
} out;

void digest_put(int64_t value)
{
    must(out.count < sizeof out.bytes);
    must(value >= -128 && value < 4096);
    out.bytes[out.count++] = (unsigned char) value;
    if (value >= 128)
        out.bytes[out.count++] = (unsigned char) (value >> 8);
}

void digest_put_bytes(const void *data, size_t size)
{
    must(out.count + size <= sizeof out.bytes);
    memcpy(out.bytes + out.count, data, size);
    out.count += size;
}

void digest_put_text(struct bytes text)
{
    digest_put((int64_t) text.len + (bytes_is_none(text) ? 0 : 1));
    if (text.len > 0)
        digest_put_bytes(text.data, text.len);
}

void digest_put_window(const struct window *window)
{
    digest_put(window->watermark);
    digest_put(window->fetched);
    digest_put(window->inherited);
    digest_put((int64_t) (window->done[0] & 0xff));
}

void digest_begin(void)
{
    out.count = 0;
}

static uint64_t mix(uint64_t hash, uint64_t word, uint64_t odd)
{
    hash = (hash ^ word) * odd;
    return hash ^ hash >> 29;
}

struct digest digest_end(void)
{
    must(out.count + 8 <= sizeof out.bytes);
    memset(out.bytes + out.count, 0, 8);
    struct digest digest = {out.count, ~out.count};
    for (size_t i = 0; i < out.count; i += 8) {
        uint64_t word;
        memcpy(&word, out.bytes + i, 8);
        digest.a = mix(digest.a, word, UINT64_C(0x9E3779B97F4A7C15));
        digest.b = mix(digest.b, word, UINT64_C(0xC2B2AE3D27D4EB4F));
    }
    digest.a = mix(digest.a, digest.a >> 31, UINT64_C(0xFF51AFD7ED558CCD));
    digest.b = mix(digest.b, digest.b >> 33, UINT64_C(0xC4CEB9FE1A85EC53));
    return digest;
}
