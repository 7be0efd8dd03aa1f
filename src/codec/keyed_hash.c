/* HMAC-SHA-256 for fingerprints: one for every command, so the context is kept (see keyed_hash.h).
 */
#include "payoutd/codec/keyed_hash.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

static _Thread_local EVP_MAC_CTX *context;

static EVP_MAC_CTX *new_context(void)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    must(hmac != NULL);
    EVP_MAC_CTX *made = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac); /* the context holds its own reference */
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    must(made != NULL && EVP_MAC_CTX_set_params(made, params) == 1);
    return made;
}

void keyed_hash(struct bytes key, const struct bytes *parts, size_t count,
                uint8_t ret_hash[static KEYED_HASH_LEN])
{
    if (context == NULL)
        context = new_context();
    must(key.len > 0);
    must(EVP_MAC_init(context, (const unsigned char *) key.data, key.len, NULL) == 1);
    for (size_t i = 0; i < count; i++)
        if (parts[i].len > 0)
            must(EVP_MAC_update(context, (const unsigned char *) parts[i].data, parts[i].len) == 1);
    size_t len = 0;
    must(EVP_MAC_final(context, ret_hash, &len, KEYED_HASH_LEN) == 1 && len == KEYED_HASH_LEN);
}

void keyed_hash_end_thread(void)
{
    EVP_MAC_CTX_free(context);
    context = NULL;
}

void keyed_hash_put_hex(struct buffer *buffer, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        buffer_put_byte(buffer, "0123456789abcdef"[bytes[i] >> 4]);
        buffer_put_byte(buffer, "0123456789abcdef"[bytes[i] & 15]);
    }
}
