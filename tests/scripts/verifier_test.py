# SPDX-License-Identifier: GPL-2.0-only
"""What the verifier refuses, on this kernel: the line of the C, what is wrong there, and nothing left behind."""
import contextlib
import re
import tempfile
from pathlib import Path

import tap

HEAD = '#include "ebscript.bpf.h"\n'
SCRIPT = """\
local bpf = require("bpf")

local object, message, code = bpf.load({{ source = [[
{source}
]] }})
{rest}
"""
FIRST = 4  # the line of the script that the source begins in
FAIL = "assert(object, message)"

HASH = """
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u64[8]);
} slots SEC(".maps");
"""
RINGBUF = """
struct event {
	u32 pid;
};
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");
"""


@contextlib.contextmanager
def script(source, rest=FAIL, files=()):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.lua"
        path.write_text(SCRIPT.format(source=source, rest=rest))
        for file, text in files:
            (path.parent / file).write_text(text)
        yield path


def find(source, marked):
    """(line of the script, column) of what stands behind "@" in `marked`, which is a line of the source."""
    line = marked.replace("@", "")
    return FIRST + source.split("\n").index(line), marked.index("@") + 1


def expect_line(lines, source, marked, file="mine.lua", kind="error", words=""):
    """Among `lines`: the place, then the line, then a caret under the marked column, or one of several."""
    if isinstance(marked, tuple):
        marked = next((one for one in marked if any(":%d:%d: " % find(source, one) in line for line in lines)), marked[0])
    number, column = find(source, marked)
    pattern = rf"^(ebscript: )?{re.escape(file)}:{number}:{column}: {kind}: {words}"
    at = next((i for i, line in enumerate(lines) if re.search(pattern, line)), None)
    if at is None:
        raise AssertionError(f"no line matches {pattern!r} in " + "\n".join(lines))
    before, behind = marked.split("@")
    tap.equal(lines[at + 1], f"{number:>5} | " + (before + behind).expandtabs(8), "the line")
    tap.match(lines[at + 2], rf"^      \| {' ' * len(before.expandtabs(8))}\^~*$")


def refuse(source, marked, words, kernel, notes=(), **options):
    """The kernel must refuse `run` in the source, at the place of `marked`; gives the message's lines."""
    tap.needs_kernel()
    source = HEAD + source
    with script(source) as path:
        arguments = [*options.pop("arguments", ()), "--no-cache", path]
        out, err = tap.ebscript(*arguments, status=1, timeout=6 * tap.PATIENCE, **options)
    tap.equal(out, [], "standard output")
    start = next(i for i, line in enumerate(err) if line.startswith("ebscript: "))
    lines = err[start:]
    tap.match(lines[0], rf'^ebscript: mine\.lua:.*: error: the verifier refuses "run": .*{words}')
    expect_line(lines, source, marked)
    for marked, said in notes:
        expect_line(lines, source, marked, kind="note", words=said + "$")
    tap.match("\n".join(lines), rf"^kernel: .*{kernel}")
    tap.equal(lines[-1], "--verifier-log FILE writes the complete log", "the last line")
    tap.ok(len(lines) <= 22, "not short: " + "\n".join(lines))
    return lines


UNCHECKED = HASH + """
SEC("xdp")
int run(struct xdp_md *ctx)
{
	u32 key = 0;
	u64 *value = bpf_map_lookup_elem(&slots, &key);

	return value[3];
}"""


@tap.case("an unchecked map value")
def unchecked():
    call = "\tu64 *value = @bpf_map_lookup_elem(&slots, &key);"
    lines = refuse(
        UNCHECKED, "\treturn @value[3];", "`value` may be NULL here: compare it with NULL before using it$",
        "invalid mem access 'map_value_or_null'", [(call, r"`value` is what bpf_map_lookup_elem\(\) gives here")],
    )
    number = find(HEAD + UNCHECKED, call)[0]
    tap.match("\n".join(lines), rf"^  mine\.lua:{number}: \d+: \(85\) call bpf_map_lookup_elem#1 ; R0=map_value_or_null\(")
    tap.match(lines[-2], rf"^  mine\.lua:{number + 2}: \d+: \(79\) r0 = \*\(u64 \*\)\(r0 \+24\)|\(61\)")


