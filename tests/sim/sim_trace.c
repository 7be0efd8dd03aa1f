/* The story of one run, line by line, as people read it. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>

void sim_trace(const struct sim *sim, const struct sim_worker *worker, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%6lld  %9.3f s  ", (long long) sim->steps, (double) sim->now_us / 1e6);
    if (worker == NULL)
        printf("%-7s", "-");
    else
        printf("%c%-6u", 'A' + worker->at, worker->life);
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout); /* a broken must() ends the process */
    va_end(arguments);
}

void sim_fail(struct sim *sim, const char *invariant, const char *format, ...)
{
    if (sim->broken)
        return;
    sim->broken = true;
    snprintf(sim->invariant, sizeof sim->invariant, "%s", invariant);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sim->why, sizeof sim->why, format, arguments);
    va_end(arguments);
    TRACE(sim, NULL, "BROKEN %s: %s", sim->invariant, sim->why);
}
