# SPDX-License-Identifier: GPL-2.0-only
"""--check, --emit and --stats: to see what a script's C becomes without running it."""
import contextlib
import json
import os
import re
import shutil
import struct
import tempfile
from pathlib import Path

import tap

PROGRAM = "ebs_emit_test"  # as the kernel lists it
SCRIPT = f"""
local bpf = require("bpf")
print("before")
local object <close> = assert(bpf.load({{ source = [[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
const volatile int limit = 1;
int last;
SEC("raw_tp/sched_process_exec")
int {PROGRAM}(struct bpf_raw_tracepoint_args *context)
{{
	struct task_struct *task = (void *)context->args[0];

	last = BODY;
	return 0;
}}
]], constants = {{ limit = 7 }}, defines = {{ BODY = (...) }} }}))
print("loaded")
assert(object:attach())
print("attached")
bpf.every(0.01, bpf.stop)
assert(bpf.run())
"""
FINE, REFUSED, WRONG = "limit + !task", "*(volatile int *)0 + !task", "task->nothing"


@contextlib.contextmanager
def script(text=SCRIPT):
    tap.needs_kernel()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "test.lua")
        path.write_text(text)
        yield path


def run(path, *words, body=FINE, status=0, **options):
    return tap.ebscript("--no-cache", *words, path, body, status=status, **options)


def needs_bpftool():
    if not shutil.which("bpftool"):
        tap.skip("needs bpftool")


@tap.case("--check compiles and loads, and attaches nothing")
def check():
    with script() as path:
        out, err = run(path, "--check")
        tap.equal((out, err), (["before", "loaded"], []), "output")
        out, err = tap.ebscript("--cache-dir", path.parent / "cache", "--check", path, FINE)
        tap.equal(len(list((path.parent / "cache").glob("*.ebs"))), 1, "entries")
        out, err = tap.ebscript("--cache-dir", path.parent / "cache", "--check", path, FINE)
        tap.equal((out, err), (["before", "loaded"], []), "output with a cached object")


@tap.case("--check: what the compiler refuses, status 1")
def check_compile():
    with script() as path:
        out, err = run(path, "--check", body=WRONG, status=1)
        tap.equal(out, ["before"], "output")
        tap.match(err[0], r"^ebscript: test\.lua:14:9: error: no member named 'nothing' in 'struct task_struct'$")


@tap.case("--check: what the verifier refuses, status 1, with its reason")
def check_verifier():
    with script() as path:
        out, err = run(path, "--check", body=REFUSED, status=1)
        tap.equal(out, ["before"], "output")
        tap.match(err[0], r"^ebscript: test\.lua:14:9: error: the verifier refuses \"ebs_emit_test\": ")
        tap.match("\n".join(err), r"^kernel: R\d+ invalid mem access 'scalar'")


@tap.case("--check of a script that attaches a single program, or none at all")
def check_others():
    for last in ('print(object:program("on"):attach())', "bpf.run()", "print('end')"):
        with script('local bpf = require("bpf")\nlocal object = assert(bpf.load({ source = [[\n'
                    '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n'
                    'SEC("raw_tp/sched_process_exec") int on(void *context) { return 0; }\n]] }))\n' + last) as path:
            out, err = tap.ebscript("--no-cache", "--check", path)
            tap.equal((out, err), (["end"] if "end" in last else [], []), "output")


@tap.case("--emit c prints the C of the first load, with the size of the kernel's header")
def emit_c():
    with script() as path:
        out, err = run(path, "--emit", "c")
        tap.equal(err, [], "standard error")
        tap.equal(out[0], "before", "the script's own output")
        found = tap.match(out[1], r"^// test\.lua; vmlinux\.h: (\d+) bytes, (\d+) lines$")
        tap.ok(1000 < int(found[1]) < 200000 and 50 < int(found[2]) < 10000, out[1])
        tap.equal(out[2:], SCRIPT.split("[[\n")[1].split("\n]]")[0].split("\n"), "the C")


