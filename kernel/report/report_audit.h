/*
 * What was found in the page tables in use, for the report.
 */
#ifndef KERNEL_REPORT_AUDIT_H
#define KERNEL_REPORT_AUDIT_H

#include "mm/paging_audit.h"

extern struct paging_audit paging_audited;

#endif
