#include "vmx/selftest/selftest.h"

#include "mm/page_alloc.h"
#include "vmx/exit_reason.h"

/*
 * An encoding to provoke failures with: the highest index (511) of the natural-width host fields:
 * no bit of it is reserved, and no processor has that many fields.
 */
enum { FIELD_UNKNOWN = 0x6ffe, MISALIGNED_BY = 0x800 };

#define MISC_VMWRITE_ANY_FIELD (1ull << 29)
#define NO_CURRENT_VMCS        UINT64_MAX

enum instruction {
    VMXON,
    VMXOFF,
    VMCLEAR,
    VMPTRLD,
    VMPTRST,
    VMREAD,
    VMWRITE,
    VMWRITE_GUEST, /* of all fields that make the guest of vmx/selftest/selftest.h */
    VMLAUNCH,
    VMRESUME,
};

enum operand {
    NOTHING,
    VMXON_REGION,
    THE_VMCS,
    MISALIGNED,
    BEYOND,
    OTHER_VMCS,
    WRONG_REVISION,
    KNOWN,
    UNKNOWN,
    READ_ONLY,
    CPUID_EXIT,
    NO_VMCS,
    OPERAND_COUNT,
};

/* What the steps work with. */
struct trial_ground {
    struct vmx_cpu *cpu;
    struct vmx_region other;          /* a second VMCS region */
    uint64_t operands[OPERAND_COUNT]; /* addresses, fields' encodings, and what is given */
};

/* On which processors a step is taken: IA32_VMX_MISC[29] turns one failure into a success. */
enum when { ALWAYS, READ_ONLY_FIELDS, WRITABLE_FIELDS };

struct step {
    const char *name;
    enum instruction instruction;
    enum operand operand;
    enum vmx_outcome outcome;
    uint8_t number;     /* VM-instruction error number, or vector */
    enum operand value; /* that the step gives, too; NOTHING: none */
    enum when when;
};

#define SUCCEED  VMX_SUCCEED, 0
#define INVALID  VMX_FAIL_INVALID, 0
#define ERROR(n) VMX_FAIL_VALID, (n)
#define UD       VMX_FAULT, X86_VECTOR_UD

