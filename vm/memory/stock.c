#include "vm/memory/stock.h"

#include "mm/direct_map.h"
#include "mm/page_alloc.h"

/* The list of owned pages is a block of its own. */
enum { LIST_ORDER = 2, LIST_ROOM = (4096 << LIST_ORDER) / sizeof(uint64_t) };

uint64_t stock_page(struct vcpu *vcpu)
{
    uint64_t page;

    if (vcpu->owned == 0)
        vcpu->owned = pages_alloc(LIST_ORDER);
    if (vcpu->owned == 0 || vcpu->owned_count == LIST_ROOM)
        return 0;
    page = pages_alloc(0);
    if (page != 0)
        ((uint64_t *)phys_to_virt(vcpu->owned))[vcpu->owned_count++] = page;
    return page;
}

void stock_fill(struct vcpu *vcpu)
{
    while (vcpu->stock_count < VCPU_STOCK) {
        uint64_t page = stock_page(vcpu);

        if (page == 0)
            return;
        vcpu->stock[vcpu->stock_count++] = page;
    }
}

uint64_t stock_take(struct vcpu *vcpu)
{
    if (__builtin_expect(vcpu->stock_count == 0, 0))
        return stock_page(vcpu);
    return vcpu->stock[--vcpu->stock_count];
}

void stock_free(struct vcpu *vcpu)
{
    if (vcpu->owned == 0)
        return;
    for (uint32_t i = 0; i < vcpu->owned_count; i++)
        pages_free(((uint64_t *)phys_to_virt(vcpu->owned))[i], 0);
    pages_free(vcpu->owned, LIST_ORDER);
    vcpu->owned = 0;
    vcpu->owned_count = 0;
    vcpu->stock_count = 0;
}
