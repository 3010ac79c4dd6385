/*
 * Ways to load a guest that owns the machine from the modules that the boot loader left. A room has
 * each, and registers it.
 */
#pragma once

#include "kernel/machine.h"
#include "lib/set.h"
#include "vm/loader/guest_entry.h"
#include "vm/loader/places.h"

enum { GUEST_VERSION_SIZE = 64 };

/* What came of it. */
struct guest_load {
    struct places places;             /* the hypervisor's needs are told; what is kept is not yet */
    struct guest_entry entry;         /* how the guest is entered */
    char version[GUEST_VERSION_SIZE]; /* its own, as its image has it; may be empty */
};

struct guest_loader {
    const char *kind; /* "Linux": what the report calls such a guest */
    bool announces;   /* resets by the BIOS data area's flag, starts of CPUs in the CMOS:
                         vm/linux/linux.h */

    /* Is the first module one for this loader? The first loader that says so has it. */
    bool (*takes)(const struct machine *machine);

    /*
     * On the boot page tables, which map the first 4 GiB, before anything of the memory is taken:
     * puts everything where the guest wants it, and takes (memory_add()) what that is of the first
     * MiB. False: a finding says why not.
     */
    bool (*load)(struct machine *machine, struct guest_load *load);
};

/* Adds a loader; `place`, of three digits, sorts them. */
#define GUEST_LOADER(place, ...)                                           \
    static const struct guest_loader guest_loader_##place = {__VA_ARGS__}; \
    SET_MEMBER(guest_loaders, place, const struct guest_loader, guest_loader_##place)
SET_DECLARE(guest_loaders, const struct guest_loader);

static inline struct guest_range guest_module(const struct machine *machine, uint32_t index)
{
    const struct boot_module *module = &machine->boot.modules[index];

    return index < machine->boot.module_count ? (struct guest_range){module->start, module->end}
                                              : (struct guest_range){0, 0};
}

/* The modules cannot be started: what was read and what is wanted. Always false. */
bool guest_refuse(struct machine *machine, uint64_t seen, uint64_t wanted, const char *detail);

/* Are there more modules than that, or is the first one's command line cut? Then a finding. */
bool guest_check_modules(struct machine *machine, uint32_t most, const char *detail);
