#pragma once

#include "vm/guests/guest.h"

/* Gives a guest other controls than it has. */
#define SET_CONTROLS(guest, ...)                                  \
    do {                                                          \
        static const struct guest_control list[] = {__VA_ARGS__}; \
        (guest).controls = list;                                  \
        (guest).control_count = sizeof(list) / sizeof(list[0]);   \
    } while (0)
