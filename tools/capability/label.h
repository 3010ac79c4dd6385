/*
 * What a text calls an MSR: its name as the manual, Linux, Windows, VirtualBox or QEMU spell it, or
 * what a person wrote in its place ("Secondary Procbased Controls MSR").
 */
#pragma once

#include "tools/capability/piece.h"

struct label {
    uint32_t msr;    /* 0: the words name none */
    bool is_address; /* the last word is "MSR": what follows may be a number */
    bool high, low;  /* it is of one half: MSR_IA32_VMX_BASIC_HIGH */
};

/*
 * Takes the words at the start of `*rest`, which begins with a letter or `_`: as many as belong
 * together, at least one.
 */
struct label label_take(struct piece *rest);

/* Does a word that names no MSR look like the name of one, mistyped? `IA32_VMX_BASC`. */
bool label_is_near(struct piece word);
