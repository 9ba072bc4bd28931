# SPDX-License-Identifier: GPL-2.0-only
"""Compiles the BPF selftests of Debian's kernels with clang and with ebscript, and compares.

    corpus.py --ebscript PROGRAM --clang CLANG --cache FOLDER [--only TEXT] [--no-load] PACKAGE...

PACKAGE is a linux-source-N of Debian; apt fetches it into FOLDER once. clang gets libbpf's headers of that
kernel, and bpftool's vmlinux.h. Compared are the instructions of each section, byte by byte; where they
differ, once more with that kernel's libbpf headers for ebscript. What may differ then stands in reasons.txt.
Status 1 when clang takes a file that ebscript does not take, when instructions differ without a reason, or when
bpftool loads an object and ebscript does not load the file.
"""
import argparse
import collections
import concurrent.futures
import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOAD = "assert(require('bpf').load{ file = arg[1] })"
SECONDS = 120  # for one file


def run(words, **options):
    """Gives the status, standard error and the seconds that it took; status None: it did not end."""
    start = time.monotonic()
    options["env"] = {**os.environ, "CCACHE_DISABLE": "1"}  # clang may be a name of ccache
    try:
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, errors="replace",
                              timeout=SECONDS, stdin=subprocess.DEVNULL, **options)
        return done.returncode, done.stderr, time.monotonic() - start
    except subprocess.TimeoutExpired:
        return None, f"not done after {SECONDS} s", time.monotonic() - start


