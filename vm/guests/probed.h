/*
 * Guests made of probes: for each instruction what exit it should cause, with which information,
 * and what the guest should see afterwards. What is not named must not have changed.
 *
 * The assembly is written with vm/guests/probe.inc. The check compares every exit with its probe:
 * reason, qualification, instruction information, where it was and how long the instruction is; and
 * then the guest's registers and flags around the instruction.
 */
#ifndef VM_GUESTS_PROBED_H
#define VM_GUESTS_PROBED_H

#include "vm/guest.h"
#include "vm/guests/probe.h"
#include "vmx/exit_reason.h"

#include "lib/x86.h"

struct __attribute__((packed)) probe {
    const char *instruction; /* "IN AL, 0x80" */

    /* The exit; 0: it must not exit. The qualification counts whole. */
    uint8_t reason;
    uint64_t qualification;
    bool qualification_any;                 /* not compared */
    uint32_t information_mask, information; /* of the VM-exit instruction information */
    enum exit_done done;
    uint16_t times; /* so many exits in a row; 0 counts as 1 */
    bool behind;    /* it comes after the instruction, whose length is not reported */
    bool may;       /* it may also not exit: the row or its neighbours say why */

    /* What is seen afterwards. */
    uint16_t fault;         /* PROBE_FAULT_UD …: the exception that the guest's handler took */
    uint32_t error;         /* its error code */
    uint16_t changes;       /* registers that may hold anything: 1 << VCPU_RAX … */
    enum vcpu_register reg; /* what this one holds, */
    uint64_t mask, value;   /* in these bits; all others as before; mask 0: nothing is said */
    uint32_t flags_any;     /* flags that may be anything */
    uint32_t flags_0;       /* flags that must be 0 */
};

#define PROBE_FAULT_UD (PROBE_FAULTED + X86_VECTOR_UD)
#define PROBE_FAULT_GP (PROBE_FAULTED + X86_VECTOR_GP)

/* A whole register, or its lower half with the upper one 0. */
#define PROBE_ALL UINT64_MAX

/* RAX … R15, RFLAGS, RIP, and the exception since the snapshot before. */
struct probe_snapshot {
    uint64_t reg[VCPU_REGISTERS];
    uint64_t rflags, rip;
    uint64_t fault, error, fault_rip;
};

struct probed_guest {
    struct guest guest; /* first */
    const struct probe *probes;
    uint32_t probe_count;
    const char *(*check)(const struct vcpu *vcpu); /* what the probes do not say; may be NULL */
};

/*
 * Makes a guest of the probes label_probes one of the built-in ones, as BUILT_IN_GUEST() does.
 * `more` says what the probes do not; it may be NULL.
 */
#define PROBED_GUEST(place, label, name_of, purpose_of, more, ...)       \
    extern const uint8_t probe_##label##_start[], probe_##label##_end[]; \
    extern const uint8_t probe_##label##_ud[], probe_##label##_gp[];     \
    static const struct probed_guest guest_##place = {                   \
        .guest = {.name = name_of,                                       \
                  .purpose = purpose_of,                                 \
                  .code = probe_##label##_start,                         \
                  .code_end = probe_##label##_end,                       \
                  .mode = GUEST_LONG,                                    \
                  GUEST_HANDLERS({X86_VECTOR_UD, probe_##label##_ud},    \
                                 {X86_VECTOR_GP, probe_##label##_gp}),   \
                  .on_exit = probe_on_exit,                              \
                  .check = probe_check,                                  \
                  __VA_ARGS__},                                          \
        PROBES(label##_probes),                                          \
        .check = more,                                                   \
    };                                                                   \
    SET_MEMBER(guests, place, const struct guest, guest_##place.guest)

#define PROBES(array) .probes = (array), .probe_count = sizeof(array) / sizeof((array)[0])

/* For struct guest. */
enum exit_done probe_on_exit(struct vcpu *vcpu, const struct exit_record *exit);
const char *probe_check(const struct vcpu *vcpu);

/* Registers before and after probe `index`, counted from 0. */
const struct probe_snapshot *probe_before(const struct vcpu *vcpu, uint32_t index);
const struct probe_snapshot *probe_after(const struct vcpu *vcpu, uint32_t index);

#endif
