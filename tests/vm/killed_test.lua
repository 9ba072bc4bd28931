-- SPDX-License-Identifier: GPL-2.0-only
-- A process that is killed leaves nothing attached, also where the kernel has no links for it.
local tap = require("tap")

local HEAD = [[
local bpf = require("bpf")
local function attach(c, name)
    local object = assert(bpf.load({ source = '#include "ebscript.bpf.h"\n' .. c }))
    assert(object:program(name):attach())
    print(io.open("/proc/self/stat"):read("n"))
    io.stdout:flush()
    bpf.every(1, function() end)
    bpf.run()
end
]]

-- Runs the script until it has attached, and kills it.
local function killed(script, is_there)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(HEAD .. script)
    file:close()
    local child = io.popen(("exec %s %s"):format(arg[-1], path))
    local pid = child:read("n")
    tap.ok(pid, "it ended before it had attached")
    tap.ok(is_there(), "attached")
    os.execute(("kill -KILL %d"):format(pid))
    child:close()
    os.remove(path)
    for _ = 1, 100 do
        if not is_there() then
            return
        end
        os.execute("sleep 0.1")
    end
    error("it is there still")
end

local function output_has(command, text)
    local pipe = io.popen(command)
    local output = pipe:read("a")
    pipe:close()
    return output:find(text, 1, true) ~= nil
end

tap.test("struct_ops, when the process is killed", function()
    killed([[
attach([=[
SEC("struct_ops/ssthresh") u32 BPF_PROG(threshold, struct sock *sk) { return 2; }
SEC("struct_ops/cong_avoid") void BPF_PROG(avoid, struct sock *sk, u32 ack, u32 acked) {}
SEC("struct_ops/undo_cwnd") u32 BPF_PROG(undo, struct sock *sk) { return 2; }
SEC(".struct_ops")
struct tcp_congestion_ops ebs_ops = {
	.ssthresh = (void *)threshold,
	.cong_avoid = (void *)avoid,
	.undo_cwnd = (void *)undo,
	.name = "ebs_killed",
};
]=], "undo")
]], function()
        return output_has("cat /proc/sys/net/ipv4/tcp_available_congestion_control", "ebs_killed")
    end)
end)

tap.done()
