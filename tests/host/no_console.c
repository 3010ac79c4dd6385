/* For the programs that print in colours without a console: a program that sees them defines it. */
#include "kernel/console/console.h"

void console_colour(enum colour colour)
{
    (void)colour;
}