@tap.case("an unchecked pointer that an inline function has compared")
def compared():
    refuse(RINGBUF + """
SEC("raw_tp/sched_process_exec")
int run(void *ctx)
{
	struct event *event = ebs_ringbuf_reserve(&events, sizeof(*event));

	event->pid = 1;
	bpf_ringbuf_submit(event, 0);
	return 0;
}""", "\t@event->pid = 1;", "`event` (is NULL on a way that leads|may be NULL) here: compare it with NULL before using it$",
           "invalid mem access '")


@tap.case("a packet's bounds")
def packet():
    refuse("""
SEC("xdp")
int run(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)eth + 6 > data_end)
		return XDP_PASS;
	return eth->h_proto == 8 ? XDP_DROP : XDP_PASS;
}""", "\treturn @eth->h_proto == 8 ? XDP_DROP : XDP_PASS;",
           "`eth` may point past the end of the packet: compare it with data_end before reading "
           r"\(it is read up to byte 14, and 6 are known to be there\)$",
           r"invalid access to packet, off=12 size=2, R\d")


@tap.case("an unbounded loop")
def unbounded():
    refuse("""
SEC("xdp")
int run(struct xdp_md *ctx)
{
	u64 sum = 0;
	u32 count = bpf_get_prandom_u32();

	for (u32 i = 0; i < count; i++)
		sum += bpf_ktime_get_ns();
	return sum;
}""", "\t@for (u32 i = 0; i < count; i++)",
           r"saw no end of this loop, \d+ rounds before it gave up at \d+ instructions: count up to a smaller constant",
           "BPF program is too large|jumps is too complex")


@tap.case("a loop in which nothing changes")
def endless():
    refuse("""
SEC("xdp")
int run(struct xdp_md *ctx)
{
	asm volatile("again: if r1 != 0 goto again" ::: "r1");
	return 0;
}""", '\t@asm volatile("again: if r1 != 0 goto again" ::: "r1");', "this loop may never end: .* constant bound",
           "infinite loop detected|back-edge from insn")


@tap.case("too complex")
def complex_program():
    # Each question doubles the ways, and each way ends with another index, which must be looked at.
    questions = "".join(f"\tif (bpf_get_prandom_u32() & 1) {{\n\t\tindex |= {1 << i};\n\t\tbarrier_var(index);\n\t}}\n"
                        for i in range(20))
    tap.needs_kernel()
    source = HEAD + HASH + """
SEC("xdp")
int run(struct xdp_md *ctx)
{
	u32 key = 0;
	u64 index = 0;
	u64 *slot = bpf_map_lookup_elem(&slots, &key);

	if (!slot)
		return 0;
""" + questions + "\treturn slot[(index ^ index >> 10) & 7];\n}"
    with script(source) as path:
        _, err = tap.ebscript("--no-cache", path, status=1, timeout=6 * tap.PATIENCE)
    tap.match(err[0], r"^ebscript: mine\.lua:\d+:\d+: error: the verifier refuses \"run\": there are too many ways through "
                      r"the program: the verifier gave up after 1\d{6} instructions")
    tap.match("\n".join(err), "^kernel: (BPF program is too large|The sequence of)")


@tap.case("too many instructions, which the verifier doesn't even look at")
def too_many():
    tap.needs_kernel()
    source = HEAD + """
SEC("xdp")
int run(struct xdp_md *ctx)
{
	asm volatile(".rept 1000001; r0 = 0; .endr" ::: "r0");
	return 0;
}"""
    with script(source) as path:
        _, err = tap.ebscript("--no-cache", path, status=1, timeout=6 * tap.PATIENCE)
    tap.match(err[-1], r'^ebscript: mine\.lua: "run" has 100000\d instructions: the kernel takes a million')


@tap.case("a stack over 512 bytes, by functions together")
def stack():
    refuse("""
static __noinline int inner(u64 n)
{
	volatile char text[300];

	text[n & 255] = n;
	return text[(n + 1) & 255];
}

SEC("xdp")
int run(struct xdp_md *ctx)
{
	volatile char text[320];
	u64 n = bpf_get_prandom_u32();

	text[n & 255] = inner(n);
	return text[(n + 1) & 255];
}""", "\tu64 n = @bpf_get_prandom_u32();",
           r"need 6\d\d bytes of stack, and there are 512: .*per-CPU array map \(run\(\) has 320, inner\(\) has 300\)$",
           r"combined stack size of 2 calls is 6\d\d\. Too large")


