/*
 * What guests need from those above: memory, and someone who takes the host's events.
 */
#ifndef VM_VM_ENVIRONMENT_H
#define VM_VM_ENVIRONMENT_H

/* Physical: the BIOS, the end of the first MiB. */
#define VM_BIOS       0xf0000
#define VM_BIOS_BYTES 0x10000

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/exit_record.h"

struct vcpu;

/* How guests made of chance are made (vm/guests/measure/chaos.h). */
struct chaos_plan {
    uint64_t seed;
    uint32_t rounds; /* of each such guest, on each CPU */
};

struct vm_environment {
    struct chaos_plan chaos;

    bool check_entries; /* judge the VMCS before every VM entry, not only after one that failed */

    /*
     * Which physical memory is the hypervisor's own, in words, page by page (NULL: it is not), and
     * which is foreign, range by range (false: no more): mm/memory.h.
     */
    const char *(*memory_owned)(uint64_t physical);
    bool (*memory_next_foreign)(uint64_t *next, uint64_t *base, uint64_t *end);

    /* Copies RAM, whoever's it is but the hypervisor's image; false where there is none. */
    bool (*memory_read)(uint64_t physical, void *to, size_t bytes);

    /* The memory type (enum memory_type) in which a guest may see foreign memory. */
    uint8_t (*memory_foreign_type)(uint64_t physical, uint64_t bytes);

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
