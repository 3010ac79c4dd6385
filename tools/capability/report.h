/*
 * Sets asked to a person.
 */
#pragma once

#include <stdbool.h>

#include "tools/capability/check_set.h"
#include "tools/capability/page.h"
#include "tools/capability/vmx_feature.h"

/* A set whole: verdict, stages, findings, configuration, every MSR bit by bit. */
void report_set(const struct page *page, const struct checked *checked);

/* The id of a set, what it is, and its verdict. */
void report_head(const struct page *page, const struct checked *checked);

/* The findings with their texts; those about `msr` alone unless it is 0. */
void report_findings(const struct page *page, const struct findings *findings, uint32_t msr);

/* A line `[bits] [state] sentence`. `state` is what stands in the second column. */
void report_feature(const struct page *page, const struct vmx_feature *feature,
                    struct vmx_feature_value value, const char *state, unsigned state_width);

/* IA32_VMX_BASIC alone, drawn, with what is to be said about it; true if it is refused. */
bool report_basic(const struct page *page, uint64_t basic, enum vmx_check mode);

/* Only what differs between two sets; false if nothing does. */
bool report_difference(const struct page *page, const struct checked *a, const struct checked *b);

/* The name and the address of each MSR: "IA32_VMX_BASIC (MSR 0x480)". */
enum { MSR_TITLE_MAX = 64 };
void report_msr_title(uint32_t msr, char text[MSR_TITLE_MAX]);

/* Which CPUs of one machine have no value of an MSR that another one has. */
void report_lacking(const struct page *page, const struct dump_list *list);
