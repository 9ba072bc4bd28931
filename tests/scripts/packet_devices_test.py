# SPDX-License-Identifier: GPL-2.0-only
"""packet.bpf.h on real devices: tun, which has no Ethernet, and what is inside of VXLAN."""
import contextlib
import struct
import subprocess
import sys

import tap

# Inside a namespace: makes a tun device, then does what its lines say.
HELPER = r"""
import fcntl, socket, struct, subprocess, sys
tun = None
for line in sys.stdin:
    word, *rest = line.split()
    if word == "tun":
        tun = open("/dev/net/tun", "r+b", buffering=0)
        fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH", rest[0].encode(), 0x1001))  # TUNSETIFF: tun, no header
    elif word == "packet":
        tun.write(bytes.fromhex(rest[0]))
    elif word == "udp":  # from a port, to an address and port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("", int(rest[0])))
            sender.sendto(b"data", (rest[1], int(rest[2])))
    print("done", flush=True)
"""

PARSER = r"""
local bpf = require("bpf")
local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"
#include "packet.bpf.h"
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct packet_flow);
	__type(value, u64);
} flows SEC(".maps");
#define COUNT(verdict)                                           \
	struct packet packet;                                    \
	if (packet_parse(ctx, &packet))                          \
		return verdict;                                  \
	if (INNER && packet_parse_inner(ctx, &packet))           \
		return verdict;                                  \
	if (packet.has_ports) {                                  \
		struct packet_flow flow = packet.flow;           \
		ebs_map_add(&flows, &flow, 1);                   \
	}                                                        \
	return verdict
SEC("xdp") int in_xdp(struct xdp_md *ctx) { COUNT(XDP_PASS); }
SEC("tc") int in_tc(struct __sk_buff *ctx) { COUNT(-1); }
]], defines = { INNER = tonumber(arg[1]) } }))
for i = 2, #arg, 3 do
    assert(object:program(arg[i]):attach({ interface = arg[i + 1], direction = arg[i + 2] ~= "-" and arg[i + 2] or nil }))
end
print("attached")
assert(bpf.run())
for _, entry in ipairs((object:map("flows"):top())) do
    local flow, size = entry.key, entry.key.version == 4 and 4 or 16
    print(bpf.inet_ntop(flow.source:sub(1, size)) .. ":" .. flow.source_port,
        bpf.inet_ntop(flow.destination:sub(1, size)) .. ":" .. flow.destination_port, entry.value)
end
"""


def udp4(source, port, size=0):
    payload = struct.pack(">HHHH", port, port + 1, 8 + size, 0) + b"x" * size
    addresses = bytes([10, 9, 8, source, 10, 99, 0, 1])
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0, 64, 17, 0) + addresses + payload


def udp6(port):
    payload = struct.pack(">HHHH", port, port + 1, 8, 0)
    addresses = bytes.fromhex("20010db8" + "00" * 11 + "07" + "20010db8" + "00" * 11 + "01")
    return struct.pack(">IHBB", 6 << 28, len(payload), 17, 64) + addresses + payload


