/*
 * Memory operands and descriptors of guests that have paging of their own, on the model CPU: they
 * are where the guest's tables say, and its page faults are the processor's. Expectations are those
 * of SDM Vol. 3, "Paging"; that every mode, right and flag is followed is test_guest_paging.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/set_controls.h"
#include "mm/page_alloc.h"
#include "tests/host/operand_exits.h"

enum { SGDT, SIDT, LGDT, LIDT };
enum { SLDT, STR, LLDT, LTR };
#define ACCESS(number)   ((uint32_t)(number) << 28 | OPERAND_SIZE_32)
#define FROM_REGISTER(n) (IN_REGISTER | (uint32_t)(n) << 3)
#define GDTR_IDTR        EXIT_REASON_GDTR_IDTR_ACCESS
#define LDTR_TR          EXIT_REASON_LDTR_TR_ACCESS

/* Error codes: "Page-Fault Exceptions". */
enum { P = 1, WR = 2, US = 4, RSVD = 8, PK = 32 };

/* Bits of entries: "Format of a Page-Table Entry that Maps a 4-KByte Page". */
enum { E_P = 1, E_RW = 2, E_US = 4, E_A = 0x20, E_D = 0x40, E_ALL = 7 };

/* The guest's own page table, for the 2 MiB from LINEAR on: 2 pages that lie apart. */
enum { TABLE_PAGE = 0x6000, LINEAR = 0x200000, FIRST = 0x21000, SECOND = 0x25000 };

static uint64_t *table(void)
{
    return guest_machine_memory(TABLE_PAGE);
}

static uint64_t *directory(void)
{
    return guest_machine_memory(guest_of(vcpu)->mode == GUEST_PAE ? 0x4000 : 0x5000);
}

static void map(void)
{
    directory()[1] = TABLE_PAGE | E_ALL;
    table()[0] = FIRST | E_ALL;
    table()[1] = SECOND | E_ALL;
}

static int with_tables(void **state)
{
    in_long_mode(state);
    map();
    return 0;
}

static void put(uint64_t address, const void *from, size_t bytes)
{
    memcpy(guest_machine_memory(address), from, bytes);
}

static void assert_holds(uint64_t address, const void *wanted, size_t bytes)
{
    assert_memory_equal(guest_machine_memory(address), wanted, bytes);
}

static void at_privilege_level_3(void)
{
    FIELD(GUEST_CS_ACCESS_RIGHTS) = 0xa0fb;
    FIELD(GUEST_CS_SELECTOR) |= 3;
    FIELD(GUEST_SS_ACCESS_RIGHTS) = 0xc0f3;
    FIELD(GUEST_SS_SELECTOR) |= 3;
}

static void assert_page_fault(uint32_t reason, uint64_t at, uint32_t information, uint64_t faulted,
                              uint32_t error)
{
    model_cpu.cr2 = 1;
    assert_faults(reason, at, information, X86_VECTOR_PF, error);
    assert_int_equal(model_cpu.cr2, faulted);
}

static const uint8_t gdt_limit_and_base[10] = {0x34, 0x12, 0x9a, 0x78, 0x56, 0, 0, 0, 0, 0};
static const uint8_t zeros[16];

static void give_gdtr(void)
{
    FIELD(GUEST_GDTR_LIMIT) = 0x1234;
    FIELD(GUEST_GDTR_BASE) = 0x56789a;
}

static void assert_gdtr(void)
{
    assert_int_equal(FIELD(GUEST_GDTR_LIMIT), 0x1234);
    assert_int_equal(FIELD(GUEST_GDTR_BASE), 0x56789a);
    FIELD(GUEST_GDTR_LIMIT) = FIELD(GUEST_GDTR_BASE) = 0;
}

