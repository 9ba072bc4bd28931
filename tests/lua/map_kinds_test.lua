-- SPDX-License-Identifier: GPL-2.0-only
-- Every kind of map that needs no socket: what works, what it gives, what it refuses.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local SOURCE = [[
#include "ebscript.bpf.h"

struct prefix {
	u32 prefixlen;
	u8 data[4];
};

struct stats {
	u32 packets;
	char note[12];
};

#define MAP(name, kind, n, k, v)                                   \
	struct {                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                 \
		__uint(max_entries, n);                            \
		__type(key, k);                                    \
		__type(value, v);                                  \
	} name SEC(".maps")
#define RAW(name, kind, n, k, v)                                   \
	struct {                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                 \
		__uint(max_entries, n);                            \
		__uint(key_size, k);                               \
		__uint(value_size, v);                             \
	} name SEC(".maps")
#define STORAGE(name, kind)                                        \
	struct {                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                 \
		__uint(map_flags, BPF_F_NO_PREALLOC);              \
		__type(key, int);                                  \
		__type(value, struct stats);                       \
	} name SEC(".maps")
#define TRIE(name, k)                                              \
	struct {                                                   \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);               \
		__uint(map_flags, BPF_F_NO_PREALLOC);              \
		__uint(max_entries, 4);                            \
		k;                                                 \
		__type(value, u32);                                \
	} name SEC(".maps")

MAP(hash, HASH, 4, u32, struct stats);
MAP(flows, HASH, 1000, struct prefix, u64);
MAP(lru, LRU_HASH, 64, u32, u64);
MAP(percpu, PERCPU_HASH, 4, u32, u64);
MAP(lru_percpu, LRU_PERCPU_HASH, 64, u32, u64);
MAP(array, ARRAY, 4, u32, u64);
RAW(raw_array, ARRAY, 2, 4, 8);
MAP(percpu_array, PERCPU_ARRAY, 2, u32, u64);
TRIE(trie, __type(key, struct prefix));
TRIE(trie6, __uint(key_size, 20));
RAW(queue, QUEUE, 3, 0, 4);
RAW(programs, PROG_ARRAY, 3, 4, 4);
RAW(perf, PERF_EVENT_ARRAY, 2, 4, 4);
RAW(devices, DEVMAP, 4, 4, 4);
RAW(devices_with, DEVMAP, 4, 4, sizeof(struct bpf_devmap_val));
MAP(devices_by_hash, DEVMAP_HASH, 4, u32, struct bpf_devmap_val);
RAW(cpus, CPUMAP, 4, 4, sizeof(struct bpf_cpumap_val));
RAW(sockets, SOCKMAP, 4, 4, 4);
RAW(xsks, XSKMAP, 4, 4, 4);
RAW(groups, CGROUP_ARRAY, 2, 4, 4);
STORAGE(tasks, TASK_STORAGE);
STORAGE(inodes, INODE_STORAGE);
STORAGE(cgroups, CGRP_STORAGE);
STORAGE(socks, SK_STORAGE);

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 3);
	__type(value, struct stats);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 1000);
	__uint(map_extra, 5);
	__type(value, struct prefix);
} bloom SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 64);
	__uint(key_size, 4);
	__uint(value_size, 32 * sizeof(u64));
} stacks SEC(".maps");

struct inner_kind {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, struct stats);
} first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, u32);
	__array(values, struct inner_kind);
} outer SEC(".maps") = { .values = { [1] = &first } };

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 2);
		__type(key, u32);
		__type(value, u64);
	});
} outer_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} commands SEC(".maps");

SEC("xdp")
int jump(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &programs, 1);
	return 77;
}

SEC("xdp")
int target(struct xdp_md *ctx)
{
	return 42;
}

SEC("xdp/devmap")
int on_device(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp/cpumap")
int on_cpu(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("raw_tp/sys_enter")
int take_stack(void *ctx)
{
	return bpf_get_stackid(ctx, &stacks, 0);
}

SEC("raw_tp/sys_enter")
int other(void *ctx)
{
	return 0;
}

// Adds to the entry of the first map that the outer one has at 1.
SEC("raw_tp/sys_enter")
int through_outer(void *ctx)
{
	u32 one = 1;
	void *inner = bpf_map_lookup_elem(&outer, &one);
	struct stats *stats = inner ? bpf_map_lookup_elem(inner, &one) : NULL;

	if (!stats)
		return 0;
	stats->packets++;
	return stats->packets;
}
]]

