/* What JSON texts are made of: the checks that the parser does not make (see json_reader.h). */
#include "payoutd/codec/json_reader.h"

struct utf8_form {
    uint8_t lead_mask, lead; /* of the first byte */
    uint8_t more;            /* bytes that follow */
    uint32_t min;            /* smaller code points have a shorter form */
};

static size_t sequence_len(const unsigned char *at, size_t left)
{
    static const struct utf8_form forms[] = {{0x80, 0x00, 0, 0},
                                             {0xE0, 0xC0, 1, 0x80},
                                             {0xF0, 0xE0, 2, 0x800},
                                             {0xF8, 0xF0, 3, 0x10000}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if ((at[0] & forms[i].lead_mask) != forms[i].lead)
            continue;
        if (forms[i].more >= left)
            return 0;
        uint32_t point = at[0] & (uint8_t) ~forms[i].lead_mask;
        for (size_t next = 1; next <= forms[i].more; next++) {
            if ((at[next] & 0xC0) != 0x80)
                return 0;
            point = point << 6 | (at[next] & 0x3F);
        }
        bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;
        if (point < forms[i].min || point > 0x10FFFF || is_surrogate)
            return 0;
        return 1U + forms[i].more;
    }
    return 0;
}

size_t json_character_len(struct bytes text, size_t at)
{
    const unsigned char *data = (const unsigned char *) text.data;
    return data[at] < 0x80 ? 1 : sequence_len(data + at, text.len - at);
}

bool json_is_utf8(struct bytes text)
{
    for (size_t at = 0; at < text.len;) {
        size_t len = json_character_len(text, at);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

size_t json_characters(struct bytes text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char) text.data[i] & 0xC0) != 0x80;
    return count;
}

bool json_has_control(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char) text.data[i];
        if (byte < 0x20 || byte == 0x7F)
            return true;
    }
    return false;
}
