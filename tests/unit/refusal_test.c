// SPDX-License-Identifier: GPL-2.0-only
// Logs of verifiers of several kernels: what is read from them, and what is told.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/refusal.h"
#include "kernel/verifier_log.h"
#include "kernel/verifier_rules.h"
#include "kernel/verifier_story.h"

#define END "processed 8 insns (limit 1000000) max_states_per_insn 0 total_states 0\n"

// As Linux 6.1 writes it: lines without a file, and R0_w for what was just written.
static const char linux_6_1[] =
	"reg type unsupported for arg#0 function run#30\n"
	"0: R1=ctx(off=0,imm=0) R10=fp0\n"
	"; int run(struct xdp_md *ctx)\n"
	"0: (bf) r7 = r1                       ; R1=ctx(off=0,imm=0) R7_w=ctx(off=0,imm=0)\n"
	"; u64 *slot = bpf_map_lookup_elem(&slots, &key);\n"
	"5: (18) r1 = 0xffff888004577800       ; R1_w=map_ptr(off=0,ks=4,vs=64,imm=0)\n"
	"7: (85) call bpf_map_lookup_elem#1    ; R0_w=map_value_or_null(id=1,off=0,ks=4,vs=64)\n"
	"8: (7b) *(u64 *)(r10 -16) = r0        ; R0_w=map_value_or_null(id=1) R10=fp0 fp-16_w=map\n"
	"9: (61) r1 = *(u32 *)(r7 +16)         ; R1_w=scalar(umax=4294967295,var_off=(0x0; 0xff))\n"
	"10: (79) r6 = *(u64 *)(r10 -16)       ; R6_w=map_value(off=0,ks=4,vs=64,imm=0) R10=fp0\n"
	"11: (67) r1 <<= 3                     ; R1_w=scalar(umax=34359738360)\n"
	"12: (0f) r6 += r1                     ; R1_w=scalar(umax=34359738360) R6_w=map_value()\n"
	"13: (b7) r2 = 1                       ; R2_w=1\n"
	"14: (7b) *(u64 *)(r6 +0) = r2\n"
	"R6 unbounded memory access, make sure to bounds check any such access\n" END;

// As 6.18: a jump, and the state behind it, in one line.
static const char linux_6_18[] =
	"0: R1=ctx() R10=fp0\n"
	"; if (event->pid == 1) @ mine.lua:22\n"
	"4: (85) call bpf_ringbuf_reserve#131          ; R0=ringbuf_mem_or_null(id=2,sz=8) refs=2\n"
	"10: (15) if r0 == 0x1 goto pc+3 14: R0=1 R6=ringbuf_mem(ref_obj_id=2,sz=8) R10=fp0 "
	"refs=2\n"
	"14: (b4) w0 = 0                       ; R0=0 refs=2\n"
	"15: (95) exit\n"
	"Unreleased reference id=2 alloc_insn=4\n"
	"BPF_EXIT instruction in main prog would lead to reference leak\n" END;

// As 5.10: no states behind instructions.
static const char linux_5_10[] =
	"Unrecognized arg#0 type PTR\n"
	"; int run(struct xdp_md *ctx)\n"
	"0: (b4) w1 = 0\n"
	"6: (85) call bpf_map_lookup_elem#1\n"
	"; return value[3];\n"
	"7: (79) r0 = *(u64 *)(r0 +24)\n"
	"R0 invalid mem access 'map_value_or_null'\n"
	"processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0\n";

static struct ebs_verifier_log parse(const char *text)
{
	struct ebs_verifier_log log;

	assert_int_equal(ebs_verifier_log_parse(&log, text, strlen(text)), 0);
	return log;
}

static void expect_text(const char *text, size_t length, const char *wanted)
{
	if (length != strlen(wanted) || strncmp(text, wanted, length) != 0)
		fail_msg("\"%.*s\", expected \"%s\"", (int)length, text, wanted);
}