local object <close> = assert(bpf.load({ source = SOURCE }))

local function count(map)
    local n = 0
    for _ in pairs(map) do
        n = n + 1
    end
    return n
end

local function sequence(n, value)
    local values = {}
    for i = 1, n do
        values[i] = value
    end
    return values
end

for _, name in ipairs({ "hash", "lru", "percpu", "lru_percpu" }) do
    tap.test("set with flags: " .. name, function()
        local map = object:map(name)
        local cpus = name:find("percpu") and #object:map("percpu_array"):get(0)
        local function value(n)
            if name == "hash" then
                return { packets = n, note = "" }
            end
            return cpus and sequence(cpus, n) or n
        end
        tap.fails("ENOENT", "the key is not in it", map:set(1, value(1), "exist"))
        tap.equal(map:set(1, value(2), "noexist"), true)
        tap.fails("EEXIST", "the key is in it already", map:set(1, value(3), "noexist"))
        tap.equal(map:get(1), value(2))
        tap.equal(map:set(1, value(4), "exist"), true)
        tap.equal(map:set(1, value(5), "any"), true)
        tap.equal(map:get(1), value(5))
        tap.raises(function()
            map:set(1, value(5), "never")
        end, "invalid option 'never'")
        tap.equal(map:delete(1), true)
    end)
end

