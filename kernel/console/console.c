#include "kernel/console/console.h"

#include "lib/host/clock.h"
#include "lib/spinlock.h"
#include "lib/x86.h"

enum {
    CHUNK_BYTES = 128,
    /* How long a panic waits for the console: another CPU may be in the middle of a line. */
    SEIZE_US = 400000,
    SEIZE_TICKS = 20000000, /* before the clock is calibrated there is no other CPU */
};

static struct spinlock busy;
static bool in_line; /* on the serial ports the current line is not empty */
static _Atomic(enum colour) current_colour;
static _Atomic(enum console_target) current_target;

/* With CR before each newline. */
static void send(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            serial_send("\r", 1);
        serial_send(text + i, 1);
    }
}

static void put(const char *text, size_t length)
{
    char cleaned[CHUNK_BYTES];

    while (length > 0) {
        size_t now = length < sizeof(cleaned) ? length : sizeof(cleaned);
        bool taken = false;

        console_clean(cleaned, text, now);
        SET_FOR_EACH(consoles, device)
            taken |= (*device)->write(current_target, current_colour, cleaned, now);
        if (current_target != CONSOLE_SCREEN) {
            in_line = cleaned[now - 1] != '\n';
            if (!taken)
                send(cleaned, now);
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

/* A report is written in many small pieces; the devices are flushed once a line. */
static void write(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    spinlock_acquire(&busy);
    put(text, length);
    SET_FOR_EACH(consoles, device) {
        if (length > 0 && text[length - 1] == '\n')
            (*device)->flush();
    }
    spinlock_release(&busy);
}

void console_print(const char *format, ...)
{
    struct sink sink = {write_locked};
    va_list arguments;

    va_start(arguments, format);
    spinlock_acquire(&busy);
    vprint_to(&sink, format, arguments);
    SET_FOR_EACH(consoles, device)
        (*device)->flush();
    spinlock_release(&busy);
    va_end(arguments);
}

void console_colour(enum colour colour)
{
    current_colour = colour;
}

void console_to(enum console_target target)
{
    current_target = target;
}

struct sink *console_sink(void)
{
    static struct sink sink = {write};

    return &sink;
}

void console_release(void)
{
    spinlock_acquire(&busy);
    SET_FOR_EACH(consoles, device)
        (*device)->release();
    spinlock_release(&busy);
}

void console_drain(void)
{
    console_release();
    serial_drain();
}

void console_seize(void)
{
    uint64_t deadline = clock_tsc_per_ms() != 0 ? clock_deadline(SEIZE_US) : rdtsc() + SEIZE_TICKS;

    while (!spinlock_try(&busy) && rdtsc() < deadline)
        cpu_relax();
    current_colour = COLOUR_PLAIN;
    current_target = CONSOLE_BOTH;
    SET_FOR_EACH(consoles, device)
        (*device)->release();
    if (in_line)
        put("\n", 1);
    spinlock_release(&busy);
}
