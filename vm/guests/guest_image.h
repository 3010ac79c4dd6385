/*
 * A guest's memory as it starts: descriptor tables, page tables and code, at the places that
 * vm/guests/guest.h names.
 */
#ifndef VM_GUEST_IMAGE_H
#define VM_GUEST_IMAGE_H

#include "vm/guests/guest.h"

/* `memory` is GUEST_MEMORY_BYTES of zeros. False when the code does not fit. */
bool guest_image_write(const struct guest *guest, uint8_t *memory);

/* What it begins with. */
struct vcpu_start guest_start(enum guest_mode mode);

#endif
