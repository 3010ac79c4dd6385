/* MTRRs and PAT, against the SDM's tables written down once more and a model that goes page by
 * page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/format.h"
#include "lib/x86.h"
#include "mm/memory_type.h"
#include "mm/memory_use.h"
#include "tests/host/random.h"

#define MIB 0x100000ull
#define GIB 0x40000000ull

enum { E = 1 << 11, FE = 1 << 10, FIX = 1 << 8, SMRR = 1 << 11, V = 1 << 11 };
enum { UC = 0, WC = 1, WT = 4, WP = 5, WB = 6, UC_ = 7, UNDEF = 0x10, MIXED = 0x11 };

static struct memory_types_state cpu;

/* A processor of 40 bits with MTRRs enabled, all memory WB, no fixed ranges, reset's PAT. */
static int plain_processor(void **state)
{
    (void)state;
    cpu = (struct memory_types_state){.mtrr = true,
                                      .pat_supported = true,
                                      .physical_width = 40,
                                      .mtrrcap = 8,
                                      .def_type = E | WB,
                                      .pat = PAT_RESET};
    return 0;
}

static void variable(unsigned i, uint64_t base, uint64_t mask, uint64_t type)
{
    cpu.physbase[i] = base | type;
    cpu.physmask[i] = mask | V;
}

/* 2^n bytes from `base`, which is aligned to them. */
static void variable_range(unsigned i, uint64_t base, uint64_t bytes, uint64_t type)
{
    variable(i, base, (1ull << 40) - bytes, type);
}

static void reserved_encodings_of_mtrrs(void **state)
{
    (void)state;
    for (unsigned encoding = 0; encoding < 256; encoding++) {
        bool known = encoding < 7 && encoding != 2 && encoding != 3;

        cpu.def_type = (uint64_t)E | encoding;
        assert_int_equal(memory_type_mtrr(&cpu, MIB, 4096), known ? (int)encoding : UNDEF);
    }
}

static void without_mtrrs(void **state)
{
    (void)state;
    /* all MTRRs disabled: UC, whatever the registers say */
    cpu.def_type = FE | WB;
    cpu.mtrrcap |= FIX;
    memset(cpu.fixed, WB, sizeof(cpu.fixed));
    variable_range(0, 0, GIB, WB);
    assert_int_equal(memory_type_mtrr(&cpu, 0, GIB), UC);
    /* none at all: the mapping alone decides */
    cpu.mtrr = false;
    assert_int_equal(memory_type_mtrr(&cpu, 0, GIB), WB);
}

/*
 * SDM, table "Address Mapping for Fixed-Range MTRRs": where each byte of each register lies. Each
 * sub-range in turn is WT among WB.
 */
static void every_fixed_range(void **state)
{
    static const uint32_t start[11] = {0x00000, 0x80000, 0xa0000, 0xc0000, 0xc8000, 0xd0000,
                                       0xd8000, 0xe0000, 0xe8000, 0xf0000, 0xf8000};

    (void)state;
    cpu.mtrrcap |= FIX;
    cpu.def_type |= FE;
    for (unsigned i = 0; i < 11; i++) {
        uint64_t bytes = i == 0 ? 0x10000 : i < 3 ? 0x4000 : 0x1000;

        for (unsigned j = 0; j < 8; j++) {
            uint64_t base = start[i] + j * bytes;

            memset(cpu.fixed, WB, sizeof(cpu.fixed));
            cpu.fixed[i] ^= (uint64_t)(WB ^ WT) << 8 * j;
            assert_int_equal(memory_type_mtrr(&cpu, base, bytes), WT);
            assert_int_equal(memory_type_mtrr(&cpu, base + bytes - 1, 1), WT);
            assert_int_equal(memory_type_mtrr(&cpu, base, bytes + 1), MIXED);
            if (base > 0) {
                assert_int_equal(memory_type_mtrr(&cpu, 0, base), WB);
                assert_int_equal(memory_type_mtrr(&cpu, base - 1, 2), MIXED);
            }
            assert_int_equal(memory_type_mtrr(&cpu, base + bytes, 16 * MIB - base - bytes), WB);
            assert_int_equal(memory_type_mtrr(&cpu, 0, MIB), MIXED);
        }
    }
}

