/*
 * What vmcheck answers to a text, as a program and in a browser.
 */
#pragma once

#include "lib/format.h"
#include "tools/entry/check_entry.h"
#include "tools/entry/read_vmcs.h"

/* A CPU with the values of a dump. */
struct entry_cpu entry_cpu_of(const char *id, const struct vmx_dump *dump);

/* The CPUs of the corpus of which enough is known; at most ENTRY_CPUS_MAX. */
unsigned entry_corpus(struct entry_cpu *cpus);

/*
 * Tells of each VMCS of the text what the rules say about it; what is told of one of several CPUs
 * is so of all that could be the one. Gives the worst verdict.
 */
enum verdict entry_answer(struct sink *output, bool json, const struct vmcs_text *text,
                          const struct entry_cpu *cpus, unsigned count);
