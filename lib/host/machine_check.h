/*
 * What the processor's machine-check banks hold. SDM Vol. 3, "Machine-Check Architecture".
 */
#ifndef LIB_HOST_MACHINE_CHECK_H
#define LIB_HOST_MACHINE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* "Machine-Check Error-Reporting Register Banks": each has four MSRs. */
enum {
    IA32_MCG_CAP = 0x179,
    IA32_MCG_STATUS = 0x17a,
    IA32_MC0_STATUS = 0x401,
    IA32_MC0_ADDR = 0x402,
    MSRS_OF_A_BANK = 4,
};

#define MC_STATUS_VALID (1ull << 63)

/* A bank that holds an error. */
struct machine_check {
    bool found;
    uint32_t bank;
    uint64_t status; /* IA32_MCi_STATUS */
};

/* The first one from bank `from` on. */
struct machine_check machine_check_find(uint32_t from);

/* How many banks there are to be read; 0 without the architecture. */
uint32_t machine_check_banks(void);

#endif
