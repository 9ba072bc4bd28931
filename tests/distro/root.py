# SPDX-License-Identifier: GPL-2.0-only
"""Fresh roots of distributions: made by debootstrap once and kept packed, with this machine's apt's archives and settings,
and a copy of the checkout in them."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "vm"))
from kernels import Missing, mirror, run  # noqa: E402

SOURCE = Path(__file__).resolve().parents[2]
WORK = SOURCE / "build-distro"
CHECKOUT = "/srv/ebscript"  # inside
# Of apt's settings those that say how to get at archives; hooks and files of this machine mean nothing in a root.
SETTING = re.compile(r'^(Acquire::[^ ]+) "([^"/][^"]*|[a-z]+://[^"]*)";$')


def settings(dump):
    """What of `apt-config dump` a root takes over, as a file of apt.conf.d."""
    return "".join(f'{found[1]} "{found[2]}";\n' for line in dump.splitlines() if (found := SETTING.match(line)))


def sources(distribution, archive, security):
    """The root's sources.list."""
    suites = [(archive, suite) for suite in (distribution.suite, *distribution.updates)]
    return "".join(f"deb {address} {suite} main\n" for address, suite in [*suites, (security, distribution.security)])


def base(distribution):
    """The packed root, fresh from debootstrap."""
    packed = WORK / f"base-{distribution.suite}.tar.zst"
    if packed.exists():
        return packed
    folder = WORK / f"base-{distribution.suite}"
    if folder.exists():
        shutil.rmtree(folder)
    try:
        run("debootstrap", "--variant=minbase", "--include=ca-certificates", distribution.suite, folder,
            mirror("debian"), timeout=1800)
        part = packed.with_suffix(".part")
        run("tar", "--zstd", "-C", folder, "-cf", part, ".")
        part.rename(packed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return packed


def checked_in():
    """The checkout's files: what git has, and what it would take."""
    listed = run("git", "-C", SOURCE, "-c", f"safe.directory={SOURCE}", "ls-files", "-z", "--cached", "--others",
                 "--exclude-standard")
    return [name for name in listed.split("\0") if name and (SOURCE / name).is_file()]


def remove_left():
    """Roots of this process, and of such as are gone."""
    for folder in (WORK / "roots").glob("*.*"):
        owner = folder.name.rpartition(".")[2]
        if owner == str(os.getpid()) or not os.path.exists(f"/proc/{owner}"):
            shutil.rmtree(folder, ignore_errors=True)


class Root:
    """A root in a folder of its own, which goes with it."""

    def __init__(self, row):
        self.row, self.folder = row, WORK / "roots" / f"{row.key}.{os.getpid()}"
        self.checkout = self.folder / CHECKOUT[1:]
        self.packages = WORK / f"packages-{row.distribution.suite}"  # those that apt has fetched

    def __enter__(self):
        packed = base(self.row.distribution)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        try:
            self.fill(packed)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def fill(self, packed):
        run("tar", "--zstd", "-C", self.folder, "-xf", packed)
        for file in self.archives().glob("*.deb"):
            file.unlink()  # debootstrap's
        for name in ("/etc/resolv.conf", "/etc/hosts"):
            shutil.copyfile(name, f"{self.folder}{name}")
        apt = self.folder / "etc/apt"
        text = sources(self.row.distribution, mirror("debian"), mirror("debian-security"))
        (apt / "sources.list").write_text(text)
        (apt / "apt.conf.d/90machine").write_text(settings(run("apt-config", "dump")))
        for name in os.listdir("/etc/apt/auth.conf.d") if os.path.isdir("/etc/apt/auth.conf.d") else ():
            shutil.copy(f"/etc/apt/auth.conf.d/{name}", apt / "auth.conf.d")
        for name in checked_in():
            file = self.checkout / name
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(SOURCE / name, file)
        os.chmod(self.folder, 0o755)

    def command(self, *words):
        """The words of a command that runs inside, in the checkout's folder."""
        return [sys.executable, str(Path(__file__).with_name("enter.py")), str(self.folder), CHECKOUT, *words]

    def archives(self):
        return self.folder / "var/cache/apt/archives"

    def keep_packages(self):
        """What apt has fetched here is there for the next root of this distribution."""
        self.packages.mkdir(parents=True, exist_ok=True)
        for file in self.archives().glob("*.deb"):
            if not (self.packages / file.name).exists():
                shutil.move(file, self.packages / file.name)

    def take_packages(self):
        for file in self.packages.glob("*.deb"):
            os.link(file, self.archives() / file.name)


def install(root, log):
    """The row's packages, as somebody has them who comes with this machine."""
    if not root.row.packages:
        return
    words = " ".join(root.row.packages)
    command = f"apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends {words}"
    with open(log, "a") as file:
        if subprocess.run(root.command("sh", "-c", command), stdout=file, stderr=file,
                          stdin=subprocess.DEVNULL).returncode:
            raise Missing(f"{words} can't be installed: {log}")
