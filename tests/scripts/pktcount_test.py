# SPDX-License-Identifier: GPL-2.0-only
"""pktcount.lua against packets that are counted: every table is compared whole."""
import contextlib
import json
import os
import re
import subprocess
import time

import tap

SENDER = os.path.join(os.environ.get("EBS_TEST_SUPPORT", "."), "send_packets")
TCP_HOST, UDP_HOST, HOST6 = "10.9.8.7", "10.9.8.8", "2001:db8::7"
HEADING = r"\d\d:\d\d:\d\d  flows (\d+), packets (\d+)$"

# Shapes of send_packets.c: how often each is sent, the source address, the source port (the
# destination's is one more; None: a later fragment). Equal counts show the order by text.
COUNTED = {
    "tcp": (53, TCP_HOST, 10000),
    "udp": (47, UDP_HOST, 11000),
    "options": (43, TCP_HOST, 12000),
    "first-fragment": (41, UDP_HOST, 13000),
    "later-fragment": (37, TCP_HOST, None),
    "vlan": (31, TCP_HOST, 15000),
    "qinq": (29, UDP_HOST, 16000),
    "tcp6": (23, HOST6, 17000),
    "udp6": (19, HOST6, 18000),
    "extensions6": (17, HOST6, 19000),
    "first-fragment6": (13, HOST6, 20000),
    "later-fragment6": (13, HOST6, None),
    "qinq6": (13, HOST6, 22000),
}
UDP = {"udp", "first-fragment", "qinq", "udp6", "later-fragment6", "qinq6"}
UNCOUNTED = (
    "icmp cut-ip cut-tcp cut-udp6 cut-tag bad-ihl long-ihl padded three-tags".split()
)
# Eleven of each, but for ICMP, in which nothing is wrong.
NOT_COUNTED = (
    "pktcount: not counted: 11 too many tags, 11 short ethernet, 11 short ip header, "
    "22 wrong ip header length, 22 cut short, 11 short transport header"
)
EVERYTHING = {name: count for name, (count, *_) in COUNTED.items()} | dict.fromkeys(UNCOUNTED, 11)


def row(saddr, sport, packets):
    host = f"[{saddr}]" if ":" in saddr else saddr
    sport, dport = (sport, sport + 1) if sport else ("-", "-")
    return f"{host}:{sport} => :{dport}\t| {packets}"


def rows(names, times=1):
    """The table's rows for these shapes, in their order."""
    flows = [(COUNTED[name][0] * times, *COUNTED[name][1:]) for name in names]
    lines = [(-packets, row(saddr, sport, packets)) for packets, saddr, sport in flows]
    return [line for _, line in sorted(lines)]


def tables(lines):
    """Lists of rows, checked against their headings where --top cut nothing off."""
    found = []
    for line in lines:
        if re.match(HEADING, line):
            found.append([])
        else:
            found[-1].append(line)
    return found


def send(side, shapes, *options, senders=1, interface=None):
    """Sends from `side`; several senders begin at the same moment, each on a CPU of its own."""
    words = [f"{name}={count}" for name, count in shapes.items()]
    inside, go = os.pipe()
    processes = []
    for cpu in range(senders):
        pin = ["-c", cpu] if senders > 1 else []
        command = [SENDER, *pin, *options, interface or side.interface, *words]
        enter = ["nsenter", f"--net=/run/netns/{side.name}", "--"]
        processes.append(subprocess.Popen([*enter, *map(str, command)], stdin=inside))
    os.close(inside)
    time.sleep(0.2 if senders > 1 else 0)
    os.close(go)
    for process in processes:
        tap.equal(process.wait(60), 0, "the sender's exit status")


def lost(*ends):
    """Packets that the two ends of a link threw away before XDP could see them."""
    total = 0
    for side, interface in ends:
        shown = tap.sh("ip", "-n", side.name, "-j", "-s", "link", "show", "dev", interface)
        counters = json.loads(shown)[0]["stats64"]
        total += counters["rx"]["dropped"] + counters["tx"]["dropped"]
    return total


