-- SPDX-License-Identifier: GPL-2.0-only
-- Random C types, each with a value: clang lays it out, and the host must see and write the same.
-- The seed is printed; EBS_TEST_SEED=N repeats a run.
local bpf = require("bpf")
local random_types = require("random_types")
local tap = require("tap")

tap.needs_kernel()

local OBJECTS = os.getenv("EBS_TEST_WHOLE") and 10 or 1
local PROGRAMS, TYPES = 2, 52 -- a program can use 64 maps
local TAIL_EVERY = 8 -- these end with a flexible array

local seed = math.tointeger(os.getenv("EBS_TEST_SEED")) or os.time()
math.randomseed(seed, 0)
print("# EBS_TEST_SEED=" .. seed)

local HEAD = [[
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct result { __u32 size, same[2]; };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct result);
} results SEC(".maps");

#define VALUE(n) \
	struct { \
		__uint(type, BPF_MAP_TYPE_ARRAY); \
		__uint(max_entries, 3); \
		__type(key, __u32); \
		__type(value, struct t##n); \
	} m##n SEC(".maps")

#define RING(n) \
	struct { \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, 4096); \
		__type(value, struct t##n); \
	} m##n SEC(".maps")

/* Byte by byte: no compiler's idea of a struct's copy comes between. Without branches: the verifier
 * follows each of them. */
#define FILL(n) do { \
	__u32 index = 0; \
	__u8 *to = bpf_map_lookup_elem(&m##n, &index); \
	for (__u32 i = 0; to && i < sizeof(struct t##n); i++) \
		to[i] = ((const volatile __u8 *)&i##n)[i]; \
} while (0)

#define CHECK(n) do { \
	struct result result = { .size = sizeof(struct t##n) }; \
	__u32 place = n; \
	for (__u32 index = 1; index < 3; index++) { \
		const __u8 *from = bpf_map_lookup_elem(&m##n, &index); \
		__u32 difference = 0; \
		for (__u32 i = 0; from && i < sizeof(struct t##n); i++) { \
			difference |= from[i] ^ ((const volatile __u8 *)&i##n)[i]; \
			result.same[index - 1] += (difference - 1) >> 31; \
		} \
	} \
	bpf_map_update_elem(&results, &place, &result, BPF_ANY); \
} while (0)

#define SEND(n, tail, count) \
	bpf_ringbuf_output(&m##n, (void *)&i##n, __builtin_offsetof(struct t##n, tail) + \
		(count) * sizeof(((struct t##n *)0)->tail[0]), 0)

]]

local function program(name, lines)
    local text = 'SEC("raw_tp/sys_enter")\nint %s(void *context)\n{\n%s\n\treturn 0;\n}\n\n'
    return text:format(name, table.concat(lines, "\n"))
end

-- Draws an object's types and writes its C.
local function draw_object(number)
    local c, types = { HEAD }, {}
    for part = 1, PROGRAMS do
        local fill, check, send = {}, {}, {}
        for i = 1, TYPES do
            local id = (part - 1) * TYPES + i
            local drawn = random_types.draw(id, i % TAIL_EVERY == 0)
            types[id] = drawn
            drawn.where = ("object %d, "):format(number)
            local text = "%s\n%s(%d);\nstatic const volatile struct %s i%d = %s;\n"
            table.insert(
                c,
                text:format(
                    drawn.c,
                    drawn.tail and "RING" or "VALUE",
                    id,
                    drawn.name,
                    id,
                    drawn.initializer
                )
            )
            if drawn.tail then
                table.insert(send, ("\tSEND(%d, %s, %d);"):format(id, drawn.tail, drawn.tail_count))
            else
                table.insert(fill, ("\tFILL(%d);"):format(id))
                table.insert(check, ("\tCHECK(%d);"):format(id))
            end
        end
        table.insert(c, program("fill" .. part, fill))
        table.insert(c, program("check" .. part, check))
        table.insert(c, program("send" .. part, send))
    end
    return table.concat(c), types
end

-- The first place where what is wanted isn't there. Of a union just one member is wanted.
local function difference(got, want, where)
    if type(want) ~= "table" then
        if got == want and math.type(got) == math.type(want) then
            return nil
        end
        return ("%s is %s, expected %s"):format(
            where,
            type(got) == "string" and ("%q"):format(got) or tostring(got),
            type(want) == "string" and ("%q"):format(want) or tostring(want)
        )
    end
    if type(got) ~= "table" and type(got) ~= "userdata" then
        return ("%s is a %s, expected fields or elements"):format(where, type(got))
    end
    if #want > 0 and #got ~= #want then
        return ("%s has %d elements, expected %d"):format(where, #got, #want)
    end
    for key, value in pairs(want) do
        local name = type(key) == "string" and "." .. key or "[" .. key .. "]"
        local found = difference(got[key], value, where .. name)
        if found then
            return found
        end
    end
    return nil
end

local function refuse(drawn, way, what)
    error(
        ("%sstruct %s, %s: %s\n%s\nvalue: %s"):format(
            drawn.where,
            drawn.name,
            way,
            what,
            drawn.c,
            drawn.initializer
        ),
        0
    )
end

local function compare(drawn, way, got)
    local found = difference(got, drawn.value, "value")
    if found then
        refuse(drawn, way, found)
    end
end

-- The fields of a value that have one, and the way back: a table from what came in that order.
local function field_names(drawn)
    local names = {}
    for name in pairs(drawn.value) do
        table.insert(names, name)
    end
    return names
end

local function compare_fields(drawn, way, names, ...)
    local got = {}
    for i, name in ipairs(names) do
        got[name] = select(i, ...)
    end
    compare(drawn, way, got)
end

local function run(object, name)
    for part = 1, PROGRAMS do
        tap.equal(assert(object:program(name .. part):test_run()).return_value, 0)
    end
end

-- Enums that LLVM 14 can't describe.
local probe = bpf.load({
    source = HEAD .. "enum wide { WIDE = 1LL << 40 };\nstruct t1 { enum wide e; };\nVALUE(1);\n",
})
random_types.new_enums = probe ~= nil
if probe then
    probe:close()
else
    print("# without enums of 64 bits, which this LLVM cannot describe")
end

local sources, drawn_types = {}, {}
for i = 1, OBJECTS do
    local source
    source, drawn_types[i] = draw_object(i)
    sources[i] = { source = source }
end
local objects = assert(bpf.load_all(sources))
local read, written, sent = 0, 0, 0

tap.test("C's values as tables and as views", function()
    for i, object in ipairs(objects) do
        run(object, "fill")
        for id, drawn in ipairs(drawn_types[i]) do
            if not drawn.tail then
                local map = object:map("m" .. id)
                local names = field_names(drawn)
                compare(drawn, "get()", map:get(0))
                local loop, state, start = map:pairs(table.unpack(names))
                compare_fields(drawn, "a loop by fields", names, select(2, loop(state, start)))
                for index, view in pairs(map) do
                    if index == 0 then
                        compare(drawn, "a view", view)
                        compare(drawn, "copy()", view:copy())
                    end
                end
                read = read + 1
            end
        end
    end
end)

tap.test("Lua's values as C's bytes", function()
    for i, object in ipairs(objects) do
        for id, drawn in ipairs(drawn_types[i]) do
            if not drawn.tail then
                local map = object:map("m" .. id)
                local ok, problem = pcall(map.set, map, 1, drawn.given)
                if not ok then
                    refuse(drawn, "set()", problem)
                end
                for index, view in pairs(map) do
                    if index == 0 then
                        assert(map:set(2, view))
                    end
                end
            end
        end
        run(object, "check")
        for id, drawn in ipairs(drawn_types[i]) do
            if not drawn.tail then
                local result = object:map("results"):get(id)
                tap.equal(object:map("m" .. id).info.value_size, result.size)
                for way, same in ipairs(result.same) do
                    if same ~= result.size then
                        local from = way == 1 and "set() of a table" or "set() of a view"
                        refuse(drawn, from, ("byte %d differs"):format(same))
                    end
                end
                written = written + 1
            end
        end
    end
end)

-- The handler itself, or one whose parameters are the fields.
local function by_turns(drawn, id, handler)
    if id // TAIL_EVERY % 2 == 0 then
        return handler
    end
    local names = field_names(drawn)
    local list = table.concat(names, ", ")
    local code = ("local take = ... return function(%s) take(%s) end"):format(list, list)
    return assert(load(code))(function(...)
        compare_fields(drawn, "an event's fields", names, ...)
        sent = sent + 1
    end)
end

tap.test("flexible arrays, as events", function()
    for i, object in ipairs(objects) do
        for id, drawn in ipairs(drawn_types[i]) do
            if drawn.tail then
                object:on_event("m" .. id, by_turns(drawn, id, function(event)
                    compare(drawn, "an event", event)
                    compare(drawn, "an event's copy()", event:copy())
                    tap.equal(#event[drawn.tail], drawn.tail_count)
                    sent = sent + 1
                end))
            end
        end
        run(object, "send")
    end
    bpf.every(0.001, bpf.stop)
    assert(bpf.run())
    tap.equal(sent, OBJECTS * PROGRAMS * (TYPES // TAIL_EVERY))
end)

tap.test("that were a hundred types an object", function()
    tap.equal(read, written)
    tap.ok(read + sent >= 100 * OBJECTS, ("only %d"):format(read + sent))
end)

for _, object in ipairs(objects) do
    object:close()
end
tap.done()
