/*
 * The guest's paging against a second walker, written from the manual's tables mode by mode (SDM
 * Vol. 3, "Paging"), on random tables: what an address translates to, each page fault's error code,
 * and every accessed and dirty flag.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "lib/x86_registers.h"
#include "tests/host/random.h"
#include "vm/access/guest_paging.h"

enum { PAGES = 24, PAGE = 4096, ROUNDS = 200000 };

static _Alignas(PAGE) uint8_t memory[PAGES * PAGE], wanted_memory[PAGES * PAGE];
static uint64_t seed;

static void *entry(const struct guest_paging *paging, uint64_t physical, bool write)
{
    (void)paging;
    (void)write;
    return physical < sizeof(memory) ? memory + physical : NULL;
}

/* The second walker. */

struct expected {
    bool no_memory, faults, present, reserved; /* how it ended, and bits P and RSVD */
    bool rw, us, xd;                           /* of all entries together */
    unsigned key;
    uint64_t physical;
    unsigned entries;
    uint64_t at[5]; /* the last is the leaf */
    unsigned bytes; /* of an entry */
};

static bool bit(uint64_t value, unsigned number)
{
    return (value >> number & 1) != 0;
}

/* Any of bits high:low? */
static bool any(uint64_t value, unsigned high, unsigned low)
{
    for (unsigned i = low; i <= high && i < 64; i++) {
        if (bit(value, i))
            return true;
    }
    return false;
}

/* Gives the entry; notes where it is, and R/W, U/S, XD. False: the walk is over. */
static bool visit(struct expected *e, uint64_t at, uint64_t *value)
{
    if (at >= sizeof(memory)) {
        e->no_memory = true;
        e->physical = at;
        return false;
    }
    *value = 0;
    memcpy(value, wanted_memory + at, e->bytes);
    if (!bit(*value, 0)) {
        e->faults = true;
        return false;
    }
    e->at[e->entries++] = at;
    e->rw &= bit(*value, 1);
    e->us &= bit(*value, 2);
    e->xd |= bit(*value, 63);
    return true;
}

static void is_reserved(struct expected *e)
{
    e->faults = e->present = e->reserved = true;
}

/* "32-Bit Paging", tables "Format of a 32-Bit Page-Directory Entry that Maps a 4-MByte Page" and
 * those beside it. */
static void walk_32(const struct guest_paging *p, uint32_t linear, struct expected *e)
{
    unsigned m = p->physical_address_width < 40 ? p->physical_address_width : 40;
    uint64_t pde, pte;

    e->bytes = 4;
    if (!visit(e, (p->cr3 & 0xfffff000) + linear / 0x400000 * 4, &pde))
        return;
    if (bit(pde, 7) && (p->cr4 & CR4_PSE) != 0) {
        if (any(pde, 21, p->pse36 ? m - 19 : 13))
            is_reserved(e);
        e->physical = (pde & 0xffc00000) + linear % 0x400000;
        for (unsigned i = 32; p->pse36 && i < m; i++)
            e->physical |= (uint64_t)bit(pde, i - 19) << i;
        return;
    }
    if (visit(e, (pde & 0xfffff000) + linear / PAGE % 1024 * 4, &pte))
        e->physical = (pte & 0xfffff000) + linear % PAGE;
}

/* "4-Level Paging and 5-Level Paging", "PAE Paging": entries of 8 bytes below `top` levels. */
static void walk_64(const struct guest_paging *p, uint64_t linear, uint64_t table, int top,
                    bool ia32e, struct expected *e)
{
    static const uint64_t sizes[] = {1ull << 12, 1ull << 21, 1ull << 30, 1ull << 39, 1ull << 48};
    uint64_t value;

    e->bytes = 8;
    for (int i = top - 1; i >= 0; i--) {
        bool maps = i == 0;

        if (!visit(e, table + linear / sizes[i] % 512 * 8, &value))
            return;
        maps |= i == 1 && bit(value, 7);                 /* a PDE: 2 MBytes */
        maps |= i == 2 && bit(value, 7);                 /* a PDPTE: 1 GByte, */
        if ((i == 2 && bit(value, 7) && !p->pages_1g) || /* if there are such */
            (i >= 3 && bit(value, 7)) ||                 /* PML4E and PML5E: must be 0 */
            any(value, ia32e ? 51 : 62, p->physical_address_width) ||
            (bit(value, 63) && (p->efer & EFER_NXE) == 0) ||
            (i == 1 && maps && any(value, 20, 13)) || (i == 2 && maps && any(value, 29, 13))) {
            is_reserved(e);
            return;
        }
        table = value & 0xffffffffff000;
        if (maps) {
            e->physical = table / sizes[i] * sizes[i] + linear % sizes[i];
            e->key = value >> 59 & 15;
            return;
        }
    }
}

