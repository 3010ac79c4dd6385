/*
 * The VMX instructions of the model CPU: each function is the "Operation" section of its
 * instruction in SDM Vol. 3, "VMX Instruction Reference", at CPL 0 in 64-bit mode.
 */
#include "tests/host/model_cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mm/page_alloc.h"
#include "vmx/exit_reason.h"
#include "vmx/selftest/selftest.h"
#include "vmx/selftest/selftest.h"
#include "vmx/vmcs_field.h"

static const struct vmx_flags vm_succeed = {0};
static const struct vmx_flags vm_fail_invalid = {.carry = true};

static uint64_t capability(uint32_t msr)
{
    return model_cpu.msrs.value[msr - VMX_MSR_FIRST];
}

/* The data of a VMCS; made, all zero and clear, the first time that its region is used. */
static struct model_vmcs *vmcs_at(uint64_t address)
{
    struct model_vmcs *place = NULL;

    for (unsigned i = 0; i < MODEL_VMCSS; i++) {
        if (model_cpu.vmcs[i].address == address)
            return &model_cpu.vmcs[i];
        if (!place && !model_cpu.vmcs[i].address)
            place = &model_cpu.vmcs[i];
    }
    if (!place) {
        fprintf(stderr, "model CPU: more than %d VMCSs\n", MODEL_VMCSS);
        abort();
    }
    *place = (struct model_vmcs){.address = address};
    return place;
}

/*
 * How many indexes each kind of field has, by width (16, 64, 32, natural) and type (control,
 * read-only, guest, host): SDM, "Field Encoding in VMCS", for a processor of Haswell's time; and
 * the fields in between that this one has not: PML, posted interrupts, virtual-interrupt delivery,
 * and 482CH, which is no field.
 */
static const uint8_t field_count[4][4] = {
    {1, 0, 8, 7}, {21, 1, 9, 3}, {18, 8, 24, 1}, {8, 6, 20, 12}};
static const uint16_t field_absent[] = {0x200e, 0x2016, 0x201c, 0x201e, 0x2020, 0x2022, 0x482c};

static bool field_exists(uint64_t encoding)
{
    if (model_cpu.all_fields)
        return (encoding >> 1 & 0x1ff) < MODEL_FIELD_INDEXES;
    for (unsigned i = 0; i < sizeof field_absent / sizeof *field_absent; i++) {
        if ((encoding & ~1ull) == field_absent[i])
            return false;
    }
    return (encoding >> 1 & 0x1ff) < field_count[encoding >> 13 & 3][encoding >> 10 & 3];
}

/* The place of a field in a VMCS, NULL where the processor has no such field. */
static uint64_t *field_of(struct model_vmcs *vmcs, uint64_t encoding)
{
    unsigned width = encoding >> 13 & 3, type = encoding >> 10 & 3, index = encoding >> 1 & 0x1ff;

    if (encoding >> 15 || encoding >> 12 & 1 || (encoding & 1 && width != 1))
        return NULL;
    if (!field_exists(encoding))
        return NULL;
    return &vmcs->field[width][type][index];
}

static uint64_t current_field(enum vmcs_field field)
{
    return *field_of(vmcs_at(model_cpu.current_vmcs), field);
}

static void set_current_field(enum vmcs_field field, uint64_t value)
{
    *field_of(vmcs_at(model_cpu.current_vmcs), field) = value;
}

uint64_t *model_field(uint32_t encoding)
{
    uint64_t *place = field_of(vmcs_at(model_cpu.current_vmcs), encoding);

    if (place == NULL) {
        fprintf(stderr, "model CPU: there is no field %#x\n", encoding);
        abort();
    }
    return place;
}

/* SDM, "Conventions": VMfail(ErrorNumber). */
static struct vmx_flags vm_fail(uint32_t number)
{
    if (model_cpu.current_vmcs == MODEL_NO_VMCS)
        return vm_fail_invalid;
    set_current_field(VMCS_VM_INSTRUCTION_ERROR, number);
    return (struct vmx_flags){.zero = true};
}

static struct vmx_flags fault(uint8_t vector)
{
    return (struct vmx_flags){.vector = vector};
}

