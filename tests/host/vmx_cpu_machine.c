#include "tests/host/vmx_cpu_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mm/page_alloc.h"

struct memory_types_state memory_types;
struct vmx_options options;
struct vmx_cpu cpu;
static struct override_list overridden;

void set_type_of_memory(uint64_t encoding)
{
    memory_types.mtrr = true;
    memory_types.def_type = MTRR_DEF_TYPE_E | encoding;
}

int reset(void **state)
{
    (void)state;
    model_cpu_reset();
    memory_types = (struct memory_types_state){.physical_width = 39, .pat = PAT_ROOTMODE};
    overridden = (struct override_list){.count = 0};
    options = (struct vmx_options){
        .check = VMX_CHECK_KVM, .stop = VMX_STAGE_GUEST, .override = &overridden};
    cpu = (struct vmx_cpu){.options = &options};
    return 0;
}

void set_msr(uint32_t msr, uint64_t value)
{
    model_cpu.msrs.value[msr - VMX_MSR_FIRST] = value;
}

void set_overridden(uint32_t msr, uint64_t value)
{
    overridden.item[overridden.count++] =
        (struct override){.every_cpu = true, .msr = msr, .value = value};
}

void enable(void)
{
    vmx_cpu_check(&cpu, NULL);
    cpu.memory_types = memory_types;
    vmx_cpu_enable(&cpu);
}

const struct finding *find(const struct vmx_cpu *where, enum rule rule)
{
    for (uint32_t i = 0; i < where->findings.count; i++) {
        if (where->findings.item[i].rule == rule)
            return &where->findings.item[i];
    }
    return NULL;
}

const struct finding *assert_found(enum rule rule, enum severity severity)
{
    const struct finding *finding = find(&cpu, rule);

    if (!finding) {
        fail_msg("the rule %s was not found", rule_table[rule].name);
        abort(); /* for the analyzer: fail_msg() does not return */
    }
    assert_int_equal(finding->severity, severity);
    assert_int_equal(finding->cpu, cpu.cpu);
    return finding;
}

void disable_and_check(uint64_t cr0, uint64_t cr4)
{
    vmx_cpu_disable(&cpu);
    assert_int_equal(cpu.state, VMX_CPU_OFF);
    assert_false(model_cpu.vmx_operation);
    assert_true(read_cr0() == cr0 && read_cr4() == cr4);
    assert_int_equal(model_pages_used(), 0);
}

uint32_t word_at(uint64_t address)
{
    uint32_t word;

    memcpy(&word, phys_to_virt(address), sizeof word);
    return word;
}
