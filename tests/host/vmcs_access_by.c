/* One access of a VMCS field, ACCESS: the tests see which ones the compiler refuses. */
#include "vmx/vmcs_field.h"

void access(uint32_t variable);
void access(uint32_t variable)
{
    (void)variable;
    (void)ACCESS;
}