static void operands_are_where_the_guests_tables_say(void **state)
{
    (void)state;
    put(FIRST + 0x100, gdt_limit_and_base, 10);
    assert_done(GDTR_IDTR, LINEAR + 0x100, PLAIN | ACCESS(LGDT));
    assert_gdtr();
    assert_int_equal(table()[0], FIRST | E_ALL | E_A);
    assert_int_equal(directory()[1], TABLE_PAGE | E_ALL | E_A);
    assert_int_equal(table()[1], SECOND | E_ALL);
    give_gdtr();
    assert_done(GDTR_IDTR, LINEAR + 0x1200, PLAIN | ACCESS(SGDT));
    assert_holds(SECOND + 0x200, gdt_limit_and_base, 10);
    assert_int_equal(table()[1], SECOND | E_ALL | E_A | E_D);
    vcpu->reg[VCPU_RDI] = LINEAR + 0x300; /* INS */
    assert_done(EXIT_REASON_IO_INSTRUCTION, 1 << 4 | 1 << 3 | 3, SIZE_64);
    assert_holds(FIRST + 0x300, "\xff\xff\xff\xff", 5);
    assert_done(LDTR_TR, LINEAR + 0x400, PLAIN | ACCESS(STR));
    assert_int_equal(*(uint16_t *)guest_machine_memory(FIRST + 0x400), GUEST_TSS_SELECTOR);
}

static void an_operand_may_lie_in_two_pages_that_lie_apart(void **state)
{
    (void)state;
    for (unsigned in_first = 1; in_first < 10; in_first++) {
        put(FIRST + 0x1000 - in_first, gdt_limit_and_base, in_first);
        put(SECOND, gdt_limit_and_base + in_first, 10 - in_first);
        assert_done(GDTR_IDTR, LINEAR + 0x1000 - in_first, PLAIN | ACCESS(LGDT));
        assert_gdtr();
        memset(guest_machine_memory(FIRST), 0, 0x1000);
        memset(guest_machine_memory(SECOND), 0, 0x1000);
        give_gdtr();
        assert_done(GDTR_IDTR, LINEAR + 0x1000 - in_first, PLAIN | ACCESS(SGDT));
        assert_holds(FIRST + 0x1000 - in_first, gdt_limit_and_base, in_first);
        assert_holds(SECOND, gdt_limit_and_base + in_first, 10 - in_first);
        assert_holds(FIRST + 0x1000, zeros, 10); /* what lies after the first in memory */
    }
}

static void what_the_guest_does_not_map_is_its_page_fault(void **state)
{
    (void)state;
    table()[0] = FIRST;
    assert_page_fault(GDTR_IDTR, LINEAR + 8, PLAIN | ACCESS(LGDT), LINEAR + 8, 0);
    assert_page_fault(GDTR_IDTR, LINEAR + 8, PLAIN | ACCESS(SGDT), LINEAR + 8, WR);
    FIELD(GUEST_CR0) |= CR0_WP;
    table()[0] = FIRST | E_P;
    assert_page_fault(GDTR_IDTR, LINEAR + 8, PLAIN | ACCESS(SGDT), LINEAR + 8, P | WR);
    table()[0] = FIRST | E_ALL | 1ull << 51; /* beyond the 39 bits of physical addresses */
    assert_page_fault(GDTR_IDTR, LINEAR + 8, PLAIN | ACCESS(LGDT), LINEAR + 8, P | RSVD);
    table()[0] = FIRST | E_P | E_RW;
    at_privilege_level_3();
    assert_page_fault(GDTR_IDTR, LINEAR + 8, PLAIN | ACCESS(SGDT), LINEAR + 8, P | WR | US);
    assert_holds(FIRST + 8, zeros, 10);
}

