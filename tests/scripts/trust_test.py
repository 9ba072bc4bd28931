# SPDX-License-Identifier: GPL-2.0-only
"""Whom root's ebscript trusts: what others put in its way is not read, compiled, run or overwritten."""
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import tap

NOBODY = 65534
HOST = Path(__file__).resolve().parents[2] / "host"
SUPPORT = Path(os.environ["EBS_TEST_SUPPORT"])
LOAD = """
local bpf = require("bpf")
local object <close> = assert(bpf.load({ %s }))
print(pcall(object.program, object, "ours") and "ours"
    or pcall(object.program, object, "theirs") and "theirs" or "another's")
"""
PROGRAM = '__attribute__((section("socket"), used)) int %s(void *context) { return 0; }\n'


@contextlib.contextmanager
def folder(mode=0o755, owner=0):
    """A folder of root's in which there are `mode` and `owner`, in a folder that is sticky."""
    tap.needs_root()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place)
        os.chown(path, owner, owner)
        path.chmod(mode)
        yield path


def put(path, text, owner=0, mode=0o644):
    path.write_text(text)
    os.chown(path, owner, owner)
    path.chmod(mode)
    return path


def load(c="", header="ebscript.bpf.h"):
    """A script that says which of the two programs its C and the header make."""
    return LOAD % f'source = [[\n#include "{header}"\n#ifndef THEIRS\n{PROGRAM % "ours"}\n{c}#endif\n]]'


PLANTED = f"#define THEIRS\n{PROGRAM % 'theirs'}"
IN_THE_WAY = [  # mode and owner of the folder, owner and mode of the file, the reason
    (0o1777, 0, 0, 0o644, r"others may write into the folder .* \(mode 1777\)"),
    (0o777, 0, 0, 0o644, r"others may write into the folder .* \(mode 777\)"),
    (0o775, 0, 0, 0o644, r"others may write into the folder .* \(mode 775\)"),
    (0o1777, 0, NOBODY, 0o644, r"others may write into the folder"),
    (0o755, NOBODY, 0, 0o644, r"the folder .* belongs to another user \(65534\)"),
    (0o755, 0, NOBODY, 0o644, r"the file .* belongs to another user \(65534\)"),
    (0o755, 0, 0, 0o666, r"others may write to the file .* \(mode 666\)"),
]


@tap.case("a header that others put beside root's script is not compiled, and that is told")
def headers():
    tap.needs_kernel()
    for mode, owner, file_owner, file_mode, reason in IN_THE_WAY:
        for header in ("ebscript.bpf.h", "packet.bpf.h", "bpf/bpf_helpers.h"):
            with folder(mode, owner) as place:
                script = put(place / "test.lua", load(header=header))
                (place / header).parent.mkdir(exist_ok=True)
                put(place / header, PLANTED, file_owner, file_mode)
                out, err = tap.ebscript("--no-cache", script)
                tap.equal(out, ["ours"], f"the program with {header} in a folder of mode {mode:o}")
                tap.equal(len(err), 1, "lines of warnings")
                tap.match(err[0], f"warning: {place}/{header} is not read: {reason}")
            if header == "ebscript.bpf.h":
                continue
            break  # one of each kind of place is enough


@tap.case("a header that exists there alone: an error that says why it is not read; other ways to the same file, too")
def only_there():
    for include, header in (
        ("mine.h", "mine.h"), ("./mine.h", "mine.h"), ("sub/../mine.h", "mine.h"), ("sub/mine.h", "sub/mine.h"),
        ("to-mine.h", "mine.h"), ("{place}/mine.h", "mine.h"),
    ):
        with folder(0o1777) as place:
            (place / "sub").mkdir(mode=0o755)
            script = put(place / "test.lua", load(header=include.format(place=place)))
            put(place / header, PLANTED, NOBODY)
            (place / "to-mine.h").symlink_to(place / "mine.h")
            _, err = tap.ebscript("--no-cache", "--emit", "obj=/dev/null", script, status=1)
            tap.match("\n".join(err), f"error: '{re.escape(include.format(place=place))}' file not found")
            tap.match("\n".join(err), r"warning: .*\.h is not read: (others may write|the file .* belongs)")


