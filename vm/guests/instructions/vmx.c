#include "vm/guests/probed.h"

/*
 * The exit qualification of a memory operand is its displacement. SDM Vol. 3, "Format of the
 * VM-Exit Instruction-Information Field as Used for VMCLEAR, VMPTRLD, VMPTRST, VMXON, XRSTORS, and
 * XSAVES", and of its neighbours: scaling in 1:0, address size in 9:7, bit 10 a register operand
 * (VMREAD, VMWRITE; then it stands in 6:3), segment in 17:15, index in 21:18 (22: none), base in
 * 26:23 (27: none), and in 31:28 the other register. What is not there is undefined.
 */
#define ADDRESS_64       (2u << 7)
#define SEGMENT_DS       (3u << 15)
#define INDEX(register)  ((register) << 18)
#define NO_INDEX         (1u << 22)
#define BASE(register)   ((uint32_t)(register) << 23)
#define NO_BASE          (1u << 27)
#define SECOND(register) ((uint32_t)(register) << 28)
#define SCALE_8          3u

#define MASK_COMMON (7u << 7 | 7u << 15 | NO_INDEX | NO_BASE)
#define MASK_BASE   (MASK_COMMON | 15u << 23)
#define MASK_INDEX  (MASK_BASE | 15u << 18 | 3u)
#define MASK_SECOND (15u << 28)

#define REGISTER_FORM   (1u << 10)
#define FIRST(register) ((uint32_t)(register) << 3)
#define MASK_REGISTERS  (REGISTER_FORM | 15u << 3 | MASK_SECOND)
#define AT_RBX          ADDRESS_64 | SEGMENT_DS | NO_INDEX | BASE(VCPU_RBX)

/*
 * Without a displacement the manual has 0 in the qualification. Bochs 2.7 leaves the displacement
 * there that its decoder last put in that place, so it is not compared.
 */
#define REGISTER_OPERAND .qualification_any = true, .information_mask = MASK_REGISTERS

#define UD .done = EXIT_INJECTED, .fault = PROBE_FAULT_UD

static const struct probe vmx_probes[] = {
    {"VMXON", EXIT_REASON_VMXON, 0, .information_mask = MASK_BASE, .information = AT_RBX, UD},
    {"VMCLEAR", EXIT_REASON_VMCLEAR, 0x10, .information_mask = MASK_BASE, .information = AT_RBX,
     UD},
    {"VMPTRLD", EXIT_REASON_VMPTRLD, (uint64_t)-8, .information_mask = MASK_INDEX,
     .information = ADDRESS_64 | SEGMENT_DS | BASE(VCPU_RBX) | INDEX(9u) | SCALE_8, UD},
    {"VMPTRST", EXIT_REASON_VMPTRST, PROBE_SCRATCH, .information_mask = MASK_COMMON,
     .information = ADDRESS_64 | SEGMENT_DS | NO_INDEX | NO_BASE, UD},
    {"VMREAD to a register", EXIT_REASON_VMREAD, REGISTER_OPERAND,
     .information = REGISTER_FORM | FIRST(VCPU_RDI) | SECOND(VCPU_RSI), UD},
    {"VMREAD to memory", EXIT_REASON_VMREAD, 0x28,
     .information_mask = MASK_BASE | REGISTER_FORM | MASK_SECOND,
     .information = AT_RBX | SECOND(VCPU_RSI), UD},
    {"VMWRITE", EXIT_REASON_VMWRITE, REGISTER_OPERAND,
     .information = REGISTER_FORM | FIRST(VCPU_RDI) | SECOND(VCPU_RSI), UD},
    {"VMLAUNCH", EXIT_REASON_VMLAUNCH, UD},
    {"VMRESUME", EXIT_REASON_VMRESUME, UD},
    {"VMXOFF", EXIT_REASON_VMXOFF, UD},
};

PROBED_GUEST(0790, vmx, "vmx", "Tries the VMX instructions; CPUID hides VMX, so each is #UD.",
             NULL);

static const struct probe invept_probes[] = {
    {"INVEPT", EXIT_REASON_INVEPT, 0x30, .information_mask = MASK_BASE | MASK_SECOND,
     .information = AT_RBX | SECOND(VCPU_RCX), UD},
};

static const char *lacks_invept(const struct vmx_capability *capability)
{
    return capability->invept ? NULL : "INVEPT";
}

PROBED_GUEST(0800, invept, "invept", "Tries to invalidate translations of EPT: #UD.", NULL,
             .lacks = lacks_invept);

static const struct probe invvpid_probes[] = {
    {"INVVPID", EXIT_REASON_INVVPID, 0x40, .information_mask = MASK_BASE | MASK_SECOND,
     .information = AT_RBX | SECOND(VCPU_RDX), UD},
};

static const char *lacks_invvpid(const struct vmx_capability *capability)
{
    return capability->invvpid ? NULL : "INVVPID";
}

PROBED_GUEST(0810, invvpid, "invvpid", "Tries to invalidate translations of a VPID: #UD.", NULL,
             .lacks = lacks_invvpid);

/* SDM Vol. 3, "VM Functions": without "enable VM functions" it is #UD, not an exit. */
static const struct probe vmfunc_probes[] = {
    {.instruction = "VMFUNC", .fault = PROBE_FAULT_UD},
};

PROBED_GUEST(0820, vmfunc, "vmfunc",
             "Asks for a VM function where there is none: #UD without an exit.", NULL);
