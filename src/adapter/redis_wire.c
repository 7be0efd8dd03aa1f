/* Redis' wire format for what redis_link sends. */
#include "payoutd/adapter/redis_link.h"

void redis_link_put_count(struct buffer *buffer, int64_t words)
{
    buffer_put_byte(buffer, '*');
    buffer_put_int64(buffer, words);
    buffer_put(buffer, BYTES("\r\n"));
}

void redis_link_put_word(struct buffer *buffer, struct bytes word)
{
    buffer_put_byte(buffer, '$');
    buffer_put_int64(buffer, (int64_t) word.len);
    buffer_put(buffer, BYTES("\r\n"));
    buffer_put(buffer, word);
    buffer_put(buffer, BYTES("\r\n"));
}

void redis_link_put_number(struct buffer *buffer, int64_t number)
{
    char space[24];
    struct buffer digits;
    buffer_init(&digits, space, sizeof space);
    buffer_put_int64(&digits, number);
    redis_link_put_word(buffer, (struct bytes){space, digits.len});
}
