#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which function of a file a name means: tables of names and what becomes of them, over files that are
built here, whose functions and their places are known."""

import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

import tap

FOLDER = tempfile.mkdtemp(prefix="ebs-lookup-")

# A library whose functions have versions: of alias() both at one place, of moved() at two, of
# gone() none is the default; chosen() is an IFUNC.
VERSIONED = """
__attribute__((noinline)) int alias_now(void) { return 1; }
extern __typeof(alias_now) alias_old __attribute__((alias("alias_now")));
__asm__(".symver alias_old, alias@V1");
__asm__(".symver alias_now, alias@@V2");
int moved_old(void) { return 2; }
int moved_now(void) { return 3; }
__asm__(".symver moved_old, moved@V1");
__asm__(".symver moved_now, moved@@V2");
int gone_first(void) { return 4; }
int gone_second(void) { return 5; }
__asm__(".symver gone_first, gone@V1");
__asm__(".symver gone_second, gone@V2");
int variant(void) { return 6; }
static int (*choose(void))(void) { return variant; }
int chosen(void) __attribute__((ifunc("choose")));
"""
VERSIONS = "V1 { global: alias; moved; gone; local: *; }; V2 { global: chosen; variant; } V1;"

# Calls moved() by its default version, gone() by its first, and so on.
USER = """
int moved(void), old_gone(void), alias(void), chosen(void);
__asm__(".symver old_gone, gone@V1");
int main(void)
{
	for (int i = 0; i < 3; i++)
		moved();
	for (int i = 0; i < 5; i++)
		chosen();
	return old_gone() + old_gone() + alias() != 9;
}
"""

# Two files with a static function of the same name.
TWICE_A = "static __attribute__((noinline)) int twice(int a) { __asm__ volatile(\"\"); return a; }\n" \
          "int call_a(int a) { return twice(a) + 1; }\n"
TWICE_B = "static __attribute__((noinline)) int twice(int a) { __asm__ volatile(\"\"); return a * 2; }\n" \
          "int call_b(int a) { return twice(a) + 2; }\nint call_a(int);\n" \
          "int main(void) { return call_a(0) + call_b(0) - 3; }\n"

CPLUSPLUS = """
#define KEEP __attribute__((noinline, used))
namespace geo {
KEEP int add(int a, int b) { return a + b; }
KEEP double add(double a, double b) { return a + b; }
template <typename T> KEEP T largest(T a, T b) { return a > b ? a : b; }
struct point {
	int x;
	KEEP int where() const { return x; }
	KEEP bool operator==(const point &other) const { return x == other.x; }
	KEEP int operator[](int index) { return x + index; }
	KEEP point() : x(1) { __asm__ volatile(""); }
	KEEP virtual ~point() { __asm__ volatile(""); }
};
KEEP point *make() { return new point; }
}
int main() {
	geo::point *one = geo::make();
	int sum = geo::add(1, 2) + (int)geo::add(1.0, 2.0) + geo::largest(1, 2) + one->where()
		+ (*one)[1] + (*one == *one);
	delete one;
	return sum == 0;
}
"""

# Names as Go and other languages have them, which C can't write.
ODD = """
__asm__(".text\\n"
	".globl \\"main.(*T).Run\\"\\n.type \\"main.(*T).Run\\",@function\\n\\"main.(*T).Run\\": ret\\n"
	".size \\"main.(*T).Run\\",1\\n"
	".globl \\"main.Map[...].Get\\"\\n.type \\"main.Map[...].Get\\",@function\\n"
	"\\"main.Map[...].Get\\": ret\\n.size \\"main.Map[...].Get\\",1\\n"
	".globl \\"a+b::c?\\"\\n.type \\"a+b::c?\\",@function\\n\\"a+b::c?\\": ret\\n.size \\"a+b::c?\\",1\\n");