/* Nothing is written before all of it is known to be there. */
static void the_second_page_faults_with_its_own_address(void **state)
{
    (void)state;
    give_gdtr();
    table()[1] = 0;
    assert_page_fault(GDTR_IDTR, LINEAR + 0xffc, PLAIN | ACCESS(SGDT), LINEAR + 0x1000, WR);
    assert_holds(FIRST + 0xffc, zeros, 4);
    assert_page_fault(GDTR_IDTR, LINEAR + 0xffc, PLAIN | ACCESS(LGDT), LINEAR + 0x1000, 0);
    assert_done(GDTR_IDTR, LINEAR + 0x1000 - 10, PLAIN | ACCESS(SGDT));
}

/* CR0.WP, CR4.SMAP with RFLAGS.AC, and protection keys are taken from where the guest has them. */
static void rights_are_those_of_the_guests_registers(void **state)
{
    const uint32_t load = PLAIN | ACCESS(LGDT), store = PLAIN | ACCESS(SGDT);

    (void)state;
    table()[0] = FIRST | E_P | E_US;
    FIELD(GUEST_CR0) |= CR0_WP;
    assert_page_fault(GDTR_IDTR, LINEAR, store, LINEAR, P | WR);
    FIELD(GUEST_CR0) &= ~CR0_WP;
    assert_done(GDTR_IDTR, LINEAR, store);
    guest_machine_reset(GUEST_LONG);
    model_cpu.msrs.value[IA32_VMX_CR4_FIXED1 - VMX_MSR_FIRST] |= CR4_SMAP | CR4_PKE;
    model_cpu.cr4_supported |= CR4_SMAP | CR4_PKE;
    vcpu = guest_machine_start();
    map();
    FIELD(GUEST_CR4) |= CR4_SMAP;
    assert_page_fault(GDTR_IDTR, LINEAR, load, LINEAR, P);
    FIELD(GUEST_RFLAGS) |= RFLAGS_AC;
    assert_done(GDTR_IDTR, LINEAR, load);
    FIELD(GUEST_CR4) ^= CR4_SMAP | CR4_PKE;
    table()[0] |= 5ull << 59;
    model_cpu.pkru = 1 << 10; /* key 5: no access */
    assert_page_fault(GDTR_IDTR, LINEAR, load, LINEAR, P | PK);
    model_cpu.pkru = ~(3u << 10);
    assert_done(GDTR_IDTR, LINEAR, load);
    assert_int_equal(model_cpu.cr4 & CR4_PKE, 0); /* the hypervisor's is as it was */
}

/* Without the control that loads IA32_EFER, NXE is the host's. */
static void execute_disable_is_reserved_without_nxe(void **state)
{
    (void)state;
    table()[0] |= 1ull << 63;
    FIELD(GUEST_IA32_EFER) &= ~EFER_NXE;
    assert_page_fault(GDTR_IDTR, LINEAR, PLAIN | ACCESS(LGDT), LINEAR, P | RSVD);
    FIELD(GUEST_IA32_EFER) |= EFER_NXE;
    assert_done(GDTR_IDTR, LINEAR, PLAIN | ACCESS(LGDT));
    guest_machine_reset(GUEST_LONG);
    SET_CONTROLS(guest_machine.guest, OFF(ENTRY, LOAD_EFER));
    vcpu = guest_machine_start();
    map();
    table()[0] |= 1ull << 63;
    assert_done(GDTR_IDTR, LINEAR, PLAIN | ACCESS(LGDT)); /* the model CPU has NXE set */
    /* but not LMA: the mode is the guest's own */
    guest_machine_reset(GUEST_PAE);
    SET_CONTROLS(guest_machine.guest, OFF(ENTRY, LOAD_EFER));
    vcpu = guest_machine_start();
    map();
    table()[0] |= 1ull << 63;
    assert_int_equal(*model_msr(IA32_EFER) & (EFER_LMA | EFER_NXE), EFER_LMA | EFER_NXE);
    assert_done(GDTR_IDTR, LINEAR, SIZE_32 | DS | NO_INDEX | NO_BASE | ACCESS(LGDT));
}

