# SPDX-License-Identifier: GPL-2.0-only
"""Maps whose entries are descriptors that a script can't make itself: sockets, from its parent."""
import ctypes
import errno
import os
import platform
import socket
import struct
import sys
import tempfile
import threading

import tap

# All sockets here live in a network namespace of this test's own.
if "EBS_TEST_INSIDE" not in os.environ and os.geteuid() == 0:
    os.environ["EBS_TEST_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "-nm", "--", sys.executable, __file__])

AF_XDP = 44
BPF = {"x86_64": 321, "aarch64": 280}.get(platform.machine())

SOURCE = r"""
#include "ebscript.bpf.h"

#define RAW(name, kind, k, v) \
	struct { __uint(type, BPF_MAP_TYPE_##kind); __uint(max_entries, 4); \
		__uint(key_size, k); __uint(value_size, v); } name SEC(".maps")
RAW(socks, SOCKMAP, 4, 4);
RAW(cookies, SOCKMAP, 4, 8);
RAW(by_hash, SOCKHASH, 8, 8);
RAW(ports, REUSEPORT_SOCKARRAY, 4, 8);
RAW(xsks, XSKMAP, 4, 4);

struct note {
	u32 number;
	char text[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct note);
} notes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct note);
} tasks SEC(".maps");
"""

HEAD = f"""
local bpf = require("bpf")
local object <close> = assert(bpf.load({{ source = [[{SOURCE}]] }}))
"""


def run(lua, *descriptors):
    """Runs Lua with the map's object at hand; arg[1] and so on are descriptors."""
    numbers = [str(one.fileno()) for one in descriptors]
    fds = [one.fileno() for one in descriptors]
    out, _ = tap.ebscript("-e", HEAD + lua, *numbers, pass_fds=fds)
    return out


def connected():
    """A listening socket, and two ends of a connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    return listener, client, server


def cookie(sock):
    return struct.unpack("=q", sock.getsockopt(socket.SOL_SOCKET, 57, 8))[0]  # SO_COOKIE


def needs():
    tap.needs_kernel()
    tap.sh("ip", "link", "set", "lo", "up")


@tap.case("sockets in a map are told by their cookies")
def sockmap():
    needs()
    listener, client, server = connected()
    lua = """
    local map, blind = object:map("cookies"), object:map("socks")
    local client, server = tonumber(arg[1]), tonumber(arg[2])
    print(map:get(0), map:set(0, client), map:set(2, server))
    print(map:get(0), map:get(2))
    local walked = {}
    for key, value in pairs(map) do
        walked[#walked + 1] = key .. "=" .. value
    end
    print(table.concat(walked, " "))
    print(map:set(0, client, "noexist"))
    print(map:delete(0), map:delete(0), map:get(0))
    print(blind:set(1, client))
    print(blind:get(1))
    print(map:set(1, tonumber(arg[3])))
    print(map:set(1, 1000000))
    print(pcall(map.set, map, 1, "socket"))
    local by_hash = object:map("by_hash")
    print(by_hash:set("12345678", server), by_hash:get("12345678"), by_hash:delete("12345678"))
    """
    cant_set = 'nil\tcan\'t set an entry of map "cookies" (sockmap): '
    cant_read = 'nil\tcan\'t read map "socks" (sockmap): '
    with listener, client, server, open("/dev/null") as null:
        a, b = cookie(client), cookie(server)
        tap.equal(
            run(lua, client, server, null),
            [
                "nil\ttrue\ttrue",
                f"{a}\t{b}",
                f"0={a} 2={b}",
                cant_set + "the key is in it already\tEEXIST",
                "true\tfalse\tnil",
                "true",
                cant_read + "its values must be 8 bytes wide to be read, as the cookies of sockets "
                "are\tENOSPC",
                cant_set + "Socket operation on non-socket\tENOTSOCK",
                cant_set + "the socket is of a kind, or in a state, that this kind of map doesn't "
                "take\tEBADF",
                "false\tbad argument #3 to 'bpf.Map.set' (value: the descriptor of a socket expected)",
                f"true\t{b}\ttrue",
            ],
        )


@tap.case("storage of sockets")
def storage():
    needs()
    listener, client, server = connected()
    lua = """
    local map, fd = object:map("notes"), tonumber(arg[1])
    print(map:get(fd), map:set(fd, { number = 5, text = "five" }))
    print(map:get({ fd = fd }).text, map:get(tonumber(arg[2])))
    print(map:delete(fd), map:delete(fd))
    print(map:get(tonumber(arg[3])))
    """
    with listener, client, server, open("/dev/null") as null:
        tap.equal(
            run(lua, client, server, null),
            [
                "nil\ttrue",
                "five\tnil",
                "true\tfalse",
                'nil\tcan\'t read map "notes" (sk_storage): Socket operation on non-socket'
                "\tENOTSOCK",
            ],
        )


@tap.case("storage of threads")
def threads():
    needs()
    lua = """
    local map, tid = object:map("tasks"), tonumber(arg[1])
    print(map:set({ pid = tid }, { number = 6 }))
    print(map:get({ pid = tid }).number, map:get({ pid = tonumber(arg[2]) }))
    """
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        try:
            os.close(os.pidfd_open(thread.native_id, os.O_EXCL))  # PIDFD_THREAD
        except OSError as error:
            tap.skip(f"this kernel has no descriptors of threads: {errno.errorcode[error.errno]}")
        out, _ = tap.ebscript("-e", HEAD + lua, thread.native_id, os.getpid(), status=None)
    finally:
        done.set()
        thread.join()
    tap.equal(out, ["true", "6\tnil"])


@tap.case("sockets that share a port")
def reuseport():
    needs()
    lua = """
    local map = object:map("ports")
    print(map:set(1, tonumber(arg[1])), map:get(1), map:get(0))
    print(map:set(2, tonumber(arg[2])))
    print(map:delete(1), map:get(1))
    """
    with socket.socket(type=socket.SOCK_DGRAM) as good, socket.socket() as bad:
        good.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        good.bind(("127.0.0.1", 0))
        tap.equal(
            run(lua, good, bad),
            [
                f"true\t{cookie(good)}\tnil",
                'nil\tcan\'t set an entry of map "ports" (reuseport_sockarray): the socket needs '
                "SO_REUSEPORT and an address\tEINVAL",
                "true\tnil",
            ],
        )


@tap.case("AF_XDP sockets")
def xskmap():
    needs()
    lua = """
    local map = object:map("xsks")
    print(map:set(1, tonumber(arg[1])), map:delete(1))
    print(map:set(1, tonumber(arg[2])))
    print(pcall(map.get, map, 1))
    """
    try:
        xsk = socket.socket(AF_XDP, socket.SOCK_RAW)
    except OSError as error:
        tap.skip(f"needs AF_XDP sockets: {error}")
    with xsk, socket.socket() as other:
        tap.equal(
            run(lua, xsk, other),
            [
                "true\ttrue",
                'nil\tcan\'t set an entry of map "xsks" (xskmap): that is no AF_XDP socket'
                "\tEOPNOTSUPP",
                "false\tbad argument #1 to 'bpf.Map.get' (map 'xsks' (xskmap) has no get(): it has set(), "
                "delete(); the kernel doesn't tell what is in it)",
            ],
        )


def bpf(command, attributes):
    """bpf(2); gives its result."""
    buffer = ctypes.create_string_buffer(attributes, 128)
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(BPF, command, buffer, len(buffer))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


@tap.case("a pinned program is no map")
def pinned_program():
    needs()
    if not BPF:
        tap.skip("needs the number of bpf(2) on this machine")
    instructions = ctypes.create_string_buffer(bytes.fromhex("b700000000000000 9500000000000000"))
    licence = ctypes.create_string_buffer(b"GPL")
    load = struct.pack("=IIQQ", 1, 2, ctypes.addressof(instructions), ctypes.addressof(licence))
    program = bpf(5, load)  # BPF_PROG_LOAD: a socket filter that returns 0
    with tempfile.TemporaryDirectory() as folder:
        tap.sh("mount", "-t", "bpf", "none", folder)  # in this test's own mount namespace
        try:
            path = ctypes.create_string_buffer(f"{folder}/program".encode())
            bpf(6, struct.pack("=QI", ctypes.addressof(path), program))  # BPF_OBJ_PIN
            out, _ = tap.ebscript("-e", f'print(require("bpf").pinned("{folder}/program"))')
            tap.match(out[0], f'^nil\twhat is pinned at "{folder}/program" is no map but .*prog')
            tap.match(out[0], "\tEINVAL$")
        finally:
            tap.sh("umount", folder)
            os.close(program)


tap.run()
