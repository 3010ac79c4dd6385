#include "kernel/report/cpu_ranges.h"

enum { CPUS_COLUMNS = 40 };

void cpu_ranges_print(struct sink *sink, const bool *set, uint32_t count)
{
    const char *before = "";

    for (uint32_t first = 0; first < count; first++) {
        uint32_t last = first;

        if (!set[first])
            continue;
        while (last + 1 < count && set[last + 1])
            last++;
        print_to(sink, last > first ? "%s%u-%u" : "%s%u", before, first, last);
        before = ",";
        first = last;
    }
}

void cpus_print(struct sink *sink, const bool *set, uint32_t count)
{
    static char ranges[CPU_RANGES_SIZE];
    struct text_buffer text;
    uint32_t members = 0;
    size_t end;

    for (uint32_t cpu = 0; cpu < count; cpu++)
        members += set[cpu];
    text_buffer_init(&text, ranges, sizeof(ranges));
    cpu_ranges_print(&text.sink, set, count);
    print_to(sink, members == 1 ? "CPU " : "CPUs ");
    if (text.length <= CPUS_COLUMNS) {
        print_to(sink, "%s", ranges);
        return;
    }
    end = CPUS_COLUMNS;
    while (ranges[end - 1] != ',')
        end--;
    print_to(sink, "%.*s... (%u)", (int)end, ranges, members);
}

const char *vmx_state_name(enum vmx_cpu_state state)
{
    static const char *const names[] = {
        [VMX_CPU_OFF] = "off",
        [VMX_CPU_ROOT] = "root",
        [VMX_CPU_LOADED] = "loaded",
    };

    return names[state];
}

const char *cpu_state_name(const struct cpu *cpu)
{
    if (cpu->phase == CPU_UNREACHABLE)
        return "no path"; /* nothing was sent to it */
    return cpu->phase == CPU_READY ? vmx_state_name(cpu->vmx->state) : "silent";
}

enum colour cpu_state_colour(const struct cpu *cpu)
{
    if (cpu->phase != CPU_READY)
        return COLOUR_WARNING;
    return cpu->vmx->state == VMX_CPU_LOADED ? COLOUR_OK : COLOUR_PLAIN;
}
