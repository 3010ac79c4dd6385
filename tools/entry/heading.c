#include "tools/entry/heading.h"

static const struct heading headings[] = {
    {"*** guest state ***", VMCS_FORMAT_KVM, PART_GUEST, ORDER_KERNEL, BEGINS},
    {"*** host state ***", VMCS_FORMAT_KVM, PART_HOST, ORDER_KERNEL, 0},
    {"*** control state ***", VMCS_FORMAT_KVM, PART_CONTROL, ORDER_KERNEL, 0},
    {"msr guest autoload:", VMCS_FORMAT_KVM, PART_GUEST, ORDER_KERNEL, ENTRY_MSRS},
    {"msr autostore:", VMCS_FORMAT_KVM, PART_GUEST, ORDER_KERNEL, 0},
    {"control fields", VMCS_FORMAT_ROOTMODE, PART_ANY, ORDER_ROOTMODE, BEGINS},
    {"selector base ", VMCS_FORMAT_ROOTMODE, PART_GUEST, ORDER_ROOTMODE, 0},
    {"host state", VMCS_FORMAT_ROOTMODE, PART_ANY, ORDER_ROOTMODE, 0},
    {"exit information", VMCS_FORMAT_ROOTMODE, PART_ANY, ORDER_ROOTMODE, 0},
    {"controls that are on", VMCS_FORMAT_ROOTMODE, PART_ANY, ORDER_ROOTMODE, PASSED},
    {"guests, and their vm exits", VMCS_FORMAT_ROOTMODE, PART_ANY, ORDER_ROOTMODE, PASSED},
    {"EAX=", VMCS_FORMAT_QEMU, PART_REGISTERS, ORDER_QEMU, BEGINS | FIELDS | EXACT},
    {"RAX=", VMCS_FORMAT_QEMU, PART_REGISTERS, ORDER_QEMU, BEGINS | FIELDS | EXACT},
    {"eax=", VMCS_FORMAT_VIRTUALBOX, PART_REGISTERS, ORDER_KVMTOOL, BEGINS | FIELDS | EXACT},
    {"rax=", VMCS_FORMAT_VIRTUALBOX, PART_REGISTERS, ORDER_KVMTOOL, BEGINS | FIELDS | EXACT},
    {"]: vt-x info:", VMCS_FORMAT_VIRTUALBOX, PART_ANY, ORDER_KVMTOOL, ANYWHERE | PASSED},
    {"fpuip=", VMCS_FORMAT_VIRTUALBOX, PART_REGISTERS, ORDER_KVMTOOL, LINE},
    {"efer[", VMCS_FORMAT_BHYVE, PART_GUEST, ORDER_BHYVE, BEGINS | FIELDS},
    {"vmcs_cache = {", VMCS_FORMAT_BOCHS, PART_BOCHS, ORDER_KERNEL, BEGINS | DECIMAL},
    {"pin_vmexec_ctrls =", VMCS_FORMAT_BOCHS, PART_BOCHS_3, ORDER_KERNEL, FIELDS | DECIMAL},
    {"host_state = {", VMCS_FORMAT_BOCHS, PART_HOST, ORDER_KERNEL, DECIMAL},
    {"== kvm_get_regs", VMCS_FORMAT_REGISTERS, PART_REGISTERS, ORDER_KVMTOOL, BEGINS},
    {"== kvm_get_sregs", VMCS_FORMAT_REGISTERS, PART_REGISTERS, ORDER_KVMTOOL, 0},
    {"registers:", VMCS_FORMAT_REGISTERS, PART_REGISTERS, ORDER_KVMTOOL, BEGINS},
    {"register  selector", VMCS_FORMAT_REGISTERS, PART_REGISTERS, ORDER_KVMTOOL, 0},
    {"vmcs {", VMCS_FORMAT_LIST, PART_ANY, ORDER_KERNEL, ANYWHERE | DECIMAL | FIELDS},
    {"regs {", VMCS_FORMAT_REGISTERS, PART_REGISTERS, ORDER_KVMTOOL, ANYWHERE | DECIMAL | FIELDS},
};

static bool is_heading(const struct heading *heading, struct piece line)
{
    if (heading->flags & EXACT)
        return piece_starts(line, heading->words);
    return heading->flags & ANYWHERE ? piece_has_folded(line, heading->words)
                                     : piece_starts_folded(line, heading->words);
}

const struct heading *heading_of(struct piece line)
{
    for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++) {
        if (is_heading(&headings[i], line))
            return &headings[i];
    }
    return NULL;
}
