/*
 * secrets: what the secret files hold, and what is made of it: the gateway profiles, librdkafka's
 * settings and the rules of the command codec.
 *
 * Promises: a secret has no printer, is read from a file and nowhere else, and is overwritten when
 * it is freed. One newline at the end of a file is not part of the secret. A file that others may
 * read is warned about. Life: secrets_load, secrets_free. Everything here views the options, which
 * must live longer.
 */
#ifndef PAYOUTD_APP_SECRETS_H
#define PAYOUTD_APP_SECRETS_H

#include "payoutd/app/options.h"

enum { SECRET_FILE_MAX = 16 * 1024, SECRET_FINGERPRINT_MIN = 32 };

struct secret {
    char *data; /* with a NUL behind it; NULL: none configured */
    size_t len;
};

struct secrets {
    struct secret fingerprint_key;
    struct secret redis_password;
    struct secret *merchant_keys; /* in the order of options->merchants, as the profiles */
    struct gateway_profile *profiles;
    size_t profiles_count;
    struct secret *kafka_secrets;
    size_t kafka_secrets_count;
    struct kafka_setting *kafka; /* the `kafka:` map, then its secrets */
    size_t kafka_count;
    struct command_rules rules;
    struct memory *memory; /* holds no secret */
};

/* STATUS_CONFIG when a file cannot be used; every problem is written to `problems`. */
MUST_USE enum status secrets_load(const struct options *options, struct secrets **ret_secrets,
                                  FILE *problems);
void secrets_free(struct secrets *secrets);
/* Reads every file, keeps nothing: for `config check`. */
void secrets_check(const struct options *options, struct problems *problems);

/* The profile of a merchant; NULL when there is none. */
const struct gateway_profile *secrets_profile(const struct secrets *secrets, struct bytes merchant);

#endif