def fetch(package, cache):
    """The package's BPF selftests and libbpf's headers, unpacked once; gives their folder."""
    folder = cache / package
    if (folder / "done").exists():
        return folder
    found = sorted(cache.glob(f"{package}_*.deb"))
    if not found:
        subprocess.run(["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "download", package], cwd=cache, check=True)
        found = sorted(cache.glob(f"{package}_*.deb"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    # A tar file of kernel sources inside the package's own.
    version = package.removeprefix("linux-source-")
    outer = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", found[-1]], stdout=subprocess.PIPE)
    inner = subprocess.Popen(["tar", "-xO", f"./usr/src/linux-source-{version}.tar.xz"], stdin=outer.stdout,
                             stdout=subprocess.PIPE)
    subprocess.run(["tar", "-xJ", "--strip-components=1", "-C", folder, "--wildcards",
                    "*/tools/testing/selftests/bpf/*.[ch]", "*/tools/lib/bpf/*.h", "*/tools/include/*"],
                   stdin=inner.stdout, check=True)
    outer.wait()
    inner.wait()
    headers = folder / "headers" / "bpf"
    headers.mkdir(parents=True)
    for header in (folder / "tools/lib/bpf").glob("*.h"):
        shutil.copy(header, headers)
    # It is generated when libbpf is built; that of the installed one will do.
    shutil.copy("/usr/include/bpf/bpf_helper_defs.h", headers)
    (folder / "done").touch()
    return folder


def own_type_ids(btf, extension):
    """By section: where instructions hold the number of a type in the object's own BTF, which says nothing."""
    # struct btf_header and struct btf_ext_header of <linux/btf.h> and of libbpf.
    header, = struct.unpack_from("<I", btf, 4)
    strings = header + struct.unpack_from("<I", btf, 16)[0]
    header, = struct.unpack_from("<I", extension, 4)
    if header < 32:
        return {}
    at, length = struct.unpack_from("<II", extension, 24)
    at += header
    end, at = at + length, at + 4
    found = {}
    while at < end:
        name, count = struct.unpack_from("<II", extension, at)
        text = btf[strings + name:btf.index(b"\0", strings + name)].decode()
        at += 8
        for _ in range(count):
            place, _, _, kind = struct.unpack_from("<IIII", extension, at)
            at += 16
            if kind in (6, 7):  # BPF_CORE_TYPE_ID_LOCAL and _TARGET
                found.setdefault(text, []).append(place)
    return found


def instructions(path):
    """The bytes of each section with instructions."""
    data = path.read_bytes()
    offset, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    rows = [struct.unpack_from("<IIQQQQ", data, offset + i * size) for i in range(count)]
    strings = rows[names][4]
    found = {}
    for name, kind, flags, _, start, length in rows:
        text = data[strings + name:data.index(b"\0", strings + name)].decode()
        if kind == 1 and length and (flags & 4 or text in (".BTF", ".BTF.ext")):
            found[text] = bytearray(data[start:start + length])
    btf, extension = found.pop(".BTF", None), found.pop(".BTF.ext", None)
    for section, places in (own_type_ids(btf, extension) if btf and extension else {}).items():
        for place in places:  # of an instruction of 16 bytes
            found[section][place + 4:place + 8] = bytes(4)
    return found


def differences(theirs, own):
    return sorted(name for name in theirs.keys() | own.keys() if theirs.get(name) != own.get(name))


def architecture():
    return {"x86_64": "x86", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


class Corpus:
    def __init__(self, options, folder):
        self.options = options
        self.bpf = folder / "tools/testing/selftests/bpf"
        self.folders = [self.bpf, self.bpf / "progs", self.bpf / "libarena/include"]
        self.headers = folder / "headers"
        self.kernel_headers = folder / "tools/include/uapi"
        self.clang = [options.clang, "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-c", "-w", "-fms-extensions",
                      f"-D__TARGET_ARCH_{architecture()}", "-I", options.types, "-I", self.headers]
        for path in self.folders:
            self.clang += ["-I", path]
        self.clang += ["-idirafter", f"/usr/include/{platform.machine()}-linux-gnu", "-idirafter", "/usr/include"]
        self.mine = [options.ebscript, "--no-cache"]
        for path in self.folders:
            if path.is_dir():
                self.mine += ["-I", path]

    def files(self):
        return sorted(path for path in (self.bpf / "progs").glob("*.c") if self.options.only in path.name)

    def compare(self, path):
        """What became of one file: words for the counts, and a text for who reads."""
        with tempfile.TemporaryDirectory() as folder:
            first, second = Path(folder, "clang.o"), Path(folder, "ebscript.o")
            # libc's headers take a target that they don't know for one of 32 bits, and ask for another
            # package's header then. So clang gets an empty one, and the machine's word size, as ebscript does.
            for more in ([], ["-I", self.kernel_headers]):  # these only where Debian's own don't do
                status, _, seconds = run([*self.clang, *more, "-I", self.options.stubs, path, "-o", first])
                mine = [*self.mine, *more]
                my_status, message, my_seconds = run([*mine, "--emit", f"obj={second}", "-e", LOAD, path])
                if not (status and my_status):
                    break
            both = (seconds, my_seconds)
            if status or my_status:
                kind = "neither" if status and my_status else "only clang" if my_status else "only ebscript"
                errors = [line for line in message.splitlines() if "error" in line or "killed" in line]
                return kind, both, (errors or message.splitlines() or [""])[0]
            theirs = instructions(first)
            apart = differences(theirs, instructions(second))
            if apart:
                # That kernel's libbpf and the installed one may write a macro in other C.
                run([*mine, "-I", self.headers, "--emit", f"obj={second}", "-e", LOAD, path])
                if differences(theirs, instructions(second)):
                    return "different", both, ", ".join(apart[:4])
            # Without a program bpftool loads nothing, and ebscript says that there is nothing to load.
            has_program = theirs.keys() - {".text"}
            if self.options.load and has_program and not run(["bpftool", "-L", "prog", "loadall", first, self.pins(path)])[0]:
                shutil.rmtree(self.pins(path), ignore_errors=True)
                my_status, message, _ = run([*mine, "--check", "-e", LOAD, path])
                if my_status:
                    return "not loaded", both, message.splitlines()[0] if message else ""
                return "loaded", both, "its headers" if apart else ""
            return "same", both, "its headers" if apart else ""

    def pins(self, path):
        return Path("/sys/fs/bpf") / f"ebscript-corpus-{os.getpid()}-{path.stem}"


def reasons():
    lines = (HERE / "reasons.txt").read_text().splitlines()
    return dict(line.split(None, 1) for line in lines if line and not line.startswith("#"))


def median(values):
    return sorted(values)[len(values) // 2] if values else 0


def check(options, package):
    corpus = Corpus(options, fetch(package, options.cache))
    known, counts, wrong = reasons(), collections.Counter(), 0
    times = ([], [])
    files = corpus.files()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, (kind, seconds, text) in zip(files, pool.map(corpus.compare, files)):
            counts[kind] += 1
            counts["its headers"] += text == "its headers"
            if kind in ("same", "loaded", "different", "not loaded"):
                for list_, value in zip(times, seconds):
                    list_.append(value)
            excused = kind in ("different", "only clang", "not loaded") and known.get(path.name)
            if kind not in ("same", "loaded", "neither"):
                print(f"{kind}: {path.name}: {text}{f' ({excused})' if excused else ''}", flush=True)
            wrong += kind in ("only clang", "different", "not loaded") and not excused
    both = sum(counts[kind] for kind in ("same", "loaded", "different", "not loaded"))
    print(f"{package}: {len(files)} files; clang takes {both + counts['only clang']}, ebscript "
          f"{both + counts['only ebscript']}; instructions of {both - counts['different']} of {both} are the same "
          f"({counts['its headers']} with that kernel's libbpf headers); "
          f"loaded {counts['loaded']} of {counts['loaded'] + counts['not loaded']} that bpftool loads; "
          f"median {median(times[1]) * 1000:.0f} ms, clang {median(times[0]) * 1000:.0f} ms")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ebscript", type=Path, required=True)
    parser.add_argument("--clang", required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--only", default="", help="files with this in their names")
    parser.add_argument("--no-load", dest="load", action="store_false")
    parser.add_argument("packages", nargs="+")
    options = parser.parse_args()
    options.cache = options.cache.resolve()
    options.cache.mkdir(exist_ok=True)
    options.types, options.stubs = options.cache / "types", options.cache / "stubs"
    options.types.mkdir(exist_ok=True)
    (options.stubs / "gnu").mkdir(parents=True, exist_ok=True)
    (options.stubs / "gnu" / "stubs-32.h").touch()
    (options.stubs / "bits").mkdir(exist_ok=True)
    words = "#define __WORDSIZE 64\n#define __WORDSIZE_TIME64_COMPAT32 0\n"
    (options.stubs / "bits" / "wordsize.h").write_text(words)
    with (options.types / "vmlinux.h").open("w") as out:
        subprocess.run(["bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux", "format", "c"], stdout=out, check=True)
    sys.exit(1 if sum(check(options, package) for package in options.packages) else 0)


main()
