/* The commit metadata of a partition: written with every commit, read back at every assignment (see
 * done_set.h). */
#include "payoutd/codec/done_set.h"

#include "payoutd/codec/base64.h"

#include <string.h>

enum {
    TOKEN_DIGITS = 16,
    CEILING_DIGITS_MAX = 19,
    SET_BYTES_MAX = (WINDOW_SPAN_MAX + 7) / 8,
    HEAD_MAX = 2 + TOKEN_DIGITS + 1 + CEILING_DIGITS_MAX + 3,
    RUN_BYTES_MAX = 3, /* LEB128 of up to 21 bits */
};
/* Whatever the window holds, its bitmap fits: the encoding never fails for a window within its
 * span. */
_Static_assert(HEAD_MAX + (SET_BYTES_MAX + 2) / 3 * 4 <= (int) DONE_SET_TEXT_MAX,
               "the bitmap of a full window fits into the metadata");
_Static_assert((int) WINDOW_SPAN_MAX < 1 << (7 * RUN_BYTES_MAX), "a run fits into its bytes");

static int64_t end_of(const struct window *window)
{
    return window->fetched > window->inherited ? window->fetched : window->inherited;
}

/* One past the highest position that is done above the watermark; the watermark when there is none.
 */
static int64_t done_end_of(const struct window *window)
{
    int64_t end = end_of(window);
    while (end > window->watermark && !window_is_done(window, end - 1))
        end--;
    return end;
}

static void put_run(struct buffer *buffer, uint32_t run)
{
    for (; run >= 128; run >>= 7)
        buffer_put_byte(buffer, (char) (run | 128));
    buffer_put_byte(buffer, (char) run);
}

/* Lengths of runs in turn open, done, open, done ...; the first may be 0, the last is of done ones.
 */
static void put_runs(const struct window *window, int64_t end, struct buffer *buffer)
{
    bool is_done_run = false;
    uint32_t run = 0;
    for (int64_t at = window->watermark; at < end; at++) {
        if (window_is_done(window, at) != is_done_run) {
            put_run(buffer, run);
            is_done_run = !is_done_run;
            run = 0;
        }
        run++;
    }
    if (run > 0)
        put_run(buffer, run);
}

/* Bit n of byte n/8, lowest first, is position watermark + n. */
static void put_bitmap(const struct window *window, int64_t end, struct buffer *buffer)
{
    for (int64_t at = window->watermark; at < end; at += 8) {
        unsigned byte = 0;
        for (int64_t i = 0; i < 8 && at + i < end; i++)
            if (window_is_done(window, at + i))
                byte |= 1U << i;
        buffer_put_byte(buffer, (char) byte);
    }
}

static void put_hex(struct buffer *buffer, uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        buffer_put_byte(buffer, "0123456789abcdef"[value >> shift & 15]);
}

enum status done_set_encode(const struct commit_metadata *metadata, const struct window *window,
                            char *ret_text, size_t text_max, size_t *ret_len)
{
    must(metadata->ceiling >= 0);
    int64_t end = done_end_of(window);
    must(end - window->watermark <= WINDOW_SPAN_MAX);
    char runs_data[SET_BYTES_MAX], bitmap_data[SET_BYTES_MAX];
    struct buffer runs, bitmap, text;
    buffer_init(&runs, runs_data, sizeof runs_data);
    buffer_init(&bitmap, bitmap_data, sizeof bitmap_data);
    put_runs(window, end, &runs);
    put_bitmap(window, end, &bitmap);
    bool are_runs_shorter = !runs.overflowed && runs.len <= bitmap.len;
    const struct buffer *set = are_runs_shorter ? &runs : &bitmap;

    buffer_init(&text, ret_text, text_max < DONE_SET_TEXT_MAX ? text_max : DONE_SET_TEXT_MAX);
    buffer_put_text(&text, "1;");
    put_hex(&text, metadata->token);
    buffer_put_byte(&text, ';');
    buffer_put_int64(&text, metadata->ceiling);
    buffer_put_text(&text, are_runs_shorter ? ";r;" : ";b;");
    base64_put(&text, (struct bytes){set->data, set->len});
    struct bytes whole;
    TRY(buffer_take(&text, &whole));
    *ret_len = whole.len;
    return STATUS_OK;
}

/* The part up to the next ';', which is taken off `rest`. */
static bool take_part(struct bytes *rest, struct bytes *ret_part)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, ';', rest->len);
    if (end == NULL)
        return false;
    *ret_part = (struct bytes){rest->data, (size_t) (end - rest->data)};
    *rest = (struct bytes){end + 1, rest->len - ret_part->len - 1};
    return true;
}

