/*
 * rootmodectl: asks the Rootmode below this Linux who it is, what VM exits each CPU has made and
 * what its report was, or takes it away.
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

enum { LEAF = 0x40000000, TELLS_EXITS = 1 << 1, LEAVES = 1 << 2, TELLS_REPORT = 1 << 3 };
enum { REPORT_BYTES = 16384, MSR_REPORT = 0x40524d03 };
enum { MSR_EXITS = 0x40524d01, MSR_LEAVES = 0x40524d02, CPUS_MOST = 4096, TRIES = 100 };
enum { ABSENT = 1, FAILED = 2 };

static const struct {
    uint8_t number;
    const char *name;
} reasons[] = {
#define EXIT_REASON(number, id, name, ...) {number, name},
#include "vmx/exit_reason.def"
#undef EXIT_REASON
};

static int usage(void)
{
    fputs("usage: rootmodectl [--hidden] [version | exits [--json | --live] | report [--json] | "
          "off]\n"
          "  exits     of each CPU, by reason; --live: every second those that came in it\n"
          "  report    as it was when Linux was entered\n"
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

/* What is asked for is told with the answer: another who asks this CPU may have asked between. */
static bool ask(int msr, off_t which, uint32_t what, uint32_t *answer)
{
    uint64_t chosen = what, told;

    for (int i = 0; i < TRIES; i++) {
        if (pwrite(msr, &chosen, sizeof(chosen), which) != sizeof(chosen) ||
            pread(msr, &told, sizeof(told), which) != sizeof(told))
            return false;
        *answer = (uint32_t)told;
        if (told >> 32 == what)
            return true;
    }
    errno = EBUSY;
    return false;
}

enum how { TEXT, JSON, LIVE };

/* Live: those since the last time. */
static bool print_cpu(int cpu, int msr, enum how how, bool first)
{
    static uint32_t before[CPUS_MOST][sizeof(reasons) / sizeof(reasons[0])];
    const char *between = "";

    printf(how == JSON ? "%s{\"cpu\":%d,\"reasons\":{" : "%sCPU %d: ",
           how == JSON && !first ? "," : "", cpu);
    for (unsigned i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        uint32_t count, all;

        if (!ask(msr, MSR_EXITS, reasons[i].number, &all))
            return false;
        count = how == LIVE ? all - before[cpu][i] : all;
        before[cpu][i] = all;
        if (count == 0)
            continue;
        if (how == JSON)
            printf("%s\"%s\":%u", between, reasons[i].name, count);
        else
            printf("%s%u %s", between, count, reasons[i].name);
        between = how == JSON ? "," : ", ";
    }
    fputs(how == JSON ? "}}" : "\n", stdout);
    return true;
}

/* CPUs that are offline have no such file. */
static int print_exits(enum how how)
{
    char path[40] = "/dev/cpu/0/msr";
    bool first = true;

    if (how == JSON)
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
        told = print_cpu(cpu, msr, how, first);
        if (!told)
            return complain(path);
        close(msr);
        first = false;
    }
    if (how == JSON)
        puts("]}");
    return 0;
}

/* The first time those since the boot, then, each second, those of the second; asking makes some.
 */
static int print_live(void)
{
    int status = print_exits(LIVE);

    while (status == 0 && puts("") != EOF && fflush(stdout) == 0) {
        sleep(1);
        status = print_exits(LIVE);
    }
    return status;
}

static int print_report(bool json)
{
    static const char path[] = "/dev/cpu/0/msr";
    char text[REPORT_BYTES + 1] = "";
    int msr = open(path, O_RDWR | O_CLOEXEC);

    if (msr < 0)
        return complain(path);
    for (uint32_t at = 0; at < REPORT_BYTES && (at == 0 || text[at - 1] != '\0'); at += 4) {
        uint32_t four;

        if (!ask(msr, MSR_REPORT, at + (json ? REPORT_BYTES : 0), &four))
            return complain(path);
        memcpy(text + at, &four, sizeof(four));
    }
    close(msr);
    fputs(text, stdout);
    return 0;
}