static void reasons(void **state)
{
	static const char *const all[][2] = {
		{ linux_6_1,
		  "R6 unbounded memory access, make sure to bounds check any such access" },
		{ linux_6_18, "Unreleased reference id=2 alloc_insn=4\n"
			      "BPF_EXIT instruction in main prog would lead to reference leak" },
		{ linux_5_10, "R0 invalid mem access 'map_value_or_null'" },
		{ "combined stack size of 2 calls is 608. Too large\n" END,
		  "combined stack size of 2 calls is 608. Too large" },
		{ "5: (05) goto pc-1\ninfinite loop detected at insn 5\ncur state: R1=ctx() "
		  "R10=fp0\n"
		  "old state: R1=ctx() R10=fp0\n" END,
		  "infinite loop detected at insn 5" },
		{ "0: (95) exit\nfrom 1 to 5: R0=1 R10=fp0\n5: R0=1\n; x\ncaller:\n R10=fp0\n"
		  " frame1: R1=0\nR0 !read_ok\n" END "verification time 20 usec\nstack depth 8\n",
		  "R0 !read_ok" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct ebs_verifier_log log = parse(all[i][0]);

		assert_true(log.whole);
		assert_true(log.processed > 0);
		assert_string_equal(log.messages.data, all[i][1]);
		ebs_verifier_log_free(&log);
	}
}

static void steps(void **state)
{
	struct ebs_verifier_log log = parse(linux_6_18);
	const char *place = log.trace_end;
	struct ebs_verifier_step step;
	const char *value;
	size_t length;

	assert_true(ebs_verifier_log_back(&log, &place, &step));
	assert_int_equal(step.index, 15);
	expect_text(step.text, step.length, "(95) exit");
	assert_int_equal(step.state_length, 0);
	assert_true(ebs_verifier_log_back(&log, &place, &step));
	assert_true(ebs_verifier_log_back(&log, &place, &step));
	assert_int_equal(step.index, 10);
	expect_text(step.text, step.length, "(15) if r0 == 0x1 goto pc+3");
	assert_true(ebs_verifier_step_register(&step, 6, &value, &length));
	expect_text(value, length, "ringbuf_mem(ref_obj_id=2,sz=8)");
	assert_true(ebs_verifier_step_register(&step, 0, &value, &length));
	expect_text(value, length, "1");
	assert_false(ebs_verifier_step_register(&step, 1, &value, &length));
	assert_true(ebs_verifier_log_back(&log, &place, &step));
	assert_int_equal(ebs_step_helper(&step, &value), strlen("bpf_ringbuf_reserve"));
	assert_false(ebs_verifier_log_back(&log, &place, &step));
	ebs_verifier_log_free(&log);
}

static void between_functions(void **state)
{
	struct ebs_verifier_log log =
		parse("1: (85) call pc+3\ncaller:\n R10=fp0\ncallee:\n"
		      " frame1: R1=ctx() R10=fp0\n5: (b7) r0 = 0\n"
		      "6: (95) exit\nreturning from callee:\n frame1: R0=0\n"
		      "to caller at 2:\n R0=0 R10=fp0\n2: (bf) r6 = r0\n" END);
	const char *place = log.trace_end;
	struct ebs_verifier_step step;
	static const bool other[] = { false, true, false, true };

	for (size_t i = 0; i < 4; i++) {
		assert_true(ebs_verifier_log_back(&log, &place, &step));
		assert_int_equal(step.other_function, other[i]);
	}
	ebs_verifier_log_free(&log);
}

static void trail(void **state)
{
	struct ebs_verifier_log log = parse(linux_6_1);
	const char *place = log.trace_end;
	struct ebs_verifier_step step;
	struct ebs_trail trail;
	static const uint32_t indexes[] = { 12, 11, 10, 9, 8, 7 };

	assert_true(ebs_verifier_log_back(&log, &place, &step));
	ebs_trail_follow(&log, place, 6, &trail); // through the stack, to the call
	assert_int_equal(trail.count, 6);
	for (size_t i = 0; i < trail.count; i++)
		assert_int_equal(trail.steps[i].index, indexes[i]);
	assert_int_equal(trail.origin, 5);
	assert_int_equal(trail.number_origin, 3);
	ebs_trail_follow(&log, place, 2, &trail); // r2 = 1
	assert_int_equal(trail.count, 1);
	assert_int_equal(trail.origin, 0);
	assert_int_equal(trail.number_origin, -1);
	ebs_trail_follow(&log, place, 9, &trail);
	assert_int_equal(trail.count, 0);
	assert_int_equal(trail.origin, -1);
	ebs_verifier_log_free(&log);
}

// R0 is compared, or what is made of it, and R1 is added to R6.
static void compared(void **state)
{
	static const struct {
		const char *steps;
		int index; // of the comparison that says nothing of what is added; -1: none
	} rows[] = {
		{ "3: (bf) r1 = r0\n4: (07) r1 += -7\n5: (25) if r1 > 0xc8 goto pc+3\n"
		  "6: (bc) w1 = w0\n7: (04) w1 += -7\n",
		  5 },
		{ "3: (bc) w1 = w0\n4: (67) r1 <<= 2\n5: (26) if w0 > 0x3c goto pc+3\n", 5 },
		{ "3: (25) if r0 > 0xc8 goto pc+3\n4: (bf) r1 = r0\n", -1 },
		{ "3: (bf) r1 = r0\n4: (25) if r0 > 0xc8 goto pc+3\n", -1 }, // known together
		{ "3: (bf) r1 = r0\n4: (25) if r1 > 0xc8 goto pc+3\n", -1 },
		{ "3: (25) if r7 > 0xc8 goto pc+3\n4: (bf) r1 = r0\n", -1 },
		{ "3: (bf) r7 = r0\n4: (07) r7 += 1\n5: (b7) r7 = 2\n"
		  "6: (25) if r7 > 0xc8 goto pc+3\n7: (bf) r1 = r0\n",
		  -1 },
		{ "3: (7b) *(u64 *)(r10 -8) = r0\n4: (07) r0 += 1\n"
		  "5: (25) if r0 > 0xc8 goto pc+3\n6: (79) r1 = *(u64 *)(r10 -8)\n",
		  -1 },
		{ "3: (bf) r1 = r0\n", -1 },
		{ "3: (b7) r1 = 9\n", -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ebs_buffer text = { 0 };
		struct ebs_verifier_step step;

		ebs_buffer_printf(&text,
				  "2: (85) call bpf_get_prandom_u32#7\n%s20: (0f) r6 += r1\n"
				  "21: (73) *(u8 *)(r6 +0) = r1\n",
				  rows[i].steps);
		struct ebs_verifier_log log = parse(text.data);
		bool found = ebs_trail_compared(&log, log.trace_end, 6, &step);
		if (found != (rows[i].index >= 0) || (found && (int)step.index != rows[i].index))
			fail_msg("row %zu: %d", i, found ? (int)step.index : -1);
		ebs_verifier_log_free(&log);
		ebs_buffer_free(&text);
	}
}

static void rounds(void **state)
{
	struct ebs_buffer text = { 0 };
	uint32_t counts[4];

	ebs_buffer_append_string(&text, "0: (b7) r1 = 0\n");
	for (int i = 0; i < 100; i++)
		ebs_buffer_append_string(&text, "; for (;;)\n1: (07) r1 += 1\n2: (05) goto pc-2\n");
	ebs_buffer_append_string(&text, "9: (95) exit\n");
	struct ebs_verifier_log log = parse(text.data);
	ebs_log_count_rounds(&log, 1000, counts, 4);
	assert_int_equal(counts[0], 1);
	assert_int_equal(counts[1], 100);
	assert_int_equal(counts[2], 100);
	ebs_log_count_rounds(&log, 11, counts, 4);
	assert_int_equal(counts[1] + counts[2], 10);
	ebs_verifier_log_free(&log);
	ebs_buffer_free(&text);
}

static void stack_use(void **state)
{
	const struct bpf_insn function[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -304 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -8 }, // no frame's
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10, .src_reg = 1, .off = -16 },
		{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 6, .off = -400 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	assert_int_equal(ebs_stack_use(function, 6), 304);
	assert_int_equal(ebs_stack_use(function + 3, 3), 16);
	assert_int_equal(ebs_stack_use(function + 4, 2), 0);
}

// Messages as kernels from 5.8 to 6.18 have them.
static void known_messages(void **state)
{
	static const struct {
		const char *message, *instruction, *words;
	} all[] = {
		{ "R0 invalid mem access 'map_value_or_null'", "", "may be NULL" },
		{ "R8 invalid mem access 'ringbuf_mem_or_null'", "", "may be NULL" },
		{ "R0 pointer arithmetic on map_value_or_null prohibited, null-check it first", "",
		  "may be NULL" },
		{ "R2 type=map_value_or_null expected=fp, pkt, pkt_meta, map_key, map_value", "",
		  "may be NULL" },
		{ "R1 invalid mem access 'inv'", "", "only a number" },
		{ "R1 invalid mem access 'scalar'", "", "only a number" },
		{ "R1 invalid mem access 'pkt_end'", "", "nothing may be read" },
		{ "invalid access to packet, off=12 size=2, R1(id=0,off=12,r=0)", "", "data_end" },
		{ "R0 unbounded memory access, make sure to bounds check any such access", "",
		  "no upper bound" },
		{ "R2 unbounded memory access, use 'var &= const' or 'if (var < const)'", "",
		  "is a size" },
		{ "R0 min value is negative, either use unsigned index or do a if (index >=0) "
		  "check.",
		  "", "negative" },
		{ "invalid access to map value, value_size=16 off=16 size=8", "", "outside" },
		{ "invalid access to memory, mem_size=8 off=8 size=8", "", "outside" },
		{ "R1 pointer arithmetic with *= operator prohibited", "", "only + and -" },
		{ "R1 32-bit pointer arithmetic prohibited", "", "64 bits" },
		{ "R0 pointer += pointer prohibited", "", "can't be added" },
		{ "dereference of modified ctx ptr R1 off=4 disallowed", "", "constant places" },
		{ "dereference of modified ptr_sock ptr R1 off=4 disallowed", "", "was changed" },
		{ "variable ctx access var_off=(0x0; 0x4) disallowed", "", "constant places" },
		{ "variable ptr_sock access var_off=(0x0; 0x4) disallowed", "", "a constant" },
		{ "R1 type=ctx expected=fp, pkt", "", "doesn't take" },
		{ "R1 type=scalar expected=fp, pkt", "", "wrong kind" },
		{ "math between fp pointer and register with unbounded min value is not allowed",
		  "", "bounds" },
		{ "R0 !read_ok", "(95) exit", "ends here" },
		{ "R0 !read_ok", "(bf) r1 = r0", "no value" },
		{ "R2 !read_ok", "(85) call bpf_map_lookup_elem#1", "no value" },
		{ "invalid indirect read from stack R2 off -16+4 size 16", "", "isn't set whole" },
		{ "invalid indirect read from stack off -16+4 size 16", "", "isn't set whole" },
		{ "invalid read from stack R2 off -16+8 size 16", "", "isn't set whole" },
		{ "invalid read from stack off -8+0 size 8", "", "isn't set whole" },
		{ "invalid read from stack R10 off=-8 size=8", "", "no value" },
		{ "combined stack size of 2 calls is 608. Too large", "", "512" },
		{ "infinite loop detected at insn 5", "", "never end" },
		{ "back-edge from insn 12 to 5", "", "never end" },
		{ "program of this type cannot use helper bpf_override_return#58", "", "{1}()" },
		{ "unknown func bpf_override_return#58", "", "{2}()" },
		{ "invalid func unknown#211", "", "hasn't the helper" },
		{ "cannot call GPL-restricted function from non-GPL compatible program", "",
		  "GPL" },
		{ "cannot call GPL only function from proprietary program", "", "GPL" },
		{ "failed to resolve CO-RE relocation <byte_off> [21] struct a___x.b (0:0 @ offset "
		  "0)",
		  "", "has no field" },
		{ "failed to resolve CO-RE relocation <byte_off> [16] typedef T.b[0].c (0:0 @ "
		  "offset 0)",
		  "", "name of its struct" },
		{ "failed to resolve CO-RE relocation <byte_off> [16] struct a.b (0:0 @ offset 0)",
		  "", "has no field" },
		{ "failed to resolve CO-RE relocation <type_id_target> [16] typedef T", "",
		  "hasn't {1}" },
		{ "failed to resolve CO-RE relocation <enumval_value> [9] enum a::B = 1", "",
		  "hasn't {1}" },
	};
	static const char *const stories[] = {
		"Unreleased reference id=2 alloc_insn=4",
		"BPF program is too large. Processed 1000001 insn",
		"The sequence of 8193 jumps is too complex.",
	};
	regmatch_t groups[EBS_RULE_GROUPS];

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const struct ebs_verifier_rule *rule =
			ebs_verifier_rule_find(all[i].message, all[i].instruction, groups);

		if (!rule || !rule->words || !strstr(rule->words, all[i].words))
			fail_msg("%s: \"%s\", expected \"%s\"", all[i].message,
				 rule && rule->words ? rule->words : "nothing", all[i].words);
	}
	for (size_t i = 0; i < sizeof(stories) / sizeof(*stories); i++) {
		const struct ebs_verifier_rule *rule =
			ebs_verifier_rule_find(stories[i], "", groups);

		if (!rule || rule->words || rule->story == EBS_STORY_NONE)
			fail_msg("%s has no story", stories[i]);
	}
	assert_null(ebs_verifier_rule_find("something of Linux 9", "", groups));
	assert_string_equal(ebs_verifier_release("bpf_sk_lookup_tcp", 17), "bpf_sk_release()");
}

// What the verifier has said nothing about, it has not refused.
static void silence(void **state)
{
	static const struct {
		const char *log;
		bool silent;
	} rows[] = {
		{ "", true },
		{ "\n", true },
		{ END, true },
		{ "processed 0 insns (limit 1000000) max_states_per_insn 0 total_states 0\n",
		  true },
		{ "0: R1=ctx() R10=fp0\n" END, true },
		{ "reg type unsupported for arg#0 function run#30\n" END, true },
		{ "func#0 @0\n; return 0;\n" END, true },
		{ "0: (b7) r0 = 0\n" END, false },
		{ "0: (b7) r0 = 0\nR0 is not to be liked\n" END, false },
		{ "bpf_lsm_file_open is not sleepable\n" END, false },
		{ "attach_btf_id 7 is not a function", false },
		{ "unreachable insn 3\n", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (ebs_verifier_log_is_silent(rows[i].log, strlen(rows[i].log)) != rows[i].silent)
			fail_msg("\"%s\" is %ssilent", rows[i].log, rows[i].silent ? "" : "not ");
	for (size_t i = 0; i < strlen(linux_6_1); i++) // cut anywhere
		ebs_verifier_log_is_silent(linux_6_1, i);
	assert_false(ebs_verifier_log_is_silent(linux_6_1, strlen(linux_6_1)));
}

// Without the object: no lines, all else.
static void expect_message(const char *log, const char *wanted)
{
	static const struct bpf_insn none[1];
	const struct ebs_refused refused = {
		.name = "run",
		.section = "xdp",
		.instructions = none,
		.count = 1,
		.log = log,
		.log_size = strlen(log),
	};
	struct ebs_buffer text = { 0 };

	ebs_refusal_log_init(NULL);
	assert_int_equal(ebs_refusal_tell(&refused, &text), 0);
	assert_string_equal(text.data, wanted);
	ebs_buffer_free(&text);
}

static void messages(void **state)
{
	expect_message(linux_5_10,
		       "the verifier refuses \"run\": what register R0 holds may be NULL here: "
		       "compare it with NULL before using it\n"
		       "kernel: R0 invalid mem access 'map_value_or_null'\n"
		       "  6: (85) call bpf_map_lookup_elem#1\n"
		       "  7: (79) r0 = *(u64 *)(r0 +24)\n"
		       "--verifier-log FILE writes the complete log");
	expect_message("3: (85) call bpf_new#900\nR2 is not to be liked\nit says so twice\n" END,
		       "the verifier refuses \"run\": R2 is not to be liked\n"
		       "kernel: R2 is not to be liked\n"
		       "kernel: it says so twice\n"
		       "  3: (85) call bpf_new#900\n"
		       "--verifier-log FILE writes the complete log");
	expect_message(
		"2: (85) call bpf_trace_printk#6\n"
		"cannot call GPL-restricted function from non-GPL compatible program\n" END,
		"the verifier refuses \"run\": bpf_trace_printk() is only for programs under "
		"the GPL: write `char _license[] SEC(\"license\") = \"GPL\";`, or no licence, "
		"which means that too\n"
		"kernel: cannot call GPL-restricted function from non-GPL compatible program\n"
		"  2: (85) call bpf_trace_printk#6\n"
		"--verifier-log FILE writes the complete log");
}

// Before Linux 6.4 a log that is too long for its memory has no end.
static void cut_logs(void **state)
{
	expect_message("0: (b7) r1 = 0\n1: (07) r1 +=",
		       "the verifier refuses \"run\": its log is too long to have its reason\n"
		       "  1: (07) r1 +=\n"
		       "--verifier-log FILE writes the complete log");
	expect_message("rest of a line\n0: (b7) r1 = 0\n" END,
		       "the verifier refuses \"run\": it gives no reason\n"
		       "  0: (b7) r1 = 0\n"
		       "--verifier-log FILE writes the complete log");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons),           cmocka_unit_test(steps),
		cmocka_unit_test(between_functions), cmocka_unit_test(trail),
		cmocka_unit_test(compared),          cmocka_unit_test(rounds),
		cmocka_unit_test(stack_use),         cmocka_unit_test(known_messages),
		cmocka_unit_test(silence),           cmocka_unit_test(messages),
		cmocka_unit_test(cut_logs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
