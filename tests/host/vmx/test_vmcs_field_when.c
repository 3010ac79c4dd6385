/*
 * On which processors a VMCS field exists: SDM Vol. 3, appendix "Field Encoding in VMCS", the notes
 * below its tables ("This field exists only on processors that support the 1-setting of …"), as
 * controls by word and bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "vmx/vmcs_field.h"

enum word { NEVER, PIN, PRIMARY, SECONDARY, TERTIARY, FUNCTION, EXIT, EXIT_2, ENTRY, WORDS };

struct control {
    enum word word;
    unsigned bit;
};

/* A field and the controls of which one is enough; those that exist everywhere are not here. */
static const struct {
    unsigned encoding;
    struct control a, b;
} rows[] = {
    {0x0000, {SECONDARY, 5}, {0}},     /* VPID */
    {0x0002, {PIN, 7}, {0}},           /* posted-interrupt notification vector */
    {0x0004, {SECONDARY, 18}, {0}},    /* EPTP index: EPT-violation #VE */
    {0x0006, {TERTIARY, 1}, {0}},      /* HLAT prefix size */
    {0x0008, {TERTIARY, 4}, {0}},      /* last PID-pointer index: IPI virtualization */
    {0x000a, {TERTIARY, 8}, {0}},      /* virtual timer vector */
    {0x0810, {SECONDARY, 9}, {0}},     /* guest interrupt status: virtual-interrupt delivery */
    {0x0812, {SECONDARY, 17}, {0}},    /* PML index */
    {0x0814, {ENTRY, 19}, {EXIT, 27}}, /* guest UINV: load, clear */
    {0x2004, {PRIMARY, 28}, {0}},      /* MSR bitmaps */
    {0x200e, {SECONDARY, 17}, {0}},    /* PML address */
    {0x2012, {PRIMARY, 21}, {0}},      /* virtual-APIC address: TPR shadow */
    {0x2014, {SECONDARY, 0}, {0}},     /* APIC-access address */
    {0x2016, {PIN, 7}, {0}},           /* posted-interrupt descriptor */
    {0x2018, {SECONDARY, 13}, {0}},    /* VM-function controls */
    {0x201a, {SECONDARY, 1}, {0}},     /* EPT pointer */
    {0x201c, {SECONDARY, 9}, {0}},     /* EOI-exit bitmaps */
    {0x201e, {SECONDARY, 9}, {0}},
    {0x2020, {SECONDARY, 9}, {0}},
    {0x2022, {SECONDARY, 9}, {0}},
    {0x2024, {FUNCTION, 0}, {0}},   /* EPTP-list address: EPTP switching */
    {0x2026, {SECONDARY, 14}, {0}}, /* VMREAD and VMWRITE bitmaps: VMCS shadowing */
    {0x2028, {SECONDARY, 14}, {0}},
    {0x202a, {SECONDARY, 18}, {0}}, /* virtualization-exception information */
    {0x202c, {SECONDARY, 20}, {0}}, /* XSS-exiting bitmap: XSAVES */
    {0x202e, {SECONDARY, 15}, {0}}, /* ENCLS-exiting bitmap */
    {0x2030, {SECONDARY, 23}, {0}}, /* sub-page-permission-table pointer */
    {0x2032, {SECONDARY, 25}, {0}}, /* TSC multiplier */
    {0x2034, {PRIMARY, 17}, {0}},   /* tertiary controls */
    {0x2036, {SECONDARY, 28}, {0}}, /* ENCLV-exiting bitmap */
    {0x2038, {SECONDARY, 21}, {0}}, /* PASID directories */
    {0x203a, {SECONDARY, 21}, {0}},
    {0x203c, {TERTIARY, 5}, {0}},   /* SEAM shared EPT pointer */
    {0x203e, {SECONDARY, 27}, {0}}, /* PCONFIG-exiting bitmap */
    {0x2040, {TERTIARY, 1}, {0}},   /* HLAT pointer */
    {0x2042, {TERTIARY, 4}, {0}},   /* PID-pointer table */
    {0x2044, {EXIT, 31}, {0}},      /* secondary VM-exit controls */
    {0x204a, {TERTIARY, 7}, {0}},   /* IA32_SPEC_CTRL mask and shadow */
    {0x204c, {TERTIARY, 7}, {0}},
    {0x204e, {TERTIARY, 8}, {0}},      /* guest deadline shadow */
    {0x2052, {ENTRY, 23}, {0}},        /* injected-event data: load FRED */
    {0x2400, {SECONDARY, 1}, {0}},     /* guest-physical address */
    {0x2402, {TERTIARY, 6}, {0}},      /* MSR data: MSR-list instructions */
    {0x2404, {ENTRY, 23}, {0}},        /* original-event data */
    {0x2406, {NEVER, 0}, {0}},         /* extended-instruction information: no VMX MSR reports */
    {0x2804, {ENTRY, 14}, {EXIT, 18}}, /* guest IA32_PAT: load, save */
    {0x2806, {ENTRY, 15}, {EXIT, 20}}, /* guest IA32_EFER */
    {0x2808, {ENTRY, 13}, {0}},        /* guest IA32_PERF_GLOBAL_CTRL */
    {0x280a, {SECONDARY, 1}, {0}},     /* PDPTEs */
    {0x280c, {SECONDARY, 1}, {0}},
    {0x280e, {SECONDARY, 1}, {0}},
    {0x2810, {SECONDARY, 1}, {0}},
    {0x2812, {ENTRY, 16}, {EXIT, 23}},  /* guest IA32_BNDCFGS */
    {0x2814, {ENTRY, 18}, {EXIT, 25}},  /* guest IA32_RTIT_CTL */
    {0x2816, {ENTRY, 21}, {EXIT, 26}},  /* guest IA32_LBR_CTL */
    {0x2818, {ENTRY, 22}, {0}},         /* guest IA32_PKRS */
    {0x281a, {ENTRY, 23}, {EXIT_2, 0}}, /* guest FRED state: load, save */
    {0x281c, {ENTRY, 23}, {EXIT_2, 0}},
    {0x281e, {ENTRY, 23}, {EXIT_2, 0}},
    {0x2820, {ENTRY, 23}, {EXIT_2, 0}},
    {0x2822, {ENTRY, 23}, {EXIT_2, 0}},
    {0x2824, {ENTRY, 23}, {EXIT_2, 0}},
    {0x2826, {ENTRY, 23}, {EXIT_2, 0}},
    {0x2828, {ENTRY, 23}, {EXIT_2, 0}},
    {0x282e, {ENTRY, 24}, {0}},   /* guest IA32_SPEC_CTRL */
    {0x2830, {TERTIARY, 8}, {0}}, /* guest deadline */
    {0x2c00, {EXIT, 19}, {0}},    /* host IA32_PAT */
    {0x2c02, {EXIT, 21}, {0}},    /* host IA32_EFER */
    {0x2c04, {EXIT, 12}, {0}},    /* host IA32_PERF_GLOBAL_CTRL */
    {0x2c06, {EXIT, 29}, {0}},    /* host IA32_PKRS */
    {0x2c08, {EXIT_2, 1}, {0}},   /* host FRED state */
    {0x2c0a, {EXIT_2, 1}, {0}},
    {0x2c0c, {EXIT_2, 1}, {0}},
    {0x2c0e, {EXIT_2, 1}, {0}},
    {0x2c10, {EXIT_2, 1}, {0}},
    {0x2c12, {EXIT_2, 1}, {0}},
    {0x2c14, {EXIT_2, 1}, {0}},
    {0x2c16, {EXIT_2, 1}, {0}},
    {0x2c1a, {EXIT_2, 2}, {0}},     /* host IA32_SPEC_CTRL */
    {0x401c, {PRIMARY, 21}, {0}},   /* TPR threshold */
    {0x401e, {PRIMARY, 31}, {0}},   /* secondary controls */
    {0x4020, {SECONDARY, 10}, {0}}, /* PLE_Gap, PLE_Window */
    {0x4022, {SECONDARY, 10}, {0}},
    {0x4024, {SECONDARY, 31}, {0}}, /* instruction-timeout control */
    {0x4026, {TERTIARY, 5}, {0}},   /* SEAM-guest KeyID */
    {0x482e, {PIN, 6}, {0}},        /* VMX-preemption timer value */
    {0x6828, {ENTRY, 20}, {0}},     /* guest CET state: load */
    {0x682a, {ENTRY, 20}, {0}},
    {0x682c, {ENTRY, 20}, {0}},
    {0x6c18, {EXIT, 28}, {0}}, /* host CET state */
    {0x6c1a, {EXIT, 28}, {0}},
    {0x6c1c, {EXIT, 28}, {0}},
};

