/* The secret files, read once at start and on SIGHUP, and what the rest of the program is given of
 * them. */
#include "payoutd/app/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that an option names. */
struct secret_file {
    const char *option, *file;
    struct place place;
    size_t min;
};

static void secret_wipe(struct secret *secret)
{
    if (secret->data != NULL)
        OPENSSL_cleanse(secret->data, secret->len + 1);
    free(secret->data);
    *secret = (struct secret){0};
}

/* Reads at most SECRET_FILE_MAX + 1 bytes, so that a larger file shows. -1: errno says why. */
static ssize_t read_bounded(int fd, char *data)
{
    size_t len = 0;
    while (len <= SECRET_FILE_MAX) {
        ssize_t got = read(fd, data + len, SECRET_FILE_MAX + 1 - len);
        if (got < 0 && errno != EINTR)
            return -1;
        if (got == 0)
            break;
        len += got > 0 ? (size_t) got : 0;
    }
    return (ssize_t) len;
}

static size_t without_newline(const char *data, size_t len)
{
    if (len > 0 && data[len - 1] == '\n')
        len--;
    if (len > 0 && data[len - 1] == '\r')
        len--;
    return len;
}

/* Why the content of a file cannot be the secret; NULL: it can. Nothing of it is said. */
static const char *fault_of(const struct secret_file *wanted, const char *data, size_t len)
{
    if (len == 0)
        return "is empty";
    if (len > SECRET_FILE_MAX)
        return "is larger than 16 KiB: is it the right file?";
    if (len < wanted->min)
        return "is too short: at least 32 characters are needed; make one with openssl rand -hex "
               "32";
    if (memchr(data, '\0', len) != NULL)
        return "holds a NUL byte: is it the right file?";
    if (strcmp(wanted->option, "kafka_secret_files.ssl.key.pem") != 0 &&
        memchr(data, '\n', len) != NULL)
        return "has more than one line: is it the right file?";
    return NULL;
}

static void load_open_file(const struct secret_file *wanted, int fd, struct problems *problems,
                           struct secret *ret_secret)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IRWXO) != 0)
        problems_warn(problems, wanted->place, wanted->option,
                      "every user of this machine may open %s; chmod o-rwx it", wanted->file);
    struct secret secret = {.data = calloc(1, SECRET_FILE_MAX + 2)};
    must(secret.data != NULL);
    ssize_t got = read_bounded(fd, secret.data);
    int failure = errno;
    secret.len = got < 0 ? 0 : without_newline(secret.data, (size_t) got);
    const char *fault = got < 0 ? strerror(failure) : fault_of(wanted, secret.data, secret.len);
    if (fault == NULL) {
        secret.data[secret.len] = '\0';
        *ret_secret = secret;
        return;
    }
    problems_add(problems, wanted->place, wanted->option, "the secret file %s %s%s", wanted->file,
                 got < 0 ? "cannot be read: " : "", fault);
    secret.len = SECRET_FILE_MAX + 1;
    secret_wipe(&secret);
}

/* Leaves *ret_secret empty and a problem behind when the file cannot be used, or when none is
 * named. */
static void load_file(const struct secret_file *wanted, struct problems *problems,
                      struct secret *ret_secret)
{
    if (wanted->file == NULL)
        return;
    int fd = open(wanted->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        problems_add(problems, wanted->place, wanted->option,
                     "the secret file %s cannot be opened: %s", wanted->file, strerror(errno));
        return;
    }
    load_open_file(wanted, fd, problems, ret_secret);
    close(fd);
}

static void load_files(const struct options *options, struct secrets *secrets,
                       struct problems *problems)
{
    load_file(&(struct secret_file){"ledger.fingerprint_key_file",
                                    options->ledger_fingerprint_key_file,
                                    options->places[OPTION_ledger_fingerprint_key_file],
                                    SECRET_FINGERPRINT_MIN},
              problems, &secrets->fingerprint_key);
    load_file(&(struct secret_file){"redis.password_file", options->redis_password_file,
                                    options->places[OPTION_redis_password_file], 1},
              problems, &secrets->redis_password);
    for (size_t i = 0; i < options->merchants_count; i++) {
        const struct merchant_options *merchant = &options->merchants[i];
        const char *option =
            memory_format(secrets->memory, "merchants.%s.secret_file", merchant->id);
        load_file(&(struct secret_file){option, merchant->secret_file,
                                        merchant->places[MERCHANT_OPTION_secret_file], 1},
                  problems, &secrets->merchant_keys[i]);
    }
    for (size_t i = 0; i < options->kafka_secret_files.count; i++) {
        const struct kafka_setting *setting = &options->kafka_secret_files.items[i];
        const char *option = memory_format(secrets->memory, "kafka_secret_files.%s", setting->name);
        load_file(
            &(struct secret_file){option, setting->value, options->kafka_secret_files.places[i], 1},
            problems, &secrets->kafka_secrets[i]);
    }
}

