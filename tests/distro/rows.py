# SPDX-License-Identifier: GPL-2.0-only
"""The distributions that `./dev distro` knows, and the rows of its table: each with packages that are there beforehand."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Distribution:
    name: str
    about: str
    suite: str
    updates: tuple  # suites of the main archive beside it
    security: str  # the suite of the security archive; the kernels of the tests in guests come from there


DISTRIBUTIONS = {each.name: each for each in (
    Distribution("12", "Debian 12", "bookworm", ("bookworm-updates",), "bookworm-security"),
    Distribution("13", "Debian 13", "trixie", ("trixie-updates",), "trixie-security"),
    Distribution("sid", "Debian sid", "sid", (), "trixie-security"),
)}


@dataclass(frozen=True)
class Row:
    distribution: Distribution
    packages: tuple = ()  # that are installed beforehand
    fast: bool = False  # without sanitizers and fuzzers

    @property
    def key(self):
        """Its name among results and files."""
        return "+".join((self.distribution.name, *self.packages))

    @property
    def title(self):
        about = self.distribution.about
        return f"{about} with {', '.join(self.packages)}" if self.packages else about


def llvm(major):
    return f"libclang-{major}-dev", f"llvm-{major}-dev", f"libclang-cpp{major}-dev"


# Three as they come; then what people have who write BPF, parts of LLVM, and other majors in full.
ROWS = [Row(each) for each in DISTRIBUTIONS.values()] + [
    Row(DISTRIBUTIONS["12"], packages, True) for packages in (
        ("clang",), ("llvm-14-dev", "clang-14"), ("llvm-14-dev", "libclang-cpp14-dev", "libclang-16-dev"), llvm(22))
] + [Row(DISTRIBUTIONS["sid"], llvm(23), True)]


class Unknown(Exception):
    """No distribution has this name."""


def chosen(names, packages, results, again=False):
    """The rows to run: of each name one with these packages; without names, those of ROWS that lack a result."""
    if not names and not packages:
        return [row for row in ROWS if again or not results.get(row.key, {}).get("whole")]
    for name in names:
        if name not in DISTRIBUTIONS:
            raise Unknown(f"there is no distribution {name}: {', '.join(DISTRIBUTIONS)}")
    known = {row.key: row for row in ROWS}
    rows = [Row(DISTRIBUTIONS[name], tuple(packages), bool(packages)) for name in names or DISTRIBUTIONS]
    return [known.get(row.key, row) for row in rows]
