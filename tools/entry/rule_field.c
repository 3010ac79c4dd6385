#include "tools/entry/rule_field.h"

#include "vmx/entry/vmentry_check.h"
#include "vmx/entry/vmentry_state.h"

bool rule_field(enum vmentry_rule rule, unsigned n, enum vmcs_field *field)
{
    const struct vmentry_form *form = &vmentry_forms[rule];

    switch (form->kind) {
    case FORM_ALLOWED0:
    case FORM_ALLOWED1:
        *field = vmentry_word_field(form->when.word);
        return n == 0;
    case FORM_NEEDS:
    case FORM_EXCLUDES:
        *field = vmentry_word_field(n == 0 ? form->when.word : form->other.word);
        return n == 0 || (n == 1 && form->when.word != form->other.word);
    case FORM_MSR:
        *field = VMCS_VM_ENTRY_MSR_LOAD_ADDRESS;
        return n == 0;
    default:
        for (unsigned i = 0; form->fields >> i != 0; i++) {
            if (form->fields >> i & 1 && n-- == 0) {
                *field = vmentry_form_field(form, i);
                return true;
            }
        }
        return false;
    }
}
