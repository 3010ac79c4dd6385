/*
 * Instructions that may have their operand in memory: the exit qualification is its displacement,
 * the instruction information says the rest (vm/guests/probe.h).
 */
#include "lib/string.h"
#include "vm/guests/probe.h"
#include "vm/guests/test_guests.h"

/* The instructions of one exit reason, in bits 29:28. */
enum gdtr_idtr { SGDT, SIDT, LGDT, LIDT };
enum ldtr_tr { SLDT, STR, LLDT, LTR };

#define GDTR_IDTR(what, displacement, mask, where) \
    EXIT_REASON_GDTR_IDTR_ACCESS, (displacement),  \
        .done = EXIT_EMULATED,                     \
        INFO((mask) | INFO_REG2(3), INFO_ADDRESS_64 | INFO_DS | (where) | INFO_REG2(what))

/* A register has no displacement: the qualification is 0. */
#define LDTR_TR(what, reg)                                                          \
    EXIT_REASON_LDTR_TR_ACCESS, .qualification_quirk = QUIRK_STALE_DISPLACEMENT,    \
                                INFO(INFO_REGISTER | INFO_MASK_REG1 | INFO_REG2(3), \
                                     INFO_REGISTER | INFO_REG1(reg) | INFO_REG2(what))

enum {
    AT_SGDT = 0,
    AT_SIDT = 0x10,
    AT_SGDT_NEW = 0x20,
    AT_SIDT_NEW = 0x30,
    NEW_GDT = 0x40,
    NEW_IDT = 0x50,
    AT_SELECTOR = 0x60,
    AT_SGDT_QUIET = 0x70,
    AT_SIDT_QUIET = 0x80,
};

static const struct probe descriptor_probes[] = {
    {"SGDT", GDTR_IDTR(SGDT, 0, INFO_MASK_BASE, INFO_BASE(VCPU_RBX) | INFO_NO_INDEX)},
    {"SIDT",
     GDTR_IDTR(SIDT, 0, INFO_MASK_INDEX, INFO_BASE(VCPU_RBX) | INFO_INDEX(9) | INFO_SCALE_8)},
    {"LGDT",
     GDTR_IDTR(LGDT, PROBE_SCRATCH + NEW_GDT, INFO_MASK_PLACE, INFO_NO_BASE | INFO_NO_INDEX)},
    {"LIDT",
     GDTR_IDTR(LIDT, PROBE_SCRATCH + NEW_IDT, INFO_MASK_PLACE, INFO_NO_BASE | INFO_NO_INDEX)},
    {"SGDT of the new GDTR", GDTR_IDTR(SGDT, AT_SGDT_NEW, INFO_MASK_BASE, INFO_AT_RBX)},
    {"SIDT of the new IDTR", GDTR_IDTR(SIDT, AT_SIDT_NEW, INFO_MASK_BASE, INFO_AT_RBX)},
    {"STR", LDTR_TR(STR, VCPU_RCX), .done = EXIT_EMULATED, HOLDS(VCPU_RCX, GUEST_TSS_SELECTOR)},
    {"SLDT", LDTR_TR(SLDT, VCPU_RDX), .done = EXIT_EMULATED, HOLDS(VCPU_RDX, 0)},
    {"LLDT of nothing", LDTR_TR(LLDT, VCPU_RDX), .done = EXIT_EMULATED},
    {"LTR", LDTR_TR(LTR, VCPU_RSI), .done = EXIT_EMULATED},
    {"LTR of a busy TSS", LDTR_TR(LTR, VCPU_RSI), GETS_GP, .error = GUEST_TSS_SELECTOR},
    {"LLDT of a data segment", EXIT_REASON_LDTR_TR_ACCESS, AT_SELECTOR,
     INFO(INFO_MASK_BASE | INFO_REG2(3), INFO_AT_RBX | INFO_REG2(LLDT)), GETS_GP,
     .error = GUEST_DATA_SELECTOR},
    {.instruction = "SGDT without an exit"},
    {.instruction = "SIDT without an exit"},
    {.instruction = "STR without an exit", HOLDS(VCPU_RDI, GUEST_TSS_SELECTOR)},
};

/* In 64-bit mode: limit in 2 bytes, base in 8. */
static bool stored(const struct vcpu *vcpu, uint64_t offset, uint16_t limit, uint64_t base)
{
    const uint8_t *memory = vcpu_memory(vcpu, PROBE_SCRATCH + offset, 10);

    return memcmp(memory, &limit, 2) == 0 && memcmp(memory + 2, &base, 8) == 0;
}

/* Limits as a guest starts with them (vm/guests/guest.h: 32 entries, 256 gates), and as this one
 * sets. */
