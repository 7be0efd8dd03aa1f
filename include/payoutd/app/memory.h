/*
 * memory: what lives as long as the configuration: taken piece by piece, given back at once.
 *
 * Start-up only. Running out of memory there ends the program (must), so no call fails.
 */
#ifndef PAYOUTD_APP_MEMORY_H
#define PAYOUTD_APP_MEMORY_H

#include "payoutd/base/bytes.h"

struct memory;

struct memory *memory_new(void);
void memory_free(struct memory *memory);               /* NULL is fine */
void *memory_take(struct memory *memory, size_t size); /* zeroed */
char *memory_text(struct memory *memory, const char *text, size_t len);
/* printf into a text of its own. */
char *memory_format(struct memory *memory, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
