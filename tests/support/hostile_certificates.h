/* hostile_certificates: an authority and a server certificate of the wanted kind, made at run time.
 */
#ifndef PAYOUTD_TESTS_SUPPORT_HOSTILE_CERTIFICATES_H
#define PAYOUTD_TESTS_SUPPORT_HOSTILE_CERTIFICATES_H

#include "hostile_server.h"

#include <openssl/ssl.h>

/* Puts key and certificate into `tls`, and the authority that a client should trust into the file.
 */
void hostile_certificates_make(SSL_CTX *tls, enum hostile_certificate kind, const char *ca_file);

#endif
