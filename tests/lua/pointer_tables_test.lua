-- SPDX-License-Identifier: GPL-2.0-only
-- Variables that begin with addresses: refused where a program would read 0, and nowhere else.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local HEAD = [[
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
volatile int which;
volatile long seen;
static __noinline int first(void) { return which; }
static __noinline int second(void) { return which + 1; }
]]
local PROGRAM = [[

SEC("raw_tp/sys_enter") int run(void *context)
{
	%s
	return 0;
}
]]

local function load(globals, body)
    return bpf.load({ source = HEAD .. globals .. PROGRAM:format(body) })
end

-- What is declared, what the program does, and the message with the text that marks the line.
local refused = {
    {
        'static const char *names[] = { "zero", "one" };',
        "seen = (long)names[which & 1];",
        'a table of pointers cannot be filled: a program reads 0 in "names"; use `char names[][5]`',
        "*names[]",
    },
    {
        'const char *const names[2][2] = { { "a", "b" }, { "c", "a long one" } };',
        "seen = (long)names[which & 1][which & 1];",
        'in "names"; use `char names[][11]`',
        "const names[2]",
    },
    {
        'const char *names[] SEC(".data.own") = { "zero" };',
        "seen = (long)names[which & 1];",
        'in "names"; use `char names',
        "*names[]",
    },
    {
        'const char *volatile name = "zero";',
        "seen = (long)name;",
        'a pointer cannot be filled: a program reads 0 in "name"; use `char name[5]`',
        "volatile name =",
    },
    {
        "static int (*const calls[])(void) = { first, second };",
        "seen = (long)calls[which & 1];",
        'a table of functions cannot be filled: a program reads 0 in "calls"; '
            .. "call the functions in a `switch`",
        "const calls[]",
    },
    {
        "int (*volatile call)(void) = first;",
        "seen = (long)call;",
        'a pointer to a function cannot be filled: a program reads 0 in "call"',
        "volatile call",
    },
    {
        'static const struct { int key; const char *text; } rows[] = { { 1, "one" }, { 2 } };',
        "seen = (long)rows[which & 1].text;",
        'a table of structs with pointers cannot be filled: a program reads 0 in "rows"; '
            .. "give the struct an array, such as `char text[4]`",
        "rows[]",
    },
    {
        "int one, two; static volatile int *const places[] = { &one, &two };",
        "seen = (long)places[which & 1];",
        'a table of pointers cannot be filled: a program reads 0 in "places"; choose by a number',
        "const places",
    },
    {
        "",
        'static const char *inner[] = { "zero", "one" }; seen = (long)inner[which & 1];',
        'a program reads 0 in "run.inner"; use `char inner[][5]`',
        "*inner[]",
    },
    {
        "",
        'const char *local[] = { "zero", "one" };\n\tseen = (long)local[which & 1];',
        "a table of pointers cannot be filled: a program reads 0 there; use `char names[][5]`",
        "local[which",
    },
}

local function plain(text)
    return (text:gsub("%p", "%%%0"))
end

local function line_of(text, part)
    local at = assert(text:find(part, 1, true), part)
    return select(2, text:sub(1, at):gsub("\n", "")) + 1
end

for _, case in ipairs(refused) do
    tap.test("refused: " .. (case[1] .. case[2]):match("^[^;]*;"), function()
        local text = HEAD .. case[1] .. PROGRAM:format(case[2])
        local object, message, code = load(case[1], case[2])
        tap.equal(object, nil)
        tap.equal(code, "COMPILE")
        tap.match(message, plain(case[3]))
        tap.match(message, ":" .. line_of(text, case[4]) .. ":.*error: ")
    end)
end

local taken = {
    ["text in arrays"] = {
        'static const char names[][8] = { "zero", "one" };',
        "seen = names[which & 1][0];",
    },
    ["a table that the compiler folds away"] = {
        'static const char *const names[] = { "zero", "one" };',
        "seen = names[1][0];",
    },
    ["a table that nobody uses"] = {
        '__attribute__((unused)) static const char *names[] = { "zero", "one" };',
        "",
    },
    ["a null pointer"] = { "void *volatile nothing = 0;", "seen = (long)nothing;" },
    ["addresses in programs"] = {
        "",
        'const char *text = which ? "zero" : "one"; bpf_probe_read_kernel((void *)&seen, 1, text);',
    },
    ["a map of maps with initial values"] = {
        [[
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, int); } a SEC(".maps"), b SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, int);
	__array(values, struct inner); } outer SEC(".maps") = { .values = { &a, &b } };]],
        "int key = 0; seen = (long)bpf_map_lookup_elem(&outer, &key);",
    },
    ["a map of programs with initial values"] = {
        [[
int tail(void *context);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __uint(key_size, 4);
	__array(values, int(void *)); } jumps SEC(".maps") = { .values = { [0] = (void *)&tail } };
SEC("raw_tp/sys_enter") int tail(void *context) { return 0; }]],
        "bpf_tail_call(context, &jumps, 0);",
    },
    ["a function that a helper calls"] = {
        "static long step(unsigned int index, void *data) { seen += index; return 0; }",
        "bpf_loop(3, step, 0, 0);",
    },
}

for name, case in pairs(taken) do
    tap.test("taken: " .. name, function()
        local object <close> = assert(load(case[1], case[2]))
        tap.ok(object:program("run"))
    end)
end

tap.test("taken: the table of struct_ops is libbpf's to fill", function()
    local object, message, code = bpf.load({
        source = [[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
char LICENSE[] SEC("license") = "GPL";
SEC("struct_ops") __u32 BPF_PROG(reno_ssthresh, struct sock *sk) { return 2; }
SEC("struct_ops") void BPF_PROG(reno_avoid, struct sock *sk, __u32 ack, __u32 acked) { }
SEC("struct_ops") __u32 BPF_PROG(reno_undo, struct sock *sk) { return 2; }
SEC(".struct_ops") struct tcp_congestion_ops reno = { .ssthresh = (void *)reno_ssthresh,
	.cong_avoid = (void *)reno_avoid, .undo_cwnd = (void *)reno_undo, .name = "ebs_reno" };
]],
    })
    if object then
        object:close()
    else -- this kernel refuses it, but the compiler's side does not
        tap.ok(code ~= "COMPILE", message)
    end
end)

tap.test("a table in an included file is told at that file's line", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir -m 700 " .. folder))
    local file = assert(io.open(folder .. "/names.h", "w"))
    file:write('#define LONG 1 + \\\n\t2\n\nstatic const char *names[] = { "zero", "one" };\n')
    file:close()
    local object, message, code = bpf.load({
        source = '#include "names.h"\n' .. HEAD .. PROGRAM:format("seen = (long)names[which & 1];"),
        include = { folder },
    })
    os.execute("rm -r " .. folder)
    tap.equal(object, nil)
    tap.equal(code, "COMPILE")
    tap.match(message, "^" .. plain(folder .. "/names.h:4:20: error: a table of pointers"))
end)

tap.done()
