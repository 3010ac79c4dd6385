/*
 * The self-test of the VMCS fields: VMREAD of every encoding there is, all widths, types, indexes
 * and both access types, against what vmx/vmcs_fields.def predicts for this processor.
 *
 * SDM Vol. 3, "VMREAD, VMWRITE, and Encodings of VMCS Fields"; appendix "Field Encoding in VMCS";
 * "VMCS Enumeration".
 */
#ifndef VMX_SELFTEST_FIELDS_H
#define VMX_SELFTEST_FIELDS_H

#include "vmx/selftest/selftest.h"

/*
 * Adds to `selftest` a row for each width and type (its values are how many encodings can be read,
 * predicted and seen), a row for each field that is there or not against the prediction, and one
 * for IA32_VMX_VMCS_ENUM. What vmx/selftest/departures.def knows of the machine below
 * agrees, and is reported. The CPU that runs this is LOADED; its VMCS is read only.
 */
void selftest_fields_run(struct vmx_cpu *cpu, struct selftest *selftest);

#endif
