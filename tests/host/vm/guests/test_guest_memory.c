/*
 * A guest's memory on the model CPU: what stands in it, what translates to it, that every page that
 * was taken is given back, and when the processor is asked to forget translations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "mm/page_alloc.h"
#include "tests/host/guest_machine.h"
#include "vm/guests/guest_run.h"
#include "vm/registers/registers.h"

static struct vcpu *vcpu;

/* Another machine with the same guest on the same CPU, which owns nothing yet. */
static struct guest_vm other;

static void another(void)
{
    other = (struct guest_vm){.guest = guest_of(vcpu), .options = guest_vm_of(vcpu)->options};
    vcpu_init(&other.vcpu, &other.vm, vcpu->cpu);
    memcpy(other.vcpu.controls, vcpu->controls, sizeof(other.vcpu.controls));
}

static int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    another();
    return 0;
}

static void it_holds_the_guests_code(void **state)
{
    const struct guest *guest = guest_of(vcpu);

    (void)state;
    assert_memory_equal(guest_machine_memory(GUEST_CODE), guest->code->start, guest->code->bytes);
}

/* All or nothing: without memory nothing is written anywhere, and nothing stays taken. */
static void without_memory_there_is_no_guest(void **state)
{
    unsigned before = model_pages_used();

    (void)state;
    for (unsigned pages = 0; pages < 80; pages++) {
        bool made;

        model_pages_limit(before + pages);
        another();
        made = guest_memory_create(&other.vcpu);
        assert_int_equal(made, other.vm.memory != 0 && other.vm.eptp != 0 &&
                                   ept_walk(&other.vm.ept, 0).mapped &&
                                   ept_walk(&other.vm.ept, GUEST_MEMORY_BYTES - 1).mapped);
        vm_free(&other.vm);
        assert_int_equal(model_pages_used(), before);
    }
    model_pages_limit(MODEL_PAGES);
    assert_true(guest_memory_create(&other.vcpu));
    vm_free(&other.vm);
}

static void code_that_does_not_fit_is_no_guest(void **state)
{
    static const uint8_t much[GUEST_CODE_BYTES + 1];
    static const struct guest_code code = {.start = much, .bytes = sizeof(much)};
    struct guest guest = *guest_of(vcpu);
    unsigned before = model_pages_used();

    (void)state;
    guest.code = &code;
    other.guest = &guest;
    assert_false(guest_memory_create(&other.vcpu));
    vm_free(&other.vm);
    assert_int_equal(other.vm.memory, 0);
    assert_int_equal(model_pages_used(), before);
}

/* SDM, "4-Level Paging": the hypervisor's own tables translate to the guest's memory, and no more.
 */
static uint64_t translate(uint64_t root, uint64_t linear)
{
    uint64_t table = root;

    for (int shift = 39; shift >= 12; shift -= 9) {
        uint64_t entry = ((uint64_t *)phys_to_virt(table))[linear >> shift & 511];

        if ((entry & 1) == 0)
            return UINT64_MAX;
        assert_int_equal(entry & 2, 2);
        assert_false(shift == 12 && entry >> 63); /* executable */
        table = entry & 0x000ffffffffff000;
        if (shift > 12 && (entry & 0x80) != 0)
            return (table & ~((1ull << shift) - 1)) + (linear & ((1ull << shift) - 1));
    }
    return table + (linear & 0xfff);
}

static void without_ept_the_hypervisors_tables_translate(void **state)
{
    unsigned before = model_pages_used();

    (void)state;
    other.vcpu.controls[VMX_CONTROL_SECONDARY] &= ~(uint32_t)SECONDARY_ENABLE_EPT;
    assert_true(guest_memory_create(&other.vcpu));
    assert_int_equal(other.vm.eptp, 0);
    for (uint64_t address = 0; address < GUEST_MEMORY_BYTES; address += 0xfff)
        assert_int_equal(translate(other.vm.page_tables, address), other.vm.memory + address);
    assert_int_equal(translate(other.vm.page_tables, GUEST_MEMORY_BYTES), UINT64_MAX);
    vm_free(&other.vm);
    assert_int_equal(model_pages_used(), before);
    for (unsigned pages = 0; pages < 64 + 4 + 4; pages++) {
        model_pages_limit(before + pages);
        other.vm.pages.count = 0;
        (void)guest_memory_create(&other.vcpu);
        vm_free(&other.vm);
        assert_int_equal(model_pages_used(), before);
    }
}

