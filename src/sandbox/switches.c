/* Faults for everybody: what POST /faults has turned on. */
#include "faults.h"

void switches_clear(struct switches *switches)
{
    switches->count = 0;
}

void switches_remove(struct switches *switches, enum fault_code code)
{
    size_t kept = 0;
    for (size_t i = 0; i < switches->count; i++)
        if (switches->items[i].fault.code != code)
            switches->items[kept++] = switches->items[i];
    switches->count = kept;
}

static bool is_live(const struct switched_fault *item, int64_t now_ms)
{
    return item->count != 0 && (item->until_ms == 0 || now_ms < item->until_ms);
}

/* Those that are over make room. */
static void forget_dead(struct switches *switches, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < switches->count; i++)
        if (is_live(&switches->items[i], now_ms))
            switches->items[kept++] = switches->items[i];
    switches->count = kept;
}

enum status switches_add(struct switches *switches, const struct switched_fault *item,
                         int64_t now_ms)
{
    forget_dead(switches, now_ms);
    switches_remove(switches, item->fault.code);
    if (switches->count == SWITCHES_MAX)
        return STATUS_NO_ROOM;
    switches->items[switches->count++] = *item;
    return STATUS_OK;
}

struct fault switches_hit(struct switches *switches, bool line, unsigned on, int64_t now_ms,
                          struct random *random)
{
    for (size_t i = 0; i < switches->count; i++) {
        struct switched_fault *item = &switches->items[i];
        bool is_line = fault_row(item->fault.code)->scope == FAULT_SCOPE_LINE;
        if (item->fault.code == FAULT_LATENCY || is_line != line || (item->on & on) == 0 ||
            !is_live(item, now_ms))
            continue;
        if (item->probability < 1 && !random_hits(random, item->probability))
            continue;
        if (item->count > 0)
            item->count--;
        return item->fault;
    }
    return (struct fault){FAULT_NONE, 0};
}

int64_t switches_latency_ms(const struct switches *switches, int64_t now_ms, struct random *random)
{
    int64_t latency_ms = 0;
    for (size_t i = 0; i < switches->count; i++) {
        const struct switched_fault *item = &switches->items[i];
        if (item->fault.code == FAULT_LATENCY && is_live(item, now_ms))
            latency_ms += item->fault.argument + random_below(random, item->jitter_ms + 1);
    }
    return latency_ms;
}