int main(void) { return 0; }
"""


def path(name):
    return os.path.join(FOLDER, name)


def write(name, text):
    with open(path(name), "w") as file:
        file.write(text)
    return path(name)


def run(*command):
    subprocess.run(command, check=True, cwd=FOLDER, capture_output=True)


def build():
    write("versions", VERSIONS)
    run("cc", "-O1", "-shared", "-fPIC", "-Wl,--version-script=versions", "-o", "libversioned.so",
        write("versioned.c", VERSIONED))
    run("cc", "-O1", "-o", "use", write("use.c", USER), "-L.",
        "-l:libversioned.so", "-Wl,-rpath," + FOLDER)
    run("cc", "-O1", "-o", "twice", write("a.c", TWICE_A), write("b.c", TWICE_B))
    run("c++", "-O1", "-o", "geo", write("geo.cpp", CPLUSPLUS))
    run("cc", "-o", "odd", write("odd.c", ODD))


def places(name, *options):
    """The offsets of a file's functions by nm, as symbol tables name them."""
    headers = subprocess.run(["readelf", "-lW", path(name)], capture_output=True, text=True).stdout
    segments = [[int(word, 16) for word in found] for found in re.findall(
        r"LOAD\s+(0x\w+) (0x\w+) 0x\w+ (0x\w+)", headers)]
    found = {}
    listing = subprocess.run(["nm", *options, path(name)], capture_output=True, text=True).stdout
    for line in listing.splitlines():
        address, kind, symbol = line[:16], line[17:18], line[19:]
        if kind in "TtWwi" and address.strip():
            for offset, start, size in segments:
                if start <= int(address, 16) < start + size:
                    found.setdefault(symbol, []).append(int(address, 16) - start + offset)
    return found


PROGRAM = """
local bpf = require("bpf")
local object = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

u64 hits;

SEC("%s")
int called(void *ctx)
{
	hits++;
	return 0;
}
]] }))

local function attach(options)
    local link, message, code = object:program("called"):attach(options)
    if link then
        print(table.concat(link.info.symbols or {}, ";"))
    else
        print(code .. ": " .. message)
    end
    return link
end
"""


def run_lua(text, section="uprobe"):
    with tap.Ebscript("-e", PROGRAM % section + text) as ebscript:
        return ebscript.finish()


def attach(options, section="uprobe"):
    """What attaching with the options (Lua) gives: the symbols, or "CODE: message"."""
    return run_lua(f"attach({options})", section)[0]


def attach_all(attachments):
    """attach() for each (options, section), side by side: the kernel takes its time for a probe, but little
    of the processor's."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda one: attach(*one), attachments))


def check_names(file, table, section="uprobe"):
    """Each name of the table gives a list of symbols, or a message that matches."""
    results = attach_all([(f"{{ path = '{file}', symbol = [==[{name}]==] }}", section) for name in table])
    for got, (name, want) in zip(results, table.items()):
        if isinstance(want, str):
            tap.match(got, want)
        else:
            tap.equal(got, ";".join(want), name)


def check(file, table):
    check_names(path(file), table)


@tap.case("versions: one place is one symbol, else the default's, else the choices")
def versions():
    tap.needs_kernel()
    offsets = places("libversioned.so", "-D", "--with-symbol-versions")
    tap.equal(offsets["alias@@V2"], offsets["alias@V1"])
    check("libversioned.so", {
        "alias": ["alias"],
        "moved": ["moved"],
        "moved@V1": ["moved"],
        "moved@V2": ["moved"],
        "moved@@V2": ["moved"],
        "moved@V3": r'^ENOENT: .* has no function "moved@V3"',
        "gone": r'^EINVAL: .* has 2 functions "gone": name one, "gone@V\d", "gone@V\d"$',
        "gone@V1": ["gone"],
        "chosen": r"^ENOENT: \"chosen\" of .* has variants for different CPUs.*IFUNC",
        "variant": ["variant"],
        "alia": r"did you mean alias\?$",
    })


@tap.case("the place is that of the version that a program is linked to")
def places_of_versions():
    tap.needs_kernel()
    library = path("libversioned.so")
    names = ["moved", "moved@V1", "gone@V1", "gone@V2", "alias", "alias@V1", "variant"]

    def hits(name):
        return int(run_lua(f"""
