# SPDX-License-Identifier: GPL-2.0-only
"""Every Lua block of docs/api.md and docs/networking.md runs and prints what stands behind its `-->`; the scripts of README.md
and docs/writing-tools.md print rows like those that they show."""
import os
import re
import subprocess

import blocks
import tap

LOAD = 'local object <close> = assert(bpf.load({ file = "example.bpf.c" }))'


def preamble(text):
    """What an example may leave out, on one line, so that lines keep their numbers."""
    words = []
    if 'require("bpf")' not in text:
        words.append('local bpf = require("bpf")')
    if re.search(r"\bobject[:.]", text) and not re.search(r"\blocal object\b", text):
        words.append(LOAD)
    return " ".join(words) + " " if words else ""


def wanted(text):
    """The lines behind `-->`, as patterns; only ... stands for more."""
    shown = re.findall(r"^\s*--> ?(.*)$", text, re.MULTILINE)
    return ["^" + re.escape(line).replace(re.escape("..."), ".*") + "$" for line in shown]


def run_example(text, files):
    with blocks.folder() as folder:
        for name, content in files.items():
            (folder / name).write_text(content)
        (folder / "example.lua").write_text(preamble(text) + text)
        printed, _ = tap.ebscript("example.lua", cwd=folder)
    patterns = wanted(text)
    if missing := blocks.in_order(patterns, printed) or len(printed) != len(patterns):
        shown = "\n".join(printed)
        raise AssertionError(f"it printed\n{shown}\nexpected {patterns!r}, missing {missing!r}")


def add(document, block, files):
    @tap.case(f"{document}, line {block.line}")
    def example():
        tap.needs_kernel()
        run_example(block.text, files)


def add_all(document):
    found = blocks.blocks(document)
    files = {block.label: block.text for block in found if block.label}
    examples = [block for block in found if block.language == "lua" and not block.label]
    for block in examples:
        add(document, block, files)
    return len(examples)


COUNT = add_all("docs/api.md")
add_all("docs/networking.md")


@tap.case("docs/api.md has examples, and a wrong one is found")
def self_check():
    tap.ok(COUNT > 10, "examples found")
    tap.needs_kernel()
    for wrong in ("print(1)\n--> 2\n", "print(1)\n", "--> 1\n", "print(1)\nprint(2)\n--> 1\n"):
        try:
            run_example(wrong, {})
        except AssertionError:
            continue
        raise AssertionError(f"{wrong!r} passed")


@tap.case("README.md's script prints rows like those shown")
def readme():
    tap.needs_kernel()
    found = [block for block in blocks.blocks("README.md") if block.label]
    script = next(block for block in found if block.language == "lua")
    shown = next(block for block in found if block.label == "output")
    patterns = [blocks.expectation(line) for line in shown.text.splitlines()]
    tap.ok(len(patterns) > 1, "lines shown")
    with blocks.folder() as folder:
        (folder / script.label).write_text(script.text)
        with tap.Ebscript(script.label, cwd=folder) as running:
            poke = lambda: subprocess.run(["bash", "-c", "ls; date; uname"], stdout=subprocess.DEVNULL)
            blocks.watch(running, patterns, poke)
            running.interrupt()
            running.finish(status=0)
            tap.equal(running.stderr, [], "standard error")


@tap.case("docs/writing-tools.md's tool counts, filters, and prints JSON")
def tool():
    tap.needs_kernel()
    text = next(block.text for block in blocks.blocks("docs/writing-tools.md")).lstrip()
    name = f"ebs-{os.getpid()}"
    with blocks.folder() as folder:
        (folder / "execcount.lua").write_text(text)
        (folder / name).symlink_to("/bin/true")
        with tap.Ebscript("--json", "execcount.lua", "--name", name, cwd=folder) as running:
            running.wait_for("counting", stream="stderr")
            for _ in range(7):
                subprocess.run([folder / name], check=True)
            subprocess.run(["/bin/true"], check=True)
            blocks.settle(running)
            running.interrupt()
            tap.equal(running.finish(status=0), [f'{{"uid":{os.getuid()},"execs":7}}'], "rows")
        printed, errors = tap.ebscript("execcount.lua", "--duration", "0.2", cwd=folder)
        tap.equal(printed[0], "UID       EXECS", "header")
        tap.equal(len(errors), 1, "lines of standard error")
        tap.ebscript("execcount.lua", "--duration", "never", cwd=folder, status=2)


tap.run()