/* Descriptor tables: "Supervisor-mode access", implicit ones, at every CPL; SMAP counts whatever AC
 * is. */
static void descriptors_are_where_the_guests_tables_say(void **state)
{
    const uint64_t tss[2] = {0x1200893450000067, 0};
    const uint32_t ltr = ACCESS(LTR) | FROM_REGISTER(VCPU_RBX);

    (void)state;
    FIELD(GUEST_GDTR_BASE) = LINEAR + 0xff8 - 0x40; /* the descriptor is in both pages */
    FIELD(GUEST_GDTR_LIMIT) = 0x4f;
    put(FIRST + 0xff8, &tss[0], 8);
    put(SECOND, &tss[1], 8);
    vcpu->reg[VCPU_RBX] = 0x40;
    table()[1] = 0;
    assert_page_fault(LDTR_TR, 0, ltr, LINEAR + 0x1000, 0);
    table()[1] = SECOND | E_ALL;
    table()[0] = FIRST | E_P; /* it cannot become busy */
    FIELD(GUEST_CR0) |= CR0_WP;
    assert_page_fault(LDTR_TR, 0, ltr, LINEAR + 0xffd, P | WR);
    assert_holds(FIRST + 0xff8, &tss[0], 8);
    assert_int_equal(FIELD(GUEST_TR_SELECTOR), GUEST_TSS_SELECTOR);
    table()[0] = FIRST | E_P | E_RW; /* not for user mode */
    assert_done(LDTR_TR, 0, ltr);
    assert_int_equal(FIELD(GUEST_TR_SELECTOR), 0x40);
    assert_int_equal(FIELD(GUEST_TR_BASE), 0x12345000);
    assert_int_equal(((uint8_t *)guest_machine_memory(FIRST + 0xff8))[5], 0x8b);
}

static void smap_keeps_descriptors_out_of_user_pages(void **state)
{
    (void)state;
    guest_machine_reset(GUEST_LONG);
    model_cpu.msrs.value[IA32_VMX_CR4_FIXED1 - VMX_MSR_FIRST] |= CR4_SMAP;
    model_cpu.cr4_supported |= CR4_SMAP;
    vcpu = guest_machine_start();
    map();
    FIELD(GUEST_CR4) |= CR4_SMAP;
    FIELD(GUEST_RFLAGS) |= RFLAGS_AC;
    FIELD(GUEST_GDTR_BASE) = LINEAR;
    vcpu->reg[VCPU_RBX] = 0x40;
    assert_page_fault(LDTR_TR, 0, ACCESS(LLDT) | FROM_REGISTER(VCPU_RBX), LINEAR + 0x40, P);
    table()[0] &= ~(uint64_t)E_US;
    put(FIRST + 0x40, &(uint64_t){0x1200823450000067}, 8);
    assert_done(LDTR_TR, 0, ACCESS(LLDT) | FROM_REGISTER(VCPU_RBX));
}

static void a_gdt_whose_address_is_not_canonical_is_not_read(void **state)
{
    (void)state;
    FIELD(GUEST_GDTR_BASE) = 0x7fffffffffb8; /* the descriptor's last byte is */
    vcpu->reg[VCPU_RBX] = 0x40;
    assert_faults(LDTR_TR, 0, ACCESS(LLDT) | FROM_REGISTER(VCPU_RBX), X86_VECTOR_GP, 0x40);
}

