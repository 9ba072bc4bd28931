# SPDX-License-Identifier: GPL-2.0-only
"""The parts of ./dev distro that need no root: which rows run, what apt is told, which processes end, the table."""
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "distro"))
import children  # noqa: E402
import first  # noqa: E402
import report  # noqa: E402
import root  # noqa: E402
import rows  # noqa: E402
import tap  # noqa: E402

ALL = [row.key for row in rows.ROWS]
WHOLE = {key: {"whole": True} for key in ALL}

# Names, packages, results, again; the rows that run.
CHOSEN = [
    ([], [], {}, False, ALL),
    ([], [], {"13": {"whole": True}}, False, [key for key in ALL if key != "13"]),
    ([], [], {"13": {"cold": 1.0}}, False, ALL),  # it was interrupted
    ([], [], WHOLE, False, []),
    ([], [], WHOLE, True, ALL),
    (["13"], [], WHOLE, False, ["13"]),
    (["sid", "12"], [], {}, False, ["sid", "12"]),
    (["12"], ["clang"], WHOLE, False, ["12+clang"]),
    (["13"], ["a", "b"], {}, False, ["13+a+b"]),
    ([], ["clang"], {}, False, ["12+clang", "13+clang", "sid+clang"]),
]


@tap.case("which rows run")
def chosen():
    for names, packages, results, again, want in CHOSEN:
        tap.equal([row.key for row in rows.chosen(names, packages, results, again)], want, f"{names} {packages}")
    try:
        rows.chosen(["12", "11"], [], {})
        raise AssertionError("11 is no distribution")
    except rows.Unknown as why:
        tap.match(str(why), r"^there is no distribution 11: 12, 13, sid$")


@tap.case("rows with packages run without the sanitizers, the others with them")
def fast():
    tap.equal([row.key for row in rows.ROWS if not row.fast], ["12", "13", "sid"])
    tap.equal(rows.chosen(["12"], ["x"], {})[0].fast, True)
    tap.equal(len(set(ALL)), len(ALL), "names")


# Lines of `apt-config dump`; what a root takes over.
SETTINGS = [
    ("", ""),
    ('Acquire::Check-Valid-Until "false";', 'Acquire::Check-Valid-Until "false";\n'),
    ('Acquire::http::Proxy "http://proxy.example:3128";', 'Acquire::http::Proxy "http://proxy.example:3128";\n'),
    ('Acquire::https::CAInfo "/etc/ssl/mine.pem";', ""),  # a file that the root hasn't
    ('Acquire "";', ""),
    ('Acquire::Languages "";', ""),
    ('Acquire::Languages:: "none";', 'Acquire::Languages:: "none";\n'),
    ('APT::Update::Post-Invoke:: "rm /x";', ""),
    ('DPkg::Post-Invoke:: "Acquire::x";', ""),
]


@tap.case("a root takes over how apt gets at archives, and nothing else")
def settings():
    for dump, want in SETTINGS:
        tap.equal(root.settings(dump), want, dump)
    tap.equal(root.settings("\n".join(dump for dump, _ in SETTINGS * 1000)), "".join(want for _, want in SETTINGS) * 1000)


@tap.case("each root has its suites and a security archive")
def sources():
    for name, count in (("12", 3), ("13", 3), ("sid", 2)):
        lines = root.sources(rows.DISTRIBUTIONS[name], "http://a.example/debian/", "http://a.example/security").splitlines()
        tap.equal(len(lines), count)
        tap.equal(lines[0].split(), ["deb", "http://a.example/debian/", rows.DISTRIBUTIONS[name].suite, "main"])
        tap.match(lines[-1], "^deb http://a.example/security [a-z]+-security main$")


@tap.case("processes below one, at any depth")
def below():
    chain = {number: number - 1 for number in range(2, 3000)}
    tap.equal(children.below({}, 1), set())
    tap.equal(children.below({2: 1, 3: 2, 4: 1, 5: 9}, 1), {2, 3, 4})
    tap.equal(children.below(chain, 1), set(chain))


@tap.case("what was started by others too ends with the program")
def end():
    script = f"""
import subprocess, sys
sys.path.insert(0, {str(Path(root.__file__).parent)!r})
import children
children.adopt()
subprocess.run(["sh", "-c", "(setsid sleep 1000 & echo $!)"])
print(children.end(), flush=True)
"""
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    tap.equal(out[1], "True")
    for _ in range(100):
        if not os.path.exists(f"/proc/{out[0]}"):
            return
        time.sleep(0.05)
    raise AssertionError("it still runs")


@tap.case("versions, as the program tells them")
def versions():
    shown = "ebscript 0.1.0\ncompiler: Debian clang version 19.1.7 (3~deb12u1)\n  lacks x\nlibbpf 1.1\nlibuv 1.44.2\nLua 5.4.4\n"
    found = {name or "LLVM": version or llvm for llvm, name, version in first.VERSION.findall(shown)}
    tap.equal(found, {"LLVM": "19.1.7", "libbpf": "1.1", "libuv": "1.44.2", "Lua": "5.4.4"})


@tap.case("the table has what is known, the rest is empty; failures stand below it")
def table():
    results = {
        "12": {"cold": 100.4, "warm": 60.6, "tests": "`./dev test`", "counts": [900, 1, 3], "failures": ["lua/maps: a"],
               "versions": {"LLVM": "19.1.7", "libbpf": "1.1", "Lua": "5.4.4", "libuv": "1.44.2"}},
        "13": {"cold": 100.4},
        "sid": {"problem": "no line came\nand more"},
    }
    lines = report.text(rows.ROWS, results).splitlines()
    tap.equal(lines[2], "| Debian 12 | 100 s | 61 s | `./dev test` | 900 | **1** | 3 | 19.1.7 | 1.1 | 5.4.4 | 1.44.2 |")
    tap.equal(lines[3], "| Debian 13 | 100 s |  |  |  |  |  |  |  |  |  |")
    tap.ok("- lua/maps: a" in lines and "- no line came" in lines, "the problems")
    tap.equal({line.count("|") for line in lines[:5]}, {12})


@tap.case("results are kept between two calls")
def results():
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "results.json")
        tap.equal(report.read(file), {})
        report.write(file, {"12": {"whole": True}})
        tap.equal(report.read(file), {"12": {"whole": True}})
        tap.equal(json.loads(file.read_text()), report.read(file))
        tap.equal(os.listdir(folder), ["results.json"])


tap.run()