@contextlib.contextmanager
def link():
    """Two namespaces, the sender's and the counter's."""
    tap.needs_kernel()
    with tap.namespaces() as (a, b):
        yield a, b


def start(side, *options, interface=None):
    """pktcount, attached."""
    interface = interface or side.interface
    return tap.Ebscript("pktcount.lua", "-i", interface, *options, netns=side.name)


def attached(counter):
    pattern = r"^pktcount: attached to (\S+) \(index (\d+)\), (\w+) mode; Ctrl-C ends$"
    return counter.wait_for(pattern, "stderr").groups()


def last_table(counter):
    """Interrupts it; gives the rows of the table that it prints then."""
    counter.interrupt()
    return tables(counter.finish())[-1]


def detached(side):
    shown = side.run("ip", "-d", "link", "show", "dev", side.interface)
    tap.ok("xdp" not in shown, f"still attached: {shown}")


@tap.case("counts every shape exactly, in each mode, and detaches on SIGINT")
def shapes():
    for mode, got in (("native", "native"), ("generic", "generic"), ("auto", "native")):
        with link() as (a, b), start(b, "--mode", mode, "--interval", 600) as counter:
            tap.equal(attached(counter), (b.interface, str(b.link()["ifindex"]), got))
            tap.ok("xdp" in b.link(), "no XDP program on the interface")
            send(a, EVERYTHING)
            counter.interrupt()
            lines = counter.finish()
            tap.equal(lines[1:], rows(COUNTED), f"table in {mode} mode")
            sums = [len(COUNTED), sum(EVERYTHING[name] for name in COUNTED)]
            tap.equal([int(n) for n in tap.match(lines[0], HEADING).groups()], sums, "heading")
            tap.equal(counter.stderr[1:], [NOT_COUNTED], "what is not counted, and why")
            detached(b)


@tap.case("--tcp and --udp choose the protocol; both are the same as none")
def protocols():
    for options, names in (
        (["--tcp"], set(COUNTED) - UDP),
        (["--udp"], UDP),
        (["--tcp", "--udp"], set(COUNTED)),
    ):
        with link() as (a, b), start(b, *options, "--interval", 600) as counter:
            attached(counter)
            send(a, EVERYTHING)
            tap.equal(last_table(counter), rows(names), f"table with {options}")


@tap.case("prints the totals each interval, ends after --count tables and doesn't repeat the last")
def intervals():
    with link() as (a, b), start(b, "--interval", 0.5, "--count", 5) as counter:
        attached(counter)
        send(a, {"tcp": 53})
        counter.wait_for(re.escape(row(TCP_HOST, 10000, 53)))
        send(a, {"tcp": 53, "udp": 47})
        found = tables(counter.finish())
        tap.equal(len(found), 5, "number of tables")
        tap.equal(found[-1], [row(TCP_HOST, 10000, 106), row(UDP_HOST, 11000, 47)], "last table")
        detached(b)


@tap.case("prints an empty table where nothing came, and on SIGTERM the last one")
def nothing():
    with link() as (a, b), start(b, "--interval", 0.1) as counter:
        attached(counter)
        counter.wait_for("flows 0, packets 0$", count=3)
        counter.send(15)
        tap.equal(set(map(tuple, tables(counter.finish()))), {()}, "tables")
        detached(b)


