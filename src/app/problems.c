/* What is wrong with the configuration, in words: see problems.h. */
#include "payoutd/app/problems.h"

#include <stdarg.h>
#include <string.h>

enum { NAME_MAX_LEN = 64 };

static void write_line(struct problems *problems, struct place place, const char *kind,
                       const char *path)
{
    if (place.variable != NULL)
        fprintf(problems->out, "environment: %s: ", place.variable);
    else if (place.line > 0)
        fprintf(problems->out, "%s:%d:%d: ", problems->file, place.line, place.column);
    else
        fprintf(problems->out, "%s: ", problems->file);
    fputs(kind, problems->out);
    if (path != NULL)
        fprintf(problems->out, "%s: ", path);
}

void problems_add(struct problems *problems, struct place place, const char *path,
                  const char *format, ...)
{
    va_list arguments;
    write_line(problems, place, "", path);
    va_start(arguments, format);
    vfprintf(problems->out, format, arguments);
    va_end(arguments);
    fputc('\n', problems->out);
    problems->count++;
}

void problems_warn(struct problems *problems, struct place place, const char *path,
                   const char *format, ...)
{
    va_list arguments;
    write_line(problems, place, "warning: ", path);
    va_start(arguments, format);
    vfprintf(problems->out, format, arguments);
    va_end(arguments);
    fputc('\n', problems->out);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, one row at a time. Longer names are compared by their beginning. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_LEN + 1];
    size_t a_len = strnlen(a, NAME_MAX_LEN), b_len = strnlen(b, NAME_MAX_LEN);
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(change, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_len];
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot == NULL ? name : dot + 1;
}

void nearest_begin(struct nearest *nearest, const char *wanted)
{
    *nearest = (struct nearest){.wanted = wanted, .distance = 3 + strlen(wanted) / 6};
}

/* The right word in the wrong group is nearer than a word that only looks like it. */
void nearest_offer(struct nearest *nearest, const char *name)
{
    size_t distance = edit_distance(nearest->wanted, name);
    if (distance > 1 && strcmp(last_part(nearest->wanted), last_part(name)) == 0)
        distance = 1;
    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->name = name;
    }
}

void problems_finish(struct problems *problems)
{
    fprintf(problems->out, "%s: %d problem%s; nothing was started\n", problems->file,
            problems->count, problems->count == 1 ? "" : "s");
}
