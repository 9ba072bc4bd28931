# SPDX-License-Identifier: GPL-2.0-only
"""TC, netfilter, socket filters, struct_ops and the like: attached in a network namespace, run, and gone again."""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import tap

# Programs by what the kernel is asked for; each case loads those that it is about.
PROGRAMS = {
    "tc": """
SEC("tc/ingress") int count_in(struct __sk_buff *skb) COUNT(inward, -1)
SEC("tc") int count_out(struct __sk_buff *skb) COUNT(outward, -1)
""",
    "netfilter": 'SEC("netfilter") int filter(void *ctx) COUNT(filtered, 1)\n',
    "socket": 'SEC("socket") int sniff(struct __sk_buff *skb) COUNT(sniffed, 0)\n',
    "sk_lookup": 'SEC("sk_lookup") int look(struct bpf_sk_lookup *ctx) COUNT(looked, 1)\n',
    "flow_dissector": 'SEC("flow_dissector") int dissect(struct __sk_buff *skb) { return 129; }\n',
    "sk_skb/stream_verdict": """
SEC("sk_skb/stream_verdict") int verdict(struct __sk_buff *skb) { return 1; }
SEC("sk_skb/verdict") int other_verdict(struct __sk_buff *skb) { return 1; }
""",
    "sk_msg": 'SEC("sk_msg") int message(struct sk_msg_md *ctx) { return 1; }\n',
}
SCRIPT = r"""
local bpf = require("bpf")
local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

u64 inward, outward, filtered, sniffed, looked;

#define COUNT(counter, verdict) { __sync_fetch_and_add(&counter, 1); return verdict; }

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} sockets SEC(".maps");

PROGRAMS
]] }))
local globals = object.globals

local function attach(name, options)
    local link, message, code = object:program(name):attach(options)
    print(name, link and link.info.kind or code, link and link.info.mode or message)
    return link
end

local function send()
    os.execute("bash -c 'echo hi > /dev/udp/127.0.0.1/9; echo hi > /dev/tcp/127.0.0.1/9' 2>/dev/null")
end
"""


def script_of(kinds):
    return SCRIPT.replace("PROGRAMS", "".join(PROGRAMS[kind] for kind in kinds.split()))


def run(kinds, text, told=""):
    """The script with these kinds and this at its end, in a network namespace of its own, in which lo is up.
    What standard error tells must match all of `told`."""
    tap.needs_kernel()
    tap.needs_root()
    if not shutil.which("unshare"):
        tap.skip("needs unshare")
    tap.needs(*kinds.split())
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "test.lua")
        script.write_text(script_of(kinds) + text)
        words = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", tap.EBSCRIPT, script]
        done = subprocess.run(words, capture_output=True, text=True, timeout=6 * tap.PATIENCE)
        tap.equal(done.returncode, 0, "exit status")
        tap.match(done.stderr, rf"\A{told}\Z")
        return [line.split("\t") for line in done.stdout.splitlines()]


def sees_packets(kind, counter, program, options, title, name):
    """A case: a program counts what is sent, until its link is closed."""

    @tap.case(f"{title} see packets, until they are closed")
    def told():
        lines = run(kind, f"""
        local link = attach("{program}", {options})
        send()
        print(globals.{counter})
        link:close()
        local before = globals.{counter}
        send()
        print(globals.{counter} == before)
        """)
        tap.equal(lines[0][:2], [program, name])
        if kind == "tc":
            tap.ok(lines[0][2] in ("tcx", "clsact"), lines[0])
        tap.ok(int(lines[1][0]) > 0, "packets that were counted")
        tap.equal(lines[2], ["true"], "nothing is counted after closing")


for words in (
    ("tc", "inward", "count_in", '{ interface = "lo" }', "programs on TC, ingress", "tc"),
    ("tc", "outward", "count_out", '{ interface = "lo", direction = "egress" }', "programs on TC, egress", "tc"),
    ("netfilter", "filtered", "filter", '{ hook = "input", priority = -5 }', "programs on netfilter", "netfilter"),
    ("socket", "sniffed", "sniff", '{ interface = "lo" }', "programs on packet sockets", "socket"),
    ("sk_lookup", "looked", "look", "nil", "programs in the namespace", "sk_lookup"),
):
    sees_packets(*words)


