/* The configuration's memory: see memory.h. */
#include "payoutd/app/memory.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory_piece {
    struct memory_piece *next;
    alignas(max_align_t) char data[];
};

struct memory {
    struct memory_piece *first;
};

struct memory *memory_new(void)
{
    struct memory *memory = calloc(1, sizeof *memory);
    must(memory != NULL);
    return memory;
}

void memory_free(struct memory *memory)
{
    if (memory == NULL)
        return;
    while (memory->first != NULL) {
        struct memory_piece *piece = memory->first;
        memory->first = piece->next;
        free(piece);
    }
    free(memory);
}

void *memory_take(struct memory *memory, size_t size)
{
    struct memory_piece *piece = calloc(1, sizeof *piece + size);
    must(piece != NULL);
    piece->next = memory->first;
    memory->first = piece;
    return piece->data;
}

char *memory_text(struct memory *memory, const char *text, size_t len)
{
    char *copy = memory_take(memory, len + 1);
    memcpy(copy, text, len);
    return copy;
}

char *memory_format(struct memory *memory, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    must(len >= 0);
    char *copy = memory_text(memory, text, (size_t) len);
    free(text);
    return copy;
}
