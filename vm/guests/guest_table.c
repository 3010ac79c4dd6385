#include "vm/guest.h"
#include "vm/guests/probed.h"

/* Each built-in guest stands in a file of its kind; this is the order of guest=all. */
extern const struct guest guest_hello;
extern const struct guest guest_exceptions, guest_exceptions_kept, guest_exceptions_32;
extern const struct guest guest_page_faults;
extern const struct guest guest_ept_violations, guest_ept_beyond, guest_ept_misconfigured;
extern const struct guest guest_identity;
extern const struct guest guest_timer, guest_external_interrupt, guest_external_interrupt_kept;
extern const struct guest guest_interrupt_window, guest_nmi_window, guest_inject;
extern const struct guest guest_double_fault, guest_init_sipi, guest_sipi;
extern const struct guest guest_step, guest_step_pending, guest_step_trap;
extern const struct guest guest_task_switch;
extern const struct guest guest_real_mode, guest_paged_mode, guest_pae_mode, guest_long_mode;
extern const struct guest guest_mode_switches;
extern const struct guest guest_spin, guest_spin_enabled, guest_spin_repeat, guest_timer_greedy;
extern const struct guest guest_recursion_debug, guest_asleep;
extern const struct guest guest_endless, guest_triple_fault;
extern const struct guest guest_nowhere, guest_recursion, guest_ports, guest_msrs;
extern const struct guest guest_chaos_real, guest_chaos_protected, guest_chaos_paged;
extern const struct guest guest_chaos_pae, guest_chaos_long;
extern const struct guest guest_pause_loop, guest_apic_access;
extern const struct guest guest_entry_error_7, guest_entry_error_8;
extern const struct guest guest_entry_exit_33, guest_entry_exit_34;
extern const struct guest guest_registers_left, guest_registers_found;
extern const struct guest guest_page_log, guest_sub_page, guest_bus_lock;

#define PROBED(name) extern const struct probed_guest guest_##name;
#include "vm/guests/probed.def"
#undef PROBED

#define PROBED(name) &guest_##name.guest,
const struct guest *const guest_table[] = {
    &guest_hello,
    &guest_exceptions,
    &guest_exceptions_kept,
    &guest_exceptions_32,
    &guest_page_faults,
    &guest_ept_violations,
    &guest_ept_beyond,
    &guest_ept_misconfigured,
    &guest_identity,
    &guest_timer,
    &guest_external_interrupt,
    &guest_external_interrupt_kept,
    &guest_interrupt_window,
    &guest_nmi_window,
    &guest_inject,
    &guest_double_fault,
    &guest_init_sipi,
    &guest_sipi,
    &guest_step,
    &guest_step_pending,
    &guest_step_trap,
    &guest_task_switch,
    &guest_real_mode,
    &guest_paged_mode,
    &guest_pae_mode,
    &guest_long_mode,
    &guest_mode_switches,
    &guest_spin,
    &guest_spin_enabled,
    &guest_spin_repeat,
    &guest_asleep,
    &guest_timer_greedy,
    &guest_endless,
    &guest_triple_fault,
    &guest_entry_error_7,
    &guest_entry_error_8,
    &guest_entry_exit_33,
    &guest_entry_exit_34,
    &guest_nowhere,
    &guest_recursion,
    &guest_recursion_debug,
    &guest_ports,
    &guest_msrs,
    &guest_chaos_real,
    &guest_chaos_protected,
    &guest_chaos_paged,
    &guest_chaos_pae,
    &guest_chaos_long,
    &guest_pause_loop,
    &guest_registers_left,
    &guest_registers_found,
    &guest_apic_access,
    &guest_page_log,
    &guest_sub_page,
    &guest_bus_lock,
#include "vm/guests/probed.def"
};
#undef PROBED

_Static_assert(sizeof(guest_table) / sizeof(guest_table[0]) <= GUESTS_MAX,
               "guest=all must have room for every guest");

const uint32_t guest_count = sizeof(guest_table) / sizeof(guest_table[0]);
