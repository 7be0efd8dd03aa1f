/* Virtual time: what will happen lies in one heap, and ties are broken by the seed. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->tie < b->tie;
}

static void swap(struct sim_event *a, struct sim_event *b)
{
    struct sim_event kept = *a;
    *a = *b;
    *b = kept;
}

static void push(struct sim_queue *queue, const struct sim_event *event)
{
    if (queue->count == queue->max) {
        queue->max = queue->max == 0 ? 256 : 2 * queue->max;
        queue->events = realloc(queue->events, queue->max * sizeof *queue->events);
        must(queue->events != NULL);
    }
    size_t at = queue->count++;
    queue->events[at] = *event;
    while (at > 0 && is_before(&queue->events[at], &queue->events[(at - 1) / 2])) {
        swap(&queue->events[at], &queue->events[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static struct sim_event pop(struct sim_queue *queue)
{
    struct sim_event first = queue->events[0];
    queue->events[0] = queue->events[--queue->count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < queue->count; child++)
            if (is_before(&queue->events[child], &queue->events[least]))
                least = child;
        if (least == at)
            return first;
        swap(&queue->events[at], &queue->events[least]);
        at = least;
    }
}

static void later(struct sim *sim, int64_t delay_us, struct sim_event event)
{
    event.at_us = sim->now_us + delay_us;
    event.tie = sim_random_next(&sim->random);
    push(&sim->queue, &event);
}

void sim_later(struct sim *sim, int64_t delay_us, sim_fire *fire, int64_t a, int64_t b, void *data)
{
    later(sim, delay_us,
          (struct sim_event){.fire = fire, .worker = -1, .a = a, .b = b, .data = data});
}

void sim_later_to(struct sim *sim, struct sim_worker *worker, int64_t delay_us, sim_fire *fire,
                  int64_t a, int64_t b, void *data)
{
    later(sim, delay_us,
          (struct sim_event){.fire = fire,
                             .worker = worker->at,
                             .life = worker->life,
                             .a = a,
                             .b = b,
                             .data = data});
}

int64_t sim_now_ms(const struct sim *sim)
{
    return sim->now_us / 1000;
}

int64_t sim_wall_ms(const struct sim *sim)
{
    return INT64_C(1700000000000) + sim_now_ms(sim);
}

int64_t sim_below(struct sim *sim, int64_t end)
{
    return sim_random_below(&sim->random, end);
}

bool sim_fault(struct sim *sim, enum sim_fault fault)
{
    if (sim->healing || !sim_random_chance(&sim->random, sim->rates[fault]))
        return false;
    sim->hits[fault]++;
    return true;
}

int64_t sim_delay_us(struct sim *sim)
{
    if (sim_fault(sim, FAULT_SLOW))
        return sim_random_between(&sim->random, 100000, 8000000);
    int64_t roll = sim_below(sim, 10);
    return roll < 7   ? sim_random_between(&sim->random, 50, 2000)
           : roll < 9 ? sim_random_between(&sim->random, 1000, 20000)
                      : sim_random_between(&sim->random, 10000, 200000);
}

int64_t sim_in_order(struct sim *sim, int64_t *last_us, int64_t delay_us)
{
    int64_t at_us = sim->now_us + delay_us;
    *last_us = at_us > *last_us ? at_us : *last_us + 1;
    return *last_us - sim->now_us;
}

static void wait_in(struct sim_worker *worker, const struct sim_event *event)
{
    if (worker->inbox_count == worker->inbox_max) {
        worker->inbox_max = worker->inbox_max == 0 ? 16 : 2 * worker->inbox_max;
        worker->inbox = realloc(worker->inbox, worker->inbox_max * sizeof *worker->inbox);
        must(worker->inbox != NULL);
    }
    worker->inbox[worker->inbox_count++] = *event;
}

bool sim_step(struct sim *sim)
{
    if (sim->queue.count == 0)
        return false;
    struct sim_event event = pop(&sim->queue);
    sim->now_us = event.at_us;
    sim->steps++;
    struct sim_worker *worker = event.worker < 0 ? NULL : &sim->workers[event.worker];
    bool is_over = worker != NULL && (!worker->alive || worker->life != event.life);
    if (!is_over && worker != NULL && worker->paused) {
        wait_in(worker, &event);
        return true;
    }
    if (!is_over)
        event.fire(sim, &event);
    free(event.data);
    return true;
}

void sim_clear(struct sim *sim)
{
    for (size_t i = 0; i < sim->queue.count; i++)
        free(sim->queue.events[i].data);
    sim->queue.count = 0;
}

int sim_order_of(const struct sim *sim, struct bytes order_id)
{
    for (int i = 0; i < sim->orders_count; i++)
        if (bytes_equal_text(order_id, sim->names[i]))
            return i;
    must(!"an order of this run");
}
