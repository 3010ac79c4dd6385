"""The nested machine's parts that need no machine: Linux taken apart, archives, disks, its words."""

import struct
import tempfile
import unittest
from pathlib import Path

from boot.nested import open_bios
from machine.errors import UserError
from machine.linux_image import LinuxImage, flat_kernel, lz4_legacy, read_linux
from machine.nested_disks import cpio, disk_image, libraries, newest_kernel
from machine.nested_kvm import Event, parse_event, qemu_arguments
from machine.plan import Plan

_MAGIC = b"\x02\x21\x4c\x18"


def _legacy(*blocks: bytes) -> bytes:
    return _MAGIC + b"".join(struct.pack("<I", len(block)) + block for block in blocks)


class Lz4Test(unittest.TestCase):
    """Blocks written by hand after the "LZ4 Block Format Description"."""

    def test_literals(self) -> None:
        self.assertEqual(lz4_legacy(_legacy(b"\x50hello")), b"hello")

    def test_many_literals(self) -> None:
        for count in (14, 15, 16, 269, 270, 271, 600):
            more = [] if count < 15 else [255] * ((count - 15) // 255) + [(count - 15) % 255]
            block = bytes([min(count, 15) << 4, *more]) + b"x" * count
            self.assertEqual(lz4_legacy(_legacy(block)), b"x" * count)

    def test_match(self) -> None:
        # "abcdef", then 4 bytes from 6 back, then the literal "!".
        self.assertEqual(lz4_legacy(_legacy(b"\x60abcdef\x06\x00\x10!")), b"abcdefabcd!")

    def test_match_that_overlaps_itself(self) -> None:
        # "ab", then 4 + 15 + 2 bytes from 2 back.
        self.assertEqual(lz4_legacy(_legacy(b"\x2fab\x02\x00\x02\x10!")), b"ab" + b"ab" * 10 + b"a!")

    def test_second_block_reads_the_first_as_history(self) -> None:
        self.assertEqual(lz4_legacy(_legacy(b"\x40abcd", b"\x30efg")), b"abcdefg")

    def test_length_that_linux_appends(self) -> None:
        self.assertEqual(lz4_legacy(_legacy(b"\x50hello") + struct.pack("<I", 5)), b"hello")


def _elf(notes: bytes) -> bytes:
    """Two segments with a gap, the second larger in memory than in the file; and notes."""
    table, count = 64, 3
    first = table + count * 56
    second, third = first + 4, first + 6
    headers = struct.pack("<IIQQQQQQ", 1, 5, first, 0xFFFF_8000, 0x10_0000, 4, 4, 1)
    headers += struct.pack("<IIQQQQQQ", 1, 6, second, 0xFFFF_9000, 0x10_0010, 2, 8, 1)
    headers += struct.pack("<IIQQQQQQ", 4, 4, third, 0, 0, len(notes), len(notes), 4)
    start = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQ", 2, 62, 1, 0, table, 0)
    start += struct.pack("<IHHHHHH", 0, 64, 56, count, 0, 0, 0)
    return start + headers + b"codeda" + notes


def _note(name: bytes, kind: int, contents: bytes) -> bytes:
    padded = name + b"\0" * (-len(name) % 4)
    return struct.pack("<III", len(name), len(contents), kind) + padded + contents


_PVH = _note(b"Xen\0", 6, b"linux\0\0\0") + _note(b"Xen\0", 18, struct.pack("<Q", 0x10_0002))
_FLAT = LinuxImage(0x10_0000, 0x10_0002, b"code" + bytes(12) + b"da" + bytes(6))


def _bzimage(payload: bytes, magic: bytes = b"HdrS") -> bytes:
    """One setup sector behind the boot sector; the payload 16 bytes into what follows."""
    image = bytearray(1024 + 16)
    image[0x1F1] = 1
    image[0x202:0x206] = magic
    struct.pack_into("<II", image, 0x248, 16, len(payload))
    return bytes(image) + payload


class LinuxImageTest(unittest.TestCase):
    """A kernel made by hand after the ELF specification and Linux's boot protocol."""

    def test_flat(self) -> None:
        self.assertEqual(flat_kernel(_elf(_PVH)), _FLAT)

    def test_another_owner_of_the_note(self) -> None:
        with self.assertRaisesRegex(UserError, "PVH"):
            flat_kernel(_elf(_note(b"GNU\0", 18, bytes(8))))

    def test_not_elf(self) -> None:
        with self.assertRaisesRegex(UserError, "ELF"):
            flat_kernel(b"MZ" * 64)

    def test_whole(self) -> None:
        elf = _elf(_PVH)
        more = [255] * ((len(elf) - 15) // 255) + [(len(elf) - 15) % 255]
        block = bytes([0xF0, *more]) + elf
        self.assertEqual(read_linux(_bzimage(_legacy(block))), _FLAT)

    def test_refused(self) -> None:
        with self.assertRaisesRegex(UserError, "bzImage"):
            read_linux(_bzimage(_legacy(b""), magic=b"none"))
        with self.assertRaisesRegex(UserError, "LZ4"):
            read_linux(_bzimage(b"\xfd7zXZ\0"))


class DiskTest(unittest.TestCase):
    """What tools/nested/loader.c and Linux read."""

    def test_cpio(self) -> None:
        archive = cpio({"a/bc": b"12345"})
        zeros = b"0" * 8
        folder = b"070701" + zeros + b"000041ED" + zeros * 2 + b"00000001" + zeros * 6 + b"00000002"
        file = (
            b"070701" + zeros + b"000081ED" + zeros * 2 + b"00000001" + zeros + b"00000005"
            + zeros * 4 + b"00000005"
        )  # fmt: skip
        # Names follow the 110 bytes of the header and end with a zero; all is padded to 4.
        self.assertTrue(archive.startswith(folder + zeros + b"a\0" + file + zeros + b"a/bc\0"))
        self.assertEqual(archive[112 + 116 :][:14], b"12345" + bytes(3) + b"070701")
        self.assertIn(b"TRAILER!!!\0", archive)
        self.assertEqual(len(archive) % 512, 0)

    def test_disk(self) -> None:
        image = disk_image(b"BOOT", LinuxImage(0x10_0000, 0x10_0002, b"k" * 513), b"i" * 512, "quiet")
        self.assertEqual(len(image) % (16 * 63 * 512), 0)
        self.assertEqual(image[:4], b"BOOT")
        layout = struct.unpack_from("<8I", image, 16 * 512)
        self.assertEqual(layout[0], int.from_bytes(b"RND1", "little"))
        self.assertEqual(layout[2:5], (2, 0x10_0000, 0x10_0002))
        self.assertEqual(image[layout[1] * 512 :][:514], b"k" * 513 + b"\0")
        self.assertEqual(image[layout[5] * 512 :][: layout[6] + 1], b"i" * 512 + b"\0")
        self.assertEqual(image[16 * 512 + 32 :][:6], b"quiet\0")

    def test_words_that_do_not_fit(self) -> None:
        with self.assertRaises(UserError):
            disk_image(b"", None, b"", "x" * 480)

    def test_newest_kernel(self) -> None:
        told = (
            "Package: linux-image-cloud-amd64\nVersion: 6.1.192-2\n"
            "Depends: linux-image-6.1.0-56-cloud-amd64 (= 6.1.192-2)\n"
        )
        wanted = ("linux-image-6.1.0-56-cloud-amd64", "6.1.192-2")
        self.assertEqual(newest_kernel(told), wanted)
        self.assertIsNone(newest_kernel("Package: linux-image-amd64\n"))

    def test_libraries(self) -> None:
        names = {path.name for path in libraries(Path("/bin/sh"))}
        self.assertIn("libc.so.6", names)
        self.assertIn("ld-linux-x86-64.so.2", names)


class WordsTest(unittest.TestCase):
    """What tools/nested/init.c tells, and what QEMU is told."""

    def test_events(self) -> None:
        self.assertEqual(parse_event("linux 261000000 "), Event("linux", 261000000, ""))
        self.assertEqual(
            parse_event("end 5 QEMU ended with status 1"), Event("end", 5, "QEMU ended with status 1")
        )
        for words in ("qemu: unknown CPU model", "kvm is not there", "QEMU 7 x"):
            self.assertEqual(parse_event(words), Event("qemu-says", 0, words))

    def test_arguments(self) -> None:
        plan = Plan(machine="nested-kvm", cpus=4, memory=64, chipset="pc")
        told = qemu_arguments(plan, Path("/usr/bin/qemu"), ["-bios", "/x"])
        for option, value in (("-cpu", "host"), ("-smp", "4"), ("-m", "64"), ("-bios", "/x"),
                              ("-machine", "pc,accel=kvm")):  # fmt: skip
            self.assertEqual(told[told.index(option) + 1], value)


class OpenBiosTest(unittest.TestCase):
    """The SeaBIOS that leaves IA32_FEATURE_CONTROL open."""

    def test_only_the_name_differs(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made = open_bios(Path(folder)).read_bytes()
        original = Path("/usr/share/seabios/bios-256k.bin").read_bytes()
        differing = sum(a != b for a, b in zip(made, original, strict=True))
        self.assertEqual(differing, len("etcmsrfeaturecontrol"))
        self.assertNotIn(b"etc/msr_feature_control", made)


if __name__ == "__main__":
    unittest.main()
