/*
 * A guest that can do anything, against the handlers of VM exits, on the model CPU: libFuzzer says
 * what mode it starts in, how its state has changed, why it exits and with what information.
 *
 * Whatever it is: the host's state and the controls stay as they were, nothing but the guest's
 * memory is touched, and the guest has ended, or the VMCS keeps every rule of VM entry.
 *
 * A state is only tried if it keeps those rules itself: no guest exits from another one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mm/page_alloc.h"
#include "tests/host/guest_machine.h"
#include "vm/registers/registers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 6, CHANGES_MAX = 4 };

/* What libFuzzer thought of; zeroes when that is used up. */
static const uint8_t *input;
static size_t left;

static uint64_t take(unsigned bytes)
{
    uint64_t value = 0;

    if (bytes > left)
        bytes = (unsigned)left;
    memcpy(&value, input, bytes);
    input += bytes;
    left -= bytes;
    return value;
}

/* Values around which things change, or any. */
static uint64_t take_value(void)
{
    static const uint64_t interesting[] = {
        0,          GUEST_DATA,  GUEST_MEMORY_BYTES, GUEST_PAGE_TABLES, 0xffff,  0x10000,
        0xffffffff, 1ull << 32,  1ull << 39,         0x7fffffffffff,    1 << 12, 1ull << 63,
        UINT64_MAX, VM_CALL_END, VM_CALL_TIMER,      GUEST_GDT,
    };
    uint8_t how = (uint8_t)take(1);

    if (how < 128)
        return interesting[how % 16] + (uint64_t)(how / 16) - 4;
    return take(how < 160 ? 1 : how < 192 ? 2 : how < 224 ? 4 : 8);
}

/* Each mode's guest is made once, and copied from then on. */
static struct {
    struct model_cpu cpu;
    struct guest_machine machine;
    uint8_t memory[GUEST_MEMORY_BYTES];
} guests[GUEST_MODE_COUNT];

static struct vcpu *const vcpu = &guest_machine.own.vcpu;

/* What the hypervisor has in memory for a guest, which is not the guest's: bitmaps, EPT, VMCS. */
enum { OTHER_PAGES_MAX = 64 };
static uint8_t others[OTHER_PAGES_MAX * MODEL_PAGE];

static size_t copy_others(uint8_t *to)
{
    const uint64_t *owned = phys_to_virt(vcpu->vm->pages.owned);
    const uint64_t pages[] = {vcpu->vm->pages.owned, vcpu->vm->io_bitmap,
                              vcpu->vm->io_bitmap + MODEL_PAGE, vcpu->vmcs.address};
    size_t count = sizeof(pages) / sizeof(pages[0]);

    for (size_t i = 0; i < count; i++)
        memcpy(to + i * MODEL_PAGE, phys_to_virt(pages[i]), MODEL_PAGE);
    for (uint32_t i = 0; i < vcpu->vm->pages.owned_count && count < OTHER_PAGES_MAX; i++)
        memcpy(to + count++ * MODEL_PAGE, phys_to_virt(owned[i]), MODEL_PAGE);
    return count * MODEL_PAGE;
}

static void check_others(void)
{
    static uint8_t now[sizeof(others)];

    if (memcmp(now, others, copy_others(now)) != 0)
        abort();
}

/* Pages are given in the same order every time, so that all guests share those of the others. */
static void make_guests(void)
{
    for (int mode = 0; mode < GUEST_MODE_COUNT; mode++) {
        guest_machine_in((enum guest_mode)mode);
        guests[mode].cpu = model_cpu;
        guests[mode].machine = guest_machine;
        memcpy(guests[mode].memory, phys_to_virt(vcpu->vm->memory), GUEST_MEMORY_BYTES);
        if (mode == 0)
            copy_others(others);
        check_others();
    }
}

static void start(enum guest_mode mode)
{
    static bool made;

    if (!made)
        make_guests();
    made = true;
    model_cpu = guests[mode].cpu;
    guest_machine = guests[mode].machine;
    memcpy(phys_to_virt(vcpu->vm->memory), guests[mode].memory, GUEST_MEMORY_BYTES);
}

