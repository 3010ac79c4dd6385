"""
Bochs writes into its log which rule it saw broken, one line for each VM entry that it refuses. The
self-test of VM entries begins with its trials, and the report has them in their order: so each line
has its trial, and what the line says must be the trial's rule.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from boot.checks import Result

# The lines that tell why; "VMEXIT: Guest State Checks Failed", which follows some, does not.
_REFUSAL = re.compile(
    r"\] ((?:VMFAIL|FAIL|VMENTER FAIL): .*|VMENTER: .*PDPTRs Checks Failed|VMEXIT: Error when loading.*)"
)

# What a line says, and the rules that may be meant: Bochs has one message for several rules, and
# where several are broken at once it tells the one that it looks at first.
_SEGMENT = "(ES|CS|SS|DS|FS|GS)"
_SYSTEM = "(TR|LDTR)"
_HOST_SIZE = "host-address-space ia32e-guest-host host-ss-null host-32-cr4 host-32-rip"
_MESSAGES = (
    ("VMX pin-based controls allowed 0-settings", "pin-must-be-1"),
    ("VMX pin-based controls allowed 1-settings", "pin-must-be-0"),
    ("VMX proc-based controls allowed 0-settings", "primary-must-be-1"),
    ("VMX proc-based controls allowed 1-settings", "primary-must-be-0"),
    ("VMX secondary controls allowed 1-settings", "secondary-must-be-0"),
    ("VMX vmexit controls allowed 0-settings", "exit-must-be-1"),
    ("VMX vmexit controls allowed 1-settings", "exit-must-be-0"),
    ("VMX vmentry controls allowed 0-settings", "entry-must-be-1"),
    ("VMX vmentry controls allowed 1-settings", "entry-must-be-0 entry-outside-smm "
     "entry-smm-and-deactivate activity-smm blocking-smm"),
    ("too may CR3 targets", "cr3-target-count"),
    ("I/O bitmap . phy addr malformed", "io-bitmap-address"),
    ("MSR bitmap phy addr malformed", "msr-bitmap-address"),
    ("misconfigured virtual NMI control", "virtual-nmis-nmi-exiting nmi-window-virtual-nmis"),
    ("virtual apic phy addr malformed", "virtual-apic-address"),
    ("TPR threshold too big", "tpr-threshold-reserved"),
    ("TPR threshold > TPR shadow", "tpr-threshold-vtpr"),
    ("apic virtualization is enabled without TPR shadow",
     "x2apic-tpr-shadow apic-registers-tpr-shadow interrupt-delivery-tpr-shadow"),
    ("apic access page phy addr malformed", "apic-access-address"),
    ("virtualize X2APIC mode enabled together", "x2apic-apic-accesses"),
    ("virtual interrupt delivery must be set together", "interrupt-delivery-exiting"),
    ("guest VPID == 0", "vpid-zero"),
    ("invalid EPTPTR value", "eptp-memory-type eptp-walk-length eptp-accessed-dirty "
     "eptp-shadow-stack eptp-reserved eptp-address"),
    ("PML is enabled without EPT", "pml-ept"),
    ("PML base phy addr malformed", "pml-address"),
    ("unrestricted guest without EPT", "unrestricted-guest-ept"),
    ("SPP is enabled without EPT", "sub-page-ept"),
    ("SPP base phy addr malformed", "sub-page-table-address"),
    ("VM Functions control reserved bits", "vm-functions-reserved"),
    ("EPTP-SWITCHING: EPT disabled", "eptp-switching-ept"),
    ("eptp list phy addr malformed", "eptp-list-address"),
    ("(VMREAD|VMWRITE) bitmap phy addr malformed", "vmcs-shadowing-bitmaps"),
    ("broken #VE information address", "ve-information-address"),
    ("TSC multiplier should be non zero", "tsc-multiplier-zero"),
    ("save_VMX_preemption_timer", "save-timer-without-timer"),
    ("VMEXIT CTRL: msr store addr malformed", "exit-msr-store-area"),
    ("VMEXIT CTRL: msr store addr too high", "exit-msr-store-end"),
    ("VMEXIT CTRL: msr load addr malformed", "exit-msr-load-area"),
    ("VMEXIT CTRL: msr load addr too high", "exit-msr-load-end"),
    ("VMENTRY CTRL: msr load addr malformed", "entry-msr-load-area"),
    ("VMENTRY CTRL: msr load addr too high", "entry-msr-load-end"),
    ("from outside SMM with dual-monitor", "entry-outside-smm entry-smm-and-deactivate"),
    ("SMM guest should block SMI", "entry-outside-smm blocking-smm activity-smm"),
    ("bad injected event type", "event-type"),
    ("bad (injected event vector|MTF injection)", "event-vector"),
    ("injected event vector .* broken error code",
     "event-error-code-forbidden event-error-code-missing"),
    ("broken interruption info field", "event-reserved event-nested-exception"),
    ("bad error code", "event-error-code-reserved"),
    ("bad injected event instr length", "event-instruction-length"),
    ("host state invalid CR0", "host-cr0-fixed"),
    ("host state invalid CR4", "host-cr4-fixed"),
    ("host state invalid CR3", "host-cr3-width"),
    ("host CR4.CET=1 when", "host-cet-write-protect"),
    ("host SYSENTER_E.P_MSR non canonical", "host-sysenter-canonical"),
    ("invalid Memory Type in host MSR_PAT", "host-pat-types"),
    ("host EFER reserved bits", "host-efer-reserved"),
    ("host EFER .* inconsistent", "host-efer-long-mode"),
    ("host IA32_S_CET invalid", "host-s-cet-reserved host-s-cet-tracker"),
    ("host IA32_S_CET/EB_LEG", "host-s-cet-size"),
    (r"host SSP\[1:0\] not zero", "host-ssp-aligned"),
    ("host SSP non canonical", "host-ssp-size"),
    ("host INTERRUPT_SSP_TABLE_ADDR", "host-ssp-table-canonical"),
    ("host segreg . TI/RPL", "host-selector-rpl-ti"),
    ("invalid host TR selector", "host-selector-rpl-ti host-selector-null"),
    ("host CS selector 0", "host-selector-null"),
    ("host SS selector 0", "host-ss-null"),
    ("host (FS|GS|TR|GDTR|IDTR) BASE non canonical", "host-base-canonical"),
    ("x86-64 host control invalid", _HOST_SIZE),
    ("host CR4.PAE=0", "host-64-pae"),
    ("host RIP non-canonical", "host-64-rip"),
    ("RFLAGS reserved bits", "guest-rflags-reserved"),
    (r"RFLAGS\[1\] cleared", "guest-rflags-bit-1"),
    ("x86-64 guest with RFLAGS.VM", "guest-rflags-vm"),
    ("guest invalid CR0", "guest-cr0-fixed"),
    ("CR0.PG without CR0.PE", "guest-cr0-pg-pe"),
    ("guest invalid CR3", "guest-cr3-width"),
    ("guest invalid CR4", "guest-cr4-fixed"),
    ("guest CR4.PAE=0 in x86-64", "guest-ia32e-pae"),
    ("CR4.PCIDE set in 32-bit guest", "guest-cr4-ia32e-only"),
    ("guest invalid DR7", "guest-dr7-high"),
    ("guest CR4.CET=1 when", "guest-cet-write-protect"),
    ("guest IA32_S_CET invalid", "guest-s-cet-reserved guest-s-cet-tracker"),
    ("guest (IA32_S_CET/EB_LEG|INTERRUPT_SSP_TABLE_ADDR)", "guest-cet-canonical"),
    (r"guest SSP\[1:0\] not zero", "guest-ssp-aligned"),
    ("guest SSP non canonical", "guest-ssp-identical guest-ssp-high"),
    ("guest SYSENTER_E.P_MSR", "guest-sysenter-canonical"),
    ("invalid Memory Type in guest MSR_PAT", "guest-pat-types"),
    ("guest EFER reserved bits", "guest-efer-reserved"),
    ("guest EFER.LMA doesn't match", "guest-efer-lma"),
    ("guest EFER .* inconsistent", "guest-efer-lme"),
    ("guest RIP > 32 bit", "guest-rip-high"),
    (f"v8086 guest bad {_SEGMENT}.BASE", "segment-v8086-base guest-rflags-vm"),
    (f"v8086 guest {_SEGMENT}.LIMIT", "segment-v8086-limit guest-rflags-vm"),
    (f"v8086 guest {_SEGMENT}.AR", "segment-v8086-rights guest-rflags-vm"),
    ("guest (FS|GS|TR|LDTR).BASE non canonical", "segment-base-canonical"),
    (f"guest {_SEGMENT}.BASE > 32 bit", "segment-base-high"),
    (f"guest {_SEGMENT} not segment", "segment-s"),
    (f"guest {_SEGMENT} not present", "segment-present"),
    (f"guest {_SEGMENT}.AR/LIMIT malformed",
     "segment-reserved segment-granularity-low segment-granularity-high"),
    ("guest non-conforming CS.RPL", "segment-cs-dpl-ss segment-cs-dpl-conforming segment-ss-cs-rpl "
     "segment-ss-dpl-rpl"),
    ("unrestricted guest CS.DPL", "segment-cs-dpl-data"),
    ("guest CS.TYPE", "segment-cs-type"),
    ("wrong CS.D_B/L", "segment-cs-db-l"),
    ("guest SS.TYPE", "segment-ss-type"),
    (f"guest {_SEGMENT} not ACCESSED", "segment-accessed"),
    (f"CODE segment {_SEGMENT} not READABLE", "segment-code-readable"),
    (f"non-conforming {_SEGMENT}.RPL < {_SEGMENT}.DPL", "segment-dpl-rpl"),
    ("CS.RPL != SS.RPL", "segment-ss-cs-rpl"),
    ("SS.RPL <> SS.DPL", "segment-ss-dpl-rpl"),
    ("unrestricted guest SS.DPL", "segment-ss-dpl-zero"),
    ("IDTR/IDTR.BASE non canonical", "guest-table-canonical"),
    ("GDTR/IDTR limit", "guest-table-limit"),
    (f"guest {_SYSTEM}.TI set", "segment-ti"),
    ("incorrect LDTR type", "ldtr-type"),
    ("incorrect TR type", "tr-type"),
    (f"guest {_SYSTEM} is not system segment", "system-segment-s"),
    (f"guest {_SYSTEM} not present", "system-segment-present"),
    (f"guest {_SYSTEM}.AR/LIMIT malformed",
     "system-segment-reserved system-granularity-low system-granularity-high"),
    ("guest TR invalid", "tr-unusable"),
    ("link pointer malformed", "link-pointer-aligned link-pointer-width"),
    ("link pointer (must indicate shadow|incorrect revision)", "link-pointer-revision"),
    ("link pointer equal to current", "link-pointer-current"),
    ("tmpDR6 reserved bits", "pending-reserved pending-rtm pending-rtm-supported"),
    ("guest activity state", "activity-supported"),
    ("HLT state with SS.DPL", "activity-hlt-dpl"),
    ("interruptibility state broken when entering", "activity-blocked"),
    ("interruptibility state broken$", "blocking-reserved blocking-sti-and-mov-ss "
     "blocking-enclave-sgx blocking-enclave-mov-ss"),
    ("can't be blocked by STI when", "blocking-sti-if"),
    ("blocked when injecting external interrupt", "blocking-external-interrupt guest-rflags-if"),
    ("blocked when injecting NMI", "blocking-nmi-mov-ss blocking-nmi-sti"),
    ("No guest interruptions are allowed", "activity-sipi-event"),
    ("allowed when entering shutdown", "activity-shutdown-event"),
    ("must not indicate the wait-for-SIPI state", "activity-smm"),
    ("SMI blocked when not in SMM", "blocking-smi"),
    ("EPT Guest State PDPTRs", "pdpte-fields"),
    ("VMENTER: Guest State PDPTRs", "pdpte-memory"),
    ("Error when loading guest MSR", "msr-reserved msr-fs-gs-base msr-x2apic msr-smm "
     "msr-write-fault msr-microcode"),
)  # fmt: skip
_RULES = tuple((re.compile(message), set(rules.split())) for message, rules in _MESSAGES)


def _refusals(log: Path) -> Iterator[str]:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        found = _REFUSAL.search(line)
        if found:
            yield found[1].strip()


def rules_of(message: str) -> set[str]:
    """The rules that a line of Bochs's log may be about; empty where it is not known."""
    for pattern, rules in _RULES:
        if pattern.search(message):
            return rules
    return set()


