/*
 * Exits of control and debug registers, on the model CPU: SDM Vol. 2, "MOV - Move to/from Control
 * Registers", "MOV - Move to/from Debug Registers", "CLTS", "LMSW"; Vol. 3, table "Exit
 * Qualification for Control-Register Accesses".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/set_controls.h"
#include "tests/host/guest_machine.h"
#include "vm/registers/registers.h"

static struct vcpu *vcpu;

static int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    return 0;
}

/* MOV to a control register from RBX. */
static enum exit_done write_cr(unsigned cr, uint64_t value)
{
    FIELD(GUEST_RIP) = GUEST_CODE;
    vcpu->reg[VCPU_RBX] = value;
    model_cpu.executed[MODEL_INVVPID] = 0;
    return guest_machine_serve(EXIT_REASON_CONTROL_REGISTER_ACCESS, cr | VCPU_RBX << 8, 3);
}

static void assert_written(unsigned cr, uint64_t value)
{
    assert_int_equal(write_cr(cr, value), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE + 3);
}

/* #GP, and nothing has changed. */
static void assert_refused(unsigned cr, uint64_t value)
{
    static const uint32_t kept[] = {
        VMCS_GUEST_CR0,       VMCS_GUEST_CR3,       VMCS_GUEST_CR4,    VMCS_CR0_READ_SHADOW,
        VMCS_CR4_READ_SHADOW, VMCS_GUEST_IA32_EFER, VMCS_GUEST_PDPTE0, VMCS_VM_ENTRY_CONTROLS};
    uint64_t before[8];

    for (unsigned i = 0; i < 8; i++)
        before[i] = *model_field(kept[i]);
    assert_int_equal(write_cr(cr, value), EXIT_INJECTED);
    assert_true((guest_machine_injected() & 0x800007ff) == 0x8000030d); /* real mode: no code */
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(*model_field(kept[i]), before[i]);
}

static uint64_t cr0_seen(void)
{
    uint64_t mask = FIELD(CR0_GUEST_HOST_MASK);

    return (FIELD(GUEST_CR0) & ~mask) | (FIELD(CR0_READ_SHADOW) & mask);
}

static uint64_t cr4_seen(void)
{
    uint64_t mask = FIELD(CR4_GUEST_HOST_MASK);

    return (FIELD(GUEST_CR4) & ~mask) | (FIELD(CR4_READ_SHADOW) & mask);
}

/* SDM Vol. 3, "Guest/Host Masks and Read Shadows for CR0 and CR4". */
static void the_guest_reads_what_it_wrote_and_the_host_keeps_its_bits(void **state)
{
    uint64_t fixed = vcpu->capability.cr0_fixed0 & ~(CR0_PE | CR0_PG);

    (void)state;
    assert_written(0, CR0_PG | CR0_PE | CR0_CD | CR0_WP | CR0_AM);
    assert_int_equal(cr0_seen(), CR0_PG | CR0_PE | CR0_CD | CR0_WP | CR0_AM | CR0_ET);
    assert_int_equal(FIELD(GUEST_CR0) & (CR0_CD | CR0_NW), 0);
    assert_int_equal(FIELD(GUEST_CR0) & fixed, fixed);
    assert_written(4, CR4_PAE | CR4_MCE | CR4_OSFXSR);
    assert_int_equal(cr4_seen(), CR4_PAE | CR4_MCE | CR4_OSFXSR);
    assert_int_equal(FIELD(GUEST_CR4) & CR4_VMXE, CR4_VMXE);
    assert_written(4, CR4_PAE);
    assert_int_equal(cr4_seen(), CR4_PAE);
    assert_int_equal(FIELD(GUEST_CR4) & CR4_VMXE, CR4_VMXE);
}

static void bits_that_are_not_the_guests_are_refused(void **state)
{
    (void)state;
    assert_refused(4, CR4_PAE | CR4_VMXE);
    assert_refused(4, CR4_PAE | CR4_SMXE);
    assert_refused(4, CR4_PAE | 1ull << 23);
    assert_refused(4, CR4_PAE | 1ull << 32);
    assert_refused(4, CR4_PAE | 1ull << 63);
    assert_refused(0, CR0_PG | CR0_PE | 1ull << 32);
    assert_refused(0, CR0_PG);
    assert_refused(0, CR0_PG | CR0_PE | CR0_NW);
}

