/* Ends the process at the step that KILL_AT names, the KILL_COUNT-th time that it
 * comes there. */
#include "payoutd/adapter/kill_point.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long wanted_count(void)
{
    const char *count = getenv("KILL_COUNT");
    return count == NULL ? 1 : strtol(count, NULL, 10);
}

void kill_point(const char *name)
{
    static atomic_long passed;
    const char *wanted = getenv("KILL_AT");
    if (wanted == NULL || strcmp(wanted, name) != 0 ||
        atomic_fetch_add(&passed, 1) + 1 != wanted_count())
        return;
    dprintf(STDERR_FILENO, "killed at %s\n", name);
    raise(SIGKILL);
}

void kill_point_ledger(const char *when, enum ledger_script script)
{
    static const char *const names[LEDGER_SCRIPT_COUNT] = {
        [LEDGER_ARM] = "arm",       [LEDGER_PARK] = "park",     [LEDGER_REJECT] = "reject",
        [LEDGER_DISARM] = "disarm", [LEDGER_SETTLE] = "settle", [LEDGER_PUBLISHED] = "published",
        [LEDGER_DUE] = "due",       [LEDGER_READ] = "read",     [LEDGER_DEFER] = "defer",
    };
    if (names[script] == NULL)
        return;
    char name[40];
    snprintf(name, sizeof name, "%s_%s", when, names[script]);
    kill_point(name);
}
