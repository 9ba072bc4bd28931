# SPDX-License-Identifier: GPL-2.0-only
"""The cache as starts see it: what is found again, what is not, and that nothing ever fails for it."""
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import tap

NOBODY = 65534

SCRIPT = """
local bpf = require("bpf")
local object <close> = assert(bpf.load({{ source = [[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
{c}
const volatile int limit = 1;
struct {{ __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, int); }}
	seen SEC(".maps");
SEC("raw_tp/sched_process_exec")
int on_exec(void *context)
{{
	int key = 0, value = limit + OFFSET;
	bpf_map_update_elem(&seen, &key, &value, 0);
	return 0;
}}
]], constants = {{ limit = {constant} }}, defines = {{ OFFSET = {define} }} }}))
assert(object:attach())
os.execute("true")
print(object:map("seen"):get(0))
"""

# It asks for a type that no kernel has, which one of the kernel's modules might.
PROBING_SCRIPT = """
local bpf = require("bpf")
local object <close> = assert(bpf.load({ source = [[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
struct ebscript_has_no_such_type___old { int field; };
SEC("raw_tp/sched_process_exec")
int on_exec(void *context)
{
	return bpf_core_type_exists(struct ebscript_has_no_such_type___old);
}
]] }))
"""

BTF_SCRIPT = """
local bpf = require("bpf")
local object <close> = assert(bpf.load({ source = [[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, int); }
	seen SEC(".maps");
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	int key = 0, value = task->tgid;
	bpf_map_update_elem(&seen, &key, &value, 0);
	return 0;
}
SEC("iter/task")
int on_task(struct bpf_iter__task *context)
{
	return 0;
}
]] }))
assert(object:attach())
os.execute("true")
print(object:map("seen"):get(0) > 0)
"""


class Place:
    """A folder for scripts with a cache in it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.cache = self.folder / "cache"

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def script(self, c="", constant=1, define=0, name="test.lua"):
        return self.write(name, SCRIPT.format(c=c, constant=constant, define=define))

    def run(self, *words, cache=True, **options):
        """Runs ebscript with --stats; gives "hit", "miss" or "none", stdout, and the other lines of stderr."""
        place = ["--cache-dir", self.cache] if cache else []
        out, err = tap.ebscript("--stats", *place, *words, **options)
        counts = [found for line in err if (found := re.search(r": cache: (\d+) hits, (\d+) misses", line))]
        tap.equal(len(counts), 1, "lines of statistics")
        result = {("1", "0"): "hit", ("0", "1"): "miss"}.get(counts[0].groups(), "none")
        return result, out, [line for line in err if not re.search(r": (start: script|cache: \d)", line)]

    def expect(self, result, *words, out=None, **options):
        got, lines, notices = self.run(*words, **options)
        tap.equal(got, result, "the start's way to its object")
        tap.equal(notices, [], "notices")
        if out is not None:
            tap.equal(lines, out, "output")

    def entries(self):
        return sorted(self.cache.glob("*"))


@contextlib.contextmanager
def place():
    tap.needs_kernel()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Place(folder)


def support(name, *words):
    return tap.sh(Path(os.environ["EBS_TEST_SUPPORT"], name), *words).split()


@tap.case("a second start finds what the first has made")
def second():
    with place() as here:
        script = here.script(constant=40, define=2)
        here.expect("miss", script, out=["42"])
        tap.equal(len(here.entries()), 1, "entries")
        here.expect("hit", script, out=["42"])
        here.expect("hit", script, out=["42"])
        tap.equal(len(here.entries()), 1, "entries")


def files_opened(here, script):
    """The files that ebscript and its children open, by strace."""
    trace = here.folder / "trace"
    quiet = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # which uses ptrace itself
    calls = "trace=open,openat,openat2,fork,vfork,clone,clone3"
    words = ["-f", "-qq", "-o", trace, "-e", calls, tap.EBSCRIPT, "--cache-dir", here.cache, script]
    tap.ebscript(*words, command="strace", env={"ASAN_OPTIONS": quiet}, timeout=4 * tap.PATIENCE)
    text = trace.read_text()
    tap.match(text, re.escape(str(script)))  # it has seen something
    return text


def needs_strace():
    if not shutil.which("strace"):
        tap.skip("needs strace")


def opens_little(what, text, *kinds):
    """A case: what a cached start of this script opens."""

    @tap.case(f"a start that finds an entry opens no kernel types, no header and no compiler: {what}")
    def told():
        needs_strace()
        with place() as here:
            tap.needs(*kinds)
            script = here.write("test.lua", text)
            first, second = files_opened(here, script), files_opened(here, script)
            for pattern in ("/sys/kernel/btf/vmlinux", "ebscript-clang.so", r"libLLVM|libclang"):
                if pattern != r"libLLVM|libclang" or "libclang" in first:  # it may be linked statically
                    tap.match(first, pattern)
                tap.ok(not re.search(pattern, second), f"a cached start opens {pattern}\n{second}")
            tap.ok("/usr/include/" not in second, second)


opens_little("constants", SCRIPT.format(c="", constant=1, define=0))
opens_little("BTF ids", BTF_SCRIPT, "iter/task")
opens_little("types that no kernel has", PROBING_SCRIPT)


@tap.case("programs that attach by BTF ids do so on cached starts")
def btf_ids():
    with place() as here:
        tap.needs("iter/task")
        script = here.write("test.lua", BTF_SCRIPT)
        here.expect("miss", script, out=["true"])
        tap.ok(all(int(line) > 0 for line in support("cache_ids", here.cache)), "ids are kept")
        here.expect("hit", script, out=["true"])


def btf_id(kind, name):
    """From the kernel's BTF."""
    if not shutil.which("bpftool"):
        tap.skip("needs bpftool")
    text = tap.sh("bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux", "format", "raw")
    return tap.match(text, rf"^\[(\d+)\] {kind} '{name}'")[1]