/* Fixed ranges come first below 1 MiB; disabled or absent, variable ranges hold there too. */
static void fixed_before_variable(void **state)
{
    (void)state;
    variable_range(0, 0, 2 * MIB, WT);
    memset(cpu.fixed, UC, sizeof(cpu.fixed));
    cpu.mtrrcap |= FIX;
    cpu.def_type |= FE;
    assert_int_equal(memory_type_mtrr(&cpu, 0, MIB), UC);
    assert_int_equal(memory_type_mtrr(&cpu, MIB, MIB), WT);
    assert_int_equal(memory_type_mtrr(&cpu, MIB - 1, 2), MIXED);
    memset(cpu.fixed, WC, sizeof(cpu.fixed)); /* a byte each, neighbours do not count */
    cpu.fixed[0] ^= WC ^ WP;
    assert_int_equal(memory_type_mtrr(&cpu, 0, 4096), WP);
    assert_int_equal(memory_type_mtrr(&cpu, MIB / 2, MIB / 2), WC);
    cpu.def_type &= ~(uint64_t)FE;
    assert_int_equal(memory_type_mtrr(&cpu, 0, 2 * MIB), WT);
    cpu.def_type |= FE;
    cpu.mtrrcap &= ~(uint64_t)FIX;
    assert_int_equal(memory_type_mtrr(&cpu, 0, 2 * MIB), WT);
}

/* SDM, "MTRR Precedences": what two ranges that overlap give, all pairs, both ways round. */
static void overlaps_of_two(void **state)
{
    static const int types[] = {UC, WC, WT, WP, WB};
    static const int expected[5][5] = {
        /*        UC  WC     WT     WP     WB */
        /* UC */ {UC, UC, UC, UC, UC},
        /* WC */ {UC, WC, UNDEF, UNDEF, UNDEF},
        /* WT */ {UC, UNDEF, WT, UNDEF, WT},
        /* WP */ {UC, UNDEF, UNDEF, WP, UNDEF},
        /* WB */ {UC, UNDEF, WT, UNDEF, WB},
    };

    (void)state;
    for (unsigned a = 0; a < 5; a++) {
        for (unsigned b = 0; b < 5; b++) {
            cpu.def_type = E | WC;
            variable_range(2, GIB, GIB, (uint64_t)types[a]);
            variable_range(5, GIB + 16 * MIB, 16 * MIB, (uint64_t)types[b]);
            assert_int_equal(memory_type_mtrr(&cpu, GIB, 16 * MIB), types[a]);
            assert_int_equal(memory_type_mtrr(&cpu, GIB + 16 * MIB, 16 * MIB), expected[a][b]);
            assert_int_equal(memory_type_mtrr(&cpu, GIB + 32 * MIB, GIB - 32 * MIB), types[a]);
        }
    }
}

static void overlaps_of_three(void **state)
{
    (void)state;
    variable_range(0, 0, GIB, WB);
    variable_range(1, 0, GIB, WT);
    variable_range(2, 0, GIB, WB);
    assert_int_equal(memory_type_mtrr(&cpu, 0, GIB), WT);
    variable_range(3, 0, GIB, WP);
    assert_int_equal(memory_type_mtrr(&cpu, 0, GIB), UNDEF);
    variable_range(4, 0, GIB, UC); /* UC decides, however the others go together */
    assert_int_equal(memory_type_mtrr(&cpu, 0, GIB), UC);
    cpu.mtrrcap = 3; /* the last two do not exist */
    assert_int_equal(memory_type_mtrr(&cpu, 0, GIB), WT);
    cpu.physmask[1] &= ~(uint64_t)V;
    assert_int_equal(memory_type_mtrr(&cpu, 0, GIB), WB);
}