attach({{ path = '{library}', symbol = '{name}' }})
assert(os.execute("{path('use')}"))
print(object.globals.hits)""")[1])

    # one after the other: all would see the others' runs
    tap.equal({name: hits(name) for name in names}, {
        "moved": 3, "moved@V1": 0, "gone@V1": 2, "gone@V2": 0, "alias": 1, "alias@V1": 1, "variant": 5})


@tap.case("functions of libc with several versions are found")
def of_libc():
    tap.needs_kernel()
    libc = "/lib/x86_64-linux-gnu/libc.so.6"
    if not os.path.exists(libc):
        tap.skip("needs the C library where it is on x86-64")
    check_names("libc.so.6", {
        **{name: [name] for name in ["pthread_create", "pthread_cond_wait", "dlopen", "posix_spawn"]},
        **{name: "IFUNC" for name in ["strlen", "memcpy", "time"]}})


@tap.case("functions of one name: the choices by their places, which can be given")
def static():
    tap.needs_kernel()
    offsets = sorted(places("twice")["twice"])
    tap.equal(len(offsets), 2)
    choices = ", ".join(f"offset = {offset:#x}" for offset in offsets)
    check("twice", {
        "twice": f'^EINVAL: .* has 2 functions "twice": give one by its place, {choices}$',
        "call_a": ["call_a"],
    })
    got = attach(f"{{ path = '{path('twice')}', offset = {offsets[1]} }}")
    tap.equal(got, f"{offsets[1]:#x}")


@tap.case("names of C++ as the source has them")
def of_cplusplus():
    tap.needs_kernel()
    check("geo", {
        "geo::add(int, int)": ["geo::add(int, int)"],
        "geo::add(int,int)": ["geo::add(int, int)"],
        "geo::add(double, double)": ["geo::add(double, double)"],
        "geo::add": r'^EINVAL: .* 2 functions "geo::add": name one, "geo::add\(.*\)", "geo::add\(.*\)"$',
        "_ZN3geo3addEii": ["geo::add(int, int)"],
        "int geo::largest<int>(int, int)": ["geo::largest<int>(int, int)"],
        "geo::largest<int>(int, int)": ["geo::largest<int>(int, int)"],
        "geo::largest<int>": ["geo::largest<int>(int, int)"],
        "geo::point::where() const": ["geo::point::where() const"],
        "geo::point::where": ["geo::point::where() const"],
        "geo::point::operator[](int)": ["geo::point::operator[](int)"],
        "geo::point::operator[]": ["geo::point::operator[](int)"],
        "geo::point::operator==": ["geo::point::operator==(geo::point const&) const"],
        "geo::point::point()": ["geo::point::point()"],
        # the one that also frees the memory is another function of the same name
        "geo::point::~point()": r'name one, "_ZN3geo5pointD\dEv", "_ZN3geo5pointD\dEv"$',
        "_ZN3geo5pointD2Ev": ["geo::point::~point()"],
        "geo::adt(int, int)": r"did you mean geo::add\(int, int\)\?$",
    })


@tap.case("names of C++ in sections, offsets behind them, and in lists with commas of their own")
def in_sections():
    tap.needs_kernel()
    table = {
        f"uprobe/{path('geo')}:geo::point::where() const": "geo::point::where() const",
        f"uprobe/{path('geo')}:geo::add(int, int)+1": "geo::add(int, int)",
        f"uprobe/{path('geo')}:geo::point::operator==": "geo::point::operator==(geo::point const&) const",
        f"uprobe.multi/{path('geo')}:geo::add(int, int),geo::make": "geo::add(int, int);geo::make()",
        f"uprobe.multi/{path('geo')}:geo::add(int, int),geo::largest*":
            "geo::add(int, int);geo::largest<int>(int, int)",
    }
    results = attach_all([("", section) for section in table])
    tap.equal(dict(zip(table, results)), table)


@tap.case("a name is looked for as it is first, whatever its characters")
def odd_names():
    tap.needs_kernel()
    names = ["main.(*T).Run", "main.Map[...].Get", "a+b::c?"]
    for section, option in {"uprobe": "symbol", "uprobe.multi": "symbols"}.items():
        tap.equal(attach_all([(f"{{ path = '{path('odd')}', {option} = '{name}' }}", section)
                              for name in names]), names)
        tap.equal(attach_all([("", f"{section}/{path('odd')}:{name}") for name in names]), names)
    got = attach(f"{{ path = '{path('odd')}', symbols = 'main.*' }}", "uprobe.multi")
    tap.equal(sorted(got.split(";")), ["main.(*T).Run", "main.Map[...].Get"])
    got = attach(f"{{ path = '{path('odd')}', symbol = 'main.(*T).Runn' }}")
    tap.match(got, r"did you mean main\.\(\*T\)\.Run\?$")


@tap.case("symbols that were moved to a debug file, which must be the right one")
def debug_files():
    tap.needs_kernel()
    if not shutil.which("objcopy"):
        tap.skip("needs objcopy")
    os.makedirs(path("stripped/.debug"), exist_ok=True)
    run("objcopy", "--only-keep-debug", "twice", "stripped/.debug/twice.debug")
    run("objcopy", "--strip-all", "twice", "stripped/twice")
    check("stripped/twice", {"call_a": 'has no function "call_a"'})
    run("objcopy", "--add-gnu-debuglink=stripped/.debug/twice.debug", "stripped/twice")
    check("stripped/twice", {"call_a": ["call_a"], "twice": "has 2 functions"})
    whole = attach(f"{{ path = '{path('twice')}', symbols = {{ 'call_a', 'call_b' }} }}")
    tap.equal(whole, "call_a;call_b")
    globs = attach(f"{{ path = '{path('stripped/twice')}', symbols = 'call_*' }}", "uprobe.multi")
    tap.equal(sorted(globs.split(";")), ["call_a", "call_b"])
    # another file of that name has neither the build id nor the checksum
    run("objcopy", "--only-keep-debug", "odd", "stripped/.debug/twice.debug")
    check("stripped/twice", {"call_a": 'has no function "call_a"'})


@tap.case("an offset goes with one function")
def offsets_of_one():
    tap.needs_kernel()
    geo = path("geo")
    got = attach(f"{{ path = '{geo}', symbols = {{ 'main' }}, offset = 4 }}")
    tap.match(got, "^EINVAL: give either symbols, or one symbol and its offset$")
    got = attach(f"{{ path = '{geo}', symbol = 'geo::*', offset = 1 }}")
    tap.match(got, r'^EINVAL: an offset goes with one function, and "geo::\*" means \d+$')
    tap.equal(attach(f"{{ path = '{geo}', symbol = 'main', offset = 4 }}"), "main")
    tap.match(attach(f"{{ path = '{geo}' }}"), "^EINVAL: .*: give it a symbol or an offset in the file")


@tap.case("files that are no programs, or broken ones, are refused in a sentence")
def broken():
    tap.needs_kernel()
    with open(path("geo"), "rb") as file:
        whole = file.read()
    for size in [0, 4, 40, 64, 1000, len(whole) // 2, len(whole) - 100]:
        with open(path("cut"), "wb") as file:
            file.write(whole[:size])
        got = attach(f"{{ path = '{path('cut')}', symbol = 'geo::make()' }}")
        tap.match(got, r"^E\w+: .*cut|^geo::make\(\)$")
    tap.match(attach("{ path = '/', symbol = 'x' }"), '^E\\w+: "/" is no ELF file|"/"')
    tap.match(attach("{ path = '/dev/null', symbol = 'x' }"), '^EINVAL: "/dev/null" is no ELF file$')
    os.mkfifo(path("fifo"))
    tap.match(attach(f"{{ path = '{path('fifo')}', symbol = 'x' }}"), "is no ELF file$")
    tap.match(attach(f"{{ path = '{path('nowhere')}', symbol = 'x' }}"), '^ENOENT: there is no ')


if __name__ == "__main__":
    try:
        build()
        tap.run()
    finally:
        shutil.rmtree(FOLDER)
