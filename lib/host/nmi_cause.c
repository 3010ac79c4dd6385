#include "lib/host/nmi_cause.h"

#include <stddef.h>

#include "lib/x86.h"

/* I/O Controller Hub data sheet, "NMI Status and Control Register". */
enum {
    PORT_B = 0x61,
    PORT_B_SERR = 0x80,
    PORT_B_IOCHK = 0x40,
    PORT_B_IOCHK_OFF = 0x08,
    PORT_B_SERR_OFF = 0x04,
    PORT_B_WRITABLE = 0x0f,
    PORT_B_ABSENT = 0xff,
};

struct nmi_log nmi_logs[CPUS_MAX];

static _Atomic bool expected;

void nmi_expect(bool ours)
{
    atomic_store(&expected, ours);
}

enum nmi_cause nmi_cause(uint8_t port_b, bool ours)
{
    if (port_b != PORT_B_ABSENT && (port_b & PORT_B_SERR) != 0)
        return NMI_SERR;
    if (port_b != PORT_B_ABSENT && (port_b & PORT_B_IOCHK) != 0)
        return NMI_IOCHK;
    return ours ? NMI_OURS : NMI_UNKNOWN;
}

uint8_t nmi_source_off(uint8_t port_b)
{
    uint8_t off = (port_b & PORT_B_SERR) != 0 ? PORT_B_SERR_OFF : PORT_B_IOCHK_OFF;

    return (port_b & PORT_B_WRITABLE) | off;
}

/* One that is not ours is not taken: it counts as nobody's. */
static bool take(void)
{
    uint8_t port_b = in8(PORT_B);
    enum nmi_cause cause = nmi_cause(port_b, atomic_load(&expected));
    struct cpu *cpu = cpu_here();

    if (cause == NMI_SERR || cause == NMI_IOCHK)
        out8(PORT_B, nmi_source_off(port_b));
    if (cause == NMI_OURS || cpu == NULL)
        return cause == NMI_OURS;
    if (atomic_fetch_add(&nmi_logs[cpu->index].count[cause], 1) == 0 && cause == NMI_UNKNOWN)
        nmi_logs[cpu->index].error = machine_check_find(0);
    return false;
}

SET_MEMBER(nmi_owners, 20, nmi_owner, take);