@tap.case("wrong ids that the kernel refuses are looked up anew")
def refused_ids():
    with place() as here:
        tap.needs("iter/task")
        script = here.write("test.lua", BTF_SCRIPT)
        here.expect("miss", script)
        right = support("cache_ids", here.cache)
        for wrong in ([btf_id("STRUCT", "task_struct"), right[1]], [right[0], "4000000000"], ["1", "1"]):
            tap.equal(support("cache_ids", here.cache, *wrong), wrong, "ids")
            got, out, notices = here.run(script)
            tap.equal((out, notices), (["true"], []), f"with ids {wrong}")
            tap.equal(support("cache_ids", here.cache), right, "ids afterwards")
            here.expect("hit", script, out=["true"])


@tap.case("wrong ids that would attach to something else do not: the entry is forgotten")
def wrong_ids():
    with place() as here:
        tap.needs("iter/task")
        script = here.write("test.lua", BTF_SCRIPT)
        here.expect("miss", script)
        right = support("cache_ids", here.cache)
        support("cache_ids", here.cache, btf_id("TYPEDEF", "btf_trace_sched_process_exit"), right[1])
        got, out, notices = here.run(script, status=1)
        tap.equal(out, [], "output")
        tap.equal(len(notices), 1, "lines of notices")
        tap.match(notices[0], r'SEC\("tp_btf/sched_process_exec"\) would have been attached to sched_process_exit')
        tap.equal(here.entries(), [], "entries")
        here.expect("miss", script, out=["true"])
        tap.equal(support("cache_ids", here.cache), right, "ids afterwards")


@tap.case("another constant is no reason to compile")
def constants():
    with place() as here:
        here.expect("miss", here.script(constant=1), out=["1"])
        here.expect("hit", here.script(constant=5), out=["5"])


@tap.case("another source or define is compiled")
def sources():
    with place() as here:
        here.expect("miss", here.script(), out=["1"])
        here.expect("miss", here.script(define=10), out=["11"])
        here.expect("miss", here.script(c="int other;"), out=["1"])
        here.expect("hit", here.script(define=10), out=["11"])
        here.expect("hit", here.script(), out=["1"])


@tap.case("a header that changed, went, or got into the way of another")
def headers():
    with place() as here:
        script = here.script(c='#include "outer.h"', define='"INNER"')
        here.write("outer.h", '#include "sub/inner.h"\n')
        (here.folder / "sub").mkdir()
        here.write("sub/inner.h", "#define INNER 10\n")
        here.expect("miss", script, out=["11"])
        here.expect("hit", script, out=["11"])
        here.write("sub/inner.h", "#define INNER 20\n")
        here.expect("miss", script, out=["21"])
        here.write("outer.h", '#include "sub/inner.h"\n// changed\n')
        here.expect("miss", script, out=["21"])
        # <bpf/bpf_helpers.h> comes with ebscript; in quotes, one beside the script comes first.
        script = here.script(c='#include "bpf/bpf_endian.h"', define='"bpf_ntohs(0x0100)"')
        here.expect("miss", script, out=["2"])
        (here.folder / "bpf").mkdir()
        here.write("bpf/bpf_endian.h", "#define bpf_ntohs(x) 70\n")
        here.expect("miss", script, out=["71"])
        here.expect("hit", script, out=["71"])
        (here.folder / "bpf/bpf_endian.h").unlink()
        here.expect("hit", script, out=["2"])