tap.test("set with flags: arrays", function()
    for _, name in ipairs({ "array", "percpu_array" }) do
        local map = object:map(name)
        local value = name == "array" and 9 or sequence(#map:get(0), 9)
        tap.fails("EEXIST", "the key is in it already", map:set(1, value, "noexist"))
        tap.equal(map:set(1, value, "exist"), true)
        tap.equal(map:get(1), value)
        tap.fails("E2BIG", "entries at most", map:set(4, value))
        tap.raises(function()
            map:delete(1)
        end, "has no delete%(%): it has get%(%), set%(%), pairs%(%); its entries are always there")
    end
    local raw = object:map("raw_array")
    tap.equal(raw:set(1, "12345678"), true)
    tap.equal(raw:get(1), "12345678")
    tap.raises(function()
        raw:set(1, "1234")
    end, "value: a string of 8 bytes expected, got 4")
    tap.raises(function()
        raw:set(1, 5)
    end, "value: a string of 8 bytes expected, got number")
end)

tap.test("update of many", function()
    local map = object:map("flows")
    local many = {}
    for i = 1, 1000 do
        many[{ prefixlen = i, data = "\1\2\3\4" }] = i
    end
    tap.equal(map:update(many), true)
    tap.equal(count(map), 1000)
    tap.equal(map:get({ prefixlen = 1000, data = "\1\2\3\4" }), 1000)
    tap.fails("E2BIG", "1000 entries at most %(0 of 1 entries were written%)", map:update({
        [{ prefixlen = 1, data = "\0\0\0\0" }] = 1,
    }))
    tap.equal(map:update({}), true)

    local small = object:map("hash")
    local five = {}
    for i = 1, 5 do
        five[i] = { packets = i }
    end
    tap.fails("E2BIG", "4 entries at most %(4 of 5 entries were written%)", small:update(five))
    tap.equal(count(small), 4)
    local _, _, code = small:update(five, "noexist")
    tap.ok(code == "EEXIST" or code == "E2BIG", code)
    five[5] = nil
    tap.equal(small:update(five, "exist"), true)
    tap.raises(function()
        small:update({ [1] = { packets = 77 }, [2] = { packets = -1 } })
    end, "value%.packets: %-1 doesn't fit")
    tap.equal(small:get(1), { packets = 1, note = "" }, "nothing is written of what raises")
    tap.raises(function()
        small:update({ x = {} })
    end, "key: an integer expected")
    tap.raises(function()
        small:update(7)
    end, "table expected")
    for _ in small:drain() do end

    local cpus = #object:map("percpu_array"):get(0)
    local percpu = object:map("percpu")
    tap.equal(percpu:update({ sequence(cpus, 10), sequence(cpus, 20) }), true)
    tap.equal(percpu:get(2), sequence(cpus, 20))
    tap.equal(object:map("array"):update({ [0] = 5, 6, 7, 8 }), true)
    tap.equal(object:map("array"):get(3), 8)
    tap.fails("E2BIG", "4 entries at most", object:map("array"):update({ [0] = 5, [4] = 6 }))
end)

tap.test("an LPM trie by table and by text", function()
    local map = object:map("trie")
    tap.equal(map:set("10.0.0.0/8", 1), true)
    tap.equal(map:set({ prefixlen = 16, data = "\10\1\0\0" }, 2), true)
    tap.equal(map:set("0.0.0.0/0", 3), true)
    tap.equal(map:get("10.1.2.3"), 2, "the longest prefix of an address")
    tap.equal(map:get("10.2.0.0/24"), 1)
    tap.equal(map:get("192.168.0.1"), 3)
    tap.equal(map:delete("0.0.0.0/0"), true)
    tap.equal(map:delete("0.0.0.0/0"), false)
    tap.equal(map:get("192.168.0.1"), nil)
    local seen = {}
    for key, value in pairs(map) do
        seen[bpf.inet_ntop(key.data) .. "/" .. key.prefixlen] = value
    end
    tap.equal(seen, { ["10.0.0.0/8"] = 1, ["10.1.0.0/16"] = 2 })
    tap.fails("EEXIST", "in it already", map:set("10.0.0.0/8", 1, "noexist"))
    tap.equal(map:update({ ["1.0.0.0/8"] = 4, ["2.0.0.0/8"] = 5 }), true)
    tap.fails("ENOSPC", "4 entries at most", map:set("3.0.0.0/8", 6))
    tap.fails("EINVAL", "more bits than the key", map:set({ prefixlen = 33 }, 6))
    local wrongs = { "10.0.0/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "fd00::/8", "" }
    for _, wrong in ipairs(wrongs) do
        tap.raises(function()
            map:get(wrong)
        end, "is no prefix of IPv4 addresses: ADDRESS/BITS")
    end
    local map6 = object:map("trie6")
    tap.equal(map6:set("fd00::/8", 1), true)
    tap.equal(map6:set(string.pack("<I4", 128) .. bpf.inet_pton("fd00::1"), 2), true)
    tap.equal(map6:get("fd00::1"), 2)
    tap.equal(map6:get("fd00::2"), 1)
    tap.raises(function()
        map6:get("10.0.0.0/8")
    end, "no prefix of IPv6 addresses")
    tap.raises(function()
        map6:get("\0\0\0\0")
    end, "key: a string of 20 bytes expected, got 4")
end)

tap.test("queues and stacks", function()
    local queue, stack = object:map("queue"), object:map("stack")
    tap.equal(queue:pop(), nil)
    tap.equal(select("#", queue:peek()), 1)
    for _, text in ipairs({ "aaaa", "bbbb", "cccc" }) do
        tap.equal(queue:push(text), true)
    end
    tap.fails("E2BIG", "can't push into map \"queue\": it holds 3 entries", queue:push("dddd"))
    tap.equal(queue:peek(), "aaaa")
    tap.equal(queue:push("dddd", "exist"), true)
    tap.equal({ queue:pop(), queue:pop(), queue:pop(), queue:pop() }, { "bbbb", "cccc", "dddd" })
    for i = 1, 3 do
        tap.equal(stack:push({ packets = i, note = "n" .. i }), true)
    end
    tap.equal(stack:peek(), { packets = 3, note = "n3" })
    tap.equal(stack:pop().packets, 3)
    tap.equal(stack:pop().packets, 2)
    tap.equal(stack:pop().packets, 1)
    tap.equal(stack:pop(), nil)
    tap.raises(function()
        stack:push({ packet = 1 })
    end, 'no field "packet"')
    tap.raises(function()
        stack:push({ packets = 1 }, "noexist")
    end, "invalid option 'noexist'")
    for _, method in ipairs({ "get", "set", "delete", "pairs", "drain", "update", "contains" }) do
        tap.raises(function()
            queue[method](queue, {}, "aaaa")
        end, "map 'queue' %(queue%) has no %l+%(%): it has push%(%), pop%(%), peek%(%)")
    end
end)

tap.test("bloom filters", function()
    local bloom = object:map("bloom")
    local inside, outside = { prefixlen = 1, data = "abcd" }, { prefixlen = 2, data = "abcd" }
    tap.equal(bloom:contains(inside), false)
    tap.equal(bloom:push(inside), true)
    tap.equal(bloom:contains(inside), true)
    tap.equal(bloom:contains(outside), false)
    tap.raises(function()
        bloom:get(inside)
    end, "map 'bloom' %(bloom_filter%) has no get%(%): it has push%(%), contains%(%)")
    tap.raises(function()
        bloom:pop()
    end, "has no pop%(%)")
end)

tap.test("program arrays: tail calls", function()
    local map, jump = object:map("programs"), object:program("jump")
    local data = { data = ("\0"):rep(64) }
    tap.equal(jump:test_run(data).return_value, 77)
    tap.equal(map:get(1), nil)
    tap.equal(map:set(1, object:program("target")), true)
    tap.equal(jump:test_run(data).return_value, 42)
    tap.ok(map:get(1) > 0, "a program's id")
    local seen = {}
    for index, id in pairs(map) do
        seen[index] = id
    end
    tap.equal(seen, { [1] = map:get(1) })
    tap.fails(
        "EINVAL",
        "the program is of another kind than those that use the map",
        map:set(0, object:program("other"))
    )
    tap.equal(map:delete(1), true)
    tap.equal(map:delete(1), false)
    tap.equal(jump:test_run(data).return_value, 77)
    tap.fails("E2BIG", "3 entries at most", map:set(3, object:program("target")))
    tap.raises(function()
        map:set(1, 5)
    end, "bpf%.Program expected")
end)

tap.test("stack traces", function()
    local map = object:map("stacks")
    local link <close> = assert(object:program("take_stack"):attach())
    os.execute("true")
    link:close()
    local id, walked
    for key, addresses in pairs(map) do
        id, walked = key, addresses
    end
    tap.equal(math.type(id), "integer")
    tap.ok(#walked >= 1 and #walked < 32, "addresses: " .. #walked)
    for _, address in ipairs(walked) do
        tap.ok(address ~= 0)
    end
    tap.equal(map:get(id), walked)
    tap.equal(map:delete(id), true)
    tap.equal(map:get(id), nil)
    tap.raises(function()
        map:set(1, {})
    end, "has no set%(%): it has get%(%), delete%(%), pairs%(%); programs fill it")
    for _, addresses in map:drain() do
        tap.ok(#addresses >= 1)
    end
    tap.equal(count(map), 0)
end)

tap.test("arrays of maps", function()
    local outer, first = object:map("outer"), object:map("first")
    tap.equal(first:set(1, { packets = 10, note = "one" }), true)
    local inner = outer:get(1)
    tap.equal(inner.info.id, first.info.id)
    tap.equal(inner:get(1), { packets = 10, note = "one" })
    tap.equal(outer:get(0), nil)
    local fresh = assert(outer:create_inner())
    tap.equal(fresh.info.key_type, "u32")
    tap.equal(fresh.info.value_type, "struct stats")
    tap.equal(fresh.info.max_entries, 8)
    tap.equal(fresh:set(1, { packets = 20 }), true)
    local through = object:program("through_outer")
    tap.equal(through:test_run().return_value, 11)
    tap.equal(outer:set(1, fresh), true)
    tap.equal(through:test_run().return_value, 21)
    fresh:close()
    fresh:close()
    tap.equal(tostring(fresh), "bpf.Map: outer (closed)")
    tap.raises(function()
        fresh:get(1)
    end, "the map is closed")
    tap.raises(function()
        outer:set(0, fresh)
    end, "the map is closed")
    tap.equal(outer:get(1):get(1), { packets = 21, note = "" })
    tap.equal(outer:set(2, first), true)
    local sizes = {}
    for index, map in pairs(outer) do
        sizes[index] = map:get(1).packets
    end
    tap.equal(sizes, { [1] = 21, [2] = 11 })
    tap.equal(outer:delete(1), true)
    tap.equal(outer:get(1), nil)
    tap.fails("EINVAL", "as the outer map's inner definition says", outer:set(0, object:map("lru")))
    tap.raises(function()
        outer:set(0, 5)
    end, "bpf%.Map expected")
    tap.raises(function()
        first:create_inner()
    end, "map 'first' %(hash%) holds no maps")
    first:close()
    tap.equal(first:get(1).packets, 11, "a map of an object closes with it")
end)

tap.test("hashes of maps", function()
    local outer = object:map("outer_hash")
    do
        local a <close> = assert(outer:create_inner())
        tap.equal(a:set(1, 5), true)
        tap.equal(a.info.type, "array")
        tap.equal(outer:set("key1", a, "noexist"), true)
        tap.fails("EEXIST", "in it already", outer:set("key1", a, "noexist"))
    end
    tap.equal(outer:get("key1"):get(1), 5)
    tap.equal(outer:update({ key2 = outer:create_inner(), key3 = outer:create_inner() }), true)
    tap.equal(count(outer), 3)
    tap.fails("E2BIG", "3 entries at most", outer:set("key4", outer:create_inner()))
    tap.raises(function()
        outer:drain()
    end, "%(hash_of_maps%) has no drain%(%): an inner map is gone once it is taken out")
    local copied = outer:copy()
    tap.equal(copied.key1:get(1), 5)
    tap.equal(#outer, 3)
    tap.equal(outer:delete("key1"), true)
    tap.equal(outer:get("key1"), nil)
end)

local function open_maps()
    collectgarbage()
    collectgarbage()
    local list = io.popen("ls -l /proc/$PPID/fd | grep -c bpf-map")
    local number = list:read("n")
    list:close()
    return number
end

tap.test("inner maps are closed when they are collected", function()
    local outer = object:map("outer")
    local function open_some()
        for _ = 1, 50 do
            tap.equal(outer:get(2).info.type, "hash")
            tap.ok(outer:create_inner())
        end
    end
    local before = open_maps()
    open_some()
    tap.ok(open_maps() <= before, "descriptors are left")
    local kept
    do
        local short <close> = assert(bpf.load({ source = SOURCE }))
        kept = short:map("outer"):get(1)
        tap.equal(kept:set(3, { packets = 3 }), true)
    end
    collectgarbage()
    tap.equal(kept:get(3).packets, 3, "an inner map needs its object no more")
end)

tap.test("storage of tasks, files, cgroups", function()
    local tasks, inodes = object:map("tasks"), object:map("inodes")
    local pid = tonumber(io.open("/proc/self/stat"):read("a"):match("%d+"))
    tap.equal(tasks:get({ pid = pid }), nil)
    tap.fails("ENOENT", "not in it", tasks:set({ pid = pid }, { packets = 1 }, "exist"))
    tap.equal(tasks:set({ pid = pid }, { packets = 1, note = "me" }), true)
    tap.equal(tasks:get({ pid = pid }), { packets = 1, note = "me" })
    tap.equal(tasks:get({ pid = 1 }), nil)
    tap.fails("EEXIST", "in it already", tasks:set({ pid = pid }, {}, "noexist"))
    tap.equal(tasks:delete({ pid = pid }), true)
    tap.equal(tasks:delete({ pid = pid }), false)
    tap.fails("ESRCH", "there is no process 2147483647", tasks:get({ pid = 0x7fffffff }))
    tap.fails("EBADF", "none of a process", tasks:get(0))
    local path = os.tmpname()
    tap.equal(inodes:set({ path = path }, { packets = 2 }), true)
    tap.equal(inodes:get({ path = path }).packets, 2)
    tap.equal(inodes:get({ path = "/" }), nil)
    tap.fails("ENOENT", "can't open file \"/nowhere\"", inodes:get({ path = "/nowhere" }))
    local here <close> = io.open(path)
    os.remove(path)
    local list = io.popen("for f in /proc/$PPID/fd/*; do echo $f $(readlink $f); done")
    local fd
    for number, name in list:read("a"):gmatch("/fd/(%d+) (%S+)") do
        fd = name == path and tonumber(number) or fd
    end
    list:close()
    tap.equal(io.type(here), "file")
    tap.equal(inodes:get(fd).packets, 2)
    tap.equal(inodes:delete({ fd = fd }), true)
    tap.equal(inodes:get({ fd = fd }), nil)
    tap.fails("EBADF", "no file", inodes:get(1000000))
    for _, key in ipairs({ {}, { pid = "1" }, { pid = 0 }, "x", -1, 1.5 }) do
        tap.raises(function()
            tasks:get(key)
        end, "key: { pid = number } or a descriptor, as an integer or { fd = number }, expected")
    end
    tap.raises(function()
        inodes:get({ pid = 1 })
    end, "no option 'pid': options are fd, path")
    for _, map in ipairs({ tasks, inodes }) do
        tap.raises(function()
            for _ in pairs(map) do end
        end, "has no pairs%(%): it has get%(%), set%(%), delete%(%); the kernel keeps no list")
    end
    tap.raises(function()
        tasks:update({ [{ pid = pid }] = {} })
    end, "update%(%) takes descriptors only")
    tap.raises(function()
        object:map("socks"):get({ pid = 1 })
    end, "no option 'pid': options are fd")
    tap.fails("EBADF", "no socket", object:map("socks"):get(1000000))
end)

tap.test("cgroups: storage and arrays", function()
    local folder = os.tmpname()
    os.remove(folder)
    local mount = ("mkdir %s && mount -t cgroup2 none %s 2>/dev/null"):format(folder, folder)
    if not os.execute(mount) then
        os.remove(folder)
        tap.skip("needs cgroup2")
    end
    local group = folder .. "/ebscript-test"
    local ok, problem = pcall(function()
        tap.ok(os.execute("mkdir " .. group))
        local map = object:map("cgroups")
        tap.equal(map:get({ cgroup = group }), nil)
        tap.equal(map:set({ cgroup = group }, { packets = 5 }), true)
        tap.equal(map:get({ cgroup = group }).packets, 5)
        tap.equal(map:get({ cgroup = folder }), nil)
        tap.fails("EBADF", "no cgroup", map:get({ cgroup = "/tmp" }))
        tap.fails("ENOENT", "can't open cgroup \"/nowhere\"", map:get({ cgroup = "/nowhere" }))
        tap.equal(map:delete({ cgroup = group }), true)

        local array = object:map("groups")
        tap.equal(array:set(0, { cgroup = group }), true)
        tap.equal(array:delete(0), true)
        tap.equal(array:delete(0), false)
        tap.fails("EBADF", "no cgroup", array:set(0, { cgroup = "/tmp" }))
        tap.raises(function()
            array:get(0)
        end, "has no get%(%): it has set%(%), delete%(%); the kernel doesn't tell")
    end)
    os.execute(("rmdir %s; umount %s && rmdir %s"):format(group, folder, folder))
    tap.ok(ok, problem)
end)

tap.test("the storage of cgroup programs", function()
    local folder = os.tmpname()
    os.remove(folder)
    local mount = ("mkdir %s && mount -t cgroup2 none %s 2>/dev/null"):format(folder, folder)
    if not os.execute(mount) then
        os.remove(folder)
        tap.skip("needs cgroup2")
    end
    local group = folder .. "/ebscript-test"
    local ok, problem = pcall(function()
        tap.ok(os.execute("mkdir " .. group))
        local own <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, u64);
} plain SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, u64);
	__type(value, u64);
} percpu SEC(".maps");

SEC("cgroup_skb/egress")
int count_out(struct __sk_buff *skb)
{
	u64 *n = bpf_get_local_storage(&plain, 0), *m = bpf_get_local_storage(&percpu, 0);

	*n += 1;
	*m += 1;
	return 1;
}
]] }))
        local plain, percpu = own:map("plain"), own:map("percpu")
        tap.equal(count(plain), 0)
        assert(own:program("count_out"):attach({ cgroup = group }))
        tap.equal(count(plain), 1)
        for key, value in pairs(plain) do
            tap.ok(key.cgroup_inode_id > 0)
            tap.equal(value, 0)
            tap.equal(plain:set(key, 7), true)
            tap.equal(plain:get(key:copy()), 7)
        end
        for key, values in pairs(percpu) do
            tap.equal(bpf.sum(values), 0)
            tap.equal(#percpu:get(key), #values)
        end
        tap.raises(function()
            plain:delete({})
        end, "has no delete%(%)")
        tap.fails("ENOENT", "not in it", plain:set({ cgroup_inode_id = 1 }, 7))
    end)
    os.execute(("rmdir %s; umount %s && rmdir %s"):format(group, folder, folder))
    tap.ok(ok, problem)
