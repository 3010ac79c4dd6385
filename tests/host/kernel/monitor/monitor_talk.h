/*
 * A talk with the monitor on the model CPU (monitor_machine.h).
 */
#ifndef TESTS_HOST_MONITOR_TALK_H
#define TESTS_HOST_MONITOR_TALK_H

#include "tests/host/kernel/monitor/monitor_machine.h"
#include "tests/host/model_cpu.h"

/* Before each test. */
int begin(void **state);

extern struct sink nowhere;

const char *answer(const char *line);

/* A line, and a piece of its answer; of "=..." the whole answer. NULL: it is not asked for. */
struct said {
    const char *line, *wanted;
};

void talk(const struct said *row);

#define TALK(...) talk((const struct said[]){__VA_ARGS__, {NULL, NULL}})
#define CURRENT                                              \
    {"vmxon", NULL}, {"alloc v", NULL}, {"vmclear v", NULL}, \
    {                                                        \
        "vmptrld v", NULL                                    \
    }
#define GUEST                                       \
    CURRENT, {"setup", NULL}, {"alloc code", NULL}, \
    {                                               \
        "ept map 0x1000 code", "=mapped\n"          \
    }

#endif
