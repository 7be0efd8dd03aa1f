/* Makes the CA and the server certificate that the gateway's stand-in shows. */
#include "certificates.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 1024, ALT_NAMES_ROOM = 2048, DAY_S = 86400, VALID_DAYS = 825 };

struct pair {
    X509 *certificate;
    EVP_PKEY *key;
};

static void pair_free(struct pair *pair)
{
    X509_free(pair->certificate);
    EVP_PKEY_free(pair->key);
    *pair = (struct pair){0};
}

static void path_of(const char *directory, const char *file, char ret_path[static PATH_ROOM])
{
    must(snprintf(ret_path, PATH_ROOM, "%s/%s", directory, file) < PATH_ROOM);
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool set_basics(X509 *certificate, EVP_PKEY *key, const char *common_name)
{
    unsigned char serial[16];
    if (RAND_bytes(serial, sizeof serial) != 1)
        return false;
    serial[0] &= 0x7f;
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    bool fine =
        number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    X509_NAME *name = X509_get_subject_name(certificate);
    return fine && X509_set_version(certificate, X509_VERSION_3) == 1 &&
           X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
                                      (const unsigned char *) "payout-sandbox", -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                      (const unsigned char *) common_name, -1, -1, 0) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_S) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), (long) VALID_DAYS * DAY_S) != NULL &&
           X509_set_pubkey(certificate, key) == 1;
}

static bool sign_pair(struct pair *pair, const struct pair *issuer)
{
    X509 *by = issuer == NULL ? pair->certificate : issuer->certificate;
    EVP_PKEY *with = issuer == NULL ? pair->key : issuer->key;
    return X509_set_issuer_name(pair->certificate, X509_get_subject_name(by)) == 1 &&
           X509_sign(pair->certificate, with, EVP_sha256()) > 0;
}

/* `alt_names` NULL: a CA. `issuer` NULL: signed by itself. */
static enum status make_pair(const char *common_name, const char *alt_names,
                             const struct pair *issuer, struct pair *ret_pair)
{
    struct pair pair = {X509_new(), EVP_EC_gen("P-256")};
    bool fine = pair.certificate != NULL && pair.key != NULL &&
                set_basics(pair.certificate, pair.key, common_name);
    X509 *by = issuer == NULL ? pair.certificate : issuer->certificate;
    if (fine && alt_names == NULL)
        fine = add_extension(pair.certificate, by, NID_basic_constraints, "critical,CA:TRUE") &&
               add_extension(pair.certificate, by, NID_key_usage, "critical,keyCertSign,cRLSign");
    else if (fine)
        fine = add_extension(pair.certificate, by, NID_basic_constraints, "critical,CA:FALSE") &&
               add_extension(pair.certificate, by, NID_ext_key_usage, "serverAuth") &&
               add_extension(pair.certificate, by, NID_subject_alt_name, alt_names);
    fine = fine && add_extension(pair.certificate, by, NID_subject_key_identifier, "hash") &&
           sign_pair(&pair, issuer);
    if (!fine) {
        pair_free(&pair);
        return STATUS_ENVIRONMENT;
    }
    *ret_pair = pair;
    return STATUS_OK;
}

static bool read_pair(const char *directory, const char *stem, struct pair *ret_pair)
{
    char path[PATH_ROOM], file[32];
    struct pair pair = {0};
    snprintf(file, sizeof file, "%s.pem", stem);
    path_of(directory, file, path);
    FILE *stream = fopen(path, "r");
    if (stream != NULL) {
        pair.certificate = PEM_read_X509(stream, NULL, NULL, NULL);
        fclose(stream);
    }
    snprintf(file, sizeof file, "%s.key", stem);
    path_of(directory, file, path);
    stream = fopen(path, "r");
    if (stream != NULL) {
        pair.key = PEM_read_PrivateKey(stream, NULL, NULL, NULL);
        fclose(stream);
    }
    time_t week = time(NULL) + (time_t) 7 * DAY_S;
    if (pair.certificate == NULL || pair.key == NULL ||
        X509_check_private_key(pair.certificate, pair.key) != 1 ||
        X509_cmp_time(X509_get0_notAfter(pair.certificate), &week) <= 0) {
        pair_free(&pair);
        return false;
    }
    *ret_pair = pair;
    return true;
}