end)

tap.test("devices", function()
    local map = object:map("devices")
    tap.equal(map:get(0), nil)
    tap.equal(map:set(0, "lo"), true)
    local lo = map:get(0)
    tap.equal(math.type(lo), "integer")
    tap.equal(map:set(1, lo), true)
    tap.equal(count(map), 2)
    tap.equal(map:delete(0), true)
    tap.equal(map:get(0), nil)
    tap.fails("EINVAL", "there is no such network interface", map:set(0, 0x7fffffff))
    tap.raises(function()
        map:set(0, "nope0")
    end, "there is no network interface 'nope0'")
    tap.raises(function()
        map:set(0, {})
    end, "the name or number of a network interface expected")
    tap.raises(function()
        map:set(0, { ifindex = 1, program = object:program("on_device") })
    end, "no room for a program")
    for _, name in ipairs({ "devices_with", "devices_by_hash" }) do
        map = object:map(name)
        local program = object:program("on_device")
        tap.equal(map:set(3, "lo"), true)
        tap.equal(map:get(3), { ifindex = lo, program = 0 })
        tap.equal(map:set(3, { ifindex = "lo", program = program }), true)
        tap.equal(map:get(3).ifindex, lo)
        tap.ok(map:get(3).program > 0, "a program's id")
        for key, value in pairs(map) do
            tap.equal(key, 3)
            tap.equal(value.ifindex, lo)
        end
        tap.fails(
            "EINVAL",
            "xdp/devmap",
            map:set(3, { ifindex = lo, program = object:program("target") })
        )
        tap.raises(function()
            map:set(3, { ifindex = lo, program = 5 })
        end, "bpf%.Program expected")
        tap.raises(function()
            map:set(3, { device = lo })
        end, "no option 'device': options are ifindex, program")
        tap.equal(map:delete(3), true)
    end
end)

