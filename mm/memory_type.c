#include "mm/memory_type.h"

#define PAGE_BYTES  4096ull
#define FIXED_END   0x100000ull
#define FIXED_TYPES 8u /* sub-ranges in one register */

/* SDM Vol. 3, "Fixed Range MTRRs": registers that cut the first MiB into equal sub-ranges. */
static const struct {
    uint32_t base, bytes; /* of the sub-ranges */
    uint8_t first;        /* index of the register */
} fixed_areas[] = {
    {0x00000, 0x10000, 0},
    {0x80000, 0x4000, 1},
    {0xc0000, 0x1000, 3},
};
enum { FIXED_AREAS = sizeof(fixed_areas) / sizeof(fixed_areas[0]) };

static enum memory_type mtrr_type(uint64_t encoding)
{
    return memory_type_is_valid(encoding) ? (enum memory_type)encoding : MEMORY_TYPE_UNDEFINED;
}

bool memory_type_is_fixed(const struct memory_types_state *state, uint64_t address)
{
    return address < FIXED_END && (state->def_type & MTRR_DEF_TYPE_FE) != 0 &&
           (state->mtrrcap & MTRRCAP_FIX) != 0;
}

static struct memory_piece fixed_piece(const struct memory_types_state *state, uint64_t address)
{
    unsigned area = FIXED_AREAS - 1;
    unsigned sub_range;

    while (address < fixed_areas[area].base)
        area--;
    sub_range = (unsigned)(address - fixed_areas[area].base) / fixed_areas[area].bytes;
    return (struct memory_piece){
        fixed_areas[area].base + (sub_range + 1) * (uint64_t)fixed_areas[area].bytes,
        mtrr_type(state->fixed[fixed_areas[area].first + sub_range / FIXED_TYPES] >>
                      8 * (sub_range % FIXED_TYPES) &
                  0xff)};
}

/* SDM Vol. 3, "MTRR Precedences", for ranges that overlap. */
static enum memory_type overlap(enum memory_type a, enum memory_type b)
{
    if (a == b)
        return a;
    if (a == MEMORY_TYPE_UC || b == MEMORY_TYPE_UC)
        return MEMORY_TYPE_UC;
    if ((a == MEMORY_TYPE_WT && b == MEMORY_TYPE_WB) ||
        (a == MEMORY_TYPE_WB && b == MEMORY_TYPE_WT))
        return MEMORY_TYPE_WT;
    return MEMORY_TYPE_UNDEFINED;
}

/*
 * The lowest address from `address` on that a variable range contains, `width_end` for none. Where
 * a mask has holes (SDM: any mask is allowed), the range is many ranges, not one.
 */
static uint64_t next_match(uint64_t base, uint64_t mask, uint64_t address, uint64_t width_end)
{
    uint64_t differ = (address ^ base) & mask;
    uint64_t bit;

    if (differ == 0)
        return address;
    bit = 1ull << (63 - __builtin_clzll(differ)); /* the highest one */
    if ((base & bit) == 0) {
        /* too high at `bit`: a bit above it that the mask leaves free has to go from 0 to 1 */
        uint64_t above = ~(mask | address) & (width_end - bit);

        if (above == 0)
            return width_end;
        bit = above & -above;
    }
    return (address & ~(bit * 2 - 1)) | bit | (base & mask & (bit - 1));
}

unsigned memory_type_ranges(const struct memory_types_state *state)
{
    uint64_t count = state->mtrrcap & MTRRCAP_VCNT;

    return (unsigned)(count < MTRR_VARIABLE_MAX ? count : MTRR_VARIABLE_MAX);
}

/*
 * SDM Vol. 3, "System-Management Range Registers": bits 31:12 of address and mask, so the range
 * lies below 4 GiB; outside of SMM its type is UC, which takes precedence over every other.
 */
bool memory_type_cut(struct memory_piece *piece, const struct memory_types_state *state, unsigned i,
                     uint64_t address, enum memory_type *type)
{
    bool smm = i == memory_type_ranges(state);
    uint64_t width_end = 1ull << state->physical_width;
    uint64_t base = smm ? state->smrr_physbase : state->physbase[i];
    uint64_t mask = smm ? state->smrr_physmask | ~(uint64_t)UINT32_MAX : state->physmask[i];
    uint64_t end;
    bool contains;

    if ((mask & MTRR_PHYSMASK_V) == 0)
        return false;
    mask &= width_end - PAGE_BYTES;
    end = next_match(base, mask, address, width_end);
    contains = end == address;
    if (contains)
        end = mask == 0 ? width_end : (address | ((mask & -mask) - 1)) + 1;
    if (end < piece->end)
        piece->end = end;
    *type = smm ? MEMORY_TYPE_UC : mtrr_type(base & MTRR_PHYSBASE_TYPE);
    return contains;
}

static struct memory_piece variable_piece(const struct memory_types_state *state, uint64_t address)
{
    struct memory_piece piece = {1ull << state->physical_width,
                                 mtrr_type(state->def_type & MTRR_DEF_TYPE)};
    bool matched = false;
    enum memory_type type;

    for (unsigned i = 0; i <= memory_type_ranges(state); i++) {
        if (memory_type_cut(&piece, state, i, address, &type)) {
            piece.type = matched ? overlap(piece.type, type) : type;
            matched = true;
        }
    }
    return piece;
}

struct memory_piece memory_type_piece(const struct memory_types_state *state, uint64_t address)
{
    bool enabled = (state->def_type & MTRR_DEF_TYPE_E) != 0;

    if (!state->mtrr || !enabled)
        return (struct memory_piece){1ull << state->physical_width,
                                     state->mtrr ? MEMORY_TYPE_UC : MEMORY_TYPE_WB};
    if (memory_type_is_fixed(state, address))
        return fixed_piece(state, address);
    return variable_piece(state, address);
}

enum memory_type memory_type_mtrr(const struct memory_types_state *state, uint64_t physical,
                                  uint64_t bytes)
{
    uint64_t width_end = 1ull << state->physical_width;
    uint64_t end = physical + bytes;
    enum memory_type type = MEMORY_TYPE_UNDEFINED;

    if (bytes == 0 || physical >= width_end || bytes > width_end - physical)
        return MEMORY_TYPE_UNDEFINED;
    for (unsigned pieces = 0; physical < end; pieces++) {
        struct memory_piece piece = memory_type_piece(state, physical);

        if (pieces == PIECES_MAX || (pieces > 0 && piece.type != type))
            return MEMORY_TYPE_MIXED;
        type = piece.type;
        physical = piece.end;
    }
    return type;
}

const char *memory_type_name(enum memory_type type)
{
    static const char names[][6] = {
        [MEMORY_TYPE_UC] = "UC",       [MEMORY_TYPE_WC] = "WC", [MEMORY_TYPE_WT] = "WT",
        [MEMORY_TYPE_WP] = "WP",       [MEMORY_TYPE_WB] = "WB", [MEMORY_TYPE_UC_MINUS] = "UC-",
        [MEMORY_TYPE_MIXED] = "mixed",
    };

    return type < sizeof(names) / sizeof(names[0]) && names[type][0] != '\0' ? names[type]
                                                                             : "undefined";
}
