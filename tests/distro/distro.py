# SPDX-License-Identifier: GPL-2.0-only
"""Runs the README's two commands in fresh roots of distributions: `./dev distro`.

    distro.py [NAME]... [--with PACKAGE]... [--short] [--fast] [--again] [--list]

Without NAME, all rows of docs/distributions.md that lack a result, which it writes as results come. The last line counts the
cases. Exit status: 0, or 1 when something failed or could not be had.
"""
import argparse
import sys
import time

import children
import first
import report
import root as roots
import rows
import skips

RESULTS = roots.WORK / "results.json"
SHORT = ("--fast", "--", "-I", "3,,10")  # CTest: every tenth test


def parse():
    parser = argparse.ArgumentParser(prog="./dev distro", description="Runs the first commands in fresh roots.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(rows.DISTRIBUTIONS)}")
    parser.add_argument("--with", action="append", default=[], dest="packages", metavar="PACKAGE",
                        help="is installed beforehand")
    parser.add_argument("--short", action="store_true", help="a tenth of the tests; no document is written")
    parser.add_argument("--fast", action="store_true", help="without sanitizers and fuzzers; the row still lacks a result")
    parser.add_argument("--again", action="store_true", help="also what has a result")
    parser.add_argument("--list", action="store_true", help="say which rows there are")
    options = parser.parse_args()
    results = report.read(RESULTS)
    try:
        options.rows = rows.chosen(options.names, options.packages, results, options.again or options.short)
    except rows.Unknown as why:
        parser.error(str(why))
    return options


def say(row, what):
    print(f"{row.title}: {what}", flush=True)


def took(number):
    return f"the first event after {number:.0f} s"


def measure(row, result, log, save, fast):
    """Fills a whole result: a root without packages, then one that has them, in which the tests run."""
    with roots.Root(row) as root:
        roots.install(root, log)
        result["cold"] = first.first_event(root, "execsnoop.lua", 2, log)
        root.keep_packages()
    say(row, f"{took(result['cold'])}, nothing fetched before")
    save()
    with roots.Root(row) as root:
        root.take_packages()
        roots.install(root, log)
        result["warm"] = first.first_event(root, "execsnoop.lua", 2, log)
        say(row, f"{took(result['warm'])}, packages fetched before")
        result["versions"] = first.versions(root)
        save()
        result["tests"] = "`./dev test --fast`" if fast else "`./dev test`"
        cases = first.tests(root, ["--fast"] if fast else [], log)
        root.keep_packages()
    return cases


def short(row, result, log):
    with roots.Root(row) as root:
        root.take_packages()
        roots.install(root, log)
        say(row, took(first.first_event(root, "execsnoop.lua", 2, log)))
        root.keep_packages()
        first.first_event(root, "hello.lua", 1, log)
        result["versions"] = first.versions(root)
        cases = first.tests(root, SHORT, log)
        root.keep_packages()
    return cases


def failures(cases):
    return [f"{test}: {case}" for what, test, case, _ in cases if what == "fail"]


def run(row, options, results):
    """Gives the row's counts; what ends it before its tests is one failure."""
    log = roots.WORK / f"{row.key}.log"
    log.unlink(missing_ok=True)
    result = {"date": time.strftime("%Y-%m-%d")}

    def save():
        if not options.short:
            results[row.key] = result
            report.write(RESULTS, results)
            report.publish(rows.ROWS + [other for other in options.rows if other not in rows.ROWS], results)

    try:
        cases = short(row, result, log) if options.short else measure(row, result, log, save, row.fast or options.fast)
    except (first.Failed, roots.Missing) as why:
        result["problem"] = str(why)
        save()
        say(row, why)
        return [0, 1, 0]
    result.update(counts=report.counts(cases), failures=failures(cases), whole=row.fast or not options.fast)
    save()
    if not options.short:
        skips.record("distributions", row.title, cases)
        skips.keep("distributions", [other.title for other in rows.ROWS if other.key in results])
    for problem in result["failures"]:
        say(row, f"failed: {problem}")
    say(row, "{} passed, {} failed, {} skipped; {}".format(
        *result["counts"], ", ".join(f"{name} {version}" for name, version in result["versions"].items())))
    return result["counts"]


def main():
    options = parse()
    if options.list:
        print("\n".join(f"{row.key:40} {row.title}" for row in rows.ROWS))
        return 0
    if not options.rows:
        print(f"all have a result in {RESULTS}: name one, or --again")
        return 0
    roots.WORK.mkdir(exist_ok=True)
    children.adopt()
    sums = [0, 0, 0]
    results = report.read(RESULTS)
    try:
        for row in options.rows:
            sums = [one + other for one, other in zip(sums, run(row, options, results))]
    except KeyboardInterrupt:
        print("interrupted: a second call goes on", file=sys.stderr)
        return 130
    finally:
        children.hold()
        children.end()
        roots.remove_left()
    print("{} passed, {} failed, {} skipped".format(*sums))
    return 1 if sums[1] or not sums[0] else 0


if __name__ == "__main__":
    sys.exit(main())