tap.test("CPUs", function()
    local map = object:map("cpus")
    tap.equal(map:get(0), nil)
    tap.equal(map:set(0, 64), true)
    tap.equal(map:get(0), { qsize = 64, program = 0 })
    tap.equal(map:set(0, { qsize = 32, program = object:program("on_cpu") }), true)
    tap.equal(map:get(0).qsize, 32)
    tap.ok(map:get(0).program > 0)
    tap.equal(count(map), 1)
    tap.equal(map:delete(0), true)
    tap.fails("EOVERFLOW", "a queue has at most 16384 places", map:set(0, 1 << 20))
    tap.raises(function()
        map:set(0, "64")
    end, "the length of the queue expected")
end)

tap.test("kinds without entries say what to do instead", function()
    for name, words in pairs({
        events = "%(ringbuf%) has no get%(%): object:on_event%(%) reads",
        perf = "%(perf_event_array%) has no get%(%): object:on_event%(%) reads",
        commands = "%(user_ringbuf%) has no get%(%): it carries what a script submits",
        xsks = "%(xskmap%) has no get%(%): it has set%(%), delete%(%); the kernel doesn't tell",
    }) do
        tap.raises(function()
            object:map(name):get(0)
        end, "map '" .. name .. "' " .. words)
    end
    tap.fails("ENOSPC", "must be 8 bytes wide", object:map("sockets"):get(0))
    tap.fails("ENOSPC", "must be 8 bytes wide", object:map("sockets"):copy())
end)

