/*
 * The screen as a console device.
 *
 * It shows at once what is printed, so that a person who waits sees the last step that has begun.
 * For the serial ports the text is kept until console_release(): at 115200 baud a character costs
 * as much time as thousands of instructions, and the way to VMX operation shall not wait for it. A
 * panic releases it, and so does the next text after HOLD_TICKS without a release.
 */
#include "kernel/boot_step.h"
#include "kernel/console/console.h"
#include "kernel/report/report_page.h"
#include "kernel/screen/console_choice.h"
#include "kernel/screen/screen.h"
#include "lib/x86.h"

enum {
    LOG_BYTES = 64 * 1024,
    /* How long text is held back from the serial ports: 0.1 s and more on any processor. */
    HOLD_TICKS = 500000000,
};

static uint8_t log_bytes[LOG_BYTES];
static struct console_log held_text = {.bytes = log_bytes, .size = LOG_BYTES};
static bool released;
static uint64_t held_since; /* 0: nothing is held yet */
static struct screen screen;
static bool present;

static void draw(enum colour colour, const char *text, size_t length)
{
    if (present && console_wants_screen())
        screen_write(&screen, colour, text, length);
}

static void flush(void)
{
    if (present && console_wants_screen())
        screen_flush(&screen);
}

static void release(void)
{
    if (released)
        return;
    released = true;
    console_log_play(&held_text, serial_text_write);
    if (held_text.lost > 0) {
        char note[80];
        size_t length = format_text(note, sizeof(note),
                                    "\n(%zu more bytes were held back than fit)\n", held_text.lost);

        serial_text_write(COLOUR_WARNING, note, length);
    }
}

static bool write(enum console_target target, enum colour colour, const char *text, size_t length)
{
    if (held_since == 0)
        held_since = rdtsc();
    if (!released && rdtsc() - held_since > HOLD_TICKS)
        release();
    if (target != CONSOLE_SERIAL)
        draw(colour, text, length);
    if (target != CONSOLE_SCREEN && !released)
        console_log_add(&held_text, colour, text, length);
    else if (target != CONSOLE_SCREEN)
        serial_text_write(colour, text, length);
    return true;
}

/*
 * A BIOS leaves its text screen on, and a loader without VESA extensions, which sets no mode, does
 * not mention it. On the boot page tables it may be out of reach. First the text overwrites of what
 * GRUB left as much as it has lines, for a frame buffer that is not write-combining takes long to
 * clear; when memory is up, the screen is cleared.
 */
static void open_early(struct machine *machine)
{
    static const struct boot_framebuffer ega_text = {
        .type = BOOT_FRAMEBUFFER_EGA_TEXT,
        .address = 0xb8000,
        .pitch = 160,
        .width = 80,
        .height = 25,
    };

    uint32_t columns, rows;

    if (!boot_framebuffer.is_given && machine->boot.uefi)
        return;
    present =
        screen_open(boot_framebuffer.is_given ? &boot_framebuffer : &ega_text, &columns, &rows);
    if (!present)
        return;
    screen_init(&screen, columns, rows);
    if (!released)
        console_log_play(&held_text, draw);
    flush();
}

BOOT_STEP(900, .point = BOOT_COMMAND_LINE, .run = open_early);

static void open_mapped(struct machine *machine)
{
    if (present)
        present = screen_map();
    else
        open_early(machine);
    if (present && console_wants_screen())
        screen_clear(&screen);
    flush();
}

BOOT_STEP(010, .point = BOOT_MEMORY_READY, .run = open_mapped);

uint32_t console_screen_rows(void)
{
    return present && console_wants_screen() ? screen.rows : 0;
}

static const struct console_device console_screen = {write, flush, release};
CONSOLE_DEVICE(10, console_screen);

/* The screen gets what it has room for above the verdict. */
static void report_on_screen(struct machine *machine)
{
    enum { BELOW = 3 }; /* an empty line, the verdict, the cursor's line */
    uint32_t rows = console_screen_rows();

    if (rows < BELOW + BRIEF_ROWS_LEAST)
        rows = BELOW + BRIEF_ROWS_LEAST;
    report_brief(machine, console_sink(), rows - BELOW);
}

BOOT_STEP(030, .point = BOOT_SCREEN_REPORT, .run = report_on_screen);
