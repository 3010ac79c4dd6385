#include "vm/guests/probed.h"

/* The exit qualification of INVLPG is the linear address. */
static const struct probe invlpg_probes[] = {
    {"INVLPG", EXIT_REASON_INVLPG, GUEST_ARRAY + 0x123, .done = EXIT_EMULATED},
    {.instruction = "INVLPG without an exit"},
};

PROBED_GUEST(1010, invlpg, "invlpg", "Invalidates one page, with INVLPG exiting and without.", NULL,
             .on[VMX_CONTROL_PRIMARY] = PRIMARY_INVLPG_EXITING);

/*
 * INVPCID exits with INVLPG. The qualification is the displacement. SDM Vol. 3, "Format of the
 * VM-Exit Instruction-Information Field as Used for INVEPT, INVPCID, and INVVPID": address size in
 * 9:7, segment in 17:15, base in 26:23, the type's register in 31:28.
 */
#define INVPCID_MASK        (7u << 7 | 7u << 15 | 15u << 23 | 15u << 28)
#define INVPCID_INFORMATION (2u << 7 | 3u << 15 | VCPU_RBX << 23 | VCPU_RDX << 28)

static const struct probe invpcid_probes[] = {
    {"INVPCID", EXIT_REASON_INVPCID, 0x50, .information_mask = INVPCID_MASK,
     .information = INVPCID_INFORMATION, .done = EXIT_EMULATED},
    {.instruction = "INVPCID that is not enabled", .fault = PROBE_FAULT_UD},
};

PROBED_GUEST(1020, invpcid, "invpcid",
             "Invalidates by process-context identifiers; then has no INVPCID.", NULL,
             .on[VMX_CONTROL_PRIMARY] = PRIMARY_INVLPG_EXITING,
             .on[VMX_CONTROL_SECONDARY] = SECONDARY_ENABLE_INVPCID);
