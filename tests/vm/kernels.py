# SPDX-License-Identifier: GPL-2.0-only
"""Debian's kernels: where they are, and how they get here without being installed.

The packages come from the archives that this machine's apt is configured with, read from the suites that have these
kernels, by lists of their own: nothing about the machine's apt changes.
"""
import fcntl
import lzma
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
MODULES = ["veth", "dummy", "sch_ingress", "cls_bpf"]  # and what they depend on


class Missing(Exception):
    """The kernel can't be had here: the reason."""


@dataclass(frozen=True)
class Kernel:
    name: str
    archive: str  # the last part of its address
    suite: str
    package: str  # the one that depends on the newest
    about: str
    usual: bool = True  # runs the usual tests too, which want what came with 5.17
    parameters: str = ""  # of its command line, in place of the usual ones of these names
    tests: tuple = ()  # those that it runs in place of all

    @property
    def folder(self):
        return self.name.partition("-")[0]


KERNELS = [
    Kernel("5.10", "debian-security", "bullseye-security", "linux-image-cloud-amd64", "Debian 11", False),
    Kernel("6.1", "debian-security", "bookworm-security", "linux-image-cloud-amd64", "Debian 12"),
    Kernel("6.12", "debian-security", "bookworm-security", "linux-image-6.12-cloud-amd64", "Debian 12, its newest"),
    Kernel("newest", "debian", "trixie-backports", "linux-image-cloud-amd64", "Debian 13's backports"),
    Kernel("6.1-locked", "debian-security", "bookworm-security", "linux-image-cloud-amd64", "Debian 12, locked down",
           parameters="lockdown=confidentiality lsm=lockdown,capability", tests=("vm/locked",)),
]


def run(*words, **options):
    try:
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    except FileNotFoundError:
        raise Missing(f"{words[0]} is not installed") from None
    if done.returncode != 0:
        first = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[0]
        raise Missing(f"{words[0]}: {first}")
    return done.stdout


def mirror(archive):
    """The address of an archive, as this machine's apt has it."""
    lines = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").splitlines()
    for address in lines:
        if address.rstrip("/").endswith(f"/{archive}"):
            return address
    raise Missing(f"this machine's apt has no archive whose address ends with /{archive}")


class Apt:
    """apt with one suite and lists of its own in a folder."""

    def __init__(self, kernel, folder):
        if not os.path.exists(KEYS):
            raise Missing("debian-archive-keyring is not installed")
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        source = folder / "source.list"
        source.write_text(f"deb [signed-by={KEYS}] {mirror(kernel.archive)} {kernel.suite} main\n")
        self.options = []
        for option in (
            f"Dir::Etc::SourceList={source}",
            "Dir::Etc::SourceParts=/dev/null",
            f"Dir::State::Lists={folder}/lists",
            f"Dir::Cache={folder}/cache",
            "APT::Architecture=amd64",
            "APT::Sandbox::User=root",
            "Acquire::Languages=none",
            "Acquire::Retries=2",
            "Acquire::http::Timeout=20",
        ):
            self.options += ["-o", option]

    def __call__(self, command, *words, **options):
        return run(command, *self.options, *words, **options)


def packages(apt, kernel):
    """The packages that hold the kernel and its modules: newer ones keep them apart."""
    found = apt("apt-cache", "depends", "--recurse", "--important", kernel.package)
    names = sorted(set(re.findall(r"linux-(?:image|binary|modules)-\d\S*", found)))
    if not names:
        raise Missing(f"{kernel.suite} has no kernel behind {kernel.package}")
    return names


def read_module(path):
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def in_order(folder, wanted):
    """The modules' names and bytes, each behind those that it depends on. What is built in isn't there."""
    files = {path.name.split(".ko")[0].replace("-", "_"): path for path in folder.rglob("*.ko*")}
    order = {}

    def add(name):
        if name not in files or name in order:
            return
        data = read_module(files[name])
        depends = re.search(rb"\0depends=([^\0]*)\0", data)
        for other in filter(None, depends[1].decode().split(",") if depends else []):
            add(other.replace("-", "_"))
        order[name] = data

    for name in wanted:
        add(name)
    return order


def unpack(work, into):
    """From the packages in `work`: vmlinuz, the modules that tests want, and the release's name."""
    root = work / "root"
    root.mkdir()
    for package in work.glob("*.deb"):
        run("dpkg-deb", "-x", package, root)
    folders = [path for path in (*root.glob("lib/modules/*"), *root.glob("usr/lib/modules/*")) if path.is_dir()]
    images = [*root.glob("boot/vmlinuz-*"), *root.glob("usr/lib/modules/*/vmlinuz")]
    if not folders or not images:
        raise Missing("the packages hold no kernel")
    into.mkdir()
    shutil.copy(images[0], into / "vmlinuz")
    (into / "modules").mkdir()
    for number, (name, data) in enumerate(in_order(folders[0], MODULES).items()):
        (into / "modules" / f"{number:02}-{name}.ko").write_bytes(data)
    (into / "release").write_text(folders[0].name + "\n")


@contextmanager
def locked(folder):
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def fetch(kernel, folder, update=False):
    """The folder with the kernel, which is fetched where it isn't there yet, or is to be the newest."""
    with locked(folder):
        there, work = folder / kernel.folder, folder / f"{kernel.folder}.new"
        if there.exists() and not update:
            return there
        shutil.rmtree(work, ignore_errors=True)
        try:
            work.mkdir()
            apt = Apt(kernel, work / "apt")
            apt("apt-get", "-qq", "--error-on=any", "update")
            apt("apt-get", "-qq", "download", *packages(apt, kernel), cwd=work)
            unpack(work, work / "done")
            shutil.rmtree(there, ignore_errors=True)
            (work / "done").rename(there)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return there