@tap.case("--top prints the largest flows, --exclude-ips leaves addresses out")
def choice():
    without4 = [name for name in COUNTED if COUNTED[name][1] != TCP_HOST]
    without = [name for name in without4 if COUNTED[name][1] != HOST6]
    for options, names, top in (
        (["--top", 3], COUNTED, 3),
        (["--top", 100], COUNTED, 100),
        (["--exclude-ips", TCP_HOST], without4, 100),
        (["--exclude-ips", f"{TCP_HOST},2001:0DB8:0::0:7", "--top", 1], without, 1),
        # The same text and the same first bytes are not the same address.
        (["--exclude-ips", "10.9.8.70,::ffff:10.9.8.7,a09:807::,1.10.9.8"], COUNTED, 100),
    ):
        with link() as (a, b), start(b, *options, "--interval", 600) as counter:
            attached(counter)
            send(a, EVERYTHING)
            tap.equal(last_table(counter), rows(names)[:top], f"table with {options}")
            flows, packets = tap.match(counter.stdout[0], HEADING).groups()
            tap.equal(int(flows), len(names), "flows in the heading")
            tap.equal(int(packets), sum(COUNTED[name][0] for name in names), "packets")


@tap.case("--json prints an object a row, as ebscript --json does")
def objects():
    for words in (["pktcount.lua", "--json"], ["--json", "pktcount.lua"]):
        with link() as (a, b), tap.Ebscript(
            *words, "-i", b.interface, "--interval", 0.3, netns=b.name
        ) as counter:
            attached(counter)
            send(a, {"tcp": 53, "later-fragment6": 13})
            counter.wait_for(f'"{TCP_HOST}".*53', count=3)
            counter.interrupt()
            found = [json.loads(line) for line in counter.finish()]
        moments = [one.pop("time") for one in found]
        tap.equal(moments, sorted(moments), "times")
        each = [moment for moment, one in zip(moments, found) if one["saddr"] == TCP_HOST]
        tap.equal(len(set(each)), len(each), "tables told apart by their times")
        tcp = dict(saddr=TCP_HOST, sport=10000, dport=10001, packets=53)
        fragment = dict(saddr=HOST6, sport=None, dport=None, packets=13)
        tap.equal(found[-2:], [tcp, fragment], "last rows")


@tap.case("counts are exact where two CPUs meet the same new flows at once")
def races():
    flows, count = 9973, 7
    if os.cpu_count() < 2:
        tap.skip("needs two CPUs")
    for mode in ("native", "generic"):
        with link() as (a, b):
            # A queue for each CPU, so that native mode runs on both.
            queues = ["numtxqueues", 2, "numrxqueues", 2]
            add = ["ip", "-n", a.name, "link", "add", "many-a", *queues, "type", "veth"]
            tap.sh(*add, "peer", "name", "many-b", "netns", b.name, *queues)
            for side, name in ((a, "many-a"), (b, "many-b")):
                quiet = ["addrgenmode", "none", "up"]
                tap.sh("ip", "-n", side.name, "link", "set", "dev", name, *quiet)
            with start(b, "--mode", mode, "--interval", 600, interface="many-b") as counter:
                attached(counter)
                send(a, {"tcp": count}, "-f", flows, senders=2, interface="many-a")
                tap.equal(lost((a, "many-a"), (b, "many-b")), 0, "packets lost on their way")
                want = [f"{TCP_HOST}:{10000 + n} => :10001\t| {2 * count}" for n in range(flows)]
                tap.equal(last_table(counter), sorted(want), f"table in {mode} mode")


@tap.case("a signal while a table of many flows is made: no row is cut, and it is told")
def interrupted():
    for top in (None, 2):
        options = ["--top", top] if top else []
        with link() as (a, b), start(b, "--interval", 0.01, *options) as counter:
            attached(counter)
            send(a, {"tcp": 1}, "-f", 50000)
            counter.wait_for(r"flows [45]\d{4}, packets \d+$")
            counter.interrupt()
            lines = counter.finish()
            found = tables(lines)[-1]
            flows = int([re.match(HEADING, line)[1] for line in lines if " flows " in line][-1])
            for line in found:
                tap.match(line, rf"^{TCP_HOST}:\d+ => :10001\t\| 1$")
            told = [line for line in counter.stderr if "interrupted" in line]
            notice = f"pktcount: interrupted: {len(found)} rows, of the flows read so far"
            if len(found) < min(top or flows, flows):
                tap.equal(told, [notice], "a table that lacks rows is told")
            tap.ok(told in ([], [notice]), f"notices {told}")
            if top:
                tap.equal(len(found), min(top, flows), "the largest of what was read are printed")
            detached(b)


