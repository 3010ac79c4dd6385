/*
 * Execute disable (XD, NX): page tables that say where nothing may be executed.
 *
 * SDM Vol. 4, "IA32_MISC_ENABLE", bit 34 (XD Bit Disable): firmware can set it, and then CPUID
 * shows no XD, IA32_EFER.NXE is reserved, and so is bit 63 of every paging-structure entry. The bit
 * can be cleared at any time, as Linux does.
 */
#ifndef MM_EXECUTE_DISABLE_H
#define MM_EXECUTE_DISABLE_H

enum execute_disable {
    EXECUTE_DISABLE_ABSENT,    /* this CPU has none: bit 63 must stay 0 */
    EXECUTE_DISABLE_ON,        /* IA32_EFER.NXE is set */
    EXECUTE_DISABLE_TURNED_ON, /* likewise, after IA32_MISC_ENABLE[34] was cleared */
};

/* On the CPU that asks; boot/ap_trampoline.S does the same before it can call this. */
enum execute_disable execute_disable_enable(void);

#endif
