/* How outcomes are written (see json_writer.h). */
#include "json_writer.h"

#include "payoutd/codec/json_reader.h"
#include "payoutd/codec/rfc3339.h"

#include <string.h>

/* The letter behind the backslash; NUL: written as it is or as a number. */
static char short_escape(char byte)
{
    static const char bytes[] = "\"\\\n\t\r", letters[] = "\"\\ntr";
    const char *at = byte == '\0' ? NULL : strchr(bytes, byte);
    return at == NULL ? '\0' : letters[at - bytes];
}

static void put_character(struct buffer *buffer, struct bytes character)
{
    char byte = character.data[0];
    if (short_escape(byte) != '\0') {
        buffer_put_byte(buffer, '\\');
        buffer_put_byte(buffer, short_escape(byte));
    } else if ((unsigned char) byte < 0x20) {
        buffer_put_text(buffer, "\\u00");
        buffer_put_byte(buffer, "01"[byte >> 4]);
        buffer_put_byte(buffer, "0123456789abcdef"[byte & 15]);
    } else {
        buffer_put(buffer, character);
    }
}

/* Most texts are nothing but this: printable ASCII without a quote or a backslash. */
static size_t plain_run(struct bytes text, size_t at)
{
    size_t end = at;
    while (end < text.len && text.data[end] >= ' ' && text.data[end] < 0x7f &&
           text.data[end] != '"' && text.data[end] != '\\')
        end++;
    return end - at;
}

static void put_quoted(struct buffer *buffer, struct bytes text)
{
    buffer_put_byte(buffer, '"');
    for (size_t at = 0; at < text.len;) {
        size_t run = plain_run(text, at);
        if (run > 0) {
            buffer_put(buffer, (struct bytes){text.data + at, run});
            at += run;
            continue;
        }
        size_t len = json_character_len(text, at);
        if (len == 0)
            buffer_put_text(buffer, "\xEF\xBF\xBD");
        else
            put_character(buffer, (struct bytes){text.data + at, len});
        at += len == 0 ? 1 : len;
    }
    buffer_put_byte(buffer, '"');
}

size_t json_written_len(struct bytes text)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char) text.data[i];
        len += short_escape(text.data[i]) != '\0' ? 2 : byte < 0x20 ? 6 : 1;
    }
    return len;
}

static void put_key(struct json_writer *writer, struct bytes key)
{
    if (writer->needs_comma)
        buffer_put_byte(writer->buffer, ',');
    writer->needs_comma = true;
    if (bytes_is_none(key))
        return;
    put_quoted(writer->buffer, key);
    buffer_put_byte(writer->buffer, ':');
}

void json_begin(struct json_writer *writer, const char *key, char bracket)
{
    put_key(writer, bytes_of(key));
    buffer_put_byte(writer->buffer, bracket);
    writer->needs_comma = false;
}

void json_end(struct json_writer *writer, char bracket)
{
    buffer_put_byte(writer->buffer, bracket);
    writer->needs_comma = true;
}

void json_put_member(struct json_writer *writer, struct bytes key, struct bytes text)
{
    if (bytes_is_none(text))
        return;
    put_key(writer, key);
    put_quoted(writer->buffer, text);
}

void json_put_text(struct json_writer *writer, const char *key, struct bytes text)
{
    json_put_member(writer, bytes_of(key), text);
}

void json_put_item(struct json_writer *writer, struct bytes text)
{
    json_put_member(writer, BYTES_NONE, text);
}

void json_put_int64(struct json_writer *writer, const char *key, int64_t value)
{
    put_key(writer, bytes_of(key));
    buffer_put_int64(writer->buffer, value);
}

void json_put_bool(struct json_writer *writer, const char *key, bool value)
{
    put_key(writer, bytes_of(key));
    buffer_put_text(writer->buffer, value ? "true" : "false");
}

void json_put_time(struct json_writer *writer, const char *key, int64_t ms)
{
    if (ms == 0)
        return;
    char text[RFC3339_LEN];
    struct buffer buffer;
    buffer_init(&buffer, text, sizeof text);
    rfc3339_put(&buffer, ms);
    json_put_text(writer, key, (struct bytes){text, buffer.len});
}
