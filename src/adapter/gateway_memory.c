/* Send buffers of libcurl on pages of their own: see the header for why. Everything else is
 * malloc's. */
#include "gateway_memory.h"

#include <curl/curl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A slot takes a send buffer and what newer versions of libcurl put around it. */
enum { SLOT = GATEWAY_SEND_BUFFER + 4096, SLOTS_MAX = 1024 };

static struct {
    pthread_mutex_t lock; /* another library may use libcurl from a thread of its own */
    char *base;           /* NULL: there are no slots, and malloc serves all */
    uint16_t spare[SLOTS_MAX];
    size_t spare_count;
} slots = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_slot(const void *memory)
{
    const char *at = memory;
    return slots.base != NULL && at >= slots.base && at < slots.base + (size_t) SLOT * SLOTS_MAX;
}

static void *take_slot(void)
{
    void *slot = NULL;
    pthread_mutex_lock(&slots.lock);
    if (slots.spare_count > 0)
        slot = slots.base + (size_t) SLOT * slots.spare[--slots.spare_count];
    pthread_mutex_unlock(&slots.lock);
    return slot;
}

static void put_slot(const void *slot)
{
    size_t number = (size_t) ((const char *) slot - slots.base) / SLOT;
    pthread_mutex_lock(&slots.lock);
    slots.spare[slots.spare_count++] = (uint16_t) number;
    pthread_mutex_unlock(&slots.lock);
}

static void *take(size_t size)
{
    void *slot = size >= GATEWAY_SEND_BUFFER && size <= SLOT ? take_slot() : NULL;
    return slot != NULL ? slot : malloc(size);
}

static void put(void *memory)
{
    if (is_slot(memory))
        put_slot(memory);
    else
        free(memory);
}

static void *resize(void *memory, size_t size)
{
    if (!is_slot(memory))
        return realloc(memory, size);
    if (size <= SLOT)
        return memory;
    void *larger = malloc(size);
    if (larger == NULL)
        return NULL;
    memcpy(larger, memory, SLOT);
    put_slot(memory);
    return larger;
}

static char *copy_text(const char *text)
{
    return strdup(text);
}

static void *take_zeroed(size_t count, size_t size)
{
    return calloc(count, size);
}

static void make_slots(void)
{
    void *base = mmap(NULL, (size_t) SLOT * SLOTS_MAX, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return;
    (void) madvise(base, (size_t) SLOT * SLOTS_MAX, MADV_NOHUGEPAGE);
    slots.base = base;
    for (size_t i = SLOTS_MAX; i > 0; i--)
        slots.spare[slots.spare_count++] = (uint16_t) (i - 1);
}

enum status gateway_memory_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (pthread_once(&once, make_slots) != 0)
        return STATUS_ENVIRONMENT;
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, take, put, resize, copy_text, take_zeroed) ==
                   CURLE_OK
               ? STATUS_OK
               : STATUS_NO_ROOM;
}

void gateway_memory_trim(void)
{
    pthread_mutex_lock(&slots.lock);
    for (size_t i = 0; i < slots.spare_count; i++)
        (void) madvise(slots.base + (size_t) SLOT * slots.spare[i], SLOT, MADV_DONTNEED);
    pthread_mutex_unlock(&slots.lock);
    (void) malloc_trim(0);
}
