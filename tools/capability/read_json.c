/*
 * Rootmode's JSON report (docs/report.md), alone or between its two lines in a log of the serial
 * console; an array of sets as vmxcap prints it. Read are `msrs`, `registers` and `id`.
 */
#include <string.h>

#include "lib/format.h"
#include "tools/capability/json_scan.h"
#include "tools/capability/label.h"

static bool take_msrs(struct scan *scan, struct dump_set *set)
{
    char name[JSON_TEXT_MAX], text[JSON_TEXT_MAX];
    bool first = true, done;
    uint64_t msr, value;

    if (!json_need(scan, '{', "an object of MSRs, like {\"0x480\": \"0xda040000000012\"}"))
        return false;
    for (;;) {
        if (!json_member(scan, &first, name, &done))
            return false;
        if (done)
            return true;
        if (!piece_starts(piece_of(name), "0x") || !scan_address(scan, piece_of(name), &msr))
            return scan_expected(scan, piece_of(name), "an MSR like \"0x480\"");
        if (!json_take_string(scan, text, "a value in quotes, like \"0xda040000000012\""))
            return false;
        if (!piece_hex(piece_of(text), 1, 16, &value))
            return scan_expected(scan, piece_of(text), "a value, 0x and 1 to 16 hex digits");
        if (!scan_put(scan, set, msr, value))
            return false;
    }
}

static bool take_known(struct scan *scan, struct dump_set *set, const char *name, bool *has_msrs)
{
    static const char registers[] = "as value of \"registers\": \"virtual\" or \"physical\"";
    char text[JSON_TEXT_MAX];

    if (strcmp(name, "msrs") == 0) {
        if (*has_msrs)
            return scan_expected(scan, piece_of(name), "\"msrs\" once");
        *has_msrs = true;
        return take_msrs(scan, set);
    }
    if (strcmp(name, "id") == 0) {
        if (!json_take_string(scan, text, "the set's id, a string"))
            return false;
        format_text(set->id, sizeof(set->id), "%s", text);
        return true;
    }
    if (strcmp(name, "registers") == 0) {
        if (!json_take_string(scan, text, registers))
            return false;
        set->virtual_registers = strcmp(text, "virtual") == 0;
        return set->virtual_registers || strcmp(text, "physical") == 0 ||
               scan_expected(scan, piece_of(text), registers);
    }
    return json_skip(scan);
}

/* "0x480", "480", "IA32_VMX_BASIC" */
static bool names_msr(struct piece name)
{
    uint64_t msr;

    if (piece_hex(name, 0, 8, &msr))
        return dump_msr_is_known(msr);
    return char_is_letter(piece_first(name)) && label_take(&name).msr != 0;
}

static bool take_set(struct scan *scan)
{
    struct dump_set *set;
    char id[sizeof(set->id)];
    char name[JSON_TEXT_MAX];
    bool first = true, done, has_msrs = false;
    struct scan bare = {.line = 0}; /* at an MSR that stands in the set itself */
    char bare_name[JSON_TEXT_MAX] = "";

    if (!json_need(scan, '{', "an object: a report, or a set with \"msrs\""))
        return false;
    if (scan->list->count > 0)
        format_text(id, sizeof(id), "%s, set %u", scan->name, (unsigned)scan->list->count + 1);
    else
        format_text(id, sizeof(id), "%s", scan->name);
    set = dump_list_add(scan->list, id);
    for (;;) {
        if (!json_member(scan, &first, name, &done))
            return false;
        if (done)
            break;
        if (bare.line == 0 && names_msr(piece_of(name))) {
            bare = *scan;
            memcpy(bare_name, name, sizeof(bare_name));
        }
        if (!take_known(scan, set, name, &has_msrs))
            return false;
    }
    if (!has_msrs && bare.line != 0)
        return scan_expected(&bare, piece_of(bare_name),
                             "MSRs within \"msrs\": {\"msrs\": {\"0x480\": \"0xda040000000012\"}}");
    return has_msrs || scan_expected(scan, piece_of("}"), "\"msrs\" in the report or set");
}

bool read_json_here(struct scan *scan)
{
    bool first = true, done;

    if (!json_take(scan, '['))
        return take_set(scan);
    for (;;) {
        if (!json_element(scan, &first, &done))
            return false;
        if (done)
            return true;
        if (!take_set(scan))
            return false;
    }
}

/* Goes to the line after the one that is `text`. False at the end of the log. */
static bool go_behind(struct scan *scan, const char *text)
{
    struct piece line;

    while (scan_line(scan, &line)) {
        if (piece_is(line, text))
            return true;
    }
    return false;
}

/* The reports of a serial console's log. */
static bool take_log(struct scan *scan)
{
    while (go_behind(scan, report_begin)) {
        struct scan report = *scan;

        if (!go_behind(scan, report_end))
            return scan_expected(scan, piece_of("the end of the text"),
                                 "the line -----END ROOTMODE REPORT-----");
        report.end = scan->at - strlen(report_end);
        while (!piece_starts((struct piece){report.end, strlen(report_end)}, report_end))
            report.end--;
        report.line++;
        if (!read_json_here(&report) || !json_end(&report))
            return false;
    }
    return true;
}

bool read_json(struct scan *scan)
{
    struct scan log = *scan;

    if (go_behind(&log, report_begin))
        return take_log(scan);
    scan->line = 1;
    return read_json_here(scan) && json_end(scan);
}