@tap.case("flow dissectors; what is taken already")
def dissectors():
    lines = run("flow_dissector", 'attach("dissect") attach("dissect")')
    tap.equal(lines[0][1], "flow_dissector")
    tap.match(lines[1][2], "has such a program already")


@tap.case("programs on sockmaps; what is taken already")
def sockmaps():
    lines = run("sk_skb/stream_verdict sk_msg", """
    attach("verdict", { map = "sockets" })
    attach("other_verdict", { map = "sockets" })
    attach("message", { map = "sockets" }):close()
    attach("message", { map = "sockets" })
    """)
    tap.equal(lines[0][1], "sk_skb")
    tap.match(lines[1][2], 'map "sockets" has a program that excludes this one')
    tap.equal([lines[2][1], lines[3][1]], ["sk_msg", "sk_msg"])


@tap.case("hooks of netfilter; what is taken already")
def hooks():
    lines = run("netfilter", """
    attach("filter", { hook = "output" })
    attach("filter", { hook = "output" })
    attach("filter", { hook = "output", priority = 1 })
    """)
    tap.equal(lines[0][1], "netfilter")
    tap.match(lines[1][2], "hook output has a program of priority 0 already")
    tap.equal(lines[2][1], "netfilter")


@tap.case("several interfaces: all or none, and the message names the one that failed")
def several():
    lines = run("tc socket", """
    assert(os.execute("ip link add ebs0 type veth peer name ebs1 && ip link set ebs0 up && ip link set ebs1 up"))
    attach("count_in", { interface = { "lo", "nope0" } })
    attach("sniff", { interface = { "lo", "nope1" } })
    send()
    print(globals.inward, globals.sniffed)
    local links = {
        attach("count_in", { interface = { "ebs0", "lo" } }),
        attach("sniff", { interface = { "ebs0", "lo" } }),
    }
    for _, link in ipairs(links) do
        print(link.info.interface, link.info.ifindex, link.info.mode)
    end
    send()
    print(globals.inward > 0, globals.sniffed > 0)
    for _, link in ipairs(links) do link:close() end
    local before = globals.inward
    send()
    print(before == globals.inward)
    """)
    tap.match(lines[0][2], '^there is no network interface "nope0"')
    tap.match(lines[1][2], '^there is no network interface "nope1"')
    tap.equal(lines[2], ["0"] * 2, "counts when nothing is attached")
    tap.equal([line[1] for line in lines[3:5]], ["tc", "socket"])
    tap.equal(lines[5], ["ebs0,lo", "nil", lines[3][2]])
    tap.equal(lines[6], ["ebs0,lo", "nil", "nil"])
    tap.equal(lines[7], ["true"] * 2, "packets are counted")
    tap.equal(lines[8], ["true"], "nothing counts when they are closed")


@tap.case("both directions by one call: all or none")
def both_directions():
    lines = run("tc", """
    attach("count_in", { interface = "lo", direction = { "ingress", "up" } })
    attach("count_in", { interface = "lo", direction = "up" })
    send()
    print(globals.inward)
    local link = attach("count_in", { interface = "lo", direction = { "ingress" } })
    send()
    local one = globals.inward
    link:close()
    link = attach("count_in", { interface = "lo", direction = { "egress", "ingress" } })
    send()
    print(globals.inward - one > one)
    link:close()
    local before = globals.inward
    send()
    print(globals.inward == before)
    """)
    tap.match(lines[0][2], 'TC has no direction "up"')
    tap.match(lines[1][2], 'TC has no direction "up"')
    tap.equal(lines[2], ["0"], "counts when nothing is attached")
    tap.equal([lines[3][1], lines[4][1]], ["tc", "tc"])
    tap.equal(lines[5:], [["true"], ["true"]], "both count more than one; nothing counts after closing")


