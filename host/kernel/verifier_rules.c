// SPDX-License-Identifier: GPL-2.0-only
// The table of the verifier's messages, as kernels from 5.8 to 6.18 word them.
#include "kernel/verifier_rules.h"

#include <stdbool.h>
#include <string.h>

#define NUMBER "(-?[0-9]+)"

// The first one that fits counts.
static const struct ebs_verifier_rule rules[] = {
	// Pointers that may be NULL
	{ "R[0-9]+ invalid mem access '[a-z_]*_or_null'", NULL,
	  "{pointer} may be NULL here: compare it with NULL before using it", EBS_STORY_POINTER },
	{ "R[0-9]+ pointer arithmetic on [a-z_]*_or_null prohibited", NULL,
	  "{pointer} may be NULL here: compare it with NULL before calculating with it",
	  EBS_STORY_POINTER },
	{ "R[0-9]+ type=[a-z_]*_or_null expected=", NULL,
	  "{value} may be NULL here: compare it with NULL before passing it on",
	  EBS_STORY_POINTER },
	{ "Possibly NULL pointer passed to (trusted |helper )?arg", NULL,
	  "{helper} is given a pointer that may be NULL: compare it with NULL before",
	  EBS_STORY_NONE },

	// Packets
	{ "invalid access to packet, off=" NUMBER " size=" NUMBER ", R[0-9]+\\(.*r=" NUMBER "\\)",
	  NULL,
	  "{pointer} may point past the end of the packet: compare it with data_end before "
	  "reading (it is read up to byte {end}, and {3} are known to be there)",
	  EBS_STORY_NONE },
	{ "math between pkt pointer and register with unbounded min value", NULL,
	  "the number that is added to {pointer} may be anything: give it bounds first, as by "
	  "`if (n > 1500) return 0;`",
	  EBS_STORY_OFFSET },
	{ "math between (pkt|packet)_end pointer|R[0-9]+ pointer arithmetic on pkt_end", NULL,
	  "data_end is for comparing only: calculate with the other pointer, `data + n > "
	  "data_end`",
	  EBS_STORY_NONE },

	// Memory with known ends
	{ "R[0-9]+ unbounded memory access, use 'var &= const'", NULL,
	  "{value} has no upper bound here, and is a size: compare it with the largest one before",
	  EBS_STORY_OFFSET },
	{ "R[0-9]+ unbounded memory access", NULL,
	  "how far {pointer} is moved has no upper bound here: compare the index with the size "
	  "before",
	  EBS_STORY_OFFSET },
	{ "R[0-9]+ min value is negative", NULL,
	  "{value} may be negative here: use an unsigned type, or ask `if (n >= 0)` before",
	  EBS_STORY_OFFSET },
	{ "invalid access to map value, value_size=" NUMBER " off=" NUMBER " size=" NUMBER, NULL,
	  "{pointer} may point outside of the map's value: these are {3} bytes from byte {2} on, "
	  "and "
	  "it has {1}; compare the index with the size before",
	  EBS_STORY_OFFSET },
	{ "invalid access to memory, mem_size=" NUMBER " off=" NUMBER " size=" NUMBER, NULL,
	  "{pointer} may point outside of its memory: these are {3} bytes from byte {2} on, and it "
	  "has {1}; compare the index with the size before",
	  EBS_STORY_OFFSET },
	{ "R[0-9]+ (max|min) value is outside of the (allowed memory|array) range", NULL,
	  "{pointer} may point outside of its memory: compare the index with the size before",
	  EBS_STORY_OFFSET },
	{ "R[0-9]+ invalid zero-sized read", NULL,
	  "{value} may be 0 here, and is a size: ask `if (n > 0)` before", EBS_STORY_OFFSET },
	{ "write into map forbidden", NULL,
	  "{pointer} can't be written: it belongs to a constant, or to a map that programs may "
	  "only read",
	  EBS_STORY_POINTER },

	// What is no pointer, or not one for this
	{ "R[0-9]+ invalid mem access '(scalar|inv)'", "=0;",
	  "{pointer} is NULL on a way that leads here: compare it with NULL before using it",
	  EBS_STORY_POINTER },
	{ "R[0-9]+ invalid mem access '(scalar|inv)'", NULL,
	  "{pointer} is only a number to the verifier, not a pointer: read what is there with "
	  "BPF_CORE_READ() or bpf_probe_read_kernel(), in a process's memory with "
	  "bpf_probe_read_user()",
	  EBS_STORY_POINTER },
	{ "R[0-9]+ invalid mem access '([a-z_]+)'", NULL,
	  "nothing may be read or written through {pointer}: to the verifier it is a {1}",
	  EBS_STORY_POINTER },
	{ "R[0-9]+ type=ctx expected=", NULL,
	  "{value} is in the program's context, which {helper} doesn't take: {copied}",
	  EBS_STORY_POINTER },
	{ "R[0-9]+ type=([a-z_]+) expected=(.*)", NULL,
	  "{value} is of the wrong kind for {helper}: the verifier sees {1} where it wants {2}",
	  EBS_STORY_POINTER },
	{ "invalid bpf_context access off=" NUMBER " size=" NUMBER, NULL,
	  "programs of SEC(\"{section}\") can't use this field of their context", EBS_STORY_NONE },
	{ "access beyond struct ([A-Za-z0-9_]+) at off", NULL,
	  "{pointer} points to a struct {1} in this kernel, which ends before that",
	  EBS_STORY_NONE },
	{ "only read is supported", NULL,
	  "{pointer} points to the kernel's own memory, which programs can only read",
	  EBS_STORY_POINTER },

	// Calculating with pointers
	{ "R[0-9]+ pointer arithmetic with ([^ ]+) operator prohibited", NULL,
	  "{value} is a pointer, and the verifier allows only + and - with pointers, not {1}: "
	  "calculate with a number, and add it at the end",
	  EBS_STORY_POINTER },
	{ "R[0-9]+ bitwise operator ([^ ]+) on pointer prohibited", NULL,
	  "{value} is a pointer, and the verifier allows only + and - with pointers, not {1}",
	  EBS_STORY_POINTER },
	{ "R[0-9]+ (32-bit pointer arithmetic|32-bit .* arithmetic) prohibited", NULL,
	  "{value} is a pointer, and all 64 bits of it are needed: use long or __u64, not int",
	  EBS_STORY_POINTER },
	{ "R[0-9]+ pointer arithmetic on ([a-z_]+) prohibited", NULL,
	  "{value} is a {1} to the verifier, and nothing may be added to it", EBS_STORY_POINTER },
	{ "R[0-9]+ pointer \\+= pointer prohibited", NULL,
	  "two pointers can't be added; `a - b` is their distance", EBS_STORY_POINTER },
	{ "R[0-9]+ tried to (subtract|add) .*(pointer|scalar|stack)", NULL,
	  "a pointer can't be subtracted from a number", EBS_STORY_POINTER },
	{ "R[0-9]+ pointer comparison prohibited", NULL,
	  "{value} is a pointer, and can be compared only with NULL, or with another one into the "
	  "same packet",
	  EBS_STORY_POINTER },
	{ "dereference of modified ctx ptr|variable ctx access var_off=", NULL,
	  "{value} is in the program's context, which it may use only at constant places: "
	  "{constant}",
	  EBS_STORY_OFFSET },
	{ "dereference of modified ([a-z_]+) ptr R[0-9]+ off=" NUMBER, NULL,
	  "{pointer} was changed before it is used, which the verifier doesn't allow with a {1}: "
	  "use it as the program got it, with fields at constant places",
	  EBS_STORY_POINTER },
	{ "variable ([a-z_]+) access var_off=", NULL,
	  "where in the {1} this is must be a constant: the verifier can't follow pointer "
	  "arithmetic with a number that it doesn't know",
	  EBS_STORY_OFFSET },
	{ "math between ([a-z_]+) pointer and (register|" NUMBER ")", NULL,
	  "the number that is added to {value} is too large, or has no bounds: give it some "
	  "before",
	  EBS_STORY_OFFSET },
	{ "value " NUMBER " makes ([a-z_]+) pointer be out of bounds", NULL,
	  "adding {1} moves {value} far out of its memory", EBS_STORY_POINTER },
	{ "unknown scalar with mixed signed bounds", NULL,
	  "the number that is added to {value} may be negative: use an unsigned type",
	  EBS_STORY_OFFSET },

	// Values that are not there
	{ "R0 !read_ok", "exit", "the program ends here without having set what it returns",
	  EBS_STORY_NONE },
	{ "R[0-9]+ !read_ok", NULL,
	  "{value} has no value here: set it before, on every way to this line", EBS_STORY_NONE },
	{ "invalid (indirect )?read from stack( R[0-9]+)?( off)? " NUMBER "\\+" NUMBER
	  " size " NUMBER,
	  NULL,
	  "{value} isn't set whole: its byte {5} of {6} has no value, which may be padding between "
	  "fields; begin with all of it 0, as by __builtin_memset()",
	  EBS_STORY_NONE },
	{ "invalid (indirect )?read from stack", NULL,
	  "{value} has no value here, or not in all of its bytes: set it before, padding too, as "
	  "by "
	  "__builtin_memset()",
	  EBS_STORY_NONE },
	{ "At program exit the register R0 has (.*) should have been in (.*)", NULL,
	  "programs of SEC(\"{section}\") may return only {2} here (this one: {1})",
	  EBS_STORY_NONE },
	{ "R0 leaks addr as return value", NULL,
	  "the program returns a pointer, and must return a number", EBS_STORY_POINTER },

	// Stack
	{ "(combined stack|stack) size (of " NUMBER " calls )?is " NUMBER "\\. Too large", NULL,
	  "the functions that call one another need {4} bytes of stack, and there are 512: put "
	  "large variables into a per-CPU array map",
	  EBS_STORY_STACK },
	{ "invalid (write to stack|indirect access to stack|stack type|variable-offset|unbounded "
	  "variable-offset)",
	  NULL,
	  "this reaches outside of a variable on the stack, or of the stack's 512 bytes: compare "
	  "the index with the size before",
	  EBS_STORY_OFFSET },
	{ "the call stack of " NUMBER " frames is too deep", NULL,
	  "functions call one another {1} deep, and 8 is the most", EBS_STORY_NONE },

	// References
	{ "Unreleased reference id=" NUMBER " alloc_insn=" NUMBER, NULL, NULL,
	  EBS_STORY_REFERENCE },
	{ "(bpf_spin_lock is missing unlock|bpf_spin_unlock is missing|.* cannot be used inside "
	  "bpf_spin_lock-ed region)",
	  NULL, "the lock is still held here: call bpf_spin_unlock() on every way to this line",
	  EBS_STORY_NONE },

	// Loops and size
	{ "infinite loop detected at insn " NUMBER "|back-edge from insn " NUMBER " to " NUMBER,
	  NULL,
	  "this loop may never end: the verifier came round with nothing changed; count up to a "
	  "constant bound, as by `for (int i = 0; i < 64; i++)`",
	  EBS_STORY_LOOP },
	{ "BPF program is too large. Processed " NUMBER, NULL, NULL, EBS_STORY_LOOP },
	{ "The sequence of " NUMBER " jumps is too complex", NULL, NULL, EBS_STORY_LOOP },
	{ "unreachable insn " NUMBER, NULL, "the program never gets here, which isn't allowed",
	  EBS_STORY_NONE },

	// Helpers
	{ "(program of this type cannot use helper|unknown func) "
	  "(bpf_probe_read_kernel_str|bpf_probe_read_kernel|bpf_probe_read_str|bpf_probe_read|"
	  "bpf_probe_write_user)#",
	  NULL, "programs of SEC(\"{section}\") can't call {2}(){lockdown}", EBS_STORY_NONE },
	{ "program of this type cannot use helper ([A-Za-z0-9_]+)", NULL,
	  "programs of SEC(\"{section}\") can't call {1}(): it is for other kinds of programs",
	  EBS_STORY_NONE },
	{ "(unknown|invalid) func unknown#([0-9]+)", NULL,
	  "this kernel hasn't the helper {helper} (its number {2}): a newer one may have it",
	  EBS_STORY_NONE },
	{ "(unknown|invalid) func ([A-Za-z0-9_]+)", NULL,
	  "programs of SEC(\"{section}\") can't call {2}() in this kernel: it is for other kinds "
	  "of programs, or for privileges that ebscript hasn't",
	  EBS_STORY_NONE },
	{ "calling kernel function ([A-Za-z0-9_]+) is not allowed", NULL,
	  "programs of SEC(\"{section}\") can't call the kernel's {1}()", EBS_STORY_NONE },
	{ "number of funcs in func_info doesn't match number of subprogs", NULL,
	  "the C gives a helper a function to call, as bpf_loop() wants it: kernels before 5.13 "
	  "take none",
	  EBS_STORY_NONE },
	{ "helper call is not allowed in probe|helper call might sleep in a non-sleepable", NULL,
	  "{helper} can't be called in programs of SEC(\"{section}\")", EBS_STORY_NONE },
	{ "cannot call GPL(-restricted function| only function| compatible)", NULL,
	  "{helper} is only for programs under the GPL: write `char _license[] SEC(\"license\") = "
	  "\"GPL\";`, or no licence, which means that too",
	  EBS_STORY_NONE },
	{ "(LSM|struct ops) programs must have a GPL compatible license", NULL,
	  "programs of SEC(\"{section}\") must be under the GPL: write `char _license[] "
	  "SEC(\"license\") = \"GPL\";`, or no licence, which means that too",
	  EBS_STORY_NONE },

	// libbpf's words in the place of an instruction
	{ "failed to resolve CO-RE relocation <(byte_off|byte_sz|signed|lshift_u64|rshift_u64)> "
	  "\\[[0-9]+\\] (struct|union) ([A-Za-z0-9_]+)\\.([][A-Za-z0-9_.]+)",
	  NULL,
	  "{2} {3} has no field {4} in this kernel: ask with bpf_core_field_exists() before using "
	  "it",
	  EBS_STORY_NONE },
	{ "failed to resolve CO-RE relocation <[a-z_]+> \\[[0-9]+\\] typedef "
	  "([A-Za-z0-9_]+)\\.([][A-Za-z0-9_.]+)",
	  NULL,
	  "the kernel's types have no typedef {1}, and CO-RE looks for the name that the C "
	  "writes: write the name of its struct, as in `struct NAME *p`, to read {2}",
	  EBS_STORY_NONE },
	{ "failed to resolve CO-RE relocation <[a-z_]+> \\[[0-9]+\\] ([^(]*[^ (])", NULL,
	  "this kernel hasn't {1}: ask with bpf_core_type_exists() or bpf_core_enum_value_exists() "
	  "before using it",
	  EBS_STORY_NONE },
	{ "kfunc '([^']+)' is referenced but wasn't resolved", NULL,
	  "this kernel hasn't the function {1}(): ask with bpf_ksym_exists() before calling it",
	  EBS_STORY_NONE },
};