@tap.case("a stack over 512 bytes in one function is the compiler's error, told once")
def large_variable():
    source = HEAD + """
SEC("xdp")
int run(struct xdp_md *ctx)
{
	char text[600] = {};

	bpf_get_current_comm(text, sizeof(text));
	return text[bpf_get_prandom_u32() & 255];
}"""
    with script(source) as path:
        _, err = tap.ebscript("--no-cache", path, status=1)
    number = find(source, "\tchar @text[600] = {};")[0]
    said = [line for line in err if "stack limit" in line]
    tap.equal(len(said), len(set(said)), "no error twice in " + "\n".join(err))
    tap.match(said[0], rf"^ebscript: mine\.lua:{number}:\d+: error: .*stack limit")


@tap.case("an unreleased reference")
def reference():
    refuse(RINGBUF + """
SEC("raw_tp/sched_process_exec")
int run(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	if (event->pid == 1)
		return 0;
	bpf_ringbuf_submit(event, 0);
	return 0;
}""", "@}", r"`event` is still held when the program ends here: call bpf_ringbuf_submit\(\) or bpf_ringbuf_discard\(\) on "
           "every way$", "Unreleased reference id=", [
               ("\tstruct event *event = @bpf_ringbuf_reserve(&events, sizeof(*event), 0);", "it comes from here"),
               (("\tif (@event->pid == 1)", "\tif (event->pid @== 1)"), "the way that forgets it goes through here"),
           ])


# Since Linux 6.3 who has CAP_PERFMON may read what was never written.
WITHOUT_PERFMON = {"command": "setpriv", "arguments": ["--bounding-set=-all,+bpf,+net_admin", tap.EBSCRIPT]}


@tap.case("an uninitialised variable on the stack, read directly and by a helper")
def uninitialised():
    tap.needs_root()
    refuse("""
SEC("xdp")
int run(struct xdp_md *ctx)
{
	volatile u64 count;

	return count == 4;
}""", "\treturn @count == 4;", "`count` (has no value here|isn't set whole)", "invalid read from stack",
           **WITHOUT_PERFMON)
    refuse(HASH.replace("u32", "struct key").replace("\nstruct {", "\nstruct key {\n\tu64 a, b;\n};\nstruct {", 1) + """
SEC("xdp")
int run(struct xdp_md *ctx)
{
	struct key key;

	key.a = 1;
	return bpf_map_delete_elem(&slots, &key);
}""", "\treturn bpf_map_delete_elem(&slots, @&key);", "`&key` isn't set whole: its byte 8 of 16 has no value",
           "invalid (indirect )?read from stack", **WITHOUT_PERFMON)


@tap.case("a helper that isn't for this kind of program")
def wrong_helper():
    refuse("""
SEC("xdp")
int run(struct xdp_md *ctx)
{
	bpf_get_stackid(ctx, (void *)0, 0);
	return XDP_PASS;
}""", "\t@bpf_get_stackid(ctx, (void *)0, 0);", r'programs of SEC\("xdp"\) can\'t call bpf_get_stackid\(\)',
           "program of this type cannot use helper bpf_get_stackid#27|unknown func bpf_get_stackid#27")


@tap.case("a helper that the kernel hasn't")
def no_helper():
    refuse("""
static long (*bpf_of_tomorrow)(int) = (void *)987;

SEC("xdp")
int run(struct xdp_md *ctx)
{
	return bpf_of_tomorrow(1);
}""", "\treturn @bpf_of_tomorrow(1);", r"this kernel hasn't the helper bpf_of_tomorrow\(\) \(its number 987\)",
           "invalid func unknown#987")


@tap.case("pointer arithmetic: an index without bounds")
def index():
    refuse(HASH + """
SEC("xdp")
int run(struct xdp_md *ctx)
{
	u32 key = 0;
	u64 *slot = bpf_map_lookup_elem(&slots, &key);
	u32 n = ctx->rx_queue_index;

	if (!slot)
		return 0;
	slot[n] = 1;
	return XDP_PASS;
}""", "\t@slot[n] = 1;", "how far `slot` is moved has no upper bound here: compare the index with the size before$",
           "R. unbounded memory access, make sure to bounds check any such access",
           [("\tu32 n = ctx->@rx_queue_index;", "the number is read here, and may be up to 4294967295")])


