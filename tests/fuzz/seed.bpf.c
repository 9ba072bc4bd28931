// SPDX-License-Identifier: GPL-2.0-only
// Something of everything that clang writes into BTF, with relocations: where fuzzers start from.
#define SEC(name)  __attribute__((section(name), used))
#define CORE       __attribute__((preserve_access_index))
#define TAG(name)  __attribute__((btf_type_tag(name)))
#define DECL(name) __attribute__((btf_decl_tag(name)))

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef long long s64;
typedef unsigned long long u64;

enum small { SMALL_NONE, SMALL_ONE, SMALL_LEAST = -3 };
enum wide { WIDE_LOW, WIDE_HIGH = 1ULL << 40 };

struct node {
	struct node *next;
	const struct node TAG("rcu") * parent;
	void (*call)(struct node *, u32, ...);
} CORE;

union word {
	u32 whole;
	u16 halves[2];
	u8 bytes[4];
	float fraction;
};

struct event {
	u64 time;
	s64 offset;
	u32 low : 3, high : 29;
	s64 part : 41;
	enum small small;
	enum wide wide;
	_Bool flag;
	char name[16];
	u8 address[6];
	union word word;
	struct {
		u16 port;
		union {
			u32 v4;
			u32 v6[4];
		};
	} peers[2];
	struct {
		int inner;
	};
	u16 matrix[2][3];
	double ratio;
	void *pointer;
	__int128 large;
	char rest[];
};

struct task {
	int pid;
	struct node node;
	volatile u32 state;
	char comm[8];
	enum small kind;
	u32 bits : 5;
} CORE;

struct task___old {
	long pid;
} CORE;

struct {
	int (*type)[27];
	int (*max_entries)[4096];
	struct event *value;
} events SEC(".maps");

struct {
	int (*type)[1];
	int (*max_entries)[16];
	u32 *key;
	struct event *value;
} table SEC(".maps");

const volatile u32 limit = 10;
const volatile char title[8] = "seed";
u64 counter DECL("counted");
struct event last;
static union word words[4];

SEC("raw_tp/sys_enter")
int on_enter(struct task *task)
{
	struct task___old *old = (void *)task;

	counter += task->pid + (u64)task->node.next->parent->next + (u64)task->node.parent;
	if (__builtin_preserve_field_info(old->pid, 2))
		counter += old->pid;
	words[task->state & 3].whole += task->comm[2] + task->bits;
	counter += __builtin_preserve_type_info(*(struct task *)0, 0);
	counter += __builtin_preserve_enum_value(*(enum small *)SMALL_ONE, 1);
	last.time = limit + title[1];
	return words[1].bytes[0];
}

char licence[] SEC("license") = "GPL";
