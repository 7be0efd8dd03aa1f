/*
 * model --list | --quick | --scenario NAME [--states-max N]: one scenario, or all the quick ones,
 * explored. Exit code 1: a rule of the protocol is broken, and the trace was printed.
 */
#include "model_scenarios.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int list(void)
{
    for (const struct scenario *at = NULL; (at = model_scenario_next(at)) != NULL;)
        printf("%-16s %s%s\n", at->name, at->what, at->quick ? " (quick)" : "");
    return 0;
}

static int explore(int64_t states_max)
{
    struct result result = model_search(states_max);
    printf("%-16s %s: %lld states, %lld transitions, depth %d, %lld stopped by a bound, %.1f s, ",
           scenario->name, result.broken == NULL ? "holds" : result.broken,
           (long long) result.states, (long long) result.transitions, result.depth,
           (long long) result.waived, result.seconds);
    if (result.broken != NULL)
        printf("trace of %d steps\n", result.trace);
    else
        printf("%s\n", result.complete ? "complete" : "BOUNDED");
    return result.broken == NULL ? 0 : 1;
}

/* Each in a process of its own: the search keeps what it has seen. */
static int explore_quick(void)
{
    int failed = 0;
    for (const struct scenario *at = NULL; (at = model_scenario_next(at)) != NULL;) {
        if (!at->quick)
            continue;
        fflush(stdout);
        pid_t child = fork();
        must(child >= 0);
        if (child == 0) {
            scenario = at;
            exit(explore(0));
        }
        int status = 0;
        must(waitpid(child, &status, 0) == child);
        failed += status != 0;
    }
    return failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    int64_t states_max = 0;
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list();
    if (argc == 2 && strcmp(argv[1], "--quick") == 0)
        return explore_quick();
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--scenario") == 0)
            scenario = model_scenario(argv[i + 1]);
        else if (strcmp(argv[i], "--states-max") == 0)
            states_max = atoll(argv[i + 1]);
    }
    if (scenario == NULL) {
        fprintf(stderr, "usage: model --list | --quick | --scenario NAME [--states-max N]\n");
        return 2;
    }
    return explore(states_max);
}