/* "Determination of Access Rights", each bullet a line. */
static bool allowed(const struct guest_paging *p, uint32_t access, const struct expected *e,
                    bool key_forbids)
{
    bool wp = (p->cr0 & CR0_WP) != 0, smap = (p->cr4 & CR4_SMAP) != 0;
    bool smep = (p->cr4 & CR4_SMEP) != 0, ac = (p->rflags & RFLAGS_AC) != 0;
    bool xd = e->xd && (p->efer & EFER_NXE) != 0 && (p->cr4 & CR4_PAE) != 0;
    bool implicit = (access & ACCESS_IMPLICIT) != 0, writes = (access & ACCESS_WRITE) != 0;

    if ((access & ACCESS_FETCH) != 0) {
        if ((access & ACCESS_USER) != 0)
            return e->us && !xd;
        return !(e->us && smep) && !xd;
    }
    if (key_forbids)
        return false;
    if ((access & ACCESS_USER) != 0)
        return e->us && (!writes || e->rw);
    if (!e->us)
        return !writes || !wp || e->rw;
    if (smap && (implicit || !ac))
        return false;
    return !writes || !wp || e->rw;
}

static void expect(const struct guest_paging *p, uint64_t linear, uint32_t access,
                   struct guest_translation *result)
{
    bool ia32e = (p->efer & EFER_LMA) != 0, pae = (p->cr4 & CR4_PAE) != 0;
    struct expected e = {.rw = true, .us = true};
    uint64_t pdpte = p->pdpte[linear / 0x40000000 % 4];
    bool key_forbids = false;

    *result = (struct guest_translation){TRANSLATED, linear, 0};
    if ((p->cr0 & CR0_PG) == 0)
        return;
    if (ia32e)
        walk_64(p, linear, p->cr3 & 0xffffffffff000, (p->cr4 & CR4_LA57) != 0 ? 5 : 4, true, &e);
    else if (!pae)
        walk_32(p, (uint32_t)linear, &e);
    else if (!bit(pdpte, 0))
        e.faults = true;
    else
        walk_64(p, linear, pdpte & 0xffffffffff000, 2, false, &e);
    if (e.no_memory) {
        *result = (struct guest_translation){TRANSLATION_NO_MEMORY, e.physical, 0};
        return;
    }
    if (!e.faults && ia32e && (p->cr4 & CR4_PKE) != 0 && e.us && (access & ACCESS_FETCH) == 0)
        key_forbids = bit(p->pkru, 2 * e.key) ||
                      (bit(p->pkru, 2 * e.key + 1) && (access & ACCESS_WRITE) != 0 &&
                       ((p->cr0 & CR0_WP) != 0 || (access & ACCESS_USER) != 0));
    if (!e.faults && !allowed(p, access, &e, key_forbids))
        e.faults = e.present = true;
    if (e.faults) { /* bits 0 to 5 in their order */
        bool id = (access & ACCESS_FETCH) != 0 &&
                  ((p->cr4 & CR4_SMEP) != 0 || (pae && (p->efer & EFER_NXE) != 0));

        *result = (struct guest_translation){
            TRANSLATION_FAULTS, 0,
            (uint32_t)e.present | ((access & ACCESS_WRITE) != 0) << 1 |
                ((access & ACCESS_USER) != 0) << 2 | (uint32_t)e.reserved << 3 | (uint32_t)id << 4 |
                (uint32_t)key_forbids << 5};
        return;
    }
    for (unsigned i = 0; i < e.entries; i++)
        wanted_memory[e.at[i]] |= 0x20;
    if ((access & ACCESS_WRITE) != 0)
        wanted_memory[e.at[e.entries - 1]] |= 0x40;
    *result = (struct guest_translation){TRANSLATED, e.physical, 0};
}