@tap.case("several hooks: all or none, and the message names the one that failed")
def several_hooks():
    lines = run("netfilter", """
    attach("filter", { hook = { "input", "outpu" } })
    send()
    print(globals.filtered)
    local link = attach("filter", { hook = { "input" } })
    send()
    local one = globals.filtered
    link:close()
    link = attach("filter", { hook = { "input", "output" } })
    print(link.info.interface)
    send()
    print(globals.filtered - one > one)
    """)
    tap.match(lines[0][2], 'no hook "outpu"')
    tap.equal(lines[1], ["0"], "counts when nothing is attached")
    tap.equal([lines[2][1], lines[3][1], lines[4]], ["netfilter", "netfilter", ["nil"]])
    tap.equal(lines[5], ["true"], "both hooks count more than one")


def refuses(kind, title, *stories):
    """A case: for each program and its options, what the refusal says."""

    @tap.case(f"what there is not: {title}")
    def told():
        lines = run(kind, "\n".join(f'attach("{program}", {options})' for program, options, _ in stories),
                    "ebscript: test.lua: nothing is attached: .*\n")
        tap.equal(len(lines), len(stories))
        for line, (_, _, pattern) in zip(lines, stories):
            tap.match(line[2], pattern)


refuses("tc", "TC",
        ("count_in", '{ interface = "nope0" }', 'no network interface "nope0"'),
        ("count_in", '{ interface = "lo", direction = "up" }', 'no direction "up"'),
        ("count_in", "nil", "give it interface"))
refuses("netfilter", "netfilter",
        ("filter", '{ hook = "inp" }', 'no hook "inp"'),
        ("filter", '{ hook = "input", family = "ipx" }', 'no family "ipx"'))
refuses("sk_lookup socket sk_msg", "namespaces, sockets",
        ("look", '{ netns = "/nonexistent" }', 'can\'t open network namespace "/nonexistent"'),
        ("message", '{ map = "nope" }', 'no sockmap or sockhash "nope"'),
        ("sniff", '{ interface = "nope0" }', 'no network interface "nope0"'))


# A kernel without TCX, before Linux 6.6, refuses links of that kind: BPF_LINK_CREATE, EINVAL.
WITHOUT_TCX = [Path(os.environ["EBS_TEST_SUPPORT"], "refuse_bpf"), "28", "22"]
CLSACT = """
local link = attach("count_in", { interface = "lo", direction = direction })
bpf.every(0.05, function() end)
print("attached")
io.stdout:flush()
bpf.run()
link:close()
"""


@contextlib.contextmanager
def own_network():
    """A network namespace of this process' own; children get it too."""
    tap.needs_kernel()
    tap.needs_root()
    if not shutil.which("tc"):
        tap.skip("needs tc")
    tap.needs("tc")
    name = f"ebs-{os.getpid()}-tc"
    tap.sh("ip", "netns", "add", name)
    try:
        tap.sh("ip", "-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        tap.sh("ip", "netns", "delete", name)


def filters(name, direction):
    text = tap.sh("tc", "-n", name, "filter", "show", "dev", "lo", direction)
    return [line.split("handle ")[1].split()[0] for line in text.splitlines() if "handle " in line]


def wait_for_filters(name, direction, count):
    deadline = time.monotonic() + tap.PATIENCE
    while len(filters(name, direction)) != count and time.monotonic() < deadline:
        time.sleep(0.01)
    tap.equal(len(filters(name, direction)), count, f"filters on {direction}")


def children(pid):
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if f"\nPPid:\t{pid}\n" in status.read_text():
                found.append(int(status.parent.name))
    return found


@contextlib.contextmanager
def on_clsact(name, direction, *words):
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "test.lua")
        script.write_text(script_of("tc") + f'local direction = "{direction}"' + CLSACT)
        words = [*WITHOUT_TCX[1:], tap.EBSCRIPT, *words, script]
        with tap.Ebscript(*words, command=WITHOUT_TCX[0], netns=name) as child:
            child.wait_for("^count_in\ttc\tclsact")
            child.wait_for("^attached")
            yield child


