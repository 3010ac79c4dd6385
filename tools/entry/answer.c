#include "tools/entry/answer.h"

#include "tools/capability/corpus.h"
#include "tools/capability/stage.h"
#include "tools/entry/verdict_text.h"

/* Which MSRs a CPU has whose values are not known. */
static uint32_t lacking_of(const struct vmx_dump *dump)
{
    struct stage_report report;

    stage_check(dump, VMX_CHECK_KVM, &report);
    return report.lacking;
}

/* IA32_VMX_VMFUNC, PROCBASED_CTLS3 and EXIT_CTLS2, which many dumps leave out. */
#define OFTEN_LACKING (7u << 17)

unsigned entry_corpus(struct entry_cpu *cpus)
{
    unsigned count = 0;

    for (size_t i = 0; i < corpus_count && count < ENTRY_CPUS_MAX; i++) {
        uint32_t lacking = lacking_of(&corpus[i].dump);

        if (!(lacking & ~OFTEN_LACKING))
            cpus[count++] = (struct entry_cpu){corpus[i].id, &corpus[i].dump, lacking};
    }
    return count;
}

struct entry_cpu entry_cpu_of(const char *id, const struct vmx_dump *dump)
{
    return (struct entry_cpu){id, dump, lacking_of(dump)};
}

static enum verdict worse(enum verdict a, enum verdict b)
{
    static const unsigned badness[] = {
        [VERDICT_ENTERS] = 0, [VERDICT_DEPENDS] = 1, [VERDICT_REFUSED] = 2};

    return badness[a] > badness[b] ? a : b;
}

static void check_all(const struct vmcs_dump *dump, const struct entry_cpu *cpus, unsigned count,
                      struct entry_check *check)
{
    const struct vmcs_image *image = &dump->image;

    check_entry(image, cpus, count, check);
    check_entry_msrs(image, &dump->entry_msrs, check);
    check_entry_unknown(image, check);
    check_entry_needs(image, check);
}

/*
 * A log of all VM exits may hold thousands, each of which takes some hundredths of a second: the
 * last ones are told, for what failed stands at the end.
 */
enum { TOLD_MOST = 64 };

static size_t first_told(const struct vmcs_text *text)
{
    return text->count > TOLD_MOST ? text->count - TOLD_MOST : 0;
}

static enum verdict answer_in_words(struct sink *output, const struct vmcs_text *text,
                                    const struct entry_cpu *cpus, unsigned count)
{
    static struct entry_check check;
    enum verdict worst = VERDICT_ENTERS;
    size_t first = first_told(text);

    if (first > 0)
        print_to(output, "The first %u of %u VMCSs are not told; cut the text to see them\n\n",
                 (unsigned)first, (unsigned)text->count);
    for (size_t i = first; i < text->count; i++) {
        check_all(&text->dump[i], cpus, count, &check);
        if (text->count > 1)
            print_to(output, "%sVMCS %u of %u, ", i > first ? "\n" : "", (unsigned)i + 1,
                     (unsigned)text->count);
        verdict_text(output, &text->dump[i], &check, count == 1 ? cpus[0].id : NULL);
        worst = worse(worst, check.verdict);
    }
    said_text(output, text);
    passed_text(output, text);
    return worst;
}

static enum verdict answer_in_json(struct sink *output, const struct vmcs_text *text,
                                   const struct entry_cpu *cpus, unsigned count)
{
    static struct entry_check check;
    enum verdict worst = VERDICT_ENTERS;
    struct json json;

    json_init(&json, output);
    json_object_begin(&json, NULL);
    if (first_told(text) > 0)
        json_number(&json, "not_told", first_told(text));
    json_array_begin(&json, "dumps");
    for (size_t i = first_told(text); i < text->count; i++) {
        check_all(&text->dump[i], cpus, count, &check);
        verdict_json(&json, &text->dump[i], &check, count == 1 ? cpus[0].id : NULL);
        worst = worse(worst, check.verdict);
    }
    json_array_end(&json);
    said_json(&json, text);
    passed_json(&json, text);
    json_object_end(&json);
    print_to(output, "\n");
    return worst;
}

enum verdict entry_answer(struct sink *output, bool json, const struct vmcs_text *text,
                          const struct entry_cpu *cpus, unsigned count)
{
    enum verdict worst = json ? answer_in_json(output, text, cpus, count)
                              : answer_in_words(output, text, cpus, count);

    return text->said_count > 0 ? VERDICT_REFUSED : worst;
}
