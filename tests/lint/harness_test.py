# SPDX-License-Identifier: GPL-2.0-only
"""The harness itself: what counts as passed, failed and skipped."""
import subprocess
import sys
import tempfile
from pathlib import Path

import tap

HARNESS = Path(__file__).resolve().parents[1] / "harness.py"

# What a shell prints and does; the harness's exit status; the results it keeps.
STORIES = [
    ("echo 1..2; echo ok 1 - a; echo 'ok 2 - b # SKIP why'", 0, ["ok a", "skip b why"]),
    ("echo 1..1; echo 'ok 1 - a # skip why'", 77, ["skip a why"]),
    ("echo '1..0 # SKIP why'", 77, ["skip story why"]),
    ("echo 1..1; echo 'ok 1 - a \\# SKIP b'", 0, ["ok a # SKIP b"]),
    # cmocka's way to skip, and two of its groups in one program.
    ("echo 1..1; echo '# skip: why'; echo 'not ok 1 # SKIP a'", 77, ["skip a why"]),
    ("echo 1..1; echo ok 1 - a; echo '# ok - x'; echo 1..1; echo ok 1 - b", 0, ["ok a", "ok b"]),
    ("echo 1..1; echo not ok 1 - a; exit 1", 1, ["fail a"]),
    ("echo 1..1; echo not ok 1 - a", 1, ["fail a", "fail exit status 0 in spite of failed cases"]),
    ("echo 1..2; echo ok 1 - a", 1, ["ok a", "fail 2 cases planned, 1 seen"]),
    ("echo 1..1; echo ok 1 - a; exit 3", 1, ["ok a", "fail exit status 3 without a failed case"]),
    ("echo 1..1; echo ok 1 - a; kill -SEGV $$", 1, ["ok a", "fail died of SIGSEGV"]),
    ("echo ok 1 - a", 1, ["ok a", "fail no plan: the program did not reach its end"]),
    ("echo 1..0", 1, ["fail no case at all"]),
    ("echo 1..1; echo ok 1 - a; sleep 60", 1, ["ok a", "fail still running after 1 s"]),
    # What is left behind neither holds the harness up nor survives it.
    ("echo 1..1; echo ok 1 - a; sleep 60 &", 0, ["ok a"]),
]


def run(*words):
    with tempfile.TemporaryDirectory() as folder:
        options = ["--name", "story", "--results", folder, "--timeout", "1", "--"]
        done = subprocess.run([sys.executable, HARNESS, *options, *words], capture_output=True)
        lines = (Path(folder) / "story.tsv").read_text().splitlines()
    fields = [line.split("\t") for line in lines]
    return done.returncode, [" ".join(filter(None, [f[0], f[2], f[3]])) for f in fields]


def add(story, status, results):
    @tap.case(story)
    def told():
        tap.equal(run("sh", "-c", story), (status, results))


for told in STORIES:
    add(*told)


@tap.case("a program that is not there")
def absent():
    tap.equal(run("/nonexistent"), (1, ["fail did not end"]))


tap.run()
