/*
 * What the rows of vmx/entry/vmentry_rules.def ask of the state, and the values that they want: the
 * words of their conditions.
 */
#pragma once

#include "vmx/entry/vmentry_state.h"

#define BITS(high, low) (~0ull >> (63 - (high)) & ~0ull << (low))

/* A field's value; that of one of a group, of the segment register that is looked at. */
#define GET(field)      vmentry_get(state, VMCS_##field)
#define SEGMENT(group)  vmentry_get(state, vmcs_of_segment(VMCS_GUEST_ES_##group, state->index))
#define IS_ON(word, id) vmentry_is_set(state, VMENTRY_CONTROL(word, id))

/* A function that is one expression. */
#define FUNCTION(type, name, expression)                       \
    static inline type name(const struct vmentry_state *state) \
    {                                                          \
        (void)state;                                           \
        return (type)(expression);                             \
    }
#define CONDITION(name, expression) FUNCTION(bool, name, expression)
#define NUMBER(name, expression)    FUNCTION(uint32_t, name, expression)

/* Values that rules want. */

static inline uint64_t with(uint64_t seen, uint64_t mask, uint64_t bits)
{
    return (seen & ~mask) | (bits & mask);
}

static inline uint64_t bits_if(uint64_t seen, uint64_t bits, bool on)
{
    return on ? seen | bits : seen & ~bits;
}

/* Not both bits of the tracker. */
static inline uint64_t one_tracker(uint64_t seen)
{
    return (seen & S_CET_TRACKER) == S_CET_TRACKER ? seen & ~S_CET_TRACKER : seen;
}

static inline const struct vmx_capability *capability(const struct vmentry_state *state)
{
    return state->context->capability;
}

/* Controls */

/* With virtual-interrupt delivery the threshold is not used. */
CONDITION(threshold_is_used,
          IS_ON(PRIMARY, TPR_SHADOW) && !IS_ON(SECONDARY, VIRTUAL_INTERRUPT_DELIVERY))
CONDITION(host_64, IS_ON(EXIT, HOST_ADDRESS_SPACE_SIZE))
CONDITION(guest_ia32e, IS_ON(ENTRY, IA32E_MODE_GUEST))
CONDITION(unrestricted, IS_ON(SECONDARY, UNRESTRICTED_GUEST))
CONDITION(uses_ept, IS_ON(SECONDARY, ENABLE_EPT))

/* VMX operation holds the bits of FIXED0 at 1, and those not in FIXED1 at 0; here but for some. */
static inline uint64_t fixed_cr0(const struct vmentry_state *state, uint64_t seen, uint64_t free)
{
    return (seen | (capability(state)->cr0_fixed0 & ~free)) &
           (capability(state)->cr0_fixed1 | free);
}

/* Does what begins within the physical-address width, with so many bytes behind, end beyond it? */
static inline bool ends_beyond(const struct vmentry_state *state, uint64_t begin, uint64_t bytes)
{
    return !(begin & vmentry_beyond(state)) && (begin + bytes) & vmentry_beyond(state);
}

/* As many entries of an MSR area as there are, none where the last byte is beyond the width. */
static inline uint64_t count_within(const struct vmentry_state *state, enum vmcs_field address,
                                    uint64_t count)
{
    uint64_t bytes = count * sizeof(struct vmentry_msr_entry);

    return count != 0 && ends_beyond(state, vmentry_get(state, address), bytes - 1) ? 0 : count;
}

/* An address that the host uses as wide as it is. */
static inline uint64_t address_of_host(const struct vmentry_state *state, uint64_t seen)
{
    return host_64(state) ? vmentry_canonical(state, seen) : seen & ~HIGH_HALF;
}

/* Less than canonical: bit N-1 may differ from the bits N and up, N being the address width. */
static inline uint64_t identical(const struct vmentry_state *state, uint64_t seen)
{
    unsigned width = state->context->linear_address_width;

    return width < 64 ? vmentry_extended(seen, width) : seen;
}

/* One of FRED's stack pointers, IA32_FRED_RSP1 and on: aligned to 64, of shadow stacks to 8. */
static inline uint64_t fred_stack(const struct vmentry_state *state, uint64_t seen)
{
    enum { SSP1 = 4, RSP_RESERVED = 0x3f, SSP_RESERVED = 0x7 };
    uint64_t reserved = state->index < SSP1 ? RSP_RESERVED : SSP_RESERVED;

    return vmentry_canonical(state, seen) & ~reserved;
}

/* How wide the addresses are that a guest takes for physical ones. */
NUMBER(guest_width, uses_ept(state) ? state->context->guest_address_width
                                    : state->context->physical_address_width)

