/*
 * Writes docs/quirks.md to standard output, from vmx/quirks.def, tools/quirks.def and
 * vmx/selftest/departures.def: `ninja -C build gen_quirks && build/tools/gen_quirks >
 * docs/quirks.md`.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "vmx/quirks.h"
#include "vmx/selftest/vmentry_departures.h"
#include "vmx/vmcs_field.h"

static const char *const known_by[EMULATOR_COUNT] = {
#define EMULATOR_TEXT(id, text) [EMULATOR_BIT_##id] = (text),
#include "tools/quirks.def"
#undef EMULATOR_TEXT
};

static const uint32_t quirk_emulators[QUIRK_COUNT] = {
#define QUIRK(id, emulators) [QUIRK_##id] = (emulators),
#include "vmx/quirks.def"
#undef QUIRK
};

static const struct {
    const char *id, *since, *manual, *instead, *see;
} quirks[QUIRK_COUNT] = {
#define QUIRK_TEXT(id, ...) [QUIRK_##id] = {#id, __VA_ARGS__},
#include "tools/quirks.def"
#undef QUIRK_TEXT
};

static const struct {
    const char *text;
    uint32_t count;
    enum vmcs_field fields[64];
} fields[] = {
#define FIELD_DEPARTURES(emulators, exists, text, ...) \
    {(text), sizeof((int[]){__VA_ARGS__}) / sizeof(int), {__VA_ARGS__}},
#include "vmx/selftest/departures.def"
#undef FIELD_DEPARTURES
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void write_lower(const char *id)
{
    for (; *id != '\0'; id++)
        putchar(*id == '_' ? '-' : *id | 0x20);
}

/* A command is code as far as it goes: to a colon, or to what is to be done first. */
static void write_command(const char *see)
{
    size_t length = strlen(see);

    if (strncmp(see, "tools/", 6) != 0) {
        printf("%s", see);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        if ((see[i] == ':' || see[i] == ',') && see[i + 1] == ' ') {
            length = i;
            break;
        }
    }
    printf("`%.*s`%s", (int)length, see, see + length);
}

static void write_quirks(uint32_t emulator)
{
    printf("\n| quirk | the manual wants | what it does | since | to see it "
           "|\n|---|---|---|---|---|\n");
    for (enum quirk i = QUIRK_NONE + 1; i < QUIRK_COUNT; i++) {
        if ((quirk_emulators[i] & emulator) == 0)
            continue;
        printf("| `");
        write_lower(quirks[i].id);
        printf("`%s | %s. | %s. | %s | ",
               (quirk_emulators[i] & ABOVE_BOCHS) == 0 ? ""
               : (quirk_emulators[i] & IN_BOCHS) != 0  ? ", under a hypervisor too"
                                                       : ", under a hypervisor",
               quirks[i].manual, quirks[i].instead, quirks[i].since);
        write_command(quirks[i].see);
        printf(" |\n");
    }
}

static void write_fields(void)
{
    printf("\n## VMCS fields\n\n| encoding | the self-test says |\n|---|---|\n");
    for (unsigned i = 0; i < COUNT(fields); i++) {
        for (unsigned n = 0; n < fields[i].count; n++)
            printf("| 0x%04x | %s: %s |\n", (unsigned)fields[i].fields[n], fields[i].text,
                   vmcs_field_table[vmcs_field_index(fields[i].fields[n])].name);
    }
}

int main(void)
{
    printf("# Where emulators depart from the manual\n\n"
           "<!-- Made by tools/gen_quirks from vmx/quirks.def, tools/quirks.def and "
           "vmx/selftest/departures.def: edit them there. -->\n\n"
           "What Rootmode does about these it does on these alone: elsewhere no quirk is active. "
           "How they are known:\n\n");
    for (unsigned i = 0; i < EMULATOR_COUNT; i++)
        printf("- %s: %s.\n", emulator_name(1u << i), known_by[i]);
    printf("\nThe self-test notes what stands here and in the last sections of [the rules of a VM "
           "entry](entry-rules.md);\nany other departure is a refusal there, and a guest that "
           "differs.\n\n## Bochs\n");
    write_quirks(IN_BOCHS | ABOVE_BOCHS);
    printf("\n## KVM\n");
    write_quirks(IN_KVM);
    write_fields();
    return ferror(stdout) || fflush(stdout) != 0 ? 1 : 0;
}