/* In this order: each step stands on what the ones before it left. */
static const struct step steps[] = {
    /* In VMX operation, with a current VMCS that is clear. */
    {"VMXON in VMX operation", VMXON, VMXON_REGION, ERROR(15), NOTHING, ALWAYS},
    {"VMPTRLD of a misaligned address", VMPTRLD, MISALIGNED, ERROR(9), NOTHING, ALWAYS},
    {"VMPTRLD beyond the physical-address width", VMPTRLD, BEYOND, ERROR(9), NOTHING, ALWAYS},
    {"VMPTRLD of the VMXON region", VMPTRLD, VMXON_REGION, ERROR(10), NOTHING, ALWAYS},
    {"VMPTRLD with a wrong revision id", VMPTRLD, WRONG_REVISION, ERROR(11), NOTHING, ALWAYS},
    {"VMCLEAR of a misaligned address", VMCLEAR, MISALIGNED, ERROR(2), NOTHING, ALWAYS},
    {"VMCLEAR beyond the physical-address width", VMCLEAR, BEYOND, ERROR(2), NOTHING, ALWAYS},
    {"VMCLEAR of the VMXON region", VMCLEAR, VMXON_REGION, ERROR(3), NOTHING, ALWAYS},
    {"VMREAD of an unknown field", VMREAD, UNKNOWN, ERROR(12), NOTHING, ALWAYS},
    {"VMWRITE of an unknown field", VMWRITE, UNKNOWN, ERROR(12), NOTHING, ALWAYS},
    {"VMWRITE of a read-only field", VMWRITE, READ_ONLY, ERROR(13), NOTHING, READ_ONLY_FIELDS},
    {"VMWRITE of a read-only field (MISC[29] is 1)", VMWRITE, READ_ONLY, SUCCEED, NOTHING,
     WRITABLE_FIELDS},
    {"VMCLEAR of a VMCS that is not current", VMCLEAR, OTHER_VMCS, SUCCEED, NOTHING, ALWAYS},
    {"VMPTRST after all of these", VMPTRST, NOTHING, SUCCEED, THE_VMCS, ALWAYS},
    /* A guest that executes CPUID. */
    {"VMWRITE of a guest and its host", VMWRITE_GUEST, NOTHING, SUCCEED, NOTHING, ALWAYS},
    {"VMRESUME of a VMCS not launched", VMRESUME, NOTHING, ERROR(5), NOTHING, ALWAYS},
    {"VMLAUNCH, the guest executes CPUID", VMLAUNCH, NOTHING, SUCCEED, CPUID_EXIT, ALWAYS},
    {"VMLAUNCH of a VMCS not cleared", VMLAUNCH, NOTHING, ERROR(4), NOTHING, ALWAYS},
    {"VMRESUME, the guest executes CPUID", VMRESUME, NOTHING, SUCCEED, CPUID_EXIT, ALWAYS},
    /* Without a current VMCS there is no place for an error number. */
    {"VMCLEAR of the current VMCS", VMCLEAR, THE_VMCS, SUCCEED, NOTHING, ALWAYS},
    {"VMPTRST without a current VMCS", VMPTRST, NOTHING, SUCCEED, NO_VMCS, ALWAYS},
    {"VMREAD without a current VMCS", VMREAD, KNOWN, INVALID, NOTHING, ALWAYS},
    {"VMWRITE without a current VMCS", VMWRITE, KNOWN, INVALID, NOTHING, ALWAYS},
    {"VMLAUNCH without a current VMCS", VMLAUNCH, NOTHING, INVALID, NOTHING, ALWAYS},
    {"VMRESUME without a current VMCS", VMRESUME, NOTHING, INVALID, NOTHING, ALWAYS},
    {"VMPTRLD of a misaligned address, no VMCS", VMPTRLD, MISALIGNED, INVALID, NOTHING, ALWAYS},
    {"VMCLEAR of a misaligned address, no VMCS", VMCLEAR, MISALIGNED, INVALID, NOTHING, ALWAYS},
    {"VMXON in VMX operation, no VMCS", VMXON, VMXON_REGION, INVALID, NOTHING, ALWAYS},
    /* Outside VMX operation there is only VMXON. */
    {"VMXOFF", VMXOFF, NOTHING, SUCCEED, NOTHING, ALWAYS},
    {"VMREAD after VMXOFF", VMREAD, KNOWN, UD, NOTHING, ALWAYS},
    {"VMWRITE after VMXOFF", VMWRITE, KNOWN, UD, NOTHING, ALWAYS},
    {"VMCLEAR after VMXOFF", VMCLEAR, THE_VMCS, UD, NOTHING, ALWAYS},
    {"VMPTRLD after VMXOFF", VMPTRLD, THE_VMCS, UD, NOTHING, ALWAYS},
    {"VMLAUNCH after VMXOFF", VMLAUNCH, NOTHING, UD, NOTHING, ALWAYS},
    {"VMXOFF after VMXOFF", VMXOFF, NOTHING, UD, NOTHING, ALWAYS},
    {"VMXON of a misaligned address", VMXON, MISALIGNED, INVALID, NOTHING, ALWAYS},
    {"VMXON beyond the physical-address width", VMXON, BEYOND, INVALID, NOTHING, ALWAYS},
    {"VMXON with a wrong revision id", VMXON, WRONG_REVISION, INVALID, NOTHING, ALWAYS},
    /* And on again. */
    {"VMXON again", VMXON, VMXON_REGION, SUCCEED, NOTHING, ALWAYS},
    {"VMCLEAR after VMXON", VMCLEAR, THE_VMCS, SUCCEED, NOTHING, ALWAYS},
    {"VMPTRLD after VMXON", VMPTRLD, THE_VMCS, SUCCEED, NOTHING, ALWAYS},
    {"VMPTRST after VMXON", VMPTRST, NOTHING, SUCCEED, THE_VMCS, ALWAYS},
};

_Static_assert(sizeof steps / sizeof *steps <= SELFTEST_ROWS_MAX, "a row for each step");

