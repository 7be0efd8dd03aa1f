/* Builds what the gateway says: answers and callbacks. */
#include "reply.h"

#include <stdio.h>
#include <string.h>

void reply_init(struct reply *reply)
{
    reply->count = 0;
    reply->signature[0] = '\0';
    reply->has_datetime = false;
    reply->root = "response";
    buffer_init(&reply->storage, reply->storage_data, sizeof reply->storage_data);
}

static struct bytes keep(struct reply *reply, struct bytes value)
{
    size_t start = reply->storage.len;
    buffer_put(&reply->storage, value);
    must(!reply->storage.overflowed);
    return (struct bytes){reply->storage_data + start, value.len};
}

void reply_add(struct reply *reply, const char *name, struct bytes value)
{
    must(reply->count < REPLY_FIELDS_MAX);
    reply->fields[reply->count++] =
        (struct field){.name = bytes_of(name), .value = keep(reply, value)};
}

void reply_add_text(struct reply *reply, const char *name, const char *value)
{
    reply_add(reply, name, bytes_of(value));
}

void reply_add_int64(struct reply *reply, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long) value);
    reply_add(reply, name, bytes_of(text));
}

static struct field *find(struct reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->count; i++)
        if (bytes_equal_text(reply->fields[i].name, name))
            return &reply->fields[i];
    return NULL;
}

void reply_set(struct reply *reply, const char *name, const char *value)
{
    struct field *field = find(reply, name);
    if (field != NULL)
        field->value = keep(reply, bytes_of(value));
}

struct bytes reply_value(const struct reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->count; i++)
        if (bytes_equal_text(reply->fields[i].name, name))
            return reply->fields[i].value;
    return BYTES_NONE;
}

void reply_sign(struct reply *reply, struct bytes script, struct bytes secret, const char *datetime,
                struct random *random)
{
    char salt[RANDOM_SALT_LEN + 1];
    random_salt(random, salt);
    reply_add_text(reply, "pg_salt", salt);
    if (datetime != NULL)
        reply_add_text(reply, "pg_datetime", datetime);
    reply->has_datetime = datetime != NULL;
    must(signature_make(script, reply->fields, reply->count, secret, reply->signature) ==
         STATUS_OK);
}

static void write_element(struct buffer *text, struct bytes name, struct bytes value)
{
    buffer_put_byte(text, '<');
    buffer_put(text, name);
    buffer_put_byte(text, '>');
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '<')
            buffer_put_text(text, "&lt;");
        else if (value.data[i] == '>')
            buffer_put_text(text, "&gt;");
        else if (value.data[i] == '&')
            buffer_put_text(text, "&amp;");
        else
            buffer_put_byte(text, value.data[i]);
    }
    buffer_put_text(text, "</");
    buffer_put(text, name);
    buffer_put_byte(text, '>');
}

/* The place of the signature among the fields. */
static size_t signature_place(const struct reply *reply)
{
    return reply->has_datetime ? reply->count - 1 : reply->count;
}

void reply_write_xml(const struct reply *reply, struct buffer *text)
{
    buffer_put_text(text, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<");
    buffer_put_text(text, reply->root);
    buffer_put_byte(text, '>');
    for (size_t i = 0; i <= reply->count; i++) {
        if (i == signature_place(reply) && reply->signature[0] != '\0')
            write_element(text, BYTES("pg_sig"), bytes_of(reply->signature));
        if (i < reply->count)
            write_element(text, reply->fields[i].name, reply->fields[i].value);
    }
    buffer_put_text(text, "</");
    buffer_put_text(text, reply->root);
    buffer_put_text(text, ">\n");
}

void reply_write_encoded(struct bytes value, struct buffer *text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char) value.data[i];
        bool plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                     (byte >= 'A' && byte <= 'Z') || (byte != 0 && strchr("-_.", byte) != NULL);
        if (plain) {
            buffer_put_byte(text, (char) byte);
        } else {
            buffer_put_byte(text, '%');
            buffer_put_byte(text, digits[byte >> 4]);
            buffer_put_byte(text, digits[byte & 15]);
        }
    }
}

void reply_write_form(const struct reply *reply, struct buffer *text)
{
    for (size_t i = 0; i < reply->count; i++) {
        if (i > 0)
            buffer_put_byte(text, '&');
        buffer_put(text, reply->fields[i].name);
        buffer_put_byte(text, '=');
        reply_write_encoded(reply->fields[i].value, text);
    }
    buffer_put_text(text, "&pg_sig=");
    buffer_put_text(text, reply->signature);
}
