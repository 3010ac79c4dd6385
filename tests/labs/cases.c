/*
 * Runs the cases of a test program one by one for tools/lab, each in a process of its own, so that
 * what a student wrote may crash, loop or end the process in one case and the others still count.
 *
 * It takes the place of cmocka's cmocka_run_group_tests() by the linker's --wrap. For each case it
 * prints one line, "passed|failed|died|late|ended NAME", then what the case printed, each line of
 * it behind a tab. A case has passed when its process says so by a token that is drawn anew for
 * each run; the process has less and less it may do: no files but to read, no other process, no
 * network.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    CPU_SECONDS = 1,
    WALL_MILLISECONDS = 3000,
    LATE_MAX = 2, /* after so many cases out of time the others are not tried */
    TEXT_MAX = 4096,
    MEMORY_MAX = 1 << 30,
};

int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction setup, CMFixtureFunction teardown);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction setup, CMFixtureFunction teardown);

/* One case with the set-up of its group. */
struct task {
    const char *name;
    const struct CMUnitTest *test;
    CMFixtureFunction setup, teardown;
};

#define ALLOW(number)                                    \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)

/* What a case needs of the operating system; whatever else it asks for ends it by SIGSYS. */
static void close_the_doors(void)
{
    static struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(SYS_write),
        ALLOW(SYS_read),
        ALLOW(SYS_close),
        ALLOW(SYS_lseek),
        ALLOW(SYS_fstat),
        ALLOW(SYS_newfstatat),
        ALLOW(SYS_ioctl),
        ALLOW(SYS_mmap),
        ALLOW(SYS_munmap),
        ALLOW(SYS_mremap),
        ALLOW(SYS_brk),
        ALLOW(SYS_rt_sigaction),
        ALLOW(SYS_rt_sigprocmask),
        ALLOW(SYS_rt_sigreturn),
        ALLOW(SYS_getpid),
        ALLOW(SYS_gettid),
        ALLOW(SYS_tgkill),
        ALLOW(SYS_futex),
        ALLOW(SYS_getrandom),
        ALLOW(SYS_clock_gettime),
        ALLOW(SYS_exit_group),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, WRITING, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    const struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("cases: seccomp");
        _exit(3);
    }
}

static void limit(int resource, rlim_t most)
{
    const struct rlimit value = {most, most};

    (void)setrlimit(resource, &value);
}

/* The process of one case: never returns. */
static void run_case(const struct task *task, int text, int result, uint64_t token)
{
    limit(RLIMIT_CPU, CPU_SECONDS);
    limit(RLIMIT_AS, MEMORY_MAX);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
    dup2(text, STDOUT_FILENO);
    dup2(text, STDERR_FILENO);
    close_the_doors();
    if (__real__cmocka_run_group_tests(task->name, task->test, 1, task->setup, task->teardown) == 0)
        (void)!write(result, &token, sizeof(token));
    fflush(NULL);
    _exit(0);
}

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Keeps the first TEXT_MAX bytes of what comes; false when the time is over. */
static bool listen_to(int text, char *kept, size_t *length)
{
    const int64_t end = now() + WALL_MILLISECONDS;

    for (;;) {
        struct pollfd poll_fd = {text, POLLIN, 0};
        int64_t left = end - now();
        char part[4096];
        ssize_t got;

        if (left <= 0)
            return false;
        if (poll(&poll_fd, 1, (int)left) <= 0)
            continue;
        got = read(text, part, sizeof(part));
        if (got <= 0)
            return true;
        for (ssize_t i = 0; i < got && *length < TEXT_MAX; i++)
            kept[(*length)++] = part[i];
    }
}

static void print_outcome(const char *outcome, const char *name, const char *text, size_t length)
{
    bool fresh = true;

    printf("%s %s\n", outcome, name);
    for (size_t i = 0; i < length; i++) {
        if (fresh)
            putchar('\t');
        putchar(text[i]);
        fresh = text[i] == '\n';
    }
    if (!fresh)
        putchar('\n');
    fflush(stdout);
}

static const char *outcome_of(bool in_time, int status, bool said_so)
{
    if (!in_time ||
        (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL)))
        return "late";
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? "ended" : "died";
    return said_so ? "passed" : "failed";
}

/* Runs it and prints its line; false where it ran out of time. */
static bool try_case(const struct task *task)
{
    int text[2], result[2], status = 0;
    uint64_t token, said = 0;
    char kept[TEXT_MAX];
    size_t length = 0;
    const char *outcome;
    bool in_time;
    pid_t child;

    if (pipe(text) != 0 || pipe(result) != 0 || getrandom(&token, sizeof(token), 0) < 0)
        abort();
    child = fork();
    if (child < 0)
        abort();
    if (child == 0)
        run_case(task, text[1], result[1], token);
    close(text[1]);
    close(result[1]);
    in_time = listen_to(text[0], kept, &length);
    if (!in_time)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    (void)!read(result[0], &said, sizeof(said));
    close(text[0]);
    close(result[0]);
    outcome = outcome_of(in_time, status, said == token);
    print_outcome(outcome, task->test->name, kept, length);
    return strcmp(outcome, "late") != 0;
}

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction setup, CMFixtureFunction teardown)
{
    int late = 0;

    for (size_t i = 0; i < count; i++) {
        const struct task task = {name, &tests[i], setup, teardown};

        if (late == LATE_MAX)
            print_outcome("late", tests[i].name, "not tried\n", 10);
        else if (!try_case(&task))
            late++;
    }
    return 0;
}
