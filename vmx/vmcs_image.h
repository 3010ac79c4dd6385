/*
 * A VMCS as plain data, which can be made, checked, changed, reported and compared without touching
 * the processor: a snapshot, or the state before the first VM entry.
 */
#pragma once

#include "vmx/capability/vmx_controls.h"
#include "vmx/vmcs_field.h"
#include "vmx/vmx_result.h"

struct vmcs_image {
    uint64_t value[VMCS_FIELD_COUNT]; /* by row of vmcs_field_table */
    bool present[VMCS_FIELD_COUNT];
};

/* The field's value in the image; NULL where it has none. */
static inline const uint64_t *vmcs_image_find(const struct vmcs_image *image, enum vmcs_field field)
{
    uint32_t index = vmcs_field_index(field);

    return index < VMCS_FIELD_COUNT && image->present[index] ? &image->value[index] : NULL;
}

static inline bool vmcs_image_has(const struct vmcs_image *image, enum vmcs_field field)
{
    return vmcs_image_find(image, field) != NULL;
}

/* The field's value, 0 where the image has none. */
static inline uint64_t vmcs_image_get(const struct vmcs_image *image, enum vmcs_field field)
{
    const uint64_t *value = vmcs_image_find(image, field);

    return value != NULL ? *value : 0;
}

/* Cuts the value to the field's width; an encoding that the table does not have changes nothing. */
void vmcs_image_set(struct vmcs_image *image, enum vmcs_field field, uint64_t value);

/* The same for a field that the image has; any other changes nothing. */
void vmcs_image_put(struct vmcs_image *image, enum vmcs_field field, uint64_t value);

/* The segment registers in the order of their fields. */
enum { SEGMENT_ES, SEGMENT_CS, SEGMENT_SS, SEGMENT_DS, SEGMENT_FS, SEGMENT_GS };
enum { SEGMENT_LDTR = SEGMENT_GS + 1, SEGMENT_TR };

/* The field of a segment register, from that of ES: in each group they stand in that order. */
static inline enum vmcs_field vmcs_of_segment(enum vmcs_field of_es, unsigned segment)
{
    return (enum vmcs_field)(of_es + 2 * segment);
}

/*
 * SDM Vol. 3, "Guest Register State", table "Format of Access Rights": the type of a segment of
 * code or data (readable: of data, writable), and of the system; the other bits; and whole ones of
 * segments that are present and accessed, with DPL 0.
 */
enum { RIGHTS_TYPE = 0xf, RIGHTS_ACCESSED = 1, RIGHTS_READABLE = 2, RIGHTS_CODE = 8 };
enum { RIGHTS_TYPE_TSS_16 = 1, RIGHTS_TSS_IS_BUSY = 2, RIGHTS_TYPE_LDT = 2, RIGHTS_TYPE_TSS = 9 };
enum { RIGHTS_S = 1 << 4, RIGHTS_DPL = 3 << 5, RIGHTS_P = 1 << 7, RIGHTS_L = 1 << 13 };
enum { RIGHTS_DB = 1 << 14, RIGHTS_G = 1 << 15, RIGHTS_UNUSABLE = 1 << 16 };
enum { RIGHTS_CODE_64 = 0xa09b, RIGHTS_CODE_32 = 0xc09b, RIGHTS_CODE_16 = 0x9b };
enum { RIGHTS_DATA_32 = 0xc093, RIGHTS_DATA_16 = 0x93, RIGHTS_TSS_BUSY = 0x8b, RIGHTS_LDT = 0x82 };

enum { SELECTOR_RPL = 3, SELECTOR_TI = 4 };

/* SDM Vol. 3, "Guest Non-Register State": interruptibility, activity, pending debug exceptions. */
enum { BLOCKING_BY_STI = 1, BLOCKING_BY_MOV_SS = 2, BLOCKING_BY_SMI = 4, BLOCKING_BY_NMI = 8 };
enum { ENCLAVE_INTERRUPTION = 16 };
enum { ACTIVITY_ACTIVE, ACTIVITY_HLT, ACTIVITY_SHUTDOWN, ACTIVITY_WAIT_FOR_SIPI };
enum { PENDING_DEBUG_BS = 1 << 14, DEBUGCTL_BTF = 1 << 1 }; /* single step; on branches */

/* The limit that a VM exit gives TR: a TSS without I/O bitmap. */
enum { TSS_LIMIT = 0x67 };

/* The bits of an EPT pointer. SDM Vol. 3, table "Format of Extended-Page-Table Pointer". */
#define EPTP_MEMORY_TYPE    7ull /* bits 2:0: that of the tables; 0 UC, 6 WB */
#define EPTP_WALK_SHIFT     3    /* bits 5:3: the length of a page walk, less 1 */
#define EPTP_WALK           (7ull << EPTP_WALK_SHIFT)
#define EPTP_WALK_4         (3ull << EPTP_WALK_SHIFT)
#define EPTP_WALK_5         (4ull << EPTP_WALK_SHIFT)
#define EPTP_ACCESSED_DIRTY (1ull << 6)
#define EPTP_SHADOW_STACK   (1ull << 7) /* access rights of supervisor shadow-stack pages */
#define EPTP_TABLES         (~0xffful)  /* the physical address of the first table */

struct vmcs_segment {
    uint16_t selector;
    uint64_t base;
    uint32_t limit, rights;
};

/* Sets the fields of one segment register, or of all: LDTR becomes unusable. */
void vmcs_image_segment(struct vmcs_image *image, unsigned segment, struct vmcs_segment value);
void vmcs_image_segments(struct vmcs_image *image, struct vmcs_segment code,
                         struct vmcs_segment data, struct vmcs_segment tr);

/*
 * Sets the guest's registers that INIT sets and that every VMCS has, but for control registers:
 * real mode, at the reset vector. SDM Vol. 3, "Processor State After Reset".
 */
void vmcs_image_reset(struct vmcs_image *image);

/* The field of each word of controls. */
extern const enum vmcs_field vmx_control_field[VMX_CONTROL_WORD_COUNT];

/*
 * The state before the first VM entry: every field that the processor with `capability` has, but
 * for read-only ones. Host-state fields stay as the image has them, the control words are
 * `controls`, the guest is as after a reset, but for control registers; the rest is 0.
 */
void vmcs_image_init(struct vmcs_image *image, const struct vmx_capability *capability,
                     const uint32_t controls[VMX_CONTROL_WORD_COUNT]);

/*
 * Sets the host-state fields to what this CPU has, but for RSP, RIP and the SYSENTER registers,
 * which the kernel does not use.
 */
void vmcs_image_set_host(struct vmcs_image *image);

/*
 * Writes what is present in the image, the read-only fields excepted, to the current VMCS, up to
 * the first VMWRITE that does not succeed. That a field is not there is no failure where its value
 * is 0: a hypervisor below may lack some (vmx/selftest/departures.def).
 */
struct vmx_result vmcs_image_write(const struct vmcs_image *image);
