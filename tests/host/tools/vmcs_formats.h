/*
 * VMCSs written as others print them, from an image: what tools/vmcheck is to read back.
 */
#ifndef TESTS_HOST_TOOLS_VMCS_FORMATS_H
#define TESTS_HOST_TOOLS_VMCS_FORMATS_H

#include "lib/format.h"
#include "vmx/vmcs_image.h"

enum text_format {
    TEXT_SDM,       /* the manual's names, `:` */
    TEXT_LINUX,     /* GUEST_CR0 0x… */
    TEXT_WINDOWS,   /* kGuestCr0 = 00000000`80050033 */
    TEXT_IA32_DOC,  /* VMCS_GUEST_CR0 | … */
    TEXT_ENCODINGS, /* 0x6800 = 0x… */
    TEXT_ROOTMODE,  /* dump=vmcs */
    TEXT_JSON,      /* of Rootmode's report */
    TEXT_KVM_4,     /* Linux 4.x */
    TEXT_KVM_6,     /* Linux 6.x, in dmesg */
    TEXT_XEN,
    TEXT_FORMAT_COUNT,
};

/* Does the format show every field of the image? */
bool vmcs_text_shows_all(enum text_format format);

void vmcs_text_write(enum text_format format, const struct vmcs_image *image, struct sink *sink);

#endif