/* What a PC's firmware sets: default UC, RAM WB, a hole of 1 GiB for devices below 4 GiB. */
static void a_usual_pc(void **state)
{
    (void)state;
    cpu.def_type = E | UC;
    variable_range(0, 0, 4 * GIB, WB);
    variable_range(1, 3 * GIB, GIB, UC);
    variable_range(2, 4 * GIB, 4 * GIB, WB);
    assert_int_equal(memory_type_mtrr(&cpu, 0, 3 * GIB), WB);
    assert_int_equal(memory_type_mtrr(&cpu, 0, 3 * GIB + 1), MIXED);
    assert_int_equal(memory_type_mtrr(&cpu, 3 * GIB, GIB), UC);
    assert_int_equal(memory_type_mtrr(&cpu, 4 * GIB, 4 * GIB), WB);
    assert_int_equal(memory_type_mtrr(&cpu, 8 * GIB, (1ull << 40) - 8 * GIB), UC);
    assert_int_equal(memory_type_mtrr(&cpu, 0, 8 * GIB), MIXED);
}

/*
 * SDM Vol. 3, "System-Management Range Registers": UC outside of SMM; only bits 31:12 of address
 * and mask exist, so nothing over 4 GiB is SMM's.
 */
static void memory_of_system_management(void **state)
{
    (void)state;
    cpu.smrr_physbase = 0x7f000000 | WB;
    cpu.smrr_physmask = 0xff800000 | V;
    assert_int_equal(memory_type_mtrr(&cpu, 0, 0x7f000000), WB);
    assert_int_equal(memory_type_mtrr(&cpu, 0x7f000000, 8 * MIB), UC);
    assert_int_equal(memory_type_mtrr(&cpu, 0x7f800000, (1ull << 40) - 0x7f800000), WB);
    assert_int_equal(memory_type_mtrr(&cpu, 0x7eff0000, 0x20000), MIXED);
    variable_range(0, 0x7c000000, 64 * MIB, WP); /* whatever else there is */
    assert_int_equal(memory_type_mtrr(&cpu, 0x7f000000, 8 * MIB), UC);
    assert_int_equal(memory_type_mtrr(&cpu, 0x7f800000, 8 * MIB), WP);
    cpu.smrr_physmask &= ~(uint64_t)V;
    assert_int_equal(memory_type_mtrr(&cpu, 0x7f000000, 8 * MIB), WP);
}

static void assert_explained(uint64_t physical, uint64_t bytes, const char *wanted)
{
    char reported[160];
    struct text_buffer text;

    text_buffer_init(&text, reported, sizeof(reported));
    assert_int_equal(set_memory_type_texts_end - set_memory_type_texts, 1);
    set_memory_type_texts[0]->explain(&text.sink, &cpu, physical, bytes);
    assert_string_equal(reported, wanted);
}

