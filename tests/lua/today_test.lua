-- SPDX-License-Identifier: GPL-2.0-only
-- The C of today: what later headers of libbpf have, kfuncs without declarations, and headers of
-- the machine beside the kernel's types.
local bpf = require("bpf")
local tap = require("tap")

-- Loads C with a program `run` of kind syscall, runs it, and gives its `result`.
local function run(source)
    local object <close> = assert(bpf.load({ source = source }))
    assert(object:program("run"):test_run({}))
    return object.globals.result
end

local HEADERS = [[
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
int result;
]]

tap.test("bpf_for, bpf_repeat and bpf_for_each, nested and left in the middle", function()
    tap.needs_linux(6, 4, "has no iterators of numbers")
    local cases = {
        { "bpf_for(i, 0, 10) result += i;", 45 },
        { "bpf_for(i, 5, 5) result += 1;", 0 },
        { "bpf_for(i, 0, 1) result += 1;", 1 },
        { "bpf_for(i, -2, 2) result += i;", -2 },
        { "bpf_for(i, 0, 10) { bpf_for(j, 0, i) result++; }", 45 },
        { "bpf_for(i, 0, 100) { if (i == 7) break; result++; }", 7 },
        { "bpf_for(i, 0, 10) { if (i % 2) continue; result++; }", 5 },
        { "bpf_repeat(3) result += 2;", 6 },
        { "int *v; bpf_for_each(num, v, 2, 5) result += *v;", 9 },
        { "bpf_for(i, 0, 5000) result++;", 5000 },
    }
    for _, case in ipairs(cases) do
        local source = HEADERS
            .. 'SEC("syscall") int run(void *ctx) { int i, j; (void)i; (void)j; '
            .. case[1]
            .. " return 0; }"
        tap.equal(run(source), case[2], case[1])
    end
end)

tap.test("kfuncs need no declaration, and their result has its fields", function()
    tap.needs_linux(6, 10, "marks no kfuncs in its BTF")
    local body = [[
SEC("syscall") int run(void *ctx)
{
	struct task_struct *task = bpf_task_acquire(bpf_get_current_task_btf());

	if (!task)
		return 0;
	result = task->tgid == (int)(bpf_get_current_pid_tgid() >> 32);
	bpf_task_release(task);
	return 0;
}
]]
    tap.equal(run(HEADERS .. body), 1, "as the BTF has it")
    tap.equal(
        run(
            HEADERS
                .. "extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;\n"
                .. "void bpf_task_release(struct task_struct *p) __ksym __weak;\n"
                .. body
        ),
        1,
        "as the C has it"
    )
    tap.equal(
        run(HEADERS .. "static inline void bpf_task_release(int own) {}\n" .. [[
SEC("syscall") int run(void *ctx) { bpf_task_release(1); result = 5; return 0; }]]),
        5,
        "a function of the C's own by that name"
    )
end)

tap.test("core casts, weak symbols, arguments of probes, tags", function()
    local object <close> = assert(bpf.load({ source = HEADERS .. [[
SEC("uprobe")
int BPF_UPROBE(enter, int a, int b, int c, int d, int e, int f) { result = f; return 0; }
SEC("uretprobe") int BPF_URETPROBE(leave, long value) { result = value; return 0; }
__noinline int global(int *number __arg_nonnull) { return number ? *number : 0; }
SEC("syscall") int run(void *ctx)
{
	int one = 1;
	struct iphdr header = { .ihl = 7, .version = 1, .tos = 9 };

	BPF_CORE_WRITE_BITFIELD(&header, version, 20);
	result = header.version * 1000 + header.ihl * 100 + header.tos * 10 + global(&one);
	return 0;
}
]] }))
    assert(object:program("run"):test_run({}))
    tap.equal(object.globals.result, 4000 + 700 + 90 + 1, "cut to four bits")
    tap.needs_linux(6, 2, "has no bpf_rdonly_cast()")
    local source = HEADERS .. [[
SEC("syscall") int run(void *ctx)
{
	struct task_struct *task =
		bpf_core_cast((void *)bpf_get_current_task(), struct task_struct);

	result = bpf_ksym_exists(bpf_rdonly_cast) ? task->tgid : -1;
	return 0;
}
]]
    tap.ok(run(source) > 0, "a pid")
    local _, message = bpf.load({
        source = HEADERS
            .. "extern void strong(void) __ksym;\n"
            .. "int f(void) { return bpf_ksym_exists(strong); }",
    })
    tap.match(message, "strong .* __weak") -- in our words, or in those of newer libbpf
end)

