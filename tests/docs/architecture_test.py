# SPDX-License-Identifier: GPL-2.0-only
"""docs/architecture.md names the folders and files that there are, and links lead somewhere."""
import re

import blocks
import tap

DOCUMENT = "docs/architecture.md"
HOST = blocks.ROOT / "host"
BORDERS = blocks.ROOT / "tests/borders/includes_test.py"


def section(title):
    text = blocks.read(DOCUMENT)
    return tap.match(text, rf"(?s)^## {title}\n(.*?)(?=^## |\Z)")[1] if title in text else ""


def rows(text):
    """The cells of each row of the tables, without titles."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return tap.ok(lines, "rows of a table")


def names(cell):
    return re.findall(r"`([^`]+)`", cell)


@tap.case("every file of the host stands in the table, and nothing else does")
def files():
    named = [name for row in rows(section("What is in the folders")) for name in names(row[0])]
    tap.equal(len(named), len(set(named)), "names")
    there = {
        str(path.relative_to(HOST).with_suffix(""))
        for path in HOST.glob("*/*")
        if path.suffix in (".c", ".cpp", ".lua")
    }
    named = {name.removesuffix(".lua") for name in named if not name.endswith(".h")}
    tap.equal(sorted(there - named), [], "files that are not named")
    tap.equal(sorted(named - there), [], "names without a file")


@tap.case("the table of borders is the one that the test holds the host to")
def borders():
    table = tap.match(BORDERS.read_text(), r"(?s)^KNOWS = (\{.*?^\})")[1]
    knows = {("main.c" if key == "." else key): set(value) for key, value in eval(table).items()}
    told = {names(row[0])[0]: set(names(row[1])) for row in rows(section("The way data flows"))}
    tap.equal(told, knows)


@tap.case("the folders of tests are named")
def folders():
    named = {name for row in rows(section("Tests")) for name in names(row[0])}
    there = {f"tests/{path.name}" for path in (blocks.ROOT / "tests").iterdir() if path.is_dir()}
    tap.equal(sorted(there - named), [], "folders that are not named")
    tap.equal(sorted(named - there), [], "names without a folder")


def anchor(heading):
    """As GitHub makes them."""
    return re.sub(r"[^\w\- ]", "", heading.lower().strip()).replace(" ", "-")


@tap.case("links between the documents lead somewhere")
def links():
    documents = [*blocks.ROOT.glob("*.md"), *blocks.ROOT.glob("docs/*.md"), *blocks.ROOT.glob("scripts/*.md")]
    tap.ok(len(documents) > 6, "documents")
    broken = []
    for document in documents:
        prose = blocks.FENCE.sub("", document.read_text())
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            if re.match(r"\w+:", target):
                continue
            path, _, name = target.partition("#")
            file = (document.parent / path).resolve() if path else document
            if not file.exists():
                broken.append(f"{document.name}: {target}")
            elif name:
                headings = re.findall(r"(?m)^#+ (.*)$", blocks.FENCE.sub("", file.read_text()))
                if name not in map(anchor, headings):
                    broken.append(f"{document.name}: {target}")
    tap.equal(broken, [], "broken links")


tap.run()
