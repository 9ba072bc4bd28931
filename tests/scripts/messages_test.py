# SPDX-License-Identifier: GPL-2.0-only
"""What the compiler says about C in a script: at the script's own lines, with help where there is some."""
import contextlib
import os
import pty
import re
import subprocess
import tempfile
from pathlib import Path

import tap

# What the load returns is printed; the code in a line of its own.
HEAD = """\
local bpf = require("bpf")
local function try(...)
    local object, message, code = bpf.load(...)
    print(message)
    print(code)
end
"""
LINES = HEAD.count("\n")


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def run(text, name="test.lua", files=(), **options):
    """Runs a script; gives what it printed, in one piece."""
    with folder() as here:
        path = here / name
        path.write_bytes(text.encode())
        for file, content in files:
            (here / file).write_text(content)
        out, err = tap.ebscript("--no-cache", path, **options)
        tap.equal(err, [], "standard error")
        return "\n".join(out)


def expect(text, *places, name="test.lua", **options):
    """Each place is "LINE:COLUMN" in the script, LINE counted behind HEAD, of an error; in that order."""
    out = run(HEAD + text, name, **options)
    found = re.findall(rf"^{re.escape(name)}:(\d+):(\d+): error: ", out, re.MULTILINE)
    tap.equal([f"{int(line) - LINES}:{column}" for line, column in found], list(places), f"places in {out}")
    return out


@tap.case("long brackets: true lines and columns, and the line itself with a caret")
def long_brackets():
    out = expect("try({ source = [[\nint fine;\nint x = oops;\n]] })\n", "3:9")
    # Newer clangs have the line's number before it.
    tap.match(out, rf"oops'\n(?: +{LINES + 3} \| )?int x = oops;\n(?: +\| )? {{8}}\^~*\nCOMPILE\Z")


@tap.case("long brackets of any level, and C in the same line as the bracket")
def levels():
    expect("try({ source = [==[\nint a[1]; int *b = a; int x = oops;\n]==] })\n", "2:31")
    out = expect("try({ source = [=[int x = oops;]=] })\n", "1:27")
    tap.match(out, r"^(?: +\d+ \| )? {18}int x = oops;$")
    out = expect("\ttry({ source = [[int x = oops;\nint y = oops;]] })\n", "1:27", "2:9")
    tap.match(out, r"^(?: {6}\|)? +\^~*$")


@tap.case("several snippets in one file, one inside another, and comments")
def several():
    text = """
-- try({ source = [[int first = oops;]] })
--[[ try({ source = [[int first = oops;]]
--[==[
int second = oops;
]==]
local larger = [[
int first = oops;
int second = oops;]]
try({ source = [[
int first = oops;
]] })
try({ source = "int second = oops;" })
try({ source = larger })
"""
    expect(text, "11:13", "13:30", "8:13", "9:14")


@tap.case("equal snippets: the one that is in the call, or was put into the variable")
def equal():
    text = """
try({ source = [[
int x = oops;
]] })
local a = [[int x = oops;]]
try({
    source = [[
int x = oops;
]] })
bpf.load({ source = [[
int x = oops;
]] })
try({ source = [[int x = oops;]] })
try({ source = a })
local b = [[
  int x = oops;]]
local c = [[
  int x = oops;]]
try({ source = c })
"""
    expect(text, "3:9", "8:9", "13:26", "5:21", "18:11")


@tap.case("through a function of the script's own")
def wrapped():
    text = """
local function load_it(source)
    return try({ source = source })
end
load_it([[
int x = oops;]])
load_it([[
int x = oops;]])
"""
    expect(text, "6:9", "8:9")


@tap.case("lines that end in CR LF")
def crlf():
    text = "try({ source = [[\nint fine;\nint x = oops;\n]] })\ntry({ source = [[int y = oops;]] })\n"
    expect(text.replace("\n", "\r\n"), "3:9", "5:26")
    run((HEAD + "try({ source = [[\nint x;\n]] })\n").replace("\n", "\r\n"))


