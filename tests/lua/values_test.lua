-- SPDX-License-Identifier: GPL-2.0-only
-- Every kind of value, from C to Lua and back: the C side writes and compares by itself, so that no
-- two mistakes of the host cancel each other.
local bpf = require("bpf")
local tap = require("tap")

tap.needs_kernel()

local HEAD = '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n'

-- Delivers what the ring buffers hold.
local function deliver()
    local timer
    timer = bpf.every(0.001, function()
        timer:close()
        bpf.stop()
    end)
    assert(bpf.run())
end

-- One kind of value: `types` declares `struct value`, `fill` writes *v, `check` tells whether *v
-- holds the same. Compares with `want` what arrives as an event and as a map's value, then gives it
-- (or `back`) back through a map and lets the C compare.
local function both_ways(types, fill, check, want, back)
    local object <close> = assert(bpf.load({
        source = HEAD .. types .. [[

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, int);
	__type(value, struct value);
} values SEC(".maps");

static __always_inline void fill(struct value *v)
{
]] .. fill .. [[

}

SEC("raw_tp/sys_enter")
int produce(void *context)
{
	int key = 1;
	struct value zero, *v;

	__builtin_memset(&zero, 0, sizeof(zero));
	bpf_map_update_elem(&values, &key, &zero, BPF_ANY);
	v = bpf_map_lookup_elem(&values, &key);
	if (!v)
		return 1;
	fill(v);
	v = bpf_ringbuf_reserve(&events, sizeof(*v), 0);
	if (!v)
		return 2;
	__builtin_memset(v, 0, sizeof(*v));
	fill(v);
	bpf_ringbuf_submit(v, 0);
	return 0;
}

SEC("raw_tp/sys_enter")
int compare(void *context)
{
	int key = 2;
	struct value *v = bpf_map_lookup_elem(&values, &key);

	return v && (]] .. check .. [[);
}
]],
    }))
    local got, count = nil, 0
    object:on_event("events", function(event)
        got = event:copy()
        count = count + 1
    end)
    tap.equal(assert(object:program("produce"):test_run()).return_value, 0, "produce")
    deliver()
    tap.equal(count, 1, "events")
    tap.equal(got, want, "event")
    local map = object:map("values")
    tap.equal(map:get(1), want, "value")
    assert(map:set(2, back or got))
    tap.equal(assert(object:program("compare"):test_run()).return_value, 1, "what the C reads")
    tap.equal(map:get(2), want, "value that was set")
    for key, view in pairs(map) do
        if key == 1 then
            assert(map:set(2, view)) -- a view serves as a value too
        end
    end
    tap.equal(map:get(2), want, "value that was set from a view")
end

tap.test("integers at their limits", function()
    both_ways(
        [[struct value {
	__s8 a; __u8 b; __s16 c; __u16 d; __s32 e; __u32 f; __s64 g; __u64 h;
	__s8 i; __s16 j; __s32 k; __s64 l; __u64 m; unsigned long long n; char o;
};]],
        [[
	v->a = -128; v->b = 255; v->c = -32768; v->d = 65535; v->e = -2147483647 - 1;
	v->f = 0xffffffff; v->g = (__s64)1 << 63; v->h = ~0ull; v->i = 127; v->j = 32767;
	v->k = 0x7fffffff; v->l = 0x7fffffffffffffff; v->m = 1ull << 63; v->n = 0x123456789abcdef0;
	v->o = 'A';]],
        [[v->a == -128 && v->b == 255 && v->c == -32768 && v->d == 65535 &&
	v->e == -2147483647 - 1 &&
	v->f == 0xffffffff && v->g == (__s64)1 << 63 && v->h == ~0ull && v->i == 127 && v->j == 32767 &&
	v->k == 0x7fffffff && v->l == 0x7fffffffffffffff && v->m == 1ull << 63 &&
	v->n == 0x123456789abcdef0 && v->o == 'A']],
        {
            a = -128,
            b = 255,
            c = -32768,
            d = 65535,
            e = -2147483648,
            f = 4294967295,
            g = math.mininteger,
            h = -1,
            i = 127,
            j = 32767,
            k = 2147483647,
            l = math.maxinteger,
            m = math.mininteger,
            n = 0x123456789abcdef0,
            o = 65,
        }
    )
end)

