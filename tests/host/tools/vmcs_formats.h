/*
 * VMCSs written as others print them, from an image: what tools/vmcheck is to read back.
 */
#pragma once

#include "lib/format.h"
#include "vmx/vmcs_image.h"

enum text_format {
    TEXT_SDM,       /* the manual's names, `:` */
    TEXT_LINUX,     /* GUEST_CR0 0x… */
    TEXT_WINDOWS,   /* kGuestCr0 = 00000000`80050033 */
    TEXT_IA32_DOC,  /* VMCS_GUEST_CR0 | … */
    TEXT_ENCODINGS, /* 0x6800 = 0x… */
    TEXT_HAXM,      /* haxm_warning: 6800 GUEST_CR0: … */
    TEXT_VMCS_RUST, /* Vmcs { Guest CR0: : 0x…, */
    TEXT_HVEXT,     /* 0x… Guest CR0 */
    TEXT_ROOTMODE,  /* dump=vmcs */
    TEXT_JSON,      /* of Rootmode's report */
    TEXT_KVM_4,     /* Linux 4.x */
    TEXT_KVM_6,     /* Linux 6.x, in dmesg */
    TEXT_XEN,
    TEXT_BHYVE,
    TEXT_BOCHS, /* what it has read of a VMCS: a 0 is no value */
    TEXT_QEMU,  /* this and the following: what the guest sees of CR0 and CR4 */
    TEXT_RUST,  /* KVM_GET_REGS, KVM_GET_SREGS */
    TEXT_VIRTUALBOX,
    TEXT_FORMAT_COUNT,
};

/* Does the format show every field of the image? */
bool vmcs_text_shows_all(enum text_format format);

/* May what is read differ from what the image has? */
bool vmcs_text_alters(enum text_format format);

void vmcs_text_write(enum text_format format, const struct vmcs_image *image, struct sink *sink);

/* From BHYVE on. */
void vmcs_text_write_registers(enum text_format format, const struct vmcs_image *image,
                               struct sink *sink);