/* What firmware in the field leaves, each with the first part of the memory that is not WB. */
static void what_is_not_write_back_is_explained(void **state)
{
    (void)state;
    cpu.def_type = 0;
    cpu.mtrrcap |= FIX;
    variable_range(0, 0, GIB, WB);
    assert_explained(MIB, 4096, "IA32_MTRR_DEF_TYPE 0x0, MTRRs off");
    cpu.def_type = E | FE | UC;
    assert_explained(GIB, 4096, "IA32_MTRR_DEF_TYPE 0xc00, no range");
    assert_explained(GIB - 4096, 8192, "IA32_MTRR_DEF_TYPE 0xc00, no range");
    cpu.fixed[0] = 0x0606060606060006ull;
    assert_explained(0x10000, 4096, "IA32_MTRR_DEF_TYPE 0xc00, a fixed range at 0x10000 UC");
    assert_explained(0, 0x20000, "IA32_MTRR_DEF_TYPE 0xc00, a fixed range at 0x10000 UC");
    variable_range(7, 768 * MIB, 256 * MIB, WP);
    assert_explained(767 * MIB, 2 * MIB,
                     "IA32_MTRR_DEF_TYPE 0xc00, range 0 at 0x0 WB, range 7 at 0x30000000 WP");
    cpu.physmask[0] &= ~(uint64_t)V;
    assert_explained(800 * MIB, 4096, "IA32_MTRR_DEF_TYPE 0xc00, range 7 at 0x30000000 WP");
    cpu.mtrrcap = 7;
    assert_explained(800 * MIB, 4096, "IA32_MTRR_DEF_TYPE 0xc00, no range");
    cpu.def_type = E | WB;
    cpu.smrr_physbase = 0x7f000000 | WP;
    cpu.smrr_physmask = 0xff800000 | V;
    assert_explained(0x7f7ff000, 8192, "IA32_MTRR_DEF_TYPE 0x806, SMRR at 0x7f000000");
    /* the MTRRs are not why */
    cpu.pat = 0;
    assert_explained(MIB, 4096, "IA32_PAT 0x0");
    assert_explained(0x7efff000, 4096, "IA32_PAT 0x0"); /* WB up to its last byte */
    assert_explained(0x7f7ff000, 4096, "IA32_MTRR_DEF_TYPE 0x806, SMRR at 0x7f000000");
}

static void ranges_that_are_none(void **state)
{
    (void)state;
    assert_int_equal(memory_type_mtrr(&cpu, MIB, 0), UNDEF);
    assert_int_equal(memory_type_mtrr(&cpu, 1ull << 40, 4096), UNDEF);
    assert_int_equal(memory_type_mtrr(&cpu, 1ull << 41, 4096), UNDEF);
    assert_int_equal(memory_type_mtrr(&cpu, (1ull << 40) - 4096, 8192), UNDEF);
    assert_int_equal(memory_type_mtrr(&cpu, 4096, UINT64_MAX), UNDEF);
    assert_int_equal(memory_type_mtrr(&cpu, (1ull << 40) - 4096, 4096), WB);
    assert_int_equal(memory_type_mtrr(&cpu, 0, 1ull << 40), WB);
    cpu.physical_width = 52;
    assert_int_equal(memory_type_mtrr(&cpu, 0, 1ull << 52), WB);
}

/* Masks as wide as another processor's, with holes, or empty. */
static void odd_masks(void **state)
{
    (void)state;
    /* 36 bits of mask on a processor of 40: the range comes again every 64 GiB */
    variable(0, 0, 0xfc0000000ull, WT);
    assert_int_equal(memory_type_mtrr(&cpu, 0, GIB), WT);
    assert_int_equal(memory_type_mtrr(&cpu, GIB, 63 * GIB), WB);
    assert_int_equal(memory_type_mtrr(&cpu, 64 * GIB, GIB), WT);
    assert_int_equal(memory_type_mtrr(&cpu, 960 * GIB, GIB), WT);
    assert_int_equal(memory_type_mtrr(&cpu, 961 * GIB, 63 * GIB), WB);
    /* bits above the processor's width are not there */
    variable(0, 1ull << 45 | GIB, 0xfffffffc0000000ull, WT);
    assert_int_equal(memory_type_mtrr(&cpu, GIB, GIB), WT);
    /* every second page */
    variable(0, 0x1000, 0x1000, WT);
    assert_int_equal(memory_type_mtrr(&cpu, 0x1000, 0x1000), WT);
    assert_int_equal(memory_type_mtrr(&cpu, 0x2000, 0x1000), WB);
    assert_int_equal(memory_type_mtrr(&cpu, 0x1000, 0x2000), MIXED);
    /* of the same type as the rest: a few pages are WB, too many pieces are proven nothing */
    variable(0, 0x1000, 0x1000, WB);
    assert_int_equal(memory_type_mtrr(&cpu, 0, 4 * MIB), WB);
    assert_int_equal(memory_type_mtrr(&cpu, 0, 1ull << 40), MIXED);
    /* bits 10:0 are reserved, and 11 says that the register is in use: no part of the mask */
    variable_range(0, GIB, GIB, WP);
    cpu.physmask[0] |= 0x7ff;
    assert_int_equal(memory_type_mtrr(&cpu, GIB, GIB), WP);
    assert_int_equal(memory_type_mtrr(&cpu, 2 * GIB, GIB), WB);
    /* no mask bit at all: everything */
    variable(0, GIB, 0, WP);
    assert_int_equal(memory_type_mtrr(&cpu, 0, 1ull << 40), WP);
    /* a base that is not aligned to the mask: the bits below the mask do not count */
    variable_range(0, 4 * GIB, GIB, WT);
    cpu.physbase[0] |= 512 * MIB;
    assert_int_equal(memory_type_mtrr(&cpu, 4 * GIB, GIB), WT);
    assert_int_equal(memory_type_mtrr(&cpu, 5 * GIB, GIB), WB);
}