static enum status read_token(struct bytes text, uint64_t *ret_token)
{
    if (text.len != TOKEN_DIGITS)
        return STATUS_SYNTAX;
    uint64_t token = 0;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i];
        if (byte >= '0' && byte <= '9')
            token = token << 4 | (uint64_t) (byte - '0');
        else if (byte >= 'a' && byte <= 'f')
            token = token << 4 | (uint64_t) (byte - 'a' + 10);
        else
            return STATUS_SYNTAX;
    }
    *ret_token = token;
    return STATUS_OK;
}

static enum status read_ceiling(struct bytes text, int64_t *ret_ceiling)
{
    bool has_leading_zero = text.len > 1 && text.data[0] == '0';
    if (has_leading_zero || bytes_to_int64(text, ret_ceiling) != STATUS_OK)
        return STATUS_SYNTAX;
    return STATUS_OK;
}

/* Positions are relative to the watermark until here; nothing beyond the span is taken. */
static enum status restore(struct window *window, int64_t position)
{
    if (position >= WINDOW_SPAN_MAX || position > INT64_MAX - 1 - window->watermark)
        return STATUS_SYNTAX;
    return window_restore(window, window->watermark + position);
}

static enum status take_run(struct bytes *rest, int64_t *ret_run)
{
    int64_t run = 0;
    for (size_t i = 0; i < rest->len && i < RUN_BYTES_MAX; i++) {
        unsigned byte = (unsigned char) rest->data[i];
        run |= (int64_t) (byte & 127) << (7 * i);
        if (byte >= 128)
            continue;
        if (i > 0 && byte == 0)
            return STATUS_SYNTAX; /* longer than it needs to be */
        *rest = (struct bytes){rest->data + i + 1, rest->len - i - 1};
        *ret_run = run;
        return STATUS_OK;
    }
    return STATUS_SYNTAX;
}

static enum status restore_runs(struct bytes runs, struct window *window)
{
    int64_t position = 0;
    bool is_done_run = false;
    for (bool is_first = true; runs.len > 0; is_first = false, is_done_run = !is_done_run) {
        int64_t run;
        TRY(take_run(&runs, &run));
        if ((run == 0 && !is_first) || run > WINDOW_SPAN_MAX - position)
            return STATUS_SYNTAX;
        if (!is_done_run && runs.len == 0)
            return STATUS_SYNTAX; /* open ones at the end are not written */
        for (int64_t end = position + run; position < end; position++)
            if (is_done_run)
                TRY(restore(window, position));
    }
    return STATUS_OK;
}

static enum status restore_bitmap(struct bytes bitmap, struct window *window)
{
    if (bitmap.len > 0 && bitmap.data[bitmap.len - 1] == 0)
        return STATUS_SYNTAX; /* open ones at the end are not written */
    for (size_t at = 0; at < bitmap.len; at++)
        for (unsigned bit = 0; bit < 8; bit++)
            if (((unsigned char) bitmap.data[at] >> bit & 1) != 0)
                TRY(restore(window, (int64_t) (at * 8 + bit)));
    return STATUS_OK;
}

static enum status read_set(struct bytes kind, struct bytes text, struct window *window)
{
    char data[SET_BYTES_MAX];
    struct buffer buffer;
    buffer_init(&buffer, data, sizeof data);
    if (base64_read(text, &buffer) != STATUS_OK)
        return STATUS_SYNTAX;
    struct bytes set = {buffer.data, buffer.len};
    if (bytes_equal_text(kind, "r"))
        return restore_runs(set, window);
    if (bytes_equal_text(kind, "b"))
        return restore_bitmap(set, window);
    return STATUS_SYNTAX;
}

static bool is_number(struct bytes text)
{
    int64_t number;
    return bytes_to_int64(text, &number) == STATUS_OK;
}

enum status done_set_decode(struct bytes text, struct commit_metadata *ret_metadata,
                            struct window *window)
{
    must(window->fetched == window->watermark);
    if (text.len == 0) {
        *ret_metadata = (struct commit_metadata){.token = 0, .ceiling = window->watermark};
        return STATUS_OK;
    }
    struct bytes version, token, ceiling, kind;
    if (!take_part(&text, &version) || !is_number(version))
        return STATUS_SYNTAX;
    if (!bytes_equal_text(version, "1"))
        return STATUS_FOREIGN_DATA;
    if (!take_part(&text, &token) || !take_part(&text, &ceiling) || !take_part(&text, &kind))
        return STATUS_SYNTAX;
    struct commit_metadata metadata;
    struct window restored = *window;
    TRY(read_token(token, &metadata.token));
    TRY(read_ceiling(ceiling, &metadata.ceiling));
    TRY(read_set(kind, text, &restored));
    *ret_metadata = metadata;
    *window = restored;
    return STATUS_OK;
}
