"""The pages for people: what they point at is there."""

import re
import shlex
import subprocess
import unittest
from pathlib import Path

from machine.options import words_of
from machine.run import parser
from machine.words import check_words
from pages import ABRIDGED, FROM, HELD, ILLUSTRATION, LAB_PAGES, OUTPUT, PAGES as MARKED_PAGES, all_blocks, missing

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*MARKED_PAGES, *LAB_PAGES]

# The tour stands our functions beside KVM's (Linux 6.1); these are not in this tree.
KVM_FUNCTIONS = {
    "__kvm_set_msr", "__vmx_complete_interrupts", "__vmx_vcpu_run", "adjust_vmx_controls",
    "alloc_kvm_area",
    "alloc_vmcs_cpu", "cpu_has_kvm_support", "cpu_has_vmx", "cpu_has_vmx_apicv",
    "get_vmx_mem_address", "handle_cr", "handle_ept_violation", "init_ia32_feat_ctl",
    "init_vmcs", "kvm_cpu_vmxoff", "kvm_cpu_vmxon", "kvm_inject_gp",
    "kvm_mmu_hugepage_adjust", "kvm_multiple_exception", "kvm_skip_emulated_instruction",
    "kvm_tdp_page_fault", "loaded_vmcs_clear", "setup_vmcs_config",
    "vmcs_load", "vmx_check_processor_compat", "vmx_disabled_by_bios", "vmx_exec_control",
    "vmx_flush_tlb_guest", "vmx_handle_exit", "vmx_hardware_disable", "vmx_hardware_enable",
    "vmx_restore_vmx_basic", "vmx_set_constant_host_state", "walk_addr_generic",
}  # fmt: skip


def sources() -> str:
    """All C, assembly and CMake of the tree that git knows."""
    listed = subprocess.run(
        ["git", "ls-files", "*.c", "*.h", "*.S", "*.def", "*CMakeLists.txt"], cwd=ROOT, capture_output=True, text=True,
        check=True,
    ).stdout.split()  # fmt: skip
    return "\n".join((ROOT / name).read_text(encoding="utf-8") for name in listed)


class Docs(unittest.TestCase):
    """Links and names in README.md and docs/."""

    def test_links_lead_somewhere(self) -> None:
        for page in PAGES:
            for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
                if "://" not in link:
                    self.assertTrue((page.parent / link).exists(), f"{page.name}: {link}")

    def test_functions_exist(self) -> None:
        names = set(re.findall(r"\b[a-z_0-9]+\b", sources()))
        for page in PAGES:
            told = set(re.findall(r"`([a-z_0-9]+)\(\)`", page.read_text(encoding="utf-8")))
            self.assertEqual(told - names - KVM_FUNCTIONS, set(), page.name)

    def test_functions_of_pictures_exist(self) -> None:
        names = set(re.findall(r"\b[a-z_0-9]+\b", sources()))
        for picture in (ROOT / "docs" / "pictures").glob("*.svg"):
            told = set(re.findall(r"\b([a-z_0-9]+)\(\)", picture.read_text(encoding="utf-8")))
            self.assertEqual(told - names, set(), picture.name)

    def test_what_nobody_has_seen_is_told_first(self) -> None:
        unseen = "not been\nseen on Intel hardware yet" in (
            (ROOT / "docs" / "real-processors.md").read_text(encoding="utf-8")
        )
        screen = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:20]
        self.assertEqual("never been seen on Intel hardware" in "\n".join(screen), unseen)

    def test_departures_are_told(self) -> None:
        table = (ROOT / "docs" / "quirks.md").read_text(encoding="utf-8")
        rows = re.findall(r"\| (0x[0-9a-f]{4}) \| KVM has it [^:]*: (.*) \|", table)
        page = " ".join((ROOT / "docs" / "nested-kvm.md").read_text(encoding="utf-8").split())
        self.assertGreater(len(rows), 40)
        for encoding, name in rows:
            self.assertIn(f"{name} ({encoding})", page)

    def test_guests_of_quirks_are_there(self) -> None:
        page = (ROOT / "docs" / "quirks.md").read_text(encoding="utf-8")
        guests = (ROOT / "docs" / "guests.md").read_text(encoding="utf-8")
        named = re.findall(r"`tools/run [^`]*guest=([a-z0-9,-]+)", page)
        self.assertTrue(named)
        for name in ",".join(named).split(","):
            self.assertIn(f"`{name}`", guests)


