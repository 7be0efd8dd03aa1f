/* model_scenarios: the table of what is explored. */
#ifndef TESTS_MODEL_MODEL_SCENARIOS_H
#define TESTS_MODEL_MODEL_SCENARIOS_H

#include "model.h"

const struct scenario *model_scenario_next(const struct scenario *after); /* NULL: the first */
const struct scenario *model_scenario(const char *name);                  /* NULL: none */

#endif
