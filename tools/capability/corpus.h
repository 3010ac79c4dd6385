/*
 * The corpus: what real machines, emulators and hypervisors report, as a table in the program (the
 * library `corpus`). It is made at build time from tests/data/vmx-msrs/vmx-msrs.csv by
 * tools/gen_corpus.py.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tools/capability/dump.h"
#include "vmx/capability/vmx_msr.h"

/* The columns of the CSV that every source of that format has, in its order (29 of them). */
extern const char corpus_csv_header[];

struct corpus_row {
    const char *id;
    const char *cpu;        /* marketing name as the source gives it */
    const char *cpuid;      /* "06_3CH_3 (cpuid.1.eax=0x306c3)", or "" */
    const char *kind;       /* "bare-metal", "emulator", "named-model", "nested-hypervisor" */
    const char *confidence; /* "raw-dump" … */
    const char *source;
    const char *odd; /* which rule the row is known to break, or "" */
    const char *notes;
    /* The generation, of an emulator's model that which it imitates; NULL where not known. */
    const struct corpus_generation *generation;
    struct vmx_dump dump;
};

struct corpus_generation {
    const char *name;   /* "Haswell" */
    const char *vendor; /* "Intel", "VIA", "Centaur", "Zhaoxin" */
    int year;           /* when first sold */
    int order;          /* 0, 1, …: its place in time, all vendors together */
};

/* In the order of the CSV. */
extern const struct corpus_row corpus[];
extern const size_t corpus_count;

/* In the order of time. */
extern const struct corpus_generation corpus_generations[];
extern const size_t corpus_generation_count;

/*
 * The row with that id, or of an emulator's model of that name (`corei7_haswell_4770` of Bochs),
 * the first where several versions have it; NULL if there is none.
 */
const struct corpus_row *corpus_find(const char *id);