/* What of the machine is the hypervisor's is asked for addresses after the guest's own memory. */

static const char *owned(uint64_t physical)
{
    (void)physical;
    return "ours";
}

static void owners_are_reported_after_its_own_memory_only(void **state)
{
    (void)state;
    guest_machine.memory_owned = owned;
    assert_null(guest_memory_owner(vcpu, GUEST_MEMORY_BYTES));
    guest_machine.guest.sees_machine = true;
    assert_null(guest_memory_owner(vcpu, 0));
    assert_null(guest_memory_owner(vcpu, GUEST_MEMORY_BYTES - 1));
    assert_string_equal(guest_memory_owner(vcpu, GUEST_MEMORY_BYTES), "ours");
}

/* Non-RAM memory up to GUEST_MACHINE_END, and from there on: what lies after is not shown. */
static bool up_to_the_end_and_after(uint64_t *next, uint64_t *base, uint64_t *end)
{
    *base = *next;
    *end = *next < GUEST_MACHINE_END ? GUEST_MACHINE_END : 1ull << 40;
    *next = *end;
    return *base < *end;
}

static enum memory_type uncacheable(uint64_t physical)
{
    (void)physical;
    return 0;
}

static void the_machine_is_shown_up_to_its_end(void **state)
{
    (void)state;
    guest_machine_reset(GUEST_LONG);
    guest_machine.guest.sees_machine = true;
    guest_machine.memory_next_non_ram = up_to_the_end_and_after;
    guest_machine.memory_non_ram_type = uncacheable;
    vcpu = guest_machine_start();
    assert_true(ept_walk(&vcpu->vm->ept, GUEST_MACHINE_END - 1).mapped);
    assert_false(ept_walk(&vcpu->vm->ept, GUEST_MACHINE_END).mapped);
}

static void a_page_in_the_cache_is_given_out_once(void **state)
{
    unsigned before = model_pages_used(), filled;
    uint64_t taken[PAGE_CACHE_SIZE + 2];

    (void)state;
    page_cache_fill(&other.vm.pages);
    assert_int_equal(other.vm.pages.count, PAGE_CACHE_SIZE);
    filled = model_pages_used();
    page_cache_fill(&other.vm.pages);
    assert_int_equal(model_pages_used(), filled);
    for (unsigned i = 0; i < PAGE_CACHE_SIZE + 2; i++) {
        taken[i] = page_cache_alloc(&other.vm.pages);
        assert_int_not_equal(taken[i], 0);
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(taken[i], taken[j]);
    }
    assert_int_equal(model_pages_used(), filled + 2); /* the last two were not in the cache */
    page_cache_free(&other.vm.pages);
    assert_int_equal(model_pages_used(), before);
    page_cache_free(&other.vm.pages); /* nothing is left to give */
    assert_int_equal(other.vm.pages.owned_count, 0);
    assert_int_equal(other.vm.pages.count, 0);
    /* It is as good as new. */
    assert_int_not_equal(page_cache_alloc(&other.vm.pages), 0);
    page_cache_free(&other.vm.pages);
    assert_int_equal(model_pages_used(), before);
    /* A full cache that is given back has nothing: the next page is the pool's. */
    page_cache_fill(&other.vm.pages);
    page_cache_free(&other.vm.pages);
    assert_int_equal(other.vm.pages.count, 0);
    assert_int_equal(model_pages_used(), before);
    assert_int_not_equal(page_cache_alloc(&other.vm.pages), 0);
    assert_int_not_equal(model_pages_used(), before);
    page_cache_free(&other.vm.pages);
    assert_int_equal(model_pages_used(), before);
}