/* "Attempting to set any reserved bits in CR0[31:0] is ignored": 15:6, 17, 28:19. */
static void reserved_bits_of_cr0_are_ignored(void **state)
{
    const uint64_t now = CR0_PG | CR0_PE | CR0_ET;

    (void)state;
    for (unsigned bit = 6; bit <= 28; bit++) {
        if (bit == 16 || bit == 18) /* WP, AM */
            continue;
        assert_written(0, now | 1ull << bit);
        assert_int_equal(cr0_seen(), now);
        assert_int_equal(FIELD(CR0_READ_SHADOW), now);
        assert_int_equal(FIELD(GUEST_CR0) >> bit & 1, 0);
    }
}

/* Without a change of what translations depend on, nothing is forgotten; with one, all is. */
static void translations_are_forgotten_where_they_must_be(void **state)
{
    (void)state;
    assert_written(0, CR0_PG | CR0_PE | CR0_WP);
    assert_int_equal(model_cpu.executed[MODEL_INVVPID], 1);
    assert_written(0, CR0_PG | CR0_PE | CR0_WP | CR0_AM);
    assert_int_equal(model_cpu.executed[MODEL_INVVPID], 0);
    assert_written(4, CR4_PAE | CR4_PGE);
    assert_int_equal(model_cpu.executed[MODEL_INVVPID], 1);
    assert_written(4, CR4_PAE | CR4_PGE | CR4_OSFXSR);
    assert_int_equal(model_cpu.executed[MODEL_INVVPID], 0);
    assert_written(4, CR4_PAE | CR4_SMEP);
    assert_int_equal(model_cpu.executed[MODEL_INVVPID], 1);
    assert_written(3, GUEST_PAGE_TABLES);
    assert_int_equal(model_cpu.executed[MODEL_INVVPID], 1);
}

/* In 64-bit mode paging cannot be turned off, nor PAE. */
static void long_mode_is_not_left_from_64_bit_code(void **state)
{
    (void)state;
    assert_refused(0, CR0_PE);
    assert_refused(4, 0);
    assert_refused(4, CR4_PGE);
}

/* From compatibility mode it can, and then IA32_EFER.LMA and "IA-32e mode guest" are 0. */
static void long_mode_is_left_and_entered_from_compatibility_mode(void **state)
{
    (void)state;
    FIELD(GUEST_CS_ACCESS_RIGHTS) = 0xc09b;
    assert_written(0, CR0_PE);
    assert_int_equal(FIELD(GUEST_IA32_EFER), EFER_LME);
    assert_int_equal(FIELD(VM_ENTRY_CONTROLS) & ENTRY_IA32E_MODE_GUEST, 0);
    assert_int_equal(FIELD(GUEST_CR0) & CR0_PG, 0);
    assert_written(0, CR0_PE | CR0_PG);
    assert_int_equal(FIELD(GUEST_IA32_EFER), EFER_LME | EFER_LMA);
    assert_int_equal(FIELD(VM_ENTRY_CONTROLS) & ENTRY_IA32E_MODE_GUEST, ENTRY_IA32E_MODE_GUEST);
    assert_written(0, CR0_PE);
    FIELD(GUEST_CS_ACCESS_RIGHTS) = 0xa09b; /* CS.L, which counts when the mode is entered */
    assert_refused(0, CR0_PE | CR0_PG);
    FIELD(GUEST_CS_ACCESS_RIGHTS) = 0xc09b;
    FIELD(GUEST_TR_ACCESS_RIGHTS) = 0x83; /* a TSS of 16 bits */
    assert_refused(0, CR0_PE | CR0_PG);
    FIELD(GUEST_TR_ACCESS_RIGHTS) = 0x8b;
    assert_written(4, 0);
    assert_refused(0, CR0_PE | CR0_PG); /* without PAE */
}

/*
 * An unrestricted guest changes CR0.PG and IA32_EFER.LMA without a VM exit, and exits report by the
 * VM-entry control (IA32_VMX_MISC, bit 5): what was true at the exit before is not true any more.
 */
