// SPDX-License-Identifier: GPL-2.0-only
// One BPF object: opened from memory, configured, loaded, closed.
#ifndef EBS_KERNEL_OBJECT_H
#define EBS_KERNEL_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "kernel/map.h"
#include "types/layout.h"

struct bpf_program;
struct ebs_link;
struct ebs_object;

struct ebs_program {
	struct bpf_program *handle;
	struct ebs_object *object;
	char *name;
	char *section;   // as in SEC(): "xdp", "kprobe/sys_execve"
	uint32_t btf_id; // of what it attaches to in the kernel's BTF; 0: not known, or attaches
			 // otherwise
	bool left_out;   // neither loaded nor attached
	struct ebs_link *links;   // all that there are
	uint64_t missed_by_links; // what the kernel counted for probes that are detached
};

// Phase 1. `elf` must stay until the object is loaded. `name` is for messages and the kernel's
// listings. `btf_path` names a file with all of the kernel's BTF that the object's relocations
// need, to be used in place of the kernel's own; NULL for that. NULL with `error` filled.
struct ebs_object *ebs_object_open(const void *elf, size_t size, const char *name,
				   const char *btf_path, struct ebs_error *error);

// Between open and load.

// A `const volatile` global: its layout, and where its bytes are to be written (they hold what the
// C says).
struct ebs_constant {
	const struct ebs_layout *layout;
	void *data;
};
int ebs_object_constant(struct ebs_object *object, const char *name, struct ebs_constant *constant,
			struct ebs_error *error);
// Appends the object's ELF file to `elf` with the bytes that its constants have now. Returns 0, or
// -errno with `error` filled.
int ebs_object_write_constants(struct ebs_object *object, struct ebs_buffer *elf,
			       struct ebs_error *error);
int ebs_object_set_max_entries(struct ebs_object *object, const char *map, uint32_t max_entries,
			       struct ebs_error *error);

// The object uses `given`, a map of another object or a pinned one, in place of a map of its own
// that is like it. Comes before the sizes of maps are set.
int ebs_object_use_map(struct ebs_object *object, const char *name, const struct ebs_map *given,
		       struct ebs_error *error);

// Maps that are pinned by name get their pins in this folder; else in /sys/fs/bpf.
int ebs_object_set_pin_root_path(struct ebs_object *object, const char *folder,
				 struct ebs_error *error);
// The size of the ring or perf buffer `map` (NULL: of all of them), in bytes, of perf buffers for
// each CPU; goes before what ebs_object_set_max_entries() said. The kernel takes a power of two of
// pages: it is rounded up to that, and map->buffer_size has it. At most 2^31.
int ebs_object_set_buffer_size(struct ebs_object *object, const char *map, uint32_t bytes,
			       struct ebs_error *error);

// Where a program attaches by BTF: the name there, and its BTF_KIND_*. False for other programs.
// What is found of it may be put into the program's btf_id, so that loading needs no search.
bool ebs_program_btf_target(const struct ebs_program *program, char *name, size_t size,
			    uint32_t *kind);

// A program that isn't wanted here.
void ebs_program_leave_out(struct ebs_program *program, bool left_out);

// Phase 2. Code "VERIFY", with the line of the C in the text, when the verifier refused a program.
int ebs_object_load(struct ebs_object *object, struct ebs_error *error);

// Gives the kernel's part back: programs and maps are gone, unless something else holds them. Its
// links and rings must have been freed before. Harmless when repeated. What is described here
// (maps, programs, types) stays readable until ebs_object_free(), which closes too.
void ebs_object_close(struct ebs_object *object);
void ebs_object_free(struct ebs_object *object);

// Owned by the object; NULL past the end, or when there is none of that name. Maps that the C
// doesn't define (.rodata and the like) aren't among them.
struct ebs_map *ebs_object_map_at(struct ebs_object *object, size_t index);
struct ebs_map *ebs_object_map(struct ebs_object *object, const char *name);
struct ebs_program *ebs_object_program_at(struct ebs_object *object, size_t index);
struct ebs_program *ebs_object_program(struct ebs_object *object, const char *name);

// Owned by the program, which must be loaded.
int ebs_program_fd(const struct ebs_program *program);

struct ebs_types *ebs_object_types(struct ebs_object *object);

// Runs the program `repeat` times without attaching it. Which of data (a packet) and context (the
// arguments of a raw tracepoint, a struct such as __sk_buff, ...) it takes depends on its kind.
struct ebs_test_input {
	const void *data;
	size_t data_size;
	const void *context;
	size_t context_size;
	uint32_t repeat;
};

struct ebs_test_result {
	uint32_t return_value;
	uint32_t duration;      // ns for each run, on average
	struct ebs_buffer data; // what is in them afterwards; owned
	struct ebs_buffer context;
};

// Returns 0 with `result` filled, or -errno with `error` filled; ebs_test_result_free() in either
// case.
int ebs_program_test_run(struct ebs_program *program, const struct ebs_test_input *input,
			 struct ebs_test_result *result, struct ebs_error *error);
void ebs_test_result_free(struct ebs_test_result *result);

// Of the libbpf that runs, as "1.1"; static text.
const char *ebs_object_library_version(void);

#endif
