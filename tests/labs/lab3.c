/* Lab 3: regions, VMCLEAR, VMPTRLD, VMPTRST, and every failure kept apart. docs/labs/3.md is its
 * page. */
#include "tests/labs/lab.h"

#include "tests/host/vmx_cpu_machine.h"
#include "vmx/vmx_result.h"

#define REVISION 0x12u /* of the model */

static const struct vmx_flags succeeds = {0, false, false}, carry = {0, true, false},
                              zero = {0, false, true};

static void outcomes(void **state)
{
    const struct vmx_flags fault = {X86_VECTOR_GP, true, true};
    struct vmx_result result = vmx_result_of(fault);

    (void)state;
    want(result.outcome == VMX_FAULT && result.number == X86_VECTOR_GP,
         "the instruction faulted with vector 13: %s %u; after a fault the flags say nothing",
         vmx_outcome_name(result.outcome), result.number);
    result = vmx_result_of(carry);
    want(result.outcome == VMX_FAIL_INVALID, "CF is 1: that is VMfailInvalid, not %s",
         vmx_outcome_name(result.outcome));
    want(result.number == 0, "VMfailInvalid has no number, but here is %u", result.number);
    result = vmx_result_of(zero);
    want(result.outcome == VMX_FAIL_VALID, "ZF is 1: that is VMfailValid, not %s",
         vmx_outcome_name(result.outcome));
    result = vmx_result_of(succeeds);
    want(result.outcome == VMX_SUCCEED, "CF and ZF are 0: that is VMsucceed, not %s",
         vmx_outcome_name(result.outcome));
}

/* In VMX operation, with a current VMCS that the model itself has loaded. */
static void load_by_hand(void)
{
    uint64_t vmxon_region = pages_alloc(0), vmcs = pages_alloc(0);

    *(uint32_t *)phys_to_virt(vmxon_region) = REVISION;
    *(uint32_t *)phys_to_virt(vmcs) = REVISION;
    model_cpu.cr4 |= CR4_VMXE;
    model_cpu.cr0 |= CR0_NE;
    (void)x86_vmxon(vmxon_region);
    (void)x86_vmclear(vmcs);
    (void)x86_vmptrld(vmcs);
    want(model_cpu.current_vmcs == vmcs, "the model CPU does not do as it should");
}

static void error_number(void **state)
{
    struct vmx_result result;

    (void)state;
    load_by_hand();
    result = vmclear(8);
    want(result.outcome == VMX_FAIL_VALID && result.number == 2,
         "VMCLEAR of address 8 with a current VMCS: %s %u; the VM-instruction error in that VMCS "
         "is 2",
         vmx_outcome_name(result.outcome), result.number);
    result = vmptrld(model_cpu.vmxon_pointer);
    want(result.outcome == VMX_FAIL_VALID && result.number == 10,
         "VMPTRLD of the VMXON region: %s %u; the VM-instruction error is 10",
         vmx_outcome_name(result.outcome), result.number);
}

static void region_is_written(void **state)
{
    struct vmx_region region = {.address = pages_alloc(1), .order = 1};
    uint8_t *bytes = phys_to_virt(region.address);

    (void)state;
    for (unsigned i = 0; i < 2 * MODEL_PAGE; i++)
        bytes[i] = 0xee;
    vmx_region_write(&region, REVISION);
    want(word_at(region.address) == REVISION,
         "the first four bytes of the region are 0x%x, not the revision id 0x%x",
         word_at(region.address), REVISION);
    for (unsigned i = 4; i < 2 * MODEL_PAGE; i++)
        want(bytes[i] == 0,
             "byte %u of a region of 2 pages is 0x%x: all of it is zeroed but the revision id", i,
             bytes[i]);
}

static bool create(struct findings *findings)
{
    struct vmx_region region;

    vmx_cpu_check(&cpu, NULL);
    cpu.memory_types = memory_types;
    return vmx_region_create(&region, &cpu, "region", findings);
}

static void want_refused(bool created, const struct findings *findings, enum rule rule)
{
    bool found = false;

    for (uint32_t i = 0; i < findings->count; i++)
        found |= findings->item[i].rule == rule;
    want(!created && found, "a region that breaks %s: %s, %s finding of that rule",
         rule_table[rule].name, created ? "created" : "not created",
         found ? "with a" : "without a");
    want(model_pages_used() == 0, "the region is refused (%s), but its pages are not given back",
         rule_table[rule].name);
}

static void region_is_created(void **state)
{
    struct vmx_region region;
    struct findings findings = {0};

    (void)state;
    vmx_cpu_check(&cpu, NULL);
    cpu.memory_types = memory_types;
    want(vmx_region_create(&region, &cpu, "region", &findings) && findings.count == 0,
         "a region in good memory is refused");
    want(region.address != 0 && word_at(region.address) == REVISION,
         "the region that was created does not begin with the revision id");
    want(region.memory_type == MEMORY_TYPE_WB, "its memory type is %d, and should be %d (WB)",
         region.memory_type, MEMORY_TYPE_WB);
    reset(NULL);
    model_pages_limit(0);
    want_refused(create(&findings), &findings, RULE_REGION_NO_MEMORY);
}

