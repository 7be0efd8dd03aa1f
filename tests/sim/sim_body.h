/* sim_body: what the simulator stores in an order's outcome body: the facts that the real one has
 * and that somebody later reads, as one short line. */
#ifndef TESTS_SIM_BODY_H
#define TESTS_SIM_BODY_H

#include "payoutd/domain/verdict.h"

struct sim_body {
    enum order_state state;
    int32_t attempt;
    char evidence[12];
    bool is_evidence; /* made by a record of the resolutions topic, for an order nobody knew */
    int32_t partition;
    int64_t offset;
    int words;
    bool doubt;
    char pid[24], refused[64]; /* the latter separated by commas; "-": none */
    unsigned nonce;            /* no two bodies are the same */
};

void sim_body_write(const struct sim_body *body, char *ret_text, size_t max);
bool sim_body_read(struct bytes text, struct sim_body *ret_body);
void sim_body_list(char *ret_list, size_t max, struct bytes spaced);  /* to commas */
void sim_body_unlist(char *ret_spaced, size_t max, const char *list); /* and back */

#endif