/* In 32-bit modes: PDPTEs from the registers, whatever is in memory; and entries of 4 bytes. */
static void modes_of_32_bits_have_their_own_tables(void **state)
{
    const uint32_t load = SIZE_32 | DS | NO_INDEX | NO_BASE | ACCESS(LGDT);
    uint32_t *table_32;

    (void)state;
    vcpu = guest_machine_in(GUEST_PAE);
    map();
    put(SECOND, gdt_limit_and_base, 10);
    memset(guest_machine_memory(GUEST_PAGE_TABLES), 0, 32);
    assert_done(GDTR_IDTR, LINEAR + 0x1000, load);
    assert_gdtr();
    FIELD(GUEST_PDPTE0) = 0;
    assert_page_fault(GDTR_IDTR, LINEAR + 0x1000, load, LINEAR + 0x1000, 0);
    for (unsigned i = 1; i < 4; i++) {
        *model_field(VMCS_GUEST_PDPTE0 + 2 * i) = 0x4000 | E_P;
        assert_done(GDTR_IDTR, i * 0x40000000 + LINEAR + 0x1000, load);
        assert_gdtr();
        *model_field(VMCS_GUEST_PDPTE0 + 2 * i) = 0;
    }
    vcpu = guest_machine_in(GUEST_PAGED);
    put(SECOND, gdt_limit_and_base, 10);
    table_32 = guest_machine_memory(GUEST_PAGE_TABLES);
    table_32[1] = TABLE_PAGE | E_ALL;
    table_32 = guest_machine_memory(TABLE_PAGE);
    table_32[3] = SECOND | E_ALL;
    assert_done(GDTR_IDTR, 0x403000, load);
    assert_gdtr();
    assert_int_equal(table_32[3], SECOND | E_ALL | E_A);
    assert_page_fault(GDTR_IDTR, 0x402000, load, 0x402000, 0);
    in_protected_mode(); /* without paging */
    put(SECOND, gdt_limit_and_base, 10);
    assert_done(GDTR_IDTR, SECOND, load);
    assert_gdtr();
}

/* After the last address of 32 bits comes the first. */
static void addresses_of_32_bits_wrap_within_an_operand(void **state)
{
    uint32_t *directory_32;

    (void)state;
    vcpu = guest_machine_in(GUEST_PAGED);
    directory_32 = guest_machine_memory(GUEST_PAGE_TABLES);
    directory_32[1023] = TABLE_PAGE | E_ALL;
    ((uint32_t *)guest_machine_memory(TABLE_PAGE))[1023] = FIRST | E_ALL;
    put(FIRST + 0xffe, gdt_limit_and_base, 2);
    put(0, gdt_limit_and_base + 2, 4);
    FIELD(GUEST_DS_BASE) = 0xfffff000; /* within its limit nothing wraps */
    assert_done(GDTR_IDTR, 0xffe, SIZE_32 | DS | NO_INDEX | NO_BASE | ACCESS(LGDT));
    assert_gdtr();
}

/* Without EPT the processor walks the hypervisor's tables, and the guest's say nothing. */
static void without_ept_the_tables_are_the_hypervisors(void **state)
{
    (void)state;
    guest_machine_reset(GUEST_LONG);
    SET_CONTROLS(guest_machine.guest, OFF(SECONDARY, ENABLE_EPT),
                 OFF(SECONDARY, UNRESTRICTED_GUEST));
    model_cpu.msrs.value[IA32_VMX_PROCBASED_CTLS2 - VMX_MSR_FIRST] &=
        ~((uint64_t)(SECONDARY_ENABLE_EPT | SECONDARY_UNRESTRICTED_GUEST) << 32);
    vcpu = guest_machine_start();
    map();
    put(PLACE, gdt_limit_and_base, 10);
    assert_done(GDTR_IDTR, PLACE, PLAIN | ACCESS(LGDT));
    assert_gdtr();
    assert_page_fault(GDTR_IDTR, LINEAR, PLAIN | ACCESS(LGDT), LINEAR, 0);
    at_privilege_level_3();
    assert_page_fault(GDTR_IDTR, PLACE, PLAIN | ACCESS(SGDT), PLACE, P | WR | US);
}

