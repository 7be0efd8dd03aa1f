/* Answers of the gateway for the tests: see signed_xml.h. */
#include "signed_xml.h"

#include "payoutd/codec/signature.h"

#include <string.h>

enum { MESSAGE_MAX = 4096, XML_MAX = 8192 };

static size_t split(char *message, struct field *fields)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *pair = strtok_r(message, "|", &rest); pair != NULL;
         pair = strtok_r(NULL, "|", &rest)) {
        char *value = strchr(pair, '=');
        must(value != NULL && count + 2 < SIGNATURE_FIELDS_MAX);
        *value = '\0';
        fields[count++] = (struct field){.name = bytes_of(pair), .value = bytes_of(value + 1)};
    }
    fields[count++] = (struct field){.name = BYTES("pg_salt"), .value = BYTES("0123456789abcdef")};
    return count;
}

static void put_element(struct buffer *xml, const struct field *field)
{
    buffer_put_text(xml, "  <");
    buffer_put(xml, field->name);
    buffer_put_text(xml, ">");
    for (size_t i = 0; i < field->value.len; i++) {
        char c = field->value.data[i];
        if (c == '&' || c == '<')
            buffer_put_text(xml, c == '&' ? "&amp;" : "&lt;");
        else
            buffer_put_byte(xml, c);
    }
    buffer_put_text(xml, "</");
    buffer_put(xml, field->name);
    buffer_put_text(xml, ">\n");
}

struct bytes signed_xml(struct bytes script, const char *message, struct bytes key)
{
    static char place[XML_MAX];
    static char hex[SIGNATURE_LEN + 1];
    char copy[MESSAGE_MAX];
    struct field fields[SIGNATURE_FIELDS_MAX];
    struct buffer xml;
    struct bytes whole = BYTES_NONE;
    size_t len = strlen(message);
    must(len < sizeof copy);
    memcpy(copy, message, len + 1);
    size_t count = split(copy, fields);
    if (!bytes_is_none(key)) {
        must(signature_make(script, fields, count, key, hex) == STATUS_OK);
        fields[count++] = (struct field){.name = BYTES("pg_sig"), .value = bytes_of(hex)};
    }
    buffer_init(&xml, place, sizeof place);
    buffer_put_text(&xml, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<response>\n");
    for (size_t i = 0; i < count; i++)
        put_element(&xml, &fields[i]);
    buffer_put_text(&xml, "</response>\n");
    must(buffer_take(&xml, &whole) == STATUS_OK);
    return whole;
}
