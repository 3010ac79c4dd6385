/*
 * A vCPU on the model CPU, as vm/guests/guest_run.c makes it, and the VM exits that happen to it.
 *
 * After every exit that does not end the guest the VMCS is checked by the rules of VM entry
 * (vmx/entry/vmentry_check.h), and one that breaks any ends the test.
 */
#pragma once

#include "tests/host/model_cpu.h"
#include "vm/guests/guest.h"
#include "vmx/exit_reason.h"
#include "vmx/entry/vmentry_check.h"
#include "vmx/vmx_cpu.h"

struct guest_machine {
    struct guest guest; /* what guest_machine_start() starts: tests change it before */
    struct vmx_cpu cpu;
    struct vm_options options;
    struct guest_vm own;
    struct guest_run run;
    enum vm_entry entry; /* how every VM entry ends */
    unsigned host_interrupts, host_exceptions;
    uint8_t host_vector;  /* the last of either */
    unsigned alarms;      /* how often the alarm was set, */
    uint64_t alarm_ticks; /* and the last time for how long */

    /* What mm/memory.h's functions of these names say; NULL: nobody has any. */
    const char *(*memory_owned)(uint64_t physical);
    bool (*memory_next_non_ram)(uint64_t *next, uint64_t *base, uint64_t *end);
    enum memory_type (*memory_non_ram_type)(uint64_t physical);
};

extern struct guest_machine guest_machine;

/* The model CPU after its reset, and a guest in that mode, which has not been made yet. */
void guest_machine_reset(enum guest_mode mode);

/* Makes the vCPU: its memory, its VMCS, which is current, as before the first VM entry. */
struct vcpu *guest_machine_start(void);

/* Both. */
struct vcpu *guest_machine_in(enum guest_mode mode);

/* A VM exit, without its information: what the processor does to the VMCS at every one. */
void guest_machine_exit(uint32_t reason, uint64_t qualification, uint32_t instruction_length);

/* That VM exit, served, and checked. */
enum exit_done guest_machine_serve(uint32_t reason, uint64_t qualification,
                                   uint32_t instruction_length);

/* Serves the exit whose information stands in the VMCS, and checks what comes of it. */
enum exit_done guest_machine_serve_now(void);

/* Checks the VMCS as it is, the host's state left out. */
void guest_machine_check(struct vmentry_findings *findings);

/* From now on a guest gets pages from GUEST_TOUCH_BASE on at their first touch. */
void guest_machine_demand(struct guest_vm *guest_vm);

/* A guest-physical address of the guest's memory; outside of it the test ends. */
void *guest_machine_memory(uint64_t address);

/* The VM-entry interruption information, and that it is this exception, with this error code. */
uint32_t guest_machine_injected(void);
bool guest_machine_injects(uint8_t vector);
bool guest_machine_injects_error(uint8_t vector, uint32_t error_code);

#define FIELD(name) (*model_field(VMCS_##name))
