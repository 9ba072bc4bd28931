-- SPDX-License-Identifier: GPL-2.0-only
-- Lists of places to attach to: of every option, of none, of some, and of thousands of elements.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local many = os.getenv("EBS_TEST_SUPPORT") .. "/many_functions"

local object <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

u64 hits;

SEC("uprobe.multi")
int called(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}

SEC("xdp")
int packets(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("cgroup_skb/egress")
int cgroup(struct __sk_buff *skb)
{
	return 1;
}

SEC("socket")
int copies(struct __sk_buff *skb)
{
	return 0;
}
]] }))

-- How many of the functions that one run of the program calls are probed.
local function hits()
    local before = object.globals.hits
    assert(os.execute(many))
    return object.globals.hits - before
end

local function names(count)
    local list = {}
    for i = 1, count do
        list[i] = ("f%04d"):format(i - 1)
    end
    return list
end

tap.test("as many functions are probed as the list has", function()
    for _, count in ipairs({ 1, 2, 3, 200, 5000 }) do
        local link = assert(object:program("called"):attach({
            path = many, symbols = names(count),
        }))
        tap.equal(hits(), count, count .. " names")
        link:close()
        tap.equal(hits(), 0)
    end
end)

tap.test("a section's list is attached to whole", function()
    local other <close> = assert(bpf.load({
        source = ([[
#include "ebscript.bpf.h"

u64 hits;

SEC("uprobe.multi/%s:f0000,f000[1-3],f4999")
int called(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}
]]):format(many),
    }))
    assert(other:attach())
    assert(os.execute(many))
    tap.equal(other.globals.hits, 5)
end)

tap.test("one name that isn't there fails the list, and is named", function()
    for _, count in ipairs({ 0, 1, 2, 199, 4999 }) do
        local list = names(count)
        table.insert(list, #list // 2 + 1, "nowhere")
        tap.fails(
            "ENOENT",
            'many_functions has no function "nowhere"',
            object:program("called"):attach({ path = many, symbols = list })
        )
    end
    tap.fails(
        "ENOENT",
        'has no function "g%*"',
        object:program("called"):attach({ path = many, symbols = { "f0*", "g*" } })
    )
end)

-- Every option that takes a list: what an unknown place is called, and by how many names.
local places = {
    interface = { program = "packets", bad = "nope", message = 'no network interface "nope' },
    cgroup = { program = "cgroup", bad = "/nowhere/", message = '"/nowhere/' },
    symbols = { program = "called", bad = "nope", message = 'no function "nope', path = many },
}

tap.test("lists of any length name the element that fails", function()
    for option, case in pairs(places) do
        for _, count in ipairs({ 1, 2, 3, 200, 5000 }) do
            local list = {}
            for i = 1, count do
                list[i] = case.bad .. i
            end
            local _, message = object:program(case.program):attach({
                path = case.path, [option] = list,
            })
            tap.match(message, case.message .. "1\"")
        end
    end
end)

tap.test("elements may be long, and have any character", function()
    local long, longer = ("x"):rep(1024), ("x"):rep(100000)
    for _, list in ipairs({ { long, "eth9" }, { "eth9", long }, { longer }, { "a,b" } }) do
        local _, message = object:program("packets"):attach({ interface = list })
        tap.ok(message:find(('"%s"'):format(list[1]), 1, true), message)
    end
end)

tap.test("what is no list of strings raises", function()
    local function raises(pattern, list)
        for _, option in ipairs({ "interface", "cgroup", "symbols", "functions", "hook" }) do
            tap.raises(function()
                object:program("packets"):attach({ [option] = list })
            end, ("option '%s' %s"):format(option, pattern))
        end
    end
    raises("is an empty list", {})
    raises("must be a list of strings", { 1 })
    raises("must be a list of strings", { "a", {} })
    raises("must be a list of strings", { "a", nil, "c" })
    raises("must be a list of strings", { "a", name = "b" })
    raises("must be a list of strings", { [2] = "a" })
    raises("must be a string, or a list of strings", 5)
    raises("must be a string, or a list of strings", true)
    raises("has a NUL byte", "a\0b")
    raises("has a NUL byte", { "a", "a\0" })
    tap.raises(function()
        object:program("packets"):attach({ mode = "generic\0" })
    end, "option 'mode' has a NUL byte")
end)

tap.test("an option that is one place takes no list of several", function()
    local other <close> = assert(bpf.load({ source = [[
#include "ebscript.bpf.h"

SEC("iter/cgroup")
int groups(struct bpf_iter__cgroup *ctx)
{
	return 0;
}
]] }))
    tap.fails(
        "EINVAL",
        "takes one cgroup, no list",
        other:program("groups"):attach({ cgroup = { "/a", "/b" } })
    )
end)

tap.done()
