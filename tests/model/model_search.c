/*
 * Breadth first, so that the first trace found is a shortest one. A visited state is 128 bits of
 * digest, its parent and the step from it; the states of two levels are kept as what differs from
 * the first one. Progress is judged at the end, backwards over the steps that are no faults.
 */
#include "model.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORLD_WORDS = sizeof(struct world) / 8, WALK_MAX = 30 };
_Static_assert(sizeof(struct world) % 8 == 0, "the world is a row of words");

struct node {
    struct digest digest;
    uint32_t parent;
    struct step step;
};
struct edge {
    uint32_t from, to;
};
struct level {
    uint16_t *halves;
    size_t used, max;
};

static struct node *nodes;
static struct edge *edges;
static uint32_t *table;
static uint8_t *goods; /* 1: good, or a bound of the model stops it */
static size_t nodes_count, nodes_max, edges_count, edges_max, table_size;
static struct level levels[2];
static uint64_t first[WORLD_WORDS], base[WORLD_WORDS];

static void *grown(void *old, size_t count, size_t *max, size_t size)
{
    if (count < *max)
        return old;
    *max = *max == 0 ? 4096 : *max * 2;
    void *more = realloc(old, *max * size);
    must(more != NULL);
    return more;
}

/* The levels: pairs of (words that are the same, words that differ), then those. */

static void pack(struct level *level)
{
    const uint64_t *now = (const void *) &world;
    if (level->max - level->used < WORLD_WORDS * 8) {
        level->max += level->max / 4 + WORLD_WORDS * 64;
        level->halves = realloc(level->halves, level->max * sizeof *level->halves);
        must(level->halves != NULL);
    }
    uint16_t *out = level->halves + level->used;
    for (size_t at = 0; at < WORLD_WORDS;) {
        size_t begin = at;
        while (at < WORLD_WORDS && now[at] == first[at])
            at++;
        *out++ = (uint16_t) (at - begin);
        uint16_t *count = out++;
        for (begin = at; at < WORLD_WORDS && now[at] != first[at]; at++, out += 4)
            memcpy(out, &now[at], 8);
        *count = (uint16_t) (at - begin);
    }
    level->used = (size_t) (out - level->halves);
}

static size_t unpack(const struct level *level, size_t from, uint64_t *ret_words)
{
    const uint16_t *in = level->halves + from;
    memcpy(ret_words, first, sizeof first);
    for (size_t at = 0; at < WORLD_WORDS;) {
        at += in[0];
        size_t count = in[1];
        in += 2;
        memcpy(ret_words + at, in, count * 8);
        at += count;
        in += 4 * count;
    }
    return (size_t) (in - level->halves);
}

/* Visited states. */

static void rehash(void)
{
    table_size = table_size == 0 ? 1 << 16 : table_size * 2;
    free(table);
    table = malloc(table_size * sizeof *table);
    must(table != NULL);
    memset(table, 0xff, table_size * sizeof *table);
    for (size_t i = 0; i < nodes_count; i++) {
        size_t at = nodes[i].digest.a & (table_size - 1);
        while (table[at] != UINT32_MAX)
            at = (at + 1) & (table_size - 1);
        table[at] = (uint32_t) i;
    }
}

/* The state's number; whether it is new. */
static uint32_t visit(struct digest digest, uint32_t parent, struct step step, bool *ret_is_new)
{
    if (2 * (nodes_count + 1) > table_size)
        rehash();
    size_t at = digest.a & (table_size - 1);
    for (; table[at] != UINT32_MAX; at = (at + 1) & (table_size - 1)) {
        const struct node *node = &nodes[table[at]];
        if (node->digest.a == digest.a && node->digest.b == digest.b) {
            *ret_is_new = false;
            return table[at];
        }
    }
    size_t max = nodes_max;
    nodes = grown(nodes, nodes_count, &nodes_max, sizeof *nodes);
    goods = grown(goods, nodes_count, &max, sizeof *goods);
    table[at] = (uint32_t) nodes_count;
    goods[nodes_count] = 0;
    nodes[nodes_count] = (struct node){digest, parent, step};
    *ret_is_new = true;
    return (uint32_t) nodes_count++;
}

/* A step. Our own must() is a counterexample like any other. */

static sigjmp_buf failed;
static volatile sig_atomic_t is_taking;

static void on_abort(int number)
{
    (void) number;
    if (is_taking)
        siglongjmp(failed, 1);
}

static const char *take(struct step step)
{
    if (sigsetjmp(failed, 0) != 0) {
        is_taking = 0;
        return "a must() of the core does not hold";
    }
    is_taking = 1;
    model_take(step);
    is_taking = 0;
    return model_check();
}

static void catch_aborts(void)
{
    struct sigaction action = {.sa_handler = on_abort, .sa_flags = SA_NODEFER};
    must(sigaction(SIGABRT, &action, NULL) == 0);
}

/* Traces. */

/* How many steps. */
static int tell_trace(uint32_t at)
{
    uint32_t path[4096];
    size_t count = 0;
    for (; at != 0; at = nodes[at].parent)
        path[count++] = at;
    int steps = (int) count;
    memcpy(&world, first, sizeof world);
    model_tracing = true;
    while (count-- > 0)
        (void) take(nodes[path[count]].step);
    model_tracing = false;
    fflush(stdout);
    return steps;
}

