# SPDX-License-Identifier: GPL-2.0-only
"""docs/security.md: each promise names a test that there is."""
import re

import blocks
import tap

DOCUMENT = "docs/security.md"
CASE = {
    ".py": r'^@tap\.case\((?:f?)"{}"\)',
    ".lua": r'^(?:tap\.test|case)\("{}"',
    ".c": r"^static void (?:test_)?{}\(void \*\*",
}


def rows():
    """The promises, each with the tests that it names."""
    tables = re.findall(r"^\| promise \| test \|\n\|[- |]+\n((?:\|.*\n)+)", blocks.read(DOCUMENT), re.MULTILINE)
    lines = "".join(tables).splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@tap.case("each row is a promise and its tests")
def promises():
    tap.ok(len(rows()) >= 10, "promises")
    for row in rows():
        tap.equal(len(row), 2, f"cells of {row}")
        tap.match(row[0], r"\.$")
        tap.match(row[1], r"^(`[\w/-]+: [^`]+`(, )?)+$")


@tap.case("each test that is named is there")
def tests():
    for row in rows():
        for name, case in re.findall(r"`([\w/-]+): ([^`]+)`", row[1]):
            files = list((blocks.ROOT / "tests").glob(f"{name}_test.*"))
            tap.equal(len(files), 1, f"files of {name}")
            pattern = CASE[files[0].suffix].format(re.escape(case))
            tap.ok(re.search(pattern, files[0].read_text(), re.MULTILINE), f"{name} has a case {case!r}")


tap.run()
