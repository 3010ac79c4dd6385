/*
 * Guests made of probes: for each instruction what exit it should cause, with which information,
 * and what the guest should see afterwards. What is not named must not have changed.
 *
 * The check compares every exit with its probe: reason, qualification, instruction information,
 * where it was and how long the instruction is; and then the guest's registers and flags around the
 * instruction. A guest is written in a .def that C and assembly read alike:
 *
 *     PROBES(label)
 *     CODE(mov $3, %ecx)                  what the first instruction needs
 *     PROBE("OUT imm8, AL", (out %al, $0x80), EXIT_REASON_IO_INSTRUCTION, …)
 *     CODE(quiet)                         its own controls are off from here on; RAX is lost
 *     …
 *     END(place, label, "name", "purpose", …)   as GUEST()
 *
 * Registers, 0 at first, and flags, all status flags 1 at first, go from one probe to the next as
 * the instruction left them; RSP must stay where it is. `check` says what the probes do not.
 */
#pragma once

#include "vm/guests/guest.h"

/* In the guest's data page. */
#define PROBE_NEXT    (GUEST_DATA + 0x00)  /* where the next snapshot goes, in GUEST_ARRAY */
#define PROBE_RESUME  (GUEST_DATA + 0x08)  /* where an exception in the instruction goes on */
#define PROBE_FAULT   (GUEST_DATA + 0x10)  /* of an exception: its vector and PROBE_FAULTED, */
#define PROBE_ERROR   (GUEST_DATA + 0x18)  /* its error code, */
#define PROBE_AT      (GUEST_DATA + 0x20)  /* and the RIP that it was reported with */
#define PROBE_SCRATCH (GUEST_DATA + 0x100) /* for the guest */
#define PROBE_TEXT    (GUEST_DATA + 0x800) /* the check's, when the guest has ended */

#define PROBE_FAULTED 0x100 /* the exception saved RF = 1, as every fault does */

/* VMCALL with RAX so: all controls that the guest turned on are off from here on. */
#define PROBE_CALL_QUIET 0x54495551 /* "QUIT" */

/* CF, PF, AF, ZF, SF, OF, and the bit that is always 1. */
#define PROBE_FLAGS  0x8d7
#define PROBE_STATUS 0x8d5 /* of them the status flags */

/* How long the CALL after each instruction is: its opcode and 32 bits. */
#define PROBE_CALL_BYTES 5

#ifndef __ASSEMBLER__

#include "vm/guests/test_guests.h"

struct __attribute__((packed)) probe {
    const char *instruction; /* "IN AL, 0x80" */

    /* The exit; 0: it must not exit. The qualification counts whole. */
    uint8_t reason;
    int64_t qualification : 40;
    uint32_t information_mask, information; /* of the VM-exit instruction information */

    /* Where these are active, neither is compared. */
    uint16_t qualification_quirk : 5, information_quirk : 5;
    enum exit_done done : 4;
    uint16_t times : 4; /* so many exits in a row; 0 counts as 1 */
    bool after : 1;     /* it comes after the instruction, and has no length */
    bool may : 1;       /* it may also not exit: the row or its neighbours say why */

    /* What is seen afterwards. */
    uint16_t fault : 9; /* PROBE_FAULTED + a vector: the exception that the guest's handler took */
    uint16_t error;     /* its error code */
    uint16_t changes;   /* registers that may hold anything: 1 << VCPU_RAX … */
    uint16_t reg : 4;   /* what this one holds, */
    int32_t mask : 17;  /* in these bits (-1: all); all others as before; 0: nothing is said */
    uint64_t value : 40;
    uint16_t flags_any : 1; /* RFLAGS_CF: it may be anything */
    uint16_t flags_0 : 12;  /* flags that must be 0 */
};

/* Parts of rows: what the guest sees of an instruction that the hypervisor does not do for it; what
 * a register holds. */
