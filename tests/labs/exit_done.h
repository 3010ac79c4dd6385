/* The names of enum exit_done (vm/vm.h), for what is said to a student. */
#pragma once

#include "vm/vm.h"

static inline const char *done_name(enum exit_done done)
{
    static const char *const names[] = {
        [EXIT_ENDED] = "EXIT_ENDED",     [EXIT_EMULATED] = "EXIT_EMULATED",
        [EXIT_IGNORED] = "EXIT_IGNORED", [EXIT_INJECTED] = "EXIT_INJECTED",
        [EXIT_MAPPED] = "EXIT_MAPPED",   [EXIT_WINDOW] = "EXIT_WINDOW",
        [EXIT_HOST] = "EXIT_HOST",       [EXIT_STEPPED] = "EXIT_STEPPED",
        [EXIT_REFUSED] = "EXIT_REFUSED", [EXIT_STATE] = "EXIT_STATE",
        [EXIT_DEFAULT] = "EXIT_DEFAULT",
    };

    return (unsigned)done < sizeof(names) / sizeof(names[0]) ? names[done] : "no enum exit_done";
}
