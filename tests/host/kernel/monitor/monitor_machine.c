#include "tests/host/kernel/monitor/monitor_machine.h"

#include <string.h>

#include "mm/memory_use.h"
#include "tests/host/model_cpu.h"
#include "vmx/entry/vmentry_check.h"
#include "vmx/exit_reason.h"
#include "vmx/vmcs_field.h"

enum { INSTRUCTIONS_MOST = 1000, BYTES = 3 };

/* As `tools/run --on bochs --report` has them. */
static const struct {
    uint32_t msr;
    uint64_t value;
} bochs[] = {
    {IA32_VMX_BASIC, 0xd810000000002b},
    {IA32_VMX_PINBASED_CTLS, 0x7f00000016},
    {IA32_VMX_PROCBASED_CTLS, 0xf7f9fffe0401e172},
    {IA32_VMX_EXIT_CTLS, 0x7fffff00036dff},
    {IA32_VMX_ENTRY_CTLS, 0xffff000011ff},
    {IA32_VMX_MISC, 0x200401e0},
    {IA32_VMX_CR0_FIXED0, 0x80000021},
    {IA32_VMX_CR0_FIXED1, 0xffffffff},
    {IA32_VMX_CR4_FIXED0, 0x2000},
    {IA32_VMX_CR4_FIXED1, 0x1727ff},
    {IA32_VMX_VMCS_ENUM, 0x34},
    {IA32_VMX_PROCBASED_CTLS2, 0x47fff00000000},
    {IA32_VMX_EPT_VPID_CAP, 0xf0106334141},
    {IA32_VMX_TRUE_PINBASED_CTLS, 0x7f00000016},
    {IA32_VMX_TRUE_PROCBASED_CTLS, 0xf7f9fffe04006172},
    {IA32_VMX_TRUE_EXIT_CTLS, 0x7fffff00036dfb},
    {IA32_VMX_TRUE_ENTRY_CTLS, 0xffff000011fb},
    {IA32_VMX_VMFUNC, 0x1},
};

void monitor_machine_reset(struct sink *sink)
{
    model_cpu_reset();
    for (size_t i = 0; i < sizeof(bochs) / sizeof(bochs[0]); i++)
        model_cpu.msrs.value[bochs[i].msr - VMX_MSR_FIRST] = bochs[i].value;
    model_cpu.physical_address_width = 40;
    model_cpu.all_fields = true;
    model_cpu.cr4_supported = 0x1727ff;
    model_cpu.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
    monitor.failed = false;
    monitor_init(sink);
}

void monitor_machine_obey(const char *line)
{
    monitor_obey(line);
    if (!monitor.resets)
        return;
    monitor_reset_cpu();
    monitor_forget();
}

const char *memory_owned(uint64_t physical)
{
    bool is_memory = physical >= MODEL_MEMORY_BASE &&
                     physical - MODEL_MEMORY_BASE < (uint64_t)MODEL_PAGES * MODEL_PAGE;

    return is_memory ? "its page pool" : NULL;
}

uint8_t in8(uint16_t port)
{
    (void)port;
    return 0xff; /* nothing is there */
}

void out8(uint16_t port, uint8_t value)
{
    (void)port;
    (void)value;
}

static uint64_t get(enum vmcs_field field)
{
    return *model_field(field);
}

static void set(enum vmcs_field field, uint64_t value)
{
    *model_field(field) = value;
}

static struct vmx_result fail(uint32_t number)
{
    set(VMCS_VM_INSTRUCTION_ERROR, number);
    return (struct vmx_result){VMX_FAIL_VALID, number, 0};
}

static struct vmx_result leave(uint32_t reason, uint64_t qualification, uint32_t length)
{
    set(VMCS_EXIT_REASON, reason);
    set(VMCS_EXIT_QUALIFICATION, qualification);
    set(VMCS_VM_EXIT_INSTRUCTION_LENGTH, length);
    return (struct vmx_result){VMX_SUCCEED, 0, 0};
}

static struct vmx_result leave_by_exception(uint32_t information, uint64_t qualification)
{
    set(VMCS_VM_EXIT_INTERRUPTION_INFORMATION, information);
    return leave(EXIT_REASON_EXCEPTION_OR_NMI, qualification, 0);
}

/*
 * SDM Vol. 3, "EPT Translation Mechanism", "EPT Misconfigurations", and "Exit Qualification for EPT
 * Violations": the access in bits 2:0, what all levels allow in 5:3, 7 and 8: a linear address, and
 * its translation. Gives the exit reason, or 0 and the physical address.
 */
static uint32_t translate(uint64_t guest, uint32_t access, uint64_t *physical,
                          uint64_t *qualification)
{
    uint64_t entry = get(VMCS_EPT_POINTER), allowed = 7;

    for (unsigned shift = 39; shift >= 12; shift -= 9) {
        uint64_t table = entry & 0x000ffffffffff000;

        if (!memory_read(table + 8 * (guest >> shift & 511), &entry, sizeof(entry)))
            return EXIT_REASON_EPT_MISCONFIGURATION;
        allowed &= entry;
        if ((entry & 7) == 2 || (entry & 7) == 6)
            return EXIT_REASON_EPT_MISCONFIGURATION;
        if ((entry & 7) == 0)
            break;
        if (shift == 12 &&
            (((entry >> 3 & 7) == 2) || (entry >> 3 & 7) == 3 || (entry >> 3 & 7) == 7))
            return EXIT_REASON_EPT_MISCONFIGURATION;
    }
    *qualification = 1ull << access | allowed << 3 | 1 << 7 | 1 << 8;
    *physical = (entry & 0x000ffffffffff000) | (guest & 4095);
    return (allowed >> access & 1) != 0 ? 0 : EXIT_REASON_EPT_VIOLATION;
}

