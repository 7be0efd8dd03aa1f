/* The list of status codes as tables, and the end of the program when one of our own rules broke.
 */
#include "payoutd/base/status.h"

#include <stdio.h>
#include <stdlib.h>

struct status_row {
    enum status_class class;
    const char *name;
    const char *sentence;
};

#define STATUS_ROW(code, class_, sentence_) {STATUS_CLASS_##class_, #code, sentence_},
static const struct status_row status_rows[STATUS_COUNT] = {STATUS_LIST(STATUS_ROW)};
#undef STATUS_ROW

static const struct status_row *row_of(enum status status)
{
    return (unsigned) status < STATUS_COUNT ? &status_rows[status] : &status_rows[STATUS_BUG];
}

enum status_class status_class(enum status status)
{
    return row_of(status)->class;
}

const char *status_name(enum status status)
{
    return row_of(status)->name;
}

const char *status_sentence(enum status status)
{
    return row_of(status)->sentence;
}

void status_must_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "payoutd: bug: %s does not hold at %s:%d\n", condition, file, line);
    abort();
}