tap.test("enums, booleans, pointers, typedefs", function()
    both_ways(
        [[
enum small { SMALL_A = 1, SMALL_B = -2 };
typedef unsigned short one; typedef const one two; typedef volatile two three;
struct value {
	enum small small; bool yes; bool no;
	const struct task_struct *task; int (*fn)(int); __u64 pad; three chain;
};]],
        [[
	v->small = SMALL_B; v->yes = true;
	*(__u64 *)&v->task = 0x7fff12345678; *(__u64 *)&v->fn = 1; v->pad = 9; *(__u16 *)&v->chain = 7;]],
        [[v->small == SMALL_B && v->yes && !v->no &&
	(__u64)v->task == 0x7fff12345678 && (__u64)v->fn == 1 && v->pad == 9 && v->chain == 7]],
        {
            small = -2,
            yes = true,
            no = false,
            task = 0x7fff12345678,
            fn = 1,
            pad = 9,
            chain = 7,
        }
    )
end)

tap.test("enums of 64 bits", function()
    local ok, message = pcall(
        both_ways,
        [[
enum wide { WIDE_A = -1LL, WIDE_B = 0x7fffffffffffffffLL };
enum huge { HUGE_A = 0x8000000000000000ULL };
struct value { enum wide wide[2]; enum huge huge; };]],
        "v->wide[0] = WIDE_A; v->wide[1] = WIDE_B; v->huge = HUGE_A;",
        "v->wide[0] == WIDE_A && v->wide[1] == WIDE_B && v->huge == HUGE_A",
        { wide = { -1, math.maxinteger }, huge = math.mininteger }
    )
    if not ok and message:find("LLVM 14 cannot write 'enum", 1, true) then
        tap.skip("needs LLVM 15")
    end
    tap.ok(ok, message)
end)

tap.test("floating point numbers", function()
    both_ways(
        "struct value { float f; double d; float nan; double big; };",
        [[
	*(__u32 *)&v->f = 0xbfc00000; *(__u64 *)&v->d = 0x3fb999999999999a;
	*(__u32 *)&v->nan = 0x7fc00000; *(__u64 *)&v->big = 0x7ff0000000000000;]],
        [[*(__u32 *)&v->f == 0xbfc00000 && *(__u64 *)&v->d == 0x3fb999999999999a &&
	(*(__u32 *)&v->nan & 0x7fc00000) == 0x7fc00000 && *(__u64 *)&v->big == 0x7ff0000000000000]],
        { f = -1.5, d = 0.1, nan = 0 / 0, big = math.huge }
    )
end)

tap.test("text and bytes", function()
    both_ways(
        [[struct value {
	char text[8]; char full[4]; __u8 bytes[6]; unsigned char raw[3]; s8 numbers[2];
	char lines[2][4]; __u8 table[2][2]; char empty[2]; };]],
        [[
	__builtin_memcpy(v->text, "ab", 3); __builtin_memcpy(v->full, "wxyz", 4);
	__builtin_memcpy(v->bytes, "\0\1\377\0x\0", 6); __builtin_memcpy(v->raw, "\0\0\0", 3);
	v->numbers[0] = -1; v->numbers[1] = 1; __builtin_memcpy(v->lines, "one\0two", 8);
	__builtin_memcpy(v->table, "\1\2\3\4", 4);]],
        [[v->text[0] == 'a' && v->text[1] == 'b' && !v->text[2] && !v->text[3] &&
	v->full[3] == 'z' && v->bytes[2] == 255 && v->bytes[4] == 'x' && v->numbers[0] == -1 &&
	v->lines[1][2] == 'o' && v->table[1][1] == 4 && !v->empty[0] ]],
        {
            text = "ab",
            full = "wxyz",
            bytes = "\0\1\255\0x\0",
            raw = "\0\0\0",
            numbers = { -1, 1 },
            lines = { "one", "two" },
            table = { "\1\2", "\3\4" },
            empty = "",
        }
    )
end)

