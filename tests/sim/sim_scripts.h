/* sim_scripts: what the files of the simulated ledger ask of each other. */
#ifndef TESTS_SIM_SCRIPTS_H
#define TESTS_SIM_SCRIPTS_H

#include "sim_redis.h"

/* One question on its way through a script. */
struct sim_asking {
    struct sim_redis *redis;
    const struct ledger_call *call;
    struct sim_order *order;
    char by[48], fp[65];
    int64_t now_ms;
    struct ledger_reply *reply;
};

/* Fills by and fp from the call, then answers. */
void sim_scripts_run(struct sim_asking *asking);

/* For the scripts themselves. */
void sim_scripts_answer(struct sim_asking *asking, enum ledger_answer word);
/* The fields that an order gets when it is written for the first time. */
void sim_scripts_create(struct sim_asking *asking, enum order_state state);
void sim_scripts_enter_due(struct sim_asking *asking);
void sim_scripts_keep(char *to, size_t max, struct bytes text);
#define KEEP(field, text) sim_scripts_keep((field), sizeof(field), (text))

/* sim_settle.c */
void sim_settle(struct sim_asking *asking);

#endif