static void the_guest_has_come_to_long_mode_by_itself(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_PAE);
    FIELD(GUEST_IA32_EFER) = EFER_LME | EFER_LMA;
    FIELD(VM_ENTRY_CONTROLS) |= ENTRY_IA32E_MODE_GUEST;
    assert_refused(4, 0);
    assert_written(4, CR4_PAE | CR4_PCIDE);
    *(uint64_t *)guest_machine_memory(GUEST_PAGE_TABLES) = UINT64_MAX; /* no PDPTE */
    assert_written(3, GUEST_PAGE_TABLES);
    vcpu_control_set(vcpu, VMX_CONTROL_ENTRY, ENTRY_LOAD_PAT, true);
    assert_int_equal(FIELD(VM_ENTRY_CONTROLS) & ENTRY_IA32E_MODE_GUEST, ENTRY_IA32E_MODE_GUEST);
}

static void pcids_need_long_mode_and_a_clean_cr3(void **state)
{
    (void)state;
    FIELD(GUEST_CR3) = GUEST_PAGE_TABLES | 1;
    assert_refused(4, CR4_PAE | CR4_PCIDE);
    FIELD(GUEST_CR3) = GUEST_PAGE_TABLES;
    assert_refused(3, 1ull << 63 | GUEST_PAGE_TABLES);
    assert_written(4, CR4_PAE | CR4_PCIDE);
    assert_written(3, 1ull << 63 | GUEST_PAGE_TABLES | 5); /* PCID 5 */
    assert_int_equal(FIELD(GUEST_CR3), GUEST_PAGE_TABLES | 5);
    assert_written(4, CR4_PAE | CR4_PCIDE | CR4_PGE);
    FIELD(GUEST_CS_ACCESS_RIGHTS) = 0xc09b;
    assert_refused(0, CR0_PE);
    vcpu = guest_machine_in(GUEST_PAE);
    assert_refused(4, CR4_PAE | CR4_PCIDE);
}

static void cr3_stays_within_physical_addresses(void **state)
{
    (void)state;
    assert_refused(3, 1ull << 39);
    assert_refused(3, 1ull << 62);
    assert_written(3, (1ull << 39) - 4096);
    assert_int_equal(FIELD(GUEST_CR3), (1ull << 39) - 4096);
}

static void cr3_is_read_as_it_was_written(void **state)
{
    (void)state;
    assert_written(3, 0x5000);
    assert_int_equal(
        guest_machine_serve(EXIT_REASON_CONTROL_REGISTER_ACCESS, 3 | 1 << 4 | 9 << 8, 3),
        EXIT_EMULATED);
    assert_int_equal(vcpu->reg[9], 0x5000);
}

/* Without "load IA32_EFER" LME and LMA are what "IA-32e mode guest" says, not the field. */
static void without_the_control_the_mode_is_the_entrys(void **state)
{
    (void)state;
    vcpu_control_set(vcpu, VMX_CONTROL_ENTRY, ENTRY_LOAD_EFER, false);
    FIELD(GUEST_IA32_EFER) = 0;
    assert_refused(4, CR4_PGE); /* PAE stays in long mode */
    assert_written(4, CR4_PAE | CR4_PCIDE);
    vcpu = guest_machine_in(GUEST_PAE);
    vcpu_control_set(vcpu, VMX_CONTROL_ENTRY, ENTRY_LOAD_EFER, false);
    FIELD(GUEST_IA32_EFER) = EFER_LME | EFER_LMA;
    assert_refused(4, CR4_PAE | CR4_PCIDE);
    assert_written(4, CR4_PGE);
}

