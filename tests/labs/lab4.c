/* Lab 4: from a current VMCS to the first VM entry. docs/labs/4.md is its page. */
#include "tests/labs/lab.h"

#include <string.h>

#include "tests/host/guest_machine.h"
#include "tests/host/set_controls.h"
#include "vm/guests/guest_run.h"
#include "vmx/capability/vmx_controls.h"

static struct findings findings;

static int anew(void **state)
{
    (void)state;
    model_cpu_reset();
    findings = (struct findings){.check = VMX_CHECK_KVM};
    return 0;
}

/* Of a capability MSR with these bits that must be 1, and that may be. */
static uint32_t adjust(enum vmx_control_word word, uint32_t must, uint32_t may)
{
    const uint64_t value = (uint64_t)may << 32 | must;

    return adjust_vmx_control(word, value, value, 0x48d, &findings);
}

static bool found(enum rule rule, const char *detail)
{
    for (uint32_t i = 0; i < findings.count; i++) {
        const struct finding *finding = &findings.item[i];

        if (finding->rule == rule && finding->detail && strcmp(finding->detail, detail) == 0) {
            want(finding->msr == 0x48d, "the finding %s names no MSR, or not the one that it is of",
                 rule_table[rule].name);
            return true;
        }
    }
    return false;
}

static void controls(void **state)
{
    uint32_t value = adjust(VMX_CONTROL_PIN, 0x16, 0x7f);

    (void)state;
    want((value & 0x16) == 0x16,
         "pin-based controls 0x%x: 0x16 must be 1, says the low half of the MSR", value);
    want((value & 0x29) == 0x29,
         "pin-based controls 0x%x: 0x29 is wanted (vmx_controls.def) and may be 1", value);
    want(value == 0x3f, "pin-based controls 0x%x: 0x3f is what must be, and what is wanted", value);
    value = adjust(VMX_CONTROL_PIN, 0x16, 0x1f);
    want((value & 0x20) == 0,
         "0x%x: virtual NMIs, bit 5, may not be 1 here, says the high half of the MSR", value);
    want(findings.count == 0, "%u findings, though nothing that is required is missing",
         findings.count);
}

static void missing(void **state)
{
    uint32_t value;

    (void)state;
    (void)adjust(VMX_CONTROL_EXIT, 0x36dff & ~0x200u, 0x3fffff & ~0x200u);
    want(
        found(RULE_CONTROL_MISSING, "host address-space size"),
        "\"host address-space size\" is required and may not be 1: no finding %s with that name in "
        ".detail",
        rule_table[RULE_CONTROL_MISSING].name);
    value = adjust(VMX_CONTROL_PIN, 0x56, 0x7f);
    want((value & 0x40) != 0 && found(RULE_CONTROL_FORCED, "activate VMX-preemption timer"),
         "the preemption timer is not wanted but must be 1: it stays, with a finding %s",
         rule_table[RULE_CONTROL_FORCED].name);
    (void)adjust(VMX_CONTROL_ENTRY, 0x11ff | 1u << 10, 0xffff);
    want(found(RULE_CONTROL_MUST_BE_ZERO, "entry to SMM"),
         "\"entry to SMM\" must be 1, and with it no VM entry succeeds: no finding %s",
         rule_table[RULE_CONTROL_MUST_BE_ZERO].name);
}

static void defaults(void **state)
{
    uint32_t value;

    (void)state;
    /* The plain MSR has its default1 bits, the TRUE one says that all may be 0. */
    value = adjust_vmx_control(VMX_CONTROL_PIN, 0x7f00000016, 0x7f00000000, 0x48d, &findings);
    want((value & 0x16) == 0x16,
         "0x%x: bits 1, 2 and 4 have no name here; nobody may turn off a default1 control of which "
         "he does "
         "not know what it does",
         value);
    (void)adjust(VMX_CONTROL_PIN, 0x16, 0x06);
    want(found(RULE_CONTROL_CONTRADICTION, "pin-based VM-execution controls"),
         "bit 4 must be 1 and may not: no finding %s", rule_table[RULE_CONTROL_CONTRADICTION].name);
    value = adjust(VMX_CONTROL_PIN, 0x216, 0x27f);
    want((value & 0x200) != 0 &&
             found(RULE_CONTROL_UNKNOWN_FORCED, "pin-based VM-execution controls"),
         "bit 9 must be 1, has no name and is not of default1: it stays, with a finding %s about "
         "the "
         "word",
         rule_table[RULE_CONTROL_UNKNOWN_FORCED].name);
}