@contextlib.contextmanager
def helper(side):
    enter = ["nsenter", f"--net=/run/netns/{side.name}", "--"]
    process = subprocess.Popen(
        [*enter, sys.executable, "-c", HELPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ask(*words):
        process.stdin.write(" ".join(map(str, words)) + "\n")
        process.stdin.flush()
        return process.stdout.readline() == "done\n"

    try:
        yield ask
    finally:
        process.stdin.close()
        process.wait(tap.PATIENCE)
        process.stdout.close()


@contextlib.contextmanager
def with_tun():
    """A namespace with a tun device beside its veth; gives it, and what writes packets to the device."""
    tap.needs_kernel()
    with tap.namespaces() as (a, b), helper(b) as ask:
        if not ask("tun", "ebs-tun"):
            tap.skip("needs a kernel with tun devices, and /dev/net/tun")
        b.run("ip", "link", "set", "dev", "ebs-tun", "addrgenmode", "none")
        b.run("ip", "address", "add", "10.99.0.1/24", "dev", "ebs-tun")
        b.run("ip", "link", "set", "dev", "ebs-tun", "up")
        yield a, b, ask


def parser(side, inner, *places):
    return tap.Ebscript("-e", PARSER, inner, *places, netns=side.name)


def flows(script):
    script.interrupt()
    return [tuple(line.split("\t")) for line in script.finish() if line != "attached"]


@tap.case("pktcount on an interface without Ethernet headers")
def pktcount_on_tun():
    with with_tun() as (_, b, ask), tap.Ebscript(
        "pktcount.lua", "-i", "ebs-tun", "--interval", 600, netns=b.name
    ) as counter:
        counter.wait_for(r"^pktcount: attached to ebs-tun", "stderr")
        for packet, count in ((udp4(7, 53), 5), (udp4(8, 69, 100), 3), (udp6(80), 2), (b"\0" * 40, 1)):
            for _ in range(count):
                ask("packet", packet.hex())
        counter.interrupt()
        lines = counter.finish()
        wanted = ["10.9.8.7:53 => :54\t| 5", "10.9.8.8:69 => :70\t| 3", "[2001:db8::7]:80 => :81\t| 2"]
        tap.equal(lines[1:], wanted, "table")
        # The kernel throws away what is no IP at all before XDP sees it.
        tap.ok(len(counter.stderr) in (1, 2), f"lines on standard error {counter.stderr}")


@tap.case("one object on tun and on veth, in XDP and TC, in both directions")
def both_kinds():
    with with_tun() as (a, b, ask), helper(a) as ask_other, parser(
        b, 0, "in_xdp", b.interface, "-", "in_tc", "ebs-tun", "ingress", "in_tc", "ebs-tun", "egress"
    ) as script:
        script.wait_for("^attached$")
        ask("packet", udp4(7, 53).hex())
        ask("packet", udp4(7, 53).hex())
        ask("udp", 4000, "10.99.0.2", 5000)
        ask_other("udp", 6000, b.ipv4, 7000)
        wanted = {
            ("10.9.8.7:53", "10.99.0.1:54", "2"),
            ("10.99.0.1:4000", "10.99.0.2:5000", "1"),
            (f"{a.ipv4}:6000", f"{b.ipv4}:7000", "1"),
        }
        tap.equal(set(flows(script)), wanted, "flows")


@tap.case("the packets inside of VXLAN, as the kernel sends them")
def vxlan():
    tap.needs_kernel()
    with tap.namespaces() as (a, b):
        for side, other, address in ((a, b, "10.77.0.1/24"), (b, a, "10.77.0.2/24")):
            device = ["ip", "link", "add", "ebs-vx", "type", "vxlan", "id", 7, "dstport", 4789]
            device += ["local", side.ipv4, "remote", other.ipv4, "dev", side.interface]
            try:
                side.run(*device)
            except AssertionError as problem:
                if "Unknown device type" in str(problem):
                    tap.skip("needs a kernel with VXLAN")
                raise
            side.run("ip", "link", "set", "dev", "ebs-vx", "addrgenmode", "none")
            side.run("ip", "address", "add", address, "dev", "ebs-vx")
            side.run("ip", "link", "set", "dev", "ebs-vx", "up")
        with helper(a) as ask, parser(
            b, 1, "in_xdp", b.interface, "-", "in_tc", b.interface, "egress"
        ) as script:
            script.wait_for("^attached$")
            for _ in range(3):
                ask("udp", 6000, "10.77.0.2", 7000)
            with helper(b) as ask_back:
                ask_back("udp", 7001, "10.77.0.1", 6001)
            found = flows(script)
            tap.equal(
                set(found),
                {
                    ("10.77.0.1:6000", "10.77.0.2:7000", "3"),
                    ("10.77.0.2:7001", "10.77.0.1:6001", "1"),
                },
                "flows",
            )


tap.run()