# The C between a lookup and the end of the program, and the line in it that compares; None where none is blamed.
COMPARED = [
    ("\tu32 a = bpf_get_prandom_u32();\n\tu64 b = a;\n\n\tb <<= 2;\n\tbarrier_var(b);\n\tif (a > 1)\n\t\treturn 0;\n\tslot[b] = 1;",
     "\tif (@a > 1)"),
    ("\tu32 a = bpf_get_prandom_u32() & 0xffff;\n\n\tbarrier_var(a);\n\tif (a * 2 > 14)\n\t\treturn 0;\n\tslot[a] = 1;",
     "\tif (@a * 2 > 14)"),
    # In the same register, but with too large a bound.
    ("\tu32 a = bpf_get_prandom_u32();\n\n\tif (a > 600)\n\t\treturn 0;\n\tslot[a] = 1;", None),
    # Something else is compared.
    ("\tu32 a = bpf_get_prandom_u32();\n\tu32 c = bpf_get_prandom_u32();\n\n\tif (c > 6)\n\t\treturn 0;\n\tslot[a] = 1;",
     None),
    ("\tu32 a = bpf_get_prandom_u32();\n\n\tslot[a] = 1;", None),
]


@tap.case("an index that is compared in another register")
def compared_elsewhere():
    for source, compares in COMPARED:
        tap.needs_kernel()
        source = HEAD + HASH + """
SEC("xdp")
int run(struct xdp_md *ctx)
{
	u32 key = 0;
	u64 *slot = bpf_map_lookup_elem(&slots, &key);

	if (!slot)
		return 0;
""" + source + "\n\treturn 0;\n}"
        with script(source) as path:
            _, err = tap.ebscript("--no-cache", path, status=1)
        said = [line for line in err if "in another register" in line]
        tap.equal(len(said), 1 if compares else 0, "\n".join(err))
        if compares:
            number = find(source, compares)[0]
            tap.match(said[0], rf"^mine\.lua:{number}:\d+: note: it is compared from here on, .* `barrier_var\(x\);` before")


@tap.case("pointer arithmetic: what isn't allowed with pointers")
def arithmetic():
    refuse("""
SEC("xdp")
int run(struct xdp_md *ctx)
{
	long data = ctx->data;

	return data * 3 > (long)ctx->data_end;
}""", "\treturn @data * 3 > (long)ctx->data_end;", r"`data` is a pointer, and the verifier allows only \+ and - with",
           r"R. pointer arithmetic with \*= operator prohibited")


@tap.case("a GPL-only helper without the licence")
def licence():
    refuse("""
char _license[] SEC("license") = "Proprietary";

SEC("raw_tp/sched_process_exec")
int run(void *ctx)
{
	bpf_printk("hello");
	return 0;
}""", '\t@bpf_printk("hello");', r'bpf_trace_printk\(\) is only for programs under the GPL: write `char _license\[\]',
           "cannot call GPL")


@tap.case("a pointer that is only a number")
def number():
    refuse("""
SEC("raw_tp/sched_process_exec")
int run(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];

	return task->pid;
}""", "\treturn @task->pid;", r"`task` is only a number to the verifier.*BPF_CORE_READ\(\)", "invalid mem access '(scalar|inv)'",
           [("\tstruct task_struct *task = (void *)@ctx[0];", "`task` is read here")])


# SEC(), the context's type, the line with what is blamed behind "@", what it is called, the ways out.
SWITCH = ("tracepoint/sched/sched_switch", "struct trace_event_raw_sched_switch")
IN_CONTEXT = [
    (*SWITCH, "\t__builtin_memcpy(to, @ctx->prev_comm, 16);", "ctx->prev_comm", "to, 16, ctx->prev_comm", "ctx->prev_comm[0]"),
    (*SWITCH, "\tmemcpy(&to[1], @ctx->next_comm, sizeof(to) - 1);", "ctx->next_comm", "&to[1], sizeof(to) - 1, ctx->next_comm",
     "ctx->next_comm[0]"),
    (*SWITCH, "\tto[0] = @ctx->prev_comm[index & 15];", "ctx->prev_comm[index & 15]",
     "&to, sizeof(to), &ctx->prev_comm[index & 15]", "ctx->prev_comm[0]"),
    (*SWITCH, "\tto[0] = bpf_strncmp(@ctx->prev_comm, 16, \"bash\");", "ctx->prev_comm", "&to, sizeof(to), ctx->prev_comm",
     None),
    ("raw_tp/sched_switch", "struct bpf_raw_tracepoint_args", "\tto[0] = @ctx->args[index & 1];", "ctx->args[index & 1]",
     "&to, sizeof(to), &ctx->args[index & 1]", "ctx->args[0]"),
    ("tp_btf/sched_switch", "u64", "\tto[0] = @ctx[index & 1];", "ctx[index & 1]", "&to, sizeof(to), &ctx[index & 1]", "ctx[0]"),
    # The verifier rewrites these, so a copy has other bytes.
    ("sockops", "struct bpf_sock_ops", "\t__builtin_memcpy(to, @ctx->remote_ip6, 16);", "ctx->remote_ip6", None,
     "ctx->remote_ip6[0]"),
    ("tc", "struct __sk_buff", "\tto[0] = @ctx->cb[index & 3];", "ctx->cb[index & 3]", None, "ctx->cb[0]"),
    ("tc", "struct __sk_buff", "\t@ctx->cb[index & 3] = 7;", "ctx->cb[index & 3]", None, "ctx->cb[0]"),
    ("perf_event", "struct bpf_perf_event_data", "\tto[0] = @((u64 *)&ctx->regs)[index & 3];", "what register R. holds", None,
     "ctx->array[0]"),
]


