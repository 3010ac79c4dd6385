/*
 * Instructions that may have their operand in memory: the exit qualification is its displacement,
 * the instruction information says the rest (vm/guests/probe.h).
 */
#include "lib/string.h"
#include "vm/guests/probe.h"

/* The instructions of one exit reason, in bits 29:28. */
enum gdtr_idtr { SGDT, SIDT, LGDT, LIDT };
enum ldtr_tr { SLDT, STR, LLDT, LTR };

#define GDTR_IDTR(what, displacement, mask, where)          \
    EXIT_REASON_GDTR_IDTR_ACCESS, (displacement), EMULATED, \
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
    AT_SELECTOR = 0x60,
    AT_SGDT_QUIET = 0x70,
    AT_SIDT_QUIET = 0x80,
};

/* In 64-bit mode: limit in 2 bytes, base in 8. */
static bool stored(const struct vcpu *vcpu, uint64_t offset, uint16_t limit, uint64_t base)
{
    const uint8_t *memory = vm_memory(vcpu->vm, PROBE_SCRATCH + offset, 10);

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

/* VMREAD and VMWRITE between registers. */
#define REGISTERS                                         \
    .qualification_quirk = QUIRK_STALE_DISPLACEMENT,      \
    INFO(INFO_REGISTER | INFO_MASK_REG1 | INFO_MASK_REG2, \
         INFO_REGISTER | INFO_REG1(VCPU_RDI) | INFO_REG2(VCPU_RSI))

#define TYPE_IN(reg) INFO(INFO_MASK_BASE | INFO_MASK_REG2, INFO_AT_RBX | INFO_REG2(reg))

GUEST_LACKS(lacks_invept, capability->invept, "INVEPT");

GUEST_LACKS(lacks_invvpid, capability->invvpid, "INVVPID");

#include "vm/guests/instructions/operands.def"