@tap.case("what root's own folder leads to counts, not the folder alone")
def leads_away():
    with folder() as place, folder(0o1777) as theirs:
        put(theirs / "x.h", PLANTED, NOBODY)
        (place / "to-x.h").symlink_to(theirs / "x.h")
        (place / "sub").symlink_to(theirs)
        for header in ("to-x.h", "sub/x.h", f"../{theirs.name}/x.h"):
            script = put(place / "test.lua", load(header=header))
            _, err = tap.ebscript("--no-cache", "--emit", "obj=/dev/null", script, status=1)
            tap.match("\n".join(err), "is not read: ")


@tap.case("a C file that others put beside root's script")
def c_files():
    tap.needs_kernel()
    for mode, owner, file_owner, file_mode, reason in IN_THE_WAY:
        with folder(mode, owner) as place:
            script = put(place / "test.lua", LOAD % 'file = "execsnoop.bpf.c"')
            put(place / "execsnoop.bpf.c", PROGRAM % "theirs", file_owner, file_mode)
            out, err = tap.ebscript("--no-cache", script)
            tap.equal(out, ["another's"], "the program")  # the shipped one
            tap.match(err[0], r'^ebscript: test.lua: the C file "execsnoop.bpf.c" beside the script is not read: ' + reason)
            put(place / "test.lua", LOAD % 'file = "other.bpf.c"')
            put(place / "other.bpf.c", PROGRAM % "theirs", file_owner, file_mode)
            _, err = tap.ebscript("--no-cache", script, status=1)
            tap.match(err[0], r'the C file "other.bpf.c" is not read: ' + reason)


@tap.case("what root or the script's owner has put there is read, through links, too")
def trusted():
    tap.needs_kernel()
    for owner, mode, file_mode in ((0, 0o755, 0o644), (NOBODY, 0o755, 0o644), (NOBODY, 0o775, 0o664)):
        with folder(mode, owner) as place:
            script = put(place / "test.lua", load(header="mine.h"), owner, file_mode)
            put(place / "mine.h", PLANTED, owner, file_mode)
            tap.equal(tap.ebscript("--no-cache", script), (["theirs"], []), f"of {owner}, {mode:o}")
            with folder() as elsewhere:
                (elsewhere / "linked.lua").symlink_to(script)
                tap.equal(tap.ebscript("--no-cache", elsewhere / "linked.lua"), (["theirs"], []), "by a link")


# --- modules

MODULE = 'return { where = "beside", name = ... }'


@tap.case("require() finds modules beside the script, and beside the file that a link leads to")
def modules():
    text = 'for _, name in ipairs({ "one", "a.b", "whole", "x;y?z" }) do print(require(name).where, require(name).name) end'
    with folder() as place, folder() as elsewhere:
        script = put(place / "test.lua", text)
        for name in ("one.lua", "a/b.lua", "whole/init.lua", "x;y?z.lua"):
            (place / name).parent.mkdir(exist_ok=True)
            put(place / name, MODULE)
        (elsewhere / "link.lua").symlink_to(script)
        wanted = [f"beside\t{name}" for name in ("one", "a.b", "whole", "x;y?z")]
        for path in (script, elsewhere / "link.lua", os.path.relpath(script, elsewhere), "link.lua"):
            tap.equal(tap.ebscript(path, cwd=elsewhere), (wanted, []), f"modules of {path}")
    with tempfile.TemporaryDirectory(prefix="a ;? b") as odd:
        os.chmod(odd, 0o755)
        put(Path(odd, "test.lua"), 'print(require("one").where)')
        put(Path(odd, "one.lua"), MODULE)
        tap.equal(tap.ebscript(Path(odd, "test.lua")), (["beside"], []), "a folder with letters of templates")


@tap.case("a module that others put beside root's script is not run")
def planted_modules():
    for mode, owner, file_owner, file_mode, reason in IN_THE_WAY:
        with folder(mode, owner) as place:
            put(place / "mine.lua", "print('theirs') os.exit(66)", file_owner, file_mode)
            put(place / "argparse.lua", "print('theirs') os.exit(66)", file_owner, file_mode)
            script = put(place / "test.lua", "print(require('argparse')('x') ~= nil) require('mine')")
            out, err = tap.ebscript(script, status=1)
            tap.equal(out, ["true"], "output")
            tap.match("\n".join(err), r"module 'mine' not found:")
            tap.match("\n".join(err), rf"file '{place}/mine.lua' is not read: {reason}")


