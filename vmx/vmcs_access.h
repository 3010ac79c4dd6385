/*
 * Fields of the current VMCS, each by its width: vmcs_read16(VMCS_GUEST_CS_SELECTOR),
 * vmcs_write_natural(VMCS_GUEST_RIP, rip). A field of another width, a write to a read-only field
 * and an encoding that is not a constant do not compile.
 *
 * Each is one instruction and no branch, for the way from a VM exit to the next VM entry. VMREAD
 * and VMWRITE can fail there for one reason only, that the processor has no such field
 * (VM-instruction error 12): there is a current VMCS, or there had been no exit. So whoever uses
 * these proves once, when the VMCS is set up, that the field exists: vmcs_field_exists(), or the
 * checked vmwrite() of vmx/vmx_result.h. A failed VMREAD gives no value at all.
 *
 * SDM Vol. 3, "VMREAD, VMWRITE, and Encodings of VMCS Fields".
 */
#ifndef VMX_VMCS_ACCESS_H
#define VMX_VMCS_ACCESS_H

#include <stdint.h>

#include "lib/x86_vmx.h"
#include "vmx/vmcs_field.h"

#define VMCS_ASSERT_WIDTH(field, width) \
    _Static_assert(((field) >> 13 & 3) == (width), "this VMCS field has another width")

#define VMCS_ASSERT_WRITABLE(field) \
    _Static_assert(((field) >> 10 & 3) != VMCS_TYPE_READ_ONLY, "this VMCS field is read-only")

#define VMCS_READ(field, width, type)    \
    ({                                   \
        VMCS_ASSERT_WIDTH(field, width); \
        (type) x86_vmread_bare(field);   \
    })

#define VMCS_WRITE(field, width, type, value)   \
    ({                                          \
        VMCS_ASSERT_WIDTH(field, width);        \
        VMCS_ASSERT_WRITABLE(field);            \
        x86_vmwrite_bare(field, (type)(value)); \
    })

#define vmcs_read16(field)       VMCS_READ(field, VMCS_WIDTH_16, uint16_t)
#define vmcs_read32(field)       VMCS_READ(field, VMCS_WIDTH_32, uint32_t)
#define vmcs_read64(field)       VMCS_READ(field, VMCS_WIDTH_64, uint64_t)
#define vmcs_read_natural(field) VMCS_READ(field, VMCS_WIDTH_NATURAL, uint64_t)

#define vmcs_write16(field, value)       VMCS_WRITE(field, VMCS_WIDTH_16, uint16_t, value)
#define vmcs_write32(field, value)       VMCS_WRITE(field, VMCS_WIDTH_32, uint32_t, value)
#define vmcs_write64(field, value)       VMCS_WRITE(field, VMCS_WIDTH_64, uint64_t, value)
#define vmcs_write_natural(field, value) VMCS_WRITE(field, VMCS_WIDTH_NATURAL, uint64_t, value)

#endif
