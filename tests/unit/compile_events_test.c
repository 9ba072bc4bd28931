// SPDX-License-Identifier: GPL-2.0-only
// The types of events and records: what the compiler finds in plain C, and hangs on the map's
// `type` member, or on a variable of the program's.
#include "compile_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/buffer.h"

// What every case stands behind.
static const char prelude[] =
	"#include \"vmlinux.h\"\n"
	"#include <bpf/bpf_helpers.h>\n"
	"#define MAP(name, kind) struct { __uint(type, kind);\\\n"
	"	__uint(max_entries, 4096); } name SEC(\".maps\")\n"
	"#define RING(name) MAP(name, BPF_MAP_TYPE_RINGBUF)\n"
	"struct event { u32 pid; u64 when; char comm[16]; };\n"
	"struct other { u64 address; };\n"
	"struct header { u32 kind; };\n"
	"struct flexible { u32 size; char text[]; };\n"
	"union either { u32 small; u64 large; };\n"
	"typedef struct { u32 pid; } unnamed_t;\n"
	"volatile u32 runtime_size;\n"
	"#define PROGRAM SEC(\"raw_tp\") int program(void *ctx)\n"
	"RING(rb); RING(rb2); MAP(perf, BPF_MAP_TYPE_PERF_EVENT_ARRAY);\n"
	"struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1);\n"
	"	__type(key, u32); __type(value, struct event); } scratch SEC(\".maps\");\n";

struct event_case {
	const char *name;
	const char *source;
	const char *rb, *rb2, *perf; // the types that each buffer should name; NULL: no type
};

// Text of a type: "struct event", "u64", "char[64]", "struct{pid}" without a name.
static void describe(struct ebs_buffer *text, const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	const char *name = btf__name_by_offset(btf, type->name_off);

	if (btf_is_array(type)) {
		describe(text, btf, btf_array(type)->type);
		ebs_buffer_printf(text, "[%u]", btf_array(type)->nelems);
	} else if (btf_is_ptr(type)) {
		describe(text, btf, type->type);
		ebs_buffer_append_char(text, '*');
	} else if (btf_is_composite(type)) {
		ebs_buffer_printf(text, "%s%s%s", btf_is_union(type) ? "union" : "struct",
				  *name ? " " : "", name);
		for (int i = 0; !*name && i < btf_vlen(type); i++)
			ebs_buffer_printf(text, "%c%s", i ? ',' : '{',
					  btf__name_by_offset(btf, btf_members(type)[i].name_off));
		ebs_buffer_append_string(text, *name ? "" : "}");
	} else {
		ebs_buffer_append_string(text, name);
	}
}

static const struct btf_type *map_definition(const struct btf *btf, const char *map)
{
	__s32 id = btf__find_by_name_kind(btf, map, BTF_KIND_VAR);
	assert_true(id > 0);
	const struct btf_type *type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	assert_true(btf_is_struct(type));
	return type;
}

// The types in the prototype that the map's member "type" holds, with commas; "" for a plain one.
static struct ebs_buffer events_of(const struct btf *btf, const char *map)
{
	const struct btf_type *definition = map_definition(btf, map);
	struct ebs_buffer text = { 0 };

	ebs_buffer_append_string(&text, "");
	for (int i = 0; i < btf_vlen(definition); i++) {
		const struct btf_member *member = &btf_members(definition)[i];
		if (strcmp(btf__name_by_offset(btf, member->name_off), "type"))
			continue;
		const struct btf_type *type = btf__type_by_id(btf, member->type);
		assert_true(btf_is_ptr(type));
		type = btf__type_by_id(btf, type->type);
		assert_true(btf_is_array(type));
		type = btf__type_by_id(btf, btf_array(type)->type);
		if (btf_is_int(type))
			return text;
		assert_true(btf_is_ptr(type));
		type = btf__type_by_id(btf, type->type);
		assert_true(btf_is_func_proto(type));
		for (int j = 0; j < btf_vlen(type); j++) {
			const struct btf_type *pointer =
				btf__type_by_id(btf, btf_params(type)[j].type);
			assert_true(btf_is_ptr(pointer));
			ebs_buffer_append_string(&text, j ? ", " : "");
			describe(&text, btf, pointer->type);
		}
	}
	return text;
}