def entries(result: Result) -> Iterator[str]:
    """The self-test of VM entries ran, broke rules of every kind, and found no difference."""
    selftest = result.report["selftest_entry"]
    if selftest is None:
        yield "the self-test of VM entries did not run"
        return
    for row in selftest["trials"]:
        if not row["agrees"] and not row["departs"]:
            yield f"trial {row['trial']} for {row['rule']}: {row['predicted']} is {row['seen']}"
    if selftest["differences"] != 0:
        yield f"{selftest['differences']} differences: {selftest['told']}"
    if selftest["random"] < 10000:
        yield f"only {selftest['random']} random images were tried"
    missing = {"VMfailValid 7", "VMfailValid 8", "exit reason 33", "exit reason 34"} - {
        row["seen"]["class"] for row in selftest["trials"]
    }
    if missing:
        yield f"no trial ended in {sorted(missing)}"


def entry_rules(result: Result) -> Iterator[str]:
    """Bochs refused each trial for the rule that we say is broken; prints in how many."""
    if result.screenshot is None:
        yield "there is no folder with Bochs's log"
        return
    lines = _refusals(result.screenshot.parent / "bochs.log")
    trials = [row for row in result.report["selftest_entry"]["trials"] if row["seen"]["class"] != "enters"]
    agreed = 0
    for row in trials:
        line = next(lines, "")
        if row["rule"] in rules_of(line):
            agreed += 1
        else:
            yield f"trial {row['trial']} for {row['rule']}: Bochs's log says {line!r}"
    print(f"Bochs's log names our rule in {agreed} of {len(trials)} refused trials")