static void host(void **state)
{
    const struct x86_segments has = x86_segments();
    const struct {
        enum vmcs_field field;
        uint64_t value;
        const char *name;
    } wanted[] = {
        {VMCS_HOST_CR0, read_cr0(), "CR0"},
        {VMCS_HOST_CR3, read_cr3(), "CR3"},
        {VMCS_HOST_CR4, read_cr4(), "CR4"},
        {VMCS_HOST_CS_SELECTOR, has.cs, "CS selector"},
        {VMCS_HOST_SS_SELECTOR, has.ss, "SS selector"},
        {VMCS_HOST_TR_SELECTOR, has.tr, "TR selector"},
        {VMCS_HOST_FS_BASE, 0x1111, "FS base"},
        {VMCS_HOST_GS_BASE, 0x2222, "GS base"},
        {VMCS_HOST_TR_BASE, has.tr_base, "TR base"},
        {VMCS_HOST_GDTR_BASE, has.gdt.base, "GDTR base"},
        {VMCS_HOST_IDTR_BASE, has.idt.base, "IDTR base"},
        {VMCS_HOST_IA32_EFER, rdmsr(IA32_EFER), "IA32_EFER"},
        {VMCS_HOST_IA32_PAT, rdmsr(IA32_PAT), "IA32_PAT"},
    };
    struct vmcs_image image = {0};

    (void)state;
    model_cpu.fs_base = 0x1111;
    model_cpu.gs_base = 0x2222;
    vmcs_image_set_host(&image);
    for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        want(vmcs_image_has(&image, wanted[i].field), "the host's %s is not set", wanted[i].name);
        want(vmcs_image_get(&image, wanted[i].field) == wanted[i].value,
             "the host's %s is 0x%llx, but this CPU has 0x%llx", wanted[i].name,
             ull(vmcs_image_get(&image, wanted[i].field)), ull(wanted[i].value));
    }
}

/* In VMX operation with an empty current VMCS. */
static void load_by_hand(void)
{
    uint64_t vmxon_region = pages_alloc(0), vmcs = pages_alloc(0);

    *(uint32_t *)phys_to_virt(vmxon_region) = 0x12;
    *(uint32_t *)phys_to_virt(vmcs) = 0x12;
    model_cpu.cr4 |= CR4_VMXE;
    model_cpu.cr0 |= CR0_NE;
    (void)x86_vmxon(vmxon_region);
    (void)x86_vmclear(vmcs);
    (void)x86_vmptrld(vmcs);
}

static void written(void **state)
{
    struct vmcs_image image = {0};
    struct vmx_result result;
    unsigned count;

    (void)state;
    load_by_hand();
    vmcs_image_set(&image, VMCS_GUEST_RIP, 0x8000);
    vmcs_image_set(&image, VMCS_EXIT_REASON, 10);
    result = vmcs_image_write(&image);
    want(FIELD(GUEST_RIP) == 0x8000, "the image has guest RIP 0x8000, the VMCS 0x%llx",
         ull(FIELD(GUEST_RIP)));
    want(vmx_ok(result) && model_cpu.executed[MODEL_VMWRITE] == 1,
         "read-only fields are not written: %u VMWRITEs for one field, %s",
         model_cpu.executed[MODEL_VMWRITE], vmx_outcome_name(result.outcome));
    vmcs_image_set(&image, VMCS_GUEST_RSP, 0x9000);
    model_cpu_inject((struct model_injection){MODEL_FAIL_VALID, MODEL_VMWRITE, 0, false, 13});
    count = model_cpu.executed[MODEL_VMWRITE];
    result = vmcs_image_write(&image);
    want(result.outcome == VMX_FAIL_VALID && result.number == 13,
         "a VMWRITE failed with error 13, but the result is %s %u",
         vmx_outcome_name(result.outcome), result.number);
    want(model_cpu.executed[MODEL_VMWRITE] == count + 1,
         "a VMWRITE failed, and another is tried after it");
}

