/*
 * certificates: the sandbox's own CA and server certificate (EC P-256), so that clients verify TLS
 * as they would in life.
 *
 * ca.pem, ca.key, server.pem and server.key in one folder, made when absent, expired or for other
 * names, kept otherwise: a client that trusts ca.pem goes on trusting it after a restart.
 */
#ifndef SANDBOX_CERTIFICATES_H
#define SANDBOX_CERTIFICATES_H

#include "payoutd/base/bytes.h"

#include <openssl/ssl.h>
#include <stddef.h>

/* The names besides localhost and 127.0.0.1. Complaints go to stderr. */
MUST_USE enum status certificates_prepare(const char *directory, const char *const *names,
                                          size_t names_count);
/* A server context with what was prepared: TLS 1.2 or later, sessions resumed. */
MUST_USE enum status certificates_server(const char *directory, SSL_CTX **ret_context);
/* A server context that no client should trust: signed by itself, for another name. */
MUST_USE enum status certificates_untrusted(SSL_CTX **ret_context);

#endif
