#include "kernel/console/console.h"

#include <stdatomic.h>
#include <stddef.h>

#include "vm/host/clock.h"
#include "kernel/console/text.h"
#include "kernel/console/screen.h"
#include "kernel/console/serial.h"
#include "lib/x86.h"

enum {
    LOG_BYTES = 64 * 1024,
    CHUNK_BYTES = 128,
    /* How long a panic waits for the console: another CPU may be in the middle of a line. */
    SEIZE_US = 400000,
    SEIZE_TICKS = 20000000, /* before the clock is calibrated there is no other CPU */
    /* How long text is held back from the serial line: 0.1 s and more on any processor. */
    HOLD_TICKS = 500000000,
};

static uint8_t log_bytes[LOG_BYTES];
static struct console_log held_text = {.bytes = log_bytes, .size = LOG_BYTES};
static struct screen screen;
static struct serial_text serial = {.send = serial_send};
static atomic_bool busy;
static struct console_choice chosen = {.screen = true, .lines = LINES_EVERY};
static bool lines_open; /* those of the choice */
static bool held;
static bool screen_present;
static uint64_t held_since;
static enum colour current_colour;
static enum console_target current_target;

static void lock(void)
{
    while (atomic_exchange_explicit(&busy, true, memory_order_acquire))
        cpu_relax();
}

static void unlock(void)
{
    atomic_store_explicit(&busy, false, memory_order_release);
}

static void open_every(void)
{
    for (unsigned i = 0; i < SERIAL_STANDARD_PORTS; i++)
        serial_open(serial_standard_port(i), SERIAL_BAUD_DEFAULT);
    lines_open = true;
}

static bool choose(const struct console_choice *choice)
{
    bool answers = true;

    chosen = *choice;
    serial_close();
    if (chosen.lines == LINES_NAMED)
        answers = serial_open(chosen.port, chosen.baud);
    if (!answers)
        chosen = (struct console_choice){.screen = true, .lines = LINES_EVERY};
    lines_open = chosen.lines == LINES_NAMED || chosen.lines == LINES_NONE;
    return answers;
}

static void firmware_names(uint16_t port, unsigned baud)
{
    if (chosen.lines == LINES_EVERY) {
        open_every();
        if (port != 0)
            serial_open(port, baud);
    } else if (chosen.lines == LINES_FIRMWARE) {
        serial_close();
        lines_open = (port != 0 && serial_open(port, baud)) ||
                     serial_open(serial_standard_port(0), SERIAL_BAUD_DEFAULT);
    }
}

static void send(void *context, enum colour colour, const char *text, size_t length)
{
    (void)context;
    if (!lines_open)
        open_every();
    serial_text_write(&serial, colour, text, length);
}

static void draw(void *context, enum colour colour, const char *text, size_t length)
{
    (void)context;
    if (screen_present && chosen.screen)
        screen_write(&screen, colour, text, length);
}

static void flush(void)
{
    if (screen_present && chosen.screen)
        screen_flush(&screen);
}

static void release(void)
{
    if (!held)
        return;
    held = false;
    console_log_play(&held_text, send, NULL);
    if (held_text.lost > 0) {
        char note[80];
        size_t length = format_text(note, sizeof(note),
                                    "\n(%zu more bytes were held back than fit)\n", held_text.lost);

        send(NULL, COLOUR_WARNING, note, length);
    }
    console_log_init(&held_text, log_bytes, LOG_BYTES);
}

static void put(const char *text, size_t length)
{
    char cleaned[CHUNK_BYTES];

    if (held && rdtsc() - held_since > HOLD_TICKS)
        release();
    while (length > 0) {
        size_t now = length < sizeof(cleaned) ? length : sizeof(cleaned);

        console_clean(cleaned, text, now);
        if (current_target != CONSOLE_SERIAL)
            draw(NULL, current_colour, cleaned, now);
        if (current_target != CONSOLE_SCREEN) {
            if (held)
                console_log_add(&held_text, current_colour, cleaned, now);
            else
                send(NULL, current_colour, cleaned, now);
        }
        text += now;
        length -= now;
    }
}

/* The caller has the lock. */
static void write_locked(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    put(text, length);
}

/* A report comes in many small pieces: the screen follows line by line. */
static void write(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    lock();
    put(text, length);
    if (length > 0 && text[length - 1] == '\n')
        flush();
    unlock();
}

bool console_choose(const struct console_choice *choice)
{
    bool answers;

    lock();
    answers = choose(choice);
    unlock();
    return answers;
}

void console_firmware_names(uint16_t port, unsigned baud)
{
    lock();
    firmware_names(port, baud);
    unlock();
}

static void open_screen(const struct multiboot_framebuffer *framebuffer)
{
    static const struct multiboot_framebuffer ega_text = {
        .type = MULTIBOOT_FRAMEBUFFER_EGA_TEXT,
        .address = 0xb8000,
        .pitch = 160,
        .width = 80,
        .height = 25,
    };
    const struct screen_device *device;

    if (framebuffer == NULL)
        framebuffer = &ega_text;
    device = screen_text_open(framebuffer);
    if (device == NULL)
        device = screen_pixels_open(framebuffer);
    if (device == NULL)
        return;
    screen_init(&screen, device);
    screen_present = true;
    if (held)
        console_log_play(&held_text, draw, NULL);
}

void console_screen_init(const struct multiboot_framebuffer *framebuffer)
{
    lock();
    open_screen(framebuffer);
    flush();
    unlock();
}

void console_screen_clear(const struct multiboot_framebuffer *framebuffer)
{
    lock();
    if (screen_present)
        screen_present = screen.device->map();
    else
        open_screen(framebuffer);
    if (screen_present && chosen.screen)
        screen_clear(&screen);
    flush();
    unlock();
}

uint32_t console_screen_rows(void)
{
    return screen_present && chosen.screen ? screen.rows : 0;
}

void console_print(const char *format, ...)
{
    struct sink sink = {write_locked};
    va_list arguments;

    va_start(arguments, format);
    lock();
    vprint_to(&sink, format, arguments);
    flush();
    unlock();
    va_end(arguments);
}

void console_colour(enum colour colour)
{
    lock();
    current_colour = colour;
    unlock();
}

void console_to(enum console_target target)
{
    lock();
    current_target = target;
    unlock();
}

struct sink *console_sink(void)
{
    static struct sink sink = {write};

    return &sink;
}

void console_hold(void)
{
    lock();
    held = true;
    held_since = rdtsc();
    unlock();
}

void console_release(void)
{
    lock();
    release();
    unlock();
}

void console_drain(void)
{
    lock();
    release();
    unlock();
    serial_drain();
}

void console_seize(void)
{
    uint64_t deadline = clock_tsc_per_ms() != 0 ? clock_deadline(SEIZE_US) : rdtsc() + SEIZE_TICKS;

    while (atomic_exchange_explicit(&busy, true, memory_order_acquire) && rdtsc() < deadline)
        cpu_relax();
    current_colour = COLOUR_PLAIN;
    current_target = CONSOLE_BOTH;
    release();
    if (serial.in_line)
        write_locked(NULL, "\n", 1);
    unlock();
}
