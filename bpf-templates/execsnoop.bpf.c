// SPDX-License-Identifier: GPL-2.0-only
// Reports every exec with its arguments: those that succeed and, where FAILURES is defined, those
// that fail (but for those of 32-bit programs on a 64-bit kernel), which takes Linux 5.17.
//
// From Linux 7.0 on tasks can be preempted in programs on raw tracepoints, and from 7.2 on in those
// on system calls; what is due on that CPU meanwhile, the kernel leaves out. On plain tracepoints
// preemption is off in all kernels: no burst makes it miss an exec that succeeds. But finding these
// asks for more privileges, so there is a program for each.
#include "ebscript.bpf.h"

#define ARGS_SIZE 8192      // bytes of arguments that an event has room for
#define ANY       ((u32)-1) // neither a user nor a process has this number

// Filters on who runs execve().
const volatile u32 target_uid = ANY;
const volatile u32 target_pid = ANY;
const volatile u32 target_ppid = ANY;

struct exec_event {
	u64 ktime; // nanoseconds, CLOCK_MONOTONIC
	u32 pid;
	u32 ppid;
	u32 uid;
	s32 ret;            // 0 or -errno
	u32 args_size;      // of all arguments; of a failed exec, of those that were read
	bool truncated;     // `args` does not hold all of them
	bool unreadable;    // "?" stands for one or more whose memory could not be read
	char comm[16];      // of the new program; of a failed exec, of the one that tried
	u8 args[ARGS_SIZE]; // each ends with a NUL; the event is only as long as they are
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} events SEC(".maps");

// An event is too long for the stack. The room behind it lets a string be read at any place in
// `args` with one constant size, which is all that the verifier can follow.
struct draft {
	struct exec_event exec;
	u8 overflow[ARGS_SIZE];
};

// A draft for each program: the kernel runs none twice at a time on one CPU, but maybe one while
// another is preempted.
enum program { SUCCEEDED, EXECVE, EXECVEAT, PROGRAMS };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROGRAMS);
	__type(key, u32);
	__type(value, struct draft);
} drafts SEC(".maps");

static __always_inline u32 parent_pid(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, real_parent, tgid);
}

static __always_inline bool selected(void)
{
	if (target_uid != ANY && target_uid != (u32)bpf_get_current_uid_gid())
		return false;
	if (target_pid != ANY && target_pid != bpf_get_current_pid_tgid() >> 32)
		return false;
	return target_ppid == ANY || target_ppid == parent_pid();
}

// This CPU's draft, with everything but the arguments.
static __always_inline struct draft *draft_begin(enum program program, int ret)
{
	u32 key = program;
	struct draft *draft = bpf_map_lookup_elem(&drafts, &key);

	if (!draft)
		return NULL;
	draft->exec.ktime = bpf_ktime_get_ns();
	draft->exec.pid = bpf_get_current_pid_tgid() >> 32;
	draft->exec.ppid = parent_pid();
	draft->exec.uid = bpf_get_current_uid_gid();
	draft->exec.ret = ret;
	draft->exec.args_size = 0;
	draft->exec.truncated = false;
	draft->exec.unreadable = false;
	bpf_get_current_comm(draft->exec.comm, sizeof(draft->exec.comm));
	return draft;
}

static __always_inline void draft_send(struct draft *draft, u64 args_size)
{
	if (args_size > ARGS_SIZE)
		args_size = ARGS_SIZE;
	ebs_ringbuf_output(&events, &draft->exec, offsetof(struct exec_event, args) + args_size);
}

// The old program is gone here and the new one hasn't run yet: its arguments are in memory that no
// other thread has, just written by the kernel, so nothing can change them and no page is missing.
static __always_inline int succeeded(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	u64 start = BPF_CORE_READ(mm, arg_start);
	u64 size = BPF_CORE_READ(mm, arg_end) - start;
	struct draft *draft;

	if (!selected())
		return 0;
	draft = draft_begin(SUCCEEDED, 0);
	if (!draft)
		return 0;
	draft->exec.args_size = size;
	if (size > ARGS_SIZE) {
		draft->exec.truncated = true;
		size = ARGS_SIZE;
	}
	if (bpf_probe_read_user(draft->exec.args, size, (void *)start)) {
		size = bpf_probe_read_kernel_str(draft->exec.args, ARGS_SIZE, "?");
		draft->exec.unreadable = true;
	}
	draft_send(draft, size);
	return 0;
}

