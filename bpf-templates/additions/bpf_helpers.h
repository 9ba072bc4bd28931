// SPDX-License-Identifier: GPL-2.0-only
// What later bpf_helpers.h of libbpf have. The build appends it to the one that is installed.
#ifndef EBS_BPF_HELPERS_ADDITIONS
#define EBS_BPF_HELPERS_ADDITIONS

// A number of 64 bits in a map's definition: a value that no pointer to an array can carry.
#ifndef __ulong
#define __ulong(name, value) enum { ___bpf_concat(ebs_value_, __COUNTER__) = value } name
#endif

// Pointers in maps.
#ifndef __kptr
#define __kptr __attribute__((btf_type_tag("kptr")))
#endif
#ifndef __kptr_untrusted
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#endif
#ifndef __percpu_kptr
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#endif
#ifndef __uptr
#define __uptr __attribute__((btf_type_tag("uptr")))
#endif

// What the verifier may take for granted of a global function's argument.
#ifndef __arg_ctx
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#endif
#ifndef __arg_nonnull
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#endif
#ifndef __arg_nullable
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
#endif
#ifndef __arg_trusted
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#endif
#ifndef __arg_untrusted
#define __arg_untrusted __attribute__((btf_decl_tag("arg:untrusted")))
#endif
#ifndef __arg_arena
#define __arg_arena __attribute__((btf_decl_tag("arg:arena")))
#endif

// Whether the kernel has a symbol that is declared with __ksym and __weak. Without the latter its
// address is never 0, and the compiler knows.
#ifndef bpf_ksym_exists
#define bpf_ksym_exists(symbol)                                   \
	({                                                        \
		_Static_assert(!__builtin_constant_p(!!(symbol)), \
			       "declare " #symbol " as __weak");  \
		!!(symbol);                                       \
	})
#endif

#ifndef bpf_for
// Kfuncs of Linux 6.4, whose struct is among the kernel's types.
struct bpf_iter_num;
extern int bpf_iter_num_new(struct bpf_iter_num *iterator, int start, int end) __weak __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *iterator) __weak __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *iterator) __weak __ksym;

// An iterator of this kind that ends with its loop: `done` is there so that the functions are
// called before the loop begins.
#define EBS_ITERATOR(kind, ...)                                                  \
	struct bpf_iter_##kind ebs_iterator                                      \
		__attribute__((aligned(8), cleanup(bpf_iter_##kind##_destroy))), \
		*ebs_begun __attribute__((unused)) =                             \
			(bpf_iter_##kind##_new(&ebs_iterator, ##__VA_ARGS__),    \
			 (void)bpf_iter_##kind##_destroy, (void *)0)

// bpf_for_each(KIND, element, arguments of bpf_iter_KIND_new()...)
#define bpf_for_each(kind, element, ...)        \
	for (EBS_ITERATOR(kind, ##__VA_ARGS__); \
	     ((element) = bpf_iter_##kind##_next(&ebs_iterator));)

// `number` from `start` up to `end` - 1. The verifier is shown its bounds in each turn.
#define bpf_for(number, start, end)                                                               \
	for (EBS_ITERATOR(num, (start), (end)); ({                                                \
		     int *ebs_next = bpf_iter_num_next(&ebs_iterator);                            \
		     ebs_next && ((number) = *ebs_next, (number) >= (start) && (number) < (end)); \
	     });)
#define bpf_repeat(times) for (EBS_ITERATOR(num, 0, (times)); bpf_iter_num_next(&ebs_iterator);)
#endif

#endif
