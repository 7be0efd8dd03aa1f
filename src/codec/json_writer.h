/*
 * json_writer: JSON into a bounded buffer, one member after another. Absent texts are left out;
 * what is not UTF-8 becomes U+FFFD, so that the result is always valid.
 */
#ifndef PAYOUTD_CODEC_JSON_WRITER_H
#define PAYOUTD_CODEC_JSON_WRITER_H

#include "payoutd/base/bytes.h"

struct json_writer {
    struct buffer *buffer;
    bool needs_comma;
};

void json_begin(struct json_writer *writer, const char *key, char bracket); /* key NULL: no name */
void json_end(struct json_writer *writer, char bracket);
void json_put_text(struct json_writer *writer, const char *key, struct bytes text);
void json_put_member(struct json_writer *writer, struct bytes key, struct bytes text);
void json_put_item(struct json_writer *writer, struct bytes text);
void json_put_int64(struct json_writer *writer, const char *key, int64_t value);
void json_put_bool(struct json_writer *writer, const char *key, bool value);
/* RFC 3339; 0 is left out. */
void json_put_time(struct json_writer *writer, const char *key, int64_t ms);

/* Bytes that a text becomes between its quotes. */
size_t json_written_len(struct bytes text);

#endif