/* True: `flags` is the instruction's outcome, by what the test injected. */
static bool injected(enum model_operation operation, struct vmx_flags *flags)
{
    uint32_t number = model_cpu.injection.number;

    switch (model_execute(operation)) {
    case MODEL_AS_IT_SHOULD:
        return false;
    case MODEL_FAULT:
        *flags = fault((uint8_t)number);
        return true;
    case MODEL_FAIL_INVALID:
        *flags = vm_fail_invalid;
        return true;
    case MODEL_FAIL_VALID:
        (void)vm_fail(number);
        *flags = (struct vmx_flags){.zero = true};
        return true;
    case MODEL_OVERRIDES:
        *flags = vm_succeed;
        return true;
    }
    return false;
}

/* "Not 4KB-aligned or sets any bits beyond the physical-address width" (BASIC[48]: beyond 32). */
static bool bad_address(uint64_t address)
{
    unsigned width = capability(IA32_VMX_BASIC) >> 48 & 1 ? 32 : model_cpu.physical_address_width;

    return address % MODEL_PAGE || address >> width;
}

static bool revision_matches(uint64_t address)
{
    uint32_t revision;

    memcpy(&revision, phys_to_virt(address), sizeof revision);
    return revision == (capability(IA32_VMX_BASIC) & 0x7fffffff);
}

struct vmx_flags x86_vmxon(uint64_t region)
{
    uint64_t enabled =
        model_cpu.inside_smx ? FEATURE_CONTROL_VMX_SMX : (uint64_t)FEATURE_CONTROL_VMX;
    struct vmx_flags flags;

    if (injected(MODEL_VMXON, &flags))
        return flags;
    if (!model_cpu.vmx || !(model_cpu.cr4 & CR4_VMXE))
        return fault(X86_VECTOR_UD);
    if (model_cpu.vmx_operation)
        return vm_fail(15);
    if (model_cpu.a20_masked || !model_cr0_supported(model_cpu.cr0) ||
        !model_cr4_supported(model_cpu.cr4))
        return fault(X86_VECTOR_GP);
    if (model_cpu.feature_control_present && (!(model_cpu.feature_control & FEATURE_CONTROL_LOCK) ||
                                              !(model_cpu.feature_control & enabled)))
        return fault(X86_VECTOR_GP);
    if (bad_address(region) || !revision_matches(region))
        return vm_fail_invalid;
    model_cpu.vmxon_pointer = region;
    model_cpu.current_vmcs = MODEL_NO_VMCS;
    model_cpu.vmx_operation = true;
    return vm_succeed;
}

struct vmx_flags x86_vmxoff(void)
{
    struct vmx_flags flags;

    if (injected(MODEL_VMXOFF, &flags))
        return flags;
    if (!model_cpu.vmx_operation)
        return fault(X86_VECTOR_UD);
    model_cpu.vmx_operation = false;
    model_cpu.current_vmcs = MODEL_NO_VMCS;
    return vm_succeed;
}

struct vmx_flags x86_vmclear(uint64_t region)
{
    struct vmx_flags flags;

    if (injected(MODEL_VMCLEAR, &flags))
        return flags;
    if (!model_cpu.vmx_operation)
        return fault(X86_VECTOR_UD);
    if (bad_address(region))
        return vm_fail(2);
    if (region == model_cpu.vmxon_pointer)
        return vm_fail(3);
    vmcs_at(region)->launched = false;
    if (region == model_cpu.current_vmcs)
        model_cpu.current_vmcs = MODEL_NO_VMCS;
    return vm_succeed;
}

struct vmx_flags x86_vmptrld(uint64_t region)
{
    struct vmx_flags flags;

    if (injected(MODEL_VMPTRLD, &flags))
        return flags;
    if (!model_cpu.vmx_operation)
        return fault(X86_VECTOR_UD);
    if (bad_address(region))
        return vm_fail(9);
    if (region == model_cpu.vmxon_pointer)
        return vm_fail(10);
    if (!revision_matches(region))
        return vm_fail(11);
    model_cpu.current_vmcs = vmcs_at(region)->address;
    return vm_succeed;
}

struct vmx_flags x86_vmptrst(uint64_t *region)
{
    struct vmx_flags flags;

    if (injected(MODEL_VMPTRST, &flags))
        return flags;
    if (!model_cpu.vmx_operation)
        return fault(X86_VECTOR_UD);
    *region = model_cpu.current_vmcs;
    return vm_succeed;
}

struct vmx_flags x86_vmread(uint64_t field, uint64_t *value)
{
    const uint64_t *place;
    struct vmx_flags flags;

