/* A room: NMIs that nobody here has sent, by where they came from. */
#include "kernel/boot_step.h"
#include "lib/host/nmi_cause.h"

enum { TEXT_SIZE = 80 };

static char texts[NMI_CAUSE_COUNT][TEXT_SIZE];

static uint32_t count_nmis(const struct machine *machine, enum nmi_cause cause)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < machine->cpu_count; i++)
        count += nmi_logs[i].count[cause];
    return count;
}

/* What the machine-check banks of the first CPU that found any hold. */
static const struct machine_check *find_error(const struct machine *machine)
{
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (nmi_logs[i].error.found)
            return &nmi_logs[i].error;
    }
    return NULL;
}

static void check_nmis_of(struct machine *machine, enum nmi_cause cause, enum rule rule,
                          const char *words)
{
    const struct machine_check *error = cause == NMI_UNKNOWN ? find_error(machine) : NULL;
    char *reported = texts[cause];
    size_t length =
        format_text(reported, TEXT_SIZE, "%u in all%s", count_nmis(machine, cause), words);

    if (error != NULL)
        format_text(reported + length, TEXT_SIZE - length, "; IA32_MC%u_STATUS holds %#lx",
                    error->bank, error->status);
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (nmi_logs[i].count[cause] > 0)
            machine_add(machine, rule, i, reported);
    }
}

/* A finding for each cause and CPU, with how many there were in all. */
void nmis_report(struct machine *machine);

void nmis_report(struct machine *machine)
{
    check_nmis_of(machine, NMI_SERR, RULE_NMI_CHIPSET, ", by SERR# (bit 7)");
    check_nmis_of(machine, NMI_IOCHK, RULE_NMI_CHIPSET, ", by IOCHK# (bit 6)");
    check_nmis_of(machine, NMI_UNKNOWN, RULE_NMI_UNKNOWN, "");
    machine->knows_nmis = true;
}

BOOT_STEP(500, .point = BOOT_BEFORE_REPORT, .run = nmis_report);
