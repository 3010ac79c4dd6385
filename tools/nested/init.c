/*
 * The first and only program of the outer Linux of `tools/run --on nested-kvm`: it loads KVM,
 * starts QEMU and brings QEMU's words out of the emulator.
 *
 * The way out is the emulator's parallel ports, each of which Bochs writes to a file of its own:
 * three instructions a character, where a serial port costs thousands. Port 1 carries the serial
 * console of the innermost machine as it is. Port 2 carries one line for each layer that is up:
 * its name and the time-stamp counter, which counts instructions in Bochs; and QEMU's own messages.
 */
#define _GNU_SOURCE /* pipe2 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONSOLE_PORT   0x378
#define LAYERS_PORT    0x278
#define CONTROL        2 /* offset of a parallel port's control register */
#define CONTROL_STROBE 0x01
#define CONTROL_RUN    0x0c /* initialised, selected */
#define SHUTDOWN_PORT  0x8900

/* What tools/machine/nested_kvm.py puts there: QEMU's arguments, each ended by a zero byte. */
#define ARGUMENTS_FILE  "/run/arguments"
#define ARGUMENTS_BYTES 16384
#define ARGUMENTS_COUNT 256

static void send(unsigned short port, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        outb((unsigned char)bytes[i], port);
        outb(CONTROL_RUN | CONTROL_STROBE, port + CONTROL);
        outb(CONTROL_RUN, port + CONTROL);
    }
}

static void tell(const char *what, const char *about)
{
    char line[512];
    int length = snprintf(line, sizeof(line), "%s %llu %s\n", what,
                          (unsigned long long)__builtin_ia32_rdtsc(), about);

    send(LAYERS_PORT, line, (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
}

/* Ends Bochs by the word that its shutdown port waits for. */
static _Noreturn void finish(void)
{
    static const char word[] = "Shutdown";

    for (size_t i = 0; word[i] != '\0'; i++) {
        outb((unsigned char)word[i], SHUTDOWN_PORT);
    }
    for (;;) {
        pause();
    }
}

static _Noreturn void fail(const char *doing, const char *what)
{
    char about[256];

    snprintf(about, sizeof(about), "%s %s: %s", doing, what, strerror(errno));
    tell("failed", about);
    finish();
}

static void mount_at(const char *type, const char *where)
{
    if (mount(type, where, type, 0, NULL) != 0) {
        fail("mounting", where);
    }
}

static void load_module(const char *file)
{
    int module = open(file, O_RDONLY | O_CLOEXEC);

    if (module < 0 || syscall(SYS_finit_module, module, "", 0) != 0) {
        fail("loading", file);
    }
    close(module);
}

/* Splits the file of arguments; the last pointer is null. */
static char **read_arguments(void)
{
    static char bytes[ARGUMENTS_BYTES];
    static char *arguments[ARGUMENTS_COUNT + 1];
    int file = open(ARGUMENTS_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, bytes, sizeof(bytes));
    size_t count = 0;

    if (length <= 0 || bytes[length - 1] != '\0') {
        fail("reading", ARGUMENTS_FILE);
    }
    for (ssize_t i = 0; i < length && count < ARGUMENTS_COUNT;
         i += (ssize_t)strlen(bytes + i) + 1) {
        arguments[count++] = bytes + i;
    }
    return arguments;
}

/* A pipe's end that we read, where what comes out of it goes, and the layer that it shows. */
struct outlet {
    const char *layer;
    const char *sign; /* the layer is up when this has been read; with null, at the first byte */
    unsigned short port;
    bool closed;
    bool shown;
    size_t matched;
};

enum { OUTLET_CONSOLE, OUTLET_MESSAGES, OUTLET_LOADER, OUTLET_COUNT };

/*
 * Starts QEMU with the serial console on descriptor 1, its messages on 2, and on 3 the debug
 * console to which GRUB writes one byte when it runs. Gives our ends of the three pipes.
 */
static pid_t start(char **arguments, struct pollfd *ends)
{
    int pipes[OUTLET_COUNT][2];
    pid_t child;

    for (int i = 0; i < OUTLET_COUNT; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) != 0) {
            fail("making", "a pipe");
        }
        ends[i] = (struct pollfd){.fd = pipes[i][0], .events = POLLIN};
    }
    child = fork();
    if (child < 0) {
        fail("starting", arguments[0]);
    }
    if (child == 0) {
        for (int i = 0; i < OUTLET_COUNT; i++) {
            /* Above the targets first: no pipe may be overwritten before it has been moved. */
            pipes[i][1] = fcntl(pipes[i][1], F_DUPFD_CLOEXEC, 16);
        }
        for (int i = 0; i < OUTLET_COUNT; i++) {
            dup2(pipes[i][1], i + 1);
        }
        execv(arguments[0], arguments);
        fail("starting", arguments[0]);
    }
    for (int i = 0; i < OUTLET_COUNT; i++) {
        close(pipes[i][1]);
    }
    return child;
}

