#include "vmx/vmx_region.h"

#include "lib/string.h"
#include "mm/direct_map.h"
#include "mm/memory_type.h"
#include "mm/page_alloc.h"

enum { REGION_ALIGNMENT = 4096 };

static uint64_t region_bytes(int order)
{
    return (uint64_t)REGION_ALIGNMENT << order;
}

void vmx_region_write(const struct vmx_region *region, uint32_t revision_id)
{
    uint32_t *words = phys_to_virt(region->address);

    memset(words, 0, region_bytes(region->order));
    words[0] = revision_id;
}

/*
 * All that can be wrong with the place is told, not only the first. The processor itself refuses
 * the first two with no word about which; other memory types it takes, and is slow or worse.
 */
static bool region_is_fit(const struct vmx_region *region,
                          const struct vmx_environment *environment, const char *name, uint32_t cpu,
                          struct findings *findings)
{
    uint64_t last = region->address + region_bytes(region->order) - 1;
    uint64_t limit = environment->physical_address_width < 64
                         ? (1ull << environment->physical_address_width) - 1
                         : UINT64_MAX;
    bool aligned = region->address % REGION_ALIGNMENT == 0;
    bool reachable = last <= limit;
    bool write_back = region->memory_type == MEMORY_TYPE_WB;
    enum rule uncached =
        environment->virtual_machine ? RULE_REGION_MTRR_VIRTUAL : RULE_REGION_NOT_WRITE_BACK;
    bool tolerated = rule_table[uncached].severity[environment->check] != SEVERITY_REFUSAL;
    struct finding finding = {.cpu = cpu, .high = -1, .low = -1, .detail = name};

    if (!aligned) {
        finding.rule = RULE_REGION_MISALIGNED;
        finding.seen = region->address;
        finding.wanted = region->address & ~(uint64_t)(REGION_ALIGNMENT - 1);
        finding_add(findings, environment->check, finding);
    }
    if (!reachable) {
        finding.rule = RULE_REGION_BEYOND_WIDTH;
        finding.seen = last;
        finding.wanted = limit;
        finding_add(findings, environment->check, finding);
    }
    if (!write_back) {
        finding.rule = uncached;
        finding.detail =
            environment->memory_type_explained(name, region->address, region_bytes(region->order));
        finding.seen = region->memory_type;
        finding.wanted = MEMORY_TYPE_WB;
        finding_add(findings, environment->check, finding);
    }
    return aligned && reachable && (write_back || tolerated);
}

bool vmx_region_create(struct vmx_region *region, const struct vmcs_config *config,
                       const struct vmx_environment *environment, const char *name, uint32_t cpu,
                       struct findings *findings)
{
    struct vmx_region taken = {.order = config->order};

    taken.address = pages_alloc(taken.order);
    if (!taken.address) {
        finding_add(findings, environment->check,
                    (struct finding){.rule = RULE_REGION_NO_MEMORY,
                                     .cpu = cpu,
                                     .high = -1,
                                     .low = -1,
                                     .wanted = region_bytes(taken.order),
                                     .detail = name});
        return false;
    }
    taken.memory_type = environment->memory_type(taken.address, region_bytes(taken.order));
    if (!region_is_fit(&taken, environment, name, cpu, findings)) {
        pages_free(taken.address, taken.order);
        return false;
    }
    vmx_region_write(&taken, config->revision_id);
    *region = taken;
    return true;
}

void vmx_region_free(struct vmx_region *region)
{
    if (!region->address)
        return;
    pages_free(region->address, region->order);
    *region = (struct vmx_region){0};
}