static void assert_piece(uint64_t address, uint64_t end, int type)
{
    struct memory_piece piece = memory_type_piece(&cpu, address);

    assert_int_equal(piece.end, end);
    assert_int_equal(piece.type, type);
}

/* A piece is as long as it can be: up to where a range begins or ends, else to the last address. */
static void pieces_end_where_ranges_do(void **state)
{
    (void)state;
    assert_piece(0, 1ull << 40, WB);
    /* 256 MiB of every GiB, but for the pages whose bit 12 is 0 */
    variable(0, 0x10001000, 0xf0001000ull, WT);
    assert_piece(0, 0x10001000, WB);
    assert_piece(0x0ffffff0, 0x10001000, WB);
    assert_piece(0x10001000, 0x10002000, WT);
    assert_piece(0x10001234, 0x10002000, WT);
    assert_piece(0x10002000, 0x10003000, WB);
    assert_piece(0x1ffff000, 0x20000000, WT);
    assert_piece(0x20000000, 0x110001000, WB);
    /* one page, whose address has all bits that there are */
    variable(0, 0xfffffff000, 0xfffffff000, WT);
    assert_piece(0x123456000, 0xfffffff000, WB);
    assert_piece(0xfffffff000, 1ull << 40, WT);
    variable(0, 0x10000000000 | GIB, 0x1ffc0000000, WP); /* bit 40 does not exist */
    assert_piece(0, GIB, WB);
    assert_piece(GIB, 2 * GIB, WP);
    assert_piece(2 * GIB, 1ull << 40, WB);
    variable(0, 0, 0, WP);
    assert_piece(GIB, 1ull << 40, WP);
    cpu.def_type = WB;
    assert_piece(0, 1ull << 40, UC);
    cpu.mtrr = false;
    assert_piece(0, 1ull << 40, WB);
}

/* One page by the SDM's words, variable ranges only. */
static int model_page(uint64_t address)
{
    unsigned matches = 0, uc = 0, wt = 0, wb = 0, same = 0;
    uint64_t type = cpu.def_type & 0xff;

    for (unsigned i = 0; i < (cpu.mtrrcap & 0xff); i++) {
        uint64_t mask = cpu.physmask[i] & 0xfffffff000ull;
        uint64_t this_type = cpu.physbase[i] & 0xff;

        if (!(cpu.physmask[i] & V) || (address & mask) != (cpu.physbase[i] & mask))
            continue;
        if (matches++ == 0)
            type = this_type;
        same += type == this_type;
        uc += this_type == UC;
        wt += this_type == WT;
        wb += this_type == WB;
    }
    if (same == matches)
        return (int)type;
    if (uc > 0)
        return UC;
    return wt + wb == matches ? WT : UNDEF;
}