/* Without EPT the guest runs on the hypervisor's page tables, and believes otherwise. */
static void without_ept_the_real_cr3_is_the_hypervisors(void **state)
{
    uint64_t real;

    (void)state;
    guest_machine_reset(GUEST_LONG);
    SET_CONTROLS(guest_machine.guest, OFF(SECONDARY, ENABLE_EPT),
                 OFF(SECONDARY, UNRESTRICTED_GUEST));
    guest_machine.cpu.config.controls[VMX_CONTROL_SECONDARY] = 0;
    model_cpu.msrs.value[IA32_VMX_PROCBASED_CTLS2 - VMX_MSR_FIRST] &=
        ~((uint64_t)(SECONDARY_ENABLE_EPT | SECONDARY_UNRESTRICTED_GUEST) << 32);
    vcpu = guest_machine_start();
    real = FIELD(GUEST_CR3);
    assert_int_equal(real, real & ~0xfffull);
    assert_written(3, 0x5000);
    assert_int_equal(FIELD(GUEST_CR3), real);
    assert_int_equal(
        guest_machine_serve(EXIT_REASON_CONTROL_REGISTER_ACCESS, 3 | 1 << 4 | 9 << 8, 3),
        EXIT_EMULATED);
    assert_int_equal(vcpu->reg[9], 0x5000);
    assert_refused(3, 1ull << 39);
    assert_written(4, CR4_PAE | CR4_PCIDE);
    assert_written(3, 1ull << 63 | 0x6000 | 5); /* PCID 5, nothing flushed: bit 63 is not kept */
    assert_int_equal(FIELD(GUEST_CR3), real);
    assert_int_equal(
        guest_machine_serve(EXIT_REASON_CONTROL_REGISTER_ACCESS, 3 | 1 << 4 | 9 << 8, 3),
        EXIT_EMULATED);
    assert_int_equal(vcpu->reg[9], 0x6005);
    assert_written(4, CR4_PAE);
    assert_written(3, 0x5001);
    assert_refused(4, CR4_PAE | CR4_PCIDE);             /* by the CR3 that the guest has */
    assert_written(0, FIELD(CR0_READ_SHADOW) ^ CR0_TS); /* another bit may change */
    /* what VMX fixes there cannot be had otherwise */
    FIELD(GUEST_CS_ACCESS_RIGHTS) = 0xc09b;
    assert_int_equal(write_cr(0, CR0_PE), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_UNHANDLED);
}

/* "In non-64-bit modes the operand is 32 bits": what stands above them does not count. */
static void outside_64_bit_mode_operands_have_32_bits(void **state)
{
    (void)state;
    FIELD(GUEST_CS_ACCESS_RIGHTS) = 0xc09b;
    assert_written(0, 0xffffffff00000000 | CR0_PG | CR0_PE | CR0_AM);
    assert_int_equal(FIELD(GUEST_CR0) & (CR0_PG | CR0_AM), CR0_PG | CR0_AM);
    assert_written(3, 0xffffffff00000000 | 0x5000);
    assert_int_equal(FIELD(GUEST_CR3), 0x5000);
    assert_written(4, 0xffffffff00000000 | CR4_PAE);
}

/* PAE paging */

static uint64_t *pdptes(void)
{
    return guest_machine_memory(GUEST_PAGE_TABLES);
}

static void pdptes_are_loaded_with_cr3(void **state)
{
    uint64_t *other;

    (void)state;
    vcpu = guest_machine_in(GUEST_PAE);
    other = guest_machine_memory(0x7020); /* aligned to 32 bytes */
    for (unsigned i = 0; i < 4; i++)
        other[i] = 0x10001 + i * 0x1000;
    assert_written(3, 0x7020);
    assert_int_equal(FIELD(GUEST_PDPTE0), 0x10001);
    assert_int_equal(FIELD(GUEST_PDPTE3), 0x13001);
    for (unsigned i = 0; i < 4; i++) {
        pdptes()[i] = 0x10001 | 1 << 5; /* reserved */
        assert_refused(3, GUEST_PAGE_TABLES);
        pdptes()[i] = 0x10000 | 1 << 5; /* not present */
    }
    assert_written(3, GUEST_PAGE_TABLES);
    assert_int_equal(FIELD(GUEST_PDPTE3), 0x10020);
}

static void pdptes_outside_of_memory_end_the_guest(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_PAE);
    assert_written(3, GUEST_MEMORY_BYTES - 32);
    assert_int_equal(write_cr(3, GUEST_MEMORY_BYTES), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_MEMORY);
    assert_int_equal(vcpu->end_value, GUEST_MEMORY_BYTES);
    assert_int_equal(write_cr(3, 0xffffffe0), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_MEMORY);
}

static void pdptes_are_loaded_when_paging_comes_to_be_pae(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_PAGED);
    pdptes()[0] = 0x4001;
    pdptes()[1] = pdptes()[2] = pdptes()[3] = 0;
    FIELD(GUEST_PDPTE0) = 0;
    assert_written(4, CR4_PAE);
    assert_int_equal(FIELD(GUEST_PDPTE0), 0x4001);
    pdptes()[0] = 0x5001;
    assert_written(4, CR4_PAE | CR4_PGE);
    assert_int_equal(FIELD(GUEST_PDPTE0), 0x5001);
    pdptes()[0] = 0x6001;
    assert_written(0, CR0_PG | CR0_PE | CR0_CD);
    assert_int_equal(FIELD(GUEST_PDPTE0), 0x6001);
    pdptes()[0] = 0x7003; /* reserved */
    assert_refused(0, CR0_PG | CR0_PE);
    assert_refused(4, CR4_PAE);
    assert_written(4, CR4_PAE | CR4_PGE | CR4_OSFXSR); /* loads nothing */
    assert_written(0, CR0_PE);
    assert_refused(0, CR0_PE | CR0_PG);
}

