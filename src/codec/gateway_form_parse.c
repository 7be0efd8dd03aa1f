/* A urlencoded body that came from outside becomes decoded fields: callbacks, and the sandbox's
 * requests. */
#include "payoutd/codec/gateway_form.h"

#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that "%41" stands for; -1 when `text` does not begin with such an escape. */
static int escaped_byte(struct bytes text)
{
    if (text.len < 3)
        return -1;
    int high = hex_value(text.data[1]);
    int low = hex_value(text.data[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Decodes to `to`, which has room for text.len bytes. A NUL is refused: nothing that we sign holds
 * one. */
static enum status decode(struct bytes text, char *to, struct bytes *ret_value)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int byte = (unsigned char) text.data[i];
        if (byte == '+') {
            byte = ' ';
        } else if (byte == '%') {
            byte = escaped_byte((struct bytes){text.data + i, text.len - i});
            i += 2;
        }
        if (byte <= 0)
            return STATUS_SYNTAX;
        to[len++] = (char) byte;
    }
    *ret_value = (struct bytes){to, len};
    return STATUS_OK;
}

static struct bytes cut(struct bytes *rest, char mark)
{
    const char *found = rest->len == 0 ? NULL : memchr(rest->data, mark, rest->len);
    struct bytes head = *rest;
    if (found != NULL)
        head.len = (size_t) (found - rest->data);
    size_t gone = found == NULL ? head.len : head.len + 1;
    *rest = (struct bytes){rest->data + gone, rest->len - gone};
    return head;
}

/* Empty pairs ("a=1&&b=2") are skipped, and a pair without '=' has the empty value; both as
 * browsers do. */
static enum status parse_pairs(struct bytes body, char *text, struct field *fields,
                               size_t fields_max, size_t *ret_count)
{
    size_t count = 0;
    while (body.len > 0) {
        struct bytes value = cut(&body, '&');
        if (value.len == 0)
            continue;
        if (count == fields_max)
            return STATUS_TOO_LARGE;
        struct bytes name = cut(&value, '=');
        if (name.len == 0)
            return STATUS_SYNTAX;
        struct field field = {.children_count = 0};
        TRY(decode(name, text, &field.name));
        text += field.name.len;
        TRY(decode(value, text, &field.value));
        text += field.value.len;
        fields[count++] = field;
    }
    *ret_count = count;
    return STATUS_OK;
}

enum status gateway_form_parse(struct bytes body, struct arena *arena, size_t fields_max,
                               struct field **ret_fields, size_t *ret_count)
{
    size_t pairs_max = 1;
    for (size_t i = 0; i < body.len && pairs_max < fields_max; i++)
        pairs_max += body.data[i] == '&' ? 1 : 0;
    if (pairs_max > fields_max)
        pairs_max = fields_max;
    struct field *fields = arena_take(arena, pairs_max * sizeof *fields);
    char *text = arena_take(arena, body.len);
    if (fields == NULL || text == NULL)
        return STATUS_NO_ROOM;
    TRY(parse_pairs(body, text, fields, pairs_max, ret_count));
    *ret_fields = fields;
    return STATUS_OK;
}
