/*
 * json_reader: JSON as a row of events, strictly: RFC 8259, valid UTF-8, whole escapes, one value
 * and nothing behind it. Numbers stay text. It knows nothing of commands and keeps nothing: what it
 * hands out is valid until the handler returns, and its own memory is wiped.
 */
#ifndef PAYOUTD_CODEC_JSON_READER_H
#define PAYOUTD_CODEC_JSON_READER_H

#include "payoutd/base/bytes.h"

enum { JSON_KEY_MAX = 256 };

enum json_event_kind {
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_TEXT,
    JSON_NUMBER,
    JSON_BOOL,
    JSON_NULL,
};

struct json_event {
    enum json_event_kind kind;
    size_t depth;      /* containers around it: 0 for the root */
    struct bytes key;  /* the member's name; absent in arrays, at the root and at ends */
    bool key_is_cut;   /* the name is longer than JSON_KEY_MAX */
    struct bytes text; /* JSON_TEXT: without escapes, may hold NUL; JSON_NUMBER: as written */
};
typedef void json_on_event(void *context, const struct json_event *event);

/*
 * STATUS_SYNTAX with a constant sentence in *ret_why; events of what stood before the fault may
 * have been delivered by then.
 */
MUST_USE enum status json_read(struct bytes text, json_on_event *on_event, void *context,
                               const char **ret_why);

/* Valid UTF-8 without overlong forms, surrogates, or code points above U+10FFFF. */
bool json_is_utf8(struct bytes text);
/* Bytes of the character that begins at `at`; 0: no valid one. */
size_t json_character_len(struct bytes text, size_t at);
/* Code points of a valid text. */
size_t json_characters(struct bytes text);
/* A control character (U+0000 to U+001F, U+007F) is in it. */
bool json_has_control(struct bytes text);

#endif
