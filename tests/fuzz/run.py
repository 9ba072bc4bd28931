# SPDX-License-Identifier: GPL-2.0-only
"""Runs fuzzers, as many side by side as there are processors, and prints what they found as TAP.

    run.py --build FOLDER --seconds N [--seed N] [NAME]...

FOLDER is where tests/fuzz was built. What a fuzzer learns stays in FOLDER/corpus/NAME, an input that
breaks something is written to FOLDER/findings/. Inputs that once did stand in tests/fuzz/seeds/NAME;
every run begins with them. With a seed, runs from an empty corpus draw the same inputs in the same order.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
# Seconds for one input, and MiB: more than any input of ours needs with sanitizers.
INPUT_SECONDS, MEMORY = 10, 2048
LEAST_RUNS = 200  # a fuzzer that runs fewer in 15 s tests nothing


def names():
    return sorted(path.stem.removesuffix("_fuzz") for path in SOURCES.glob("*_fuzz.c"))


def fuzz(build, name, seconds, seed):
    """Gives what went wrong, or "", and what is to be told of the run."""
    findings, corpus = build / "findings", build / "corpus" / name
    findings.mkdir(exist_ok=True)
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = [folder for folder in (build / "seeds" / name, SOURCES / "seeds" / name) if folder.is_dir()]
    program = build / f"{name}_fuzz"
    words = [
        program, f"-max_total_time={seconds}", f"-artifact_prefix={findings}/{name}-",
        f"-seed={seed}", f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEMORY}", "-print_final_stats=1", corpus, *seeds,
    ]
    environment = os.environ | {"ASAN_OPTIONS": "detect_stack_use_after_return=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    log = build / f"{name}.log"
    with log.open("w") as out:
        done = subprocess.run(
            list(map(str, words)), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            timeout=seconds + 15 * INPUT_SECONDS, env=environment,
        )
    text = log.read_text(errors="replace")
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
    runs = int(runs[1]) if runs else 0
    found = re.search(r"Test unit written to (\S+)", text)
    if done.returncode:
        last = "\n".join(line for line in text.splitlines() if not line.startswith("#"))[-6000:]
        again = f"the input is {found[1]}\nrun it again: {program} {found[1]}" if found else f"all of its words are in {log}"
        return f"{last}\n{again}", ""
    if runs < LEAST_RUNS:
        return f"only {runs} inputs in {seconds} s; its words are in {log}", ""
    covered = re.findall(r"cov: (\d+)", text)
    return "", f"{runs} inputs, {covered[-1] if covered else '?'} edges of the program reached"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    wanted = options.names or names()
    for name in wanted:
        if name not in names():
            parser.error(f"there is no fuzzer {name}; there are: {', '.join(names())}")

    print(f"1..{len(wanted)}", flush=True)
    failed = False
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(fuzz, options.build.resolve(), name, options.seconds, options.seed) for name in wanted]
        for number, (name, run) in enumerate(zip(wanted, runs), 1):
            try:
                wrong, told = run.result()
            except subprocess.TimeoutExpired:
                wrong, told = "it did not end", ""
            failed |= bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {number} - {name}: {options.seconds} s without a finding")
            for line in (wrong or told).splitlines():
                print("#", line)
            sys.stdout.flush()
    sys.exit(failed)


main()