/*
 * The bits of CR3 that are reserved, where addresses have that width. Of those above them, bits 62
 * and 61 turn on linear-address masking.
 */
static inline uint64_t cr3_reserved(const struct vmentry_state *state, unsigned width)
{
    return ~0ull << width & (state->context->lam ? ~(CR3_LAM_U48 | CR3_LAM_U57) : ~0ull);
}

/* The injected event: SDM, "VM-Entry Control Fields", the VM-entry interruption fields. */
enum { LENGTH_MAX = 15, EXCEPTION_LAST = 31, PID_POINTER_BYTES = 8 };

/* The vectors of other events. */
enum { OTHER_PENDING_MTF = 0, OTHER_SYSCALL = 1, OTHER_SYSENTER = 2 };

/* The exceptions that have an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC. */
#define EXCEPTIONS_WITH_ERROR_CODE 0x27d00u

NUMBER(event_information, GET(VM_ENTRY_INTERRUPTION_INFORMATION))
CONDITION(injects, event_information(state) & EVENT_INFORMATION_VALID)
NUMBER(injected_type, event_type_of(event_information(state)))
NUMBER(injected_vector, event_vector(event_information(state)))

static inline bool injects_type(const struct vmentry_state *state, enum event_type type)
{
    return injects(state) && injected_type(state) == type;
}

static inline bool injects_exception(const struct vmentry_state *state, unsigned vector)
{
    return injects_type(state, EVENT_HARDWARE_EXCEPTION) && injected_vector(state) == vector;
}

CONDITION(offers_trap_flag, capability(state)->primary_allowed1 &PRIMARY_MONITOR_TRAP_FLAG)

/* Type 7 came with the monitor trap flag, and has more vectors with FRED. */
CONDITION(knows_other_events,
          offers_trap_flag(state) || capability(state)->entry_allowed1 & ENTRY_LOAD_FRED)
CONDITION(event_type_fits, injected_type(state) == EVENT_OTHER
                               ? knows_other_events(state)
                               : injected_type(state) != EVENT_RESERVED)
CONDITION(is_system_call,
          injected_type(state) == EVENT_OTHER &&
              (injected_vector(state) == OTHER_SYSCALL || injected_vector(state) == OTHER_SYSENTER))
CONDITION(has_instruction_length,
          is_system_call(state) || (injected_type(state) >= EVENT_SOFTWARE_INTERRUPT &&
                                    injected_type(state) <= EVENT_SOFTWARE_EXCEPTION))
CONDITION(guest_protected, GET(GUEST_CR0) & CR0_PE)
CONDITION(vector_has_error_code, injected_vector(state) <= EXCEPTION_LAST &&
                                     EXCEPTIONS_WITH_ERROR_CODE >> injected_vector(state) & 1)

/* Real mode pushes no error codes; an unrestricted guest may be in it. */
CONDITION(takes_error_codes, injected_type(state) == EVENT_HARDWARE_EXCEPTION &&
                                 !(unrestricted(state) && !guest_protected(state)))
CONDITION(may_have_error_code,
          takes_error_codes(state) &&
              (capability(state)->any_event_error_code || vector_has_error_code(state)))
CONDITION(must_have_error_code, takes_error_codes(state) &&
                                    !capability(state)->any_event_error_code &&
                                    vector_has_error_code(state))

/* Segment registers */
enum {
    TYPE_DATA_WRITABLE = 3, /* and accessed, expand-up */
    TYPE_DATA_DOWN = 7,     /* and accessed, writable, expand-down */
    TYPE_CODE = 9,          /* accessed, execute-only: the least of those that CS may be */
    TYPE_CODE_READABLE = 11,
    TYPE_CONFORMING = 4, /* of a code segment */
    TYPE_TSS_16_BUSY = 3,
    TYPE_TSS_BUSY = 11,
};

static inline unsigned rights_of(const struct vmentry_state *state, unsigned segment)
{
    return (unsigned)vmentry_get(state, vmcs_of_segment(VMCS_GUEST_ES_ACCESS_RIGHTS, segment));
}

static inline unsigned type_of(const struct vmentry_state *state, unsigned segment)
{
    return rights_of(state, segment) & RIGHTS_TYPE;
}

static inline unsigned dpl_of(const struct vmentry_state *state, unsigned segment)
{
    return (rights_of(state, segment) & RIGHTS_DPL) >> 5;
}

