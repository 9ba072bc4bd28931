#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Attachments that go blind while a script waits: one notice, one record, the event, the end."""

import json
import os
import signal
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

import tap

cases = []
started = []


def side_by_side(name):
    """A case that runs at the same time as the others: each of them waits for the most part."""
    def add(function):
        number = len(cases)
        cases.append(function)
        tap.case(name)(lambda: started[number].result())
        return function

    return add


SCRIPT = r"""
local bpf = require("bpf")
local object = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

SEC("xdp") int packets(struct xdp_md *ctx) { return XDP_PASS; }
SEC("tc") int frames(struct __sk_buff *skb) { return -1; }
SEC("socket") int copies(struct __sk_buff *skb) { return 0; }
SEC("cgroup_skb/egress") int group(struct __sk_buff *skb) { return 1; }
SEC("sk_lookup") int look(struct bpf_sk_lookup *ctx) { return 1; }
SEC("uprobe") int called(void *ctx) { return 0; }
SEC("perf_event") int sample(void *ctx) { return 0; }
]] }))

local function attach(program, options)
    return assert(object:program(program):attach(options))
end

local ticks = 0
bpf.every(0.1, function()
    ticks = ticks + 1
    if ticks == 1 then
        print("waiting")
    elseif ticks == 200 then
        error("it waits for nothing")
    end
end)
"""


def waiting(text, netns=None, options=()):
    """A script that has attached and waits. It ends by itself, or fails after 20 s."""
    return tap.Ebscript(*options, "-e", SCRIPT + text + "\nassert(bpf.run())\nprint('ended')", netns=netns)


def gone(ebscript, *patterns):
    """The script ends by itself, having said just that."""
    ebscript.finish()
    tap.equal(ebscript.stdout[-1], "ended")
    tap.equal(len(ebscript.stderr), len(patterns), ebscript.story())
    for line, pattern in zip(sorted(ebscript.stderr), sorted(patterns)):
        tap.match(line, r"^ebscript: \(command line\): " + pattern + "$")


@side_by_side("an interface that is deleted: XDP, TC, socket filters")
def deleted():
    tap.needs_kernel()
    with tap.namespaces() as (a, b):
        scripts = [waiting(f"attach('{program}', {{ interface = '{a.interface}' }})", a.name)
                   for program in ["packets", "frames", "copies"]]
        for script in scripts:
            script.wait_for("waiting")
        tap.sh("ip", "-n", b.name, "link", "delete", b.interface) # and with it the other end
        for script, program in zip(scripts, ["packets", "frames", "copies"]):
            with script:
                gone(script, f'interface ebs-a is gone: program "{program}" sees no more of it')


@side_by_side("of several interfaces one goes, and the others stay")
def one_of_several():
    tap.needs_kernel()
    with tap.namespaces() as (a, b):
        a.run("ip", "link", "add", "ebs-x", "type", "veth", "peer", "name", "ebs-y")
        with waiting("""
local link = attach("packets", { interface = { "ebs-a", "ebs-x" }, mode = "generic" })
bpf.every(0.1, function() print("alive", link.info.alive) end)
""", a.name) as script:
            script.wait_for("waiting")
            a.run("ip", "link", "delete", "ebs-x")
            script.wait_for("interface ebs-x is gone", stream="stderr")
            script.wait_for("alive\ttrue", count=len(script.stdout) + 3)
            a.run("ip", "link", "delete", "ebs-a")
            gone(script, 'interface ebs-x is gone: program "packets" sees no more of it',
                 'interface ebs-a is gone: program "packets" sees no more of it')


@side_by_side("an interface that moves to another namespace")
def moved():
    tap.needs_kernel()
    with tap.namespaces() as (a, b):
        with waiting("""
local link = attach("packets", { interface = "ebs-a" })
bpf.every(0.1, function() print("alive", link.info.alive) end)
""", a.name) as script:
            script.wait_for("alive\ttrue")
            a.run("ip", "link", "set", "ebs-a", "netns", b.name)
            script.wait_for('interface ebs-a was moved to another network namespace, where program "packets" still '
                            'runs$', stream="stderr")
            script.wait_for("alive\tfalse", count=15)
            b.run("ip", "link", "delete", "ebs-a")
            script.interrupt()
            script.finish()
            tap.equal(len(script.stderr), 1)


