/* Decodes what the client posted, before anything in it is believed. */
#include "form.h"

#include <string.h>
#include <strings.h>

static enum status add(struct form_fields *fields, struct bytes name, struct bytes value)
{
    if (fields->count == SIGNATURE_FIELDS_MAX)
        return STATUS_TOO_LARGE;
    fields->items[fields->count++] = (struct field){.name = name, .value = value};
    return STATUS_OK;
}

static int nibble(char byte)
{
    const char *digits = "0123456789abcdef";
    const char *found =
        byte == '\0' ? NULL : strchr(digits, byte >= 'A' && byte <= 'F' ? byte | 0x20 : byte);
    return found == NULL ? -1 : (int) (found - digits);
}

static enum status decode(struct bytes text, char **room, struct bytes *ret_decoded)
{
    char *start = *room, *to = start;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i];
        if (byte == '+') {
            byte = ' ';
        } else if (byte == '%') {
            if (text.len - i < 3 || nibble(text.data[i + 1]) < 0 || nibble(text.data[i + 2]) < 0)
                return STATUS_SYNTAX;
            byte = (char) (nibble(text.data[i + 1]) * 16 + nibble(text.data[i + 2]));
            i += 2;
        }
        *to++ = byte;
    }
    *room = to;
    *ret_decoded = (struct bytes){start, (size_t) (to - start)};
    return STATUS_OK;
}

static enum status read_urlencoded(struct bytes body, char *room, struct form_fields *fields)
{
    while (body.len > 0) {
        const char *end = memchr(body.data, '&', body.len);
        size_t len = end == NULL ? body.len : (size_t) (end - body.data);
        const char *equals = memchr(body.data, '=', len);
        size_t name_len = equals == NULL ? len : (size_t) (equals - body.data);
        struct bytes value = {body.data + name_len, 0};
        if (equals != NULL)
            value = (struct bytes){equals + 1, len - name_len - 1};
        struct bytes name;
        TRY(decode((struct bytes){body.data, name_len}, &room, &name));
        TRY(decode(value, &room, &value));
        if (name.len > 0)
            TRY(add(fields, name, value));
        size_t used = end == NULL ? len : len + 1;
        body = (struct bytes){body.data + used, body.len - used};
    }
    return STATUS_OK;
}

/* What stands between quotes after `key`, e.g. name="...". */
static struct bytes quoted(struct bytes text, const char *key)
{
    size_t key_len = strlen(key);
    for (size_t i = 0; i + key_len < text.len; i++) {
        bool starts = i == 0 || strchr("; \t\n", text.data[i - 1]) != NULL;
        if (!starts || strncasecmp(text.data + i, key, key_len) != 0)
            continue;
        const char *from = text.data + i + key_len;
        const char *end = memchr(from, '"', text.len - i - key_len);
        return end == NULL ? BYTES_NONE : (struct bytes){from, (size_t) (end - from)};
    }
    return BYTES_NONE;
}

static struct bytes boundary_of(struct bytes content_type)
{
    struct bytes boundary = quoted(content_type, "boundary=\"");
    if (!bytes_is_none(boundary))
        return boundary;
    for (size_t i = 0; i + 9 < content_type.len; i++) {
        if (strncasecmp(content_type.data + i, "boundary=", 9) != 0)
            continue;
        struct bytes rest = {content_type.data + i + 9, content_type.len - i - 9};
        const char *end = memchr(rest.data, ';', rest.len);
        return end == NULL ? rest : (struct bytes){rest.data, (size_t) (end - rest.data)};
    }
    return BYTES_NONE;
}

static const char *find(struct bytes text, struct bytes needle)
{
    return memmem(text.data, text.len, needle.data, needle.len);
}

static struct bytes after(struct bytes text, const char *from)
{
    return (struct bytes){from, (size_t) (text.data + text.len - from)};
}

/* `rest` begins behind a boundary; at the end it begins behind the next one. */
static enum status read_part(struct bytes *rest, struct bytes delimiter, struct form_fields *fields)
{
    const char *head_end = find(*rest, BYTES("\r\n\r\n"));
    if (head_end == NULL)
        return STATUS_SYNTAX;
    struct bytes head = {rest->data, (size_t) (head_end - rest->data)};
    struct bytes content = after(*rest, head_end + 4);
    const char *end = find(content, delimiter);
    struct bytes name = quoted(head, "name=\"");
    if (end == NULL || bytes_is_none(name))
        return STATUS_SYNTAX;
    *rest = after(content, end + delimiter.len);
    return add(fields, name, (struct bytes){content.data, (size_t) (end - content.data)});
}

static enum status read_multipart(struct bytes body, struct bytes boundary, char *room,
                                  struct form_fields *fields)
{
    char delimiter_text[80] = "\r\n--";
    if (bytes_is_none(boundary) || boundary.len == 0 || boundary.len > 70)
        return STATUS_SYNTAX;
    memcpy(delimiter_text + 4, boundary.data, boundary.len);
    struct bytes delimiter = {delimiter_text, boundary.len + 4};
    memcpy(room, body.data, body.len);
    struct bytes rest = {room, body.len};
    struct bytes first = {delimiter_text + 2, boundary.len + 2};
    const char *start = find(rest, first);
    if (start == NULL)
        return STATUS_SYNTAX;
    rest = after(rest, start + first.len);
    while (rest.len >= 2 && memcmp(rest.data, "--", 2) != 0)
        TRY(read_part(&rest, delimiter, fields));
    return rest.len >= 2 ? STATUS_OK : STATUS_SYNTAX;
}

enum status form_read(struct bytes content_type, struct bytes body, char *room,
                      struct form_fields *ret_fields)
{
    static const char multipart[] = "multipart/form-data";
    ret_fields->count = 0;
    if (content_type.len >= sizeof multipart - 1 &&
        strncasecmp(content_type.data, multipart, sizeof multipart - 1) == 0)
        return read_multipart(body, boundary_of(content_type), room, ret_fields);
    return read_urlencoded(body, room, ret_fields);
}

struct bytes form_value(const struct form_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (bytes_equal_text(fields->items[i].name, name))
            return fields->items[i].value;
    return BYTES_NONE;
}
