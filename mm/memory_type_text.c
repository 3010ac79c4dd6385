/*
 * A room: why the MTRRs do not make a range WB, by the registers that say so.
 * "IA32_MTRR_DEF_TYPE 0xc06, range 1 at 0xc0000000 UC"
 */
#include "mm/memory_type.h"

#include "lib/format.h"
#include "mm/page_alloc.h"

/* The variable ranges that have the address, SMM's among them. */
static void print_ranges(struct sink *sink, const struct memory_types_state *state,
                         uint64_t address)
{
    struct memory_piece piece = {1ull << state->physical_width, MEMORY_TYPE_UC};
    bool any = false;
    enum memory_type type;

    for (unsigned i = 0; i <= memory_type_ranges(state); i++) {
        if (!memory_type_cut(&piece, state, i, address, &type))
            continue;
        if (i == memory_type_ranges(state))
            print_to(sink, ", SMRR at %#llx", state->smrr_physbase & ~(PAGE_SIZE - 1));
        else
            print_to(sink, ", range %u at %#llx %s", i, state->physbase[i] & ~(PAGE_SIZE - 1),
                     memory_type_name(type));
        any = true;
    }
    if (!any)
        print_to(sink, ", no range");
}

static void explain(struct sink *sink, const struct memory_types_state *state, uint64_t physical,
                    uint64_t bytes)
{
    uint64_t end = physical + bytes;
    struct memory_piece piece = memory_type_piece(state, physical);

    for (unsigned pieces = 1;
         piece.type == MEMORY_TYPE_WB && piece.end < end && pieces < PIECES_MAX; pieces++) {
        physical = piece.end;
        piece = memory_type_piece(state, physical);
    }
    if (piece.type == MEMORY_TYPE_WB) {
        print_to(sink, "IA32_PAT %#lx", state->pat);
        return;
    }
    print_to(sink, "IA32_MTRR_DEF_TYPE %#lx", state->def_type);
    if ((state->def_type & MTRR_DEF_TYPE_E) == 0)
        print_to(sink, ", MTRRs off");
    else if (memory_type_is_fixed(state, physical))
        print_to(sink, ", a fixed range at %#lx %s", physical, memory_type_name(piece.type));
    else
        print_ranges(sink, state, physical);
}

static const struct memory_type_text text = {explain};
SET_MEMBER(memory_type_texts, 1, const struct memory_type_text, text);
