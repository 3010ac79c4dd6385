/*
 * What stands before the text of a line in logs, mails and issues: time stamps, the names of a host
 * and a program, signs of quotation. Readers that look for something at a line's start look there.
 */
#pragma once

#include "tools/capability/piece.h"

/* The line without all that, and without spaces at both ends. */
struct piece line_plain(struct piece line);
