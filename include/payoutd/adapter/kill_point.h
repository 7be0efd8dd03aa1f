/*
 * kill_point: places where the tests end a process with SIGKILL (docs/TESTING.md). Only
 * killable-payoutd, which is built for the tests alone, has them; anywhere else they are nothing.
 */
#ifndef PAYOUTD_ADAPTER_KILL_POINT_H
#define PAYOUTD_ADAPTER_KILL_POINT_H

#ifdef PAYOUTD_KILL_POINTS
#include "payoutd/domain/ledger_record.h"

void kill_point(const char *name);
void kill_point_ledger(const char *when, enum ledger_script script); /* e.g. before_arm */
#define KILL_POINT(name)               kill_point(name)
#define KILL_POINT_IF(condition, name) ((condition) ? kill_point(name) : (void) 0)
#define KILL_POINT_LEDGER(when, call)  kill_point_ledger((when), (call))
#else
#define KILL_POINT(name)               ((void) 0)
#define KILL_POINT_IF(condition, name) ((void) 0)
#define KILL_POINT_LEDGER(when, call)  ((void) 0)
#endif

#endif