static void not_there(void **state)
{
    struct vmcs_image image = {0};

    (void)state;
    load_by_hand();
    vmcs_image_set(&image, VMCS_GUEST_RIP, 0);
    model_cpu_inject((struct model_injection){MODEL_FAIL_VALID, MODEL_VMWRITE, 0, false, 12});
    want(vmx_ok(vmcs_image_write(&image)), "a field that is not there (error 12) and whose value "
                                           "is 0 is no failure: nobody misses it");
    vmcs_image_set(&image, VMCS_GUEST_RIP, 5);
    model_cpu_inject((struct model_injection){MODEL_FAIL_VALID, MODEL_VMWRITE, 0, false, 12});
    want(!vmx_ok(vmcs_image_write(&image)),
         "a field that is not there, with a value of 5, is a failure");
}

static void load(void **state)
{
    struct vcpu *vcpu = guest_machine_in(GUEST_LONG);
    const struct vcpu_start start = guest_start(GUEST_LONG);
    unsigned invalidated = model_cpu.executed[MODEL_INVEPT] + model_cpu.executed[MODEL_INVVPID];
    unsigned clears = model_cpu.executed[MODEL_VMCLEAR];

    (void)state;
    want(model_cpu.current_vmcs == vcpu->vmcs.address, "the vCPU's VMCS is not the current one");
    want(invalidated == 2,
         "%u of INVVPID and INVEPT are executed: what the processor remembers of an earlier guest "
         "must go",
         invalidated);
    (void)vcpu_load(vcpu, &start);
    want(model_cpu.executed[MODEL_VMCLEAR] == clears + 1,
         "VMCLEAR is not executed: a VMCS that was launched can be launched again only when it is "
         "clear");
    model_cpu_inject((struct model_injection){MODEL_FAULT, MODEL_VMPTRLD, 0, false, X86_VECTOR_UD});
    clears = model_cpu.executed[MODEL_VMWRITE];
    want(!vmx_ok(vcpu_load(vcpu, &start)),
         "VMPTRLD faulted, but vcpu_load() says that all went well");
    want(model_cpu.executed[MODEL_VMWRITE] == clears,
         "VMPTRLD failed, but fields are written all the same");
}

static void want_field(const char *name, uint64_t seen, uint64_t wanted)
{
    want(seen == wanted, "%s is 0x%llx, and should be 0x%llx", name, ull(seen), ull(wanted));
}

static void start_state(void **state)
{
    const struct vcpu *vcpu = guest_machine_in(GUEST_LONG);
    const struct vcpu_start start = guest_start(GUEST_LONG);

    (void)state;
    want_field("guest RIP", FIELD(GUEST_RIP), start.rip);
    want_field("guest RSP", FIELD(GUEST_RSP), start.rsp);
    want_field("guest CR3", FIELD(GUEST_CR3), start.cr3);
    want_field("guest GDTR base", FIELD(GUEST_GDTR_BASE), start.gdt_base);
    want_field("guest IDTR limit", FIELD(GUEST_IDTR_LIMIT), start.idt_limit);
    want_field("guest IA32_EFER", FIELD(GUEST_IA32_EFER), start.efer);
    want_field("guest CS selector", FIELD(GUEST_CS_SELECTOR), start.code.selector);
    want_field("guest TR access rights", FIELD(GUEST_TR_ACCESS_RIGHTS), start.tr.rights);
    want_field("EPT pointer", FIELD(EPT_POINTER), vcpu->vm->eptp);
    want_field("address of MSR bitmaps", FIELD(ADDRESS_OF_MSR_BITMAPS), vcpu->vm->msr_bitmap);
    want_field("address of I/O bitmap A", FIELD(ADDRESS_OF_IO_BITMAP_A), vcpu->vm->io_bitmap);
    want_field("address of I/O bitmap B, of ports from 0x8000 on", FIELD(ADDRESS_OF_IO_BITMAP_B),
               vcpu->vm->io_bitmap + 4096);
    want_field("VPID, which must not be 0", FIELD(VIRTUAL_PROCESSOR_IDENTIFIER), VCPU_VPID);
    want_field("exception bitmap", FIELD(EXCEPTION_BITMAP), vcpu->vm->policy->exceptions);
    want_field("VMX-preemption timer value", FIELD(VMX_PREEMPTION_TIMER_VALUE), vcpu->timer);
}