-- Keys that a program wrote over longer text: what lies behind the NUL tells them apart.
tap.test("text that isn't zero behind its NUL: no two keys look alike", function()
    local NAMES = { "sh\0", "sh\0a", "sh\0b", "sh\0\0\0\0\0c", "\0sh", "longer12", "" }
    local kinds = {
        { "HASH", "char *key = name;", "char[8]" },
        { "LRU_HASH", "char *key = name;", "char[8]" },
        { "PERCPU_HASH", "char *key = name;", "char[8]" },
        { "HASH", "struct in_struct *key = (void *)name;", "struct in_struct" },
        { "HASH", "char (*key)[2][4] = (void *)name;", "char[2][4]" },
    }
    for _, kind in ipairs(kinds) do
        local name, pointer, type = table.unpack(kind)
        type = type:gsub("^char(.*)$", "typeof(char %1)")
        local object <close> = assert(bpf.load({
            source = HEAD .. [[
struct in_struct { char text[8]; };
char name[8];
struct {
	__uint(type, BPF_MAP_TYPE_]] .. name .. [[);
	__uint(max_entries, 64);
	__type(key, ]] .. type .. [[);
	__type(value, int);
} map SEC(".maps");
int number;
SEC("raw_tp/sys_enter")
int add(void *context)
{
	]] .. pointer .. [[

	return bpf_map_update_elem(&map, key, &number, BPF_NOEXIST) != 0;
}
]],
        }))
        local map, globals, program = object:map("map"), object.globals, object:program("add")
        for number, text in ipairs(NAMES) do
            globals.name, globals.number = text, number
            tap.equal(assert(program:test_run({})).return_value, 0, "a new key")
        end
        local function value_of(value)
            if name ~= "PERCPU_HASH" then
                return value
            end
            local sum = 0
            for _, one in ipairs(value) do
                sum = sum + one
            end
            return sum
        end
        local seen, sum, copied = {}, 0, 0
        for key, value in pairs(map) do
            tap.equal(map:get(key), value, "by the loop's key")
            local text = key
            if type:find("struct") then
                text = key.text
            elseif type:find("%]%[") then
                text = (#key[1] < 4 and key[1] .. ("\0"):rep(4 - #key[1]) or key[1]) .. key[2]
            end
            tap.equal(seen[text], nil, "no text comes twice")
            seen[text], sum = true, sum + value_of(value)
        end
        tap.equal(sum, #NAMES * (#NAMES + 1) // 2, "sum of the loop")
        for key, value in pairs(map:copy()) do
            if math.type(key) then
                key, value = value.key, value.value -- a list
            end
            copied = copied + value_of(value)
            tap.equal(value_of(map:get(key)), value_of(value), "by the copy's key")
        end
        tap.equal(copied, sum, "sum of the copy")
        if type:find("8") and not type:find("struct") then
            tap.equal(value_of(map:get("sh")), 1, "text alone has zeros behind it")
            local renewed = {}
            for key in pairs(map) do
                renewed[key] = map:get(key)
            end
            assert(map:update(renewed, "exist"))
            tap.equal(map:count(), #NAMES)
        end
        for key in pairs(map) do
            tap.equal(map:delete(key), true, "the loop's key is there")
        end
        tap.equal(map:count(), 0)
    end
end)

tap.test("text that isn't zero behind its NUL: values, variables and samples", function()
    local object <close> = assert(bpf.load({
        source = HEAD .. [[
struct value { char text[8]; };
char text[8];
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct value);
} values SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");
SEC("raw_tp/sys_enter")
int produce(void *context)
{
	int key = 0;
	struct value *v = bpf_map_lookup_elem(&values, &key);

	if (!v)
		return 1;
	__builtin_memcpy(v->text, "sh\0onger", 8);
	__builtin_memcpy(text, "sh\0onger", 8);
	return bpf_ringbuf_output(&events, v, sizeof(*v), 0);
}
]],
    }))
    local got = {}
    object:on_event("events", function(event)
        got = { event.text, event:copy().text, tostring(event) }
        -- A sample stays whole where it goes into a map as it is.
        assert(object:map("values"):set(0, event))
    end)
    tap.equal(assert(object:program("produce"):test_run({})).return_value, 0)
    deliver()
    tap.equal(got, { "sh", "sh", 'struct value {text = "sh"}' }, "memory that is used again")
    tap.equal(object.globals.text, "sh\0onger")
    tap.equal(object:map("values"):get(0), { text = "sh\0onger" })
end)

tap.test("arrays, of several dimensions too", function()
    both_ways(
        [[struct value {
	int a[3]; __u16 m[2][3]; __u64 c[2][2][2]; bool flags[2]; struct { short x, y; } points[2];
	void *pointers[2]; };]],
        [[
	for (int i = 0; i < 3; i++) v->a[i] = -i;
	for (int i = 0; i < 6; i++) v->m[i / 3][i % 3] = i;
	for (int i = 0; i < 8; i++) v->c[i / 4][i / 2 % 2][i % 2] = i;
	v->flags[1] = true; v->points[1].x = 5; v->points[1].y = -5; *(__u64 *)&v->pointers[1] = 3;]],
        [[v->a[2] == -2 && v->m[1][2] == 5 && v->m[0][2] == 2 && v->c[1][0][1] == 5 &&
	v->flags[1] && !v->flags[0] && v->points[1].y == -5 && (__u64)v->pointers[1] == 3]],
        {
            a = { 0, -1, -2 },
            m = { { 0, 1, 2 }, { 3, 4, 5 } },
            c = { { { 0, 1 }, { 2, 3 } }, { { 4, 5 }, { 6, 7 } } },
            flags = { false, true },
            points = { { x = 0, y = 0 }, { x = 5, y = -5 } },
            pointers = { 0, 3 },
        }
    )
end)

tap.test("structs and unions, nested, anonymous and packed", function()
    both_ways(
        [[
struct inner { __u16 port; char name[6]; };
union either { __u32 word; __u8 bytes[4]; struct { __u16 low, high; }; };
struct packed { __u8 a; __u32 b; __u64 c; __u16 d[3]; } __attribute__((packed));
struct value {
	struct inner inner; union either either;
	struct { int lifted; struct { int deeper; union { int deepest; char letters[4]; }; }; };
	struct packed packed; struct in6_addr address; struct value_ { int n; } named;
};]],
        [[
	v->inner.port = 443; __builtin_memcpy(v->inner.name, "https", 6); v->either.word = 0x04030201;
	v->lifted = 1; v->deeper = 2; v->deepest = 0x41; v->packed.a = 1; v->packed.b = 0xfffffffe;
	v->packed.c = ~0ull; v->packed.d[2] = 9; v->address.in6_u.u6_addr8[15] = 1; v->named.n = -9;]],
        [[v->inner.port == 443 && v->inner.name[4] == 's' && v->either.word == 0x04030201 &&
	v->lifted == 1 && v->deeper == 2 && v->deepest == 0x41 &&
	v->packed.a == 1 && v->packed.b == 0xfffffffe &&
	v->packed.c == ~0ull && v->packed.d[2] == 9 && v->address.in6_u.u6_addr8[15] == 1 &&
	v->named.n == -9]],
        {
            inner = { port = 443, name = "https" },
            either = { word = 0x04030201, bytes = "\1\2\3\4", low = 0x0201, high = 0x0403 },
            lifted = 1,
            deeper = 2,
            deepest = 0x41,
            letters = "A",
            packed = { a = 1, b = 0xfffffffe, c = -1, d = { 0, 0, 9 } },
            address = {
                in6_u = {
                    u6_addr8 = ("\0"):rep(15) .. "\1",
                    u6_addr16 = { 0, 0, 0, 0, 0, 0, 0, 256 },
                    u6_addr32 = { 0, 0, 0, 1 << 24 },
                },
            },
            named = { n = -9 },
        },
        {
            inner = { port = 443, name = "https" },
            either = { word = 0x04030201 },
            lifted = 1,
            deeper = 2,
            letters = "A",
            packed = { a = 1, b = 0xfffffffe, c = -1, d = { [1] = 0, [2] = 0, [3] = 9 } },
            address = { in6_u = { u6_addr8 = ("\0"):rep(15) .. "\1" } },
            named = { n = -9 },
        }
    )
end)

tap.test("bitfields", function()
    both_ways(
        [[
enum level { LOW = -1, MIDDLE, HIGH };
struct value {
	unsigned a : 1; int b : 3; unsigned c : 7; int d : 21;
	bool e : 1; __u8 f : 5; __u64 g : 40; __s64 h : 63; __u64 i : 33; enum level j : 2; __u16 k : 16;
	struct { unsigned l : 4; int m : 28; };
	struct { __u8 n; __u32 o : 17; __u32 p : 15; __u64 q : 61; } __attribute__((packed)) close;
};]],
        [[
	v->a = 1; v->b = -4; v->c = 127; v->d = -1048576; v->e = true; v->f = 21; v->g = 0xfedcba9876;
	v->h = -((__s64)1 << 62); v->i = 0x1ffffffffull; v->j = LOW; v->k = 0xabcd; v->l = 9; v->m = -3;
	v->close.n = 7; v->close.o = 0x1ffff; v->close.p = 1; v->close.q = 0x1234567890abcdefull;]],
        [[v->a == 1 && v->b == -4 && v->c == 127 && v->d == -1048576 && v->e && v->f == 21 &&
	v->g == 0xfedcba9876 && v->h == -((__s64)1 << 62) && v->i == 0x1ffffffffull &&
	v->j == LOW && v->k == 0xabcd && v->l == 9 &&
	v->m == -3 && v->close.n == 7 && v->close.o == 0x1ffff && v->close.p == 1 &&
	v->close.q == 0x1234567890abcdefull]],
        {
            a = 1,
            b = -4,
            c = 127,
            d = -1048576,
            e = true,
            f = 21,
            g = 0xfedcba9876,
            h = -(1 << 62),
            i = 0x1ffffffff,
            j = -1,
            k = 0xabcd,
            l = 9,
            m = -3,
            close = { n = 7, o = 0x1ffff, p = 1, q = 0x1234567890abcdef },
        }
    )
end)

tap.test("__int128 is 16 bytes", function()
    both_ways(
        "struct value { __int128 big; unsigned __int128 list[1]; };",
        "v->big = -2; v->list[0] = (unsigned __int128)1 << 64;",
        "v->big == -2 && v->list[0] == (unsigned __int128)1 << 64",
        {
            big = "\254" .. ("\255"):rep(15),
            list = { ("\0"):rep(8) .. "\1" .. ("\0"):rep(7) },
        }
    )
end)

tap.test("bitfields of __int128 are 16 bytes, too", function()
    both_ways(
        "struct value { __int128 a : 100; unsigned __int128 b : 3; __int128 c : 5; int d : 4; };",
        "v->a = -5; v->b = 7; v->c = -16; v->d = 3;",
        "v->a == -5 && v->b == 7 && v->c == -16 && v->d == 3",
        {
            a = "\251" .. ("\255"):rep(15),
            b = "\7" .. ("\0"):rep(15),
            c = "\240" .. ("\255"):rep(15),
            d = 3,
        }
    )
end)

-- The highest value of an enum can take all its bits; LLVM 14 doesn't tell these from signed ones.
tap.test("enums by name and by value, up to their limits", function()
    local object, message = bpf.load({
        source = HEAD .. [[
enum high { HIGH_TOP = 0xffffffff, HIGH_ONE = 1 };
enum low { LOW_MINUS = -1, LOW_BOTTOM = -2147483647 - 1, LOW_TOP = 2147483647 };
enum wide { WIDE_BOTTOM = -0x7fffffffffffffffLL - 1, WIDE_TOP = 0x7fffffffffffffffLL };
enum huge { HUGE_TOP = 0xffffffffffffffffULL, HUGE_HALF = 0x8000000000000000ULL };
enum { NAMELESS = 3 };
struct value {
	enum high high; enum low low; enum wide wide; enum huge huge;
	enum high narrow : 32; enum low list[2]; enum { INSIDE = 4 } inside;
};
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, enum huge);
	__type(value, struct value); } values SEC(".maps");
]],
    })
    if not object and message:find("LLVM 14 cannot write 'enum", 1, true) then
        tap.skip("needs LLVM 15")
    end
    assert(object, message)
    local function both_directions(name, values)
        local found = object:enum(name)
        for enumerator, value in pairs(values) do
            tap.equal(found[enumerator], value)
            tap.equal(found[value], enumerator)
        end
    end
    both_directions("enum high", { HIGH_TOP = 0xffffffff, HIGH_ONE = 1 })
    both_directions("enum low", { LOW_MINUS = -1, LOW_BOTTOM = -2147483648, LOW_TOP = 2147483647 })
    both_directions("enum wide", { WIDE_BOTTOM = math.mininteger, WIDE_TOP = math.maxinteger })
    both_directions("enum huge", { HUGE_TOP = -1, HUGE_HALF = math.mininteger })

    local map = object:map("values")
    local names = {
        high = "HIGH_TOP",
        low = "LOW_BOTTOM",
        wide = "WIDE_BOTTOM",
        huge = "HUGE_TOP",
        narrow = "HIGH_TOP",
        list = { "LOW_TOP", "LOW_MINUS" },
        inside = "INSIDE",
    }
    local values = {
        high = 0xffffffff,
        low = -2147483648,
        wide = math.mininteger,
        huge = -1,
        narrow = 0xffffffff,
        list = { 2147483647, -1 },
        inside = 4,
    }
    assert(map:set("HUGE_TOP", names))
    tap.equal(map:get(-1), values)
    assert(map:set("HUGE_HALF", values))
    tap.equal(map:get("HUGE_HALF"), values)
    tap.raises(function()
        map:set("HUGE_TOP", { list = { "LOW_MINUS", "LOWER" } })
    end, 'value.list%[2%]: enum low has no value "LOWER"; its values are: LOW_MINUS, LOW_BOTTOM')
    tap.raises(function()
        map:get("HUGE")
    end, 'key: enum huge has no value "HUGE"; its values are: HUGE_TOP, HUGE_HALF')
    tap.raises(function()
        map:set(0, { high = -1 })
    end, "value.high: %-1 doesn't fit into enum high %(0 to 4294967295%)")
    object:close()