@tap.case("what an #include by a macro, or __has_include, finds is not guessed at")
def unsure():
    with place() as here:
        here.write("value.h", "#define VALUE 10\n")
        script = here.script(c='#define FILE "value.h"\n#include FILE', define='"VALUE"')
        here.expect("miss", script, out=["11"])
        here.write("value.h", "#define VALUE 20\n")
        here.expect("miss", script, out=["21"])
        guess = '#if __has_include("late.h")\n#define LATE 30\n#else\n#define LATE 40\n#endif'
        script = here.script(c=guess, define='"LATE"')
        here.expect("miss", script, out=["41"])
        here.write("late.h", "")
        here.expect("miss", script, out=["31"])


@tap.case("a C file, beside the script or among the templates")
def files():
    load = 'local bpf = require("bpf")\nlocal object <close> = assert(bpf.load({ file = "%s" }))\n'
    with place() as here:
        script = here.write("test.lua", load % "own.bpf.c")
        here.write("own.bpf.c", "int variable = 1;\n")
        here.expect("miss", script)
        here.expect("hit", script)
        here.write("own.bpf.c", "int variable = 2;\n")
        here.expect("miss", script)
        script = here.write("test.lua", load % "execsnoop.bpf.c")
        here.expect("miss", script)
        here.expect("hit", script)
        # One beside the script comes first, and headers are looked for beside the file itself.
        here.write("execsnoop.bpf.c", "int variable = 3;\n")
        here.expect("miss", script)