static void the_cache_is_what_memory_there_is(void **state)
{
    unsigned before = model_pages_used();

    (void)state;
    model_pages_limit(before + 3); /* not the four of the list of pages */
    assert_int_equal(page_cache_alloc(&other.vm.pages), 0);
    page_cache_fill(&other.vm.pages);
    assert_int_equal(other.vm.pages.count, 0);
    model_pages_limit(before + 4 + 2);
    page_cache_fill(&other.vm.pages);
    assert_int_equal(other.vm.pages.count, 2);
    assert_int_not_equal(page_cache_alloc(&other.vm.pages), 0);
    assert_int_not_equal(page_cache_alloc(&other.vm.pages), 0);
    assert_int_equal(page_cache_alloc(&other.vm.pages), 0);
    page_cache_free(&other.vm.pages);
    assert_int_equal(model_pages_used(), before);
}

/*
 * A list of 16 KiB has room for 2048 pages; after it there is none, however much memory is left.
 */
static void a_full_list_gives_no_page(void **state)
{
    unsigned before = model_pages_used();
    uint64_t *list;

    (void)state;
    assert_int_not_equal(page_cache_alloc(&other.vm.pages), 0);
    list = phys_to_virt(other.vm.pages.owned);
    other.vm.pages.owned_count = 2047; /* the last place */
    assert_int_not_equal(page_cache_alloc(&other.vm.pages), 0);
    assert_int_equal(other.vm.pages.owned_count, 2048);
    assert_int_equal(page_cache_alloc(&other.vm.pages), 0);
    assert_int_equal(model_pages_used(), before + 4 + 2);
    list[1] = list[2047];
    other.vm.pages.owned_count = 2;
    page_cache_free(&other.vm.pages);
    assert_int_equal(model_pages_used(), before);
}

/* SDM, "Caching Translation Information": with VPIDs nothing is forgotten but by INVVPID. */
static void translations_are_forgotten_by_instruction(void **state)
{
    unsigned before = model_cpu.executed[MODEL_INVVPID];

    (void)state;
    assert_int_not_equal(vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_VPID, 0);
    translation_flush(vcpu);
    assert_int_equal(model_cpu.executed[MODEL_INVVPID], before + 1);
    assert_int_equal(model_cpu.invalidated.type, 1); /* single context */
    assert_int_equal(model_cpu.invalidated.context, FIELD(VIRTUAL_PROCESSOR_IDENTIFIER));
    vcpu->capability.invvpid_single_context = false;
    translation_flush(vcpu);
    assert_int_equal(model_cpu.invalidated.type, 2); /* all contexts */
    vcpu->controls[VMX_CONTROL_SECONDARY] &= ~(uint32_t)SECONDARY_ENABLE_VPID;
    translation_flush(vcpu);
    assert_int_equal(model_cpu.executed[MODEL_INVVPID], before + 2);
}

static void all_is_forgotten_by_what_the_processor_has(void **state)
{
    const unsigned *executed = model_cpu.executed;
    unsigned invvpid = executed[MODEL_INVVPID], invept = executed[MODEL_INVEPT];

    (void)state;
    translation_flush_all(&other.vcpu);
    assert_int_equal(executed[MODEL_INVVPID], invvpid + 1);
    assert_int_equal(executed[MODEL_INVEPT], invept + 1);
    assert_int_equal(model_cpu.invalidated.type, 2); /* all contexts, of both */
    other.vcpu.capability.invvpid = false;
    translation_flush_all(&other.vcpu);
    assert_int_equal(executed[MODEL_INVVPID], invvpid + 1);
    assert_int_equal(executed[MODEL_INVEPT], invept + 2);
    other.vcpu.capability.invvpid = true;
    other.vcpu.capability.invept = false;
    translation_flush_all(&other.vcpu);
    assert_int_equal(executed[MODEL_INVVPID], invvpid + 2);
    assert_int_equal(executed[MODEL_INVEPT], invept + 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, in_long_mode)
    const struct CMUnitTest tests[] = {
        TEST(it_holds_the_guests_code),
        TEST(without_memory_there_is_no_guest),
        TEST(code_that_does_not_fit_is_no_guest),
        TEST(without_ept_the_hypervisors_tables_translate),
        TEST(owners_are_reported_after_its_own_memory_only),
        TEST(the_machine_is_shown_up_to_its_end),
        TEST(a_page_in_the_cache_is_given_out_once),
        TEST(the_cache_is_what_memory_there_is),
        TEST(a_full_list_gives_no_page),
        TEST(translations_are_forgotten_by_instruction),
        TEST(all_is_forgotten_by_what_the_processor_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
