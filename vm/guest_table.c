#include "vm/guest.h"

/* Each built-in guest stands in a file of its kind; this is the order of guest=all. */
extern const struct guest guest_hello;
extern const struct guest guest_exceptions, guest_exceptions_kept, guest_page_faults;

const struct guest *const guest_table[] = {
    &guest_hello,
    &guest_exceptions,
    &guest_exceptions_kept,
    &guest_page_faults,
};

const uint32_t guest_count = sizeof(guest_table) / sizeof(guest_table[0]);