/* What a finding about a place says should be there. */
static void want_wanted(const struct findings *findings, enum rule rule, uint64_t wanted)
{
    for (uint32_t i = 0; i < findings->count; i++)
        want(findings->item[i].rule != rule || findings->item[i].wanted == wanted,
             "%s: wanted is 0x%llx, and should be 0x%llx", rule_table[rule].name,
             ull(findings->item[i].wanted), ull(wanted));
}

static void place(void **state)
{
    struct findings findings = {0}, both = {0};
    unsigned rules = 0;

    (void)state;
    want(create(&findings), "a region in good memory is refused");
    reset(NULL);
    model_pages_misalign(8);
    want_refused(create(&findings), &findings, RULE_REGION_MISALIGNED);
    reset(NULL);
    memory_types.physical_width = 20;
    want_refused(create(&findings), &findings, RULE_REGION_BEYOND_WIDTH);
    want_wanted(&findings, RULE_REGION_BEYOND_WIDTH, (1ull << 20) - 1);
    reset(NULL);
    memory_types.physical_width = 20;
    model_pages_misalign(8);
    (void)create(&both);
    for (uint32_t i = 0; i < both.count; i++)
        rules += both.item[i].rule == RULE_REGION_MISALIGNED ||
                 both.item[i].rule == RULE_REGION_BEYOND_WIDTH;
    want(rules == 2, "misaligned and beyond the width: %u of these 2 findings; both are reported",
         rules);
}

/* The last byte of it counts: a region that ends where physical addresses end is fit. */
static void last_byte(void **state)
{
    struct vmx_region region;
    struct findings findings = {0};

    (void)state;
    vmx_cpu_check(&cpu, NULL);
    cpu.memory_types = memory_types;
    cpu.memory_types.physical_width = 21; /* the model's memory ends at 2 MiB */
    do {
        want(vmx_region_create(&region, &cpu, "region", &findings),
             "the region at 0x%llx is refused, but its last byte is within the width",
             ull(region.address));
    } while (region.address + MODEL_PAGE < MODEL_MEMORY_BASE + MODEL_PAGES * MODEL_PAGE);
}

static void memory_type(void **state)
{
    struct findings findings = {0};

    (void)state;
    want(create(&findings), "a region in good memory is refused");
    reset(NULL);
    set_type_of_memory(MEMORY_TYPE_UC);
    want_refused(create(&findings), &findings, RULE_REGION_NOT_WRITE_BACK);
}

static void loaded(void **state)
{
    (void)state;
    enable();
    want(model_cpu.executed[MODEL_VMCLEAR] == 1,
         "VMCLEAR was executed %u times: it initialises the region, and comes before VMPTRLD",
         model_cpu.executed[MODEL_VMCLEAR]);
    want(cpu.vmcs_region.address != 0 && model_cpu.current_vmcs == cpu.vmcs_region.address,
         "the current VMCS is not this CPU's: 0x%llx", ull(model_cpu.current_vmcs));
    want(cpu.vmptrst == cpu.vmcs_region.address && cpu.state == VMX_CPU_LOADED,
         "after VMPTRLD, VMPTRST gives 0x%llx and the state is %d; LOADED is %d", ull(cpu.vmptrst),
         cpu.state, VMX_CPU_LOADED);
}

static void clear_before_load(void **state)
{
    (void)state;
    model_cpu_inject((struct model_injection){MODEL_FAULT, MODEL_VMCLEAR, 0, false, X86_VECTOR_UD});
    enable();
    want(model_cpu.executed[MODEL_VMCLEAR] == 1, "VMCLEAR is not executed");
    want(model_cpu.executed[MODEL_VMPTRLD] == 0,
         "VMPTRLD is executed although VMCLEAR failed, or before it");
}

static void read_back(void **state)
{
    (void)state;
    enable();
    want(cpu.state == VMX_CPU_LOADED, "on a good CPU the state is %d, not LOADED", cpu.state);
    reset(NULL);
    model_cpu_inject(
        (struct model_injection){.effect = MODEL_OVERRIDES, .operation = MODEL_VMPTRLD});
    enable();
    want(find(&cpu, RULE_VMPTRST_DIFFERS) != NULL && cpu.state == VMX_CPU_ROOT,
         "VMPTRLD said that it succeeded and did nothing: VMPTRST gives another address; the state "
         "is "
         "%d, %s finding %s",
         cpu.state, find(&cpu, RULE_VMPTRST_DIFFERS) ? "with" : "without",
         rule_table[RULE_VMPTRST_DIFFERS].name);
}

