/* Reads what Redis says about itself and judges whether money may rest on it (R8, R9). */
#include "ledger_parts.h"

#include <hiredis/hiredis.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { TOKEN_SOURCE_MAX = 256 };

struct bytes ledger_check_field(struct bytes info, const char *name)
{
    size_t name_len = strlen(name);
    const char *end = info.data + info.len;
    for (const char *line = info.data; line < end;) {
        const char *line_end = memchr(line, '\n', (size_t) (end - line));
        if (line_end == NULL)
            line_end = end;
        size_t len = (size_t) (line_end - line);
        if (len > name_len && memcmp(line, name, name_len) == 0 && line[name_len] == ':') {
            struct bytes value = {line + name_len + 1, len - name_len - 1};
            if (value.len > 0 && value.data[value.len - 1] == '\r')
                value.len--;
            return value;
        }
        line = line_end + 1;
    }
    return BYTES_NONE;
}

static bool is(struct bytes info, const char *name, const char *value)
{
    return bytes_equal_text(ledger_check_field(info, name), value);
}

static enum status wrong(char ret_why[LEDGER_WHY_MAX], enum status status, const char *why)
{
    snprintf(ret_why, LEDGER_WHY_MAX, "%s", why);
    return status;
}

static enum status check_role(struct bytes info, char ret_why[LEDGER_WHY_MAX])
{
    if (is(info, "redis_mode", "cluster"))
        return wrong(ret_why, STATUS_ENVIRONMENT,
                     "this Redis is a cluster node: one master with replicas is needed");
    if (!is(info, "role", "master"))
        return wrong(ret_why, STATUS_UNAVAILABLE, "this Redis is not a master");
    if (!is(info, "loading", "0"))
        return wrong(ret_why, STATUS_UNAVAILABLE, "Redis is loading its data");
    return STATUS_OK;
}

static enum status check_memory(struct bytes info, const struct ledger_options *options,
                                char ret_why[LEDGER_WHY_MAX])
{
    struct bytes policy = ledger_check_field(info, "maxmemory_policy");
    if (!bytes_equal_text(policy, "noeviction")) {
        snprintf(ret_why, LEDGER_WHY_MAX,
                 "Redis may evict orders: maxmemory-policy is '%.*s' and must be noeviction",
                 (int) (policy.len < 40 ? policy.len : 40), policy.len == 0 ? "" : policy.data);
        return STATUS_UNSAFE;
    }
    if (!options->allow_weak_persistence && !is(info, "aof_enabled", "1"))
        return wrong(ret_why, STATUS_UNSAFE,
                     "Redis does not keep what it answered: appendonly must be yes "
                     "(or redis.allow_weak_persistence)");
    return STATUS_OK;
}

/* Full or unable to write: it would say so to the first script; so nothing is begun. */
static enum status check_room(struct bytes info, char ret_why[LEDGER_WHY_MAX])
{
    int64_t used, max;
    if (bytes_to_int64(ledger_check_field(info, "maxmemory"), &max) == STATUS_OK && max > 0 &&
        bytes_to_int64(ledger_check_field(info, "used_memory"), &used) == STATUS_OK && used >= max)
        return wrong(ret_why, STATUS_ENVIRONMENT, "Redis is full: maxmemory is used up");
    if (is(info, "aof_last_write_status", "err"))
        return wrong(ret_why, STATUS_ENVIRONMENT, "Redis cannot write its append-only file");
    return STATUS_OK;
}

static enum status check_replicas(struct bytes info, const struct ledger_options *options,
                                  char ret_why[LEDGER_WHY_MAX])
{
    int64_t replicas;
    if (options->wait_replicas <= 0)
        return STATUS_OK;
    if (bytes_to_int64(ledger_check_field(info, "connected_slaves"), &replicas) != STATUS_OK ||
        replicas < options->wait_replicas)
        return wrong(ret_why, STATUS_UNAVAILABLE,
                     "fewer replicas are connected than redis.wait_replicas demands");
    return STATUS_OK;
}

/* Equality is all that a token means: nobody can tell which of two is newer. 0 stands for none. */
static enum status make_token(struct bytes info, uint64_t *ret_token, char ret_why[LEDGER_WHY_MAX])
{
    struct bytes run_id = ledger_check_field(info, "run_id");
    struct bytes replication_id = ledger_check_field(info, "master_replid");
    char space[TOKEN_SOURCE_MAX];
    struct buffer text;
    struct bytes view;
    unsigned char digest[32];
    buffer_init(&text, space, sizeof space);
    buffer_put(&text, run_id);
    buffer_put_byte(&text, 0);
    buffer_put(&text, replication_id);
    if (run_id.len == 0 || replication_id.len == 0 || buffer_take(&text, &view) != STATUS_OK)
        return wrong(ret_why, STATUS_ENVIRONMENT,
                     "Redis' INFO has no run_id or master_replid: its continuity cannot be proved");
    must(EVP_Digest(view.data, view.len, digest, NULL, EVP_sha256(), NULL) == 1);
    uint64_t token = 0;
    for (int i = 0; i < 8; i++)
        token = token << 8 | digest[i];
    *ret_token = token == 0 ? 1 : token;
    return STATUS_OK;
}

enum status ledger_check_info(struct bytes info, const struct ledger_options *options,
                              uint64_t *ret_token, char ret_why[LEDGER_WHY_MAX])
{
    TRY(check_role(info, ret_why));
    TRY(check_memory(info, options, ret_why));
    TRY(check_room(info, ret_why));
    TRY(check_replicas(info, options, ret_why));
    return make_token(info, ret_token, ret_why);
}

enum status ledger_check_fsync(const redisReply *reply, const struct ledger_options *options,
                               char ret_note[LEDGER_WHY_MAX], char ret_why[LEDGER_WHY_MAX])
{
    ret_note[0] = '\0';
    bool is_pair = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                   reply->element[1]->type == REDIS_REPLY_STRING;
    if (!is_pair) {
        snprintf(
            ret_note, LEDGER_WHY_MAX,
            "CONFIG GET is not permitted (%.120s): INFO was relied on, appendfsync is not known",
            reply->type == REDIS_REPLY_ERROR ? reply->str : "no such setting");
        return STATUS_OK;
    }
    if (!options->allow_weak_persistence && strcmp(reply->element[1]->str, "no") == 0)
        return wrong(
            ret_why, STATUS_UNSAFE,
            "Redis writes to disk when the system pleases: appendfsync must be everysec or "
            "always (or redis.allow_weak_persistence)");
    return STATUS_OK;
}

bool ledger_check_is_same(struct bytes info, const char *replication_id)
{
    return is(info, "role", "master") && is(info, "master_replid", replication_id);
}
