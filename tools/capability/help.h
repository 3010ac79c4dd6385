/*
 * What --help prints.
 */
#ifndef TOOLS_CAPABILITY_HELP_H
#define TOOLS_CAPABILITY_HELP_H

extern const char help_text[];

#endif
