/*
 * The local APIC of each CPU, in xAPIC mode (registers in memory) or x2APIC mode (registers are
 * MSRs). SDM Vol. 3, "Advanced Programmable Interrupt Controller (APIC)".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Interrupt vectors of our own, above the 32 that the architecture defines. */
enum {
    VECTOR_WAKE = 0xf0,     /* inter-processor: there is work (kernel/cpu/smp.c) */
    VECTOR_ALARM = 0xf1,    /* a guest's time may be up (vm/host/alarm.h) */
    VECTOR_SPURIOUS = 0xff, /* the local APIC's spurious-interrupt vector */
};

/*
 * On the boot CPU, once: decides the mode, maps the registers, masks the legacy 8259 PICs and does
 * apic_init_this(). `highest_id` is the largest APIC id of the machine.
 *
 * x2APIC mode is used where firmware has left it on (there is no way back without disabling the
 * APIC) and where an id does not fit xAPIC's eight bits; otherwise xAPIC mode stays, as on every
 * firmware's own path. False when the registers cannot be mapped.
 */
bool apic_init(uint32_t highest_id);

/* On each CPU: local interrupts masked, every priority accepted, APIC enabled by software. */
void apic_init_this(void);

/* A register by its offset in xAPIC mode; in x2APIC mode it is MSR 0x800 + offset / 16. */
uint32_t apic_get(uint32_t offset);
void apic_set(uint32_t offset, uint32_t value);

/* This CPU's id as its local APIC knows it. */
uint32_t apic_id(void);

/* Virtual address of the registers that every CPU sees its own in; NULL in x2APIC mode. */
volatile void *apic_registers(void);

/*
 * End of the interrupt with this vector: of every one but the spurious, which is never in service.
 * Also of one that is not ours, but was pending from the firmware's time: in service it would hold
 * back all below it.
 */
void apic_eoi(uint8_t vector);

/* Can interrupts be sent to this id? xAPIC mode has destinations of eight bits. */
bool apic_reaches(uint32_t id);

/* Inter-processor interrupts: with a vector, or a page below 1 MiB, in bits 7:0. */
#define APIC_FIXED   (0u << 8)
#define APIC_NMI     (4u << 8)
#define APIC_INIT    (5u << 8)
#define APIC_STARTUP (6u << 8)

/*
 * Sends one to a CPU, by physical destination. Returns when the local APIC has sent it or a bounded
 * wait is over. An id that xAPIC mode cannot address gets nothing, and before apic_init() nobody
 * does.
 */
void apic_send(uint32_t id, uint32_t ipi);
