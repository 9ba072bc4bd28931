# SPDX-License-Identifier: GPL-2.0-only
"""Runs one test program for CTest, reads its TAP, keeps each case's result, and decides.

    harness.py --name NAME --results FOLDER --timeout SECONDS -- PROGRAM [ARGS...]

FOLDER/NAME.tsv gets a line for each case: ok, fail or skip, the test, the case, the reason. A
program that dies, exits with another status than its cases say, prints no plan or keeps to it badly
has failed, whatever its cases say. Exit status: 0, 1, or 77 when every case was skipped.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

PLAN = re.compile(r"1\.\.(\d+)\s*(?:# *SKIP\S*\s*(.*))?$", re.IGNORECASE)
# cmocka writes "not ok 2 # SKIP name" for a skipped case.
RESULT = re.compile(r"(not )?ok \d+\s*(?:- )?(.*?)\s*(?:(?<!\\)# *SKIP\S*\s*(.*))?$", re.IGNORECASE)
# ... and has no place for the reason, which a comment before it gives.
REASON = re.compile(r"# *skip: *(.*)", re.IGNORECASE)
SKIPPED = 77


class Tap:
    """The results in a stream of TAP lines; several plans, one after the other, add up."""

    def __init__(self, test):
        self.test, self.planned, self.cases, self.reason = test, None, [], ""

    def read(self, line):
        if found := PLAN.match(line):
            self.planned = (self.planned or 0) + int(found[1])
            if found[1] == "0" and found[2] is not None:
                self.cases.append(("skip", self.test, found[2]))
        elif found := RESULT.match(line):
            failed, name, reason = found.groups()
            name = name.replace("\\#", "#")
            if reason is not None:
                self.cases.append(("skip", name or reason, self.reason or reason))
            else:
                self.cases.append(("fail" if failed else "ok", name, ""))
            self.reason = ""
        elif found := REASON.match(line):
            self.reason = found[1]

    def fail(self, what):
        self.cases.append(("fail", what, ""))

    def count(self, result):
        return sum(case[0] == result for case in self.cases)

    def judge(self, status):
        """Turns what is wrong beyond single cases into a failure of its own."""
        ran = len(self.cases) if self.planned else 0
        failed = self.count("fail")
        if self.planned is None:
            self.fail("no plan: the program did not reach its end")
        elif ran != self.planned:
            self.fail(f"{self.planned} cases planned, {ran} seen")
        elif not self.cases:
            self.fail("no case at all")
        if status < 0:
            self.fail(f"died of {signal.Signals(-status).name}")
        elif status and not failed:
            self.fail(f"exit status {status} without a failed case")
        elif failed and not status:
            self.fail("exit status 0 in spite of failed cases")


def default_signals():
    """A shell's background job ignores SIGINT, and its children would too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def end_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def run(words, tap, timeout):
    """Runs the program in a process group of its own; gives its status, or None for a timeout."""
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        preexec_fn=default_signals,
    )

    def copy():
        for line in process.stdout:
            print(line, end="", flush=True)
            tap.read(line.rstrip("\n"))

    reader = threading.Thread(target=copy, daemon=True)
    reader.start()
    try:
        status = process.wait(timeout)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        status = None
        end_group(process, signal.SIGTERM)  # leaves it the time to remove what it made
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            pass
    # What the program left behind would hold the pipe open.
    reader.join(1)
    end_group(process, signal.SIGKILL)
    process.wait()
    reader.join(10)
    return status


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--timeout", type=float, required=True)
    parser.add_argument("words", nargs="+")
    options = parser.parse_args()

    results = options.results / (options.name.replace("/", "-") + ".tsv")
    options.results.mkdir(parents=True, exist_ok=True)
    # Stays like this when not even this program reaches its end.
    results.write_text(f"fail\t{options.name}\tdid not end\t\n")

    tap = Tap(options.name)
    status = run(options.words, tap, options.timeout)
    if status is None:
        tap.fail(f"still running after {options.timeout:g} s")
    else:
        tap.judge(status)

    lines = ["\t".join([result, options.name, name, why]) for result, name, why in tap.cases]
    results.write_text("".join(line + "\n" for line in lines))
    for result, name, _ in tap.cases:
        if result == "fail":
            print(f"# failed: {name}")
    if tap.count("fail"):
        sys.exit(1)
    sys.exit(SKIPPED if tap.count("skip") == len(tap.cases) else 0)


if __name__ == "__main__":
    main()
