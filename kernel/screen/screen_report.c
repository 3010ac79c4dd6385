#include "kernel/boot_step.h"
#include "kernel/report/report.h"
#include "kernel/screen/console_choice.h"

/* The screen gets what it has room for above the verdict. */
static void report_on_screen(struct machine *machine)
{
    enum { BELOW = 3 }; /* an empty line, the verdict, the cursor's line */
    const struct coloured page = {console_sink(), console_colour};
    uint32_t rows = console_screen_rows();

    if (rows < BELOW + BRIEF_ROWS_LEAST)
        rows = BELOW + BRIEF_ROWS_LEAST;
    report_brief(machine, &page, rows - BELOW);
}

BOOT_STEP(030, .point = BOOT_SCREEN_REPORT, .run = report_on_screen);
