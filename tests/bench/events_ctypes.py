# SPDX-License-Identifier: GPL-2.0-only
"""Reads the events of `bench events` as BCC does: libbpf's callback, and a cast for each event.

    events_ctypes.py PLAIN    (id of the ring buffer), then any command on standard input
"""
import ctypes
import sys
import time


class Event(ctypes.Structure):
    _fields_ = [
        ("ktime", ctypes.c_uint64),
        ("latency", ctypes.c_uint64),
        ("pid", ctypes.c_uint32),
        ("ret", ctypes.c_int32),
        ("comm", ctypes.c_char * 16),
    ]


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class Reader:
    def __init__(self):
        self.sum, self.ended = 0, False

    def on_event(self, _context, data, _size):
        event = ctypes.cast(data, ctypes.POINTER(Event)).contents
        self.sum += event.pid + event.latency
        if event.ret != 0:
            self.ended = True
        return 0


def main():
    libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
    libbpf.ring_buffer__new.restype = ctypes.c_void_p
    libbpf.ring_buffer__consume.argtypes = [ctypes.c_void_p]
    reader = Reader()
    callback = CALLBACK(reader.on_event)
    ring = libbpf.ring_buffer__new(libbpf.bpf_map_get_fd_by_id(int(sys.argv[1])), callback, None, None)
    if not ring:
        sys.exit("no such ring buffer")
    for _ in sys.stdin:
        reader.sum, reader.ended = 0, False
        start = time.process_time_ns()
        events = libbpf.ring_buffer__consume(ring)
        took = time.process_time_ns() - start
        if not reader.ended:
            sys.exit("the last event is missing")
        print(events, took, reader.sum, flush=True)


main()
