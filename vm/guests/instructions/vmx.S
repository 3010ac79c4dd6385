/*
 * The VMX instructions, which a guest does not have.
 */
#include "vm/guests/probe.inc"

    probes  vmx
    mov     $PROBE_SCRATCH, %ebx
    mov     $0x4000, %esi /* a VMCS field */
    mov     $2, %r9d
    probe vmxon (%rbx)
    probe vmclear 0x10(%rbx)
    probe vmptrld -0x8(%rbx,%r9,8)
    probe vmptrst PROBE_SCRATCH
    probe vmread %rsi, %rdi
    probe vmread %rsi, 0x28(%rbx)
    probe vmwrite %rdi, %rsi
    probe vmlaunch
    probe vmresume
    probe vmxoff
    end_probes vmx

    probes  invept
    mov     $PROBE_SCRATCH, %ebx
    mov     $2, %ecx
    probe invept 0x30(%rbx), %rcx
    end_probes invept

    probes  invvpid
    mov     $PROBE_SCRATCH, %ebx
    mov     $2, %edx
    probe invvpid 0x40(%rbx), %rdx
    end_probes invvpid

    probes  vmfunc
    mov     $0, %eax
    probe vmfunc
    end_probes vmfunc