tap.test("headers of the machine stand beside the kernel's types, in any order", function()
    local headers = {
        "linux/bpf.h",
        "linux/tcp.h",
        "linux/if_ether.h",
        "linux/in.h",
        "linux/ptrace.h",
        "stdint.h",
        "stdbool.h",
        "sys/socket.h",
        "sys/stat.h",
        "signal.h",
    }
    local orders = {
        { '#include "ebscript.bpf.h"', "#include <%s>" },
        { "#include <%s>", '#include "ebscript.bpf.h"' },
        { '#include "vmlinux.h"', "#include <%s>", "#include <bpf/bpf_helpers.h>" },
    }
    local program = [[

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");
SEC("xdp") int run(struct xdp_md *ctx)
{
	__u32 key = ctx->ingress_ifindex;
	__u64 value = sizeof(struct iphdr);

	bpf_map_update_elem(&counts, &key, &value, BPF_ANY);
	return XDP_PASS;
}
]]
    for _, header in ipairs(headers) do
        for _, order in ipairs(orders) do
            local lines = table.concat(order, "\n"):format(header)
            local object, message = bpf.load({ source = lines .. program })
            tap.ok(object, ("%s: %s"):format(lines, message))
            object:close()
        end
    end
    -- All of them at once.
    local all = {}
    for _, header in ipairs(headers) do
        table.insert(all, ("#include <%s>"):format(header))
    end
    table.insert(all, 3, '#include "ebscript.bpf.h"')
    assert(bpf.load({ source = table.concat(all, "\n") .. program })):close()
end)

tap.test("registers by the macros of libbpf, beside the machine's <asm/ptrace.h>", function()
    local ours = '#include "ebscript.bpf.h"\n'
    local core = "#include <bpf/bpf_core_read.h>\n"
    local tracing = "#include <bpf/bpf_tracing.h>\n"
    local program = [[

#ifdef ebs_x86_names
#define SAME(a, b)                                                                       \
	_Static_assert(__builtin_offsetof(struct pt_regs, a) ==                            \
			__builtin_offsetof(struct ebs_machine_pt_regs, a) &&               \
		__builtin_offsetof(struct pt_regs, a) == __builtin_offsetof(struct pt_regs, b), "")
SAME(r15, r15); SAME(rbp, bp); SAME(rbx, bx); SAME(r11, r11); SAME(rax, ax); SAME(rcx, cx);
SAME(rdx, dx); SAME(rsi, si); SAME(rdi, di); SAME(orig_rax, orig_ax); SAME(rip, ip);
SAME(cs, cs); SAME(eflags, flags); SAME(rsp, sp); SAME(ss, ss);
_Static_assert(sizeof(struct pt_regs) == sizeof(struct ebs_machine_pt_regs), "");
#endif
long result;
SEC("uprobe") int BPF_UPROBE(enter, int a, int b, int c, int d, int e)
{
	result = a + b + c + d + e + PT_REGS_SP(ctx) + PT_REGS_IP(ctx) + PT_REGS_FP(ctx);
	return 0;
}
SEC("uretprobe") int leave(struct pt_regs *ctx)
{
	result = PT_REGS_RC(ctx);
#ifdef __VMLINUX_H__ // CO-RE knows the kernel's names alone
	result += PT_REGS_PARM1_CORE(ctx) + PT_REGS_RC_CORE(ctx);
#endif
	return 0;
}
]]
    for _, name in ipairs({ "linux/ptrace.h", "asm/ptrace.h" }) do
        local header = ("#include <%s>\n"):format(name)
        local orders = {
            ours .. header .. core .. tracing,
            header .. ours .. core .. tracing,
            ours .. core .. tracing .. header,
            header .. "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n" .. core .. tracing,
            '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n' .. header .. core .. tracing,
        }
        for _, order in ipairs(orders) do
            local names = "#ifdef __x86_64__\n#define ebs_x86_names\n#endif\n"
            local object, message = bpf.load({ source = order .. names .. program })
            tap.ok(object, ("%s: %s"):format(order, message))
            object:close()
        end
        -- A program may name them in the words of either, too.
        assert(bpf.load({
            source = ours .. header .. [[
#ifdef bpf_target_x86
#define A ctx->di + ctx->rdi
#else
#define A 0
#endif
long result;
SEC("uprobe") int run(struct pt_regs *ctx) { result = A; return 0; }]],
        })):close()
    end
end)

tap.test("an integer of the machine's headers has the width that BPF gives it", function()
    assert(bpf.load({
        source = [[
#include <stdint.h>
#include "ebscript.bpf.h"
_Static_assert(sizeof(intptr_t) == 8 && sizeof(uint64_t) == 8 && sizeof(size_t) == 8, "");
int unused;
]],
    })):close()
end)

