/*
 * What QEMU's scripts/kvm/vmxcap prints: sections of features in words, some of them with the whole
 * MSR in hex. Whether a control is "yes", "no", "forced" or "default" reports both halves of its
 * MSR and of the TRUE one.
 */
#pragma once

#include "tools/capability/found.h"
#include "vmx/capability/vmx_msr.h"

struct listing {
    uint32_t msr;        /* of the section; 0: in none */
    unsigned lines;      /* of the section so far */
    struct vmx_msrs all; /* what the lines have reported so far */
    uint32_t in_hex;     /* bit n: MSR 0x480 + n was reported whole */
};

/* Takes a line if it belongs to such a listing. */
bool listing_line(struct scan *scan, struct listing *listing, struct piece line);

/* Adds what was asked to the list. */
void listing_end(struct scan *scan, struct listing *listing, struct found_list *list);