/* Random tables. */

static bool one_in(uint64_t n)
{
    return random_below(&seed, n) == 0;
}

/* Mostly an entry that leads somewhere and allows all. */
static uint64_t random_entry(void)
{
    uint64_t value = random_below(&seed, PAGES) << 12 | 7;

    value ^= one_in(12) ? 1 : 0;
    value ^= one_in(6) ? 2 : 0;
    value ^= one_in(3) ? 4 : 0;
    value |= one_in(4) ? 0x80 : 0;
    value |= one_in(2) ? 0x20 : 0;
    value |= one_in(3) ? 0x40 : 0;
    if (one_in(3))
        value &= ~0x1ff000ull; /* where it maps a large page */
    if (one_in(6))
        value |= 1ull << random_below(&seed, 64);
    value |= one_in(6) ? 1ull << 63 : 0;
    value |= random_below(&seed, 16) << 59 & (one_in(2) ? UINT64_MAX : 0);
    return value;
}

static void random_tables(void)
{
    for (size_t i = 0; i < sizeof(memory); i += 8) {
        uint64_t value = random_entry();

        memcpy(memory + i, &value, 8);
        if (one_in(2))
            continue;
        value = (uint32_t)random_entry(); /* two of 4 bytes */
        memcpy(memory + i, &value, 4);
        value = (uint32_t)random_entry();
        memcpy(memory + i + 4, &value, 4);
    }
}

static struct guest_paging random_paging(void)
{
    static const uint8_t widths[] = {32, 36, 39, 40, 46, 52};
    uint64_t half = random_next(&seed);
    struct guest_paging p = {
        .cr0 = CR0_PE | (one_in(20) ? 0 : CR0_PG) | (one_in(2) ? CR0_WP : 0),
        .cr3 = random_below(&seed, PAGES) << 12 | (one_in(2) ? 0x18 : 0),
        .cr4 = random_next(&seed) & (CR4_PSE | CR4_SMEP | CR4_SMAP | CR4_PAE),
        .efer = one_in(2) ? EFER_NXE : 0,
        .rflags = one_in(2) ? RFLAGS_AC : 0,
        .pkru = (uint32_t)(random_next(&seed) & half),
        .physical_address_width = widths[random_below(&seed, sizeof(widths))],
        .pages_1g = one_in(2),
        .pse36 = one_in(2),
        .entry = entry,
    };

    if (one_in(2)) {
        p.efer |= EFER_LMA | EFER_LME;
        p.cr4 |= CR4_PAE | (one_in(3) ? CR4_LA57 : 0) | (one_in(2) ? CR4_PKE : 0);
    }
    for (unsigned i = 0; i < 4; i++)
        p.pdpte[i] = random_below(&seed, PAGES) << 12 | (one_in(8) ? 0 : 1);
    return p;
}

static uint32_t random_access(void)
{
    static const uint32_t accesses[] = {
        ACCESS_READ,
        ACCESS_WRITE,
        ACCESS_FETCH,
        ACCESS_READ | ACCESS_USER,
        ACCESS_WRITE | ACCESS_USER,
        ACCESS_FETCH | ACCESS_USER,
        ACCESS_READ | ACCESS_IMPLICIT,
        ACCESS_WRITE | ACCESS_IMPLICIT,
    };

    return accesses[random_below(&seed, sizeof(accesses) / sizeof(accesses[0]))];
}

