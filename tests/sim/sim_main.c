/*
 * sim: plays seeds and says which of them break an invariant.
 *
 *   sim --seeds N [--from S]   N worlds, from seed S on
 *   sim --seed S               one world, with its story
 */
#include "sim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STEPS_MAX = 400000, FAILURES_SHOWN = 10 };

static struct sim *running;

static void usage(void)
{
    fputs("sim --seeds N [--from S] | --seed S   [--faults NAME,...] [--lossy] [--steps N]\n"
          "    [--coverage] [--keep-going] [--quiet]\nfaults:",
          stderr);
    for (int i = 0; i < FAULT_COUNT; i++)
        fprintf(stderr, " %s", sim_fault_name((enum sim_fault) i));
    fputs("\n", stderr);
    exit(64);
}

static uint64_t number(const char *text)
{
    char *end;
    unsigned long long value = text == NULL ? 0 : strtoull(text, &end, 10);
    if (text == NULL || end == text || *end != '\0')
        usage();
    return value;
}

static void choose_faults(struct sim_options *options, char *names)
{
    options->some = true;
    for (char *name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
        int at = 0;
        while (at < FAULT_COUNT && strcasecmp(name, sim_fault_name((enum sim_fault) at)) != 0)
            at++;
        if (at == FAULT_COUNT && strcmp(name, "none") != 0)
            usage();
        if (at < FAULT_COUNT)
            options->only[at] = true;
    }
}

/* A must() of the core: its seed plays it again. */
static void on_abort(int signal_number)
{
    char text[96];
    int len = snprintf(text, sizeof text, "seed %llu: the core stopped itself, step %lld\n",
                       (unsigned long long) running->seed, (long long) running->steps);
    (void) signal_number;
    if (len > 0 && write(STDOUT_FILENO, text, (size_t) len) < 0)
        _exit(3);
    _exit(2);
}

struct task {
    uint64_t from, seeds;
    bool keep_going, quiet;
};

static void read_words(int argc, char **argv, struct sim_options *options, struct task *task)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--seeds") == 0)
            task->seeds = number(argv[++i]);
        else if (strcmp(word, "--from") == 0)
            task->from = number(argv[++i]);
        else if (strcmp(word, "--seed") == 0) {
            task->from = number(argv[++i]);
            task->seeds = 1;
            options->trace = true;
        } else if (strcmp(word, "--steps") == 0)
            options->steps_max = (int64_t) number(argv[++i]);
        else if (strcmp(word, "--faults") == 0 && i + 1 < argc)
            choose_faults(options, argv[++i]);
        else if (strcmp(word, "--lossy") == 0)
            options->lossy = true;
        else if (strcmp(word, "--coverage") == 0)
            options->coverage = true;
        else if (strcmp(word, "--keep-going") == 0)
            task->keep_going = true;
        else if (strcmp(word, "--quiet") == 0)
            task->quiet = true;
        else
            usage();
    }
    if (task->seeds == 0)
        usage();
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static void print_hits(const int64_t *hits)
{
    printf("faults:");
    for (int i = 0; i < FAULT_COUNT; i++)
        printf(" %s %lld", sim_fault_name((enum sim_fault) i), (long long) hits[i]);
    printf("\n");
}

int main(int argc, char **argv)
{
    struct sim *sim = calloc(1, sizeof *sim);
    struct task task = {.from = 1};
    int64_t hits[FAULT_COUNT] = {0}, steps = 0, executed = 0;
    int failures = 0, played = 0;
    must(sim != NULL);
    sim->options.steps_max = STEPS_MAX;
    read_words(argc, argv, &sim->options, &task);
    running = sim;
    signal(SIGABRT, on_abort);
    double began = seconds();
    for (uint64_t seed = task.from; seed < task.from + task.seeds; seed++) {
        bool holds = sim_run(sim, seed);
        played++;
        steps += sim->steps;
        for (int i = 0; i < FAULT_COUNT; i++)
            hits[i] += sim->hits[i];
        for (int i = 0; i < SIM_ORDERS_MAX; i++)
            executed += sim->truths[i].executed;
        if (holds)
            continue;
        failures++;
        printf("seed %llu: %s: %s (at %.3f s, step %lld)\n", (unsigned long long) seed,
               sim->invariant, sim->why, (double) sim->now_us / 1e6, (long long) sim->steps);
        if (!task.keep_going || failures == FAILURES_SHOWN)
            break;
    }
    double took = seconds() - began;
    if (sim->options.coverage)
        sim_coverage_print();
    if (!task.quiet) {
        print_hits(hits);
        printf("%d seeds, %lld steps, %lld payouts executed, %d broken, %.1f s, %.0f seeds/s\n",
               played, (long long) steps, (long long) executed, failures, took, played / took);
    }
    for (int i = 0; i < SIM_WORKERS_MAX; i++)
        free(sim->workers[i].inbox);
    free(sim->queue.events);
    free(sim);
    return failures == 0 ? 0 : 1;
}