static void random_registers_agree_with_the_model(void **state)
{
    static const uint64_t types[] = {UC, WC, WT, WP, WB, WB, UC};
    const uint64_t window = 4 * MIB; /* of 1024 pages, which the ranges lie in or around */
    uint64_t seed = 0x6d747272;
    unsigned seen[MIXED + 1] = {0};

    (void)state;
    for (unsigned run = 0; run < 3000; run++) {
        cpu.mtrrcap = random_below(&seed, 6);
        cpu.def_type = (uint64_t)E | types[random_below(&seed, 7)];
        for (unsigned i = 0; i < 6; i++) {
            uint64_t mask = (1ull << 40) - (4096ull << random_below(&seed, 12));

            if (random_below(&seed, 4) == 0)
                mask &= random_next(&seed) | ~(window - 1);
            if (random_below(&seed, 8) == 0)
                mask &= 0xfffffffffull;
            cpu.physbase[i] =
                (random_next(&seed) & (window - 4096)) | types[random_below(&seed, 7)];
            cpu.physmask[i] = mask | (random_below(&seed, 5) != 0 ? V : 0);
        }
        for (unsigned query = 0; query < 20; query++) {
            uint64_t page = random_below(&seed, 1024);
            uint64_t pages = 1 + random_below(&seed, query % 2 ? 1024 - page : 8);
            int expected = model_page(page * 4096);
            int actual = (int)memory_type_mtrr(&cpu, page * 4096, pages * 4096);

            for (uint64_t i = 1; i < pages && expected != MIXED; i++) {
                if (model_page((page + i) * 4096) != expected)
                    expected = MIXED;
            }
            assert_int_equal(actual, expected);
            seen[expected]++;
        }
    }
    assert_true(seen[MIXED] > 100 && seen[UNDEF] > 100 && seen[WB] > 100 && seen[WT] > 100);
}

static void types_have_names(void **state)
{
    (void)state;
    assert_string_equal(memory_type_name(MEMORY_TYPE_UC), "UC");
    assert_string_equal(memory_type_name(MEMORY_TYPE_WC), "WC");
    assert_string_equal(memory_type_name(MEMORY_TYPE_WT), "WT");
    assert_string_equal(memory_type_name(MEMORY_TYPE_WP), "WP");
    assert_string_equal(memory_type_name(MEMORY_TYPE_WB), "WB");
    assert_string_equal(memory_type_name(MEMORY_TYPE_UC_MINUS), "UC-");
    assert_string_equal(memory_type_name(MEMORY_TYPE_MIXED), "mixed");
    assert_string_equal(memory_type_name(MEMORY_TYPE_UNDEFINED), "undefined");
    assert_string_equal(memory_type_name((enum memory_type)3), "undefined");
    assert_string_equal(memory_type_name((enum memory_type)(MEMORY_TYPE_MIXED + 1)), "undefined");
}

/* The processor that memory_types_read() asks: what it has, and what it was asked for. */
static struct {
    uint32_t edx, width, max_leaf;
    uint64_t mtrrcap;
    bool faults; /* every RDMSR */
    unsigned reads;
} asked;

struct cpuid_registers cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_registers r = {0};

    (void)subleaf;
    if (leaf == 1)
        r.edx = asked.edx;
    else if (leaf == 0x80000000u)
        r.eax = asked.max_leaf;
    else if (leaf == 0x80000008u && asked.max_leaf >= leaf)
        r.eax = 0x3000 | asked.width;
    else
        r.eax = 0xffffffffu;
    return r;
}

/* Each register's value is its number, but for those that say what there is. */
uint8_t rdmsr_safe(uint32_t msr, uint64_t *value)
{
    bool fixed = msr == 0x250 || msr == 0x258 || msr == 0x259 || (msr >= 0x268 && msr <= 0x26f);
    uint32_t variable_end = 0x200 + 2 * (uint32_t)(asked.mtrrcap & 0xff);
    bool mtrr = msr == 0xfe || msr == 0x2ff || (fixed && (asked.mtrrcap & FIX)) ||
                (msr >= 0x200 && msr < variable_end) ||
                ((msr == 0x1f2 || msr == 0x1f3) && (asked.mtrrcap & SMRR));

    asked.reads++;
    *value = 0;
    if (asked.faults)
        return X86_VECTOR_GP;
    if (!(mtrr && (asked.edx & 1u << 12)) && !(msr == 0x277 && (asked.edx & 1u << 16)))
        fail_msg("MSR %#x is not there to be read", msr);
    *value = msr == 0xfe ? asked.mtrrcap : 0xabc00000u + msr;
    return 0;
}