static void kept_apart(void **state)
{
    static const struct {
        enum model_operation operation;
        const char *name;
    } steps[] = {
        {MODEL_VMCLEAR, "VMCLEAR"}, {MODEL_VMPTRLD, "VMPTRLD"}, {MODEL_VMPTRST, "VMPTRST"}};
    static const struct {
        enum model_effect effect;
        uint32_t number;
        enum rule rule;
    } effects[] = {{MODEL_FAULT, X86_VECTOR_UD, RULE_INSTRUCTION_FAULT},
                   {MODEL_FAIL_INVALID, 0, RULE_INSTRUCTION_INVALID}};

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        const struct finding *finding;

        reset(NULL);
        model_cpu_inject((struct model_injection){.effect = effects[i % 2].effect,
                                                  .operation = steps[i / 2].operation,
                                                  .number = effects[i % 2].number});
        enable();
        finding = find(&cpu, effects[i % 2].rule);
        want(finding != NULL, "%s: no finding %s", steps[i / 2].name,
             rule_table[effects[i % 2].rule].name);
        want(finding->seen == effects[i % 2].number, "%s: the finding has the number %llu, not %u",
             steps[i / 2].name, ull(finding->seen), effects[i % 2].number);
        want(cpu.state == VMX_CPU_ROOT, "%s failed, but the state is %d, not ROOT",
             steps[i / 2].name, cpu.state);
    }
}

static void of_vmxon(void **state)
{
    static const struct {
        enum model_effect effect;
        uint32_t number;
        enum rule rule;
    } effects[] = {{MODEL_FAULT, X86_VECTOR_UD, RULE_VMXON_UNDEFINED},
                   {MODEL_FAULT, X86_VECTOR_GP, RULE_VMXON_PROTECTION},
                   {MODEL_FAULT, X86_VECTOR_PF, RULE_INSTRUCTION_FAULT},
                   {MODEL_FAIL_INVALID, 0, RULE_VMXON_INVALID}};

    (void)state;
    for (unsigned i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
        reset(NULL);
        model_cpu_inject((struct model_injection){
            .effect = effects[i].effect, .operation = MODEL_VMXON, .number = effects[i].number});
        enable();
        want(find(&cpu, effects[i].rule) != NULL,
             "VMXON %s %u: no finding %s; #UD and #GP of VMXON, and its VMfailInvalid, have rules "
             "of "
             "their own",
             effects[i].effect == MODEL_FAULT ? "faults with vector" : "gives VMfailInvalid",
             effects[i].number, rule_table[effects[i].rule].name);
    }
}

static void way_back(void **state)
{
    const uint64_t cr0 = read_cr0(), cr4 = read_cr4();

    (void)state;
    enable();
    want(cpu.state == VMX_CPU_LOADED, "on a good CPU the state is %d, not LOADED", cpu.state);
    vmx_cpu_disable(&cpu);
    want(model_cpu.executed[MODEL_VMCLEAR] == 2,
         "VMCLEAR of the VMCS is not executed before VMXOFF: the processor may still have some of "
         "its data");
    want(!model_cpu.vmx_operation && cpu.state == VMX_CPU_OFF, "the CPU is still in VMX operation");
    want(read_cr0() == cr0 && read_cr4() == cr4, "CR0 or CR4 is not as it was before");
    want(model_pages_used() == 0, "%u pages of the regions are not given back", model_pages_used());
    vmx_cpu_disable(&cpu);
    want(model_cpu.executed[MODEL_VMXOFF] == 1,
         "VMXOFF is executed on a CPU that is out of VMX operation already");
    reset(NULL);
    options.stop = VMX_STAGE_VMXON;
    enable();
    vmx_cpu_disable(&cpu);
    want(model_cpu.executed[MODEL_VMCLEAR] == 0 && cpu.findings.count == 0,
         "a CPU that went no further than VMXON has no VMCS, but VMCLEAR is executed");
    want(!model_cpu.vmx_operation && cpu.state == VMX_CPU_OFF,
         "a CPU that went no further than VMXON is still in VMX operation");
}

static void no_way_back(void **state)
{
    (void)state;
    enable();
    want(cpu.state == VMX_CPU_LOADED, "on a good CPU the state is %d, not LOADED", cpu.state);
    model_cpu_inject((struct model_injection){MODEL_FAULT, MODEL_VMXOFF, 0, false, X86_VECTOR_GP});
    vmx_cpu_disable(&cpu);
    want(model_pages_used() == 2,
         "VMXOFF failed, so the regions are still the processor's, but %u of 2 pages are kept",
         model_pages_used());
    want(cpu.state != VMX_CPU_OFF, "VMXOFF failed, but the state is OFF");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(outcomes, reset),
        cmocka_unit_test_setup(error_number, reset),
        cmocka_unit_test_setup(region_is_written, reset),
        cmocka_unit_test_setup(region_is_created, reset),
        cmocka_unit_test_setup(place, reset),
        cmocka_unit_test_setup(last_byte, reset),
        cmocka_unit_test_setup(memory_type, reset),
        cmocka_unit_test_setup(loaded, reset),
        cmocka_unit_test_setup(clear_before_load, reset),
        cmocka_unit_test_setup(read_back, reset),
        cmocka_unit_test_setup(kept_apart, reset),
        cmocka_unit_test_setup(of_vmxon, reset),
        cmocka_unit_test_setup(way_back, reset),
        cmocka_unit_test_setup(no_way_back, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