static bool applies(enum when when, const struct trial_ground *trial_ground)
{
    bool writable = vmx_msr_value(&trial_ground->cpu->msrs, IA32_VMX_MISC) & MISC_VMWRITE_ANY_FIELD;

    return when == ALWAYS || writable == (when == WRITABLE_FIELDS);
}

/* The whole exit reason: bit 31 is 1 where the entry failed over the guest's state. */
static struct vmx_result enter_and_exit(bool resume, uint64_t *exit_reason)
{
    uint64_t registers[16] = {0};
    struct vmx_result result = vm_enter(resume, 0, registers);

    if (vmx_ok(result))
        (void)vmread(VMCS_EXIT_REASON, exit_reason);
    return result;
}

/* The other region gets the revision id that the operand's name says. */
static struct vmx_result execute(const struct step *step, const struct trial_ground *trial_ground,
                                 uint64_t *value)
{
    uint64_t operand = trial_ground->operands[step->operand];

    if (step->operand == OTHER_VMCS || step->operand == WRONG_REVISION)
        vmx_region_write(&trial_ground->other,
                         trial_ground->cpu->config.revision_id ^ (step->operand == WRONG_REVISION));
    switch (step->instruction) {
    case VMXON:
        return vmxon(operand);
    case VMXOFF:
        return vmxoff();
    case VMCLEAR:
        return vmclear(operand);
    case VMPTRLD:
        return vmptrld(operand);
    case VMPTRST:
        return vmptrst(value);
    case VMREAD:
        return vmread(operand, value);
    case VMWRITE:
        return vmwrite(operand, 0);
    case VMWRITE_GUEST:
        return selftest_guest_write(&trial_ground->cpu->msrs);
    case VMLAUNCH:
        return enter_and_exit(false, value);
    case VMRESUME:
        return enter_and_exit(true, value);
    }
    return (struct vmx_result){VMX_FAULT, X86_VECTOR_UD, 0};
}

static bool same_result(struct vmx_result a, struct vmx_result b)
{
    return a.outcome == b.outcome && a.number == b.number;
}

static struct selftest_row perform(const struct step *step, const struct trial_ground *trial_ground)
{
    struct selftest_row row = {
        .predicted = {step->outcome, step->number, 0},
        .has_value = step->value != NOTHING,
        .predicted_value = trial_ground->operands[step->value],
    };

    format_text(row.name, sizeof(row.name), "%s", step->name);
    row.seen = execute(step, trial_ground, &row.seen_value);
    row.agrees = same_result(row.seen, row.predicted) &&
                 (!row.has_value || row.seen_value == row.predicted_value);
    if (vmx_ok(row.seen) && step->instruction == VMXON)
        trial_ground->cpu->state = VMX_CPU_ROOT;
    if (vmx_ok(row.seen) && step->instruction == VMXOFF)
        trial_ground->cpu->state = VMX_CPU_OFF;
    return row;
}

void selftest_add(struct selftest *selftest, struct vmx_cpu *cpu, const struct selftest_row *row)
{
    bool by_value = same_result(row->seen, row->predicted);

    if (selftest->count < SELFTEST_ROWS_MAX)
        selftest->row[selftest->count++] = *row;
    if (row->agrees)
        return;
    selftest->differences++;
    finding_add(&cpu->findings,
                FINDING(RULE_SELFTEST_DIFFERENCE,
                        .seen = by_value ? row->seen_value : row->seen.number,
                        .wanted = by_value ? row->predicted_value : row->predicted.number,
                        .detail = selftest->row[selftest->count - 1].name));
}

void selftest_restore(struct vmx_cpu *cpu)
{
    uint64_t address = cpu->vmcs_region.address, current = NO_CURRENT_VMCS;

    if (cpu->state == VMX_CPU_OFF)
        return;
    cpu->state = VMX_CPU_ROOT;
    if (!vmx_ok(vmclear(address)))
        return;
    vmx_region_write(&cpu->vmcs_region, cpu->config.revision_id);
    if (vmx_ok(vmclear(address)) && vmx_ok(vmptrld(address)) && vmx_ok(vmptrst(&current)) &&
        current == address)
        cpu->state = VMX_CPU_LOADED;
}

