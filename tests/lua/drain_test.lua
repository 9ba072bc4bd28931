-- SPDX-License-Identifier: GPL-2.0-only
-- Maps that are drained without losing a count, while all CPUs count.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local SOURCE = [[
#include "ebscript.bpf.h"

EBS_DRAINED(hash, BPF_MAP_TYPE_HASH, 100, u32, u64);
EBS_DRAINED(each_cpu, BPF_MAP_TYPE_PERCPU_HASH, 100, u32, u64);

struct flow {
	u64 packets;
	u64 bytes;
};
EBS_DRAINED(flows, BPF_MAP_TYPE_LRU_HASH, 1000, struct flow, struct flow);

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} total SEC(".maps");

// Arrays are read in place in spite of the arrays of maps.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} array SEC(".maps");

static void count_one(u32 key)
{
	struct flow flow = { key, 1 }, none = { 0 };
	u32 zero = 0;
	u64 *count = bpf_map_lookup_elem(&total, &zero);
	struct flow *value = ebs_drained_lookup_or_init(&flows, &flow, &none);

	ebs_drained_add(&hash, &key, 1);
	ebs_drained_add(&each_cpu, &key, 1);
	if (value) {
		__sync_fetch_and_add(&value->packets, 1);
		__sync_fetch_and_add(&value->bytes, 60);
	}
	if (count)
		(*count)++;
}

SEC("raw_tp/sys_enter")
int on_call(void *ctx)
{
	count_one(bpf_get_prandom_u32() % 16);
	return 0;
}

SEC("xdp")
int on_packet(struct xdp_md *ctx)
{
	count_one(ctx->data_end - ctx->data);
	return XDP_PASS;
}
]]

local function run(object, size)
    assert(object:program("on_packet"):test_run({ data = ("\0"):rep(size) }))
end

tap.test("a map in halves is one map to scripts", function()
    local object <close> = assert(bpf.load({ source = SOURCE, max_entries = { hash = 300 } }))
    local hash = object:map("hash")
    tap.equal(hash.name, "hash")
    tap.equal(hash.info.type, "hash")
    tap.equal(hash.info.max_entries, 300)
    tap.equal(object:map("flows").info.type, "lru_hash")
    tap.equal(next(hash:copy()), nil)
    run(object, 60)
    run(object, 60)
    run(object, 61)
    tap.equal(hash:get(60), 2)
    tap.equal(#hash, 2)
    assert(hash:set(1, 5))
    local copy = hash:copy()
    tap.equal(copy[61] + copy[60] + copy[1], 8)
    local last = 100
    while hash:set(last, 0) do
        last = last + 1
    end
    tap.equal(select(3, hash:set(last, 0)), "E2BIG")
    tap.equal(#hash, 300)

    local sum = 0
    for _, value in hash:drain() do
        sum = sum + value
    end
    tap.equal(sum, 8)
    tap.equal(#hash, 0)
    for turn = 1, 3 do
        run(object, 60 + turn)
        sum = 0
        for key, value in hash:drain() do
            sum = sum + key * value
        end
        tap.equal(sum, 60 + turn)
    end

    local turns = 0
    for key, packets, bytes in object:map("flows"):drain("packets", "bytes") do
        tap.ok(packets >= 1 and bytes == 60 * packets)
        tap.equal(key.bytes, 1)
        turns = turns + 1
    end
    tap.equal(turns, 4)
    for _, values in object:map("each_cpu"):drain() do
        tap.ok(bpf.sum(values) >= 1)
    end
end)

tap.test("what an early end of a drain leaves is not lost", function()
    local object <close> = assert(bpf.load({ source = SOURCE }))
    local hash = object:map("hash")
    for size = 60, 90 do
        run(object, size)
    end
    local sum = select(2, hash:drain()())
    for _ = 1, 2 do
        for _, value in hash:drain() do
            sum = sum + value
        end
    end
    -- A batch that was read is gone; here it had all of them.
    tap.equal(sum, 1)
    run(object, 60)
    tap.equal(hash:clear(), true)
    tap.equal(#hash, 0)
    for _ in hash:drain() do
        error("cleared")
    end
end)

tap.test("draining loses no count while all CPUs count", function()
    local object <close> = assert(bpf.load({ source = SOURCE }))
    local pids, processes, sums = {}, {}, { hash = 0, each_cpu = 0, flows = 0 }
    for i = 1, 2 do -- each makes system calls until this one is gone
        processes[i] = assert(io.popen("echo $$; while kill -0 $PPID; do :; done"))
        pids[i] = processes[i]:read("l")
    end
    local function drain()
        for _, value in object:map("hash"):drain() do
            sums.hash = sums.hash + value
        end
        for _, values in object:map("each_cpu"):drain() do
            sums.each_cpu = sums.each_cpu + bpf.sum(values)
        end
        for _, packets in object:map("flows"):drain("packets") do
            sums.flows = sums.flows + packets
        end
    end
    local link = assert(object:program("on_call"):attach())
    for _ = 1, 20 do
        drain()
    end
    link:close()
    os.execute("kill " .. table.concat(pids, " "))
    for i = 1, 2 do
        processes[i]:close()
    end
    drain()
    local total = bpf.sum(object:map("total"):get(0))
    tap.ok(total > 1000, "something was counted")
    for name, sum in pairs(sums) do
        tap.equal(sum, total, name)
    end
end)

tap.done()
