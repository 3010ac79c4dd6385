#include "vm/registers/registers.h"

#define CR3_PCID 0xfffull

/* SDM Vol. 3, "PAE Paging": a change of one of these loads the PDPTEs. */
#define CR0_LOADS_PDPTES (CR0_CD | CR0_NW | CR0_PG)
#define CR4_LOADS_PDPTES (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP)

static bool is_long(const struct control_registers *registers)
{
    return (registers->efer & EFER_LMA) != 0;
}

/* "If … CS.L is 1", or TR refers to a TSS of 16 bits: IA-32e mode cannot be entered. */
static bool may_enter_ia32e_mode(const struct control_registers *now)
{
    return (now->cr4 & CR4_PAE) != 0 && (now->cs_rights & RIGHTS_L) == 0 &&
           (now->tr_rights & RIGHTS_TYPE & ~RIGHTS_TSS_IS_BUSY) != RIGHTS_TYPE_TSS_16;
}

/* With PCIDs paging stays on, and so it does in 64-bit mode. */
static bool may_stop_paging(const struct control_registers *now)
{
    return (now->cr4 & CR4_PCIDE) == 0 && !(is_long(now) && (now->cs_rights & RIGHTS_L) != 0);
}

bool cr0_may_become(const struct control_registers *now, uint64_t value)
{
    bool starts = (value & ~now->cr0 & CR0_PG) != 0, stops = (now->cr0 & ~value & CR0_PG) != 0;

    if (value >> 32 != 0 || (value & (CR0_PG | CR0_PE)) == CR0_PG ||
        (value & (CR0_NW | CR0_CD)) == CR0_NW ||
        ((value & CR0_WP) == 0 && (now->cr4 & CR4_CET) != 0))
        return false;
    if (starts && (now->efer & EFER_LME) != 0 && !may_enter_ia32e_mode(now))
        return false;
    return !stops || may_stop_paging(now);
}

bool cr3_may_become(const struct control_registers *now, uint64_t value,
                    unsigned physical_address_width)
{
    if ((now->cr4 & CR4_PCIDE) != 0)
        value &= ~CR3_NO_FLUSH;
    return value >> physical_address_width == 0;
}

bool cr4_may_become(const struct control_registers *now, uint64_t value, uint64_t supported)
{
    uint64_t changed = value ^ now->cr4;

    if ((value & ~supported) != 0 || ((value & CR4_CET) != 0 && (now->cr0 & CR0_WP) == 0))
        return false;
    if (!is_long(now))
        return (value & CR4_PCIDE) == 0;
    if ((value & CR4_PAE) == 0 || (changed & CR4_LA57) != 0)
        return false;
    return (value & changed & CR4_PCIDE) == 0 || (now->cr3 & CR3_PCID) == 0;
}

bool control_registers_pae(const struct control_registers *registers)
{
    return !is_long(registers) && (registers->cr0 & CR0_PG) != 0 && (registers->cr4 & CR4_PAE) != 0;
}

bool control_registers_load_pdptes(const struct control_registers *before,
                                   const struct control_registers *after)
{
    return control_registers_pae(after) && (((before->cr0 ^ after->cr0) & CR0_LOADS_PDPTES) != 0 ||
                                            ((before->cr4 ^ after->cr4) & CR4_LOADS_PDPTES) != 0);
}

bool pdpte_is_valid(uint64_t pdpte, unsigned physical_address_width)
{
    return (pdpte & PDPTE_PRESENT) == 0 ||
           ((pdpte & PDPTE_RESERVED) == 0 && pdpte >> physical_address_width == 0);
}
