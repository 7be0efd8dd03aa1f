/* The one world, and how it begins: two workers in the group, one Redis, nothing read yet. */
#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct world world;
const struct scenario *scenario;
bool model_tracing;

void model_say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    printf("  ");
    vprintf(format, list);
    printf("\n");
    va_end(list);
}

struct master *model_master(uint64_t token)
{
    must(token >= 1 && token <= TOKENS_MAX);
    return &world.masters[world.data[token]];
}

const char *model_payment_id(int request)
{
    static const char *const ids[REQUESTS_MAX] = {"7000", "7001", "7002"};
    return ids[request];
}

void model_begin(void)
{
    memset(&world, 0, sizeof world);
    world.token = world.last_token = world.data[1] = 1;
    world.masters[1].inc = 1;
    world.replica = world.masters[1];
    world.last_payment = -1;
    world.arrived = scenario->commands - scenario->late;
    for (int i = 0; i < PLACES; i++) {
        window_init(&world.committed[i].window, 0);
        world.committed[i].token = scenario->unacknowledged ? 0 : 1;
    }
    for (int w = 0; w < WORKERS; w++) {
        model_start(w, 1);
        world.in[w] = true;
        world.workers[w].phase = PHASE_READY;
    }
    model_assign_all();
    model_settle();
}
