/* The invariants of docs/PROTOCOL.md, held against every state. */
#include "model.h"

static bool is_command_done(int at)
{
    return model_is_done(scenario->place[at], model_offset_of(at));
}

static bool is_recovered(void)
{
    if (model_master(world.token)->inc != world.token)
        return false;
    for (int place = 0; place < PLACES; place++)
        if (model_is_used(place) && world.committed[place].token != world.token)
            return false;
    return true;
}

static const char *check_requests(void)
{
    if (world.executed > 1)
        return "I1 the gateway executed the order twice";
    for (int i = 0; i < world.requests_count; i++)
        for (int j = 0; j < i; j++) {
            if (world.requests[i].attempt == world.requests[j].attempt)
                return "I2 two requests for one attempt";
            if (world.requests[i].words != world.requests[j].words)
                return "I9 a changed command was sent";
        }
    return NULL;
}

static const char *check_told(void)
{
    const struct told *told = &world.told;
    if (told->final == ORDER_PAID) {
        if (world.executed == 0)
            return "I5 succeeded, and nothing was executed";
        int words = model_body_read(told->final_body).words;
        if (words != WORDS_UNKNOWN && words != world.executed_words)
            return "I9 succeeded, with another command's words";
    } else if (told->final != ORDER_ABSENT && world.executed > 0)
        return "I5 failed or rejected, and yet it was executed";
    return NULL;
}

/* Any copy of a command whose order Redis does not know would be paid again. */
static const char *check_ledger(void)
{
    if (!is_recovered() || model_master(world.token)->order.exists || world.letters)
        return NULL;
    for (int i = 0; i < scenario->commands; i++)
        if (is_command_done(i))
            return "I3 a committed position, and the ledger does not know its order";
    return NULL;
}

const char *model_check(void)
{
    if (world.broken != NULL)
        return world.broken;
    const char *broken = check_requests();
    if (broken == NULL)
        broken = check_told();
    return broken == NULL ? check_ledger() : broken;
}

static bool flies(void)
{
    for (int i = 0; i < world.requests_count; i++)
        if (world.requests[i].state == REQUEST_FLIES || world.requests[i].state == REQUEST_PENDING)
            return true;
    return false;
}

/* Unknown, shown, and nothing that the gateway says would settle it: a person's turn. */
static bool is_held(const struct sim_order *order)
{
    if (order->state != ORDER_UNKNOWN || flies() || world.told.other == ORDER_ABSENT)
        return false;
    int words = order->res[0] == '\0' ? WORDS_UNKNOWN : model_body_read(order->res).words;
    if (world.executed > 0)
        return words != WORDS_UNKNOWN && words != world.executed_words;
    int last = world.last_payment;
    bool is_known_failure = last >= 0 && world.requests[last].attempt == order->att &&
                            world.requests[last].state == REQUEST_DECLINED;
    return order->doubt || !is_known_failure;
}

bool model_is_good(void)
{
    const struct master *master = model_master(world.token);
    const struct sim_order *order = &master->order;
    if (master->inc != world.token || world.hidden)
        return false;
    for (int i = 0; i < scenario->commands; i++)
        if (!is_command_done(i))
            return false;
    for (int i = 0; i < world.resolutions_count; i++)
        if (!model_is_done(PLACE_RESOLUTIONS, i))
            return false;
    enum order_state final = world.told.final;
    if (final == ORDER_ABSENT)
        return is_held(order);
    return order->state == final ||
           (order->state == ORDER_UNKNOWN && (order->doubt || final == ORDER_PAID));
}