#define FAULTS_UD            .fault = PROBE_FAULTED + X86_VECTOR_UD
#define FAULTS_GP            .fault = PROBE_FAULTED + X86_VECTOR_GP
#define GETS_UD              .done = EXIT_INJECTED, FAULTS_UD
#define GETS_GP              .done = EXIT_INJECTED, FAULTS_GP
#define HOLDS(register, all) .reg = (register), .mask = -1, .value = (all)

/* VM-exit instruction information, as SDM Vol. 3, "VM-Exit Instruction Information", has it for
 * each instruction: what is not there is undefined. */
#define INFO_SCALE_8    3u                     /* 1:0, with an index */
#define INFO_REG1(reg)  ((uint32_t)(reg) << 3) /* 6:3: the operand, where it is a register */
#define INFO_ADDRESS_32 (1u << 7)              /* 9:7 */
#define INFO_ADDRESS_64 (2u << 7)
#define INFO_REGISTER   (1u << 10) /* a register operand, not memory */
#define INFO_SIZE_32    (1u << 11) /* 12:11, of RDRAND and RDSEED */
#define INFO_SIZE_64    (2u << 11)
#define INFO_DS         (3u << 15)              /* 17:15 */
#define INFO_INDEX(reg) ((uint32_t)(reg) << 18) /* 21:18 */
#define INFO_NO_INDEX   (1u << 22)
#define INFO_BASE(reg)  ((uint32_t)(reg) << 23) /* 26:23 */
#define INFO_NO_BASE    (1u << 27)
/* 31:28: the other register operand; or, in 29:28, which instruction of several */
#define INFO_REG2(reg) ((uint32_t)(reg) << 28)
#define INFO_AT_RBX    (INFO_ADDRESS_64 | INFO_DS | INFO_NO_INDEX | INFO_BASE(VCPU_RBX))

#define INFO_MASK_REG1    INFO_REG1(15)
#define INFO_MASK_REG2    INFO_REG2(15)
#define INFO_MASK_SIZE    (3u << 11)
#define INFO_MASK_ADDRESS (7u << 7)
#define INFO_MASK_SEGMENT (7u << 15)
#define INFO_MASK_PLACE   (INFO_MASK_ADDRESS | INFO_MASK_SEGMENT | INFO_NO_INDEX | INFO_NO_BASE)
#define INFO_MASK_BASE    (INFO_MASK_PLACE | INFO_BASE(15))
#define INFO_MASK_INDEX   (INFO_MASK_BASE | INFO_INDEX(15) | INFO_SCALE_8)

/* Only these bits are compared. */
#define INFO(bits, wanted) .information_mask = (bits), .information = (wanted)

/* RAX … R15, RFLAGS, RIP, and the exception since the snapshot before. */
struct probe_snapshot {
    uint64_t reg[VCPU_REGISTERS];
    uint64_t rflags, rip;
    uint64_t fault, error, fault_rip;
};

#define PROBES_IN(array) .probes = (array), .wanted_count = COUNT_OF(array)

/* A guest of probes in C; vm/guests/instructions/probes.S makes its code of the same lines. */
#define PROBES(label) static const struct probe label##_probes[] = {
#define CODE(...)
#define PROBE(text, code, ...) {.instruction = (text), __VA_ARGS__},
#define END(place, label, name_of, purpose_of, ...)                                         \
    }                                                                                       \
    ;                                                                                       \
    GUEST(place, probe_##label, GUEST_LONG, name_of, purpose_of, .kind = &guests_of_probes, \
          .on_exit = probe_on_exit, PROBES_IN(label##_probes), __VA_ARGS__);

extern const struct guest_kind guests_of_probes;
enum exit_done probe_on_exit(struct vcpu *vcpu, const struct exit_record *exit);
const char *probe_check(const struct vcpu *vcpu);

/* Registers before and after probe `index`, counted from 0. */
const struct probe_snapshot *probe_before(const struct vcpu *vcpu, uint32_t index);
#define probe_after(vcpu, index) (probe_before(vcpu, index) + 1)

#endif
