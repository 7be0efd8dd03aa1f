/*
 * problems: what is wrong with the configuration, one line each, written as it is found and
 * counted.
 */
#ifndef PAYOUTD_APP_PROBLEMS_H
#define PAYOUTD_APP_PROBLEMS_H

#include "payoutd/base/bytes.h"

#include <stdio.h>

/* Where a value was said. All zero: nowhere, it is the default. */
struct place {
    int line, column;     /* from 1, in the file */
    const char *variable; /* or the name of the environment variable */
    bool bad;             /* it was said, or left out, wrongly: a problem has been reported */
};

struct problems {
    FILE *out;
    const char *file;
    int count; /* warnings do not count */
};

/* FILE:LINE:COLUMN: `path`: message. `path` may be NULL. */
void problems_add(struct problems *problems, struct place place, const char *path,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
void problems_warn(struct problems *problems, struct place place, const char *path,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The last line: how many problems there were. */
void problems_finish(struct problems *problems);

/* The nearest of many names to one that is not known, by edit distance. */
struct nearest {
    const char *wanted;
    const char *name; /* NULL: nothing is near */
    size_t distance;
};
void nearest_begin(struct nearest *nearest, const char *wanted);
void nearest_offer(struct nearest *nearest, const char *name);

#endif
