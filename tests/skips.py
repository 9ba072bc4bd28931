# SPDX-License-Identifier: GPL-2.0-only
"""Which cases are skipped where: docs/skipped.tsv, kept beside docs/kernels.md and docs/distributions.md.

Whoever writes a row of one of these documents calls record() with all results of that row. The test `skips` then
fails on a case that every row skips, as nothing has ever run it.
"""
import fcntl
import os
import tempfile
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "docs" / "skipped.tsv"
DOCUMENTS = ("distributions", "kernels")
HEAD = """\
# SPDX-License-Identifier: GPL-2.0-only
# The cases that each row of kernels.md and distributions.md skips. Made by ./dev vm and ./dev distro (tests/skips.py).
# document, row, test, case, reason; a test that ran there and skipped nothing has no case
"""


def results(*folders):
    """What harness.py has kept in Testing/cases of these build folders: (result, test, case, reason)."""
    for folder in folders:
        for file in sorted(Path(folder, "Testing", "cases").glob("*.tsv")):
            for line in file.read_text().splitlines():
                yield tuple(line.split("\t"))


def skipped(cases):
    """{test: {case: reason}} of results. A case that ran in one of several builds isn't skipped, and a test that failed
    is left out: who knows what it has run. So is the test `skips`, whose result is about these rows."""
    cases = [case for case in cases if case[1] != "skips"]
    tests, ran = {}, {(test, case) for result, test, case, _ in cases if result == "ok"}
    ran |= {(test, test) for test, _ in ran}
    for result, test, case, reason in cases:
        skips = tests.setdefault(test, {})
        if result == "skip" and (test, case) not in ran:
            skips[case] = reason
    for test in {test for result, test, _, _ in cases if result == "fail"}:
        del tests[test]
    return tests


def read(file=FILE):
    """{(document, row): {test: {case: reason}}}; nothing where there is no file yet."""
    rows = {}
    if not file.exists():
        return rows
    for line in file.read_text().splitlines():
        if line.startswith("#"):
            continue
        document, row, test, case, reason = line.split("\t")
        skips = rows.setdefault((document, row), {}).setdefault(test, {})
        if case:
            skips[case] = reason
    return rows


def write(rows, file):
    lines = []
    for (document, row), tests in sorted(rows.items()):
        for test, skips in sorted(tests.items()):
            lines += [[document, row, test, case, reason] for case, reason in sorted(skips.items())] or \
                [[document, row, test, "", ""]]
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as new:
        new.write(HEAD + "".join("\t".join(line) + "\n" for line in lines))
    os.chmod(new.name, 0o644)
    os.replace(new.name, file)


def record(document, row, cases, file=FILE):
    """Puts a row's results, (result, test, case, reason) each, in the place of what was known of that row."""
    if document not in DOCUMENTS:
        raise ValueError(f"there is no document {document}")
    with change(file) as rows:
        rows[document, row] = skipped(cases)


def keep(document, names, file=FILE):
    """Forgets the rows of a document that have other names than these."""
    with change(file) as rows:
        for key in [key for key in rows if key[0] == document and key[1] not in names]:
            del rows[key]


class change:
    """The rows, to be changed by one process at a time."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        self.lock = os.open(self.file.parent, os.O_RDONLY)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.rows = read(self.file)
        return self.rows

    def __exit__(self, kind, *_):
        try:
            if not kind:
                write(self.rows, self.file)
        finally:
            os.close(self.lock)


def nowhere(rows):
    """[(test, case, reason)]: what every row skips that ran its test. A test that is skipped whole is its own case."""
    found = {}
    for test in sorted({test for tests in rows.values() for test in tests}):
        ran = [tests[test] for tests in rows.values() if test in tests]
        parts = [skips for skips in ran if test not in skips]  # the others say nothing of its cases
        if not parts:
            found[test, test] = ran[0][test]
            continue
        for case, reason in parts[0].items():
            if all(case in skips for skips in parts):
                found[test, case] = reason
    return [(test, case, reason) for (test, case), reason in found.items()]
