# SPDX-License-Identifier: GPL-2.0-only
"""Which packages ./dev installs: dpkg and apt stand in for themselves, and say what the tables here have."""
import os
import subprocess
import tempfile
from pathlib import Path

import tap

DEV = Path(__file__).resolve().parents[2] / "dev"

DPKG = """#!/bin/sh
shift 3
for name in $INSTALLED; do
    for pattern; do
        case $name in $pattern) echo "installed $name" ;; esac
    done
done
"""
APT_CACHE = """#!/bin/sh
command=$1
shift
[ "$command" = policy ] || for name in $AVAILABLE; do
    case $name in $1*) echo "$name" ;; esac
done
[ "$command" = pkgnames ] || for name; do
    case " $AVAILABLE " in
    *" $name "*) printf '%s:\\n  Installed: (none)\\n  Candidate: 1.0\\n' "$name" ;;
    *) [ "$name" != only-named ] || printf '%s:\\n  Installed: (none)\\n  Candidate: (none)\\n' "$name" ;;
    esac
done
"""
APT_GET = """#!/bin/sh
while [ "$1" = -o ]; do
    [ "$2" != Acquire::Check-Valid-Until=false ] || EXPIRED=
    shift 2
done
echo "$@" >> "$CALLS"
if [ "$1" = update ] && [ -n "$EXPIRED" ]; then
    echo "E: Release file for http://x/InRelease is expired (invalid since 9d)."
    exit 100
fi
"""


def llvm(*majors):
    return [name for n in majors for name in (f"libclang-{n}-dev", f"llvm-{n}-dev", f"libclang-cpp{n}-dev")]


def ensure(words, installed=(), available=(), expired=False):
    """Gives dev's exit status, what it asked apt-get for, and what it said."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("dpkg-query", DPKG), ("apt-cache", APT_CACHE), ("apt-get", APT_GET)):
            file = Path(folder, name)
            file.write_text(text)
            file.chmod(0o755)
        calls = Path(folder, "calls")
        calls.touch()
        env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(calls), "TMPDIR": folder,
               "INSTALLED": " ".join(installed), "AVAILABLE": " ".join(("gcc", *available)), "EXPIRED": "1" * expired}
        script = f'. <(sed "/^command=/,\\$d" "{DEV}"); is_debian() {{ true; }}; is_root() {{ true; }}; ensure_packages "$@"'
        done = subprocess.run(["bash", "-c", script, str(DEV), *words], env=env, capture_output=True, text=True)
        asked = [line.removeprefix("install -y --no-install-recommends ") for line in calls.read_text().splitlines()]
        return done.returncode, asked, done.stderr


# Words, installed, available; what apt-get is called for. Nothing is asked of it where nothing lacks.
CALLS = [
    (["a"], ["a"], [], []),
    (["a", "b"], ["b"], ["a", "b"], ["update", "a"]),
    (["@llvm"], llvm(14), [], []),
    (["@llvm"], llvm(14, 19, 22), [], []),
    (["@llvm"], llvm(24), [], []),  # newer than all known ones
    (["@llvm"], llvm(13), llvm(13, 16), ["update", " ".join(llvm(16))]),
    (["@llvm"], ["clang", "clang-14"], ["clang", *llvm(14, 15, 19, 22)], ["update", " ".join(llvm(19))]),
    (["@llvm"], ["llvm-14-dev", "clang-14"], llvm(14, 19), ["update", " ".join(llvm(19))]),
    (["@llvm"], [*llvm(14)[1:], *llvm(16)[:1]], llvm(14, 16, 19), ["update", " ".join(llvm(19))]),
    (["@llvm"], [], llvm(21, 22, 23), ["update", " ".join(llvm(21))]),
    (["@llvm"], [], llvm(24, 25), ["update", " ".join(llvm(25))]),
    (["@llvm", "a"], [], [*llvm(19), "a"], ["update", " ".join([*llvm(19), "a"])]),  # one call
    (["@llvm", "@clang"], llvm(16), ["clang-16", "libclang-rt-16-dev", *llvm(19)], ["update", "clang-16 libclang-rt-16-dev"]),
    (["@llvm", "@clang"], [], [*llvm(19), "clang-19", "libclang-rt-19-dev"],
     ["update", " ".join([*llvm(19), "clang-19", "libclang-rt-19-dev"])]),
    (["@static", "@llvm"], llvm(19), ["lld-19", "libzstd-dev", *llvm(19)], ["update", " ".join([*llvm(19), "lld-19", "libzstd-dev"])]),
    (["a|b"], ["b"], ["a"], []),
    (["a|b"], [], ["b"], ["update", "b"]),
    (["a|b"], [], ["a", "b"], ["update", "a"]),
    (["a", "--", "b", "c|d"], ["a"], ["d"], ["update", "d"]),
    (["a", "--", "b"], ["a"], [], []),  # what the lists don't have is not asked for each time
    (["a", "--", "b"], [], ["a"], ["update", "a"]),
    ([f"p{i}" for i in range(300)], [], [f"p{i}" for i in range(300)], ["update", " ".join(f"p{i}" for i in range(300))]),
]


@tap.case("what lacks is installed by one call; a word of ours is no package")
def calls():
    for words, installed, available, want in CALLS:
        status, asked, said = ensure(words, installed, available)
        tap.equal((status, asked), (0, want), f"{words[:3]} {said}")


# Words, available; the sentence that ends it.
LACKING = [
    (["a"], [], "the package lists of this machine have no a, which is needed"),
    (["a|b", "gcc", "only-named"], [], "have no a, only-named, which is needed"),
    (["@llvm"], llvm(13), "have no LLVM \\(libclang-N-dev, llvm-N-dev and libclang-cppN-dev, N from 14 on\\), which"),
]


@tap.case("what cannot be had is named in a sentence, and nothing is installed")
def lacking():
    for words, available, want in LACKING:
        status, asked, said = ensure(words, (), available)
        tap.equal((status, asked), (1, ["update"]), said)
        tap.match(said, want)
    tap.match(ensure(["a", "--", "b"], ["a"])[2], "have no b: tests that need it are skipped")


@tap.case("lists that have expired are told, and taken")
def expired():
    status, asked, said = ensure(["a"], (), ["a"], expired=True)
    tap.equal((status, asked), (0, ["update", "update", "a"]))
    tap.match(said, "lists of packages have expired, as the mirror is behind; going on with them")


tap.run()
