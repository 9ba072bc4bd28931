# SPDX-License-Identifier: GPL-2.0-only
"""docs/kernels.md: the tables that `./dev vm` makes, kernel by feature, and kernel by test."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import skips  # noqa: E402
import tables  # noqa: E402

REPORT = Path(__file__).resolve().parents[2] / "docs" / "kernels.md"
MARKS = "<!-- made by ./dev vm -->\n", "<!-- end of what ./dev vm made -->\n"


class Notes:
    """Reasons are long, and the same for many cells: they stand below the table, by number."""

    def __init__(self):
        self.numbers = {}

    def __call__(self, reason):
        return self.numbers.setdefault(reason, len(self.numbers) + 1)

    def lines(self):
        return [f"{number}. {reason}" for reason, number in self.numbers.items()]


def features(guests, tests, notes):
    """A row for each case of these tests, in the order in which they ran."""
    words = {"ok": lambda why: "yes", "fail": lambda why: "**failed**", "skip": lambda why: f"no ({notes(why)})"}
    columns = []
    for guest in guests:
        cases = [case for name in tests if name in guest.tests for case in guest.tests[name].tap.cases]
        columns.append({name: words[result](why) for result, name, why in cases})
    for name in dict.fromkeys(name for column in columns for name in column):
        yield name, [column.get(name, "") for column in columns]


def counts(test):
    if not test:
        return ""
    passed, failed, skipped = (test.tap.count(result) for result in ("ok", "fail", "skip"))
    parts = [f"**{failed} failed**"] * bool(failed) + [str(passed)] + [f"{skipped} skipped"] * bool(skipped)
    return ", ".join(parts)


def text(results, tests):
    """`results` are guests or, of kernels that could not be had, reasons, by name; `tests` the names of tests."""
    booted = {name: result for name, result in results.items() if not isinstance(result, str)}
    guests = {name: guest for name, guest in booted.items() if not guest.kernel.parameters}
    notes = Notes()
    own = [name for name in tests if name.startswith("vm/")]
    others = [name for name in tests if name not in own]
    heads = [guest.release or name for name, guest in guests.items()]
    lines = []
    if guests and own:
        lines += [*tables.table("feature", heads, features(guests.values(), own, notes)), "", *notes.lines(), ""]
    if guests and others:
        rows = [(f"`{name}`", [counts(guest.tests.get(name)) for guest in guests.values()]) for name in others]
        lines += [*tables.table("tests, and how many cases pass", heads, rows), ""]
    for guest in booted.values():
        if guest.kernel.parameters and guest.tests:
            title = f"booted with `{guest.kernel.parameters}`"
            lines += [*tables.table(title, [guest.release or guest.name], features([guest], own, Notes())), ""]
    lines += [f"Linux {name} was not there: {why}." for name, why in results.items() if name not in booted]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def record(results):
    """What each guest skipped, for the test that fails on what is skipped everywhere."""
    for name, guest in results.items():
        if not isinstance(guest, str):
            cases = [(result, test.name, case, why) for test in guest.tests.values() for result, case, why in test.tap.cases]
            skips.record("kernels", name, cases)
    skips.keep("kernels", results)


def write(made):
    tables.put(REPORT, MARKS, made)
