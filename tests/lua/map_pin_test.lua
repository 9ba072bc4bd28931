-- SPDX-License-Identifier: GPL-2.0-only
-- Maps that outlive their object: pinned by hand and by name, opened by path, frozen.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local folder = os.tmpname()
os.remove(folder)
if not os.execute(("mkdir %s && mount -t bpf none %s 2>/dev/null"):format(folder, folder)) then
    os.remove(folder)
    tap.skip("needs a BPF file system")
end

local SOURCE = [[
#include "ebscript.bpf.h"
#include "maps.bpf.h"

enum colour { RED, GREEN = 7 };

struct key {
	u32 number;
	enum colour colour;
};

struct value {
	u64 count;
	char name[8];
	struct {
		u16 port;
		u8 bytes[6];
	} peer;
};

MAP(entries, HASH, 100, struct key, struct value);
MAP(percpu, PERCPU_HASH, 10, u32, u64);
MAP(array, ARRAY, 10, u32, u64);
MAP(frozen, HASH, 10, u32, u64);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10);
	__uint(map_flags, BPF_F_RDONLY);
	__type(key, u32);
	__type(value, u64);
} read_only SEC(".maps");

EBS_DRAINED(in_turns, BPF_MAP_TYPE_HASH, 10, u32, u64);

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 10);
	__type(value, u32);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 10);
	__type(key, u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 5);
		__type(key, struct key);
		__type(value, struct value);
	});
} outer SEC(".maps");
]]

-- Two maps that are pinned by name; what the first is like is given at compile time.
local NAMED = [[
#include "ebscript.bpf.h"

#define NAMED(name, kind, n)                                       \
	struct {                                                   \
		__uint(type, kind);                                \
		__uint(max_entries, n);                            \
		__uint(pinning, LIBBPF_PIN_BY_NAME);               \
		__type(key, u32);                                  \
		__type(value, VALUE);                              \
	} name SEC(".maps")
NAMED(named, KIND, N);
NAMED(named_array, BPF_MAP_TYPE_ARRAY, 4);
]]

local function load_named(defines, options)
    local all = {
        source = NAMED,
        defines = { KIND = "BPF_MAP_TYPE_HASH", N = 10, VALUE = "u64" },
        pin_root_path = folder,
    }
    for name, value in pairs(defines or {}) do
        all.defines[name] = value
    end
    for name, value in pairs(options or {}) do
        all[name] = value
    end
    return bpf.load(all)
end

local function exists(path)
    return os.execute("test -e " .. path) or false
end

local function case(name, fn)
    tap.test(name, function()
        local object <close> = assert(bpf.load({ source = SOURCE }))
        fn(object)
    end)
end

