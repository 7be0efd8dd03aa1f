/* A message as the codecs see it: views, nothing is copied. */
#include "kafka_parts.h"

static void read_headers(const rd_kafka_message_t *message, struct record_content *content)
{
    rd_kafka_headers_t *headers;
    content->headers_count = 0;
    content->headers_cut = false;
    if (rd_kafka_message_headers(message, &headers) != 0)
        return;
    const char *name;
    const void *value;
    size_t len;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &len) == 0; i++) {
        if (i == RECORD_HEADERS_MAX) {
            content->headers_cut = true;
            return;
        }
        content->headers[i] = (struct record_header){bytes_of(name), {value, len}};
        content->headers_count = i + 1;
    }
}

void kafka_record_view(const rd_kafka_message_t *message, struct record_content *ret_content)
{
    ret_content->key = (struct bytes){message->key, message->key_len};
    ret_content->value = (struct bytes){message->payload, message->len};
    read_headers(message, ret_content);
}