@side_by_side("a program that somebody else detaches")
def detached():
    tap.needs_kernel()
    if not shutil.which("bpftool"):
        tap.skip("needs bpftool")
    with tap.namespaces() as (a, b):
        for program in ["packets", "frames"]:
            with waiting(f"attach('{program}', {{ interface = 'ebs-a' }})", a.name) as script:
                script.wait_for("waiting")
                links = json.loads(subprocess.run(["bpftool", "-j", "link"], capture_output=True).stdout)
                mine = [link["id"] for link in links
                        if script.pid in [holder["pid"] for holder in link.get("pids", [])]]
                if not mine: # an old bpftool without the kernel's iterators
                    numbers = [tap.match(open(f"/proc/{script.pid}/fdinfo/{fd}").read(), "(?s).*")[0]
                               for fd in os.listdir(f"/proc/{script.pid}/fdinfo")]
                    mine = [line.split()[1] for text in numbers for line in text.splitlines()
                            if line.startswith("link_id:")]
                tap.equal(len(mine), 1)
                tap.sh("bpftool", "link", "detach", "id", str(mine[0]))
                gone(script, f'somebody else has detached program "{program}" from interface ebs-a')


@side_by_side("a cgroup that is deleted")
def cgroup():
    tap.needs_kernel()
    folder = tempfile.mkdtemp(prefix="ebs-cgroup-")
    tap.sh("mount", "-t", "cgroup2", "none", folder)
    try:
        path = f"{folder}/ebs-{os.getpid()}"
        os.mkdir(path)
        with waiting(f"attach('group', {{ cgroup = '{path}' }})") as script:
            script.wait_for("waiting")
            os.rmdir(path)
            gone(script, f'cgroup {path} is gone: program "group" sees no more of it')
    finally:
        tap.sh("umount", folder)
        os.rmdir(folder)


@side_by_side("a network namespace that ends")
def namespace():
    tap.needs_kernel()
    with tap.namespaces() as (a, b):
        path = f"/run/netns/{a.name}"
        with waiting(f"attach('look', {{ netns = '{path}' }})") as script:
            script.wait_for("waiting")
            tap.sh("ip", "netns", "delete", a.name)
            gone(script, f'network namespace {path} is gone: program "look" sees no more of it')
            tap.sh("ip", "netns", "add", a.name) # for the end of the case


@side_by_side("a process that ends: probes and samples of it")
def process():
    tap.needs_kernel()
    for program, options in {"called": 'path = "c", symbol = "getenv"',
                             "sample": 'event = "task-clock", frequency = 10'}.items():
        with subprocess.Popen(["sleep", "100"]) as child:
            with waiting(f"attach('{program}', {{ {options}, pid = {child.pid} }})") as script:
                script.wait_for("waiting")
                child.kill()
                gone(script, f'process {child.pid} has ended: program "{program}" sees no more of it')


@side_by_side("a file that is replaced: the processes that have it are still seen")
def replaced():
    tap.needs_kernel()
    folder = tempfile.mkdtemp(prefix="ebs-gone-")
    try:
        old = shutil.copy("/bin/true", f"{folder}/tool")
        with waiting(f"""
local link = attach('called', {{ path = '{old}', offset = 4096 }})
bpf.every(0.1, function() print("alive", link.info.alive) end)
""") as script:
            script.wait_for("alive\ttrue")
            os.rename(shutil.copy("/bin/false", f"{folder}/new"), old)
            script.wait_for(f'{old} was replaced: program "called" runs only in processes that have the old file',
                            stream="stderr")
            script.wait_for("alive\tfalse", count=15)
            tap.equal(len(script.stderr), 1)
            script.interrupt()
            script.finish()
    finally:
        shutil.rmtree(folder)


