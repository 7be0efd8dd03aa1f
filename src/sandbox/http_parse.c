/* Reads what a client sent: request line, the few headers that matter, chunked bodies. */
#include "http_parse.h"

#include <string.h>
#include <strings.h>

static struct bytes take_until(struct bytes *rest, char end)
{
    const char *found = rest->len == 0 ? NULL : memchr(rest->data, end, rest->len);
    struct bytes taken = *rest;
    if (found == NULL) {
        *rest = (struct bytes){rest->data + rest->len, 0};
        return taken;
    }
    taken.len = (size_t) (found - rest->data);
    *rest = (struct bytes){found + 1, rest->len - taken.len - 1};
    return taken;
}

static struct bytes trimmed(struct bytes text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (struct bytes){text.data + 1, text.len - 1};
    while (text.len > 0 && strchr(" \t\r", text.data[text.len - 1]) != NULL)
        text.len--;
    return text;
}

static bool same_word(struct bytes text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

static enum status read_request_line(struct bytes line, struct http_head *head)
{
    line = trimmed(line);
    head->method = take_until(&line, ' ');
    struct bytes target = take_until(&line, ' ');
    head->path = take_until(&target, '?');
    head->query = target;
    head->keep_alive = bytes_equal_text(line, "HTTP/1.1");
    bool known = head->keep_alive || bytes_equal_text(line, "HTTP/1.0");
    if (!known || head->path.len == 0 || head->path.data[0] != '/')
        return STATUS_SYNTAX;
    return STATUS_OK;
}

static enum status read_header(struct bytes name, struct bytes value, struct http_head *head)
{
    if (same_word(name, "content-type")) {
        head->content_type = value;
    } else if (same_word(name, "content-length")) {
        int64_t length = 0;
        TRY(bytes_to_int64(value, &length));
        if (length > HTTP_BODY_MAX)
            return STATUS_TOO_LARGE;
        head->content_length = (size_t) length;
    } else if (same_word(name, "transfer-encoding")) {
        if (!same_word(value, "chunked"))
            return STATUS_SYNTAX;
        head->chunked = true;
    } else if (same_word(name, "connection")) {
        if (same_word(value, "close"))
            head->keep_alive = false;
        else if (same_word(value, "keep-alive"))
            head->keep_alive = true;
    } else if (same_word(name, "expect")) {
        head->expects_continue = same_word(value, "100-continue");
    }
    return STATUS_OK;
}

enum status http_parse_head(struct bytes text, struct http_head *ret_head)
{
    struct http_head head = {.content_type = BYTES("")};
    TRY(read_request_line(take_until(&text, '\n'), &head));
    while (text.len > 0) {
        struct bytes line = take_until(&text, '\n');
        struct bytes name = take_until(&line, ':');
        TRY(read_header(name, trimmed(line), &head));
    }
    *ret_head = head;
    return STATUS_OK;
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The length of the chunk that begins at *position, which then stands behind the line. */
static enum status read_chunk_size(struct bytes text, size_t *position, size_t *ret_size)
{
    const char *start = text.data + *position;
    const char *end = memchr(start, '\n', text.len - *position);
    if (end == NULL)
        return text.len - *position > 64 ? STATUS_SYNTAX : STATUS_UNAVAILABLE;
    size_t size = 0;
    if (hex_digit(*start) < 0)
        return STATUS_SYNTAX;
    for (; hex_digit(*start) >= 0; start++) {
        size = size * 16 + (size_t) hex_digit(*start);
        if (size > HTTP_BODY_MAX)
            return STATUS_TOO_LARGE;
    }
    *position = (size_t) (end + 1 - text.data);
    *ret_size = size;
    return STATUS_OK;
}

enum status http_parse_chunks(struct bytes text, char *ret_body, size_t *ret_len,
                              size_t *ret_consumed)
{
    size_t position = 0, len = 0;
    for (;;) {
        size_t size = 0;
        if (position >= text.len)
            return STATUS_UNAVAILABLE;
        TRY(read_chunk_size(text, &position, &size));
        if (text.len - position < size + 2)
            return STATUS_UNAVAILABLE;
        memmove(ret_body + len, text.data + position, size); /* it may be the same place */
        len += size;
        position += size;
        if (len > HTTP_BODY_MAX)
            return STATUS_TOO_LARGE;
        if (text.data[position] != '\r' || text.data[position + 1] != '\n')
            return STATUS_SYNTAX; /* trailers are not read either: nobody sends them here */
        position += 2;
        if (size == 0)
            break;
    }
    *ret_len = len;
    *ret_consumed = position;
    return STATUS_OK;
}

const char *http_status_reason(int http_status)
{
    static const struct {
        int http_status;
        const char *reason;
    } rows[] = {
        {100, "Continue"},
        {102, "Processing"},
        {103, "Early Hints"},
        {200, "OK"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {407, "Proxy Authentication Required"},
        {413, "Content Too Large"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].http_status == http_status)
            return rows[i].reason;
    return "Something";
}