/* The guest-physical address that is reported is that of what the guest lacks. */
static void memory_that_the_guest_does_not_have_ends_it(void **state)
{
    const uint32_t load = PLAIN | ACCESS(LGDT), store = PLAIN | ACCESS(SGDT);

    (void)state;
    table()[0] = GUEST_MEMORY_BYTES | E_ALL;
    assert_ends(GDTR_IDTR, LINEAR + 8, load, GUEST_MEMORY_BYTES + 8);
    directory()[1] = 0x100000 | E_ALL;
    assert_ends(GDTR_IDTR, LINEAR + 0x1000, load, 0x100008);
    map();
    assert_int_equal(ept_protect(&vcpu->vm->ept, FIRST, 0x1000, EPT_READ), MAP_OK);
    assert_ends(GDTR_IDTR, LINEAR, store, FIRST);
    assert_holds(FIRST, zeros, 10);
    /* Whether they are written depends on EPT's accessed and dirty flags; flags to set are. */
    assert_int_equal(ept_protect(&vcpu->vm->ept, TABLE_PAGE, 0x1000, EPT_READ), MAP_OK);
    table()[0] = FIRST | E_ALL;
    assert_ends(GDTR_IDTR, LINEAR, load, TABLE_PAGE);
    assert_int_equal(ept_protect(&vcpu->vm->ept, TABLE_PAGE, 0x1000, EPT_WRITE | EPT_READ), MAP_OK);
    assert_done(GDTR_IDTR, LINEAR, load);
}

/* vm/guests/guest.h: the guest has its memory, and with demand_bytes pages from GUEST_TOUCH_BASE to
 * GUEST_TOUCH_END; whatever else EPT maps is the machine's. */
static void only_what_is_its_own_is_reached(void **state)
{
    static const struct {
        uint64_t physical;
        bool touched;
    } places[] = {{GUEST_TOUCH_BASE - 0x1000, false},
                  {GUEST_TOUCH_BASE, true},
                  {GUEST_TOUCH_END - 0x1000, true},
                  {GUEST_TOUCH_END, false}};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t page = pages_alloc(0);

        assert_int_equal(
            ept_map(&vcpu->vm->ept, places[i].physical, page, MODEL_PAGE, EPT_ALL, MEMORY_TYPE_WB),
            MAP_OK);
        memcpy(phys_to_virt(page), gdt_limit_and_base, 10);
        table()[0] = places[i].physical | E_ALL;
        guest_machine_demand(&guest_machine.own);
        if (places[i].touched)
            assert_done(GDTR_IDTR, LINEAR, PLAIN | ACCESS(LGDT));
        else
            assert_ends(GDTR_IDTR, LINEAR, PLAIN | ACCESS(LGDT), places[i].physical);
        guest_machine.own.vm.demand_bytes = 0;
        assert_ends(GDTR_IDTR, LINEAR, PLAIN | ACCESS(LGDT), places[i].physical);
    }
}

/* SDM Vol. 3, "Accessed and Dirty Flags for EPT". */
static void reading_an_entry_is_a_write_with_ept_accessed_and_dirty_flags(void **state)
{
    (void)state;
    table()[0] |= E_A;
    directory()[1] |= E_A;
    assert_int_equal(ept_protect(&vcpu->vm->ept, TABLE_PAGE, 0x1000, EPT_READ), MAP_OK);
    vcpu->vm->ept.capability.ept_accessed_dirty = true;
    assert_ends(GDTR_IDTR, LINEAR, PLAIN | ACCESS(LGDT), TABLE_PAGE);
    vcpu->vm->ept.capability.ept_accessed_dirty = false;
    assert_done(GDTR_IDTR, LINEAR, PLAIN | ACCESS(LGDT));
}