/* What the guest itself can change, and the processor saves at an exit. */
static const uint32_t changeable[] = {
    VMCS_GUEST_RIP,           VMCS_GUEST_RSP,
    VMCS_GUEST_RFLAGS,        VMCS_GUEST_INTERRUPTIBILITY_STATE,
    VMCS_GUEST_CR0,           VMCS_GUEST_CR3,
    VMCS_GUEST_CR4,           VMCS_GUEST_DR7,
    VMCS_GUEST_CS_BASE,       VMCS_GUEST_CS_LIMIT,
    VMCS_GUEST_CS_SELECTOR,   VMCS_GUEST_CS_ACCESS_RIGHTS,
    VMCS_GUEST_SS_BASE,       VMCS_GUEST_SS_LIMIT,
    VMCS_GUEST_SS_SELECTOR,   VMCS_GUEST_SS_ACCESS_RIGHTS,
    VMCS_GUEST_DS_BASE,       VMCS_GUEST_DS_LIMIT,
    VMCS_GUEST_ES_LIMIT,      VMCS_GUEST_DS_ACCESS_RIGHTS,
    VMCS_GUEST_ES_BASE,       VMCS_GUEST_ES_ACCESS_RIGHTS,
    VMCS_GUEST_FS_BASE,       VMCS_GUEST_GS_BASE,
    VMCS_GUEST_TR_BASE,       VMCS_GUEST_TR_ACCESS_RIGHTS,
    VMCS_GUEST_GDTR_BASE,     VMCS_GUEST_GDTR_LIMIT,
    VMCS_GUEST_IDTR_BASE,     VMCS_GUEST_IDTR_LIMIT,
    VMCS_GUEST_IA32_EFER,     VMCS_VM_ENTRY_CONTROLS,
    VMCS_GUEST_LDTR_SELECTOR, VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS,
};

enum { CHANGEABLE = sizeof(changeable) / sizeof(changeable[0]) };

/* The bits of a field that the guest has in its hands. */
static uint64_t own_bits(uint32_t field)
{
    switch (field) {
    case VMCS_GUEST_CR0:
        return ~FIELD(CR0_GUEST_HOST_MASK);
    case VMCS_GUEST_CR4:
        return ~FIELD(CR4_GUEST_HOST_MASK);
    case VMCS_VM_ENTRY_CONTROLS:
        return ENTRY_IA32E_MODE_GUEST;
    default:
        return vmcs_encoding_width(field) == VMCS_WIDTH_16   ? UINT16_MAX
               : vmcs_encoding_width(field) == VMCS_WIDTH_32 ? UINT32_MAX
                                                             : UINT64_MAX;
    }
}

static bool sound(bool tell)
{
    struct vmentry_findings findings;

    guest_machine_check(&findings);
    for (uint32_t i = 0; tell && i < findings.count; i++)
        fprintf(stderr, "broken: %s: %#llx\n", vmentry_rule_text(findings.item[i].rule).name,
                (unsigned long long)findings.item[i].seen);
    return findings.count == 0;
}

/* What handlers read: PDPTEs, descriptors, operands. */
static void change_memory(void)
{
    static const uint32_t places[] = {GUEST_PAGE_TABLES, GUEST_GDT, GUEST_DATA,
                                      GUEST_MEMORY_BYTES - 64};
    uint64_t value = take_value();
    uint32_t place = places[take(1) % 4] + (uint32_t)take(1) % 8 * 8;

    memcpy(phys_to_virt(vcpu->vm->memory + place), &value, sizeof(value));
}

/* SDM Vol. 1, "Canonical Addressing": #GP comes before an instruction from elsewhere could exit. */
static bool can_be_fetched_from(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

/* The guest runs on, and has changed what it can. */
static void change_state(void)
{
    uint64_t before[CHANGEABLE];
    unsigned count = (unsigned)take(1) % (CHANGES_MAX + 1);

    FIELD(VM_ENTRY_INTERRUPTION_INFORMATION) &= 0x7fffffff; /* was delivered */
    FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS) = 0;
    FIELD(GUEST_INTERRUPTIBILITY_STATE) &= ~3ull;
    for (unsigned i = 0; i < CHANGEABLE; i++)
        before[i] = *model_field(changeable[i]);
    for (unsigned i = 0; i < count; i++) {
        uint32_t field = changeable[take(1) % CHANGEABLE];
        uint64_t *place = model_field(field), value = take_value();

        *place ^= (*place ^ value) & own_bits(field);
    }
    for (unsigned i = 0; i < VCPU_REGISTERS && count > 0; i++) {
        if (take(1) & 1)
            vcpu_register_set(vcpu, i, take_value());
    }
    for (unsigned i = (unsigned)take(1) % 4; i > 0; i--)
        change_memory();
    if (count > 0 && !sound(false)) {
        for (unsigned i = 0; i < CHANGEABLE; i++)
            *model_field(changeable[i]) = before[i];
    }
    if (!can_be_fetched_from(FIELD(GUEST_RIP)))
        FIELD(GUEST_RIP) = GUEST_CODE;
}

