#include "vmx/capability/feature_control.h"

#include "lib/x86.h"

enum { BIT_LOCK = 0, BIT_VMX_OUTSIDE_SMX = 2 };

static struct finding about_bit(enum rule rule, uint32_t cpu, int8_t bit)
{
    return (struct finding){.rule = rule,
                            .cpu = cpu,
                            .msr = IA32_FEATURE_CONTROL,
                            .high = bit,
                            .low = bit,
                            .seen = 0,
                            .wanted = 1};
}

/*
 * "Allowed inside SMX operation only" is a locked-off register to us: SMX operation begins with
 * GETSEC[SENTER], a measured launch, and GRUB makes none. CR4.SMXE does not report whether one was
 * made, so it is not asked.
 */
bool feature_control_is_locked_off(uint64_t value)
{
    return (value & (FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX)) == FEATURE_CONTROL_LOCK;
}

/*
 * An absent register contradicts the manual (CPUID shows VMX, so it exists) and is seen under
 * hypervisors only, where VMXON need not depend on it. Linux gives VMX up then; we go on, because
 * VMXON's own #GP can be caught and will report.
 *
 * A register that allows VMXON but is not locked must be locked all the same: VMXON faults until
 * it is. The other bits stay as the firmware chose them.
 */
uint64_t feature_control_decide(bool present, uint64_t value, enum vmx_check mode, uint32_t cpu,
                                struct findings *findings)
{
    if (!present) {
        finding_add(findings, mode,
                    (struct finding){.rule = RULE_FEATURE_CONTROL_ABSENT,
                                     .cpu = cpu,
                                     .msr = IA32_FEATURE_CONTROL,
                                     .high = -1,
                                     .low = -1});
    } else if (!(value & FEATURE_CONTROL_LOCK)) {
        finding_add(findings, mode, about_bit(RULE_FEATURE_CONTROL_UNLOCKED, cpu, BIT_LOCK));
        return value | FEATURE_CONTROL_VMX | FEATURE_CONTROL_LOCK;
    } else if (feature_control_is_locked_off(value)) {
        enum rule rule = (value & FEATURE_CONTROL_VMX_SMX) ? RULE_FEATURE_CONTROL_SMX_ONLY
                                                           : RULE_FEATURE_CONTROL_LOCKED_OFF;

        finding_add(findings, mode, about_bit(rule, cpu, BIT_VMX_OUTSIDE_SMX));
    }
    return 0;
}

/*
 * What the register holds counts, not whether the write went through: where the two threads of a
 * core share it, the one that comes second faults on the lock that the first has just set.
 */
bool feature_control_written(uint8_t vector, uint64_t read_back, enum vmx_check mode, uint32_t cpu,
                             struct findings *findings)
{
    const uint64_t wanted = FEATURE_CONTROL_VMX | FEATURE_CONTROL_LOCK;
    struct finding finding = {.cpu = cpu, .msr = IA32_FEATURE_CONTROL, .high = -1, .low = -1};

    if ((read_back & wanted) == wanted)
        return true;
    if (vector) {
        finding.rule = RULE_FEATURE_CONTROL_WRITE_FAULT;
        finding.seen = vector;
    } else {
        finding.rule = RULE_FEATURE_CONTROL_NOT_KEPT;
        finding.seen = read_back;
        finding.wanted = read_back | wanted;
    }
    finding_add(findings, mode, finding);
    return false;
}