static void expect_events(const struct btf *btf, const char *map, const char *wanted)
{
	struct ebs_buffer found = events_of(btf, map);

	assert_string_equal(found.data, wanted ? wanted : "");
	ebs_buffer_free(&found);
}

static struct bpf_object *open_source(const char *source)
{
	struct ebs_buffer text = { 0 };

	ebs_buffer_append_string(&text, prelude);
	ebs_buffer_append_string(&text, source);
	struct ebs_compile_input input = input_of(text.data);
	struct ebs_compile_output output = compile_input(&input);
	struct bpf_object *object = bpf_object__open_mem(output.object, output.object_size, NULL);
	assert_non_null(object);
	ebs_compile_output_free(&output);
	ebs_buffer_free(&text);
	return object;
}

static void test_case(void **state)
{
	const struct event_case *test = *state;
	struct bpf_object *object = open_source(test->source);
	const struct btf *btf = bpf_object__btf(object);

	expect_events(btf, "rb", test->rb);
	expect_events(btf, "rb2", test->rb2);
	expect_events(btf, "perf", test->perf);
	expect_events(btf, "scratch", NULL);
	const struct bpf_map *map = bpf_object__find_map_by_name(object, "rb");
	assert_non_null(map);
	assert_int_equal(bpf_map__type(map), BPF_MAP_TYPE_RINGBUF);
	assert_int_equal(bpf_map__max_entries(map), 4096);
	bpf_object__close(object);
}

// A member that says already what the events are.
static void test_annotated(void **state)
{
	struct bpf_object *object = open_source(
		"struct { void (*(*type)[BPF_MAP_TYPE_RINGBUF])(struct other *);\n"
		"	__uint(max_entries, 4096); } said SEC(\".maps\");\n"
		"PROGRAM { struct event e = {}; bpf_ringbuf_output(&said, &e, sizeof(e), 0);\n"
		"	return 0; }\n");

	expect_events(bpf_object__btf(object), "said", "struct other");
	bpf_object__close(object);
}

// What programs take out of a user ring buffer, by both ways to look into a sample.
static void test_user_ring_buffers(void **state)
{
	struct bpf_object *object = open_source(
		"#define USER(name) MAP(name, 31 /* user ring buffer */)\n"
		"USER(copied); USER(looked_at); USER(plain);\n"
		"static long copy(struct bpf_dynptr *sample, void *context) { struct event e;\n"
		"	struct other o; if (bpf_dynptr_read(&e, sizeof(e), sample, 0, 0)) return "
		"1;\n"
		"	return bpf_dynptr_read(&o, sizeof(o), sample, 8, 0); }\n"
		"static long look(struct bpf_dynptr *sample, void *context) {\n"
		"	struct other *o = bpf_dynptr_data(sample, 0, sizeof(*o));\n"
		"	return o ? o->address != 0 : 1; }\n"
		"static long count(struct bpf_dynptr *sample, void *context) { return 0; }\n"
		"PROGRAM { bpf_user_ringbuf_drain(&copied, copy, NULL, 0);\n"
		"	bpf_user_ringbuf_drain(&looked_at, (void *)look, ctx, 0);\n"
		"	return bpf_user_ringbuf_drain(&plain, count, NULL, 0); }\n");
	const struct btf *btf = bpf_object__btf(object);

	expect_events(btf, "copied", "struct event");
	expect_events(btf, "looked_at", "struct other");
	expect_events(btf, "plain", NULL);
	bpf_object__close(object);
}

// The types that the prototype of variable `name` lists, with commas; "" when there is none.
static struct ebs_buffer records_of(const struct btf *btf, const char *name)
{
	__s32 id = btf__find_by_name_kind(btf, name, BTF_KIND_VAR);
	struct ebs_buffer text = { 0 };

