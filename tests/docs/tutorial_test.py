# SPDX-License-Identifier: GPL-2.0-only
"""Every step of docs/tutorial.md runs on this kernel, in a network namespace, and prints what the
tutorial shows: text exactly, numbers as any number, while the commands "elsewhere" are repeated."""
import re
import shlex
import subprocess

import blocks
import tap

DOCUMENT = "docs/tutorial.md"
PROMPT = "$ sudo ./dev run "


def poke_with(command, namespace):
    words = ["nsenter", f"--net=/run/netns/{namespace}", "--", "bash", "-c", command]
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    return lambda: subprocess.run(words, **silent, stderr=subprocess.DEVNULL)


def shown(lines):
    return [blocks.expectation(line) for line in lines if line != "..."]


def follow(script, lines, poke):
    """A script that runs until it is interrupted."""
    before, after = lines, []
    if "^C" in lines:
        at = lines.index("^C")
        before, after = lines[:at], lines[at + 1 :]
    blocks.watch(script, shown(before), poke)
    poke()
    if after:
        blocks.settle(script)
    script.interrupt()
    script.finish(status=0)
    tap.equal(script.stderr, [], "standard error")
    if missing := blocks.in_order(shown(before + after), script.stdout):
        raise AssertionError(f"nothing matches {missing!r} in its place{script.story()}")


def fail_as_shown(script, lines):
    """A script that fails: its message is shown as it is, but for lines that are left out."""
    script.finish(status=1)
    patterns = ["^" + re.escape(line) + "$" for line in lines if line != "..."]
    if missing := blocks.in_order(patterns, script.stderr):
        raise AssertionError(f"nothing matches {missing!r} in its place{script.story()}")


def run_step(text, files, elsewhere):
    first, *lines = text.splitlines()
    tap.ok(first.startswith(PROMPT), first)
    with blocks.quiet_namespace() as namespace, blocks.folder() as folder:
        for name, content in files.items():
            (folder / name).write_text(content)
        arguments = shlex.split(first.removeprefix(PROMPT))
        with tap.Ebscript(*arguments, netns=namespace, cwd=folder) as script:
            if lines[0].startswith("ebscript: "):
                fail_as_shown(script, lines)
            else:
                follow(script, lines, poke_with(elsewhere, namespace))


def add(block, files, elsewhere):
    @tap.case(f"{block.text.splitlines()[0].removeprefix(PROMPT)} (line {block.line})")
    def step():
        tap.needs_kernel()
        run_step(block.text, files, elsewhere)


def add_all():
    """Each console block is a step; gives the scripts that none of them runs."""
    files, elsewhere, unused = {}, "true", set()
    for block in blocks.blocks(DOCUMENT):
        if block.language == "lua":
            files[block.label] = block.text
            unused.add(block.label)
        elif block.label == "elsewhere":
            elsewhere = block.text
        elif block.language == "console":
            add(block, dict(files), elsewhere)
            unused -= set(block.text.splitlines()[0].split())
    return files, unused


SCRIPTS, UNUSED = add_all()


@tap.case("every script of the tutorial is run, and other output is found")
def self_check():
    tap.ok(len(SCRIPTS) > 5, "scripts found")
    tap.equal(UNUSED, set(), "scripts that no step runs")
    tap.needs_kernel()
    wrong = f"{PROMPT}one.lua\nebscript: one.lua: two\n"
    files = {"one.lua": "error('one', 0)"}
    try:
        run_step(wrong, files, "true")
    except AssertionError:
        return
    raise AssertionError("a wrong message passed")


tap.run()