case("a pinned map outlives its object and keeps its types", function(object)
    local path = folder .. "/entries"
    local value = { count = 5, name = "five", peer = { port = 80, bytes = "abcdef" } }
    local entries = object:map("entries")
    assert(entries:set({ number = 1, colour = "GREEN" }, value))
    tap.equal(entries.info.pinned, nil)
    tap.equal(entries:pin(path), true)
    tap.equal(entries.info.pinned, path)
    local id = entries.info.id
    object:close()
    tap.raises(function()
        entries:pin(path)
    end, "the map's object is closed")

    local map <close> = assert(bpf.pinned(path))
    tap.equal(map.name, "entries")
    tap.equal(tostring(map), "bpf.Map: entries")
    local info = map.info
    tap.equal(info.id, id)
    tap.equal(info.pinned, path)
    tap.equal(info.key_type, "struct key")
    tap.equal(info.value_type, "struct value")
    tap.equal(map:get({ number = 1, colour = "GREEN" }), value)
    tap.equal(map:set({ number = 2, colour = "RED" }, { count = -1 }), true)
    tap.raises(function()
        map:set({ number = 2, colour = "BLUE" }, {})
    end, "key%.colour")
    local sum = 0
    for key, entry in pairs(map) do
        tap.equal(key.number == 1, entry.count == 5)
        sum = sum + entry.count
    end
    tap.equal(sum, 4)
    for _, count, name in map:pairs("count", "name") do
        tap.equal(name, count == 5 and "five" or "")
    end
    tap.equal(#map, 2)
    tap.equal(map:unpin(), true)
    tap.equal(exists(path), false)
    tap.equal(map:get({ number = 1, colour = 7 }), value, "the map lives on")
    tap.equal(map.info.pinned, nil)
    map:close()
    map:close()
    tap.equal(tostring(map), "bpf.Map: entries (closed)")
    for _, use in ipairs({ "get", "set", "delete", "pin", "unpin", "freeze", "pairs", "count" }) do
        tap.raises(function()
            map[use](map, {}, {})
        end, "the map is closed")
    end
    tap.raises(function()
        return map.info
    end, "the map is closed")
end)

case("arrays, per-CPU maps, queues and maps of maps by their path", function(object)
    for _, name in ipairs({ "array", "percpu", "queue", "outer" }) do
        tap.equal(object:map(name):pin(folder .. "/" .. name), true)
    end
    tap.equal(object:map("array"):set(3, 33), true)
    local array = assert(bpf.pinned(folder .. "/array"))
    tap.equal(array:get(3), 33)
    tap.equal(array:set(4, 44), true)
    tap.equal(object:map("array"):get(4), 44)
    tap.raises(function()
        for _ in pairs(array) do
            array:close()
        end
    end, "the map was closed inside the loop over it")

    local percpu = assert(bpf.pinned(folder .. "/percpu"))
    local values = object:map("percpu"):get(1)
    tap.equal(values, nil)
    values = {}
    local possible = io.open("/sys/devices/system/cpu/possible"):read("a")
    for cpu = 1, tonumber(possible:match("(%d+)%s*$")) + 1 do
        values[cpu] = cpu
    end
    tap.equal(percpu:set(1, values), true)
    tap.equal(object:map("percpu"):get(1), values)

    local queue = assert(bpf.pinned(folder .. "/queue"))
    tap.equal(queue.info.value_type, nil, "the kernel keeps no types of queues")
    tap.equal(queue:push("\1\0\0\0"), true)
    tap.equal(object:map("queue"):pop(), 1)

    local outer = assert(bpf.pinned(folder .. "/outer"))
    local inner = assert(object:map("outer"):create_inner())
    tap.equal(inner:set({ number = 5 }, { name = "in" }), true)
    tap.equal(object:map("outer"):set(9, inner), true)
    tap.equal(outer:get("\9\0\0\0"):get({ number = 5 }).name, "in", "typed by the inner map's BTF")
    tap.fails("EINVAL", "only the C that defines it says so", outer:create_inner())
    for _, name in ipairs({ "array", "percpu", "queue", "outer" }) do
        tap.equal(object:map(name):unpin(), true)
    end
end)

case("what can't be pinned, or opened", function(object)
    local map = object:map("array")
    local path = folder .. "/there"
    tap.fails("ENOENT", 'map "array" is not pinned', map:unpin())
    tap.equal(map:pin(path), true)
    tap.fails("EEXIST", "is pinned at .* already: unpin%(%) it first", map:pin(path .. "2"))
    tap.fails("EEXIST", "exists already", object:map("percpu"):pin(path))
    tap.equal(map:unpin(), true)
    tap.fails(
        "EPERM",
        'folder "/tmp" is on no BPF file system; mount one: mount %-t bpf bpf /sys/fs/bpf',
        map:pin("/tmp/array")
    )
    tap.fails("ENOENT", 'in folder ".*/nowhere": No such file', map:pin(folder .. "/nowhere/x"))
    tap.fails("EPERM", "takes no names with a dot", map:pin(folder .. "/a.b"))
    tap.fails("ENOENT", "no map is pinned at", bpf.pinned(path))
    tap.fails("EINVAL", "is on no BPF file system", bpf.pinned("/dev/null"))
    tap.equal(select("#", bpf.pinned(folder)), 3)
    tap.raises(function()
        bpf.pinned()
    end, "string expected")
    local in_turns = object:map("in_turns")
    tap.fails("EINVAL", "can't pin .* EBS_DRAINED makes two maps of it", in_turns:pin(path))
    tap.fails("EINVAL", "can't freeze .* EBS_DRAINED makes two maps of it", in_turns:freeze())
    -- Removed by somebody else.
    tap.equal(map:pin(path), true)
    os.remove(path)
    tap.equal(map:unpin(), true)
end)

tap.test("maps that are pinned by name", function()
    local first <close> = assert(load_named())
    local map = first:map("named")
    tap.equal(map.info.pinned, folder .. "/named")
    tap.equal(map:set(1, 100), true)
    tap.equal(first:map("named_array"):set(1, 7), true)
    local second <close> = assert(load_named())
    tap.equal(second:map("named"):get(1), 100)
    tap.equal(second:map("named").info.id, map.info.id)
    tap.equal(second:map("named_array"):get(1), 7)
    tap.equal(second:map("named").info.pinned, folder .. "/named")
    local path = folder .. "/named"
    for _, wrong in ipairs({
        { { N = 11 }, "max_entries is 10, not 11" },
        { { VALUE = "u32" }, "value_size is 8, not 4" },
        { { KIND = "BPF_MAP_TYPE_LRU_HASH" }, "it is of kind hash, not lru_hash" },
        { {}, "max_entries is 10, not 20", { max_entries = { named = 20 } } },
    }) do
        local object, message, code = load_named(wrong[1], wrong[3])
        tap.equal(object, nil)
        tap.equal(code, "EINVAL")
        tap.equal(
            message,
            ('map "named" is not like the one that is pinned at "%s": %s; '):format(path, wrong[2])
                .. "remove that one, or change the C"
        )
    end
    tap.equal(map:unpin(), true)
    tap.equal(second:map("named_array"):unpin(), true)
    local third <close> = assert(load_named({ N = 11 }))
    tap.equal(third:map("named"):get(1), nil)
    tap.equal(third:map("named"):unpin(), true)
    tap.equal(third:map("named_array"):unpin(), true)
    tap.fails("EINVAL", "is on no BPF file system", load_named({}, { pin_root_path = "/tmp" }))
    tap.raises(function()
        load_named({}, { pin_root_path = 5 })
    end, "option 'pin_root_path' must be a string")
end)

tap.test("without a folder of its own, a map is pinned in /sys/fs/bpf", function()
    local chunk = ([[
        local bpf = require("bpf")
        local object <close> = assert(bpf.load({ source = %q, defines = %s }))
        print(object:map("named").info.pinned)
        print(bpf.pinned("/sys/fs/bpf/named").info.id == object:map("named").info.id)
    ]]):format(NAMED, '{ KIND = "BPF_MAP_TYPE_HASH", N = 10, VALUE = "u64" }')
    local name = os.tmpname()
    local script = assert(io.open(name, "w"))
    script:write(chunk)
    script:close()
    local mount = "mount -t bpf none /sys/fs/bpf"
    local command = ("unshare -m sh -c '%s && exec \"$0\" %s' %s 2>&1"):format(mount, name, arg[-1])
    local out = io.popen(command)
    local text = out:read("a")
    out:close()
    os.remove(name)
    tap.equal(text, "/sys/fs/bpf/named\ntrue\n")
end)

case("frozen and read-only maps", function(object)
    local map = object:map("frozen")
    tap.equal(map:set(1, 1), true)
    tap.equal(map.info.frozen, false)
    tap.equal(map:freeze(), true)
    tap.equal(map.info.frozen, true)
    tap.equal(map:get(1), 1)
    for _, call in ipairs({
        { map.set, 1, 2 },
        { map.delete, 1 },
        { map.update, { [1] = 2, [2] = 3 } },
    }) do
        local words = "it is frozen: only programs can change it"
        tap.fails("EPERM", words, call[1](map, call[2], call[3]))
    end
    tap.fails("EPERM", 'can\'t freeze map "frozen" %(hash%): it is frozen', map:freeze())
    local array = object:map("array")
    tap.equal(array:get(1), 0, "read in place")
    tap.equal(array:freeze(), true)
    tap.equal(array:get(1), 0)
    tap.fails("EPERM", "it is frozen", array:set(1, 1))
    tap.fails("EPERM", "made with BPF_F_RDONLY", object:map("read_only"):set(1, 1))
    tap.equal(object:map("read_only").info.flags, { "rdonly" })
end)

tap.test("maps that the script opened are closed when they are collected", function()
    local object <close> = assert(bpf.load({ source = SOURCE }))
    assert(object:map("entries"):pin(folder .. "/entries"))
    local function open_some()
        for _ = 1, 50 do
            local map <close> = assert(bpf.pinned(folder .. "/entries"))
            tap.ok(bpf.pinned(folder .. "/entries"))
            tap.equal(map:get({ number = 1 }), nil)
        end
    end
    local before = tap.open_maps()
    open_some()
    tap.ok(tap.open_maps() <= before, "descriptors are left")
    local loop
    do
        local map = assert(bpf.pinned(folder .. "/entries"))
        map:set({ number = 3 }, { count = 3 })
        loop = { map:pairs() }
    end
    collectgarbage()
    collectgarbage()
    local key, value = loop[1]()
    tap.equal({ key.number, value.count }, { 3, 3 }, "a loop keeps its map")
    assert(object:map("entries"):unpin())
end)

tap.test("an object uses a map that is pinned", function()
    local first <close> = assert(bpf.load({ source = SOURCE }))
    assert(first:map("array"):pin(folder .. "/given"))
    local pinned <close> = assert(bpf.pinned(folder .. "/given"))
    local second <close> = assert(bpf.load({ source = SOURCE, maps = { array = pinned } }))
    assert(second:map("array"):set(3, 33))
    tap.equal(first:map("array"):get(3), 33)
    tap.equal(second:map("array").info.id, first:map("array").info.id)
    tap.fails("EINVAL", "EBS_DRAINED makes two maps of it",
        bpf.load({ source = SOURCE, maps = { in_turns = first:map("in_turns") } }))
    assert(first:map("array"):unpin())
end)

-- A program that counts the opens of this process, in a map that outlives it.
local COUNTER = [[
#include "ebscript.bpf.h"

const volatile u32 tracer;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} calls SEC(".maps");

SEC("%s")
int count(void *ctx)
{
	u32 zero = 0;
	u64 *count = bpf_map_lookup_elem(&calls, &zero);

	if (count && bpf_get_current_pid_tgid() >> 32 == tracer)
		__sync_fetch_and_add(count, 1);
	return 0;
}
]]
local PID = io.open("/proc/self/stat"):read("n")

