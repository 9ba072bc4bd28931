# SPDX-License-Identifier: GPL-2.0-only
"""No case is skipped in every row of docs/kernels.md and docs/distributions.md; and how that is found out."""
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import skips  # noqa: E402
import tap  # noqa: E402

# What rows skip, each a test's cases; which of them nothing has run.
ROWS = [
    ([], []),
    ([{}], []),
    ([{"a": {}}], []),
    ([{"a": {"x": "why"}}], [("a", "x", "why")]),
    ([{"a": {"x": "why"}}, {"a": {}}], []),
    ([{"a": {"x": "why"}}, {"b": {}}], [("a", "x", "why")]),
    ([{"a": {"x": "why", "y": "no"}}, {"a": {"x": "other"}}], [("a", "x", "why")]),
    # Skipped whole: its cases are unknown there.
    ([{"a": {"a": "why"}}], [("a", "a", "why")]),
    ([{"a": {"a": "why"}}, {"a": {"x": "no"}}], [("a", "x", "no")]),
    ([{"a": {"a": "why"}}, {"a": {"x": "no"}}, {"a": {}}], []),
    ([{"a": {"x": "why"}, "b": {"x": "no"}}] * 3000, [("a", "x", "why"), ("b", "x", "no")]),
]


@tap.case("what every row skips is found")
def nowhere():
    for number, (rows, want) in enumerate(ROWS):
        tap.equal(skips.nowhere({("kernels", str(i)): row for i, row in enumerate(rows)}), want, f"row {number}")


# Results of several builds; what is skipped of them.
RESULTS = [
    ([], {}),
    ([("ok", "a", "x", "")], {"a": {}}),
    ([("fail", "a", "x", "")], {}),
    ([("fail", "a", "not reached", ""), ("skip", "a", "x", "why"), ("ok", "b", "y", "")], {"b": {}}),
    ([("skip", "a", "x", "why")], {"a": {"x": "why"}}),
    ([("skip", "a", "x", "why"), ("ok", "a", "x", "")], {"a": {}}),
    ([("ok", "a", "x", ""), ("skip", "a", "x", "why")], {"a": {}}),
    ([("skip", "a", "a", "why"), ("skip", "b", "y", "no")], {"a": {"a": "why"}, "b": {"y": "no"}}),
    ([("skip", "a", "a", "why"), ("ok", "a", "x", "")], {"a": {}}),
    ([("skip", "skips", "x", "no rows yet"), ("ok", "a", "x", "")], {"a": {}}),
]


@tap.case("what ran in one of several builds is not skipped")
def merged():
    for results, want in RESULTS:
        tap.equal(skips.skipped(results), want, f"{results}")


@tap.case("rows are kept, replaced and forgotten")
def rows():
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "skipped.tsv")
        tap.equal(skips.read(file), {})
        skips.record("kernels", "6.1", [("skip", "a", "x", "needs y"), ("ok", "b", "z", "")], file)
        skips.record("kernels", "5.10", [("ok", "a", "x", "")], file)
        skips.record("distributions", "6.1", [("ok", "a", "x", "")], file)
        want = {("distributions", "6.1"): {"a": {}}, ("kernels", "5.10"): {"a": {}},
                ("kernels", "6.1"): {"a": {"x": "needs y"}, "b": {}}}
        tap.equal(skips.read(file), want)
        skips.record("kernels", "6.1", [("ok", "a", "x", "")], file)
        skips.keep("kernels", ["6.1", "7.3"], file)
        tap.equal(skips.read(file), {("distributions", "6.1"): {"a": {}}, ("kernels", "6.1"): {"a": {}}})
        try:
            skips.record("kernel", "6.1", [], file)
        except ValueError as refused:
            tap.equal(str(refused), "there is no document kernel")
        else:
            raise AssertionError("a document that there is not was taken")


@tap.case("what the harness keeps is read")
def results():
    with tempfile.TemporaryDirectory() as folder:
        cases = Path(folder, "Testing", "cases")
        cases.mkdir(parents=True)
        Path(cases, "a.tsv").write_text("ok\ta\tx\t\nskip\ta\ty\twhy\n")
        tap.equal(list(skips.results(folder)), [("ok", "a", "x", ""), ("skip", "a", "y", "why")])


@tap.case("every case runs on some kernel or distribution of the documents")
def documents():
    known = skips.read()
    for document in skips.DOCUMENTS:
        if not any(name == document for name, _ in known):
            tap.skip(f"docs/skipped.tsv has no rows of {document}.md yet")
    tap.equal([f"{test}: {case}: {reason}" for test, case, reason in skips.nowhere(known)], [], "skipped everywhere")


tap.run()
