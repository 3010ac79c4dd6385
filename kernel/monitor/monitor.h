/*
 * The monitor: VMX instructions, and what goes with them, typed one by one; what comes of each is
 * told in the manual's words. A command is a COMMAND().
 */
#ifndef KERNEL_MONITOR_H
#define KERNEL_MONITOR_H

#include "kernel/command_line.h"
#include "kernel/line/completion.h"
#include "lib/format.h"
#include "vm/memory/ept_walk.h"
#include "vmx/vmcs_image.h"
#include "vmx/vmx_cpu.h"

enum {
    LINE_SIZE = 256,
    PAGE_NAME_SIZE = 16,
    ANSWER_SIZE = 16384,
    PAGES_MAX = 32,
    ARGUMENTS_MAX = 4
};

#define MONITOR_PROMPT "rootmode> "

/* SDM Vol. 3, "Basic VMX Operation": the launch state of a VMCS, which no instruction tells. */
enum launch_state { LAUNCH_UNKNOWN, LAUNCH_CLEAR, LAUNCH_LAUNCHED };
extern const char *const monitor_launch_names[];

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
    const char *command;       /* the one that runs */
    bool left, resets, failed; /* `quit`, `reset`; an `expect` was not met */
    uint64_t cr0_before, cr4_before;

    uint32_t wanted_cpu; /* where commands run; this is it, read before each of them: */
    struct vmx_cpu cpu;
    struct vmx_capability capability;

    uint32_t page_count;
    struct monitor_page page[PAGES_MAX];
    struct ept ept; /* none yet where radix.root is 0 */
    struct page_cache ept_pages;
    uint64_t registers[16]; /* the guest's; RSP is in the VMCS */
};
extern struct monitor monitor; /* one for all CPUs: one runs a command at a time */

/* What stands behind a command's name. */
struct monitor_arguments {
    uint32_t count;
    struct command_text text[ARGUMENTS_MAX];
    uint64_t value[ARGUMENTS_MAX];
};

struct monitor_command {
    const char *name;      /* a word or two */
    const char *arguments; /* a word for each, monitor_kind(); [ before those that may be missing */
    const char *help;
    void (*run)(const struct monitor_arguments *given);
};
SET_DECLARE(monitor_commands, const struct monitor_command);

/* Begins the function of a command. */
#define COMMAND(id, name, arguments, help)                                                \
    static void run_##id(const struct monitor_arguments *given);                          \
    static const struct monitor_command command_##id = {name, arguments, help, run_##id}; \
    SET_MEMBER(monitor_commands, id, const struct monitor_command, command_##id);         \
    static void run_##id(const struct monitor_arguments *given __attribute__((unused)))

/* kernel/monitor/monitor_names.c: what can be named. A LINE is all that is left of one. */
enum monitor_kind { VALUE, FIELD, MSR, COMMAND_NAME, TEXT, LINE };

completion_names monitor_names;

/* What a word of that kind stands for; false: nothing. A field in a VALUE is read by VMREAD. */
bool monitor_meaning(enum monitor_kind kind, struct command_text word, uint64_t *value);

/* The command that a line begins with, which is cut off; NULL: none. And its next argument. */
const struct monitor_command *monitor_find_command(struct command_text *line);
enum monitor_kind monitor_next_kind(struct command_text *kinds);

/* completion_add() of the last word of a line. */
size_t monitor_complete(const char *line, char *more, struct sink *list);

/* kernel/monitor/monitor_tell.c. `operand`: an address, or the encoding of a field. */
enum monitor_instruction { MONITOR_VMXON, MONITOR_REGION, MONITOR_OTHER };

/* Tells an outcome: true, and no line end yet, where it is VMsucceed. */
bool monitor_tell(enum monitor_instruction instruction, uint64_t operand, struct vmx_result result);

/* The current VMCS, all ones for none; false: this CPU is not in VMX operation. */
bool monitor_current(uint64_t *vmcs);

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The named page that an address lies in; NULL: none. The address by that name. */
struct monitor_page *monitor_page_of(uint64_t address);
void monitor_print_address(uint64_t address);

/* Is the page not the monitor's? Then that is told. */
bool monitor_is_foreign(uint64_t address);

/* kernel/monitor/monitor_guest.c: rules that are broken by name; a field's value, in words too. */
void monitor_print_broken(void);
void monitor_print_field(uint64_t encoding, uint64_t value);

/* kernel/monitor/monitor_commands.c */
void monitor_init(struct sink *next);
void monitor_obey(const char *line); /* on this CPU */
void monitor_reset_cpu(void);        /* this CPU out of VMX operation, CR0 and CR4 as they were */
void monitor_forget(void);           /* frees all pages, when every CPU is reset */

/* Cuts the next line off a script, LINE_SIZE bytes; false: there is none. */
bool monitor_next_line(struct command_text *script, char *line);

/* kernel/monitor/monitor_room.c: VM entry, and an interrupt after a while. */
struct vmx_result monitor_enter(bool resume);

#endif
