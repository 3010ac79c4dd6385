#include "tools/capability/listing.h"

#include "vmx/capability/vmx_controls.h"
#include "tools/capability/vmx_feature.h"

/* What a section describes its MSR. */
enum kind {
    VALUE,    /* the value: flags and numbers */
    ALONE,    /* controls that must be 1 and may be 1, in two halves */
    TRUE_TOO, /* the same, of the TRUE MSR too */
    WIDE,     /* controls that may be 1, in all 64 bits */
};

static const struct row {
    const char *text;
    const char *feature; /* NULL: a heading */
    uint32_t msr;
    enum kind kind;
} rows[] = {
#define LISTING_SECTION(heading, msr, kind) {heading, NULL, msr, kind},
#define LISTING_LINE(text, feature)         {text, feature, 0, VALUE},
#include "tools/capability/listing.def"
#undef LISTING_SECTION
#undef LISTING_LINE
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct row *section_of(uint32_t msr)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].feature == NULL && rows[i].msr == msr)
            return &rows[i];
    }
    return NULL;
}

/* The MSR that reports the same controls without the default1 class: SDM, "Algorithms for
 * Determining VMX Capabilities". 0x481 to 0x484 have 0x48d to 0x490.
 */
static uint32_t true_of(uint32_t msr)
{
    return msr - IA32_VMX_PINBASED_CTLS + IA32_VMX_TRUE_PINBASED_CTLS;
}

/* Controls of the default1 class must be 1 but where a line says otherwise. */
static uint64_t default1_of(uint32_t msr)
{
    for (size_t i = 0; i < VMX_CONTROL_WORD_COUNT; i++) {
        if (vmx_control_words[i].msr == msr)
            return vmx_control_words[i].default1;
    }
    return 0;
}

static void begin(struct listing *listing, const struct row *row)
{
    uint64_t both = default1_of(row->msr) * 0x100000001;

    listing->msr = row->msr;
    listing->lines = 0;
    vmx_msr_set(&listing->all, row->msr, both);
    if (row->kind == TRUE_TOO)
        vmx_msr_set(&listing->all, true_of(row->msr), both);
}

static void set_bits(struct listing *listing, uint32_t msr, uint64_t mask, uint64_t bits)
{
    vmx_msr_set(&listing->all, msr, (vmx_msr_value(&listing->all, msr) & ~mask) | bits);
}

/* The script's words: must it be 1, and may it be 1, by the plain MSR and by the TRUE one? */
static const struct {
    const char *text;
    bool must, may, true_must;
} words[] = {
    {"no", false, false, false},
    {"yes", false, true, false},
    {"forced", true, true, true},
    {"default", true, true, false},
};

static bool take_control(struct listing *listing, const struct row *section, unsigned bit,
                         struct piece word)
{
    uint64_t low = 1ULL << (bit - 32), high = 1ULL << bit;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!piece_is(word, words[i].text))
            continue;
        set_bits(listing, section->msr, low | high,
                 (words[i].must ? low : 0) | (words[i].may ? high : 0));
        if (section->kind == TRUE_TOO)
            set_bits(listing, true_of(section->msr), low | high,
                     (words[i].true_must ? low : 0) | (words[i].may ? high : 0));
        return true;
    }
    return false;
}

static bool take_value(struct listing *listing, const struct vmx_feature *feature, uint32_t msr,
                       struct piece word)
{
    uint64_t mask = ~0ULL >> (63 - feature->high + feature->low) << feature->low;
    struct number number;

    if (piece_is(word, "yes") || piece_is(word, "no")) {
        set_bits(listing, msr, mask, piece_is(word, "yes") ? mask : 0);
        return true;
    }
    if (!number_take(&word, &number) || word.length > 0 || !number.is_decimal)
        return false;
    set_bits(listing, msr, mask, number.decimal << feature->low & mask);
    return true;
}

/* `Hex: 0x98100000000001` */
static bool take_hex(struct scan *scan, struct listing *listing, struct piece line)
{
    struct number number;

    if (!piece_starts_folded(line, "hex:"))
        return false;
    line = piece_trim(piece_after(line, 4));
    if (!number_take(&line, &number) || line.length > 0 || !number.prefixed) {
        scan_passed(scan, scan->line, line, "the MSR in hex");
        return true;
    }
    listing->in_hex |= 1u << (listing->msr - VMX_MSR_FIRST);
    vmx_msr_set(&listing->all, listing->msr, number.value);
    return true;
}