@tap.case("TC without TCX: the filter is gone when the script ends, without privileges too, and when it is killed")
def clsact_ends():
    with own_network() as name:
        for words in ([], ["--drop-caps"]):
            with on_clsact(name, "ingress", *words) as child:
                tap.equal(len(filters(name, "ingress")), 1)
                child.interrupt()
                child.finish(0)
            wait_for_filters(name, "ingress", 0)
        with on_clsact(name, "egress") as child:
            tap.equal(len(filters(name, "egress")), 1)
            child.process.kill()
            child.process.wait()
            wait_for_filters(name, "egress", 0)


@tap.case("TC without TCX: what is left when all is killed goes with the next start, what is in use stays")
def clsact_left():
    with own_network() as name:
        with on_clsact(name, "ingress") as child:
            for pid in children(child.pid):
                with contextlib.suppress(ProcessLookupError):  # the compiler's, which ends by itself
                    os.kill(pid, signal.SIGKILL)
            child.process.kill()
            child.process.wait()
        left = filters(name, "ingress")
        tap.equal(len(left), 1, "filters that are left")
        with on_clsact(name, "ingress", "-v") as first:
            first.wait_for("took a TC filter away that a killed ebscript had left on interface 1", "stderr")
            kept = filters(name, "ingress")
            tap.equal(len(kept), 1)
            tap.ok(kept != left, f"{kept} is another filter")
            with on_clsact(name, "ingress") as second:
                tap.equal(len(filters(name, "ingress")), 2, "filters of two that run")
                tap.ok(kept[0] in filters(name, "ingress"))
                second.interrupt()
                second.finish(0)
            wait_for_filters(name, "ingress", 1)
            tap.equal(filters(name, "ingress"), kept)
            first.interrupt()
            first.finish(0)
        wait_for_filters(name, "ingress", 0)


OPS = """
local bpf = require("bpf")
local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"
SEC("struct_ops/ssthresh") u32 threshold(struct sock *sk) { return 2; }
SEC("struct_ops/cong_avoid") void avoid(struct sock *sk, u32 ack, u32 acked) {}
SEC("struct_ops/undo_cwnd") u32 undo(struct sock *sk) { return 2; }
SEC(".struct_ops")
struct tcp_congestion_ops ebs_ops = {
	.ssthresh = (void *)threshold,
	.cong_avoid = (void *)avoid,
	.undo_cwnd = (void *)undo,
	.name = "ebs_NUMBER",
};
]] }))
print(select(2, object:program("undo"):attach({ map = "nope" })))
local link = assert(object:program("undo"):attach({ map = "ebs_ops" }))
print(link)
io.read()
link:close()
print("closed")
io.read()
assert(object:attach())
print("again")
bpf.run()
"""


@tap.case("struct_ops: registered until the link is closed, or the process is killed")
def struct_ops():
    tap.needs_kernel()
    tap.needs("struct_ops:tcp_congestion_ops")
    tap.needs_linux(6, 4, "has no links of struct_ops")
    name = f"ebs_{os.getpid()}"

    def registered():
        return name in Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()

    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "test.lua")
        script.write_text(OPS.replace("ebs_NUMBER", name))
        with tap.Ebscript(script, stdin=subprocess.PIPE) as child:
            child.wait_for("the object has no struct_ops \"nope\"")
            child.wait_for("bpf.Link: struct_ops")
            tap.ok(registered(), "registered by attach()")
            for word, state in (("closed", False), ("again", True)):
                child.process.stdin.write("\n")
                child.process.stdin.flush()
                child.wait_for(word)
                tap.equal(registered(), state, f"registered when {word}")
            child.process.kill()
            child.process.wait()
        deadline = time.monotonic() + tap.PATIENCE
        while registered() and time.monotonic() < deadline:
            time.sleep(0.01)
        tap.ok(not registered(), "gone when the process is killed")


tap.run()