tap.test("a header that no preprocessor takes leaves the kernel's types alone", function()
    assert(bpf.load({
        source = [[
#include "vmlinux.h"
#ifndef __VMLINUX_H__
#include <linux/bpf.h>
#endif
#if __has_include(<no/such.h>)
#include <no/such.h>
#elif __has_include("vmlinux.h")
enum { FOUND = 1 };
#endif
#include <bpf/bpf_helpers.h>
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FOUND);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");
]],
    })):close()
end)

tap.test("macros that BTF has not come with ebscript.bpf.h where they are used", function()
    local cases = {
        { "ETH_P_IP", 0x0800 },
        { "ETH_P_IPV6", 0x86dd },
        { "ETH_ALEN", 6 },
        { "AF_INET", 2 },
        { "AF_INET6", 10 },
        { "TC_ACT_SHOT", 2 },
        { "TC_ACT_UNSPEC", -1 },
        { "XDP_FLAGS_SKB_MODE", 2 },
        { "-EPERM", -1 },
        { "-ENOTSUPP", -524 },
        { "S_IFDIR", 16384 },
        { "S_ISDIR(040755)", 1 },
        { "S_ISREG(040755)", 0 },
        { "O_CREAT", 64 },
        { "AT_FDCWD", -100 },
        { "CLONE_NEWNET >> 24", 0x40 },
        { "CLONE_CLEAR_SIGHAND >> 32", 1 },
        { "SIGKILL", 9 },
    }
    local lines = {}
    for i, case in ipairs(cases) do
        lines[i] = ("long v%d = %s;"):format(i, case[1])
    end
    local object <close> = assert(bpf.load({
        source = '#include "ebscript.bpf.h"\n' .. table.concat(lines, "\n"),
    }))
    for i, case in ipairs(cases) do
        tap.equal(object.globals["v" .. i], case[2], case[1])
    end
end)

tap.test("macros of the C's own, and of other headers, are left to these", function()
    local object <close> = assert(bpf.load({
        source = [[
#define ETH_P_IP 1
#include "ebscript.bpf.h"
#include <linux/errno.h>
#define AF_INET 3
enum { TC_ACT_OK = 4 };
int a = ETH_P_IP, b = AF_INET, c = TC_ACT_OK, d = ENOENT;
]],
    }))
    local globals = object.globals
    tap.equal({ globals.a, globals.b, globals.c, globals.d }, { 1, 3, 4, 2 })
    local _, message = bpf.load({ source = '#include "vmlinux.h"\nint x = ETH_P_IP;' })
    tap.match(message, "use of undeclared identifier 'ETH_P_IP'")
end)

tap.test("BPF_NO_PRESERVE_ACCESS_INDEX is respected", function()
    local _, message = bpf.load({
        source = [[
#define BPF_NO_PRESERVE_ACCESS_INDEX
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
int result;
SEC("raw_tp/sys_enter") int run(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	result = BPF_CORE_READ(task, tgid) + __builtin_preserve_field_info(task->pid, 2);
	return 0;
}
]],
    })
    tap.equal(message, nil, "explicit relocations stay")
end)

tap.test("what is wrong is told of the C, not of the kernel's types", function()
    local source = [[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
struct key { int a; };
struct list_head { int own; };
struct key last;
SEC("raw_tp/sys_enter") int run(void *ctx)
{
	volatile char large[600] = {};

	return large[bpf_get_smp_processor_id() & 511] + %s;
}
]]
    local _, message, code = bpf.load({ source = source:format("0") })
    tap.equal(code, "COMPILE")
    tap.match(message, "today_test.lua.*stack")
    tap.ok(not message:find("redefinition"), message)
    _, message = bpf.load({ source = source:format("missing") })
    tap.match(message, "use of undeclared identifier 'missing'")
    tap.ok(not message:find("redefinition"), message)
end)

tap.test("struct_ops by the section of links", function()
    tap.needs("struct_ops:tcp_congestion_ops")
    local object <close> = assert(bpf.load({
        source = [[
#include "ebscript.bpf.h"
SEC("struct_ops/ssthresh") u32 threshold(struct sock *sk) { return 2; }
SEC("struct_ops/cong_avoid") void avoid(struct sock *sk, u32 ack, u32 acked) { }
SEC("struct_ops/undo_cwnd") u32 undo(struct sock *sk) { return 2; }
SEC(".struct_ops.link") struct tcp_congestion_ops ebs_today = {
	.ssthresh = (void *)threshold,
	.cong_avoid = (void *)avoid,
	.undo_cwnd = (void *)undo,
	.name = "ebs_today",
};
]],
    }))
    assert(object:attach())
    local file = assert(io.open("/proc/sys/net/ipv4/tcp_available_congestion_control"))
    tap.match(file:read("a"), "ebs_today")
    file:close()
end)