static struct secrets *secrets_new(const struct options *options)
{
    struct memory *memory = memory_new();
    struct secrets *secrets = memory_take(memory, sizeof *secrets);
    secrets->memory = memory;
    secrets->profiles_count = options->merchants_count;
    secrets->merchant_keys =
        memory_take(memory, (options->merchants_count + 1) * sizeof(struct secret));
    secrets->profiles =
        memory_take(memory, (options->merchants_count + 1) * sizeof(struct gateway_profile));
    secrets->kafka_secrets_count = options->kafka_secret_files.count;
    secrets->kafka_secrets =
        memory_take(memory, (secrets->kafka_secrets_count + 1) * sizeof(struct secret));
    secrets->kafka_count = options->kafka.count + secrets->kafka_secrets_count;
    secrets->kafka = memory_take(memory, (secrets->kafka_count + 1) * sizeof(struct kafka_setting));
    return secrets;
}

static struct bytes secret_bytes(const struct secret *secret)
{
    return (struct bytes){secret->data, secret->len};
}

static void make_profile(const struct merchant_options *merchant, const struct secret *key,
                         struct gateway_profile *ret_profile)
{
    const struct gateway_options *gateway = merchant->profile;
    *ret_profile = (struct gateway_profile){
        .merchant_id = bytes_of(merchant->id),
        .secret = secret_bytes(key),
        .base_url = bytes_of(gateway->base_url),
        .paths = {[GATEWAY_CARD] = bytes_of(gateway->path_card),
                  [GATEWAY_TOKEN] = bytes_of(gateway->path_token),
                  [GATEWAY_IBAN] = bytes_of(gateway->path_iban),
                  [GATEWAY_STATUS] = bytes_of(gateway->path_status),
                  [GATEWAY_BALANCE] = bytes_of(gateway->path_balance)},
        .post_link = bytes_of(merchant->post_link),
        .encoding = gateway->encoding == FORM_MULTIPART ? FORM_MULTIPART : FORM_URLENCODED,
        .idempotency_key = gateway->idempotency_key,
        .order_time_limit_s = (int32_t) (gateway->order_time_limit_ms / 1000),
    };
}

static const struct bytes *views_of(struct memory *memory, const struct text_list *list)
{
    struct bytes *views = memory_take(memory, (list->count + 1) * sizeof *views);
    for (size_t i = 0; i < list->count; i++)
        views[i] = bytes_of(list->items[i]);
    return views;
}

static void make_rules(const struct options *options, struct secrets *secrets)
{
    const char *type =
        memory_format(secrets->memory, "%s.payout.requested.v1", options->contract_type_prefix);
    secrets->rules = (struct command_rules){
        .allow_plaintext_pan = options->security_allow_plaintext_pan,
        .accept_pg_names = options->contract_accept_pg_names,
        .accept_bare_json = options->contract_accept_bare_json,
        .accepted_type = bytes_of(type),
        .currencies = views_of(secrets->memory, &options->contract_currencies),
        .currencies_count = options->contract_currencies.count,
        .post_link_hosts = views_of(secrets->memory, &options->contract_post_link_hosts),
        .post_link_hosts_count = options->contract_post_link_hosts.count,
        .fingerprint_key = secret_bytes(&secrets->fingerprint_key),
    };
}

static void make_kafka(const struct options *options, struct secrets *secrets)
{
    size_t plain = options->kafka.count;
    for (size_t i = 0; i < plain; i++)
        secrets->kafka[i] = options->kafka.items[i];
    for (size_t i = 0; i < secrets->kafka_secrets_count; i++)
        secrets->kafka[plain + i] = (struct kafka_setting){
            options->kafka_secret_files.items[i].name, secrets->kafka_secrets[i].data};
}

enum status secrets_load(const struct options *options, struct secrets **ret_secrets, FILE *out)
{
    struct problems problems = {.out = out, .file = options->file};
    struct secrets *secrets = secrets_new(options);
    load_files(options, secrets, &problems);
    if (problems.count > 0) {
        problems_finish(&problems);
        secrets_free(secrets);
        return STATUS_CONFIG;
    }
    for (size_t i = 0; i < options->merchants_count; i++)
        make_profile(&options->merchants[i], &secrets->merchant_keys[i], &secrets->profiles[i]);
    make_rules(options, secrets);
    make_kafka(options, secrets);
    *ret_secrets = secrets;
    return STATUS_OK;
}

void secrets_check(const struct options *options, struct problems *problems)
{
    struct secrets *secrets = secrets_new(options);
    load_files(options, secrets, problems);
    secrets_free(secrets);
}

void secrets_free(struct secrets *secrets)
{
    if (secrets == NULL)
        return;
    secret_wipe(&secrets->fingerprint_key);
    secret_wipe(&secrets->redis_password);
    for (size_t i = 0; i < secrets->profiles_count; i++)
        secret_wipe(&secrets->merchant_keys[i]);
    for (size_t i = 0; i < secrets->kafka_secrets_count; i++)
        secret_wipe(&secrets->kafka_secrets[i]);
    memory_free(secrets->memory);
}

const struct gateway_profile *secrets_profile(const struct secrets *secrets, struct bytes merchant)
{
    for (size_t i = 0; i < secrets->profiles_count; i++)
        if (bytes_equal(secrets->profiles[i].merchant_id, merchant))
            return &secrets->profiles[i];
    return NULL;
}
