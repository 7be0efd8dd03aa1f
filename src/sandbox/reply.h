/* reply: one message of the gateway's, as fields, signed, and as XML or as a form. */
#ifndef SANDBOX_REPLY_H
#define SANDBOX_REPLY_H

#include "payoutd/codec/signature.h"
#include "random.h"

enum { REPLY_FIELDS_MAX = 24, REPLY_STORAGE_MAX = 2048, REPLY_TEXT_MAX = 8192 };

struct reply {
    struct field fields[REPLY_FIELDS_MAX];
    size_t count;
    struct buffer storage;
    char storage_data[REPLY_STORAGE_MAX];
    char signature[SIGNATURE_LEN + 1]; /* empty: not signed */
    bool has_datetime;                 /* the last field comes after the signature */
    const char *root;
};

void reply_init(struct reply *reply);
void reply_add(struct reply *reply, const char *name, struct bytes value);
void reply_add_text(struct reply *reply, const char *name, const char *value);
void reply_add_int64(struct reply *reply, const char *name, int64_t value);
/* Another value for a field that is there already; nothing otherwise. */
void reply_set(struct reply *reply, const char *name, const char *value);
struct bytes reply_value(const struct reply *reply, const char *name);
/* Adds pg_salt and signs; `datetime` (may be NULL) becomes the field that follows the signature. */
void reply_sign(struct reply *reply, struct bytes script, struct bytes secret, const char *datetime,
                struct random *random);
void reply_write_xml(const struct reply *reply, struct buffer *text);
void reply_write_form(const struct reply *reply, struct buffer *text);
/* One urlencoded value. */
void reply_write_encoded(struct bytes value, struct buffer *text);

#endif