	ebs_buffer_append_string(&text, "");
	if (id < 0)
		return text;
	const struct btf_type *type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	assert_true(btf_is_ptr(type));
	type = btf__type_by_id(btf, type->type);
	assert_true(btf_is_func_proto(type));
	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_type *pointer = btf__type_by_id(btf, btf_params(type)[i].type);
		assert_true(btf_is_ptr(pointer));
		ebs_buffer_append_string(&text, i ? ", " : "");
		describe(&text, btf, pointer->type);
	}
	return text;
}

// What iterators write belongs to the program, whoever writes it for it.
static void test_records(void **state)
{
	static const struct {
		const char *variable;
		const char *types;
	} wanted[] = {
		{ "directly.records", "struct event" },
		{ "by_helper.records", "struct event" },
		{ "by_another.records", "struct other, struct header" },
		{ "by_callback.records", "unnamed_t" },
		{ "number.records", "u64" },
		{ "text.records", "" },
		{ "nothing.records", "" },
		{ "put.records", "" },
	};
	struct bpf_object *object = open_source(
		"#define ITER(name) SEC(\"iter/task\") int name(struct seq_file **ctx)\n"
		"static __always_inline void put(struct seq_file *seq, const void *data, u32 "
		"size)\n"
		"{ bpf_seq_write(seq, data, size); }\n"
		"static long back(u32 i, void *seq) { unnamed_t u = {};\n"
		"	return bpf_seq_write(seq, &u, sizeof(u)); }\n"
		"ITER(directly) { struct event e = {}; bpf_seq_write(*ctx, &e, sizeof(e)); return "
		"0; }\n"
		"ITER(by_helper) { struct event e = {}; put(*ctx, &e, sizeof(e)); return 0; }\n"
		"ITER(by_another) { struct other o = {}; struct header h = {};\n"
		"	put(*ctx, &o, sizeof(o)); put(*ctx, &h, sizeof(h)); return 0; }\n"
		"ITER(by_callback) { bpf_loop(3, back, *ctx, 0); return 0; }\n"
		"ITER(number) { u64 n = 1; bpf_seq_write(*ctx, &n, sizeof(n)); return 0; }\n"
		"ITER(text) { char t[6] = \"12345\"; bpf_seq_write(*ctx, t, sizeof(t)); return 0; "
		"}\n"
		"ITER(nothing) { return 0; }\n");
	const struct btf *btf = bpf_object__btf(object);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct ebs_buffer found = records_of(btf, wanted[i].variable);

		assert_string_equal(found.data, wanted[i].types);
		ebs_buffer_free(&found);
	}
	bpf_object__close(object);
}

// Maps of one type get types of their own.
static void test_shared_map_type(void **state)
{
	struct bpf_object *object = open_source(
		"struct ring { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); };\n"
		"struct ring one SEC(\".maps\"), two SEC(\".maps\"), three SEC(\".maps\");\n"
		"struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); }\n"
		"	four SEC(\".maps\"), five SEC(\".maps\");\n"
		"PROGRAM { struct event e = {}; struct other o = {};\n"
		"	bpf_ringbuf_output(&one, &e, sizeof(e), 0);\n"
		"	bpf_ringbuf_output(&two, &o, sizeof(o), 0);\n"
		"	bpf_ringbuf_output(&four, &o, sizeof(o), 0);\n"
		"	bpf_ringbuf_output(&five, &e, sizeof(e), 0); return 0; }\n");
	const struct btf *btf = bpf_object__btf(object);

	expect_events(btf, "one", "struct event");
	expect_events(btf, "two", "struct other");
	expect_events(btf, "three", NULL);
	expect_events(btf, "four", "struct other");
	expect_events(btf, "five", "struct event");
	bpf_object__close(object);
}