/* VMX, which a hypervisor hides, is to be seen on the CPU that this runs on. */
static bool shows_vmx(void)
{
    uint32_t a, b, c, d;

    __cpuid(1, a, b, c, d);
    return (c >> 5 & 1) != 0;
}

/* Why it is refused: EIO. Linux shows the flag where it uses five-level paging. */
static const char *why_not(void)
{
    static char line[8192];
    FILE *file = fopen("/proc/cpuinfo", "re");
    bool five = false;

    while (file != NULL && !five && fgets(line, sizeof(line), file) != NULL)
        five = strncmp(line, "flags", 5) == 0 && strstr(line, " la57") != NULL;
    if (file != NULL)
        fclose(file);
    return five ? "Linux uses five-level paging: boot it with no5lvl"
                : "Rootmode knows more CPUs than are online: bring them online first";
}

/*
 * A CPU leaves where it next goes to another address space, at a moment that allows it. A process
 * that lives for nothing else makes it go there and back.
 */
static bool leave_here(int msr)
{
    const uint64_t online = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);

    if (pwrite(msr, &online, sizeof(online), MSR_LEAVES) != sizeof(online))
        return false;
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
        if (msr < 0)
            return complain(path);
        if (!shows_vmx() && !leave_here(msr)) {
            if (errno != EIO)
                return complain(path);
            fprintf(stderr, "rootmodectl: %s\n", why_not());
            return FAILED;
        }
        close(msr);
        left++;
    }
    printf("rootmodectl: %d CPUs have left VMX operation: there is no Rootmode any more\n", left);
    return 0;
}

/* What can be asked for, and the bit of who answers it. */
static const struct {
    const char *word, *more;
    uint32_t feature;
} commands[] = {
    {"version", "", 0},
    {"exits", "", TELLS_EXITS},
    {"exits", "--json", TELLS_EXITS},
    {"exits", "--live", TELLS_EXITS},
    {"report", "", TELLS_REPORT},
    {"report", "--json", TELLS_REPORT},
    {"off", "", LEAVES},
};
enum { VERSION, EXITS, EXITS_JSON, EXITS_LIVE, REPORT, REPORT_JSON, OFF, COMMANDS };

static int do_command(int number, uint32_t version, uint32_t features)
{
    switch (number) {
    case VERSION:
        if (version != 0)
            printf("Rootmode, interface %u, features %#x\n", version, features);
        else
            puts("Rootmode, hidden");
        return 0;
    case EXITS_LIVE:
        return print_live();
    case REPORT:
    case REPORT_JSON:
        return print_report(number == REPORT_JSON);
    case OFF:
        return leave_on_all();
    default:
        return print_exits(number == EXITS_JSON ? JSON : TEXT);
    }
}

int main(int count, char **words)
{
    uint32_t features = 0, version = find(&features);
    bool hidden = count > 1 && strcmp(words[1], "--hidden") == 0;
    int at = 1 + hidden, number = 0;
    const char *word = at < count ? words[at] : "version";
    const char *more = at + 1 < count ? words[at + 1] : "";

    while (number < COMMANDS &&
           (strcmp(word, commands[number].word) != 0 || strcmp(more, commands[number].more) != 0))
        number++;
    if (count > at + 2 || number == COMMANDS)
        return usage();
    if (version == 0 && !hidden) {
        fputs("rootmodectl: no Rootmode to be seen here (--hidden: where there is one all the "
              "same)\n",
              stderr);
        return ABSENT;
    }
    if (version != 0 && (features & commands[number].feature) != commands[number].feature) {
        fprintf(stderr, "rootmodectl: this Rootmode does not know \"%s\"\n", word);
        return FAILED;
    }
    return do_command(number, version, features);
}