end)

tap.test("what doesn't fit is refused, by the field's whole name", function()
    local object <close> = assert(bpf.load({
        source = HEAD .. [[
union either { __u32 word; char letters[4]; struct { __u16 low, high; }; };
struct value {
	struct { struct { __u16 port; __s8 level; } peer[2]; } inner;
	__u32 numbers[2][3]; unsigned bits : 3; int signed_bits : 3; bool flag; bool flag_bit : 1;
	float ratio; double exact; char text[4]; __u8 bytes[2]; __u64 large; void *pointer;
	__int128 wide : 70; union either either; struct { } nothing; struct { } none[2];
};
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u8);
	__type(value, struct value); } values SEC(".maps");
]],
    }))
    local map = object:map("values")
    local function refused(value, pattern)
        tap.raises(function()
            map:set(1, value)
        end, pattern)
        tap.equal(map:get(1), nil)
    end
    refused({ inner = { peer = { { port = 1 }, { port = 70000 } } } },
        "value.inner.peer%[2%].port: 70000 doesn't fit into __u16 %(0 to 65535%)")
    refused({ inner = { peer = { { port = -1 } } } }, "value.inner.peer%[1%].port: %-1 doesn't fit")
    refused({ inner = { peer = { { level = 128 } } } }, "level: 128 doesn't fit into __s8")
    refused({ inner = { peer = { { }, { }, { } } } }, "value.inner.peer: type .* holds 2 .* got 3")
    refused({ numbers = { { 1 }, { 1, 2, 3, 4 } } }, "value.numbers%[2%]: .* holds 3 .* got 4")
    refused({ numbers = { { 1, 2, x = 3 } } }, 'numbers%[1%]: a sequence .* key the string "x"')
    refused({ numbers = { [3] = { 1 } } }, "value.numbers: a sequence expected")
    refused({ numbers = 5 }, "value.numbers: a sequence expected for type .*, got 5")
    refused({ numbers = { { 1, "2" } } }, 'numbers%[1%]%[2%]: an integer .* got the string "2"')
    refused({ bits = 8 }, "value.bits: 8 doesn't fit into unsigned int %(0 to 7%)")
    refused({ bits = -1 }, "value.bits: %-1 doesn't fit")
    refused({ signed_bits = 4 }, "value.signed_bits: 4 doesn't fit into int %(%-4 to 3%)")
    refused({ bits = 1.5 }, "value.bits: an integer expected .* got 1.5")
    refused({ flag = 1 }, "value.flag: true or false expected .* got 1")
    refused({ flag_bit = 1 }, "value.flag_bit: true or false expected .* got 1")
    refused({ ratio = 1e39 }, "value.ratio: a smaller number expected for type float, got 1e%+39")
    refused({ ratio = "1" }, "value.ratio: a number expected")
    refused({ text = "12345" }, "value.text: a string of at most 4 bytes expected .* got 5")
    refused({ bytes = "1" }, "value.bytes: a string of 2 bytes expected .* got 1")
    refused({ large = 2 ^ 64 }, "value.large: an integer expected .* got 1.84.*e%+19")
    refused({ wide = "5" }, "value.wide: a string of 16 bytes expected .* got 1")
    refused({ wide = ("\255"):rep(8) .. ("\127"):rep(8) }, "wide: .* fit into 70 bits")
    refused({ none = { {} } }, "value.none: .* holds 0 elements")
    refused({ nothing = 1 }, "value.nothing: a table expected")
    refused({ either = { worth = 1 } },
        'value.either: union either has no field "worth"; its fields are: word, letters, low, high')
    refused({ portt = 1 }, 'value: struct value has no field "portt"; its fields are: inner,')
    refused({ [1] = 1 }, 'value: struct value has no field "%(not a name%)"')
    refused(7, "value: a table expected for type struct value, got 7")
    tap.raises(function()
        map:get(256)
    end, "key: 256 doesn't fit into __u8")

    -- What fits at the edges.
    assert(map:set(1, {
        ratio = math.huge,
        exact = 1e300,
        text = "full",
        large = 3.0,
        pointer = -1,
        wide = ("\255"):rep(16),
        either = { letters = "ab", word = 0x64635958 }, -- the C's order: letters are written last
    }))
    local got = map:get(1)
    tap.equal(got.ratio, math.huge)
    tap.equal(got.exact, 1e300)
    tap.equal({ got.large, got.pointer, got.text }, { 3, -1, "full" })
    tap.equal(got.either.letters, "abcd")
    tap.equal({ got.nothing, got.none }, { {}, {} })
    assert(map:set(2, got)) -- what get() gives can be given back
    tap.equal(map:get(2), got)
