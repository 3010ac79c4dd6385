/*
 * What the console shows when: the screen at once, the serial line when it is released. The devices
 * are buffers.
 */
#include "lib/host/clock.h"
#include "kernel/boot_step.h"
#include "kernel/console/console.h"
#include "kernel/screen/console_choice.h"
#include "kernel/screen/screen.h"
#include "lib/x86.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { COLUMNS = 40, ROWS = 5 };

static char sent[1000];
static char drawn[ROWS][COLUMNS + 1];
static uint64_t tsc, tsc_per_ms, waited;
static bool dies;      /* the CPU, while it sends: nobody else will give the console back */
static bool reachable; /* the screen's memory */

void screen_draw(uint32_t column, uint32_t row, struct screen_cell cell)
{
    drawn[row][column] = (char)cell.character;
}

bool screen_map(void)
{
    return reachable;
}

void screen_wipe(void)
{
    for (unsigned row = 0; row < ROWS; row++)
        memset(drawn[row], ' ', COLUMNS);
}

bool screen_open(const struct boot_framebuffer *framebuffer, uint32_t *columns, uint32_t *rows)
{
    (void)framebuffer;
    *columns = COLUMNS;
    *rows = ROWS;
    return reachable;
}

uint64_t rdtsc(void)
{
    return tsc += 100;
}

uint64_t clock_tsc_per_ms(void)
{
    return tsc_per_ms;
}

uint64_t clock_deadline(uint64_t microseconds)
{
    return rdtsc() + microseconds * tsc_per_ms / 1000;
}

void cpu_relax(void)
{
    tsc += 100000;
}

bool serial_open(uint16_t port, unsigned baud)
{
    (void)baud;
    return port == serial_standard_port(0);
}

void serial_open_every(void)
{
}

void serial_close(bool for_good)
{
    (void)for_good;
}

void serial_send(const char *text, size_t length)
{
    uint64_t start = tsc;

    strncat(sent, text, length);
    if (!dies)
        return;
    dies = false;
    console_seize();
    waited = tsc - start;
}

void serial_drain(void)
{
}

static void row_is(uint32_t row, const char *wanted)
{
    char text[COLUMNS + 1];
    size_t length = COLUMNS;

    memcpy(text, drawn[row], sizeof(text));
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\0'))
        length--;
    text[length] = '\0';
    assert_string_equal(text, wanted);
}

static struct machine machine; /* a BIOS machine, whose loader describes no screen */

static void a_boot(void)
{
    const struct console_choice choice = {.screen = true, .lines = LINES_FIRMWARE};

    console_print("one\n");
    assert_true(console_choose(&choice));
    boot_steps_run(BOOT_COMMAND_LINE, &machine); /* above what the boot page tables reach */
    assert_int_equal(console_screen_rows(), 0);
    reachable = true;
    boot_steps_run(BOOT_COMMAND_LINE, &machine);
    assert_int_equal(console_screen_rows(), ROWS);
    row_is(0, "one");
    console_print("two\n");
    row_is(1, "two");
    boot_steps_run(BOOT_MEMORY_READY, &machine);
    row_is(0, "one");
    row_is(1, "two");
    console_to(CONSOLE_SERIAL);
    console_print("line\n");
    console_to(CONSOLE_SCREEN);
    console_print("screen\n");
    console_to(CONSOLE_BOTH);
    console_print("both\n");
    row_is(2, "screen");
    row_is(3, "both");
    assert_string_equal(sent, "");
    console_release();
    assert_string_equal(sent, "one\r\ntwo\r\nline\r\nboth\r\n");
    row_is(3, "both"); /* nothing is drawn twice */
    row_is(4, "");
    console_print("more\n");
    assert_string_equal(sent, "one\r\ntwo\r\nline\r\nboth\r\nmore\r\n");
}

/* Nobody releases it: the next word does. */
static void a_long_wait(void)
{
    reachable = true;
    boot_steps_run(BOOT_MEMORY_READY, &machine);
    console_print("held");
    console_print("back");
    assert_string_equal(sent, "");
    row_is(0, "heldback");
    tsc += 1000000000;
    console_print(", not\n");
    assert_string_equal(sent, "heldback, not\r\n");
}

/* A UEFI machine has no screen that its loader does not describe. */
static void a_machine_without_screen(void)
{
    machine.boot.uefi = true;
    reachable = true;
    boot_steps_run(BOOT_COMMAND_LINE, &machine);
    boot_steps_run(BOOT_MEMORY_READY, &machine);
    assert_int_equal(console_screen_rows(), 0);
}

static void a_panic(void)
{
    reachable = true;
    boot_steps_run(BOOT_MEMORY_READY, &machine);

    /* In the middle of a line that went elsewhere. */
    console_to(CONSOLE_SERIAL);
    console_colour(COLOUR_OK);
    console_print("{");
    console_seize();
    console_print("PANIC");
    assert_string_equal(sent, "\033[0;32m{\033[0m\r\nPANIC");
    row_is(1, "PANIC");

    /* And while the console is in use: 0.4 s at 3 GHz, and before anyone knows the rate. */
    dies = true;
    tsc_per_ms = 3000000;
    console_print("\n");
    assert_in_range(waited, 1200000000, 1201000000);
    dies = true;
    tsc_per_ms = 0;
    console_print("\n");
    assert_in_range(waited, 20000000, 21000000);
}

/* The console has one state and no way back, as a boot has: each begins in a process of its own. */
static void apart(void **state)
{
    void (*const *test)(void) = *state;
    int status;
    pid_t child = fork();

    if (child == 0) {
        (*test)();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    static void (*const walks[])(void) = {a_boot, a_long_wait, a_machine_without_screen, a_panic};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(apart, (void *)&walks[0]),
        cmocka_unit_test_prestate(apart, (void *)&walks[1]),
        cmocka_unit_test_prestate(apart, (void *)&walks[2]),
        cmocka_unit_test_prestate(apart, (void *)&walks[3]),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
