#include "tools/capability/lists.h"

#include <stdbool.h>

#include "tools/capability/stage.h"
#include "tools/capability/vmx_feature.h"

enum { FEATURE_COLUMN = 46, ROW_COLUMN = 41, GENERATION_WIDTH = 16 };

static void print_range(const struct stage_requirement *requirement, char *text, size_t size)
{
    unsigned long long low = requirement->low, high = requirement->high;

    if (low == high)
        format_text(text, size, "%llu: %s", low, requirement->why);
    else
        format_text(text, size, "%llu to %llu: %s", low, high, requirement->why);
}

static void print_need(const struct page *page, const struct stage_requirement *requirement)
{
    char text[240];

    switch (requirement->need) {
    case NEED_ONE:
        format_text(text, sizeof(text), "offered: %s", requirement->why);
        break;
    case NEED_ZERO:
        format_text(text, sizeof(text), "0, or may be 0: %s", requirement->why);
        break;
    case NEED_BETWEEN:
        print_range(requirement, text, sizeof(text));
        break;
    case NEED_ENABLED:
        format_text(text, sizeof(text), "1, or the register unlocked: %s", requirement->why);
        break;
    }
    print_to(page->sink, "  %-34s ", requirement->feature);
    page_wrapped(page, 37, 37, text);
}

void list_requirements(const struct page *page)
{
    print_to(page->sink, "What Rootmode needs for each stage; each also needs what is above it.\n");
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        bool any = false;

        page_heading(page, "%s: %s", stage_name((enum stage)stage), stage_title((enum stage)stage));
        for (uint32_t i = 0; i < stage_requirement_count; i++) {
            if (stage_requirements[i].stage == (enum stage)stage) {
                print_need(page, &stage_requirements[i]);
                any = true;
            }
        }
        if (!any)
            print_to(page->sink, "  nothing\n");
    }
}

void list_features(const struct page *page)
{
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        const struct vmx_feature *feature = &vmx_feature_table[i];
        char text[240];

        format_text(text, sizeof(text), "%s: %s", feature->name, feature->explanation);
        print_to(page->sink, "%-*s ", FEATURE_COLUMN - 1, feature->id);
        page_wrapped(page, FEATURE_COLUMN, FEATURE_COLUMN, text);
    }
}

void list_corpus_row(const struct page *page, const struct corpus_row *row)
{
    print_to(page->sink, "%-*s %-*s %-17s %s\n", ROW_COLUMN - 1, row->id, GENERATION_WIDTH,
             row->generation != NULL ? row->generation->name : "-", row->kind, row->cpu);
}
