/* Where an order lives in Redis: its own key and those of its shard, all in one cluster slot. */
#include "ledger_parts.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum {
    DIGEST_LEN = 32,
    DIGEST_HEX = 64,
    TAG_LEN = 7,
    PREFIX_LEN = 10 /* {po:SS}:o: */,
    HASHED_MAX = 1024
};

static void name(struct ledger_keys *keys, enum ledger_key key, int length)
{
    keys->view[key] = (struct bytes){keys->text[key], (size_t) length};
}

/* {po:SS}, what Redis Cluster hashes. */
static int put_tag(char *text, int32_t shard)
{
    memcpy(text, "{po:00}", TAG_LEN + 1);
    text[4] = (char) ('0' + shard / 10);
    text[5] = (char) ('0' + shard % 10);
    return TAG_LEN;
}

void ledger_keys_of_shard(int32_t shard, struct ledger_keys *ret_keys)
{
    must(shard >= 0 && shard < LEDGER_SHARDS);
    static const struct bytes endings[] = {{":due", 4}, {":inc", 4}, {":last", 5}};
    ret_keys->view[LEDGER_KEY_ORDER] = BYTES_NONE;
    for (enum ledger_key key = LEDGER_KEY_DUE; key <= LEDGER_KEY_LAST; key++) {
        int length = put_tag(ret_keys->text[key], shard);
        memcpy(ret_keys->text[key] + length, endings[key].data, endings[key].len + 1);
        name(ret_keys, key, length + (int) endings[key].len);
    }
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

/* The algorithm is looked up once in a thread's life: the look-up costs more than the hash. */
static void sha256(const void *data, size_t len, unsigned char ret_digest[static DIGEST_LEN])
{
    static _Thread_local EVP_MD *algorithm;
    if (algorithm == NULL)
        algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    must(algorithm != NULL && EVP_Digest(data, len, ret_digest, NULL, algorithm, NULL) == 1);
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
    sha256(hashed, space_len + order_id.len, digest);
    int32_t shard = digest[0] % LEDGER_SHARDS;
    ledger_keys_of_shard(shard, ret_keys);
    char *text = ret_keys->text[LEDGER_KEY_ORDER];
    int length = put_tag(text, shard);
    memcpy(text + length, ":o:", 3);
    length += 3;
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
