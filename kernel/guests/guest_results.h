/* Which built-in guests are to run, and their results. */
#pragma once

#include "kernel/console/console.h"
#include "kernel/machine.h"
#include "lib/format.h"
#include "vm/guests/measure/bench.h"
#include "vm/guests/guest.h"
#include "vmx/vmcs_image.h"

enum { RANDOM_ROUNDS = 20 };

/* In the order in which the word names them, from 1. */
enum check_entry { CHECK_ENTRY_FAILED = 1, CHECK_ENTRY_ALWAYS };

/* The words of the command line that are the guests'. */
struct guest_options {
    const char *names;         /* after guest=, within the line; NULL: the demonstration */
    struct random_plan random; /* of chaos= */
    unsigned check_entry;      /* enum check_entry: which VM entries are checked by every rule */
    unsigned trace_exits, dump_vmcs, bench_exits; /* 1: asked for */
};
extern struct guest_options guest_options;

/* Which guests `guest=` names, and where each runs (kernel/guests/guest_choice.c). */
enum { GUEST_CHOICES_MAX = 512, GUEST_NAMES_SIZE = 96 };

struct guest_chosen {
    const struct guest *guest;
    bool every_cpu;
    uint32_t cpu; /* the only one, by index, if not every_cpu */
};

struct guest_choice {
    struct guest_chosen item[GUEST_CHOICES_MAX];
    uint32_t count;
    uint32_t lost; /* chosen, but more than there is room for */
    bool list;     /* "list": all that there are are to be reported */
    /* Names that no guest has, each with the nearest that one has; items for a CPU that is not
     * there. With commas between, as many as there is room for; "" for none. */
    char unknown[GUEST_NAMES_SIZE], no_cpu[GUEST_NAMES_SIZE];
};

/*
 * `names` holds items with commas between, and ends with a zero or a space. An item is a guest's
 * name, "all", "none", or "list", which runs none, for every CPU; with "cpuN:" before it, for the
 * CPU with that index. NULL is for the demonstration, the first guest on every CPU. Indexes below
 * `cpus_max` are CPUs.
 */
void guest_choose(const char *names, uint32_t cpus_max, struct guest_choice *choice);

/* Does item `index` run on this CPU? */
static inline bool guest_chosen_for(const struct guest_choice *choice, uint32_t index, uint32_t cpu)
{
    return choice->item[index].every_cpu || choice->item[index].cpu == cpu;
}

/* A guest's VMCS as it was when the guest had ended. */
struct vmcs_kept {
    const char *guest; /* its name; NULL: none was kept */
    uint32_t cpu;      /* where it ran */
    bool entry_failed; /* it could not be entered */
    struct entry_failure entry;
    struct vmcs_image image;
};

struct guest_results {
    struct guest_choice choice;       /* those of `guest=` */
    bool done;                        /* `runs` holds their results */
    struct guest_run *runs[CPUS_MAX]; /* of each CPU, in the order of the choice */
    struct guest_run bench_run;       /* of the measuring guest; its guest is NULL before */
    bool bench_done;
    struct bench bench; /* of `bench=exits` */
    struct vmcs_kept vmcs;
};
extern struct guest_results guest_results;

/* Findings: names in `guest=` that no guest has; a CPU that is not there, more guests than have
 * room; a guest that did otherwise than it should, and after guests ran all of them. */
void check_guest_names(struct machine *machine);
void check_guest_choice(struct machine *machine);
void check_guest_run(struct machine *machine, uint32_t cpu, struct guest_run *run);
void check_guest_runs(struct machine *machine);

/* What came of a chosen guest on a CPU; NULL where it does not run there. */
struct guest_run *guest_run_of(const struct machine *machine, uint32_t guest, uint32_t cpu);

/*
 * Is the VMCS of a guest that has ended on that CPU to be kept, in the place of the one that is
 * kept? The first that could not be entered stays, on whichever CPU; else, if `dump=vmcs` asks, the
 * last guest's of the first CPU that had one.
 */
bool vmcs_is_wanted(uint32_t cpu, bool entry_failed);

/* How many runs of `guests` chosen guests from one on came to each result: "154 ok, 2 skipped". */
void guest_counts_print(struct sink *sink, const struct machine *machine, uint32_t first,
                        uint32_t guests);

/* The members "guests", "bench" and "vmcs" of the report. */
void guests_json(const struct machine *machine, struct json *json);

/* Of each guest: its name, what it does, and the VM exits that vm/guests/exits/exits.def has. */
void guest_list_print(struct sink *sink);

/* Would a person read the same of both? */
bool guest_runs_alike(const struct guest_run *a, const struct guest_run *b);