@tap.case("a module by a path that the script itself has set, and a C module, are asked the same")
def own_path():
    with folder(0o1777) as theirs, folder() as place:
        put(theirs / "planted.lua", MODULE, NOBODY)
        put(theirs / "native.so", "no library", NOBODY)
        for line in (f"package.path = '{theirs}/?.lua;' .. package.path", "package.path = './?.lua'",
                     f"package.cpath = '{theirs}/?.so'"):
            script = put(place / "test.lua", f"{line} require('planted') require('native')")
            put(theirs / "planted.lua", MODULE, 0 if "cpath" in line else NOBODY)
            if "cpath" in line:
                put(place / "planted.lua", MODULE)
            _, err = tap.ebscript(script, status=1, cwd=theirs)
            tap.match("\n".join(err), r"is not read: (others may write into the folder|the file .* belongs)")


@tap.case("a module is text: precompiled code is refused")
def no_bytecode():
    with folder() as place:
        script = put(place / "test.lua", "local file = assert(io.open(arg[1], 'wb')) "
                     "file:write(string.dump(load('return 1'))) file:close() require('code')")
        _, err = tap.ebscript(script, place / "code.lua", status=1)
        tap.match("\n".join(err), r"attempt to load a binary chunk")


@tap.case("-e and standard input stand nowhere: nothing beside them")
def nowhere():
    with folder() as place:
        put(place / "mine.lua", MODULE)
        _, err = tap.ebscript("-e", "require('mine')", cwd=place, status=1)
        tap.match("\n".join(err), "module 'mine' not found")


# --- bare names


@tap.case("a bare name means the shipped script where others may have put another one here")
def bare_shipped():
    for mode, owner, file_owner, file_mode, reason in IN_THE_WAY:
        with folder(mode, owner) as place:
            put(place / "hello.lua", "print('theirs')", file_owner, file_mode)
            out, err = tap.ebscript("--check", "hello.lua", cwd=place)
            tap.equal(out, [], "output")
            tap.equal(len(err), 1, "lines")
            tap.match(err[0], r'^ebscript: running the "hello.lua" that ebscript comes with, not the one in this folder: '
                      + reason)
    with folder() as place:
        put(place / "hello.lua", "print('ours')")
        tap.equal(tap.ebscript("hello.lua", cwd=place), (["ours"], []), "root's own")


@tap.case("a bare name that no shipped script has: not what another one has put into a shared folder")
def bare_other():
    with folder(0o1777) as place:
        put(place / "tool.lua", "print('theirs')", NOBODY)
        out, err = tap.ebscript("tool.lua", cwd=place, status=1)
        tap.equal((out, len(err)), ([], 1), "output")
        tap.match(err[0], r'^ebscript: the script "tool.lua" in this folder is not run: .*belongs to another user .*; '
                  r"a path, as in \./tool.lua, runs it all the same$")
        tap.equal(tap.ebscript("./tool.lua", cwd=place), (["theirs"], []), "by its path")
        put(place / "tool.lua", "print('ours')")
        tap.equal(tap.ebscript("tool.lua", cwd=place), (["ours"], []), "root's own")
    with folder(owner=NOBODY) as place:  # as with sudo, at home
        put(place / "tool.lua", "print('mine')", NOBODY)
        tap.equal(tap.ebscript("tool.lua", cwd=place), (["mine"], []), "the folder's owner's")


# --- files that are written


