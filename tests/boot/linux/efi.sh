# What UEFI's run-time services do for Linux on Rootmode: variables are read, written and deleted. Run as a
# guest's script (tests/boot/linux_boots.py).
wrong() {
    echo "efi: $1"
    exit 1
}
variables=/sys/firmware/efi/efivars global=8be4df61-93ca-11d2-aa0d-00e098032b8c
[ "$(cat /sys/firmware/efi/fw_platform_size)" = 64 ] || wrong "no UEFI of 64 bits"
grep -q "^ *00200000-003fffff : Reserved" /proc/iomem || wrong "what Rootmode keeps is not reserved"
insmod /efivarfs.ko || wrong "no module for EFI variables"
mount -t efivarfs none $variables || wrong "no EFI variables"
# UEFI Specification, "Globally Defined Variables": attributes, then the firmware's choice, which the order has.
current=$(od -An -tx1 $variables/BootCurrent-$global) order=$(od -An -tx1 $variables/BootOrder-$global)
echo "$current" | grep -q "^ 06 00 00 00 .. 00$" || wrong "BootCurrent: $current"
echo "$order" | grep -q "^ 07 00 00 00\( .. 00\)*${current#* 06 00 00 00}" || wrong "BootOrder: $order"
# One that is not there, with the same attributes: one write() is one SetVariable().
next=$variables/BootNext-$global
set_to() {
    printf "\\007\\000\\000\\000\\00$1\\000" >/tmp/value
    dd if=/tmp/value of=$next bs=64 conv=notrunc 2>/dev/null
    [ "$(od -An -tx1 $next)" = " 07 00 00 00 0$1 00" ]
}
[ -e $next ] && wrong "there is a BootNext"
set_to 1 || wrong "it is not written: $(od -An -tx1 $next)"
set_to 2 || wrong "it is not written again: $(od -An -tx1 $next)"
rm $next || wrong "it is not deleted"
umount $variables
mount -t efivarfs none $variables
[ -e $next ] && wrong "it is still there"
echo "efi: $(ls $variables | wc -l) variables, all as it should be"