@tap.case("quoted strings whose lines are the script's")
def quoted():
    expect("try({ source = 'int x = oops;' })\n", "1:25")
    expect('try({ source = "int a;\\\nint x = oops;\\\nint y = oops;" })\n', "2:9", "3:9")
    expect('try({ source = "int a;\\n\\z\n    int x = oops;" })\n', "2:9")


def expect_own_lines(text, call, place, name="test.lua", **options):
    """C whose lines are not the script's: they are its own, and its name says so."""
    out = run(HEAD.replace("local object, message, code = bpf.load(...)",
                           "local object, message, code = bpf.load(...) -- LOAD") + text, name, **options)
    place = f"{name} (source of bpf.load at line {call}):{place}: error: "
    tap.ok(f"\n{place}" in f"\n{out}", f"{place!r} in {out}")
    return out


@tap.case("C that does not stand in the script as it is has lines of its own, and says so")
def assembled():
    out = expect_own_lines('try({ source = "int a;\\nint x = oops;" })\n', 3, "2:9")
    tap.match(out, r"^(?: +2 \| )?int x = oops;$")
    expect_own_lines('try({ source = ("int x = %s;"):format("oops") })\n', 3, "1:9")
    for text, place in (
        ('try({ source = [[\nint a;\n]] .. ("int b%d;\\n"):format(1) .. [[\nint x = oops;]] })\n', "3:9"),
        ('local a = [[\nint a;\n]]\nlocal c = [[\nint x = oops;\n]]\ntry({ source = c .. a })\n', "1:9"),
        ('local a = [[\nint a;\n]]\nlocal b = [[\nint a;\n]]\ntry({ source = a .. [[\nint x = oops;]] })\n', "2:9"),
        ('try({ source = [[\n#define X 5 \\\\\n]] .. [[\n+ oops\nint x = X;]] })\n'.replace("\\\\", "\\"), "3:9"),
        ('try({ source = "int a; " .. "int x = oops;" })\n', "1:16"),
    ):
        expect_own_lines(text, 3, place)
    out = run('local bpf = require("bpf")\n\nprint(select(2, bpf.load({ source = "int a;\\nint x = oops;" })))\n')
    tap.match(out, r"^test\.lua \(source of bpf\.load at line 3\):2:9: error: ")


@tap.case("C of several strings of the script, in their order: each at its own lines")
def parts():
    expect("try({ source = [[int a;\n]] .. [[\nint x = oops;]] })\n", "3:9")
    head = "local head = [==[\nint a;\nint x = oops;\n]==]\n"
    out = expect(head + 'try({ source = head .. "int y = oops;\\n" .. [[\n\tint z = oops;\n]] })\n',
                 "3:9", "5:33", "6:10")
    tap.match(out, r"^(?: +\d+ \| )? {24}int y = oops;\n(?: +\| )? {32}\^~*$")
    expect(head + "try({ source = table.concat({ head, [[\nint y = oops;]] }) })\n", "3:9", "6:9")
    expect(head + "try({ source = head .. [[\nint y = oops;]] })\n"
           "try({ source = head .. [[\nint z = oops;]] })\n", "3:9", "6:9", "3:9", "8:9")


def refused(text):
    tap.needs_kernel()
    return run(HEAD + text + "print(select(2, bpf.load({ source = head .. body })))\n")


@tap.case("C of several strings that the verifier refuses: the line, and what it says")
def refused_parts():
    include = 'local head = %s[[\n#include "ebscript.bpf.h"\n]]%s\n'
    body = ('local body = [[\nSEC("raw_tp/sys_enter") int run(u64 *ctx)\n{\n'
            "\treturn *(int *)ctx[0];\n}\n]]\n")
    for around, name, line in (("", ""), "test.lua", LINES + 7), (
        ("(", " .. '// %d\\n'):format(1)"), f"test.lua (source of bpf.load at line {LINES + 10})", 5
    ):
        out = refused(include % around + body)
        tap.match(out, rf"^{re.escape(name)}:{line}:17: error: the verifier refuses")
        tap.match(out, rf"^ +{line} \|         return \*\(int \*\)ctx\[0\];\n +\|                        \^")