static void reading_all_registers(void **state)
{
    static const uint32_t fixed[11] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
                                       0x26b, 0x26c, 0x26d, 0x26e, 0x26f};

    (void)state;
    memset(&asked, 0, sizeof(asked));
    asked.edx = 1u << 12 | 1u << 16;
    asked.width = 46;
    asked.max_leaf = 0x80000008u;
    asked.mtrrcap = FIX | SMRR | 10;
    memset(&cpu, 0xff, sizeof(cpu));
    memory_types_read(&cpu);
    assert_true(cpu.mtrr && cpu.pat_supported);
    assert_int_equal(cpu.physical_width, 46);
    assert_int_equal(cpu.mtrrcap, FIX | SMRR | 10);
    assert_int_equal(cpu.smrr_physbase, 0xabc001f2);
    assert_int_equal(cpu.smrr_physmask, 0xabc001f3);
    assert_int_equal(cpu.def_type, 0xabc002ff);
    assert_int_equal(cpu.pat, 0xabc00277);
    for (unsigned i = 0; i < 11; i++)
        assert_int_equal(cpu.fixed[i], 0xabc00000 + fixed[i]);
    for (unsigned i = 0; i < MTRR_VARIABLE_MAX; i++) {
        assert_int_equal(cpu.physbase[i], i < 10 ? 0xabc00200 + 2 * i : 0);
        assert_int_equal(cpu.physmask[i], i < 10 ? 0xabc00201 + 2 * i : 0);
    }
    assert_int_equal(asked.reads, 2 + 11 + 2 + 20 + 1);
}

/* Of the same file, and for execute disable alone. */
uint64_t rdmsr(uint32_t msr)
{
    fail_msg("%#x is read", msr);
    return 0;
}

uint8_t wrmsr_safe(uint32_t msr, uint64_t value)
{
    fail_msg("%#lx is written to %#x", value, msr);
    return 0;
}

/* rdmsr_safe() above fails the test at any register that is not there. */
static void reading_what_is_there(void **state)
{
    (void)state;
    memset(&asked, 0, sizeof(asked));
    asked.max_leaf = 0x80000004u;
    memory_types_read(&cpu);
    assert_false(cpu.mtrr || cpu.pat_supported);
    assert_int_equal(asked.reads, 0);
    assert_int_equal(cpu.physical_width, 36);
    assert_int_equal(cpu.pat, PAT_RESET);
    assert_int_equal(memory_type_mtrr(&cpu, MIB, MIB), WB);

    asked.edx = 1u << 12;
    asked.max_leaf = 0x80000008u;
    asked.width = 39;
    asked.mtrrcap = 255; /* no fixed ranges, more variable ones than we keep */
    memory_types_read(&cpu);
    assert_int_equal(cpu.physical_width, 39);
    assert_int_equal(cpu.fixed[0], 0);
    assert_int_equal(cpu.smrr_physmask, 0);
    assert_int_equal(cpu.physmask[31], 0xabc0023f);
    assert_int_equal(cpu.pat, PAT_RESET);

    asked.width = 52; /* the most that there can be */
    memory_types_read(&cpu);
    assert_int_equal(cpu.physical_width, 52);
    asked.width = 53;
    memory_types_read(&cpu);
    assert_int_equal(cpu.physical_width, 36);
    asked.width = 0; /* nonsense is not believed */
    memory_types_read(&cpu);
    assert_int_equal(cpu.physical_width, 36);
    asked.width = 64;
    memory_types_read(&cpu);
    assert_int_equal(cpu.physical_width, 36);
}

