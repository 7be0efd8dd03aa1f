/* Faults by name. */
#include "sim_fault.h"

static const struct {
    const char *name;
    int32_t rate_max;
} rows[FAULT_COUNT] = {
#define ROW(name, rate) [FAULT_##name] = {#name, rate},
    SIM_FAULT_LIST(ROW)
#undef ROW
};

const char *sim_fault_name(enum sim_fault fault)
{
    return rows[fault].name;
}

int32_t sim_fault_rate_max(enum sim_fault fault)
{
    return rows[fault].rate_max;
}
