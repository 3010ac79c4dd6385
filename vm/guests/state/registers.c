#include "vm/guests/state/state.h"
#include "lib/string.h"
#include "vm/guests/test_guests.h"

enum { XSAVE_HEADER_END = 576 };

/* SDM Vol. 1, "Layout of the 64-bit mode FXSAVE64 Map", and what a reset leaves there. */
struct fxsave {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t registers[384]; /* ST0 to ST7, XMM0 to XMM15 */
};

static bool all_zero(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static const char *check_legacy(const struct fxsave *area)
{
    if (area->fcw != 0x37f || area->fsw != 0 || area->ftw != 0 || area->mxcsr != 0x1f80)
        return "x87 or SSE did not begin with the control and status words of a reset";
    return all_zero(area->registers, sizeof(area->registers))
               ? NULL
               : "ST0 to ST7 or XMM0 to XMM15 held what somebody had left there";
}

/* What stands after the header is 0 in every initial configuration; so is what no state uses. */
static const char *check_extended(const struct vcpu *vcpu)
{
    uint32_t bytes = cpuid(CPUID_LEAF_XSAVE, 0).ecx; /* of an area of all there is */
    const uint8_t *area = vcpu_memory(vcpu, FOUND_XSAVE, bytes);

    if (*guest_quadword(vcpu, FOUND_XCR0) != 1)
        return "XCR0 was not 1 at first, as a reset leaves it";
    if (area == NULL || bytes < XSAVE_HEADER_END)
        return "CPUID leaf 0xd tells of an XSAVE area that cannot be";
    return all_zero(area + XSAVE_HEADER_END, bytes - XSAVE_HEADER_END)
               ? NULL
               : "AVX or later state held what somebody had left there";
}

/* SDM Vol. 3, table "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT". */
static const char *check_found(const struct vcpu *vcpu)
{
    const char *wrong = NULL;

    if (*guest_quadword(vcpu, FOUND_GENERAL) != 0)
        return "a general register was not 0 at first";
    if (*guest_quadword(vcpu, FOUND_CR2) != 0 || *guest_quadword(vcpu, FOUND_CR8) != 0)
        return "CR2 or CR8 was not 0 at first";
    for (uint64_t i = 0; i < 4; i++) {
        if (*guest_quadword(vcpu, FOUND_DR0 + 8 * i) != 0)
            return "a breakpoint's address was not 0 at first";
    }
    if (*guest_quadword(vcpu, FOUND_DR6) != 0xffff0ff0 || *guest_quadword(vcpu, FOUND_DR7) != 0x400)
        return "DR6 or DR7 was not at first what a reset leaves there";
    if (*guest_quadword(vcpu, FOUND_GS_KERNEL) != 0)
        return "IA32_KERNEL_GS_BASE was not 0 at first";
    wrong = check_legacy(vcpu_memory(vcpu, FOUND_FXSAVE, sizeof(struct fxsave)));
    if (wrong == NULL && (cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE) != 0)
        wrong = check_extended(vcpu);
    return wrong;
}

BUILT_IN_GUEST(0500, registers_left, GUEST_LONG, "registers-left",
               "Leaves a value in every register that VM exits leave alone.");

BUILT_IN_GUEST(0510, registers_found, GUEST_LONG, "registers-found",
               "Finds every register as after a reset, whoever was here before.",
               .check = check_found);
