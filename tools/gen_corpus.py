#!/usr/bin/env python3
"""Makes tools/vmxcap's table of known CPUs from tests/data/vmx-msrs/vmx-msrs.csv.

    tools/gen_corpus.py vmx-msrs.csv corpus.c

The generation of each row comes from the tables below: by CPUID family, model and stepping as
Intel's documents give them ("Intel 64 and IA-32 Architectures Software Developer's Manual",
Volume 4, table "CPUID Signature Values of DisplayFamily_DisplayModel"), or, where a row has no
CPUID, from the name in its `cpu` column.
"""

import csv
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

MSRS = range(0x480, 0x494)
HEADER = [
    "id", "cpu", "family_model_stepping", "kind", "confidence", "source", "msr_03a",
    *(f"msr_{msr:03x}" for msr in MSRS), "odd", "notes",
]  # fmt: skip


class Generation(NamedTuple):
    name: str
    vendor: str
    year: int  # first sold


# In the order of time; of one year, as they came out.
GENERATIONS = [
    Generation("NetBurst", "Intel", 2005),
    Generation("Yonah", "Intel", 2006),
    Generation("Core (65 nm)", "Intel", 2006),
    Generation("Penryn", "Intel", 2007),
    Generation("Isaiah", "VIA", 2008),
    Generation("Bonnell", "Intel", 2008),
    Generation("Nehalem", "Intel", 2008),
    Generation("Westmere", "Intel", 2010),
    Generation("Sandy Bridge", "Intel", 2011),
    Generation("Ivy Bridge", "Intel", 2012),
    Generation("Haswell", "Intel", 2013),
    Generation("Silvermont", "Intel", 2013),
    Generation("Broadwell", "Intel", 2014),
    Generation("Airmont", "Intel", 2015),
    Generation("ZX-C", "Zhaoxin", 2015),
    Generation("Skylake", "Intel", 2015),
    Generation("Goldmont", "Intel", 2016),
    Generation("Kaby Lake", "Intel", 2016),
    Generation("ZX-E", "Zhaoxin", 2017),
    Generation("Skylake server", "Intel", 2017),
    Generation("Coffee Lake", "Intel", 2017),
    Generation("Goldmont Plus", "Intel", 2017),
    Generation("Cannon Lake", "Intel", 2018),
    Generation("Whiskey Lake", "Intel", 2018),
    Generation("KX-6000", "Zhaoxin", 2019),
    Generation("Cascade Lake", "Intel", 2019),
    Generation("Comet Lake", "Intel", 2019),
    Generation("Ice Lake", "Intel", 2019),
    Generation("CNS", "Centaur", 2019),
    Generation("Lakefield", "Intel", 2020),
    Generation("Cooper Lake", "Intel", 2020),
    Generation("Snow Ridge", "Intel", 2020),
    Generation("Tiger Lake", "Intel", 2020),
    Generation("Jasper Lake", "Intel", 2021),
    Generation("Elkhart Lake", "Intel", 2021),
    Generation("Rocket Lake", "Intel", 2021),
    Generation("Ice Lake server", "Intel", 2021),
    Generation("Alder Lake", "Intel", 2021),
    Generation("YongFeng", "Zhaoxin", 2022),
    Generation("Raptor Lake", "Intel", 2022),
    Generation("Alder Lake N", "Intel", 2023),
    Generation("Sapphire Rapids", "Intel", 2023),
    Generation("KX-7000", "Zhaoxin", 2023),
    Generation("Meteor Lake", "Intel", 2023),
    Generation("Emerald Rapids", "Intel", 2023),
    Generation("Sierra Forest", "Intel", 2024),
    Generation("Granite Rapids", "Intel", 2024),
    Generation("Lunar Lake", "Intel", 2024),
    Generation("Arrow Lake", "Intel", 2024),
    Generation("Panther Lake", "Intel", 2026),
    Generation("Wildcat Lake", "Intel", 2026),
    Generation("Clearwater Forest", "Intel", 2026),
]

