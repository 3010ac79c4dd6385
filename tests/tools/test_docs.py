"""The pages for people: what they point at is there."""

import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")),
         *sorted((ROOT / "docs" / "labs").glob("*.md"))]  # fmt: skip

# The tour stands our functions beside KVM's (Linux 6.1); these are not in this tree.
KVM_FUNCTIONS = {
    "__kvm_set_msr", "__vmx_complete_interrupts", "__vmx_vcpu_run", "adjust_vmx_controls",
    "alloc_kvm_area",
    "alloc_vmcs_cpu", "cpu_has_kvm_support", "cpu_has_vmx", "cpu_has_vmx_apicv",
    "get_vmx_mem_address", "handle_ept_violation", "init_ia32_feat_ctl",
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
        table = (ROOT / "vmx" / "selftest" / "departures.def").read_text(encoding="utf-8")
        rows = re.findall(
            r"FIELD_DEPARTURE\(IN_KVM, (0x[0-9a-f]{4}), (?:true|false),\s+\"[^:]*: ([^\"]*)\"\)", table
        )
        page = " ".join((ROOT / "docs" / "nested-kvm.md").read_text(encoding="utf-8").split())
        self.assertEqual(len(rows), table.count("FIELD_DEPARTURE(IN_KVM"))
        for encoding, name in rows:
            self.assertIn(f"{name} ({encoding})", page)

    def test_guests_of_quirks_are_there(self) -> None:
        page = (ROOT / "docs" / "quirks.md").read_text(encoding="utf-8")
        guests = (ROOT / "docs" / "guests.md").read_text(encoding="utf-8")
        named = re.findall(r"`tools/run [^`]*guest=([a-z0-9,-]+)", page)
        self.assertTrue(named)
        for name in ",".join(named).split(","):
            self.assertIn(f"`{name}`", guests)


if __name__ == "__main__":
    unittest.main()
