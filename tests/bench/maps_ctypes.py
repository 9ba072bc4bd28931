# SPDX-License-Identifier: GPL-2.0-only
"""BCC's way through a map: Python asks for key after key, and for each key's value, through ctypes.

    maps_ctypes.py HASH ENTRIES, then any command on standard input. It sees the first ENTRIES.
"""
import ctypes
import itertools
import sys
import time

libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)


class Value(ctypes.Structure):
    _fields_ = [("count", ctypes.c_uint64), ("bytes", ctypes.c_uint64)]


class Table:
    """As bcc.table.TableBase has it."""

    def __init__(self, fd):
        self.fd = fd

    def next(self, key):
        following = ctypes.c_uint64()
        if libbpf.bpf_map_get_next_key(self.fd, ctypes.byref(key) if key else None, ctypes.byref(following)) < 0:
            raise StopIteration
        return following

    def __getitem__(self, key):
        value = Value()
        if libbpf.bpf_map_lookup_elem(self.fd, ctypes.byref(key), ctypes.byref(value)) < 0:
            raise KeyError
        return value

    def items(self):
        key = None
        while True:
            try:
                key = self.next(key)
            except StopIteration:
                return
            yield key, self[key]


def main():
    fd = libbpf.bpf_map_get_fd_by_id(int(sys.argv[1]))
    if fd < 0:
        sys.exit(f"map {sys.argv[1]}: errno {ctypes.get_errno()}")
    entries = int(sys.argv[2])
    table = Table(fd)
    for _ in sys.stdin:
        start, seen, total = time.monotonic_ns(), 0, 0
        for _, value in itertools.islice(table.items(), entries):
            total += value.count
            seen += 1
        print(seen, time.monotonic_ns() - start, total, flush=True)


main()
