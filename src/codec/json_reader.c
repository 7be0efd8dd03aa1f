/* The only place that knows yajl: JSON as a row of events (see json_reader.h). */
#include "payoutd/codec/json_reader.h"

#include <openssl/crypto.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

struct reader {
    json_on_event *on_event;
    void *context;
    size_t depth;
    size_t key_len;
    bool has_key, key_is_cut;
    char key[JSON_KEY_MAX];
};

/* yajl's memory may hold a card number: every block knows its size and is wiped when it goes. */
struct block {
    alignas(max_align_t) size_t size;
};

static void *block_new(void *context, size_t size)
{
    (void) context;
    struct block *block = malloc(sizeof *block + size);
    must(block !=
         NULL); /* bounded by the size of a command: out of memory here is the end anyway */
    block->size = size;
    return block + 1;
}

static void block_free(void *context, void *memory)
{
    (void) context;
    if (memory == NULL)
        return;
    struct block *block = (struct block *) memory - 1;
    OPENSSL_cleanse(memory, block->size);
    free(block);
}

static void *block_resize(void *context, void *memory, size_t size)
{
    void *larger = block_new(context, size);
    if (memory != NULL) {
        size_t old = ((struct block *) memory - 1)->size;
        memcpy(larger, memory, old < size ? old : size);
    }
    block_free(context, memory);
    return larger;
}

/* Always 1 for yajl: go on. Faults are the handler's to keep; a later order id is still wanted. */
static int deliver(struct reader *reader, enum json_event_kind kind, struct bytes text)
{
    struct json_event event = {.kind = kind, .depth = reader->depth, .text = text};
    if (reader->has_key) {
        event.key = (struct bytes){reader->key, reader->key_len};
        event.key_is_cut = reader->key_is_cut;
    }
    reader->has_key = false;
    reader->on_event(reader->context, &event);
    return 1;
}

static int on_null(void *reader)
{
    return deliver(reader, JSON_NULL, BYTES_NONE);
}

static int on_bool(void *reader, int value)
{
    return deliver(reader, JSON_BOOL, value ? BYTES("true") : BYTES("false"));
}

static int on_number(void *reader, const char *text, size_t len)
{
    return deliver(reader, JSON_NUMBER, (struct bytes){text, len});
}

static int on_string(void *reader, const unsigned char *text, size_t len)
{
    return deliver(reader, JSON_TEXT, (struct bytes){(const char *) text, len});
}

static int on_key(void *context, const unsigned char *text, size_t len)
{
    struct reader *reader = context;
    reader->key_is_cut = len > JSON_KEY_MAX;
    reader->key_len = reader->key_is_cut ? JSON_KEY_MAX : len;
    memcpy(reader->key, text, reader->key_len);
    reader->has_key = true;
    return 1;
}

static int on_object(void *context)
{
    struct reader *reader = context;
    deliver(reader, JSON_OBJECT, BYTES_NONE);
    reader->depth++;
    return 1;
}

static int on_object_end(void *context)
{
    struct reader *reader = context;
    reader->depth--;
    return deliver(reader, JSON_OBJECT_END, BYTES_NONE);
}

static int on_array(void *context)
{
    struct reader *reader = context;
    deliver(reader, JSON_ARRAY, BYTES_NONE);
    reader->depth++;
    return 1;
}

static int on_array_end(void *context)
{
    struct reader *reader = context;
    reader->depth--;
    return deliver(reader, JSON_ARRAY_END, BYTES_NONE);
}

static bool read_hex4(struct bytes text, size_t at, unsigned *ret_value)
{
    if (at + 4 > text.len)
        return false;
    unsigned value = 0;
    for (size_t i = at; i < at + 4; i++) {
        char byte = text.data[i];
        if (byte >= '0' && byte <= '9')
            value = value * 16 + (unsigned) (byte - '0');
        else if ((byte | 32) >= 'a' && (byte | 32) <= 'f')
            value = value * 16 + (unsigned) ((byte | 32) - 'a' + 10);
        else
            return false;
    }
    *ret_value = value;
    return true;
}

/* yajl writes half a surrogate pair as '?' or as bytes that are no UTF-8: such a text is refused
 * before. */
static bool has_whole_surrogates(struct bytes text)
{
    for (size_t at = 0; at + 1 < text.len; at++) {
        if (text.data[at] != '\\')
            continue;
        at++;
        unsigned high, low;
        if (text.data[at] != 'u' || !read_hex4(text, at + 1, &high))
            continue;
        at += 4;
        if (high < 0xD800 || high > 0xDFFF)
            continue;
        bool is_pair = high < 0xDC00 && at + 2 < text.len && text.data[at + 1] == '\\' &&
                       text.data[at + 2] == 'u' && read_hex4(text, at + 3, &low) && low >= 0xDC00 &&
                       low <= 0xDFFF;
        if (!is_pair)
            return false;
        at += 6;
    }
    return true;
}

static bool parse(struct bytes text, struct reader *reader)
{
    static const yajl_callbacks callbacks = {
        .yajl_null = on_null,
        .yajl_boolean = on_bool,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_start_map = on_object,
        .yajl_map_key = on_key,
        .yajl_end_map = on_object_end,
        .yajl_start_array = on_array,
        .yajl_end_array = on_array_end,
    };
    yajl_alloc_funcs memory = {.malloc = block_new, .realloc = block_resize, .free = block_free};
    yajl_handle parser = yajl_alloc(&callbacks, &memory, reader);
    bool is_json =
        yajl_parse(parser, (const unsigned char *) text.data, text.len) == yajl_status_ok &&
        yajl_complete_parse(parser) == yajl_status_ok;
    yajl_free(parser);
    return is_json;
}

enum status json_read(struct bytes text, json_on_event *on_event, void *context,
                      const char **ret_why)
{
    if (text.len == 0) {
        *ret_why = "must not be empty";
        return STATUS_SYNTAX;
    }
    if (!json_is_utf8(text)) {
        *ret_why = "must be valid UTF-8";
        return STATUS_SYNTAX;
    }
    if (!has_whole_surrogates(text)) {
        *ret_why = "must not hold half a surrogate pair";
        return STATUS_SYNTAX;
    }
    struct reader reader = {.on_event = on_event, .context = context};
    bool is_json = parse(text, &reader);
    OPENSSL_cleanse(reader.key, sizeof reader.key);
    if (is_json)
        return STATUS_OK;
    *ret_why = "must be one well-formed JSON value";
    return STATUS_SYNTAX;
}
