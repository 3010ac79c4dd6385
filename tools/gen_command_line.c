/*
 * Writes docs/command-line.md to standard output, from the table that the kernel parses with:
 * `ninja -C build gen_command_line && build/tools/gen_command_line > docs/command-line.md`.
 */
#include <stdio.h>

#include "kernel/command_line.h"

static void write_row(const struct command_word *word)
{
    printf("| `%s%s", word->name, word->values[0] != '\0' ? "=" : "");
    for (const char *c = word->values; *c != '\0'; c++)
        printf("%s%c", *c == '|' ? "\\" : "", *c);
    printf("` | %s | %s |\n", word->meaning, word->standard);
}

int main(void)
{
    printf(
        "# The command line\n\n"
        "<!-- Made by tools/gen_command_line from kernel/command_line.def: edit it there. -->\n\n"
        "GRUB gives the kernel what stands behind the file's name:\n\n"
        "    multiboot2 /boot/rootmode.elf check=strict report=both exit=poweroff\n\n"
        "`tools/run --append \"check=strict\"` does the same in an emulator. Words stand apart "
        "by spaces or\ntabs and are written in lower case. Of a word that stands twice the "
        "later one counts, except pretend=\nand console=, of which each counts. A line has room "
        "for 1,023 characters. A word that is "
        "unknown or has a "
        "bad value is told with what was expected: tools/run\nends with that, before it builds "
        "anything; the kernel goes on as if it were not there, has a finding\nfor it, and says "
        "so beside the verdict. [docs/guests.md](guests.md) names the guests.\n\n"
        "| word | meaning | without it |\n"
        "|---|---|---|\n");
    for (unsigned i = 0; i < COMMAND_WORD_COUNT; i++)
        write_row(command_line_word(i));
    return ferror(stdout) || fflush(stdout) != 0 ? 1 : 0;
}
