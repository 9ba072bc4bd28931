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


# Files that map memory, and how they read what others write there.
MAPS = {
    "kernel/ring_buffer.c": "base/shared.h",
    "kernel/printk.c": "base/shared.h",
    "kernel/losses.c": "base/shared.h",
    "kernel/map_memory.c": "values alone: lengths and counts are the map's, not the memory's",
    "kernel/globals.c": "values alone: lengths and counts are the types', not the memory's",
    "kernel/refusal_log.c": "memory of its own, for the verifier's log",
    "compile/child_live.c": "memory of its own, for the request",
    "types/btf_blob.c": "files of the kernel's own in sysfs, which stay as they are",
}

# Pointers to structs of a foreign format, and the files that may have them. Others copy: by
# ebs_bytes_copy(), or by libelf's gelf_...().
FOREIGN = [
    (r"const Elf(32|64)_\w+ \*", set()),
    (r"const struct (ext_header|ext_section|ebs_btf_header) \*", set()),
    (r"\(const struct btf_\w+ \*\)", {
        "types/btf_blob.c", "types/btf_blob.h", "types/btf_find.c", "types/closure_write.c",
        "types/kernel_has.c"}),
    (r"ELF_C_(READ_MMAP|RDWR|WRITE)", set()),
    (r"(NLMSG|RTA)_(DATA|OK|NEXT)\(", set()),
]

# A word of foreign text must have a largest length: "%7s", or "%*s".
SCANF = re.compile(r'scanf\((?:[^;"]|"(?:[^"\\]|\\.)*")*;')
ENDLESS = re.compile(r"%(s|\[)")


MMAP = re.compile(r"^(?!\s*//).*(?<!\w)mmap\(", re.MULTILINE)


def wrong_readings(file, text):
    wrong = []
    if MMAP.search(text):
        if file not in MAPS:
            wrong.append(f"{file}: maps memory: read into memory of your own, or see MAPS")
        elif MAPS[file].startswith("base/") and f'#include "{MAPS[file]}"' not in text:
            wrong.append(f"{file}: lacks {MAPS[file]}")
    for pattern, allowed in FOREIGN:
        if file not in allowed and re.search(pattern, text):
            wrong.append(f"{file}: {pattern}: copy by base/bytes.h")
    for call in SCANF.findall(text):
        if ENDLESS.search(call.replace("%%", "")):
            wrong.append(f"{file}: a word without a largest length: {call}")
    return wrong


@tap.case("what others have made is read by base/bytes.h, base/shared.h, or a listed way")
def foreign_bytes():
    wrong, maps = [], set()
    for path in sources():
        file, text = str(path.relative_to(HOST)), path.read_text()
        wrong += wrong_readings(file, text)
        if MMAP.search(text):
            maps.add(file)
    tap.equal(wrong, [], "wrong readings")
    tap.equal(set(MAPS) - maps, set(), "files of MAPS that map nothing")


@tap.case("a wrong reading is found")
def reading_check():
    for file, line in [
        ("kernel/map.c", "data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);"),
        ("kernel/losses.c", "memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);"),
        ("types/line_info.c", "const Elf64_Shdr *sections = elf;"),
        ("types/object_btf.c", "const struct ext_header *header = btf_ext;"),
        ("types/closure.c", "type = (const struct btf_type *)(blob->data + offset);"),
        ("binary/file.c", "elf_begin(fd, ELF_C_READ_MMAP, NULL);"),
        ("kernel/clsact.c", "const struct tcmsg *found = NLMSG_DATA(message);"),
        ("kernel/kallsyms.c", 'sscanf(line, "%llx %c %s", &address, &type, name);'),
        ("kernel/kallsyms.c", 'sscanf(line,\n\t"%d%%"\n\t"%[a-z]", &number, name);'),
    ]:
        tap.ok(wrong_readings(file, line), f"{file}: {line} passed")
    for file, line in [
        ("kernel/map.c", "munmap(data, size);"),
        ("kernel/losses.c", '#include "base/shared.h"\nmemory = mmap(NULL, size);'),
        ("types/object_btf.c", "Elf64_Ehdr header;"),
        ("kernel/kallsyms.c", 'sscanf(line, "%*s %7s %%s %15[a-z]", one, two);'),
    ]:
        tap.equal(wrong_readings(file, line), [], f"{file}: {line}")


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
