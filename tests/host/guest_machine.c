#include "tests/host/guest_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mm/page_alloc.h"
#include "mm/radix.h"
#include "mm/memory_use.h"
#include "mm/memory_type.h"
#include "vm/exit.h"
#include "vm/guests/guest_run.h"
#include "vm/host/alarm.h"
#include "vm/leave/leave.h"
#include "lib/host/apic.h"
#include "vmx/entry/vmentry_rule.h"
#include "vmx/quirks.h"

struct guest_machine guest_machine;

static const uint8_t code[] = {0x0f, 0xa2};
static const struct guest_code cpuid_code = {.start = code, .bytes = sizeof(code)};
static const struct override_list nothing_overridden;
static const struct vmx_options options = {
    .check = VMX_CHECK_KVM, .stop = VMX_STAGE_GUEST, .override = &nothing_overridden};

void alarm_set(uint64_t tsc_ticks)
{
    guest_machine.alarms++;
    guest_machine.alarm_ticks = tsc_ticks;
}

void apic_eoi(uint8_t vector)
{
    guest_machine.host_interrupts++;
    guest_machine.host_vector = vector;
}

void int_nmi(void)
{
    guest_machine.host_exceptions++;
    guest_machine.host_vector = X86_VECTOR_NMI;
}

void int_machine_check(void)
{
    guest_machine.host_exceptions++;
    guest_machine.host_vector = X86_VECTOR_MC;
}

const char *memory_owned(uint64_t physical)
{
    return guest_machine.memory_owned != NULL ? guest_machine.memory_owned(physical) : NULL;
}

bool memory_next_non_ram(uint64_t *next, uint64_t *base, uint64_t *end)
{
    return guest_machine.memory_next_non_ram != NULL &&
           guest_machine.memory_next_non_ram(next, base, end);
}

enum memory_type memory_non_ram_type(const struct memory_types_state *types, uint64_t physical,
                                     uint64_t bytes)
{
    (void)types;
    (void)bytes;
    return guest_machine.memory_non_ram_type(physical);
}

/* vm/enter.S: no guest runs on the model CPU. */
enum vm_entry vcpu_enter(struct vcpu *vcpu)
{
    (void)vcpu;
    return guest_machine.entry;
}

/* vm/leave/leave.S, and what it needs to know of the kernel's memory. */
const char leave_code[1], leave_code_end[1];

_Noreturn void leave_jump(uint64_t tables, uint64_t to, uint64_t state)
{
    (void)tables;
    (void)to;
    (void)state;
    abort();
}

_Noreturn void leave_halt(void)
{
    abort();
}

const struct page_tables *kernel_tables(void)
{
    return NULL;
}

static void must(bool done, const char *what)
{
    if (!done) {
        fprintf(stderr, "guest machine: %s\n", what);
        abort();
    }
}

void guest_machine_reset(enum guest_mode mode)
{
    model_cpu_reset();
    quirks_here = 0;
    guest_machine = (struct guest_machine){
        .guest = {.name = "test", .code = &cpuid_code, .mode = mode},
        .cpu = {.options = &options},
    };
    model_cpu.cr4 |= CR4_OSXSAVE; /* as vm/guests/guest_run.c has it while a guest runs */
}

static bool create(struct vcpu *vcpu)
{
    guest_begin(&guest_machine.own, time_budget_ticks(GUEST_TIME_MAX_US, 0));
    return vm_create(vcpu->vm, &guest_policy) && guest_memory_create(vcpu) && vcpu_create(vcpu);
}

struct vcpu *guest_machine_start(void)
{
    struct vcpu *vcpu = &guest_machine.own.vcpu;
    const struct vcpu_start start = guest_start(guest_machine.guest.mode);

    vmx_cpu_check(&guest_machine.cpu, NULL);
    vmx_cpu_enable(&guest_machine.cpu);
    must(guest_machine.cpu.state == VMX_CPU_LOADED, "the model CPU does not enter VMX operation");
    guest_machine.own.guest = &guest_machine.guest;
    guest_machine.own.options = &guest_machine.options;
    guest_machine.own.run = &guest_machine.run;
    vcpu_init(vcpu, &guest_machine.own.vm, &guest_machine.cpu);
    vcpu->exits_left = GUEST_EXITS_MAX;
    must(guest_controls_adjust(&guest_machine.guest, &guest_machine.cpu.config, &vcpu->capability,
                               vcpu->controls) == NULL,
         "the model CPU lacks what the guest wants");
    must(create(vcpu), "no memory");
    must(vmx_ok(vcpu_load(vcpu, &start)), "the VMCS cannot be written");
    return vcpu;
}

struct vcpu *guest_machine_in(enum guest_mode mode)
{
    guest_machine_reset(mode);
    return guest_machine_start();
}

