/*
 * The words of the kernel's command line: `key=value`, with spaces or tabs between them.
 *
 * GRUB's multiboot2 command gives the words after the file's name, not the name itself. It takes
 * quotes away, and no word here holds a space, so quotes have no meaning. Of a word that stands
 * twice the later one counts, except pretend= and console=, of which each counts; but there is one
 * serial port.
 */
#ifndef KERNEL_COMMAND_LINE_H
#define KERNEL_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/screen/console_choice.h"
#include "vm/vm_options.h"
#include "vmx/capability/override.h"
#include "vmx/vmx_cpu.h"

enum {
    COMMAND_LINE_RANDOM_ROUNDS = 20,
    COMMAND_LINE_PROBLEMS_MAX = 8,
    COMMAND_LINE_PROBLEM_SIZE = 160, /* bytes, the terminating zero included */
};

/* In the order in which the table names them. */
enum check_word { CHECK_AUTO, CHECK_KVM, CHECK_STRICT };
enum check_entry_word { CHECK_ENTRY_FAILED, CHECK_ENTRY_ALWAYS };
enum exit_action { EXIT_HALT, EXIT_POWEROFF, EXIT_REBOOT };
enum report_form { REPORT_TEXT, REPORT_JSON, REPORT_BOTH, REPORT_FULL };

/* What selftest= names, a bit each, in the order in which the table names them. */
enum selftest_part {
    SELFTEST_INSTRUCTIONS = 1 << 0,
    SELFTEST_FIELDS = 1 << 1,
    SELFTEST_ENTRY = 1 << 2,
    SELFTEST_STANDARD = SELFTEST_INSTRUCTIONS | SELFTEST_FIELDS, /* without `=` */
};

struct command_line {
    enum vmx_stage stop;
    enum check_word check;
    enum check_entry_word
        check_entry; /* which VM entries are checked by vmx/entry/vmentry_check.h */
    uint32_t cpus;   /* at most so many; 0: all */
    struct override_list override;
    uint32_t selftest;  /* enum selftest_part; 0: none */
    const char *guests; /* the names after guest=, within the line; NULL: the demonstration */
    struct random_plan random;
    bool trace_exits;
    bool dump_vmcs;
    bool bench_exits;
    enum report_form report;           /* never REPORT_FULL */
    bool report_full;                  /* all of it on the screen, too */
    bool console_given, console_wrong; /* a console= was there; one was not understood */
    struct console_choice console;     /* everywhere if one was not understood */
    enum exit_action exit;

    /* What was not understood, a sentence each, in the order of the words. */
    uint32_t problem_count;
    uint32_t problem_lost; /* did not fit */
    char problem[COMMAND_LINE_PROBLEMS_MAX][COMMAND_LINE_PROBLEM_SIZE];
};

/*
 * Parses `line`, which ends with a zero. A word that is unknown or has a bad value becomes a
 * problem and changes nothing.
 */
void command_line_parse(const char *line, struct command_line *out);

/* What nothing answers at, as a problem. */
void command_line_no_port(struct command_line *line);

/* One row of the table of words. */
struct command_word {
    const char *name;
    const char *values;   /* what may stand after `=`; "" where nothing may */
    const char *standard; /* what counts when the word is missing */
    const char *meaning;
};

enum { COMMAND_WORD_COUNT = 14 };

/* The words in the order in which a page shows them, 0 to COMMAND_WORD_COUNT - 1. */
const struct command_word *command_line_word(unsigned index);

#endif
