# SPDX-License-Identifier: GPL-2.0-only
"""One datagram that is too large for a perf buffer, from a user without any privilege."""
import os
import sys
import time

import tap

# Captures packets as they are on the loopback interface, each behind its number.
CAPTURE = """
local bpf = require("bpf")
local object <close> = assert(bpf.load({ buffer_size = tonumber(arg[1]), source = [[
#include "ebscript.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} packets SEC(".maps");

struct meta { u32 number; u32 length; };
u32 sent;

SEC("tc")
int capture(struct __sk_buff *skb)
{
	struct meta meta = { __sync_fetch_and_add(&sent, 1), skb->len };

	bpf_perf_event_output(skb, &packets, BPF_F_CURRENT_CPU | (u64)skb->len << 32, &meta, sizeof(meta));
	return 0;
}
]] }))
local got = 0
object:on_event("packets", function(number, length)
    got = got + 1
    io.write(("packet %d: %d\\n"):format(number, length))
end)
assert(object:program("capture"):attach({ interface = "lo" }))
print("ready")
assert(bpf.run())
print(("sent %d got %d lost %d"):format(object.globals.sent, got, object:losses().lost_events))
"""

SEND = """
import os, socket, sys
size, kind = int(sys.argv[1]), sys.argv[2]
data = {"zeros": bytes(size), "letters": b"A" * size, "drawn": os.urandom(size)}[kind]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    udp.sendto(data, ("127.0.0.1", 9))
"""
AS_NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", sys.executable, "-c", SEND]
LARGEST_DATAGRAM = 65507
# Of the small ones with their headers, and of the kernel's answers, as nobody receives at that port.
LENGTHS = {100 + 42, 100 + 70, 200 + 42, 200 + 70, 590}


def capture(size, kind):
    with tap.namespaces() as (host, _):
        with tap.Ebscript("-e", CAPTURE, size, netns=host.name) as program:
            program.wait_for("ready")
            host.run(*AS_NOBODY, 100, kind)
            program.wait_for("packet 0: 142")
            for _ in range(2):
                host.run(*AS_NOBODY, LARGEST_DATAGRAM, kind)
                time.sleep(0.05)
            program.wait_for("events? lost", stream="stderr")
            # What nobody could read is behind it.
            for _ in range(100):
                host.run(*AS_NOBODY, 200, kind)
                if any(line.endswith(": 242") for line in program.stdout):
                    break
            program.send(15)
            program.finish(status=None)
            out, err = program.stdout, program.stderr
    packets = [line.split() for line in out if line.startswith("packet")]
    numbers = [number for _, number, _ in packets]
    tap.equal(sorted(set(numbers)), sorted(numbers), "packets that came twice")
    unknown = {int(length) for _, _, length in packets} - LENGTHS
    tap.equal(unknown, set(), "lengths that no packet had")
    found = tap.match("\n".join(out), r"^sent (\d+) got (\d+) lost (\d+)$")
    tap.equal(int(found[2]) + int(found[3]), int(found[1]), "got and lost")
    tap.match("\n".join(err), 'perf buffer "packets" takes samples of up to 65508 bytes')


for size in 64 * 1024, 1024 * 1024:
    for kind in "zeros", "letters", "drawn":

        @tap.case(f"a datagram of {LARGEST_DATAGRAM} bytes, {kind}, from another user; buffers of {size // 1024} KiB")
        def datagram(size=size, kind=kind):
            tap.needs_kernel()
            capture(size, kind)


tap.run()
