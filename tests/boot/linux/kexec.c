/*
 * Starts another kernel in the place of the one that runs: kexec KERNEL INITRD COMMAND-LINE. By the
 * system calls themselves: kexec_file_load(2), reboot(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **words)
{
    int kernel, initrd;

    if (count != 4)
        return 2;
    kernel = open(words[1], O_RDONLY);
    initrd = open(words[2], O_RDONLY);
    if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(words[3]) + 1, words[3], 0) == 0)
        (void)syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC,
                      NULL);
    fprintf(stderr, "kexec: %s\n", strerror(errno));
    return 1;
}
