# What Linux sees where Rootmode is below: run as a guest's script (tests/boot/linux_boots.py).
wrong() {
    echo "look: $1"
    exit 1
}
[ "$(nproc)" = 1 ] || wrong "$(nproc) CPUs"
grep -qw vmx /proc/cpuinfo && wrong "the CPU shows VMX"
grep -qw hypervisor /proc/cpuinfo || wrong "the CPU shows no hypervisor"
grep -q "^00200000-003fffff : Reserved" /proc/iomem || wrong "what Rootmode keeps is not reserved"
insmod /msr.ko || wrong "no module for MSRs"
# IA32_VMX_BASIC is not there.
dd if=/dev/cpu/0/msr bs=8 count=1 skip=$((0x480 / 8)) 2>/dev/null | grep -q . && wrong "0x480 can be read"
before=$(grep LOC: /proc/interrupts)
usleep 200000
[ "$before" = "$(grep LOC: /proc/interrupts)" ] && wrong "the timer does not tick"
echo "look: all as it should be"