// The map that is looked up stands for those inside.
static void test_map_in_map(void **state)
{
	struct bpf_object *object = open_source(
		"struct ring { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); };\n"
		"struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2);\n"
		"	__type(key, u32); __array(values, struct ring); } outer SEC(\".maps\");\n"
		"PROGRAM { u32 key = 0; void *ring = bpf_map_lookup_elem(&outer, &key);\n"
		"	struct event e = {};\n"
		"	if (ring) bpf_ringbuf_output(ring, &e, sizeof(e), 0);\n"
		"	return 0; }\n");

	expect_events(bpf_object__btf(object), "outer", "struct event");
	struct bpf_map *outer = bpf_object__find_map_by_name(object, "outer");
	assert_int_equal(bpf_map__type(outer), BPF_MAP_TYPE_ARRAY_OF_MAPS);
	assert_int_equal(bpf_map__type(bpf_map__inner_map(outer)), BPF_MAP_TYPE_RINGBUF);
	bpf_object__close(object);
}

// A pointer in an event doesn't bring the kernel's types along.
static void test_kernel_types_stay_out(void **state)
{
	struct bpf_object *object = open_source(
		"struct reference { struct task_struct *task; };\n"
		"PROGRAM { struct reference e = {}; bpf_ringbuf_output(&rb, &e, sizeof(e), 0);\n"
		"	return 0; }\n");
	const struct btf *btf = bpf_object__btf(object);

	expect_events(btf, "rb", "struct reference");
	assert_true(btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT) < 0);
	bpf_object__close(object);
}

// C that is wrong gets its messages, not an analysis.
static void test_errors_before_types(void **state)
{
	struct ebs_compile_input input =
		input_of("#include \"vmlinux.h\"\n"
			 "#include <bpf/bpf_helpers.h>\n"
			 "struct { __uint(type, BPF_MAP_TYPE_RINGBUF); } rb SEC(\".maps\");\n"
			 "int f(void) { struct none *e =\n"
			 "bpf_ringbuf_reserve(&rb, sizeof(*e) + nothing, 0); }\n");
	struct ebs_compile_output output;
	struct ebs_error error = { 0 };

	assert_true(ebs_compile(&input, &output, &error) < 0);
	assert_string_equal(error.code, "COMPILE");
	assert_non_null(strstr(ebs_error_text(&error), "test.bpf.c:5:"));
	ebs_error_clear(&error);
}

// C in rows of text:
// clang-format off
#define EVENT "struct event"
#define OTHER "struct other"