@tap.case("--emit obj=FILE writes an object that others can load")
def emit_object():
    needs_bpftool()
    with script() as path:
        file = path.parent / "test.o"
        out, err = run(path, "--emit", f"obj={file}")
        tap.equal((out, err), (["before"], []), "output")
        tap.equal(file.read_bytes()[:4], b"\x7fELF", "its beginning")
        # A file system of its own for the pin, so that the program goes with it whatever happens.
        place = path.parent / "bpffs"
        place.mkdir()
        tap.sh("mount", "-t", "bpf", "none", place)
        try:
            tap.sh("bpftool", "prog", "load", file, place / "program")
            shown = json.loads(tap.sh("bpftool", "-j", "prog", "show", "pinned", place / "program"))
            tap.equal((shown["name"], shown["type"]), (PROGRAM, "raw_tracepoint"), "the program")
        finally:
            tap.sh("umount", place)


@tap.case("--emit obj=FILE out of the cache is the same object")
def emit_cached():
    with script() as path:
        cache, objects = path.parent / "cache", []
        run_cached = ["--cache-dir", cache, path, FINE]
        tap.ebscript("--check", *run_cached)
        for number, words in enumerate((["--no-cache"], [])):
            file = path.parent / f"{number}.o"
            tap.ebscript(*words, "--emit", f"obj={file}", *run_cached)
            objects.append(file.read_bytes())
        tap.ok(objects[0] == objects[1], "the objects differ")


CONSTANTS = """
local bpf = require("bpf")
assert(bpf.load({ source = [[
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
const volatile int limit = 1;
const volatile char name[8] = "none";
const volatile struct { unsigned char a; unsigned short b; } pair;
static const char format[] = "%d";
volatile int seen = 5;
SEC("raw_tp/sched_process_exec")
int run(void *context)
{
	bpf_trace_printk(format, sizeof(format), limit + name[0] + pair.a + pair.b + seen);
	return 0;
}
]], constants = CONSTANTS }))
"""
CHANGED = {"limit": b"\x07\0\0\0", "name": b"tool\0\0\0\0", "pair": b"\x02\0\x04\x03"}


def contents(elf):
    """The bytes of each variable in .rodata, by elf(5): 64 bits, this machine's byte order."""
    start, size, count, names = struct.unpack_from("=Q10xHHH", elf, 40)
    sections = [struct.unpack_from("=IIQQQQIIQQ", elf, start + i * size) for i in range(count)]

    def text(section, place):
        begin = sections[section][4] + place
        return elf[begin:elf.index(b"\0", begin)].decode()

    found = {}
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        for place in range(section[4], section[4] + section[5], 24):
            name, _, _, where, value, length = struct.unpack_from("=IBBHQQ", elf, place)
            if length and where < count and text(names, sections[where][0]) == ".rodata":
                begin = sections[where][4] + value
                found[text(section[6], name)] = elf[begin:begin + length]
    return found


@tap.case("--emit obj=FILE: the script's constants are in it, and nothing else changes")
def emit_constants():
    objects = []
    for constants in ("nil", "{}", "{ limit = 1 }", '{ limit = 7, name = "tool", pair = { a = 2, b = 0x304 } }'):
        with script(CONSTANTS.replace("CONSTANTS", constants)) as path:
            file, cache = path.parent / "test.o", path.parent / "cache"
            for _ in range(2):
                out, err = tap.ebscript("--cache-dir", cache, "--emit", f"obj={file}", path)
                tap.equal((out, err), ([], []), "output")
                objects.append(file.read_bytes())
                tap.ebscript("--cache-dir", cache, "--check", path)
    tap.ok(all(elf == objects[0] for elf in objects[:6]), "constants that the C has already change nothing")
    tap.ok(objects[6] == objects[7], "the cached object gets them too")
    before, after = contents(objects[0]), contents(objects[6])
    tap.equal(before["name"], b"none\0\0\0\0", "what the C says")
    tap.equal(after, before | CHANGED, "the constants")
    tap.equal(len(objects[6]), len(objects[0]), "size of the file")