@contextlib.contextmanager
def installation():
    """A copy of what was built, whose files may be changed."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        built = Path(tap.EBSCRIPT).resolve().parent
        for name in ("ebscript", "lib/ebscript", "share/ebscript"):
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if (built / name).is_dir():
                shutil.copytree(built / name, path)
            else:
                shutil.copy2(built / name, path)
        yield Path(folder)


@tap.case("a template or a compiler that changed")
def templates():
    with place() as here, installation() as copy:
        program = {"command": str(copy / "ebscript")}
        script = here.script(c='#include "ebscript.bpf.h"')
        here.expect("miss", script, **program)
        here.expect("hit", script, **program)
        with open(copy / "share/ebscript/bpf-templates/ebscript.bpf.h", "a") as template:
            template.write("\n// changed\n")
        here.expect("miss", script, **program)
        here.expect("hit", script, **program)
        os.utime(copy / "lib/ebscript/ebscript-clang.so", (1, 1))
        here.expect("miss", script, **program)


@tap.case("a script below a folder that only its owner enters, for root")
def private_folder():
    with place() as here, installation() as copy:
        here.write("private.h", "#define PRIVATE 6\n")
        script = here.script(c='#include "private.h"', define='"PRIVATE"')
        for folder in (here.folder, copy):
            for path in (folder, *folder.rglob("*")):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode & 0o700)
        out, err = tap.ebscript("--no-cache", script, command=str(copy / "ebscript"))
        tap.equal((out, err), (["7"], []), "output")


@tap.case("--no-cache neither reads nor writes")
def no_cache():
    with place() as here:
        script = here.script()
        here.expect("miss", "--no-cache", script, out=["1"])
        tap.ok(not here.cache.exists(), "no folder")
        here.expect("miss", script)
        here.expect("miss", "--no-cache", script, out=["1"])


@tap.case("--cache-clear empties, and leaves files that are not the cache's")
def clear():
    with place() as here:
        script = here.script()
        here.expect("miss", script)
        (here.cache / "notes.tmp").write_text("mine")
        out, err = tap.ebscript("--cache-dir", here.cache, "--cache-clear")
        tap.equal((out, err), ([f"ebscript: the cache in {here.cache} is empty"], []), "output")
        tap.equal([path.name for path in here.entries()], ["notes.tmp"], "files")
        here.expect("miss", script)


def as_nobody(*words, **options):
    uid = str(NOBODY)
    words = ["--reuid", uid, "--regid", uid, "--clear-groups", "--", tap.EBSCRIPT, *words]
    return tap.ebscript(*words, command="setpriv", **options)


@tap.case("a user's cache is below XDG_CACHE_HOME, else in ~/.cache; root's is not")
def places():
    tap.needs_root()
    uid = str(NOBODY)
    test = ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", tap.EBSCRIPT, "--help"]
    if subprocess.run(test, capture_output=True).returncode:
        tap.skip("needs a build folder that others may enter")
    with place() as here:
        os.chown(here.folder, NOBODY, NOBODY)
        script = here.script()
        variables = {"HOME": str(here.folder), "XDG_CACHE_HOME": str(here.folder / "xdg")}
        for count, folder in enumerate(("xdg", ".cache")):
            if count:
                variables["XDG_CACHE_HOME"] = ""
            for hits in (0, 1):
                _, err = as_nobody("--stats", script, env=variables, status=1)
                tap.match("\n".join(err), f"cache: {hits} hits, {1 - hits} misses")
            entries = list((here.folder / folder / "ebscript").glob("*.ebs"))
            tap.equal([path.stat().st_mode & 0o777 for path in entries], [0o600], "modes")
        here.run(here.script(c="// by root"), cache=False, env=variables)
        tap.equal(len(list((here.folder / ".cache" / "ebscript").glob("*.ebs"))), 1, "entries of the user")
        tap.equal(os.stat("/var/cache/ebscript").st_mode & 0o7777, 0o700, "mode of root's own")


@tap.case("a folder that cannot be trusted: a notice, and a start without a cache")
def refused():
    with place() as here:
        script = here.script()
        here.cache.mkdir()

        def expect_notice(reason, folder=here.cache):
            got, out, notices = here.run("--cache-dir", folder, script, cache=False)
            tap.equal((got, out), ("miss", ["1"]), "the start")
            tap.equal(len(notices), 1, "lines of notices")
            tap.match(notices[0], "^ebscript: test.lua: starting without a cache: .*" + reason)
            tap.equal(list(here.cache.glob("*")), [], "entries")

        here.cache.chmod(0o770)
        expect_notice(r"others may write into the folder .*cache \(mode 770\)")
        here.cache.chmod(0o700)
        os.chown(here.cache, NOBODY, NOBODY)
        expect_notice(r"belongs to another user \(65534\)")
        os.chown(here.cache, 0, 0)
        link = here.folder / "link"
        link.symlink_to(here.cache)
        expect_notice("is a link or no folder", link)
        expect_notice("is a link or no folder", f"{link}/")
        expect_notice("is a link or no folder", script)


@tap.case("two loads in one script tell the notice once")
def told_once():
    with place() as here:
        script = here.write("two.lua", 'local bpf = require("bpf")\n' + "".join(
            f'local o{i} <close> = assert(bpf.load({{ source = "int variable{i};" }}))\n' for i in (1, 2)))
        _, err = tap.ebscript("--cache-dir", script, script)
        tap.equal(len(err), 1, "lines of notices")
        _, err = tap.ebscript("--cache-dir", here.cache, "--stats", script)
        tap.match("\n".join(err), "cache: 0 hits, 2 misses")
        _, err = tap.ebscript("--cache-dir", here.cache, "--stats", script)
        tap.match("\n".join(err), "cache: 2 hits, 0 misses")


@tap.case("a damaged, cut or foreign entry is made anew, silently")
def damaged():
    with place() as here:
        script = here.script()
        here.expect("miss", script)
        entry = here.entries()[0]
        whole = entry.read_bytes()
        for broken in (b"", whole[:100], whole[:-1], whole + b"x", b"x" + whole[1:], whole[:-9] + b"x" + whole[-8:],
                       os.urandom(len(whole))):
            entry.write_bytes(broken)
            here.expect("miss", script, out=["1"])
            tap.equal(entry.read_bytes(), whole, "the entry made anew")
        here.expect("miss", here.script(c="int other;"))
        other = next(path for path in here.entries() if path != entry)
        other.write_bytes(whole)  # a whole one, of something else
        here.expect("miss", here.script(c="int other;"))


@tap.case("a full disk: a notice, and the start goes on")
def full_disk():
    with place() as here:
        here.cache.mkdir(mode=0o700)
        tap.sh("mount", "-t", "tmpfs", "-o", "size=4k,mode=700", "none", here.cache)
        try:
            got, out, notices = here.run(here.script(c="int large[4096] = { 1 };"))
            tap.equal((got, out), ("miss", ["1"]), "the start")
            tap.equal(len(notices), 1, "lines of notices")
            tap.match(notices[0], "an entry of the cache in .* can't be written: No space left on device")
            tap.equal(here.entries(), [], "files left")
        finally:
            tap.sh("umount", here.cache)


@tap.case("ten starts at once, without and with an entry")
def ten_at_once():
    with place() as here:
        script = here.script(constant=12)
        for _ in range(2):
            children = [tap.Ebscript("--cache-dir", here.cache, script) for _ in range(10)]
            with contextlib.ExitStack() as stack:
                for child in children:
                    stack.enter_context(child)
                for child in children:
                    tap.equal(child.finish(timeout=6 * tap.PATIENCE), ["12"], "output")
                    tap.equal(child.stderr, [], "notices")
            tap.equal(len(here.entries()), 1, "files")


@tap.case("warnings are shown once; on cached starts with -v only, and without colours in a pipe")
def warnings():
    with place() as here:
        script = here.script(c="static int f(void) { int nobody; return 0; }")
        _, _, first = here.run(script)
        tap.match("\n".join(first), r"^test\.lua:\d+:\d+: warning: unused variable 'nobody'")
        here.expect("hit", script)
        _, err = tap.ebscript("--cache-dir", here.cache, "-v", script)
        for line in first:
            tap.ok(line in err, f"{line!r} with -v")
        tap.ok(not any("clang -cc1" in line for line in err), "no command line of a compiler that does not run")


tap.run()
