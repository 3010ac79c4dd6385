#include "tools/capability/check_set.h"

const char *check_choice_name(enum check_choice choice)
{
    static const char *const names[CHECK_CHOICE_COUNT] = {"auto", "kvm", "strict"};

    return names[choice];
}

const char *check_mode_name(enum vmx_check mode)
{
    static const char *const names[VMX_CHECK_COUNT] = {
        [VMX_CHECK_KVM] = "kvm",
        [VMX_CHECK_VIRTUAL] = "kvm, virtual",
        [VMX_CHECK_STRICT] = "strict",
    };

    return names[mode];
}

enum vmx_check check_mode(enum check_choice choice, bool virtual_registers)
{
    if (choice == CHECK_CHOICE_STRICT)
        return VMX_CHECK_STRICT;
    return choice == CHECK_CHOICE_AUTO && virtual_registers ? VMX_CHECK_VIRTUAL : VMX_CHECK_KVM;
}

/* Rootmode turns VMX on on every CPU or on none. */
static void compare(const struct dump_set *first, uint32_t cpu, struct checked *checked)
{
    struct stage_report *report = &checked->report;
    struct stage_report of_first;

    stage_check(&first->dump, checked->mode, &of_first);
    report->findings.cpu = cpu;
    for (uint32_t i = 0; i < report->findings.count; i++)
        report->findings.item[i].cpu = cpu;
    if (of_first.verdict == STAGE_INCOMPLETE || report->verdict == STAGE_INCOMPLETE)
        return;
    vmcs_config_compare(&of_first.config, &report->config, &report->findings);
    if (report->verdict != STAGE_OK || !findings_refuse(&report->findings))
        return;
    report->verdict = STAGE_REFUSED;
    report->reached = STAGE_CAPS;
    for (int stage = STAGE_VMXON; stage < STAGE_COUNT; stage++)
        report->stage[stage].verdict = STAGE_REFUSED;
}

void check_set(const struct dump_list *list, size_t index, enum check_choice choice,
               struct checked *checked)
{
    const struct dump_set *set = &list->set[index];

    checked->set = set;
    checked->reading = &list->reading;
    checked->mode = check_mode(choice, set->virtual_registers);
    stage_check(&set->dump, checked->mode, &checked->report);
    vmx_capability_derive(&set->dump.msrs, &checked->capability);
    if (list->one_machine && index > 0)
        compare(&list->set[0], (uint32_t)index, checked);
}