/* SDM Vol. 3, "Information for VM Exits Due to Vectored Events": what a processor can say. */
static uint32_t take_event(bool vectoring)
{
    static const uint8_t types[] = {3, 3, 3, 2, 5, 6, 0, 4};
    unsigned type = types[take(1) % (vectoring ? 8 : 6)], vector = (unsigned)take(1);
    bool protected_mode = (FIELD(GUEST_CR0) & CR0_PE) != 0;
    bool has_error;

    if (type == 2)
        vector = 2;
    else if (type == 5)
        vector = 1;
    else if (type == 6)
        vector = vector % 2 ? 3 : 4;
    else if (type == 3)
        vector %= 32;
    if (type == 3 && (vector == 2 || vector == 3 || vector == 4))
        vector = 13;
    has_error = type == 3 && protected_mode &&
                (vector == 8 || (vector >= 10 && vector <= 14) || vector == 17);
    if (type == 0)
        FIELD(GUEST_RFLAGS) |= RFLAGS_IF;
    if (type == 0 || type == 2)
        FIELD(GUEST_INTERRUPTIBILITY_STATE) = type == 2 && vectoring ? BLOCKING_BY_NMI : 0;
    return 0x80000000 | (uint32_t)has_error << 11 | type << 8 | vector |
           (uint32_t)(take(1) & 1) << 12;
}

static bool can_interrupt_a_delivery(uint32_t reason)
{
    return reason == EXIT_REASON_EXCEPTION_OR_NMI || reason == EXIT_REASON_EPT_VIOLATION ||
           reason == EXIT_REASON_EPT_MISCONFIGURATION || reason == EXIT_REASON_TASK_SWITCH ||
           reason == EXIT_REASON_TRIPLE_FAULT;
}

/* A control register with some of its bits changed, in a register of the guest's. */
static uint64_t take_control_register_access(void)
{
    static const struct {
        unsigned number;
        uint32_t field;
    } registers[] = {
        {0, VMCS_GUEST_CR0}, {3, VMCS_GUEST_CR3}, {4, VMCS_GUEST_CR4}, {0, VMCS_GUEST_CR0}};
    unsigned which = (unsigned)take(1) % 4, reg = (unsigned)take(1) % VCPU_REGISTERS;
    uint64_t value = *model_field(registers[which].field);

    if (registers[which].number == 4)
        value &= ~FIELD(CR4_GUEST_HOST_MASK);
    for (unsigned i = (unsigned)take(1) % 4; i > 0; i--)
        value ^= 1ull << take(1) % 34;
    vcpu_register_set(vcpu, reg, value);
    return registers[which].number | (take(1) % 8 == 0 ? take(1) & 3 : 0) << 4 | reg << 8 |
           take(1) << 16;
}

static const uint32_t own_msrs[] = {
    IA32_EFER,        IA32_PAT,          IA32_FS_BASE,      IA32_GS_BASE,        IA32_LSTAR,
    IA32_SYSENTER_CS, IA32_SYSENTER_ESP, IA32_SYSENTER_EIP, IA32_KERNEL_GS_BASE, IA32_APIC_BASE,
};

enum { OWN_MSRS = sizeof(own_msrs) / sizeof(own_msrs[0]) };

/* Half of all exits are of those that decide most. */
static uint32_t take_reason(void)
{
    static const uint8_t rich[] = {
        EXIT_REASON_CONTROL_REGISTER_ACCESS,
        EXIT_REASON_CONTROL_REGISTER_ACCESS,
        EXIT_REASON_MOV_DR,
        EXIT_REASON_GDTR_IDTR_ACCESS,
        EXIT_REASON_LDTR_TR_ACCESS,
        EXIT_REASON_WRMSR,
        EXIT_REASON_IO_INSTRUCTION,
        EXIT_REASON_EXCEPTION_OR_NMI,
    };
    uint32_t value = (uint32_t)take(1);

    return value < 128 ? rich[value % 8] : (uint32_t)take(1) % EXIT_REASON_COUNT;
}

