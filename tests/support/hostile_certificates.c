/* Certificates for the hostile server: good, and wrong in every way that a client must notice. */
#include "hostile_certificates.h"

#include "payoutd/base/status.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { DAY_S = 24 * 60 * 60 };

static void put_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    must(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static X509 *make(EVP_PKEY *key, const char *name, long from_s, long until_s)
{
    X509 *certificate = X509_new();
    must(certificate != NULL && X509_set_version(certificate, 2) == 1);
    static long serial = 1;
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), until_s);
    must(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                    (const unsigned char *) name, -1, -1, 0) == 1);
    must(X509_set_pubkey(certificate, key) == 1);
    return certificate;
}

static X509 *make_authority(EVP_PKEY *key, const char *name)
{
    X509 *authority = make(key, name, -DAY_S, DAY_S);
    must(X509_set_issuer_name(authority, X509_get_subject_name(authority)) == 1);
    put_extension(authority, authority, NID_basic_constraints, "critical,CA:TRUE");
    put_extension(authority, authority, NID_key_usage, "critical,keyCertSign,cRLSign");
    must(X509_sign(authority, key, EVP_sha256()) > 0);
    return authority;
}

static void write_authority(X509 *authority, const char *path)
{
    FILE *file = fopen(path, "we");
    must(file != NULL && PEM_write_X509(file, authority) == 1);
    fclose(file);
}

void hostile_certificates_make(SSL_CTX *tls, enum hostile_certificate kind, const char *ca_file)
{
    EVP_PKEY *trusted_key = EVP_EC_gen("P-256"), *other_key = EVP_EC_gen("P-256");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(trusted_key != NULL && other_key != NULL && key != NULL);
    X509 *trusted = make_authority(trusted_key, "trusted authority");
    X509 *other = make_authority(other_key, "some other authority");
    write_authority(trusted, ca_file);

    bool expired = kind == CERTIFICATE_EXPIRED;
    X509 *leaf = make(key, "gateway", expired ? -2 * DAY_S : -DAY_S, expired ? -DAY_S : DAY_S);
    X509 *issuer = kind == CERTIFICATE_OTHER_AUTHORITY ? other : trusted;
    EVP_PKEY *issuer_key = kind == CERTIFICATE_OTHER_AUTHORITY ? other_key : trusted_key;
    if (kind == CERTIFICATE_SELF_SIGNED) {
        issuer = leaf;
        issuer_key = key;
    }
    must(X509_set_issuer_name(leaf, X509_get_subject_name(issuer)) == 1);
    put_extension(leaf, issuer, NID_subject_alt_name,
                  kind == CERTIFICATE_WRONG_NAME ? "DNS:other.example,IP:127.0.0.2"
                                                 : "IP:127.0.0.1,DNS:localhost");
    must(X509_sign(leaf, issuer_key, EVP_sha256()) > 0);
    must(SSL_CTX_use_certificate(tls, leaf) == 1 && SSL_CTX_use_PrivateKey(tls, key) == 1);

    X509_free(leaf);
    X509_free(trusted);
    X509_free(other);
    EVP_PKEY_free(key);
    EVP_PKEY_free(trusted_key);
    EVP_PKEY_free(other_key);
}
