/*
 * The engine's verdict of each set of a list: what Rootmode would do with these values.
 */
#pragma once

#include "tools/capability/dump_list.h"
#include "vmx/finding.h"
#include "tools/capability/stage.h"
#include "vmx/capability/vmx_capability.h"

/* --check: `auto` is `kvm`, and where a hypervisor made the values, as strict as Rootmode is there.
 */
enum check_choice { CHECK_CHOICE_AUTO, CHECK_CHOICE_KVM, CHECK_CHOICE_STRICT, CHECK_CHOICE_COUNT };

struct checked {
    const struct dump_set *set;
    const struct dump_reading *reading; /* of the text that the set is from */
    enum vmx_check mode;
    struct stage_report report;
    struct vmx_capability capability;
};

const char *check_choice_name(enum check_choice choice); /* "auto", "kvm", "strict" */
const char *check_mode_name(enum vmx_check mode);        /* "kvm", "kvm, virtual", "strict" */

enum vmx_check check_mode(enum check_choice choice, bool virtual_registers);

/*
 * Checks set `index` of the list. Of the CPUs of one machine each must have the configuration of
 * the first one; otherwise it is refused, with a finding for each difference.
 */
void check_set(const struct dump_list *list, size_t index, enum check_choice choice,
               struct checked *checked);
