#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Probes in files that change and processes that differ: replaced libraries, Go programs, functions that
can't be probed, USDT probes, over files that are built here."""

import os
import shutil
import subprocess
import tempfile

import tap

FOLDER = tempfile.mkdtemp(prefix="ebs-uprobe-")

LIBRARY = "int work(void) { return %d; }\n"
USER = """
#include <stdio.h>
int work(void);
int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	puts("ready");
	while (getchar() != EOF)
		printf("%d\\n", work());
	return 0;
}
"""

# hlt is an instruction that the kernel refuses to probe, as it does when the file is mapped.
PARTS = """
#include <unistd.h>
__asm__(".text\\n.globl part_b\\n.type part_b,@function\\npart_b: hlt\\n.size part_b,1\\n");
__attribute__((noinline)) int part_a(void) { __asm__ volatile("nop"); return 1; }
__attribute__((noinline)) int part_c(void) { __asm__ volatile("nop # c"); return 2; }
int main(int argc, char **argv)
{
	if (argc > 1) {
		write(1, "ready\\n", 6);
		pause();
	}
	return part_a() + part_c() + part_c() == 0;
}
"""

# What Go's linker writes: a note of its own, in a section and a segment.
GO = """
__asm__(".section .note.go.buildid,\\"a\\",@note\\n.balign 4\\n.long 4,8,4\\n.asciz \\"Go\\\\0\\"\\n.ascii \\"buildid!\\"\\n.text\\n");
__attribute__((noinline)) int work(int a) { __asm__ volatile(""); return a; }
int main(void) { return work(0); }
"""

# Notes as sys/sdt.h writes them: what a probe is called, and where its arguments are.
USDT = """
#define PROBE(provider, name, arguments) __asm__ volatile( \\
	"990: nop\\n.pushsection .note.stapsdt,\\"\\",@note\\n.balign 4\\n.4byte 992f-991f,994f-993f,3\\n" \\
	"991: .asciz \\"stapsdt\\"\\n992: .balign 4\\n993: .8byte 990b\\n.8byte 0\\n.8byte 0\\n" \\
	".asciz \\"" provider "\\"\\n.asciz \\"" name "\\"\\n.asciz \\"" arguments "\\"\\n" \\
	"994: .balign 4\\n.popsection\\n")
int main(void)
{
	PROBE("shop", "sold", "-4@$7 8@%rax");
	PROBE("shop", "priced", "8f@%xmm0");
	PROBE("shop", "named", "-4@$1 -4@name(%rip)");
	return 0;
}
"""


def path(name):
    return os.path.join(FOLDER, name)


def compile(output, text, *options):
    source = path(output + ".c")
    with open(source, "w") as file:
        file.write(text)
    subprocess.run(["cc", "-O1", "-o", path(output), source, *options], check=True, cwd=FOLDER)


def build():
    compile("libwork.so", LIBRARY % 1, "-shared", "-fPIC")
    compile("user", USER, "-L.", "-l:libwork.so", "-Wl,-rpath," + FOLDER)
    compile("parts", PARTS)
    compile("go", GO)
    compile("usdt", USDT)


