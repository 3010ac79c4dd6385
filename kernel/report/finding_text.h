/*
 * A finding in words, for a person.
 */
#ifndef KERNEL_FINDING_TEXT_H
#define KERNEL_FINDING_TEXT_H

#include "kernel/console/console.h"
#include "vmx/finding.h"

/* Where text goes that has colours. */
struct coloured {
    struct sink *sink;
    void (*colour)(enum colour colour); /* of what is written from now on */
};

/* What it says, where, the manual's section and the remedy; `cpus` as cpus_print() has them. */
void finding_print(const struct coloured *page, const struct finding *finding, const char *cpus);

/* Its rule, CPUs and detail: a line of 79 characters at most. */
void finding_print_line(const struct coloured *page, const struct finding *finding,
                        const char *cpus);

#endif