# Family 6 of Intel: generation: models. Models that several generations share stand below.
INTEL_FAMILY_6 = {
    "Yonah": (0x0E,),
    "Core (65 nm)": (0x0F, 0x16),
    "Penryn": (0x17, 0x1D),
    "Bonnell": (0x1C, 0x26, 0x27, 0x35, 0x36),
    "Nehalem": (0x1A, 0x1E, 0x1F, 0x2E),
    "Westmere": (0x25, 0x2C, 0x2F),
    "Sandy Bridge": (0x2A, 0x2D),
    "Ivy Bridge": (0x3A, 0x3E),
    "Haswell": (0x3C, 0x3F, 0x45, 0x46),
    "Silvermont": (0x37, 0x4A, 0x4D, 0x5A, 0x5D),
    "Broadwell": (0x3D, 0x47, 0x4F, 0x56),
    "Airmont": (0x4C, 0x75),
    "Skylake": (0x4E, 0x5E),
    "Skylake server": (0x55,),
    "Goldmont": (0x5C, 0x5F),
    "Kaby Lake": (0x8E, 0x9E),
    "Goldmont Plus": (0x7A,),
    "Cannon Lake": (0x66,),
    "Comet Lake": (0xA5, 0xA6),
    "Ice Lake": (0x7D, 0x7E),
    "Lakefield": (0x8A,),
    "Snow Ridge": (0x86,),
    "Tiger Lake": (0x8C, 0x8D),
    "Elkhart Lake": (0x96,),
    "Jasper Lake": (0x9C,),
    "Rocket Lake": (0xA7,),
    "Ice Lake server": (0x6A, 0x6C),
    "Alder Lake": (0x97, 0x9A),
    "Alder Lake N": (0xBE,),
    "Raptor Lake": (0xB7, 0xBA, 0xBF),
    "Sapphire Rapids": (0x8F,),
    "Meteor Lake": (0xAA, 0xAC),
    "Emerald Rapids": (0xCF,),
    "Sierra Forest": (0xAF,),
    "Granite Rapids": (0xAD, 0xAE),
    "Lunar Lake": (0xBD,),
    "Arrow Lake": (0xB5, 0xC5, 0xC6),
    "Panther Lake": (0xCC,),
    "Wildcat Lake": (0xD5,),
    "Clearwater Forest": (0xDD,),
}

# (model, from stepping): generation, for models that more than one generation has.
INTEL_STEPPINGS = {
    (0x55, 0x5): "Cascade Lake",
    (0x55, 0xA): "Cooper Lake",
    (0x8E, 0xA): "Coffee Lake",
    (0x8E, 0xB): "Whiskey Lake",
    (0x8E, 0xC): "Comet Lake",
    (0x9E, 0xA): "Coffee Lake",
}

# VIA, Centaur and Zhaoxin: (family, model).
CENTAUR = {
    (0x6, 0x0F): "Isaiah",
    (0x6, 0x47): "CNS",
    (0x6, 0x19): "ZX-C",
    (0x7, 0x0B): "YongFeng",
    (0x7, 0x1B): "ZX-E",
    (0x7, 0x3B): "KX-6000",
    (0x7, 0x5B): "YongFeng",
    (0x7, 0x6B): "KX-7000",
}

# Rows without a CPUID: a word of the `cpu` column and the generation. The first that fits counts.
NAMES = [
    ("Core(TM)2 Duo CPU     P8600", "Penryn"),
    ("Core(TM)2 Duo CPU E6550", "Core (65 nm)"),
    ("i7-6700K", "Skylake"),
    *((name, name) for name in (g.name for g in GENERATIONS)),
]


def is_centaur(cpu: str) -> bool:
    return bool(re.search(r"\b(VIA|ZHAOXIN|Zhaoxin|CentaurHauls)\b", cpu))