-- How many system calls (or calls of getppid) are counted while there are so many.
local function counted(calls)
    local before = calls:get(0)
    for _ = 1, 100 do
        assert(io.open("/dev/null")):close()
    end
    return calls:get(0) - before
end

for section, kind in pairs({
    ["raw_tp/sys_enter"] = "raw_tracepoint",
    ["tracepoint/syscalls/sys_enter_openat"] = "perf_event",
    ["uprobe/libc.so.6:fopen"] = "perf_event",
}) do
    tap.test("a pinned link outlives its object: " .. section, function()
        local object = assert(bpf.load({
            source = COUNTER:format(section),
            constants = { tracer = PID },
        }))
        local path = folder .. "/link"
        assert(object:map("calls"):pin(folder .. "/calls"))
        local calls <close> = assert(bpf.pinned(folder .. "/calls"))
        local link = assert(object.programs.count:attach())
        local ok, message, code = link:pin(path)
        if code == "EINVAL" and kind == "perf_event" then
            tap.skip("this kernel has no links of perf events: " .. message)
        end
        tap.equal(ok, true, message)
        tap.equal(link.info.pinned, path)
        tap.fails("EEXIST", "the link of program \"count\" is pinned at .* already", link:pin(path))
        link:close()
        object:close()
        tap.ok(counted(calls) >= 100, "it counts no more")

        local pinned = assert(bpf.pinned(path))
        local info = pinned.info
        tap.equal({ info.kind, info.program, info.pinned, info.alive, info.ifindex },
            { kind, "count", path, true, nil })
        tap.equal(tostring(pinned), "bpf.PinnedLink: " .. path)
        tap.equal(pinned:unpin(), true)
        tap.equal(pinned:unpin(), true)
        tap.ok(counted(calls) >= 100, "it counts no more, though its descriptor is open")
        pinned:close()
        pinned:close()
        tap.equal(tostring(pinned), "bpf.PinnedLink: (closed)")
        tap.raises(function() return pinned.info end, "the link is closed")
        tap.raises(function() pinned:unpin() end, "the link is closed")
        tap.equal(counted(calls), 0)
        calls:unpin()
    end)
