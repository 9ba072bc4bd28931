# SPDX-License-Identifier: GPL-2.0-only
"""Finds the #include lines under host/ that cross a border of docs/architecture.md."""
import re
from pathlib import Path

import tap

HOST = Path(__file__).resolve().parents[2] / "host"

# Which folders may know which; each knows itself. "." is host/ itself: main.c.
KNOWS = {
    ".": {"script", "base"},
    "helper": {"base"},
    "script": {"compile", "kernel", "helper", "loop", "output", "types", "base"},
    "compile": {"types", "base"},
    "kernel": {"binary", "helper", "types", "base"},
    "binary": {"base"},
    "output": {"types", "base"},
    "types": {"base"},
    "loop": {"base"},
    "base": set(),
}

# Headers of a dependency, and the only place (a folder, or one file) that may include them.
DOORS = [
    (r"(lua|lauxlib|lualib|luaconf)\.h(pp)?$", "script"),
    (r"uv(\.h$|/)", "loop"),
    (r"(clang|clang-c|llvm|llvm-c)/", "compile/clang_driver.cpp"),
    (r"bpf/(libbpf|libbpf_.*|bpf)\.h$", "kernel"),
    (r"bpf/btf\.h$", "types"),
    (r"sys/capability\.h$", "base"),
    (r"(libelf|gelf|zlib)\.h$|libiberty/", "binary"),
    # The rest of libbpf's headers is for BPF programs.
    (r"bpf/", None),
]

# Gives the quote or bracket, and the name behind it.
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

# Names of system headers that are taken here all the same: glibc's error.h has a function that
# nobody here calls, and ours is never included without its folder.
TAKEN = {"error.h"}


def wrong_include(file, quote, header):
    """Why `file` (relative to host/) may not include `header`, or None."""
    folder = file.parts[0] if len(file.parts) > 1 else "."
    if folder not in KNOWS:
        return f"folder {folder}/ is not in the table of this test"
    target = header.split("/")[0]
    if quote == '"':
        if target not in KNOWS or "/" not in header or ".." in header:
            return "our own headers are included as \"folder/file.h\", others in angle brackets"
        if target != folder and target not in KNOWS[folder]:
            return f"{folder}/ may not know {target}/"
        return None
    if target in KNOWS:
        return "our own headers are included in quotes"
    for pattern, place in DOORS:
        if re.match(pattern, header):
            if place in (folder, str(file)):
                return None
            return f"only {place} may include it" if place else "it is for BPF programs"
    return None


def wrong_includes(file, text):
    return [
        f"{file}: {header}: {why}"
        for quote, header in INCLUDE.findall(text)
        if (why := wrong_include(file, quote, header))
    ]


def system_headers():
    """The names that stand directly in the system's include directories."""
    roots = [Path("/usr/include"), *Path("/usr/include").glob("*-linux-gnu*")]
    return {entry.name for root in roots if root.is_dir() for entry in root.iterdir()}


def sources():
    files = [path for path in HOST.rglob("*") if path.suffix in (".c", ".h", ".cpp")]
    tap.ok(len(files) > 10, "sources found under host/")
    return files


@tap.case("each folder includes only what it may know")
def borders():
    wrong = []
    for path in sources():
        wrong += wrong_includes(path.relative_to(HOST), path.read_text())
    tap.equal(wrong, [], "wrong includes")


@tap.case("no file or folder is named like a system header")
def names():
    theirs = system_headers()
    tap.ok("stdio.h" in theirs, "the system's headers found")
    ours = {path.name for path in HOST.rglob("*") if path.suffix == ".h" or path.is_dir()}
    tap.equal(sorted(ours & theirs - TAKEN), [], "names that the system has too")


@tap.case("numbers in memory that somebody else writes are read by base/shared.h alone")
def shared_memory():
    once = re.compile(r"__atomic_load|\*\s*\((const )?volatile ")
    found = {str(path.relative_to(HOST)) for path in sources() if once.search(path.read_text())}
    tap.equal(found, {"base/shared.h"}, "files that read such numbers")


@tap.case("a wrong line is found")
def self_check():
    def verdict(file, line):
        return bool(wrong_includes(Path(file), f"#include <stdio.h>\n{line}\n"))

    for file, line in [
        ("kernel/map.c", '#include "script/value.h"'),
        ("base/error.c", '#include "types/layout.h"'),
        ("output/row.c", '#include "kernel/map.h"'),
        ("main.c", '#include "kernel/map.h"'),
        ("main.c", "#include <lua.h>"),
        ("kernel/map.c", "#  include <lauxlib.h>"),
        ("script/state.c", "#include <uv.h>"),
        ("script/state.c", "#include <bpf/libbpf.h>"),
        ("types/layout.c", "#include <bpf/bpf.h>"),
        ("kernel/map.c", "#include <bpf/btf.h>"),
        ("kernel/map.c", "#include <bpf/bpf_helpers.h>"),
        ("compile/worker.c", "#include <clang-c/Index.h>"),
        ("kernel/map.c", '#include "map.h"'),
        ("kernel/map.c", '#include "../script/value.h"'),
        ("kernel/map.c", "#include <base/error.h>"),
        ("stray/file.c", "#include <stdlib.h>"),
    ]:
        tap.ok(verdict(file, line), f"{file}: {line} passed")
    for file, line in [
        ("kernel/map.c", '#include "types/layout.h"'),
        ("kernel/map.c", "#include <bpf/libbpf.h>"),
        ("kernel/map.c", "#include <linux/bpf.h>"),
        ("compile/clang_driver.cpp", "#include <llvm/IR/Module.h>"),
        ("script/state.c", "#include <lua.h>"),
        ("main.c", '#include "script/state.h"'),
        ("types/layout.c", "// #include <lua.h>"),
    ]:
        tap.ok(not verdict(file, line), f"{file}: {line} was refused")


tap.run()
