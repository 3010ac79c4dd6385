#include "vm/linux/icr.h"

/* Of the ICR. */
enum {
    ICR_DELIVERY_SHIFT = 8,
    ICR_DELIVERY = 7,
    ICR_DELIVERY_INIT = 5,
    ICR_DELIVERY_STARTUP = 6,
    ICR_LOGICAL = 1 << 11,
    ICR_LEVEL = 1 << 15,
    ICR_SHORTHAND_SHIFT = 18,
    ICR_SHORTHAND = 3,
};
enum { TO_ONE, TO_SELF, TO_ALL, TO_OTHERS }; /* shorthands */

#define XAPIC_EVERYONE 0xffu
#define EVERYONE       UINT32_MAX

enum icr_command icr_command(uint64_t icr)
{
    unsigned delivery = icr >> ICR_DELIVERY_SHIFT & ICR_DELIVERY;

    if (delivery == ICR_DELIVERY_STARTUP)
        return ICR_STARTS;
    if (delivery != ICR_DELIVERY_INIT)
        return ICR_INTERRUPTS;
    return (icr & (ICR_LEVEL | ICR_ASSERT)) == ICR_LEVEL ? ICR_INIT_ENDS : ICR_INITS;
}

uint64_t icr_of_xapic(uint32_t high, uint32_t low)
{
    uint64_t destination = high >> 24;

    return (destination == XAPIC_EVERYONE ? EVERYONE : destination) << 32 | low;
}

bool icr_reaches(uint64_t icr, uint32_t sender, uint32_t target)
{
    uint32_t destination = (uint32_t)(icr >> 32);

    switch (icr >> ICR_SHORTHAND_SHIFT & ICR_SHORTHAND) {
    case TO_SELF:
        return target == sender;
    case TO_ALL:
        return true;
    case TO_OTHERS:
        return target != sender;
    default:
        return (icr & ICR_LOGICAL) == 0 && (destination == EVERYONE || destination == target);
    }
}
