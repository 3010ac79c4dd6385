/*
 * Sets of VMX capability MSRs as a source gives them: a file, the corpus, this machine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/capability/dump.h"
#include "vmx/capability/vmx_msr.h"

enum { IA32_FEATURE_CONTROL_MSR = 0x3a };

enum { DUMP_PASSED_MAX = 3, DUMP_SHOWN_MAX = 52 };

struct dump_set {
    char id[96];
    char about[128];        /* the CPU's name or what else the source says of it; may be "" */
    bool virtual_registers; /* the source says that a hypervisor made these values */
    struct vmx_dump dump;
};

/* A line that seems to give an MSR a value, and was passed over. */
struct dump_passed {
    unsigned line;
    char text[DUMP_SHOWN_MAX];
    const char *expected;
};

/* How a text was read. */
struct dump_reading {
    uint32_t formats;        /* a bit for each enum dump_format that was seen */
    unsigned not_understood; /* lines that were passed over, the first of them in `passed` */
    struct dump_passed passed[DUMP_PASSED_MAX];
    unsigned failed; /* the line of the first message that rdmsr failed; 0 without one */
};

struct dump_list {
    struct dump_set *set;
    size_t count, room;
    bool one_machine; /* the sets are the CPUs of one machine, the first of them the boot CPU */
    struct dump_reading reading;
};

/* Appends an empty set with this id (cut where it is too long). Ends the program without memory. */
struct dump_set *dump_list_add(struct dump_list *list, const char *id);

void dump_list_free(struct dump_list *list);

/* Is it IA32_FEATURE_CONTROL or a VMX capability MSR, one of those that a set can hold? */
bool dump_msr_is_known(uint64_t msr);

/* Does the set have a value for that MSR? `msr` is a known one in all three. */
bool dump_msr_has(const struct vmx_dump *dump, uint32_t msr);
uint64_t dump_msr_get(const struct vmx_dump *dump, uint32_t msr); /* 0 without one */
void dump_msr_put(struct vmx_dump *dump, uint32_t msr, uint64_t value);
