# A guest's script that fails (tests/boot/linux_boots.py), on a CPU that shows no hypervisor, the only
# one that Linux was told to start: it tells its status itself, and resets instead of powering off.
status=3
grep -qw hypervisor /proc/cpuinfo && status=1
[ "$(cat /sys/devices/system/cpu/online)" = 0 ] || status=2
insmod /msr.ko
rootmodectl && status=4
rootmodectl --hidden exits | grep -q "^CPU 0: .* CPUID" || status=5
printf "\\$status\0\0\0\0\0\0\0" | dd of=/dev/cpu/0/msr bs=8 count=1 seek=$((0x40524d00 / 8)) conv=notrunc
reboot -f