@side_by_side("a record among JSON's rows")
def record():
    tap.needs_kernel()
    with tap.namespaces() as (a, b):
        with waiting("attach('packets', { interface = 'ebs-a' })", a.name, ["--json"]) as script:
            script.wait_for("waiting")
            a.run("ip", "link", "delete", "ebs-a")
            gone(script, 'interface ebs-a is gone: program "packets" sees no more of it')
            records = [json.loads(line) for line in script.stdout if line.startswith("{")]
            tap.equal(records, [{"record": "gone", "kind": "xdp", "program": "packets", "place": "ebs-a",
                                 "why": "removed"}])


@side_by_side("bpf.on_gone(): the script sees to it, and the loop goes on")
def handler():
    tap.needs_kernel()
    with tap.namespaces() as (a, b):
        a.run("ip", "link", "add", "ebs-x", "type", "veth", "peer", "name", "ebs-y")
        with waiting("""
local link = attach("packets", { interface = "ebs-a" })
bpf.on_gone(link, function(which, text)
    print(which == link, link.info.alive, text)
    link:close()
    link = attach("packets", { interface = "ebs-x" })
    bpf.on_gone(link, function(which)
        object:close()
        print(tostring(which))
        bpf.every(1.5, bpf.stop)
    end)
    print("again")
end)
""", a.name) as script:
            script.wait_for("waiting")
            a.run("ip", "link", "delete", "ebs-a")
            script.wait_for("again")
            a.run("ip", "link", "delete", "ebs-x")
            gone(script)
            tap.equal(script.stdout[1:], [
                'true\tfalse\tinterface ebs-a is gone: program "packets" sees no more of it', "again",
                "bpf.Link (closed)", "ended"])


@side_by_side("bpf.on_gone(): errors, wrong arguments, a handler that is taken back")
def handler_errors():
    tap.needs_kernel()
    with tap.namespaces() as (a, b):
        with waiting("""
local link = attach("packets", { interface = "ebs-a" })
print(pcall(bpf.on_gone, 5, print))
print(pcall(bpf.on_gone, link, "x"))
bpf.on_gone(link, print)
bpf.on_gone(link, nil)
local other = attach("frames", { interface = "ebs-a" })
bpf.on_gone(other, function() error("no more frames", 0) end)
other:close()
print(pcall(bpf.on_gone, other, print))
other = attach("frames", { interface = "ebs-a" })
bpf.on_gone(other, function() error("no more frames", 0) end)
""", a.name) as script:
            script.wait_for("waiting")
            a.run("ip", "link", "delete", "ebs-a")
            script.finish(status=1)
            tap.match(script.stdout[0], "^false\tbad argument #1 .*bpf.Link expected")
            tap.match(script.stdout[1], "^false\tbad argument #2 .*function expected")
            tap.match(script.stdout[2], "^false\tbad argument #1 .*the link is closed")
            tap.match("\n".join(script.stderr), "^ebscript: \\(command line\\): no more frames$")


@side_by_side("what else a script waits for keeps it going")
def others():
    tap.needs_kernel()
    with tap.namespaces() as (a, b):
        with tap.Ebscript("-e", SCRIPT + """
attach("packets", { interface = "ebs-a" })
bpf.on_line(io.stdin, function(line) print("line", line) if not line then bpf.stop() end end)
assert(bpf.run())
print("ended")
""", netns=a.name, stdin=subprocess.PIPE) as script:
            script.wait_for("waiting")
            a.run("ip", "link", "delete", "ebs-a")
            script.wait_for("ebs-a is gone", stream="stderr")
            script.process.stdin.write("still here\n")
            script.process.stdin.flush()
            script.wait_for("line\tstill here")
            script.process.stdin.close()
            gone(script, 'interface ebs-a is gone: program "packets" sees no more of it')


@side_by_side("pktcount says it in one line, and ends")
def pktcount():
    tap.needs_kernel()
    with tap.namespaces() as (a, b):
        with tap.Ebscript("pktcount.lua", "--iface", "ebs-a", "--interval", "0.1", netns=a.name) as script:
            script.wait_for("flows 0")
            a.run("ip", "link", "delete", "ebs-a")
            script.finish()
            tap.equal(len(script.stderr), 2)
            tap.match(script.stderr[1], '^ebscript: pktcount.lua: interface ebs-a is gone: program "count_packets"')


with ThreadPoolExecutor(len(cases)) as pool:
    started = [pool.submit(function) for function in cases]
    tap.run()