    if (injected(MODEL_VMREAD, &flags))
        return flags;
    if (!model_cpu.vmx_operation)
        return fault(X86_VECTOR_UD);
    if (model_cpu.current_vmcs == MODEL_NO_VMCS)
        return vm_fail_invalid;
    place = field_of(vmcs_at(model_cpu.current_vmcs), field);
    if (!place)
        return vm_fail(12);
    *value = *place;
    return vm_succeed;
}

/* "VMWRITE": of a source that is longer than the field the high bits are not used. */
static uint64_t cut_to_width(uint64_t encoding, uint64_t value)
{
    switch ((enum vmcs_width)(encoding >> 13 & 3)) {
    case VMCS_WIDTH_16:
        return (uint16_t)value;
    case VMCS_WIDTH_32:
        return (uint32_t)value;
    default:
        return value;
    }
}

struct vmx_flags x86_vmwrite(uint64_t field, uint64_t value)
{
    uint64_t *place;
    struct vmx_flags flags;

    if (injected(MODEL_VMWRITE, &flags))
        return flags;
    if (!model_cpu.vmx_operation)
        return fault(X86_VECTOR_UD);
    if (model_cpu.current_vmcs == MODEL_NO_VMCS)
        return vm_fail_invalid;
    place = field_of(vmcs_at(model_cpu.current_vmcs), field);
    if (!place)
        return vm_fail(12);
    if ((field >> 10 & 3) == 1 && !(capability(IA32_VMX_MISC) >> 29 & 1))
        return vm_fail(13);
    *place = cut_to_width(field, value);
    return vm_succeed;
}

/* A program that uses these where the instruction fails is wrong. */
static void must_succeed(struct vmx_flags flags, const char *instruction, uint64_t field)
{
    if (flags.vector || flags.carry || flags.zero) {
        fprintf(stderr, "model CPU: bare %s of field %#lx failed\n", instruction, field);
        abort();
    }
}

uint64_t x86_vmread_bare(uint64_t field)
{
    uint64_t value = 0;

    must_succeed(x86_vmread(field, &value), "VMREAD", field);
    return value;
}

void x86_vmwrite_bare(uint64_t field, uint64_t value)
{
    must_succeed(x86_vmwrite(field, value), "VMWRITE", field);
}

/* SDM, "INVEPT": bit 20 says that there is such an instruction, bits 26:25 with which types. */
struct vmx_flags x86_invept(uint64_t type, uint64_t eptp)
{
    uint64_t supported = capability(IA32_VMX_EPT_VPID_CAP);
    struct vmx_flags flags;

    if (injected(MODEL_INVEPT, &flags))
        return flags;
    if (!model_cpu.vmx_operation || !(supported >> 20 & 1))
        return fault(X86_VECTOR_UD);
    if (type < 1 || type > 2 || !(supported >> (24 + type) & 1))
        return vm_fail(28);
    /* an EPTP that VM entry would refuse: here as to alignment, walk length and width */
    if (type == 1 &&
        ((eptp >> 3 & 7) != 3 || eptp >> 7 & 0x1f || eptp >> model_cpu.physical_address_width))
        return vm_fail(28);
    model_cpu.invalidated.type = type;
    model_cpu.invalidated.context = eptp;
    return vm_succeed;
}

/* SDM, "INVVPID": likewise bit 32 and bits 43:40. */
struct vmx_flags x86_invvpid(uint64_t type, uint64_t vpid, uint64_t linear)
{
    uint64_t supported = capability(IA32_VMX_EPT_VPID_CAP);
    struct vmx_flags flags;

    if (injected(MODEL_INVVPID, &flags))
        return flags;
    if (!model_cpu.vmx_operation || !(supported >> 32 & 1))
        return fault(X86_VECTOR_UD);
    if (type > 3 || !(supported >> (40 + type) & 1))
        return vm_fail(28);
    if (vpid >> 16 != 0 || (type != 2 && vpid == 0))
        return vm_fail(28);
    if (type == 0 && (int64_t)(linear << 16) >> 16 != (int64_t)linear)
        return vm_fail(28);
    model_cpu.invalidated.type = type;
    model_cpu.invalidated.context = vpid;
    model_cpu.invalidated.linear = linear;
    return vm_succeed;
}