@tap.case("tells of packets that --max-entries leaves no room for")
def full():
    with link() as (a, b), start(b, "--max-entries", 7, "--interval", 600) as counter:
        attached(counter)
        send(a, {"udp": 1}, "-f", 101)
        send(a, {"udp": 1}, "-f", 7)
        table = last_table(counter)
        tap.equal(table, [f"{UDP_HOST}:{11000 + n} => :11001\t| 2" for n in range(7)], "table")
        told = [line for line in counter.stderr if "pktcount.lua" in line]
        tap.equal(len(told) >= 1, True, f"a full map is told {counter.stderr}")
        tap.match(told[-1], r"\b94\b.*full.*max_entries")


def refused(side, interface, *options):
    words = ["pktcount.lua", "-i", interface, *options]
    out, err = tap.ebscript(*words, netns=side.name, status=1)
    tap.equal((out, len(err)), ([], 1), f"output with {err}")
    return err[0]


@tap.case("says in one sentence why it cannot attach")
def refusals():
    with link() as (a, b):
        tap.match(refused(b, "no-such-if"), r'^ebscript: pktcount\.lua: .*"no-such-if"')
        with start(b, "--mode", "generic") as first:
            attached(first)
            number = b.link()["xdp"]["prog"]["id"]
            for mode in ("auto", "native", "generic"):
                text = refused(b, b.interface, "--mode", mode)
                tap.match(text, rf"^ebscript: pktcount\.lua: .*count_packets.*\b{number}\b")
            first.interrupt()
            first.finish()


@tap.case("says in one sentence that it takes privileges")
def unprivileged():
    with link() as (a, b):
        # Root without capabilities: it can still read a build folder that nobody else may enter.
        words = ["--bounding-set=-all", "--inh-caps=-all", tap.EBSCRIPT]
        with tap.Ebscript(
            *words, "pktcount.lua", "-i", b.interface, command="setpriv", netns=b.name
        ) as counter:
            tap.equal(counter.finish(status=1), [], "output")
            tap.equal(len(counter.stderr), 1, f"lines on standard error {counter.stderr}")
            tap.match(counter.stderr[0], r"^ebscript: pktcount\.lua: .*(root|CAP_)")


@tap.case("refuses wrong arguments with exit status 2, and names them")
def arguments():
    tap.needs_root()
    for words, named in (
        ([], "'-i'"),
        (["-i", "lo", "--interval", "0"], "'0'"),
        (["-i", "lo", "--interval", "1s"], "'1s'"),
        (["-i", "lo", "--interval", "-1"], "-1"),
        (["-i", "lo", "--interval", "1e999"], "'1e999'"),
        (["-i", "lo", "--count", "1.5"], "'1.5'"),
        (["-i", "lo", "--count", "0"], "'0'"),
        (["-i", "lo", "--top", "0"], "'0'"),
        (["-i", "lo", "--top", "many"], "'many'"),
        (["-i", "lo", "--max-entries", "0"], "'0'"),
        (["-i", "lo", "--mode", "fast"], "--mode"),
        (["-i", "lo", "--exclude-ips", "10.0.0.1,10.0.0.256"], "\"10.0.0.256\""),
        (["-i", "lo", "--exclude-ips", "10.0.0.1,"], '""'),
        (["-i", "lo", "--no-such-option"], "--no-such-option"),
        (["-i", "lo", "stray"], "too many arguments"),
    ):
        out, err = tap.ebscript("pktcount.lua", *words, status=2)
        tap.equal(out, [], f"output with {words}")
        told = [line for line in err if line.startswith("Error: ")]
        tap.equal(len(told), 1, f"errors in {err}")
        tap.ok(named in told[0], f"{named} is not named: {told}")


tap.run()
