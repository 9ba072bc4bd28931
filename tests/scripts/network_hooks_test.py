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

SCRIPT = r"""
local bpf = require("bpf")
local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

u64 inward, outward, filtered, sniffed, looked;

#define COUNT(counter, verdict) { __sync_fetch_and_add(&counter, 1); return verdict; }

SEC("tc/ingress") int count_in(struct __sk_buff *skb) COUNT(inward, -1)
SEC("tc") int count_out(struct __sk_buff *skb) COUNT(outward, -1)
SEC("netfilter") int filter(void *ctx) COUNT(filtered, 1)
SEC("socket") int sniff(struct __sk_buff *skb) COUNT(sniffed, 0)
SEC("sk_lookup") int look(struct bpf_sk_lookup *ctx) COUNT(looked, 1)
SEC("flow_dissector") int dissect(struct __sk_buff *skb) { return 129; }

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} sockets SEC(".maps");

SEC("sk_skb/stream_verdict") int verdict(struct __sk_buff *skb) { return 1; }
SEC("sk_skb/verdict") int other_verdict(struct __sk_buff *skb) { return 1; }
SEC("sk_msg") int message(struct sk_msg_md *ctx) { return 1; }
]] }))

local function attach(name, options)
    local link, message, code = object:program(name):attach(options)
    print(name, link and link.info.kind or code, link and link.info.mode or message)
    return link
end
"""


def needs_netfilter():
    """BPF programs for netfilter came with Linux 6.4, TCX with 6.6."""
    done = subprocess.run([tap.EBSCRIPT, "-e", 'print(require("bpf").has({ enum_value = "BPF_NETFILTER" }))'],
                          capture_output=True, text=True)
    return done.stdout.startswith("true")


def run(text):
    """The script with this at its end, in a network namespace of its own, in which lo is up."""
    tap.needs_kernel()
    tap.needs_root()
    if not shutil.which("unshare"):
        tap.skip("needs unshare")
    if not needs_netfilter():
        tap.skip("needs programs for netfilter: Linux 6.4")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "test.lua")
        script.write_text(SCRIPT + text)
        words = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", tap.EBSCRIPT, script]
        done = subprocess.run(words, capture_output=True, text=True, timeout=6 * tap.PATIENCE)
        tap.equal((done.returncode, done.stderr), (0, ""), "exit status and standard error")
        return [line.split("\t") for line in done.stdout.splitlines()]


TRAFFIC = r"""
os.execute("bash -c 'echo hi > /dev/udp/127.0.0.1/9; echo hi > /dev/tcp/127.0.0.1/9' 2>/dev/null")
local globals = object.globals
print(globals.inward, globals.outward, globals.filtered, globals.sniffed, globals.looked)
"""


@tap.case("programs on TC, netfilter, packet sockets and in the namespace see packets, until they are closed")
def see_packets():
    lines = run("""
    local links = {
        attach("count_in", { interface = "lo" }),
        attach("count_out", { interface = "lo", direction = "egress" }),
        attach("filter", { hook = "input", priority = -5 }),
        attach("sniff", { interface = "lo" }),
        attach("look"),
    }
    """ + TRAFFIC + """
    for _, link in ipairs(links) do link:close() end
    local before = { globals.inward, globals.outward, globals.filtered, globals.sniffed, globals.looked }
    """ + TRAFFIC.replace("local globals", "globals") + """
    print(table.concat(before, " "))
    """)
    tap.equal(lines[0][:2], ["count_in", "tc"])
    tap.ok(lines[0][2] in ("tcx", "clsact"), lines[0])
    tap.equal([line[1] for line in lines[1:5]], ["tc", "netfilter", "socket", "sk_lookup"])
    counts = [int(count) for count in lines[5]]
    tap.ok(all(count > 0 for count in counts), counts)
    tap.equal(lines[6], lines[5], "after closing")
    tap.equal(lines[7], [" ".join(lines[5])])