static void make_exit(void)
{
    uint32_t reason = take_reason();

    if (reason == EXIT_REASON_PML_FULL) /* the model CPU keeps no log of pages */
        reason = EXIT_REASON_PAUSE;
    guest_machine_exit(reason,
                       reason == EXIT_REASON_CONTROL_REGISTER_ACCESS
                           ? take_control_register_access()
                           : take_value(),
                       1 + (uint32_t)take(1) % 15);
    if (reason == EXIT_REASON_WRMSR)
        vcpu->reg[VCPU_RCX] = own_msrs[take(1) % OWN_MSRS];
    FIELD(VM_EXIT_INSTRUCTION_INFORMATION) = (uint32_t)take(4);
    FIELD(GUEST_LINEAR_ADDRESS) = take_value();
    FIELD(GUEST_PHYSICAL_ADDRESS) = take_value() & ((1ull << 39) - 1);
    if (reason == EXIT_REASON_EXCEPTION_OR_NMI)
        FIELD(VM_EXIT_INTERRUPTION_INFORMATION) = take_event(false);
    if (reason == EXIT_REASON_EXTERNAL_INTERRUPT)
        FIELD(VM_EXIT_INTERRUPTION_INFORMATION) = 0x80000000 | (uint32_t)take(1);
    FIELD(VM_EXIT_INTERRUPTION_ERROR_CODE) = take(2) & 0x7fff;
    if (can_interrupt_a_delivery(reason) && (take(1) & 1))
        FIELD(IDT_VECTORING_INFORMATION) = take_event(true);
    FIELD(IDT_VECTORING_ERROR_CODE) = take(2) & 0x7fff;
    if ((take(1) & 1) != 0)
        vcpu_watch(vcpu);
    else
        memcpy(vcpu->handlers, vcpu->vm->handlers, sizeof(vcpu->handlers));
}

/* Of the VMCS everything that is no guest state; of the entry what handlers may not have changed.
 */
static const uint32_t fixed_controls[] = {
    VMCS_PIN_BASED_VM_EXECUTION_CONTROLS,
    VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
    VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
    VMCS_PRIMARY_VM_EXIT_CONTROLS,
    VMCS_EXCEPTION_BITMAP,
    VMCS_ADDRESS_OF_IO_BITMAP_A,
    VMCS_ADDRESS_OF_IO_BITMAP_B,
    VMCS_ADDRESS_OF_MSR_BITMAPS,
    VMCS_EPT_POINTER,
    VMCS_VIRTUAL_PROCESSOR_IDENTIFIER,
    VMCS_TSC_OFFSET,
    VMCS_CR0_GUEST_HOST_MASK,
    VMCS_CR4_GUEST_HOST_MASK,
    VMCS_CR3_TARGET_COUNT,
    VMCS_VM_EXIT_MSR_STORE_COUNT,
    VMCS_VM_EXIT_MSR_LOAD_COUNT,
    VMCS_VM_ENTRY_MSR_LOAD_COUNT,
    VMCS_LINK_POINTER,
};

static void check_host(const struct model_cpu *start_cpu)
{
    const struct model_cpu *now = &model_cpu;
    struct model_vmcs was, is;

    memset(&was, 0, sizeof(was));
    for (unsigned i = 0; i < MODEL_VMCSS; i++) {
        if (start_cpu->vmcs[i].address == vcpu->vmcs.address)
            was = start_cpu->vmcs[i], is = now->vmcs[i];
    }
    for (unsigned width = 0; width < 4; width++) {
        if (memcmp(was.field[width][VMCS_TYPE_HOST], is.field[width][VMCS_TYPE_HOST],
                   sizeof(was.field[width][VMCS_TYPE_HOST])) != 0)
            abort();
    }
    for (unsigned i = 0; i < sizeof(fixed_controls) / sizeof(fixed_controls[0]); i++) {
        uint32_t field = fixed_controls[i], index = vmcs_encoding_index(field);
        unsigned width = vmcs_encoding_width(field);

        if (was.field[width][VMCS_TYPE_CONTROL][index] != is.field[width][VMCS_TYPE_CONTROL][index])
            abort();
    }
    if (now->cr0 != start_cpu->cr0 || now->cr3 != start_cpu->cr3 || now->cr4 != start_cpu->cr4 ||
        now->current_vmcs != start_cpu->current_vmcs || !now->vmx_operation)
        abort();
    for (unsigned i = 0; i < MODEL_MSRS; i++) {
        if (&now->msr[i] != model_msr(IA32_EFER) && &now->msr[i] != model_msr(IA32_PAT) &&
            &now->msr[i] != model_msr(IA32_APIC_BASE))
            continue;
        if (now->msr[i] != start_cpu->msr[i])
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum guest_mode mode;
    enum exit_done done = EXIT_STEPPED;

    input = data;
    left = size;
    mode = (enum guest_mode)(take(1) % GUEST_MODE_COUNT);
    start(mode);
    for (unsigned step = 0; step < STEPS_MAX && left > 0 && done != EXIT_ENDED; step++) {
        change_state();
        make_exit();
        done = vm_exit(vcpu);
        if (done > EXIT_DONE_COUNT || (done == EXIT_ENDED && vcpu->end >= GUEST_END_COUNT))
            abort();
        check_host(&guests[mode].cpu);
        if (done != EXIT_ENDED && !sound(true))
            abort();
    }
    check_others();
    return 0;
}
