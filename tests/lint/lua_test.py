# SPDX-License-Identifier: GPL-2.0-only
"""Every Lua file parses, and luacheck has nothing to say."""
import os
import shutil
import subprocess
from pathlib import Path

import tap

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ["scripts", "host/script", "tests", "docs/meta"]

# One file a run, given as an argument: prints why it does not parse.
PARSE = "local ok, why = loadfile(arg[1], 't') if not ok then print(why) end"


def lua_files():
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.lua"))]


def parse(path):
    printed, _ = tap.ebscript("-e", PARSE, path)
    return printed


@tap.case("every Lua file parses")
def parses():
    files = lua_files()
    tap.ok(len(files) > 2, "Lua files found")
    tap.equal([line for path in files for line in parse(path)], [])


@tap.case("a file that does not parse is found")
def parse_self_check():
    bad = Path(os.environ.get("TMPDIR", "/tmp")) / f"ebs-lint-{os.getpid()}.lua"
    try:
        bad.write_text("local = 1\n")
        tap.equal(len(parse(bad)), 1, "messages")
    finally:
        bad.unlink(missing_ok=True)


@tap.case("luacheck")
def luacheck():
    if not shutil.which("luacheck"):
        tap.skip("luacheck is not installed")
    words = ["luacheck", "--no-color", "--codes", "-q", *map(str, lua_files())]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)


tap.run()