@tap.case("programs on sockmaps, flow dissectors; what is taken already")
def others():
    lines = run("""
    attach("dissect")
    attach("dissect")
    attach("verdict", { map = "sockets" })
    attach("other_verdict", { map = "sockets" })
    attach("message", { map = "sockets" }):close()
    attach("message", { map = "sockets" })
    attach("filter", { hook = "output" })
    attach("filter", { hook = "output" })
    attach("filter", { hook = "output", priority = 1 })
    """)
    tap.equal(lines[0][1], "flow_dissector")
    tap.match(lines[1][2], "has such a program already")
    tap.equal(lines[2][1], "sk_skb")
    tap.match(lines[3][2], 'map "sockets" has a program that excludes this one')
    tap.equal([lines[4][1], lines[5][1]], ["sk_msg", "sk_msg"])
    tap.equal(lines[6][1], "netfilter")
    tap.match(lines[7][2], "hook output has a program of priority 0 already")
    tap.equal(lines[8][1], "netfilter")


@tap.case("several interfaces and hooks: all or none, and the message names the one that failed")
def several():
    lines = run("""
    assert(os.execute("ip link add ebs0 type veth peer name ebs1 && ip link set ebs0 up && ip link set ebs1 up"))
    attach("count_in", { interface = { "lo", "nope0" } })
    attach("sniff", { interface = { "lo", "nope1" } })
    attach("filter", { hook = { "input", "outpu" } })
    """ + TRAFFIC + """
    local links = {
        attach("count_in", { interface = { "ebs0", "lo" } }),
        attach("sniff", { interface = { "ebs0", "lo" } }),
        attach("filter", { hook = { "input", "output" } }),
    }
    for _, link in ipairs(links) do
        print(link.info.interface, link.info.ifindex, link.info.mode)
    end
    """ + TRAFFIC.replace("local globals", "globals") + """
    for _, link in ipairs(links) do link:close() end
    local before = globals.inward
    """ + TRAFFIC.replace("local globals", "globals") + """
    print(before == globals.inward)
    """)
    tap.match(lines[0][2], '^there is no network interface "nope0"')
    tap.match(lines[1][2], '^there is no network interface "nope1"')
    tap.match(lines[2][2], 'no hook "outpu"')
    tap.equal(lines[3], ["0"] * 5, "counts when nothing is attached")
    tap.equal([line[1] for line in lines[4:7]], ["tc", "socket", "netfilter"])
    tap.equal(lines[7], ["ebs0,lo", "nil", lines[4][2]])
    tap.equal(lines[8:10], [["ebs0,lo", "nil", "nil"], ["nil", "nil", "nil"]])
    counts = [int(count) for count in lines[10]]
    tap.ok(counts[0] > 0 and counts[2] > counts[0] and counts[3] > 0, counts)
    tap.equal(lines[12], ["true"], "nothing counts when they are closed")


@tap.case("what there is not")
def refuses():
    lines = run("""
    attach("count_in", { interface = "nope0" })
    attach("count_in", { interface = "lo", direction = "up" })
    attach("count_in")
    attach("filter", { hook = "inp" })
    attach("filter", { hook = "input", family = "ipx" })
    attach("look", { netns = "/nonexistent" })
    attach("message", { map = "nope" })
    attach("sniff", { interface = "nope0" })
    """)
    for line, pattern in zip(lines, (
        'no network interface "nope0"', 'no direction "up"', "give it interface", 'no hook "inp"',
        'no family "ipx"', 'can\'t open network namespace "/nonexistent"', 'no sockmap or sockhash "nope"',
        'no network interface "nope0"',
    )):
        tap.match(line[2], pattern)
    tap.equal(len(lines), 8)


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
    if not shutil.which("tc") or not needs_netfilter():
        tap.skip("needs tc, and programs for netfilter: Linux 6.4")
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
        script.write_text(SCRIPT + f'local direction = "{direction}"' + CLSACT)
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
    asked = subprocess.run([tap.EBSCRIPT, "-e", 'print(require("bpf").has({ enum_value = "BPF_STRUCT_OPS" }))'],
                           capture_output=True, text=True).stdout
    if not asked.startswith("true"):
        tap.skip("needs links of struct_ops: Linux 6.4")
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
