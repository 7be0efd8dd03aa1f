/*
 * options: the configuration, read, checked and ready to use.
 *
 * One list, options.def, makes the structs below and everything that is printed about them. A value
 * comes from, in this order: a PAYOUTD_ variable (worker.drain is PAYOUTD_WORKER_DRAIN), the YAML
 * file, the default.
 *
 * Life: options_load, then options_free. Texts live as long as the options. An absent text is NULL.
 * Facts: all problems are reported at once, one a line: FILE:LINE:COLUMN: OPTION: what is wrong;
 * what to do. No network, and no file but the YAML file, is touched: secrets are secrets.h.
 */
#ifndef PAYOUTD_APP_OPTIONS_H
#define PAYOUTD_APP_OPTIONS_H

#include "payoutd/adapter/kafka_source.h"
#include "payoutd/app/option_row.h"
#include "payoutd/codec/gateway_form.h"
#include "payoutd/domain/verdict.h"

enum { OPTIONS_EXIT = 78 }; /* EX_CONFIG of sysexits.h: the configuration is wrong */

/* What the CHOICE fields hold; log_level is an enum log_level, encoding an enum form_encoding. */
enum options_duplicates { OPTIONS_DUPLICATES_DROP, OPTIONS_DUPLICATES_REPLAY };
enum options_recovery { OPTIONS_RECOVERY_AUTOMATIC, OPTIONS_RECOVERY_OPERATOR };
enum options_log_format { OPTIONS_LOG_JSON, OPTIONS_LOG_TEXT, OPTIONS_LOG_AUTO };

#define OPTION_FIELD(kind, field, ...)   OPTION_TYPE_##kind field;
#define OPTION_INDEX(kind, field, ...)   OPTION_##field,
#define GATEWAY_INDEX(kind, field, ...)  GATEWAY_OPTION_##field,
#define MERCHANT_INDEX(kind, field, ...) MERCHANT_OPTION_##field,

enum {
#define OPTION OPTION_INDEX
#include "payoutd/app/options.def"
    OPTION_COUNT
};
enum {
#define GATEWAY GATEWAY_INDEX
#include "payoutd/app/options.def"
    GATEWAY_OPTION_COUNT
};
enum {
#define MERCHANT MERCHANT_INDEX
#include "payoutd/app/options.def"
    MERCHANT_OPTION_COUNT
};

/* An entry of `gateways:`. */
struct gateway_options {
    const char *name;
    struct place place;
    struct place places[GATEWAY_OPTION_COUNT];
#define GATEWAY OPTION_FIELD
#include "payoutd/app/options.def"
};

/* An entry of `merchants:`. */
struct merchant_options {
    const char *id;
    const struct gateway_options *profile; /* the gateway that `gateway` names */
    struct place place;
    struct place places[MERCHANT_OPTION_COUNT];
#define MERCHANT OPTION_FIELD
#include "payoutd/app/options.def"
};

/* A free map: `kafka:` and `kafka_secret_files:`. */
struct settings_map {
    struct kafka_setting *items;
    struct place *places;
    size_t count;
};

struct options {
    const char *file; /* the name it was loaded by */
#define OPTION OPTION_FIELD
#include "payoutd/app/options.def"
    struct gateway_options *gateways;
    size_t gateways_count;
    struct merchant_options *merchants;
    size_t merchants_count;
    struct settings_map kafka; /* goes to librdkafka as it is */
    struct settings_map
        kafka_secret_files; /* name of a librdkafka property -> file with its value */
    struct error_overrides error_codes;
    struct place error_code_places[ERROR_OVERRIDES_MAX];
    struct place places[OPTION_COUNT]; /* where each option was said */
    struct memory *memory;
};

#undef OPTION_FIELD
#undef OPTION_INDEX
#undef GATEWAY_INDEX
#undef MERCHANT_INDEX

/* STATUS_CONFIG when anything is wrong; every problem has been written to `problems`, with a count
 * at the end. */
MUST_USE enum status options_load(const char *file, struct options **ret_options, FILE *problems);
/* The same for `config check`, which goes on after problems: never NULL, to be used only for
 * further checks. */
struct options *options_read(const char *file, struct problems *problems);
void options_free(struct options *options);

/* NULL when there is none of that name. */
const struct merchant_options *options_merchant(const struct options *options, const char *id);

/* Effective values as a configuration file that says where each comes from. Secrets are names of
 * files. */
void options_print(const struct options *options, FILE *out);
void options_print_example(FILE *out); /* config/payoutd.yaml */
void options_print_schema(FILE *out);  /* config/schemas/payoutd-config.schema.json */
void options_print_docs(FILE *out);    /* docs/CONFIGURATION.md */
void options_print_help(FILE *out);    /* for --help */

#endif