/* Progress: is a good end reachable without any fault. */

static int64_t mark_reachable(void)
{
    size_t *starts = calloc(nodes_count + 2, sizeof *starts);
    uint32_t *froms = malloc((edges_count + 1) * sizeof *froms);
    uint32_t *stack = malloc((nodes_count + 1) * sizeof *stack);
    must(starts != NULL && froms != NULL && stack != NULL);
    for (size_t i = 0; i < edges_count; i++)
        starts[edges[i].to + 2]++;
    for (size_t i = 2; i < nodes_count + 2; i++)
        starts[i] += starts[i - 1];
    for (size_t i = 0; i < edges_count; i++)
        froms[starts[edges[i].to + 1]++] = edges[i].from;
    size_t depth = 0;
    for (size_t i = 0; i < nodes_count; i++)
        if (goods[i] != 0)
            stack[depth++] = (uint32_t) i;
    while (depth > 0) {
        uint32_t at = stack[--depth];
        for (size_t i = starts[at]; i < starts[at + 1]; i++)
            if (goods[froms[i]] == 0) {
                goods[froms[i]] = 1;
                stack[depth++] = froms[i];
            }
    }
    free(starts);
    free(froms);
    free(stack);
    for (size_t i = 0; i < nodes_count; i++)
        if (goods[i] == 0)
            return (int64_t) i;
    return -1;
}

/* How it goes round without arriving. */
static void tell_walk(void)
{
    struct steps steps;
    uint64_t random = 1;
    printf("  ... and then, for example:\n");
    model_tracing = true;
    for (int i = 0; i < WALK_MAX; i++) {
        size_t usable = 0;
        model_steps(&steps);
        for (size_t k = 0; k < steps.count; k++)
            if (!steps.faults[k])
                steps.items[usable++] = steps.items[k];
        if (usable == 0)
            break;
        random = random * UINT64_C(6364136223846793005) + 1;
        (void) take(steps.items[(random >> 33) % usable]);
    }
    model_tracing = false;
    fflush(stdout);
}

/* The search. */

static bool is_stopped_by_bound(void)
{
    if (world.stuck)
        return true;
    for (int w = 0; w < WORKERS; w++)
        for (size_t i = 0; world.workers[w].alive && i < PAYOUTS; i++) {
            const struct payout *payout = &world.workers[w].flow.payouts[i];
            bool has_no_request = payout->step == STEP_PAYING && payout->asked &&
                                  world.requests_count == scenario->requests &&
                                  model_request_of(w, payout) == NULL;
            if (has_no_request)
                return true;
        }
    return false;
}

static void judge(uint32_t at, struct result *result)
{
    goods[at] = model_is_good();
    if (goods[at] == 0 && is_stopped_by_bound()) {
        goods[at] = 1;
        result->waived++;
    }
}

/* False: an invariant is broken. */
static bool expand(uint32_t at, struct level *next, struct result *result)
{
    struct steps steps;
    memcpy(&world, base, sizeof world);
    model_steps(&steps);
    for (size_t i = 0; i < steps.count; i++) {
        if (i > 0)
            memcpy(&world, base, sizeof world);
        const char *broken = take(steps.items[i]);
        bool is_new;
        uint32_t to = visit(model_digest(), at, steps.items[i], &is_new);
        result->transitions++;
        if (broken != NULL) {
            result->broken = broken;
            nodes[to].parent = at;
            nodes[to].step = steps.items[i];
            result->trace = tell_trace(to);
            return false;
        }
        if (is_new) {
            judge(to, result);
            pack(next);
        }
        if (!steps.faults[i] && to != at) {
            edges = grown(edges, edges_count, &edges_max, sizeof *edges);
            edges[edges_count++] = (struct edge){at, to};
        }
    }
    return true;
}

static void search(int64_t states_max, struct result *result)
{
    uint32_t at = 0;
    for (struct level *level = &levels[0]; level->used > 0; result->depth++) {
        struct level *next = level == &levels[0] ? &levels[1] : &levels[0];
        next->used = 0;
        for (size_t from = 0; from < level->used; at++) {
            if (states_max > 0 && (int64_t) nodes_count >= states_max)
                return;
            from = unpack(level, from, base);
            if (!expand(at, next, result))
                return;
        }
        level = next;
    }
    result->complete = true;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

struct result model_search(int64_t states_max)
{
    struct result result = {0};
    bool is_new;
    double begun = seconds();
    catch_aborts();
    model_begin();
    memcpy(first, &world, sizeof world);
    (void) visit(model_digest(), 0, (struct step){0}, &is_new);
    judge(0, &result);
    pack(&levels[0]);
    search(states_max, &result);
    if (result.complete) {
        int64_t lost = mark_reachable();
        if (lost >= 0) {
            result.broken = "no way to one final, or to held and shown, without another fault";
            result.trace = tell_trace((uint32_t) lost);
            tell_walk();
        }
    }
    result.states = (int64_t) nodes_count;
    result.seconds = seconds() - begun;
    return result;
}