/* Where memory is not what is at an address, or the address is not known: no wrong byte. */
static void what_cannot_be_done_is_refused(void **state)
{
    uint64_t physical = vcpu->vm->memory + FIRST;

    (void)state;
    FIELD(APIC_ACCESS_ADDRESS) = physical;
    assert_done(GDTR_IDTR, LINEAR, PLAIN | ACCESS(LGDT));
    vcpu->controls[VMX_CONTROL_SECONDARY] |= SECONDARY_VIRTUALIZE_APIC_ACCESSES;
    assert_ends(GDTR_IDTR, LINEAR + 0x20, PLAIN | ACCESS(LGDT), FIRST + 0x20);
    assert_done(GDTR_IDTR, LINEAR + 0x1000, PLAIN | ACCESS(LGDT));
    FIELD(APIC_ACCESS_ADDRESS) = vcpu->vm->memory + TABLE_PAGE;
    assert_ends(GDTR_IDTR, LINEAR, PLAIN | ACCESS(LGDT), TABLE_PAGE);
    in_long_mode(NULL);
    for (unsigned bit = 61; bit < 63; bit++) { /* LAM_U57, LAM_U48 */
        FIELD(GUEST_CR3) = GUEST_PAGE_TABLES | 1ull << bit;
        assert_int_equal(serve(GDTR_IDTR, PLACE, PLAIN | ACCESS(LGDT)), EXIT_ENDED);
        assert_int_equal(vcpu->end, GUEST_END_UNHANDLED);
    }
}

/* "Alignment Checking", table "Alignment Requirements by Data Type": of selectors 2; pseudo-
 * descriptors that user mode stores "at an odd word address (address MOD 4 is 2)". */
static void user_mode_is_held_to_alignment(void **state)
{
    const uint32_t store = PLAIN | ACCESS(SGDT);

    (void)state;
    assert_done(GDTR_IDTR, PLACE + 1, store);
    FIELD(GUEST_CR0) |= CR0_AM;
    FIELD(GUEST_RFLAGS) |= RFLAGS_AC;
    assert_done(GDTR_IDTR, PLACE + 1, store);
    at_privilege_level_3();
    for (unsigned i = 0; i < 8; i++) {
        if (i % 4 == 2)
            assert_done(GDTR_IDTR, PLACE + i, store);
        else
            assert_faults(GDTR_IDTR, PLACE + i, store, X86_VECTOR_AC, 0);
    }
    assert_done(LDTR_TR, PLACE + 2, PLAIN | ACCESS(STR));
    assert_faults(LDTR_TR, PLACE + 1, PLAIN | ACCESS(STR), X86_VECTOR_AC, 0);
    FIELD(GUEST_RFLAGS) &= ~RFLAGS_AC;
    assert_done(LDTR_TR, PLACE + 1, PLAIN | ACCESS(STR));
    FIELD(GUEST_RFLAGS) |= RFLAGS_AC;
    FIELD(GUEST_CR0) &= ~CR0_AM;
    assert_done(LDTR_TR, PLACE + 1, PLAIN | ACCESS(STR));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, with_tables)
    const struct CMUnitTest tests[] = {
        TEST(operands_are_where_the_guests_tables_say),
        TEST(an_operand_may_lie_in_two_pages_that_lie_apart),
        TEST(what_the_guest_does_not_map_is_its_page_fault),
        TEST(the_second_page_faults_with_its_own_address),
        TEST(rights_are_those_of_the_guests_registers),
        TEST(execute_disable_is_reserved_without_nxe),
        TEST(descriptors_are_where_the_guests_tables_say),
        TEST(smap_keeps_descriptors_out_of_user_pages),
        TEST(a_gdt_whose_address_is_not_canonical_is_not_read),
        TEST(modes_of_32_bits_have_their_own_tables),
        TEST(addresses_of_32_bits_wrap_within_an_operand),
        TEST(without_ept_the_tables_are_the_hypervisors),
        TEST(memory_that_the_guest_does_not_have_ends_it),
        TEST(only_what_is_its_own_is_reached),
        TEST(reading_an_entry_is_a_write_with_ept_accessed_and_dirty_flags),
        TEST(what_cannot_be_done_is_refused),
        TEST(user_mode_is_held_to_alignment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
