/*
 * The init with which tools/figures --linux measures: tells on COM1 the TSC at its first
 * instruction, does ROUNDS rounds of what a system does all the time (ROUNDS is its first word; 0
 * or none: nothing; 1: it only tells what CPUID takes), tells the TSC again, and powers off.
 * Without a C library, so that nothing but the kernel's work lies before its first instruction.
 */
#include <asm/unistd.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { COM1 = 0x3f8, LINE_STATUS = COM1 + 5, TRANSMITTER_EMPTY = 0x40 };
enum { PAGE = 4096, PAGES = 16, PINGS = 8, FILE_BYTES = 16384, SAMPLES = 100 };

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 asm("r10") = d, r8 asm("r8") = e, r9 asm("r9") = f;
    long result;

    asm volatile("syscall"
                 : "=a"(result)
                 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}
#define CALL(number, a, b, c) call(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)

static uint64_t ticks(void)
{
    uint32_t low, high;

    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static void put(char c)
{
    uint8_t status;

    do
        asm volatile("inb %1, %0" : "=a"(status) : "Nd"((uint16_t)LINE_STATUS));
    while ((status & TRANSMITTER_EMPTY) == 0);
    asm volatile("outb %0, %1" : : "a"(c), "Nd"((uint16_t)COM1));
}

static void tell(const char *name, uint64_t value)
{
    put('\n');
    while (*name != '\0')
        put(*name++);
    put(' ');
    for (int shift = 60; shift >= 0; shift -= 4)
        put("0123456789abcdef"[value >> shift & 15]);
    put('\n');
}

/* Pages that are touched for the first time: page faults. */
static void touch_memory(void)
{
    long at = call(__NR_mmap, 0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0);

    for (int i = 0; i < PAGES; i++)
        *(volatile char *)(at + i * PAGE) = 1;
    CALL(__NR_munmap, at, PAGES * PAGE, 0);
}

static void write_and_read_file(void)
{
    static char data[FILE_BYTES];
    long file = CALL(__NR_open, "/measured", O_RDWR | O_CREAT | O_TRUNC, 0600);

    CALL(__NR_write, file, data, sizeof(data));
    CALL(__NR_lseek, file, 0, 0);
    CALL(__NR_read, file, data, sizeof(data));
    CALL(__NR_close, file, 0, 0);
    CALL(__NR_unlink, "/measured", 0, 0);
}

/* A process, and words with it through two pipes: context switches, and IPIs where it runs
 * elsewhere. */
static void talk_to_child(void)
{
    int there[2], back[2];
    long child;
    char c = 0;

    CALL(__NR_pipe, there, 0, 0);
    CALL(__NR_pipe, back, 0, 0);
    child = CALL(__NR_fork, 0, 0, 0);
    for (int i = 0; i < PINGS; i++) {
        if (child == 0) {
            CALL(__NR_read, there[0], &c, 1);
            CALL(__NR_write, back[1], &c, 1);
        } else {
            CALL(__NR_write, there[1], &c, 1);
            CALL(__NR_read, back[0], &c, 1);
        }
    }
    if (child == 0)
        CALL(__NR_exit, 0, 0, 0);
    for (int i = 0; i < 2; i++) {
        CALL(__NR_close, there[i], 0, 0);
        CALL(__NR_close, back[i], 0, 0);
    }
    CALL(__NR_wait4, child, NULL, 0);
}

/* From RDTSC to RDTSC, less an empty pair; the least of some. */
static uint64_t least(bool with_cpuid, uint32_t leaf)
{
    uint64_t found = UINT64_MAX;

    for (int i = 0; i < SAMPLES; i++) {
        uint64_t start = ticks(), taken;
        uint32_t a = leaf, c = 0;

        if (with_cpuid)
            asm volatile("cpuid" : "+a"(a), "+c"(c) : : "ebx", "edx", "memory");
        taken = ticks() - start;
        found = taken < found ? taken : found;
    }
    return found;
}

static void tell_cpuid(void)
{
    tell("passed-tsc", least(true, 0) - least(false, 0));
    tell("changed-tsc", least(true, 7) - least(false, 0));
}

/* Words that the kernel does not know stand before it. */
static int rounds_of(const char *const *words)
{
    int rounds = 0;

    for (; *words != NULL; words++) {
        for (const char *c = *words; *c >= '0' && *c <= '9'; c++)
            rounds = rounds * 10 + (*c - '0');
    }
    return rounds;
}

_Noreturn void begin(const char *const *words);

_Noreturn void begin(const char *const *words)
{
    uint64_t first = ticks();
    int rounds = rounds_of(words);

    CALL(__NR_iopl, 3, 0, 0);
    tell("init-tsc", first);
    if (rounds == 1)
        tell_cpuid();
    for (int i = 0; i < rounds && rounds > 1; i++) {
        touch_memory();
        write_and_read_file();
        talk_to_child();
    }
    tell("done-tsc", ticks());
    for (;;)
        CALL(__NR_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF);
}

/* The stack at a process's start: argc, then argv. */
asm(".globl _start\n"
    "_start: lea 16(%rsp), %rdi\n\t"
    "and $-16, %rsp\n\t"
    "call begin\n");