@tap.case("arrays in the program's context")
def in_context():
    tap.needs_kernel()
    for section, context, line, what, copied, element in IN_CONTEXT:
        named = what if what.startswith("what ") else f"`{re.escape(what)}`"
        ways = f"write constant indexes, as in `{re.escape(element)}`$" if element else ""
        if copied:
            copy = rf"copy it by `bpf_probe_read_kernel\({re.escape(copied)}\)`"
            ways = f"{copy}, or {ways}" if ways else copy + "$"
        refuse(f"""
#define memcpy __builtin_memcpy
char to[16];

SEC("{section}")
int run({context} *ctx)
{{
	u32 index = bpf_get_prandom_u32();

{line.replace("@", "")}
	return index;
}}""", line, f"{named} is in the program's context, .*: {ways}", "modified ctx ptr|variable ctx access|type=ctx expected=")


@tap.case("what memcpy() reads and writes is named")
def copies():
    lookup = """
SEC("xdp")
int run(struct xdp_md *ctx)
{
	u32 key = 0;
	char to[16];
	u64 *value = bpf_map_lookup_elem(&slots, &key);

"""
    for line in ("\t__builtin_memcpy(to, @value, 16);", "\t__builtin_memmove(@value, to, 16);"):
        refuse(HASH + lookup.replace("to[16];", "to[16] = \"0123456789abcd\";\n\tbarrier_var(key);") + line.replace("@", "")
               + "\n\tbarrier();\n\tbpf_printk(\"%s\", to);\n\treturn 0;\n}", line,
               "`value` may be NULL here", "invalid mem access 'map_value_or_null'",
               [("\tu64 *value = @bpf_map_lookup_elem(&slots, &key);", r"the pointer is what bpf_map_lookup_elem\(\) gives here")])


@tap.case("a typedef of a kernel's struct: CO-RE looks for the typedef")
def typedefs():
    tap.needs_kernel()
    for access, field in (("BPF_CORE_READ(task, real_parent, tgid)", "real_parent"), ("task->tgid", "tgid"),
                          ("bpf_core_field_size(task->comm)", "comm"), ("BPF_CORE_READ(task, comm[0])", "comm[0]")):
        source = HEAD + f"""
typedef struct task_struct TASK;

SEC("raw_tp/sched_process_exec")
int run(u64 *ctx)
{{
	TASK *task = (void *)ctx[0];

	return {access};
}}"""
        with script(source) as path:
            _, err = tap.ebscript("--no-cache", path, status=1)
        tap.match(err[0], r"^ebscript: mine\.lua:\d+.*: the verifier refuses \"run\": the kernel's types have no typedef TASK, and "
                          r"CO-RE looks for the name that the C writes: write the name of its struct, as in `struct NAME \*p`, "
                          rf"to read {re.escape(field)}$")


@tap.case("a field that the kernel hasn't")
def no_field():
    tap.needs_kernel()
    source = HEAD + """
#include <bpf/bpf_core_read.h>
struct task_struct___tomorrow {
	int mood;
} __attribute__((preserve_access_index));

SEC("raw_tp/sched_process_exec")
int run(u64 *ctx)
{
	struct task_struct___tomorrow *task = (void *)ctx[0];

	return BPF_CORE_READ(task, mood);
}"""
    with script(source) as path:
        _, err = tap.ebscript("--no-cache", path, status=1)
    tap.match(err[0], r"^ebscript: mine\.lua:\d+.*: error: the verifier refuses \"run\": struct task_struct has no field mood "
                      r"in this kernel: ask with bpf_core_field_exists\(\)")