class Process:
    """A program that is ready to work, a line of input each time."""

    def __init__(self, *command):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        tap.equal(self.child.stdout.readline(), "ready\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.communicate()

    def work(self):
        self.child.stdin.write("x")
        self.child.stdin.flush()
        return self.child.stdout.readline()


PROGRAM = """
local bpf = require("bpf")
local object = assert(bpf.load({ source = [[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
%s

u64 hits[10];

SEC("%s")
int called(void *ctx)
{
	u64 cookie = bpf_get_attach_cookie(ctx);

	if (cookie < 10)
		hits[cookie]++;
	return 0;
}
]] }))

local function attach(options)
    local link, message, code = object:program("called"):attach(options)
    if not link then
        print(code .. ": " .. message)
    end
    return link
end
"""


def run_lua(text, section="uprobe"):
    include = "#include <bpf/usdt.bpf.h>" if section.startswith("usdt") else ""
    with tap.Ebscript("-e", PROGRAM % (include, section) + text, stdin=None) as ebscript:
        lines = ebscript.finish()
        return lines, ebscript.stderr


def replace_library():
    compile("new.so", LIBRARY % 2, "-shared", "-fPIC")
    os.rename(path("new.so"), path("libwork.so"))


@tap.case("with pid the file that the process has mapped, also when it was replaced")
def replaced():
    tap.needs_kernel()
    with Process(path("user")) as old:
        replace_library()
        with Process(path("user")) as new:
            for name in [path("libwork.so"), "libwork.so", "work"]:
                others = [(new, new.child.pid, 1), (old, new.child.pid, 0)] if "/" in name else []
                for process, pid, seen in [(old, old.child.pid, 1), *others]:
                    with tap.Ebscript("-e", PROGRAM % ("", "uprobe") + f"""
if attach({{ path = "{name}", symbol = "work", pid = {pid} }}) then
    print("attached")
    io.read()
    print(object.globals.hits[2])
end
""", stdin=subprocess.PIPE) as ebscript:
                        ebscript.wait_for("attached")
                        process.work()
                        ebscript.process.stdin.write("\n")
                        ebscript.process.stdin.close()
                        tap.equal(ebscript.finish()[1], str(seen), f"{name} {pid}")


@tap.case("with pid a file that is in the process's own mount namespace only")
def hidden():
    tap.needs_kernel()
    tap.needs_root()
    os.makedirs(path("hidden"), exist_ok=True)
    compile("hidden.so", LIBRARY % 3, "-shared", "-fPIC", "-Wl,-soname,libhidden.so")
    compile("guest", USER, path("hidden.so"), "-Wl,-rpath," + path("hidden"))
    words = f"mount -t tmpfs none {path('hidden')} && cp {path('hidden.so')} {path('hidden/libhidden.so')}"
    with Process("unshare", "-m", "sh", "-c", f"{words} && exec {path('guest')}") as guest:
        for name in [path("hidden/libhidden.so"), "libhidden.so", "hidden"]:
            with tap.Ebscript("-e", PROGRAM % ("", "uprobe") + f"""
attach({{ path = "{name}", symbol = "work", pid = {guest.child.pid} }})
print("attached")
io.read()
print(object.globals.hits[2])
""", stdin=subprocess.PIPE) as ebscript:
                ebscript.wait_for("^attached$")
                guest.work()
                ebscript.process.stdin.write("\n")
                ebscript.process.stdin.close()
                tap.equal(ebscript.finish(), ["attached", "1"])
        lines, _ = run_lua(f"""attach({{ path = "{path('hidden/libhidden.so')}", symbol = "work" }})""")
        tap.match(lines[0], '^ENOENT: there is no executable or library ')


@tap.case("without pid a notice where processes run an older file of that path")
def old_users():
    tap.needs_kernel()
    with Process(path("user")) as old:
        replace_library()
        lines, notices = run_lua(f"""attach({{ path = "{path('libwork.so')}", symbol = "work" }})""")
        tap.equal(lines, [])
        tap.equal(len(notices), 1)
        tap.match(notices[0], rf"^ebscript: \(command line\): {path('libwork.so')} was replaced while a process "
                              rf"was running \({old.child.pid}\): what it does is not seen; option pid")
    _, notices = run_lua(f"""attach({{ path = "{path('libwork.so')}", symbol = "work" }})""")
    tap.equal(notices, [])


@tap.case("a function that can't be probed is left out of a glob and named, and refused by name")
def left_out():
    tap.needs_kernel()
    for section in ["uprobe", "uprobe.multi"]:
        with Process(path("parts"), "wait"):
            lines, notices = run_lua(f"""
local link = attach({{ path = "{path('parts')}", symbols = "part_*" }})
assert(os.execute("{path('parts')}"))
local symbols = link.info.symbols
table.sort(symbols)
print(table.concat(symbols, ";"), table.concat(link.info.left_out, ";"))
print(object.globals.hits[2] + object.globals.hits[3] + object.globals.hits[4])
attach({{ path = "{path('parts')}", symbols = {{ "part_a", "part_b" }} }})
attach({{ path = "{path('parts')}", symbols = {{ "part_b" }} }})
""", section)
        tap.equal(lines[0], "part_a;part_b;part_c\tpart_b")
        tap.equal(lines[1], "3")
        for line in lines[2:]:
            tap.match(line, r'^\w+: "part_b" of .* begins with an instruction that can\'t be probed')
        tap.equal(len(lines), 4)
        tap.equal(notices, ["ebscript: (command line): 1 function is left out, as the kernel can't probe it: "
                            "part_b"])


@tap.case("the attach cookie is the symbol's number")
def cookies():
    tap.needs_kernel()
    for section in ["uprobe", "uprobe.multi"]:
        lines, _ = run_lua(f"""
local link = attach({{ path = "{path('parts')}", symbols = {{ "part_c", "part_a", "part_c", "main" }} }})
assert(os.execute("{path('parts')}"))
for i, symbol in ipairs(link.info.symbols) do
    print(symbol, object.globals.hits[i + 1])
end
""", section)
        tap.equal(lines, ["part_c\t2", "part_a\t1", "main\t1"])


@tap.case("return probes of Go programs are refused, unless they are forced")
def go():
    tap.needs_kernel()
    for section, option in [("uretprobe", "symbol"), ("uretprobe.multi", "symbols"), ("uprobe.session", "symbols")]:
        lines, _ = run_lua(f"""
attach({{ path = "{path('go')}", {option} = "work" }})
local link = attach({{ path = "{path('go')}", {option} = "work", force = true }})
print(link ~= nil)
attach({{ path = "{path('parts')}", {option} = "part_a" }})
""", section)
        tap.match(lines[0], r"^EOPNOTSUPP: .*/go: it is a Go program.* force = true$")
        if section != "uprobe.session":
            tap.equal(lines[1:], ["true"])
    lines, _ = run_lua(f"""
attach({{ path = "{path('go')}", symbol = "work" }})
attach({{ path = "{path('go')}", symbol = "work", force = true }})""")
    tap.equal(len(lines), 1)
    tap.match(lines[0], '^EINVAL: SEC\\("uprobe"\\) takes no option force; it takes: ')


@tap.case("what is wrong with a USDT probe is said: file, probe, process, argument")
def usdt():
    tap.needs_kernel()
    file = path("usdt")
    lines, _ = run_lua(f"""
local function try(options)
    if attach(options) then
        print("attached")
    end
end
try({{ path = "{file}", provider = "shop", name = "sold" }})
try({{ path = "{file}", provider = "shop", name = "soldd" }})
try({{ path = "{file}", provider = "shp", name = "sold" }})
try({{ path = "{path('parts')}", provider = "shop", name = "sold" }})
try({{ path = "{path('nowhere')}", provider = "shop", name = "sold" }})
try({{ path = "{file}", provider = "shop", name = "sold", pid = 2147483647 }})
try({{ path = "{file}", provider = "shop", name = "priced" }})
try({{ path = "{file}", provider = "shop", name = "named" }})
try({{ path = "{file}", provider = "shop" }})
""", "usdt")
    for line, pattern in zip(lines, [
            "^attached$",
            r"^ENOENT: .*usdt has no USDT probe shop:soldd; did you mean shop:sold\?$",
            r"^ENOENT: .*usdt has no USDT probe shp:sold; did you mean shop:sold\?$",
            "^ENOENT: .*parts has no USDT probe shop:sold: it has none at all$",
            '^ENOENT: there is no executable or library ".*nowhere"$',
            "^ESRCH: there is no process 2147483647$",
            r'^\w+: USDT probe shop:priced of .* has an argument "8f@%xmm0", which libbpf \d+\.\d+ can\'t read',
            r'has an argument "-4@name\(%rip\)", which libbpf',
            r'^EINVAL: .*give it name$']):
        tap.match(line, pattern)
    with tap.Ebscript("-e", PROGRAM % ("", "usdt") + f"""
attach({{ path = "{file}", provider = "shop", name = "sold" }})""") as ebscript:
        tap.match(ebscript.finish()[0], "^EINVAL: .*the C lacks #include <bpf/usdt.bpf.h>")
    for target, want in {f"{file}:shop:sold": None, f"{file}:shop:slod": "did you mean shop:sold",
                         f"{path('gone')}:shop:sold": "there is no executable or library"}.items():
        lines, _ = run_lua("attach()", "usdt/" + target)
        tap.equal(lines, []) if not want else tap.match(lines[0], want)


@tap.case("a process that isn't there")
def no_process():
    tap.needs_kernel()
    for section, option in [("uprobe", "symbol"), ("uprobe.multi", "symbols")]:
        lines, _ = run_lua(f"""attach({{ path = "{path('parts')}", {option} = "part_a", pid = 2147483647 }})""",
                           section)
        tap.equal(lines, ["ESRCH: there is no process 2147483647"])


if __name__ == "__main__":
    try:
        build()
        tap.run()
    finally:
        shutil.rmtree(FOLDER)