@tap.case("--emit and --verifier-log write through no trap")
def written():
    tap.needs_kernel()
    with folder(0o1777) as place, folder() as ours:
        precious = put(ours / "precious", "precious")
        good = put(ours / "good.lua", load())
        bad = put(ours / "bad.lua", LOAD % 'source = [[int x;\n__attribute__((section("socket"))) int f(void *c) '
                  '{ return *(int *)0; }]]')
        (place / "trap").symlink_to(precious)
        os.lchown(place / "trap", NOBODY, NOBODY)
        put(place / "of-nobody", "", NOBODY)
        for name in ("trap", "of-nobody"):
            _, err = tap.ebscript("--no-cache", "--emit", f"obj={place / name}", good, status=1)
            tap.match(err[-1], f"^ebscript: good.lua: can't write to {place}/{name}: (others may write|the file .* belongs)")
            _, err = tap.ebscript("--no-cache", "--verifier-log", place / name, bad, status=1)
            tap.match(err[-1], f"^there is no log: can't write to {place}/{name}: ")
        tap.equal(precious.read_text(), "precious", "what the trap leads to")
        tap.equal((place / "of-nobody").read_text(), "", "another one's file")
        tap.ebscript("--no-cache", "--emit", f"obj={place}/new.o", good)
        tap.equal((place / "new.o").read_bytes()[:4], b"\x7fELF", "the object")
        tap.equal(sorted(path.name for path in place.iterdir()), ["new.o", "of-nobody", "trap"], "files that are left")
        done = subprocess.run([tap.EBSCRIPT, "--no-cache", "--emit", "obj=/dev/stdout", good], capture_output=True)
        tap.equal(done.stdout[:4], b"\x7fELF", "the object on standard output")


# --- pins


@contextlib.contextmanager
def bpffs():
    """A file system of the test's own for pins, that others may write into as they may by default."""
    tap.needs_kernel()
    with folder() as place:
        if subprocess.run(["mount", "-t", "bpf", "bpf", place], capture_output=True).returncode:
            tap.skip("can't mount a BPF file system here")
        try:
            yield place
        finally:
            subprocess.run(["umount", place], check=True)


PINNED = """
local bpf = require("bpf")
local SOURCE = [[
#include "ebscript.bpf.h"
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME); } shared SEC(".maps");
SEC("socket") int run(void *context) { u32 key = 0; return bpf_map_lookup_elem(&shared, &key) != NULL; }
]]
local object, message = bpf.load({ source = SOURCE, pin_root_path = arg[1] })
print(object and "loaded" or message)
print(select(2, bpf.pinned(arg[1] .. "/shared")) or "opened")
"""


@tap.case("pins: a map that another user has put there is not shared")
def pins():
    with bpffs() as pins, folder() as place:
        script = put(place / "test.lua", PINNED)
        pins.chmod(0o1777)
        for _ in range(2):  # the second time it is shared
            tap.equal(tap.ebscript(script, pins), (["loaded", "opened"], []), "root's own pin")
        os.chown(pins / "shared", NOBODY, NOBODY)
        out, _ = tap.ebscript(script, pins)
        tap.match(out[0], r'^map "shared" is not shared by the pin at ".*/shared": the file .* belongs to another user')
        tap.match(out[1], r'^the pinned map ".*/shared" is not opened: the file .* belongs to another user')
        os.chown(pins / "shared", 0, 0)
        pins.chmod(0o777)
        out, _ = tap.ebscript(script, pins)
        for line in out:
            tap.match(line, r"others may write into the folder .* \(mode 777\)")


# --- the environment


def table():
    """The rows of the program's table: name to (rule, reader)."""
    text = (HOST / "base/environment.c").read_text()
    return {name: (rule, reader) for name, rule, reader in re.findall(r'\{ "(\w+)",\s*(\w+),\s*"([\w ]+)" \}', text)}


@tap.case("each variable that the host reads is in its table, and each of the host's rows is read")
def variables():
    read = set()
    for path in HOST.rglob("*.*"):
        text = path.read_text()
        read.update(re.findall(r'\bebs_environment_get\("(\w+)"\)', text))
        if path.name not in ("environment.c", "environment.h"):
            found = re.search(r"\b(secure_)?getenv\b|\benviron\s*[\[+]|\bebs_environment_get\((?!\")", text)
            tap.ok(not found, f"{path} reads the environment itself: it is for base/environment.c")
    tap.ok(len(table()) > 5, "rows")
    tap.equal(read, {name for name, (_, reader) in table().items() if reader == "ebscript"}, "variables that are read")


