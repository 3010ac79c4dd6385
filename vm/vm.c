#include "vm/vm.h"

#include "lib/string.h"
#include "mm/page_alloc.h"

/* SDM Vol. 3, "MSR-Bitmap Address": four parts, reads before writes, low MSRs before high ones. */
enum { MSR_BITMAP_WRITES = 2048, MSR_BITMAP_HIGH = 1024, MSR_BITMAP_MSRS = 0x2000 };
#define MSR_HIGH_FIRST 0xc0000000u

enum { IO_BITMAP_ORDER = 1 };

bool vm_create(struct vm *vm)
{
    memcpy(vm->handlers, exit_handlers, sizeof(vm->handlers));
    vm->msr_bitmap = page_cache_alloc(&vm->pages);
    vm->io_bitmap = pages_alloc(IO_BITMAP_ORDER);
    if (vm->msr_bitmap == 0 || vm->io_bitmap == 0)
        return false;
    memset(phys_to_virt(vm->msr_bitmap), 0xff, PAGE_SIZE);
    memset(phys_to_virt(vm->io_bitmap), 0xff, PAGE_SIZE << IO_BITMAP_ORDER);
    return true;
}

void vm_free(struct vm *vm)
{
    if (vm->io_bitmap != 0)
        pages_free(vm->io_bitmap, IO_BITMAP_ORDER);
    vm->io_bitmap = 0;
    page_cache_free(&vm->pages);
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
