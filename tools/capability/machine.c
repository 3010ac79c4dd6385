#include "tools/capability/machine.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CPUID_1_ECX_VMX_BIT = 5,
    CPUID_1_ECX_HYPERVISOR_BIT = 31,
    CPUS_MAX = 4096,
};

/* False, and all 0, where there is none, so that there is no VMX either. */
static bool cpuid(unsigned leaf, unsigned *eax, unsigned *ebx, unsigned *ecx, unsigned *edx)
{
    *eax = *ebx = *ecx = *edx = 0;
#if defined(__x86_64__) || defined(__i386__)
    return __get_cpuid(leaf, eax, ebx, ecx, edx) != 0;
#else
    (void)leaf;
    return false;
#endif
}

static bool cpuid_1_ecx(unsigned bit)
{
    unsigned eax, ebx, ecx, edx;

    return cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx >> bit & 1);
}

/* The vendor's twelve letters: CPUID.0:EBX, EDX, ECX. */
static void vendor_name(char name[13])
{
    unsigned eax, part[3];

    memset(name, 0, 13);
    if (cpuid(0, &eax, &part[0], &part[2], &part[1]))
        memcpy(name, part, sizeof(part));
}

/* CPUID.80000002H to 80000004H. */
static void brand_name(char name[49])
{
    unsigned part[4];

    memset(name, 0, 49);
    for (unsigned i = 0; i < 3; i++) {
        if (cpuid(0x80000002 + i, &part[0], &part[1], &part[2], &part[3]))
            memcpy(name + sizeof(part) * i, part, sizeof(part));
    }
}

static bool has_vmx(char error[MACHINE_ERROR_MAX])
{
    char vendor[13];

    if (cpuid_1_ecx(CPUID_1_ECX_VMX_BIT))
        return true;
    vendor_name(vendor);
    snprintf(error, MACHINE_ERROR_MAX,
             "this processor (%s) has no VMX: bit 5 of CPUID.1:ECX is 0%s.\n"
             "Other CPUs can be looked at: vmxcap --list, vmxcap --row ID, vmxcap FILE",
             vendor,
             cpuid_1_ecx(CPUID_1_ECX_HYPERVISOR_BIT)
                 ? ", and it is a virtual machine, whose hypervisor may withhold it"
                 : "");
    return false;
}

/* One MSR through an open file; false where RDMSR faults. */
static bool read_msr(int file, uint32_t msr, uint64_t *value)
{
    struct stat status;
    off_t offset = msr;

    /* Bytes of a regular file overlap from one offset to the next; those of the device do not. */
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode))
        offset *= (off_t)sizeof(*value);
    return pread(file, value, sizeof(*value), offset) == (ssize_t)sizeof(*value);
}

/* In the order of their addresses, so that none is read that is not there. */
static void read_msrs(int file, struct vmx_dump *dump)
{
    uint64_t value;

    if (read_msr(file, IA32_FEATURE_CONTROL_MSR, &value))
        dump_msr_put(dump, IA32_FEATURE_CONTROL_MSR, value);
    for (uint32_t msr = VMX_MSR_FIRST; msr <= VMX_MSR_LAST; msr++) {
        if (vmx_msr_exists(&dump->msrs, msr) && read_msr(file, msr, &value))
            dump_msr_put(dump, msr, value);
    }
}

static void explain(int why, const char *path, char error[MACHINE_ERROR_MAX])
{
    if (why == ENOENT)
        snprintf(error, MACHINE_ERROR_MAX,
                 "%s is not there: the kernel's msr module is not loaded. Run:\n"
                 "    sudo modprobe msr",
                 path);
    else if (geteuid() != 0)
        snprintf(error, MACHINE_ERROR_MAX, "%s: %s. Reading MSRs needs root. Run:\n    sudo vmxcap",
                 path, strerror(why));
    else
        snprintf(error, MACHINE_ERROR_MAX,
                 "%s: %s. Root may not read MSRs here: a container without CAP_SYS_RAWIO, or a\n"
                 "kernel in lockdown (Secure Boot). See:\n    cat /sys/kernel/security/lockdown",
                 path, strerror(why));
}

static int by_number(const void *a, const void *b)
{
    unsigned first = *(const unsigned *)a, second = *(const unsigned *)b;

    return (first > second) - (first < second);
}

/* The numbers of the directories, lowest first. Gives how many; 0 without the directory. */
static size_t list_cpus(const char *root, unsigned cpus[CPUS_MAX])
{
    const struct dirent *entry;
    DIR *folder = opendir(root);
    size_t count = 0;

    if (folder == NULL)
        return 0;
    while (count < CPUS_MAX && (entry = readdir(folder)) != NULL) {
        char *end;
        unsigned long cpu = strtoul(entry->d_name, &end, 10);

        if (*end == '\0' && end != entry->d_name)
            cpus[count++] = (unsigned)cpu;
    }
    closedir(folder);
    qsort(cpus, count, sizeof(cpus[0]), by_number);
    return count;
}

/* False if this CPU cannot be read although it is on. */
static bool read_cpu(const char *root, unsigned cpu, bool first, struct dump_list *list,
                     char error[MACHINE_ERROR_MAX])
{
    char path[512], id[48];
    struct dump_set *set;
    int file;

    snprintf(path, sizeof(path), "%s/%u/msr", root, cpu);
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENXIO) /* the CPU is off */
        return true;
    if (file < 0) {
        explain(errno, path, error);
        return false;
    }
    if (first)
        snprintf(id, sizeof(id), "this machine");
    else
        snprintf(id, sizeof(id), "this machine, CPU %u", cpu);
    set = dump_list_add(list, id);
    read_msrs(file, &set->dump);
    close(file);
    return true;
}

bool machine_read(const char *root, struct dump_list *list, char error[MACHINE_ERROR_MAX])
{
    static unsigned cpus[CPUS_MAX];
    const char *folder = root != NULL ? root : "/dev/cpu";
    size_t count;

    if (root == NULL && !has_vmx(error))
        return false;
    count = list_cpus(folder, cpus);
    for (size_t i = 0; i < count; i++) {
        if (!read_cpu(folder, cpus[i], list->count == 0, list, error))
            return false;
    }
    if (list->count == 0) {
        explain(ENOENT, folder, error);
        return false;
    }
    list->one_machine = true;
    for (size_t i = 0; i < list->count && root == NULL; i++) {
        list->set[i].virtual_registers = cpuid_1_ecx(CPUID_1_ECX_HYPERVISOR_BIT);
        brand_name(list->set[i].about);
    }
    return true;
}
