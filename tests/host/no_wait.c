/* Of lib/spinlock.h, for tests that have no CPU of their own: nobody holds a lock for long. */
#include "lib/x86.h"

void cpu_relax(void)
{
}
