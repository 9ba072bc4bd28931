// SPDX-License-Identifier: GPL-2.0-only
// What the files of kernel/ know of an object.
#ifndef EBS_KERNEL_OBJECT_PRIVATE_H
#define EBS_KERNEL_OBJECT_PRIVATE_H

#include "kernel/globals.h"
#include "kernel/losses.h"
#include "kernel/object.h"

struct bpf_map;
struct bpf_object;

struct ebs_losses {
	struct ebs_loss *list;
	size_t count;
	size_t counters; // those of `list` that the helpers of ebscript.bpf.h count: the first
	const uint8_t *memory; // the map that they count in, in place; NULL while there is none
};

// A mapped section of variables.
struct ebs_section {
	void *data;
	size_t size;
};

struct ebs_globals {
	struct ebs_global *list; // NULL until asked for
	size_t count;
	struct ebs_section *sections;
	size_t section_count;
};

struct ebs_object {
	struct bpf_object *handle; // NULL once closed
	char *name;
	const void *elf; // the caller's, who keeps it until the object is loaded
	size_t elf_size;
	struct ebs_types *types;
	struct ebs_map *maps;
	size_t map_count;
	struct ebs_program *programs;
	size_t program_count;
	struct ebs_losses losses;
	struct ebs_globals globals;
};

// btf_programs.c: once before the first open; and between open and load.
int ebs_btf_programs_register(void);

// sections.c
void ebs_sections_register(void);
int ebs_btf_programs_prepare(struct ebs_object *object, struct ebs_error *error);

// refusal_load.c: libbpf's part of loading; code "VERIFY" when the verifier refused a program, and
// no `error` where libbpf's words are all that is known.
int ebs_programs_load(struct ebs_object *object, struct ebs_error *error);
// The program that libbpf failed to load; NULL when it didn't get that far.
struct ebs_program *ebs_object_refused_program(struct ebs_object *object);

// load_failure.c: why it can't be loaded, unless `error` says it already. Returns -errno.
int ebs_object_explain_load(struct ebs_object *object, int number, struct ebs_error *error);

// libbpf_words.c: sets `error` where libbpf's words are about a static program, or an extern that
// this kernel lacks. Returns whether they are.
bool ebs_object_explain_words(const struct ebs_object *object, const char *words, int number,
			      struct ebs_error *error);

// map_memory.c: between open and load, makes arrays such that they can be mapped.
void ebs_map_memory_prepare(struct ebs_object *object);

// attach_struct_ops.c: between open and load, asks for links that end with the process.
void ebs_struct_ops_prepare(struct ebs_object *object);

// globals.c: the section of variables that libbpf made this map for; NULL when it is none.
enum ebs_globals_kind { EBS_GLOBALS_VARIABLE, EBS_GLOBALS_CONSTANT };
const char *ebs_globals_section(struct bpf_map *map, enum ebs_globals_kind *kind);
void ebs_globals_close(struct ebs_object *object);

// object.c: the bytes of section .rodata, which may be changed between open and load; NULL when
// there is none.
uint8_t *ebs_object_rodata(struct ebs_object *object, size_t *size);

// object_pins.c: why loading failed, where that is for a map that is pinned by name. Returns 0 when
// it isn't, else -errno with `error` filled.
int ebs_object_explain_pins(struct ebs_object *object, int number, struct ebs_error *error);
// Whether those who aren't trusted may have put a map where one is pinned by name. Returns 0, or
// -EPERM with `error` filled.
int ebs_object_check_pins(struct ebs_object *object, struct ebs_error *error);

// losses.c: is this the map that the helpers count in? It is the host's own.
bool ebs_losses_is_map(const char *name);
// Between open and load, after load, before close, at the end.
int ebs_losses_prepare(struct ebs_object *object, struct ebs_error *error);
int ebs_losses_open(struct ebs_object *object, struct ebs_error *error);
void ebs_losses_close(struct ebs_object *object);
void ebs_losses_free(struct ebs_object *object);

// map_updates.c: may a program of the loaded object add entries to the map?
bool ebs_programs_update(const struct ebs_object *object, const struct ebs_map *map);

// missed.c: runs that the kernel counted as missed since the object was loaded, those of its links
// among them.
uint64_t ebs_program_missed(const struct ebs_program *program);

#endif