@tap.case("-e and standard input")
def other_scripts():
    text = HEAD + "try({ source = [[\nint x = oops;\n]] })\n"
    out, _ = tap.ebscript("--no-cache", "-e", text)
    tap.match(out[0], rf"^\(command line\):{LINES + 2}:9: error: use of undeclared identifier 'oops'$")
    with folder() as here:
        (here / "text").write_text(text)
        with open(here / "text") as file:
            out, _ = tap.ebscript("--no-cache", "-", stdin=file)
    tap.match(out[0], rf"^\(standard input\):{LINES + 2}:9: error: ")


@tap.case("C in a module is named after the module's file")
def module():
    with folder() as here:
        (here / "mine.lua").write_text('local bpf = require("bpf")\nreturn function()\n'
                                       "    return bpf.load({ source = [[\nint x = oops;\n]] })\nend\n")
        script = here / "test.lua"
        script.write_text(f'package.path = "{here}/?.lua;" .. package.path\nprint(require("mine")())\n')
        out, _ = tap.ebscript("--no-cache", script)
        tap.match(out[0], r"^nil\tmine\.lua:4:9: error: ")


@tap.case("a C file is named by its path, and so are headers")
def files():
    out = run(HEAD + 'try({ file = "own.bpf.c" })\n',
              files=[("own.bpf.c", '#include "own.h"\nint x = oops;\n'), ("own.h", "int y = oops;\n")])
    tap.match(out, r"^In file included from \S*own\.bpf\.c:1:$")
    tap.match(out, r"^\S*/own\.h:1:9: error: ")
    tap.match(out, r"^/\S*/own\.bpf\.c:2:9: error: ")


@tap.case("the script's #! line and strange Lua do not move the lines")
def strange():
    text = "#!/usr/bin/env ebscript [[\n" + HEAD + """
local quotes, brackets = 'a "[[ b \\' [[', "it's --[["
local t = { a = { 1 } } local n = t[quotes] or (t.a)[1] -- ]]
local escapes = "\\x41\\u{2028}\\065\\
 \\z
   end"
try({ source = [[
int x = oops;
]] })
"""
    out = run(text)
    tap.match(out, rf"^test\.lua:{LINES + 9}:9: error: ")


