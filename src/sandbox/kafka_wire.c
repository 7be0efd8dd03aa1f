/* Numbers and strings of Kafka's protocol: big-endian, with lengths in front. */
#include "kafka_wire.h"

int64_t kafka_read_int(struct kafka_reader *reader, size_t size)
{
    if (reader->broken || reader->rest.len < size) {
        reader->broken = true;
        return 0;
    }
    uint64_t value = (signed char) reader->rest.data[0] < 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | (unsigned char) reader->rest.data[i];
    reader->rest = (struct bytes){reader->rest.data + size, reader->rest.len - size};
    return (int64_t) value;
}

struct bytes kafka_read_string(struct kafka_reader *reader)
{
    int64_t len = kafka_read_int(reader, 2);
    if (len < 0)
        return BYTES_NONE;
    if (reader->broken || reader->rest.len < (size_t) len) {
        reader->broken = true;
        return BYTES_NONE;
    }
    struct bytes text = {reader->rest.data, (size_t) len};
    reader->rest = (struct bytes){reader->rest.data + len, reader->rest.len - (size_t) len};
    return text;
}

struct kafka_request kafka_read_request(struct bytes frame)
{
    struct kafka_request request = {.body = {.rest = frame}};
    request.api = (int16_t) kafka_read_int(&request.body, 2);
    request.version = (int16_t) kafka_read_int(&request.body, 2);
    request.correlation_id = (int32_t) kafka_read_int(&request.body, 4);
    (void) kafka_read_string(&request.body); /* the client's id */
    return request;
}

void kafka_write_int(struct buffer *buffer, int64_t value, size_t size)
{
    for (size_t i = size; i-- > 0;)
        buffer_put_byte(buffer, (char) ((uint64_t) value >> (8 * i) & 0xff));
}

void kafka_write_string(struct buffer *buffer, struct bytes text)
{
    kafka_write_int(buffer, bytes_is_none(text) ? -1 : (int64_t) text.len, 2);
    if (!bytes_is_none(text))
        buffer_put(buffer, text);
}