void selftest_run(struct vmx_cpu *cpu, struct selftest *selftest)
{
    static struct trial_ground trial_ground; /* findings point into its region */

    trial_ground = (struct trial_ground){
        .cpu = cpu,
        .operands = {[VMXON_REGION] = cpu->vmxon_region.address,
                     [THE_VMCS] = cpu->vmcs_region.address,
                     [BEYOND] = 1ull << cpu->memory_types.physical_width,
                     [KNOWN] = VMCS_GUEST_CR3,
                     [UNKNOWN] = FIELD_UNKNOWN,
                     [READ_ONLY] = VMCS_EXIT_REASON,
                     [CPUID_EXIT] = EXIT_REASON_CPUID,
                     [NO_VMCS] = NO_CURRENT_VMCS},
    };
    if (!vmx_region_create(&trial_ground.other, cpu, "VMCS of the self-test", &cpu->findings))
        return;
    trial_ground.operands[OTHER_VMCS] = trial_ground.other.address;
    trial_ground.operands[WRONG_REVISION] = trial_ground.other.address;
    trial_ground.operands[MISALIGNED] = trial_ground.other.address + MISALIGNED_BY;
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct selftest_row row;

        if (!applies(steps[i].when, &trial_ground))
            continue;
        row = perform(&steps[i], &trial_ground);
        selftest_add(selftest, cpu, &row);
    }
    if (cpu->state != VMX_CPU_OFF)
        (void)vmclear(trial_ground.other.address);
    selftest_restore(cpu);
    vmx_region_free(&trial_ground.other);
}

/* Host-state fields that the guest has as well, and where. */
#define SHARED(field) VMCS_GUEST_##field, VMCS_HOST_##field
static const struct {
    enum vmcs_field guest, host;
} shared[] = {{SHARED(CR0)},         {SHARED(CR3)},         {SHARED(CR4)},
              {SHARED(ES_SELECTOR)}, {SHARED(CS_SELECTOR)}, {SHARED(SS_SELECTOR)},
              {SHARED(DS_SELECTOR)}, {SHARED(FS_SELECTOR)}, {SHARED(GS_SELECTOR)},
              {SHARED(TR_SELECTOR)}, {SHARED(FS_BASE)},     {SHARED(GS_BASE)},
              {SHARED(TR_BASE)},     {SHARED(GDTR_BASE)},   {SHARED(IDTR_BASE)}};

/*
 * The allowed 0-settings are the bits that must be 1: nothing is asked for that this guest does
 * not need, so the secondary controls, and EPT with them, stay off. CPUID exits always.
 */
struct vmx_result selftest_guest_write(const struct vmx_msrs *msrs)
{
    struct vmx_capability capability;
    struct vmcs_image image = {0};

    vmx_capability_derive(msrs, &capability);
    const uint32_t controls[VMX_CONTROL_WORD_COUNT] = {
        [VMX_CONTROL_PIN] = (uint32_t)capability.pin_allowed0,
        [VMX_CONTROL_PRIMARY] = (uint32_t)capability.primary_allowed0,
        [VMX_CONTROL_EXIT] = (uint32_t)capability.exit_allowed0 | EXIT_HOST_ADDRESS_SPACE_SIZE,
        [VMX_CONTROL_ENTRY] = (uint32_t)capability.entry_allowed0 | ENTRY_IA32E_MODE_GUEST,
    };

    vmcs_image_set_host(&image);
    vmcs_image_init(&image, &capability, controls);
    vmcs_image_segments(&image, (struct vmcs_segment){0, 0, UINT32_MAX, RIGHTS_CODE_64},
                        (struct vmcs_segment){0, 0, UINT32_MAX, RIGHTS_DATA_32},
                        (struct vmcs_segment){0, 0, TSS_LIMIT, RIGHTS_TSS_BUSY});
    vmcs_image_put(&image, VMCS_GUEST_RIP, (uint64_t)(uintptr_t)selftest_guest_code);
    for (unsigned i = 0; i < sizeof shared / sizeof *shared; i++)
        vmcs_image_put(&image, shared[i].guest, vmcs_image_get(&image, shared[i].host));
    return vmcs_image_write(&image);
}
