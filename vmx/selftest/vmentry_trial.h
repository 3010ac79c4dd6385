/*
 * Images of a VMCS that can be entered, and for each rule of a VM entry a change that breaks it:
 * what the host tests and the self-test on the machine try vmentry_check() with.
 *
 * A guest entered from such an image executes nothing: with EPT it has no memory, without EPT its
 * page tables are empty, and every exception exits. A VMX-preemption timer of 0, where there is
 * one, ends it before its first instruction, also in the HLT state.
 */
#pragma once

#include "vmx/entry/vmentry_check.h"

enum vmentry_base {
    VMENTRY_BASE_LONG,      /* 64-bit mode */
    VMENTRY_BASE_LONG_EPT,  /* 64-bit mode, EPT */
    VMENTRY_BASE_PAE,       /* 32-bit, PAE paging */
    VMENTRY_BASE_PAE_EPT,   /* 32-bit, PAE paging, EPT */
    VMENTRY_BASE_PROTECTED, /* 32-bit, paging without PAE */
    VMENTRY_BASE_V8086,     /* virtual-8086 mode */
    VMENTRY_BASE_REAL,      /* real mode: unrestricted guest */
    VMENTRY_BASE_LONG_FREE, /* 64-bit mode, unrestricted guest */
    VMENTRY_BASE_COUNT,
};

/* Pages of the trial's own; what stands in each: vmentry_pages_fill(). */
enum vmentry_page {
    VMENTRY_PAGE_EMPTY,   /* page tables, EPT tables: zero, and never written */
    VMENTRY_PAGE_SCRATCH, /* bitmaps, virtual APIC, whatever a processor may read or write */
    VMENTRY_PAGE_LINK,    /* begins with this processor's revision id */
    VMENTRY_PAGE_SHADOW,  /* with bit 31 as well */
    VMENTRY_PAGE_PDPTES,  /* page-directory-pointer-table entries with reserved bits set */
    VMENTRY_PAGE_MSRS,    /* entries of an MSR-load area, good and bad ones */
    VMENTRY_PAGE_COUNT,
};

/* What the images are made from. */
struct vmentry_ground {
    const struct vmentry_context *context;
    struct vmcs_image host; /* its host-state fields are taken as they are */
    uint64_t page[VMENTRY_PAGE_COUNT];
};

/* Fills a page of the trial, 4096 bytes at `bytes`. */
void vmentry_page_fill(enum vmentry_page page, uint32_t revision_id, void *bytes);

/* Makes the image; false where this processor does not offer what the base needs. */
bool vmentry_base_image(const struct vmentry_ground *ground, enum vmentry_base base,
                        struct vmcs_image *image);

const char *vmentry_base_name(enum vmentry_base base);

/* `setup`, up to the next word TRIAL_BREAKS, makes of the base an image that keeps every rule;
 * `broken` breaks the rule, and `also`. */
struct vmentry_trial {
    uint32_t number; /* from 0 */
    enum vmentry_rule rule;
    enum vmentry_base base;
    const uint16_t *setup, *broken, *also, *end; /* the next begins at `end` */
};

/*
 * Goes to the next trial of vmx/selftest/vmentry_trials.def, of one that is all zero to the first:
 * for (struct vmentry_trial trial = {0}; vmentry_trial_next(&trial);). False after the last.
 */
bool vmentry_trial_next(struct vmentry_trial *trial);

/* Is the rule one of those that the trial breaks? */
bool vmentry_trial_breaks(const struct vmentry_trial *trial, enum vmentry_rule rule);

/* The image that keeps every rule; false where this processor does not offer the base. */
bool vmentry_trial_keep(const struct vmentry_ground *ground, const struct vmentry_trial *trial,
                        struct vmcs_image *image);

/* Makes of that image the one that breaks the rule. */
void vmentry_trial_break(const struct vmentry_ground *ground, const struct vmentry_trial *trial,
                         struct vmcs_image *image);

/*
 * Random images. Each of `round`s gives another one, the same in every run: `base`, one of
 * vmentry_base_image(), with one to three fields changed. Where the rules allow the entry, the
 * fields whose valid values could do harm (memory that the processor would write, the host's own
 * state) are as in the base again. False where nothing is left of the change.
 */
bool vmentry_random_image(const struct vmentry_ground *ground, const struct vmcs_image *base,
                          uint32_t round, struct vmcs_image *image,
                          struct vmentry_findings *findings);

/* The bits of a field that a random image which can be entered may have otherwise than its base. */
uint64_t vmentry_harmless_bits(const struct vmcs_image *base, enum vmcs_field field);