end)

tap.test("values of maps that are no structs", function()
    local object <close> = assert(bpf.load({
        source = HEAD .. [[
#define MAP(name, k, v) struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); \
	__type(key, k); __type(value, v); } name SEC(".maps")
typedef char comm_t[16];
typedef __u8 mac_t[6];
enum door { OPEN = 1, SHUT };
MAP(text, comm_t, mac_t);
MAP(numbers, enum door, __u64);
MAP(flags, bool, double);
MAP(lists, __s16, struct list_head);
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 6);
} raw SEC(".maps");
]],
    }))
    local text = object:map("text")
    assert(text:set("cat", "\1\2\3\4\5\6"))
    tap.equal(text:get("cat"), "\1\2\3\4\5\6")
    tap.raises(function()
        text:set("cat", "\1")
    end, "a string of 6 bytes expected for type mac_t, got 1")
    tap.raises(function()
        text:get(5)
    end, "key: a string expected for type comm_t, got 5")

    local numbers = object:map("numbers")
    assert(numbers:set("SHUT", -1))
    tap.equal(numbers:get(2), -1)
    tap.equal(numbers:get("SHUT"), -1)
    tap.equal(string.format("%x", numbers:get(2)), "ffffffffffffffff")

    local flags = object:map("flags")
    assert(flags:set(true, 0.25))
    tap.equal(flags:get(true), 0.25)
    tap.equal(flags:get(false), nil)

    local lists = object:map("lists")
    assert(lists:set(-5, { next = 1, prev = 2 }))
    tap.equal(lists:get(-5), { next = 1, prev = 2 })
    for key, value in pairs(lists) do
        tap.equal(key, -5)
        tap.equal(value.prev, 2)
    end

    local raw = object:map("raw")
    assert(raw:set("\1\0\0\0", "sixsix"))
    tap.equal(raw:get("\1\0\0\0"), "sixsix")
    for key, value in pairs(raw) do
        tap.equal(key .. value, "\1\0\0\0sixsix")
    end
    tap.raises(function()
        raw:get("\1")
    end, "key: a string of 4 bytes expected, got 1")
    tap.raises(function()
        raw:get(1)
    end, "string of 4 bytes expected, got number")
    tap.raises(function()
        raw:set("\1\0\0\0", {})
    end, "string of 6 bytes expected, got table")

    local states = object:enum("enum door")
    tap.equal(states, { OPEN = 1, SHUT = 2, [1] = "OPEN", [2] = "SHUT" })
    tap.equal(object:enum("door"), states)
    tap.raises(function()
        object:enum("enum nothing")
    end, "no enum 'nothing': it is there when .*, as by `enum nothing in_use;`")
    tap.raises(function()
        object:enum("mac_t")
    end, "mac_t is no enum")
end)

tap.test("an enum of which the C uses only enumerators", function()
    local head = '#include "ebscript.bpf.h"\nenum only { ONE = 1, TWO };\nint one = ONE;\n'
    local object <close> = assert(bpf.load({ source = head }))
    for _, name in ipairs({ "only", "enum only" }) do
        tap.raises(function()
            object:enum(name)
        end, "no enum 'only': .* `enum only in_use;`")
    end
    local named <close> = assert(bpf.load({ source = head .. "enum only in_use;" }))
    tap.equal(named:enum("only"), { ONE = 1, TWO = 2, [1] = "ONE", [2] = "TWO" })
end)

tap.done()