enum { READ, WRITE, FETCH };

/* An access of a byte; true: it exits. */
static bool exits(uint64_t guest, uint32_t access, uint8_t *byte, struct vmx_result *result)
{
    uint64_t physical, qualification = 0;
    uint32_t reason = translate(guest, access, &physical, &qualification);

    if (reason != 0) {
        set(VMCS_GUEST_PHYSICAL_ADDRESS, guest);
        *result = leave(reason, qualification, 0);
        return true;
    }
    if (access == WRITE)
        *(uint8_t *)phys_to_virt(physical) = *byte;
    else
        (void)memory_read(physical, byte, 1);
    return false;
}

/* How many bytes an instruction has that begins so. */
static unsigned bytes_of(const uint8_t *code)
{
    switch (code[0]) {
    case 0xb8:
    case 0xa0:
    case 0xa2:
        return 3;
    case 0x0f:
        return code[1] == 0xa2 ? 2 : 3;
    case 0xeb:
        return 2;
    default:
        return 1;
    }
}

/*
 * SDM Vol. 2, in real mode: NOP; MOV AX, imm16; MOV AL, moffs16; MOV moffs16, AL; CPUID, HLT and
 * VMCALL, which exit; JMP to itself, until the time is up. Anything else: #UD.
 */
static bool execute(uint64_t rip, struct vmx_result *result, unsigned *length)
{
    uint8_t code[BYTES] = {0}, accumulator = (uint8_t)monitor.registers[0];

    for (unsigned i = 0; i < BYTES && i < bytes_of(code); i++) {
        if (exits(rip + i, FETCH, &code[i], result))
            return true;
    }
    *length = 3;
    if (code[0] == 0x90)
        *length = 1;
    else if (code[0] == 0xb8)
        monitor.registers[0] =
            (monitor.registers[0] & ~0xffffull) | code[1] | (uint64_t)code[2] << 8;
    else if (code[0] == 0xf4)
        *result = leave(EXIT_REASON_HLT, 0, 1);
    else if (code[0] == 0x0f && code[1] == 0xa2)
        *result = leave(EXIT_REASON_CPUID, 0, 2);
    else if (code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xc1)
        *result = leave(EXIT_REASON_VMCALL, 0, 3);
    else if (code[0] == 0xeb && code[1] == 0xfe)
        *result = leave(EXIT_REASON_PREEMPTION_TIMER, 0, 0);
    else if (code[0] == 0xa0 || code[0] == 0xa2) {
        if (exits(code[1] | (uint64_t)code[2] << 8, code[0] == 0xa0 ? READ : WRITE, &accumulator,
                  result))
            return true;
        monitor.registers[0] = (monitor.registers[0] & ~0xffull) | accumulator;
    } else
        *result = leave_by_exception(0x80000306, 0);
    return code[0] != 0x90 && code[0] != 0xb8 && code[0] != 0xa0 && code[0] != 0xa2;
}

/* Until it exits. SDM Vol. 3, "Debug Exceptions", "Single-Step Exception Condition": after each. */
static struct vmx_result run(void)
{
    struct vmx_result result = {VMX_SUCCEED, 0, 0};

    set(VMCS_VM_EXIT_INTERRUPTION_INFORMATION, 0);
    for (unsigned i = 0; i < INSTRUCTIONS_MOST; i++) {
        unsigned length = 0;

        if (execute(get(VMCS_GUEST_RIP), &result, &length))
            return result;
        set(VMCS_GUEST_RIP, get(VMCS_GUEST_RIP) + length);
        if (get(VMCS_GUEST_RFLAGS) & RFLAGS_TF)
            return leave_by_exception(0x80000301, 1 << 14);
    }
    return leave(EXIT_REASON_PREEMPTION_TIMER, 0, 0);
}

struct vmx_result monitor_enter(bool resume)
{
    static struct vmcs_image image;
    static struct vmentry_findings findings;
    struct model_vmcs *vmcs = model_cpu.vmcs;
    struct vmentry_outcome outcome;

    if (!model_cpu.vmx_operation)
        return (struct vmx_result){VMX_FAULT, X86_VECTOR_UD, 0};
    if (model_cpu.current_vmcs == MODEL_NO_VMCS)
        return (struct vmx_result){VMX_FAIL_INVALID, 0, 0};
    while (vmcs->address != model_cpu.current_vmcs)
        vmcs++;
    if (vmcs->launched != resume)
        return fail(resume ? 5 : 4);
    vmentry_check_current(&monitor.capability, monitor.cpu.config.revision_id, &image, &findings);
    outcome = vmentry_predict(&findings);
    if (outcome.class <= VMENTRY_HOST)
        return fail(outcome.class == VMENTRY_CONTROLS ? 7 : 8);
    if (outcome.class != VMENTRY_ENTERS)
        return leave(EXIT_REASON_ENTRY_FAILURE | (outcome.class == VMENTRY_GUEST ? 33 : 34),
                     outcome.qualification, 0);
    vmcs->launched = true;
    return run();
}