@tap.case("each variable that the program, its libraries included, asks for is in the table")
def asked():
    starts = (["--version"], ["--check", "execsnoop.lua"], ["--help"], ["-l", "uprobe:bash:read*"], ["-e", "os.date()"],
              ["-e", "local bpf = require('bpf') bpf.every(0.001, bpf.stop) bpf.run()"])
    with tempfile.TemporaryFile("w+") as file:
        for words in starts:
            done = subprocess.run(
                [tap.EBSCRIPT, *words], pass_fds=[file.fileno()], capture_output=True,
                env={**os.environ, "LD_PRELOAD": str(SUPPORT / "record_getenv.so"), "EBS_RECORD": str(file.fileno()),
                     "ASAN_OPTIONS": "verify_asan_link_order=0"})
            tap.ok(done.returncode in (0, 1), f"{words}: {done}")
        file.seek(0)
        names = set(file.read().split())
    tap.ok("LUA_PATH" in names, "names were recorded")
    tap.equal(names - set(table()), set(), "names that are not in the table")


@tap.case("root's environment decides nothing that is read, compiled or run")
def as_root():
    with folder(owner=NOBODY) as theirs:
        put(theirs / "planted.lua", "print('theirs')", NOBODY)
        put(theirs / "true", "#!/bin/sh\necho theirs\n", NOBODY, 0o755)
        shutil.copy2("/bin/true", theirs / "plantedprogram")
        env = {
            **{name: f"{theirs}/?.lua;;" for name in ("LUA_PATH", "LUA_PATH_5_4")},
            **{name: f"{theirs}/?.so;;" for name in ("LUA_CPATH", "LUA_CPATH_5_4")},
            **{name: "print('theirs')" for name in ("LUA_INIT", "LUA_INIT_5_4")},
            **{name: str(theirs) for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR", "LD_LIBRARY_PATH")},
            **{name: str(theirs) for name in ("CPATH", "C_INCLUDE_PATH", "COMPILER_PATH")},
            "PATH": str(theirs), "DEBUGINFOD_URLS": "http://localhost:1",
        }
        out, err = tap.ebscript("-e", """
            print(os.execute("true"))
            print(package.path:find("planted"), package.cpath:find("planted"), pcall(require, "planted"))
            print(os.getenv("DEBUGINFOD_URLS"))
        """, env=env)
        tap.equal((out[0], err), ("true\texit\t0", []), "os.execute")
        tap.match(out[1], r"^nil\tnil\tfalse\tmodule 'planted' not found")
        tap.ok(str(theirs) not in "\n".join(out), out)
        tap.equal(out[-1], "nil", "DEBUGINFOD_URLS")
        out, _ = tap.ebscript("-l", "uprobe:plantedprogram:*", env=env, status=1)
        tap.equal(out, [], "functions of a program in root's PATH")
        script = put(theirs / "test.lua", load("const char date[] = __DATE__;\n", header="linux/bpf.h"))
        (theirs / "linux").mkdir()
        put(theirs / "linux/bpf.h", "#error theirs\n", NOBODY)
        words = [tap.EBSCRIPT, "--emit", "obj=/dev/stdout", "--no-cache", script]
        done = subprocess.run(words, env={**os.environ, **env, "SOURCE_DATE_EPOCH": "0"}, capture_output=True)
        tap.equal(done.returncode, 0, f"a compile: {done.stderr}")
        tap.ok(b"1970" not in done.stdout, "a date out of the environment")
        tap.ok(not (theirs / "ebscript").exists() and not (theirs / ".cache").exists(), "a cache in HOME")


@tap.case("a user's own LUA_PATH counts, without its relative places")
def as_user():
    tap.needs_root()
    words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", tap.EBSCRIPT]
    if subprocess.run([*words, "--help"], capture_output=True).returncode:
        tap.skip("needs a build folder that others may enter")
    env = {"LUA_PATH_5_4": "./?.lua;/absolute/?.lua;?.lua;;", "LUA_CPATH_5_4": "./?.so;/absolute/?.so;;"}
    text = "print(package.path) print(package.cpath)"
    for user in (True, False):
        command = words if user else [tap.EBSCRIPT]
        out, _ = tap.ebscript(*command[1:], "-e", text, env=env, command=command[0])
        tap.equal([line.startswith("/absolute/") for line in out], [user, user], "user's or root's path")
        for template in ";".join(out).split(";"):
            tap.ok(template.startswith("/"), template)


tap.run()