# Pages that are made whole, and fences whose blocks have a test of their own.
_MADE = {"monitor-scripts.md": "test_monitor.py"}
_FENCES = {"diff": "test_first_pages.py", "dump": "test_vmcheck.py", "answer": "test_vmcheck.py"}
_PROGRAMS = ("run", "test", "gdb", "vmxcap", "vmcheck", "install")  # which tell their options by --help


class Blocks(unittest.TestCase):
    """What stands apart in a page: tests/pages.py has the marks."""

    def test_each_is_rerun_or_an_illustration(self) -> None:
        for block in all_blocks():
            if test := _MADE.get(block.page.name) or _FENCES.get(block.fence.split(" ")[0]):
                held = (ROOT / "tests" / "tools" / test).read_text(encoding="utf-8")
                self.assertTrue("PAGE" in held, f"{block}: {test}")
            else:
                self.assertIn(block.kind, (OUTPUT, FROM, HELD, ILLUSTRATION), f"{block} has no mark (tests/pages.py)")
        self.assertTrue({OUTPUT, FROM, HELD, ILLUSTRATION} <= {block.kind for block in all_blocks()})

    def test_what_a_command_says_is_no_illustration(self) -> None:
        for block in all_blocks():
            if block.kind == ILLUSTRATION:
                self.assertFalse(block.lines[0].startswith("tools/run ") and "" in block.lines, str(block))

    def test_lines_of_files_are_theirs(self) -> None:
        for block in all_blocks():
            if block.kind == FROM:  # however they are laid out
                text, at = " ".join((ROOT / block.what).read_text(encoding="utf-8").split()), 0
                for part in " ".join(" ".join(block.lines).split()).split(ABRIDGED):
                    at = text.find(part.strip(), at)
                    self.assertGreaterEqual(at, 0, f"{block}: {block.what} is without {part}")

    def test_those_that_a_test_holds_are_of_its_page(self) -> None:
        for block in all_blocks():
            if block.kind == HELD:
                text = (ROOT / block.what).read_text(encoding="utf-8")
                self.assertIn(f'"{block.page.name}"', text, str(block))

    def test_options_of_commands_are_there(self) -> None:
        known = {}
        for name in _PROGRAMS:
            told = subprocess.run([ROOT / "tools" / name, "--help"], capture_output=True, text=True, check=False)
            known[name] = set(re.findall(r"--[a-z][a-z-]*", told.stdout + told.stderr)) | {"--help"}
            self.assertGreater(len(known[name]), 1, name)
        for block in all_blocks(PAGES):
            for name, options in re.findall(r"\btools/(\w+)((?: [^\n#|&]*)?)", "\n".join(block.lines)):
                for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", options.split(" -- ")[0]):
                    if name in known:
                        self.assertIn(option, known[name], f"{block}: tools/{name}")

    def test_what_a_lab_has_typed_is_there(self) -> None:
        names = set(re.findall(r"\b[a-z_0-9]+(?=\()", sources()))
        programs = {path.stem for folder in ("host", "labs") for path in (ROOT / "tests" / folder).rglob("*.c")}
        lines = [(block, line) for block in all_blocks(LAB_PAGES) for line in block.lines]
        typed = [(block, shlex.split(line, comments=True)) for block, line in lines if re.match(r"tools/run |cmake |gdb ", line)]
        self.assertGreater(len(typed), 30)
        for block, command in typed:
            if command[0] == "tools/run":
                options = parser().parse_args(command[1:])
                check_words(words_of(options))
                for file in options.script:
                    self.assertTrue((ROOT / file).exists(), f"{block}: {file}")
            for word in command:
                if word.startswith("break "):
                    self.assertIn(word.removeprefix("break "), names, str(block))
                if match := re.search(r"(?:^|/)(lab\d|test_\w+)$", word):
                    self.assertIn(match[1], programs, str(block))

    def test_what_is_missing_is_found(self) -> None:
        told = ["  a 0xfffe000", "  b", "  c d e", "", "f"]
        self.assertEqual(missing(["a 0x12345", "b"], told), [])
        self.assertEqual(missing(["…", "b", "…", "f"], told), [])
        self.assertEqual(missing(["c … e", "", "f"], ["c d e", "", "f"]), [])
        self.assertEqual(missing(["a 0x1"], told), ["a 0x1"])
        self.assertEqual(missing(["b", "f"], told), ["b", "f"])
        self.assertEqual(missing(["f", "…", "b"], told), ["b"])
        self.assertEqual(missing(["b", "  c d e"], told), ["b", "  c d e"])


if __name__ == "__main__":
    unittest.main()