tap.test("struct_ops are read", function()
    local own <close>, message = bpf.load({ source = [[
#include "ebscript.bpf.h"

SEC("struct_ops/ssthresh")
u32 ebs_ssthresh(struct sock *sk)
{
	return 2;
}

SEC("struct_ops/cong_avoid")
void ebs_avoid(struct sock *sk, u32 ack, u32 acked)
{
}

SEC("struct_ops/undo_cwnd")
u32 ebs_undo(struct sock *sk)
{
	return 2;
}

SEC(".struct_ops")
struct tcp_congestion_ops ebs_test = {
	.ssthresh = (void *)ebs_ssthresh,
	.cong_avoid = (void *)ebs_avoid,
	.undo_cwnd = (void *)ebs_undo,
	.name = "ebs_test",
};
]] })
    if not own then
        tap.skip("this kernel takes no TCP congestion control from BPF: " .. message:sub(1, 60))
    end
    local map = own:map("ebs_test")
    tap.equal(map.info.type, "struct_ops")
    tap.ok(map.info.value_size > 64, "the kernel's struct")
    tap.equal(map:get(0), { state = "init", refcnt = 0 })
    tap.raises(function()
        map:set(0, {})
    end, "has no set%(%): it has get%(%); it is only read, by get%(0%)")
end)

tap.test("an arena needs a newer libbpf", function()
    local _, message, code = bpf.load({ source = [[
#include "ebscript.bpf.h"

struct {
	__uint(type, 33);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} pages SEC(".maps");

SEC("raw_tp/sys_enter")
int nothing(void *ctx)
{
	return 0;
}
]] })
    if not message then
        tap.skip("this libbpf knows arenas")
    end
    tap.equal(code, "EOPNOTSUPP")
    tap.match(message, 'map "pages" is of kind arena %(33%), which libbpf %d+%.%d+ doesn\'t know')
end)

tap.done()
