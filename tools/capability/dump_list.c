#include "tools/capability/dump_list.h"

#include <stdlib.h>

#include "lib/format.h"

struct dump_set *dump_list_add(struct dump_list *list, const char *id)
{
    struct dump_set *set;

    if (list->count == list->room) {
        size_t room = list->room > 0 ? 2 * list->room : 8;
        struct dump_set *grown = realloc(list->set, room * sizeof(*grown));

        if (grown == NULL)
            abort();
        list->set = grown;
        list->room = room;
    }
    set = &list->set[list->count++];
    *set = (struct dump_set){.about = ""};
    format_text(set->id, sizeof(set->id), "%s", id);
    return set;
}

void dump_list_free(struct dump_list *list)
{
    free(list->set);
    *list = (struct dump_list){.set = NULL};
}

bool dump_msr_is_known(uint64_t msr)
{
    return msr == IA32_FEATURE_CONTROL_MSR || (msr >= VMX_MSR_FIRST && msr <= VMX_MSR_LAST);
}

bool dump_msr_has(const struct vmx_dump *dump, uint32_t msr)
{
    return msr == IA32_FEATURE_CONTROL_MSR ? dump->has_feature_control
                                           : vmx_msr_is_present(&dump->msrs, msr);
}

uint64_t dump_msr_get(const struct vmx_dump *dump, uint32_t msr)
{
    return msr == IA32_FEATURE_CONTROL_MSR ? dump->feature_control
                                           : vmx_msr_value(&dump->msrs, msr);
}

void dump_msr_put(struct vmx_dump *dump, uint32_t msr, uint64_t value)
{
    if (msr == IA32_FEATURE_CONTROL_MSR) {
        dump->has_feature_control = true;
        dump->feature_control = value;
    } else {
        vmx_msr_set(&dump->msrs, msr, value);
    }
}
