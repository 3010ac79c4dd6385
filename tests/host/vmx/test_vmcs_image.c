/*
 * The state that an image begins with, against SDM Vol. 3, table "IA-32 and Intel 64 Processor
 * States Following Power-up, Reset, or INIT", and what else a VMCS field cuts or lacks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "vmx/vmcs_image.h"

static struct vmcs_image image;

/* Rights: SDM Vol. 3, "Guest Register State"; of reset the same table, "present, R/W, accessed". */
static const struct {
    enum vmcs_field field;
    uint64_t value;
} at_reset[] = {
    {VMCS_GUEST_ES_SELECTOR, 0},
    {VMCS_GUEST_ES_BASE, 0},
    {VMCS_GUEST_ES_LIMIT, 0xffff},
    {VMCS_GUEST_ES_ACCESS_RIGHTS, 0x93},
    {VMCS_GUEST_CS_SELECTOR, 0xf000},
    {VMCS_GUEST_CS_BASE, 0xffff0000},
    {VMCS_GUEST_CS_LIMIT, 0xffff},
    {VMCS_GUEST_CS_ACCESS_RIGHTS, 0x9b},
    {VMCS_GUEST_SS_SELECTOR, 0},
    {VMCS_GUEST_SS_BASE, 0},
    {VMCS_GUEST_SS_LIMIT, 0xffff},
    {VMCS_GUEST_SS_ACCESS_RIGHTS, 0x93},
    {VMCS_GUEST_DS_SELECTOR, 0},
    {VMCS_GUEST_DS_BASE, 0},
    {VMCS_GUEST_DS_LIMIT, 0xffff},
    {VMCS_GUEST_DS_ACCESS_RIGHTS, 0x93},
    {VMCS_GUEST_FS_SELECTOR, 0},
    {VMCS_GUEST_FS_BASE, 0},
    {VMCS_GUEST_FS_LIMIT, 0xffff},
    {VMCS_GUEST_FS_ACCESS_RIGHTS, 0x93},
    {VMCS_GUEST_GS_SELECTOR, 0},
    {VMCS_GUEST_GS_BASE, 0},
    {VMCS_GUEST_GS_LIMIT, 0xffff},
    {VMCS_GUEST_GS_ACCESS_RIGHTS, 0x93},
    {VMCS_GUEST_LDTR_SELECTOR, 0},
    {VMCS_GUEST_LDTR_BASE, 0},
    {VMCS_GUEST_LDTR_LIMIT, 0xffff},
    {VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x82},
    {VMCS_GUEST_TR_SELECTOR, 0},
    {VMCS_GUEST_TR_BASE, 0},
    {VMCS_GUEST_TR_LIMIT, 0xffff},
    {VMCS_GUEST_TR_ACCESS_RIGHTS, 0x8b},
    {VMCS_GUEST_GDTR_BASE, 0},
    {VMCS_GUEST_GDTR_LIMIT, 0xffff},
    {VMCS_GUEST_IDTR_BASE, 0},
    {VMCS_GUEST_IDTR_LIMIT, 0xffff},
    {VMCS_GUEST_DR7, 0x400},
    {VMCS_GUEST_RFLAGS, 2},
    {VMCS_GUEST_RIP, 0xfff0},
    {VMCS_GUEST_RSP, 0},
    {VMCS_GUEST_INTERRUPTIBILITY_STATE, 0},
    {VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 0},
};

static void a_reset_leaves_what_the_manual_says(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++)
        vmcs_image_set(&image, vmcs_field_table[i].field, 0x5a5a5a5a5a5a5a5a);
    vmcs_image_reset(&image);
    for (unsigned i = 0; i < sizeof at_reset / sizeof *at_reset; i++) {
        if (vmcs_image_get(&image, at_reset[i].field) != at_reset[i].value)
            fail_msg("row %u", i);
    }
    assert_int_equal(vmcs_image_get(&image, VMCS_GUEST_CR3), 0x5a5a5a5a5a5a5a5a);
}

/* SDM Vol. 3, "Field Encoding in VMCS": bits 14:13 are the width. */
static void a_field_has_its_width(void **state)
{
    (void)state;
    memset(&image, 0, sizeof image);
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
        enum vmcs_field field = vmcs_field_table[i].field;
        static const uint64_t widest[] = {UINT16_MAX, UINT64_MAX, UINT32_MAX, UINT64_MAX};

        assert_false(vmcs_image_has(&image, field));
        vmcs_image_put(&image, field, 1);
        assert_false(vmcs_image_has(&image, field));
        vmcs_image_set(&image, field, UINT64_MAX);
        assert_true(vmcs_image_has(&image, field));
        assert_true(vmcs_image_get(&image, field) == widest[field >> 13 & 3]);
        vmcs_image_put(&image, field, 1);
        assert_int_equal(vmcs_image_get(&image, field), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_leaves_what_the_manual_says),
        cmocka_unit_test(a_field_has_its_width),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