/*
 * SDM Vol. 3, "Updating VM-Entry Control Fields": the valid bit is cleared; IA32_EFER.LMA becomes
 * "IA-32e mode guest" where IA32_VMX_MISC[5] says so.
 */
void guest_machine_exit(uint32_t reason, uint64_t qualification, uint32_t instruction_length)
{
    FIELD(VM_ENTRY_INTERRUPTION_INFORMATION) &= 0x7fffffff;
    FIELD(GUEST_RFLAGS) &= ~RFLAGS_RF; /* "Saving RIP, RSP, RFLAGS, and SSP" */
    FIELD(EXIT_REASON) = reason;
    FIELD(EXIT_QUALIFICATION) = qualification;
    FIELD(VM_EXIT_INSTRUCTION_LENGTH) = instruction_length;
    FIELD(VM_EXIT_INTERRUPTION_INFORMATION) = 0;
    FIELD(IDT_VECTORING_INFORMATION) = 0;
}

void guest_machine_check(struct vmentry_findings *findings)
{
    struct vmcs_image image;

    vmentry_check_current(&guest_machine.own.vcpu.capability, guest_machine.cpu.config.revision_id,
                          &image, findings);
}

/*
 * SDM Vol. 3, "Instruction-Breakpoint Exception Condition" and table "Protected-Mode Exceptions and
 * Interrupts": every fault saves RF = 1. Vectors 1 (here of DR7.GD), 3, 4 are traps, 8 and 18
 * aborts, 2 the NMI; hardware exceptions are type 3.
 */
static bool saves_rf(uint32_t event)
{
    return (event >> 8 & 7) == 3 && (0x4011eu >> (event & 0xff) & 1) == 0;
}

static bool has_rf(void)
{
    return (FIELD(GUEST_RFLAGS) & RFLAGS_RF) != 0;
}

/* "Saving RIP, RSP, RFLAGS, and SSP": a fault that exits saves RF as its delivery would have. */
static void save_rf(void)
{
    if (FIELD(EXIT_REASON) == EXIT_REASON_EXCEPTION_OR_NMI && !quirk(QUIRK_RESUME_FLAG_SAVED_0) &&
        saves_rf((uint32_t)FIELD(VM_EXIT_INTERRUPTION_INFORMATION)))
        FIELD(GUEST_RFLAGS) |= RFLAGS_RF;
}

enum exit_done guest_machine_serve_now(void)
{
    struct vmentry_findings findings;
    uint64_t rip = FIELD(GUEST_RIP);
    enum exit_done done;
    bool is_finished;

    save_rf();
    done = vm_exit(&guest_machine.own.vcpu);
    is_finished = FIELD(GUEST_RIP) != rip;
    if (done == EXIT_ENDED)
        return done;
    guest_machine_check(&findings);
    for (uint32_t i = 0; i < findings.count; i++)
        fprintf(stderr, "VM entry would break the rule %s: %#llx\n",
                vmentry_rule_text(findings.item[i].rule).name,
                (unsigned long long)findings.item[i].seen);
    must(findings.count == 0, "the guest cannot be entered again");
    must(done != EXIT_INJECTED || saves_rf(guest_machine_injected()) == has_rf(),
         "the fault would save another RF than the processor's own");
    must(done != EXIT_EMULATED || !is_finished || !has_rf(), "an instruction is done and RF stays");
    return done;
}

enum exit_done guest_machine_serve(uint32_t reason, uint64_t qualification,
                                   uint32_t instruction_length)
{
    guest_machine_exit(reason, qualification, instruction_length);
    return guest_machine_serve_now();
}

void guest_machine_demand(struct guest_vm *guest_vm)
{
    guest_vm->vm.demand_base = GUEST_TOUCH_BASE;
    guest_vm->vm.demand_bytes = GUEST_TOUCH_END - GUEST_TOUCH_BASE;
    guest_vm->recent = (struct ept_recent)EPT_NOTHING_RECENT;
}

void *guest_machine_memory(uint64_t address)
{
    must(address < GUEST_MEMORY_BYTES, "the test looks for memory that the guest does not have");
    return phys_to_virt(guest_machine.own.vm.memory + address);
}

uint32_t guest_machine_injected(void)
{
    return (uint32_t)FIELD(VM_ENTRY_INTERRUPTION_INFORMATION);
}

/* SDM Vol. 3, "VM-Entry Controls for Event Injection": valid, type 3, with or without error code.
 */
bool guest_machine_injects(uint8_t vector)
{
    return guest_machine_injected() == (0x80000300u | vector);
}

bool guest_machine_injects_error(uint8_t vector, uint32_t error_code)
{
    return guest_machine_injected() == (0x80000b00u | vector) &&
           FIELD(VM_ENTRY_EXCEPTION_ERROR_CODE) == error_code;
}
