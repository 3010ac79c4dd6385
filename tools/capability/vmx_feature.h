/*
 * Everything that the VMX capability MSRs and IA32_FEATURE_CONTROL define, as one table of
 * features: each bit or field with the SDM's name, a plain sentence, where the manual describes it
 * and since which generation of processors it is seen.
 *
 * The rows are those of tools/capability/features.def.
 *
 * SDM Vol. 3, appendix "VMX Capability Reporting Facility".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/capability/dump.h"
#include "vmx/capability/vmx_msr.h"

enum vmx_feature_kind {
    FEATURE_CONTROL,     /* a control in a VMCS: may it be 0, may it be 1 */
    FEATURE_FLAG,        /* one bit: there or not */
    FEATURE_NUMBER,      /* a field that counts or measures */
    FEATURE_ENUMERATION, /* a field whose values have names: vmx_feature_meaning() */
    FEATURE_FIXED,       /* a bit of CR0 or CR4 in VMX operation: may it be 0, may it be 1 */
    FEATURE_RESERVED,    /* has no meaning yet, or none in public */
};

struct vmx_feature {
    const char *id; /* stable, to be typed: "secondary.unrestricted-guest" */
    enum vmx_feature_kind kind;
    uint32_t msr; /* for controls the plain MSR, though the TRUE one is asked where there is one */
    /*
     * The bits in the MSR. Of a control: its bit of the allowed 1-settings, so 32 and up in the
     * MSRs of 32-bit words (its allowed 0-setting stands 32 bits lower), and the control's own
     * number in the MSRs of 64-bit words (0x492, 0x493). Of a CR bit: the bit of the register; the
     * MSR is FIXED0, and the one after it FIXED1.
     */
    uint8_t high, low;
    const char *name;        /* the SDM's */
    const char *explanation; /* one plain sentence, without a full stop */
    const char *since;       /* the first generation of the corpus that has it; "" where none has */
};

/* By group, which is the id before its dot, and within a group by bit, lowest first. */
extern const struct vmx_feature vmx_feature_table[];
extern const uint32_t vmx_feature_count;

/* The title of the SDM section that describes it. */
const char *vmx_feature_section(const struct vmx_feature *feature);

/* The row with that id; NULL if there is none. */
const struct vmx_feature *vmx_feature_find(const char *id);

enum vmx_feature_state {
    FEATURE_ABSENT,  /* the MSR does not exist on this CPU */
    FEATURE_UNKNOWN, /* the MSR should exist (or may), but there is no value for it */
    FEATURE_ZERO,    /* flag: 0; control or CR bit: must be 0 */
    FEATURE_ONE,     /* flag: 1; control or CR bit: must be 1 */
    FEATURE_EITHER,  /* control or CR bit: may be 0 or 1 */
    FEATURE_NEITHER, /* control or CR bit: may be neither 0 nor 1, a contradiction */
    FEATURE_VALUE,   /* number, enumeration, field of reserved bits: see `value` */
    FEATURE_STATE_COUNT,
};

struct vmx_feature_value {
    enum vmx_feature_state state;
    uint64_t
        value;    /* the field's; of a single bit 0 or 1: whether it may be 1; 0 where not known */
    uint32_t msr; /* the MSR that reported it: the TRUE one of a control where there is one */
};

/* What a dump says about one feature. */
struct vmx_feature_value vmx_feature_evaluate(const struct vmx_feature *feature,
                                              const struct vmx_dump *dump);

/*
 * Has the CPU got it? True for a flag that is 1, a control or CR bit that may be 1, a field that is
 * not 0. Not known counts as no: ask `state` first where that matters.
 */
bool vmx_feature_offered(struct vmx_feature_value value);

/* "absent", "unknown", "0", "1", "0 or 1", "neither 0 nor 1", "value". */
const char *vmx_feature_state_name(enum vmx_feature_state state);

/* The meaning of an enumeration's value ("write-back (WB)"); NULL for other kinds or no meaning. */
const char *vmx_feature_meaning(const struct vmx_feature *feature, uint64_t value);

/* Of a control: is it of the default1 class, 1 wherever the TRUE MSRs do not say otherwise? */
bool vmx_feature_is_default1(const struct vmx_feature *feature);

/*
 * The bits of an MSR (0x3a, 0x480 … 0x493) that some row of the table other than a reserved one
 * reports about: for control words the bits of both halves.
 */
uint64_t vmx_feature_known_bits(uint32_t msr);
