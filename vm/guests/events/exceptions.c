#include "vm/guests/test_guests.h"

extern const uint8_t exceptions_de[], exceptions_int1[], exceptions_db[], exceptions_step[],
    exceptions_int3[], exceptions_bp[], exceptions_ud[], exceptions_nm[], exceptions_np[],
    exceptions_ss[], exceptions_gp[], exceptions_gp_selector[], exceptions_pf[], exceptions_mf[],
    exceptions_xm[];

/* SDM Vol. 3, "Exit Qualification for Debug Exceptions": BS, a single step. */
enum { DEBUG_SINGLE_STEP = 1 << 14 };

/* The two traps by instructions return after them, as does the single step. */
static const struct wanted_event events[] = {
    EVENT(X86_VECTOR_DE, exceptions_de),
    EVENT(X86_VECTOR_DB, exceptions_db),
    EVENT(X86_VECTOR_DB, exceptions_step),
    EVENT(X86_VECTOR_BP, exceptions_bp),
    EVENT(X86_VECTOR_UD, exceptions_ud),
    EVENT(X86_VECTOR_NM, exceptions_nm),
    EVENT_WITH_CODE(X86_VECTOR_NP, SELECTOR_ABSENT, exceptions_np),
    EVENT_WITH_CODE(X86_VECTOR_SS, 0, exceptions_ss),
    EVENT_WITH_CODE(X86_VECTOR_GP, 0, exceptions_gp),
    EVENT_WITH_CODE(X86_VECTOR_GP, SELECTOR_BEYOND, exceptions_gp_selector),
    {X86_VECTOR_PF, 0, exceptions_pf, NOT_MAPPED},
    EVENT(X86_VECTOR_MF, exceptions_mf),
    EVENT(X86_VECTOR_XM, exceptions_xm),
};

/* SDM Vol. 3, "Information for VM Exits Due to Vectored Events": INT1 is a privileged software
 * exception, INT3 a software exception; their RIP is that of the instruction. */
GUEST(0020, exceptions, GUEST_LONG, "exceptions",
      "Raises each exception; all exit, and reach the guest's handlers as they were.",
      .setup = intercept_exceptions,
      EXITS({EXCEPTION(FAULT(DE), exceptions_de)},
            {EXCEPTION(EVENT_INFO(PRIVILEGED_SOFTWARE_EXCEPTION, X86_VECTOR_DB), exceptions_int1)},
            {EXCEPTION(FAULT(DB), exceptions_step), QUALIFIED(DEBUG_SINGLE_STEP)},
            {EXCEPTION(EVENT_INFO(SOFTWARE_EXCEPTION, X86_VECTOR_BP), exceptions_int3)},
            {EXCEPTION(FAULT(UD), exceptions_ud)}, {EXCEPTION(FAULT(NM), exceptions_nm)},
            {EXCEPTION(FAULT_WITH_CODE(NP), exceptions_np)},
            {EXCEPTION(FAULT_WITH_CODE(SS), exceptions_ss)},
            {EXCEPTION(FAULT_WITH_CODE(GP), exceptions_gp)},
            {EXCEPTION(FAULT_WITH_CODE(GP), exceptions_gp_selector)},
            {EXCEPTION(FAULT_WITH_CODE(PF), exceptions_pf), QUALIFIED(NOT_MAPPED)},
            {EXCEPTION(FAULT(MF), exceptions_mf)}, {EXCEPTION(FAULT(XM), exceptions_xm)}),
      EVENTS_IN(events));

/* The same without the bitmap: what the processor does by itself must look the same. */
GUEST(0030, exceptions, GUEST_LONG, "exceptions-kept",
      "Raises each exception; those that the hypervisor need not see do not exit.",
      EVENTS_IN(events));

/* Those that 64-bit code in ring 0 cannot raise. */
extern const uint8_t exceptions_32_into[], exceptions_32_of[], exceptions_32_br[],
    exceptions_32_ac[], exceptions_32_ts[];

enum { EXIT_TS = 3 }; /* among the exits */

/* #TS came while INT was under way: SDM Vol. 3, "Information for VM Exits That Occur During Event
 * Delivery". */
GUEST_CHECK(check_32,
            guest_vm_of(vcpu)->record[EXIT_TS].vectoring ==
                EVENT_INFO(SOFTWARE_INTERRUPT, VECTOR_STACK),
            "the IDT-vectoring information was not of the software interrupt under way");

GUEST(0040, exceptions_32, GUEST_PAGED, "exceptions-32",
      "Raises the exceptions of 32-bit code and of ring 3; all exit and come back.",
      .setup = intercept_exceptions,
      EXITS({EXCEPTION(EVENT_INFO(SOFTWARE_EXCEPTION, X86_VECTOR_OF), exceptions_32_into)},
            {EXCEPTION(FAULT(BR), exceptions_32_br)},
            {EXCEPTION(FAULT_WITH_CODE(AC), exceptions_32_ac)},
            {EXCEPTION(FAULT_WITH_CODE(TS), exceptions_32_ts)}),
      .check = check_32,
      EVENTS(EVENT(X86_VECTOR_OF, exceptions_32_of), EVENT(X86_VECTOR_BR, exceptions_32_br),
             EVENT_WITH_CODE(X86_VECTOR_AC, 0, exceptions_32_ac),
             EVENT_WITH_CODE(X86_VECTOR_TS, SELECTOR_STACK, exceptions_32_ts)));
