/*
 * The command rdmsr in a terminal's log. It prints a value without its address, so what it prints
 * on the lines below belongs to the registers that it was asked for.
 */
#pragma once

#include "tools/capability/found.h"

enum { COMMAND_REGISTERS_MAX = 64 };

struct command {
    uint32_t msr[COMMAND_REGISTERS_MAX]; /* those of interest, and others */
    unsigned count;                      /* of registers; 0: no command is waiting */
    unsigned done;                       /* of these, how many have an answer */
    bool all;                            /* it has -a: one value for each CPU */
    struct piece loop_line;              /* the last line that began a loop, without a command */
    bool loop;                           /* of a shell: all must answer, or none is told apart */
    bool rounds;                         /* `-p $c`: all registers of one CPU after the other */
    unsigned cpu, values;
    unsigned line;
    struct piece text;
    size_t found;            /* how many values there were before */
    bool single;             /* the last line was the one value of a command without -a */
    unsigned base;           /* of the values: 16, 10; 1: parts and bytes, which are not read */
    bool mistaken;           /* `rdmsr 480`, which is 0x1e0: one was meant as hex */
    enum dump_format format; /* that its values are asked to have had */
};

/* rdmsr's own reading of a number, strtoul(): 0x before hex, 0 before octal; and 48BH. */
bool command_register(struct piece word, uint32_t *msr);

/* One register more. */
void command_add(struct command *command, uint32_t msr);

/* Is there a command in the line? `rest` is then what stands after the word rdmsr. */
bool command_find(struct piece line, struct piece *rest);

/* Begins with the command of a line; what an earlier one lacks is reported as not understood. */
void command_begin(struct scan *scan, struct command *command, struct found_list *list,
                   struct piece line, struct piece rest);

/* A value will stand on the next line, as if a command had asked for it; without a `line` it may.
 */
void command_await(struct scan *scan, struct command *command, struct found_list *list,
                   struct piece line, uint32_t msr, unsigned cpu);

/* The line without the sign that `rdmsr -d` prints. */
struct piece command_unsigned(const struct command *command, struct piece line);

/* A line that is a number and nothing else, but for that sign. False, with the error reported, if
 * it cannot be. */
bool command_value(struct scan *scan, struct command *command, struct found_list *list,
                   struct piece line, bool decimal);

/* Takes a line with an error message of rdmsr's: that register has no value. */
bool command_failed(struct scan *scan, struct command *command, struct piece line);

/* No value of the command can follow any more. */
void command_end(struct scan *scan, struct command *command, struct found_list *list);