@tap.case("a line inside a header, and the line of the script that led there")
def header():
    tap.needs_kernel()
    source = HEAD + """
#include "look.h"

SEC("xdp")
int run(struct xdp_md *ctx)
{
	return kind_of((void *)(long)ctx->data) == 8;
}"""
    look = "static __always_inline int kind_of(struct ethhdr *eth)\n{\n\treturn eth->h_proto;\n}\n"
    with script(source, files=[("look.h", look)]) as path:
        _, err = tap.ebscript("--no-cache", path, status=1)
    tap.match(err[0], r"^ebscript: mine\.lua: .*look\.h:3:9: error: the verifier refuses \"run\": `eth` may point past")
    expect_line(err, source, "\treturn kind_of((void *)(long)ctx->@data) == 8;", kind="note",
                words="the way there leads through here")


@tap.case("a function behind the program, of several programs and functions in one section")
def functions():
    refuse(HASH + """
static __noinline u64 good(u32 key)
{
	u64 *value = bpf_map_lookup_elem(&slots, &key);

	return value ? value[0] : 0;
}

static __noinline u64 bad(u32 key)
{
	u64 *value = bpf_map_lookup_elem(&slots, &key);

	if (key == 3)
		return 1;
	return value[2] + 1;
}

SEC("xdp")
int fine(struct xdp_md *ctx)
{
	return good(ctx->rx_queue_index);
}

SEC("xdp")
int run(struct xdp_md *ctx)
{
	return good(ctx->ingress_ifindex) + bad(ctx->rx_queue_index);
}""", "\treturn @value[2] + 1;", "`value` may be NULL here", "invalid mem access 'map_value_or_null'")


@tap.case("a C file is named by its path")
def c_file():
    tap.needs_kernel()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "mine.bpf.c").write_text(HEAD + UNCHECKED)
        (Path(folder) / "mine.lua").write_text('assert(require("bpf").load({ file = "mine.bpf.c" }))\n')
        _, err = tap.ebscript("--no-cache", Path(folder) / "mine.lua", status=1)
        number = (HEAD + UNCHECKED).split("\n").index("\treturn value[3];") + 1
        tap.match(err[0], rf"^ebscript: mine\.lua: {re.escape(folder)}/mine\.bpf\.c:{number}:9: error: the verifier refuses")


@tap.case('to the script it is nil, message, "VERIFY", and nothing is left; a cached object says the same')
def to_the_script():
    tap.needs_kernel()
    rest = """
print(object, code, #message < 2000, message:match("^mine.lua:%d+:%d+: error: the verifier refuses \\"run\\": `value`"))
local function held()
    local count = 0
    for line in io.popen("ls -l /proc/$PPID/fd"):lines() do
        count = count + (line:find("bpf") and 1 or 0)
    end
    return count
end
print(held())
"""
    with script(HEAD + UNCHECKED, rest) as path, tempfile.TemporaryDirectory() as cache:
        first, err = tap.ebscript("--cache-dir", cache, path)
        tap.equal(err, [], "standard error")
        number = find(HEAD + UNCHECKED, "\treturn @value[3];")[0]
        tap.equal(first, [f"nil\tVERIFY\ttrue\tmine.lua:{number}:9: error: the verifier refuses \"run\": `value`", "0"],
                  "output")
        tap.equal(tap.ebscript("--cache-dir", cache, path), (first, []), "output with a cached object")


@tap.case("--verifier-log: the complete log of each refused program, from the first instruction on")
def complete_log():
    tap.needs_kernel()
    rest = 'bpf.load({ source = [[\n' + HEAD + UNCHECKED.replace("run", "again") + "\n]] })\n" + FAIL
    with script(HEAD + UNCHECKED, rest) as path:
        log = path.parent / "verifier.log"
        log.write_text("of the last time\n")
        _, err = tap.ebscript("--no-cache", "--verifier-log", log, path, status=1)
        tap.equal(err[-1], f"the complete log is in {log}", "the last line")
        text = log.read_text()
        tap.equal(re.findall(r'^program "(\w+)", SEC\("xdp"\), \d+ instructions:$', text, re.MULTILINE), ["run", "again"],
                  "programs")
        tap.equal(len(re.findall(r"^0: \([0-9a-f]{2}\) ", text, re.MULTILINE)), 2, "first instructions")
        tap.equal(len(re.findall(r"^processed \d+ insns", text, re.MULTILINE)), 2, "last lines")
        _, err = tap.ebscript("--no-cache", "--verifier-log", path.parent / "no" / "log", path, status=1)
        tap.match(err[-1], r"^there is no log: can't write to .*/no/log: No such file or directory$")


