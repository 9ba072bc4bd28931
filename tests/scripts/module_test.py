# SPDX-License-Identifier: GPL-2.0-only
"""The compiler module as the linker made it: what it shows, what it needs, what is in it."""
import re
import subprocess
from pathlib import Path

import tap

BUILD = Path(tap.EBSCRIPT).resolve().parent
MODULE = BUILD / "lib/ebscript/ebscript-clang.so"
IS_STATIC = "EBS_CLANG_STATIC:BOOL=ON" in (BUILD / "CMakeCache.txt").read_text().splitlines()
FUNCTIONS = {"ebs_clang_compile", "ebs_clang_version"}


def readelf(*options):
    return subprocess.run(
        ["readelf", "--wide", *options, MODULE], check=True, capture_output=True, text=True
    ).stdout


def shown():
    """Names that the module defines and others can see."""
    rows = [line.split() for line in readelf("--dyn-syms").splitlines()]
    return {row[7] for row in rows if len(row) == 8 and row[0][:-1].isdigit() and row[6].isdigit()}


@tap.case("the module shows its two functions")
def functions():
    tap.ok(FUNCTIONS <= shown(), f"{FUNCTIONS} are among {shown()}")
    if IS_STATIC:
        tap.equal(shown(), FUNCTIONS)


@tap.case("the module needs clang's library, or has clang in it")
def libraries():
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", readelf("--dynamic"))
    of_clang = [name for name in needed if re.match(r"lib(clang|LLVM|stdc\+\+|gcc)", name)]
    tap.equal(bool(of_clang), not IS_STATIC, f"needs {needed}")


def targets():
    found = set(re.findall(r"\bLLVMInitialize(\w+)TargetInfo$", readelf("--syms"), re.MULTILINE))
    tap.equal(found, {"BPF"})


if IS_STATIC:
    tap.case("BPF is the only target in it")(targets)
tap.run()