static void real_mode_and_protected_mode_come_and_go(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_REAL);
    assert_written(0, CR0_PE);
    assert_int_equal(FIELD(GUEST_CR0) & CR0_PE, CR0_PE);
    assert_written(0, 0);
    assert_int_equal(FIELD(GUEST_CR0) & CR0_PE, 0);
    assert_refused(0, CR0_PG);
}

/* CLTS, LMSW */

static enum exit_done serve_cr0(uint64_t qualification)
{
    return guest_machine_serve(EXIT_REASON_CONTROL_REGISTER_ACCESS, qualification, 3);
}

static void clts_clears_ts_alone(void **state)
{
    (void)state;
    assert_written(0, CR0_PG | CR0_PE | CR0_TS | CR0_EM | CR0_MP);
    assert_int_equal(serve_cr0(2 << 4), EXIT_EMULATED);
    assert_int_equal(cr0_seen(), CR0_PG | CR0_PE | CR0_EM | CR0_MP | CR0_ET);
}

/* "The PE flag can be set but not cleared", and only PE, MP, EM, TS are loaded. */
static void lmsw_loads_four_bits_and_never_clears_pe(void **state)
{
    (void)state;
    for (uint64_t source = 0; source < 16; source++) {
        assert_written(0, CR0_PG | CR0_PE | CR0_WP | (source ^ 0xe));
        assert_int_equal(serve_cr0(3 << 4 | (0xfff0 | source) << 16), EXIT_EMULATED);
        assert_int_equal(cr0_seen(), CR0_PG | CR0_PE | CR0_WP | CR0_ET | source);
    }
    vcpu = guest_machine_in(GUEST_REAL);
    assert_int_equal(serve_cr0(3 << 4 | 1 << 16), EXIT_EMULATED);
    assert_int_equal(cr0_seen() & CR0_PE, CR0_PE);
}

/* CR8 */

static void cr8_holds_four_bits(void **state)
{
    (void)state;
    assert_written(8, 15);
    assert_int_equal(
        guest_machine_serve(EXIT_REASON_CONTROL_REGISTER_ACCESS, 8 | 1 << 4 | VCPU_RSP << 8, 4),
        EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RSP), 15);
    assert_refused(8, 16);
    assert_refused(8, 1ull << 32);
    assert_int_equal(vcpu->cr8, 15);
}

/* Debug registers */

static enum exit_done mov_dr(unsigned dr, bool read, unsigned reg)
{
    FIELD(GUEST_RIP) = GUEST_CODE;
    return guest_machine_serve(EXIT_REASON_MOV_DR, dr | (uint64_t)read << 4 | reg << 8, 3);
}

static void write_dr_of_guest(unsigned dr, uint64_t value)
{
    vcpu->reg[VCPU_RBX] = value;
    assert_int_equal(mov_dr(dr, false, VCPU_RBX), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE + 3);
}

static uint64_t read_dr_of_guest(unsigned dr)
{
    assert_int_equal(mov_dr(dr, true, VCPU_R15), EXIT_EMULATED);
    return vcpu->reg[VCPU_R15];
}

static void debug_registers_are_written_and_read(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        write_dr_of_guest(i, 0x123456789abc0 + i);
        assert_int_equal(read_dr_of_guest(i), 0x123456789abc0 + i);
    }
    write_dr_of_guest(6, 0x4001);
    assert_int_equal(read_dr_of_guest(6), 0xfffe47f1);
    assert_int_equal(read_dr_of_guest(4), 0xfffe47f1);
    /* "Bit 10 is always 1; bits 15, 14 and 12 are always 0." */
    write_dr_of_guest(7, 0xffffdfff);
    assert_int_equal(FIELD(GUEST_DR7), 0xffff0fff);
    FIELD(GUEST_DR7) = 0x400;
    write_dr_of_guest(5, 0);
    assert_int_equal(read_dr_of_guest(7), 0x400);
}

