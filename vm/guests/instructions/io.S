/*
 * Port I/O: every form and size, with all ports exiting, and with bitmaps.
 */
#include "vm/guests/probe.inc"

#define PATTERN 0x1122334455667788

    probes  io
    movabs  $PATTERN, %rax
    mov     $0x1234, %edx
    probe in $0x80, %al
    movabs  $PATTERN, %rax
    probe in $0x80, %ax
    movabs  $PATTERN, %rax
    probe in $0x80, %eax
    movabs  $PATTERN, %rax
    probe in %dx, %al
    movabs  $PATTERN, %rax
    probe in %dx, %ax
    movabs  $PATTERN, %rax
    probe in %dx, %eax
    movabs  $PATTERN, %rax
    probe out %al, $0x80
    probe out %ax, $0x80
    probe out %eax, $0x80
    probe out %al, %dx
    probe out %ax, %dx
    probe out %eax, %dx
    end_probes io

    probes  ins
    mov     $0x1234, %edx
    mov     $PROBE_SCRATCH, %edi
    mov     $PROBE_SCRATCH, %esi
    mov     $3, %ecx
    probe insb
    probe insw
    probe insl
    probe outsb
    probe outsw
    probe outsl
    mov     $PROBE_SCRATCH + 0x10, %edi
    mov     $PROBE_SCRATCH + 0x20, %esi
    probe rep insb
    mov     $2, %ecx
    probe rep outsl
    probe rep insb /* RCX is 0: nothing at all happens */
    pushq   $(PROBE_FLAGS + 0x400) /* DF */
    popfq
    probe insw
    movabs  $0x100000003, %rcx /* 32-bit addresses count ECX, and clear the upper half */
    probe addr32 rep outsb
    end_probes ins

    probes  io_bitmap
    probe out %al, $0x80
    probe out %al, $0x81
    probe in $0x80, %al
    mov     $0x8235, %edx
    probe out %al, %dx
    probe out %ax, %dx
    mov     $0x8234, %edx
    probe out %ax, %dx
    mov     $0x7fff, %edx
    probe out %ax, %dx
    mov     $0xffff, %edx
    probe out %ax, %dx /* reaches past the last port: exits whatever the bitmaps say */
    end_probes io_bitmap