/* SDM, "VM-Execution Control Fields" and its neighbours: allowed 0-settings and 1-settings. */
static bool allowed(enum vmcs_field field, uint32_t msr, uint32_t true_msr)
{
    uint64_t limits = capability(capability(IA32_VMX_BASIC) >> 55 & 1 ? true_msr : msr);
    uint64_t value = current_field(field);

    return (value & (uint32_t)limits) == (uint32_t)limits && !(value & ~(limits >> 32));
}

static bool controls_valid(void)
{
    return allowed(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, IA32_VMX_PINBASED_CTLS,
                   IA32_VMX_TRUE_PINBASED_CTLS) &&
           allowed(VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, IA32_VMX_PROCBASED_CTLS,
                   IA32_VMX_TRUE_PROCBASED_CTLS) &&
           allowed(VMCS_PRIMARY_VM_EXIT_CONTROLS, IA32_VMX_EXIT_CTLS, IA32_VMX_TRUE_EXIT_CTLS) &&
           allowed(VMCS_VM_ENTRY_CONTROLS, IA32_VMX_ENTRY_CTLS, IA32_VMX_TRUE_ENTRY_CTLS);
}

/* SDM, "Checks on VMX Controls and Host-State Area": what a processor in long mode demands. */
static bool host_state_valid(void)
{
    bool host64 = current_field(VMCS_PRIMARY_VM_EXIT_CONTROLS) >> 9 & 1;

    return model_cr0_supported(current_field(VMCS_HOST_CR0)) &&
           model_cr4_supported(current_field(VMCS_HOST_CR4)) &&
           !(current_field(VMCS_HOST_CR3) >> model_cpu.physical_address_width) &&
           current_field(VMCS_HOST_CS_SELECTOR) && !(current_field(VMCS_HOST_CS_SELECTOR) & 7) &&
           current_field(VMCS_HOST_TR_SELECTOR) && !(current_field(VMCS_HOST_TR_SELECTOR) & 7) &&
           host64;
}

/* SDM, "Checking and Loading Guest State": control registers, RFLAGS, code segment, TR, link. */
static bool guest_state_valid(void)
{
    bool guest64 = current_field(VMCS_VM_ENTRY_CONTROLS) >> 9 & 1;

    return guest64 && model_cr0_supported(current_field(VMCS_GUEST_CR0)) &&
           model_cr4_supported(current_field(VMCS_GUEST_CR4)) &&
           (current_field(VMCS_GUEST_RFLAGS) & 2) &&
           (current_field(VMCS_GUEST_CS_ACCESS_RIGHTS) & 0xf09f) == 0xa09b &&
           (current_field(VMCS_GUEST_TR_ACCESS_RIGHTS) & 0x1009f) == 0x8b &&
           current_field(VMCS_GUEST_LDTR_ACCESS_RIGHTS) >> 16 == 1 &&
           current_field(VMCS_LINK_POINTER) == UINT64_MAX;
}

const uint8_t selftest_guest_code[] = {0x0f, 0xa2};

/* A test whose guests are others has its own. */
/* NOLINTBEGIN(readability-non-const-parameter): as lib/x86_vmx.h declares it */
__attribute__((weak)) struct vmx_flags x86_vm_enter(bool resume, uint64_t host_rip,
                                                    uint64_t registers[16])
/* NOLINTEND(readability-non-const-parameter) */
{
    struct model_vmcs *vmcs;
    struct vmx_flags flags;

    (void)host_rip;
    (void)registers;
    if (injected(MODEL_VM_ENTRY, &flags))
        return flags;
    if (!model_cpu.vmx_operation)
        return fault(X86_VECTOR_UD);
    if (model_cpu.current_vmcs == MODEL_NO_VMCS)
        return vm_fail_invalid;
    vmcs = vmcs_at(model_cpu.current_vmcs);
    if (!resume && vmcs->launched)
        return vm_fail(4);
    if (resume && !vmcs->launched)
        return vm_fail(5);
    if (!controls_valid())
        return vm_fail(7);
    if (!host_state_valid())
        return vm_fail(8);
    if (!guest_state_valid()) {
        set_current_field(VMCS_EXIT_REASON, 0x80000021);
        return vm_succeed;
    }
    vmcs->launched = true;
    set_current_field(VMCS_EXIT_REASON, EXIT_REASON_CPUID);
    set_current_field(VMCS_VM_EXIT_INSTRUCTION_LENGTH, 2);
    return vm_succeed;
}
