/*
 * A shell's loop over registers: `for i in 480 481; do rdmsr 0x$i; done`.
 */
#pragma once

#include "tools/capability/command.h"

/*
 * Is a word the loop's variable, with `*prefix` before its text: `$i`, `0x$i`, `0x48${i}`,
 * `$((16#$i))`? `*rest` is where the word stands.
 */
bool loop_variable(struct piece rest, struct piece *prefix);

/* Is it the beginning of a loop whose command stands on another line? */
bool loop_begins(struct piece line);

/*
 * The registers of the loop's list: words, `{480..491}`, `48{a..c}`, `{480,48b}`, `$(seq 1152
 * 1169)`. None of them where one word is not understood, so that no value is taken for another
 * register's.
 */
void loop_registers(struct piece line, struct piece prefix, struct command *command);