/* XSAVES exits by a bitmap that the control turns on. */
static void exit_always(void **state)
{
    struct vcpu *vcpu = guest_machine_in(GUEST_LONG);
    const struct vcpu_start start = guest_start(GUEST_LONG);

    (void)state;
    model_cpu.all_fields = true;
    vcpu->controls[VMX_CONTROL_SECONDARY] |= SECONDARY_ENABLE_XSAVES;
    vcpu->capability.secondary_allowed1 |= SECONDARY_ENABLE_XSAVES;
    (void)vcpu_state_write(vcpu, &start);
    want(FIELD(XSS_EXITING_BITMAP) == UINT64_MAX,
         "XSAVES is on and does not exit: the XSS-exiting bitmap is 0x%llx, not all ones",
         ull(FIELD(XSS_EXITING_BITMAP)));
}

static void without_ept(void **state)
{
    const struct vcpu_start start = guest_start(GUEST_LONG);
    const struct vcpu *vcpu;

    (void)state;
    guest_machine_reset(GUEST_LONG);
    SET_CONTROLS(guest_machine.guest, OFF(SECONDARY, ENABLE_EPT),
                 OFF(SECONDARY, UNRESTRICTED_GUEST));
    vcpu = guest_machine_start();
    want(FIELD(GUEST_CR3) == vcpu->vm->page_tables,
         "without EPT guest CR3 is 0x%llx: the guest's own tables would show it all of memory; it "
         "runs on vm->page_tables",
         ull(FIELD(GUEST_CR3)));
    want(vcpu->cr3_seen == start.cr3,
         "without EPT vcpu->cr3_seen is 0x%llx: the guest believes that CR3 is 0x%llx",
         ull(vcpu->cr3_seen), ull(start.cr3));
}

static void pdptes(void **state)
{
    const uint64_t *pdpt;

    (void)state;
    (void)guest_machine_in(GUEST_PAE);
    pdpt = guest_machine_memory(GUEST_PAGE_TABLES);
    want(FIELD(GUEST_PDPTE0) == pdpt[0] && FIELD(GUEST_PDPTE3) == pdpt[3],
         "with EPT and PAE paging VM entry takes the PDPTEs from the VMCS: PDPTE0 is 0x%llx, in "
         "memory 0x%llx",
         ull(FIELD(GUEST_PDPTE0)), ull(pdpt[0]));
}

static void control_registers(void **state)
{
    const struct vcpu_start start = guest_start(GUEST_LONG);
    const struct vcpu *vcpu = guest_machine_in(GUEST_LONG);

    (void)state;
    want(FIELD(GUEST_CR0) & CR0_NE,
         "guest CR0 is 0x%llx: NE must be 1 in VMX operation, says FIXED0", ull(FIELD(GUEST_CR0)));
    want(FIELD(GUEST_CR4) & CR4_VMXE, "guest CR4 is 0x%llx: VMXE must be 1 in VMX operation",
         ull(FIELD(GUEST_CR4)));
    want(FIELD(CR0_READ_SHADOW) == start.cr0,
         "the guest reads CR0 0x%llx, but believes that it has 0x%llx: that is the read shadow",
         ull(FIELD(CR0_READ_SHADOW)), ull(start.cr0));
    want(FIELD(CR4_READ_SHADOW) == start.cr4,
         "the guest reads CR4 0x%llx, but believes that it has 0x%llx", ull(FIELD(CR4_READ_SHADOW)),
         ull(start.cr4));
    want((FIELD(CR0_GUEST_HOST_MASK) & CR0_NE) && (FIELD(CR4_GUEST_HOST_MASK) & CR4_VMXE),
         "the guest may change CR0.NE or CR4.VMXE: a bit that VMX operation fixes is the host's in "
         "the mask");
    want((FIELD(CR0_GUEST_HOST_MASK) & CR0_TS) == 0,
         "CR0.TS is the guest's own, but the mask has it");
    want(FIELD(CR0_GUEST_HOST_MASK) >> 32 == 0xffffffff,
         "the mask of CR0 is 0x%llx: the guest may set bits that must be 0, says FIXED1",
         ull(FIELD(CR0_GUEST_HOST_MASK)));
    want(
        vcpu->cr0_fixed == FIELD(CR0_GUEST_HOST_MASK) &&
            vcpu->cr4_fixed == FIELD(CR4_GUEST_HOST_MASK),
        "vcpu->cr0_fixed is 0x%llx, and vcpu->cr4_fixed 0x%llx: the exits of MOV to CR0 and CR4 go "
        "by "
        "them, so they have what the masks have",
        ull(vcpu->cr0_fixed), ull(vcpu->cr4_fixed));
}