def generation(row: dict[str, str]) -> str | None:
    """The name of a row's generation, None where it cannot be told."""
    cpu = row["cpu"]
    signature = re.match(r"([0-9A-F]+)_([0-9A-F]+)H_([0-9A-F]+)", row["family_model_stepping"])
    if row["kind"] == "nested-hypervisor":
        return None
    if "Icelake-Server" in cpu:
        return "Ice Lake server"  # QEMU once gave it a model number of Snow Ridge's
    if signature is None:
        return next((name for word, name in NAMES if word in cpu), None)
    family, model, stepping = (int(part, 16) for part in signature.groups())
    if is_centaur(cpu):
        if "ZX-C" in cpu:
            return "ZX-C"
        return CENTAUR.get((family, model))
    if family == 0xF:
        return "NetBurst"
    if family != 0x6:
        return None
    shared = [
        (least, name)
        for (shared_model, least), name in INTEL_STEPPINGS.items()
        if shared_model == model and stepping >= least
    ]
    if shared:
        return max(shared)[1]
    return next((name for name, models in INTEL_FAMILY_6.items() if model in models), None)


def c_string(text: str) -> str:
    plain = text.encode("utf-8")
    quoted = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and chr(byte) not in '"\\?' else f"\\{byte:03o}"
        for byte in plain
    )
    return f'"{quoted}"'


def read_value(row: dict[str, str], column: str) -> int | None:
    text = row[column]
    if not text:
        return None
    if not re.fullmatch(r"0x[0-9a-f]{1,16}", text):
        raise ValueError(f"row {row['id']}, {column}: expected 0x and up to 16 digits: {text!r}")
    return int(text, 16)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != HEADER:
            raise ValueError(f"{path}: the header is not {','.join(HEADER)}")
        rows = list(reader)
    seen = set()
    for row in rows:
        if None in row or None in row.values():
            raise ValueError(f"{path}: row {row['id']} does not have {len(HEADER)} cells")
        if row["id"] in seen:
            raise ValueError(f"{path}: two rows are named {row['id']}")
        seen.add(row["id"])
    return rows


def put_row(row: dict[str, str]) -> Iterable[str]:
    order = {entry.name: index for index, entry in enumerate(GENERATIONS)}
    name = generation(row)
    texts = {
        "id": "id", "cpu": "cpu", "cpuid": "family_model_stepping", "kind": "kind",
        "confidence": "confidence", "source": "source", "odd": "odd", "notes": "notes",
    }  # fmt: skip
    values = [(msr, read_value(row, f"msr_{msr:03x}")) for msr in MSRS]
    present = sum(1 << (msr - MSRS.start) for msr, value in values if value is not None)
    feature_control = read_value(row, "msr_03a")

    yield "    {\n"
    for member, column in texts.items():
        yield f"        .{member} = {c_string(row[column])},\n"
    if name is not None:
        yield f"        .generation = &corpus_generations[{order[name]}],\n"
    yield f"        .dump.msrs.present = {present:#x},\n"
    for msr, value in values:
        if value is not None:
            yield f"        .dump.msrs.value[{msr - MSRS.start}] = {value:#x}ull,\n"
    if feature_control is not None:
        yield "        .dump.has_feature_control = true,\n"
        yield f"        .dump.feature_control = {feature_control:#x}ull,\n"
    yield "    },\n"


def put_corpus(rows: list[dict[str, str]]) -> Iterable[str]:
    yield "/* Made by tools/gen_corpus.py from tests/data/vmx-msrs/vmx-msrs.csv. */\n"
    yield '#include "tools/capability/corpus.h"\n\n'
    yield f"const char corpus_csv_header[] = {c_string(','.join(HEADER))};\n\n"
    yield "const struct corpus_generation corpus_generations[] = {\n"
    for order, entry in enumerate(GENERATIONS):
        yield f"    {{{c_string(entry.name)}, {c_string(entry.vendor)}, {entry.year}, {order}}},\n"
    yield "};\n\n"
    yield f"const size_t corpus_generation_count = {len(GENERATIONS)};\n\n"
    yield "const struct corpus_row corpus[] = {\n"
    for row in rows:
        yield from put_row(row)
    yield "};\n\n"
    yield f"const size_t corpus_count = {len(rows)};\n"


def main(arguments: list[str]) -> int:
    if len(arguments) != 3:
        print("usage: gen_corpus.py vmx-msrs.csv corpus.c", file=sys.stderr)
        return 2
    try:
        text = "".join(put_corpus(read_rows(Path(arguments[1]))))
    except (OSError, ValueError) as error:
        print(f"gen_corpus.py: {error}", file=sys.stderr)
        return 1
    Path(arguments[2]).write_text(text, encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