static void assert_dr_faults(unsigned dr, bool read, uint8_t vector)
{
    assert_int_equal(mov_dr(dr, read, VCPU_RBX), EXIT_INJECTED);
    assert_int_equal(guest_machine_injected() & 0xff, vector);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE);
}

/* "If an attempt is made to write a 1 to any of bits 63:32 in DR6 [or] DR7." */
static void dr6_and_dr7_have_32_bits(void **state)
{
    (void)state;
    vcpu->reg[VCPU_RBX] = 1ull << 32;
    for (unsigned dr = 4; dr < 8; dr++)
        assert_dr_faults(dr, false, X86_VECTOR_GP);
    FIELD(GUEST_CS_ACCESS_RIGHTS) = 0xc09b; /* there, the operand has 32 bits */
    write_dr_of_guest(6, 1ull << 32);
    write_dr_of_guest(7, 1ull << 32 | 2);
    assert_int_equal(FIELD(GUEST_DR7), 0x402);
}

/* The VM exit comes before these checks, so they are the handler's. */
static void debug_registers_are_for_privilege_level_0(void **state)
{
    (void)state;
    FIELD(GUEST_CS_ACCESS_RIGHTS) = 0xa0fb;
    FIELD(GUEST_SS_ACCESS_RIGHTS) = 0xc0f3;
    for (unsigned dr = 0; dr < 8; dr++) {
        assert_dr_faults(dr, true, X86_VECTOR_GP);
        assert_true(guest_machine_injects_error(X86_VECTOR_GP, 0));
        assert_dr_faults(dr, false, X86_VECTOR_GP);
    }
}

static void dr4_and_dr5_are_undefined_with_debugging_extensions(void **state)
{
    (void)state;
    FIELD(GUEST_CR4) |= 1 << 3;
    assert_dr_faults(4, true, X86_VECTOR_UD);
    assert_dr_faults(5, false, X86_VECTOR_UD);
    assert_int_equal(read_dr_of_guest(6), 0xffff0ff0);
}

/* "DR7.GD: a debug exception prior to any MOV DR"; DR6.BD reports, and GD is cleared on delivery.
 */
static void general_detect_comes_before_the_access(void **state)
{
    (void)state;
    FIELD(GUEST_DR7) = 0x2400;
    vcpu->reg[VCPU_RBX] = 7;
    assert_dr_faults(0, false, X86_VECTOR_DB);
    assert_int_equal(model_cpu.dr[0], 0);
    assert_int_equal(model_cpu.dr6, 0xffff2ff0);
    assert_int_equal(FIELD(GUEST_DR7), 0x400);
    write_dr_of_guest(0, 7);
    assert_int_equal(model_cpu.dr[0], 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, in_long_mode)
    const struct CMUnitTest tests[] = {
        TEST(the_guest_reads_what_it_wrote_and_the_host_keeps_its_bits),
        TEST(bits_that_are_not_the_guests_are_refused),
        TEST(reserved_bits_of_cr0_are_ignored),
        TEST(translations_are_forgotten_where_they_must_be),
        TEST(long_mode_is_not_left_from_64_bit_code),
        TEST(long_mode_is_left_and_entered_from_compatibility_mode),
        TEST(the_guest_has_come_to_long_mode_by_itself),
        TEST(pcids_need_long_mode_and_a_clean_cr3),
        TEST(cr3_stays_within_physical_addresses),
        TEST(cr3_is_read_as_it_was_written),
        TEST(without_the_control_the_mode_is_the_entrys),
        TEST(without_ept_the_real_cr3_is_the_hypervisors),
        TEST(outside_64_bit_mode_operands_have_32_bits),
        TEST(pdptes_are_loaded_with_cr3),
        TEST(pdptes_outside_of_memory_end_the_guest),
        TEST(pdptes_are_loaded_when_paging_comes_to_be_pae),
        TEST(real_mode_and_protected_mode_come_and_go),
        TEST(clts_clears_ts_alone),
        TEST(lmsw_loads_four_bits_and_never_clears_pe),
        TEST(cr8_holds_four_bits),
        TEST(debug_registers_are_written_and_read),
        TEST(dr6_and_dr7_have_32_bits),
        TEST(debug_registers_are_for_privilege_level_0),
        TEST(dr4_and_dr5_are_undefined_with_debugging_extensions),
        TEST(general_detect_comes_before_the_access),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
