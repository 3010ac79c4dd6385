#include "vm/hello.h"

#include "lib/string.h"

#define TIME_MAX (1u << 31) /* TSC ticks: about a second */
enum { EXITS_MAX = 16, ANSWER = sizeof(HYPERVISOR_SIGNATURE) };

/* Selectors, which nothing loads: the guest has its first segments to its end. */
enum { CODE_SELECTOR = 0x08, DATA_SELECTOR = 0x10, TSS_SELECTOR = 0x18 };

/* SDM Vol. 3, "4-Level Paging and 5-Level Paging": present and writable; a page of 2 MiB. */
enum { ENTRY_TABLE = 3, ENTRY_PAGE_2M = 0x83 };

const char hello_ok[] = "ok";
const char hello_without_ept[] = "this CPU does not offer EPT";

static const struct cpuid_rule cpuid_rules[] = {
    {CPUID_LEAF_HYPERVISOR_FIRST, 0, CPUID_EVERY_SUBLEAF, {0}, HYPERVISOR_LEAF(0)},
};

static const struct vm_policy hello_policy = {
    .cpuid = cpuid_rules,
    .cpuid_count = sizeof(cpuid_rules) / sizeof(cpuid_rules[0]),
    .cr0_host = CR0_CD | CR0_NW,
    .cr4_host = CR4_MCE,
    .exceptions = UINT32_MAX,
    .controls[VMX_CONTROL_PRIMARY] = PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING,
};

struct hello {
    struct vm vm;
    struct vcpu vcpu; /* its only one */
};

/* The first 2 MiB as they are, of which EPT has no more than HELLO_BYTES. */
static void write_memory(uint8_t *memory)
{
    uint64_t *tables = (uint64_t *)(memory + HELLO_PAGE_TABLES);

    tables[0] = (HELLO_PAGE_TABLES + PAGE_SIZE) | ENTRY_TABLE;
    tables[PAGE_SIZE / 8] = (HELLO_PAGE_TABLES + 2 * PAGE_SIZE) | ENTRY_TABLE;
    tables[2 * PAGE_SIZE / 8] = ENTRY_PAGE_2M;
    memcpy(memory + HELLO_CODE, hello_start, (size_t)(hello_end - hello_start));
}

/* From a vCPU with its VMCS to the guest's end. */
static const char *run(struct vcpu *vcpu)
{
    static const struct vcpu_start start = {
        .cr0 = CR0_PE | CR0_PG | CR0_ET,
        .cr3 = HELLO_PAGE_TABLES,
        .cr4 = CR4_PAE,
        .efer = EFER_LME | EFER_LMA,
        .rip = HELLO_CODE,
        .rsp = HELLO_BYTES,
        .code = {CODE_SELECTOR, 0, UINT32_MAX, RIGHTS_CODE_64},
        .stack = {DATA_SELECTOR, 0, UINT32_MAX, RIGHTS_DATA_32},
        .data = {DATA_SELECTOR, 0, UINT32_MAX, RIGHTS_DATA_32},
        .tr = {TSS_SELECTOR, 0, TSS_LIMIT, RIGHTS_TSS_BUSY},
    };

    if (!vmx_ok(vcpu_load(vcpu, &start)))
        return "its VMCS could not be written";
    vcpu_run(vcpu);
    if (vcpu->end != GUEST_END_CALL)
        return "it came to another end than its own call";
    if (memcmp(vm_memory(vcpu->vm, HELLO_DATA, ANSWER), HYPERVISOR_SIGNATURE, ANSWER) != 0)
        return "CPUID did not give this hypervisor's signature, or a register came back changed";
    return hello_ok;
}

static const char *create_and_run(struct hello *hello, struct vmx_cpu *cpu)
{
    struct vcpu *vcpu = &hello->vcpu;
    const char *wrong;

    if (!vm_create(&hello->vm, &hello_policy))
        return "no memory for it";
    vcpu_init(vcpu, &hello->vm, cpu);
    vcpu_controls_adjust(hello_policy.controls, &cpu->config, &vcpu->capability, vcpu->controls);
    if ((vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_EPT) == 0)
        return hello_without_ept;
    vcpu->exits_left = EXITS_MAX;
    vcpu->timer = TIME_MAX >> vcpu->capability.preemption_timer_shift;
    if (!vcpu_create(vcpu) ||
        !vm_create_memory(&hello->vm, HELLO_BYTES, &vcpu->capability, &cpu->memory_types))
        return "no memory for it";
    write_memory(phys_to_virt(hello->vm.memory));
    wrong = run(vcpu);
    (void)vmclear(vcpu->vmcs.address);
    (void)vmptrld(cpu->vmcs_region.address);
    return wrong;
}

const char *hello_run(struct vmx_cpu *cpu)
{
    const int order = get_order(sizeof(struct hello));
    uint64_t pages = pages_alloc(order);
    struct hello *hello = pages != 0 ? phys_to_virt(pages) : NULL;
    const char *wrong;

    if (hello == NULL)
        return "no memory for it";
    wrong = create_and_run(hello, cpu);
    vmx_region_free(&hello->vcpu.vmcs);
    vm_free(&hello->vm);
    pages_free(pages, order);
    return wrong;
}
