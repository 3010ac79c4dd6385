# Rootmode leaves VMX operation under this Linux, which goes on with all that it did before: run as a
# guest's script (tests/boot/linux_boots.py).
wrong() {
    echo "off: $1"
    exit 1
}
insmod /msr.ko || wrong "no module for MSRs"
cpus=/sys/devices/system/cpu
present=$(ls -d $cpus/cpu[0-9]* | wc -l)
online() { grep -c ^processor /proc/cpuinfo; }
echo "someone::1000:1000::/:/bin/sh" >/etc/passwd
chmod 666 /dev/cpu/*/msr
su someone -c "rootmodectl --hidden off" 2>&1 | grep -q "this is for root" || wrong "anybody can turn Rootmode off"

# A CPU that Linux has started, and then taken offline, would stay behind.
if [ "$(online)" -gt 1 ]; then
    echo 0 >$cpus/cpu1/online
    rootmodectl --hidden off 2>&1 | tail -n 1 | grep -q "more CPUs than are online" || wrong "it left a CPU behind"
    echo 1 >$cpus/cpu1/online
fi

# Processes, files and floating point, whatever happens below them.
work() {
    i=0
    while [ $i -lt 40 ]; do
        awk 'BEGIN { for (i = 0; i < 100; i++) x += i * i / 7; printf "%.6f\n", x }'
        i=$((i + 1))
    done | sort | uniq -c | tr -s " "
}
expected=$(work)
work >/tmp/work &
rootmodectl --hidden off || wrong "rootmodectl off: $?"
wait
[ "$(cat /tmp/work)" = "$expected" ] || wrong "what ran meanwhile: $(cat /tmp/work), not $expected"
[ "$(work)" = "$expected" ] || wrong "what ran afterwards: not $expected"
rootmodectl --hidden exits >/dev/null 2>&1 && wrong "a Rootmode still tells its exits"
rootmodectl && wrong "Rootmode is still shown"

# Each CPU shows VMX and has its MSRs, ticks, and is started by INIT and SIPI of the machine's own.
interrupts() { awk -v row="$1:" -v column="$(($2 + 2))" '$1 == row { print $column }' /proc/interrupts; }
cpu=0
while [ $cpu -lt "$present" ]; do
    if [ $cpu -gt 0 ]; then
        [ "$(cat $cpus/cpu$cpu/online)" = 0 ] || echo 0 >$cpus/cpu$cpu/online || wrong "CPU $cpu stays online"
        echo 1 >$cpus/cpu$cpu/online || wrong "CPU $cpu does not start"
    fi
    dd if=/dev/cpu/$cpu/msr bs=8 count=1 skip=$((0x480 / 8)) 2>/dev/null | grep -q . || wrong "no 0x480 on CPU $cpu"
    ticks=$(interrupts LOC $cpu)
    taskset -p $((1 << cpu)) $$ >/dev/null || wrong "no task on CPU $cpu"
    work >/dev/null
    [ "$(interrupts LOC $cpu)" -gt "$ticks" ] || wrong "the timer of CPU $cpu does not tick"
    taskset -p 1 $$ >/dev/null
    cpu=$((cpu + 1))
done
[ "$(online)" = "$present" ] || wrong "$(online) CPUs of $present"
echo "off: $present CPUs, all as it should be"
