#include "tools/capability/vmx_feature.h"

#include <stddef.h>

#include "lib/string.h"
#include "lib/x86_registers.h"
#include "vmx/text/capability_text.h"
#include "vmx/capability/vmx_controls.h"

/* The names of the controls, and the bits of the other fields, from the kernel's tables. */
#define CONTROL(word, bit, id, want, name) static const char NAME_##word##_##id[] = name;
#include "vmx/capability/vmx_controls.def"
#define VMX_CAPABILITY(kind, name, msr, high, low) VMX_MSR_##name = IA32_##msr,
enum {
#include "vmx/capability/vmx_capability.def"
};

#define FEATURE(from, high, low, kind, id, title, first, sentence) \
    {(id), FEATURE_##kind, IA32_##from, (high), (low), (title), (sentence), (first)},
#define FIELD_FEATURE(field, kind, id, title, first, sentence)                    \
    {(id),    FEATURE_##kind, VMX_MSR_##field, VMX_HIGH_##field, VMX_LOW_##field, \
     (title), (sentence),     (first)},
#define ONE_BIT(bit) (bit), (bit)
#define CONTROL_BITS(from, shift, mask, id, title, first, sentence)            \
    {(id),    FEATURE_CONTROL, from,   ONE_BIT((shift) + __builtin_ctz(mask)), \
     (title), (sentence),      (first)},
#define CONTROL_ROW(...) CONTROL_BITS(__VA_ARGS__)
/* A word's capability MSR, and how far to the left its allowed 1-settings stand there. */
#define BITS_PIN            IA32_VMX_PINBASED_CTLS, 32
#define BITS_PRIMARY        IA32_VMX_PROCBASED_CTLS, 32
#define BITS_SECONDARY      IA32_VMX_PROCBASED_CTLS2, 32
#define BITS_TERTIARY       IA32_VMX_PROCBASED_CTLS3, 0
#define BITS_EXIT           IA32_VMX_EXIT_CTLS, 32
#define BITS_SECONDARY_EXIT IA32_VMX_EXIT_CTLS2, 0
#define BITS_ENTRY          IA32_VMX_ENTRY_CTLS, 32
#define BITS_VM_FUNCTION    IA32_VMX_VMFUNC, 0
#define CONTROL_FEATURE(word, control, id, first, sentence) \
    CONTROL_ROW(BITS_##word, word##_##control, id, NAME_##word##_##control, first, sentence)
#define CR_FEATURE(cr, bit, id, first, sentence) \
    {(id),                                       \
     FEATURE_FIXED,                              \
     IA32_VMX_##cr##_FIXED0,                     \
     ONE_BIT(__builtin_ctzll(cr##_##bit)),       \
     #cr "." #bit,                               \
     (sentence),                                 \
     (first)},
const struct vmx_feature vmx_feature_table[] = {
#include "tools/capability/features.def"
};

const uint32_t vmx_feature_count = sizeof(vmx_feature_table) / sizeof(vmx_feature_table[0]);

const char *vmx_feature_section(const struct vmx_feature *feature)
{
    static const struct {
        uint32_t msr;
        const char *title;
    } sections[] = {
        {IA32_FEATURE_CONTROL, "Enabling and Entering VMX Operation"},
        {IA32_VMX_BASIC, "Basic VMX Information"},
        {IA32_VMX_PINBASED_CTLS, "Pin-Based VM-Execution Controls"},
        {IA32_VMX_PROCBASED_CTLS, "Primary Processor-Based VM-Execution Controls"},
        {IA32_VMX_PROCBASED_CTLS2, "Secondary Processor-Based VM-Execution Controls"},
        {IA32_VMX_PROCBASED_CTLS3, "Tertiary Processor-Based VM-Execution Controls"},
        {IA32_VMX_EXIT_CTLS, "Primary VM-Exit Controls"},
        {IA32_VMX_EXIT_CTLS2, "Secondary VM-Exit Controls"},
        {IA32_VMX_ENTRY_CTLS, "VM-Entry Controls"},
        {IA32_VMX_VMFUNC, "VM Functions"},
        {IA32_VMX_MISC, "Miscellaneous Data"},
        {IA32_VMX_CR0_FIXED0, "VMX-Fixed Bits in CR0"},
        {IA32_VMX_CR4_FIXED0, "VMX-Fixed Bits in CR4"},
        {IA32_VMX_VMCS_ENUM, "VMCS Enumeration"},
        {IA32_VMX_EPT_VPID_CAP, "VPID and EPT Capabilities"},
    };
    unsigned i = 0;

    while (sections[i].msr != feature->msr)
        i++;
    return sections[i].title;
}

const struct vmx_feature *vmx_feature_find(const char *id)
{
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        if (strcmp(vmx_feature_table[i].id, id) == 0)
            return &vmx_feature_table[i];
    }
    return NULL;
}

/* What a dump has of one MSR: FEATURE_ABSENT, FEATURE_UNKNOWN, or FEATURE_VALUE and the value. */
static struct vmx_feature_value read_msr(const struct vmx_dump *dump, uint32_t msr)
{
    struct vmx_feature_value result = {.state = FEATURE_UNKNOWN, .msr = msr};

    if (msr == IA32_FEATURE_CONTROL) {
        if (dump->has_feature_control) {
            result.state = FEATURE_VALUE;
            result.value = dump->feature_control;
        }
    } else if (!vmx_msr_may_exist(&dump->msrs, msr)) {
        result.state = FEATURE_ABSENT;
    } else if (vmx_msr_is_present(&dump->msrs, msr)) {
        result.state = FEATURE_VALUE;
        result.value = vmx_msr_value(&dump->msrs, msr);
    }
    return result;
}

static enum vmx_feature_state settings(bool must_be_1, bool may_be_1)
{
    if (must_be_1)
        return may_be_1 ? FEATURE_ONE : FEATURE_NEITHER;
    return may_be_1 ? FEATURE_EITHER : FEATURE_ZERO;
}

/* A word of 64 controls has no allowed 0-settings: all of its controls may be 0. */
static struct vmx_feature_value evaluate_control(const struct vmx_feature *feature,
                                                 struct vmx_feature_value read)
{
    bool may_be_1 = read.value >> feature->low & 1;
    bool must_be_1 = feature->low >= 32 && (read.value >> (feature->low - 32) & 1);

    read.state = settings(must_be_1, may_be_1);
    read.value = may_be_1;
    return read;
}

/* One of the two MSRs can be enough: a bit that must be 1 may be 1, one that may not must be 0. */
static struct vmx_feature_value evaluate_fixed(const struct vmx_feature *feature,
                                               struct vmx_feature_value fixed0,
                                               struct vmx_feature_value fixed1)
{
    bool must_be_1 = fixed0.value >> feature->low & 1, may_be_1 = fixed1.value >> feature->low & 1;

    if (fixed0.state == FEATURE_VALUE && fixed1.state == FEATURE_VALUE)
        fixed1.state = settings(must_be_1, may_be_1);
    else if (fixed0.state == FEATURE_VALUE && must_be_1)
        fixed1.state = FEATURE_ONE;
    else if (fixed1.state == FEATURE_VALUE && !may_be_1)
        fixed1.state = FEATURE_ZERO;
    else
        fixed1.state = FEATURE_UNKNOWN;
    fixed1.value = fixed1.state == FEATURE_ONE || fixed1.state == FEATURE_EITHER;
    return fixed1;
}

struct vmx_feature_value vmx_feature_evaluate(const struct vmx_feature *feature,
                                              const struct vmx_dump *dump)
{
    struct vmx_feature_value read = read_msr(dump, vmx_msr_true(&dump->msrs, feature->msr));

    if (feature->kind == FEATURE_FIXED)
        return evaluate_fixed(feature, read, read_msr(dump, feature->msr + 1));
    if (read.state != FEATURE_VALUE)
        return read;
    if (feature->kind == FEATURE_CONTROL)
        return evaluate_control(feature, read);
    read.value = read.value >> feature->low & (~0ull >> (63 - (feature->high - feature->low)));
    if (feature->high == feature->low)
        read.state = read.value ? FEATURE_ONE : FEATURE_ZERO;
    return read;
}

bool vmx_feature_offered(struct vmx_feature_value value)
{
    return value.state == FEATURE_ONE || value.state == FEATURE_EITHER ||
           (value.state == FEATURE_VALUE && value.value != 0);
}

const char *vmx_feature_state_name(enum vmx_feature_state state)
{
    static const char *const names[FEATURE_STATE_COUNT] = {
        [FEATURE_ABSENT] = "absent", [FEATURE_UNKNOWN] = "unknown",
        [FEATURE_ZERO] = "0",        [FEATURE_ONE] = "1",
        [FEATURE_EITHER] = "0 or 1", [FEATURE_NEITHER] = "neither 0 nor 1",
        [FEATURE_VALUE] = "value",
    };

    return names[state];
}

/* IA32_VMX_BASIC has the only enumeration, and vmx/text/capability_text.h the names of its values.
 */
const char *vmx_feature_meaning(const struct vmx_feature *feature, uint64_t value)
{
    for (int i = 0; i < BASIC_FIELD_COUNT && feature->kind == FEATURE_ENUMERATION; i++) {
        if (basic_fields[i].low == feature->low)
            return strchr(basic_field_meaning(&basic_fields[i], value << feature->low), ':') + 2;
    }
    return NULL;
}

static uint32_t default1_of(uint32_t msr)
{
    for (int word = 0; word < VMX_CONTROL_WORD_COUNT; word++) {
        if (vmx_control_words[word].msr == msr)
            return vmx_control_words[word].default1;
    }
    return 0;
}

bool vmx_feature_is_default1(const struct vmx_feature *feature)
{
    return feature->kind == FEATURE_CONTROL && feature->low >= 32 &&
           (default1_of(feature->msr) >> (feature->low - 32) & 1);
}

/* The plain MSR in whose name the table describes `msr`: for a TRUE one and for FIXED1 another. */
static uint32_t told_of_as(uint32_t msr)
{
    if (msr >= IA32_VMX_TRUE_PINBASED_CTLS && msr <= IA32_VMX_TRUE_ENTRY_CTLS)
        return msr - IA32_VMX_TRUE_PINBASED_CTLS + IA32_VMX_PINBASED_CTLS;
    if (msr == IA32_VMX_CR0_FIXED1 || msr == IA32_VMX_CR4_FIXED1)
        return msr - 1;
    return msr;
}

uint64_t vmx_feature_known_bits(uint32_t msr)
{
    uint32_t plain = told_of_as(msr);
    uint64_t known = default1_of(plain) * 0x100000001ull;

    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        const struct vmx_feature *feature = &vmx_feature_table[i];

        if (feature->msr != plain || feature->kind == FEATURE_RESERVED)
            continue;
        known |= (~0ull >> (63 - (feature->high - feature->low))) << feature->low;
        if (feature->kind == FEATURE_CONTROL && feature->low >= 32)
            known |= 1ull << (feature->low - 32);
    }
    return known;
}