static struct vmx_capability with(struct control control)
{
    struct vmx_capability capability = {0};
    uint64_t mask = 1ull << control.bit;

    switch (control.word) {
    case PIN:
        capability.pin_allowed1 = mask;
        break;
    case PRIMARY:
        capability.primary_allowed1 = mask;
        break;
    case SECONDARY:
        capability.secondary_allowed1 = mask;
        break;
    case TERTIARY:
        capability.tertiary_allowed1 = mask;
        break;
    case FUNCTION:
        capability.vm_functions = mask;
        break;
    case EXIT:
        capability.exit_allowed1 = mask;
        break;
    case EXIT_2:
        capability.secondary_exit_allowed1 = mask;
        break;
    case ENTRY:
        capability.entry_allowed1 = mask;
        break;
    default:
        break;
    }
    return capability;
}

static bool same(struct control a, struct control b)
{
    return a.word != NEVER && a.word == b.word && a.bit == b.bit;
}

/* -1: exists everywhere. */
static int row_of(unsigned encoding)
{
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].encoding == encoding)
            return (int)i;
    }
    return -1;
}

/* With one control, and each other control 0, these fields exist, and no others. */
static void each_control_brings_its_fields(void **state)
{
    (void)state;
    for (unsigned word = NEVER; word < WORDS; word++) {
        for (unsigned bit = 0; bit < 32; bit++) {
            struct control control = {(enum word)word, bit};
            struct vmx_capability capability = with(control);

            for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
                enum vmcs_field field = vmcs_field_table[i].field;
                int row = row_of((unsigned)field);
                bool wanted = row < 0 || same(rows[row].a, control) || same(rows[row].b, control);

                if (vmcs_field_exists(field, &capability) != wanted)
                    fail_msg("field %#x, word %u, bit %u", (unsigned)field, word, bit);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_control_brings_its_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
