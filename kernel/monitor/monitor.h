/*
 * The monitor: VMX instructions, and what goes with them, typed one by one; what comes of each is
 * told in the manual's words. The commands stand in monitor_commands.def.
 */
#pragma once

#include "kernel/line/line_command.h"
#include "lib/format.h"
#include "vm/memory/ept_walk.h"
#include "vmx/vmx_cpu.h"

#define MONITOR_PROMPT "rootmode> "
enum { PAGE_NAME_SIZE = 16, ANSWER_SIZE = 16384, PAGES_MAX = 32 };

/* SDM Vol. 3, "Basic VMX Operation": the launch state of a VMCS, which no instruction tells. */
enum launch_state { LAUNCH_UNKNOWN, LAUNCH_CLEAR, LAUNCH_LAUNCHED };

/* Pages with a name, as large as a VMCS region. */
struct monitor_page {
    char name[PAGE_NAME_SIZE];
    uint64_t address; /* physical */
    enum launch_state launch;
    uint32_t active; /* on this CPU, counted from 1; 0: on none */
};

struct monitor {
    struct sink sink;  /* takes answers: keeps the last one and hands it on */
    struct sink *next; /* to where the person reads them */
    struct text_buffer kept;
    char answer[ANSWER_SIZE];
    uint32_t command; /* the one that runs */
    struct line_arguments given;
    bool left, resets; /* `quit`, `reset` */
    bool refused;      /* the last line was not understood, and no `expect` looked at it */
    bool failed;       /* the script: an `expect` was not met, or a line refused */
    uint64_t cr0_before, cr4_before;

    uint32_t wanted_cpu; /* where commands run; this is it, read before each of them: */
    struct vmx_cpu cpu;
    bool is_on;    /* in VMX operation */
    uint64_t vmcs; /* the current one; all ones: none */
    struct vmx_capability capability;

    uint32_t page_count;
    struct monitor_page page[PAGES_MAX];
    struct ept ept; /* none yet where radix.root is 0 */
    struct page_cache ept_pages;
    uint64_t registers[16]; /* the guest's; RSP is in the VMCS */
};
extern struct monitor monitor; /* one for all CPUs: one runs a command at a time */

#define COMMAND(id, ...) COMMAND_##id,
enum {
#include "kernel/monitor/monitor_commands.def"
    COMMAND_COUNT
};
#undef COMMAND

/* kernel/monitor/monitor_commands.c. A FIELD is its encoding; as a VALUE what VMREAD gives. */
enum { MONITOR_FIELD = 'F', MONITOR_MSR = 'M' };
extern const struct line_language monitor_language;
void monitor_obey(const char *line); /* on this CPU */

#define say(...) print_to(&monitor.sink, __VA_ARGS__)

/* Tells the outcome of the command's instruction, and `then` where it is VMsucceed: true. */
bool monitor_tell(struct vmx_result result, const char *then);

/* The named page that an address lies in; NULL: none. The address by that name. */
struct monitor_page *monitor_page_of(uint64_t address);
void monitor_print_address(uint64_t address, const char *after);

/* Is the page not the monitor's? Then that is told. */
bool monitor_is_foreign(uint64_t address);

/* Rootmode runs on it: where its data are, MTRRs and PAT, its local APIC, EFER, XD, its clocks. */
bool monitor_is_vital(uint32_t msr, uint64_t value);

void monitor_init(struct sink *next);
void monitor_reset_cpu(void); /* this CPU out of VMX operation, CR0 and CR4 as they were */
void monitor_forget(void);    /* frees all pages, when every CPU is reset */

/* kernel/monitor/monitor_guest.c: commands; rules that are broken by name, and a field in words. */
void monitor_setup(void);
void monitor_show(bool rules); /* false: the VMCS as a whole */
void monitor_run_guest(bool resume);
void monitor_step(void);
void monitor_registers(void);
void monitor_map(uint64_t from, uint64_t to, uint64_t type);
void monitor_walk(uint64_t address);
void monitor_print_broken(void);
void monitor_print_field(const char *before, uint64_t field, uint64_t value);

/* kernel/monitor/monitor_room.c: VM entry, and an interrupt after a while. */
struct vmx_result monitor_enter(bool resume);
