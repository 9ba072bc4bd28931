-- SPDX-License-Identifier: GPL-2.0-only
-- Maps whose entries belong to something: tasks, files, cgroups.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local SOURCE = [[
#include "ebscript.bpf.h"
#include "maps.bpf.h"

struct stats {
	u32 packets;
	char note[12];
};

#define STORAGE(name, kind)                                        \
	struct {                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                 \
		__uint(map_flags, BPF_F_NO_PREALLOC);              \
		__type(key, int);                                  \
		__type(value, struct stats);                       \
	} name SEC(".maps")
RAW(groups, CGROUP_ARRAY, 2, 4, 4);
STORAGE(tasks, TASK_STORAGE);
STORAGE(inodes, INODE_STORAGE);
STORAGE(cgroups, CGRP_STORAGE);
STORAGE(socks, SK_STORAGE);
]]

local object <close> = assert(bpf.load({ source = SOURCE }))

local function count(map)
    local n = 0
    for _ in pairs(map) do
        n = n + 1
    end
    return n
end

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
        tap.fails(
            "ENOENT",
            "^\"/nowhere\" isn't there; cgroups of version 2 are the folders of /",
            map:get({ cgroup = "/nowhere" })
        )
        tap.fails("ENOTDIR", "is no cgroup, but a file; ", map:get({ cgroup = "/etc/passwd" }))
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

tap.done()
