#include "vm/guests/test_guests.h"

enum { XSAVE_HEADER_END = 576 };

/* What a reset leaves: SDM Vol. 3, table "IA-32 and Intel 64 Processor States Following Power-up,
 * Reset, or INIT"; Vol. 1, "Layout of the 64-bit mode FXSAVE64 Map": FCW, FSW and FTW, MXCSR, ST0
 * to XMM15. */
static const uint64_t reset_dr6_dr7[] = {0xffff0ff0, 0x400};
static const uint16_t reset_x87[] = {0x37f, 0, 0};
enum { FXSAVE_MXCSR = 24, FXSAVE_REGISTERS = 32, FXSAVE_REGISTERS_BYTES = 384 };
#define X87_TEXT "x87 or SSE did not begin with the control and status words of a reset"

static const struct wanted_memory reset[] = {
    {FOUND_GENERAL, 8, NULL, "a general register was not 0 at first"},
    {FOUND_CR2, 16, NULL, "CR2 or CR8 was not 0 at first"},
    {FOUND_DR0, 32, NULL, "a breakpoint's address was not 0 at first"},
    {FOUND_DR6, 16, reset_dr6_dr7, "DR6 or DR7 was not at first what a reset leaves there"},
    {FOUND_GS_KERNEL, 8, NULL, "IA32_KERNEL_GS_BASE was not 0 at first"},
    {FOUND_FXSAVE, 5, reset_x87, X87_TEXT},
    WORD(FOUND_FXSAVE + FXSAVE_MXCSR, 0x1f80, X87_TEXT),
    {FOUND_FXSAVE + FXSAVE_REGISTERS, FXSAVE_REGISTERS_BYTES, NULL,
     "ST0 to ST7 or XMM0 to XMM15 held what somebody had left there"},
};

/* What stands after the header is 0 in every initial configuration; so is what no state uses. */
static const char *check_found(const struct vcpu *vcpu)
{
    uint32_t bytes = cpuid(CPUID_LEAF_XSAVE, 0).ecx; /* of an area of all there is */
    const uint8_t *area = vm_memory(vcpu->vm, FOUND_XSAVE, bytes);

    if ((cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE) == 0)
        return NULL;
    if (*guest_quadword(vcpu, FOUND_XCR0) != 1)
        return "XCR0 was not 1 at first, as a reset leaves it";
    if (area == NULL || bytes < XSAVE_HEADER_END)
        return "CPUID leaf 0xd tells of an XSAVE area that cannot be";
    for (size_t i = XSAVE_HEADER_END; i < bytes; i++) {
        if (area[i] != 0)
            return "AVX or later state held what somebody had left there";
    }
    return NULL;
}

GUEST(0500, registers_left, GUEST_LONG, "registers-left",
      "Leaves a value in every register that VM exits leave alone.");

GUEST(0510, registers_found, GUEST_LONG, "registers-found",
      "Finds every register as after a reset, whoever was here before.", .check = check_found,
      MEMORY_IN(reset));