/* Which bits are the host's beside those that VMX operation fixes: vm/vm_policy.h. */
static void hosts_bits(void **state)
{
    (void)state;
    guest_machine_reset(GUEST_REAL);
    model_cpu.cr4 |= CR4_MCE;
    (void)guest_machine_start();
    want((FIELD(GUEST_CR0) & (CR0_PE | CR0_PG)) == 0,
         "guest CR0 is 0x%llx: with unrestricted guest PE and PG are the guest's, and this one "
         "begins in real mode",
         ull(FIELD(GUEST_CR0)));
    want((FIELD(CR0_GUEST_HOST_MASK) & (CR0_CD | CR0_NW)) == (CR0_CD | CR0_NW),
         "the mask of CR0 is 0x%llx: the policy's cr0_host is not in it",
         ull(FIELD(CR0_GUEST_HOST_MASK)));
    want((FIELD(GUEST_CR4) & CR4_MCE) != 0 && (FIELD(CR4_GUEST_HOST_MASK) & CR4_MCE) != 0,
         "guest CR4 is 0x%llx, its mask 0x%llx: MCE is in the policy's cr4_host, so it is as this "
         "CPU "
         "has it, 1, and not the guest's to change",
         ull(FIELD(GUEST_CR4)), ull(FIELD(CR4_GUEST_HOST_MASK)));
    want(
        (FIELD(CR4_GUEST_HOST_MASK) & CR4_SMXE) != 0,
        "the mask of CR4 is 0x%llx: the guest may set SMXE, which is not in the policy's cr4_guest",
        ull(FIELD(CR4_GUEST_HOST_MASK)));
}

static void rules(void **state)
{
    (void)state;
    for (int mode = 0; mode < GUEST_MODE_COUNT; mode++) {
        struct vmentry_findings broken;

        (void)guest_machine_in((enum guest_mode)mode);
        guest_machine_check(&broken);
        want(broken.count == 0,
             "a guest of mode %d would not be entered: %u rules are broken, first %s", mode,
             broken.count, vmentry_rule_text(broken.item[0].rule).name);
    }
}

static void run(void **state)
{
    struct vcpu *vcpu = guest_machine_in(GUEST_LONG);

    (void)state;
    guest_machine.entry = VM_ENTRY_LAUNCH_VALID;
    FIELD(VM_INSTRUCTION_ERROR) = 7;
    vcpu_run(vcpu);
    want(vcpu->end == GUEST_END_ENTRY_ERROR && vcpu->end_number == 7,
         "VMLAUNCH gave VMfailValid 7: the guest's end is %d with number %u, not "
         "GUEST_END_ENTRY_ERROR with the "
         "VM-instruction error",
         vcpu->end, vcpu->end_number);
    guest_machine.entry = VM_ENTRY_LAUNCH_INVALID;
    vcpu_run(vcpu);
    want(vcpu->end == GUEST_END_ENTRY_ERROR && vcpu->end_number == 0,
         "VMfailInvalid has no number, but the guest's end has %u", vcpu->end_number);
    vcpu->end = GUEST_END_CALL;
    guest_machine.entry = VM_ENTRY_ENDED;
    vcpu_run(vcpu);
    want(vcpu->end == GUEST_END_CALL, "the guest ended by its call, and that was overwritten by %d",
         vcpu->end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(controls, anew),    cmocka_unit_test_setup(missing, anew),
        cmocka_unit_test_setup(defaults, anew),    cmocka_unit_test_setup(host, anew),
        cmocka_unit_test_setup(written, anew),     cmocka_unit_test_setup(not_there, anew),
        cmocka_unit_test_setup(load, anew),        cmocka_unit_test_setup(start_state, anew),
        cmocka_unit_test_setup(pdptes, anew),      cmocka_unit_test_setup(control_registers, anew),
        cmocka_unit_test_setup(rules, anew),       cmocka_unit_test_setup(run, anew),
        cmocka_unit_test_setup(exit_always, anew), cmocka_unit_test_setup(without_ept, anew),
        cmocka_unit_test_setup(hosts_bits, anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