end

tap.test("a link that is unpinned by the script ends with it", function()
    local object <close> = assert(bpf.load({
        source = COUNTER:format("raw_tp/sys_enter"),
        constants = { tracer = PID },
    }))
    local link = assert(object.programs.count:attach())
    tap.fails("ENOENT", 'the link of program "count" is not pinned', link:unpin())
    assert(link:pin(folder .. "/link"))
    assert(link:unpin())
    tap.equal(link.info.pinned, nil)
    tap.fails("ENOENT", "no map is pinned at", bpf.pinned(folder .. "/link"))
    link:close()
    tap.equal(counted(object:map("calls")), 0)
end)

tap.test("where links and programs can't be pinned", function()
    local object <close> = assert(bpf.load({
        source = COUNTER:format("raw_tp/sys_enter"),
        constants = { tracer = PID },
    }))
    local program = object.programs.count
    local link <close> = assert(program:attach())
    for what, thing in pairs({
        ['the link of program "count"'] = link,
        ['program "count"'] = program,
    }) do
        tap.fails("EPERM", "can't pin " .. what .. " at .*: the kernel takes no names with a dot",
            thing:pin(folder .. "/a.b"))
        tap.fails("ENOENT", "can't pin " .. what .. ' in folder "/no/such"',
            thing:pin("/no/such/link"))
        tap.fails("EPERM", "can't pin " .. what .. ': folder "/tmp" is on no BPF file system',
            thing:pin("/tmp/ebs-link"))
    end
    assert(program:pin(folder .. "/program"))
    tap.fails("EEXIST", 'can\'t pin program "count": ".*" exists already',
        program:pin(folder .. "/program"))
    tap.fails("EINVAL", "is no map but .*prog", bpf.pinned(folder .. "/program"))
    os.remove(folder .. "/program")
end)

os.execute(("umount %s && rmdir %s"):format(folder, folder))
tap.done()