/* The row of the section whose text the line begins with, and the word after it. */
static const struct row *find_row(const struct row *section, struct piece line, struct piece *word)
{
    for (const struct row *row = section + 1; row < rows + ROWS && row->feature != NULL; row++) {
        struct piece text = piece_of(row->text);

        if (!piece_starts(line, row->text) || line.length == text.length)
            continue;
        *word = piece_after(line, text.length);
        if (char_is_one_of(piece_first(*word), " \t")) {
            *word = piece_trim(*word);
            return row;
        }
    }
    return NULL;
}

static bool take_row(struct scan *scan, struct listing *listing, const struct row *section,
                     struct piece line)
{
    struct piece word;
    const struct row *row = find_row(section, line, &word);
    const struct vmx_feature *feature = row != NULL ? vmx_feature_find(row->feature) : NULL;
    bool taken;

    if (feature == NULL)
        return false;
    listing->lines++;
    if (listing->in_hex >> (section->msr - VMX_MSR_FIRST) & 1)
        return true; /* a part of what was reported whole */
    taken = section->kind == VALUE || section->kind == WIDE
                ? take_value(listing, feature, section->msr, word)
                : take_control(listing, section, feature->low, word);
    if (!taken)
        scan_passed(scan, scan->line, line, "`yes`, `no`, `forced` or `default`");
    return true;
}

/* Does a line of a section end in one of the script's words, so that only its text is unknown? */
static bool has_word(struct piece line)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t length = piece_of(words[i].text).length;

        if (line.length > length + 1 && line.start[line.length - length - 1] == ' ' &&
            piece_is(piece_after(line, line.length - length), words[i].text))
            return true;
    }
    return false;
}

bool listing_line(struct scan *scan, struct listing *listing, struct piece line)
{
    const struct row *section;

    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].feature == NULL && piece_is(line, rows[i].text)) {
            begin(listing, &rows[i]);
            return true;
        }
    }
    if (listing->msr == 0 || line.length == 0)
        return false;
    section = section_of(listing->msr);
    if (take_hex(scan, listing, line) || take_row(scan, listing, section, line))
        return true;
    if (!has_word(line))
        return false;
    scan_passed(scan, scan->line, line, "a line of this section that QEMU 10 prints");
    return true;
}

/* The last section of a listing that was cut off reports only some of its controls: none is
 * reported. */
static void drop_torn(struct scan *scan, struct listing *listing)
{
    const struct row *section = section_of(listing->msr), *row = section;
    unsigned lines = 0;

    while (++row < rows + ROWS && row->feature != NULL)
        lines++;
    if (listing->lines >= lines || (listing->in_hex >> (section->msr - VMX_MSR_FIRST) & 1))
        return;
    listing->all.present &= ~(1u << (section->msr - VMX_MSR_FIRST));
    if (section->kind == TRUE_TOO)
        listing->all.present &= ~(1u << (true_of(section->msr) - VMX_MSR_FIRST));
    scan_passed(scan, scan->line, piece_of(section->text), "all lines of the last section");
}

void listing_end(struct scan *scan, struct listing *listing, struct found_list *list)
{
    bool true_too = (vmx_msr_value(&listing->all, IA32_VMX_BASIC) >> 55 & 1) != 0;
    struct vmx_msrs msrs;

    if (listing->msr != 0)
        drop_torn(scan, listing);
    msrs = listing->all;
    for (uint32_t msr = VMX_MSR_FIRST; msr <= VMX_MSR_LAST; msr++) {
        bool is_true = msr >= IA32_VMX_TRUE_PINBASED_CTLS && msr <= IA32_VMX_TRUE_ENTRY_CTLS;

        if (!vmx_msr_is_present(&msrs, msr) || (is_true && !true_too))
            continue;
        /* The script shows an MSR that does not exist as 0. */
        if (vmx_msr_value(&msrs, msr) == 0 && !vmx_msr_exists(&msrs, msr))
            continue;
        found_add(list, (struct found){.msr = msr,
                                       .value = vmx_msr_value(&msrs, msr),
                                       .line = scan->line,
                                       .columns = 1});
        scan_saw(scan, DUMP_LISTING);
    }
}
