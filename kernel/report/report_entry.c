#include "kernel/report/report_entry.h"

#include "kernel/console/console.h"
#include "kernel/report/report.h"

static void tell_difference(const struct selftest_vmentry_difference *difference)
{
    console_colour(COLOUR_REFUSAL);
    console_print("  DIFF");
    console_colour(COLOUR_PLAIN);
    console_print(" %s %u: %s\n", difference->random ? "random image" : "trial", difference->number,
                  report_entry_rule(difference->rule));
    console_print("       %s = %#lx: predicted %s (%lu), seen %s (%lu)\n",
                  report_entry_field(difference->field), difference->value,
                  report_entry_class(difference->predicted), difference->predicted.qualification,
                  report_entry_class(difference->seen), difference->seen.qualification);
}

static void tell_departures(const struct selftest_vmentry *selftest)
{
    for (enum vmentry_departure i = 0; i < VMENTRY_DEPARTURE_COUNT; i++) {
        const struct vmentry_departure_text *departure = &vmentry_departure_table[i];

        if (selftest->departed[i] > 0)
            console_print("  Bochs 2.7, %u times, %s:\n       %s\n", selftest->departed[i],
                          report_entry_rule(departure->rule), departure->text);
    }
}

void report_entry_text(const struct selftest_vmentry *selftest)
{
    if (!selftest->done)
        return;
    report_heading("Self-test of VM entries: %u rules broken, %u random images, %u differences",
                   selftest->rules, selftest->random_count, selftest->differences);
    console_print("  %u trials, the processor agrees in %u; %u not possible on this processor\n",
                  selftest->count, selftest->agreements, selftest->not_possible);
    console_print("  %u random images, the processor agrees in %u:", selftest->random_count,
                  selftest->random_agreements);
    for (enum vmentry_class class = 0; class < VMENTRY_CLASS_COUNT; class ++)
        console_print("%s %s %u", class == 0 ? "" : ",", vmentry_class_name(class),
                      selftest->random_by_class[class]);
    console_print("\n");
    for (uint32_t i = 0; i < selftest->told; i++)
        tell_difference(&selftest->difference[i]);
    tell_departures(selftest);
}