tap.test("struct_ops by both sections, in any order", function()
    tap.needs("struct_ops:tcp_congestion_ops")
    for _, sections in ipairs({
        { ".struct_ops.link", ".struct_ops" },
        { ".struct_ops", ".struct_ops.link" },
        { ".struct_ops.link", ".struct_ops.link", ".struct_ops" },
        { ".struct_ops.link", ".struct_ops", ".struct_ops.link", ".struct_ops" },
    }) do
        local lines = {
            '#include "ebscript.bpf.h"',
            'SEC("struct_ops/ssthresh") u32 threshold(struct sock *sk) { return 2; }',
            'SEC("struct_ops/cong_avoid") void avoid(struct sock *sk, u32 ack, u32 acked) { }',
            'SEC("struct_ops/undo_cwnd") u32 undo(struct sock *sk) { return 2; }',
            "#define FUNCTIONS .ssthresh = (void *)threshold, .cong_avoid = (void *)avoid, "
                .. ".undo_cwnd = (void *)undo",
        }
        for i, section in ipairs(sections) do
            lines[#lines + 1] = ('SEC("%s") struct tcp_congestion_ops ebs_%d = '):format(section, i)
                .. ('{ FUNCTIONS, .name = "ebs_both%d" };'):format(i)
        end
        local object <close> = assert(bpf.load({ source = table.concat(lines, "\n") }))
        for i = 1, #sections do
            tap.equal(object.maps["ebs_" .. i].info.type, "struct_ops", table.concat(sections, " "))
        end
    end
end)

-- Writes files into a folder of their own, which is removed by the function returned.
local function folder(files)
    local name = os.tmpname()
    os.remove(name)
    assert(os.execute("mkdir -p " .. name .. "/inner"))
    for file, text in pairs(files) do
        local handle <close> = assert(io.open(name .. "/" .. file, "w"))
        handle:write(text)
    end
    return name, function()
        os.execute("rm -r " .. name)
    end
end

tap.test("folders for headers", function()
    local name, remove = folder({
        ["one.h"] = "#define ONE 1\n",
        ["inner/two.h"] = '#include <one.h>\n#include "vmlinux.h"\n#define TWO (ONE + 1)\n',
        ["inner/one.h"] = "#define ONE 10\n",
    })
    local source = "#include <two.h>\nu32 value = TWO;\n"
    local function value(include)
        local object <close> = assert(bpf.load({ source = source, include = include }))
        return object.globals.value
    end
    tap.equal(value({ name, name .. "/inner" }), 2, "the first folder first")
    tap.equal(value({ name .. "/inner", name }), 11, "the other one first")
    tap.equal(value({ name, name .. "/inner" }), 2, "the cache tells them apart")
    local handle = assert(io.open(name .. "/one.h", "w"))
    handle:write("#define ONE 5\n")
    handle:close()
    tap.equal(value({ name, name .. "/inner" }), 6, "a header that has changed")
    local _, message, code = bpf.load({ source = source, include = { name } })
    tap.equal(code, "COMPILE")
    tap.match(message, "'two.h' file not found")
    tap.match(message, "headers are looked for in .*" .. name:gsub("%p", "%%%0"))
    remove()
    _, message, code = bpf.load({ source = source, include = { name } })
    tap.equal(code, "ENOENT")
    tap.match(message, 'include: can\'t use the folder "' .. name:gsub("%p", "%%%0"))
    _, message, code = bpf.load({ source = source, include = { "/etc/passwd" } })
    tap.equal(code, "ENOTDIR")
    tap.match(message, '"/etc/passwd" is no folder')
    for _, wrong in ipairs({ "text", { 1 }, { "" }, { {} } }) do
        tap.raises(function()
            bpf.load({ source = source, include = wrong })
        end, "option 'include' must be a table of folders")
    end
    assert(bpf.load({ source = '#include "vmlinux.h"\nu32 unused;', include = {} })):close()
end)

tap.test("the level of instructions", function()
    local source = [[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
int value = __BPF_CPU_VERSION__;
]]
    for level = 1, 3 do
        local ok, object = pcall(bpf.load, { source = source, cpu = "v" .. level })
        tap.ok(ok and object, "v" .. level)
        object:close()
    end
    tap.raises(function()
        bpf.load({ source = source, cpu = "v9" })
    end, "cpu: 'v9' must be v1, v2, v3 or v4")
end)

tap.test("a byte order mark", function()
    local name, remove = folder({
        ["marked.bpf.c"] = '\xef\xbb\xbf#include "marked.h"\nu32 value = MARKED;\n',
        ["marked.h"] = '\xef\xbb\xbf#include "vmlinux.h"\n#define MARKED 7\n',
    })
    local object <close> = assert(bpf.load({ file = name .. "/marked.bpf.c" }))
    tap.equal(object.globals.value, 7)
    remove()
end)

tap.done()
