# SPDX-License-Identifier: GPL-2.0-only
"""Runs tests on kernels that are booted under software emulation: `./dev vm`.

    vm.py --build FOLDER [--update] [--list] [--test NAME]... [KERNEL]...
    vm.py --build FOLDER --short

Without --short, all tests on all kernels, and the results go to docs/kernels.md and docs/skipped.tsv. The short pass is one of CTest's
tests: it prints TAP, and what is skipped in the guest counts as failed. Exit status: 0, or 1 when something failed.
"""
import argparse
import os
import platform
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import image
import kernels
import report
from guest import Guest

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
SHORT_KERNEL = "6.1"
SHORT_TESTS = ["vm/short"]
USUAL_TESTS = """lua/links lua/hooks lua/has lua/events lua/maps lua/map_kinds lua/globals lua/privileges
    scripts/execsnoop scripts/pktcount scripts/privileges scripts/refusals scripts/verifier""".split()
TEST_SECONDS = 600
GUEST_SECONDS = 1500
SHORT_SECONDS = 300


def parse():
    parser = argparse.ArgumentParser(prog="./dev vm", description="Runs tests on other kernels, emulated.")
    known = ", ".join(kernel.name for kernel in kernels.KERNELS)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help=f"{known}; all of them")
    parser.add_argument("--build", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true", help="say which kernels and tests there are")
    parser.add_argument("--update", action="store_true", help="fetch the newest packages of these kernels")
    parser.add_argument("--test", action="append", metavar="NAME", help="only this one; no report is written")
    parser.add_argument("--short", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = {kernel.name: kernel for kernel in kernels.KERNELS}
    if unknown := [name for name in options.kernels if name not in names]:
        parser.error(f"there is no kernel {unknown[0]}: {', '.join(names)}")
    options.chosen = [names[name] for name in options.kernels or names]
    options.all = not options.kernels and not options.test
    return options


def own_tests():
    return sorted(f"vm/{path.stem.removesuffix('_test')}" for path in HERE.glob("*_test.lua"))


def line_of(name):
    """The test's line in the guest's list."""
    folder, _, stem = name.partition("/")
    file = TESTS / folder / f"{stem}_test.lua"
    program = "$EBSCRIPT" if file.exists() else "/usr/bin/python3"
    file = file if file.exists() else file.with_suffix(".py")
    if not file.exists():
        raise kernels.Missing(f"there is no test {name}")
    return f"{TEST_SECONDS} {name} {program} /source/tests/{folder}/{file.name}"


def why_not():
    """Why no guest can be booted here, or None."""
    if platform.machine() != "x86_64":
        return "the guests are for x86-64"
    for program in ("qemu-system-x86_64", "mke2fs"):
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            return f"{program} is not installed"
    return None


def fetched(kernel, options):
    """The kernel's folder, or the reason why there is none."""
    try:
        return kernels.fetch(kernel, options.build / "vm" / "kernels", options.update)
    except kernels.Missing as reason:
        return str(reason)


def tests_of(kernel, tests):
    """Those of the tests that this kernel is to run."""
    special = {test for other in kernels.KERNELS for test in other.tests}
    return [test for test in tests if test in kernel.tests or
            (not kernel.tests and test not in special and (kernel.usual or test in own_tests()))]


def boot(options, chosen, tests, on_test=lambda guest, test: None):
    """Runs the tests on each kernel that can be had, as many at a time as there are CPUs; gives guests or reasons."""
    folders = {kernel.name: fetched(kernel, options) for kernel in chosen}
    there = {name: folder for name, folder in folders.items() if isinstance(folder, Path)}
    with tempfile.TemporaryDirectory(prefix="image-", dir=options.build / "vm") as work:
        mine = {kernel.name: tests_of(kernel, tests) for kernel in chosen}
        lists = [(name, folder, [line_of(test) for test in mine[name]]) for name, folder in there.items()]
        python = any("python3" in line for _, _, lines in lists for line in lines)
        disk = image.make(Path(work), options.build, lists, python) if there else None
        seconds = SHORT_SECONDS if options.short else GUEST_SECONDS

        def run(kernel):
            return kernel.name, Guest(kernel, there[kernel.name], disk, on_test).run(mine[kernel.name], seconds)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return {**folders, **dict(pool.map(run, [kernel for kernel in chosen if kernel.name in there]))}


def short(options):
    """The short pass, as TAP."""
    reason = why_not()
    kernel = next(kernel for kernel in kernels.KERNELS if kernel.name == SHORT_KERNEL)
    if not reason and not isinstance(there := fetched(kernel, options), Path):
        reason = f"no kernel {kernel.name}: {there}"
    if reason:
        print(f"1..0 # SKIP {reason}")
        return 0
    guest = boot(options, [kernel], SHORT_TESTS)[kernel.name]
    cases = [("ok" if guest.release else "fail", f"boots Linux {guest.release}", "")]
    cases += [case for test in guest.tests.values() for case in test.tap.cases]
    print(f"1..{len(cases)}")
    for number, (result, name, why) in enumerate(cases, 1):
        print(f"{'ok' if result == 'ok' else 'not ok'} {number} - {name}" + (f" (skipped: {why})" if why else ""))
    good = all(result == "ok" for result, _, _ in cases)
    if not good:
        print("\n".join(f"# {line}" for line in guest.log))
    return 0 if good else 1


def tell(guest, test):
    words = {"ok": "passed", "fail": "failed", "skip": "skipped"}
    counts = [f"{test.tap.count(result)} {word}" for result, word in words.items()]
    print(f"{guest.name} ({guest.release}): {test.name}: {', '.join(counts)}, {test.seconds:.0f} s", flush=True)
    if test.tap.count("fail"):
        print("\n".join(f"    {line}" for line in test.lines if not line.startswith("ok ")), flush=True)


def main():
    options = parse()
    options.build = options.build.resolve()
    if options.short:
        return short(options)
    tests = options.test or [name for name in own_tests() if name not in SHORT_TESTS] + USUAL_TESTS
    if options.list:
        for kernel in kernels.KERNELS:
            print(f"{kernel.name:8} {kernel.about}, the newest of {kernel.suite}")
        print("tests:", " ".join(tests))
        return 0
    if reason := why_not():
        raise kernels.Missing(reason)
    results = boot(options, options.chosen, tests, tell)
    text = report.text(results, tests)
    print("\n" + text)
    if options.all:
        report.write(text)
        report.record(results)
    guests = [result for result in results.values() if isinstance(result, Guest)]
    failed = [guest.name for guest in guests if any(test.tap.count("fail") for test in guest.tests.values())]
    return 1 if failed or len(guests) < len(results) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except kernels.Missing as reason:
        sys.exit(f"vm: {reason}")
