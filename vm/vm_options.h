/*
 * What all guests are run with.
 */
#ifndef VM_VM_OPTIONS_H
#define VM_VM_OPTIONS_H

/* Physical: the BIOS, the end of the first MiB. */
#define VM_BIOS       0xf0000
#define VM_BIOS_BYTES 0x10000

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

struct vcpu;
struct exit_record;

/* How guests made of chance are made (vm/guests/measure/random_guests.h). */
struct random_plan {
    uint64_t seed;
    uint32_t rounds; /* of each such guest, on each CPU */
};

/* What the person asked for, and who looks on: of all guests the same. */
struct vm_options {
    struct random_plan random;
    bool check_entries; /* check the VMCS before every VM entry, not only after one that failed */

    uint64_t image; /* physical: where the hypervisor's begins */

    /* VM_BIOS_BYTES at VM_BIOS as the hypervisor sees them; NULL where it cannot. */
    const void *bios;

    /* A guest has come to its end and its memory still stands; NULL: nobody wants to look. */
    void (*finished)(const struct vcpu *vcpu);

    /* Every exit of a guest, as it came and was served; NULL: not wanted (`trace=exits`). */
    void (*trace)(const struct vcpu *vcpu, const struct exit_record *exit);
};

#endif

#endif
