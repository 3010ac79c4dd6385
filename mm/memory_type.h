/*
 * Memory types: what MTRRs make of a physical range. SDM Vol. 3, "Memory Cache Control": "Memory
 * Type Range Registers (MTRRs)", "MTRR Precedences", "Page Attribute Table (PAT)". CR0.CD is taken
 * to be clear. Under a PAT entry of WB the MTRRs alone decide (table "Effective Page-Level Memory
 * Types for Pentium III and More Recent Processor Families").
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/set.h"

struct sink;

/* The encodings of MTRRs and PAT; and what is no type. */
enum memory_type {
    MEMORY_TYPE_UC = 0,
    MEMORY_TYPE_WC = 1,
    MEMORY_TYPE_WT = 4,
    MEMORY_TYPE_WP = 5,
    MEMORY_TYPE_WB = 6,
    MEMORY_TYPE_UC_MINUS = 7,     /* in IA32_PAT only */
    MEMORY_TYPE_UNDEFINED = 0x10, /* reserved encoding, forbidden overlap, no physical address */
    MEMORY_TYPE_MIXED = 0x11,     /* not one type over the whole range, or not provably one */
};

#define MTRRCAP_VCNT       0xffull      /* number of variable ranges */
#define MTRRCAP_FIX        (1ull << 8)  /* fixed ranges exist */
#define MTRRCAP_SMRR       (1ull << 11) /* IA32_SMRR_PHYSBASE and its mask exist */
#define MTRR_DEF_TYPE      0xffull      /* the default type */
#define MTRR_DEF_TYPE_FE   (1ull << 10) /* fixed ranges are enabled */
#define MTRR_DEF_TYPE_E    (1ull << 11) /* MTRRs are enabled */
#define MTRR_PHYSBASE_TYPE 0xffull
#define MTRR_PHYSMASK_V    (1ull << 11) /* the range is valid */

/* After reset: WB, WT, UC-, UC, and the same again. Also what PCD and PWT mean without a PAT. */
#define PAT_RESET 0x0007040600070406ull

/* What Rootmode sets on every CPU: as after reset, but for WC in entry 4. */
#define PAT_ROOTMODE 0x0007040100070406ull

/* Indices into PAT_ROOTMODE. */
enum { PAT_INDEX_WB, PAT_INDEX_WT, PAT_INDEX_UC_MINUS, PAT_INDEX_UC, PAT_INDEX_WC };

enum { MTRR_FIXED_COUNT = 11, MTRR_VARIABLE_MAX = 32 };

/* One CPU's registers, as memory_types_read() reads them. */
struct memory_types_state {
    bool mtrr;                        /* CPUID.1:EDX[12] */
    bool pat_supported;               /* CPUID.1:EDX[16] */
    uint8_t physical_width;           /* MAXPHYADDR, CPUID.80000008H:EAX[7:0] */
    uint64_t mtrrcap;                 /* IA32_MTRRCAP */
    uint64_t def_type;                /* IA32_MTRR_DEF_TYPE */
    uint64_t fixed[MTRR_FIXED_COUNT]; /* FIX64K_00000, FIX16K_80000, _A0000, FIX4K_C0000 … F8000 */
    uint64_t physbase[MTRR_VARIABLE_MAX];
    uint64_t physmask[MTRR_VARIABLE_MAX];
    uint64_t smrr_physbase, smrr_physmask; /* of the range that is SMM's; 0 where there is none */
    uint64_t pat;                          /* IA32_PAT, PAT_RESET where there is none */
};

/* Is it a type of an MTRR, or of EPT? 2, 3 and what is above WB is reserved; UC- is of the PAT. */
static inline bool memory_type_is_valid(uint64_t encoding)
{
    return encoding <= MEMORY_TYPE_WB && encoding != 2 && encoding != 3;
}

/* The type that the MTRRs give [physical, physical + bytes); WB where there are no MTRRs. */
enum memory_type memory_type_mtrr(const struct memory_types_state *state, uint64_t physical,
                                  uint64_t bytes);

const char *memory_type_name(enum memory_type type); /* "WB", "UC-", "mixed", … */

/*
 * A range that is made of more pieces than this is not looked at to its end. Ranges of the
 * registers are large; only a mask with holes in it makes many pieces, and that no firmware does on
 * purpose.
 */
enum { PIECES_MAX = 4096 };

/* From an address on, up to `end`: one type of the MTRRs. */
struct memory_piece {
    uint64_t end;
    enum memory_type type;
};
struct memory_piece memory_type_piece(const struct memory_types_state *state, uint64_t address);

/* Do the fixed ranges decide? */
bool memory_type_is_fixed(const struct memory_types_state *state, uint64_t address);

/* How many variable ranges there are. One more number stands for SMM's. */
unsigned memory_type_ranges(const struct memory_types_state *state);

/* Ends the piece where range `i` next begins or ends; is the address in it, with which type? */
bool memory_type_cut(struct memory_piece *piece, const struct memory_types_state *state, unsigned i,
                     uint64_t address, enum memory_type *type);

/* A room with words for why a range is not WB: by a register, and the first part that is not. */
struct memory_type_text {
    void (*explain)(struct sink *sink, const struct memory_types_state *state, uint64_t physical,
                    uint64_t bytes);
};
SET_DECLARE(memory_type_texts, const struct memory_type_text);

/* Reads this CPU's registers; what it does not have, it is not asked for. */
void memory_types_read(struct memory_types_state *state);