static FILE *create(const char *directory, const char *stem, const char *ending, mode_t mode)
{
    char path[PATH_ROOM], file[32];
    snprintf(file, sizeof file, "%s.%s", stem, ending);
    path_of(directory, file, path);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");
    if (stream == NULL)
        fprintf(stderr, "payout-sandbox: cannot write %s: %s\n", path, strerror(errno));
    return stream;
}

static enum status write_pair(const char *directory, const char *stem, const struct pair *pair)
{
    FILE *certificate = create(directory, stem, "pem", 0644);
    if (certificate == NULL)
        return STATUS_ENVIRONMENT;
    bool fine = PEM_write_X509(certificate, pair->certificate) == 1;
    fine = fclose(certificate) == 0 && fine;
    FILE *key = create(directory, stem, "key", 0600);
    if (key == NULL)
        return STATUS_ENVIRONMENT;
    fine = PEM_write_PrivateKey(key, pair->key, NULL, NULL, 0, NULL, NULL) == 1 && fine;
    fine = fclose(key) == 0 && fine;
    return fine ? STATUS_OK : STATUS_ENVIRONMENT;
}

static bool serves(const struct pair *server, const struct pair *ca, const char *const *names,
                   size_t count)
{
    bool fine = X509_verify(server->certificate, ca->key) == 1 &&
                X509_check_host(server->certificate, "localhost", 0, 0, NULL) == 1;
    for (size_t i = 0; fine && i < count; i++)
        fine = X509_check_host(server->certificate, names[i], 0, 0, NULL) == 1;
    return fine;
}

static enum status make_server(const char *directory, const struct pair *ca,
                               const char *const *names, size_t count)
{
    char alt_names[ALT_NAMES_ROOM];
    struct buffer text;
    buffer_init(&text, alt_names, sizeof alt_names - 1);
    buffer_put_text(&text, "DNS:localhost,IP:127.0.0.1");
    for (size_t i = 0; i < count; i++) {
        if (strpbrk(names[i], ",:\n ") != NULL)
            return STATUS_CONFIG;
        buffer_put_text(&text, ",DNS:");
        buffer_put_text(&text, names[i]);
    }
    struct bytes whole;
    TRY(buffer_take(&text, &whole));
    alt_names[whole.len] = '\0';
    struct pair server;
    TRY(make_pair("payout-sandbox", alt_names, ca, &server));
    enum status written = write_pair(directory, "server", &server);
    pair_free(&server);
    return written;
}

enum status certificates_prepare(const char *directory, const char *const *names,
                                 size_t names_count)
{
    if (strlen(directory) > PATH_ROOM - 32)
        return STATUS_TOO_LARGE;
    if (mkdir(directory, 0755) != 0 && errno != EEXIST) {
        fprintf(stderr, "payout-sandbox: cannot make %s: %s\n", directory, strerror(errno));
        return STATUS_ENVIRONMENT;
    }
    struct pair ca = {0}, server = {0};
    if (!read_pair(directory, "ca", &ca)) {
        TRY(make_pair("payout-sandbox CA", NULL, NULL, &ca));
        enum status written = write_pair(directory, "ca", &ca);
        if (written != STATUS_OK) {
            pair_free(&ca);
            return written;
        }
    }
    enum status made = STATUS_OK;
    if (!read_pair(directory, "server", &server) || !serves(&server, &ca, names, names_count))
        made = make_server(directory, &ca, names, names_count);
    pair_free(&server);
    pair_free(&ca);
    return made;
}

static SSL_CTX *new_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    must(context != NULL);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_session_id_context(context, (const unsigned char *) "payout-sandbox", 14);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return context;
}

enum status certificates_server(const char *directory, SSL_CTX **ret_context)
{
    char certificate[PATH_ROOM], key[PATH_ROOM];
    path_of(directory, "server.pem", certificate);
    path_of(directory, "server.key", key);
    SSL_CTX *context = new_context();
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        SSL_CTX_free(context);
        return STATUS_ENVIRONMENT;
    }
    *ret_context = context;
    return STATUS_OK;
}

enum status certificates_untrusted(SSL_CTX **ret_context)
{
    struct pair pair;
    TRY(make_pair("someone else", "DNS:someone.else.invalid", NULL, &pair));
    SSL_CTX *context = new_context();
    bool fine = SSL_CTX_use_certificate(context, pair.certificate) == 1 &&
                SSL_CTX_use_PrivateKey(context, pair.key) == 1;
    pair_free(&pair);
    if (!fine) {
        SSL_CTX_free(context);
        return STATUS_ENVIRONMENT;
    }
    *ret_context = context;
    return STATUS_OK;
}