def on_a_terminal(*words):
    """What a program prints on a terminal that is its standard error."""
    master, slave = pty.openpty()
    with subprocess.Popen(words, stderr=slave, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as child:
        os.close(slave)
        text = b""
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while data := os.read(master, 4096):
                text += data
        os.close(master)
        child.wait(tap.PATIENCE)
    return text.decode().replace("\r\n", "\n")


def check_colours(source):
    with folder() as here:
        script = here / "test.lua"
        script.write_text(HEAD + f"assert(bpf.load({{ source = [[\n{source}\n]] }}))\n")
        shown = on_a_terminal(tap.EBSCRIPT, "--no-cache", str(script))
        _, plain = tap.ebscript("--no-cache", script, status=1)
        tap.match(shown, "\033\\[[0-9;]*m")
        tap.match(shown, r"^ebscript: \033\[1mtest\.lua:\d+:\d+:")
        tap.ok(not any("\033" in line for line in plain), f"no colours: {plain}")
        tap.equal(re.sub("\033\\[[0-9;]*m", "", shown).rstrip("\n").split("\n"), plain, "the text")


@tap.case("colours on a terminal, none in a pipe, and the same text otherwise")
def colours():
    check_colours("int x = oops;")


@tap.case("colours of what the verifier refuses")
def verifier_colours():
    tap.needs_kernel()
    check_colours('#include "ebscript.bpf.h"\nSEC("raw_tp/sys_enter") int run(u64 *ctx)\n{\n'
                  '\treturn *(int *)ctx[0];\n}')


@tap.case("what is printed is what the script gets, and the code is COMPILE")
def same_text():
    text = "source = [[\nint x = oops;\n]]"
    with folder() as here:
        script = here / "test.lua"
        script.write_text(HEAD + f"try({{ {text} }})\n")
        got, _ = tap.ebscript("--no-cache", script)
        script.write_text(HEAD + f"assert(bpf.load({{ {text} }}))\n")
        _, told = tap.ebscript("--no-cache", script, status=1)
    tap.equal(got[-1], "COMPILE", "code")
    tap.equal([f"ebscript: {got[0]}", *got[1:-1]], told, "the text")


@tap.case("a missing header: where it was looked for")
def missing_header():
    with folder() as here:
        script = here / "test.lua"
        script.write_text(HEAD + 'try({ source = [[\n#include "nowhere.h"\n]] })\n')
        out, _ = tap.ebscript("--no-cache", script)
        tap.match(out[0], rf"^test\.lua:{LINES + 2}:10: fatal error: 'nowhere\.h' file not found$")
        tap.match(out[-2], rf'^note: headers are looked for in {re.escape(str(here))} \(for "\.\.\."\), '
                           r"/\S*/bpf-templates, /\S*/include, .*, /usr/include$")
        for path in re.findall(r"(/[^ ,]+)", out[-2]):
            tap.ok(os.path.isdir(path) or path.startswith("/usr/"), f"{path} is a folder")
    out = run(HEAD + 'try({ source = [[\n#include <mine.h>\n]] })\n', files=[("mine.h", "")])
    tap.match(out, "file not found with <angled> include; use \"quotes\" instead")
    tap.ok("note: headers are looked for" not in out, f"no list where the compiler knows the place: {out}")


@tap.case("a module's C includes what lies beside the module")
def header_of_module():
    with folder() as here, folder() as elsewhere:
        (elsewhere / "tool.lua").write_text(HEAD + 'return function() try({ source = [[\n#include "own.h"\n]] }) end\n')
        (elsewhere / "own.h").write_text("int x = of_the_module;\n")
        (here / "own.h").write_text("int x = of_the_script;\n")
        script = here / "test.lua"
        script.write_text(f'dofile("{elsewhere}/tool.lua")()\n')
        out, _ = tap.ebscript("--no-cache", script)
        tap.match("\n".join(out), "undeclared identifier 'of_the_module'")


def notes(c):
    tap.needs_kernel()
    out = run(HEAD + f"try({{ source = [[\n{c}\n]] }})\n")
    tap.match(out, "\nCOMPILE$")
    return [line for line in out.split("\n") if line.startswith("note: ")]


@tap.case("a type that there is not: the kernel's nearest")
def near_types():
    kernel = '#include "vmlinux.h"\n'
    tap.equal(notes(kernel + "int f(struct task_structs *p) { return p->pid; }"),
              ["note: this kernel has no struct task_structs; did you mean struct task_struct?"])
    tap.equal(notes(kernel + "int f(struct skbuff *p) { return p->len; }\nint g(struct skbuff *p) { return p->len; }"),
              ["note: this kernel has no struct skbuff; did you mean struct sk_buff?"])
    tap.equal(notes(kernel + "unsigned size = sizeof(union bpf_atr) + sizeof(struct socekt);"),
              ["note: this kernel has no union bpf_atr; did you mean union bpf_attr?",
               "note: this kernel has no struct socekt; did you mean struct socket?"])
    tap.equal(notes(kernel + "int f(struct nothing_is_called_like_this *p) { return p->x; }"),
              ["note: this kernel has no struct nothing_is_called_like_this"])


@tap.case("a tracepoint's struct that there is not: where to find its name")
def tracepoint_struct():
    kernel = '#include "vmlinux.h"\n'
    for name in ("sched_wakeup", "sys_enter_openat", "nothing_is_called_like_this"):
        tap.equal(notes(kernel + f"int f(struct trace_event_raw_{name} *p) {{ return p->x; }}")[-1],
                  "note: tracepoints of one event class share a struct: "
                  f"`ebscript -l -v 'tracepoint:*:{name}'` names it")


@tap.case("a type that there is, without vmlinux.h")
def without_kernel_types():
    tap.equal(notes("int f(struct task_struct *p) { return p->pid; }"),
              ['note: struct task_struct is one of the kernel\'s types: #include "vmlinux.h"'])
    tap.equal(notes("pid_t pid;"), ['note: pid_t is one of the kernel\'s types: #include "vmlinux.h"'])
    tap.equal(notes("int x = oops;"), [])


@tap.case("where the compiler has a suggestion itself, there is no other")
def no_second_suggestion():
    tap.equal(notes('#include "vmlinux.h"\nu33 x;'), [])
    tap.equal(notes('#include "vmlinux.h"\nint f(struct task_struct *p) { return p->tgidd; }'), [])


@tap.case("warnings are told when it compiles, at the script's lines")
def warnings():
    tap.needs_kernel()
    with folder() as here:
        script = here / "test.lua"
        script.write_text(HEAD + "assert(bpf.load({ source = [[\nint g;\nstatic int f(void) { int x; return 0; }\n]] }))\n")
        _, err = tap.ebscript("--no-cache", script)
        tap.match(err[0], rf"^test\.lua:{LINES + 3}:26: warning: unused variable 'x'")


@tap.case("brackets of the C that end Lua's string")
def early_end():
    for c, line in (("return a[b[i]] + 1;", 3), ("return a[b[i]];", 3), ("a[b[c[i]]] = 1;", 3)):
        with folder() as here:
            path = here / "test.lua"
            path.write_text(f"local bpf = require('bpf')\nbpf.load{{ source = [[ int x;\n{c} }}\n]] }}\n")
            _, err = tap.ebscript(path, status=1)
            tap.match("\n".join(err), rf"(?m)^test.lua:{line}: note: the \"\]\]\" in this line ends the string: write \[=\[")
    with folder() as here:
        path = here / "test.lua"
        path.write_text("local x = [[ a[1] ]]\nlocal y = = 2\n")
        _, err = tap.ebscript(path, status=1)
        tap.ok("note" not in "\n".join(err), "another mistake")


@tap.case("a script with a byte order mark, and folders of -I")
def marked():
    with folder() as here:
        (here / "headers").mkdir()
        (here / "headers" / "x.h").write_text("#define X 3\n")
        path = here / "test.lua"
        path.write_bytes(b"\xef\xbb\xbf#!/usr/bin/env ebscript\n"
                         b"local bpf = require('bpf')\n"
                         b"local o = assert(bpf.load{ source = '#include <x.h>\\nint v = X;' })\n"
                         b"print(o.globals.v)\n")
        out, _ = tap.ebscript("--no-cache", "-I", here, "-I", here / "headers", path)
        tap.equal(out, ["3"])
        _, err = tap.ebscript("-I", here / "nowhere", path, status=2)
        tap.match(err[0], r'ebscript: -I: there is no folder ".*/nowhere"')


@tap.case("headers that include themselves, FIFOs and devices as headers, too much for a section")
def odd_inputs():
    with folder() as here:
        (here / "self.h").write_text('#include "self.h"\n')
        os.mkfifo(here / "fifo.h")
        for source, pattern in (
            ('#include "self.h"\nint x;', r"#include nested too deeply"),
            ('#include "fifo.h"\nint x;', r"fifo\.h is not read: it is no regular file"),
            ('#include "/dev/zero"\nint x;', r"/dev/zero is not read: it is no regular file"),
            ('char big[1ull << 33];\nchar *use(void) { return &big[5]; }', r"larger than 4 GiB"),
        ):
            script = here / "odd.lua"
            script.write_text(HEAD + f"try({{ source = [[\n{source}\n]] }})\n")
            out, err = tap.ebscript("--no-cache", script)
            tap.equal(err, [], source)
            tap.match("\n".join(out), pattern)
            tap.ok(len(out) < 25, f"{len(out)} lines of messages for {source}")


@tap.case("empty arguments are wrong usage")
def empty_arguments():
    for arguments, sentence in (
        (["--cache-dir", "", "x.lua"], "ebscript: --cache-dir takes a folder"),
        ([""], "ebscript: the script's name is empty"),
    ):
        _, err = tap.ebscript(*arguments, status=2)
        tap.equal(err[0], sentence)


tap.run()