static const struct event_case cases[] = {
	{ "nothing sent", "PROGRAM { return 0; }" },
	{ "reserve, sizeof(*e)",
	  "PROGRAM { struct event *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);\n"
	  "	if (!e) return 0; e->pid = 1; bpf_ringbuf_submit(e, 0); return 0; }",
	  EVENT },
	{ "reserve, sizeof(struct)",
	  "PROGRAM { void *e = bpf_ringbuf_reserve(&rb, sizeof(struct event), 0);\n"
	  "	if (e) bpf_ringbuf_submit(e, 0); return 0; }",
	  EVENT },
	{ "reserve, sizeof tells more than the pointer",
	  "PROGRAM { struct header *h = bpf_ringbuf_reserve(&rb, sizeof(struct event), 0);\n"
	  "	if (!h) return 0; h->kind = 1; bpf_ringbuf_submit(h, 0); return 0; }",
	  EVENT },
	{ "reserve, number and cast",
	  "PROGRAM { void *e = (struct event *)bpf_ringbuf_reserve(&rb, 32, 0);\n"
	  "	if (e) bpf_ringbuf_submit(e, 0); return 0; }",
	  EVENT },
	{ "reserve, assigned later",
	  "PROGRAM { struct event *e; e = bpf_ringbuf_reserve(&rb, 32, 0);\n"
	  "	if (e) bpf_ringbuf_submit(e, 0); return 0; }",
	  EVENT },
	{ "reserve, void * and a typed local",
	  "PROGRAM { void *p = bpf_ringbuf_reserve(&rb, 32, 0); if (!p) return 0;\n"
	  "	struct event *e = p; e->pid = 1; bpf_ringbuf_submit(p, 0); return 0; }",
	  EVENT },
	{ "reserve, in a condition",
	  "PROGRAM { struct event *e; if (!(e = bpf_ringbuf_reserve(&rb, 32, 0))) return 0;\n"
	  "	bpf_ringbuf_submit(e, 0); return 0; }",
	  EVENT },
	{ "reserve, const volatile",
	  "PROGRAM { const volatile struct event *e = bpf_ringbuf_reserve(&rb, 32, 0);\n"
	  "	if (e) bpf_ringbuf_submit((void *)e, 0); return 0; }",
	  EVENT },
	{ "reserve, statement expression",
	  "PROGRAM { struct event *e = ({ void *p = bpf_ringbuf_reserve(&rb, 32, 0); p; });\n"
	  "	if (e) bpf_ringbuf_submit(e, 0); return 0; }",
	  EVENT },
	{ "reserve, a pointer into the middle is no event",
	  "PROGRAM { void *p = bpf_ringbuf_reserve(&rb, 32, 0); if (!p) return 0;\n"
	  "	struct header *h = p; struct other *o = p + sizeof(*h); o->address = 1;\n"
	  "	h->kind = 1; bpf_ringbuf_submit(p, 0); return 0; }",
	  "struct header" },
	{ "reserve, bytes only",
	  "PROGRAM { char *p = bpf_ringbuf_reserve(&rb, 32, 0); if (!p) return 0;\n"
	  "	*p = 1; bpf_ringbuf_submit(p, 0); return 0; }",
	  "char" },
	{ "reserve, bytes seen on the way",
	  "PROGRAM { char *p = bpf_ringbuf_reserve(&rb, 32, 0); if (!p) return 0;\n"
	  "	struct event *e = (void *)p; e->pid = 1; bpf_ringbuf_submit(e, 0); return 0; }",
	  EVENT },
	{ "output of a local",
	  "PROGRAM { struct event e = {};\n"
	  "	bpf_ringbuf_output(&rb, &e, sizeof(e), 0); return 0; }", EVENT },
	{ "output of a global",
	  "struct event e; PROGRAM { bpf_ringbuf_output(&rb, &e, sizeof(e), 0);\n"
	  "	return 0; }", EVENT },
	{ "output of an array",
	  "struct event e[2]; PROGRAM { bpf_ringbuf_output(&rb, e, sizeof(e), 0); return 0; }",
	  "struct event[2]" },
	{ "output of an array's element",
	  "struct event e[2];\n"
	  "	PROGRAM { bpf_ringbuf_output(&rb, &e[1], sizeof(e[1]), 0); return 0; }",
	  EVENT },
	{ "output of a member",
	  "struct { u32 x; struct event e; } both;\n"
	  "PROGRAM { bpf_ringbuf_output(&rb, &both.e, sizeof(both.e), 0); return 0; }",
	  EVENT },
	{ "output of the start of an event, whole size",
	  "struct { struct header h; u32 x; } both;\n"
	  "PROGRAM { bpf_ringbuf_output(&rb, &both.h, sizeof(both), 0); return 0; }",
	  "struct{h,x}" },
	{ "output of a place in a buffer",
	  "char buf[64]; PROGRAM { bpf_ringbuf_output(&rb, buf + 4, 8, 0); return 0; }", "char" },
	{ "output of a compound literal",
	  "PROGRAM { bpf_ringbuf_output(&rb, &(struct event){ .pid = 1 }, 32, 0);\n"
	  "	return 0; }",
	  EVENT },
	{ "output of a scalar",
	  "PROGRAM { u64 x = 7; bpf_ringbuf_output(&rb, &x, sizeof(x), 0); return 0; }", "u64" },
	{ "output of bytes, any size",
	  "char buf[64]; PROGRAM { bpf_ringbuf_output(&rb, buf, runtime_size & 63, 0); return 0; }",
	  "char[64]" },
	{ "output of a type that only sizeof names",
	  "PROGRAM { char raw[64] = {}; bpf_ringbuf_output(&rb, raw, sizeof(struct event), 0);\n"
	  "	return 0; }",
	  EVENT },
	{ "output, size in a variable",
	  "PROGRAM { char raw[64] = {}; u64 n = sizeof(struct event);\n"
	  "	bpf_ringbuf_output(&rb, raw, n, 0); return 0; }",
	  EVENT },
	{ "output of a map's value",
	  "PROGRAM { u32 zero = 0; void *e = bpf_map_lookup_elem(&scratch, &zero);\n"
	  "	if (e) bpf_ringbuf_output(&rb, e, 32, 0); return 0; }",
	  EVENT },
	{ "perf output",
	  "PROGRAM { struct event e = {};\n"
	  "	bpf_perf_event_output(ctx, &perf, 0xffffffffULL, &e, sizeof(e)); return 0; }",
	  NULL, NULL, EVENT },
	{ "packet output",
	  "SEC(\"fentry/x\") int program(void *ctx) { struct event e = {};\n"
	  "	bpf_skb_output(ctx, &perf, 0, &e, sizeof(e));\n"
	  "	struct other o = {}; bpf_xdp_output(ctx, &perf, 0, &o, sizeof(o)); return 0; }",
	  NULL, NULL, EVENT ", " OTHER },
	{ "flexible array, size by offsetof",
	  "PROGRAM { char raw[64] = {};\n"
	  "	bpf_perf_event_output(ctx, &perf, 0xffffffffULL, raw,\n"
	  "		__builtin_offsetof(struct flexible, text) + (runtime_size & 31));\n"
	  "	return 0; }",
	  NULL, NULL, "struct flexible" },
	{ "flexible array, reserved",
	  "PROGRAM { struct flexible *e = bpf_ringbuf_reserve(&rb, sizeof(*e) + 16, 0);\n"
	  "	if (!e) return 0; e->size = 16; bpf_ringbuf_submit(e, 0); return 0; }",
	  "struct flexible" },
	{ "helper that takes the map",
	  "static __always_inline void emit(void *map, void *p, u64 n)\n"
	  "{ bpf_ringbuf_output(map, p, n, 0); }\n"
	  "PROGRAM { struct event e = {}; struct other o = {};\n"
	  "	emit(&rb, &e, sizeof(e)); emit(&rb2, &o, sizeof(o)); return 0; }",
	  EVENT, OTHER },
	{ "helper that returns void *",
	  "static __always_inline void *get(void *map, u64 n)\n"
	  "{ return bpf_ringbuf_reserve(map, n, 0); }\n"
	  "PROGRAM { struct event *e = get(&rb, sizeof(*e)); if (e) bpf_ringbuf_submit(e, 0);\n"
	  "	return 0; }",
	  EVENT },
	{ "helper that returns the event",
	  "static __always_inline struct event *get(void)\n"
	  "{ return bpf_ringbuf_reserve(&rb, 32, 0); }\n"
	  "PROGRAM { struct event *e = get(); if (e) bpf_ringbuf_submit(e, 0); return 0; }",
	  EVENT },
	{ "helpers with the map inside",
	  "static __always_inline void *get(u64 n) { return bpf_ringbuf_reserve(&rb, n, 0); }\n"
	  "static __always_inline long put(void *ctx, void *p, u64 n)\n"
	  "{ return bpf_perf_event_output(ctx, &perf, 0xffffffffULL, p, n); }\n"
	  "PROGRAM { struct event *e = get(sizeof(*e)); if (e) bpf_ringbuf_submit(e, 0);\n"
	  "	struct other o = {}; return put(ctx, &o, sizeof(o)); }",
	  EVENT, NULL, OTHER },
	{ "helper declared before, defined behind",
	  "static __always_inline void emit(void *map, struct event *e);\n"
	  "PROGRAM { struct event e = {}; emit(&rb, &e); return 0; }\n"
	  "static __always_inline void emit(void *map, struct event *e)\n"
	  "{ bpf_ringbuf_output(map, e, sizeof(*e), 0); }",
	  EVENT },
	{ "recursion in the source ends",
	  "static int again(void *map, int n) { struct event e = {};\n"
	  "	bpf_ringbuf_output(map, &e, sizeof(e), 0); return n ? again(map, n - 1) : 0; }\n"
	  "PROGRAM { return again(&rb, 2); }",
	  EVENT },
	{ "one map or the other",
	  "PROGRAM { struct event e = {};\n"
	  "	bpf_ringbuf_output(runtime_size ? (void *)&rb : (void *)&rb2, &e, sizeof(e), 0);\n"
	  "	return 0; }",
	  EVENT, EVENT },
	{ "one map or the other, by if",
	  "PROGRAM { struct event e = {}; void *map = &rb; if (runtime_size) map = &rb2;\n"
	  "	bpf_ringbuf_output(map, &e, sizeof(e), 0); return 0; }",
	  EVENT, EVENT },
	{ "global function",
	  "__attribute__((noinline)) int emit(void) { struct event e = {};\n"
	  "	return bpf_ringbuf_output(&rb, &e, sizeof(e), 0); }\n"
	  "PROGRAM { return emit(); }",
	  EVENT },
	{ "callback",
	  "static long each(u32 i, void *ctx) { struct event *e = ctx;\n"
	  "	bpf_ringbuf_output(&rb, e, sizeof(*e), 0); return 0; }\n"
	  "PROGRAM { struct event e = {}; bpf_loop(3, each, &e, 0); return 0; }",
	  EVENT },
	{ "typed pointer to the map",
	  "PROGRAM { typeof(rb) *map = &rb; struct event e = {};\n"
	  "	bpf_ringbuf_output(map, &e, sizeof(e), 0); return 0; }",
	  EVENT },
	{ "two types in one buffer",
	  "PROGRAM { struct event e = {}; struct other o = {};\n"
	  "	bpf_ringbuf_output(&rb, &e, sizeof(e), 0);\n"
	  "	bpf_ringbuf_output(&rb, &o, sizeof(o), 0);\n"
	  "	bpf_ringbuf_output(&rb, &e, sizeof(e), 0); return 0; }",
	  EVENT ", " OTHER },
	{ "struct without a name",
	  "PROGRAM { struct { u32 a; u64 b; } e = {}; bpf_ringbuf_output(&rb, &e, sizeof(e), 0);\n"
	  "	return 0; }",
	  "struct{a,b}" },
	{ "typedef of a struct without a name",
	  "PROGRAM { unnamed_t e = {}; bpf_ringbuf_output(&rb, &e, sizeof(e), 0); return 0; }",
	  "unnamed_t" },
	{ "union",
	  "PROGRAM { union either e = {}; bpf_ringbuf_output(&rb, &e, sizeof(e), 0); return 0; }",
	  "union either" },
	{ "type of the kernel's",
	  "PROGRAM { struct kernel_event e = {}; bpf_ringbuf_output(&rb, &e, sizeof(e), 0);\n"
	  "	return 0; }",
	  "struct kernel_event" },
	{ "dynptr, data",
	  "PROGRAM { struct bpf_dynptr ptr; bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &ptr);\n"
	  "	struct event *e = bpf_dynptr_data(&ptr, 0, sizeof(*e)); if (e) e->pid = 1;\n"
	  "	bpf_ringbuf_submit_dynptr(&ptr, 0); return 0; }",
	  EVENT },
	{ "dynptr, written in pieces",
	  "PROGRAM { struct bpf_dynptr ptr; struct event e = {}; struct other o = {};\n"
	  "	bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &ptr);\n"
	  "	bpf_dynptr_write(&ptr, 0, &e, sizeof(e), 0);\n"
	  "	bpf_dynptr_write(&ptr, 32, &o, sizeof(o), 0);\n"
	  "	bpf_ringbuf_submit_dynptr(&ptr, 0); return 0; }",
	  EVENT },
};

// clang-format on
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_annotated),
		cmocka_unit_test(test_user_ring_buffers),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_shared_map_type),
		cmocka_unit_test(test_map_in_map),
		cmocka_unit_test(test_kernel_types_stay_out),
		cmocka_unit_test(test_errors_before_types),
	};
	struct CMUnitTest tests[COUNT(cases) + COUNT(others)];

	for (size_t i = 0; i < COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){ .name = cases[i].name,
						.test_func = test_case,
						.initial_state = (void *)&cases[i] };
	memcpy(tests + COUNT(cases), others, sizeof(others));
	return cmocka_run_group_tests_name("compile_events", tests, NULL, NULL);
}
