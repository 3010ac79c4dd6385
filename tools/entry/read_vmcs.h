/*
 * VMCSs in texts as people have them: logs with a dump of KVM or Xen in the noise, lists of fields,
 * Rootmode's own reports, QEMU's registers. A field that a dump does not show is unknown.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/capability/dump_list.h"
#include "vmx/entry/vmentry_rule.h"
#include "vmx/vmcs_image.h"

enum vmcs_format {
    VMCS_FORMAT_LIST,       /* names or encodings of fields with their values */
    VMCS_FORMAT_KVM,        /* dump_vmcs */
    VMCS_FORMAT_XEN,        /* vmcs_dump_vcpu */
    VMCS_FORMAT_ROOTMODE,   /* dump=vmcs, or the report's JSON */
    VMCS_FORMAT_QEMU,       /* registers of a guest, no VMCS */
    VMCS_FORMAT_REGISTERS,  /* the same of KVM_GET_REGS and KVM_GET_SREGS */
    VMCS_FORMAT_VIRTUALBOX, /* the same of its log: "Guest CPUM state" */
    VMCS_FORMAT_BHYVE,      /* bhyvectl --get-all */
    VMCS_FORMAT_BOCHS,      /* show "VMX" in its debugger: what it has read of the VMCS */
    VMCS_FORMAT_COUNT,
};

enum { ENTRY_MSRS_MAX = 16 };

/* Entries of the VM-entry MSR-load area, as KVM shows them (it has 8 at most). */
struct msr_list {
    bool whole; /* they are all of the area */
    unsigned count;
    uint32_t number[ENTRY_MSRS_MAX]; /* in the area, from 1 up */
    uint32_t msr[ENTRY_MSRS_MAX];
    uint64_t value[ENTRY_MSRS_MAX];
};

struct vmcs_dump {
    enum vmcs_format format;
    unsigned line; /* of its first field */
    struct vmcs_image image;
    struct msr_list entry_msrs;
};

enum { EMULATOR_SAID_MAX = 8, EMULATOR_TEXT_MAX = 120 };

/* What an emulator said of a VM entry that it refused, and which rules that may be about. */
struct emulator_said {
    unsigned line;
    const enum vmentry_rule *rules; /* up to VMENTRY_RULE_COUNT */
    char text[EMULATOR_TEXT_MAX];
};

struct vmcs_text {
    struct vmcs_dump *dump;
    size_t count, room;
    unsigned said_count; /* different ones, and no more than there is room for */
    struct emulator_said said[EMULATOR_SAID_MAX];
    unsigned not_understood;
    struct dump_passed passed[DUMP_PASSED_MAX];
};

const char *vmcs_format_name(enum vmcs_format format); /* "kvm" */

/* Reads all dumps of `length` bytes into `text`, which is all zero. */
void vmcs_text_read(const char *bytes, size_t length, struct vmcs_text *text);

void vmcs_text_free(struct vmcs_text *text);
