# SPDX-License-Identifier: GPL-2.0-only
"""The guest's disk: ebscript as it is installed, what it and the tests need of this system, and the tests."""
import os
import re
import shutil
import subprocess
from pathlib import Path

from kernels import run

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = """sh bash true false test cat ls ln mkdir rm rmdir mount umount sleep timeout sed grep head tail wc sort uname
    dd kill tc prlimit nsenter unshare setpriv taskset readlink basename env ip chmod touch id seq tr date mktemp""".split()
PATHS = ["/usr/include/linux", "/usr/include/asm-generic", "/usr/share/lua", "/etc/passwd", "/etc/group"]
NOT_OF_PYTHON = {"test", "idlelib", "tkinter", "lib2to3", "ensurepip", "pydoc_data", "turtledemo", "distutils"}
FOLDERS = "proc sys dev run tmp root var modules".split()


class Stage:
    """A folder that becomes the root. What is put there keeps its path, and brings the libraries that it needs."""

    def __init__(self, folder):
        self.folder, self.seen = Path(folder), set()

    def put(self, path):
        path = os.path.normpath(path)
        if path in self.seen or path == "/":
            return
        self.seen.add(path)
        parent = os.path.dirname(path)
        self.put(parent)
        if os.path.realpath(parent) != parent:
            self.put(os.path.join(os.path.realpath(parent), os.path.basename(path)))
            return
        target = self.folder / path[1:]
        if os.path.islink(path):
            target.symlink_to(os.readlink(path))
            self.put(os.path.join(parent, os.readlink(path)))
        elif os.path.isdir(path):
            target.mkdir()
        elif os.path.isfile(path):
            shutil.copy2(path, target)
            self.libraries(path)

    def tree(self, path, without=()):
        self.put(path)
        for folder, folders, files in os.walk(os.path.realpath(path)):
            folders[:] = [name for name in folders if name not in without]
            for name in (*folders, *files):
                self.put(os.path.join(folder, name))

    def libraries(self, path):
        with open(path, "rb") as file:
            if file.read(4) != b"\x7fELF":
                return
        shown = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", shown):
            self.put(library)


def put_python(stage):
    program = os.path.realpath("/usr/bin/python3")
    stage.put("/usr/bin/python3")
    stage.tree(f"/usr/lib/{os.path.basename(program)}", without=NOT_OF_PYTHON)


def put_tests(folder, build):
    for name in ("lua", "scripts", "vm", "snippets"):
        shutil.copytree(ROOT / "tests" / name, folder / "tests" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("scripts", "bpf-templates"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copytree(build / "tests" / "support", folder / "support")


def make(work, build, kernels, python):
    """Writes an ext4 image for these kernels, each by its name, folder, and tests' list; gives its path."""
    folder = work / "stage"
    folder.mkdir()
    stage = Stage(folder)
    for command in COMMANDS:
        if path := shutil.which(command, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            stage.put(path)
    headers = (build / "tests" / "vm" / "clang-headers").read_text().strip()
    stage.put("/bin/sh")  # init runs it, wherever it really is
    for path in (*PATHS, headers, *Path("/usr/include").glob("*-linux-gnu/asm")):
        stage.tree(str(path))
    if python:
        put_python(stage)
    run("cmake", "--install", build, "--prefix", folder / "usr", "--strip")
    for path in (build / "ebscript", *(build / "lib" / "ebscript").iterdir()):
        stage.libraries(path)
    put_tests(folder / "source", build)
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
    for name, kernel, tests in kernels:
        release = (kernel / "release").read_text().strip()
        shutil.copytree(kernel / "modules", folder / "modules" / release, dirs_exist_ok=True)
        (folder / "modules" / f"{name}.list").write_text("".join(f"{line}\n" for line in tests))
    shutil.copy2(build / "tests" / "vm" / "init", folder / "init")

    megabytes = int(run("du", "-sm", folder).split()[0])
    image = work / "root.ext4"
    run("mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-b", "4096", "-N", "20000",
        "-d", folder, image, f"{megabytes + megabytes // 8 + 32}M")
    shutil.rmtree(folder)
    return image