SEC("tracepoint/sched/sched_process_exec")
int exec_succeeded(void *ctx)
{
	return succeeded();
}

SEC("raw_tp/sched_process_exec")
int exec_succeeded_raw(void *ctx)
{
	return succeeded();
}

#ifdef FAILURES
struct gathering {
	struct draft *draft;
	const char *path;
	const char *const *argv; // NULL is as good as an empty list
	u32 size;
};

// Adds one argument and says whether it was the last. Memory that isn't there right now can't be
// brought in from here: "?" stands for it.
static long gather_argument(u32 index, struct gathering *gathering)
{
	struct draft *draft = gathering->draft;
	const char *const *argv = gathering->argv;
	const char *argument = NULL;
	bool unreadable = argv && bpf_probe_read_user(&argument, sizeof(argument), &argv[index]);
	bool last = unreadable || !argument;
	u32 offset = gathering->size;
	long size = -1;

	if (index == 0) { // the path instead: it is what failed
		last = !unreadable && !argument;
		unreadable = false;
		argument = gathering->path;
	} else if (!unreadable && !argument) {
		return 1;
	}
	if (offset >= ARGS_SIZE) {
		draft->exec.truncated = true;
		return 1;
	}
	if (!unreadable) // one byte more than fits, to see that it doesn't
		size = bpf_probe_read_user_str(&draft->exec.args[offset], ARGS_SIZE + 1, argument);
	if (size <= 0) { // 0: an empty string, to kernels before 6.13
		draft->exec.unreadable |= size < 0;
		size = bpf_probe_read_kernel_str(&draft->exec.args[offset], ARGS_SIZE,
						 size < 0 ? "?" : "");
	}
	gathering->size = offset + size;
	return last;
}

// Whether a row is to tell that a call returned this. Programs never get 512 to 516, which make the
// kernel start the call again. And a thread that SIGKILL waits for doesn't come back: mostly since
// another thread's exec ends it, inside its own.
static __always_inline bool is_failure(long ret)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (ret >= 0 || (ret <= -512 && ret >= -516))
		return false;
	unsigned long pending = BPF_CORE_READ(task, pending.signal.sig[0]);
	return !(pending & 1 << (9 /* SIGKILL */ - 1)) && selected();
}

// Of a call that failed, the thread's registers still have what it asked for.
static __always_inline struct pt_regs *call_registers(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

static __always_inline void failure_send(struct gathering *gathering)
{
	struct draft *draft = gathering->draft;

	bpf_loop(ARGS_SIZE + 1, gather_argument, gathering, 0);
	if (gathering->size > ARGS_SIZE)
		draft->exec.truncated = true;
	draft->exec.args_size = gathering->size;
	draft_send(draft, gathering->size);
}

static __always_inline int exec_failed(enum program program, long ret, struct gathering gathering)
{
	gathering.draft = draft_begin(program, ret);
	if (gathering.draft)
		failure_send(&gathering);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_execve")
int execve_failed(struct trace_event_raw_sys_exit *ctx)
{
	struct pt_regs *call = call_registers();
	struct gathering gathering = {};

	if (!is_failure(ctx->ret))
		return 0;
	gathering.path = (const char *)PT_REGS_PARM1_CORE_SYSCALL(call);
	gathering.argv = (const char *const *)PT_REGS_PARM2_CORE_SYSCALL(call);
	return exec_failed(EXECVE, ctx->ret, gathering);
}

SEC("tracepoint/syscalls/sys_exit_execveat")
int execveat_failed(struct trace_event_raw_sys_exit *ctx)
{
	struct pt_regs *call = call_registers();
	struct gathering gathering = {};

	if (!is_failure(ctx->ret))
		return 0;
	gathering.path = (const char *)PT_REGS_PARM2_CORE_SYSCALL(call);
	gathering.argv = (const char *const *)PT_REGS_PARM3_CORE_SYSCALL(call);
	return exec_failed(EXECVEAT, ctx->ret, gathering);
}
#endif
