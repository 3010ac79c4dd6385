/*
 * The value of a VMCS field in words: control words by the names of their controls, access rights,
 * activity and interruptibility states, events, exit information.
 *
 * SDM Vol. 3, "Guest Register State", table "Format of Access Rights"; "Guest Non-Register State",
 * tables "Format of Interruptibility State" and "Format of Pending-Debug-Exceptions";
 * "VM-Execution Control Fields"; "VM-Exit Information Fields".
 */
#ifndef VMX_VMCS_TEXT_H
#define VMX_VMCS_TEXT_H

#include "lib/format.h"
#include "vmx/vmcs_image.h"

/* Prints what the field's value in this image means; nothing where the number says it all. */
void vmcs_field_print(struct sink *sink, const struct vmcs_image *image, enum vmcs_field field);

#endif
