#include "vm/guests/guest_run.h"

#include "lib/string.h"
#include "mm/memory_use.h"
#include "vmx/text/exit_text.h"

enum { RAX_RDX = 1 << VCPU_RAX | 1 << VCPU_RDX, IO_REP = 1 << 5 };

/* The general registers, by bit, that serving an exit must leave alone; RSP is in the VMCS. */
static uint16_t must_keep(uint32_t reason)
{
    switch (reason) {
    case EXIT_REASON_CPUID:
        return (uint16_t) ~(RAX_RDX | 1 << VCPU_RBX | 1 << VCPU_RCX);
    case EXIT_REASON_RDTSC:
    case EXIT_REASON_RDMSR:
        return (uint16_t)~RAX_RDX;
    case EXIT_REASON_EXCEPTION_OR_NMI:
    case EXIT_REASON_EXTERNAL_INTERRUPT:
    case EXIT_REASON_HLT:
    case EXIT_REASON_INVLPG:
    case EXIT_REASON_WRMSR:
    case EXIT_REASON_EPT_VIOLATION:
    case EXIT_REASON_EPT_MISCONFIGURATION:
    case EXIT_REASON_WBINVD:
    case EXIT_REASON_XSETBV:
        return UINT16_MAX;
    default:
        return 0;
    }
}

/* With REP the guest comes back for the next element. */
static bool stands_still(const struct exit_record *exit)
{
    bool rep = exit->basic == EXIT_REASON_IO_INSTRUCTION && (exit->qualification & IO_REP) != 0;

    return (exit->done == EXIT_EMULATED || exit->done == EXIT_IGNORED) && !rep &&
           vmcs_read_natural(VMCS_GUEST_RIP) == exit->rip;
}

static void check_registers(struct guest_vm *machine, const struct exit_record *exit,
                            const uint64_t before[VCPU_REGISTERS])
{
    uint16_t kept = must_keep(exit->basic);

    for (unsigned i = 0; i < VCPU_REGISTERS; i++) {
        if ((kept >> i & 1) != 0 && machine->vcpu.reg[i] != before[i])
            format_text(machine->mistake, sizeof(machine->mistake),
                        "the handler of %s changed %s, which was 0x%lx and is 0x%lx",
                        exit_name(exit->basic), exit_register_names[i], before[i],
                        machine->vcpu.reg[i]);
    }
}

/*
 * SDM Vol. 3, "VM-Instruction Error Numbers": the field holds the number of the last instruction
 * that failed. vmcs_write64() and its like do not look: to a field that is not there they write
 * nothing.
 */
static void check_instructions(struct guest_vm *machine, const struct exit_record *exit)
{
    uint32_t number = vmcs_read32(VMCS_VM_INSTRUCTION_ERROR);

    if (number == machine->instruction_error)
        return;
    machine->failed_instruction = number;
    format_text(machine->mistake, sizeof(machine->mistake),
                "a VMX instruction failed in the handler of %s", exit_name(exit->basic));
}

void handler_check(struct guest_vm *machine, const struct exit_record *exit,
                   const uint64_t before[VCPU_REGISTERS])
{
    const struct exit_record *last = &machine->last;
    bool same = exit->reason == last->reason && exit->rip == last->rip &&
                exit->qualification == last->qualification && exit->rax == last->rax &&
                exit->rcx == last->rcx && exit->rdx == last->rdx;

    machine->without_progress = same ? machine->without_progress + 1 : 0;
    machine->last = *exit;
    if (machine->mistake[0] != '\0')
        return;
    check_instructions(machine, exit);
    if (exit->done != EXIT_ENDED)
        check_registers(machine, exit, before);
    if (stands_still(exit))
        format_text(machine->mistake, sizeof(machine->mistake),
                    "the handler of %s says that the instruction is done, and RIP is 0x%lx still",
                    exit_name(exit->basic), exit->rip);
}

/*
 * Is the current VMCS the guest's, is it one of this processor's, and does it lead to the guest's
 * memory? SDM Vol. 3, "VMCS Region": bits 30:0 of its first word; bit 31 says that it is a shadow
 * VMCS. "Extended-Page-Table Pointer (EPTP)": from bit 12 on, the address of the first table.
 */
static void check_vmcs(const struct vcpu *vcpu, struct sink *sink)
{
    uint64_t current = 0, tables = vcpu->vm->ept.radix.root, pointer;
    uint32_t word = 0, wanted = vcpu->cpu->config.revision_id;

    if (!vmx_ok(vmptrst(&current)) || current != vcpu->vmcs.address)
        print_to(sink, "the current VMCS is 0x%lx, the guest's 0x%lx", current, vcpu->vmcs.address);
    else if (memory_read(vcpu->vmcs.address, &word, sizeof(word)) && word != wanted)
        print_to(sink, "the VMCS begins with 0x%x, the revision id of this processor's is 0x%x",
                 word, wanted);
    else if (vcpu->vm->eptp != 0 &&
             (pointer = vmcs_read64(VMCS_EPT_POINTER)) / PAGE_SIZE != tables / PAGE_SIZE)
        print_to(sink, "the EPT pointer 0x%lx leads elsewhere than to the tables at 0x%lx", pointer,
                 tables);
}

bool host_state_is_sound(const struct vcpu *vcpu)
{
    char *mistake = guest_vm_of(vcpu)->mistake, found[MISTAKE_SIZE];
    struct vmcs_image image;
    struct text_buffer text;
    uint64_t here;

    text_buffer_init(&text, found, sizeof(found));
    check_vmcs(vcpu, &text.sink);
    vmcs_image_read(&image, &vcpu->capability);
    for (uint32_t row = 0; (row = vmcs_host_difference(&image, row, &here)) < VMCS_FIELD_COUNT;
         row++)
        print_to(&text.sink, "%sa VM exit would load %s 0x%lx, this CPU has 0x%lx",
                 text.length > 0 ? "; " : "", vmcs_field_table[row].name, image.value[row], here);
    if (text.length > 0 && !entry_is_refused(vcpu)) {
        memcpy(mistake, found, sizeof(found));
        return false;
    }
    return true;
}

void check_controls(const struct vcpu *vcpu)
{
    const struct guest *guest = guest_of(vcpu);
    uint32_t must_be_1 = (uint32_t)vcpu->capability.primary_allowed0;
    uint32_t may_be_0 = vmx_control_words[VMX_CONTROL_PRIMARY].default1 & ~must_be_1 &
                        ~guest_control_mask(guest, VMX_CONTROL_PRIMARY, true);
    struct text_buffer text;

    text_buffer_init(&text, guest_vm_of(vcpu)->mistake, MISTAKE_SIZE);
    for (uint32_t i = 0; i < vmx_control_count && vcpu->vm->eptp != 0; i++) {
        const struct vmx_control *control = &vmx_control_table[i];

        if (control->word == VMX_CONTROL_PRIMARY &&
            (vcpu->controls[VMX_CONTROL_PRIMARY] & may_be_0 & control->mask) != 0)
            print_to(&text.sink, "%s%s is 1, IA32_VMX_TRUE_PROCBASED_CTLS lets it be 0",
                     text.length > 0 ? "; " : "", control->name);
    }
}
