/*
 * Instructions that only some processors have, or only trust domains and system-management mode.
 */
#include "vm/guests/probe.inc"

    probes  rsm
    probe rsm
    end_probes rsm

    probes  seam
    probe .byte 0x66, 0x0f, 0x01, 0xcf /* SEAMCALL */
    probe .byte 0x66, 0x0f, 0x01, 0xcc /* TDCALL */
    end_probes seam

    probes  vmfunc
    mov     $0, %eax
    probe vmfunc
    end_probes vmfunc

    probes  vm_functions
    mov     $0, %eax
    probe vmfunc
    mov     $64, %eax
    probe vmfunc
    quiet
    mov     $0, %eax
    probe vmfunc
    end_probes vm_functions

    probes  encls
    mov     $0, %eax
    probe encls
    mov     $63, %eax
    probe encls
    end_probes encls

    probes  enclv
    mov     $0, %eax
    probe enclv
    mov     $63, %eax
    probe enclv
    end_probes enclv

    probes  pconfig
    mov     $0, %eax
    probe pconfig
    quiet
    mov     $0, %eax
    probe pconfig
    end_probes pconfig

    probes  user_wait
    xor     %eax, %eax
    xor     %edx, %edx
    mov     $1, %edi
    mov     $1, %r9d
    probe umwait %edi
    pushq   $PROBE_FLAGS
    popfq
    probe tpause %r9d
    quiet
    probe umwait %edi
    probe tpause %r9d
    end_probes user_wait

    probes  loadiwkey
    xor     %eax, %eax
    probe loadiwkey %xmm9, %xmm2
    end_probes loadiwkey

    probes  msr_immediate
    probe .byte 0xc4, 0xc7, 0x7b, 0xf6, 0xc1, 0x1b, 0, 0, 0 /* RDMSR of 0x1b to R9 */
    probe .byte 0xc4, 0xe7, 0x7a, 0xf6, 0xc3, 0x1b, 0, 0, 0 /* WRMSRNS of RBX to 0x1b */
    end_probes msr_immediate

    probes  xsaves
    mov     $PROBE_SCRATCH, %ebx
    xor     %eax, %eax
    xor     %edx, %edx
    probe xsaves64 0x40(%rbx) /* nothing of what is asked for is the hypervisor's */
    mov     $-1, %eax
    mov     $-1, %edx
    probe xsaves64 0x40(%rbx)
    probe xrstors64 0x40(%rbx)
    quiet
    probe xsaves64 0x40(%rbx)
    end_probes xsaves
