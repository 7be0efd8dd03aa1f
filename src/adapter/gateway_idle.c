/* When a kept connection was last used: libcurl counts whole seconds, the rule of one second needs
 * better. */
#include "gateway_handle.h"

#include <stdlib.h>
#include <string.h>

/* A direct-mapped table: two connections that meet in one place cost one more handshake, never a
 * wrong age. */
enum status gateway_idle_init(struct gateway_idle *idle, int32_t connections_max)
{
    size_t count = 64;
    while (count < (size_t) connections_max * 4)
        count *= 2;
    struct gateway_idle_entry *entries = calloc(count, sizeof *entries);
    if (entries == NULL)
        return STATUS_NO_ROOM;
    *idle = (struct gateway_idle){.entries = entries, .mask = count - 1};
    return STATUS_OK;
}

void gateway_idle_done(struct gateway_idle *idle)
{
    free(idle->entries);
    *idle = (struct gateway_idle){0};
}

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    return hash;
}

/* FNV-1a over both ends. */
uint64_t gateway_idle_key(const char *remote_ip, int remote_port, const char *local_ip,
                          int local_port)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    hash = mix(hash, remote_ip, strlen(remote_ip) + 1);
    hash = mix(hash, local_ip, strlen(local_ip) + 1);
    hash = mix(hash, &remote_port, sizeof remote_port);
    hash = mix(hash, &local_port, sizeof local_port);
    return hash == 0 ? 1 : hash;
}

static struct gateway_idle_entry *entry_of(const struct gateway_idle *idle, uint64_t key)
{
    return &idle->entries[(key ^ key >> 32) & idle->mask];
}

void gateway_idle_note(struct gateway_idle *idle, uint64_t key, int64_t now_ms)
{
    *entry_of(idle, key) = (struct gateway_idle_entry){.key = key, .used_ms = now_ms};
}

int64_t gateway_idle_since_ms(const struct gateway_idle *idle, uint64_t key)
{
    const struct gateway_idle_entry *entry = entry_of(idle, key);
    return entry->key == key ? entry->used_ms : -1;
}