static void reading_what_faults_proves_nothing(void **state)
{
    (void)state;
    memset(&asked, 0, sizeof(asked));
    asked.edx = 1u << 12 | 1u << 16;
    asked.faults = true;
    memory_types_read(&cpu);
    assert_int_equal(cpu.mtrrcap, 0);
    assert_int_equal(cpu.def_type, 0);
    assert_int_equal(cpu.pat, PAT_RESET);
    assert_int_equal(memory_type_mtrr(&cpu, MIB, MIB), UC);
}

/* IA32_MTRRCAP.VCNT says how many there are; what stands after them is not one. */
static void only_as_many_variable_ranges_as_there_are(void **state)
{
    (void)state;
    for (unsigned count = 0; count < 4; count++) {
        memset(cpu.physmask, 0, sizeof(cpu.physmask));
        cpu.mtrrcap = count;
        for (unsigned i = 0; i < 4; i++)
            variable_range(i, i * GIB, GIB, UC);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(memory_type_mtrr(&cpu, i * GIB, 4096), i < count ? UC : WB);
    }
    cpu.mtrrcap = 255;
    memset(cpu.physmask, 0, sizeof(cpu.physmask));
    variable_range(MTRR_VARIABLE_MAX - 1, 0, GIB, UC);
    assert_int_equal(memory_type_mtrr(&cpu, 0, 4096), UC);
}

/* 4096 pieces are looked at: here one a page, WB by the default, WB by a range of every other page.
 */
static void a_range_of_too_many_pieces_is_mixed(void **state)
{
    (void)state;
    variable(0, 0, 0x1000, WB);
    assert_int_equal(memory_type_mtrr(&cpu, 0, 4096 * 4096), WB);
    assert_int_equal(memory_type_mtrr(&cpu, 0, 4097 * 4096), MIXED);
    assert_int_equal(memory_type_mtrr(&cpu, 0x1000, 4096 * 4096), WB);
}

/* The 4096th is looked at and the one after it is not. */
static void too_many_pieces_are_not_explained(void **state)
{
    (void)state;
    variable(0, 0, 0x1000, WB);
    variable_range(1, 16 * MIB, 16 * MIB, UC);
    assert_explained(0x1000, 16 * MIB,
                     "IA32_MTRR_DEF_TYPE 0x806, range 0 at 0x0 WB, range 1 at 0x1000000 UC");
    assert_explained(0, 17 * MIB, "IA32_PAT 0x7040600070406");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reserved_encodings_of_mtrrs, plain_processor),
        cmocka_unit_test_setup(without_mtrrs, plain_processor),
        cmocka_unit_test_setup(every_fixed_range, plain_processor),
        cmocka_unit_test_setup(fixed_before_variable, plain_processor),
        cmocka_unit_test_setup(overlaps_of_two, plain_processor),
        cmocka_unit_test_setup(overlaps_of_three, plain_processor),
        cmocka_unit_test_setup(a_usual_pc, plain_processor),
        cmocka_unit_test_setup(memory_of_system_management, plain_processor),
        cmocka_unit_test_setup(what_is_not_write_back_is_explained, plain_processor),
        cmocka_unit_test_setup(ranges_that_are_none, plain_processor),
        cmocka_unit_test_setup(odd_masks, plain_processor),
        cmocka_unit_test_setup(pieces_end_where_ranges_do, plain_processor),
        cmocka_unit_test_setup(random_registers_agree_with_the_model, plain_processor),
        cmocka_unit_test(types_have_names),
        cmocka_unit_test(reading_all_registers),
        cmocka_unit_test(reading_what_is_there),
        cmocka_unit_test(reading_what_faults_proves_nothing),
        cmocka_unit_test_setup(only_as_many_variable_ranges_as_there_are, plain_processor),
        cmocka_unit_test_setup(a_range_of_too_many_pieces_is_mixed, plain_processor),
        cmocka_unit_test_setup(too_many_pieces_are_not_explained, plain_processor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