@tap.case("--emit obj=FILE: a constant that is wrong, and no file then")
def emit_wrong_constant():
    for constants, message in (("{ limti = 7 }", 'there is no constant "limti": .* are: limit, name'),
                               ('{ limit = "x" }', "constant limit")):
        with script(CONSTANTS.replace("CONSTANTS", constants)) as path:
            _, err = tap.ebscript("--no-cache", "--emit", f"obj={path.parent}/test.o", path, status=1)
            tap.match(err[0], message)
            tap.ok(not (path.parent / "test.o").exists(), "no object")


@tap.case("--emit: C that does not compile, and a file that cannot be written")
def emit_fails():
    with script() as path:
        _, err = run(path, "--emit", f"obj={path.parent}/test.o", body=WRONG, status=1)
        tap.match(err[0], "error: no member named 'nothing'")
        tap.ok(not (path.parent / "test.o").exists(), "no object")
        _, err = run(path, "--emit", "obj=/nowhere/test.o", status=1)
        tap.equal(err, ["ebscript: test.lua: can't write to /nowhere/test.o: No such file or directory"],
                  "one line, no traceback")
        _, err = tap.ebscript("--emit", "elf", path, status=2)
        tap.equal(err[0], "ebscript: --emit takes c or obj=FILE", "usage")


NUMBER = r"(\d+\.\d\d) ms"
START = (f"^ebscript: test\\.lua: start: script {NUMBER}, types {NUMBER}, compile {NUMBER}, load {NUMBER}, "
         f"attach {NUMBER}, in all {NUMBER}$")
CACHE = (r"^ebscript: test\.lua: cache: (\d+) hits, (\d+) misses; "
         r"peak memory: host (\d+) KiB, compiler (\d+) KiB$")


@tap.case("--stats tells where the time of the start went, and the memory")
def stats():
    with script() as path:
        figures = []
        for _ in range(2):
            out, err = tap.ebscript("--stats", "--cache-dir", path.parent / "cache", path, FINE)
            tap.equal((out, len(err)), (["before", "loaded", "attached"], 2), f"lines, {err}")
            times = [float(number) for number in tap.match(err[0], START).groups()]
            tap.ok(abs(sum(times[:5]) - times[5]) < 0.1, f"the sum: {times}")
            figures.append((times, [int(number) for number in tap.match(err[1], CACHE).groups()]))
        (first, one), (second, two) = figures
        tap.ok(all(time > 0 for time in first), f"each phase of an uncached start takes time: {first}")
        tap.equal(second[1:3], [0.0, 0.0], "types and compile of a cached start")
        tap.ok(second[3] > 0 and second[4] > 0, f"load and attach of a cached start: {second}")
        tap.equal((one[:2], two[:2]), ([0, 1], [1, 0]), "hits and misses")
        tap.ok(one[3] > 20000 and two[3] == 0, f"memory of the compiler: {one[3]}, {two[3]}")
        slow = os.environ.get("EBS_TEST_SLOWNESS", "1") != "1"  # so is memory large
        tap.ok(all(500 < host < 8000 or slow for host in (one[2], two[2])), f"memory of the host: {one[2]}, {two[2]}")


@tap.case("--stats does not count the time of bpf.run(), and comes with failures too")
def stats_of_start():
    with script(SCRIPT.replace("bpf.every(0.01", "bpf.every(0.5")) as path:
        _, err = run(path, "--stats")
        tap.ok(float(tap.match(err[0], START)[1]) < 400, err[0])
        _, err = run(path, "--stats", body=WRONG, status=1)
        tap.match("\n".join(err), START)


tap.run()