/* Whether the layer's sign is complete with these bytes; it may come in pieces. */
static bool shows(struct outlet *outlet, const char *bytes, size_t count)
{
    for (size_t i = 0; outlet->sign != NULL && outlet->sign[outlet->matched] != '\0'; i++) {
        if (i == count) {
            return false;
        }
        if (bytes[i] != outlet->sign[outlet->matched]) {
            outlet->matched = 0;
        }
        outlet->matched += bytes[i] == outlet->sign[outlet->matched];
    }
    return true;
}

static void relay(struct pollfd *end, struct outlet *outlet)
{
    static char bytes[4096];
    ssize_t count = read(end->fd, bytes, sizeof(bytes));

    if (count <= 0) {
        end->fd = -1;
        outlet->closed = true;
        return;
    }
    if (outlet->layer != NULL && !outlet->shown && shows(outlet, bytes, (size_t)count)) {
        tell(outlet->layer, "");
        outlet->shown = true;
    }
    if (outlet->port != 0) {
        send(outlet->port, bytes, (size_t)count);
    }
}

/* Passes everything on until QEMU has closed its console and its messages. */
static void relay_all(struct pollfd *ends)
{
    struct outlet outlets[OUTLET_COUNT] = {
        [OUTLET_CONSOLE] = {.layer = "rootmode", .sign = "Rootmode", .port = CONSOLE_PORT},
        [OUTLET_MESSAGES] = {.port = LAYERS_PORT},
        [OUTLET_LOADER] = {.layer = "grub"},
    };

    while (!outlets[OUTLET_CONSOLE].closed || !outlets[OUTLET_MESSAGES].closed) {
        if (poll(ends, OUTLET_COUNT, -1) < 0) {
            fail("waiting for", "QEMU");
        }
        /* The loader's byte comes before the console's when both are there. */
        for (int i = OUTLET_COUNT - 1; i >= 0; i--) {
            if (ends[i].fd >= 0 && ends[i].revents != 0) {
                relay(&ends[i], &outlets[i]);
            }
        }
    }
}

int main(void)
{
    struct pollfd ends[OUTLET_COUNT];
    char ended[64];
    int status = 0;
    char **arguments;
    pid_t qemu;

    if (iopl(3) != 0) {
        return EXIT_FAILURE; /* there is no way to say anything */
    }
    tell("linux", "");
    mount_at("devtmpfs", "/dev");
    mount_at("proc", "/proc");
    load_module("/modules/irqbypass.ko");
    load_module("/modules/kvm.ko");
    load_module("/modules/kvm-intel.ko");
    tell("kvm", "");
    arguments = read_arguments();
    qemu = start(arguments, ends);
    tell("qemu", "");
    relay_all(ends);
    if (waitpid(qemu, &status, 0) != qemu) {
        fail("waiting for", arguments[0]);
    }
    if (WIFSIGNALED(status)) {
        snprintf(ended, sizeof(ended), "QEMU was killed by signal %d", WTERMSIG(status));
    } else {
        snprintf(ended, sizeof(ended), "QEMU ended with status %d", WEXITSTATUS(status));
    }
    tell("end", ended);
    finish();
}
