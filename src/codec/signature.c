/* pg_sig of every message that goes to the gateway or comes from it: see signature.h. */
#include "payoutd/codec/signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum { DEPTH_MAX = 8, DIGEST_LEN = SIGNATURE_LEN / 2, GATHER_MAX = 512 };

/*
 * Pieces are gathered before they are hashed, because each call into the digest costs more than
 * hashing a field. The place may hold a card number and the key: it is cleansed when the digest is
 * made.
 */
struct digest {
    EVP_MD_CTX *context;
    size_t len;
    bool broken;
    char gathered[GATHER_MAX];
};

/* Fetched once a thread and kept: a fetch costs more than a signature. */
static EVP_MD_CTX *thread_context(void)
{
    static _Thread_local EVP_MD_CTX *context;
    if (context == NULL) {
        EVP_MD *md5 = EVP_MD_fetch(NULL, "MD5", NULL);
        EVP_MD_CTX *made = EVP_MD_CTX_new();
        if (md5 != NULL && made != NULL && EVP_DigestInit_ex2(made, md5, NULL) == 1)
            context = made;
        else
            EVP_MD_CTX_free(made);
        EVP_MD_free(md5);
    }
    return context;
}

static void flush(struct digest *digest)
{
    if (digest->len > 0 && EVP_DigestUpdate(digest->context, digest->gathered, digest->len) != 1)
        digest->broken = true;
    OPENSSL_cleanse(digest->gathered, digest->len);
    digest->len = 0;
}

static void add(struct digest *digest, struct bytes piece)
{
    if (piece.len > GATHER_MAX - digest->len)
        flush(digest);
    if (piece.len > GATHER_MAX) {
        if (EVP_DigestUpdate(digest->context, piece.data, piece.len) != 1)
            digest->broken = true;
        return;
    }
    if (piece.len > 0)
        memcpy(digest->gathered + digest->len, piece.data, piece.len);
    digest->len += piece.len;
}

/* Insertion keeps the message order of repeated names, and messages come nearly sorted. */
static void sort_by_name(const struct field *fields, size_t count,
                         const struct field *sorted[static SIGNATURE_FIELDS_MAX])
{
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        while (at > 0 && bytes_compare(sorted[at - 1]->name, fields[i].name) > 0) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = &fields[i];
    }
}

static bool is_signature(const struct field *field)
{
    return bytes_equal(field->name, BYTES("pg_sig"));
}

static enum status add_level(struct digest *digest, const struct field *fields, size_t count,
                             int depth)
{
    const struct field *sorted[SIGNATURE_FIELDS_MAX];
    if (depth > DEPTH_MAX)
        return STATUS_TOO_DEEP;
    if (count > SIGNATURE_FIELDS_MAX)
        return STATUS_TOO_LARGE;
    sort_by_name(fields, count, sorted);
    for (size_t i = 0; i < count; i++) {
        if (depth == 1 && is_signature(sorted[i]))
            continue;
        if (sorted[i]->children_count > 0) {
            TRY(add_level(digest, sorted[i]->children, sorted[i]->children_count, depth + 1));
            continue;
        }
        add(digest, sorted[i]->value);
        add(digest, BYTES(";"));
    }
    return STATUS_OK;
}

static void write_hex(const unsigned char digest[static DIGEST_LEN],
                      char ret_hex[static SIGNATURE_LEN + 1])
{
    for (size_t i = 0; i < DIGEST_LEN; i++) {
        ret_hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        ret_hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    ret_hex[SIGNATURE_LEN] = '\0';
}

enum status signature_make(struct bytes script, const struct field *fields, size_t count,
                           struct bytes secret, char ret_hex[static SIGNATURE_LEN + 1])
{
    unsigned char md5[DIGEST_LEN];
    struct digest digest;
    digest.context = thread_context();
    digest.len = 0;
    digest.broken = false;
    if (digest.context == NULL || EVP_DigestInit_ex2(digest.context, NULL, NULL) != 1)
        return STATUS_ENVIRONMENT; /* this OpenSSL offers no MD5 (FIPS) */
    add(&digest, script);
    add(&digest, BYTES(";"));
    enum status status = add_level(&digest, fields, count, 1);
    add(&digest, secret);
    flush(&digest);
    /* Finished on failure too: that cleanses what the digest holds. */
    if (EVP_DigestFinal_ex(digest.context, md5, NULL) != 1 || digest.broken)
        return STATUS_ENVIRONMENT;
    TRY(status);
    write_hex(md5, ret_hex);
    return STATUS_OK;
}

/* The one pg_sig, 32 characters long; NULL when it is missing, repeated or of another form. */
static const struct field *find_signature(const struct field *fields, size_t count)
{
    const struct field *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!is_signature(&fields[i]))
            continue;
        if (found != NULL)
            return NULL;
        found = &fields[i];
    }
    if (found == NULL || found->children_count > 0 || found->value.len != SIGNATURE_LEN)
        return NULL;
    return found;
}

enum status signature_check(struct bytes script, const struct field *fields, size_t count,
                            struct bytes secret)
{
    char expected[SIGNATURE_LEN + 1];
    char given[SIGNATURE_LEN];
    const struct field *field = find_signature(fields, count);
    if (field == NULL)
        return STATUS_BAD_SIGNATURE;
    for (size_t i = 0; i < SIGNATURE_LEN; i++) {
        char c = field->value.data[i];
        given[i] = c >= 'A' && c <= 'F' ? (char) (c - 'A' + 'a') : c;
    }
    TRY(signature_make(script, fields, count, secret, expected));
    bool same = CRYPTO_memcmp(expected, given, SIGNATURE_LEN) == 0;
    OPENSSL_cleanse(expected, sizeof expected); /* of a forged message it would be the right one */
    return same ? STATUS_OK : STATUS_BAD_SIGNATURE;
}

struct bytes signature_script(struct bytes url)
{
    size_t end = 0;
    while (end < url.len && url.data[end] != '?')
        end++;
    size_t start = end;
    while (start > 0 && url.data[start - 1] != '/')
        start--;
    if (bytes_is_none(url))
        return BYTES("");
    return (struct bytes){url.data + start, end - start};
}