static const char *check_descriptor(const struct vcpu *vcpu)
{
    if (!stored(vcpu, AT_SGDT, 0xff, GUEST_GDT) || !stored(vcpu, AT_SIDT, 0xfff, GUEST_IDT))
        return "SGDT or SIDT did not store what the guest started with";
    if (!stored(vcpu, AT_SGDT_NEW, 0x7f, GUEST_GDT) || !stored(vcpu, AT_SIDT_NEW, 0xeff, GUEST_IDT))
        return "LGDT or LIDT did not load what the guest gave them";
    if (!stored(vcpu, AT_SGDT_QUIET, 0x7f, GUEST_GDT) ||
        !stored(vcpu, AT_SIDT_QUIET, 0xeff, GUEST_IDT))
        return "what SGDT or SIDT stored without an exit is not what was loaded";
    return NULL;
}

PROBED_GUEST(0780, descriptor, "descriptor-tables",
             "Reads and writes GDTR, IDTR, LDTR and TR, with exits and without.",
             CONTROLS(ON(SECONDARY, DESCRIPTOR_TABLE_EXITING)), PROBES_IN(descriptor_probes),
             .check_more = check_descriptor);

/* VMREAD and VMWRITE between registers. */
#define REGISTERS                                         \
    .qualification_quirk = QUIRK_STALE_DISPLACEMENT,      \
    INFO(INFO_REGISTER | INFO_MASK_REG1 | INFO_MASK_REG2, \
         INFO_REGISTER | INFO_REG1(VCPU_RDI) | INFO_REG2(VCPU_RSI))

static const struct probe vmx_probes[] = {
    {"VMXON", EXIT_REASON_VMXON, 0, INFO(INFO_MASK_BASE, INFO_AT_RBX), GETS_UD},
    {"VMCLEAR", EXIT_REASON_VMCLEAR, 0x10, INFO(INFO_MASK_BASE, INFO_AT_RBX), GETS_UD},
    {"VMPTRLD", EXIT_REASON_VMPTRLD, -8, GETS_UD,
     INFO(INFO_MASK_INDEX,
          INFO_ADDRESS_64 | INFO_DS | INFO_BASE(VCPU_RBX) | INFO_INDEX(9) | INFO_SCALE_8)},
    {"VMPTRST", EXIT_REASON_VMPTRST, PROBE_SCRATCH, GETS_UD,
     INFO(INFO_MASK_PLACE, INFO_ADDRESS_64 | INFO_DS | INFO_NO_INDEX | INFO_NO_BASE)},
    {"VMREAD to a register", EXIT_REASON_VMREAD, REGISTERS, GETS_UD},
    {"VMREAD to memory", EXIT_REASON_VMREAD, 0x28, GETS_UD,
     INFO(INFO_MASK_BASE | INFO_REGISTER | INFO_MASK_REG2, INFO_AT_RBX | INFO_REG2(VCPU_RSI))},
    {"VMWRITE", EXIT_REASON_VMWRITE, REGISTERS, GETS_UD},
    {"VMLAUNCH", EXIT_REASON_VMLAUNCH, GETS_UD},
    {"VMRESUME", EXIT_REASON_VMRESUME, GETS_UD},
    {"VMXOFF", EXIT_REASON_VMXOFF, GETS_UD},
};

PROBED_GUEST(0790, vmx, "vmx", "Tries the VMX instructions; CPUID hides VMX, so each is #UD.",
             PROBES_IN(vmx_probes));

#define TYPE_IN(reg) INFO(INFO_MASK_BASE | INFO_MASK_REG2, INFO_AT_RBX | INFO_REG2(reg))

GUEST_LACKS(lacks_invept, capability->invept, "INVEPT");

PROBED_GUEST(0800, invept, "invept", "Tries to invalidate translations of EPT: #UD.",
             .lacks = lacks_invept,
             PROBES({"INVEPT", EXIT_REASON_INVEPT, 0x30, TYPE_IN(VCPU_RCX), GETS_UD}));

GUEST_LACKS(lacks_invvpid, capability->invvpid, "INVVPID");

PROBED_GUEST(0810, invvpid, "invvpid", "Tries to invalidate translations of a VPID: #UD.",
             .lacks = lacks_invvpid,
             PROBES({"INVVPID", EXIT_REASON_INVVPID, 0x40, TYPE_IN(VCPU_RDX), GETS_UD}));

/* The exit qualification of INVLPG is the linear address. */
PROBED_GUEST(1010, invlpg, "invlpg", "Invalidates one page, with INVLPG exiting and without.",
             CONTROLS(ON(PRIMARY, INVLPG_EXITING)),
             PROBES({"INVLPG", EXIT_REASON_INVLPG, GUEST_ARRAY + 0x123, .done = EXIT_EMULATED},
                    {.instruction = "INVLPG without an exit"}));

/* INVPCID exits with INVLPG. */
PROBED_GUEST(1020, invpcid, "invpcid",
             "Invalidates by process-context identifiers; then has no INVPCID.",
             CONTROLS(ON(PRIMARY, INVLPG_EXITING), ON(SECONDARY, ENABLE_INVPCID)),

             PROBES({"INVPCID", EXIT_REASON_INVPCID, 0x50, TYPE_IN(VCPU_RDX),
                     .done = EXIT_EMULATED},
                    {.instruction = "INVPCID that is not enabled", FAULTS_UD}));
