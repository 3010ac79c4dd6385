#include "vm/vm.h"

#include "lib/string.h"

/* SDM Vol. 3, "MSR-Bitmap Address": four parts, reads before writes, low MSRs before high ones. */
enum { MSR_BITMAP_WRITES = 2048, MSR_BITMAP_HIGH = 1024, MSR_BITMAP_MSRS = 0x2000 };
#define MSR_HIGH_FIRST 0xc0000000u

enum { IO_BITMAP_ORDER = 1 };

static bool create_bitmaps(struct vm *vm)
{
    int exits = vm->policy->owns_machine ? 0 : 0xff;

    vm->msr_bitmap = page_cache_alloc(&vm->pages);
    vm->io_bitmap = pages_alloc(IO_BITMAP_ORDER);
    if (vm->msr_bitmap == 0 || vm->io_bitmap == 0)
        return false;
    memset(phys_to_virt(vm->msr_bitmap), exits, PAGE_SIZE);
    memset(phys_to_virt(vm->io_bitmap), exits, PAGE_SIZE << IO_BITMAP_ORDER);
    return true;
}

static void compile_ports(struct vm *vm)
{
    const struct vm_policy *policy = vm->policy;

    for (uint32_t i = 0; i < policy->port_count; i++) {
        for (uint32_t port = policy->ports[i].first; port <= policy->ports[i].last; port++)
            vm_port_exits(vm, (uint16_t)port, policy->owns_machine);
    }
}

/* An MSR that has a rule exits. Of two that share a place exit_rdmsr() finds one by search. */
static void compile_msrs(struct vm *vm)
{
    static const struct msr_rule no_msr = {UINT32_MAX, msr_read_fault, msr_write_fault, 0};
    const struct vm_policy *policy = vm->policy;

    for (uint32_t i = 0; i < VM_MSR_SLOTS; i++)
        vm->msr_rule[i] = &no_msr;
    for (uint32_t i = 0; i < policy->msr_count; i++) {
        *vm_msr_slot(vm, policy->msrs[i].msr) = &policy->msrs[i];
        vm_msr_exits(vm, policy->msrs[i].msr, policy->msrs[i].read != NULL, true);
    }
}

static void compile_exits(struct vm *vm)
{
    for (uint32_t i = 0; i < EXIT_HANDLERS; i++)
        vm->handlers[i] = exit_handler_of(i);
    for (uint32_t i = 0; i < vm->policy->exit_count; i++)
        vm->handlers[vm->policy->exits[i].reason] = vm->policy->exits[i].handler;
}

bool vm_create(struct vm *vm, const struct vm_policy *policy)
{
    vm->policy = policy;
    vm->cpuid_mask = policy->cpuid_mask != NULL ? policy->cpuid_mask(policy) : UINT32_MAX;
    compile_exits(vm);
    if (!create_bitmaps(vm))
        return false;
    compile_msrs(vm);
    compile_ports(vm);
    return true;
}

void vm_free(struct vm *vm)
{
    if (vm->io_bitmap != 0)
        pages_free(vm->io_bitmap, IO_BITMAP_ORDER);
    if (vm->memory != 0)
        pages_free(vm->memory, get_order(vm->memory_bytes));
    vm->io_bitmap = vm->memory = 0;
    page_cache_free(&vm->pages);
}

bool vm_create_memory(struct vm *vm, uint64_t bytes, const struct vmx_capability *capability,
                      const struct memory_types_state *cached)
{
    const struct ept_memory_types types = {memory_type_mtrr, cached};

    vm->memory = pages_alloc(get_order(bytes));
    vm->memory_bytes = bytes;
    if (vm->memory == 0 || capability == NULL)
        return vm->memory != 0;
    if (ept_init(&vm->ept, capability, cached->physical_width, &vm->pages) != MAP_OK)
        return false;
    vm->eptp = ept_pointer(&vm->ept);
    return ept_map_by_type(&vm->ept, 0, vm->memory, bytes, EPT_ALL, &types) == MAP_OK;
}

void *vm_memory(const struct vm *vm, uint64_t address, uint64_t bytes)
{
    if (address > vm->memory_bytes || bytes > vm->memory_bytes - address)
        return NULL;
    return phys_to_virt(vm->memory + address);
}

static void bitmap_set(uint8_t *bitmap, uint32_t bit, bool on)
{
    uint8_t mask = (uint8_t)(1u << bit % 8);

    bitmap[bit / 8] = (uint8_t)(on ? bitmap[bit / 8] | mask : bitmap[bit / 8] & ~mask);
}

void vm_port_exits(struct vm *vm, uint16_t port, bool exits)
{
    bitmap_set(phys_to_virt(vm->io_bitmap), port, exits);
}

void vm_msr_exits(struct vm *vm, uint32_t msr, bool reads, bool writes)
{
    uint8_t *bitmap = phys_to_virt(vm->msr_bitmap);
    uint32_t number = msr;

    if (msr >= MSR_HIGH_FIRST) {
        number -= MSR_HIGH_FIRST;
        bitmap += MSR_BITMAP_HIGH;
    }
    if (number >= MSR_BITMAP_MSRS)
        return; /* outside of both ranges an access always exits */
    bitmap_set(bitmap, number, reads);
    bitmap_set(bitmap + MSR_BITMAP_WRITES, number, writes);
}