static bool matches(const struct ebs_verifier_rule *rule, const char *message,
		    const char *instruction, regmatch_t groups[EBS_RULE_GROUPS])
{
	regex_t expression;

	if (rule->instruction && !strstr(instruction, rule->instruction))
		return false;
	if (regcomp(&expression, rule->message, REG_EXTENDED))
		return false;
	bool fits = regexec(&expression, message, EBS_RULE_GROUPS, groups, 0) == 0;
	regfree(&expression);
	return fits;
}

const struct ebs_verifier_rule *ebs_verifier_rule_find(const char *message, const char *instruction,
						       regmatch_t groups[EBS_RULE_GROUPS])
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (matches(&rules[i], message, instruction, groups))
			return &rules[i];
	return NULL;
}

const char *ebs_verifier_release(const char *function, size_t length)
{
	static const struct {
		const char *start; // of the function's name
		const char *release;
	} pairs[] = {
		{ "bpf_ringbuf_reserve_dynptr",
		  "bpf_ringbuf_submit_dynptr() or bpf_ringbuf_discard_dynptr()" },
		{ "bpf_ringbuf_reserve", "bpf_ringbuf_submit() or bpf_ringbuf_discard()" },
		{ "bpf_sk_lookup_", "bpf_sk_release()" },
		{ "bpf_skc_lookup_", "bpf_sk_release()" },
		{ "bpf_task_", "bpf_task_release()" },
		{ "bpf_cgroup_", "bpf_cgroup_release()" },
		{ "bpf_cpumask_", "bpf_cpumask_release()" },
		{ "bpf_kptr_xchg", "bpf_obj_drop(), or another bpf_kptr_xchg()" },
		{ "bpf_obj_new", "bpf_obj_drop()" },
		{ "bpf_get_task_exe_file", "bpf_put_file()" },
		{ "bpf_iter_", "the iterator's destroy function" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (length >= strlen(pairs[i].start) &&
		    !strncmp(function, pairs[i].start, strlen(pairs[i].start)))
			return pairs[i].release;
	return "the function that is made for that";
}