static void both_walkers_agree(void **state)
{
    unsigned translated = 0, faulted = 0, lost = 0, marked = 0;

    (void)state;
    seed = 20261127;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct guest_paging paging = random_paging();
        uint64_t linear = random_next(&seed);
        uint32_t access = random_access();
        struct guest_translation wanted, seen;

        if ((paging.efer & EFER_LMA) == 0)
            linear = (uint32_t)linear;
        if (round % 512 == 0) {
            random_tables();
            memcpy(wanted_memory, memory, sizeof(memory));
        }
        expect(&paging, linear, access, &wanted);
        seen = guest_translate(&paging, linear, access);
        assert_int_equal(seen.result, wanted.result);
        assert_int_equal(seen.error, wanted.error);
        assert_int_equal(seen.physical, wanted.physical); /* of a fault 0 */
        if (round % 8 == 0 || round % 512 == 511) {
            marked += memcmp(memory, wanted_memory, sizeof(memory)) == 0;
            assert_memory_equal(memory, wanted_memory, sizeof(memory));
        }
        translated += seen.result == TRANSLATED;
        faulted += seen.result == TRANSLATION_FAULTS;
        lost += seen.result == TRANSLATION_NO_MEMORY;
    }
    /* each way to end was taken often */
    assert_true(translated > ROUNDS / 10 && faulted > ROUNDS / 10 && lost > ROUNDS / 100);
    assert_true(marked > ROUNDS / 10);
}

/* An entry that another CPU changes between the walk and the flag is walked anew. */
static unsigned changes;

static void *entry_that_changes(const struct guest_paging *paging, uint64_t physical, bool write)
{
    uint64_t other = 0x5000 | 7;

    if (write && changes > 0) {
        changes--;
        memcpy(memory + 0x3000, &other, sizeof(other)); /* the PTE */
    }
    return entry(paging, physical, write);
}

static void an_entry_that_changes_meanwhile_is_read_again(void **state)
{
    static const uint64_t next[] = {0x1007 | 0x20, 0x2007 | 0x20, 0x3007 | 0x20, 0x4007};
    struct guest_paging paging = {.cr0 = CR0_PE | CR0_PG | CR0_WP,
                                  .cr4 = CR4_PAE,
                                  .efer = EFER_LMA | EFER_LME,
                                  .physical_address_width = 39,
                                  .entry = entry_that_changes};
    struct guest_translation seen;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        memcpy(memory + i * PAGE, &next[i], sizeof(next[i]));
    changes = 1;
    seen = guest_translate(&paging, 0x123, ACCESS_WRITE);
    assert_int_equal(seen.result, TRANSLATED);
    assert_int_equal(seen.physical, 0x5123);
    assert_int_equal(memory[0x3000], 7 | 0x60);
}

/* Where an entry may be read and not be written, its flags cannot be set. */
static void *entry_read_only(const struct guest_paging *paging, uint64_t physical, bool write)
{
    return write ? NULL : entry(paging, physical, write);
}

static void flags_that_cannot_be_set_end_the_access(void **state)
{
    const uint64_t wanted = 0x4007;
    struct guest_paging paging = {.cr0 = CR0_PE | CR0_PG,
                                  .cr4 = CR4_PSE,
                                  .cr3 = 0x3000,
                                  .physical_address_width = 39,
                                  .entry = entry_read_only};

    (void)state;
    memcpy(memory + 0x3000, &wanted, 4);
    memset(memory + 0x4000, 0, 4);
    memory[0x4000] = 0x27; /* accessed, and not dirty */
    assert_int_equal(guest_translate(&paging, 0, ACCESS_READ).result, TRANSLATION_NO_MEMORY);
    memory[0x3000] |= 0x20;
    assert_int_equal(guest_translate(&paging, 0, ACCESS_READ).result, TRANSLATED);
    assert_int_equal(guest_translate(&paging, 0, ACCESS_WRITE).result, TRANSLATION_NO_MEMORY);
    assert_int_equal(guest_translate(&paging, 0, ACCESS_WRITE).physical, 0x4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_walkers_agree),
        cmocka_unit_test(an_entry_that_changes_meanwhile_is_read_again),
        cmocka_unit_test(flags_that_cannot_be_set_end_the_access),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