/* The DPL of SS is the CPL after the VM entry, so it counts even in an SS that is not usable. */
NUMBER(ss_dpl, dpl_of(state, SEGMENT_SS))
CONDITION(guest_64, guest_ia32e(state) && rights_of(state, SEGMENT_CS) & RIGHTS_L)
CONDITION(guest_v8086, GET(GUEST_RFLAGS) & RFLAGS_VM)
CONDITION(guest_fred, GET(GUEST_CR4) & CR4_FRED)

/* CS and TR are looked at whether they are usable or not. */
CONDITION(is_looked_at, state->index == SEGMENT_CS || state->index == SEGMENT_TR ||
                            !(SEGMENT(ACCESS_RIGHTS) & RIGHTS_UNUSABLE))

/* In virtual-8086 mode the whole of a code or data segment's access rights is prescribed. */
CONDITION(rights_matter,
          (state->index >= SEGMENT_LDTR || !guest_v8086(state)) && is_looked_at(state))
CONDITION(cs_is_data, type_of(state, SEGMENT_CS) == TYPE_DATA_WRITABLE)
CONDITION(cs_is_code, (type_of(state, SEGMENT_CS) & TYPE_CODE) == TYPE_CODE)
CONDITION(cs_is_conforming, type_of(state, SEGMENT_CS) & TYPE_CONFORMING)

/* A limit in units of 4 KiB has its low 12 bits at 1; one in bytes has no more than 20 bits. */
CONDITION(limit_is_of_bytes, (SEGMENT(LIMIT) & BITS(11, 0)) != BITS(11, 0))
CONDITION(limit_is_of_pages, SEGMENT(LIMIT) & BITS(31, 20))
CONDITION(tr_type_fits, type_of(state, SEGMENT_TR) == TYPE_TSS_BUSY ||
                            (type_of(state, SEGMENT_TR) == TYPE_TSS_16_BUSY && !guest_ia32e(state)))

/* The guest's non-register state */
#define PENDING_BUS_LOCK      (1ull << 11)
#define PENDING_ENABLED       (1ull << 12)
#define PENDING_RTM_BIT       (1ull << 16)
#define PENDING_RESERVED_BITS 0xfffffffffffeaff0ull /* 63:17, 15, 13, 11:4 */
#define NO_LINK               UINT64_MAX

NUMBER(activity, GET(GUEST_ACTIVITY_STATE))
NUMBER(blocking, GET(GUEST_INTERRUPTIBILITY_STATE))
CONDITION(activity_is_offered,
          activity(state) == ACTIVITY_ACTIVE ||
              (activity(state) == ACTIVITY_HLT && capability(state)->activity_hlt) ||
              (activity(state) == ACTIVITY_SHUTDOWN && capability(state)->activity_shutdown) ||
              (activity(state) == ACTIVITY_WAIT_FOR_SIPI &&
               capability(state)->activity_wait_for_sipi))
CONDITION(ends_shutdown, injects_type(state, EVENT_NMI) || injects_exception(state, X86_VECTOR_MC))
CONDITION(ends_hlt,
          ends_shutdown(state) || injects_type(state, EVENT_EXTERNAL_INTERRUPT) ||
              injects_exception(state, X86_VECTOR_DB) ||
              (injects_type(state, EVENT_OTHER) && injected_vector(state) == OTHER_PENDING_MTF))

/* Where a single-step trap must be pending, or must not: no instruction has ended in between. */
CONDITION(single_step_is_known, blocking(state) & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS) ||
                                    activity(state) == ACTIVITY_HLT)
CONDITION(single_stepping,
          GET(GUEST_RFLAGS) & RFLAGS_TF && !(GET(GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF))
CONDITION(has_link, GET(LINK_POINTER) != NO_LINK)
CONDITION(uses_pae_paging,
          !guest_ia32e(state) && GET(GUEST_CR0) & CR0_PG && GET(GUEST_CR4) & CR4_PAE)

static inline uint64_t pdpte_of(const struct vmentry_state *state, uint64_t pdpte)
{
    uint64_t beyond = ~0ull << guest_width(state);

    return pdpte & PDPTE_PRESENT ? pdpte & ~(PDPTE_RESERVED | beyond) : pdpte;
}

/* The VM-entry MSR-load area. Of the first two SDM Vol. 4: a processor may prevent writing to this
 * MSR when it loads guest state. */
#define IA32_BIOS_UPDT_TRIG  0x79u
#define IA32_BIOS_SIGN_ID    0x8bu
#define IA32_SMM_MONITOR_CTL 0x9bu

CONDITION(msr_write_faults, state->context->msr_write_faults != NULL &&
                                state->context->msr_write_faults(state->context, state->entry.index,
                                                                 state->entry.value))
