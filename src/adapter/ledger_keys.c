/* Where an order lives in Redis: its own key and those of its shard, all in one cluster slot. */
#include "ledger_parts.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { DIGEST_LEN = 32, DIGEST_HEX = 64, PREFIX_LEN = 10 /* {po:SS}:o: */, HASHED_MAX = 1024 };

static void name(struct ledger_keys *keys, enum ledger_key key, int length)
{
    keys->view[key] = (struct bytes){keys->text[key], (size_t) length};
}

void ledger_keys_of_shard(int32_t shard, struct ledger_keys *ret_keys)
{
    must(shard >= 0 && shard < LEDGER_SHARDS);
    static const char *const endings[] = {"due", "inc", "last"};
    ret_keys->view[LEDGER_KEY_ORDER] = BYTES_NONE;
    for (enum ledger_key key = LEDGER_KEY_DUE; key <= LEDGER_KEY_LAST; key++)
        name(ret_keys, key,
             snprintf(ret_keys->text[key], LEDGER_KEY_MAX, "{po:%02d}:%s", shard, endings[key]));
}

static int put_hex(char *text, const unsigned char *digest)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < DIGEST_LEN; i++) {
        *text++ = digits[digest[i] >> 4];
        *text++ = digits[digest[i] & 15];
    }
    return DIGEST_HEX;
}

void ledger_keys_of_order(const char *name_space, struct bytes order_id,
                          struct ledger_keys *ret_keys)
{
    char hashed[HASHED_MAX];
    unsigned char digest[DIGEST_LEN];
    size_t space_len = strlen(name_space) + 1; /* with its 0 */
    must(order_id.len > 0 && space_len + order_id.len <= sizeof hashed);
    memcpy(hashed, name_space, space_len);
    memcpy(hashed + space_len, order_id.data, order_id.len);
    must(EVP_Digest(hashed, space_len + order_id.len, digest, NULL, EVP_sha256(), NULL) == 1);
    int32_t shard = digest[0] % LEDGER_SHARDS;
    ledger_keys_of_shard(shard, ret_keys);
    char *text = ret_keys->text[LEDGER_KEY_ORDER];
    int length = snprintf(text, LEDGER_KEY_MAX, "{po:%02d}:o:", shard);
    name(ret_keys, LEDGER_KEY_ORDER, length + put_hex(text + length, digest));
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

enum status ledger_keys_of_key(struct bytes order_key, struct ledger_keys *ret_keys)
{
    const char *text = order_key.data;
    if (order_key.len != PREFIX_LEN + DIGEST_HEX || memcmp(text, "{po:", 4) != 0 ||
        memcmp(text + 6, "}:o:", 4) != 0 || !is_digit(text[4]) || !is_digit(text[5]))
        return STATUS_BAD_FIELD;
    int32_t shard = (text[4] - '0') * 10 + (text[5] - '0');
    if (shard >= LEDGER_SHARDS)
        return STATUS_BAD_FIELD;
    ledger_keys_of_shard(shard, ret_keys);
    memcpy(ret_keys->text[LEDGER_KEY_ORDER], text, order_key.len);
    name(ret_keys, LEDGER_KEY_ORDER, (int) order_key.len);
    return STATUS_OK;
}

void ledger_keys_token_text(uint64_t token, char ret_text[LEDGER_TOKEN_MAX])
{
    snprintf(ret_text, LEDGER_TOKEN_MAX, "%016llx", (unsigned long long) token);
}
