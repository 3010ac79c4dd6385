#include "lib/string.h"
#include "vm/guests/probed.h"

/*
 * The qualification is the displacement. SDM Vol. 3, "Format of the VM-Exit Instruction-Information
 * Field as Used for LIDT, LGDT, SIDT, or SGDT" and "… for LLDT, LTR, SLDT, and STR": scaling in
 * 1:0, address size in 9:7, bit 10 a register operand (which stands in 6:3), segment in 17:15,
 * index in 21:18 (22: none), base in 26:23 (27: none), the instruction in 29:28.
 */
#define INSTRUCTION(number) ((uint32_t)(number) << 28)
#define AT_DS_64            (2u << 7 | 3u << 15)
#define NO_INDEX            (1u << 22)
#define NO_BASE             (1u << 27)
#define RBX_BASE            ((uint32_t)VCPU_RBX << 23)
#define R9_INDEX            (9u << 18 | 3u) /* times 8 */
#define IN_REGISTER(number) (1u << 10 | (uint32_t)(number) << 3)

#define MASK_COMMON   (3u << 28 | 7u << 7 | 7u << 15 | NO_INDEX | NO_BASE)
#define MASK_BASE     (MASK_COMMON | 15u << 23)
#define MASK_INDEX    (MASK_BASE | 15u << 18 | 3u)
#define MASK_REGISTER (3u << 28 | 1u << 10 | 15u << 3)

enum gdtr_idtr { SGDT, SIDT, LGDT, LIDT };
enum ldtr_tr { SLDT, STR, LLDT, LTR };

#define GDTR_IDTR(what, displacement, mask, where)                                         \
    EXIT_REASON_GDTR_IDTR_ACCESS, (displacement),                                          \
        .information_mask = (mask), .information = AT_DS_64 | (where) | INSTRUCTION(what), \
        .done = EXIT_EMULATED

/* No displacement: 0 by the manual; Bochs 2.7 leaves there what its decoder had put. */
#define LDTR_TR(what, number)                                                                 \
    EXIT_REASON_LDTR_TR_ACCESS, .qualification_any = true, .information_mask = MASK_REGISTER, \
                                .information = IN_REGISTER(number) | INSTRUCTION(what)
#define INJECTED .done = EXIT_INJECTED

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
    {"SGDT", GDTR_IDTR(SGDT, 0, MASK_BASE, RBX_BASE | NO_INDEX)},
    {"SIDT", GDTR_IDTR(SIDT, 0, MASK_INDEX, RBX_BASE | R9_INDEX)},
    {"LGDT", GDTR_IDTR(LGDT, PROBE_SCRATCH + NEW_GDT, MASK_COMMON, NO_BASE | NO_INDEX)},
    {"LIDT", GDTR_IDTR(LIDT, PROBE_SCRATCH + NEW_IDT, MASK_COMMON, NO_BASE | NO_INDEX)},
    {"SGDT of the new GDTR", GDTR_IDTR(SGDT, AT_SGDT_NEW, MASK_BASE, RBX_BASE | NO_INDEX)},
    {"SIDT of the new IDTR", GDTR_IDTR(SIDT, AT_SIDT_NEW, MASK_BASE, RBX_BASE | NO_INDEX)},
    {"STR", LDTR_TR(STR, VCPU_RCX), .done = EXIT_EMULATED, .reg = VCPU_RCX, .mask = PROBE_ALL,
     .value = GUEST_TSS_SELECTOR},
    {"SLDT", LDTR_TR(SLDT, VCPU_RDX), .done = EXIT_EMULATED, .reg = VCPU_RDX, .mask = PROBE_ALL,
     .value = 0},
    {"LLDT of nothing", LDTR_TR(LLDT, VCPU_RDX), .done = EXIT_EMULATED},
    {"LTR", LDTR_TR(LTR, VCPU_RSI), .done = EXIT_EMULATED},
    {"LTR of a busy TSS", LDTR_TR(LTR, VCPU_RSI), INJECTED, .fault = PROBE_FAULT_GP,
     .error = GUEST_TSS_SELECTOR},
    {"LLDT of a data segment", EXIT_REASON_LDTR_TR_ACCESS, AT_SELECTOR,
     .information_mask = MASK_BASE,
     .information = AT_DS_64 | RBX_BASE | NO_INDEX | INSTRUCTION(LLDT), INJECTED,
     .fault = PROBE_FAULT_GP, .error = GUEST_DATA_SELECTOR},
    {.instruction = "SGDT without an exit"},
    {.instruction = "SIDT without an exit"},
    {.instruction = "STR without an exit",
     .reg = VCPU_RDI,
     .mask = PROBE_ALL,
     .value = GUEST_TSS_SELECTOR},
};

/* In 64-bit mode: limit in 2 bytes, base in 8. */
static bool stored(const struct vcpu *vcpu, uint64_t offset, uint16_t limit, uint64_t base)
{
    const uint8_t *memory = vcpu_memory(vcpu, PROBE_SCRATCH + offset, 10);

    return memcmp(memory, &limit, 2) == 0 && memcmp(memory + 2, &base, 8) == 0;
}

/* Limits as a guest starts with them (vm/guest.h: 32 entries, 256 gates), and as this one sets. */
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
             "Reads and writes GDTR, IDTR, LDTR and TR, with exits and without.", check_descriptor,
             .on[VMX_CONTROL_SECONDARY] = SECONDARY_DESCRIPTOR_TABLE_EXITING);
