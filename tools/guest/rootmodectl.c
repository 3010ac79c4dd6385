/*
 * rootmodectl: asks the Rootmode below this Linux who it is and what VM exits each CPU has made, or
 * takes it away.
 *
 *     cc -O2 -static -I. -o rootmodectl tools/guest/rootmodectl.c
 *
 * By MSRs of Rootmode's own, through /dev/cpu/N/msr (modprobe msr): RDMSR and WRMSR are for
 * privilege level 0, and that device for who has CAP_SYS_RAWIO, so that root alone is answered, by
 * the CPU that is meant, without a module of ours. Ends with 0, 1 where there is no Rootmode, or 2.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LEAF = 0x40000000, TELLS_EXITS = 1 << 1, LEAVES = 1 << 2 };
enum { MSR_EXITS = 0x40524d01, MSR_LEAVES = 0x40524d02, CPUS_MOST = 4096, TRIES = 100 };
enum { ABSENT = 1, FAILED = 2 };

static const struct {
    uint8_t number;
    const char *name;
} reasons[] = {
#define EXIT_REASON(number, id, name) {number, name},
#include "vmx/exit_reason.def"
#undef EXIT_REASON
};

static int usage(void)
{
    fputs("usage: rootmodectl [--hidden] [version | exits [--json] | off]\n"
          "  off       every CPU leaves VMX operation, for good; Linux goes on\n"
          "  --hidden  there is a Rootmode that CPUID does not show (hypervisor=hidden)\n",
          stderr);
    return FAILED;
}

/* The version of its interface, and what that has; 0: no Rootmode to be seen. */
static uint32_t find(uint32_t *features)
{
    uint32_t a, b, c, d;
    char name[13] = "";

    __cpuid(1, a, b, c, d);
    if ((c >> 31 & 1) == 0)
        return 0;
    __cpuid(LEAF, a, b, c, d);
    memcpy(name, &b, 4);
    memcpy(name + 4, &c, 4);
    memcpy(name + 8, &d, 4);
    if (strcmp(name, "RootmodeVMX ") != 0)
        return 0;
    __cpuid(LEAF + 1, a, b, c, d);
    *features = b;
    return a;
}

static int complain(const char *path)
{
    fprintf(stderr, "rootmodectl: %s: %s%s\n", path, strerror(errno),
            errno == EACCES || errno == EPERM ? ": this is for root"
            : errno == ENOENT                 ? ": modprobe msr?"
            : errno == EIO                    ? ": no Rootmode answers"
                                              : "");
    return FAILED;
}

/* The reason is told with its count: another who asks this CPU may have chosen another between. */
static bool count_of(int msr, uint8_t reason, uint32_t *count)
{
    uint64_t chosen = reason, told;

    for (int i = 0; i < TRIES; i++) {
        if (pwrite(msr, &chosen, sizeof(chosen), MSR_EXITS) != sizeof(chosen) ||
            pread(msr, &told, sizeof(told), MSR_EXITS) != sizeof(told))
            return false;
        *count = (uint32_t)told;
        if (told >> 32 == reason)
            return true;
    }
    errno = EBUSY;
    return false;
}

static bool print_cpu(int cpu, int msr, bool json, bool first)
{
    const char *between = "";

    printf(json ? "%s{\"cpu\":%d,\"reasons\":{" : "%sCPU %d: ", json && !first ? "," : "", cpu);
    for (unsigned i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        uint32_t count;

        if (!count_of(msr, reasons[i].number, &count))
            return false;
        if (count == 0)
            continue;
        if (json)
            printf("%s\"%s\":%u", between, reasons[i].name, count);
        else
            printf("%s%u %s", between, count, reasons[i].name);
        between = json ? "," : ", ";
    }
    fputs(json ? "}}" : "\n", stdout);
    return true;
}

/* CPUs that are offline have no such file. */
static int print_exits(bool json)
{
    char path[40] = "/dev/cpu/0/msr";
    bool first = true;

    if (json)
        fputs("{\"exits\":[", stdout);
    for (int cpu = 0; cpu < CPUS_MOST; cpu++) {
        int msr;
        bool told;

        snprintf(path, sizeof(path), "/dev/cpu/%d/msr", cpu);
        msr = open(path, O_RDWR | O_CLOEXEC);
        if (msr < 0 && !first && (errno == ENOENT || errno == ENXIO))
            continue;
        if (msr < 0)
            return complain(path);
        told = print_cpu(cpu, msr, json, first);
        if (!told)
            return complain(path);
        close(msr);
        first = false;
    }
    if (json)
        puts("]}");
    return 0;
}

/* VMX, which a hypervisor hides, is to be seen on the CPU that this runs on. */
static bool shows_vmx(void)
{
    uint32_t a, b, c, d;

    __cpuid(1, a, b, c, d);
    return (c >> 5 & 1) != 0;
}

/*
 * A CPU leaves where it next goes to another address space, at a moment that allows it. A process
 * that lives for nothing else makes it go there and back.
 */
static bool leave_here(int msr)
{
    const uint64_t online = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);

    if (pwrite(msr, &online, sizeof(online), MSR_LEAVES) != sizeof(online)) {
        if (errno == EIO)
            fputs(
                "rootmodectl: Rootmode knows more CPUs than are online: bring them online first\n",
                stderr);
        return false;
    }
    for (int i = 0; i < TRIES && !shows_vmx(); i++) {
        pid_t child = fork();

        if (child == 0)
            _exit(0);
        if (child < 0 || waitpid(child, NULL, 0) != child)
            return false;
    }
    errno = EBUSY;
    return shows_vmx();
}

static int leave_on_all(void)
{
    char path[40];
    int left = 0;

    for (int cpu = 0; cpu < CPUS_MOST; cpu++) {
        cpu_set_t here;
        int msr;

        CPU_ZERO(&here);
        if (cpu < CPU_SETSIZE)
            CPU_SET(cpu, &here);
        if (sched_setaffinity(0, sizeof(here), &here) != 0)
            continue; /* there is none of this number */
        snprintf(path, sizeof(path), "/dev/cpu/%d/msr", cpu);
        msr = open(path, O_RDWR | O_CLOEXEC);
        if (msr < 0 || (!shows_vmx() && !leave_here(msr)))
            return complain(path);
        close(msr);
        left++;
    }
    printf("rootmodectl: %d CPUs have left VMX operation: there is no Rootmode any more\n", left);
    return 0;
}

int main(int count, char **words)
{
    uint32_t features = 0, version = find(&features);
    bool hidden = count > 1 && strcmp(words[1], "--hidden") == 0;
    int at = 1 + hidden;
    const char *what = at < count ? words[at] : "version";
    bool json = at + 2 == count && strcmp(words[at + 1], "--json") == 0;

    if (count > at + 1 + json)
        return usage();
    if (version == 0 && !hidden) {
        fputs("rootmodectl: no Rootmode to be seen here (--hidden: where there is one all the "
              "same)\n",
              stderr);
        return ABSENT;
    }
    if (strcmp(what, "version") == 0 && !json) {
        if (version != 0)
            printf("Rootmode, interface %u, features %#x\n", version, features);
        else
            puts("Rootmode, hidden");
        return 0;
    }
    if (strcmp(what, "exits") != 0 && (strcmp(what, "off") != 0 || json))
        return usage();
    if (version != 0 && (features & (what[0] == 'e' ? TELLS_EXITS : LEAVES)) == 0) {
        fprintf(stderr, "rootmodectl: this Rootmode does not know \"%s\"\n", what);
        return FAILED;
    }
    return what[0] == 'e' ? print_exits(json) : leave_on_all();
}
