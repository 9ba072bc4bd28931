# SPDX-License-Identifier: GPL-2.0-only
"""docs/distributions.md: the table that `./dev distro` makes, and its results between two calls."""
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tables  # noqa: E402

REPORT = Path(__file__).resolve().parents[2] / "docs" / "distributions.md"
MARKS = "<!-- made by ./dev distro -->\n", "<!-- end of what ./dev distro made -->\n"
HEADS = ["first event, nothing fetched", "packages fetched before", "tests", "passed", "failed", "skipped", "LLVM", "libbpf",
         "Lua", "libuv"]


def read(file):
    return json.loads(file.read_text()) if file.exists() else {}


def write(file, results):
    new = file.with_suffix(".new")
    new.write_text(json.dumps(results, indent=1))
    os.replace(new, file)


def counts(cases):
    """How many passed, failed, were skipped."""
    return [sum(result == wanted for result, *_ in cases) for wanted in ("ok", "fail", "skip")]


def seconds(number):
    return "" if number is None else f"{number:.0f} s"


def cells(result):
    """A row's: what is not known yet is empty."""
    passed, failed, skipped = result.get("counts") or ("", "", "")
    version = result.get("versions", {})
    return [seconds(result.get("cold")), seconds(result.get("warm")), result.get("tests", ""), f"{passed}",
            f"**{failed}**" if failed else f"{failed}", f"{skipped}", *(version.get(name, "") for name in HEADS[6:])]


def text(rows, results):
    there = [(row, results[row.key]) for row in rows if row.key in results]
    lines = list(tables.table("distribution", HEADS, [(row.title, cells(result)) for row, result in there]))
    for row, result in there:
        if problems := ([result["problem"]] if result.get("problem") else []) + result.get("failures", []):
            lines += ["", f"{row.title}:", "", *(f"- {problem.splitlines()[0]}" for problem in problems)]
    return "\n".join(lines) + "\n"


def publish(rows, results):
    tables.put(REPORT, MARKS, text(rows, results))