@tap.case("--verifier-log writes no file where nothing is refused")
def no_log():
    tap.needs_kernel()
    fine = HEAD + 'SEC("xdp")\nint run(struct xdp_md *ctx)\n{\n\treturn XDP_PASS;\n}'
    with script(fine) as path:
        tap.equal(tap.ebscript("--no-cache", "--verifier-log", path.parent / "log", path), ([], []), "output")
        tap.ok(not (path.parent / "log").exists(), "a log of nothing")


# What is refused depends on the level of instructions: clang names it in a macro.
LEVELS = HEAD + """
#ifndef __BPF_CPU_VERSION__
#error no level
#endif
volatile int seen;
SEC("raw_tp/sched_process_exec")
int run(void *context)
{
	int unused;
#if __BPF_CPU_VERSION__ > REFUSED && __BPF_CPU_VERSION__ > 2
	return *(volatile int *)19;
#elif __BPF_CPU_VERSION__ > REFUSED
	return *(volatile int *)18;
#endif
	return seen;
}"""


@contextlib.contextmanager
def levels(refused, options=""):
    """A script whose C the verifier refuses above level `refused`; and words for a start with a cache of its own."""
    tap.needs_kernel()
    with script(LEVELS.replace("REFUSED", str(refused)), "print(object, code)\nprint(message)") as path:
        path.write_text(path.read_text().replace("]] })", f"]]{options} }})"))
        out, err = tap.ebscript("--no-cache", "--emit", f"obj={path.parent / 'test.o'}", path)
        if "no level" in "".join(out + err):
            tap.skip("this clang does not name the level of instructions")
        yield path, ["--cache-dir", path.parent / "cache"]


TAKEN = r'^ebscript: mine\.lua: the verifier refuses the C as "v3" instructions, and takes it as "v2"$'


@tap.case("what is refused as v3 and taken as v2 is loaded, told at -v, and found so in the cache")
def lower_level():
    with levels(2) as (path, cached):
        out, err = tap.ebscript(*cached, path)
        tap.equal(out[0], "bpf.Object\tnil", "the first start")
        tap.equal(len([line for line in err if "unused variable" in line]), 1, "each warning comes once")
        tap.ok(not re.search(TAKEN, "\n".join(err), re.MULTILINE), "a word without -v")
        log = path.parent / "log"
        out, err = tap.ebscript(*cached, "-v", "--stats", "--verifier-log", log, path)
        tap.equal(out[0], "bpf.Object\tnil", "the second start")
        tap.match("\n".join(err), "cache: 1 hits, 0 misses")
        tap.ok("the verifier refuses" not in "\n".join(err) and not log.exists(), "it was not tried as v3")
        _, err = tap.ebscript("--no-cache", "-v", path)
        tap.match("\n".join(err), f"(?m){TAKEN}")


@tap.case("a level that the script sets is the only one, whatever the cache has")
def level_of_script():
    with levels(2) as (path, cached):
        text = path.read_text()
        for cpu, taken in (("v3", False), (None, True), ("v3", False), ("v4", False), ("v2", True), ("v1", True)):
            path.write_text(text.replace("]] })", f']], cpu = "{cpu}" }})') if cpu else text)
            out, _ = tap.ebscript(*cached, path)
            tap.equal(out[0], "bpf.Object\tnil" if taken else "nil\tVERIFY", f"cpu = {cpu}")


@tap.case("what is refused as v2, too: the first refusal is told, and logged alone")
def both_levels():
    with levels(1) as (path, cached):
        for words in (cached, cached, ["--no-cache"]):
            log = path.parent / "log"
            out, err = tap.ebscript(*words, "--verifier-log", log, path)
            tap.equal(out[0], "nil\tVERIFY", "the result")
            tap.match(out[1], "`19` is only a number")
            tap.equal(log.read_text().count('program "run"'), 1, "refusals in the log")
            tap.ok("v2" not in "\n".join(err), "no word of the other level")


tap.run()
