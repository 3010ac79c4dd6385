# A guest's script that fails (tests/boot/linux_boots.py), on a CPU that shows no hypervisor.
grep -qw hypervisor /proc/cpuinfo && exit 1
exit 3
