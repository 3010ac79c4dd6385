# What Linux sees where Rootmode is below, and what it does with its CPUs, as many as there are:
# run as a guest's script (tests/boot/linux_boots.py).
wrong() {
    echo "look: $1"
    exit 1
}
grep -qw vmx /proc/cpuinfo && wrong "a CPU shows VMX"
grep -qw hypervisor /proc/cpuinfo || wrong "no CPU shows a hypervisor"
grep -q "^00200000-003fffff : Reserved" /proc/iomem || wrong "what Rootmode keeps is not reserved"
insmod /msr.ko || wrong "no module for MSRs"
# IA32_VMX_BASIC is not there.
dd if=/dev/cpu/0/msr bs=8 count=1 skip=$((0x480 / 8)) 2>/dev/null | grep -q . && wrong "0x480 can be read"

# Rootmode tells who it is to anybody, what exits there were to root alone.
echo "someone::1000:1000::/:/bin/sh" >/etc/passwd
chmod 666 /dev/cpu/0/msr
rootmodectl | grep -q "^Rootmode, interface 1," || wrong "rootmodectl does not find Rootmode"
rootmodectl exits | grep -q "^CPU 0: .* CPUID" || wrong "rootmodectl tells no exits of CPU 0"
rootmodectl exits --json | grep -q '^{"exits":\[{"cpu":0,"reasons":{.*"CPUID":[1-9]' || wrong "nor in JSON"
rootmodectl report | grep -q "^  CPUs  .* of $(grep -c ^processor /proc/cpuinfo) started" || wrong "no report"
rootmodectl report --json | grep -q '"rootmode": *"' || wrong "nor one in JSON"
rootmodectl exits --live | head -n 4 | grep -q "^CPU 0: .* RDMSR" || wrong "no exits of the last second"
dmesg | grep -q "ACPI: PM: (supports S0 S5)" || wrong "not S0 and S5: $(dmesg | grep "ACPI: PM: ")"
su someone -c "rootmodectl exits" 2>&1 | grep -q "/dev/cpu/0/msr: Operation not permitted: this is for root" ||
    wrong "anybody is told what exits there were"

# Every page that Rootmode keeps is read, which the kernel answers with an error; each eighth is written, and
# the process that does it does not live on.
refused=$(dd if=/dev/mem of=/dev/null bs=4096 skip=512 count=512 conv=noerror 2>&1 | grep -c "Bad address")
[ "$refused" = 512 ] || wrong "$refused of 512 pages could not be read"
page=512
while [ $page -lt 1024 ]; do
    devmem $((page * 4096 + page * 8 % 4096)) 32 0x12345678 2>/dev/null && wrong "page $page could be written"
    page=$((page + 8))
done

cpus=/sys/devices/system/cpu
[ "$(cat $cpus/online)" = "$(cat $cpus/present)" ] || wrong "online: $(cat $cpus/online) of $(cat $cpus/present)"
# How many interrupts of a kind the CPU has had.
interrupts() { awk -v row="$1:" -v column="$(($2 + 2))" '$1 == row { print $column }' /proc/interrupts; }
# Its timer ticks, and a task moves there and back.
works() {
    ticks=$(interrupts LOC "$1")
    taskset -p $((1 << $1)) $$ >/dev/null || wrong "no task on CPU $1"
    i=0
    while [ $i -lt 2000 ]; do i=$((i + 1)); done
    usleep 20000
    [ "$(interrupts LOC "$1")" -gt "$ticks" ] || wrong "the timer of CPU $1 does not tick"
    taskset -p 1 $$ >/dev/null || wrong "no task on CPU 0"
}
count=$(grep -c ^processor /proc/cpuinfo) cpu=1
works 0
while [ "$cpu" -lt "$count" ]; do
    works $cpu
    for online in 0 1; do # which needs INIT and SIPI again
        echo $online >$cpus/cpu$cpu/online || wrong "CPU $cpu cannot become $online"
    done
    works $cpu
    cpu=$((cpu + 1))
done
[ "$(grep -c ^processor /proc/cpuinfo)" = "$count" ] || wrong "not all CPUs came back"
echo "look: $count CPUs, all as it should be"
